//! What stands out, each with the figures behind it. The thresholds stand at the head as constants.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::balance::Balance;
use super::behavior::PaymentBehavior;
use super::credit::Credit;
use super::document::Side;
use super::exposure::reaches_share;
use super::history::History;
use super::money::{Currency, Money};
use super::purchases::RegularPurchase;
use super::terms::days_between;

/// Usually prompt: no more than this many weighted days beyond terms.
const PROMPT_DAYS: Decimal = Decimal::from_parts(3, 0, 0, false, 0);

/// Suddenly late: the oldest open invoice is at least this many days past due.
const SUDDENLY_LATE_DAYS: u32 = 14;

/// Chronically late: at least this many weighted days beyond terms, ...
const CHRONIC_DAYS: Decimal = Decimal::from_parts(10, 0, 0, false, 0);

/// ... and at most this share of invoices on time.
const CHRONIC_ON_TIME_RATE: Decimal = Decimal::from_parts(5, 0, 0, false, 1);

/// A purchase is due from this many days ahead of its usual day.
const REORDER_AHEAD_DAYS: i32 = 7;

/// What is bought more often than this is no event to speak of.
const REORDER_MIN_INTERVAL_DAYS: u32 = 7;

/// So many due purchases are named at most.
const MAX_REORDERS: usize = 3;

/// A limit that ends within this many days is spoken of.
const LIMIT_EXPIRES_WITHIN_DAYS: i32 = 30;

/// Something that a rep should know before the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Insight {
    /// Usually prompt, now late: a payment plan may help.
    SuddenlyLate {
        /// Usual days beyond terms.
        usual_days: Decimal,
        /// Days past due of the oldest open invoice.
        overdue_days: u32,
        /// How much is overdue.
        overdue: Money,
    },
    /// Late as a rule: no discount.
    ChronicallyLate {
        /// Amount-weighted days beyond terms.
        days_beyond_terms: Decimal,
        /// Share of invoices paid on time, a fraction.
        on_time_rate: Decimal,
        /// Invoices behind the figures.
        settled_count: u32,
    },
    /// Money came in that is not yet applied: do not chase.
    UnappliedReceipt {
        /// How much.
        amount: Money,
        /// When the newest of it came.
        received_on: Date,
    },
    /// A regular purchase is due or overdue.
    ReorderDue {
        /// The item's name.
        item: Arc<str>,
        /// When it was last bought.
        last_bought: Date,
        /// When the next purchase would be usual.
        next_due: Date,
    },
    /// Most of the limit is used.
    LimitNearlyUsed {
        /// Exposure / limit, a fraction.
        utilization: Decimal,
        /// What is left.
        headroom: Money,
    },
    /// The limit ends soon.
    LimitExpires {
        /// The last day that it holds.
        valid_to: Date,
    },
}

/// All that insights are drawn from.
pub(super) struct Evidence<'a> {
    pub(super) as_of: Date,
    pub(super) histories: &'a [&'a History<'a>],
    pub(super) balance: &'a Balance,
    pub(super) behavior: &'a [PaymentBehavior],
    /// The credit standing of each linked customer.
    pub(super) credits: &'a [&'a Credit],
    /// The share of the limit from which it is nearly used.
    pub(super) caution_utilization: Decimal,
    /// Soonest due first.
    pub(super) regular: &'a [RegularPurchase],
}

/// What stands out, in the order in which a rep should know it.
pub(super) fn insights(evidence: &Evidence<'_>) -> Vec<Insight> {
    let mut insights = unapplied_receipts(evidence);
    insights.extend(lateness(evidence));
    for credit in evidence.credits {
        insights.extend(limit_nearly_used(credit, evidence.caution_utilization));
        insights.extend(limit_expires(credit, evidence.as_of));
    }
    insights.extend(reorders(evidence.regular, evidence.as_of));
    insights
}

