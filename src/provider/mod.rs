//! The port to the accounting systems: what every provider must be able to say, in the domain's
//! words. One folder holds one provider; [`http`] holds what all share on the wire (retry, budget,
//! breaker), `oauth` the token dance.
//!
//! A provider knows nothing of the store. What it must keep (a rotated token, the count of metered
//! calls) it hands back or tells through a trait declared here.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::domain::books::Organization;
use crate::domain::connection::ProviderKind;
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::money::Currency;
use crate::domain::records::Records;

pub mod application_key;
mod convert;
pub mod error;
pub mod http;
mod matching;
pub(crate) mod oauth;
pub mod quickbooks;
pub mod sage;
mod scalar;
pub mod tryton;
pub mod webhook;
pub mod xero;

pub use error::ProviderError;
pub use webhook::Webhooks;

/// The result of a call to a provider.
pub type ProviderResult<T> = Result<T, ProviderError>;

/// What a provider can do, as values that the sync branches on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The datasets that it has.
    pub datasets: &'static [Dataset],
    /// How it tells what changed.
    pub changes: ChangeFeed,
    /// How far before the last watermark each question for changes starts, at least.
    pub overlap: SignedDuration,
}

/// How a provider tells what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeFeed {
    /// One question covers every dataset: [`AccountingProvider::changes`].
    Together,
    /// Each dataset is read by its time of change: [`AccountingProvider::page`] with a `since`, whose
    /// records hold what went where the ledger tells it.
    ByDataset,
}

/// What a call is made for, from the most urgent to the least: the last to wait when the budget is
/// short stands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// A person has the customer's page open.
    OpenPage,
    /// The ledger said that something changed.
    Webhook,
    /// A poll that was due.
    Increment,
    /// A first load or a full comparison.
    Backfill,
}

/// The right to read one organization's books, for one call.
#[derive(Clone, Debug)]
pub struct Access {
    /// The organization's id at the provider ([`crate::domain::connection::Connection::account`]).
    pub account: Arc<str>,
    /// The bearer token.
    pub token: SecretString,
    /// What the call is made for.
    pub purpose: Purpose,
}

/// What converting a record needs to know of other records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// The ids of the ledger's receivables accounts.
    pub receivables_accounts: HashSet<String>,
    /// The currency of documents that state none.
    pub base_currency: Option<Currency>,
}

/// A place in a paged read, to be kept and handed back as it is. Its text means something to the
/// provider only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// One page of a dataset.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records on it.
    pub records: Records,
    /// How many records of the ledger it held, with those that yield nothing.
    pub count: u64,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
    /// How many records the dataset has in all, when the ledger says.
    pub expected: Option<u64>,
    /// The ledger's own time when it answered.
    pub answered_at: Timestamp,
}

/// The answer to a question for changes.
#[derive(Clone, Debug)]
pub enum Changes {
    /// Everything that changed since.
    All {
        /// What changed or went.
        records: Records,
        /// The ledger's own time when it answered: the next watermark.
        answered_at: Timestamp,
    },
    /// More changed, or longer ago, than the ledger tells in one answer: read each dataset by its
    /// time of change instead and compare for deletions.
    TooMany,
}

/// An accounting system, seen from the sync.
#[async_trait]
pub trait AccountingProvider: Send + Sync + fmt::Debug {
    /// Which system it is.
    fn kind(&self) -> ProviderKind;

    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// The bookkeeping entity.
    async fn organization(&self, access: &Access) -> ProviderResult<Organization>;

    /// One page of a dataset, from its start or from a cursor; `since` limits it to records changed
    /// at or after that time. Reading on until there is no next page yields every record that was
    /// there throughout, each at least once in its newest form, whatever changes meanwhile.
    async fn page(
        &self,
        access: &Access,
        dataset: Dataset,
        reference: &Reference,
        since: Option<Timestamp>,
        cursor: Option<&Cursor>,
    ) -> ProviderResult<Page>;

    /// What changed or went since a time, over all datasets. Asked only of [`ChangeFeed::Together`].
    async fn changes(
        &self,
        _access: &Access,
        _reference: &Reference,
        _since: Timestamp,
    ) -> ProviderResult<Changes> {
        Ok(Changes::TooMany)
    }

