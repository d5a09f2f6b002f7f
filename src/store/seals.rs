//! Every sealed column, in one list: which key seals how many values, and sealing them anew after a
//! rotation while others read and write.

use secrecy::ExposeSecret as _;

use super::Store;
use super::database::with_pool;
use super::error::StoreResult;
use crate::crypto::{Aad, CryptoError, KeyId};

/// How many values are read at a time.
const PAGE: i64 = 200;

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        ACCESS_TOKENS = "SELECT grant_id AS id, tenant, access_token AS sealed
            FROM credential WHERE grant_id > $1 ORDER BY grant_id LIMIT $2";
        REPLACE_ACCESS_TOKEN = "UPDATE credential SET access_token = $3
            WHERE grant_id = $1 AND access_token = $2";
        COUNT_ACCESS_TOKENS = "SELECT substr(access_token, 2, 4) AS sealed_under, COUNT(*)
            FROM credential GROUP BY 1 ORDER BY 1";
        REFRESH_TOKENS = "SELECT grant_id AS id, tenant, refresh_token AS sealed
            FROM credential WHERE grant_id > $1 ORDER BY grant_id LIMIT $2";
        REPLACE_REFRESH_TOKEN = "UPDATE credential SET refresh_token = $3
            WHERE grant_id = $1 AND refresh_token = $2";
        COUNT_REFRESH_TOKENS = "SELECT substr(refresh_token, 2, 4) AS sealed_under, COUNT(*)
            FROM credential GROUP BY 1 ORDER BY 1";
        SIGNING_KEYS = "SELECT id, COALESCE(tenant, '') AS tenant, sealed
            FROM signing_key WHERE id > $1 AND sealed IS NOT NULL ORDER BY id LIMIT $2";
        REPLACE_SIGNING_KEY = "UPDATE signing_key SET sealed = $3 WHERE id = $1 AND sealed = $2";
        COUNT_SIGNING_KEYS = "SELECT substr(sealed, 2, 4) AS sealed_under, COUNT(*)
            FROM signing_key WHERE sealed IS NOT NULL GROUP BY 1 ORDER BY 1";
        SECRETS = "SELECT name AS id, '' AS tenant, sealed
            FROM installation_secret WHERE name > $1 ORDER BY name LIMIT $2";
        REPLACE_SECRET = "UPDATE installation_secret SET sealed = $3
            WHERE name = $1 AND sealed = $2";
        COUNT_SECRETS = "SELECT substr(sealed, 2, 4) AS sealed_under, COUNT(*)
            FROM installation_secret GROUP BY 1 ORDER BY 1";
    }
}

/// A column whose values are sealed, each for its row and tenant.
#[derive(Clone, Copy, Debug)]
pub struct SealedColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    page: &'static str,
    replace: &'static str,
    count: &'static str,
}

/// Every sealed column. One that is missing here would be lost in a rotation; a test compares the
/// list with the schema.
pub const SEALED_COLUMNS: &[SealedColumn] = &[
    SealedColumn {
        table: "credential",
        column: "access_token",
        page: sql::ACCESS_TOKENS,
        replace: sql::REPLACE_ACCESS_TOKEN,
        count: sql::COUNT_ACCESS_TOKENS,
    },
    SealedColumn {
        table: "credential",
        column: "refresh_token",
        page: sql::REFRESH_TOKENS,
        replace: sql::REPLACE_REFRESH_TOKEN,
        count: sql::COUNT_REFRESH_TOKENS,
    },
    SealedColumn {
        table: "signing_key",
        column: "sealed",
        page: sql::SIGNING_KEYS,
        replace: sql::REPLACE_SIGNING_KEY,
        count: sql::COUNT_SIGNING_KEYS,
    },
    SealedColumn {
        table: "installation_secret",
        column: "sealed",
        page: sql::SECRETS,
        replace: sql::REPLACE_SECRET,
        count: sql::COUNT_SECRETS,
    },
];

/// How many values of a column one key seals.
#[derive(Clone, Copy, Debug)]
pub struct SealedCount {
    /// The column.
    pub column: SealedColumn,
    /// The key; `None` where the value is none that was sealed here.
    pub key: Option<KeyId>,
    /// The values.
    pub values: u64,
}

/// What sealing anew came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Values that stand under the active key now and did not before.
    pub values: u64,
    /// Values that do not open: where each stands, and why.
    pub unopened: Vec<(String, CryptoError)>,
}

impl Store {
    /// Which key seals how many values of each column.
    pub async fn sealed_counts(&self) -> StoreResult<Vec<SealedCount>> {
        let mut counts = Vec::new();
        for column in SEALED_COLUMNS {
            let rows: Vec<(Vec<u8>, i64)> =
                with_pool!(&self.reader, |pool| sqlx::query_as(column.count)
                    .fetch_all(pool)
                    .await)?;
            counts.extend(rows.into_iter().map(|(key, values)| SealedCount {
                column: *column,
                key: KeyId::from_bytes(&key),
                values: u64::try_from(values).unwrap_or(0),
            }));
        }
        Ok(counts)
    }

    /// Seals the values of a column anew that stand under an older key, a page at a time, while
    /// others read and write: a value is replaced only where it still is what was read. One that
    /// somebody else replaced meanwhile stands under that one's active key. `progress` hears how many
    /// were looked at.
    ///
    /// # Errors
    /// When the database fails. A value that does not open stays as it is and is told.
    pub async fn reseal_column(
        &self,
        column: &SealedColumn,
        mut progress: impl FnMut(u64),
    ) -> StoreResult<Resealed> {
        let mut done = Resealed::default();
        let mut after = String::new();
        loop {
            let rows: Vec<(String, String, Vec<u8>)> =
                with_pool!(&self.reader, |pool| sqlx::query_as(column.page)
                    .bind(after.as_str())
                    .bind(PAGE)
                    .fetch_all(pool)
                    .await)?;
            let Some((last, ..)) = rows.last() else { break };
            after.clone_from(last);
            progress(rows.len() as u64);
            for (id, tenant, sealed) in rows {
                if !self.keys.is_outdated(&sealed) {
                    continue;
                }
                let place = Aad {
                    table: column.table,
                    column: column.column,
                    row: &id,
                    tenant: &tenant,
                };
                let anew = self
                    .keys
                    .open(&sealed, &place)
                    .and_then(|plain| self.keys.seal(plain.expose_secret(), &place));
                match anew {
                    Ok(anew) => {
                        done.values +=
                            with_pool!(&self.writer, |pool| sqlx::query(column.replace)
                                .bind(id.as_str())
                                .bind(sealed)
                                .bind(anew)
                                .execute(pool)
                                .await
                                .map(|done| done.rows_affected()))?;
                    }
                    Err(error) => {
                        let place = format!("{}.{} of {id}", column.table, column.column);
                        done.unopened.push((place, error));
                    }
                }
            }
        }
        Ok(done)
    }
}
