//! Xero: what its deliveries hold, and the answers that it insists on.

use std::sync::Arc;

use financial_pulse::clock::{Clock, SystemClock};
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::provider::xero::{Xero, XeroSettings};
use financial_pulse::service::meter::{Budget, BudgetMeter, Period};
use financial_pulse::store::WebhookEvent;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::harness::Service;
use crate::contracts;
use crate::support::databases::{TestStore, for_each_database};
use crate::support::webhook::sign;

const HEADER: &str = "x-xero-signature";
/// The key of the recorded check.
const KEY: &str = "test_key";
const TENANT: &str = "e629a03c-7ffe-4913-bd94-ff2fdb36a702";

async fn start(database: &TestStore) -> Service {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let budget = Budget {
        calls: 1_000,
        period: Period::Day,
        shared: false,
    };
    let meter = BudgetMeter::new(database.store.clone(), Arc::clone(&clock), budget);
    let settings = XeroSettings {
        webhook_keys: vec![KEY.into()],
        ..XeroSettings::default()
    };
    let xero = Xero::new(settings, clock, Arc::new(meter)).expect("a connector");
    Service::start_over(database, vec![Arc::new(xero)]).await
}

async fn deliver(service: &Service, body: impl Into<Vec<u8>>) {
    let body = body.into();
    let signature = sign(&body, KEY);
    let answer = service.post("xero", (HEADER, &signature), body).await;
    answer.assert_taken();
}

fn recorded(file: &str) -> Option<Vec<u8>> {
    let folder = contracts::folder("xero")?.join("samples/webhooks");
    Some(contracts::bytes(&folder.join(file)))
}

fn changed(dataset: Dataset, ledger_id: &str, at: &str) -> WebhookEvent {
    WebhookEvent {
        dataset,
        ledger_id: ledger_id.to_owned(),
        merged: false,
        happened_at: at.parse().ok(),
    }
}

/// A body as irregularly spaced as theirs are.
fn body(events: &[Value], entropy: &str) -> String {
    let events: Vec<String> = events.iter().map(Value::to_string).collect();
    let events = events.join(",\n  ");
    format!(
        r#"{{"events":[{events}],"firstEventSequence": 1,"lastEventSequence": 15, "entropy": "{entropy}"}}"#
    )
}

fn event(id: &str, category: &str, at: &str) -> Value {
    json!({"resourceUrl": "https://api.xero.com/x", "resourceId": id, "eventDateUtc": at,
        "eventType": "UPDATE", "eventCategory": category, "tenantId": TENANT,
        "tenantType": "ORGANISATION"})
}

#[tokio::test]
async fn the_recorded_check_is_judged_rightly_whatever_byte_is_changed() {
    let Some(good) = recorded("itr-good.body.json") else {
        return;
    };
    let meta = recorded("itr-good.meta.json").expect("there");
    let meta: Value = serde_json::from_slice(&meta).expect("JSON");
    let signature = meta[HEADER].as_str().expect("text").to_owned();
    assert_eq!(meta["signing_key_utf8"], KEY);
    for_each_database(async |database| {
        let service = start(database).await;
        let post = async |signature: &str, body: &[u8]| {
            service.post("xero", (HEADER, signature), body).await
        };
        post(&signature, &good).await.assert_taken();
        for index in 0..good.len() {
            let mut other = good.clone();
            other[index] ^= 1;
            post(&signature, &other).await.assert_not_signed();
        }
        for index in 0..signature.len() {
            let mut other = signature.clone().into_bytes();
            other[index] = if other[index] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).expect("text");
            post(&other, &good).await.assert_not_signed();
        }
    })
    .await;
}

