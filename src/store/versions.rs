//! The change feed: counters that tell other processes, and the caches of this one, what to read
//! again.

use super::Store;
use super::database::{Tx, with_pool, with_tx};
use super::error::{StoreError, StoreResult};
use crate::domain::ids::{ConnectionId, CustomerId, TenantId};

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        CONNECTIONS = "SELECT id, version FROM connection ORDER BY id";
        TENANTS = "SELECT id, version FROM tenant ORDER BY id";
        CHANGED_AFTER = "SELECT customer FROM customer_version
            WHERE connection = $1 AND version > $2 ORDER BY version, customer";
        BUMP_TENANT = "UPDATE tenant SET version = version + 1 WHERE id = $1";
        BUMP_CONNECTION = "UPDATE connection SET version = version + 1 WHERE id = $1
            RETURNING version";
    }
}

/// Where everything stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Every connection's version.
    pub connections: Vec<(ConnectionId, i64)>,
    /// Every tenant's version.
    pub tenants: Vec<(TenantId, i64)>,
}

impl Store {
    /// The version of every connection and tenant.
    pub async fn versions(&self) -> StoreResult<Versions> {
        let connections: Vec<(String, i64)> =
            with_pool!(&self.reader, |pool| sqlx::query_as(sql::CONNECTIONS)
                .fetch_all(pool)
                .await)?;
        let tenants: Vec<(String, i64)> =
            with_pool!(&self.reader, |pool| sqlx::query_as(sql::TENANTS)
                .fetch_all(pool)
                .await)?;
        Ok(Versions {
            connections: connections
                .into_iter()
                .map(|(id, version)| (id.into(), version))
                .collect(),
            tenants: tenants
                .into_iter()
                .map(|(id, version)| (id.into(), version))
                .collect(),
        })
    }

    /// The customers whose picture changed after a version of their connection, oldest change first;
    /// those that are gone included.
    pub async fn customers_changed_after(
        &self,
        connection: &ConnectionId,
        version: i64,
    ) -> StoreResult<Vec<CustomerId>> {
        let customers: Vec<String> =
            with_pool!(&self.reader, |pool| sqlx::query_scalar(sql::CHANGED_AFTER)
                .bind(connection.as_str())
                .bind(version)
                .fetch_all(pool)
                .await)?;
        Ok(customers.into_iter().map(CustomerId::from).collect())
    }
}

/// Counts a tenant's version up, inside the transaction that changes something of it.
pub(super) async fn bump_tenant(tx: &mut Tx, tenant: &TenantId) -> StoreResult<()> {
    let found = with_tx!(tx, |connection| sqlx::query(sql::BUMP_TENANT)
        .bind(tenant.as_str())
        .execute(connection)
        .await
        .map(|done| done.rows_affected()))?;
    if found == 0 {
        return Err(StoreError::missing("tenant"));
    }
    Ok(())
}

/// Counts a connection's version up and returns the new one. From here to the end of the transaction
/// no other process writes to this connection's mirror.
pub(super) async fn bump_connection(tx: &mut Tx, id: &ConnectionId) -> StoreResult<i64> {
    with_tx!(tx, |connection| sqlx::query_scalar(sql::BUMP_CONNECTION)
        .bind(id.as_str())
        .fetch_optional(connection)
        .await)?
    .ok_or_else(|| StoreError::missing("connection"))
}
