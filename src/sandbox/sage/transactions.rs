//! The feed of postings: everything that is or was in the accounts, whatever list it is in.

use std::cmp::Reverse;

use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::query::Query;
use super::record::{Collection, Fate, Record, Records};
use super::show::{Teller, instant};

/// The lists whose records are posted.
const POSTED: [Collection; 6] = [
    Collection::SalesInvoices,
    Collection::SalesCreditNotes,
    Collection::SalesQuickEntries,
    Collection::ContactPayments,
    Collection::ContactAllocations,
    Collection::ContactOpeningBalances,
];

/// A record with the list that it is in.
pub(super) type Posting<'a> = (Collection, Record<'a>);

/// The postings that a request asks for, the newest first; those deleted among them.
///
/// # Errors
///
/// When a parameter cannot be read.
pub(super) fn find<'a>(records: Records<'a>, query: &Query) -> Result<Vec<Posting<'a>>, Fault> {
    let since = query.instant("updated_or_created_since")?;
    let (from, to) = (query.date("from_date")?, query.date("to_date")?);
    let mut found = Vec::new();
    for list in POSTED {
        let mut all = records.live(list);
        all.extend(records.deleted(list));
        for mut record in all {
            if let Fate::Deleted(at) = record.fate {
                record.updated = record.updated.max(at);
            }
            let (date, updated) = (record.date(), record.updated.as_second());
            if since.is_none_or(|since| updated >= since)
                && from.is_none_or(|from| date >= Some(from))
                && to.is_none_or(|to| date <= Some(to))
            {
                found.push((list, record));
            }
        }
    }
    found.sort_by_key(|(_, record)| Reverse((record.date(), record.created, record.key)));
    Ok(found)
}

/// A posting with all its members.
pub(super) fn tell(teller: &Teller<'_>, (list, record): &Posting<'_>) -> Map<String, Value> {
    let told = teller.tell(*list, record);
    let member = |name: &str| told.get(name).cloned().unwrap_or_default();
    let mut posting = match member("transaction") {
        Value::Object(reference) => reference,
        _ => Map::new(),
    };
    // An allocation moves no money.
    let sum = |name: &str| told.get(name).cloned().unwrap_or(json!("0.0"));
    posting.extend([
        ("created_at".to_owned(), instant(record.created)),
        ("updated_at".to_owned(), instant(record.updated)),
        ("date".to_owned(), member("date")),
        (
            "deleted".to_owned(),
            json!(matches!(record.fate, Fate::Deleted(_))),
        ),
        ("reference".to_owned(), member("displayed_as")),
        ("total".to_owned(), sum("base_currency_total_amount")),
        (
            "total_in_transaction_currency".to_owned(),
            sum("total_amount"),
        ),
        ("contact".to_owned(), member("contact")),
        ("transaction_type".to_owned(), member("transaction_type")),
        (
            "origin".to_owned(),
            json!({
                "id": member("id"),
                "displayed_as": member("displayed_as"),
                "$path": member("$path"),
            }),
        ),
    ]);
    posting
}
