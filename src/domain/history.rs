//! The documents as a reader of the page sees them: with what is open, when it was due, and where
//! it stands.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::document::{Document, DocumentId};

/// Where a document stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionStatus {
    /// Not issued.
    Draft,
    /// Nothing settled yet, not late.
    Open,
    /// Partly settled, not late.
    PartiallyPaid,
    /// Something is open past the due date.
    Overdue,
    /// Nothing is open. For a credit: used up.
    Paid,
    /// A credit with something left.
    Unapplied,
    /// Voided.
    Voided,
}

/// A document as of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// The document.
    pub document: &'a Document,
    /// What is open on it (of a credit: what remains), in its currency.
    pub open: Decimal,
    /// The due date that counts; `None` for what is never due.
    pub due_on: Option<Date>,
    /// Whether the issue date had to stand in for the due date.
    pub due_assumed: bool,
    /// Days past due on the day; `None` when nothing is open or it is never due.
    pub days_past_due: Option<i32>,
    /// Where it stands.
    pub status: TransactionStatus,
    /// The applications that touch it as of the day: the other document and the amount.
    pub applications: Vec<AppliedTo>,
}

/// The other side of an application, seen from one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedTo {
    /// The other document.
    pub other: DocumentId,
    /// How much, in the document's currency.
    pub amount: Decimal,
    /// The day from which it counts.
    pub counted_on: Date,
}
