//! What stands against a customer's credit limit, and which limit is in force.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::balance::Balance;
use super::credit::{Credit, CreditLimit, ExposurePart, ExposurePartKind, LimitOrigin};
use super::exchange::Rates;
use super::ids::CustomerKey;
use super::money::{Currency, Money};
use super::rounding;

/// The limit that speaks for a customer on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitStanding<'a> {
    /// It holds.
    InForce(&'a CreditLimit),
    /// It has ended and nothing took its place.
    Expired(&'a CreditLimit),
    /// None was ever set, or none has begun yet.
    NotSet,
}

impl<'a> LimitStanding<'a> {
    /// Resolves a customer's limit: its own limits as set here first, the ledger's where the customer
    /// has none that has begun, the tenant's defaults where the ledger states none either.
    ///
    /// Within one level the limit in force that began last wins, and among those of one day the one
    /// later in `limits` (they come in the order in which they were set). Where none is in force,
    /// the one that ended last is reported as expired: a customer's own limit that ran out is to be
    /// renewed by a person, and neither the ledger's nor the tenant's default silently takes its place.
    pub fn on(as_of: Date, limits: &'a [CreditLimit], customer: &CustomerKey) -> Self {
        let customers = |limit: &&CreditLimit| limit.customer.as_ref() == Some(customer);
        let stated = |limit: &&CreditLimit| limit.origin == LimitOrigin::Ledger;
        let own = limits.iter().filter(customers);
        let levels = [
            Self::within(as_of, own.clone().filter(|limit| !stated(limit))),
            Self::within(as_of, own.filter(stated)),
            Self::within(
                as_of,
                limits.iter().filter(|limit| limit.customer.is_none()),
            ),
        ];
        let mut set = levels.into_iter().filter(|level| *level != Self::NotSet);
        set.next().unwrap_or(Self::NotSet)
    }

    fn within(as_of: Date, level: impl Iterator<Item = &'a CreditLimit>) -> Self {
        let mut in_force: Option<&CreditLimit> = None;
        let mut expired: Option<(Date, &CreditLimit)> = None;
        for limit in level {
            // One that was ended before its first day never held.
            let never_held = limit.valid_to.is_some_and(|to| to < limit.valid_from);
            if limit.valid_from > as_of || never_held {
                continue;
            }
            if let Some(ended) = limit.valid_to.filter(|to| *to < as_of) {
                if expired.is_none_or(|(latest, _)| latest <= ended) {
                    expired = Some((ended, limit));
                }
            } else if in_force.is_none_or(|best| best.valid_from <= limit.valid_from) {
                in_force = Some(limit);
            }
        }
        match (in_force, expired) {
            (Some(limit), _) => Self::InForce(limit),
            (None, Some((_, limit))) => Self::Expired(limit),
            (None, None) => Self::NotSet,
        }
    }
}

/// Whether an exposure has reached a share of a limit; never of a limit of zero, which has no shares.
pub(super) fn reaches_share(exposure: Money, limit: Money, share: Decimal) -> bool {
    !limit.amount.is_zero() && exposure.amount >= limit.amount.saturating_mul(share)
}

/// A customer's credit standing.
///
/// The exposure is in the limit's currency, or in the customer's own where there is no limit;
/// `None`, with no parts, where a rate for the conversion is missing.
pub fn credit(
    standing: LimitStanding<'_>,
    customer_currency: Currency,
    balance: &Balance,
    rates: &Rates,
) -> Credit {
    let (limit, limit_expired) = match standing {
        LimitStanding::InForce(limit) => (Some(limit), false),
        LimitStanding::Expired(limit) => (Some(limit), true),
        LimitStanding::NotSet => (None, false),
    };
    let currency = limit.map_or(customer_currency, |limit| limit.limit.currency);
    let parts = parts(balance, rates, currency);
    let exposure = parts
        .as_ref()
        .and_then(|parts| rates.sum(parts.iter().map(|part| part.amount), currency));
    let in_force = limit.filter(|_| !limit_expired).map(|limit| limit.limit);
    let against_limit = in_force.zip(exposure);
    Credit {
        limit: limit.cloned(),
        limit_expired,
        exposure,
        parts: parts.unwrap_or_default(),
        headroom: against_limit
            // A limit is what a person typed: as large as a decimal can be.
            .map(|(limit, exposure)| limit.amount.saturating_sub(exposure.amount))
            .map(|headroom| Money::new(headroom, currency)),
        utilization: against_limit.and_then(|(limit, exposure)| {
            let share = exposure.amount.checked_div(limit.amount)?;
            Some(rounding::share(share))
        }),
    }
}

/// The parts of the exposure in one currency, without those that are nothing.
fn parts(balance: &Balance, rates: &Rates, currency: Currency) -> Option<Vec<ExposurePart>> {
    let by_currency = &balance.by_currency;
    let gross = by_currency
        .iter()
        .map(|part| Money::new(part.gross_receivable, part.currency));
    let unapplied = by_currency
        .iter()
        .map(|part| Money::new(-part.unapplied_credit, part.currency));
    let excess = balance.tie_out.ledger_excess.iter().copied();
    let all = [
        (
            ExposurePartKind::GrossReceivable,
            rates.sum(gross, currency)?,
        ),
        (
            ExposurePartKind::UnappliedCredit,
            rates.sum(unapplied, currency)?,
        ),
        (
            ExposurePartKind::LedgerDifference,
            rates.sum(excess, currency)?,
        ),
    ];
    let parts = all
        .into_iter()
        .filter(|(kind, sum)| *kind == ExposurePartKind::GrossReceivable || !sum.amount.is_zero())
        .map(|(kind, amount)| ExposurePart { kind, amount });
    Some(parts.collect())
}

#[cfg(test)]
mod tests;