#[tokio::test]
async fn recorded_and_published_events_are_read() {
    if recorded("itr-good.body.json").is_none() {
        return;
    }
    let contact = "717f2bfc-c6d4-41fd-b238-3f2f0c0cf777";
    let contact = changed(Dataset::Customers, contact, "2024-06-21T01:15:39.902Z");
    let note = "55d84274-a3da-4829-a7c0-0cab601b95cc";
    let note = changed(Dataset::CreditNotes, note, "2025-12-02T00:44:09.923Z");
    let invoice = "44aa0707-f718-4f1c-8d53-f2da9ca59533";
    let moments = ["2018-02-09T09:18:28.917Z", "2018-02-09T09:19:05.06Z"];
    let invoices = moments.map(|at| changed(Dataset::Invoices, invoice, at));
    let expected = [
        (
            "contact-update.spec-example.json",
            "c2cc9b6e-9458-4c7d-93cc-f02b81b0594f",
            vec![contact],
        ),
        (
            "credit-note-create.spec-example.json",
            "aef86862-2015-4b6b-88bc-d89032cecc50",
            vec![note],
        ),
        ("invoice-two-updates.body.json", TENANT, invoices.to_vec()),
    ];
    for_each_database(async |database| {
        let service = start(database).await;
        for (file, tenant, events) in &expected {
            service.connect(tenant, ProviderKind::Xero, tenant).await;
            deliver(&service, recorded(file).expect("there")).await;
            assert_eq!(&service.waiting(tenant).await, events, "{file}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_growing_batch_with_another_entropy_brings_only_what_is_new() {
    for_each_database(async |database| {
        let service = start(database).await;
        service.connect("books", ProviderKind::Xero, TENANT).await;
        let moment = |n: usize| format!("2026-05-05T08:00:{n:02}.83");
        let events: Vec<Value> = (0..15)
            .map(|n| event("10", "INVOICE", &moment(n)))
            .collect();
        deliver(&service, body(&events[..6], "AAAA")).await;
        assert_eq!(service.waiting("books").await.len(), 6);
        deliver(&service, body(&events, "BBBB")).await;
        deliver(&service, body(&events, "CCCC")).await;
        // The same in another spelling is still the same.
        let mut spelled = event("10", "invoice", &format!("{}Z", moment(3)));
        spelled["eventType"] = json!("Update");
        deliver(&service, body(&[spelled], "DDDD")).await;
        let waiting = service.waiting("books").await;
        assert_eq!(waiting.len(), 15);
        let fourth = changed(Dataset::Invoices, "10", "2026-05-05T08:00:03.83Z");
        assert_eq!(waiting[3], fourth);
        // A creation in the same moment is another event.
        let mut created = event("10", "INVOICE", &moment(3));
        created["eventType"] = json!("CREATE");
        deliver(&service, body(&[created], "EEEE")).await;
        assert_eq!(service.waiting("books").await.len(), 16);
    })
    .await;
}

#[tokio::test]
async fn what_is_of_no_concern_or_cannot_be_read_is_answered_all_the_same() {
    for_each_database(async |database| {
        let service = start(database).await;
        service.connect("books", ProviderKind::Xero, TENANT).await;
        let at = "2026-05-05T08:00:20.83";
        let mut subscription = event("1", "SUBSCRIPTION", at);
        subscription["tenantType"] = json!("APPLICATION");
        let mut elsewhere = event("2", "INVOICE", at);
        elsewhere["tenantId"] = json!("c2cc9b6e-9458-4c7d-93cc-f02b81b0594f");
        let events = [
            subscription,
            elsewhere,
            event("3", "SPACESHIP", at),
            event("", "INVOICE", at),
            json!(7),
            event("4", "CONTACT", "some day"),
        ];
        deliver(&service, body(&events, "AAAA")).await;
        let contact = changed(Dataset::Customers, "4", "some day");
        assert_eq!(service.waiting("books").await, [contact]);
        for nothing in ["", "[]", "{}", r#"{"events":{}}"#] {
            deliver(&service, nothing).await;
        }
    })
    .await;
}

#[cfg(feature = "sandbox")]
#[tokio::test]
async fn the_sandbox_finds_nothing_wrong_with_the_answers() {
    use financial_pulse::sandbox::{Sandbox, SandboxOptions};

    for_each_database(async |database| {
        let service = start(database).await;
        let sandbox = Sandbox::start(SandboxOptions::default()).await;
        let sandbox = sandbox.expect("a sandbox");
        let control = format!("{}/sandbox/webhooks", sandbox.url());
        let hook = json!({"url": format!("{}/webhooks/xero", service.url), "key": KEY});
        let put = service.client.put(format!("{control}?format=xero"));
        let put = put.json(&hook).send().await.expect("an answer");
        assert!(put.status().is_success());
        let ask = service.client.post(format!("{control}/intent"));
        let ask = ask.json(&json!({"format": "xero"})).send().await;
        let judged: Value = ask.expect("an answer").json().await.expect("JSON");
        assert_eq!(judged["enabled"], true, "{judged}");
        sandbox.shutdown().await;
    })
    .await;
}
