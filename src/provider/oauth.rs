//! OAuth 2.0: consent by authorization code, refresh, revocation (RFC 6749, RFC 7009, RFC 7636), in
//! the ways in which providers differ.
//!
//! Token calls are repeated only when the first certainly was not carried out: a refresh that was
//! carried out may have killed the token it was made with. Where the provider takes that token again
//! for a while, a refresh without an answer is repeated.

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
use super::{
    Authorization, ConsentGiver, ConsentRules, ProviderError, ProviderResult, Purpose, TokenGrant,
};

/// The rates and breaker of token calls are the app's own, not an account's.
const ACCOUNT: &str = "oauth";

/// The app at a provider, and where the provider issues tokens.
#[derive(Clone)]
pub(crate) struct OAuthSettings {
    /// The section of the settings that an operator is told of.
    pub(crate) section: &'static str,
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
    /// What else the address of the consent page holds.
    pub(crate) authorize_parameters: &'static [(&'static str, &'static str)],
    /// How the app proves to be itself at the token and revocation endpoints.
    pub(crate) client_authentication: ClientAuthentication,
    /// How a token to be given up is sent.
    pub(crate) revocation: RevocationBody,
    /// Whether the code is bound by a proof key (RFC 7636).
    pub(crate) proof_key: bool,
    /// How long a refresh token lives from its last use, where the answers do not say.
    pub(crate) refresh_life: Option<SignedDuration>,
    /// For how long an old refresh token is taken again ([`ConsentRules::refresh_grace`]).
    pub(crate) refresh_grace: Option<SignedDuration>,
    /// Headers that make the provider say more about a token's life.
    pub(crate) token_headers: &'static [(&'static str, &'static str)],
    /// The wait after a refusal for too many calls that names none.
    pub(crate) throttle_wait: Duration,
}

/// How an app proves to be itself (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAuthentication {
    /// By HTTP Basic.
    Basic,
    /// By its id and secret in the form.
    Form,
}

/// How a token to be given up is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RevocationBody {
    /// As JSON.
    Json,
    /// As a form (RFC 7009).
    Form,
}

/// Gets, keeps and gives up consent at one provider.
pub(crate) struct OAuth {
    settings: OAuthSettings,
    rules: ConsentRules,
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
    /// Rolling: counted anew with each refresh. Intuit puts an `x_` before it, Sage does not.
    #[serde(alias = "x_refresh_token_expires_in")]
    refresh_token_expires_in: Option<u32>,
    /// Hard: counted from the consent.
    x_refresh_token_hard_expires_in: Option<u32>,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: String,
}

impl OAuth {
    pub(crate) fn new(settings: OAuthSettings, client: Arc<ProviderClient>) -> Self {
        let rules = ConsentRules {
            given_by: ConsentGiver::Browser,
            proof_key: settings.proof_key,
            refresh_grace: settings.refresh_grace,
        };
        Self {
            settings,
            rules,
            client,
        }
    }

    async fn grant(
        &self,
        operation: &'static str,
        class: CallClass,
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
            .header(ACCEPT, "application/json");
        request = self.with_form(request, form)?;
        for (name, value) in self.settings.token_headers {
            request = request.header(*name, *value);
        }
        let answer = self
            .call(operation, class, request, |answer| {
                decode::<TokenAnswer>(&answer.body, |_| ())
            })
            .await?;
        // An empty token is none: stored, it would end the consent.
        let told = |token: &SecretString| !token.expose_secret().is_empty();
        let missing = |path: &str| ProviderError::Malformed {
            path: path.to_owned(),
            reason: "it is missing".to_owned(),
        };
        let access_token = Some(answer.access_token)
            .filter(told)
            .ok_or_else(|| missing("access_token"))?;
        let refresh_token = answer
            .refresh_token
            .filter(told)
            .or_else(|| previous.cloned())
            .ok_or_else(|| missing("refresh_token"))?;
        let rolling = answer.refresh_token_expires_in.map(seconds);
        let life = [
            rolling.or(self.settings.refresh_life),
            answer.x_refresh_token_hard_expires_in.map(seconds),
        ];
        Ok(TokenGrant {
            access_token,
            access_expires_at: after(asked_at, seconds(answer.expires_in)),
            refresh_token,
            refresh_expires_at: life
                .into_iter()
                .flatten()
                .min()
                .map(|life| after(asked_at, life)),
        })
    }

