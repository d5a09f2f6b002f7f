//! Deliveries of QuickBooks and Xero: the signature header, and bodies of either form.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::provider::quickbooks::{QuickBooks, QuickBooksSettings};
use financial_pulse::provider::xero::{Xero, XeroSettings};
use financial_pulse::provider::{AccountingProvider, CallMeter, ProviderResult, Purpose, Webhooks};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::material::clock;
use super::{Entry, fate, input, taken_apart};

pub(super) const WEBHOOKS: Entry = Entry {
    name: "webhooks",
    longest: 2048,
    sample: 20_000,
    run,
    seeds,
    words: &[
        "\"specversion\":\"1.0\"",
        "\"id\":\"",
        "\"type\":\"qbo.invoice.updated.v1\"",
        "\"intuitentityid\":",
        "\"intuitaccountid\":",
        "\"time\":\"2026-04-24T16:00:00Z\"",
        "\"eventNotifications\":[",
        "\"realmId\":",
        "\"dataChangeEvent\":",
        "\"entities\":[",
        "\"name\":\"Invoice\"",
        "\"operation\":\"Merge\"",
        "\"deletedId\":",
        "\"lastUpdated\":",
        "\"events\":[",
        "\"resourceId\":",
        "\"eventCategory\":\"INVOICE\"",
        "\"eventType\":\"UPDATE\"",
        "\"eventDateUtc\":",
        "\"tenantId\":",
        "\"tenantType\":\"ORGANISATION\"",
        "/Date(1777032244663)/",
        "\"entropy\":",
    ],
};

const QUICKBOOKS: u8 = 0;
const XERO: u8 = 1;
const SIGNATURE: u8 = 2;
const MODES: u8 = 3;

const KEYS: [&str; 2] = ["the key in use", "the key before"];

#[derive(Debug)]
struct NoMeter;

#[async_trait]
impl CallMeter for NoMeter {
    async fn spend(&self, _: ProviderKind, _: &str, _: Purpose) -> ProviderResult<()> {
        Ok(())
    }
}

static LEDGERS: LazyLock<(QuickBooks, Xero)> = LazyLock::new(|| {
    let webhook_keys: Vec<_> = KEYS.into_iter().map(Into::into).collect();
    let quickbooks = QuickBooksSettings {
        webhook_keys: webhook_keys.clone(),
        ..QuickBooksSettings::default()
    };
    let xero = XeroSettings {
        webhook_keys,
        ..XeroSettings::default()
    };
    (
        QuickBooks::new(quickbooks, clock(), Arc::new(NoMeter)).expect("settings"),
        Xero::new(xero, clock(), Arc::new(NoMeter)).expect("settings"),
    )
});

fn run(input: &[u8]) -> u64 {
    let Some((mode, pieces)) = taken_apart(input, MODES) else {
        return 0;
    };
    let quickbooks = LEDGERS.0.webhooks().expect("it has some");
    let xero = LEDGERS.1.webhooks().expect("it has some");
    match mode {
        QUICKBOOKS => fate((mode, of_body(quickbooks, pieces[0], count_at_quickbooks))),
        XERO => fate((mode, of_body(xero, pieces[0], count_at_xero))),
        _ => {
            let body = pieces.get(1).copied().unwrap_or_default();
            fate((mode, of_signature(xero, pieces[0], body)))
        }
    }
}

