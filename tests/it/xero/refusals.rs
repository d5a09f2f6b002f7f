//! Refusals that are known only by description, and shapes that come from what stands between.

use std::time::Duration;

use financial_pulse::domain::freshness::Dataset;
use financial_pulse::provider::{AccountingProvider, Page, ProviderError, ProviderResult};

use super::{access, at, connector, reference, settings};
use crate::support::script::{Reply, ScriptedServer};

/// One page, without any retry.
async fn ask(replies: Vec<Reply>) -> ProviderResult<Page> {
    let server = ScriptedServer::start(replies).await;
    let mut settings = settings(&server.url);
    settings.http.retry.attempts = 1;
    settings.throttle_wait = Duration::from_mins(1);
    let provider = connector(settings).provider;
    let since = Some(at("2026-04-24T15:00:00Z"));
    provider
        .page(&access(), Dataset::Invoices, &reference(), since, None)
        .await
}

#[tokio::test]
async fn every_refusal_has_its_meaning() {
    let refusals: [(u16, &str, &str, &str); 22] = [
        (
            401,
            r#"{"Type":null,"Title":"Unauthorized","Status":401,"Detail":"TokenExpired: token expired at 09/24/2021 08:23:47","Instance":"x","Extensions":{}}"#,
            "unauthorized",
            "TokenExpired",
        ),
        (
            401,
            r#"{"title":"Unauthorized","status":401,"detail":"AuthenticationUnsuccessful"}"#,
            "consent_lost",
            "AuthenticationUnsuccessful",
        ),
        (401, "", "unauthorized", "http_401"),
        (
            403,
            r#"{"title":"Forbidden","status":403,"detail":"AuthorizationUnsuccessful"}"#,
            "forbidden",
            "AuthorizationUnsuccessful",
        ),
        (403, "<html>Forbidden</html>", "forbidden", "http_403"),
        (
            400,
            r#"{"ErrorNumber":16,"Type":"QueryParseException","Message":"Unterminated string literal"}"#,
            "rejected",
            "QueryParseException",
        ),
        (
            400,
            r#"{"ErrorNumber":10,"Type":"ValidationException","Message":"A validation exception occurred","Elements":[{"ValidationErrors":[{"Message":"Jane Doe is no name"}]}]}"#,
            "rejected",
            "ValidationException",
        ),
        (400, "Please reduce your filter", "rejected", "http_400"),
        (
            400,
            r#"{"Type":"a text about Jane Doe"}"#,
            "rejected",
            "http_400",
        ),
        (404, "", "not_found", ""),
        (404, "<html/>", "not_found", ""),
        (412, "", "rejected", "http_412"),
        (429, "", "rate_limited", ""),
        (500, "", "unavailable", "500"),
        (501, "", "rejected", "http_501"),
        (502, "<html/>", "unavailable", "502"),
        (
            503,
            "The Xero API is currently offline for maintenance",
            "unavailable",
            "503",
        ),
        (504, "", "unavailable", "504"),
        (200, "<html>maintenance</html>", "malformed", ""),
        (200, "", "malformed", ""),
        (200, r#"{"Invoices":[]}"#, "malformed", "DateTimeUTC"),
        (
            200,
            r#"{"DateTimeUTC":"\/Date(1777032244663)\/","Invoices":[{"Type":"ACCREC"}]}"#,
            "malformed",
            "InvoiceID",
        ),
    ];
    for (status, body, code, word) in refusals {
        let error = ask(vec![Reply::status(status, body)]).await;
        let error = error.expect_err("a refusal");
        assert_eq!(error.code(), code, "{status} {body}");
        assert!(error.to_string().contains(word), "{status} {body}: {error}");
        assert!(!error.to_string().contains("Jane"), "{error}");
    }
}

#[tokio::test]
async fn the_wait_is_the_one_asked_for_or_that_of_the_limit() {
    let cases: [(&str, Option<&str>, u64); 9] = [
        ("minute", Some("26"), 26),
        ("minute", None, 60),
        ("day", Some("40000"), 40_000),
        ("Day", None, 3600),
        ("daily", None, 3600),
        ("appminute", None, 60),
        ("concurrent", None, 1),
        ("Concurrent", None, 1),
        ("", None, 60),
    ];
    for (limit, wait, expected) in cases {
        let mut reply = Reply::status(429, "");
        if !limit.is_empty() {
            reply = reply.with("X-Rate-Limit-Problem", limit);
        }
        if let Some(wait) = wait {
            reply = reply.with("Retry-After", wait);
        }
        match ask(vec![reply]).await.expect_err("a refusal") {
            ProviderError::RateLimited { retry_after } => {
                assert_eq!(
                    retry_after,
                    Duration::from_secs(expected),
                    "{limit} {wait:?}"
                );
            }
            other => panic!("{limit}: {other}"),
        }
    }
}

#[tokio::test]
async fn nothing_modified_is_an_empty_page() {
    let page = ask(vec![Reply::status(304, "")]).await.expect("a page");
    assert_eq!((page.count, page.next), (0, None));
    assert_eq!(page.answered_at, at("2026-04-24T16:00:00Z"));
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let good = r#"{"DateTimeUTC":"\/Date(1777032244663)\/","Invoices":[]}"#;
    for trouble in [
        Reply::status(503, "offline"),
        Reply::status(500, ""),
        Reply::status(429, "").with("X-Rate-Limit-Problem", "minute"),
        Reply::Close,
        Reply::Cut(b"{\"Invoices\"".to_vec()),
        Reply::status(200, r#"{"DateTimeUTC":"#),
    ] {
        let server = ScriptedServer::start(vec![trouble.clone(), Reply::status(200, good)]).await;
        let connector = connector(settings(&server.url));
        let page = connector
            .provider
            .page(&access(), Dataset::Invoices, &reference(), None, None)
            .await
            .unwrap_or_else(|error| panic!("{trouble:?}: {error}"));
        assert_eq!(page.answered_at, at("2026-04-24T12:04:04.663Z"));
        assert_eq!(server.left(), 0);
    }
}
