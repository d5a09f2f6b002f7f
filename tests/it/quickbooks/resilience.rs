//! Trouble on the wire: what is tried again, how often and after which wait, and what is given up.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::provider::{AccountingProvider, Page, ProviderError, ProviderResult};
use jiff::SignedDuration;
use serde_json::json;

use super::{ACCOUNT, Connector, TOKEN, access, connector, reference, settings};
use crate::support::company::TIME;
use crate::support::script::{Reply, ScriptedServer};

fn empty_page() -> Reply {
    Reply::json(&json!({"QueryResponse": {}, "time": TIME}))
}

async fn ask(connector: &Connector) -> ProviderResult<Page> {
    connector
        .provider
        .page(&access(), Dataset::Invoices, &reference(), None, None)
        .await
}

#[tokio::test]
async fn a_read_carries_what_quickbooks_asks_for() {
    let server = ScriptedServer::start(vec![empty_page()]).await;
    let connector = connector(settings(&server.url));
    let page = ask(&connector).await.expect("a page");
    assert_eq!((page.count, page.next, page.expected), (0, None, Some(0)));
    assert_eq!(page.answered_at.to_string(), "2026-05-05T12:30:00.123Z");

    let request = &server.received()[0];
    assert_eq!(request.method, "POST");
    let target = format!("/v3/company/{ACCOUNT}/query?minorversion=75");
    assert_eq!(request.target, target);
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(request.header("authorization"), Some(bearer.as_str()));
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.header("content-type"), Some("application/text"));
    assert_eq!(request.header("accept-encoding"), Some("gzip"));
    assert_eq!(
        request.body,
        "SELECT * FROM Invoice ORDERBY MetaData.LastUpdatedTime STARTPOSITION 1 MAXRESULTS 1000"
    );
    assert_eq!(connector.meter.spent(), 1);
}

