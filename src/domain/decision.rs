//! The decision: *may I sell more on account?*
//!
//! Every rule of the policy that a customer's figures meet yields one reason; the reasons call for
//! answers, and the answer that prevails is the decision.

use std::fmt::Write as _;

use jiff::civil::Date;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use super::balance::Balance;
use super::credit::{Credit, CreditDecision, CreditPolicy, Decision, Reason, ReasonCode};
use super::exchange::Rates;
use super::exposure::reaches_share;
use super::freshness::{Freshness, FreshnessStatus};
use super::ids::CustomerKey;
use super::money::Money;

/// All that the decision about one customer rests on.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    /// The customer; `None` where the books do not have it (yet).
    pub customer: Option<&'a CustomerKey>,
    /// The day.
    pub as_of: Date,
    /// When to hold and when to warn.
    pub policy: &'a CreditPolicy,
    /// How fresh the books are.
    pub freshness: &'a Freshness,
    /// What is owed; `None` while it is not known.
    pub balance: Option<&'a Balance>,
    /// The credit standing; `None` while the balance is.
    pub credit: Option<&'a Credit>,
    /// For the conversion of `requested`.
    pub rates: Option<&'a Rates>,
    /// So much more is to be sold on account. Less than nothing counts as nothing.
    pub requested: Option<Money>,
}

impl ReasonCode {
    /// The answer that the reason alone calls for.
    pub fn calls_for(self) -> Decision {
        match self {
            Self::NotLinked | Self::Syncing | Self::Partial | Self::TooOld | Self::NoRate => {
                Decision::Unknown
            }
            Self::OverLimit | Self::CashOnly | Self::LimitExpired | Self::LongOverdue => {
                Decision::Hold
            }
            Self::Overdue
            | Self::NearLimit
            | Self::NoLimit
            | Self::TieOutDifference
            | Self::Disconnected => Decision::Caution,
            Self::InOrder => Decision::Ok,
        }
    }

    /// Whether the figures themselves are in doubt, so that no answer can rest on them, not even a
    /// refusal: what they say is owed may have been paid.
    fn doubts_figures(self) -> bool {
        matches!(
            self,
            Self::NotLinked | Self::Syncing | Self::Partial | Self::TooOld
        )
    }
}

/// Decides about one customer.
///
/// UNKNOWN where the figures are in doubt (not linked, first load, a dataset missing, too old).
/// Else the answer that prevails among the reasons: HOLD, then UNKNOWN (a missing rate), then
/// CAUTION, then OK. A HOLD that needs no rate, such as a long overdue document, is certain without
/// one.
pub fn decide(grounds: &Grounds<'_>) -> CreditDecision {
    let mut reasons = doubts(grounds);
    if let (Some(balance), Some(credit)) = (grounds.balance, grounds.credit) {
        reasons.extend(overdue(balance, grounds.policy));
        reasons.extend(against_limit(credit, grounds));
        reasons.extend(balance.tie_out.difference().map(|difference| Reason {
            amount: Some(Money::new(difference.amount.abs(), difference.currency)),
            ..Reason::bare(ReasonCode::TieOutDifference)
        }));
    }
    if grounds.freshness.status == FreshnessStatus::Disconnected {
        reasons.push(Reason::bare(ReasonCode::Disconnected));
    }
    if reasons.is_empty() {
        reasons.push(Reason::bare(ReasonCode::InOrder));
    }
    let in_doubt = reasons.iter().any(|reason| reason.code.doubts_figures());
    let answers = reasons.iter().map(|reason| reason.code.calls_for());
    let decision = if in_doubt {
        Decision::Unknown
    } else {
        answers.max().unwrap_or(Decision::Unknown)
    };
    rank(&mut reasons, decision);
    CreditDecision {
        decision,
        reasons,
        policy_version: grounds.policy.version.clone(),
        inputs_hash: hash_of(grounds),
        as_of: grounds.as_of,
    }
}

