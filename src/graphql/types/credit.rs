//! The answer to *may I sell more on account?*, and the credit standing behind it.

use async_graphql::{Enum, SimpleObject};

use super::money::{Amounts, Band, Money};
use super::scalars::{Date, Decimal};
use super::words;
use crate::domain::credit as domain;

/// May more be sold on account?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Decision")]
pub enum DecisionResult {
    /// Yes.
    Ok,
    /// Ask first.
    Caution,
    /// No.
    Hold,
    /// It cannot be said: the data is missing or too old.
    Unknown,
}

/// Why a decision is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ReasonCode")]
pub enum ReasonCode {
    /// The contact is linked to no customer.
    NotLinked,
    /// The first load is still under way.
    Syncing,
    /// A dataset that the balance needs is missing.
    Partial,
    /// The data is older than the policy allows.
    TooOld,
    /// The limit's currency cannot be converted: there is no dated rate.
    NoRate,
    /// The exposure is above the limit.
    OverLimit,
    /// The limit is zero, which means cash only, and something is owed.
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

/// One reason of a decision, with the figure that it speaks of.
#[derive(Clone, Debug, SimpleObject)]
pub struct Reason {
    /// Which reason.
    pub code: ReasonCode,
    /// The reason in English words, without amounts where the viewer may not see them. A client with
    /// a language of its own makes the words from the other fields.
    pub message: String,
    /// The amount that it speaks of; null where there is none or the viewer may not see it.
    pub amount: Option<Money>,
    /// The days that it speaks of (days past due).
    pub days: Option<u32>,
    /// The share that it speaks of, as a fraction. Null in a check of an amount where the viewer may
    /// not see amounts: with an amount of one's own choice it tells the others.
    pub share: Option<Decimal>,
    /// The date that it speaks of (when a limit ended).
    pub date: Option<Date>,
}

impl Reason {
    fn new(reason: &domain::Reason, amounts: Amounts) -> Self {
        Self {
            code: reason.code.into(),
            message: words::reason(reason, amounts),
            amount: reason.amount.and_then(|amount| amounts.money(amount)),
            days: reason.days,
            share: reason.share.map(Decimal),
            date: reason.date.map(Date),
        }
    }
}

/// A decision with all that is needed to explain and to repeat it.
#[derive(Clone, Debug, SimpleObject)]
pub struct CreditDecision {
    /// The answer.
    pub result: DecisionResult,
    /// Why, weightiest first; never empty.
    pub reasons: Vec<Reason>,
    /// Which policy decided.
    pub policy_version: String,
    /// SHA-256 over every input of the decision, in hexadecimal: equal inputs, equal hash. Null
    /// where the viewer may not see amounts, which could be guessed from it.
    pub inputs_hash: Option<String>,
    /// The day that it speaks of.
    pub as_of: Date,
}

impl CreditDecision {
    /// A decision as the viewer may see it.
    pub fn new(decision: &domain::CreditDecision, amounts: Amounts) -> Self {
        Self {
            result: decision.decision.into(),
            reasons: decision
                .reasons
                .iter()
                .map(|reason| Reason::new(reason, amounts))
                .collect(),
            policy_version: decision.policy_version.to_string(),
            inputs_hash: amounts.shown().then(|| decision.inputs_hash.clone()),
            as_of: Date(decision.as_of),
        }
    }

    /// The decision about an amount that the viewer chose. The share of the limit that would be used
    /// is for those who may see the limit: the amount divided by it is the limit.
    pub fn of_check(decision: &domain::CreditDecision, amounts: Amounts) -> Self {
        if amounts.shown() {
            return Self::new(decision, amounts);
        }
        let mut told = decision.clone();
        for reason in &mut told.reasons {
            reason.share = None;
        }
        Self::new(&told, amounts)
    }
}

/// Where a credit limit came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::LimitOrigin")]
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

/// A credit limit as it was set. No limit at all is null; a limit of zero means cash only.
#[derive(Clone, Debug, SimpleObject)]
pub struct CreditLimit {
    /// How much may stand open.
    pub limit: Option<Money>,
    /// Where it came from.
    pub origin: LimitOrigin,
    /// The first day that it holds.
    pub valid_from: Date,
    /// The last day that it holds; null for no end.
    pub valid_to: Option<Date>,
    /// Why, in the words of the person who set it.
    pub reason: String,
    /// Who set it: the CRM user's id, or the operator.
    pub actor: String,
}

impl CreditLimit {
    /// A limit as the viewer may see it.
    pub fn new(limit: &domain::CreditLimit, amounts: Amounts) -> Self {
        Self {
            limit: amounts.money(limit.limit),
            origin: limit.origin.into(),
            valid_from: Date(limit.valid_from),
            valid_to: limit.valid_to.map(Date),
            reason: limit.reason.to_string(),
            actor: limit.actor.to_string(),
        }
    }
}

/// What an exposure may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ExposurePartKind")]
pub enum ExposurePartKind {
    /// Issued and open.
    GrossReceivable,
    /// Credit that lowers it.
    UnappliedCredit,
    /// By how much the ledger's own figure is larger than ours.
    LedgerDifference,
}

/// One part of the exposure.
#[derive(Clone, Debug, SimpleObject)]
pub struct ExposurePart {
    /// Which part.
    pub kind: ExposurePartKind,
    /// Its amount, signed as it enters the sum.
    pub amount: Option<Money>,
}

/// A credit limit and what stands against it.
#[derive(Clone, Debug, SimpleObject)]
pub struct Credit {
    /// The limit in force, or the last one that ended. Null where none was ever set, or where the
    /// viewer may not see amounts: `limitOrigin` tells the two apart.
    pub limit: Option<Money>,
    /// Where the limit came from; null where none was ever set.
    pub limit_origin: Option<LimitOrigin>,
    /// The last day of the limit; null for no end.
    pub valid_to: Option<Date>,
    /// Whether the limit has ended.
    pub expired: bool,
    /// What stands against the limit, in the limit's currency. Null where a conversion lacks a rate.
    pub exposure: Option<Money>,
    /// What the exposure is made of.
    pub parts: Vec<ExposurePart>,
    /// The limit less the exposure; negative when the limit is exceeded. Null without a limit in
    /// force.
    pub headroom: Option<Money>,
    /// The rough size of the headroom; NONE where none is left, null without a limit in force.
    pub headroom_band: Option<Band>,
    /// Exposure / limit as a fraction; null where the limit is missing or zero.
    pub utilization: Option<Decimal>,
}

impl Credit {
    /// A credit standing as the viewer may see it.
    pub fn new(credit: &domain::Credit, amounts: Amounts) -> Self {
        let limit = credit.limit.as_ref();
        Self {
            limit: limit.and_then(|limit| amounts.money(limit.limit)),
            limit_origin: limit.map(|limit| limit.origin.into()),
            valid_to: limit.and_then(|limit| limit.valid_to).map(Date),
            expired: credit.limit_expired,
            exposure: credit.exposure.and_then(|exposure| amounts.money(exposure)),
            parts: credit
                .parts
                .iter()
                .map(|part| ExposurePart {
                    kind: part.kind.into(),
                    amount: amounts.money(part.amount),
                })
                .collect(),
            headroom: credit.headroom.and_then(|headroom| amounts.money(headroom)),
            headroom_band: credit.headroom.map(Band::of_room),
            utilization: credit
                .utilization
                .map(|share| Decimal(share.round_dp(4).normalize())),
        }
    }
}
