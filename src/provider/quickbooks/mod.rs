//! QuickBooks Online, reading. The facts behind it are in Intuit's reference as of August 2026;
//! `docs/quickbooks.md` maps every field and names what cannot be read.

mod calls;
mod changes;
mod convert;
mod customer;
mod error;
mod known_fields;
mod query;
mod scalar;
mod webhook;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use self::calls::Calls;
use self::query::{Place, Selection, Step};
use super::http::{
    BreakerSettings, Carrier, HttpSettings, Limits, ProviderClient, RetrySettings, at_least_one,
};
use super::oauth::{ClientAuthentication, OAuth, OAuthSettings, RevocationBody};
use super::{
    Access, AccountingProvider, Authorization, CallMeter, Capabilities, ChangeFeed, Changes,
    Cursor, Page, ProviderResult, Reference, Webhooks,
};
use crate::clock::Clock;
use crate::domain::books::Organization;
use crate::domain::connection::ProviderKind;
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::records::Records;

/// Read and write access: QuickBooks has no narrower scope.
const SCOPE: &str = "com.intuit.quickbooks.accounting";
/// How far back a question for changes reaches by the reference.
const CHANGE_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How far before the last watermark each question for changes starts: enough for clocks that differ
/// and for writes that were under way.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// The most rows that one query answers with.
const MAX_PAGE_SIZE: u32 = 1000;

/// How QuickBooks is reached. [`Default`] holds Intuit's production addresses and documented limits,
/// without credentials.
#[derive(Clone, Debug)]
pub struct QuickBooksSettings {
    /// The app's id; empty until configured, which only the token calls need.
    pub client_id: String,
    /// The app's secret; empty until configured.
    pub client_secret: SecretString,
    /// The address that `/v3/company/…` is appended to.
    pub api_url: String,
    /// Where a person consents.
    pub authorize_url: String,
    /// Where tokens are issued and refreshed.
    pub token_url: String,
    /// Where consent is given up.
    pub revoke_url: String,
    /// Where a person comes back to after consenting, as registered with Intuit.
    pub redirect_url: String,
    /// The app's verifier tokens, with which webhooks are signed: the one in use, then the one before.
    pub webhook_keys: Vec<SecretString>,
    /// Time-outs, retries, breaker and rates.
    pub http: HttpSettings,
    /// The wait after a refusal for too many calls that names none (60 s by Intuit's word).
    pub throttle_wait: Duration,
    /// Rows on a page: at most 1000, and at least 2, since pages may overlap by a row.
    pub page_size: u32,
}

impl Default for QuickBooksSettings {
    fn default() -> Self {
        Self {
            client_id: String::new(),
            client_secret: SecretString::default(),
            api_url: "https://quickbooks.api.intuit.com".to_owned(),
            authorize_url: "https://appcenter.intuit.com/connect/oauth2".to_owned(),
            token_url: "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer".to_owned(),
            revoke_url: "https://developer.api.intuit.com/v2/oauth2/tokens/revoke".to_owned(),
            redirect_url: String::new(),
            webhook_keys: Vec::new(),
            http: HttpSettings {
                connect_timeout: Duration::from_secs(10),
                // Intuit itself cuts a request at 120 s.
                request_timeout: Duration::from_mins(2),
                max_body_bytes: 64 * 1024 * 1024,
                retry: RetrySettings::default(),
                breaker: BreakerSettings::default(),
                limits: Limits {
                    per_minute: at_least_one(500),
                    per_second: at_least_one(10),
                    concurrent: at_least_one(10),
                    batches_per_minute: at_least_one(40),
                },
                carrier: Carrier::default(),
            },
            throttle_wait: Duration::from_mins(1),
            page_size: MAX_PAGE_SIZE,
        }
    }
}

/// The QuickBooks Online provider, for all connections of the app.
#[derive(Debug)]
pub struct QuickBooks {
    calls: Calls,
    oauth: OAuth,
    page_size: u32,
    capabilities: Capabilities,
    webhooks: Webhooks,
}

