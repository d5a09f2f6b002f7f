//! Change data capture.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Api, REALM, options};
use super::shape::{differences, recorded};
use financial_pulse::sandbox::Data;

async fn cdc(api: &Api, entities: &str, since: &str) -> (StatusCode, Value) {
    let since: String = url::form_urlencoded::byte_serialize(since.as_bytes()).collect();
    api.call(
        Method::GET,
        &format!("cdc?entities={entities}&changedSince={since}"),
        None,
    )
    .await
}

async fn entries(api: &Api, entities: &str, since: &str) -> Vec<Value> {
    let (status, answer) = cdc(api, entities, since).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(answer["time"].is_string());
    answer["CDCResponse"][0]["QueryResponse"]
        .as_array()
        .unwrap()
        .clone()
}

async fn bill(api: &Api, customer: &str, amount: u32) -> Value {
    api.clock.advance(SignedDuration::from_secs(60));
    api.control(
        Method::POST,
        "/invoices",
        json!({"company": REALM, "customer": customer, "amount": amount.to_string()}),
    )
    .await
}

#[tokio::test]
async fn changes_come_by_type_with_the_deleted_last() {
    let api = Api::empty().await;
    api.write("Customer", json!({"DisplayName": "One"})).await;
    let first = bill(&api, "One", 10).await;
    let second = bill(&api, "One", 20).await;
    let third = bill(&api, "One", 30).await;
    api.control(
        Method::POST,
        "/delete",
        json!({"company": REALM, "entity": "Invoice", "id": first["Id"]}),
    )
    .await;
    let found = entries(
        &api,
        "Customer,Invoice,Payment,Estimate",
        "2026-05-05T11:00:00-07:00",
    )
    .await;
    assert_eq!(found.len(), 4);
    assert_eq!(found[0]["Customer"][0]["DisplayName"], "One");
    let invoices = found[1]["Invoice"].as_array().unwrap();
    assert_eq!(invoices[0]["Id"], second["Id"]);
    assert_eq!(invoices[1]["Id"], third["Id"]);
    assert_eq!(invoices[2]["status"], "Deleted");
    assert_eq!(invoices[2]["Id"], first["Id"]);
    assert_eq!(found[1]["maxResults"], json!(3));
    // A type without changes is there, and empty.
    assert_eq!(found[2], json!({}));
    assert_eq!(found[3], json!({}));
    if let Some(documented) = recorded("docs/cdc-with-deleted.json") {
        let deleted = &documented["CDCResponse"][0]["QueryResponse"][1]["Estimate"][2];
        assert!(differences(deleted, &invoices[2]).is_empty());
    }
}

#[tokio::test]
async fn only_what_changed_since_is_told() {
    let api = Api::empty().await;
    api.write("Customer", json!({"DisplayName": "Early"})).await;
    api.write("Customer", json!({"DisplayName": "Late"})).await;
    bill(&api, "Early", 10).await;
    let found = entries(&api, "Customer,Invoice", "2026-05-05T12:00:30-07:00").await;
    // The bill moved the customer's LastUpdatedTime, and left the other alone.
    assert_eq!(found[0]["Customer"].as_array().unwrap().len(), 1);
    assert_eq!(found[0]["Customer"][0]["DisplayName"], "Early");
    assert_eq!(found[0]["Customer"][0]["SyncToken"], "0");
    assert_eq!(found[1]["Invoice"].as_array().unwrap().len(), 1);
    let none = entries(&api, "Customer,Invoice", "2026-05-05T12:01:01-07:00").await;
    assert_eq!(none, [json!({}), json!({})]);
}

#[tokio::test]
async fn inactive_names_and_voided_documents_are_live() {
    let api = Api::empty().await;
    api.write("Customer", json!({"DisplayName": "One"})).await;
    let invoice = bill(&api, "One", 10).await;
    api.control(
        Method::POST,
        "/void",
        json!({"company": REALM, "entity": "Invoice", "id": invoice["Id"]}),
    )
    .await;
    api.write(
        "Customer",
        json!({"Id": "1", "SyncToken": "0", "sparse": true, "Active": false}),
    )
    .await;
    let found = entries(&api, "customer,invoice", "2026-05-05T12:00:00-07:00").await;
    assert_eq!(found[0]["Customer"][0]["Active"], json!(false));
    assert_eq!(found[1]["Invoice"][0]["PrivateNote"], "Voided");
    assert!(found[1]["Invoice"][0].get("status").is_none());
}

#[tokio::test]
async fn a_question_too_far_back_or_wrong_is_refused() {
    let api = Api::empty().await;
    for (entities, since) in [
        ("Customer", "2026-04-05T11:59:59-07:00"),
        ("Customer", "2011-10-10T09:00:00-07:00"),
        ("Customer", "yesterday"),
        ("Nonsense", "2026-05-05T11:00:00-07:00"),
        ("TaxRate", "2026-05-05T11:00:00-07:00"),
    ] {
        let (status, answer) = cdc(&api, entities, since).await;
        assert_eq!(
            status,
            StatusCode::BAD_REQUEST,
            "{entities} {since}: {answer}"
        );
    }
    let (status, _) = cdc(&api, "Customer", "2026-04-05T12:00:00-07:00").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn no_answer_has_more_than_a_thousand_objects() {
    let api = Api::start(options(Data::Empty)).await;
    api.write("Customer", json!({"DisplayName": "One"})).await;
    for _ in 0..40 {
        let items: Vec<Value> = (0..30)
            .map(|index| {
                json!({
                    "bId": index.to_string(), "operation": "create",
                    "Payment": {"CustomerRef": {"value": "1"}, "TotalAmt": 1},
                })
            })
            .collect();
        let body = json!({"BatchItemRequest": items}).to_string();
        let (status, _) = api.call(Method::POST, "batch", Some(&body)).await;
        assert_eq!(status, StatusCode::OK);
    }
    let found = entries(
        &api,
        "Customer,Payment,Invoice",
        "2026-05-05T11:00:00-07:00",
    )
    .await;
    assert_eq!(found[0]["Customer"].as_array().unwrap().len(), 1);
    assert_eq!(found[1]["Payment"].as_array().unwrap().len(), 999);
    assert_eq!(found[2], json!({}));
}
