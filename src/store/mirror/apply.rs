//! Writing what was read: one transaction for a page of records, a fixed number of statements
//! whatever its size.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::comparison;
use super::customers;
use super::marks;
use super::reference;
use super::rows::{self, RecordKey, stamped};
use super::{Applied, SyncMarks};
use crate::domain::freshness::Dataset;
use crate::domain::ids::{ConnectionId, CustomerId};
use crate::domain::records::{Deletion, DocumentRecord, Records};
use crate::store::codec::millis;
use crate::store::database::{Tx, with_tx};
use crate::store::error::StoreResult;
use crate::store::{Store, json, versions};

pub(in crate::store) mod sql {
    use crate::store::sql::statements;

    statements! {
        STORED_RECORDS = "SELECT record.dataset, record.ledger_id, record.changed_at,
                record.content_hash
            FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN record
            WHERE record.connection = $1 AND record.dataset = page.value ->> 'dataset'
                AND record.ledger_id = page.value ->> 'record'";
        PUT_RECORDS = "INSERT INTO record (connection, dataset, ledger_id, changed_at, content_hash)
            SELECT $1, page.value ->> 'dataset', page.value ->> 'record',
                CAST(page.value ->> 'changed_at' AS BIGINT),
                CAST(page.value ->> 'hash' AS BIGINT)
            FROM json_each(CAST($2 AS TEXT)) AS page WHERE true
            ON CONFLICT (connection, dataset, ledger_id) DO UPDATE SET
                changed_at = excluded.changed_at,
                content_hash = excluded.content_hash";
        RETIME_DOCUMENTS = "UPDATE document SET changed_at = (
                SELECT record.changed_at FROM record WHERE record.id = document.record)
            WHERE record IN (
                SELECT record.id FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN record
                WHERE record.connection = $1 AND record.dataset = page.value ->> 'dataset'
                    AND record.ledger_id = page.value ->> 'record')";
        DELETE_DOCUMENTS = "DELETE FROM document WHERE record IN (
            SELECT record.id FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN record
            WHERE record.connection = $1 AND record.dataset = page.value ->> 'dataset'
                AND record.ledger_id = page.value ->> 'record')";
        DELETE_APPLICATIONS = "DELETE FROM application WHERE record IN (
            SELECT record.id FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN record
            WHERE record.connection = $1 AND record.dataset = page.value ->> 'dataset'
                AND record.ledger_id = page.value ->> 'record')";
        /// Documents and applications go with their record.
        DELETE_RECORDS = "DELETE FROM record WHERE id IN (
            SELECT record.id FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN record
            WHERE record.connection = $1 AND record.dataset = page.value ->> 'dataset'
                AND record.ledger_id = page.value ->> 'record')";
        PUT_DOCUMENTS = "INSERT INTO document (record, connection, kind, ledger_id, customer, number,
                issued_on, due_on, currency, exchange_rate, total, tax, side, state, ledger_open,
                changed_at, lines_json)
            SELECT record.id, $1, page.value ->> 'kind', page.value ->> 'id',
                page.value ->> 'customer', page.value ->> 'number',
                CAST(page.value ->> 'issued_on' AS date_text),
                CAST(page.value ->> 'due_on' AS date_text),
                page.value ->> 'currency',
                CAST(page.value ->> 'rate' AS decimal_text),
                CAST(page.value ->> 'total' AS decimal_text),
                CAST(page.value ->> 'tax' AS decimal_text),
                page.value ->> 'side', page.value ->> 'state',
                CAST(page.value ->> 'open' AS decimal_text),
                record.changed_at, page.value ->> 'lines'
            FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN record
            WHERE record.connection = $1 AND record.dataset = page.value ->> 'dataset'
                AND record.ledger_id = page.value ->> 'record'";
        PUT_APPLICATIONS = "INSERT INTO application (record, connection, carrier_kind, carrier_id,
                from_kind, from_id, to_kind, to_id, amount, applied_on)
            SELECT record.id, $1, page.value ->> 'carrier_kind', page.value ->> 'carrier',
                page.value ->> 'from_kind', page.value ->> 'from',
                page.value ->> 'to_kind', page.value ->> 'to',
                CAST(page.value ->> 'amount' AS decimal_text),
                CAST(page.value ->> 'applied_on' AS date_text)
            FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN record
            WHERE record.connection = $1 AND record.dataset = page.value ->> 'dataset'
                AND record.ledger_id = page.value ->> 'record'";
        /// Whose picture a set of records is part of: the customers of their documents, and of the
        /// documents at the other end of every application that they carry or that touches them.
        CUSTOMERS_OF_RECORDS = "WITH mine AS (
                SELECT record.id FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN record
                WHERE record.connection = $1 AND record.dataset = page.value ->> 'dataset'
                    AND record.ledger_id = page.value ->> 'record'),
            own AS (
                SELECT document.kind, document.ledger_id, document.customer
                FROM mine CROSS JOIN document WHERE document.record = mine.id),
            ends AS (
                SELECT application.from_kind AS kind, application.from_id AS ledger_id
                FROM mine CROSS JOIN application WHERE application.record = mine.id
                UNION SELECT application.to_kind, application.to_id
                FROM mine CROSS JOIN application WHERE application.record = mine.id
                UNION SELECT application.to_kind, application.to_id
                FROM own CROSS JOIN application WHERE application.connection = $1
                    AND application.from_kind = own.kind AND application.from_id = own.ledger_id
                UNION SELECT application.from_kind, application.from_id
                FROM own CROSS JOIN application WHERE application.connection = $1
                    AND application.to_kind = own.kind AND application.to_id = own.ledger_id)
            SELECT own.customer FROM own
            UNION SELECT document.customer FROM ends CROSS JOIN document
                WHERE document.connection = $1 AND document.kind = ends.kind
                    AND document.ledger_id = ends.ledger_id";
        STAMP = "INSERT INTO customer_version (connection, customer, version)
            SELECT $1, page.value ->> 'id', CAST($3 AS BIGINT)
            FROM json_each(CAST($2 AS TEXT)) AS page WHERE true
            ON CONFLICT (connection, customer) DO UPDATE SET version = excluded.version";
    }
}

