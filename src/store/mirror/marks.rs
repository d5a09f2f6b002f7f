//! How far the sync of each dataset has come, and which records are stored.

use jiff::Timestamp;

use super::{ComparisonPlace, Drift, SyncMarks, SyncState};
use crate::domain::freshness::{Dataset, DatasetFreshness};
use crate::domain::ids::ConnectionId;
use crate::store::Store;
use crate::store::codec::{instant, millis, optional_instant};
use crate::store::database::{Tx, with_pool, with_tx};
use crate::store::error::{StoreError, StoreResult};

pub(in crate::store) mod sql {
    use crate::store::sql::statements;

    statements! {
        SET_CURSOR = "INSERT INTO dataset_state (connection, dataset, page_cursor, loaded)
            VALUES ($1, $2, $3, 0)
            ON CONFLICT (connection, dataset) DO UPDATE SET page_cursor = excluded.page_cursor";
        SET_ATTEMPTED = "INSERT INTO dataset_state (connection, dataset, attempted_at, loaded)
            VALUES ($1, $2, $3, 0)
            ON CONFLICT (connection, dataset) DO UPDATE SET attempted_at = excluded.attempted_at";
        SET_SUCCEEDED = "INSERT INTO dataset_state (connection, dataset, succeeded_at, loaded)
            VALUES ($1, $2, $3, 0)
            ON CONFLICT (connection, dataset) DO UPDATE SET succeeded_at = excluded.succeeded_at
            WHERE dataset_state.succeeded_at IS NULL
                OR dataset_state.succeeded_at < excluded.succeeded_at";
        SET_LOADED = "INSERT INTO dataset_state (connection, dataset, loaded, expected)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (connection, dataset) DO UPDATE SET
                loaded = excluded.loaded, expected = excluded.expected";
        SET_WATERMARK = "UPDATE connection SET watermark = $2 WHERE id = $1";
        SET_FIRST_LOAD = "UPDATE connection SET first_load_started = $2
            WHERE id = $1 AND first_load_started IS NULL";
        SET_COMPARED = "UPDATE connection SET compared_at = $2 WHERE id = $1";
        CONNECTION = "SELECT watermark, first_load_started, compared_at, comparing_since,
                drift_mended, drift_gone
            FROM connection WHERE id = $1";
        DATASETS = "SELECT dataset, page_cursor, succeeded_at, attempted_at, loaded, expected,
                compare_cursor, compare_begun, compared_at
            FROM dataset_state WHERE connection = $1";
        ACCOUNT_IDS = "SELECT ledger_id, stored_at FROM account
            WHERE connection = $1 AND ledger_id > $2 ORDER BY ledger_id LIMIT $3";
        TERMS_IDS = "SELECT ledger_id, stored_at FROM terms
            WHERE connection = $1 AND ledger_id > $2 ORDER BY ledger_id LIMIT $3";
        ITEM_IDS = "SELECT ledger_id, stored_at FROM item
            WHERE connection = $1 AND ledger_id > $2 ORDER BY ledger_id LIMIT $3";
        CUSTOMER_IDS = "SELECT ledger_id, changed_at FROM customer
            WHERE connection = $1 AND ledger_id > $2 ORDER BY ledger_id LIMIT $3";
        RECORD_IDS = "SELECT ledger_id, changed_at FROM record
            WHERE connection = $1 AND dataset = $4 AND ledger_id > $2 ORDER BY ledger_id LIMIT $3";
    }
}

impl Store {
    /// How far the sync of a connection has come.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such connection.
    pub async fn sync_state(&self, connection: &ConnectionId) -> StoreResult<SyncState> {
        let mut tx = self.reader.begin_read().await?;
        let marks: Option<ConnectionRow> =
            with_tx!(&mut tx, |database| sqlx::query_as(sql::CONNECTION)
                .bind(connection.as_str())
                .fetch_optional(database)
                .await)?;
        let rows: Vec<DatasetRow> = with_tx!(&mut tx, |database| sqlx::query_as(sql::DATASETS)
            .bind(connection.as_str())
            .fetch_all(database)
            .await)?;
        tx.commit().await?;
        let marks = marks.ok_or_else(|| StoreError::missing("connection"))?;
        let at =
            |millis, column| optional_instant(millis, "connection", column, connection.as_str());
        let mut state = SyncState {
            watermark: at(marks.watermark, "watermark")?,
            first_load_started: at(marks.first_load_started, "first_load_started")?,
            compared_at: at(marks.compared_at, "compared_at")?,
            comparing_since: at(marks.comparing_since, "comparing_since")?,
            drift: marks
                .drift_mended
                .zip(marks.drift_gone)
                .map(|(mended, gone)| Drift {
                    mended: mended.unsigned_abs(),
                    gone: gone.unsigned_abs(),
                }),
            ..SyncState::default()
        };
        for row in rows {
            let place = row.comparison()?;
            let (freshness, cursor) = row.read()?;
            state.comparisons.insert(freshness.dataset, place);
            if let Some(cursor) = cursor {
                state.cursors.insert(freshness.dataset, cursor);
            }
            state.datasets.push(freshness);
        }
        let place = |dataset| Dataset::ALL.iter().position(|other| *other == dataset);
        state
            .datasets
            .sort_by_key(|freshness| place(freshness.dataset));
        Ok(state)
    }