/// The decision about a contact that is linked to no customer.
pub fn not_linked(policy: &CreditPolicy, as_of: Date) -> CreditDecision {
    CreditDecision {
        decision: Decision::Unknown,
        reasons: vec![Reason::bare(ReasonCode::NotLinked)],
        policy_version: policy.version.clone(),
        inputs_hash: sha256(&format!("not linked\n{as_of}\n{}\n", policy.version)),
        as_of,
    }
}

/// The decision about several customers: the answer that prevails among theirs (HOLD, UNKNOWN,
/// CAUTION, OK), since whatever an unknown part would say, a HOLD stays one. It has the reasons of
/// all, those that call for its answer first. `None` for no customers.
pub fn prevailing(decisions: &[CreditDecision]) -> Option<CreditDecision> {
    let first = decisions.first()?;
    if decisions.len() == 1 {
        return Some(first.clone());
    }
    let decision = decisions
        .iter()
        .map(|part| part.decision)
        .max()
        .unwrap_or(Decision::Unknown);
    let mut reasons: Vec<Reason> = Vec::new();
    for reason in decisions.iter().flat_map(|part| &part.reasons) {
        // That one customer is in order says nothing beside what another is not.
        let in_order = reason.code == ReasonCode::InOrder && decision != Decision::Ok;
        if !in_order && !reasons.contains(reason) {
            reasons.push(reason.clone());
        }
    }
    rank(&mut reasons, decision);
    let mut hashes: Vec<_> = decisions.iter().map(|part| &*part.inputs_hash).collect();
    hashes.sort_unstable();
    Some(CreditDecision {
        decision,
        reasons,
        policy_version: first.policy_version.clone(),
        inputs_hash: sha256(&hashes.join("\n")),
        as_of: first.as_of,
    })
}

/// Weightiest first: what calls for the answer given, then the rest, each by its code's weight.
fn rank(reasons: &mut [Reason], decision: Decision) {
    reasons.sort_by_key(|reason| (reason.code.calls_for() != decision, reason.code));
}

/// What puts the figures themselves in doubt.
fn doubts(grounds: &Grounds<'_>) -> Vec<Reason> {
    let freshness = grounds.freshness;
    let known = freshness.balance_known && grounds.balance.is_some() && grounds.credit.is_some();
    if freshness.status == FreshnessStatus::Syncing {
        vec![Reason::bare(ReasonCode::Syncing)]
    } else if !known {
        vec![Reason::bare(ReasonCode::Partial)]
    } else if freshness.beyond_policy {
        vec![Reason::bare(ReasonCode::TooOld)]
    } else {
        Vec::new()
    }
}

/// One reason for each currency with something overdue.
fn overdue(balance: &Balance, policy: &CreditPolicy) -> impl Iterator<Item = Reason> {
    balance.by_currency.iter().filter_map(|part| {
        let days = part.oldest_overdue_days?;
        let code = if days >= policy.hold_overdue_days {
            ReasonCode::LongOverdue
        } else {
            ReasonCode::Overdue
        };
        Some(Reason {
            amount: Some(Money::new(part.overdue, part.currency)),
            days: Some(days),
            ..Reason::bare(code)
        })
    })
}

/// What the limit says, with what is requested counted as if it stood open already.
fn against_limit(credit: &Credit, grounds: &Grounds<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let exposure = requested_exposure(credit, grounds);
    if exposure.is_none() {
        reasons.push(Reason::bare(ReasonCode::NoRate));
    }
    let Some(limit) = &credit.limit else {
        reasons.push(Reason::bare(ReasonCode::NoLimit));
        return reasons;
    };
    if credit.limit_expired {
        reasons.push(Reason {
            amount: Some(limit.limit),
            date: limit.valid_to,
            ..Reason::bare(ReasonCode::LimitExpired)
        });
        return reasons;
    }
    let Some(exposure) = exposure else {
        return reasons;
    };
    let limit = limit.limit;
    let headroom = limit.amount.saturating_sub(exposure.amount);
    let code = if headroom >= Decimal::ZERO {
        let near = reaches_share(exposure, limit, grounds.policy.caution_utilization);
        near.then_some(ReasonCode::NearLimit)
    } else if limit.amount.is_zero() {
        Some(ReasonCode::CashOnly)
    } else {
        Some(ReasonCode::OverLimit)
    };
    reasons.extend(code.map(|code| {
        Reason {
            amount: Some(match code {
                // Cash only speaks of what is owed, the others of what is left or too much.
                ReasonCode::CashOnly => exposure,
                _ => Money::new(headroom.abs(), limit.currency),
            }),
            share: exposure
                .amount
                .checked_div(limit.amount)
                .map(super::rounding::share),
            ..Reason::bare(code)
        }
    }));
    reasons
}

