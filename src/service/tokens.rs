//! The tokens of grants: live when they are used, renewed by one holder at a time, stored before use.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use secrecy::SecretString;
use tracing::{info, warn};

use super::lease::{Lease, Leased};
use super::ledger::LedgerError;
use crate::clock::Clock;
use crate::domain::freshness::ConnectionState;
use crate::domain::ids::ConnectionId;
use crate::provider::{Authorization, ProviderError, ProviderResult, TokenGrant};
use crate::store::{Grant, Store, StoreError, StoredTokens};

/// A token with less life left than this is renewed before the next call.
const MINIMUM_LIFE: SignedDuration = SignedDuration::from_secs(60);

/// The waits between attempts to store fresh tokens.
const STORE_PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// How often to look whether another holder is done with renewing.
const LOOK: Duration = Duration::from_millis(100);

/// Keeps the tokens of one connection's grant alive. Other connections, read by others, may use the
/// same grant.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    /// Where they are.
    pub(super) store: Store,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
    /// How long the grant stays taken when the process that renews its tokens is killed.
    pub(super) lease: SignedDuration,
    /// Whose grant it is.
    pub(super) connection: ConnectionId,
}

impl Tokens {
    /// Makes a call with a live access token. One that is refused all the same is renewed once; refused
    /// again, fresh from the provider, the user has lost the right to this organization.
    ///
    /// # Errors
    /// Outside, why there is no live token: [`LedgerError::NotAuthorized`] when there is none, or what
    /// the provider says to a refresh; consent that is lost has then marked every connection of the
    /// grant DISCONNECTED. Inside, what the provider says to the call.
    pub(super) async fn call<T>(
        &self,
        authorization: &dyn Authorization,
        call: impl Fn(SecretString) -> BoxFuture<'static, ProviderResult<T>> + Send,
    ) -> Result<ProviderResult<T>, LedgerError> {
        let grant = self.live(authorization).await?;
        let first = call(grant.tokens.access.clone()).await;
        let Err(ProviderError::Unauthorized { code }) = first else {
            return Ok(first);
        };
        info!(connection = %self.connection, %code, "access token refused, refreshing");
        let grant = self.renew(authorization, &grant).await?;
        Ok(match call(grant.tokens.access.clone()).await {
            Err(ProviderError::Unauthorized { code }) => Err(ProviderError::ConsentLost { code }),
            other => other,
        })
    }

    async fn live(&self, authorization: &dyn Authorization) -> Result<Grant, LedgerError> {
        let grant = self.standing().await?;
        if grant.tokens.access_expires_at > self.clock.now() + MINIMUM_LIFE {
            Ok(grant)
        } else {
            self.renew(authorization, &grant).await
        }
    }

    /// Tokens in place of those that no longer serve: made by a refresh of ours, or by that of
    /// another connection's reader, or by a person who has consented anew.
    ///
    /// One holder at a time refreshes: providers take a refresh token once, and the loser of a race
    /// loses the grant for all. The answer is stored before anyone uses it: from the moment of
    /// rotation the old refresh token may be dead.
    async fn renew(
        &self,
        authorization: &dyn Authorization,
        before: &Grant,
    ) -> Result<Grant, LedgerError> {
        loop {
            let standing = self.standing().await?;
            if differs(&standing, before) {
                return Ok(standing);
            }
            let what = Leased::Grant(before.id.clone());
            if let Some(lease) = Lease::take(&self.store, &self.clock, what, self.lease).await? {
                let renewed = self.renew_alone(authorization, before).await;
                if let Err(error) = lease.release().await {
                    warn!(connection = %self.connection, %error, "the grant is freed later, by time");
                }
                return renewed;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn renew_alone(
        &self,
        authorization: &dyn Authorization,
        before: &Grant,
    ) -> Result<Grant, LedgerError> {
        // The holder before may have stored new tokens, or found the consent lost.
        let standing = self.standing().await?;
        if differs(&standing, before) {
            return Ok(standing);
        }
        match authorization.refresh(&before.tokens.refresh).await {
            Ok(answer) => {
                let fresh = stored(answer);
                if self.keep(before, &fresh).await? {
                    let id = before.id.clone();
                    return Ok(Grant { id, tokens: fresh });
                }
                info!(connection = %self.connection, "a newer consent stands, its tokens are used");
                self.standing().await
            }
            Err(lost @ ProviderError::ConsentLost { .. }) => {
                let standing = self.standing().await?;
                if differs(&standing, before) {
                    return Ok(standing);
                }
                warn!(
                    connection = %self.connection,
                    reason = lost.code(),
                    "consent lost, a person has to consent again: financial-pulse connection authorize {}",
                    self.connection
                );
                let (state, now) = (ConnectionState::Disconnected, self.clock.now());
                self.store
                    .set_state_of_grant(&before.id, state, Some(lost.code()), now)
                    .await?;
                Err(lost.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Stores fresh tokens in place of those before. A store that fails is asked again: giving up
    /// may lose the grant.
    async fn keep(&self, before: &Grant, fresh: &StoredTokens) -> Result<bool, StoreError> {
        let mut pauses = STORE_PAUSES.into_iter();
        loop {
            let now = self.clock.now();
            match self.store.rotate_tokens(before, fresh, now).await {
                Err(error @ StoreError::Unavailable { .. }) => {
                    let Some(pause) = pauses.next() else {
                        return Err(error);
                    };
                    warn!(connection = %self.connection, %error, "fresh tokens not stored, trying again");
                    tokio::time::sleep(pause).await;
                }
                kept => return kept,
            }
        }
    }

    /// The tokens that stand in the store for a connection that may be read.
    async fn standing(&self) -> Result<Grant, LedgerError> {
        let connection = self.store.connection(&self.connection).await?;
        let state = connection.map_or(ConnectionState::Revoked, |connection| connection.state);
        if state != ConnectionState::Active {
            return Err(LedgerError::NotAuthorized(state));
        }
        let grant = self.store.grant_of(&self.connection).await?;
        grant.ok_or(LedgerError::NotAuthorized(ConnectionState::Pending))
    }
}

fn differs(standing: &Grant, before: &Grant) -> bool {
    standing.id != before.id || !standing.tokens.is(&before.tokens)
}

/// A provider's grant as it is kept.
pub(super) fn stored(grant: TokenGrant) -> StoredTokens {
    StoredTokens {
        access: grant.access_token,
        access_expires_at: grant.access_expires_at,
        refresh: grant.refresh_token,
        refresh_expires_at: grant.refresh_expires_at,
    }
}
