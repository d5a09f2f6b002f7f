//! The connector to the ledger in small.

use async_trait::async_trait;
use financial_pulse::domain::books::Organization;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::CustomerId;
use financial_pulse::domain::records::Records;
use financial_pulse::provider::application_key::ApplicationKey;
use financial_pulse::provider::{
    Access, AccountingProvider, Authorization, Capabilities, ChangeFeed, ConsentGiver,
    ConsentRules, Cursor, OrganizationChoice, Page, ProviderError, ProviderResult, Reference,
    TokenGrant,
};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Reads the ledger in small.
#[derive(Debug)]
pub(super) struct SmallLedger {
    url: String,
    client: reqwest::Client,
    capabilities: Capabilities,
    rules: ConsentRules,
    by_key: bool,
}

impl SmallLedger {
    pub(super) fn new(url: &str, refresh_grace: Option<SignedDuration>) -> Self {
        let client = reqwest::Client::builder().no_proxy().build();
        Self {
            url: url.to_owned(),
            client: client.expect("a client"),
            capabilities: Capabilities {
                datasets: &[],
                changes: ChangeFeed::ByDataset,
                overlap: SignedDuration::ZERO,
            },
            rules: ConsentRules {
                given_by: ConsentGiver::Browser,
                proof_key: true,
                refresh_grace,
            },
            by_key: false,
        }
    }

    /// The same ledger, read with an application key.
    pub(super) fn by_key(url: &str) -> Self {
        Self {
            by_key: true,
            ..Self::new(url, None)
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        token: &SecretString,
    ) -> ProviderResult<Value> {
        let answer = self
            .client
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(token.expose_secret())
            .send()
            .await
            .map_err(|_| lost())?;
        match answer.status() {
            StatusCode::NO_CONTENT => Ok(Value::Null),
            StatusCode::OK => answer.json().await.map_err(|_| lost()),
            StatusCode::UNAUTHORIZED => Err(ProviderError::Unauthorized {
                code: "401".to_owned(),
            }),
            StatusCode::NOT_FOUND => Err(ProviderError::NotFound),
            _ => Err(lost()),
        }
    }

    async fn token(&self, form: &[(&str, &str)]) -> ProviderResult<TokenGrant> {
        let answer = self
            .client
            .post(format!("{}/token", self.url))
            .form(form)
            .send()
            .await
            .map_err(|_| lost())?;
        if answer.status() == StatusCode::BAD_REQUEST {
            return Err(ProviderError::ConsentLost {
                code: "invalid_grant".to_owned(),
            });
        }
        let granted: Value = answer.json().await.map_err(|_| lost())?;
        let text = |name: &str| SecretString::from(granted[name].as_str().unwrap_or_default());
        Ok(TokenGrant {
            access_token: text("access_token"),
            access_expires_at: Timestamp::MAX,
            refresh_token: text("refresh_token"),
            refresh_expires_at: None,
        })
    }
}

fn lost() -> ProviderError {
    ProviderError::Unavailable {
        what: "no answer".to_owned(),
    }
}

fn unsupported<T>(dataset: Dataset) -> ProviderResult<T> {
    Err(ProviderError::Unsupported { dataset })
}

#[async_trait]
impl Authorization for SmallLedger {
    fn rules(&self) -> &ConsentRules {
        &self.rules
    }

    fn authorize_url(&self, state: &str, challenge: Option<&str>) -> ProviderResult<String> {
        let challenge = challenge.unwrap_or_default();
        Ok(format!(
            "{}/authorize?state={state}&challenge={challenge}",
            self.url
        ))
    }

    async fn exchange(
        &self,
        code: &str,
        verifier: Option<&SecretString>,
    ) -> ProviderResult<TokenGrant> {
        let verifier = verifier
            .map(ExposeSecret::expose_secret)
            .unwrap_or_default();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
        ];
        self.token(&form).await
    }

    async fn refresh(&self, refresh_token: &SecretString) -> ProviderResult<TokenGrant> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        self.token(&form).await
    }

    async fn revoke(&self, refresh_token: &SecretString) -> ProviderResult<()> {
        let sent = self
            .client
            .post(format!("{}/revoke", self.url))
            .form(&[("token", refresh_token.expose_secret())])
            .send();
        sent.await.map(drop).map_err(|_| lost())
    }
}

#[async_trait]
impl AccountingProvider for SmallLedger {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Xero
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn organization(&self, access: &Access) -> ProviderResult<Organization> {
        let path = format!("/organizations/{}", access.account);
        let name = self.call(Method::GET, &path, &access.token).await?;
        Ok(Organization {
            name: name.as_str().unwrap_or_default().into(),
            base_currency: "USD".parse().expect("a code"),
            multicurrency: false,
            page_code: None,
        })
    }

    async fn page(
        &self,
        _access: &Access,
        dataset: Dataset,
        _reference: &Reference,
        _since: Option<Timestamp>,
        _cursor: Option<&Cursor>,
    ) -> ProviderResult<Page> {
        unsupported(dataset)
    }

    async fn customer(
        &self,
        _access: &Access,
        _reference: &Reference,
        _customer: &CustomerId,
    ) -> ProviderResult<Records> {
        unsupported(Dataset::Customers)
    }

    async fn organizations(
        &self,
        token: &SecretString,
        _named: Option<&str>,
    ) -> ProviderResult<Vec<OrganizationChoice>> {
        let all = self.call(Method::GET, "/organizations", token).await?;
        let all: Vec<(String, String)> = serde_json::from_value(all).map_err(|_| lost())?;
        Ok(all
            .into_iter()
            .map(|(account, name)| OrganizationChoice {
                account: account.into(),
                name: Some(name.into()),
            })
            .collect())
    }

    async fn disconnect(&self, access: &Access) -> ProviderResult<()> {
        let path = format!("/organizations/{}", access.account);
        self.call(Method::DELETE, &path, &access.token)
            .await
            .map(drop)
    }

    fn authorization(&self) -> &dyn Authorization {
        if self.by_key { &ApplicationKey } else { self }
    }
}
