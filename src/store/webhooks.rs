//! The inbox of webhooks: events wait in it until a run has looked at the ledger.
//!
//! An event is stored once, however often it is delivered. A run takes what waits, asks the ledger,
//! and then marks as done what it had taken, not what came meanwhile. Killed between, it has marked
//! nothing, and the next run takes the same again.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::codec::{millis, optional_instant};
use super::database::{with_pool, with_tx};
use super::error::{StoreError, StoreResult};
use super::{Store, json};
use crate::domain::connection::ProviderKind;
use crate::domain::freshness::{ConnectionState, Dataset};
use crate::domain::ids::ConnectionId;

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        OF_ACCOUNTS = "SELECT id, account FROM connection
            WHERE provider = $1 AND state <> $3 AND account IN (
                SELECT page.value ->> 'id' FROM json_each(CAST($2 AS TEXT)) AS page)
            ORDER BY id";
        ADD = "INSERT INTO webhook_event (connection, event_key, dataset, ledger_id, merged,
                happened_at, received_at)
            SELECT page.value ->> 'connection', page.value ->> 'key', page.value ->> 'dataset',
                page.value ->> 'ledger_id', CAST(page.value ->> 'merged' AS BOOLEAN),
                CAST(page.value ->> 'happened_at' AS BIGINT), CAST($2 AS BIGINT)
            FROM json_each(CAST($1 AS TEXT)) AS page WHERE true
            ON CONFLICT (connection, event_key) DO NOTHING";
        PURGE = "DELETE FROM webhook_event WHERE received_at < $1";
        WAITING = "SELECT DISTINCT connection FROM webhook_event WHERE done_at IS NULL";
        WAITING_FOR = "SELECT 1 FROM webhook_event
            WHERE connection = $1 AND done_at IS NULL LIMIT 1";
        TAKE = "UPDATE webhook_event SET taken_by = $2
            WHERE connection = $1 AND done_at IS NULL
            RETURNING dataset, ledger_id, merged, happened_at";
        FINISH = "UPDATE webhook_event SET done_at = $3
            WHERE connection = $1 AND taken_by = $2 AND done_at IS NULL";
    }
}

/// How long an event is kept. No ledger goes on for longer with a delivery that it got an answer to.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An event to be kept for a connection.
#[derive(Clone, Debug)]
pub struct NewWebhookEvent<'a> {
    /// Whose it is.
    pub connection: &'a ConnectionId,
    /// What tells it from the connection's other events.
    pub key: &'a str,
    /// The kind of record that it speaks of.
    pub dataset: Dataset,
    /// The record.
    pub ledger_id: &'a str,
    /// Whether another record was merged into that one.
    pub merged: bool,
    /// When it happened, by the ledger.
    pub happened_at: Option<Timestamp>,
}

/// An event as a run takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEvent {
    /// The kind of record that it speaks of.
    pub dataset: Dataset,
    /// The record.
    pub ledger_id: String,
    /// Whether another record was merged into that one.
    pub merged: bool,
    /// When it happened, by the ledger.
    pub happened_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Row<'a> {
    connection: &'a str,
    key: &'a str,
    dataset: &'a str,
    ledger_id: &'a str,
    merged: bool,
    happened_at: Option<i64>,
}

impl Store {
    /// The connections that mirror accounts at a provider and have not been given up, each with its
    /// account.
    pub async fn connections_of_accounts(
        &self,
        provider: ProviderKind,
        accounts: impl IntoIterator<Item = &str>,
    ) -> StoreResult<Vec<(ConnectionId, String)>> {
        let accounts = json::ids(accounts)?;
        let rows: Vec<(String, String)> =
            with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_ACCOUNTS)
                .bind(provider.as_str())
                .bind(accounts)
                .bind(ConnectionState::Revoked.as_str())
                .fetch_all(pool)
                .await)?;
        let read = |(id, account): (String, String)| (id.into(), account);
        Ok(rows.into_iter().map(read).collect())
    }

    /// Keeps events that are not known yet and says how many those were. What is older than a week
    /// goes.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such connection; nothing is kept then.
    pub async fn add_webhook_events(
        &self,
        events: &[NewWebhookEvent<'_>],
        now: Timestamp,
    ) -> StoreResult<u64> {
        let mut rows: Vec<_> = events
            .iter()
            .map(|event| Row {
                connection: event.connection.as_str(),
                key: event.key,
                dataset: event.dataset.as_str(),
                ledger_id: event.ledger_id,
                merged: event.merged,
                happened_at: event.happened_at.map(millis),
            })
            .collect();
        // Two deliveries of the same events wait for each other in one order only.
        rows.sort_unstable_by_key(|row| (row.connection, row.key));
        let rows = json::rows(&rows)?;
        let mut tx = self.begin().await?;
        let added = with_tx!(&mut tx, |connection| sqlx::query(sql::ADD)
            .bind(rows)
            .bind(millis(now))
            .execute(connection)
            .await
            .map(|done| done.rows_affected()))?;
        with_tx!(&mut tx, |connection| sqlx::query(sql::PURGE)
            .bind(millis(now - KEPT))
            .execute(connection)
            .await
            .map(drop))?;
        tx.commit().await?;
        Ok(added)
    }

    /// The connections for which events wait.
    pub async fn connections_with_webhook_events(&self) -> StoreResult<Vec<ConnectionId>> {
        let waiting: Vec<String> =
            with_pool!(&self.reader, |pool| sqlx::query_scalar(sql::WAITING)
                .fetch_all(pool)
                .await)?;
        Ok(waiting.into_iter().map(ConnectionId::from).collect())
    }

    /// Whether events wait for a connection.
    pub async fn has_webhook_events(&self, connection: &ConnectionId) -> StoreResult<bool> {
        let waiting: Option<i32> =
            with_pool!(&self.reader, |pool| sqlx::query_scalar(sql::WAITING_FOR)
                .bind(connection.as_str())
                .fetch_optional(pool)
                .await)?;
        Ok(waiting.is_some())
    }

    /// Takes the events that wait for a connection, those too that another run took and never
    /// finished. Only who holds the connection's lease may call it.
    pub async fn take_webhook_events(
        &self,
        connection: &ConnectionId,
        run: &str,
    ) -> StoreResult<Vec<WebhookEvent>> {
        let rows: Vec<(String, String, bool, Option<i64>)> =
            with_pool!(&self.writer, |pool| sqlx::query_as(sql::TAKE)
                .bind(connection.as_str())
                .bind(run)
                .fetch_all(pool)
                .await)?;
        rows.into_iter()
            .map(|(dataset, ledger_id, merged, happened_at)| {
                let (table, whose) = ("webhook_event", connection.as_str());
                let wrong = || StoreError::inconsistent(table, "dataset", whose);
                Ok(WebhookEvent {
                    dataset: Dataset::parse(&dataset).ok_or_else(wrong)?,
                    ledger_id,
                    merged,
                    happened_at: optional_instant(happened_at, table, "happened_at", whose)?,
                })
            })
            .collect()
    }

    /// Notes that the ledger was looked at for the events that a run has taken.
    pub async fn finish_webhook_events(
        &self,
        connection: &ConnectionId,
        run: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::FINISH)
            .bind(connection.as_str())
            .bind(run)
            .bind(millis(now))
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }
}
