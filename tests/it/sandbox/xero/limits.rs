//! Limits, what is told of them, and what the sandbox counts.

use std::time::Duration;

use financial_pulse::sandbox::{Data, FormatOptions, Limits, SandboxOptions};
use futures_util::future::join_all;
use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::super::harness::{REALM, options};
use super::Xero;

async fn limited(change: impl FnOnce(&mut Limits)) -> Xero {
    let mut limits = FormatOptions::XERO.limits;
    change(&mut limits);
    Xero::start(SandboxOptions {
        xero: FormatOptions {
            limits,
            ..FormatOptions::XERO
        },
        ..options(Data::Empty)
    })
    .await
}

fn number(response: &Response, name: &str) -> Option<u64> {
    Some(
        response
            .headers()
            .get(name)?
            .to_str()
            .unwrap()
            .parse()
            .unwrap(),
    )
}

async fn usage(xero: &Xero) -> Value {
    xero.api
        .control(Method::GET, "/usage?format=xero", Value::Null)
        .await[REALM]
        .clone()
}

#[tokio::test]
async fn sixty_a_minute_and_then_nothing_but_when_to_come_back() {
    let xero = limited(|_| {}).await;
    for left in (0..60).rev() {
        let response = xero.send("Organisation").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(number(&response, "x-minlimit-remaining"), Some(left));
        assert_eq!(number(&response, "x-daylimit-remaining"), Some(4940 + left));
        assert_eq!(
            number(&response, "x-appminlimit-remaining"),
            Some(9940 + left)
        );
    }
    let refused = xero.send("Organisation").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["x-rate-limit-problem"], "minute");
    assert_eq!(number(&refused, "x-minlimit-remaining"), Some(0));
    assert!(refused.headers().get("content-type").is_none());
    let after = number(&refused, "retry-after").unwrap();
    assert!((1..=60).contains(&after), "{after}");
    assert_eq!(refused.text().await.unwrap(), "");
    // The window is fixed: it opens at that moment, and not a second earlier.
    let seconds = i64::try_from(after).unwrap();
    xero.api
        .clock
        .advance(SignedDuration::from_secs(seconds - 1));
    assert_eq!(
        xero.send("Organisation").await.status(),
        StatusCode::TOO_MANY_REQUESTS
    );
    xero.api.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(xero.send("Organisation").await.status(), StatusCode::OK);
    let usage = usage(&xero).await;
    assert_eq!(usage["calls"], json!(63));
    assert_eq!(usage["refused"], json!(2));
}

#[tokio::test]
async fn a_day_ends_at_its_own_moment() {
    let xero = limited(|limits| limits.per_day = Some(2)).await;
    for _ in 0..2 {
        assert_eq!(xero.send("Items").await.status(), StatusCode::OK);
    }
    let refused = xero.send("Items").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["x-rate-limit-problem"], "day");
    assert_eq!(number(&refused, "x-daylimit-remaining"), Some(0));
    let after = number(&refused, "retry-after").unwrap();
    assert!((1..=86_400).contains(&after), "{after}");
}

#[tokio::test]
async fn five_at_once_and_no_more() {
    let xero = limited(|_| {}).await;
    xero.api
        .control(Method::PUT, "/delay", json!({"milliseconds": 400}))
        .await;
    let answers = join_all((0..8).map(|_| xero.send("Contacts"))).await;
    let refused: Vec<&Response> = answers
        .iter()
        .filter(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS)
        .collect();
    assert_eq!(refused.len(), 3);
    for refused in refused {
        assert_eq!(refused.headers()["x-rate-limit-problem"], "concurrent");
        assert!(refused.headers().get("retry-after").is_none());
    }
    // The refused were there as well, if only for a moment.
    assert!(usage(&xero).await["most_at_once"].as_u64().unwrap() > 5);
}

#[tokio::test]
async fn the_most_in_any_minute_and_day_is_counted() {
    let xero = limited(|limits| *limits = Limits::NONE).await;
    for pause in [0, 30, 31, 0] {
        xero.api.clock.advance(SignedDuration::from_secs(pause));
        xero.send("Items").await;
    }
    let seen = usage(&xero).await;
    assert_eq!(seen["calls"], json!(4));
    assert_eq!(seen["most_in_a_minute"], json!(3));
    assert_eq!(seen["most_in_a_day"], json!(4));
    assert_eq!(seen["most_at_once"], json!(1));
    assert_eq!(seen["refused"], json!(0));
    // QuickBooks' calls are its own.
    let other = xero.api.control(Method::GET, "/usage", Value::Null).await;
    assert_eq!(other, json!({}));
    xero.api
        .control(Method::DELETE, "/counts", Value::Null)
        .await;
    assert_eq!(usage(&xero).await["most_in_a_day"], json!(0));
}

#[tokio::test]
async fn limits_are_set_for_one_format() {
    let xero = limited(|_| {}).await;
    xero.api
        .control(
            Method::PUT,
            "/limits",
            json!({"format": "xero", "per_minute": 0}),
        )
        .await;
    assert_eq!(
        xero.send("Items").await.status(),
        StatusCode::TOO_MANY_REQUESTS
    );
    let quickbooks = xero.api.send(Method::GET, "preferences", None).await;
    assert_eq!(quickbooks.status(), StatusCode::OK);
    let misspelled = xero
        .api
        .client
        .put(format!("{}/sandbox/limits", xero.api.sandbox.url()))
        .json(&json!({"per_minut": 1}))
        .send()
        .await
        .unwrap();
    assert_eq!(misspelled.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn trouble_is_worded_in_the_format_and_may_be_for_one_only() {
    let xero = limited(|_| {}).await;
    let order = async |kind: &str, more: Value| {
        let mut body = json!({"kind": kind, "format": "xero", "times": 1});
        for (name, value) in more.as_object().unwrap() {
            body[name.as_str()] = value.clone();
        }
        xero.order("/faults", body).await;
    };
    order("throttled", json!({"retry_after": 7})).await;
    // The order is for the other format.
    let quickbooks = xero.api.send(Method::GET, "preferences", None).await;
    assert_eq!(quickbooks.status(), StatusCode::OK);
    let response = xero.send("Items").await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(number(&response, "retry-after"), Some(7));
    order("unauthorized", json!({"matching": "Invoices?page=2"})).await;
    assert_eq!(xero.send("Invoices?page=1").await.status(), StatusCode::OK);
    let response = xero.send("Invoices?page=2").await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let body: Value = response.json().await.unwrap();
    assert!(body["Detail"].as_str().unwrap().starts_with("TokenExpired"));
    order("server_error", json!({})).await;
    let response = xero.send("Items").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    order("unavailable", json!({})).await;
    let response = xero.send("Items").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.text().await.unwrap().contains("unavailable"));
    order("malformed", json!({})).await;
    let text = xero.text("Items").await;
    assert!(serde_json::from_str::<Value>(&text).is_err());
    order("truncate", json!({})).await;
    assert!(xero.send("Items").await.text().await.is_err());
    order("disconnect", json!({})).await;
    assert!(
        xero.request("Items")
            .timeout(Duration::from_secs(5))
            .send()
            .await
            .is_err()
    );
}
