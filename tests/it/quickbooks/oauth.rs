//! Tokens: how they are asked for, and what refusals mean.

use financial_pulse::provider::quickbooks::QuickBooksSettings;
use financial_pulse::provider::{AccountingProvider, ProviderError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{at, connector, settings};
use crate::contracts;
use crate::support::script::{Reply, ScriptedServer};

fn token_answer() -> serde_json::Value {
    json!({
        "access_token": "new-access", "refresh_token": "new-refresh", "token_type": "bearer",
        "expires_in": 3600, "x_refresh_token_expires_in": 8_726_400,
        "x_refresh_token_hard_expires_in": 157_680_000
    })
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[tokio::test]
async fn a_code_is_traded_for_tokens() {
    let server = ScriptedServer::start(vec![Reply::json(&token_answer())]).await;
    let connector = connector(settings(&server.url));
    let grant = connector
        .provider
        .authorization()
        .exchange("c&de", None)
        .await;
    let grant = grant.expect("a grant");
    assert_eq!(grant.access_token.expose_secret(), "new-access");
    assert_eq!(grant.refresh_token.expose_secret(), "new-refresh");
    assert_eq!(grant.access_expires_at, at("2026-05-05T13:30:00Z"));
    assert_eq!(grant.refresh_expires_at, Some(at("2026-08-14T12:30:00Z")));

    let request = &server.received()[0];
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/token")
    );
    assert_eq!(
        request.header("authorization"),
        Some("Basic Y2xpZW50OnNlY3JldA==")
    );
    assert_eq!(
        request.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(
        request.body,
        "grant_type=authorization_code&code=c%26de&redirect_uri=https%3A%2F%2Fpulse.example.com%2Foauth%2Fcallback"
    );
    assert_eq!(connector.meter.spent(), 0, "token calls are not metered");
}

#[tokio::test]
async fn a_refresh_hands_back_the_new_refresh_token_or_the_old_one() {
    let mut without = token_answer();
    without
        .as_object_mut()
        .expect("an object")
        .remove("refresh_token");
    let mut empty = token_answer();
    empty["refresh_token"] = "".into();
    let answers = [token_answer(), without, empty];
    let server = ScriptedServer::start(answers.iter().map(Reply::json).collect()).await;
    let connector = connector(settings(&server.url));
    let authorization = connector.provider.authorization();
    for expected in ["new-refresh", "old", "old"] {
        let grant = authorization
            .refresh(&secret("old"))
            .await
            .expect("a grant");
        assert_eq!(grant.refresh_token.expose_secret(), expected);
    }
    assert_eq!(
        server.received()[0].body,
        "grant_type=refresh_token&refresh_token=old"
    );
}

#[tokio::test]
async fn consent_is_given_up_by_json() {
    let server = ScriptedServer::start(vec![Reply::status(200, "")]).await;
    let connector = connector(settings(&server.url));
    let revoked = connector
        .provider
        .authorization()
        .revoke(&secret("r"))
        .await;
    revoked.expect("it is revoked");
    let request = &server.received()[0];
    assert_eq!(request.target, "/revoke");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.body, r#"{"token":"r"}"#);
}

#[tokio::test]
async fn refusals_have_a_meaning() {
    let cases = [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"Token invalid"}"#,
            "consent_lost",
        ),
        (401, r#"{"error":"invalid_client"}"#, "misconfigured"),
        (400, r#"{"error":"invalid_request"}"#, "rejected"),
        (400, r#"{"error":"token=abc"}"#, "rejected"),
        (401, "", "misconfigured"),
        (429, "<html/>", "rate_limited"),
        (500, "<html/>", "unavailable"),
        (503, "", "unavailable"),
        (200, "<html/>", "malformed"),
        (200, r#"{"expires_in":3600}"#, "malformed"),
        (
            200,
            r#"{"access_token":"","refresh_token":"r","expires_in":3600}"#,
            "malformed",
        ),
        (302, "", "rejected"),
    ];
    for (status, body, code) in cases {
        let server = ScriptedServer::start(vec![Reply::status(status, body)]).await;
        let mut settings = settings(&server.url);
        settings.http.retry.attempts = 1;
        let connector = connector(settings);
        let refused = connector
            .provider
            .authorization()
            .refresh(&secret("r"))
            .await;
        let error = refused.expect_err("a refusal");
        assert_eq!(error.code(), code, "{status} {body}");
        assert!(!error.to_string().contains("abc"), "{error}");
    }
}

#[tokio::test]
async fn a_refresh_that_may_have_been_carried_out_is_not_repeated() {
    for trouble in [
        Reply::Close,
        Reply::Cut(b"{".to_vec()),
        Reply::status(500, ""),
    ] {
        let server =
            ScriptedServer::start(vec![trouble.clone(), Reply::json(&token_answer())]).await;
        let connector = connector(settings(&server.url));
        let refused = connector
            .provider
            .authorization()
            .refresh(&secret("r"))
            .await;
        assert!(
            matches!(refused, Err(ProviderError::Unavailable { .. })),
            "{trouble:?}"
        );
        assert_eq!(server.left(), 1, "{trouble:?}: asked once");
    }
    // Refused for too many calls, it certainly was not.
    let server =
        ScriptedServer::start(vec![Reply::status(429, ""), Reply::json(&token_answer())]).await;
    let connector = connector(settings(&server.url));
    let granted = connector
        .provider
        .authorization()
        .refresh(&secret("r"))
        .await;
    granted.expect("the second attempt");
}

#[tokio::test]
async fn the_person_is_sent_to_the_consent_page_with_a_state() {
    let connector = connector(settings("http://127.0.0.1:9"));
    let url = connector
        .provider
        .authorization()
        .authorize_url("a state", None);
    assert_eq!(
        url.expect("an address"),
        "http://127.0.0.1:9/authorize?client_id=client&response_type=code&scope=com.intuit.quickbooks.accounting&redirect_uri=https%3A%2F%2Fpulse.example.com%2Foauth%2Fcallback&state=a+state"
    );
}

#[tokio::test]
async fn missing_credentials_are_named() {
    let without = connector(QuickBooksSettings::default());
    let error = without
        .provider
        .authorization()
        .authorize_url("s", None)
        .expect_err("none");
    assert!(error.to_string().contains("client_id"), "{error}");
}

#[test]
fn the_default_addresses_are_those_of_the_discovery_document() {
    let Some(folder) = contracts::folder("quickbooks") else {
        return;
    };
    let discovery = contracts::json(&folder.join("oauth/discovery.json"));
    let defaults = QuickBooksSettings::default();
    assert_eq!(discovery["authorization_endpoint"], defaults.authorize_url);
    assert_eq!(discovery["token_endpoint"], defaults.token_url);
    assert_eq!(discovery["revocation_endpoint"], defaults.revoke_url);
}

#[test]
fn nothing_secret_is_printed() {
    let settings = settings("http://127.0.0.1:9");
    let printed = format!("{settings:?} {:?}", connector(settings.clone()).provider);
    assert!(!printed.contains("secret\""), "{printed}");
}
