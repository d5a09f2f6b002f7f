//! Reference data: accounts, payment terms and items, to which other records point by id.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::apply::{Batch, ids_of};
use super::rows::ReferenceRow;
use crate::domain::freshness::Dataset;
use crate::domain::ids::{ConnectionId, ItemId};
use crate::domain::records::{Deletion, Records};
use crate::store::database::{with_pool, with_tx};
use crate::store::error::StoreResult;
use crate::store::{Store, json};

pub(in crate::store) mod sql {
    use crate::store::sql::statements;

    statements! {
        PUT_ACCOUNTS = "INSERT INTO account (connection, ledger_id, receivables, stored_at)
            SELECT $1, page.value ->> 'id', CAST(page.value ->> 'receivables' AS BOOLEAN),
                CAST($3 AS BIGINT)
            FROM json_each(CAST($2 AS TEXT)) AS page WHERE true
            ON CONFLICT (connection, ledger_id) DO UPDATE SET
                receivables = excluded.receivables, stored_at = excluded.stored_at
            WHERE account.receivables <> excluded.receivables
            RETURNING ledger_id";
        PUT_ITEMS = "INSERT INTO item (connection, ledger_id, name, stored_at)
            SELECT $1, page.value ->> 'id', page.value ->> 'name', CAST($3 AS BIGINT)
            FROM json_each(CAST($2 AS TEXT)) AS page WHERE true
            ON CONFLICT (connection, ledger_id) DO UPDATE SET
                name = excluded.name, stored_at = excluded.stored_at
            WHERE item.name <> excluded.name
            RETURNING ledger_id";
        PUT_TERMS = "INSERT INTO terms (connection, ledger_id, days, day_of_month, cutoff_days,
                months, stored_at)
            SELECT $1, page.value ->> 'id', CAST(page.value ->> 'days' AS BIGINT),
                CAST(page.value ->> 'day_of_month' AS BIGINT),
                CAST(page.value ->> 'cutoff_days' AS BIGINT),
                CAST(page.value ->> 'months' AS BIGINT), CAST($3 AS BIGINT)
            FROM json_each(CAST($2 AS TEXT)) AS page WHERE true
            ON CONFLICT (connection, ledger_id) DO UPDATE SET
                days = excluded.days, day_of_month = excluded.day_of_month,
                cutoff_days = excluded.cutoff_days, months = excluded.months,
                stored_at = excluded.stored_at
            WHERE terms.days IS DISTINCT FROM excluded.days
                OR terms.day_of_month IS DISTINCT FROM excluded.day_of_month
                OR terms.cutoff_days IS DISTINCT FROM excluded.cutoff_days
                OR terms.months IS DISTINCT FROM excluded.months
            RETURNING ledger_id";
        CUSTOMERS_OF_TERMS = "SELECT customer.ledger_id
            FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN customer
            WHERE customer.connection = $1 AND customer.terms = page.value ->> 'id'";
        DELETE_ACCOUNTS = "DELETE FROM account WHERE connection = $1 AND ledger_id IN (
            SELECT page.value ->> 'id' FROM json_each(CAST($2 AS TEXT)) AS page)";
        DELETE_ITEMS = "DELETE FROM item WHERE connection = $1 AND ledger_id IN (
            SELECT page.value ->> 'id' FROM json_each(CAST($2 AS TEXT)) AS page)";
        DELETE_TERMS = "DELETE FROM terms WHERE connection = $1 AND ledger_id IN (
            SELECT page.value ->> 'id' FROM json_each(CAST($2 AS TEXT)) AS page)";
        RECEIVABLES = "SELECT ledger_id FROM account WHERE connection = $1 AND receivables";
        ITEMS = "SELECT ledger_id, name FROM item WHERE connection = $1";
    }
}

