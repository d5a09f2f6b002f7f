//! Webhooks: what is told, how it is signed, and what happens to it on the way.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::harness::{Api, REALM};
use crate::contracts;
use crate::support::script::{Received, Reply, ScriptedServer};

const KEY: &str = "a webhook's key";

fn is_signed(received: &Received, header: &str) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(received.body.as_bytes());
    received.header(header) == Some(&STANDARD.encode(mac.finalize().into_bytes()))
}

fn accept() -> Reply {
    Reply::status(200, "")
}

/// A sandbox with one customer, whose events of a format go to a target.
async fn set_up(format: &str, more: Value, replies: Vec<Reply>) -> (Api, ScriptedServer) {
    let api = Api::empty().await;
    api.control(Method::POST, "/customers", json!({"name": "One"}))
        .await;
    let target = ScriptedServer::start(replies).await;
    let mut settings = json!({"url": target.url, "key": KEY, "mode": "hold"});
    for (name, value) in more.as_object().unwrap() {
        settings[name.as_str()] = value.clone();
    }
    api.control(Method::PUT, &format!("/webhooks?format={format}"), settings)
        .await;
    (api, target)
}

async fn bill(api: &Api, amount: &str) -> Value {
    api.control(
        Method::POST,
        "/invoices",
        json!({"customer": "One", "amount": amount}),
    )
    .await
}

async fn deliver(api: &Api, order: Value) -> Value {
    api.control(Method::POST, "/webhooks/deliver", order).await
}

fn events(received: &Received) -> Vec<Value> {
    let body: Value = serde_json::from_str(&received.body).unwrap();
    body["events"].as_array().unwrap().clone()
}

fn words(events: &[Value]) -> Vec<String> {
    events
        .iter()
        .map(|event| {
            format!(
                "{} {}",
                event["eventCategory"].as_str().unwrap(),
                event["eventType"].as_str().unwrap()
            )
        })
        .collect()
}

#[tokio::test]
async fn xero_tells_ids_and_no_payments() {
    let (api, target) = set_up("xero", json!({}), vec![accept(), accept()]).await;
    bill(&api, "100").await;
    api.control(
        Method::POST,
        "/payments",
        json!({"customer": "One", "amount": "40"}),
    )
    .await;
    api.control(
        Method::POST,
        "/credits",
        json!({"customer": "One", "amount": "5"}),
    )
    .await;
    api.control(
        Method::POST,
        "/customers",
        json!({"customer": "One", "active": false}),
    )
    .await;
    let told = deliver(&api, json!({"format": "xero"})).await;
    assert_eq!(told, json!({"status": 200, "accepted": true, "waiting": 0}));
    let received = target.received();
    assert!(is_signed(&received[0], "x-xero-signature"));
    assert_eq!(
        words(&events(&received[0])),
        [
            "INVOICE CREATE",
            "INVOICE UPDATE",
            "CREDITNOTE CREATE",
            "CONTACT UPDATE"
        ]
    );
    let keys = |file: &str| -> Option<()> {
        let text = contracts::read(&format!("xero/samples/webhooks/{file}"))?;
        let documented: Value = serde_json::from_str(&text).unwrap();
        let category = &documented["events"][0]["eventCategory"];
        let told = events(&received[0]);
        let own = told
            .iter()
            .find(|event| event["eventCategory"] == *category)
            .unwrap();
        let names = |event: &Value| -> Vec<String> {
            let mut names: Vec<String> = event.as_object().unwrap().keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(&documented["events"][0]), names(own), "{file}");
        Some(())
    };
    for file in [
        "contact-update.spec-example.json",
        "credit-note-create.spec-example.json",
        "invoice-two-updates.body.json",
    ] {
        keys(file);
    }
    assert!(
        target.received()[0]
            .body
            .contains("\"firstEventSequence\": 1,\"lastEventSequence\": 4, \"entropy\": \"")
    );
}

#[tokio::test]
async fn what_was_not_accepted_grows() {
    let replies = vec![
        Reply::status(500, ""),
        Reply::status(200, "thanks"),
        Reply::status(200, "").with("set-cookie", "a=b"),
        accept(),
        accept(),
    ];
    let (api, target) = set_up("xero", json!({}), replies).await;
    for expected in [false, false, false, true] {
        bill(&api, "10").await;
        api.clock.advance(SignedDuration::from_secs(1));
        let told = deliver(&api, json!({"format": "xero"})).await;
        assert_eq!(told["accepted"], json!(expected));
    }
    let received = target.received();
    let counts: Vec<usize> = received
        .iter()
        .map(|received| events(received).len())
        .collect();
    assert_eq!(counts, [1, 2, 3, 4]);
    // Told again it is the same, but for the entropy.
    deliver(&api, json!({"format": "xero", "repeat": true})).await;
    let again = target.received().pop().unwrap();
    assert_eq!(events(&again), events(&received[3]));
    assert_ne!(again.body, received[3].body);
    assert!(is_signed(&again, "x-xero-signature"));
}

