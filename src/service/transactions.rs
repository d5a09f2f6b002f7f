//! The history of a contact's customers by pages, newest first.
//!
//! A page is found again by what stands at its edge (date, id, connection), not by a count, so that
//! documents that come or go in between neither repeat nor hide another.

use std::cmp::Ordering;
use std::collections::HashMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::domain::document::{Document, DocumentId, DocumentKind};
use crate::domain::history::{Position, TransactionStatus};
use crate::domain::ids::{ConnectionId, CustomerKey};
use crate::domain::money::Currency;

/// Which transactions to list; an empty list means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionFilter {
    /// Only these kinds.
    pub kinds: Vec<DocumentKind>,
    /// Only these statuses.
    pub statuses: Vec<TransactionStatus>,
    /// Only this currency.
    pub currency: Option<Currency>,
    /// Only those with something open.
    pub open_only: bool,
}

impl TransactionFilter {
    fn admits(&self, position: &Position<'_>) -> bool {
        let document = position.document;
        (self.kinds.is_empty() || self.kinds.contains(&document.id.kind))
            && (self.statuses.is_empty() || self.statuses.contains(&position.status))
            && self
                .currency
                .is_none_or(|currency| currency == document.currency)
            && (!self.open_only || !position.open.is_zero())
    }
}

/// A place in the list: just behind one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionCursor {
    issued_on: Date,
    document: DocumentId,
    connection: ConnectionId,
}

impl TransactionCursor {
    /// The place as a text for [`Self::parse`].
    pub fn as_text(&self) -> String {
        format!("{} {} {}", self.issued_on, self.connection, self.document)
    }

    /// The place of a text made by [`Self::as_text`].
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        Some(Self {
            issued_on: parts.next()?.parse().ok()?,
            connection: ConnectionId::from(parts.next()?),
            document: DocumentId::parse(parts.next()?)?,
        })
    }

    /// The order of the list: newest first; within a day by id, and by connection where two ledgers
    /// use one id.
    fn order(&self, other: &Self) -> Ordering {
        (other.issued_on, &other.document, &other.connection).cmp(&(
            self.issued_on,
            &self.document,
            &self.connection,
        ))
    }
}

/// One document as of a day, on its own.
#[derive(Clone, Debug)]
pub struct TransactionView {
    /// Whose it is.
    pub customer: CustomerKey,
    /// The document.
    pub document: Document,
    /// What is open on it.
    pub open: Decimal,
    /// The due date that counts.
    pub due_on: Option<Date>,
    /// Whether the issue date had to stand in for the due date.
    pub due_assumed: bool,
    /// Days past due on the day.
    pub days_past_due: Option<i32>,
    /// Where it stands.
    pub status: TransactionStatus,
    /// What it settles or is settled by.
    pub applications: Vec<AppliedView>,
}

impl TransactionView {
    /// Its place in the list.
    pub fn cursor(&self) -> TransactionCursor {
        TransactionCursor {
            issued_on: self.document.issued_on,
            document: self.document.id.clone(),
            connection: self.customer.connection.clone(),
        }
    }
}

/// The other side of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedView {
    /// The other document.
    pub other: DocumentId,
    /// Its printed number, where it has one and is among the contact's documents.
    pub number: Option<std::sync::Arc<str>>,
    /// How much.
    pub amount: Decimal,
    /// The day from which it counts.
    pub counted_on: Date,
}

/// One page of the history.
#[derive(Clone, Debug)]
pub struct TransactionPage {
    /// The transactions on it.
    pub transactions: Vec<TransactionView>,
    /// Whether older ones follow.
    pub has_next: bool,
    /// Whether newer ones stand before.
    pub has_previous: bool,
    /// How many the filter admits in all.
    pub total: usize,
}

/// Cuts a page out of all positions.
pub(super) fn page(
    positions: &[(CustomerKey, Position<'_>)],
    filter: &TransactionFilter,
    after: Option<&TransactionCursor>,
    first: usize,
) -> TransactionPage {
    let numbers: HashMap<(ConnectionId, DocumentId), &Document> = positions
        .iter()
        .map(|(customer, position)| {
            let id = (customer.connection.clone(), position.document.id.clone());
            (id, position.document)
        })
        .collect();
    let mut admitted: Vec<(TransactionCursor, &CustomerKey, &Position<'_>)> = positions
        .iter()
        .filter(|(_, position)| filter.admits(position))
        .map(|(customer, position)| {
            let place = TransactionCursor {
                issued_on: position.document.issued_on,
                document: position.document.id.clone(),
                connection: customer.connection.clone(),
            };
            (place, customer, position)
        })
        .collect();
    admitted.sort_by(|(one, ..), (other, ..)| one.order(other));
    let start = after.map_or(0, |after| {
        admitted.partition_point(|(place, ..)| place.order(after) != Ordering::Greater)
    });
    let end = start.saturating_add(first).min(admitted.len());
    TransactionPage {
        transactions: admitted[start..end]
            .iter()
            .map(|(_, customer, position)| view(customer, position, &numbers))
            .collect(),
        has_next: end < admitted.len(),
        has_previous: start > 0,
        total: admitted.len(),
    }
}

fn view(
    customer: &CustomerKey,
    position: &Position<'_>,
    documents: &HashMap<(ConnectionId, DocumentId), &Document>,
) -> TransactionView {
    let applications = position
        .applications
        .iter()
        .map(|applied| AppliedView {
            other: applied.other.clone(),
            number: documents
                .get(&(customer.connection.clone(), applied.other.clone()))
                .and_then(|document| document.number.clone()),
            amount: applied.amount,
            counted_on: applied.counted_on,
        })
        .collect();
    TransactionView {
        customer: customer.clone(),
        document: position.document.clone(),
        open: position.open,
        due_on: position.due_on,
        due_assumed: position.due_assumed,
        days_past_due: position.days_past_due,
        status: position.status,
        applications,
    }
}
