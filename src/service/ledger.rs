//! One connection's ledger as the sync sees it: read by one holder at a time, with a live token.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use tracing::warn;

use super::lease::{Lease, Leased};
use super::tokens::Tokens;
use crate::clock::Clock;
use crate::domain::connection::{Connection, ProviderKind};
use crate::domain::freshness::ConnectionState;
use crate::provider::{Access, AccountingProvider, ProviderError, ProviderResult, Purpose};
use crate::store::{Store, StoreError};

/// The providers of this installation, by kind.
#[derive(Clone, Debug, Default)]
pub struct Providers(Vec<Arc<dyn AccountingProvider>>);

impl Providers {
    /// The providers as given; the first of a kind counts.
    pub fn new(providers: Vec<Arc<dyn AccountingProvider>>) -> Self {
        Self(providers)
    }

    /// The provider of a kind.
    ///
    /// # Errors
    /// [`ProviderError::Misconfigured`] where the installation has none of that kind.
    pub fn get(&self, kind: ProviderKind) -> ProviderResult<Arc<dyn AccountingProvider>> {
        self.0
            .iter()
            .find(|provider| provider.kind() == kind)
            .cloned()
            .ok_or_else(|| ProviderError::Misconfigured {
                what: format!("no settings for {kind}"),
            })
    }
}

/// Why work on a ledger stopped.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The mirror failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// There is no such connection.
    #[error(
        "there is no connection `{0}`; `financial-pulse connection status` shows those there are"
    )]
    NoSuchConnection(String),
    /// No person has consented yet, or consent is lost.
    #[error("the connection is {}; a person has to authorize it", .0.as_str())]
    NotAuthorized(ConnectionState),
    /// Another worker is at it.
    #[error("another process is reading this connection")]
    Busy,
    /// The process is shutting down.
    #[error("stopped by shutdown; the next run goes on from here")]
    Stopped,
    /// The work ended by a fault of ours.
    #[error("the sync ended abnormally")]
    Abnormal,
}

impl LedgerError {
    /// A stable, lower-case word for logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Provider(error) => error.code(),
            Self::Store(_) => "store",
            Self::NoSuchConnection(_) => "no_such_connection",
            Self::NotAuthorized(_) => "not_authorized",
            Self::Busy => "busy",
            Self::Stopped => "stopped",
            Self::Abnormal => "abnormal",
        }
    }
}

/// Exclusive access to one connection's ledger, held by lease, so that no two workers in any process
/// read it at once.
#[derive(Debug)]
pub struct Ledger {
    /// The connection as it was when the lease was taken.
    pub connection: Connection,
    /// Its provider.
    pub provider: Arc<dyn AccountingProvider>,
    store: Store,
    clock: Arc<dyn Clock>,
    tokens: Tokens,
    lease: Lease,
}

impl Ledger {
    /// Takes the lease on an authorized connection. A worker that is killed frees the connection when
    /// the lease ends; while it lives, it renews it.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] while another holder has the lease, [`LedgerError::NotAuthorized`] when
    /// nobody has consented or consent is lost.
    pub async fn open(
        store: &Store,
        providers: &Providers,
        clock: &Arc<dyn Clock>,
        lease: SignedDuration,
        connection: Connection,
    ) -> Result<Self, LedgerError> {
        if connection.state != ConnectionState::Active {
            return Err(LedgerError::NotAuthorized(connection.state));
        }
        let provider = providers.get(connection.provider)?;
        let what = Leased::Connection(connection.id.clone());
        let Some(held) = Lease::take(store, clock, what, lease).await? else {
            return Err(LedgerError::Busy);
        };
        Ok(Self {
            tokens: Tokens {
                store: store.clone(),
                clock: Arc::clone(clock),
                lease,
                connection: connection.id.clone(),
            },
            connection,
            provider,
            store: store.clone(),
            clock: Arc::clone(clock),
            lease: held,
        })
    }

    /// Holds the lease for another while; called between pages.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] when another holder has taken it over.
    pub async fn renew_lease(&self) -> Result<(), LedgerError> {
        if self.lease.renew().await? {
            Ok(())
        } else {
            Err(LedgerError::Busy)
        }
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// When the store fails; the lease then ends by itself.
    pub async fn close(self) -> Result<(), LedgerError> {
        Ok(self.lease.release().await?)
    }

    /// Calls the provider with a live token. A token that is refused all the same is refreshed once.
    ///
    /// # Errors
    /// What the provider says; consent that is lost also marks DISCONNECTED what it is lost for (the
    /// connection, or every connection of the grant), so that nothing tries again until a person has
    /// authorized it anew.
    pub async fn call<T>(
        &self,
        purpose: Purpose,
        call: impl Fn(Arc<dyn AccountingProvider>, Access) -> BoxFuture<'static, ProviderResult<T>>
        + Send
        + Sync,
    ) -> Result<T, LedgerError> {
        self.renew_lease().await?;
        let account = self
            .connection
            .account
            .clone()
            .ok_or(LedgerError::NotAuthorized(ConnectionState::Pending))?;
        let answer = self
            .tokens
            .call(self.provider.authorization(), |token| {
                let account = Arc::clone(&account);
                let access = Access {
                    account,
                    token,
                    purpose,
                };
                call(Arc::clone(&self.provider), access)
            })
            .await?;
        self.settle(answer).await
    }

    async fn settle<T>(&self, answer: ProviderResult<T>) -> Result<T, LedgerError> {
        if let Err(error @ ProviderError::ConsentLost { .. }) = &answer {
            warn!(
                connection = %self.connection.id,
                reason = error.code(),
                "connection lost, a person has to consent again: financial-pulse connection authorize {}",
                self.connection.id
            );
            self.store
                .set_connection_state(
                    &self.connection.id,
                    ConnectionState::Disconnected,
                    Some(error.code()),
                    self.clock.now(),
                )
                .await?;
        }
        Ok(answer?)
    }
}
