//! Consent, codes, rotation.

use financial_pulse::sandbox::Data;
use jiff::SignedDuration;
use reqwest::{Client, StatusCode, redirect};
use serde_json::Value;
use url::Url;

use super::super::harness::{Api, options};
use super::{OTHER, REALM, Sage, grant, text};

const CALLBACK: &str = "http://localhost:8080/oauth/sage/callback";
const CLIENT: [(&str, &str); 2] = [
    ("client_id", "sandbox-client"),
    ("client_secret", "sandbox-secret"),
];

/// A call of the token endpoint.
pub(super) async fn token(api: &Api, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let url = format!("{}/sage/token", api.sandbox.url());
    let response = api.client.post(url).form(form).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn refresh(api: &Api, refresh_token: &str) -> (StatusCode, Value) {
    let mut form = CLIENT.to_vec();
    form.extend([
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ]);
    token(api, &form).await
}

async fn exchange(api: &Api, code: &str, verifier: &str) -> (StatusCode, Value) {
    let mut form = CLIENT.to_vec();
    form.extend([
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier),
    ]);
    token(api, &form).await
}

fn assert_invalid_grant((status, body): &(StatusCode, Value)) {
    assert_eq!(*status, StatusCode::BAD_REQUEST, "{body}");
    assert_eq!(body["error"], "invalid_grant");
}

fn browser() -> Client {
    let policy = redirect::Policy::none();
    Client::builder().redirect(policy).build().unwrap()
}

