//! Trouble on demand.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Api, REALM};

async fn order(api: &Api, order: Value) {
    api.control(Method::POST, "/faults", order).await;
}

async fn status(api: &Api) -> StatusCode {
    api.send(Method::GET, "preferences", None).await.status()
}

#[tokio::test]
async fn answers_go_wrong_as_often_as_ordered() {
    let api = Api::empty().await;
    for (kind, expected) in [
        ("unauthorized", StatusCode::UNAUTHORIZED),
        ("throttled", StatusCode::TOO_MANY_REQUESTS),
        ("server_error", StatusCode::INTERNAL_SERVER_ERROR),
        ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        order(&api, json!({"kind": kind, "times": 2})).await;
        assert_eq!(status(&api).await, expected, "{kind}");
        assert_eq!(status(&api).await, expected, "{kind}");
        assert_eq!(status(&api).await, StatusCode::OK, "{kind}");
    }
    let left = api.control(Method::GET, "/faults", Value::Null).await;
    assert_eq!(left, json!([]));
    let counts = api.control(Method::GET, "/counts", Value::Null).await;
    assert_eq!(counts[REALM]["spoiled"], json!(8));
}

#[tokio::test]
async fn a_throttle_may_say_when_to_come_back() {
    let api = Api::empty().await;
    order(
        &api,
        json!({"kind": "throttled", "times": 1, "retry_after": 7}),
    )
    .await;
    let response = api.send(Method::GET, "preferences", None).await;
    assert_eq!(response.headers()["retry-after"], "7");
    assert!(response.text().await.unwrap().contains("003001"));
}

#[tokio::test]
async fn orders_may_be_for_some_calls_only() {
    let api = Api::empty().await;
    order(
        &api,
        json!({"kind": "server_error", "matching": "FROM Invoice", "skip": 1}),
    )
    .await;
    order(
        &api,
        json!({"kind": "server_error", "company": "1000000000000009"}),
    )
    .await;
    assert_eq!(status(&api).await, StatusCode::OK);
    let invoices = "SELECT * FROM Invoice";
    assert_eq!(api.query(invoices).await.0, StatusCode::OK);
    assert_eq!(
        api.query(invoices).await.0,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(api.query("SELECT * FROM Customer").await.0, StatusCode::OK);
    api.control(Method::DELETE, "/faults", Value::Null).await;
    assert_eq!(api.query(invoices).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_connection_is_cut_before_or_after_the_work() {
    let api = Api::empty().await;
    let url = format!("{}/v3/company/{REALM}/customer", api.sandbox.url());
    let create = |name: &str| {
        api.client
            .post(&url)
            .bearer_auth(&api.token)
            .json(&json!({ "DisplayName": name }))
            .send()
    };
    for (stage, written) in [("before", 0), ("after", 1)] {
        order(
            &api,
            json!({"kind": "disconnect", "times": 1, "stage": stage}),
        )
        .await;
        let error = create(stage).await.unwrap_err();
        assert!(error.status().is_none(), "{error}");
        let count = api
            .found(&format!(
                "SELECT COUNT(*) FROM Customer WHERE DisplayName = '{stage}'"
            ))
            .await;
        assert_eq!(count["totalCount"], json!(written), "{stage}");
    }
}

#[tokio::test]
async fn a_body_ends_in_the_middle() {
    let api = Api::empty().await;
    order(&api, json!({"kind": "truncate", "times": 1})).await;
    let response = api.send(Method::GET, "preferences", None).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.text().await.unwrap_err();
}

#[tokio::test]
async fn a_body_is_no_json_or_hides_a_fault() {
    let api = Api::empty().await;
    order(&api, json!({"kind": "malformed", "times": 1})).await;
    let response = api.send(Method::GET, "preferences", None).await;
    assert_eq!(response.status(), StatusCode::OK);
    let text = response.text().await.unwrap();
    serde_json::from_str::<Value>(&text).unwrap_err();
    order(&api, json!({"kind": "fault_inside", "times": 1})).await;
    let (status, body) = api.call(Method::GET, "preferences", None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["Fault"]["type"], "SystemFault");
}

#[tokio::test]
async fn an_answer_comes_late() {
    let api = Api::empty().await;
    order(
        &api,
        json!({"kind": "latency", "times": 1, "milliseconds": 120}),
    )
    .await;
    let started = Instant::now();
    assert_eq!(status(&api).await, StatusCode::OK);
    assert!(started.elapsed() >= Duration::from_millis(120));
    api.control(
        Method::PUT,
        "/delay",
        json!({"company": REALM, "milliseconds": 120}),
    )
    .await;
    let started = Instant::now();
    api.found("SELECT * FROM Customer").await;
    assert!(started.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn the_token_endpoint_goes_wrong_too() {
    let api = Api::empty().await;
    let tokens = api
        .control(Method::POST, "/tokens", json!({"company": REALM}))
        .await;
    api.control(Method::PUT, "/rotation", json!({"rotation": "always"}))
        .await;
    let refresh = || {
        api.client
            .post(format!("{}/oauth2/v1/tokens/bearer", api.sandbox.url()))
            .basic_auth("sandbox-client", Some("sandbox-secret"))
            .form(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
            ])
            .send()
    };
    order(
        &api,
        json!({"kind": "server_error", "times": 1, "matching": "tokens/bearer"}),
    )
    .await;
    assert_eq!(
        refresh().await.unwrap().status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
    // Rotated, and the answer lost: the token that the client still has is dead.
    order(
        &api,
        json!({
            "kind": "disconnect", "times": 1, "stage": "after",
            "matching": "grant_type=refresh_token",
        }),
    )
    .await;
    refresh().await.unwrap_err();
    assert_eq!(refresh().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_sandbox_that_is_shut_down_is_gone_at_once() {
    let api = Api::empty().await;
    // The client keeps this connection open.
    assert_eq!(status(&api).await, StatusCode::OK);
    let url = format!("{}/v3/company/{REALM}/preferences", api.sandbox.url());
    api.sandbox.shutdown().await;
    let error = api
        .client
        .get(url)
        .bearer_auth(&api.token)
        .send()
        .await
        .unwrap_err();
    assert!(error.status().is_none(), "{error}");
}
