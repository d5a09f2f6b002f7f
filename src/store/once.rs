//! What is used once or counted: one-time codes, uses of a CRM token, states of an authorization
//! under way. Only hashes are kept, never the code or token itself, and what has expired is removed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::Store;
use super::codec::millis;
use super::database::{Tx, with_pool, with_tx};
use super::error::{StoreError, StoreResult};
use crate::crypto::Aad;
use crate::domain::ids::{ConnectionId, TenantId};

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        PUT_CODE = "INSERT INTO one_time_code (hash, payload, expires_at, tenant)
            VALUES ($1, $2, $3, $4)";
        CODE = "SELECT payload FROM one_time_code WHERE hash = $1 AND expires_at > $2";
        TAKE_CODE = "DELETE FROM one_time_code WHERE hash = $1 AND expires_at > $2
            RETURNING payload";
        PURGE_CODES = "DELETE FROM one_time_code WHERE expires_at <= $1";
        COUNT_USE = "INSERT INTO token_use (hash, uses, expires_at) VALUES ($1, 1, $2)
            ON CONFLICT (hash) DO UPDATE SET uses = token_use.uses + 1 RETURNING uses";
        PURGE_USES = "DELETE FROM token_use WHERE expires_at <= $1";
        PUT_STATE = "INSERT INTO oauth_state (hash, connection, expires_at) VALUES ($1, $2, $3)";
        TAKE_STATE = "DELETE FROM oauth_state WHERE hash = $1 AND expires_at > $2
            RETURNING connection";
        PURGE_STATES = "DELETE FROM oauth_state WHERE expires_at <= $1";
    }
}

/// Where a sealed payload stands.
fn code_place(row: &str) -> Aad<'_> {
    Aad {
        table: "one_time_code",
        column: "payload",
        row,
        tenant: "",
    }
}

/// Takes the payload of a code inside a transaction: when that comes to nothing, the code stays.
pub(super) async fn take_code_in(
    tx: &mut Tx,
    hash: &[u8; 32],
    now: Timestamp,
) -> StoreResult<Option<String>> {
    Ok(with_tx!(&mut *tx, |connection| sqlx::query_scalar(
        sql::TAKE_CODE
    )
    .bind(hash.as_slice())
    .bind(millis(now))
    .fetch_optional(connection)
    .await)?)
}

impl Store {
    /// Keeps a payload under the hash of a tenant's one-time code.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the hash is there already.
    pub async fn put_code(
        &self,
        hash: &[u8; 32],
        tenant: &TenantId,
        payload: &str,
        expires_at: Timestamp,
    ) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::PUT_CODE)
            .bind(hash.as_slice())
            .bind(payload)
            .bind(millis(expires_at))
            .bind(tenant.as_str())
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// The payload of a code, which stays.
    pub async fn code(&self, hash: &[u8; 32], now: Timestamp) -> StoreResult<Option<String>> {
        let payload = with_pool!(&self.reader, |pool| sqlx::query_scalar(sql::CODE)
            .bind(hash.as_slice())
            .bind(millis(now))
            .fetch_optional(pool)
            .await)?;
        Ok(payload)
    }

    /// Takes the payload of a code: the first of any number of simultaneous callers gets it, and
    /// nobody after `expires_at`.
    pub async fn take_code(&self, hash: &[u8; 32], now: Timestamp) -> StoreResult<Option<String>> {
        let now = millis(now);
        let payload = with_pool!(&self.writer, |pool| sqlx::query_scalar(sql::TAKE_CODE)
            .bind(hash.as_slice())
            .bind(now)
            .fetch_optional(pool)
            .await)?;
        with_pool!(&self.writer, |pool| sqlx::query(sql::PURGE_CODES)
            .bind(now)
            .execute(pool)
            .await
            .map(drop))?;
        Ok(payload)
    }

    /// Keeps a secret, sealed, under the hash of a tenant's one-time code. It is not sealed anew when
    /// keys are rotated: it lives for minutes.
    ///
    /// # Errors
    /// As [`Self::put_code`], and when the secret cannot be sealed.
    pub async fn put_secret_code(
        &self,
        hash: &[u8; 32],
        tenant: &TenantId,
        secret: &SecretString,
        expires_at: Timestamp,
    ) -> StoreResult<()> {
        let plain = secret.expose_secret().as_bytes();
        let sealed = self.keys.seal(plain, &code_place(&STANDARD.encode(hash)))?;
        self.put_code(hash, tenant, &STANDARD.encode(sealed), expires_at)
            .await
    }

    /// Takes the secret of a code, as [`Self::take_code`] does.
    ///
    /// # Errors
    /// When it does not open under the configured keys.
    pub async fn take_secret_code(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> StoreResult<Option<SecretString>> {
        let Some(payload) = self.take_code(hash, now).await? else {
            return Ok(None);
        };
        let row = STANDARD.encode(hash);
        let wrong = || StoreError::inconsistent("one_time_code", "payload", row.as_str());
        let sealed = STANDARD.decode(payload).map_err(|_| wrong())?;
        Ok(Some(self.keys.open_text(&sealed, &code_place(&row))?))
    }

    /// How often the token of a hash was used, this time included. It is forgotten at `expires_at`,
    /// after which the token itself is worth nothing.
    pub async fn count_use(
        &self,
        hash: &[u8; 32],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> StoreResult<u32> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::PURGE_USES)
            .bind(millis(now))
            .execute(pool)
            .await
            .map(drop))?;
        let uses: i64 = with_pool!(&self.writer, |pool| sqlx::query_scalar(sql::COUNT_USE)
            .bind(hash.as_slice())
            .bind(millis(expires_at))
            .fetch_one(pool)
            .await)?;
        Ok(u32::try_from(uses).unwrap_or(u32::MAX))
    }

    /// Remembers for which connection an authorization was begun, under the hash of its `state`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the hash is there already or the
    /// connection is not.
    pub async fn put_oauth_state(
        &self,
        hash: &[u8; 32],
        connection: &ConnectionId,
        expires_at: Timestamp,
    ) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::PUT_STATE)
            .bind(hash.as_slice())
            .bind(connection.as_str())
            .bind(millis(expires_at))
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Takes the connection of a `state`: once, and not after it expired.
    pub async fn take_oauth_state(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> StoreResult<Option<ConnectionId>> {
        let now = millis(now);
        let connection: Option<String> =
            with_pool!(&self.writer, |pool| sqlx::query_scalar(sql::TAKE_STATE)
                .bind(hash.as_slice())
                .bind(now)
                .fetch_optional(pool)
                .await)?;
        with_pool!(&self.writer, |pool| sqlx::query(sql::PURGE_STATES)
            .bind(now)
            .execute(pool)
            .await
            .map(drop))?;
        Ok(connection.map(ConnectionId::from))
    }
}
