//! Applications: what payments settle and use, and what deposits bring to the bank.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::balance::Concerned;
use super::{Act, Books, Detail, Document, Id, Kind, Line, Refusal, Side, Subject};

/// By what a debt is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The payment's own money.
    Money,
    /// A credit memo, or a posting that stands for a credit.
    Credit(Kind, Id),
}

/// One debt settled by one source: what a payment's lines, which stand side by side, come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) source: Source,
    /// What is settled.
    pub(crate) kind: Kind,
    pub(crate) to: Id,
    pub(crate) amount: Decimal,
}

impl Books {
    /// What settles what in a payment: its credits go to its debts in their order, its money to what is
    /// then left of them.
    pub(crate) fn parts(&self, payment: &Document) -> Vec<Part> {
        let mut credits: Vec<(Source, Decimal)> = Vec::new();
        let mut debts: Vec<(Kind, Id, Decimal)> = Vec::new();
        for line in &payment.lines {
            let Detail::Applied { kind, to, line: at } = line.detail else {
                continue;
            };
            if self.is_charge(kind, to, at) {
                debts.push((kind, to, line.amount));
            } else {
                credits.push((Source::Credit(kind, to), line.amount));
            }
        }
        credits.push((Source::Money, payment.total));
        let mut credits = credits.into_iter();
        let mut credit = credits.next();
        let mut parts = Vec::new();
        for (kind, to, mut owed) in debts {
            while let Some((source, left)) = &mut credit
                && !owed.is_zero()
            {
                let amount = owed.min(*left);
                if !amount.is_zero() {
                    parts.push(Part {
                        source: *source,
                        kind,
                        to,
                        amount,
                    });
                }
                owed -= amount;
                *left -= amount;
                if left.is_zero() {
                    credit = credits.next();
                }
            }
        }
        parts
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
            self.note(Subject::Document(kind, to), Act::Updated, false);
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
            let before = document.clone();
            let had = self.cash(&before);
            self.note(
                Subject::Document(Kind::Payment, payment),
                Act::Updated,
                false,
            );
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
            self.remember_cash(&before, had, now);
        }
    }
}
