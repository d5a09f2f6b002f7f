//! Writing, voiding and deleting documents.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::balance::Concerned;
use super::{Act, Books, Detail, Document, Id, Kind, Line, OnAccount, Subject, Tombstone};

/// Why the books refuse a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such document (error 610).
    NotFound,
    /// More is applied than is open, or than was received (error 6000).
    TooMuchApplied,
    /// The payment lies in a deposit (error 6540).
    Deposited,
    /// An invoice cannot fall below what was paid on it (error 6000).
    BelowPaid,
}

/// Carries over what payments have used of a document's postings.
///
/// # Errors
///
/// When a posting that a payment has used is changed or gone.
fn keep_used(before: &[Line], after: &mut [Line]) -> Result<(), Refusal> {
    for (index, old) in before.iter().enumerate() {
        let Detail::Posting {
            account,
            side,
            customer,
            open,
        } = old.detail
        else {
            continue;
        };
        if open == old.amount {
            continue;
        }
        match after.get_mut(index) {
            Some(new) if new.amount == old.amount && new.detail == old.detail => {}
            Some(new)
                if new.amount == old.amount
                    && new.detail
                        == (Detail::Posting {
                            account,
                            side,
                            customer,
                            open: new.amount,
                        }) =>
            {
                new.detail.clone_from(&old.detail);
            }
            _ => return Err(Refusal::BelowPaid),
        }
    }
    Ok(())
}

impl Books {
    /// Writes a new document and gives its id.
    ///
    /// # Errors
    ///
    /// When a payment applies what is not there.
    pub(crate) fn post(&mut self, mut document: Document, now: Timestamp) -> Result<Id, Refusal> {
        if document.kind == Kind::Payment {
            document.open = self.unapplied(document.total, &document.lines)?;
            if !document.open.is_zero() && document.on_account == OnAccount::Never {
                document.on_account = OnAccount::Over;
            }
        }
        if document.id == 0 {
            document.id = self.next_document;
        }
        self.next_document = self.next_document.max(document.id + 1);
        let id = document.id;
        self.note(Subject::Document(document.kind, id), Act::Created, true);
        let mut concerned = Concerned::new();
        self.apply_lines(id, &document.lines, Decimal::ONE, now, &mut concerned);
        self.bank(id, &document.lines, true, now);
        self.weigh(&document, Decimal::ONE, &mut concerned);
        concerned.extend(document.customer);
        self.documents[document.kind.index()].insert(id, Box::new(document));
        self.touch(&concerned, now);
        self.revision += 1;
        Ok(id)
    }

    /// Rewrites a document that is there; its `open` follows from what is applied.
    ///
    /// # Errors
    ///
    /// As [`Self::post`], and when an invoice or credit would fall below what was applied to it. Then
    /// nothing has changed.
    pub(crate) fn rewrite(
        &mut self,
        mut document: Document,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let before = self
            .document(document.kind, document.id)
            .ok_or(Refusal::NotFound)?
            .clone();
        let had = self.cash(&before);
        let id = document.id;
        let mut concerned = Concerned::new();
        if document.kind == Kind::Payment {
            self.apply_lines(
                id,
                &before.lines,
                Decimal::NEGATIVE_ONE,
                now,
                &mut concerned,
            );
            match self.unapplied(document.total, &document.lines) {
                Ok(open) => document.open = open,
                Err(refusal) => {
                    self.apply_lines(id, &before.lines, Decimal::ONE, now, &mut concerned);
                    return Err(refusal);
                }
            }
        } else {
            let applied = before.total - before.open;
            if matches!(document.kind, Kind::Invoice | Kind::CreditMemo) {
                document.open = document.total - applied;
                if document.open.is_sign_negative() && !document.open.is_zero() {
                    return Err(Refusal::BelowPaid);
                }
            }
            document.links.clone_from(&before.links);
            keep_used(&before.lines, &mut document.lines)?;
        }
        self.bank(id, &before.lines, false, now);
        self.weigh(&before, Decimal::NEGATIVE_ONE, &mut concerned);
        if document.kind == Kind::Payment {
            self.apply_lines(id, &document.lines, Decimal::ONE, now, &mut concerned);
        }
        self.bank(id, &document.lines, true, now);
        self.weigh(&document, Decimal::ONE, &mut concerned);
        concerned.extend(before.customer);
        concerned.extend(document.customer);
        document.stamp = before.stamp;
        document.stamp.bump(now);
        document.on_account = before.on_account;
        self.note(Subject::Document(document.kind, id), Act::Updated, true);
        self.documents[document.kind.index()].insert(id, Box::new(document));
        self.remember_cash(&before, had, now);
        self.touch(&concerned, now);
        self.revision += 1;
        Ok(())
    }

