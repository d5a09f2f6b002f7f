//! Consent for several organisations, tokens, rotation and its grace.

use financial_pulse::sandbox::{CompanyOptions, Data, SandboxOptions};
use jiff::SignedDuration;
use reqwest::{Client, Method, Response, StatusCode, redirect};
use serde_json::{Value, json};
use url::Url;

use super::super::harness::{REALM, options};
use super::Xero;
use crate::contracts;

const CALLBACK: &str = "http://localhost:8080/oauth/xero/callback";
const OTHER: &str = "1000000000000009";
const SCOPE: &str = "offline_access accounting.contacts.read accounting.invoices.read";

async fn two_companies() -> Xero {
    let mut options: SandboxOptions = options(Data::Empty);
    options.companies.push(CompanyOptions {
        realm: OTHER.to_owned(),
        name: "Other Company".to_owned(),
        ..CompanyOptions::default()
    });
    Xero::start(options).await
}

async fn refresh(xero: &Xero, token: &str) -> (StatusCode, Value) {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    let response = post(xero, "/connect/token", &form, true).await;
    (response.status(), response.json().await.unwrap())
}

async fn post(xero: &Xero, path: &str, form: &[(&str, &str)], basic: bool) -> Response {
    let url = format!("{}/xero{path}", xero.api.sandbox.url());
    let mut form = form.to_vec();
    let request = xero.api.client.post(url);
    let request = if basic {
        request.basic_auth("sandbox-client", Some("sandbox-secret"))
    } else {
        form.push(("client_id", "sandbox-client"));
        form.push(("client_secret", "sandbox-secret"));
        request
    };
    request.form(&form).send().await.unwrap()
}

