//! How a customer usually pays. Per currency; window and formulas by the definitions in
//! `ARCHITECTURE.md`.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::money::Currency;

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
