//! Tokens at rest: sealed, bound to their connection and tenant.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::Store;
use super::codec::{instant, millis, optional_instant};
use super::connections::tenant_of;
use super::database::{Tx, with_pool, with_tx};
use super::error::{StoreError, StoreResult};
use crate::crypto::Aad;
use crate::domain::ids::ConnectionId;

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        PUT = "INSERT INTO credential (connection, access_token, access_expires_at, refresh_token,
                refresh_expires_at, stored_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (connection) DO UPDATE SET
                access_token = excluded.access_token,
                access_expires_at = excluded.access_expires_at,
                refresh_token = excluded.refresh_token,
                refresh_expires_at = excluded.refresh_expires_at,
                stored_at = excluded.stored_at";
        ROTATE = "UPDATE credential SET access_token = $2, access_expires_at = $3,
                refresh_token = $4, refresh_expires_at = $5, stored_at = $6
            WHERE connection = $1 AND refresh_token = $7";
        GET = "SELECT credential.connection, connection.tenant, access_token, access_expires_at,
                refresh_token, refresh_expires_at
            FROM credential JOIN connection ON connection.id = credential.connection
            WHERE credential.connection = $1";
        DELETE = "DELETE FROM credential WHERE connection = $1";
        EVERY = "SELECT credential.connection, connection.tenant, access_token, access_expires_at,
                refresh_token, refresh_expires_at
            FROM credential JOIN connection ON connection.id = credential.connection
            ORDER BY credential.connection";
        RESEAL = "UPDATE credential SET access_token = $2, refresh_token = $3
            WHERE connection = $1";
    }
}

/// The tokens of a connection.
#[derive(Clone)]
pub struct StoredTokens {
    /// For the calls.
    pub access: SecretString,
    /// When it ends.
    pub access_expires_at: Timestamp,
    /// For the next grant.
    pub refresh: SecretString,
    /// When it ends, when the provider said.
    pub refresh_expires_at: Option<Timestamp>,
}

