//! What the books remember beyond their present state, for ledgers that show more of the past than
//! QuickBooks: money that was taken back, documents as they were before they were voided, and what
//! happened since somebody last asked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::balance::Concerned;
use super::{Books, Currency, Detail, Document, Entry, Id, Kind, List, OnAccount, Refusal, Source};

/// Which money of a payment moved: ledgers that have no payments of several documents keep one for each
/// of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cash {
    /// [`Source::Money`] that came in, or the credit that was paid out.
    pub(crate) source: Source,
    /// The invoice that it settles, or the expense that it was paid out by.
    pub(crate) kind: Kind,
    pub(crate) to: Id,
}

/// Money that moved, and was taken back.
#[derive(Clone, Debug)]
pub(crate) struct Undone {
    pub(crate) payment: Id,
    pub(crate) cash: Cash,
    pub(crate) amount: Decimal,
    pub(crate) date: Date,
    pub(crate) currency: Currency,
    pub(crate) rate: Decimal,
    pub(crate) number: Option<Box<str>>,
    /// When it was taken back.
    pub(crate) at: Timestamp,
}

/// What something happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A name.
    Name(List, Id),
    /// A document.
    Document(Kind, Id),
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Created,
    Updated,
    Voided,
    Deleted,
    Emailed,
    /// This one took in another, which is gone.
    Merged(Id),
}

/// A customer that another one took in.
#[derive(Clone, Debug)]
pub(crate) struct Merged {
    /// As it was.
    pub(crate) customer: Entry,
    pub(crate) into: Id,
    pub(crate) at: Timestamp,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) subject: Subject,
    pub(crate) act: Act,
    /// Whether it was meant, and not the consequence of something else (a payment on the invoice).
    pub(crate) direct: bool,
}

#[derive(Debug, Default)]
pub(super) struct History {
    undone: BTreeMap<Id, Vec<Undone>>,
    voided: BTreeMap<Id, Box<Document>>,
    merged: BTreeMap<Id, Merged>,
    /// Nothing is noted while the first documents are invented.
    changes: Option<Vec<Change>>,
}

impl Books {
    /// From here on, [`Self::take_changes`] tells what happens.
    pub(crate) fn watch(&mut self) {
        self.history.changes.get_or_insert_default();
    }

