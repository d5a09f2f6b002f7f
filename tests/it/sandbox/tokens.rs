//! Consent, tokens, rotation and expiry.

use std::time::Duration;

use financial_pulse::sandbox::{Data, Rotation, SandboxOptions, TokenPolicy};
use jiff::SignedDuration;
use reqwest::{Client, Method, Response, StatusCode, redirect};
use serde_json::{Value, json};
use url::Url;

use super::harness::{Api, REALM, options};
use super::shape::{differences, recorded};

const CALLBACK: &str = "http://localhost:8080/oauth/quickbooks/callback";

async fn start(rotation: Rotation) -> Api {
    Api::start(SandboxOptions {
        tokens: TokenPolicy {
            rotation,
            ..TokenPolicy::default()
        },
        ..options(Data::Empty)
    })
    .await
}

async fn token_call(api: &Api, secret: &str, form: &[(&str, &str)]) -> Response {
    api.client
        .post(format!("{}/oauth2/v1/tokens/bearer", api.sandbox.url()))
        .basic_auth("sandbox-client", Some(secret))
        .form(form)
        .send()
        .await
        .unwrap()
}

async fn refresh(api: &Api, token: &str) -> (StatusCode, Value) {
    let response = token_call(
        api,
        "sandbox-secret",
        &[("grant_type", "refresh_token"), ("refresh_token", token)],
    )
    .await;
    (response.status(), response.json().await.unwrap())
}

