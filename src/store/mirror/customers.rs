//! Writing customers.

use std::collections::{BTreeMap, HashMap};

use super::apply::{Batch, Verdict, ids_of, verdict};
use super::rows::{self, Prepared, stamped};
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::records::{CustomerRecord, Deletion};
use crate::store::codec::millis;
use crate::store::database::with_tx;
use crate::store::error::StoreResult;
use crate::store::json;

pub(in crate::store) mod sql {
    use crate::store::sql::statements;

    statements! {
        STORED_CUSTOMERS = "SELECT customer.ledger_id, customer.changed_at, customer.content_hash,
                customer.parent
            FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN customer
            WHERE customer.connection = $1 AND customer.ledger_id = page.value ->> 'id'";
        PUT_CUSTOMERS = "INSERT INTO customer (connection, ledger_id, name, search_text, email,
                tax_number, parent, bill_with_parent, active, currency, terms, ledger_balance,
                ledger_balance_with_children, credit_limit, changed_at, content_hash)
            SELECT $1, page.value ->> 'id', page.value ->> 'name', page.value ->> 'search',
                page.value ->> 'email', page.value ->> 'tax_number', page.value ->> 'parent',
                CAST(page.value ->> 'bill_with_parent' AS BOOLEAN),
                CAST(page.value ->> 'active' AS BOOLEAN),
                page.value ->> 'currency', page.value ->> 'terms',
                CAST(page.value ->> 'balance' AS decimal_text),
                CAST(page.value ->> 'balance_with_children' AS decimal_text),
                CAST(page.value ->> 'credit_limit' AS decimal_text),
                CAST(page.value ->> 'changed_at' AS BIGINT),
                CAST(page.value ->> 'hash' AS BIGINT)
            FROM json_each(CAST($2 AS TEXT)) AS page WHERE true
            ON CONFLICT (connection, ledger_id) DO UPDATE SET
                name = excluded.name,
                search_text = excluded.search_text,
                email = excluded.email,
                tax_number = excluded.tax_number,
                parent = excluded.parent,
                bill_with_parent = excluded.bill_with_parent,
                active = excluded.active,
                currency = excluded.currency,
                terms = excluded.terms,
                ledger_balance = excluded.ledger_balance,
                ledger_balance_with_children = excluded.ledger_balance_with_children,
                credit_limit = excluded.credit_limit,
                changed_at = excluded.changed_at,
                content_hash = excluded.content_hash";
        DELETE_CUSTOMERS = "DELETE FROM customer
            WHERE connection = $1 AND ledger_id IN (
                SELECT page.value ->> 'id' FROM json_each(CAST($2 AS TEXT)) AS page)
            RETURNING ledger_id, parent";
    }
}

/// Writes the customers of a page, as far as they differ.
pub(super) async fn put(batch: &mut Batch<'_>, records: &[CustomerRecord]) -> StoreResult<()> {
    if records.is_empty() {
        return Ok(());
    }
    let mut newest: BTreeMap<&str, &CustomerRecord> = BTreeMap::new();
    for record in records {
        let kept = newest.entry(record.customer.id.as_str()).or_insert(record);
        if record.customer.changed_at >= kept.customer.changed_at {
            *kept = record;
        }
    }
    let ids = json::ids(newest.keys().copied())?;
    let stored: Vec<(String, i64, i64, Option<String>)> =
        with_tx!(&mut batch.tx, |connection| sqlx::query_as(
            sql::STORED_CUSTOMERS
        )
        .bind(batch.connection.as_str())
        .bind(ids)
        .fetch_all(connection)
        .await)?;
    let stored: HashMap<String, (i64, i64, Option<String>)> = stored
        .into_iter()
        .map(|(id, changed_at, hash, parent)| (id, (changed_at, hash, parent)))
        .collect();

    let mut upserts = Vec::new();
    for (id, record) in newest {
        let before = stored.get(id);
        let changed_at = millis(record.customer.changed_at);
        let Prepared { rows, hash, .. } = rows::customer(record)?;
        let known = before.map(|(changed_at, hash, _)| (*changed_at, *hash));
        let verdict = verdict(known, changed_at, hash);
        let rows = rows.iter().map(|row| stamped(row, hash, changed_at));
        match verdict {
            Verdict::Differs => {
                upserts.extend(rows);
                batch.affected.insert(id.to_owned());
                let parent = record.customer.parent.as_ref().map(CustomerId::as_str);
                let parent_before = before.and_then(|(_, _, parent)| parent.as_deref());
                if parent != parent_before {
                    let moved = [parent, parent_before].into_iter().flatten();
                    batch.affected.extend(moved.map(str::to_owned));
                }
                batch.written += 1;
            }
            Verdict::Retimed => {
                upserts.extend(rows);
                batch.unchanged += 1;
            }
            Verdict::Known => batch.unchanged += 1,
        }
    }
    if !upserts.is_empty() {
        let rows = json::array(upserts.iter().map(String::as_str));
        batch.write(sql::PUT_CUSTOMERS, &rows).await?;
    }
    Ok(())
}

/// Removes customers that the ledger no longer has. Their documents go by deletions of their own.
pub(super) async fn delete(batch: &mut Batch<'_>, deletions: &[Deletion]) -> StoreResult<()> {
    let ids = ids_of(deletions, Dataset::Customers);
    if ids.is_empty() {
        return Ok(());
    }
    let customers = json::ids(ids)?;
    let gone: Vec<(String, Option<String>)> =
        with_tx!(&mut batch.tx, |connection| sqlx::query_as(
            sql::DELETE_CUSTOMERS
        )
        .bind(batch.connection.as_str())
        .bind(customers)
        .fetch_all(connection)
        .await)?;
    batch.written += gone.len() as u64;
    for (id, parent) in gone {
        batch.affected.insert(id);
        batch.affected.extend(parent);
    }
    Ok(())
}
