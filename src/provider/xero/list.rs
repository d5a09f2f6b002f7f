//! Reading a whole dataset in pages, without gaps, while it changes.
//!
//! Xero pages by position. Its own order is the time of change, in which a record that is edited moves
//! to the end and shifts all behind it up by one, so that the next page skips one. Hence every list is
//! asked for in the order of the ids, which never change:
//!
//! - a record that is edited stays where it is;
//! - one that is added shifts the ones behind it down: the next page repeats a row, which is harmless,
//!   and where the new one itself lies before the page, the next question for changes brings it, since
//!   that reaches back to before the read began;
//! - none ever leaves: deleted and voided documents stay in the lists, archived contacts are asked for.
//!
//! Should one leave all the same, the count that comes with every page says so, and as many pages are
//! read again as rows have moved.

use serde::{Deserialize, Serialize};

use super::wire::{Answer, Pagination};
use crate::domain::freshness::Dataset;
use crate::provider::{Cursor, ProviderError, ProviderResult};

/// How a dataset is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) dataset: Dataset,
    /// The resource below the API's address.
    pub(super) path: &'static str,
    /// The id by which it is ordered, as Xero spells it for ordering; `None` for a list without pages.
    id: Option<&'static str>,
    /// What limits it to the sales side, where Xero filters by that quickly. Elsewhere the supplier's
    /// side is read too and left out.
    pub(super) filter: Option<&'static str>,
    /// Further parameters.
    pub(super) parameters: &'static [(&'static str, &'static str)],
}

/// Prices to four places instead of two.
const FULL_PRICES: &[(&str, &str)] = &[("unitdp", "4")];
/// Otherwise an archived contact just disappears.
const WITH_ARCHIVED: &[(&str, &str)] = &[("includeArchived", "true")];

/// How a dataset is asked for.
///
/// # Errors
/// [`ProviderError::Unsupported`] for a dataset of other ledgers.
pub(super) fn list(dataset: Dataset) -> ProviderResult<List> {
    let list = |path, id| List {
        dataset,
        path,
        id: Some(id),
        filter: None,
        parameters: FULL_PRICES,
    };
    Ok(match dataset {
        Dataset::Items => List {
            id: None,
            ..list("Items", "")
        },
        Dataset::Customers => List {
            parameters: WITH_ARCHIVED,
            ..list("Contacts", "ContactID")
        },
        Dataset::Invoices => List {
            filter: Some(r#"Type=="ACCREC""#),
            ..list("Invoices", "InvoiceId")
        },
        Dataset::CreditNotes => list("CreditNotes", "CreditNoteID"),
        Dataset::Overpayments => list("Overpayments", "OverpaymentID"),
        Dataset::Prepayments => list("Prepayments", "PrepaymentID"),
        Dataset::Payments => List {
            parameters: &[],
            ..list("Payments", "PaymentId")
        },
        Dataset::Accounts
        | Dataset::Terms
        | Dataset::CashSales
        | Dataset::CashRefunds
        | Dataset::JournalEntries
        | Dataset::Deposits
        | Dataset::Expenses
        | Dataset::QuickEntries
        | Dataset::Allocations
        | Dataset::OpeningBalances => return Err(ProviderError::Unsupported { dataset }),
    })
}

impl List {
    /// The parameters that ask for a page in the order of the ids; none for a list without pages.
    pub(super) fn paging(&self, page: u32, size: u32) -> Vec<(&'static str, String)> {
        let Some(id) = self.id else {
            return Vec::new();
        };
        vec![
            ("order", format!("{id} ASC")),
            ("page", page.to_string()),
            ("pageSize", size.to_string()),
        ]
    }

    /// What follows from the page that was read at a place.
    pub(super) fn step(&self, place: Place, answer: &Answer, size: u32) -> Step {
        let rows = answer.len();
        if self.id.is_none() {
            return Step::Read(None);
        }
        let Some(Pagination {
            page_count,
            item_count,
            ..
        }) = answer.pagination
        else {
            // Without a count a full page may have a next one.
            let more = u32::try_from(rows).is_ok_and(|rows| rows >= size);
            return Step::Read(more.then(|| place.next(None)));
        };
        let left = place
            .items
            .map_or(0, |items| items.saturating_sub(item_count));
        if left > 0 && place.page > 1 {
            let moved = u32::try_from(left.div_ceil(size.into())).unwrap_or(u32::MAX);
            return Step::Again(Place {
                page: place.page.saturating_sub(moved).max(1),
                items: Some(item_count),
                ..place
            });
        }
        let more = rows > 0 && place.page < page_count;
        Step::Read(more.then(|| place.next(Some(item_count))))
    }
}

/// What a page says about the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Rows may have been skipped: read on from here instead.
    Again(Place),
    /// The page counts; the place of the next one, `None` after the last.
    Read(Option<Place>),
}

