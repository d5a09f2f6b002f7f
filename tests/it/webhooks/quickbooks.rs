//! QuickBooks: both forms, as recorded and as they may come.

use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::store::WebhookEvent;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::harness::{KEY, PREVIOUS_KEY, Service};
use crate::contracts;
use crate::support::databases::for_each_database;
use crate::support::webhook::sign;

/// The header of the signature.
pub(super) const HEADER: &str = "intuit-signature";
/// The company of the recorded delivery that came with a signature.
const RECORDED_REALM: &str = "1269959970";

fn recorded(file: &str) -> Option<Vec<u8>> {
    let folder = contracts::folder("quickbooks")?;
    Some(contracts::bytes(&folder.join("webhooks").join(file)))
}

/// The recorded delivery and its signature.
fn signed() -> Option<(Vec<u8>, String)> {
    let body = recorded("legacy-two-entities-signed.json")?;
    let folder = contracts::folder("quickbooks")?;
    let list = contracts::json(&folder.join("webhooks/SIGNATURES.json"));
    let vector = &list[0];
    assert_eq!(vector["file"], "webhooks/legacy-two-entities-signed.json");
    assert_eq!(vector["verifier_token"], KEY);
    Some((body, vector[HEADER].as_str().expect("text").to_owned()))
}

/// When the made-up events happened.
const MOMENT: &str = "2026-05-05T12:00:00Z";

fn changed(dataset: Dataset, ledger_id: &str, at: &str) -> WebhookEvent {
    WebhookEvent {
        dataset,
        ledger_id: ledger_id.to_owned(),
        merged: false,
        happened_at: Some(at.parse().expect("a time")),
    }
}

fn event(id: &str, kind: &str, entity: &str, realm: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "intuit.x", "type": kind,
        "time": MOMENT, "intuitentityid": entity,
        "intuitaccountid": realm})
}

fn older(realm: &str, name: &str, id: &str, operation: &str, at: &str) -> Value {
    json!({"eventNotifications": [{"realmId": realm, "dataChangeEvent": {"entities": [
        {"name": name, "id": id, "operation": operation, "lastUpdated": at}]}}]})
}

#[tokio::test]
async fn the_recorded_delivery_verifies_and_none_with_a_byte_changed_does() {
    let Some((body, signature)) = signed() else {
        return;
    };
    for_each_database(async |database| {
        let service = Service::start(database).await;
        let books = ProviderKind::QuickBooks;
        service.connect("books", books, RECORDED_REALM).await;
        let post = async |signature: &str, body: &[u8]| {
            service.post("quickbooks", (HEADER, signature), body).await
        };
        // One engine is enough for what never reaches it.
        let positions = if database.is_sqlite() { body.len() } else { 1 };
        for index in 0..positions {
            let mut other = body.clone();
            other[index] ^= 1;
            post(&signature, &other).await.assert_not_signed();
        }
        for index in 0..signature.len() {
            for letter in [b'A', b'B', b'=', b'/', b' '] {
                let mut other = signature.clone().into_bytes();
                if other[index] == letter {
                    continue;
                }
                other[index] = letter;
                let other = String::from_utf8(other).expect("text");
                post(&other, &body).await.assert_not_signed();
            }
        }
        post(&signature, &body[1..]).await.assert_not_signed();
        post(&signature, b"").await.assert_not_signed();
        assert!(!service.has_waiting().await);
        post(&signature, &body).await.assert_taken();
        // The vendor of the same delivery is none of ours.
        let customer = changed(Dataset::Customers, "43", "2016-10-05T03:07:04Z");
        assert_eq!(service.waiting("books").await, [customer]);
        service.shut_down().await;
    })
    .await;
}

#[tokio::test]
async fn both_forms_are_read() {
    let realms = ["310687", "1000000000000001"];
    let Some(account) = recorded("cloudevents-account-created.json") else {
        return;
    };
    for_each_database(async |database| {
        let service = Service::start(database).await;
        for realm in realms {
            service
                .connect(realm, ProviderKind::QuickBooks, realm)
                .await;
        }
        service.deliver(account.clone()).await;
        for file in [
            "legacy-account-created.json",
            "cloudevents-customer-merged.json",
            "cloudevents-employee-created.json",
        ] {
            service.deliver(recorded(file).expect("there")).await;
        }
        let (newer, older) = ("2025-09-10T21:31:25.179Z", "2025-09-08T20:52:31.657Z");
        // Once in either form: the portal sends one of them, and looking twice harms nobody.
        let accounts = [older, newer].map(|at| changed(Dataset::Accounts, "1234", at));
        assert_eq!(service.waiting(realms[0]).await, accounts);
        let merged = WebhookEvent {
            merged: true,
            ..changed(Dataset::Customers, "123", "2025-12-04T15:25:05Z")
        };
        assert_eq!(service.waiting(realms[1]).await, [merged]);
        service.shut_down().await;
    })
    .await;
}

