//! How a customer usually pays.

use async_graphql::SimpleObject;
use rust_decimal::Decimal as Number;

use super::scalars::{CurrencyCode, Date, Decimal};
use crate::domain::behavior as domain;

/// How each figure of [`PaymentBehavior`] is computed: such figures bear the same names and mean
/// different things in different products.
const METHOD: &str = "Over the invoices settled in the last 365 days; settled is the day on which \
    nothing was open any more because of payments, and those closed by credit alone are counted \
    apart. Average days to pay: the mean of settled less issued. Days beyond terms: for each payment \
    its days from the due date, weighted by its amount; negative is early. Current delay: the same \
    with what is open and overdue counted up to today. On-time rate: settled on or before the due \
    date, of those settled and those open and overdue. Trend: days beyond terms of the last 90 days \
    against the 275 days before.";

/// Days beyond terms in two stretches of time.
#[derive(Clone, Debug, SimpleObject)]
pub struct Trend {
    /// Of the last 90 days.
    pub recent: Decimal,
    /// Invoices behind `recent`.
    pub recent_count: u32,
    /// Of the 275 days before.
    pub earlier: Decimal,
    /// Invoices behind `earlier`.
    pub earlier_count: u32,
}

/// How a customer paid over the last 365 days, in one currency. Shown from 3 settled invoices on.
#[derive(Clone, Debug, SimpleObject)]
pub struct PaymentBehavior {
    /// The currency whose amounts weigh the figures.
    pub currency: CurrencyCode,
    /// The first day of the 365.
    pub since: Date,
    /// How many invoices were settled by payment: the number behind every figure here.
    pub settled_count: u32,
    /// How many were closed by credit alone; in no figure here.
    pub settled_by_credit_count: u32,
    /// Mean days from issue to settlement.
    pub average_days_to_pay: Decimal,
    /// Days between due date and payment, weighted by amount; negative is early.
    pub days_beyond_terms: Decimal,
    /// The same with open overdue invoices counted up to today.
    pub current_delay: Decimal,
    /// Share of invoices paid on time, as a fraction.
    pub on_time_rate: Decimal,
    /// The same share by amount.
    pub on_time_rate_by_amount: Decimal,
    /// Whether it gets better or worse; null where one of the stretches has no settled invoice.
    pub trend: Option<Trend>,
    /// How each figure is computed, in words.
    pub method: &'static str,
}

impl From<&domain::PaymentBehavior> for PaymentBehavior {
    fn from(behavior: &domain::PaymentBehavior) -> Self {
        Self {
            currency: CurrencyCode(behavior.currency),
            since: Date(behavior.since),
            settled_count: behavior.settled_count,
            settled_by_credit_count: behavior.settled_by_credit_count,
            average_days_to_pay: rounded(behavior.average_days_to_pay),
            days_beyond_terms: rounded(behavior.days_beyond_terms),
            current_delay: rounded(behavior.current_delay),
            on_time_rate: rounded(behavior.on_time_rate),
            on_time_rate_by_amount: rounded(behavior.on_time_rate_by_amount),
            trend: behavior.trend.as_ref().map(|trend| Trend {
                recent: rounded(trend.recent),
                recent_count: trend.recent_count,
                earlier: rounded(trend.earlier),
                earlier_count: trend.earlier_count,
            }),
            method: METHOD,
        }
    }
}

/// Three places say more than anyone reads of a day or a share.
fn rounded(figure: Number) -> Decimal {
    Decimal(figure.round_dp(3).normalize())
}
