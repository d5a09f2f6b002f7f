//! Tokens at rest: sealed, bound to their grant and tenant.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::Store;
use super::codec::{instant, millis, optional_instant};
use super::database::{Tx, with_pool, with_tx};
use super::error::StoreResult;
use crate::crypto::Aad;
use crate::domain::ids::{ConnectionId, GrantId, TenantId};

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        ADD = "INSERT INTO credential (grant_id, tenant, access_token, access_expires_at, refresh_token,
                refresh_expires_at, stored_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        ROTATE = "UPDATE credential SET access_token = $2, access_expires_at = $3,
                refresh_token = $4, refresh_expires_at = $5, stored_at = $6
            WHERE grant_id = $1 AND refresh_token = $7";
        ONE = "SELECT grant_id, tenant, access_token, access_expires_at, refresh_token,
                refresh_expires_at
            FROM credential WHERE grant_id = $1";
        OF_CONNECTION = "SELECT credential.grant_id, connection.tenant, access_token,
                access_expires_at, refresh_token, refresh_expires_at
            FROM connection JOIN credential ON credential.grant_id = connection.grant_id
            WHERE connection.id = $1";
        FORGET_UNUSED = "DELETE FROM credential WHERE grant_id = $1
            AND NOT EXISTS (SELECT 1 FROM connection WHERE connection.grant_id = $1)";
        FORGET_STRAY = "DELETE FROM credential WHERE stored_at <= $1
            AND NOT EXISTS (SELECT 1 FROM connection
                WHERE connection.grant_id = credential.grant_id)";
        LEASE = "UPDATE credential SET lease_holder = $2, leased_until = $3
            WHERE grant_id = $1
                AND (lease_holder IS NULL OR lease_holder = $2 OR leased_until <= $4)";
        RELEASE = "UPDATE credential SET lease_holder = NULL, leased_until = NULL
            WHERE grant_id = $1 AND lease_holder = $2";
    }
}

/// A consent with its tokens.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Which it is.
    pub id: GrantId,
    /// Its tokens.
    pub tokens: StoredTokens,
}

/// The tokens of a grant.
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

impl StoredTokens {
    /// Whether these are the very same tokens.
    pub fn is(&self, other: &Self) -> bool {
        self.refreshes_like(other) && self.access.expose_secret() == other.access.expose_secret()
    }

