//! One customer as it is now.

use financial_pulse::domain::document::DocumentId;
use financial_pulse::domain::ids::CustomerId;
use financial_pulse::domain::records::Records;
use financial_pulse::provider::{AccountingProvider, ProviderError};
use jiff::Timestamp;
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::books::{Books, BooksServer};
use super::{access, connector, decimal, reference, settings};
use crate::contracts;
use crate::support::script::{Reply, ScriptedServer};

const CITY_LIMOUSINES: &str = "7c913d33-39d5-4a1c-b8b1-e23f5fc999e0";

/// What the records alone say that is owed: open receivables less unused credit, in a plain sum.
fn outstanding(records: &Records) -> Decimal {
    use financial_pulse::domain::document::{DocumentState, Side};

    let documents = records
        .documents
        .iter()
        .flat_map(|record| &record.documents);
    let issued = documents.filter(|document| document.state == DocumentState::Issued);
    let used = |id: &DocumentId| -> Decimal {
        let uses = records
            .documents
            .iter()
            .flat_map(|record| &record.applications);
        uses.filter(|one| one.from == *id || one.to == *id)
            .map(|one| one.amount)
            .sum()
    };
    issued
        .map(|document| {
            let left = document.total - used(&document.id);
            if document.side == Side::Credit {
                -left
            } else {
                left
            }
        })
        .sum()
}

#[tokio::test]
async fn a_customer_comes_with_all_that_makes_its_balance() {
    let Some(folder) = contracts::folder("xero") else {
        return;
    };
    let server = BooksServer::start(Books::recorded(&folder)).await;
    let mut settings = settings(&server.url);
    settings.page_size = 3;
    let connector = connector(settings);
    let records = connector
        .provider
        .customer(&access(), &reference(), &CustomerId::from(CITY_LIMOUSINES))
        .await
        .expect("a customer");
    assert_eq!(records.customers.len(), 1);
    let balance = decimal("1189.83");
    assert_eq!(records.customers[0].customer.ledger_balance, Some(balance));
    assert_eq!(outstanding(&records), balance);
    let kinds: std::collections::BTreeSet<_> = records
        .documents
        .iter()
        .flat_map(|record| &record.documents)
        .map(|document| document.id.kind.as_str())
        .collect();
    assert!(
        kinds.contains("invoice") && kinds.contains("payment"),
        "{kinds:?}"
    );
}

/// A payment inside an invoice says neither when it changed nor that it was deleted since.
#[tokio::test]
async fn payments_inside_documents_give_way_to_what_the_list_of_payments_says() {
    let Some(folder) = contracts::folder("xero") else {
        return;
    };
    let server = BooksServer::start(Books::recorded(&folder)).await;
    let connector = connector(settings(&server.url));
    let (provider, reference) = (&connector.provider, reference());
    let contact = CustomerId::from(CITY_LIMOUSINES);
    let records = provider.customer(&access(), &reference, &contact).await;
    let mut inside: Vec<_> = records
        .expect("a customer")
        .documents
        .into_iter()
        .filter(|record| record.dataset.as_str() == "payments")
        .collect();
    assert!(!inside.is_empty());
    let payments = financial_pulse::domain::freshness::Dataset::Payments;
    let listed = provider
        .page(&access(), payments, &reference, None, None)
        .await
        .expect("a page")
        .records
        .documents;
    for record in &mut inside {
        assert_eq!(record.changed_at, Timestamp::UNIX_EPOCH);
        let same = listed
            .iter()
            .find(|known| known.ledger_id == record.ledger_id);
        let same = same.expect("listed too");
        // But for the time they are one and the same.
        record.changed_at = same.changed_at;
        record.documents[0].changed_at = same.changed_at;
        assert_eq!(record, same);
    }
}

#[tokio::test]
async fn what_is_no_contact_is_not_found() {
    let server = BooksServer::start(Books::default()).await;
    let connector = connector(settings(&server.url));
    for (id, calls) in [
        ("0aad5b80-2f50-4cc7-9816-5c0000000000", 1),
        ("../Organisation", 1),
        ("\") OR guid(\"", 1),
        ("", 1),
    ] {
        let read = connector
            .provider
            .customer(&access(), &reference(), &CustomerId::from(id))
            .await;
        assert!(
            matches!(read, Err(ProviderError::NotFound)),
            "{id}: {read:?}"
        );
        assert_eq!(connector.meter.spent(), calls, "{id} is asked for or not");
    }
}

fn envelope(resource: &str, rows: &Value) -> Reply {
    Reply::json(&json!({"DateTimeUTC": "/Date(1777032244663)/", resource: rows}))
}

/// In large books Xero refuses to filter credits by contact; they come with the changes.
#[tokio::test]
async fn credits_that_cannot_be_filtered_are_left_to_the_changes() {
    let refused = || Reply::status(400, r#"{"Type":"QueryParseException"}"#);
    let server = ScriptedServer::start(vec![
        envelope(
            "Contacts",
            &json!([{"ContactID": CITY_LIMOUSINES, "Name": "City Limousines"}]),
        ),
        envelope("Invoices", &json!([])),
        refused(),
        refused(),
        refused(),
    ])
    .await;
    let connector = connector(settings(&server.url));
    let contact = CustomerId::from(CITY_LIMOUSINES);
    let records = connector
        .provider
        .customer(&access(), &reference(), &contact)
        .await;
    assert_eq!(records.expect("a customer").customers.len(), 1);
    let targets: Vec<_> = server.received().into_iter().map(|r| r.target).collect();
    assert_eq!(
        targets[0],
        format!("/api.xro/2.0/Contacts/{CITY_LIMOUSINES}")
    );
    assert!(
        targets[1].contains(&format!("ContactIDs={CITY_LIMOUSINES}")),
        "{}",
        targets[1]
    );
    let filter = format!("where=Contact.ContactID%3D%3Dguid%28%22{CITY_LIMOUSINES}%22%29");
    for target in &targets[2..] {
        assert!(target.contains(&filter), "{target}");
    }
}
