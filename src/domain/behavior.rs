//! How a customer usually pays. Per currency; window and formulas by the definitions in
//! `ARCHITECTURE.md`.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::document::DocumentKind;
use super::history::{Entry, History};
use super::money::Currency;
use super::rounding;
use super::terms::days_between;

/// Days beyond terms in two stretches of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trend {
    /// Amount-weighted days beyond terms of the last 90 days.
    pub recent: Decimal,
    /// Invoices behind `recent`.
    pub recent_count: u32,
    /// The same of the 275 days before.
    pub earlier: Decimal,
    /// Invoices behind `earlier`.
    pub earlier_count: u32,
}

/// How a customer paid, in one currency, over the last 365 days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentBehavior {
    /// The currency of the weights.
    pub currency: Currency,
    /// The window's first day.
    pub since: Date,
    /// Invoices settled by cash in the window: the n of every figure here, 3 or more.
    pub settled_count: u32,
    /// Invoices closed in the window by credit alone; in no figure here.
    pub settled_by_credit_count: u32,
    /// Mean of settled less issued, in days.
    pub average_days_to_pay: Decimal,
    /// Amount-weighted days between due date and each payment; negative is early.
    pub days_beyond_terms: Decimal,
    /// The same with open overdue invoices counted up to the day.
    pub current_delay: Decimal,
    /// Share of invoices settled on or before the due date, of those settled and those open and
    /// overdue; a fraction.
    pub on_time_rate: Decimal,
    /// The same share by amount.
    pub on_time_rate_by_amount: Decimal,
    /// `None` where one of the stretches has no settled invoice.
    pub trend: Option<Trend>,
}

/// Days of the window, the day itself among them.
const WINDOW_DAYS: i32 = 365;

/// Days of the window's recent stretch.
const RECENT_DAYS: i32 = 90;

/// Below so many settled invoices nothing is said.
const FEWEST_SETTLED: u32 = 3;

