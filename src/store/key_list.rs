//! The signing keys as an operator lists them: nothing is opened, so that a key which no longer opens
//! can still be seen and ended.

use jiff::Timestamp;

use super::Store;
use super::codec::{millis, optional_instant};
use super::database::with_pool;
use super::error::{StoreError, StoreResult};
use crate::domain::ids::{SigningKeyId, TenantId};

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        LIST = "SELECT id, preset, algorithm, source,
                CASE source WHEN 'jwks_url' THEN material END AS address,
                issuer, audience, valid_until
            FROM signing_key WHERE COALESCE(tenant, '') = $1 ORDER BY preset, id";
        ENDS = "SELECT COALESCE(valid_until, $4) FROM signing_key
            WHERE id = $1 AND preset = $2 AND COALESCE(tenant, '') = $3";
    }
}

/// A signing key without its material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// Its id.
    pub id: SigningKeyId,
    /// The scheme that it belongs to.
    pub preset: String,
    /// The name of its algorithm.
    pub algorithm: String,
    /// What kind of material it has: `secret`, `pem`, `jwks` or `jwks_url`.
    pub source: String,
    /// Where its set is published, when that is elsewhere.
    pub address: Option<String>,
    /// What `iss` must be, when that is its own.
    pub issuer: Option<String>,
    /// What `aud` must hold, when that is its own.
    pub audience: Option<String>,
    /// Until when it is accepted; `None` for no end.
    pub valid_until: Option<Timestamp>,
}

impl Store {
    /// The keys of every scheme: those of a tenant, or (for `None`) those of the apps. Those that have
    /// ended included.
    pub async fn listed_keys(&self, tenant: Option<&TenantId>) -> StoreResult<Vec<ListedKey>> {
        let rows: Vec<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::LIST)
            .bind(owner(tenant))
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(ListedKey::try_from).collect()
    }

    /// Until when a key of a scheme counts, a tenant's or (for `None`) an app's: the end of time where
    /// no end is set. `None` when there is no such key.
    pub async fn signing_key_ends(
        &self,
        id: &SigningKeyId,
        preset: &str,
        tenant: Option<&TenantId>,
    ) -> StoreResult<Option<Timestamp>> {
        let ends: Option<i64> = with_pool!(&self.reader, |pool| sqlx::query_scalar(sql::ENDS)
            .bind(id.as_str())
            .bind(preset)
            .bind(owner(tenant))
            .bind(millis(Timestamp::MAX))
            .fetch_optional(pool)
            .await)?;
        optional_instant(ends, "signing_key", "valid_until", id.as_str())
    }
}

fn owner(tenant: Option<&TenantId>) -> &str {
    tenant.map_or("", TenantId::as_str)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    preset: String,
    algorithm: String,
    source: String,
    address: Option<String>,
    issuer: Option<String>,
    audience: Option<String>,
    valid_until: Option<i64>,
}

impl TryFrom<Row> for ListedKey {
    type Error = StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        Ok(Self {
            valid_until: optional_instant(row.valid_until, "signing_key", "valid_until", &row.id)?,
            id: row.id.into(),
            preset: row.preset,
            algorithm: row.algorithm,
            source: row.source,
            address: row.address,
            issuer: row.issuer,
            audience: row.audience,
        })
    }
}
