//! What changed, what went, whose balance moved, one customer, and the ids.

use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::CustomerId;
use financial_pulse::provider::{AccountingProvider, ProviderError};
use jiff::Timestamp;
use pretty_assertions::assert_eq;
use serde_json::json;

use super::business::BusinessServer;
use super::ties::{row, small_business};
use super::{Mirror, access, at, connector, decimal, pages, reference, settings, to};

fn since() -> Timestamp {
    at("2026-04-01T00:00:00Z")
}

#[tokio::test]
async fn changes_and_deletions_since_a_time_bring_the_mirror_up_to_date() {
    let server = BusinessServer::start(small_business()).await;
    let provider = connector(settings(&server.url)).provider;
    let mut mirror = Mirror::load(&provider).await;
    server.with(|business| {
        let changed = "2026-04-01T00:00:00Z";
        let invoice = business.row("sales_invoices", "si3");
        invoice["total_amount"] = json!("55.0");
        invoice["updated_at"] = json!(changed);
        business
            .list("sales_invoices")
            .push(row("si7", "bob", "2026-04-02", "8.0", json!({})));
        for (list, id) in [
            ("contact_payments", "cp2"),
            ("contact_allocations", "ca1"),
            ("sales_quick_entries", "sq1"),
            ("contact_opening_balances", "ob1"),
        ] {
            business.row(list, id)["deleted_at"] = json!(changed);
        }
    });
    mirror.read(&provider, Some(since())).await;
    assert_eq!(mirror, Mirror::load(&provider).await);
    assert_eq!(mirror.outstanding("bob"), decimal("3"));
    assert!(
        !mirror
            .documents
            .contains_key(&(Dataset::Payments, "cp2".to_owned()))
    );
}

#[tokio::test]
async fn what_is_not_said_to_be_deleted_is_not() {
    let rows = json!({"$total": 1, "$items": [{"id": "si1", "displayed_as": "SI-1"}]});
    let empty = json!({"$total": 0, "$items": []});
    let replies = [empty, rows].map(|body| crate::support::script::Reply::json(&body));
    let server = crate::support::script::ScriptedServer::start(replies.into()).await;
    let provider = connector(settings(&server.url)).provider;
    let read = pages(&provider, Dataset::Invoices, Some(since())).await;
    assert_eq!(read.len(), 2);
    assert!(read.iter().all(|page| page.records.deletions.is_empty()));
    // Exclusive: a second earlier, so that nothing at the very time is missed.
    let asked = &server.received()[1].target;
    assert!(
        asked.contains("deleted_since=2026-03-31T23%3A59%3A59Z"),
        "{asked}"
    );
}

#[tokio::test]
async fn a_balance_that_moved_without_its_contact_is_read_again() {
    let server = BusinessServer::start(small_business()).await;
    let provider = connector(settings(&server.url)).provider;
    let mut mirror = Mirror::load(&provider).await;
    server.with(|business| {
        business.row("contacts", "ada")["balance"] = json!("395.0");
        let posted = |id: &str, contact, kind| {
            json!({"id": id, "updated_at": "2026-04-02T09:00:00Z", "contact": contact,
                "transaction_type": to(kind)})
        };
        *business.list("transactions") = vec![
            posted("t1", to("ada"), "SALES_INVOICE"),
            posted("t2", to("ada"), "CUSTOMER_RECEIPT"),
            posted("t3", to("supplier"), "PURCHASE_INVOICE"),
            posted("t4", json!(null), "JOURNAL"),
            posted("t5", to("gone"), "SALES_INVOICE"),
        ];
    });
    server.asked();
    mirror.read(&provider, Some(since())).await;
    let balance = |mirror: &Mirror| mirror.customers[&"ada".into()].customer.ledger_balance;
    assert_eq!(balance(&mirror), Some(decimal("395")));
    let mut alone: Vec<_> = server
        .asked()
        .into_iter()
        .filter(|asked| asked.path.starts_with("contacts/"))
        .map(|asked| asked.path)
        .collect();
    alone.sort();
    assert_eq!(alone, ["contacts/ada", "contacts/gone"]);
}

#[tokio::test]
async fn with_many_postings_every_contact_is_read_again() {
    let server = BusinessServer::start(small_business()).await;
    let provider = connector(settings(&server.url)).provider;
    let mut mirror = Mirror::load(&provider).await;
    server.with(|business| {
        business.row("contacts", "bob")["balance"] = json!("1.0");
        *business.list("transactions") = (0..201)
            .map(|n| {
                json!({"id": format!("t{n}"), "updated_at": "2026-04-02T09:00:00Z",
                    "contact": to("ada"), "transaction_type": to("SALES_INVOICE")})
            })
            .collect();
    });
    mirror.read(&provider, Some(since())).await;
    let bob = &mirror.customers[&"bob".into()].customer;
    assert_eq!(bob.ledger_balance, Some(decimal("1")));
}

#[tokio::test]
async fn a_quiet_poll_costs_a_known_number_of_calls() {
    let server = BusinessServer::start(small_business()).await;
    let connector = connector(settings(&server.url));
    let mut mirror = Mirror::default();
    mirror.read(&connector.provider, Some(since())).await;
    let booked = connector.meter.0.load(std::sync::atomic::Ordering::Relaxed);
    let asked = server.asked().len() as u64;
    assert_eq!((booked, asked), (18, 18));
}

#[tokio::test]
async fn one_customer_comes_with_its_documents() {
    let mut business = small_business();
    business
        .list("contacts")
        .push(json!({"id": "supplier", "contact_types": [to("VENDOR")], "name": "Supplier"}));
    let server = BusinessServer::start(business).await;
    let provider = connector(settings(&server.url)).provider;
    let whole = Mirror::load(&provider).await;
    let read = |id: &'static str| {
        let provider = &provider;
        async move {
            let customer = CustomerId::from(id);
            provider.customer(&access(), &reference(), &customer).await
        }
    };
    let mut own = Mirror::default();
    own.apply(read("ada").await.expect("a customer"));
    assert_eq!(own.outstanding("ada"), whole.outstanding("ada"));
    assert_eq!(own.customers[&"ada".into()], whole.customers[&"ada".into()]);
    assert!(
        own.all()
            .all(|document| document.customer.as_str() == "ada")
    );
    for id in ["supplier", "nobody"] {
        let refused = read(id).await;
        assert!(matches!(refused, Err(ProviderError::NotFound)), "{id}");
    }
}
