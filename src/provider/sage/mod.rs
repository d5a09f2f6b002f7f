//! Sage Accounting (API v3.1), reading. `docs/sage.md` maps every field and names what cannot be read.

mod businesses;
mod calls;
mod convert;
mod error;
mod known_fields;
mod list;
mod paging;
mod read;
mod terms;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use self::calls::Calls;
use self::paging::Place;
use self::wire::Reference as WireReference;
use super::http::{
    BreakerSettings, Carrier, HttpSettings, Limits, ProviderClient, RetrySettings, at_least_one,
};
use super::oauth::{ClientAuthentication, OAuth, OAuthSettings, RevocationBody};
use super::{
    Access, AccountingProvider, Authorization, CallMeter, Capabilities, ChangeFeed, Cursor,
    OrganizationChoice, Page, ProviderError, ProviderResult, Reference,
};
use crate::clock::Clock;
use crate::domain::books::Organization;
use crate::domain::connection::ProviderKind;
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::records::Records;

/// Reading is all that is asked for.
const SCOPE: &str = "readonly";
/// How far before the last watermark each question for changes starts: enough for clocks that differ
/// and for writes that were under way.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// The most rows on a page.
const MAX_PAGE_SIZE: u32 = 200;

/// How Sage is reached. [`Default`] holds its documented addresses and limits, without credentials.
#[derive(Clone, Debug)]
pub struct SageSettings {
    /// The app's id; empty until configured, which only the token calls need.
    pub client_id: String,
    /// The app's secret; empty until configured.
    pub client_secret: SecretString,
    /// The address that `/sales_invoices` and the like are appended to.
    pub api_url: String,
    /// Where a person consents.
    pub authorize_url: String,
    /// Where tokens are issued and refreshed.
    pub token_url: String,
    /// Where consent is given up.
    pub revoke_url: String,
    /// Where a person comes back to after consenting, as registered with Sage.
    pub redirect_url: String,
    /// Time-outs, retries, breaker and rates.
    pub http: HttpSettings,
    /// The wait after a refusal for too many calls that names none.
    pub throttle_wait: Duration,
    /// Rows on a page: at most 200.
    pub page_size: u32,
}

impl Default for SageSettings {
    fn default() -> Self {
        Self {
            client_id: String::new(),
            client_secret: SecretString::default(),
            api_url: "https://api.accounting.sage.com/v3.1".to_owned(),
            authorize_url: "https://www.sageone.com/oauth2/auth/central".to_owned(),
            token_url: "https://oauth.accounting.sage.com/token".to_owned(),
            revoke_url: "https://oauth.accounting.sage.com/revoke".to_owned(),
            redirect_url: String::new(),
            http: HttpSettings {
                connect_timeout: Duration::from_secs(10),
                request_timeout: Duration::from_mins(1),
                max_body_bytes: 64 * 1024 * 1024,
                retry: RetrySettings::default(),
                breaker: BreakerSettings::default(),
                // Sage documents 150 at once for the whole app and no rate of one business. These are
                // polite: what older versions of the API allowed.
                limits: Limits {
                    per_minute: at_least_one(100),
                    per_second: at_least_one(10),
                    concurrent: at_least_one(4),
                    batches_per_minute: at_least_one(100),
                },
                carrier: Carrier::default(),
            },
            throttle_wait: Duration::from_mins(1),
            page_size: MAX_PAGE_SIZE,
        }
    }
}

/// The Sage Accounting provider, for all connections of the app.
#[derive(Debug)]
pub struct Sage {
    calls: Calls,
    oauth: OAuth,
    page_size: u32,
    capabilities: Capabilities,
}

impl Sage {
    /// The provider; the meter books each read before it is made.
    ///
    /// # Errors
    /// [`ProviderError::Misconfigured`] when an address cannot be read or TLS cannot be set up.
    pub fn new(
        settings: SageSettings,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn CallMeter>,
    ) -> ProviderResult<Self> {
        let client = Arc::new(ProviderClient::new(
            ProviderKind::Sage,
            settings.http,
            &["x_request_id", "x-request-id"],
            clock,
            meter,
        )?);
        let oauth = OAuth::new(
            OAuthSettings {
                section: "sage",
                client_id: settings.client_id,
                client_secret: settings.client_secret,
                authorize_url: settings.authorize_url,
                token_url: settings.token_url,
                revoke_url: settings.revoke_url,
                redirect_url: settings.redirect_url,
                scope: SCOPE,
                // Without it the page leads to older versions of the API.
                authorize_parameters: &[("filter", "apiv3.1")],
                client_authentication: ClientAuthentication::Form,
                revocation: RevocationBody::Form,
                proof_key: true,
                refresh_life: None,
                // A refresh token works once: one that was rotated and not stored is lost.
                refresh_grace: None,
                token_headers: &[],
                throttle_wait: settings.throttle_wait,
            },
            Arc::clone(&client),
        );
        Ok(Self {
            calls: Calls::new(&settings.api_url, client, settings.throttle_wait)?,
            oauth,
            page_size: settings.page_size.clamp(1, MAX_PAGE_SIZE),
            capabilities: Capabilities {
                datasets: ProviderKind::Sage.datasets(),
                changes: ChangeFeed::ByDataset,
                overlap: OVERLAP,
            },
        })
    }
}

#[async_trait]
impl AccountingProvider for Sage {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Sage
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn organization(&self, access: &Access) -> ProviderResult<Organization> {
        const CURRENCY: &str = "base_currency.id";
        let business = self.calls.business(access).await?;
        let settings = self.calls.financial_settings(access).await?;
        let fault = |reason: &str| ProviderError::Malformed {
            path: CURRENCY.to_owned(),
            reason: reason.to_owned(),
        };
        let code = WireReference::id(settings.base_currency.as_ref())
            .ok_or_else(|| fault("it is missing"))?;
        Ok(Organization {
            name: business.title().into(),
            base_currency: code
                .parse()
                .map_err(|_| fault("this is no ISO 4217 code"))?,
            multicurrency: settings.multi_currency_enabled.unwrap_or(false),
            page_code: None,
        })
    }

    async fn page(
        &self,
        access: &Access,
        dataset: Dataset,
        reference: &Reference,
        since: Option<Timestamp>,
        cursor: Option<&Cursor>,
    ) -> ProviderResult<Page> {
        let parts = list::parts(dataset, since)?;
        self.read_page(access, reference, dataset, &parts, Place::read(cursor))
            .await
    }

    async fn customer(
        &self,
        access: &Access,
        reference: &Reference,
        customer: &CustomerId,
    ) -> ProviderResult<Records> {
        self.read_customer(access, reference, customer.as_str())
            .await
    }

    /// Every business that the person who consented can reach. Sage names none by itself: the one that
    /// a person leads with can change silently.
    async fn organizations(
        &self,
        token: &SecretString,
        _named: Option<&str>,
    ) -> ProviderResult<Vec<OrganizationChoice>> {
        let businesses = self.calls.businesses(token).await?;
        Ok(businesses
            .into_iter()
            .map(|business| OrganizationChoice {
                name: Some(business.title().into()),
                account: business.id.into(),
            })
            .collect())
    }

    fn authorization(&self) -> &dyn Authorization {
        &self.oauth
    }
}