/// Cash that came in and is not applied, where something is open that it may be meant for.
fn unapplied_receipts(evidence: &Evidence<'_>) -> Vec<Insight> {
    let mut receipts: BTreeMap<Currency, (Decimal, Date)> = BTreeMap::new();
    let entries = evidence
        .histories
        .iter()
        .flat_map(|history| history.entries());
    for entry in entries {
        let document = entry.document;
        if document.side != Side::Credit || !document.id.kind.is_cash() {
            continue;
        }
        let left = entry.open_on(evidence.as_of);
        if left > Decimal::ZERO {
            let (sum, newest) = receipts
                .entry(document.currency)
                .or_insert((Decimal::ZERO, document.issued_on));
            *sum += left;
            *newest = document.issued_on.max(*newest);
        }
    }
    receipts
        .into_iter()
        .filter(|(currency, _)| {
            let owed = &evidence.balance.by_currency;
            owed.iter()
                .any(|part| part.currency == *currency && part.gross_receivable > Decimal::ZERO)
        })
        .map(
            |(currency, (amount, received_on))| Insight::UnappliedReceipt {
                amount: Money::new(amount, currency),
                received_on,
            },
        )
        .collect()
}

/// Late out of habit, or against it.
fn lateness(evidence: &Evidence<'_>) -> impl Iterator<Item = Insight> {
    evidence.behavior.iter().filter_map(|usual| {
        let chronic =
            usual.days_beyond_terms >= CHRONIC_DAYS && usual.on_time_rate <= CHRONIC_ON_TIME_RATE;
        if chronic {
            return Some(Insight::ChronicallyLate {
                days_beyond_terms: usual.days_beyond_terms,
                on_time_rate: usual.on_time_rate,
                settled_count: usual.settled_count,
            });
        }
        let owed = evidence
            .balance
            .by_currency
            .iter()
            .find(|part| part.currency == usual.currency)?;
        let overdue_days = owed.oldest_overdue_days?;
        // Where credit covers what is overdue, the money is there and only waits to be applied.
        let covered = owed.unapplied_credit >= owed.overdue;
        let sudden = usual.days_beyond_terms <= PROMPT_DAYS
            && overdue_days >= SUDDENLY_LATE_DAYS
            && !covered;
        sudden.then(|| Insight::SuddenlyLate {
            usual_days: usual.days_beyond_terms,
            overdue_days,
            overdue: Money::new(owed.overdue, owed.currency),
        })
    })
}

/// Most of the limit is used, and it is not yet passed: then the decision says so.
fn limit_nearly_used(credit: &Credit, caution_utilization: Decimal) -> Option<Insight> {
    let (utilization, headroom) = credit.utilization.zip(credit.headroom)?;
    let (limit, exposure) = credit.limit.as_ref().zip(credit.exposure)?;
    let near = reaches_share(exposure, limit.limit, caution_utilization)
        && headroom.amount >= Decimal::ZERO;
    near.then_some(Insight::LimitNearlyUsed {
        utilization,
        headroom,
    })
}

/// The limit in force ends soon.
fn limit_expires(credit: &Credit, as_of: Date) -> Option<Insight> {
    let limit = credit.limit.as_ref().filter(|_| !credit.limit_expired)?;
    let valid_to = limit.valid_to?;
    let soon = days_between(as_of, valid_to) <= LIMIT_EXPIRES_WITHIN_DAYS;
    soon.then_some(Insight::LimitExpires { valid_to })
}

/// Regular purchases that are due about now. One that was skipped for a whole interval has stopped.
fn reorders(regular: &[RegularPurchase], as_of: Date) -> impl Iterator<Item = Insight> {
    regular
        .iter()
        .filter(move |purchase| {
            let late_by = days_between(purchase.next_due, as_of);
            let skipped =
                u32::try_from(late_by).is_ok_and(|late_by| late_by > purchase.usual_interval_days);
            purchase.usual_interval_days >= REORDER_MIN_INTERVAL_DAYS
                && late_by >= -REORDER_AHEAD_DAYS
                && !skipped
        })
        .take(MAX_REORDERS)
        .map(|purchase| Insight::ReorderDue {
            item: purchase.name.clone(),
            last_bought: purchase.last_bought,
            next_due: purchase.next_due,
        })
}

#[cfg(test)]
mod tests;
