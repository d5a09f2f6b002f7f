//! The full comparison as the mirror sees it: which records it has seen, how far it has come, and what
//! it had to mend.

use jiff::Timestamp;

use super::{ComparisonStep, Drift};
use crate::domain::freshness::Dataset;
use crate::domain::ids::ConnectionId;
use crate::store::codec::{instant, millis};
use crate::store::database::{Tx, with_pool, with_tx};
use crate::store::error::{StoreError, StoreResult};
use crate::store::{Store, json};

pub(in crate::store) mod sql {
    use crate::store::sql::statements;

    statements! {
        BEGIN = "UPDATE connection SET
                drift_mended = CASE WHEN comparing_since IS NULL THEN 0 ELSE drift_mended END,
                drift_gone = CASE WHEN comparing_since IS NULL THEN 0 ELSE drift_gone END,
                comparing_since = COALESCE(comparing_since, $2)
            WHERE id = $1 RETURNING comparing_since";
        END = "UPDATE connection SET compared_at = $2, comparing_since = NULL WHERE id = $1
            RETURNING COALESCE(drift_mended, 0), COALESCE(drift_gone, 0)";
        DRIFTED = "UPDATE connection SET drift_mended = COALESCE(drift_mended, 0) + $2,
                drift_gone = COALESCE(drift_gone, 0) + $3
            WHERE id = $1";
        SET_PLACE = "INSERT INTO dataset_state (connection, dataset, compare_cursor, compare_begun,
                loaded)
            VALUES ($1, $2, $3, $4, 0)
            ON CONFLICT (connection, dataset) DO UPDATE SET
                compare_cursor = excluded.compare_cursor, compare_begun = excluded.compare_begun";
        SET_COMPARED = "UPDATE dataset_state SET compared_at = $3, compare_cursor = NULL,
                compare_begun = NULL
            WHERE connection = $1 AND dataset = $2";
        SEE_ACCOUNTS = "UPDATE account SET seen = $3 WHERE connection = $1 AND ledger_id IN (
            SELECT page.value ->> 'id' FROM json_each(CAST($2 AS TEXT)) AS page)";
        SEE_TERMS = "UPDATE terms SET seen = $3 WHERE connection = $1 AND ledger_id IN (
            SELECT page.value ->> 'id' FROM json_each(CAST($2 AS TEXT)) AS page)";
        SEE_ITEMS = "UPDATE item SET seen = $3 WHERE connection = $1 AND ledger_id IN (
            SELECT page.value ->> 'id' FROM json_each(CAST($2 AS TEXT)) AS page)";
        SEE_CUSTOMERS = "UPDATE customer SET seen = $3 WHERE connection = $1 AND ledger_id IN (
            SELECT page.value ->> 'id' FROM json_each(CAST($2 AS TEXT)) AS page)";
        SEE_RECORDS = "UPDATE record SET seen = $3
            WHERE connection = $1 AND dataset = $4 AND ledger_id IN (
                SELECT page.value ->> 'id' FROM json_each(CAST($2 AS TEXT)) AS page)";
        UNSEEN_ACCOUNTS = "SELECT ledger_id FROM account WHERE connection = $1
            AND seen IS DISTINCT FROM $2 AND stored_at < $3 ORDER BY ledger_id LIMIT $4";
        UNSEEN_TERMS = "SELECT ledger_id FROM terms WHERE connection = $1
            AND seen IS DISTINCT FROM $2 AND stored_at < $3 ORDER BY ledger_id LIMIT $4";
        UNSEEN_ITEMS = "SELECT ledger_id FROM item WHERE connection = $1
            AND seen IS DISTINCT FROM $2 AND stored_at < $3 ORDER BY ledger_id LIMIT $4";
        UNSEEN_CUSTOMERS = "SELECT ledger_id FROM customer WHERE connection = $1
            AND seen IS DISTINCT FROM $2 AND changed_at < $3 ORDER BY ledger_id LIMIT $4";
        UNSEEN_RECORDS = "SELECT ledger_id FROM record WHERE connection = $1 AND dataset = $5
            AND seen IS DISTINCT FROM $2 AND changed_at < $3 ORDER BY ledger_id LIMIT $4";
    }
}

