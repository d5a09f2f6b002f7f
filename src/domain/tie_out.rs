//! Our outstanding against the ledger's own figure.
//!
//! Compared without any date cut, because the ledger's figure has none: every issued document and
//! every application counts, whatever its date.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::document::{DocumentId, Side};
use super::history::{Entry, History};
use super::money::{Currency, Money};

/// How many documents are named at most behind one difference.
const MAX_SUSPECTS: usize = 5;

/// The outcome of the comparison. Compared without any date cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TieOutStatus {
    /// Equal to the cent.
    Ties,
    /// Not equal.
    Differs {
        /// Ours less the ledger's.
        difference: Money,
        /// The documents most likely behind it, likeliest first.
        suspects: Vec<DocumentId>,
    },
    /// The ledger gives no figure to compare with, or none in the currency of what is open.
    NotCheckable,
}

/// Ours against the ledger's, in the customer's own currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TieOut {
    /// The outcome; with several customers the worst: one that differs, then one not checkable.
    pub status: TieOutStatus,
    /// Our outstanding by all documents, whatever their date. With several customers the sum over
    /// those compared; where that is no one sum (several currencies, or differences that cancel each
    /// other out), the largest difference's. `None` where nothing can be named.
    pub ours: Option<Money>,
    /// The ledger's own figure for the same.
    pub ledger: Option<Money>,
    /// Whether documents dated after the day exist: ours by date and the ledger's may then differ
    /// rightly.
    pub future_dated: bool,
    /// By how much the ledger's figure is above ours, per currency. The credit decision adds it to
    /// the exposure, so that it rests on the larger of the two.
    pub ledger_excess: Vec<Money>,
}

/// One figure of ours beside the ledger's.
struct Comparison<'a> {
    currency: Currency,
    ours: Decimal,
    /// `None` where it cannot be compared.
    ledger: Option<Decimal>,
    /// The documents summed up in `ours`.
    entries: Vec<&'a Entry<'a>>,
}

impl Comparison<'_> {
    fn tie_out(&self) -> TieOut {
        let difference = self.ledger.map(|ledger| self.ours - ledger);
        let status = match difference {
            None => TieOutStatus::NotCheckable,
            Some(difference) if difference.is_zero() => TieOutStatus::Ties,
            Some(difference) => TieOutStatus::Differs {
                difference: Money::new(difference, self.currency),
                suspects: suspects(&self.entries),
            },
        };
        TieOut {
            status,
            ours: Some(Money::new(self.ours, self.currency)),
            ledger: self.ledger.map(|ledger| Money::new(ledger, self.currency)),
            future_dated: false,
            ledger_excess: Vec::new(),
        }
    }
}

/// A family against the ledger: each member against its own figure, and the whole against the
/// figure with sub-customers, where there are any and the ledger has one.
pub fn tie_out(history: &History<'_>, as_of: Date) -> TieOut {
    let mut members: Vec<_> = history
        .members()
        .iter()
        .map(|books| Comparison {
            currency: books.customer.currency,
            ours: Decimal::ZERO,
            ledger: books.customer.ledger_balance,
            entries: Vec::new(),
        })
        .collect();
    let mut whole = history.members().first().and_then(|root| {
        let ledger = root.customer.ledger_balance_with_children;
        (history.members().len() > 1 && ledger.is_some()).then(|| Comparison {
            currency: root.customer.currency,
            ours: Decimal::ZERO,
            ledger,
            entries: Vec::new(),
        })
    });
    let mut future_dated = false;
    for entry in history.entries().iter().filter(|entry| entry.counts()) {
        future_dated |= entry.document.issued_on > as_of;
        for comparison in members.get_mut(entry.member).into_iter().chain(&mut whole) {
            comparison.add(entry);
        }
    }

    let mut excess: BTreeMap<Currency, Decimal> = BTreeMap::new();
    for comparison in &members {
        if let Some(ledger) = comparison.ledger {
            *excess.entry(comparison.currency).or_default() += ledger - comparison.ours;
        }
    }
    let outcomes: Vec<_> = members.iter().map(Comparison::tie_out).collect();
    let mut outcome = TieOut::merge(&outcomes);
    if let Some(whole) = whole {
        if let Some(ledger) = whole.ledger {
            let sum = excess.entry(whole.currency).or_default();
            *sum = (*sum).max(ledger - whole.ours);
        }
        let whole = whole.tie_out();
        // Where a member differs, that says more than the sum does.
        if matches!(whole.status, TieOutStatus::Differs { .. })
            && !matches!(outcome.status, TieOutStatus::Differs { .. })
        {
            outcome = whole;
        }
    }
    outcome.future_dated = future_dated;
    outcome.ledger_excess = excess
        .into_iter()
        .filter(|(_, amount)| *amount > Decimal::ZERO)
        .map(|(currency, amount)| Money::new(amount, currency))
        .collect();
    outcome
}

