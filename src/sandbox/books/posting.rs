//! How documents move balances: writing, applying, voiding and deleting them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Books, Detail, Document, Id, Kind, Line, List, Side, Tombstone};

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

/// Who is concerned by a change, so that their `LastUpdatedTime` moves.
type Concerned = BTreeSet<Id>;

impl Books {
    /// Adds (or, with a negative `sign`, takes away) what a document contributes to balances.
    ///
    /// An invoice counts by what is still owed, a credit memo and a payment by what is left of them, a
    /// posting on a receivables account by what no payment has used.
    fn weigh(&mut self, document: &Document, sign: Decimal, concerned: &mut Concerned) {
        let mut effects: Vec<(Id, Decimal)> = Vec::new();
        match (document.kind, document.customer) {
            (Kind::Invoice, Some(customer)) => effects.push((customer, document.open)),
            (Kind::CreditMemo | Kind::Payment, Some(customer)) => {
                effects.push((customer, -document.open));
            }
            _ => {}
        }
        for line in &document.lines {
            if let Detail::Posting {
                account,
                side,
                customer: Some(customer),
                open,
            } = line.detail
                && self.is_receivable(account)
            {
                effects.push((customer, side.signed(open)));
            }
        }
        for (customer, amount) in effects {
            if let Some(name) = self
                .names
                .get_mut(&List::Customer)
                .and_then(|customers| customers.get_mut(&customer))
            {
                name.balance += sign * amount;
                concerned.insert(customer);
            }
        }
    }

    /// Moves the `LastUpdatedTime` of customers, and leaves their `SyncToken` alone: so the API does.
    fn touch(&mut self, concerned: &Concerned, now: Timestamp) {
        let Some(customers) = self.names.get_mut(&List::Customer) else {
            return;
        };
        for id in concerned {
            if let Some(customer) = customers.get_mut(id) {
                customer.stamp.touch(now);
            }
        }
    }

    /// Changes one document in place, moving the balances that follow.
    fn change(
        &mut self,
        kind: Kind,
        id: Id,
        concerned: &mut Concerned,
        edit: impl FnOnce(&mut Document),
    ) {
        let Some(mut document) = self.documents[kind.index()].remove(&id) else {
            return;
        };
        self.weigh(&document, Decimal::NEGATIVE_ONE, concerned);
        edit(&mut document);
        self.weigh(&document, Decimal::ONE, concerned);
        self.documents[kind.index()].insert(id, document);
    }

    /// What is left open at the far end of an application.
    fn open_at(&self, kind: Kind, id: Id, line: Option<usize>) -> Option<Decimal> {
        let document = self.document(kind, id)?;
        match kind {
            Kind::Invoice | Kind::CreditMemo => Some(document.open),
            Kind::JournalEntry | Kind::Deposit | Kind::Purchase => {
                match document.lines.get(line?)?.detail {
                    Detail::Posting { open, .. } => Some(open),
                    _ => None,
                }
            }
            Kind::Payment | Kind::SalesReceipt | Kind::RefundReceipt => None,
        }
    }

    /// Whether an application takes from the payment (a debt settled) or gives to it (a credit used).
    fn is_charge(&self, kind: Kind, id: Id, line: Option<usize>) -> bool {
        match kind {
            Kind::Invoice => true,
            Kind::JournalEntry | Kind::Deposit | Kind::Purchase => self
                .document(kind, id)
                .zip(line)
                .and_then(|(document, line)| document.lines.get(line))
                .is_some_and(|line| {
                    matches!(
                        line.detail,
                        Detail::Posting {
                            side: Side::Debit,
                            ..
                        }
                    )
                }),
            _ => false,
        }
    }

    /// The line of a journal entry, deposit or purchase that a payment of `customer` can use.
    pub(crate) fn receivable_line(
        &self,
        kind: Kind,
        id: Id,
        customer: Option<Id>,
    ) -> Option<usize> {
        let document = self.document(kind, id)?;
        let candidates = |needs_open: bool| {
            document.lines.iter().position(|line| {
                matches!(line.detail, Detail::Posting { account, customer: whose, open, .. }
                    if self.is_receivable(account)
                        && whose == customer
                        && (!needs_open || !open.is_zero()))
            })
        };
        candidates(true).or_else(|| candidates(false))
    }

    /// The unapplied amount of a payment with these lines.
    ///
    /// # Errors
    ///
    /// When a line goes nowhere, takes more than is open there, or all take more than there is.
    fn unapplied(&self, total: Decimal, lines: &[Line]) -> Result<Decimal, Refusal> {
        let mut left = total;
        for line in lines {
            let Detail::Applied { kind, to, line: at } = line.detail else {
                continue;
            };
            let open = self.open_at(kind, to, at).ok_or(Refusal::NotFound)?;
            if line.amount > open {
                return Err(Refusal::TooMuchApplied);
            }
            if self.is_charge(kind, to, at) {
                left -= line.amount;
            } else {
                left += line.amount;
            }
        }
        if left.is_sign_negative() && !left.is_zero() {
            return Err(Refusal::TooMuchApplied);
        }
        Ok(left)
    }