/// How the customers behind the histories paid, per currency, ordered by code; nothing for a
/// currency with fewer than 3 invoices settled by cash in the window.
pub fn behavior(histories: &[&History<'_>], as_of: Date) -> Vec<PaymentBehavior> {
    let since = as_of.saturating_sub((WINDOW_DAYS - 1).days());
    let mut evidence: BTreeMap<Currency, Evidence> = BTreeMap::new();
    let entries = histories.iter().flat_map(|history| history.entries());
    for entry in entries.filter(|entry| entry.counts()) {
        let (DocumentKind::Invoice, Some(due)) = (entry.document.id.kind, entry.due) else {
            continue;
        };
        let outcome = Outcome::of(entry, due.on, as_of);
        evidence
            .entry(entry.document.currency)
            .or_default()
            .add(entry, due.on, since, as_of, outcome);
    }
    evidence
        .into_iter()
        .filter_map(|(currency, evidence)| evidence.conclude(currency, since))
        .collect()
}

/// What became of an invoice by a day.
#[derive(Clone, Copy)]
enum Outcome {
    /// Nothing was left open from this day on, and cash had a part in it.
    SettledByCash(Date),
    /// The same without any cash.
    SettledByCredit(Date),
    /// So much is open and past due.
    OpenOverdue(Decimal),
    /// Issued later, for nothing, or open and not yet due.
    Undecided,
}

impl Outcome {
    fn of(entry: &Entry<'_>, due_on: Date, as_of: Date) -> Self {
        let total = entry.document.total;
        if entry.document.issued_on > as_of || total <= Decimal::ZERO {
            return Self::Undecided;
        }
        let mut open = total;
        let mut by_cash = false;
        // Whole days at a time: in what order the ledger tells the applications of one day must not
        // matter.
        for day in entry
            .changes_until(as_of)
            .chunk_by(|one, next| one.counted_on == next.counted_on)
        {
            open += day.iter().map(|change| change.effect).sum::<Decimal>();
            by_cash |= day.iter().any(|change| change.other.kind.is_cash());
            match day.first() {
                Some(change) if open <= Decimal::ZERO && by_cash => {
                    return Self::SettledByCash(change.counted_on);
                }
                Some(change) if open <= Decimal::ZERO => {
                    return Self::SettledByCredit(change.counted_on);
                }
                _ => {}
            }
        }
        if due_on < as_of {
            Self::OpenOverdue(open)
        } else {
            Self::Undecided
        }
    }
}

/// A mean of days, weighted by amount.
#[derive(Clone, Copy, Default)]
struct WeightedDays {
    days_by_amount: Decimal,
    amount: Decimal,
}

impl WeightedDays {
    fn add(&mut self, days: i32, amount: Decimal) {
        self.days_by_amount += Decimal::from(days) * amount;
        self.amount += amount;
    }

    fn with(self, other: Self) -> Self {
        Self {
            days_by_amount: self.days_by_amount + other.days_by_amount,
            amount: self.amount + other.amount,
        }
    }

    /// `None` over nothing.
    fn mean(self) -> Option<Decimal> {
        self.days_by_amount
            .checked_div(self.amount)
            .map(rounding::days)
    }
}

/// Invoices settled by cash in one stretch of time.
#[derive(Default)]
struct Stretch {
    count: u32,
    beyond_terms: WeightedDays,
}

/// What one currency's invoices tell.
#[derive(Default)]
struct Evidence {
    recent: Stretch,
    earlier: Stretch,
    settled_by_credit: u32,
    days_to_pay: i64,
    settled_amount: Decimal,
    on_time: u32,
    on_time_amount: Decimal,
    open_overdue: u32,
    open_overdue_amount: Decimal,
    /// Of open overdue invoices: what was paid, and what is open counted to the day.
    open_beyond_terms: WeightedDays,
}

impl Evidence {
    fn add(&mut self, entry: &Entry<'_>, due_on: Date, since: Date, as_of: Date, outcome: Outcome) {
        let document = entry.document;
        match outcome {
            Outcome::SettledByCash(settled_on) if settled_on >= since => {
                let recent = days_between(settled_on, as_of) < RECENT_DAYS;
                let stretch = if recent {
                    &mut self.recent
                } else {
                    &mut self.earlier
                };
                stretch.count += 1;
                add_cash(&mut stretch.beyond_terms, entry, due_on, settled_on);
                self.days_to_pay += i64::from(days_between(document.issued_on, settled_on));
                self.settled_amount += document.total;
                if settled_on <= due_on {
                    self.on_time += 1;
                    self.on_time_amount += document.total;
                }
            }
            Outcome::SettledByCredit(settled_on) if settled_on >= since => {
                self.settled_by_credit += 1;
            }
            Outcome::OpenOverdue(open) => {
                self.open_overdue += 1;
                self.open_overdue_amount += document.total;
                add_cash(&mut self.open_beyond_terms, entry, due_on, as_of);
                self.open_beyond_terms
                    .add(days_between(due_on, as_of), open);
            }
            Outcome::SettledByCash(_) | Outcome::SettledByCredit(_) | Outcome::Undecided => {}
        }
    }

    fn conclude(&self, currency: Currency, since: Date) -> Option<PaymentBehavior> {
        let settled_count = self.recent.count + self.earlier.count;
        if settled_count < FEWEST_SETTLED {
            return None;
        }
        let settled = self.recent.beyond_terms.with(self.earlier.beyond_terms);
        let judged = Decimal::from(settled_count + self.open_overdue);
        let judged_amount = self.settled_amount + self.open_overdue_amount;
        Some(PaymentBehavior {
            currency,
            since,
            settled_count,
            settled_by_credit_count: self.settled_by_credit,
            average_days_to_pay: rounding::days(
                Decimal::from(self.days_to_pay).checked_div(Decimal::from(settled_count))?,
            ),
            days_beyond_terms: settled.mean()?,
            current_delay: settled.with(self.open_beyond_terms).mean()?,
            on_time_rate: rounding::share(Decimal::from(self.on_time).checked_div(judged)?),
            on_time_rate_by_amount: rounding::share(
                self.on_time_amount.checked_div(judged_amount)?,
            ),
            trend: self.trend(),
        })
    }

    fn trend(&self) -> Option<Trend> {
        Some(Trend {
            recent: self.recent.beyond_terms.mean()?,
            recent_count: self.recent.count,
            earlier: self.earlier.beyond_terms.mean()?,
            earlier_count: self.earlier.count,
        })
    }
}

/// Weighs each payment on an invoice until a day by its amount. What credit settled says nothing
/// about when the customer pays.
fn add_cash(days: &mut WeightedDays, entry: &Entry<'_>, due_on: Date, until: Date) {
    for change in entry.changes_until(until) {
        if change.other.kind.is_cash() {
            days.add(days_between(due_on, change.counted_on), -change.effect);
        }
    }
}

#[cfg(test)]
mod tests;
