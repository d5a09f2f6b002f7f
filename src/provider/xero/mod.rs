//! Xero, reading. The facts behind it are in Xero's published description and pages as of 2026 and in
//! recorded answers; `docs/xero.md` maps every field and names what cannot be read.

mod calls;
mod connections;
mod convert;
mod customer;
mod error;
mod known_fields;
mod list;
mod scalar;
mod webhook;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use self::calls::{Answered, Calls, Question, missing};
use self::convert::Context;
use self::list::{List, Place, Step};
use super::http::{
    BreakerSettings, Carrier, HttpSettings, Limits, ProviderClient, RetrySettings, at_least_one,
};
use super::oauth::{ClientAuthentication, OAuth, OAuthSettings, RevocationBody};
use super::{
    Access, AccountingProvider, Authorization, CallMeter, Capabilities, ChangeFeed, Cursor,
    OrganizationChoice, Page, ProviderResult, Reference, Webhooks,
};
use crate::clock::Clock;
use crate::domain::books::Organization;
use crate::domain::connection::ProviderKind;
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::records::Records;

/// The least that balances and history need. Apps made since March 2026 can ask for these only.
const SCOPE: &str = "offline_access accounting.contacts.read accounting.invoices.read \
    accounting.payments.read accounting.settings.read";
/// How far before the last watermark each question for changes starts: enough for clocks that differ,
/// for writes that were under way, and for what was added before the page that was being read.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// The most rows on a page.
const MAX_PAGE_SIZE: u32 = 1000;
/// How long a refresh token lives unused.
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(60 * 24);
/// For how long the refresh token before is taken again when the answer was lost.
const REFRESH_GRACE: SignedDuration = SignedDuration::from_mins(30);

/// How Xero is reached. [`Default`] holds Xero's addresses and documented limits, without credentials.
#[derive(Clone, Debug)]
pub struct XeroSettings {
    /// The app's id; empty until configured, which only the token calls need.
    pub client_id: String,
    /// The app's secret; empty until configured.
    pub client_secret: SecretString,
    /// The address that `/Contacts` and the other resources are appended to.
    pub api_url: String,
    /// Where the organizations that a consent reaches are listed.
    pub connections_url: String,
    /// Where a person consents.
    pub authorize_url: String,
    /// Where tokens are issued and refreshed.
    pub token_url: String,
    /// Where consent is given up.
    pub revoke_url: String,
    /// Where a person comes back to after consenting, as registered with Xero.
    pub redirect_url: String,
    /// The app's webhook keys: the one in use, then the one before.
    pub webhook_keys: Vec<SecretString>,
    /// Time-outs, retries, breaker and rates.
    pub http: HttpSettings,
    /// The wait after a refusal for too many calls in a minute that names none.
    pub throttle_wait: Duration,
    /// Rows on a page, at most 1000.
    pub page_size: u32,
}

impl Default for XeroSettings {
    fn default() -> Self {
        Self {
            client_id: String::new(),
            client_secret: SecretString::default(),
            api_url: "https://api.xero.com/api.xro/2.0".to_owned(),
            connections_url: "https://api.xero.com/connections".to_owned(),
            authorize_url: "https://login.xero.com/identity/connect/authorize".to_owned(),
            token_url: "https://identity.xero.com/connect/token".to_owned(),
            revoke_url: "https://identity.xero.com/connect/revocation".to_owned(),
            redirect_url: String::new(),
            webhook_keys: Vec::new(),
            http: HttpSettings {
                connect_timeout: Duration::from_secs(10),
                request_timeout: Duration::from_mins(1),
                max_body_bytes: 64 * 1024 * 1024,
                retry: RetrySettings::default(),
                breaker: BreakerSettings::default(),
                limits: Limits {
                    per_minute: at_least_one(60),
                    // No rate is documented but the minute's, and there are no batches.
                    per_second: at_least_one(60),
                    concurrent: at_least_one(5),
                    batches_per_minute: at_least_one(60),
                },
                carrier: Carrier::default(),
            },
            throttle_wait: Duration::from_mins(1),
            page_size: MAX_PAGE_SIZE,
        }
    }
}

/// The Xero provider, for all connections of the app.
#[derive(Debug)]
pub struct Xero {
    calls: Calls,
    oauth: OAuth,
    page_size: u32,
    capabilities: Capabilities,
    webhooks: Webhooks,
}

