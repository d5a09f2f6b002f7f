//! Connections: added by an operator, authorized by a person (`consent`), watched by both.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::ledger::{LedgerError, Providers};
use super::meter::{Budget, CallsLeft};
use super::tokens::Tokens;
use crate::clock::Clock;
use crate::domain::connection::{Connection, ProviderKind};
use crate::domain::freshness::{ConnectionState, DatasetFreshness};
use crate::domain::ids::{ConnectionId, TenantId};
use crate::provider::{Access, ConsentGiver, ProviderError, Purpose};
use crate::store::{Drift, NewConnection, Store, StoreError};

/// How long a grant stays taken when a command that renews its tokens is killed.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Adds, authorizes and lists connections.
#[derive(Clone, Debug)]
pub struct Connections {
    pub(super) store: Store,
    pub(super) providers: Providers,
    pub(super) clock: Arc<dyn Clock>,
    budgets: Vec<(ProviderKind, Budget)>,
}

/// A connection as an operator wants it.
#[derive(Clone, Debug)]
pub struct ConnectionRequest {
    /// Whose it is.
    pub tenant: TenantId,
    /// The accounting system.
    pub provider: ProviderKind,
    /// Its id; made from tenant and provider where none is given.
    pub id: Option<ConnectionId>,
    /// The time zone in which the books' dates are meant.
    pub time_zone: TimeZone,
    /// How often it is polled.
    pub poll_interval: Duration,
}

/// One connection as `connection status` shows it.
#[derive(Clone, Debug)]
pub struct ConnectionStatus {
    /// The connection.
    pub connection: Connection,
    /// Every dataset that such a ledger has, begun or not.
    pub datasets: Vec<DatasetFreshness>,
    /// The last full comparison with the ledger.
    pub comparison: Comparison,
    /// The metered calls that may still be made, where they are limited.
    pub calls: Option<CallsLeft>,
    /// Who consents to such a ledger's being read, and how.
    pub given_by: ConsentGiver,
}

/// How the mirror was last compared in full with its ledger, and what it had come to lack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// When the last one began that came to its end.
    pub compared_at: Option<Timestamp>,
    /// When the one under way began.
    pub running_since: Option<Timestamp>,
    /// What it had to mend: that of the one under way so far, else of the last.
    pub drift: Option<Drift>,
}

