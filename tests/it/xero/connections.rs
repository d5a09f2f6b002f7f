//! Consent: what is asked for, the organizations that it reaches, and how it is given up.

use financial_pulse::provider::AccountingProvider;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{ACCOUNT, access, at, connector, settings};
use crate::support::script::{Reply, ScriptedServer};

#[tokio::test]
async fn consent_asks_for_the_least_that_new_apps_may_have() {
    let connector = connector(settings("http://127.0.0.1:1"));
    let url = connector.provider.authorization().authorize_url("st", None);
    let url = url::Url::parse(&url.expect("an address")).expect("an address");
    assert_eq!(url.path(), "/identity/connect/authorize");
    let asked: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(
        asked["scope"],
        "offline_access accounting.contacts.read accounting.invoices.read \
         accounting.payments.read accounting.settings.read"
    );
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], "client");
    assert_eq!(
        asked["redirect_uri"],
        "https://pulse.example.com/oauth/xero/callback"
    );
    assert_eq!(asked["state"], "st");
}

#[tokio::test]
async fn tokens_are_refreshed_and_revoked_as_the_app() {
    let tokens = json!({"access_token": "new-access", "refresh_token": "new-refresh",
        "token_type": "Bearer", "expires_in": 1800});
    let server = ScriptedServer::start(vec![Reply::json(&tokens), Reply::status(200, "")]).await;
    let connector = connector(settings(&server.url));
    let authorization = connector.provider.authorization();
    let old = SecretString::from("old");
    let grant = authorization.refresh(&old).await.expect("a grant");
    assert_eq!(grant.refresh_token.expose_secret(), "new-refresh");
    assert_eq!(grant.access_expires_at, at("2026-04-24T16:30:00Z"));
    assert_eq!(grant.refresh_expires_at, Some(at("2026-06-23T16:00:00Z")));
    authorization
        .revoke(&grant.refresh_token)
        .await
        .expect("revoked");

    let received = server.received();
    let [refresh, revoke] = received.as_slice() else {
        panic!("{} requests", received.len());
    };
    assert_eq!(refresh.target, "/connect/token");
    assert_eq!(refresh.body, "grant_type=refresh_token&refresh_token=old");
    assert_eq!(revoke.target, "/connect/revocation");
    assert_eq!(revoke.body, "token=new-refresh");
    for request in [refresh, revoke] {
        assert_eq!(
            request.header("authorization"),
            Some("Basic Y2xpZW50OnNlY3JldA==")
        );
    }
    assert_eq!(connector.meter.spent(), 0, "token calls are not metered");
}

/// Two organizations, of which the first is the tests' own.
fn reached() -> serde_json::Value {
    json!([
        {"id": "c-1", "tenantId": ACCOUNT, "tenantType": "ORGANISATION", "tenantName": "Demo",
         "createdDateUtc": "2026-04-20T11:47:10.3365440"},
        {"id": "c-2", "tenantId": "other", "tenantType": "ORGANISATION"},
        {"id": "c-3", "tenantId": "practice", "tenantType": "PRACTICE"}
    ])
}

#[tokio::test]
async fn a_consent_reaches_several_organizations() {
    let server = ScriptedServer::start(vec![Reply::json(&reached())]).await;
    let connector = connector(settings(&server.url));
    let token = SecretString::from("token");
    let choices = connector.provider.organizations(&token, None).await;
    let choices: Vec<_> = choices
        .expect("organizations")
        .into_iter()
        .map(|choice| {
            (
                choice.account.to_string(),
                choice.name.map(|n| n.to_string()),
            )
        })
        .collect();
    let expected = [
        (ACCOUNT.to_owned(), Some("Demo".to_owned())),
        ("other".to_owned(), None),
    ];
    assert_eq!(choices, expected);

    let request = &server.received()[0];
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("GET", "/connections")
    );
    assert_eq!(request.header("authorization"), Some("Bearer token"));
    assert_eq!(request.header("xero-tenant-id"), None, "it belongs to none");
    assert_eq!(
        connector.meter.spent(),
        0,
        "it counts on no organization's day"
    );
}

#[tokio::test]
async fn one_organization_is_given_up_by_its_connection() {
    for answer in [204, 404] {
        let replies = vec![Reply::json(&reached()), Reply::status(answer, "")];
        let server = ScriptedServer::start(replies).await;
        let connector = connector(settings(&server.url));
        let given_up = connector.provider.disconnect(&access()).await;
        given_up.unwrap_or_else(|error| panic!("{answer}: {error}"));
        let request = &server.received()[1];
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("DELETE", "/connections/c-1")
        );
    }
    let server = ScriptedServer::start(vec![Reply::json(&json!([]))]).await;
    let connector = connector(settings(&server.url));
    let given_up = connector.provider.disconnect(&access()).await;
    given_up.expect("it was given up before");
}
