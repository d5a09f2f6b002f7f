//! Reading a whole dataset in pages, without gaps, while it changes.
//!
//! QuickBooks pages by position (`STARTPOSITION`) and keeps no snapshot: a record that leaves one of
//! the earlier pages moves all later ones up, and the next page skips one. Ids cannot be compared,
//! so the pages are keyed by the time of the last change instead, which can be:
//!
//! ```text
//! SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime >= '<time of the last row read>'
//!     ORDERBY MetaData.LastUpdatedTime STARTPOSITION 1 MAXRESULTS 1000
//! ```
//!
//! Why nothing is lost: the time of a record only ever grows. At every step all records that then
//! stand before the cursor's time have been read in the form that they then had. A record that
//! changes afterwards moves behind the cursor and is read again; one that is deleted only takes
//! itself away. Times are whole seconds, so the rows at the cursor's own time are read again with the
//! next page: some may not have fitted on the last one, or have changed within the same second.
//! Rows come twice now and then; the caller keeps the newest of each id.
//!
//! Only a page that is full of one single time cannot move the cursor on. There the next page is
//! asked for by position, overlapping by one row. If that row is still the same at the same time,
//! then no row before it has left (rows cannot join a time that is past), and nothing was skipped;
//! otherwise this time is read again from its first row. What changes within the very second of the
//! read is found by the next look for changes, which begins before the read began.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use super::wire::{QueryResponse, Row};
use crate::domain::freshness::Dataset;
use crate::provider::{Cursor, ProviderError, ProviderResult};

/// The name of a dataset's records, exactly as the reference spells it.
///
/// # Errors
/// [`ProviderError::Unsupported`] for a dataset of other ledgers.
pub(super) fn entity(dataset: Dataset) -> ProviderResult<&'static str> {
    Ok(match dataset {
        Dataset::Accounts => "Account",
        Dataset::Terms => "Term",
        Dataset::Items => "Item",
        Dataset::Customers => "Customer",
        Dataset::Invoices => "Invoice",
        Dataset::Payments => "Payment",
        Dataset::CreditNotes => "CreditMemo",
        Dataset::CashSales => "SalesReceipt",
        Dataset::CashRefunds => "RefundReceipt",
        Dataset::JournalEntries => "JournalEntry",
        Dataset::Deposits => "Deposit",
        Dataset::Expenses => "Purchase",
        Dataset::Overpayments
        | Dataset::Prepayments
        | Dataset::QuickEntries
        | Dataset::Allocations
        | Dataset::OpeningBalances => return Err(ProviderError::Unsupported { dataset }),
    })
}

/// Whether inactive records are left out of a query that does not ask for them.
fn hides_inactive(dataset: Dataset) -> bool {
    matches!(
        dataset,
        Dataset::Accounts | Dataset::Terms | Dataset::Items | Dataset::Customers
    )
}

/// A value within a statement: apostrophes and backslashes are escaped.
pub(super) fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', r"\\").replace('\'', r"\'");
    format!("'{escaped}'")
}

/// An instant as QuickBooks takes it: whole seconds, rounded down, with a numeric offset.
pub(super) fn instant(at: Timestamp) -> String {
    let whole = Timestamp::from_second(at.as_millisecond().div_euclid(1000)).unwrap_or(at);
    whole.display_with_offset(Offset::UTC).to_string()
}

/// A read of one dataset, limited or not.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) dataset: Dataset,
    /// The dataset's [`entity`].
    pub(super) entity: &'static str,
    /// Only records changed at or after this time.
    pub(super) since: Option<Timestamp>,
    /// Only documents of this customer.
    pub(super) customer: Option<String>,
    /// Rows on a page.
    pub(super) page_size: u32,
}

/// Where the next page begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The time of the last row read, as it was spelled.
    #[serde(rename = "t")]
    time: String,
    /// The position to begin at among the rows from that time on; above 1 within a full page of one
    /// time only.
    #[serde(rename = "p")]
    position: u32,
    /// The row that must stand there when the position is above 1.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    anchor: Option<String>,
    /// How many rows of that time have been counted already.
    #[serde(rename = "n")]
    counted: u64,
}

impl Place {
    /// Reads a cursor. One that cannot be read (of an older version, say) starts the read anew, which
    /// is always right.
    pub(super) fn read(cursor: Option<&Cursor>) -> Option<Self> {
        let cursor = cursor?;
        serde_json::from_str(&cursor.0)
            .inspect_err(|_| {
                tracing::warn!(provider = "quickbooks", "unreadable cursor: reading anew");
            })
            .ok()
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }

    fn at_first_row(&self) -> Self {
        Self {
            position: 1,
            anchor: None,
            ..self.clone()
        }
    }
}

/// What a page says about the next one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Rows may have been skipped: read again from here instead.
    Again(Place),
    /// The page counts.
    Read {
        /// Rows on it that were not counted before.
        count: u64,
        /// Where the next one begins; `None` after the last.
        next: Option<Place>,
    },
}