impl QuickBooks {
    /// The provider; the meter books each metered read before it is made.
    ///
    /// # Errors
    /// [`ProviderError::Misconfigured`](super::ProviderError::Misconfigured) when an address cannot
    /// be read or TLS cannot be set up.
    pub fn new(
        settings: QuickBooksSettings,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn CallMeter>,
    ) -> ProviderResult<Self> {
        let client = Arc::new(ProviderClient::new(
            ProviderKind::QuickBooks,
            settings.http,
            &["intuit_tid", "intuit-tid"],
            clock,
            meter,
        )?);
        let oauth = OAuth::new(
            OAuthSettings {
                section: "quickbooks",
                client_id: settings.client_id,
                client_secret: settings.client_secret,
                authorize_url: settings.authorize_url,
                token_url: settings.token_url,
                revoke_url: settings.revoke_url,
                redirect_url: settings.redirect_url,
                scope: SCOPE,
                authorize_parameters: &[],
                client_authentication: ClientAuthentication::Basic,
                revocation: RevocationBody::Json,
                proof_key: false,
                refresh_life: None,
                refresh_grace: None,
                token_headers: &[("x-include-refresh-token-hard-expires-in", "true")],
                throttle_wait: settings.throttle_wait,
            },
            Arc::clone(&client),
        );
        Ok(Self {
            calls: Calls::new(&settings.api_url, client, settings.throttle_wait)?,
            oauth,
            page_size: settings.page_size.clamp(2, MAX_PAGE_SIZE),
            capabilities: Capabilities {
                datasets: ProviderKind::QuickBooks.datasets(),
                changes: ChangeFeed::Together,
                overlap: OVERLAP,
            },
            webhooks: webhook::webhooks(&settings.webhook_keys),
        })
    }

    fn selection(&self, dataset: Dataset, since: Option<Timestamp>) -> ProviderResult<Selection> {
        Ok(Selection {
            dataset,
            entity: query::entity(dataset)?,
            since,
            customer: None,
            page_size: self.page_size,
        })
    }

    /// Reads the page at a place; where rows may have been skipped, from an earlier place.
    async fn read_page(
        &self,
        access: &Access,
        selection: &Selection,
        mut place: Option<Place>,
    ) -> ProviderResult<ReadPage> {
        loop {
            let answered = self
                .calls
                .query(access, &selection.statement(place.as_ref()))
                .await?;
            match selection.step(place.as_ref(), &answered.response)? {
                Step::Again(earlier) => place = Some(earlier),
                Step::Read { count, next } => {
                    return Ok(ReadPage {
                        answered,
                        count,
                        next,
                    });
                }
            }
        }
    }
}

/// A page as read, before conversion.
struct ReadPage {
    answered: calls::Answered,
    count: u64,
    next: Option<Place>,
}

#[async_trait]
impl AccountingProvider for QuickBooks {
    fn kind(&self) -> ProviderKind {
        ProviderKind::QuickBooks
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn organization(&self, access: &Access) -> ProviderResult<Organization> {
        let name = self.calls.company_name(access).await?;
        let (base_currency, multicurrency) = self.calls.currencies(access).await?;
        Ok(Organization {
            name: name.into(),
            base_currency,
            multicurrency,
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
        let selection = self.selection(dataset, since)?;
        let place = Place::read(cursor);
        let begins = place.is_none();
        let page = self.read_page(access, &selection, place).await?;
        // A count is a metered call of its own, so it is asked for only where it tells something new
        // about a load.
        let expected = match (&page.next, begins) {
            (None, true) => Some(page.count),
            (Some(_), true) if since.is_none() => {
                self.calls
                    .count(access, &selection.count_statement())
                    .await?
            }
            _ => None,
        };
        let answered_at = page.answered.at;
        Ok(Page {
            records: convert::records(&page.answered.response, reference, answered_at)?,
            count: page.count,
            next: page.next.as_ref().map(Place::cursor),
            expected,
            answered_at,
        })
    }

    async fn changes(
        &self,
        access: &Access,
        reference: &Reference,
        since: Timestamp,
    ) -> ProviderResult<Changes> {
        changes::since(&self.calls, access, reference, since).await
    }

    async fn customer(
        &self,
        access: &Access,
        reference: &Reference,
        customer: &CustomerId,
    ) -> ProviderResult<Records> {
        customer::read(self, access, reference, customer).await
    }

    fn authorization(&self) -> &dyn Authorization {
        &self.oauth
    }

    fn webhooks(&self) -> Option<&Webhooks> {
        Some(&self.webhooks)
    }
}