    /// What happened since this was called last.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        self.history
            .changes
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Notes that something happened, once if it repeats itself.
    pub(super) fn note(&mut self, subject: Subject, act: Act, direct: bool) {
        if let Some(changes) = &mut self.history.changes {
            let change = Change {
                subject,
                act,
                direct,
            };
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
    }

    /// What money of a payment moved: in for an invoice, unless it was ever on account, or out for a
    /// credit memo or for money on account.
    pub(crate) fn cash(&self, payment: &Document) -> BTreeMap<Cash, Decimal> {
        let applied = payment.on_account == OnAccount::Never;
        let mut cash = BTreeMap::new();
        for part in self.parts(payment) {
            let moved = match (part.source, part.kind) {
                (Source::Money, Kind::Invoice) => applied,
                (Source::Money, Kind::Purchase) => !applied,
                (Source::Credit(Kind::CreditMemo, _), Kind::Purchase) => true,
                _ => false,
            };
            if moved {
                let key = Cash {
                    source: part.source,
                    kind: part.kind,
                    to: part.to,
                };
                *cash.entry(key).or_insert(Decimal::ZERO) += part.amount;
            }
        }
        cash
    }

    /// After a payment was changed or taken away: notes whether it has come to be on account, and which
    /// of the money that `had` moved is no longer there.
    pub(super) fn remember_cash(
        &mut self,
        before: &Document,
        had: BTreeMap<Cash, Decimal>,
        now: Timestamp,
    ) {
        if before.kind != Kind::Payment {
            return;
        }
        if let Some(present) = self.documents[Kind::Payment.index()].get_mut(&before.id)
            && !present.open.is_zero()
            && present.on_account == OnAccount::Never
        {
            present.on_account = OnAccount::Over;
        }
        let has = self
            .document(Kind::Payment, before.id)
            .map(|present| self.cash(present))
            .unwrap_or_default();
        for (cash, amount) in had {
            if has.get(&cash) != Some(&amount) {
                let undone = Undone {
                    payment: before.id,
                    cash,
                    amount,
                    date: before.date,
                    currency: before.currency,
                    rate: before.rate,
                    number: before.number.clone(),
                    at: now,
                };
                self.history
                    .undone
                    .entry(before.id)
                    .or_default()
                    .push(undone);
            }
        }
    }

    /// Money that was taken back, by payment and in the order of it.
    pub(crate) fn undone(&self) -> impl Iterator<Item = &Undone> {
        self.history.undone.values().flatten()
    }

    /// What was taken back of one payment, in the order of it.
    pub(crate) fn undone_of(&self, payment: Id) -> &[Undone] {
        self.history.undone.get(&payment).map_or(&[], Vec::as_slice)
    }

    /// Puts one customer into another: documents and sub-customers move over, the one is gone.
    ///
    /// # Errors
    ///
    /// When one of them is not there, or they are the same, or of different currencies.
    pub(crate) fn merge(&mut self, gone: Id, into: Id, now: Timestamp) -> Result<(), Refusal> {
        let survivor = self.name(List::Customer, into).ok_or(Refusal::NotFound)?;
        let customer = self.name(List::Customer, gone).ok_or(Refusal::NotFound)?;
        if gone == into || customer.currency != survivor.currency {
            return Err(Refusal::NotFound);
        }
        let mut concerned = Concerned::new();
        for kind in Kind::ALL {
            let is_theirs = |document: &&Document| {
                let posted = document.lines.iter().any(|line| {
                    matches!(line.detail, Detail::Posting { customer: Some(whose), .. }
                        if whose == gone)
                });
                document.customer == Some(gone) || posted
            };
            let theirs: Vec<Id> = self
                .documents(kind)
                .filter(is_theirs)
                .map(|document| document.id)
                .collect();
            for id in theirs {
                self.note(Subject::Document(kind, id), Act::Updated, false);
                self.change(kind, id, &mut concerned, |document| {
                    if document.customer == Some(gone) {
                        document.customer = Some(into);
                    }
                    for line in &mut document.lines {
                        if let Detail::Posting { customer, .. } = &mut line.detail
                            && *customer == Some(gone)
                        {
                            *customer = Some(into);
                        }
                    }
                    document.stamp.bump(now);
                });
            }
        }
        let below: Vec<Entry> = self
            .names(List::Customer)
            .filter(|name| name.parent == Some(gone))
            .cloned()
            .collect();
        for mut child in below {
            child.parent = Some(into);
            child.stamp.bump(now);
            self.put_name(List::Customer, child);
        }
        if let Some(customer) = self.remove_customer(gone) {
            let merged = Merged {
                customer,
                into,
                at: now,
            };
            self.history.merged.insert(gone, merged);
        }
        self.touch(&concerned, now);
        self.revision += 1;
        self.note(Subject::Name(List::Customer, gone), Act::Updated, false);
        self.note(Subject::Name(List::Customer, into), Act::Merged(gone), true);
        Ok(())
    }

    /// The customers that others took in, by id.
    pub(crate) fn merged(&self) -> &BTreeMap<Id, Merged> {
        &self.history.merged
    }

    /// The customer of a document that is gone itself, whoever took that customer in since.
    pub(crate) fn present_customer(&self, mut customer: Id) -> Id {
        while let Some(merged) = self.history.merged.get(&customer) {
            customer = merged.into;
        }
        customer
    }

    /// Keeps a document as it was before it was voided, the first time.
    pub(super) fn remember_void(&mut self, before: Document) {
        self.history
            .voided
            .entry(before.id)
            .or_insert_with(|| Box::new(before));
    }

    /// A voided document as it was before, or nothing for one that is not voided.
    pub(crate) fn before_void(&self, id: Id) -> Option<&Document> {
        self.history.voided.get(&id).map(Box::as_ref)
    }
}
