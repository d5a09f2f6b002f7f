//! One connection's ledger as the sync sees it: calls with a live token, refreshed by one holder at a
//! time and stored before use.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::domain::connection::{Connection, ProviderKind};
use crate::domain::freshness::ConnectionState;
use crate::domain::ids::ConnectionId;
use crate::provider::{
    Access, AccountingProvider, ProviderError, ProviderResult, Purpose, TokenGrant,
};
use crate::store::{Store, StoreError, StoredTokens};

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
    #[error("there is no connection `{0}`")]
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

/// A token with less life left than this is renewed before the next call.
const MINIMUM_TOKEN_LIFE: SignedDuration = SignedDuration::from_secs(60);

/// The waits between attempts to store fresh tokens.
const STORE_PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// Exclusive access to one connection's ledger, held by lease, so that no two workers in any process
/// read it or refresh its tokens at once.
#[derive(Debug)]
pub struct Ledger {
    /// The connection as it was when the lease was taken.
    pub connection: Connection,
    /// Its provider.
    pub provider: Arc<dyn AccountingProvider>,
    store: Store,
    clock: Arc<dyn Clock>,
    holder: String,
    lease: SignedDuration,
    _keep_alive: AbortOnDropHandle<()>,
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
        let holder = uuid::Uuid::new_v4().to_string();
        if !hold(store, clock, &connection.id, &holder, lease).await? {
            return Err(LedgerError::Busy);
        }
        let keep_alive = keep_alive(
            store.clone(),
            Arc::clone(clock),
            &connection.id,
            &holder,
            lease,
        );
        Ok(Self {
            connection,
            provider,
            store: store.clone(),
            clock: Arc::clone(clock),
            holder,
            lease,
            _keep_alive: keep_alive,
        })
    }

    /// Holds the lease for another while; called between pages.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] when another holder has taken it over.
    pub async fn renew_lease(&self) -> Result<(), LedgerError> {
        if hold(
            &self.store,
            &self.clock,
            &self.connection.id,
            &self.holder,
            self.lease,
        )
        .await?
        {
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
        Ok(self
            .store
            .release_lease(&self.connection.id, &self.holder)
            .await?)
    }

    /// Calls the provider with a live token. A token that is refused all the same is refreshed once.
    ///
    /// # Errors
    /// What the provider says; consent that is lost also marks the connection DISCONNECTED, so that
    /// nothing tries again until a person has authorized it anew.
    pub async fn call<T>(
        &self,
        purpose: Purpose,
        call: impl Fn(Arc<dyn AccountingProvider>, Access) -> BoxFuture<'static, ProviderResult<T>>
        + Send,
    ) -> Result<T, LedgerError> {
        self.renew_lease().await?;
        let tokens = self.tokens().await?;
        let access = |tokens| self.access(tokens, purpose);
        let first = call(Arc::clone(&self.provider), access(&tokens)?).await;
        let Err(ProviderError::Unauthorized { code }) = first else {
            return self.settle(first).await;
        };
        info!(connection = %self.connection.id, %code, "access token refused, refreshing");
        let tokens = self.refresh(&tokens).await?;
        let second = call(Arc::clone(&self.provider), access(&tokens)?).await;
        match second {
            // A token fresh from the provider that it refuses again: the user lost the right.
            Err(ProviderError::Unauthorized { code }) => {
                self.settle(Err(ProviderError::ConsentLost { code })).await
            }
            other => self.settle(other).await,
        }
    }

    fn access(&self, tokens: &StoredTokens, purpose: Purpose) -> Result<Access, LedgerError> {
        let account = self
            .connection
            .account
            .clone()
            .ok_or(LedgerError::NotAuthorized(ConnectionState::Pending))?;
        Ok(Access {
            account,
            token: tokens.access.clone(),
            purpose,
        })
    }

    async fn tokens(&self) -> Result<StoredTokens, LedgerError> {
        let tokens = self
            .store
            .tokens(&self.connection.id)
            .await?
            .ok_or(LedgerError::NotAuthorized(ConnectionState::Pending))?;
        if tokens.access_expires_at > self.clock.now() + MINIMUM_TOKEN_LIFE {
            Ok(tokens)
        } else {
            self.refresh(&tokens).await
        }
    }

    /// Rotates the tokens. The answer is stored before anyone uses it: from the moment of rotation
    /// the old refresh token may be dead. Where a person has consented anew meanwhile, their tokens
    /// stand and are used.
    async fn refresh(&self, tokens: &StoredTokens) -> Result<StoredTokens, LedgerError> {
        let answer = self.provider.authorization().refresh(&tokens.refresh).await;
        if matches!(answer, Err(ProviderError::ConsentLost { .. }))
            && let Some(newer) = self.newer_than(tokens).await?
        {
            return Ok(newer);
        }
        let fresh = stored(self.settle(answer).await?);
        if self.keep(tokens, &fresh).await? {
            return Ok(fresh);
        }
        self.newer_than(tokens)
            .await?
            .ok_or(LedgerError::NotAuthorized(ConnectionState::Revoked))
    }

    /// Stores fresh tokens in place of those before. A store that fails is asked again: giving up
    /// loses the connection.
    async fn keep(&self, before: &StoredTokens, fresh: &StoredTokens) -> Result<bool, StoreError> {
        let (id, mut pauses) = (&self.connection.id, STORE_PAUSES.into_iter());
        loop {
            let now = self.clock.now();
            match self.store.rotate_tokens(id, before, fresh, now).await {
                Err(error @ StoreError::Unavailable { .. }) => {
                    let Some(pause) = pauses.next() else {
                        return Err(error);
                    };
                    warn!(connection = %id, %error, "fresh tokens not stored, trying again");
                    tokio::time::sleep(pause).await;
                }
                kept => return kept,
            }
        }
    }

    /// The tokens that stand in the store, where they are others than these.
    async fn newer_than(&self, tokens: &StoredTokens) -> Result<Option<StoredTokens>, StoreError> {
        let standing = self.store.tokens(&self.connection.id).await?;
        let other =
            |newer: &StoredTokens| newer.refresh.expose_secret() != tokens.refresh.expose_secret();
        Ok(standing.filter(other))
    }

    async fn settle<T>(&self, answer: ProviderResult<T>) -> Result<T, LedgerError> {
        if let Err(error @ ProviderError::ConsentLost { .. }) = &answer {
            warn!(connection = %self.connection.id, reason = error.code(), "connection lost");
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

async fn hold(
    store: &Store,
    clock: &Arc<dyn Clock>,
    connection: &ConnectionId,
    holder: &str,
    lease: SignedDuration,
) -> Result<bool, StoreError> {
    let now = clock.now();
    store
        .acquire_lease(connection, holder, now + lease, now)
        .await
}

/// Renews the lease while a call waits for longer than the lease holds. A lease that was lost shows
/// at the next call.
fn keep_alive(
    store: Store,
    clock: Arc<dyn Clock>,
    connection: &ConnectionId,
    holder: &str,
    lease: SignedDuration,
) -> AbortOnDropHandle<()> {
    let (connection, holder) = (connection.clone(), holder.to_owned());
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            tokio::time::sleep(lease.unsigned_abs() / 3).await;
            if let Err(error) = hold(&store, &clock, &connection, &holder, lease).await {
                warn!(%connection, %error, "lease not renewed");
            }
        }
    }))
}

/// A provider's grant as it is kept.
pub fn stored(grant: TokenGrant) -> StoredTokens {
    StoredTokens {
        access: grant.access_token,
        access_expires_at: grant.access_expires_at,
        refresh: grant.refresh_token,
        refresh_expires_at: grant.refresh_expires_at,
    }
}
