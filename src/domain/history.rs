//! The documents as a reader of the page sees them: with what is open, when it was due, and where
//! it stands.
//!
//! [`History`] joins a family's documents with the applications that touch them, once, in one pass;
//! every figure that needs open amounts is a fold over it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::books::CustomerBooks;
use super::document::{Application, Document, DocumentId, DocumentState, Side};
use super::terms::{Due, days_between};

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
    /// Nothing is left open. For a credit: used up.
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
    /// What is open on it (of a credit: what remains), in its currency. Below zero where more was
    /// applied than there was; such an amount is kept, since only then the sums stay exact.
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

/// A family's documents, each with the applications that touch it.
#[derive(Clone, Debug)]
pub struct History<'a> {
    members: &'a [Arc<CustomerBooks>],
    entries: Vec<Entry<'a>>,
}

/// One document with all that changes what is open on it.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The document.
    pub document: &'a Document,
    /// Which of the family's members it belongs to.
    pub member: usize,
    /// When it is due; `None` for what is never due.
    pub due: Option<Due>,
    /// What settles or moves it, in the order in which it counts.
    pub changes: Vec<Change<'a>>,
}

/// One application, seen from one of its documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// The document at the other end.
    pub other: &'a DocumentId,
    /// How much was applied.
    pub amount: Decimal,
    /// What that adds to the open amount: less for what is settled or used, more for a credit that
    /// takes over what another credit gives.
    pub effect: Decimal,
    /// The day from which it counts: the latest of its own date and the dates of both documents, as
    /// far as these are in the books.
    pub counted_on: Date,
}

/// Which end of an application a document is.
#[derive(Clone, Copy)]
enum End {
    From,
    To,
}

impl<'a> History<'a> {
    /// Joins the documents of a family, whose members all belong to one connection. Linear in
    /// documents and applications.
    ///
    /// An application is told by the books of every member that it touches; each member's telling is
    /// taken for that member's documents only, so that none counts twice.
    pub fn of(members: &'a [Arc<CustomerBooks>]) -> Self {
        let documents = members.iter().map(|books| books.documents.len()).sum();
        let mut entries = Vec::with_capacity(documents);
        let mut index: HashMap<&DocumentId, usize> = HashMap::with_capacity(documents);
        for (member, books) in members.iter().enumerate() {
            for document in &books.documents {
                index.insert(&document.id, entries.len());
                entries.push(Entry {
                    document,
                    member,
                    due: (document.side == Side::Receivable)
                        .then(|| Due::of(document, books.customer.terms)),
                    changes: Vec::new(),
                });
            }
        }
        for (member, books) in members.iter().enumerate() {
            for application in &books.applications {
                let from = index.get(&application.from).copied();
                let to = index.get(&application.to).copied();
                let ends = [from, to].map(|at| at.map(|at| entries[at].document));
                if ends
                    .into_iter()
                    .flatten()
                    .any(|document| document.state != DocumentState::Issued)
                {
                    // What is applied to a void document, or from one, is free again.
                    continue;
                }
                for (at, end) in [(from, End::From), (to, End::To)] {
                    if let Some(entry) = at.and_then(|at| entries.get_mut(at))
                        && entry.member == member
                    {
                        entry.changes.push(change(application, ends, end));
                    }
                }
            }
        }
        for entry in &mut entries {
            entry
                .changes
                .sort_by_key(|change| (change.counted_on, change.other, change.amount));
        }
        Self { members, entries }
    }

    /// The books that were joined: the linked customer's first.
    pub fn members(&self) -> &'a [Arc<CustomerBooks>] {
        self.members
    }

    /// Every document, member by member.
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// The documents dated on or before the day.
    pub fn entries_until(&self, as_of: Date) -> impl Iterator<Item = &Entry<'a>> {
        self.entries
            .iter()
            .filter(move |entry| entry.document.issued_on <= as_of)
    }
}

/// An application as one of its documents feels it. `ends` are the documents at both ends, where
/// they are in the books.
fn change<'a>(
    application: &'a Application,
    ends: [Option<&'a Document>; 2],
    end: End,
) -> Change<'a> {
    let [from, to] = ends;
    // Two sides that face each other shrink together; between two of one side the amount moves on.
    let from_side = from.map_or(Side::Credit, |document| document.side);
    let moves = to.is_some_and(|to| to.side == from_side);
    let (other, effect) = match end {
        End::From => (&application.to, -application.amount),
        End::To if moves => (&application.from, application.amount),
        End::To => (&application.from, -application.amount),
    };
    let counted_on = ends
        .into_iter()
        .flatten()
        .map(|document| document.issued_on)
        .fold(application.applied_on, Date::max);
    Change {
        other,
        amount: application.amount,
        effect,
        counted_on,
    }
}

impl<'a> Entry<'a> {
    /// Whether it can stand open: issued, and not settled at once.
    pub fn counts(&self) -> bool {
        self.document.state == DocumentState::Issued && self.document.side != Side::Settled
    }

    /// What is open on a day: nothing before its date.
    pub fn open_on(&self, as_of: Date) -> Decimal {
        if self.counts() && self.document.issued_on <= as_of {
            self.document.total + sum_of_effects(self.changes_until(as_of))
        } else {
            Decimal::ZERO
        }
    }

    /// What is open by all that the books hold, whatever its date.
    pub fn open_undated(&self) -> Decimal {
        if self.counts() {
            self.document.total + sum_of_effects(&self.changes)
        } else {
            Decimal::ZERO
        }
    }

    /// The changes that count on a day.
    pub fn changes_until(&self, as_of: Date) -> &[Change<'a>] {
        let counted = self
            .changes
            .partition_point(|change| change.counted_on <= as_of);
        &self.changes[..counted]
    }

    /// The document as of a day.
    pub fn position(&self, as_of: Date) -> Position<'a> {
        let open = self.open_on(as_of);
        let days_past_due = self
            .due
            .filter(|_| !open.is_zero())
            .map(|due| days_between(due.on, as_of));
        Position {
            document: self.document,
            open,
            due_on: self.due.map(|due| due.on),
            due_assumed: self.due.is_some_and(|due| due.assumed),
            days_past_due,
            status: self.status(open, days_past_due),
            applications: self
                .changes_until(as_of)
                .iter()
                .map(|change| AppliedTo {
                    other: change.other.clone(),
                    amount: change.amount,
                    counted_on: change.counted_on,
                })
                .collect(),
        }
    }

    fn status(&self, open: Decimal, days_past_due: Option<i32>) -> TransactionStatus {
        let document = self.document;
        match (document.state, document.side) {
            (DocumentState::Draft, _) => TransactionStatus::Draft,
            (DocumentState::Voided, _) => TransactionStatus::Voided,
            (DocumentState::Issued, _) if open <= Decimal::ZERO => TransactionStatus::Paid,
            (DocumentState::Issued, Side::Credit) => TransactionStatus::Unapplied,
            (DocumentState::Issued, _) if days_past_due.is_some_and(|days| days > 0) => {
                TransactionStatus::Overdue
            }
            (DocumentState::Issued, _) if open < document.total => TransactionStatus::PartiallyPaid,
            (DocumentState::Issued, _) => TransactionStatus::Open,
        }
    }
}

fn sum_of_effects(changes: &[Change<'_>]) -> Decimal {
    changes.iter().map(|change| change.effect).sum()
}

#[cfg(test)]
mod tests;