#[tokio::test]
async fn events_are_lost_reordered_and_forged() {
    let (api, target) = set_up("xero", json!({}), vec![Reply::status(401, ""), accept()]).await;
    bill(&api, "10").await;
    bill(&api, "20").await;
    let forged = deliver(&api, json!({"format": "xero", "forge": true})).await;
    assert_eq!(
        forged,
        json!({"status": 401, "accepted": false, "waiting": 2})
    );
    deliver(&api, json!({"format": "xero", "reorder": true})).await;
    let received = target.received();
    assert!(!is_signed(&received[0], "x-xero-signature"));
    assert!(is_signed(&received[1], "x-xero-signature"));
    let mut reordered = events(&received[1]);
    assert_ne!(reordered[0]["resourceId"], reordered[1]["resourceId"]);
    reordered.reverse();
    let truly: Vec<Value> = events(&received[0]);
    assert_eq!(reordered[0]["resourceId"], truly[0]["resourceId"]);
    // Lost: never to come.
    let settings = json!({"url": target.url, "key": KEY, "mode": "drop"});
    api.control(Method::PUT, "/webhooks?format=xero", settings)
        .await;
    bill(&api, "30").await;
    let hook = api
        .control(Method::GET, "/webhooks?format=xero", Value::Null)
        .await;
    assert_eq!(hook["waiting"], json!(0));
    assert_eq!(hook["settings"]["mode"], "drop");
}

#[tokio::test]
async fn the_intent_to_receive_is_signed_rightly_and_wrongly() {
    let replies = vec![
        accept(),
        Reply::status(401, ""),
        accept(),
        Reply::status(401, ""),
    ];
    let (api, target) = set_up("xero", json!({}), replies).await;
    let told = api
        .control(Method::POST, "/webhooks/intent", json!({"format": "xero"}))
        .await;
    assert_eq!(told["enabled"], json!(true));
    let received = target.received();
    let right: Vec<bool> = received
        .iter()
        .map(|received| is_signed(received, "x-xero-signature"))
        .collect();
    assert_eq!(right, [true, false, true, false]);
    assert!(received.iter().all(|received| events(received).is_empty()));
    assert_eq!(received[0].body.len(), 95, "{}", received[0].body);
    // Whoever takes the forged ones is not enabled.
    target.then(vec![accept(), accept(), accept(), accept()]);
    let told = api
        .control(Method::POST, "/webhooks/intent", json!({"format": "xero"}))
        .await;
    assert_eq!(told["enabled"], json!(false));
}

#[tokio::test]
async fn quickbooks_tells_cloud_events() {
    let (api, target) = set_up("quickbooks", json!({}), vec![accept()]).await;
    let invoice = bill(&api, "100").await;
    let paid = api
        .control(
            Method::POST,
            "/payments",
            json!({"customer": "One", "amount": "40"}),
        )
        .await;
    api.control(
        Method::POST,
        "/void",
        json!({"entity": "Invoice", "id": invoice["Id"]}),
    )
    .await;
    api.control(
        Method::POST,
        "/delete",
        json!({"entity": "Payment", "id": paid["Id"]}),
    )
    .await;
    deliver(&api, json!({})).await;
    let received = target.received();
    assert!(is_signed(&received[0], "intuit-signature"));
    let told: Vec<Value> = serde_json::from_str(&received[0].body).unwrap();
    let types: Vec<&str> = told
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "qbo.invoice.created.v1",
            "qbo.payment.created.v1",
            "qbo.invoice.voided.v1",
            "qbo.payment.deleted.v1"
        ]
    );
    if let Some(text) = contracts::read("quickbooks/webhooks/cloudevents-account-created.json") {
        let documented: Vec<Value> = serde_json::from_str(&text).unwrap();
        let names = |event: &Value| -> Vec<String> {
            let mut names: Vec<String> = event.as_object().unwrap().keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(&documented[0]), names(&told[0]));
    }
    assert_eq!(told[0]["intuitaccountid"], REALM);
    assert_eq!(told[0]["intuitentityid"], invoice["Id"]);
}

#[tokio::test]
async fn a_merge_names_the_one_that_is_gone() {
    let (api, target) = set_up("quickbooks", json!({}), vec![accept()]).await;
    api.control(Method::POST, "/customers", json!({"name": "Two"}))
        .await;
    api.control(
        Method::POST,
        "/customers/merge",
        json!({"customer": "One", "into": "Two"}),
    )
    .await;
    deliver(&api, json!({})).await;
    let received = target.received();
    let told: Vec<Value> = serde_json::from_str(&received[0].body).unwrap();
    assert_eq!(told.len(), 2);
    assert_eq!(told[1]["type"], "qbo.customer.merged.v1");
    assert_eq!(told[1]["intuitentityid"], "2");
    assert_eq!(told[1]["data"], json!({"deletedid": "1"}));
}

#[tokio::test]
async fn quickbooks_tells_the_older_form_too() {
    let (api, target) = set_up("quickbooks", json!({"style": "legacy"}), vec![accept()]).await;
    let invoice = bill(&api, "100").await;
    deliver(&api, json!({})).await;
    let received = target.received();
    assert!(is_signed(&received[0], "intuit-signature"));
    let told: Value = serde_json::from_str(&received[0].body).unwrap();
    assert_eq!(
        told,
        json!({"eventNotifications": [{"realmId": REALM, "dataChangeEvent": {"entities": [{
            "name": "Invoice", "id": invoice["Id"], "operation": "Create",
            "lastUpdated": "2026-05-05T19:00:00.000Z",
        }]}}]})
    );
}

#[tokio::test]
async fn events_go_out_by_themselves() {
    let (api, target) = set_up(
        "quickbooks",
        json!({"mode": "deliver"}),
        vec![Reply::status(500, ""), accept()],
    )
    .await;
    let arrived = async |count: usize| {
        for _ in 0..500 {
            if target.received().len() >= count && target.left() == 2 - count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} did not arrive");
    };
    bill(&api, "100").await;
    arrived(1).await;
    // The sandbox takes note of the refusal before it sends again.
    for _ in 0..500 {
        bill(&api, "200").await;
        if target.received().len() > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    arrived(2).await;
    let told: Vec<Value> = serde_json::from_str(&target.received()[1].body).unwrap();
    assert!(told.len() > 1, "the first one comes again");
}