    /// Takes (`sign` = 1) or gives back (-1) what a payment's lines apply.
    fn apply_lines(
        &mut self,
        payment: Id,
        lines: &[Line],
        sign: Decimal,
        now: Timestamp,
        concerned: &mut Concerned,
    ) {
        for line in lines {
            let Detail::Applied { kind, to, line: at } = line.detail else {
                continue;
            };
            let amount = sign * line.amount;
            self.change(kind, to, concerned, |document| {
                match at.and_then(|at| document.lines.get_mut(at)) {
                    Some(posting) => {
                        if let Detail::Posting { open, .. } = &mut posting.detail {
                            *open -= amount;
                        }
                    }
                    None => document.open -= amount,
                }
                document
                    .links
                    .retain(|link| *link != (Kind::Payment, payment));
                if sign.is_sign_positive() {
                    document.links.push((Kind::Payment, payment));
                }
                document.stamp.bump(now);
            });
        }
    }

    /// Writes a new document and gives its id.
    ///
    /// # Errors
    ///
    /// When a payment applies what is not there.
    pub(crate) fn post(&mut self, mut document: Document, now: Timestamp) -> Result<Id, Refusal> {
        if document.kind == Kind::Payment {
            document.open = self.unapplied(document.total, &document.lines)?;
        }
        if document.id == 0 {
            document.id = self.next_document;
        }
        self.next_document = self.next_document.max(document.id + 1);
        let id = document.id;
        let mut concerned = Concerned::new();
        self.apply_lines(id, &document.lines, Decimal::ONE, now, &mut concerned);
        self.bank(id, &document.lines, true, now);
        self.weigh(&document, Decimal::ONE, &mut concerned);
        concerned.extend(document.customer);
        self.documents[document.kind.index()].insert(id, document);
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
        self.documents[document.kind.index()].insert(id, document);
        self.touch(&concerned, now);
        self.revision += 1;
        Ok(())
    }

    /// Notes on the payments of a deposit that they lie in it, or no longer do.
    fn bank(&mut self, deposit: Id, lines: &[Line], banked: bool, now: Timestamp) {
        for line in lines {
            let Detail::Banked { payment } = line.detail else {
                continue;
            };
            self.change(Kind::Payment, payment, &mut Concerned::new(), |document| {
                document
                    .links
                    .retain(|link| *link != (Kind::Deposit, deposit));
                if banked {
                    document.links.push((Kind::Deposit, deposit));
                }
                document.stamp.touch(now);
            });
        }
    }

    /// Takes away every payment line that points at a document; the money becomes unapplied.
    fn release(&mut self, kind: Kind, id: Id, now: Timestamp, concerned: &mut Concerned) {
        let payments: Vec<Id> = self
            .document(kind, id)
            .map(|document| {
                let mut payments: Vec<Id> = document
                    .links
                    .iter()
                    .filter(|(kind, _)| *kind == Kind::Payment)
                    .map(|(_, id)| *id)
                    .collect();
                payments.dedup();
                payments
            })
            .unwrap_or_default();
        for payment in payments {
            let Some(document) = self.document(Kind::Payment, payment) else {
                continue;
            };
            let total = document.total;
            let lines = document.lines.clone();
            self.apply_lines(payment, &lines, Decimal::NEGATIVE_ONE, now, concerned);
            let mut kept: Vec<Line> = lines
                .into_iter()
                .filter(|line| {
                    !matches!(line.detail, Detail::Applied { kind: there, to, .. }
                        if there == kind && to == id)
                })
                .collect();
            // What joined a debt and a credit has no meaning without one of them.
            let open = loop {
                match self.unapplied(total, &kept) {
                    Ok(open) if open <= total => break open,
                    _ if kept.is_empty() => break total,
                    _ => {
                        kept.pop();
                    }
                }
            };
            self.apply_lines(payment, &kept, Decimal::ONE, now, concerned);
            self.change(Kind::Payment, payment, concerned, |document| {
                document.lines = kept;
                document.open = open;
                document.stamp.bump(now);
            });
        }
    }

    /// Voids a document: it stays, with all its amounts zero and a note.
    ///
    /// # Errors
    ///
    /// When there is none, or it is a payment that lies in a deposit.
    pub(crate) fn void(&mut self, kind: Kind, id: Id, now: Timestamp) -> Result<(), Refusal> {
        let before = self.document(kind, id).ok_or(Refusal::NotFound)?.clone();
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
        self.tombstones.push(Tombstone {
            kind,
            id,
            deleted: now,
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
        }
    }

    /// Every customer's balance, added up from documents: what [`super::Name::balance`] must equal.
    pub(crate) fn computed_balances(&self) -> BTreeMap<Id, Decimal> {
        let mut balances = BTreeMap::new();
        let mut add = |customer: Id, amount: Decimal| {
            *balances.entry(customer).or_insert(Decimal::ZERO) += amount;
        };
        for document in Kind::ALL.into_iter().flat_map(|kind| self.documents(kind)) {
            match (document.kind, document.customer) {
                (Kind::Invoice, Some(customer)) => add(customer, document.open),
                (Kind::CreditMemo | Kind::Payment, Some(customer)) => add(customer, -document.open),
                _ => {}
            }
            for line in &document.lines {
                if let Detail::Posting {
                    account,
                    side,
                    customer: Some(customer),
                    open,
                } = line.detail
                    && self.is_receivable(account)
                {
                    add(customer, side.signed(open));
                }
            }
        }
        balances
    }
}