/// Why a connection could not be added or authorized.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// There is no such tenant.
    #[error("there is no tenant `{0}`; add it first: financial-pulse tenant add {0}")]
    NoSuchTenant(TenantId),
    /// The id is taken.
    #[error("there is a connection `{0}` already; choose another with --id")]
    Taken(ConnectionId),
    /// The answer to a consent that nobody asked for, or that came too late or twice.
    #[error("this consent was not asked for here, is too old, or was used already; start again")]
    UnknownState,
    /// The person did not consent.
    #[error("consent was not given ({0})")]
    Declined(String),
    /// The consent reaches no organization, or none was named.
    #[error("the consent reaches no organization")]
    NoOrganization,
    /// The consent does not reach the organization that was asked for.
    #[error("the consent does not reach the organization `{0}`")]
    NotReached(String),
    /// Several organizations are reached, and none was chosen.
    #[error("the key reaches several organizations; name one with --organization: {}", .0.join(", "))]
    Undecided(Vec<String>),
    /// The organization is connected already, under another connection.
    #[error("this organization is connected already, as `{0}`")]
    AlreadyConnected(ConnectionId),
    /// The consent is for other books than those that the connection mirrors.
    #[error("`{0}` holds the books of another organization; add a connection for these")]
    OtherBooks(ConnectionId),
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Work on the ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Connections {
    /// Connections over a store.
    pub fn new(store: Store, providers: Providers, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            providers,
            clock,
            budgets: Vec::new(),
        }
    }

    /// The same, with the budgets of metered calls that [`Connections::status`] tells of.
    #[must_use]
    pub fn with_budgets(self, budgets: Vec<(ProviderKind, Budget)>) -> Self {
        Self { budgets, ..self }
    }

    /// Adds a connection that nobody has authorized yet.
    ///
    /// # Errors
    /// [`ConnectionError::NoSuchTenant`], [`ConnectionError::Taken`], or when the store fails.
    pub async fn add(
        &self,
        request: ConnectionRequest,
        actor: &str,
    ) -> Result<ConnectionId, ConnectionError> {
        if self.store.tenant(&request.tenant).await?.is_none() {
            return Err(ConnectionError::NoSuchTenant(request.tenant));
        }
        let id = match request.id {
            Some(id) if self.store.connection(&id).await?.is_some() => {
                return Err(ConnectionError::Taken(id));
            }
            Some(id) => id,
            None => self.free_id(&request.tenant, request.provider).await?,
        };
        let new = NewConnection {
            id: id.clone(),
            tenant: request.tenant,
            provider: request.provider,
            time_zone: request.time_zone,
            poll_interval: request.poll_interval,
            account: None,
        };
        self.store
            .add_connection(&new, actor, self.clock.now())
            .await?;
        Ok(id)
    }

    /// `acme-quickbooks`, then `acme-quickbooks-2` and so on.
    async fn free_id(
        &self,
        tenant: &TenantId,
        provider: ProviderKind,
    ) -> Result<ConnectionId, ConnectionError> {
        let taken = self.store.connections().await?;
        let is_free = |id: &ConnectionId| taken.iter().all(|connection| connection.id != *id);
        let plain = ConnectionId::from(format!("{tenant}-{provider}"));
        if is_free(&plain) {
            return Ok(plain);
        }
        let numbered = (2_u32..).map(|n| ConnectionId::from(format!("{tenant}-{provider}-{n}")));
        Ok(numbered.into_iter().find(is_free).unwrap_or(plain))
    }

    /// Gives up consent for a connection's organization. Where no other connection is read under the
    /// same grant, the whole grant is given up at the provider and its tokens are forgotten; otherwise
    /// only this organization is, as far as the provider can. The mirror stays.
    ///
    /// # Errors
    /// When the provider or the store fails; the tokens are then kept, so that it can be tried again.
    pub async fn revoke(&self, id: &ConnectionId, actor: &str) -> Result<(), ConnectionError> {
        let connection = self.one(id).await?;
        if let Some(grant) = self.store.grant_of(id).await? {
            let sharers = self.store.connections_of_grant(&grant.id).await?;
            let given_up = if sharers.iter().all(|other| other.id == *id) {
                let provider = self.providers.get(connection.provider)?;
                provider.authorization().revoke(&grant.tokens.refresh).await
            } else {
                self.disconnect(&connection).await?
            };
            match given_up {
                // Gone at the provider already: nothing is left to give up.
                Ok(()) | Err(ProviderError::ConsentLost { .. } | ProviderError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.store
            .revoke_connection(id, actor, self.clock.now())
            .await?;
        Ok(())
    }

    /// Tells the provider that one organization of a grant is not read any more. Of a grant that is
    /// lost there is nothing to tell.
    async fn disconnect(
        &self,
        connection: &Connection,
    ) -> Result<Result<(), ProviderError>, ConnectionError> {
        let (ConnectionState::Active, Some(account)) = (connection.state, &connection.account)
        else {
            return Ok(Ok(()));
        };
        let provider = self.providers.get(connection.provider)?;
        let answer = self
            .tokens(&connection.id)
            .call(provider.authorization(), |token| {
                let provider = Arc::clone(&provider);
                let access = Access {
                    account: Arc::clone(account),
                    token,
                    purpose: Purpose::OpenPage,
                };
                async move { provider.disconnect(&access).await }.boxed()
            })
            .await?;
        Ok(answer)
    }

    /// Every connection, or those of one tenant, with its datasets.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(
        &self,
        tenant: Option<&TenantId>,
    ) -> Result<Vec<ConnectionStatus>, ConnectionError> {
        let connections = match tenant {
            Some(tenant) => self.store.connections_of(tenant).await?,
            None => self.store.connections().await?,
        };
        let mut all = Vec::with_capacity(connections.len());
        for connection in connections {
            let state = self.store.sync_state(&connection.id).await?;
            let comparison = Comparison {
                compared_at: state.compared_at,
                running_since: state.comparing_since,
                drift: state.drift,
            };
            let known = state.datasets;
            let datasets = connection.provider.datasets().iter().map(|&dataset| {
                let begun = known.iter().find(|known| known.dataset == dataset);
                begun.cloned().unwrap_or(DatasetFreshness {
                    dataset,
                    succeeded_at: None,
                    attempted_at: None,
                    loaded: 0,
                    expected: None,
                })
            });
            let datasets = datasets.collect();
            let calls = self.calls_left(&connection).await?;
            all.push(ConnectionStatus {
                // Of a kind that is not set up (any more): as most are.
                given_by: self
                    .giver(connection.provider)
                    .unwrap_or(ConsentGiver::Browser),
                connection,
                datasets,
                comparison,
                calls,
            });
        }
        Ok(all)
    }

    async fn calls_left(
        &self,
        connection: &Connection,
    ) -> Result<Option<CallsLeft>, ConnectionError> {
        let kind = connection.provider;
        let mut budgets = self.budgets.iter();
        let (Some((_, budget)), Some(account)) = (
            budgets.find(|(of, _)| *of == kind),
            connection.account.as_deref(),
        ) else {
            return Ok(None);
        };
        let left = budget.left(&self.store, kind, account, self.clock.now());
        Ok(Some(left.await?))
    }

    /// Who consents to a kind of ledger's being read.
    ///
    /// # Errors
    /// When the installation has no settings for that kind.
    pub fn giver(&self, kind: ProviderKind) -> Result<ConsentGiver, ConnectionError> {
        let provider = self.providers.get(kind)?;
        Ok(provider.authorization().rules().given_by)
    }

    /// Who consents to a connection's being read.
    ///
    /// # Errors
    /// As [`Connections::giver`], or when there is no such connection.
    pub async fn giver_of(&self, id: &ConnectionId) -> Result<ConsentGiver, ConnectionError> {
        self.giver(self.one(id).await?.provider)
    }

    /// A connection.
    ///
    /// # Errors
    /// When there is no such connection, or the store fails.
    pub async fn one(&self, id: &ConnectionId) -> Result<Connection, ConnectionError> {
        let found = self.store.connection(id).await?;
        Ok(found.ok_or_else(|| LedgerError::NoSuchConnection(id.to_string()))?)
    }

    /// The tokens that a connection is read with.
    pub(super) fn tokens(&self, id: &ConnectionId) -> Tokens {
        Tokens {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            lease: LEASE,
            connection: id.clone(),
        }
    }

    /// One organization read twice would double every figure of a contact linked into both; two
    /// organizations in one mirror would mix theirs.
    pub(super) async fn refuse_misfit(
        &self,
        connection: &Connection,
        account: &str,
    ) -> Result<(), ConnectionError> {
        if connection
            .account
            .as_deref()
            .is_some_and(|known| known != account)
        {
            return Err(ConnectionError::OtherBooks(connection.id.clone()));
        }
        let others = self.store.connections_of(&connection.tenant).await?;
        let same = others.into_iter().find(|other| {
            other.id != connection.id
                && other.provider == connection.provider
                && other.account.as_deref() == Some(account)
        });
        same.map_or(Ok(()), |other| {
            Err(ConnectionError::AlreadyConnected(other.id))
        })
    }
}