    /// The records stored of a dataset, by id, after one; each with when the ledger last changed it
    /// (accounts, terms and items: when it was last written here).
    pub async fn stored_ids(
        &self,
        connection: &ConnectionId,
        dataset: Dataset,
        after: Option<&str>,
        limit: u32,
    ) -> StoreResult<Vec<(String, Timestamp)>> {
        let after = after.unwrap_or_default();
        let limit = i64::from(limit);
        let (sql, table, column) = match dataset {
            Dataset::Accounts => (sql::ACCOUNT_IDS, "account", "stored_at"),
            Dataset::Terms => (sql::TERMS_IDS, "terms", "stored_at"),
            Dataset::Items => (sql::ITEM_IDS, "item", "stored_at"),
            Dataset::Customers => (sql::CUSTOMER_IDS, "customer", "changed_at"),
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
            | Dataset::OpeningBalances => (sql::RECORD_IDS, "record", "changed_at"),
        };
        let rows: Vec<(String, i64)> = if table == "record" {
            with_pool!(&self.reader, |pool| sqlx::query_as(sql)
                .bind(connection.as_str())
                .bind(after)
                .bind(limit)
                .bind(dataset.as_str())
                .fetch_all(pool)
                .await)?
        } else {
            with_pool!(&self.reader, |pool| sqlx::query_as(sql)
                .bind(connection.as_str())
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await)?
        };
        rows.into_iter()
            .map(|(id, at)| {
                let at = instant(at, table, column, &id)?;
                Ok((id, at))
            })
            .collect()
    }

    /// Notes that the mirror was the same as the ledger by a full read that began at a moment.
    pub async fn set_compared_at(
        &self,
        connection: &ConnectionId,
        at: Timestamp,
    ) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::SET_COMPARED)
            .bind(connection.as_str())
            .bind(millis(at))
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }
}

/// Notes how far the sync has come, inside the transaction of the records that it read.
pub(super) async fn put(
    tx: &mut Tx,
    connection: &ConnectionId,
    marks: &SyncMarks,
    now: Timestamp,
) -> StoreResult<()> {
    let id = connection.as_str();
    for (dataset, cursor) in &marks.cursors {
        with_tx!(&mut *tx, |database| sqlx::query(sql::SET_CURSOR)
            .bind(id)
            .bind(dataset.as_str())
            .bind(cursor.as_deref())
            .execute(database)
            .await
            .map(drop))?;
    }
    for dataset in &marks.attempted {
        with_tx!(&mut *tx, |database| sqlx::query(sql::SET_ATTEMPTED)
            .bind(id)
            .bind(dataset.as_str())
            .bind(millis(now))
            .execute(database)
            .await
            .map(drop))?;
    }
    for (dataset, at) in &marks.succeeded {
        with_tx!(&mut *tx, |database| sqlx::query(sql::SET_SUCCEEDED)
            .bind(id)
            .bind(dataset.as_str())
            .bind(millis(*at))
            .execute(database)
            .await
            .map(drop))?;
    }
    for (dataset, loaded, expected) in &marks.loaded {
        let loaded = stored_count(*loaded);
        let expected = expected.map(stored_count);
        with_tx!(&mut *tx, |database| sqlx::query(sql::SET_LOADED)
            .bind(id)
            .bind(dataset.as_str())
            .bind(loaded)
            .bind(expected)
            .execute(database)
            .await
            .map(drop))?;
    }
    if let Some(at) = marks.watermark {
        with_tx!(&mut *tx, |database| sqlx::query(sql::SET_WATERMARK)
            .bind(id)
            .bind(millis(at))
            .execute(database)
            .await
            .map(drop))?;
    }
    if let Some(at) = marks.first_load_started {
        with_tx!(&mut *tx, |database| sqlx::query(sql::SET_FIRST_LOAD)
            .bind(id)
            .bind(millis(at))
            .execute(database)
            .await
            .map(drop))?;
    }
    Ok(())
}

fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[derive(sqlx::FromRow)]
struct DatasetRow {
    dataset: String,
    page_cursor: Option<String>,
    succeeded_at: Option<i64>,
    attempted_at: Option<i64>,
    loaded: i64,
    expected: Option<i64>,
    compare_cursor: Option<String>,
    compare_begun: Option<i64>,
    compared_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct ConnectionRow {
    watermark: Option<i64>,
    first_load_started: Option<i64>,
    compared_at: Option<i64>,
    comparing_since: Option<i64>,
    drift_mended: Option<i64>,
    drift_gone: Option<i64>,
}

impl DatasetRow {
    fn comparison(&self) -> StoreResult<ComparisonPlace> {
        let at = |millis, column| optional_instant(millis, "dataset_state", column, &self.dataset);
        Ok(ComparisonPlace {
            cursor: self.compare_cursor.clone(),
            begun: at(self.compare_begun, "compare_begun")?,
            compared_at: at(self.compared_at, "compared_at")?,
        })
    }

    fn read(self) -> StoreResult<(DatasetFreshness, Option<String>)> {
        let at = |millis, column| optional_instant(millis, "dataset_state", column, &self.dataset);
        let dataset = Dataset::parse(&self.dataset).ok_or_else(|| {
            StoreError::inconsistent("dataset_state", "dataset", self.dataset.as_str())
        })?;
        let freshness = DatasetFreshness {
            dataset,
            succeeded_at: at(self.succeeded_at, "succeeded_at")?,
            attempted_at: at(self.attempted_at, "attempted_at")?,
            loaded: self.loaded.unsigned_abs(),
            expected: self.expected.map(i64::unsigned_abs),
        };
        Ok((freshness, self.page_cursor))
    }
}