#[tokio::test]
async fn every_kind_of_record_that_is_mirrored_is_known_in_both_forms() {
    let entities = [
        ("Invoice", Dataset::Invoices),
        ("Payment", Dataset::Payments),
        ("CreditMemo", Dataset::CreditNotes),
        ("SalesReceipt", Dataset::CashSales),
        ("RefundReceipt", Dataset::CashRefunds),
        ("JournalEntry", Dataset::JournalEntries),
        ("Deposit", Dataset::Deposits),
        ("Purchase", Dataset::Expenses),
        ("Customer", Dataset::Customers),
        ("Item", Dataset::Items),
        ("Term", Dataset::Terms),
        ("Account", Dataset::Accounts),
    ];
    assert_eq!(entities.len(), ProviderKind::QuickBooks.datasets().len());
    for_each_database(async |database| {
        let service = Service::start(database).await;
        service
            .connect("books", ProviderKind::QuickBooks, "1")
            .await;
        service.connect("more", ProviderKind::QuickBooks, "2").await;
        let mut events = Vec::new();
        let mut expected = Vec::new();
        for (n, (entity, dataset)) in entities.into_iter().enumerate() {
            let words = ["created", "updated", "deleted", "voided"];
            let kind = format!("QBO.{}.{}.v1", entity.to_lowercase(), words[n % 4]);
            events.push(event(&format!("e-{n}"), &kind, &n.to_string(), "1"));
            let words = ["Create", "Update", "Delete", "Void"];
            let at = "2026-05-05T05:00:00-0700";
            let body = older("2", entity, &n.to_string(), words[n % 4], at);
            service.deliver(body.to_string()).await;
            expected.push(changed(dataset, &n.to_string(), MOMENT));
        }
        service.deliver(Value::from(events).to_string()).await;
        expected.sort_by_key(|event| event.dataset);
        assert_eq!(service.waiting("books").await, expected);
        assert_eq!(service.waiting("more").await, expected);
        service.shut_down().await;
    })
    .await;
}

#[tokio::test]
async fn an_event_is_kept_once_however_often_and_in_whatever_company_it_comes() {
    for_each_database(async |database| {
        let service = Service::start(database).await;
        service
            .connect("books", ProviderKind::QuickBooks, "1")
            .await;
        let one = event("e-1", "qbo.invoice.updated.v1", "10", "1");
        let two = event("e-2", "qbo.invoice.updated.v1", "10", "1");
        for events in [
            json!([one]),
            json!([one]),
            json!([two, one, one]),
            json!([one, two]),
        ] {
            service.deliver(events.to_string()).await;
        }
        let invoice = changed(Dataset::Invoices, "10", MOMENT);
        assert_eq!(
            service.waiting("books").await,
            [invoice.clone(), invoice.clone()]
        );
        let at = |at| older("1", "Invoice", "11", "Update", at).to_string();
        for moment in [
            "2026-05-05T12:00:00Z",
            "2026-05-05T12:00:01Z",
            "2026-05-05T12:00:00Z",
        ] {
            service.deliver(at(moment)).await;
        }
        let other = |at| changed(Dataset::Invoices, "11", at);
        let all = [
            invoice.clone(),
            invoice,
            other(MOMENT),
            other("2026-05-05T12:00:01Z"),
        ];
        assert_eq!(service.waiting("books").await, all);
        // At the same moment from many senders.
        let body = json!([event("e-3", "qbo.payment.created.v1", "9", "1")]).to_string();
        let deliveries = (0..8).map(|_| service.deliver(body.clone()));
        futures_util::future::join_all(deliveries).await;
        assert_eq!(service.waiting("books").await.len(), all.len() + 1);
        service.shut_down().await;
    })
    .await;
}

#[tokio::test]
async fn of_organizations_that_are_not_connected_nothing_is_kept() {
    for_each_database(async |database| {
        let service = Service::start(database).await;
        service
            .connect("books", ProviderKind::QuickBooks, "1")
            .await;
        service
            .connect("given-up", ProviderKind::QuickBooks, "2")
            .await;
        // The same id at another accounting system is another organization.
        service.connect("elsewhere", ProviderKind::Xero, "3").await;
        service.revoke("given-up").await;
        let of = |realm| event(realm, "qbo.invoice.updated.v1", "10", realm);
        service
            .deliver(json!([of("2"), of("3"), of("4")]).to_string())
            .await;
        assert!(!service.has_waiting().await);
        // They do not keep others from being heard.
        service
            .deliver(json!([of("4"), of("1"), of("2")]).to_string())
            .await;
        assert_eq!(service.waiting("books").await.len(), 1);
        assert_eq!(service.waiting("elsewhere").await, []);
        service.shut_down().await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_takes_nothing_else_with_it() {
    for_each_database(async |database| {
        let service = Service::start(database).await;
        service
            .connect("books", ProviderKind::QuickBooks, "1")
            .await;
        for body in [
            "",
            "null",
            "{}",
            "[",
            "[[]]",
            "{\"eventNotifications\":7}",
            "\u{feff}[]",
        ] {
            service.deliver(body).await;
        }
        let mut without_id = event("", "qbo.invoice.updated.v1", "10", "1");
        let nul = event("e-2", "qbo.invoice.updated.v1", "1\u{0}0", "1");
        let long = event("e-3", "qbo.invoice.updated.v1", &"9".repeat(101), "1");
        let unknown = event("e-4", "qbo.invoice.emailed.v1", "10", "1");
        let other = event("e-5", "qbo.spaceship.created.v1", "10", "1");
        let good = event("\u{0}e-6", "qbo.invoice.updated.v1", "11", "1");
        let bad = json!([
            7,
            null,
            {},
            without_id.take(),
            nul,
            long,
            unknown,
            other,
            good
        ]);
        service.deliver(bad.to_string()).await;
        let invoice = changed(Dataset::Invoices, "11", MOMENT);
        assert_eq!(service.waiting("books").await, [invoice]);
        service.shut_down().await;
    })
    .await;
}

#[tokio::test]
async fn the_key_before_the_last_change_holds_as_well() {
    for_each_database(async |database| {
        let service = Service::start(database).await;
        let signature = sign("[]", PREVIOUS_KEY);
        let answer = service.post("quickbooks", (HEADER, &signature), "[]").await;
        answer.assert_taken();
        let signature = sign("[]", "another key");
        let answer = service.post("quickbooks", (HEADER, &signature), "[]").await;
        answer.assert_not_signed();
        service.shut_down().await;
    })
    .await;
}