    /// Voids a document: it stays, with all its amounts zero and a note.
    ///
    /// # Errors
    ///
    /// When there is none, or it is a payment that lies in a deposit.
    pub(crate) fn void(&mut self, kind: Kind, id: Id, now: Timestamp) -> Result<(), Refusal> {
        let before = self.document(kind, id).ok_or(Refusal::NotFound)?.clone();
        let had = self.cash(&before);
        if before.links.iter().any(|(kind, _)| *kind == Kind::Deposit) {
            return Err(Refusal::Deposited);
        }
        self.note(Subject::Document(kind, id), Act::Voided, true);
        let mut concerned = Concerned::new();
        concerned.extend(before.customer);
        if kind == Kind::Payment {
            self.apply_lines(
                id,
                &before.lines,
                Decimal::NEGATIVE_ONE,
                now,
                &mut concerned,
            );
        } else {
            self.release(kind, id, now, &mut concerned);
        }
        self.change(kind, id, &mut concerned, |document| {
            document.total = Decimal::ZERO;
            document.open = Decimal::ZERO;
            document.tax = Decimal::ZERO;
            document.links.clear();
            document.note = Some(match document.note.take() {
                Some(note) => format!("Voided - {note}").into_boxed_str(),
                None => "Voided".into(),
            });
            if kind == Kind::Payment {
                document.lines.clear();
            }
            for line in &mut document.lines {
                line.amount = Decimal::ZERO;
                match &mut line.detail {
                    Detail::Sale {
                        quantity, price, ..
                    } => {
                        *quantity = quantity.map(|_| Decimal::ZERO);
                        *price = price.map(|_| Decimal::ZERO);
                    }
                    Detail::Posting { open, .. } => *open = Decimal::ZERO,
                    _ => {}
                }
            }
            document.stamp.bump(now);
        });
        self.remember_cash(&before, had, now);
        self.remember_void(before);
        self.touch(&concerned, now);
        self.revision += 1;
        Ok(())
    }

    /// Deletes a document: gone from every answer, except that change data capture says so.
    ///
    /// # Errors
    ///
    /// As [`Self::void`].
    pub(crate) fn delete(&mut self, kind: Kind, id: Id, now: Timestamp) -> Result<(), Refusal> {
        let before = self.document(kind, id).ok_or(Refusal::NotFound)?.clone();
        let had = self.cash(&before);
        if before.links.iter().any(|(kind, _)| *kind == Kind::Deposit) {
            return Err(Refusal::Deposited);
        }
        let mut concerned = Concerned::new();
        concerned.extend(before.customer);
        if kind == Kind::Payment {
            self.apply_lines(
                id,
                &before.lines,
                Decimal::NEGATIVE_ONE,
                now,
                &mut concerned,
            );
        } else {
            self.release(kind, id, now, &mut concerned);
        }
        self.bank(id, &before.lines, false, now);
        if let Some(document) = self.documents[kind.index()].remove(&id) {
            self.weigh(&document, Decimal::NEGATIVE_ONE, &mut concerned);
        }
        self.note(Subject::Document(kind, id), Act::Deleted, true);
        self.remember_cash(&before, had, now);
        self.tombstones.push(Tombstone {
            kind,
            id,
            deleted: now,
            document: Box::new(before),
        });
        self.touch(&concerned, now);
        self.revision += 1;
        Ok(())
    }

    /// Marks a document as sent by mail.
    pub(crate) fn note_extra(
        &mut self,
        kind: Kind,
        id: Id,
        now: Timestamp,
        edit: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>),
    ) {
        if let Some(document) = self.documents[kind.index()].get_mut(&id) {
            edit(document.extra.get_or_insert_default());
            document.stamp.touch(now);
            self.revision += 1;
            self.note(Subject::Document(kind, id), Act::Emailed, true);
        }
    }
}