async fn mint(api: &Api) -> (String, String) {
    let tokens = api
        .control(Method::POST, "/tokens", json!({"company": REALM}))
        .await;
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// Status of a read with this access token.
async fn read(api: &Api, token: &str) -> StatusCode {
    api.client
        .get(format!(
            "{}/v3/company/{REALM}/preferences",
            api.sandbox.url()
        ))
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .status()
}

/// Presses the button of the consent page and gives where it leads.
async fn consent(api: &Api, realm: &str) -> Url {
    let browser = Client::builder()
        .redirect(redirect::Policy::none())
        .build()
        .unwrap();
    let url = format!("{}/connect/oauth2", api.sandbox.url());
    let asked = [
        ("client_id", "sandbox-client"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "com.intuit.quickbooks.accounting"),
        ("state", "a&b"),
    ];
    let page = browser.get(&url).query(&asked).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    assert!(page.contains(&format!("value=\"{REALM}\"")), "{page}");
    assert!(page.contains("value=\"a&amp;b\""), "{page}");
    let mut form = asked.to_vec();
    form.push(("realm", realm));
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

#[tokio::test]
async fn a_code_is_good_once() {
    let api = start(Rotation::Daily).await;
    let back = consent(&api, REALM).await;
    assert!(back.as_str().starts_with(CALLBACK));
    assert_eq!(parameter(&back, "state").unwrap(), "a&b");
    assert_eq!(parameter(&back, "realmId").unwrap(), REALM);
    let code = parameter(&back, "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    assert_eq!(
        token_call(&api, "wrong", &form).await.status(),
        StatusCode::UNAUTHORIZED
    );
    let tokens: Value = token_call(&api, "sandbox-secret", &form)
        .await
        .json()
        .await
        .unwrap();
    if let Some(mut documented) = recorded("oauth/bearer-token.json") {
        // Asked for by the scope openid only.
        documented.as_object_mut().unwrap().remove("id_token");
        assert!(differences(&documented, &tokens).is_empty(), "{tokens}");
    }
    assert_eq!(tokens["expires_in"], json!(3600));
    assert_eq!(
        read(&api, tokens["access_token"].as_str().unwrap()).await,
        StatusCode::OK
    );
    let again = token_call(&api, "sandbox-secret", &form).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    let again: Value = again.json().await.unwrap();
    assert_eq!(again["error"], "invalid_grant");
}

#[tokio::test]
async fn a_code_is_for_the_address_that_asked() {
    let api = start(Rotation::Daily).await;
    let code = parameter(&consent(&api, REALM).await, "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "http://localhost:8080/other"),
    ];
    assert_eq!(
        token_call(&api, "sandbox-secret", &form).await.status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_refusal_comes_back_as_an_error() {
    let api = start(Rotation::Daily).await;
    let back = consent(&api, "").await;
    assert_eq!(parameter(&back, "error").unwrap(), "access_denied");
    assert_eq!(parameter(&back, "state").unwrap(), "a&b");
    assert!(parameter(&back, "code").is_none());
}

#[tokio::test]
async fn a_page_is_not_shown_to_a_stranger() {
    let api = start(Rotation::Daily).await;
    let url = format!("{}/connect/oauth2", api.sandbox.url());
    for (name, value) in [
        ("client_id", "stranger"),
        ("response_type", "token"),
        ("scope", "openid"),
        ("redirect_uri", "no address"),
    ] {
        let mut asked = vec![
            ("client_id", "sandbox-client"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "com.intuit.quickbooks.accounting"),
        ];
        asked.retain(|(key, _)| *key != name);
        asked.push((name, value));
        let page = api.client.get(&url).query(&asked).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{name}={value}");
    }
}

#[tokio::test]
async fn a_rotated_refresh_token_is_dead() {
    let api = start(Rotation::Always).await;
    let (_, first) = mint(&api).await;
    let (status, answer) = refresh(&api, &first).await;
    assert_eq!(status, StatusCode::OK);
    let second = answer["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let (status, answer) = refresh(&api, &first).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        answer,
        json!({
            "error": "invalid_grant",
            "error_description": "Incorrect or invalid refresh token",
        })
    );
    if let Some(documented) = recorded("oauth/error-invalid-grant.json") {
        assert!(differences(&documented, &answer).is_empty());
    }
    // The one that was given last still works.
    assert_eq!(refresh(&api, &second).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_changes_once_a_day() {
    let api = start(Rotation::Daily).await;
    let (_, first) = mint(&api).await;
    api.clock.advance(SignedDuration::from_hours(23));
    let (_, answer) = refresh(&api, &first).await;
    assert_eq!(answer["refresh_token"], json!(first));
    api.clock.advance(SignedDuration::from_hours(1));
    let (_, answer) = refresh(&api, &first).await;
    let second = answer["refresh_token"].as_str().unwrap();
    assert_ne!(first, second);
    assert_eq!(refresh(&api, &first).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(refresh(&api, second).await.0, StatusCode::OK);
}

#[tokio::test]
async fn tokens_expire() {
    let api = start(Rotation::Daily).await;
    let (access, first) = mint(&api).await;
    api.clock.advance(SignedDuration::from_secs(3599));
    assert_eq!(read(&api, &access).await, StatusCode::OK);
    api.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(read(&api, &access).await, StatusCode::UNAUTHORIZED);
    // A hundred days roll on with each use, up to the hard limit.
    let mut token = first;
    for _ in 0..18 {
        api.clock.advance(SignedDuration::from_hours(100 * 24));
        let (status, answer) = refresh(&api, &token).await;
        assert_eq!(status, StatusCode::OK);
        token = answer["refresh_token"].as_str().unwrap().to_owned();
    }
    api.clock.advance(SignedDuration::from_hours(26 * 24));
    assert_eq!(refresh(&api, &token).await.0, StatusCode::BAD_REQUEST);

    let (_, unused) = mint(&api).await;
    api.clock.advance(SignedDuration::from_hours(101 * 24));
    assert_eq!(refresh(&api, &unused).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_hard_limit_is_told_to_who_asks() {
    let api = start(Rotation::Daily).await;
    let (_, token) = mint(&api).await;
    let (_, without) = refresh(&api, &token).await;
    assert!(without.get("x_refresh_token_hard_expires_in").is_none());
    let with: Value = api
        .client
        .post(format!("{}/oauth2/v1/tokens/bearer", api.sandbox.url()))
        .basic_auth("sandbox-client", Some("sandbox-secret"))
        .header("x-include-refresh-token-hard-expires-in", "true")
        .form(&[("grant_type", "refresh_token"), ("refresh_token", &token)])
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        with["x_refresh_token_hard_expires_in"],
        json!(5 * 365 * 24 * 3600)
    );
}

#[tokio::test]
async fn a_bad_token_is_answered_in_lower_case() {
    let api = start(Rotation::Daily).await;
    let response = api
        .client
        .get(format!(
            "{}/v3/company/{REALM}/preferences",
            api.sandbox.url()
        ))
        .bearer_auth("made-up")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        response.headers()["www-authenticate"],
        "Bearer realm=\"Intuit\", error=\"invalid_token\""
    );
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["fault"]["type"], "AUTHENTICATION");
    assert_eq!(body["fault"]["error"][0]["code"], "3200");
    assert_eq!(
        body["fault"]["error"][0]["message"],
        "message=AuthenticationFailed; errorCode=003200; statusCode=401"
    );
    assert!(body["time"].is_number());
    assert!(
        body["fault"]["error"][0]["detail"]
            .as_str()
            .unwrap()
            .contains("made-up")
    );
}

#[tokio::test]
async fn another_companys_token_is_forbidden() {
    let mut options = options(Data::Empty);
    let mut other = options.companies[0].clone();
    other.realm = "1000000000000009".to_owned();
    options.companies.push(other);
    let api = Api::start(options).await;
    let tokens = api
        .control(
            Method::POST,
            "/tokens",
            json!({"company": "1000000000000009"}),
        )
        .await;
    assert_eq!(
        read(&api, tokens["access_token"].as_str().unwrap()).await,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn tokens_can_be_ended_from_outside() {
    let api = start(Rotation::Always).await;
    let (access, token) = mint(&api).await;
    api.control(
        Method::POST,
        "/tokens/expire",
        json!({"company": REALM, "which": "access"}),
    )
    .await;
    assert_eq!(read(&api, &access).await, StatusCode::UNAUTHORIZED);
    let (status, answer) = refresh(&api, &token).await;
    assert_eq!(status, StatusCode::OK);
    api.control(
        Method::POST,
        "/tokens/expire",
        json!({"company": REALM, "which": "refresh"}),
    )
    .await;
    let token = answer["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(&api, token).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(
        read(&api, answer["access_token"].as_str().unwrap()).await,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_revoked_consent_is_over() {
    let api = start(Rotation::Daily).await;
    let (access, token) = mint(&api).await;
    let revoke = |token: String| {
        api.client
            .post(format!("{}/v2/oauth2/tokens/revoke", api.sandbox.url()))
            .basic_auth("sandbox-client", Some("sandbox-secret"))
            .json(&json!({ "token": token }))
            .send()
    };
    assert_eq!(
        revoke(token.clone()).await.unwrap().status(),
        StatusCode::OK
    );
    assert_eq!(read(&api, &access).await, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&api, &token).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(
        revoke(token).await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn lives_are_set_by_the_policy() {
    let api = Api::start(SandboxOptions {
        tokens: TokenPolicy {
            access_life: Duration::from_secs(5),
            ..TokenPolicy::default()
        },
        ..options(Data::Empty)
    })
    .await;
    let (access, _) = mint(&api).await;
    api.clock.advance(SignedDuration::from_secs(5));
    assert_eq!(read(&api, &access).await, StatusCode::UNAUTHORIZED);
}