#[tokio::test]
async fn passing_trouble_is_tried_again() {
    let troubles = [
        Reply::status(
            500,
            r#"{"Fault":{"Error":[{"code":"10000"}],"type":"SystemFault"}}"#,
        ),
        Reply::status(502, "<html>Bad Gateway</html>"),
        Reply::status(503, ""),
        Reply::status(504, ""),
        Reply::status(408, ""),
        Reply::status(429, "<IntuitResponse/>"),
        Reply::status(403, r#"<Fault type="SERVICE"><Error code="3001"/></Fault>"#),
        Reply::Close,
        Reply::Cut(br#"{"QueryResponse":{"#.to_vec()),
        Reply::status(200, r#"{"QueryResponse":{"Inv"#),
        Reply::status(200, "<html>maintenance</html>"),
    ];
    for trouble in troubles {
        let server = ScriptedServer::start(vec![trouble.clone(), empty_page()]).await;
        let page = ask(&connector(settings(&server.url))).await;
        assert!(page.is_ok(), "{trouble:?}: {page:?}");
    }
}

#[tokio::test]
async fn what_no_retry_helps_is_asked_once() {
    let refusals = [
        (
            401,
            r#"{"fault":{"error":[{"code":"3200"}],"type":"AUTHENTICATION"},"time":1601391072830}"#,
            "unauthorized",
        ),
        (
            403,
            r#"{"fault":{"error":[{"code":"3100"}],"type":"AUTHORIZATION"}}"#,
            "consent_lost",
        ),
        (
            400,
            r#"{"Fault":{"Error":[{"code":"4001"}],"type":"ValidationFault"}}"#,
            "rejected",
        ),
        (302, "", "rejected"),
    ];
    for (status, body, code) in refusals {
        let server = ScriptedServer::start(vec![Reply::status(status, body), empty_page()]).await;
        let error = ask(&connector(settings(&server.url)))
            .await
            .expect_err("a refusal");
        assert_eq!(error.code(), code);
        assert_eq!(server.left(), 1, "{status}: asked once");
    }
}

#[tokio::test]
async fn the_number_of_attempts_is_bounded() {
    let server = ScriptedServer::start(vec![Reply::status(503, ""); 5]).await;
    let connector = connector(settings(&server.url));
    let error = ask(&connector).await.expect_err("no answer");
    assert!(
        matches!(error, ProviderError::Unavailable { .. }),
        "{error}"
    );
    assert_eq!(server.left(), 2, "three attempts");
    assert_eq!(connector.meter.spent(), 1, "failed calls are free");
}

#[tokio::test]
async fn garbled_answers_are_asked_again_only_once() {
    let server = ScriptedServer::start(vec![Reply::status(200, "{"); 5]).await;
    let error = ask(&connector(settings(&server.url)))
        .await
        .expect_err("garbled");
    assert!(matches!(error, ProviderError::Malformed { .. }), "{error}");
    assert_eq!(server.left(), 3);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up_in_time_and_metered_anew() {
    let server = ScriptedServer::start(vec![Reply::Silence, empty_page()]).await;
    let mut impatient = settings(&server.url);
    impatient.http.request_timeout = Duration::from_millis(100);
    let connector = connector(impatient);
    ask(&connector).await.expect("the second attempt");
    assert_eq!(
        connector.meter.spent(),
        2,
        "the first may have been answered"
    );
}

#[tokio::test]
async fn the_wait_that_is_asked_for_is_kept() {
    // By header, and by documentation (20 ms here) where there is none.
    let waits = [
        (Reply::status(429, "").with("retry-after", "1"), 1_000),
        (Reply::status(503, "").with("retry-after", "1"), 1_000),
        (Reply::status(429, ""), 20),
        // A date that is past by our clock, so none.
        (
            Reply::status(429, "").with("retry-after", "Tue, 05 May 2026 12:00:00 GMT"),
            0,
        ),
    ];
    for (trouble, millis) in waits {
        let server = ScriptedServer::start(vec![trouble.clone(), empty_page()]).await;
        let started = Instant::now();
        ask(&connector(settings(&server.url)))
            .await
            .expect("a page");
        let took = started.elapsed();
        let wait = Duration::from_millis(millis);
        assert!(
            took >= wait && took < wait + Duration::from_secs(1),
            "{trouble:?}: {took:?}"
        );
    }
}

#[tokio::test]
async fn a_wait_beyond_the_budget_is_told_at_once_and_holds_the_next_call_too() {
    let throttled = Reply::status(429, "").with("retry-after", "600");
    let server = ScriptedServer::start(vec![throttled, empty_page()]).await;
    let connector = connector(settings(&server.url));
    for _ in 0..2 {
        let error = ask(&connector).await.expect_err("throttled");
        let ProviderError::RateLimited { retry_after } = error else {
            panic!("expected a wait, got {error}")
        };
        assert!(retry_after > Duration::from_secs(590), "{retry_after:?}");
    }
    assert_eq!(server.received().len(), 1, "the second was not sent");
}

#[tokio::test]
async fn calls_are_held_back_after_failures_until_the_cool_down_is_over() {
    let server = ScriptedServer::start(vec![Reply::status(503, ""); 6]).await;
    let mut settings = settings(&server.url);
    settings.http.breaker.failures = 3;
    settings.http.breaker.cool_down = Duration::from_secs(30);
    settings.http.retry.attempts = 2;
    let connector = connector(settings);
    assert_eq!(
        ask(&connector).await.expect_err("down").code(),
        "unavailable"
    );
    assert_eq!(
        ask(&connector).await.expect_err("down").code(),
        "circuit_open"
    );
    assert_eq!(
        ask(&connector).await.expect_err("held").code(),
        "circuit_open"
    );
    assert_eq!(server.left(), 3, "three were sent");

    connector.clock.advance(SignedDuration::from_secs(31));
    assert_eq!(
        ask(&connector).await.expect_err("down").code(),
        "circuit_open"
    );
    assert_eq!(server.left(), 2, "one trial was sent");

    server.then(vec![empty_page(); 4]);
    for _ in 0..2 {
        connector.clock.advance(SignedDuration::from_secs(301));
        let _ = ask(&connector).await;
    }
    connector.clock.advance(SignedDuration::from_secs(301));
    ask(&connector).await.expect("it closed");
    ask(&connector).await.expect("and stays closed");
}

#[tokio::test]
async fn nobody_listening_is_unavailable_and_costs_nothing() {
    let connector = connector(settings("http://127.0.0.1:9"));
    let error = ask(&connector).await.expect_err("nobody");
    assert_eq!(error.code(), "unavailable");
    assert!(
        !error.to_string().contains("127.0.0.1"),
        "no address: {error}"
    );
    assert_eq!(connector.meter.spent(), 1, "booked once for all attempts");
}

#[tokio::test]
async fn an_answer_beyond_the_size_cap_is_not_read_to_its_end() {
    let large = format!(r#"{{"QueryResponse":{{}},"pad":"{}"}}"#, "x".repeat(5_000));
    let server = ScriptedServer::start(vec![Reply::json(&large); 3]).await;
    let mut small = settings(&server.url);
    small.http.max_body_bytes = 1_000;
    let error = ask(&connector(small)).await.expect_err("too large");
    assert!(error.to_string().contains("larger than allowed"), "{error}");
}

/// A compressed answer; the second is 20 KB once it is unpacked.
fn gzipped() -> [Reply; 2] {
    [
        "H4sIAAAAAAACA6tWCixNLaoMSi0uyM8rTlWyqq7VUSrJzAWylIwMjMx0DUyBKMTA1MrYwMrAQM/QyFjXwBzIUqoFAIFLfDE7AAAA",
        "H4sIAAAAAAACA+3BwQmAMBAAsF3u7QTdQjcQvK8Wi2Ap3d01fCQZsT559y1bvc6WUcZcou5HlHgBAAAAAAAAAAAAAAAAAAAAAAAA+IWYH6XSs/U9TgAA",
    ]
    .map(|text| {
        let body = STANDARD.decode(text).expect("base64");
        Reply::status(200, body).with("content-encoding", "gzip")
    })
}

#[tokio::test]
async fn compressed_answers_are_read_and_measured_unpacked() {
    let [small, large] = gzipped();
    let server = ScriptedServer::start(vec![small, large]).await;
    let mut capped = settings(&server.url);
    capped.http.max_body_bytes = 10_000;
    capped.http.retry.attempts = 1;
    let connector = connector(capped);
    ask(&connector).await.expect("a page");
    let error = ask(&connector).await.expect_err("too large");
    assert!(error.to_string().contains("larger than allowed"), "{error}");
}

#[tokio::test]
async fn an_error_names_the_place_but_neither_value_nor_token() {
    let body =
        json!({"QueryResponse": {"Invoice": [{"Id": "1", "TotalAmt": "Jane Doe"}]}, "time": TIME});
    let server = ScriptedServer::start(vec![Reply::json(&body); 2]).await;
    let error = ask(&connector(settings(&server.url)))
        .await
        .expect_err("garbled");
    assert_eq!(
        error.to_string(),
        "the ledger's answer cannot be read at `QueryResponse.Invoice[0].TotalAmt`: the value does not fit there"
    );

    let expired = format!(
        r#"{{"fault":{{"error":[{{"message":"message=AuthenticationFailed; errorCode=003200; statusCode=401","detail":"Token expired: {TOKEN}","code":"3200"}}],"type":"AUTHENTICATION"}}}}"#
    );
    let server = ScriptedServer::start(vec![Reply::status(401, expired)]).await;
    let error = ask(&connector(settings(&server.url)))
        .await
        .expect_err("expired");
    assert!(!format!("{error} {error:?}").contains(TOKEN));
}