    /// One customer as it is now, with those of its documents that can be asked for by customer.
    async fn customer(
        &self,
        access: &Access,
        reference: &Reference,
        customer: &CustomerId,
    ) -> ProviderResult<Records>;

    /// The organizations that a token reaches. `named` is the one that the answer to the consent
    /// named, where the ledger does so (QuickBooks); the provided method takes it as the only one.
    async fn organizations(
        &self,
        _token: &SecretString,
        named: Option<&str>,
    ) -> ProviderResult<Vec<OrganizationChoice>> {
        let only = |account: &str| OrganizationChoice {
            account: account.into(),
            name: None,
        };
        Ok(named.map(only).into_iter().collect())
    }

    /// Gives up one organization of a grant that others still use. The provided method tells the
    /// ledger nothing: a grant that cannot be given up in parts stays whole.
    async fn disconnect(&self, _access: &Access) -> ProviderResult<()> {
        Ok(())
    }

    /// How consent is got, kept and given up.
    fn authorization(&self) -> &dyn Authorization;

    /// How the ledger tells by itself that something changed; `None` for one that does not.
    fn webhooks(&self) -> Option<&Webhooks> {
        None
    }
}

/// An organization that a grant reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationChoice {
    /// Its id at the provider ([`Access::account`]).
    pub account: Arc<str>,
    /// What people call it, where the ledger says.
    pub name: Option<Arc<str>>,
}

/// Tokens as issued.
#[derive(Clone, Debug)]
pub struct TokenGrant {
    /// For the calls.
    pub access_token: SecretString,
    /// When it ends.
    pub access_expires_at: Timestamp,
    /// For the next grant; it may be a new one each time.
    pub refresh_token: SecretString,
    /// When it ends, when the provider says.
    pub refresh_expires_at: Option<Timestamp>,
}

/// How consent works at a provider, as values that the connect flow and the refresh branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentRules {
    /// Who gives it, and how.
    pub given_by: ConsentGiver,
    /// Whether the code is bound to a secret of ours (RFC 7636, method S256).
    pub proof_key: bool,
    /// For how long after a refresh whose answer was lost the refresh token it was made with is taken
    /// again. `None`: a token that was rotated and not stored is lost, and a person has to consent.
    pub refresh_grace: Option<SignedDuration>,
}

/// Who consents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentGiver {
    /// A person, on a page of the provider (OAuth 2.0).
    Browser,
    /// An operator, who hands over a key that does not end by itself.
    ApplicationKey,
}

/// How consent to read organizations' books is got, kept and given up.
#[async_trait]
pub trait Authorization: Send + Sync {
    /// How it works here.
    fn rules(&self) -> &ConsentRules;

    /// The address that a person opens to consent. `state` comes back with the answer; `challenge` is
    /// the hash that binds the code, where [`ConsentRules::proof_key`] wants one.
    fn authorize_url(&self, state: &str, challenge: Option<&str>) -> ProviderResult<String>;

    /// Trades the code of the answer for tokens; `verifier` is what the challenge is the hash of.
    async fn exchange(
        &self,
        code: &str,
        verifier: Option<&SecretString>,
    ) -> ProviderResult<TokenGrant>;

    /// Trades the refresh token for new tokens. The answer must be stored before it is used: the old
    /// refresh token may be dead from here on. Never called twice at once for one grant.
    async fn refresh(&self, refresh_token: &SecretString) -> ProviderResult<TokenGrant>;

    /// Gives the consent up, for every organization that it reaches.
    async fn revoke(&self, refresh_token: &SecretString) -> ProviderResult<()>;
}

/// Counts the metered calls of an app, over all connections and across restarts.
#[async_trait]
pub trait CallMeter: Send + Sync + fmt::Debug {
    /// Books one metered call for an account before it is made. What it is made for decides who goes
    /// without when the budget is short: a first load before a poll, a poll before an open page.
    ///
    /// # Errors
    /// [`ProviderError::BudgetSpent`] when the calls of the period, or this account's fair share of
    /// what is left of them, are spent for this purpose.
    async fn spend(
        &self,
        kind: ProviderKind,
        account: &str,
        purpose: Purpose,
    ) -> ProviderResult<()>;
}
