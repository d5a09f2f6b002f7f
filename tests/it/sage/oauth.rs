//! How consent to read businesses is got, kept and given up.

use financial_pulse::provider::sage::SageSettings;
use financial_pulse::provider::{AccountingProvider, ProviderError};
use pretty_assertions::assert_eq;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{connector, settings};
use crate::support::script::{Reply, ScriptedServer};

fn tokens(refresh: &str) -> Reply {
    Reply::json(&json!({
        "access_token": "access", "expires_in": 300, "token_type": "bearer",
        "refresh_token": refresh, "refresh_token_expires_in": 2_678_400,
    }))
}

#[test]
fn the_consent_page_is_asked_for_this_version_and_for_reading_only() {
    let defaults = SageSettings::default();
    let mut settings = settings("http://127.0.0.1:9");
    settings.authorize_url = defaults.authorize_url;
    let provider = connector(settings).provider;
    let authorization = provider.authorization();
    let address = authorization
        .authorize_url("state-1", Some("challenge-1"))
        .expect("an address");
    assert!(
        address.starts_with("https://www.sageone.com/oauth2/auth/central?filter=apiv3.1&"),
        "{address}"
    );
    for part in [
        "client_id=client",
        "response_type=code",
        "scope=readonly",
        "state=state-1",
        "code_challenge=challenge-1",
        "code_challenge_method=S256",
        "redirect_uri=https%3A%2F%2Fpulse.example.com%2Foauth%2Fcallback",
    ] {
        assert!(address.contains(part), "{address} lacks {part}");
    }
    assert!(authorization.rules().proof_key);
    assert_eq!(authorization.rules().refresh_grace, None);
}

#[tokio::test]
async fn the_app_proves_itself_in_the_form_and_each_refresh_brings_a_new_token() {
    let server = ScriptedServer::start(vec![
        tokens("refresh-1"),
        tokens("refresh-2"),
        Reply::json(&json!({"success": "ok"})),
    ])
    .await;
    let provider = connector(settings(&server.url)).provider;
    let authorization = provider.authorization();
    let verifier = SecretString::from("verifier-1");
    let first = authorization
        .exchange("GB/code", Some(&verifier))
        .await
        .expect("tokens");
    let second = authorization
        .refresh(&first.refresh_token)
        .await
        .expect("tokens");
    assert_eq!(second.refresh_token.expose_secret(), "refresh-2");
    authorization
        .revoke(&second.refresh_token)
        .await
        .expect("given up");

    let received = server.received();
    let forms: Vec<Vec<(String, String)>> = received
        .iter()
        .map(|request| {
            url::form_urlencoded::parse(request.body.as_bytes())
                .into_owned()
                .collect()
        })
        .collect();
    let value = |form: usize, name: &str| {
        let mut form = forms[form].iter();
        form.find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    for (form, request) in received.iter().enumerate() {
        assert_eq!(value(form, "client_id"), Some("client"));
        assert_eq!(value(form, "client_secret"), Some("secret"));
        assert_eq!(request.header("authorization"), None);
    }
    assert_eq!(received.len(), 3);
    assert_eq!(value(0, "grant_type"), Some("authorization_code"));
    assert_eq!(value(0, "code"), Some("GB/code"));
    assert_eq!(value(0, "code_verifier"), Some("verifier-1"));
    assert_eq!(value(1, "refresh_token"), Some("refresh-1"));
    assert_eq!(value(2, "token"), Some("refresh-2"));
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_is_not_repeated() {
    let server = ScriptedServer::start(vec![Reply::Close, tokens("refresh-2")]).await;
    let provider = connector(settings(&server.url)).provider;
    let token = SecretString::from("refresh-1");
    let lost = provider.authorization().refresh(&token).await;
    assert!(matches!(lost, Err(ProviderError::Unavailable { .. })));
    assert_eq!(server.received().len(), 1);
}
