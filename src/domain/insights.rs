//! What stands out, each with the figures behind it.

use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::money::Money;

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
