//! Credit: the limit, what stands against it, and the decision whether to sell more on account.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::books::Customer;
use super::ids::CustomerKey;
use super::money::Money;

/// Where a limit came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitOrigin {
    /// Set by a person, for this customer.
    Manual,
    /// Read from a file by an operator, for this customer.
    Import,
    /// The ledger's own, read with the customer: it speaks where nobody ever set one here.
    Ledger,
    /// The tenant's default.
    TenantDefault,
}

/// A credit limit. No limit at all is the absence of this value; an amount of zero means cash only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditLimit {
    /// Whose limit it is; `None` for the tenant's default.
    pub customer: Option<CustomerKey>,
    /// How much may stand open, in the limit's own currency; never negative.
    pub limit: Money,
    /// Where it came from.
    pub origin: LimitOrigin,
    /// The first day that it holds.
    pub valid_from: Date,
    /// The last day that it holds; `None` for no end.
    pub valid_to: Option<Date>,
    /// Why, in the words of the person who set it.
    pub reason: Arc<str>,
    /// Who set it.
    pub actor: Arc<str>,
}

impl CreditLimit {
    /// The limit that the ledger itself states for a customer, in the customer's currency. It has no
    /// days: the ledger tells only what holds now. A negative one is no limit.
    pub fn of_ledger(key: &CustomerKey, customer: &Customer) -> Option<Self> {
        let amount = customer.credit_limit?;
        if amount.is_sign_negative() && !amount.is_zero() {
            return None;
        }
        Some(Self {
            customer: Some(key.clone()),
            limit: Money::new(amount, customer.currency),
            origin: LimitOrigin::Ledger,
            valid_from: Date::MIN,
            valid_to: None,
            reason: "stated by the ledger".into(),
            actor: "ledger".into(),
        })
    }
}

/// When to hold and when to warn. Versioned, so that a decision can be explained later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditPolicy {
    /// Names the policy in a decision.
    pub version: Arc<str>,
    /// HOLD when the oldest overdue document is at least this many days past due.
    pub hold_overdue_days: u32,
    /// CAUTION from this share of the limit, as a fraction (0.8).
    pub caution_utilization: Decimal,
    /// UNKNOWN once the data is this many seconds old.
    pub unknown_after_seconds: u64,
    /// Days past due that are not yet counted as overdue; 0 unless set, and shown.
    pub grace_days: u32,
}

impl CreditPolicy {
    /// The age from which no decision rests on the data.
    pub fn unknown_after(&self) -> Duration {
        Duration::from_secs(self.unknown_after_seconds)
    }
}

impl Default for CreditPolicy {
    fn default() -> Self {
        Self {
            version: "default-1".into(),
            hold_overdue_days: 60,
            caution_utilization: Decimal::new(8, 1),
            unknown_after_seconds: 24 * 60 * 60,
            grace_days: 0,
        }
    }
}

/// The answer to *may I sell more on account?* In the order in which they prevail where several
/// customers are behind one contact: a HOLD is certain whatever the unknown part would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Decision {
    /// Yes.
    Ok,
    /// Ask first.
    Caution,
    /// It cannot be said: the data is missing or too old.
    Unknown,
    /// No.
    Hold,
}

impl Decision {
    /// A stable word in capitals (`HOLD`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Caution => "CAUTION",
            Self::Unknown => "UNKNOWN",
            Self::Hold => "HOLD",
        }
    }
}

/// Why a decision is what it is. The order is that of weight within one decision, among reasons that
/// call for the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReasonCode {
    /// The contact is linked to no customer.
    NotLinked,
    /// The first load is still under way.
    Syncing,
    /// A dataset that the balance needs is missing.
    Partial,
    /// The data is older than the policy allows.
    TooOld,
    /// The limit's currency cannot be converted: no dated rate.
    NoRate,
    /// The exposure is above the limit.
    OverLimit,
    /// The limit is zero (cash only) and something is owed.
    CashOnly,
    /// The limit has ended.
    LimitExpired,
    /// Something has been overdue for too long.
    LongOverdue,
    /// Something is overdue.
    Overdue,
    /// Most of the limit is used.
    NearLimit,
    /// No limit is set.
    NoLimit,
    /// Our figure and the ledger's own differ.
    TieOutDifference,
    /// Consent is lost: the figures are the last known ones.
    Disconnected,
    /// Everything is in order.
    InOrder,
}

impl ReasonCode {
    /// A stable word in capitals (`OVER_LIMIT`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotLinked => "NOT_LINKED",
            Self::Syncing => "SYNCING",
            Self::Partial => "PARTIAL",
            Self::TooOld => "TOO_OLD",
            Self::NoRate => "NO_RATE",
            Self::OverLimit => "OVER_LIMIT",
            Self::CashOnly => "CASH_ONLY",
            Self::LimitExpired => "LIMIT_EXPIRED",
            Self::LongOverdue => "LONG_OVERDUE",
            Self::Overdue => "OVERDUE",
            Self::NearLimit => "NEAR_LIMIT",
            Self::NoLimit => "NO_LIMIT",
            Self::TieOutDifference => "TIE_OUT_DIFFERENCE",
            Self::Disconnected => "DISCONNECTED",
            Self::InOrder => "IN_ORDER",
        }
    }
}

/// One reason, with the figure behind it. Words for it are made where it is shown, so that a viewer
/// without amounts gets none in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Which reason.
    pub code: ReasonCode,
    /// The amount that it speaks of. A difference is told without its sign: by how much the limit is
    /// exceeded, what is left of it, by how much two figures differ.
    pub amount: Option<Money>,
    /// Days that it speaks of (days past due).
    pub days: Option<u32>,
    /// A share that it speaks of, as a fraction.
    pub share: Option<Decimal>,
    /// A date that it speaks of (when a limit ended).
    pub date: Option<Date>,
}

impl Reason {
    /// A reason without a figure.
    pub fn bare(code: ReasonCode) -> Self {
        Self {
            code,
            amount: None,
            days: None,
            share: None,
            date: None,
        }
    }
}

/// A decision with all that is needed to explain and to repeat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditDecision {
    /// The answer.
    pub decision: Decision,
    /// Why, weightiest first; never empty.
    pub reasons: Vec<Reason>,
    /// Which policy decided.
    pub policy_version: Arc<str>,
    /// SHA-256 over every input of the decision, in hexadecimal: equal inputs, equal hash.
    pub inputs_hash: String,
    /// The day that it speaks of.
    pub as_of: Date,
}

/// One part of the exposure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposurePart {
    /// Which part.
    pub kind: ExposurePartKind,
    /// Its amount, signed as it enters the sum, in the limit's currency.
    pub amount: Money,
}

/// The parts that an exposure may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExposurePartKind {
    /// Issued and open.
    GrossReceivable,
    /// Credit that lowers it.
    UnappliedCredit,
    /// The ledger's own figure is larger than ours by this much.
    LedgerDifference,
}

/// One customer's credit standing: limit and what stands against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The limit in force or the last one that ended; `None` when none was ever set.
    pub limit: Option<CreditLimit>,
    /// Whether the limit has ended before the day.
    pub limit_expired: bool,
    /// What stands against it, in the limit's currency, or the customer's where there is no limit.
    /// `None` where a conversion lacks a rate.
    pub exposure: Option<Money>,
    /// What the exposure is made of.
    pub parts: Vec<ExposurePart>,
    /// Limit less exposure; may be negative. `None` without a limit in force or an exposure.
    pub headroom: Option<Money>,
    /// Exposure / limit as a fraction; `None` where the limit is missing or zero.
    pub utilization: Option<Decimal>,
}
