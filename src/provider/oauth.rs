//! OAuth 2.0: consent by authorization code, refresh, revocation (RFC 6749, RFC 7009), with the app
//! authenticated by HTTP Basic.
//!
//! Token calls are repeated only when the first certainly was not carried out: a refresh that was
//! carried out may have killed the token it was made with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::ACCEPT;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::http::{Answer, Call, CallClass, ProviderClient, decode};
use super::{Authorization, ProviderError, ProviderResult, Purpose, TokenGrant};

/// The rates and breaker of token calls are the app's own, not an account's.
const ACCOUNT: &str = "oauth";

/// The app at a provider, and where the provider issues tokens.
#[derive(Clone)]
pub(crate) struct OAuthSettings {
    /// The app's id; empty until configured.
    pub(crate) client_id: String,
    /// The app's secret; empty until configured.
    pub(crate) client_secret: SecretString,
    /// Where a person consents.
    pub(crate) authorize_url: String,
    /// Where tokens are issued and refreshed.
    pub(crate) token_url: String,
    /// Where consent is given up.
    pub(crate) revoke_url: String,
    /// Where the person comes back to; must match the app's settings at the provider exactly.
    pub(crate) redirect_url: String,
    /// What is asked for.
    pub(crate) scope: &'static str,
    /// Headers that make the provider say more about a token's life.
    pub(crate) token_headers: &'static [(&'static str, &'static str)],
    /// The wait after a refusal for too many calls that names none.
    pub(crate) throttle_wait: Duration,
}

/// Gets, keeps and gives up consent at one provider.
pub(crate) struct OAuth {
    settings: OAuthSettings,
    client: Arc<ProviderClient>,
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth")
            .field("token_url", &self.settings.token_url)
            .finish_non_exhaustive()
    }
}

/// A token answer. Lives are in seconds from the answer.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    refresh_token: Option<SecretString>,
    expires_in: u32,
    /// Rolling: counted anew with each refresh.
    x_refresh_token_expires_in: Option<u32>,
    /// Hard: counted from the consent.
    x_refresh_token_hard_expires_in: Option<u32>,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: String,
}

impl OAuth {
    pub(crate) fn new(settings: OAuthSettings, client: Arc<ProviderClient>) -> Self {
        Self { settings, client }
    }

    async fn grant(
        &self,
        operation: &'static str,
        form: &[(&str, &str)],
        previous: Option<&SecretString>,
    ) -> ProviderResult<TokenGrant> {
        // Taken before the call, so that a token never seems to live longer than it does.
        let asked_at = self.client.clock().now();
        let mut request = self
            .client
            .http()
            .request(
                Method::POST,
                address(&self.settings.token_url, "token_url")?,
            )
            .header(ACCEPT, "application/json")
            .form(form);
        for (name, value) in self.settings.token_headers {
            request = request.header(*name, *value);
        }
        let answer = self
            .call(operation, request, |answer| {
                decode::<TokenAnswer>(&answer.body, |_| ())
            })
            .await?;
        let refresh_token = answer
            .refresh_token
            .or_else(|| previous.cloned())
            .ok_or_else(|| ProviderError::Malformed {
                path: "refresh_token".to_owned(),
                reason: "it is missing".to_owned(),
            })?;
        let life = [
            answer.x_refresh_token_expires_in,
            answer.x_refresh_token_hard_expires_in,
        ];
        Ok(TokenGrant {
            access_token: answer.access_token,
            access_expires_at: after(asked_at, answer.expires_in),
            refresh_token,
            refresh_expires_at: life
                .into_iter()
                .flatten()
                .min()
                .map(|seconds| after(asked_at, seconds)),
        })
    }

    async fn call<T>(
        &self,
        operation: &'static str,
        request: reqwest::RequestBuilder,
        read: impl Fn(&Answer) -> ProviderResult<T> + Send + Sync,
    ) -> ProviderResult<T> {
        let (id, secret) = self.credentials()?;
        let request = request
            .basic_auth(id, Some(secret.expose_secret()))
            .build()
            .map_err(|_| misconfigured("token_url"))?;
        let call = Call {
            operation,
            class: CallClass::Authorization,
            account: ACCOUNT,
            purpose: Purpose::OpenPage,
            request,
        };
        self.client
            .call(call, |answer| {
                if answer.is_success() {
                    read(answer)
                } else {
                    Err(refusal(answer, self.settings.throttle_wait))
                }
            })
            .await
    }

    fn credentials(&self) -> ProviderResult<(&str, &SecretString)> {
        if self.settings.client_id.is_empty() {
            return Err(misconfigured("client_id"));
        }
        if self.settings.client_secret.expose_secret().is_empty() {
            return Err(misconfigured("client_secret"));
        }
        Ok((&self.settings.client_id, &self.settings.client_secret))
    }
}

#[async_trait]
impl Authorization for OAuth {
    fn authorize_url(&self, state: &str) -> ProviderResult<String> {
        let (client_id, _) = self.credentials()?;
        let mut url = address(&self.settings.authorize_url, "authorize_url")?;
        url.query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("response_type", "code")
            .append_pair("scope", self.settings.scope)
            .append_pair("redirect_uri", &self.settings.redirect_url)
            .append_pair("state", state);
        Ok(url.into())
    }

    async fn exchange(&self, code: &str) -> ProviderResult<TokenGrant> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.settings.redirect_url),
        ];
        self.grant("exchange", &form, None).await
    }

    async fn refresh(&self, refresh_token: &SecretString) -> ProviderResult<TokenGrant> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        self.grant("refresh", &form, Some(refresh_token)).await
    }

    async fn revoke(&self, refresh_token: &SecretString) -> ProviderResult<()> {
        let body = serde_json::json!({ "token": refresh_token.expose_secret() });
        let url = address(&self.settings.revoke_url, "revoke_url")?;
        let request = self
            .client
            .http()
            .request(Method::POST, url)
            .header(ACCEPT, "application/json")
            .json(&body);
        self.call("revoke", request, |_| Ok(())).await
    }
}

/// Gives a refused token call its meaning: by the error word (RFC 6749 section 5.2), then by status.
fn refusal(answer: &Answer, throttle_wait: Duration) -> ProviderError {
    let word = serde_json::from_slice::<ErrorAnswer>(&answer.body)
        .map(|answer| answer.error)
        .unwrap_or_default();
    match (word.as_str(), answer.status) {
        (_, 429) => ProviderError::RateLimited {
            retry_after: answer.retry_after.unwrap_or(throttle_wait),
        },
        ("invalid_grant" | "access_denied", _) => ProviderError::ConsentLost { code: word },
        ("invalid_client" | "unauthorized_client", _) | ("", 401) => {
            misconfigured("client_id and client_secret")
        }
        (_, 500..) => ProviderError::Unavailable {
            what: format!("status {} from the token endpoint", answer.status),
        },
        // Only the words of the RFC are kept: anything else might be a text with a token in it.
        ("invalid_request" | "invalid_scope" | "unsupported_grant_type", _) => {
            ProviderError::Rejected { code: word }
        }
        _ => ProviderError::Rejected {
            code: format!("http_{}", answer.status),
        },
    }
}

fn address(url: &str, setting: &str) -> ProviderResult<Url> {
    Url::parse(url).map_err(|_| misconfigured(setting))
}

fn misconfigured(what: &str) -> ProviderError {
    ProviderError::Misconfigured {
        what: what.to_owned(),
    }
}

fn after(now: Timestamp, seconds: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds.into()))
        .unwrap_or(Timestamp::MAX)
}