/// Consents to businesses and gives where that leads.
async fn consent(api: &Api, realms: &[&str], challenge: Option<(&str, &str)>) -> Url {
    let url = format!(
        "{}/sage/oauth2/auth/central?filter=apiv3.1",
        api.sandbox.url()
    );
    let mut asked = vec![
        ("response_type", "code"),
        ("client_id", "sandbox-client"),
        ("redirect_uri", CALLBACK),
        ("scope", "readonly"),
        ("state", "a&b"),
    ];
    if let Some((challenge, method)) = challenge {
        asked.push(("code_challenge", challenge));
        asked.push(("code_challenge_method", method));
    }
    let page = browser().get(&url).query(&asked).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    // The button sends back what the page carries on, and not the address it was got from.
    let mut form: Vec<(String, String)> = page
        .split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(|field| {
            let (name, rest) = field.split_once("\" value=\"").unwrap();
            let (value, _) = rest.split_once('"').unwrap();
            (name.to_owned(), value.replace("&amp;", "&"))
        })
        .collect();
    form.truncate(form.len() / 2);
    for realm in realms {
        assert!(page.contains(&format!("value=\"{realm}\"")), "{page}");
        form.push(("realm".to_owned(), (*realm).to_owned()));
    }
    let back = browser().post(&url).form(&form).send().await.unwrap();
    assert_eq!(back.status(), StatusCode::SEE_OTHER);
    let back = back.headers()["location"].to_str().unwrap();
    assert!(back.starts_with(CALLBACK), "{back}");
    back.parse().unwrap()
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

async fn start() -> Api {
    Api::start(options(Data::Empty)).await
}

/// The status of a read.
async fn read(api: &Api, access_token: &str) -> StatusCode {
    let url = format!("{}/sage/v3.1/contacts", api.sandbox.url());
    let request = api.client.get(url).bearer_auth(access_token);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn a_code_reaches_every_business_consented_to_and_is_good_once() {
    let sage = Sage::two().await;
    let back = consent(&sage.api, &[REALM, OTHER], None).await;
    assert_eq!(parameter(&back, "state").unwrap(), "a&b");
    assert_eq!(parameter(&back, "country").unwrap(), "GB");
    let code = parameter(&back, "code").unwrap();
    assert!(code.starts_with("GB/"), "{code}");
    assert!(back.as_str().contains("code=GB%2F"), "{back}");
    let (status, tokens) = exchange(&sage.api, &code, "").await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert_eq!(tokens["scope"], "readonly");
    let access = text(&tokens["access_token"]);
    assert_eq!(read(&sage.api, access).await, StatusCode::OK);
    let reached = Sage {
        token: access.to_owned(),
        ..sage
    };
    assert_eq!(reached.items("businesses").await.len(), 2);
    assert_invalid_grant(&exchange(&reached.api, &code, "").await);
}

#[tokio::test]
async fn a_code_lives_a_minute() {
    let api = start().await;
    for (seconds, lives) in [(59, true), (60, false)] {
        let code = parameter(&consent(&api, &[REALM], None).await, "code").unwrap();
        api.clock.advance(SignedDuration::from_secs(seconds));
        let (status, body) = exchange(&api, &code, "").await;
        assert_eq!(status == StatusCode::OK, lives, "{body}");
    }
}

#[tokio::test]
async fn a_challenge_is_met_by_its_verifier() {
    let api = start().await;
    // RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let hash = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    for challenge in [(hash, "S256"), (verifier, "plain")] {
        let back = consent(&api, &[REALM], Some(challenge)).await;
        let code = parameter(&back, "code").unwrap();
        let (status, body) = exchange(&api, &code, verifier).await;
        assert_eq!(status, StatusCode::OK, "{challenge:?}: {body}");
        let back = consent(&api, &[REALM], Some(challenge)).await;
        let code = parameter(&back, "code").unwrap();
        assert_invalid_grant(&exchange(&api, &code, hash).await);
    }
}

#[tokio::test]
async fn a_refusal_and_a_mistake_are_told() {
    let api = start().await;
    let back = consent(&api, &[], None).await;
    assert_eq!(parameter(&back, "error").unwrap(), "access_denied");
    let url = format!("{}/sage/oauth2/auth/central", api.sandbox.url());
    let asked = |filter: &'static str, scope: &'static str| {
        let parameters = [
            ("filter", filter),
            ("response_type", "code"),
            ("client_id", "sandbox-client"),
            ("redirect_uri", CALLBACK),
            ("scope", scope),
        ];
        browser().get(&url).query(&parameters).send()
    };
    for (filter, scope, status) in [
        ("apiv3.1", "full_access", StatusCode::OK),
        ("apiv3.1", "everything", StatusCode::BAD_REQUEST),
        ("", "full_access", StatusCode::BAD_REQUEST),
    ] {
        let answer = asked(filter, scope).await.unwrap();
        assert_eq!(answer.status(), status, "{filter} {scope}");
    }
}

#[tokio::test]
async fn every_refresh_gives_a_new_token_and_an_old_one_loses_the_consent() {
    let api = start().await;
    let given = grant(&api, &[REALM.to_owned()]).await;
    let mut tokens = vec![text(&given["refresh_token"]).to_owned()];
    for _ in 0..3 {
        let (status, body) = refresh(&api, tokens.last().unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        tokens.push(text(&body["refresh_token"]).to_owned());
    }
    let mut different = tokens.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 4);
    assert_invalid_grant(&refresh(&api, &tokens[1]).await);
    // The newest is lost with it.
    assert_invalid_grant(&refresh(&api, &tokens[3]).await);
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_loses_and_the_consent_with_it() {
    let api = start().await;
    let given = grant(&api, &[REALM.to_owned()]).await;
    let token = text(&given["refresh_token"]);
    let both = tokio::join!(refresh(&api, token), refresh(&api, token));
    let (won, lost) = match both {
        (won, lost) if won.0 == StatusCode::OK => (won, lost),
        (lost, won) => (won, lost),
    };
    assert_eq!(won.0, StatusCode::OK);
    assert_invalid_grant(&lost);
    let newest = text(&won.1["refresh_token"]);
    assert_invalid_grant(&refresh(&api, newest).await);
    // The access token is good for its five minutes.
    let access = text(&won.1["access_token"]);
    assert_eq!(read(&api, access).await, StatusCode::OK);
}

#[tokio::test]
async fn an_access_token_lives_five_minutes_and_cannot_be_revoked() {
    let api = start().await;
    let given = grant(&api, &[REALM.to_owned()]).await;
    let access = text(&given["access_token"]);
    let mut form = CLIENT.to_vec();
    form.push(("token", text(&given["refresh_token"])));
    let url = format!("{}/sage/revoke", api.sandbox.url());
    let revoked = api.client.post(url).form(&form).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::OK);
    let body: Value = revoked.json().await.unwrap();
    assert_eq!(body, serde_json::json!({"success": "ok"}));
    assert_invalid_grant(&refresh(&api, text(&given["refresh_token"])).await);
    api.clock.advance(SignedDuration::from_secs(299));
    assert_eq!(read(&api, access).await, StatusCode::OK);
    api.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(read(&api, access).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_client_proves_itself_in_the_form_or_by_basic() {
    let api = start().await;
    let given = grant(&api, &[REALM.to_owned()]).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&given["refresh_token"])),
    ];
    let (status, body) = token(&api, &form).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body["error"], "invalid_client");
    let url = format!("{}/sage/token", api.sandbox.url());
    let basic = api
        .client
        .post(url)
        .basic_auth("sandbox-client", Some("sandbox-secret"))
        .form(&form);
    assert_eq!(basic.send().await.unwrap().status(), StatusCode::OK);
    for (grant_type, error) in [
        ("", "invalid_request"),
        ("client_credentials", "unsupported_grant_type"),
    ] {
        let mut form = CLIENT.to_vec();
        form.push(("grant_type", grant_type));
        let (status, body) = token(&api, &form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(body["error"], error);
    }
}