/// The exposure with what is requested; `None` where a rate is missing.
fn requested_exposure(credit: &Credit, grounds: &Grounds<'_>) -> Option<Money> {
    let exposure = credit.exposure?;
    let Some(requested) = grounds.requested else {
        return Some(exposure);
    };
    let requested = Money::new(requested.amount.max(Decimal::ZERO), requested.currency);
    let added = if requested.currency == exposure.currency {
        requested
    } else {
        grounds.rates?.convert(requested, exposure.currency)?
    };
    // The amount comes from a person, so that the sum may leave the range of a decimal.
    let sum = exposure.amount.saturating_add(added.amount);
    Some(Money::new(sum, exposure.currency))
}

/// SHA-256 over a canonical text of every input, in hexadecimal.
fn hash_of(grounds: &Grounds<'_>) -> String {
    sha256(&canonical(grounds).unwrap_or_default())
}

/// One line for each input, in a fixed order; decimals without trailing zeros.
fn canonical(grounds: &Grounds<'_>) -> Result<String, std::fmt::Error> {
    let mut text = String::with_capacity(1024);
    let policy = grounds.policy;
    if let Some(customer) = grounds.customer {
        writeln!(text, "customer {customer}")?;
    }
    writeln!(text, "as of {}", grounds.as_of)?;
    writeln!(
        text,
        "policy {} {} {} {} {}",
        policy.version,
        policy.hold_overdue_days,
        policy.caution_utilization.normalize(),
        policy.unknown_after_seconds,
        policy.grace_days,
    )?;
    let freshness = grounds.freshness;
    writeln!(
        text,
        "data syncing={} known={} beyond_policy={} disconnected={}",
        freshness.status == FreshnessStatus::Syncing,
        freshness.balance_known,
        freshness.beyond_policy,
        freshness.status == FreshnessStatus::Disconnected,
    )?;
    if let Some(balance) = grounds.balance {
        for part in &balance.by_currency {
            writeln!(
                text,
                "owed {} {} {} {} {} {:?}",
                part.currency,
                part.gross_receivable.normalize(),
                part.unapplied_credit.normalize(),
                part.overdue.normalize(),
                part.overdue_count,
                part.oldest_overdue_days,
            )?;
        }
        if let Some(difference) = balance.tie_out.difference() {
            writeln!(text, "differs {}", canonical_money(difference))?;
        }
    }
    if let Some(credit) = grounds.credit {
        if let Some(limit) = &credit.limit {
            let amount = canonical_money(limit.limit);
            let (from, to) = (limit.valid_from, limit.valid_to);
            writeln!(
                text,
                "limit {amount} {from} {to:?} {}",
                credit.limit_expired
            )?;
        }
        for part in &credit.parts {
            writeln!(
                text,
                "part {:?} {}",
                part.kind,
                canonical_money(part.amount)
            )?;
        }
        if let Some(exposure) = requested_exposure(credit, grounds) {
            writeln!(text, "exposure {}", canonical_money(exposure))?;
        }
    }
    if let Some(requested) = grounds.requested {
        writeln!(text, "requested {}", canonical_money(requested))?;
    }
    Ok(text)
}

fn canonical_money(money: Money) -> String {
    format!("{} {}", money.amount.normalize(), money.currency)
}

fn sha256(text: &str) -> String {
    let mut hexadecimal = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hexadecimal, "{byte:02x}");
    }
    hexadecimal
}

#[cfg(test)]
mod tests;
