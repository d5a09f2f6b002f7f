//! Applications: what payments settle and use, and what deposits bring to the bank.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::balance::Concerned;
use super::{Books, Detail, Id, Kind, Line, Refusal, Side};

impl Books {
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
    pub(super) fn unapplied(&self, total: Decimal, lines: &[Line]) -> Result<Decimal, Refusal> {
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
    pub(super) fn apply_lines(
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
                    // Nearly all documents are settled by one payment.
                    document.links.reserve_exact(1);
                    document.links.push((Kind::Payment, payment));
                }
                document.stamp.bump(now);
            });
        }
    }

    /// Notes on the payments of a deposit that they lie in it, or no longer do.
    pub(super) fn bank(&mut self, deposit: Id, lines: &[Line], banked: bool, now: Timestamp) {
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
    pub(super) fn release(
        &mut self,
        kind: Kind,
        id: Id,
        now: Timestamp,
        concerned: &mut Concerned,
    ) {
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
}