/// The statements over the table that holds a dataset, and whether it holds others too.
fn statements(dataset: Dataset) -> (&'static str, &'static str, bool) {
    match dataset {
        Dataset::Accounts => (sql::SEE_ACCOUNTS, sql::UNSEEN_ACCOUNTS, false),
        Dataset::Terms => (sql::SEE_TERMS, sql::UNSEEN_TERMS, false),
        Dataset::Items => (sql::SEE_ITEMS, sql::UNSEEN_ITEMS, false),
        Dataset::Customers => (sql::SEE_CUSTOMERS, sql::UNSEEN_CUSTOMERS, false),
        Dataset::Invoices
        | Dataset::Payments
        | Dataset::CreditNotes
        | Dataset::CashSales
        | Dataset::CashRefunds
        | Dataset::JournalEntries
        | Dataset::Deposits
        | Dataset::Expenses
        | Dataset::Overpayments
        | Dataset::Prepayments
        | Dataset::QuickEntries
        | Dataset::Allocations
        | Dataset::OpeningBalances => (sql::SEE_RECORDS, sql::UNSEEN_RECORDS, true),
    }
}

impl Store {
    /// Begins a comparison, or says since when the one under way runs. That moment is its name.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such connection.
    pub async fn begin_comparison(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> StoreResult<Timestamp> {
        let since: Option<i64> = with_pool!(&self.writer, |pool| sqlx::query_scalar(sql::BEGIN)
            .bind(connection.as_str())
            .bind(millis(now))
            .fetch_optional(pool)
            .await)?;
        let since = since.ok_or_else(|| StoreError::missing("connection"))?;
        instant(since, "connection", "comparing_since", connection.as_str())
    }

    /// Notes that a comparison has come to its end; says what it had to mend.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such connection.
    pub async fn end_comparison(
        &self,
        connection: &ConnectionId,
        comparison: Timestamp,
    ) -> StoreResult<Drift> {
        let drift: Option<(i64, i64)> = with_pool!(&self.writer, |pool| sqlx::query_as(sql::END)
            .bind(connection.as_str())
            .bind(millis(comparison))
            .fetch_optional(pool)
            .await)?;
        let (mended, gone) = drift.ok_or_else(|| StoreError::missing("connection"))?;
        Ok(Drift {
            mended: mended.unsigned_abs(),
            gone: gone.unsigned_abs(),
        })
    }

    /// Records of a dataset that a comparison has not seen and that last changed before a moment
    /// (accounts, terms and items: were last written here), by id.
    pub async fn unseen(
        &self,
        connection: &ConnectionId,
        dataset: Dataset,
        comparison: Timestamp,
        before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<String>> {
        let (_, unseen, shares_table) = statements(dataset);
        Ok(with_pool!(&self.reader, |pool| {
            let query = sqlx::query_scalar(unseen)
                .bind(connection.as_str())
                .bind(millis(comparison))
                .bind(millis(before))
                .bind(i64::from(limit));
            let query = if shares_table {
                query.bind(dataset.as_str())
            } else {
                query
            };
            query.fetch_all(pool).await
        })?)
    }
}

/// Notes a step of a comparison that wrote or removed so many records.
pub(super) async fn note(
    tx: &mut Tx,
    connection: &ConnectionId,
    step: &ComparisonStep,
    written: u64,
) -> StoreResult<()> {
    let drift = match step {
        ComparisonStep::Seen {
            comparison,
            dataset,
            ledger_ids,
            begun,
            next,
        } => {
            see(tx, connection, *dataset, ledger_ids, *comparison).await?;
            with_tx!(&mut *tx, |database| sqlx::query(sql::SET_PLACE)
                .bind(connection.as_str())
                .bind(dataset.as_str())
                .bind(next.as_deref())
                .bind(millis(*begun))
                .execute(database)
                .await
                .map(drop))?;
            (written, 0)
        }
        ComparisonStep::Gone {
            comparison,
            dataset,
            last,
        } => {
            if *last {
                with_tx!(&mut *tx, |database| sqlx::query(sql::SET_COMPARED)
                    .bind(connection.as_str())
                    .bind(dataset.as_str())
                    .bind(millis(*comparison))
                    .execute(database)
                    .await
                    .map(drop))?;
            }
            (0, written)
        }
    };
    if drift == (0, 0) {
        return Ok(());
    }
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    with_tx!(&mut *tx, |database| sqlx::query(sql::DRIFTED)
        .bind(connection.as_str())
        .bind(count(drift.0))
        .bind(count(drift.1))
        .execute(database)
        .await
        .map(drop))?;
    Ok(())
}

/// Marks records as seen by a comparison.
async fn see(
    tx: &mut Tx,
    connection: &ConnectionId,
    dataset: Dataset,
    ledger_ids: &[String],
    comparison: Timestamp,
) -> StoreResult<()> {
    let (see, _, shares_table) = statements(dataset);
    let ids = json::ids(ledger_ids.iter().map(String::as_str))?;
    with_tx!(&mut *tx, |database| {
        let query = sqlx::query(see)
            .bind(connection.as_str())
            .bind(ids)
            .bind(millis(comparison));
        let query = if shares_table {
            query.bind(dataset.as_str())
        } else {
            query
        };
        query.execute(database).await.map(drop)
    })?;
    Ok(())
}