/// The identity and time of one row, in the order of the page.
struct Key<'a> {
    id: &'a str,
    time: &'a str,
    at: Timestamp,
}

fn count(keys: &[Key<'_>], which: impl Fn(&Key<'_>) -> bool) -> u64 {
    keys.iter().filter(|key| which(key)).count() as u64
}

impl Selection {
    /// The statement for the page at a place, or the first.
    pub(super) fn statement(&self, place: Option<&Place>) -> String {
        let time = place
            .map(|place| place.time.clone())
            .or_else(|| self.since.map(instant));
        format!(
            "SELECT * FROM {}{} ORDERBY MetaData.LastUpdatedTime STARTPOSITION {} MAXRESULTS {}",
            self.entity,
            self.filter(time),
            place.map_or(1, |place| place.position),
            self.page_size,
        )
    }

    /// The statement for the number of records.
    pub(super) fn count_statement(&self) -> String {
        let filter = self.filter(self.since.map(instant));
        format!("SELECT COUNT(*) FROM {}{filter}", self.entity)
    }

    fn filter(&self, time: Option<String>) -> String {
        let mut terms = Vec::new();
        if hides_inactive(self.dataset) {
            terms.push("Active IN (true, false)".to_owned());
        }
        if let Some(customer) = &self.customer {
            terms.push(format!("CustomerRef = {}", quoted(customer)));
        }
        if let Some(time) = time {
            terms.push(format!("MetaData.LastUpdatedTime >= {}", quoted(&time)));
        }
        if terms.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", terms.join(" AND "))
        }
    }

    /// What follows from a page that was read at a place.
    ///
    /// # Errors
    /// [`ProviderError::Malformed`] when a row lacks its time or a full page is not in order: reading
    /// on could then lose rows.
    pub(super) fn step(
        &self,
        place: Option<&Place>,
        response: &QueryResponse,
    ) -> ProviderResult<Step> {
        let keys = self.keys(response)?;
        // The place, where the page begins at its very time and so goes on with it.
        let mut within = None;
        if let Some(place) = place {
            let time = self.parse_time(&place.time)?;
            within = Some(place).filter(|_| keys.first().is_some_and(|first| first.at == time));
            if place.position > 1 {
                let overlaps = within.is_some()
                    && keys.first().map(|first| first.id) == place.anchor.as_deref();
                if !overlaps {
                    return Ok(Step::Again(place.at_first_row()));
                }
            }
        }
        let rows = count(&keys, |_| true);
        let counted_before = match (within, keys.first()) {
            (Some(place), _) if place.position > 1 => 1,
            (Some(place), Some(first)) => place.counted.min(count(&keys, |key| key.at == first.at)),
            _ => 0,
        };
        let new = rows - counted_before;
        let next = match (keys.first(), keys.last()) {
            (Some(first), Some(last)) if rows >= u64::from(self.page_size) => {
                if !keys.is_sorted_by_key(|key| key.at) {
                    return Err(self.fault("MetaData.LastUpdatedTime", "the rows are not in order"));
                }
                Some(if first.at < last.at {
                    Place {
                        time: last.time.to_owned(),
                        position: 1,
                        anchor: None,
                        counted: count(&keys, |key| key.at == last.at),
                    }
                } else {
                    // The whole page has one time: on by position, from its last row.
                    let position = within.map_or(1, |place| place.position);
                    Place {
                        time: last.time.to_owned(),
                        position: position.saturating_add(self.page_size) - 1,
                        anchor: Some(last.id.to_owned()),
                        counted: within.map_or(0, |place| place.counted) + new,
                    }
                })
            }
            _ => None,
        };
        Ok(Step::Read { count: new, next })
    }

    fn keys<'a>(&self, response: &'a QueryResponse) -> ProviderResult<Vec<Key<'a>>> {
        match self.dataset {
            Dataset::Accounts => self.keys_of(&response.account),
            Dataset::Terms => self.keys_of(&response.term),
            Dataset::Items => self.keys_of(&response.item),
            Dataset::Customers => self.keys_of(&response.customer),
            Dataset::Invoices => self.keys_of(&response.invoice),
            Dataset::CreditNotes => self.keys_of(&response.credit_memo),
            Dataset::Payments => self.keys_of(&response.payment),
            Dataset::JournalEntries => self.keys_of(&response.journal_entry),
            Dataset::Deposits => self.keys_of(&response.deposit),
            Dataset::Expenses => self.keys_of(&response.purchase),
            Dataset::CashSales => self.keys_of(&response.sales_receipt),
            Dataset::CashRefunds => self.keys_of(&response.refund_receipt),
            dataset => Err(ProviderError::Unsupported { dataset }),
        }
    }

    fn keys_of<'a, R: Row>(&self, rows: &'a [R]) -> ProviderResult<Vec<Key<'a>>> {
        rows.iter()
            .map(|row| {
                let time = row
                    .last_updated()
                    .ok_or_else(|| self.fault("MetaData.LastUpdatedTime", "it is missing"))?;
                Ok(Key {
                    id: row.id(),
                    time,
                    at: self.parse_time(time)?,
                })
            })
            .collect()
    }

    fn parse_time(&self, text: &str) -> ProviderResult<Timestamp> {
        text.parse()
            .map_err(|_| self.fault("MetaData.LastUpdatedTime", "this is no instant"))
    }

    fn fault(&self, field: &str, reason: &str) -> ProviderError {
        ProviderError::Malformed {
            path: format!("QueryResponse.{}.{field}", self.entity),
            reason: reason.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(page_size: u32) -> Selection {
        Selection {
            dataset: Dataset::Items,
            entity: "Item",
            since: None,
            customer: None,
            page_size,
        }
    }

    fn page(rows: &[(&str, u32)]) -> QueryResponse {
        let rows: Vec<_> = rows
            .iter()
            .map(|(id, second)| {
                let time = format!("2026-05-05T03:08:{second:02}-07:00");
                serde_json::json!({"Id": id, "MetaData": {"LastUpdatedTime": time}})
            })
            .collect();
        serde_json::from_value(serde_json::json!({ "Item": rows })).expect("a page")
    }

    fn read(step: ProviderResult<Step>) -> (u64, Option<Place>) {
        match step {
            Ok(Step::Read { count, next }) => (count, next),
            other => panic!("expected a page, got {other:?}"),
        }
    }

    #[test]
    fn writes_statements_with_every_filter() {
        let all = Selection {
            dataset: Dataset::Customers,
            entity: "Customer",
            since: Some("2026-05-05T10:08:49.9Z".parse().expect("an instant")),
            customer: Some(r"O'Neil\s".to_owned()),
            page_size: 1000,
        };
        assert_eq!(
            all.statement(None),
            r"SELECT * FROM Customer WHERE Active IN (true, false) AND CustomerRef = 'O\'Neil\\s' AND MetaData.LastUpdatedTime >= '2026-05-05T10:08:49+00:00' ORDERBY MetaData.LastUpdatedTime STARTPOSITION 1 MAXRESULTS 1000"
        );
        let plain = Selection {
            dataset: Dataset::Invoices,
            entity: "Invoice",
            ..selection(1000)
        };
        assert_eq!(plain.count_statement(), "SELECT COUNT(*) FROM Invoice");
    }

    #[test]
    fn moves_on_by_time_and_counts_no_row_twice() {
        let items = selection(3);
        let (count, next) = read(items.step(None, &page(&[("1", 1), ("2", 2), ("3", 2)])));
        assert_eq!(count, 3);
        let next = next.expect("a next page");
        assert_eq!((next.position, next.counted), (1, 2));
        let (count, next) = read(items.step(Some(&next), &page(&[("2", 2), ("3", 2)])));
        assert_eq!((count, next), (0, None));
    }

    #[test]
    fn moves_on_by_position_within_one_time_and_checks_the_overlap() {
        let items = selection(2);
        let (_, next) = read(items.step(None, &page(&[("1", 5), ("2", 5)])));
        let next = next.expect("a next page");
        assert_eq!((next.position, next.anchor.as_deref()), (2, Some("2")));

        let (count, on) = read(items.step(Some(&next), &page(&[("2", 5), ("3", 5)])));
        let on = on.expect("a next page");
        assert_eq!((count, on.position, on.counted), (1, 3, 3));

        // Row 1 went: row 3 now stands where 2 stood.
        let again = items.step(Some(&next), &page(&[("3", 5), ("4", 6)]));
        let Ok(Step::Again(again)) = again else {
            panic!("expected to read again, got {again:?}")
        };
        assert_eq!((again.position, again.counted), (1, 2));

        // Row 2 itself changed: the same id at another time proves nothing.
        let again = items.step(Some(&next), &page(&[("2", 6)]));
        assert!(matches!(again, Ok(Step::Again(_))), "{again:?}");
    }

    #[test]
    fn refuses_a_full_page_in_another_order() {
        let fault = selection(2).step(None, &page(&[("1", 5), ("2", 4)]));
        assert!(
            matches!(fault, Err(ProviderError::Malformed { .. })),
            "{fault:?}"
        );
    }

    #[test]
    fn a_cursor_survives_being_kept_and_a_foreign_one_starts_anew() {
        let place = Place {
            time: "2026-05-05T03:08:49-07:00".to_owned(),
            position: 7,
            anchor: Some("130".to_owned()),
            counted: 6,
        };
        assert_eq!(Place::read(Some(&place.cursor())), Some(place));
        assert_eq!(Place::read(Some(&Cursor("page 3".to_owned()))), None);
    }
}