impl<'a> Comparison<'a> {
    fn add(&mut self, entry: &'a Entry<'a>) {
        let open = entry.open_undated();
        if entry.document.currency != self.currency && !open.is_zero() {
            // The ledger's figure is in the customer's currency: it says nothing of this one.
            self.ledger = None;
        }
        if entry.document.currency == self.currency {
            self.ours += match entry.document.side {
                Side::Receivable => open,
                Side::Credit => -open,
                Side::Settled => Decimal::ZERO,
            };
        }
        self.entries.push(entry);
    }
}

/// The documents whose open amount the ledger states otherwise, the largest gap first; after them
/// those that changed last.
fn suspects(entries: &[&Entry<'_>]) -> Vec<DocumentId> {
    let mut ranked: Vec<_> = entries
        .iter()
        .map(|entry| {
            let stated = entry.document.ledger_open;
            let gap = stated.map_or(Decimal::ZERO, |stated| {
                (entry.open_undated() - stated).abs()
            });
            let document = entry.document;
            (Reverse(gap), Reverse(document.changed_at), &document.id)
        })
        .collect();
    ranked.sort();
    ranked
        .into_iter()
        .take(MAX_SUSPECTS)
        .map(|(_, _, id)| id.clone())
        .collect()
}

impl TieOut {
    /// Several customers' outcomes as one: the worst, over the sum of what was compared.
    pub fn merge<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let parts: Vec<_> = parts.into_iter().collect();
        let mut excess: BTreeMap<Currency, Decimal> = BTreeMap::new();
        for money in parts.iter().flat_map(|part| &part.ledger_excess) {
            *excess.entry(money.currency).or_default() += money.amount;
        }
        let (status, ours, ledger) = verdict(&parts);
        Self {
            status,
            ours,
            ledger,
            future_dated: parts.iter().any(|part| part.future_dated),
            ledger_excess: excess
                .into_iter()
                .map(|(currency, amount)| Money::new(amount, currency))
                .collect(),
        }
    }

    /// Ours less the ledger's, where they differ.
    pub fn difference(&self) -> Option<Money> {
        match &self.status {
            TieOutStatus::Differs { difference, .. } => Some(*difference),
            TieOutStatus::Ties | TieOutStatus::NotCheckable => None,
        }
    }
}

/// The worst status, with the two figures that it speaks of.
fn verdict(parts: &[&TieOut]) -> (TieOutStatus, Option<Money>, Option<Money>) {
    let compared = parts.iter().filter(|part| part.ledger.is_some());
    let ours = sum(compared.clone().map(|part| part.ours));
    let ledger = sum(compared.map(|part| part.ledger));
    let largest = parts
        .iter()
        .filter_map(|part| part.difference().map(|difference| (difference, *part)))
        .max_by_key(|(difference, _)| difference.amount.abs());
    if let Some((largest_difference, largest)) = largest {
        let suspects = parts
            .iter()
            .filter_map(|part| match &part.status {
                TieOutStatus::Differs { suspects, .. } => Some(suspects),
                TieOutStatus::Ties | TieOutStatus::NotCheckable => None,
            })
            .flatten()
            .take(MAX_SUSPECTS)
            .cloned()
            .collect();
        let of_the_sum = ours.zip(ledger).and_then(|(ours, ledger)| {
            let difference = Money::new(ours.amount - ledger.amount, ours.currency);
            (!difference.amount.is_zero()).then_some((difference, Some(ours), Some(ledger)))
        });
        let (difference, ours, ledger) =
            of_the_sum.unwrap_or((largest_difference, largest.ours, largest.ledger));
        let status = TieOutStatus::Differs {
            difference,
            suspects,
        };
        return (status, ours, ledger);
    }
    let checkable = |part: &&TieOut| part.status == TieOutStatus::Ties;
    if !parts.is_empty() && parts.iter().all(checkable) {
        (TieOutStatus::Ties, ours, ledger)
    } else {
        let ours = sum(parts.iter().map(|part| part.ours));
        (TieOutStatus::NotCheckable, ours, None)
    }
}

/// The sum; `None` over several currencies, over nothing, and where an amount is missing.
fn sum(amounts: impl Iterator<Item = Option<Money>>) -> Option<Money> {
    amounts
        .reduce(|sum, next| sum?.checked_add(next?).ok())
        .flatten()
}

#[cfg(test)]
mod tests;
