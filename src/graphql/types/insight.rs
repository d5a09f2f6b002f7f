//! What stands out.

use async_graphql::{Enum, SimpleObject};

use super::money::{Amounts, Money};
use super::scalars::{Date, Decimal};
use super::words;
use crate::domain::insights as domain;

/// What an insight is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum InsightKind {
    /// Usually prompt, now late: a payment plan may help.
    SuddenlyLate,
    /// Late as a rule: no discount.
    ChronicallyLate,
    /// Money came in that is not yet applied: do not chase.
    UnappliedReceipt,
    /// A regular purchase is due or overdue.
    ReorderDue,
    /// Most of the credit limit is used.
    LimitNearlyUsed,
    /// The credit limit ends soon.
    LimitExpires,
}

/// Something that a rep should know before the call, with the figures behind it.
#[derive(Clone, Debug, SimpleObject)]
pub struct Insight {
    /// What it is about.
    pub kind: InsightKind,
    /// It in English words, without amounts where the viewer may not see them.
    pub message: String,
    /// The amount that it speaks of: overdue, received, left of the limit.
    pub amount: Option<Money>,
    /// The days that it speaks of: days past due, days beyond terms.
    pub days: Option<Decimal>,
    /// The share that it speaks of: paid on time, used of the limit; a fraction.
    pub share: Option<Decimal>,
    /// The date that it speaks of: received on, next due, last day of the limit.
    pub date: Option<Date>,
    /// The item that it speaks of.
    pub item: Option<String>,
}

impl Insight {
    /// An insight as the viewer may see it.
    pub fn new(insight: &domain::Insight, amounts: Amounts) -> Self {
        let bare = |kind| Self {
            kind,
            message: words::insight(insight, amounts),
            amount: None,
            days: None,
            share: None,
            date: None,
            item: None,
        };
        match insight {
            domain::Insight::SuddenlyLate {
                overdue_days,
                overdue,
                ..
            } => Self {
                amount: amounts.money(*overdue),
                days: Some(Decimal((*overdue_days).into())),
                ..bare(InsightKind::SuddenlyLate)
            },
            domain::Insight::ChronicallyLate {
                days_beyond_terms,
                on_time_rate,
                ..
            } => Self {
                days: Some(Decimal(days_beyond_terms.round_dp(3).normalize())),
                share: Some(Decimal(on_time_rate.round_dp(4).normalize())),
                ..bare(InsightKind::ChronicallyLate)
            },
            domain::Insight::UnappliedReceipt {
                amount,
                received_on,
            } => Self {
                amount: amounts.money(*amount),
                date: Some(Date(*received_on)),
                ..bare(InsightKind::UnappliedReceipt)
            },
            domain::Insight::ReorderDue { item, next_due, .. } => Self {
                date: Some(Date(*next_due)),
                item: Some(item.to_string()),
                ..bare(InsightKind::ReorderDue)
            },
            domain::Insight::LimitNearlyUsed {
                utilization,
                headroom,
            } => Self {
                amount: amounts.money(*headroom),
                share: Some(Decimal(utilization.round_dp(4).normalize())),
                ..bare(InsightKind::LimitNearlyUsed)
            },
            domain::Insight::LimitExpires { valid_to } => Self {
                date: Some(Date(*valid_to)),
                ..bare(InsightKind::LimitExpires)
            },
        }
    }
}
