//! Limits of the app, refusals, and trouble to order.

use financial_pulse::sandbox::{Data, FormatOptions, Limits, SandboxOptions};
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::harness::options;
use super::{REALM, Sage};

async fn limited(limits: Limits) -> Sage {
    Sage::start(SandboxOptions {
        sage: FormatOptions {
            limits,
            ..FormatOptions::SAGE
        },
        ..options(Data::Empty)
    })
    .await
}

#[tokio::test]
async fn the_app_has_so_many_requests_a_day() {
    let sage = limited(Limits {
        app_per_day: Some(3),
        ..Limits::NONE
    })
    .await;
    // Those about no business count as well.
    for path in ["contacts", "businesses", "products"] {
        sage.get(path).await;
    }
    let refused = sage.send(Method::GET, "contacts", None).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait = refused.headers()["retry-after"].to_str().unwrap();
    let wait: i64 = wait.parse().unwrap();
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body[0]["$severity"], "error");
    sage.api.clock.advance(SignedDuration::from_secs(wait));
    // The token has expired meanwhile, which is found before the limit.
    let (status, body) = sage.read("contacts").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(body[0]["$dataCode"], "AuthorizationFailure");
    let usage = sage.control(Method::GET, "/usage?format=sage", Value::Null);
    let usage = usage.await;
    assert_eq!(usage["app"]["calls"], 5);
    assert_eq!(usage["app"]["refused"], 1);
    assert_eq!(usage[REALM]["calls"], 3);
}

#[tokio::test]
async fn the_app_has_so_many_requests_at_once() {
    let sage = limited(Limits {
        app_at_once: Some(0),
        ..Limits::NONE
    })
    .await;
    let refused = sage.send(Method::GET, "contacts", None).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().get("retry-after").is_none());
    let wanted = json!({"format": "sage", "app_at_once": 1});
    sage.control(Method::PUT, "/limits", wanted).await;
    sage.get("contacts").await;
}

#[tokio::test]
async fn the_documented_limits_are_the_default() {
    assert_eq!(FormatOptions::SAGE.limits.app_per_day, Some(1_296_000));
    assert_eq!(FormatOptions::SAGE.limits.app_at_once, Some(150));
    assert_eq!(FormatOptions::SAGE.limits.per_minute, None);
}

#[tokio::test]
async fn trouble_is_worded_as_sage_does() {
    let sage = Sage::empty().await;
    for (kind, status) in [
        ("unauthorized", StatusCode::UNAUTHORIZED),
        ("throttled", StatusCode::TOO_MANY_REQUESTS),
        ("server_error", StatusCode::INTERNAL_SERVER_ERROR),
        ("fault_inside", StatusCode::OK),
    ] {
        let order = json!({
            "kind": kind, "format": "sage", "times": 1, "matching": "/sage/v3.1/contacts?",
            "retry_after": 7,
        });
        sage.control(Method::POST, "/faults", order).await;
        // It is for contacts.
        sage.get("products").await;
        let response = sage.send(Method::GET, "contacts", None).await;
        assert_eq!(response.status(), status, "{kind}");
        let wait = response.headers().get("retry-after").cloned();
        assert_eq!(wait.is_some(), kind == "throttled");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body[0]["$source"], "", "{kind}: {body}");
        sage.get("contacts").await;
    }
    let order = json!({"kind": "unavailable", "format": "sage", "times": 1});
    sage.control(Method::POST, "/faults", order).await;
    let response = sage.send(Method::GET, "contacts", None).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn requests_are_counted_by_list_and_single_record() {
    let sage = Sage::empty().await;
    let contact = sage.customer("One").await;
    sage.get("contacts").await;
    let path = format!("contacts/{}", super::text(&contact["id"]));
    sage.get(&path).await;
    assert_eq!(sage.count("list contacts").await, 2);
    assert_eq!(sage.count("read contacts").await, 1);
}

#[tokio::test]
async fn writes_and_unknown_paths_are_refused() {
    let sage = Sage::empty().await;
    for path in [
        "contacts",
        "sales_invoices",
        "businesses",
        "tax_rates",
        "invoice_settings",
    ] {
        let response = sage.send(Method::POST, path, None).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    for path in [
        "nonsense",
        "contacts/nonsense",
        "contacts/00000000000000000000000000000000",
        "contacts/1/2",
        "businesses/nonsense",
        "tax_rates/nonsense",
    ] {
        let (status, body) = sage.read(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(body[0]["$dataCode"], "RecordNotFound");
    }
}