impl Store {
    /// Writes what was read from a ledger, with how far the sync has come, in one transaction: all of
    /// it or nothing. Applying the same again changes no customer.
    ///
    /// A record replaces all that it yielded before. One that is older than what is stored is ignored;
    /// one of the same age is compared by content. Deletions are applied last.
    ///
    /// # Errors
    /// [`StoreError::Conflict`](crate::store::StoreError::Conflict) when there is no such connection,
    /// or two records yield the same document.
    pub async fn apply(
        &self,
        connection: &ConnectionId,
        records: &Records,
        marks: &SyncMarks,
        now: Timestamp,
    ) -> StoreResult<Applied> {
        if *records == Records::default() && *marks == SyncMarks::default() {
            return Ok(Applied::default());
        }
        let mut tx = self.begin().await?;
        let version = versions::bump_connection(&mut tx, connection).await?;
        let mut batch = Batch {
            tx,
            connection,
            now: millis(now),
            affected: BTreeSet::new(),
            written: 0,
            unchanged: 0,
        };
        reference::put(&mut batch, records).await?;
        customers::put(&mut batch, &records.customers).await?;
        batch.put_documents(&records.documents).await?;
        batch.delete(&records.deletions).await?;
        batch.stamp(version).await?;
        marks::put(&mut batch.tx, connection, marks, now).await?;
        if let Some(step) = &marks.comparison {
            comparison::note(&mut batch.tx, connection, step, batch.written).await?;
        }
        batch.tx.commit().await?;
        Ok(Applied {
            customers: batch.affected.into_iter().map(CustomerId::from).collect(),
            written: batch.written,
            unchanged: batch.unchanged,
        })
    }
}

/// A page of records on its way into the mirror.
pub(super) struct Batch<'a> {
    pub(super) tx: Tx,
    pub(super) connection: &'a ConnectionId,
    /// Milliseconds since 1970.
    pub(super) now: i64,
    /// Customers whose picture changes.
    pub(super) affected: BTreeSet<String>,
    pub(super) written: u64,
    pub(super) unchanged: u64,
}

/// How a record that was read stands to the one that is stored.
pub(super) enum Verdict {
    /// It is to be written.
    Differs,
    /// Only its time of change is newer.
    Retimed,
    /// There is nothing to do.
    Known,
}

/// The verdict on a record of an age and content hash, by those of the stored one.
pub(super) fn verdict(stored: Option<(i64, i64)>, changed_at: i64, hash: i64) -> Verdict {
    match stored {
        None => Verdict::Differs,
        Some((stored_at, _)) if stored_at > changed_at => Verdict::Known,
        Some((_, stored_hash)) if stored_hash != hash => Verdict::Differs,
        Some((stored_at, _)) if stored_at < changed_at => Verdict::Retimed,
        Some(_) => Verdict::Known,
    }
}

