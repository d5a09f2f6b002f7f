//! Limits, and the counters.

use financial_pulse::sandbox::{Data, Limits, SandboxOptions};
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Api, REALM, options};
use crate::contracts;

async fn limited(limits: Limits) -> Api {
    Api::start(SandboxOptions {
        limits,
        ..options(Data::Empty)
    })
    .await
}

async fn status(api: &Api) -> StatusCode {
    api.send(Method::GET, "preferences", None).await.status()
}

#[tokio::test]
async fn the_documented_limits_are_the_default() {
    let api = limited(Limits::default()).await;
    for _ in 0..10 {
        assert_eq!(status(&api).await, StatusCode::OK);
    }
    assert_eq!(status(&api).await, StatusCode::TOO_MANY_REQUESTS);
    // Ten in every second, five hundred in every minute.
    for _ in 0..49 {
        api.clock.advance(SignedDuration::from_secs(1));
        for _ in 0..10 {
            assert_eq!(status(&api).await, StatusCode::OK);
        }
    }
    api.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(status(&api).await, StatusCode::TOO_MANY_REQUESTS);
    api.clock.advance(SignedDuration::from_secs(10));
    assert_eq!(status(&api).await, StatusCode::OK);
}

#[tokio::test]
async fn a_throttled_call_is_answered_in_xml() {
    let api = limited(Limits {
        per_minute: Some(0),
        ..Limits::NONE
    })
    .await;
    let response = api.send(Method::GET, "preferences", None).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(response.headers().get("retry-after").is_none());
    assert_eq!(
        response.headers()["content-type"],
        "application/xml;charset=UTF-8"
    );
    let body = response.text().await.unwrap();
    assert!(body.contains("errorCode=003001"), "{body}");
    if let Some(recorded) = contracts::read("quickbooks/xml/error-429-throttle.xml") {
        assert_eq!(without_time(&body), without_time(&recorded));
    }
}

/// XML without the value of its time attribute.
fn without_time(xml: &str) -> String {
    let (before, rest) = xml.split_once("time=\"").unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    format!("{before}{after}")
}

#[tokio::test]
async fn batches_have_a_limit_of_their_own() {
    let api = limited(Limits {
        batches_per_minute: Some(2),
        ..Limits::NONE
    })
    .await;
    let body = json!({"BatchItemRequest": []}).to_string();
    for expected in [
        StatusCode::OK,
        StatusCode::OK,
        StatusCode::TOO_MANY_REQUESTS,
    ] {
        let answer = api.send(Method::POST, "batch", Some(&body)).await;
        assert_eq!(answer.status(), expected);
    }
    assert_eq!(status(&api).await, StatusCode::OK);
}

#[tokio::test]
async fn limits_can_be_set_from_outside() {
    let api = limited(Limits::NONE).await;
    api.control(Method::PUT, "/limits", json!({"per_second": 1}))
        .await;
    assert_eq!(status(&api).await, StatusCode::OK);
    assert_eq!(status(&api).await, StatusCode::TOO_MANY_REQUESTS);
    api.control(Method::PUT, "/limits", json!({})).await;
    assert_eq!(status(&api).await, StatusCode::OK);
}

#[tokio::test]
async fn every_request_is_counted_by_its_kind() {
    let api = limited(Limits::NONE).await;
    api.found("SELECT * FROM Customer").await;
    api.found("SELECT COUNT(*) FROM Invoice").await;
    api.found("SELECT * FROM Invoice").await;
    api.call(Method::GET, "preferences", None).await;
    api.call(Method::GET, "customer/1", None).await;
    api.write("Customer", json!({"DisplayName": "One"})).await;
    api.call(
        Method::GET,
        "cdc?entities=Customer&changedSince=2026-05-05",
        None,
    )
    .await;
    api.call(Method::GET, "no/such/path", None).await;
    let counts = api.control(Method::GET, "/counts", Value::Null).await;
    assert_eq!(
        counts[REALM],
        json!({
            "query": 3, "query Customer": 1, "query Invoice": 2, "read": 2, "write": 1, "cdc": 1,
            "unknown": 1,
        })
    );
    api.control(Method::DELETE, "/counts", Value::Null).await;
    let counts = api.control(Method::GET, "/counts", Value::Null).await;
    assert_eq!(counts, json!({}));
}