    /// A form, with the app's id and secret in it where it is to prove itself so.
    fn with_form(
        &self,
        request: reqwest::RequestBuilder,
        form: &[(&str, &str)],
    ) -> ProviderResult<reqwest::RequestBuilder> {
        let (id, secret) = self.credentials()?;
        let mut form = form.to_vec();
        if self.settings.client_authentication == ClientAuthentication::Form {
            form.extend([("client_id", id), ("client_secret", secret.expose_secret())]);
        }
        Ok(request.form(&form))
    }

    async fn call<T>(
        &self,
        operation: &'static str,
        class: CallClass,
        request: reqwest::RequestBuilder,
        read: impl Fn(&Answer) -> ProviderResult<T> + Send + Sync,
    ) -> ProviderResult<T> {
        let (id, secret) = self.credentials()?;
        let request = match self.settings.client_authentication {
            ClientAuthentication::Basic => request.basic_auth(id, Some(secret.expose_secret())),
            ClientAuthentication::Form => request,
        }
        .build()
        .map_err(|_| misconfigured("token_url"))?;
        let call = Call {
            operation,
            class,
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

    fn unset(&self, setting: &str) -> ProviderError {
        misconfigured(&format!("set {}.{setting}", self.settings.section))
    }

    fn credentials(&self) -> ProviderResult<(&str, &SecretString)> {
        if self.settings.client_id.is_empty() {
            return Err(self.unset("client_id"));
        }
        if self.settings.client_secret.expose_secret().is_empty() {
            return Err(self.unset("client_secret_file"));
        }
        Ok((&self.settings.client_id, &self.settings.client_secret))
    }
}

#[async_trait]
impl Authorization for OAuth {
    fn rules(&self) -> &ConsentRules {
        &self.rules
    }

    fn authorize_url(&self, state: &str, challenge: Option<&str>) -> ProviderResult<String> {
        let (client_id, _) = self.credentials()?;
        let mut url = address(&self.settings.authorize_url, "authorize_url")?;
        url.query_pairs_mut()
            .extend_pairs(self.settings.authorize_parameters)
            .append_pair("client_id", client_id)
            .append_pair("response_type", "code")
            .append_pair("scope", self.settings.scope)
            .append_pair("redirect_uri", &self.settings.redirect_url)
            .append_pair("state", state);
        if let Some(challenge) = challenge {
            url.query_pairs_mut()
                .append_pair("code_challenge", challenge)
                .append_pair("code_challenge_method", "S256");
        }
        Ok(url.into())
    }

    async fn exchange(
        &self,
        code: &str,
        verifier: Option<&SecretString>,
    ) -> ProviderResult<TokenGrant> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.settings.redirect_url.as_str()),
        ];
        if let Some(verifier) = verifier {
            form.push(("code_verifier", verifier.expose_secret()));
        }
        self.grant("exchange", CallClass::Authorization, &form, None)
            .await
    }

    async fn refresh(&self, refresh_token: &SecretString) -> ProviderResult<TokenGrant> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        let class = match self.settings.refresh_grace {
            Some(_) => CallClass::RepeatableAuthorization,
            None => CallClass::Authorization,
        };
        self.grant("refresh", class, &form, Some(refresh_token))
            .await
    }

    async fn revoke(&self, refresh_token: &SecretString) -> ProviderResult<()> {
        let url = address(&self.settings.revoke_url, "revoke_url")?;
        let request = self
            .client
            .http()
            .request(Method::POST, url)
            .header(ACCEPT, "application/json");
        let token = refresh_token.expose_secret();
        let request = if self.settings.revocation == RevocationBody::Form {
            self.with_form(request, &[("token", token)])?
        } else {
            request.json(&serde_json::json!({ "token": token }))
        };
        self.call("revoke", CallClass::Authorization, request, |_| Ok(()))
            .await
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

fn seconds(count: u32) -> SignedDuration {
    SignedDuration::from_secs(count.into())
}

fn after(now: Timestamp, life: SignedDuration) -> Timestamp {
    now.checked_add(life).unwrap_or(Timestamp::MAX)
}