impl Batch<'_> {
    /// Runs a statement over rows of this connection; returns how many rows it wrote.
    pub(super) async fn write(&mut self, sql: &'static str, rows: &str) -> StoreResult<u64> {
        Ok(with_tx!(&mut self.tx, |connection| sqlx::query(sql)
            .bind(self.connection.as_str())
            .bind(rows)
            .execute(connection)
            .await
            .map(|done| done.rows_affected()))?)
    }

    async fn put_documents(&mut self, records: &[DocumentRecord]) -> StoreResult<()> {
        if records.is_empty() {
            return Ok(());
        }
        let mut newest: BTreeMap<(&str, &str), &DocumentRecord> = BTreeMap::new();
        for record in records {
            let key = (record.dataset.as_str(), record.ledger_id.as_str());
            let kept = newest.entry(key).or_insert(record);
            if record.changed_at >= kept.changed_at {
                *kept = record;
            }
        }
        let keys = json::rows(&keys(newest.keys().copied()))?;
        let stored: Vec<(String, String, i64, i64)> =
            with_tx!(&mut self.tx, |connection| sqlx::query_as(
                sql::STORED_RECORDS
            )
            .bind(self.connection.as_str())
            .bind(keys)
            .fetch_all(connection)
            .await)?;
        let stored: HashMap<(&str, &str), (i64, i64)> = stored
            .iter()
            .map(|(dataset, id, changed_at, hash)| {
                ((dataset.as_str(), id.as_str()), (*changed_at, *hash))
            })
            .collect();

        let mut differing = Differing::default();
        let mut retimed = Vec::new();
        for ((dataset, id), record) in newest {
            let changed_at = millis(record.changed_at);
            let prepared = rows::document_record(record)?;
            let known = stored.get(&(dataset, id)).copied();
            let verdict = verdict(known, changed_at, prepared.hash);
            let key = || -> StoreResult<String> {
                let key = RecordKey {
                    dataset,
                    record: id,
                };
                let key = crate::store::codec::to_json(&key, "record")?;
                Ok(stamped(&key, prepared.hash, changed_at))
            };
            match verdict {
                Verdict::Differs => {
                    let key = key()?;
                    if known.is_some() {
                        differing.replaced.push(key.clone());
                    }
                    differing.records.push(key);
                    differing.documents.extend(prepared.rows);
                    differing.applications.extend(prepared.applications);
                    self.written += 1;
                }
                Verdict::Retimed => {
                    retimed.push(key()?);
                    self.unchanged += 1;
                }
                Verdict::Known => self.unchanged += 1,
            }
        }
        self.replace(&differing).await?;
        if !retimed.is_empty() {
            let keys = json::array(retimed.iter().map(String::as_str));
            self.write(sql::PUT_RECORDS, &keys).await?;
            self.write(sql::RETIME_DOCUMENTS, &keys).await?;
        }
        Ok(())
    }

    async fn replace(&mut self, differing: &Differing) -> StoreResult<()> {
        if differing.records.is_empty() {
            return Ok(());
        }
        let array = |rows: &[String]| json::array(rows.iter().map(String::as_str));
        let records = array(&differing.records);
        if !differing.replaced.is_empty() {
            let replaced = array(&differing.replaced);
            self.note_customers_of(&replaced).await?;
            self.write(sql::DELETE_DOCUMENTS, &replaced).await?;
            self.write(sql::DELETE_APPLICATIONS, &replaced).await?;
        }
        self.write(sql::PUT_RECORDS, &records).await?;
        if !differing.documents.is_empty() {
            self.write(sql::PUT_DOCUMENTS, &array(&differing.documents))
                .await?;
        }
        if !differing.applications.is_empty() {
            self.write(sql::PUT_APPLICATIONS, &array(&differing.applications))
                .await?;
        }
        self.note_customers_of(&records).await
    }

    async fn delete(&mut self, deletions: &[Deletion]) -> StoreResult<()> {
        reference::delete(self, deletions).await?;
        customers::delete(self, deletions).await?;
        let records: Vec<_> = deletions
            .iter()
            .filter(|deletion| !reference::holds(deletion.dataset))
            .filter(|deletion| deletion.dataset != Dataset::Customers)
            .map(|deletion| (deletion.dataset.as_str(), deletion.ledger_id.as_str()))
            .collect();
        if !records.is_empty() {
            let keys = json::rows(&keys(records.into_iter()))?;
            self.note_customers_of(&keys).await?;
            self.written += self.write(sql::DELETE_RECORDS, &keys).await?;
        }
        Ok(())
    }

    /// Notes the customers whose picture the records of these keys are part of, as of now.
    async fn note_customers_of(&mut self, keys: &str) -> StoreResult<()> {
        let customers: Vec<String> = with_tx!(&mut self.tx, |connection| sqlx::query_scalar(
            sql::CUSTOMERS_OF_RECORDS
        )
        .bind(self.connection.as_str())
        .bind(keys)
        .fetch_all(connection)
        .await)?;
        self.affected.extend(customers);
        Ok(())
    }

    async fn stamp(&mut self, version: i64) -> StoreResult<()> {
        if self.affected.is_empty() {
            return Ok(());
        }
        let ids = json::ids(self.affected.iter().map(String::as_str))?;
        with_tx!(&mut self.tx, |connection| sqlx::query(sql::STAMP)
            .bind(self.connection.as_str())
            .bind(ids)
            .bind(version)
            .execute(connection)
            .await
            .map(drop))?;
        Ok(())
    }
}

/// Rows of the records that are to be written, as JSON.
#[derive(Default)]
struct Differing {
    /// The keys of all of them.
    records: Vec<String>,
    /// The keys of those that are stored in an older form.
    replaced: Vec<String>,
    documents: Vec<String>,
    applications: Vec<String>,
}

/// The ids among deletions that belong to a dataset.
pub(super) fn ids_of(deletions: &[Deletion], dataset: Dataset) -> Vec<&str> {
    deletions
        .iter()
        .filter(|deletion| deletion.dataset == dataset)
        .map(|deletion| deletion.ledger_id.as_str())
        .collect()
}

fn keys<'a>(keys: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<RecordKey<'a>> {
    keys.map(|(dataset, record)| RecordKey { dataset, record })
        .collect()
}