/// Every event is a hint, or counted; none is lost and none is made up.
fn of_body(webhooks: &Webhooks, body: &[u8], count: fn(&Value) -> Option<usize>) -> String {
    let delivery = match webhooks.decode(body) {
        Err(error) => return format!("{:?}", error.classify()),
        Ok(delivery) => delivery,
    };
    // A member that nobody reads may hold what is no text.
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let counted = usize::try_from(delivery.ignored + delivery.unreadable).expect("few");
    if let Some(events) = count(&told) {
        assert_eq!(delivery.hints.len() + counted, events, "{told}");
    }
    assert!(delivery.hints.len() <= body.len() / 2 + 1);
    let is_id = |text: &str| {
        (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    for hint in &delivery.hints {
        assert!(is_id(&hint.account) && is_id(&hint.ledger_id), "{hint:?}");
        assert_eq!(hint.key.as_str().len(), 44);
    }
    // The same delivery again is the same events again.
    assert_eq!(webhooks.decode(body).ok().as_ref(), Some(&delivery));
    let datasets: Vec<_> = delivery
        .hints
        .iter()
        .take(4)
        .map(|hint| hint.dataset)
        .collect();
    let times = delivery
        .hints
        .iter()
        .filter(|hint| hint.happened_at.is_some())
        .count();
    format!(
        "{datasets:?} {} {} {}",
        times.min(3),
        delivery.ignored.min(3),
        delivery.unreadable.min(3)
    )
}

fn count_at_quickbooks(told: &Value) -> Option<usize> {
    if let Some(events) = told.as_array() {
        return Some(events.len());
    }
    // A name that comes twice is read once by either reader, but maybe not the same one.
    let companies = told["eventNotifications"].as_array()?;
    let entities = companies
        .iter()
        .map(|one| one["dataChangeEvent"]["entities"].as_array());
    entities.map(|entities| Some(entities?.len())).sum()
}

fn count_at_xero(told: &Value) -> Option<usize> {
    Some(told["events"].as_array()?.len())
}

/// One text alone is the signature of a body under a key.
fn of_signature(webhooks: &Webhooks, signature: &[u8], body: &[u8]) -> bool {
    let Ok(signature) = std::str::from_utf8(signature) else {
        return false;
    };
    let right: Vec<String> = KEYS.iter().map(|key| signed(key, body)).collect();
    for signature in &right {
        assert!(webhooks.verify(body, signature));
        let mut other = body.to_vec();
        other.push(b' ');
        assert!(!webhooks.verify(&other, signature));
    }
    let verified = webhooks.verify(body, signature);
    assert_eq!(
        verified,
        right.iter().any(|one| one == signature),
        "{signature}"
    );
    verified
}

fn signed(key: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key");
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

fn seeds() -> Vec<Vec<u8>> {
    let cloud = |id: &str, kind: &str| {
        json!({"specversion": "1.0", "id": id, "source": "intuit", "type": kind,
            "time": "2026-04-24T16:00:00Z", "intuitentityid": "130", "intuitaccountid": "31",
            "data": {}})
    };
    let entity = |name: &str, operation: &str| {
        json!({"name": name, "id": "1", "operation": operation,
            "lastUpdated": "2026-04-24T16:00:00.000Z", "deletedId": "2"})
    };
    let xero = |category: &str, date: &str| {
        json!({"resourceUrl": "https://api.xero.com/x", "resourceId": "r", "eventDateUtc": date,
            "eventType": "UPDATE", "eventCategory": category, "tenantId": "t",
            "tenantType": "ORGANISATION"})
    };
    let quickbooks = [
        json!([
            cloud("1", "qbo.invoice.updated.v1"),
            cloud("2", "qbo.customer.merged.v1")
        ]),
        json!([cloud("3", "qbo.creditmemo.created.v1"), {"id": 1}, cloud("", "other.thing.x")]),
        json!({"eventNotifications": [{"realmId": "31", "dataChangeEvent": {"entities": [
            entity("Invoice", "Update"), entity("Customer", "Merge"), entity("Vendor", "Create")]}}]}),
    ];
    let mut seeds: Vec<_> = quickbooks
        .iter()
        .map(|body| input(QUICKBOOKS, &[body.to_string().as_bytes()]))
        .collect();
    let body = json!({"events": [xero("INVOICE", "2026-04-24T16:00:00.123"),
        xero("CONTACT", "/Date(1777032244663)/"), xero("SUBSCRIPTION", "x"), 1],
        "firstEventSequence": 1, "lastEventSequence": 2, "entropy": "ABC"});
    seeds.push(input(XERO, &[body.to_string().as_bytes()]));
    for key in KEYS {
        seeds.push(input(SIGNATURE, &[signed(key, b"{}").as_bytes(), b"{}"]));
    }
    seeds
}