/// Which page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// From 1.
    #[serde(rename = "p")]
    pub(super) page: u32,
    /// Rows on a page: a page's number means something with it only.
    #[serde(rename = "s")]
    size: u32,
    /// How many records the list had when the page before was read.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    items: Option<u64>,
}

impl Place {
    /// The first page.
    pub(super) fn start(size: u32) -> Self {
        Self {
            page: 1,
            size,
            items: None,
        }
    }

    /// Reads a cursor. One that cannot be read, or that counts in pages of another size, starts the
    /// read anew, which is always right.
    pub(super) fn read(cursor: Option<&Cursor>, size: u32) -> Self {
        let Some(cursor) = cursor else {
            return Self::start(size);
        };
        match serde_json::from_str::<Self>(&cursor.0) {
            Ok(place) if place.size == size && place.page > 0 => place,
            _ => {
                tracing::warn!(provider = "xero", "unreadable cursor: reading anew");
                Self::start(size)
            }
        }
    }

    pub(super) fn cursor(self) -> Cursor {
        Cursor(serde_json::to_string(&self).unwrap_or_default())
    }

    fn next(self, items: Option<u64>) -> Self {
        Self {
            page: self.page.saturating_add(1),
            items,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: usize, counts: Option<(u32, u64)>) -> Answer {
        let pagination = counts.map_or_else(
            || serde_json::json!(null),
            |(pages, items)| {
                serde_json::json!({"page": 1, "pageSize": 2, "pageCount": pages, "itemCount": items})
            },
        );
        let contacts = vec![serde_json::json!({"ContactID": "x"}); rows];
        let body = serde_json::json!({"pagination": pagination, "Contacts": contacts});
        serde_json::from_value(body).expect("an answer")
    }

    fn customers() -> List {
        list(Dataset::Customers).expect("a dataset of Xero's")
    }

    fn place(page: u32, items: Option<u64>) -> Place {
        Place {
            page,
            size: 2,
            items,
        }
    }

    #[test]
    fn goes_on_until_the_last_page_by_the_count_or_by_a_page_that_is_not_full() {
        let step = |page, answer: &Answer| customers().step(place(page, None), answer, 2);
        let next = |page, items| Step::Read(Some(place(page, items)));
        assert_eq!(step(1, &answer(2, Some((2, 3)))), next(2, Some(3)));
        assert_eq!(step(2, &answer(1, Some((2, 3)))), Step::Read(None));
        assert_eq!(step(3, &answer(0, Some((2, 3)))), Step::Read(None));
        assert_eq!(step(1, &answer(2, None)), next(2, None));
        assert_eq!(step(1, &answer(1, None)), Step::Read(None));
    }

    #[test]
    fn goes_back_by_as_many_pages_as_rows_have_left() {
        let step = |page, items, now| {
            customers().step(place(page, Some(items)), &answer(2, Some((9, now))), 2)
        };
        assert_eq!(step(5, 18, 17), Step::Again(place(4, Some(17))));
        assert_eq!(step(5, 18, 15), Step::Again(place(3, Some(15))));
        assert_eq!(step(2, 18, 2), Step::Again(place(1, Some(2))));
        assert_eq!(step(5, 18, 19), Step::Read(Some(place(6, Some(19)))));
    }

    #[test]
    fn a_cursor_counts_only_with_its_page_size() {
        let cursor = place(3, Some(5)).cursor();
        assert_eq!(Place::read(Some(&cursor), 2), place(3, Some(5)));
        assert_eq!(Place::read(Some(&cursor), 3), Place::start(3));
        let odd = Cursor("seven".to_owned());
        assert_eq!(Place::read(Some(&odd), 2), Place::start(2));
    }
}