    /// Whether the next refresh is made with the same token.
    pub fn refreshes_like(&self, other: &Self) -> bool {
        self.refresh.expose_secret() == other.refresh.expose_secret()
    }
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
    /// Keeps a new grant of a tenant. When this returns its tokens are on the disk (on PostgreSQL as
    /// far as its `synchronous_commit` goes), so that they may be used. A grant that no connection is
    /// read under goes at the next [`Store::forget_stray_grants`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`](super::StoreError::Conflict) when there is no such tenant, or such a grant already.
    pub async fn add_grant(
        &self,
        tenant: &TenantId,
        grant: &Grant,
        now: Timestamp,
    ) -> StoreResult<()> {
        let tokens = &grant.tokens;
        let (access, refresh) = self.seal_tokens(grant.id.as_str(), tenant.as_str(), tokens)?;
        with_pool!(&self.writer, |pool| sqlx::query(sql::ADD)
            .bind(grant.id.as_str())
            .bind(tenant.as_str())
            .bind(access)
            .bind(millis(tokens.access_expires_at))
            .bind(refresh)
            .bind(tokens.refresh_expires_at.map(millis))
            .bind(millis(now))
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Keeps the tokens that a refresh gave in place of those it was made with; `false`, and nothing
    /// changed, when others stand there by now, or none.
    ///
    /// # Errors
    /// [`StoreError::Crypto`](super::StoreError::Crypto) when the tokens that stand there do not open.
    pub async fn rotate_tokens(
        &self,
        before: &Grant,
        fresh: &StoredTokens,
        now: Timestamp,
    ) -> StoreResult<bool> {
        // The bytes that stand there may be replaced between our look and our write without the tokens
        // being others: sealed anew under another key.
        for _ in 0..ROTATE_ATTEMPTS {
            let mut tx = self.begin().await?;
            let row: Option<Row> = with_tx!(&mut tx, |connection| sqlx::query_as(sql::ONE)
                .bind(before.id.as_str())
                .fetch_optional(connection)
                .await)?;
            let Some(row) = row else { return Ok(false) };
            let standing = self.open_tokens(&row)?;
            if !standing.refreshes_like(&before.tokens) {
                return Ok(false);
            }
            let (access, refresh) = self.seal_tokens(&row.grant_id, &row.tenant, fresh)?;
            let rotated = with_tx!(&mut tx, |connection| sqlx::query(sql::ROTATE)
                .bind(before.id.as_str())
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
            if rotated == 1 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The grant that a connection is read under.
    ///
    /// # Errors
    /// [`StoreError::Crypto`](super::StoreError::Crypto) when its tokens do not open: another key, a change, or another row's or
    /// tenant's tokens.
    pub async fn grant_of(&self, connection: &ConnectionId) -> StoreResult<Option<Grant>> {
        let row: Option<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_CONNECTION)
            .bind(connection.as_str())
            .fetch_optional(pool)
            .await)?;
        row.map(|row| {
            let tokens = self.open_tokens(&row)?;
            let id = row.grant_id.into();
            Ok(Grant { id, tokens })
        })
        .transpose()
    }

    /// Forgets a grant with its tokens, unless a connection is read under it.
    pub async fn forget_unused_grant(&self, id: &GrantId) -> StoreResult<()> {
        let mut tx = self.begin().await?;
        forget_unused(&mut tx, id).await?;
        tx.commit().await
    }

    /// Forgets the grants stored at or before a time that no connection is read under: a person
    /// consented and then chose no organization.
    pub async fn forget_stray_grants(&self, until: Timestamp) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::FORGET_STRAY)
            .bind(millis(until))
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Takes a grant for `holder` until a time, to renew its tokens, unless another holder has it at
    /// `now` or it is gone. The same holder may take it again.
    pub async fn lease_grant(
        &self,
        id: &GrantId,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let taken = with_pool!(&self.writer, |pool| sqlx::query(sql::LEASE)
            .bind(id.as_str())
            .bind(holder)
            .bind(millis(until))
            .bind(millis(now))
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(taken == 1)
    }

    /// Gives a grant back, if `holder` has it.
    pub async fn release_grant(&self, id: &GrantId, holder: &str) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::RELEASE)
            .bind(id.as_str())
            .bind(holder)
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// The access and the refresh token, sealed for their row.
    fn seal_tokens(
        &self,
        grant: &str,
        tenant: &str,
        tokens: &StoredTokens,
    ) -> StoreResult<(Vec<u8>, Vec<u8>)> {
        let seal = |column, token: &SecretString| {
            let place = place(column, grant, tenant);
            self.keys.seal(token.expose_secret().as_bytes(), &place)
        };
        Ok((
            seal(ACCESS, &tokens.access)?,
            seal(REFRESH, &tokens.refresh)?,
        ))
    }

    fn open_tokens(&self, row: &Row) -> StoreResult<StoredTokens> {
        let id = row.grant_id.as_str();
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

/// How often a rotation that met a sealing anew is tried.
const ROTATE_ATTEMPTS: usize = 8;

const ACCESS: &str = "access_token";
const REFRESH: &str = "refresh_token";

/// Forgets a grant that no connection is read under, inside a transaction.
pub(super) async fn forget_unused(tx: &mut Tx, id: &GrantId) -> StoreResult<()> {
    with_tx!(tx, |connection| sqlx::query(sql::FORGET_UNUSED)
        .bind(id.as_str())
        .execute(connection)
        .await
        .map(drop))?;
    Ok(())
}

fn place<'a>(column: &'a str, grant: &'a str, tenant: &'a str) -> Aad<'a> {
    Aad {
        table: "credential",
        column,
        row: grant,
        tenant,
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    grant_id: String,
    tenant: String,
    access_token: Vec<u8>,
    access_expires_at: i64,
    refresh_token: Vec<u8>,
    refresh_expires_at: Option<i64>,
}