impl fmt::Debug for StoredTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredTokens")
            .field("access_expires_at", &self.access_expires_at)
            .field("refresh_expires_at", &self.refresh_expires_at)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Keeps a connection's tokens in place of those before. When this returns they are on the disk
    /// (on PostgreSQL as far as its `synchronous_commit` goes), so that they may be used.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such connection.
    pub async fn put_tokens(
        &self,
        id: &ConnectionId,
        tokens: &StoredTokens,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut tx = self.begin().await?;
        let tenant = tenant_of(&mut tx, id)
            .await?
            .ok_or_else(|| StoreError::missing("connection"))?;
        let (access, refresh) = self.seal_tokens(id.as_str(), tenant.as_str(), tokens)?;
        with_tx!(&mut tx, |connection| sqlx::query(sql::PUT)
            .bind(id.as_str())
            .bind(access)
            .bind(millis(tokens.access_expires_at))
            .bind(refresh)
            .bind(tokens.refresh_expires_at.map(millis))
            .bind(millis(now))
            .execute(connection)
            .await
            .map(drop))?;
        tx.commit().await
    }

    /// Keeps the tokens that a refresh gave in place of those it was made with; `false`, and nothing
    /// changed, when others stand there by now: a person has consented anew meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Crypto`] when the tokens that stand there do not open.
    pub async fn rotate_tokens(
        &self,
        id: &ConnectionId,
        before: &StoredTokens,
        fresh: &StoredTokens,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let mut tx = self.begin().await?;
        let row: Option<Row> = with_tx!(&mut tx, |connection| sqlx::query_as(sql::GET)
            .bind(id.as_str())
            .fetch_optional(connection)
            .await)?;
        let Some(row) = row else { return Ok(false) };
        let standing = self.open_tokens(&row)?;
        if standing.refresh.expose_secret() != before.refresh.expose_secret() {
            return Ok(false);
        }
        let (access, refresh) = self.seal_tokens(&row.connection, &row.tenant, fresh)?;
        let rotated = with_tx!(&mut tx, |connection| sqlx::query(sql::ROTATE)
            .bind(id.as_str())
            .bind(access)
            .bind(millis(fresh.access_expires_at))
            .bind(refresh)
            .bind(fresh.refresh_expires_at.map(millis))
            .bind(millis(now))
            // The very bytes that were read: PostgreSQL may let another writer in between.
            .bind(row.refresh_token)
            .execute(connection)
            .await
            .map(|done| done.rows_affected()))?;
        tx.commit().await?;
        Ok(rotated == 1)
    }

    /// A connection's tokens.
    ///
    /// # Errors
    /// [`StoreError::Crypto`] when they do not open: another key, a change, or another row's tokens.
    pub async fn tokens(&self, id: &ConnectionId) -> StoreResult<Option<StoredTokens>> {
        let row: Option<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::GET)
            .bind(id.as_str())
            .fetch_optional(pool)
            .await)?;
        row.map(|row| self.open_tokens(&row)).transpose()
    }

    /// Forgets a connection's tokens.
    pub async fn delete_tokens(&self, id: &ConnectionId) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::DELETE)
            .bind(id.as_str())
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Seals every secret again that stands under an older key; afterwards the older keys can be
    /// taken out of the configuration. Returns how many rows that were.
    ///
    /// # Errors
    /// [`StoreError::Crypto`] when one does not open; then nothing is changed.
    pub async fn reseal(&self) -> StoreResult<u64> {
        let mut tx = self.begin().await?;
        let count =
            self.reseal_credentials(&mut tx).await? + self.reseal_signing_keys(&mut tx).await?;
        tx.commit().await?;
        Ok(count)
    }

    async fn reseal_credentials(&self, tx: &mut Tx) -> StoreResult<u64> {
        let rows: Vec<Row> = with_tx!(&mut *tx, |connection| sqlx::query_as(sql::EVERY)
            .fetch_all(connection)
            .await)?;
        let mut count = 0;
        for row in rows {
            let outdated = [&row.access_token, &row.refresh_token]
                .into_iter()
                .any(|sealed| self.keys.is_outdated(sealed));
            if !outdated {
                continue;
            }
            let tokens = self.open_tokens(&row)?;
            let (access, refresh) = self.seal_tokens(&row.connection, &row.tenant, &tokens)?;
            with_tx!(&mut *tx, |connection| sqlx::query(sql::RESEAL)
                .bind(row.connection.as_str())
                .bind(access)
                .bind(refresh)
                .execute(connection)
                .await
                .map(drop))?;
            count += 1;
        }
        Ok(count)
    }

    /// The access and the refresh token, sealed for their row.
    fn seal_tokens(
        &self,
        connection: &str,
        tenant: &str,
        tokens: &StoredTokens,
    ) -> StoreResult<(Vec<u8>, Vec<u8>)> {
        let seal = |column, token: &SecretString| {
            let place = place(column, connection, tenant);
            self.keys.seal(token.expose_secret().as_bytes(), &place)
        };
        Ok((
            seal(ACCESS, &tokens.access)?,
            seal(REFRESH, &tokens.refresh)?,
        ))
    }

    fn open_tokens(&self, row: &Row) -> StoreResult<StoredTokens> {
        let id = row.connection.as_str();
        let open =
            |column, sealed: &[u8]| self.keys.open_text(sealed, &place(column, id, &row.tenant));
        Ok(StoredTokens {
            access: open(ACCESS, &row.access_token)?,
            access_expires_at: instant(
                row.access_expires_at,
                "credential",
                "access_expires_at",
                id,
            )?,
            refresh: open(REFRESH, &row.refresh_token)?,
            refresh_expires_at: optional_instant(
                row.refresh_expires_at,
                "credential",
                "refresh_expires_at",
                id,
            )?,
        })
    }
}

const ACCESS: &str = "access_token";
const REFRESH: &str = "refresh_token";

fn place<'a>(column: &'a str, connection: &'a str, tenant: &'a str) -> Aad<'a> {
    Aad {
        table: "credential",
        column,
        row: connection,
        tenant,
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    connection: String,
    tenant: String,
    access_token: Vec<u8>,
    access_expires_at: i64,
    refresh_token: Vec<u8>,
    refresh_expires_at: Option<i64>,
}