impl Store {
    /// The ids of the ledger's receivables accounts.
    pub async fn reference(&self, connection: &ConnectionId) -> StoreResult<HashSet<String>> {
        let accounts: Vec<String> =
            with_pool!(&self.reader, |pool| sqlx::query_scalar(sql::RECEIVABLES)
                .bind(connection.as_str())
                .fetch_all(pool)
                .await)?;
        Ok(accounts.into_iter().collect())
    }

    /// The names of an organization's items.
    pub async fn items(&self, connection: &ConnectionId) -> StoreResult<HashMap<ItemId, Arc<str>>> {
        let items: Vec<(String, String)> =
            with_pool!(&self.reader, |pool| sqlx::query_as(sql::ITEMS)
                .bind(connection.as_str())
                .fetch_all(pool)
                .await)?;
        Ok(items
            .into_iter()
            .map(|(id, name)| (ItemId::from(id), name.into()))
            .collect())
    }
}

/// Whether the records of a dataset are kept here.
pub(super) fn holds(dataset: Dataset) -> bool {
    matches!(dataset, Dataset::Accounts | Dataset::Terms | Dataset::Items)
}

/// Writes the reference data of a page, as far as it differs.
pub(super) async fn put(batch: &mut Batch<'_>, records: &Records) -> StoreResult<()> {
    let accounts = records.accounts.iter().map(Into::into).collect();
    put_rows(batch, sql::PUT_ACCOUNTS, accounts).await?;
    let items = records.items.iter().map(Into::into).collect();
    put_rows(batch, sql::PUT_ITEMS, items).await?;
    let terms = records.terms.iter().map(Into::into).collect();
    let terms = put_rows(batch, sql::PUT_TERMS, terms).await?;
    let terms: Vec<&str> = terms.iter().map(String::as_str).collect();
    note_customers_of_terms(batch, &terms).await
}

/// Removes reference data that the ledger no longer has.
pub(super) async fn delete(batch: &mut Batch<'_>, deletions: &[Deletion]) -> StoreResult<()> {
    note_customers_of_terms(batch, &ids_of(deletions, Dataset::Terms)).await?;
    for (dataset, sql) in [
        (Dataset::Accounts, sql::DELETE_ACCOUNTS),
        (Dataset::Terms, sql::DELETE_TERMS),
        (Dataset::Items, sql::DELETE_ITEMS),
    ] {
        let ids = ids_of(deletions, dataset);
        if !ids.is_empty() {
            let rows = json::ids(ids)?;
            batch.written += batch.write(sql, &rows).await?;
        }
    }
    Ok(())
}

/// Upserts rows, the last of each id; returns the ids of those that differed.
async fn put_rows(
    batch: &mut Batch<'_>,
    sql: &'static str,
    rows: Vec<ReferenceRow<'_>>,
) -> StoreResult<Vec<String>> {
    let last: BTreeMap<&str, ReferenceRow<'_>> =
        rows.into_iter().map(|row| (row.id, row)).collect();
    if last.is_empty() {
        return Ok(Vec::new());
    }
    let count = last.len() as u64;
    let rows = json::rows(&last.into_values().collect::<Vec<_>>())?;
    let differing: Vec<String> = with_tx!(&mut batch.tx, |connection| sqlx::query_scalar(sql)
        .bind(batch.connection.as_str())
        .bind(rows)
        .bind(batch.now)
        .fetch_all(connection)
        .await)?;
    let written = differing.len() as u64;
    batch.written += written;
    batch.unchanged += count.saturating_sub(written);
    Ok(differing)
}

async fn note_customers_of_terms(batch: &mut Batch<'_>, terms: &[&str]) -> StoreResult<()> {
    if terms.is_empty() {
        return Ok(());
    }
    let rows = json::ids(terms.iter().copied())?;
    let customers: Vec<String> = with_tx!(&mut batch.tx, |connection| sqlx::query_scalar(
        sql::CUSTOMERS_OF_TERMS
    )
    .bind(batch.connection.as_str())
    .bind(rows)
    .fetch_all(connection)
    .await)?;
    batch.affected.extend(customers);
    Ok(())
}