/// Where the consent page leads.
async fn consent(xero: &Xero, scope: &str, realms: &[&str], more: &[(&str, &str)]) -> Url {
    let browser = Client::builder()
        .redirect(redirect::Policy::none())
        .build()
        .unwrap();
    let url = format!("{}/xero/identity/connect/authorize", xero.api.sandbox.url());
    let mut form = vec![
        ("client_id", "sandbox-client"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", scope),
        ("state", "s"),
    ];
    form.extend_from_slice(more);
    let page = browser.get(&url).query(&form).send().await.unwrap();
    if page.status() == StatusCode::OK {
        let page = page.text().await.unwrap();
        for realm in [REALM, OTHER] {
            assert!(
                page.contains(&format!(
                    "type=\"checkbox\" name=\"realm\" value=\"{realm}\""
                )),
                "{page}"
            );
        }
    }
    form.extend(realms.iter().map(|realm| ("realm", *realm)));
    let back = browser.post(&url).form(&form).send().await.unwrap();
    assert_eq!(back.status(), StatusCode::SEE_OTHER);
    back.headers()["location"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

async fn connections(xero: &Xero, token: &str, query: &str) -> Vec<Value> {
    let response = xero
        .url(&format!("/connections{query}"))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().get("x-appminlimit-remaining").is_some());
    assert!(response.headers().get("x-minlimit-remaining").is_none());
    response.json().await.unwrap()
}

async fn status(xero: &Xero, token: &str, tenant: &str, resource: &str) -> StatusCode {
    xero.url(&format!("/api.xro/2.0/{resource}"))
        .bearer_auth(token)
        .header("xero-tenant-id", tenant)
        .header("accept", "application/json")
        .send()
        .await
        .unwrap()
        .status()
}

#[tokio::test]
async fn one_consent_reaches_several_organisations() {
    let xero = two_companies().await;
    for basic in [true, false] {
        let back = consent(&xero, SCOPE, &[REALM, OTHER], &[]).await;
        assert_eq!(parameter(&back, "state").unwrap(), "s");
        assert!(parameter(&back, "realmId").is_none());
        let code = parameter(&back, "code").unwrap();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
        ];
        let tokens = post(&xero, "/connect/token", &form, basic).await;
        assert_eq!(tokens.status(), StatusCode::OK);
        let tokens: Value = tokens.json().await.unwrap();
        assert_eq!(tokens["expires_in"], json!(1800));
        if let Some(recorded) =
            contracts::read("xero/samples/raw-wire-demo-nz-2020/token-refresh.body.json")
        {
            let recorded: Value = serde_json::from_str(&recorded).unwrap();
            let keys = |value: &Value| -> Vec<String> {
                let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
                keys.sort();
                keys
            };
            assert_eq!(keys(&recorded), keys(&tokens));
        }
        let token = tokens["access_token"].as_str().unwrap();
        let reached = connections(&xero, token, "").await;
        assert_eq!(reached.len(), 2);
        let event = reached[1]["authEventId"].as_str().unwrap();
        let only = connections(&xero, token, &format!("?authEventId={event}")).await;
        assert_eq!(only.len(), 1);
        for connection in &reached {
            let tenant = connection["tenantId"].as_str().unwrap();
            assert_eq!(
                status(&xero, token, tenant, "Contacts").await,
                StatusCode::OK
            );
        }
        // A code is good once.
        let again = post(&xero, "/connect/token", &form, basic).await;
        assert_eq!(again.status(), StatusCode::BAD_REQUEST);
        assert_eq!(
            again.json::<Value>().await.unwrap(),
            json!({"error": "invalid_grant"})
        );
        // One organisation can be taken out.
        let id = reached[0]["id"].as_str().unwrap();
        let delete = async || {
            xero.api
                .client
                .delete(format!("{}/xero/connections/{id}", xero.api.sandbox.url()))
                .bearer_auth(token)
                .send()
                .await
                .unwrap()
                .status()
        };
        assert_eq!(delete().await, StatusCode::NO_CONTENT);
        assert_eq!(delete().await, StatusCode::NOT_FOUND);
        assert_eq!(connections(&xero, token, "").await.len(), 1);
        let tenant = reached[0]["tenantId"].as_str().unwrap();
        assert_eq!(
            status(&xero, token, tenant, "Contacts").await,
            StatusCode::FORBIDDEN
        );
    }
}

#[tokio::test]
async fn scopes_are_granular_and_the_old_ones_refused() {
    let xero = two_companies().await;
    let back = consent(
        &xero,
        "offline_access accounting.transactions",
        &[REALM],
        &[],
    )
    .await;
    assert_eq!(parameter(&back, "error").unwrap(), "invalid_scope");
    let back = consent(&xero, SCOPE, &[], &[]).await;
    assert_eq!(parameter(&back, "error").unwrap(), "access_denied");
    let back = consent(&xero, "accounting.contacts.read", &[REALM], &[]).await;
    let code = parameter(&back, "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    let tokens: Value = post(&xero, "/connect/token", &form, true)
        .await
        .json()
        .await
        .unwrap();
    // Nobody asked for offline access.
    assert!(tokens.get("refresh_token").is_none());
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(
        status(&xero, token, &xero.tenant, "Contacts").await,
        StatusCode::OK
    );
    assert_eq!(
        status(&xero, token, &xero.tenant, "Invoices").await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        status(&xero, token, &xero.tenant, "Organisation").await,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn the_exchange_needs_the_verifier() {
    let xero = two_companies().await;
    // The example of RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = [
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
    ];
    for (verifier, expected) in [
        ("wrong", StatusCode::BAD_REQUEST),
        (verifier, StatusCode::OK),
    ] {
        let back = consent(&xero, SCOPE, &[REALM], &challenge).await;
        let code = parameter(&back, "code").unwrap();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        assert_eq!(
            post(&xero, "/connect/token", &form, true).await.status(),
            expected
        );
    }
}

#[tokio::test]
async fn a_refresh_token_has_half_an_hour_of_grace() {
    let xero = Xero::empty().await;
    let first = xero.refresh_token.clone();
    let (status, second) = refresh(&xero, &first).await;
    assert_eq!(status, StatusCode::OK);
    let second = second["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    // The answer was lost: the old one works again, and what it gave in between is dead.
    xero.api.clock.advance(SignedDuration::from_mins(29));
    let (status, third) = refresh(&xero, &first).await;
    assert_eq!(status, StatusCode::OK);
    let third = third["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(second, third);
    assert_eq!(refresh(&xero, &second).await.0, StatusCode::BAD_REQUEST);
    // Half an hour after it was used first it is over.
    xero.api.clock.advance(SignedDuration::from_mins(1));
    let (status, refused) = refresh(&xero, &first).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(refused, json!({"error": "invalid_grant"}));
    // The present one lives on; once it is used, the one before it is still in its grace.
    let (status, _) = refresh(&xero, &third).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(refresh(&xero, &third).await.0, StatusCode::OK);
    let counts = xero
        .api
        .control(Method::GET, "/counts?format=xero", Value::Null)
        .await;
    assert_eq!(counts["oauth"]["invalid_grant"], json!(2));
}

#[tokio::test]
async fn tokens_last_as_long_as_documented() {
    let xero = Xero::empty().await;
    assert_eq!(
        status(&xero, &xero.token, &xero.tenant, "Items").await,
        StatusCode::OK
    );
    xero.api.clock.advance(SignedDuration::from_mins(30));
    assert_eq!(
        status(&xero, &xero.token, &xero.tenant, "Items").await,
        StatusCode::UNAUTHORIZED
    );
    let (_, tokens) = refresh(&xero, &xero.refresh_token).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    xero.api.clock.advance(SignedDuration::from_hours(60 * 24));
    assert_eq!(refresh(&xero, token).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_revoked_consent_is_over() {
    let xero = Xero::empty().await;
    let stranger = xero
        .api
        .client
        .post(format!(
            "{}/xero/connect/revocation",
            xero.api.sandbox.url()
        ))
        .form(&[("token", &xero.refresh_token)])
        .send()
        .await
        .unwrap();
    assert_eq!(
        stranger.json::<Value>().await.unwrap(),
        json!({"error": "invalid_client"})
    );
    let form = [("token", xero.refresh_token.as_str())];
    assert_eq!(
        post(&xero, "/connect/revocation", &form, true)
            .await
            .status(),
        StatusCode::OK
    );
    assert_eq!(
        refresh(&xero, &xero.refresh_token).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        status(&xero, &xero.token, &xero.tenant, "Items").await,
        StatusCode::UNAUTHORIZED
    );
}