impl Xero {
    /// The provider; the meter books each metered read before it is made.
    ///
    /// # Errors
    /// [`ProviderError::Misconfigured`](super::ProviderError::Misconfigured) when an address cannot
    /// be read or TLS cannot be set up.
    pub fn new(
        settings: XeroSettings,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn CallMeter>,
    ) -> ProviderResult<Self> {
        let client = Arc::new(ProviderClient::new(
            ProviderKind::Xero,
            settings.http,
            &["xero-correlation-id"],
            clock,
            meter,
        )?);
        let oauth = OAuth::new(
            OAuthSettings {
                section: "xero",
                client_id: settings.client_id,
                client_secret: settings.client_secret,
                authorize_url: settings.authorize_url,
                token_url: settings.token_url,
                revoke_url: settings.revoke_url,
                redirect_url: settings.redirect_url,
                scope: SCOPE,
                authorize_parameters: &[],
                client_authentication: ClientAuthentication::Basic,
                revocation: RevocationBody::Form,
                proof_key: false,
                refresh_life: Some(REFRESH_LIFE),
                refresh_grace: Some(REFRESH_GRACE),
                token_headers: &[],
                throttle_wait: settings.throttle_wait,
            },
            Arc::clone(&client),
        );
        Ok(Self {
            calls: Calls::new(
                &settings.api_url,
                &settings.connections_url,
                client,
                settings.throttle_wait,
            )?,
            oauth,
            page_size: settings.page_size.clamp(1, MAX_PAGE_SIZE),
            capabilities: Capabilities {
                datasets: ProviderKind::Xero.datasets(),
                changes: ChangeFeed::ByDataset,
                overlap: OVERLAP,
            },
            webhooks: webhook::webhooks(&settings.webhook_keys),
        })
    }

    /// The question for a page of a list.
    fn question(&self, list: &List, place: Place, since: Option<Timestamp>) -> Question<'static> {
        let mut parameters = list.paging(place.page, self.page_size);
        let fixed = list.filter.map(|filter| ("where", filter));
        let fixed = list.parameters.iter().copied().chain(fixed);
        parameters.extend(fixed.map(|(name, value)| (name, value.to_owned())));
        Question {
            path: vec![list.path],
            parameters,
            since,
        }
    }

    /// Reads the page at a place; where rows may have been skipped, from an earlier place.
    async fn read_page(
        &self,
        access: &Access,
        list: &List,
        mut place: Place,
        since: Option<Timestamp>,
    ) -> ProviderResult<ReadPage> {
        loop {
            let question = self.question(list, place, since);
            let answered = self
                .calls
                .ask(access, list.dataset.as_str(), &question)
                .await?;
            match list.step(place, &answered.answer, self.page_size) {
                Step::Again(earlier) => place = earlier,
                Step::Read(next) => return Ok(ReadPage { answered, next }),
            }
        }
    }
}

/// A page as read, before conversion.
struct ReadPage {
    answered: Answered,
    next: Option<Place>,
}

#[async_trait]
impl AccountingProvider for Xero {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Xero
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn organization(&self, access: &Access) -> ProviderResult<Organization> {
        let question = Question {
            path: vec!["Organisation"],
            ..Question::default()
        };
        let answered = self.calls.ask(access, "organization", &question).await?;
        let organization = answered.answer.organisations.first();
        convert::organization(organization.ok_or_else(|| missing("Organisations"))?)
    }

    /// What a document changes on its contact's balance does not count as a change of the contact, so
    /// a page of changed documents brings their contacts along, 40 to a call.
    async fn page(
        &self,
        access: &Access,
        dataset: Dataset,
        reference: &Reference,
        since: Option<Timestamp>,
        cursor: Option<&Cursor>,
    ) -> ProviderResult<Page> {
        let list = list::list(dataset)?;
        let place = Place::read(cursor, self.page_size);
        let page = self.read_page(access, &list, place, since).await?;
        let Answered { answer, at } = page.answered;
        let context = Context::new(reference, at);
        let mut converted = context.records(&answer)?;
        if since.is_some() && !converted.contacts.is_empty() {
            let ids: Vec<&str> = converted.contacts.iter().map(String::as_str).collect();
            let contacts = self.calls.contacts(access, &ids).await?;
            context.add_contacts(&contacts, &mut converted.records)?;
        }
        let rows = u64::try_from(answer.len()).unwrap_or(u64::MAX);
        let only_page = page.next.is_none() && place == Place::start(self.page_size);
        Ok(Page {
            records: converted.records,
            count: rows,
            next: page.next.map(Place::cursor),
            expected: answer
                .pagination
                .map(|pagination| pagination.item_count)
                .or(only_page.then_some(rows)),
            answered_at: at,
        })
    }

    async fn customer(
        &self,
        access: &Access,
        reference: &Reference,
        customer: &CustomerId,
    ) -> ProviderResult<Records> {
        customer::read(self, access, reference, customer).await
    }

    /// A token names no organization; those that it reaches are asked for.
    async fn organizations(
        &self,
        token: &SecretString,
        _named: Option<&str>,
    ) -> ProviderResult<Vec<OrganizationChoice>> {
        let connections = self.calls.connections(token).await?;
        Ok(connections
            .iter()
            .map(connections::Connection::choice)
            .collect())
    }

    async fn disconnect(&self, access: &Access) -> ProviderResult<()> {
        let connections = self.calls.connections(&access.token).await?;
        let mut ours = connections
            .iter()
            .filter(|connection| connection.tenant_id == *access.account);
        match ours.next() {
            Some(connection) => self.calls.disconnect(&access.token, &connection.id).await,
            None => Ok(()),
        }
    }

    fn authorization(&self) -> &dyn Authorization {
        &self.oauth
    }

    fn webhooks(&self) -> Option<&Webhooks> {
        Some(&self.webhooks)
    }
}
