//! Leases in the database: one holder at a time, across tasks and processes, freed by time where the
//! holder is killed.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use crate::clock::Clock;
use crate::domain::ids::{ConnectionId, GrantId};
use crate::store::{Store, StoreError};

/// What is held.
#[derive(Clone, Debug)]
pub(super) enum Leased {
    /// A connection, to read its ledger.
    Connection(ConnectionId),
    /// A grant, to renew its tokens.
    Grant(GrantId),
}

/// A lease that is renewed while this lives.
#[derive(Debug)]
pub(super) struct Lease {
    terms: Terms,
    keep_alive: AbortOnDropHandle<()>,
}

/// What a lease is on, for whom and for how long.
#[derive(Clone, Debug)]
struct Terms {
    store: Store,
    clock: Arc<dyn Clock>,
    what: Leased,
    holder: String,
    length: SignedDuration,
}

impl Lease {
    /// Takes a lease, unless another holder has it.
    pub(super) async fn take(
        store: &Store,
        clock: &Arc<dyn Clock>,
        what: Leased,
        length: SignedDuration,
    ) -> Result<Option<Self>, StoreError> {
        let terms = Terms {
            store: store.clone(),
            clock: Arc::clone(clock),
            what,
            holder: uuid::Uuid::new_v4().to_string(),
            length,
        };
        if !terms.hold().await? {
            return Ok(None);
        }
        let kept = terms.clone();
        // While a call waits for longer than the lease holds. A lease that was lost shows at the next
        // renewal.
        let keep_alive = AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                tokio::time::sleep(kept.length.unsigned_abs() / 3).await;
                if let Err(error) = kept.hold().await {
                    warn!(what = ?kept.what, %error, "lease not renewed");
                }
            }
        }));
        Ok(Some(Self { terms, keep_alive }))
    }

    /// Holds the lease for another while; `false` when another holder has taken it over.
    pub(super) async fn renew(&self) -> Result<bool, StoreError> {
        self.terms.hold().await
    }

    /// Gives the lease back.
    pub(super) async fn release(self) -> Result<(), StoreError> {
        let Self { terms, keep_alive } = self;
        // Ended before the lease is given back, so that it is not taken once more right after.
        keep_alive.abort();
        drop(keep_alive.detach().await);
        let Terms {
            store,
            what,
            holder,
            ..
        } = terms;
        match what {
            Leased::Connection(id) => store.release_lease(&id, &holder).await,
            Leased::Grant(id) => store.release_grant(&id, &holder).await,
        }
    }
}

impl Terms {
    async fn hold(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let until = now.saturating_add(self.length).unwrap_or(now);
        match &self.what {
            Leased::Connection(id) => self.store.acquire_lease(id, &self.holder, until, now).await,
            Leased::Grant(id) => self.store.lease_grant(id, &self.holder, until, now).await,
        }
    }
}
