//! What is owed: the fold of documents and their applications into a balance per currency.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::aging::{Aging, AgingBucket};
use super::books::ExchangeRate;
use super::document::DocumentState;
use super::exchange::Rates;
use super::history::History;
use super::money::{Currency, Money};
use super::terms::days_between;
use super::tie_out::{TieOut, tie_out};

/// What is owed in one currency. All amounts are in `currency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencyBalance {
    /// The currency of every amount here.
    pub currency: Currency,
    /// Sum of the open amounts of issued receivable documents.
    pub gross_receivable: Decimal,
    /// Sum of what remains of credits; positive.
    pub unapplied_credit: Decimal,
    /// Sum of the open amounts that are 1 or more days past due (after grace days, if any).
    pub overdue: Decimal,
    /// How many documents are overdue.
    pub overdue_count: u32,
    /// Days past due of the oldest overdue document.
    pub oldest_overdue_days: Option<u32>,
    /// Open amounts by age; sums up to `gross_receivable`.
    pub aging: Aging,
}

impl CurrencyBalance {
    /// Gross receivable less unapplied credit; negative when the customer is in credit.
    pub fn outstanding(&self) -> Decimal {
        self.gross_receivable - self.unapplied_credit
    }

    fn nothing(currency: Currency) -> Self {
        Self {
            currency,
            gross_receivable: Decimal::ZERO,
            unapplied_credit: Decimal::ZERO,
            overdue: Decimal::ZERO,
            overdue_count: 0,
            oldest_overdue_days: None,
            aging: Aging::default(),
        }
    }

    fn add_receivable(&mut self, open: Decimal, days_past_due: i32, grace_days: u32) {
        self.gross_receivable += open;
        self.aging.add(AgingBucket::of(days_past_due), open);
        let late = u32::try_from(days_past_due)
            .ok()
            .filter(|days| *days > grace_days);
        let Some(days) = late else { return };
        self.overdue += open;
        // One that was paid too much lowers the sum, and is not late itself.
        if open > Decimal::ZERO {
            self.overdue_count += 1;
            self.oldest_overdue_days = self.oldest_overdue_days.max(Some(days));
        }
    }

    fn add(&mut self, other: &Self) {
        self.gross_receivable += other.gross_receivable;
        self.unapplied_credit += other.unapplied_credit;
        self.overdue += other.overdue;
        self.overdue_count += other.overdue_count;
        self.oldest_overdue_days = self.oldest_overdue_days.max(other.oldest_overdue_days);
        for bucket in AgingBucket::ALL {
            self.aging.add(bucket, other.aging.get(bucket));
        }
    }
}

/// What is owed over all currencies, in one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalBalance {
    /// Gross receivable less unapplied credit.
    pub outstanding: Money,
    /// What is overdue.
    pub overdue: Money,
    /// The rates used, one for each foreign currency; empty where all is in one currency.
    pub rates: Vec<ExchangeRate>,
}

/// What is owed, per currency, with its tie-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// One entry for each currency with any issued document, ordered by code; for a customer that
    /// never bought, one zero entry in the customer's own currency.
    pub by_currency: Vec<CurrencyBalance>,
    /// The total in the organization's base currency, or in the one currency that there is;
    /// `None` with a missing rate, never a wrong total.
    pub total: Option<TotalBalance>,
    /// Ours against the ledger's own figure.
    pub tie_out: TieOut,
    /// How many open documents had no due date and no terms, so that their issue date stands in.
    pub assumed_due_dates: u32,
}

/// What a family owes on a day, with its tie-out.
///
/// Every amount comes from the documents and the dated applications; the ledger's own figures serve
/// the tie-out only.
pub fn balance(history: &History<'_>, rates: &Rates, grace_days: u32, as_of: Date) -> Balance {
    let mut by_currency: BTreeMap<Currency, CurrencyBalance> = BTreeMap::new();
    let mut assumed_due_dates = 0;
    for entry in history.entries() {
        let document = entry.document;
        if document.state != DocumentState::Issued || document.issued_on > as_of {
            continue;
        }
        let sums = by_currency
            .entry(document.currency)
            .or_insert_with(|| CurrencyBalance::nothing(document.currency));
        let open = entry.open_on(as_of);
        match entry.due {
            Some(due) => {
                sums.add_receivable(open, days_between(due.on, as_of), grace_days);
                assumed_due_dates += u32::from(due.assumed && !open.is_zero());
            }
            None => sums.unapplied_credit += open,
        }
    }
    if by_currency.is_empty()
        && let Some(root) = history.members().first()
    {
        let currency = root.customer.currency;
        by_currency.insert(currency, CurrencyBalance::nothing(currency));
    }
    let by_currency: Vec<_> = by_currency.into_values().collect();
    Balance {
        total: total(&by_currency, Some(rates)),
        by_currency,
        tie_out: tie_out(history, as_of),
        assumed_due_dates,
    }
}

/// The sum of balances of different customers, currency by currency, never across currencies.
/// Customers must not occur in two of them.
pub fn merge(parts: &[(&Balance, &Rates)]) -> Balance {
    let mut by_currency: BTreeMap<Currency, CurrencyBalance> = BTreeMap::new();
    for part in parts.iter().flat_map(|(balance, _)| &balance.by_currency) {
        by_currency
            .entry(part.currency)
            .or_insert_with(|| CurrencyBalance::nothing(part.currency))
            .add(part);
    }
    let by_currency: Vec<_> = by_currency.into_values().collect();
    let rates = Rates::common(parts.iter().map(|(_, rates)| *rates));
    Balance {
        total: total(&by_currency, rates.as_ref()),
        by_currency,
        tie_out: TieOut::merge(parts.iter().map(|(balance, _)| &balance.tie_out)),
        assumed_due_dates: parts
            .iter()
            .map(|(balance, _)| balance.assumed_due_dates)
            .sum(),
    }
}

/// All currencies in one: the only one there is, or the base currency by its rates.
fn total(by_currency: &[CurrencyBalance], rates: Option<&Rates>) -> Option<TotalBalance> {
    if let [only] = by_currency {
        return Some(TotalBalance {
            outstanding: Money::new(only.outstanding(), only.currency),
            overdue: Money::new(only.overdue, only.currency),
            rates: Vec::new(),
        });
    }
    let rates = rates?;
    let base = rates.base();
    let outstanding = by_currency
        .iter()
        .map(|part| Money::new(part.outstanding(), part.currency));
    let overdue = by_currency
        .iter()
        .map(|part| Money::new(part.overdue, part.currency));
    let needs_rate =
        |part: &&CurrencyBalance| !(part.outstanding().is_zero() && part.overdue.is_zero());
    Some(TotalBalance {
        outstanding: rates.sum(outstanding, base)?,
        overdue: rates.sum(overdue, base)?,
        rates: by_currency
            .iter()
            .filter(needs_rate)
            .filter_map(|part| rates.of(part.currency).cloned())
            .collect(),
    })
}

#[cfg(test)]
mod tests;
