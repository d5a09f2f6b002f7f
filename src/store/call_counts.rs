//! The count of metered calls, per period, so that a budget outlives a restart and holds for every
//! instance.

use super::Store;
use super::database::{Tx, with_pool, with_tx};
use super::error::StoreResult;

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        COUNT = "INSERT INTO call_count (provider, period, account, calls)
            VALUES ($1, $2, $3, 1)
            ON CONFLICT (provider, period, account) DO UPDATE SET calls = call_count.calls + 1
            RETURNING calls";
        TAKE_BACK = "UPDATE call_count SET calls = calls - 1
            WHERE provider = $1 AND period = $2 AND account = $3";
        FORGET = "DELETE FROM call_count WHERE provider = $1 AND period < $2";
        OF_ACCOUNT = "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT) FROM call_count
            WHERE provider = $1 AND period >= $2 AND account = $3";
        OF_APP = "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT) FROM call_count
            WHERE provider = $1 AND period >= $2";
    }
}

/// Whose calls are counted, and in which period: a month (`2026-11`) or an hour (`2026-11-23T07`),
/// one kind of period per provider, since periods are compared as texts.
#[derive(Clone, Copy, Debug)]
pub struct CallKey<'a> {
    /// The accounting system, as its stable word.
    pub provider: &'a str,
    /// The organization's id there.
    pub account: &'a str,
    /// The period in which the call is made.
    pub period: &'a str,
    /// The earliest period that is added up; older ones are forgotten.
    pub since: &'a str,
}

/// Metered calls since the start of some period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallCount {
    /// Of the one account.
    pub account: u64,
    /// Of all accounts of the app at the provider.
    pub app: u64,
}

impl Store {
    /// Counts one metered call and says how many there are now.
    pub async fn count_call(&self, key: CallKey<'_>) -> StoreResult<CallCount> {
        let mut tx = self.begin().await?;
        let in_period: i64 = with_tx!(&mut tx, |connection| sqlx::query_scalar(sql::COUNT)
            .bind(key.provider)
            .bind(key.period)
            .bind(key.account)
            .fetch_one(connection)
            .await)?;
        if in_period == 1 {
            with_tx!(&mut tx, |connection| sqlx::query(sql::FORGET)
                .bind(key.provider)
                .bind(key.since)
                .execute(connection)
                .await
                .map(drop))?;
        }
        let count = counted(&mut tx, key).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// Takes a counted call back that was not made after all.
    pub async fn take_back_call(&self, key: CallKey<'_>) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::TAKE_BACK)
            .bind(key.provider)
            .bind(key.period)
            .bind(key.account)
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// How many metered calls were made.
    pub async fn calls_made(&self, key: CallKey<'_>) -> StoreResult<CallCount> {
        let mut tx = self.reader.begin_read().await?;
        let count = counted(&mut tx, key).await?;
        tx.commit().await?;
        Ok(count)
    }
}

async fn counted(tx: &mut Tx, key: CallKey<'_>) -> StoreResult<CallCount> {
    let account: i64 = with_tx!(&mut *tx, |connection| sqlx::query_scalar(sql::OF_ACCOUNT)
        .bind(key.provider)
        .bind(key.since)
        .bind(key.account)
        .fetch_one(connection)
        .await)?;
    let app: i64 = with_tx!(&mut *tx, |connection| sqlx::query_scalar(sql::OF_APP)
        .bind(key.provider)
        .bind(key.since)
        .fetch_one(connection)
        .await)?;
    Ok(CallCount {
        account: account.unsigned_abs(),
        app: app.unsigned_abs(),
    })
}
