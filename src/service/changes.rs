//! The feed of changes: tells the cache what this process or any other has written to the store.
//!
//! Every write counts up the version of its connection or tenant in the store, in its own
//! transaction. The feed reads those few numbers at short intervals, and at once when this process
//! has written something; so a foreground sync, a second server and this one are all the same to it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::cache::Snapshots;
use crate::domain::ids::{ConnectionId, TenantId};
use crate::store::{Store, StoreError, Versions};

/// Watches the store's versions.
#[derive(Debug)]
pub struct ChangeFeed {
    store: Store,
    interval: Duration,
    nudge: Arc<Notify>,
    connections: HashMap<ConnectionId, i64>,
    tenants: HashMap<TenantId, i64>,
}

impl ChangeFeed {
    /// A feed that looks at the store every `interval`, and at once when `nudge` is notified. It
    /// begins with what the store holds now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start(
        store: Store,
        interval: Duration,
        nudge: Arc<Notify>,
    ) -> Result<Self, StoreError> {
        let versions = store.versions().await?;
        Ok(Self {
            store,
            interval,
            nudge,
            connections: versions.connections.into_iter().collect(),
            tenants: versions.tenants.into_iter().collect(),
        })
    }

    /// Tells the cache of every change until `stop` is cancelled. A store that fails is asked again;
    /// nothing is skipped.
    pub async fn run(mut self, snapshots: Arc<Snapshots>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(self.interval) => {}
            }
            if let Err(error) = self.look(&snapshots).await {
                warn!(%error, "changes cannot be read");
            }
        }
    }

    async fn look(&mut self, snapshots: &Snapshots) -> Result<(), StoreError> {
        let versions = self.store.versions().await?;
        self.forget_gone(&versions, snapshots).await;
        for (connection, version) in versions.connections {
            let seen = self.connections.get(&connection).copied();
            if seen == Some(version) {
                continue;
            }
            // A connection not seen before has changed from nothing.
            let after = seen.unwrap_or(i64::MIN);
            let customers = self
                .store
                .customers_changed_after(&connection, after)
                .await?;
            snapshots.customers_changed(&connection, &customers).await;
            self.connections.insert(connection, version);
        }
        for (tenant, version) in versions.tenants {
            if self.tenants.get(&tenant) != Some(&version) {
                snapshots.tenant_changed(&tenant);
                self.tenants.insert(tenant, version);
            }
        }
        Ok(())
    }

    /// Lets go of tenants and connections that were erased: their sessions end, and their snapshots
    /// leave the memory.
    async fn forget_gone(&mut self, versions: &Versions, snapshots: &Snapshots) {
        let there: HashSet<&TenantId> = versions.tenants.iter().map(|(id, _)| id).collect();
        self.tenants.retain(|id, _| {
            let stays = there.contains(id);
            if !stays {
                snapshots.tenant_changed(id);
            }
            stays
        });
        let there: HashSet<&ConnectionId> = versions.connections.iter().map(|(id, _)| id).collect();
        let gone: Vec<ConnectionId> = self
            .connections
            .keys()
            .filter(|id| !there.contains(id))
            .cloned()
            .collect();
        for id in gone {
            snapshots.connection_gone(&id).await;
            self.connections.remove(&id);
        }
    }
}
