//! The budget of metered calls: never exceeded, shared fairly between the connections of an app, and
//! kept for what is urgent when it runs short.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::clock::Clock;
use crate::domain::connection::ProviderKind;
use crate::domain::freshness::ConnectionState;
use crate::provider::{CallMeter, ProviderError, ProviderResult, Purpose};
use crate::store::{CallCount, CallKey, Store, StoreResult};

/// How many metered calls a provider allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Calls in the period.
    pub calls: u64,
    /// The period.
    pub period: Period,
    /// Whether all connections of the app share them, or each has them for itself.
    pub shared: bool,
}

/// In what time a budget may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A calendar month, UTC.
    Month,
    /// Any 24 hours, wherever they begin: a provider's day may start at any hour.
    Day,
}

/// What is left of a budget for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallsLeft {
    /// Calls that may still be made in the period, for an open page.
    pub left: u64,
    /// Calls in the period.
    pub of: u64,
    /// The period.
    pub period: Period,
}

impl Budget {
    /// The calls that may be spent by what is wanted; the rest stays for what is more urgent.
    fn ceiling(self, purpose: Purpose) -> u64 {
        let percent = match purpose {
            Purpose::OpenPage => 100,
            Purpose::Webhook => 95,
            Purpose::Increment => 85,
            Purpose::Backfill => 60,
        };
        (u128::from(self.calls) * percent / 100)
            .try_into()
            .unwrap_or(u64::MAX)
    }

    /// What is left for an account. Where the budget is shared, it is what is left for all.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn left(
        self,
        store: &Store,
        kind: ProviderKind,
        account: &str,
        now: Timestamp,
    ) -> StoreResult<CallsLeft> {
        let window = Window::of(self.period, now);
        let made = store.calls_made(window.key(kind, account)).await?;
        let used = if self.shared { made.app } else { made.account };
        Ok(CallsLeft {
            left: self.calls.saturating_sub(used),
            of: self.calls,
            period: self.period,
        })
    }
}

/// Counts calls in the store, so that the count outlives a restart and holds for all instances.
///
/// Of a shared budget each connection has an equal share for certain, and beyond its share gets what
/// the others have left unused of it so far.
pub struct BudgetMeter {
    store: Store,
    clock: Arc<dyn Clock>,
    budget: Budget,
}

impl fmt::Debug for BudgetMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetMeter")
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

impl BudgetMeter {
    /// A meter over a store.
    pub fn new(store: Store, clock: Arc<dyn Clock>, budget: Budget) -> Self {
        Self {
            store,
            clock,
            budget,
        }
    }

    /// Until when a call has to wait, where it may not be made; it is among those counted.
    async fn held_until(
        &self,
        kind: ProviderKind,
        purpose: Purpose,
        made: CallCount,
        window: &Window,
    ) -> StoreResult<Option<Timestamp>> {
        let Budget { calls, shared, .. } = self.budget;
        let allowed = self.budget.ceiling(purpose);
        let used = if shared { made.app } else { made.account };
        if used > allowed {
            return Ok(Some(window.next));
        }
        if !shared || used <= window.accrued(calls) {
            return Ok(None);
        }
        let connections = self.store.connections().await?;
        let sharers = connections
            .iter()
            .filter(|other| other.provider == kind && other.state == ConnectionState::Active)
            .count();
        let within = made.account <= share(allowed, sharers);
        Ok((!within).then(|| window.accrues(calls, used)))
    }
}

/// Lets every call pass: for a ledger that no one meters.
#[derive(Clone, Copy, Debug)]
pub struct Unmetered;

#[async_trait]
impl CallMeter for Unmetered {
    async fn spend(
        &self,
        _kind: ProviderKind,
        _account: &str,
        _purpose: Purpose,
    ) -> ProviderResult<()> {
        Ok(())
    }
}

#[async_trait]
impl CallMeter for BudgetMeter {
    async fn spend(
        &self,
        kind: ProviderKind,
        account: &str,
        purpose: Purpose,
    ) -> ProviderResult<()> {
        let failed = |_| ProviderError::Unavailable {
            what: "the calls cannot be counted".to_owned(),
        };
        let window = Window::of(self.budget.period, self.clock.now());
        let key = window.key(kind, account);
        let made = self.store.count_call(key).await.map_err(failed)?;
        let held = self.held_until(kind, purpose, made, &window).await;
        let Some(until) = held.map_err(failed)? else {
            return Ok(());
        };
        self.store.take_back_call(key).await.map_err(failed)?;
        Err(ProviderError::BudgetSpent { until })
    }
}

/// The calls that one of so many connections may make for certain.
fn share(calls: u64, sharers: usize) -> u64 {
    calls / u64::try_from(sharers).unwrap_or(u64::MAX).max(1)
}

/// The time over which calls are added up at one moment.
struct Window {
    /// The period that a call made now counts in.
    period: String,
    /// The earliest period that is added up.
    since: String,
    now: Timestamp,
    /// Since when a budget accrues, and when it is accrued whole; `None` where it does not.
    accrual: Option<(Timestamp, Timestamp)>,
    /// When the sum falls next.
    next: Timestamp,
}

impl Window {
    fn of(period: Period, now: Timestamp) -> Self {
        let utc = now.to_zoned(TimeZone::UTC);
        match period {
            Period::Month => {
                let first = utc.date().first_of_month();
                let start = midnight(first).unwrap_or(now);
                let end = first
                    .checked_add(1.month())
                    .ok()
                    .and_then(midnight)
                    .unwrap_or(Timestamp::MAX);
                let name = utc.strftime("%Y-%m").to_string();
                Self {
                    since: name.clone(),
                    period: name,
                    now,
                    accrual: Some((start, end)),
                    next: end,
                }
            }
            // Whole hours, the one of a day ago included: never less than 24 hours.
            Period::Day => {
                let hour = |at: Timestamp| at.strftime("%Y-%m-%dT%H").to_string();
                let in_an_hour = now.saturating_add(SignedDuration::from_hours(1));
                Self {
                    period: hour(now),
                    since: hour(now - SignedDuration::from_hours(24)),
                    now,
                    accrual: None,
                    next: in_an_hour
                        .ok()
                        .and_then(|at| {
                            let at = at.to_zoned(TimeZone::UTC);
                            Some(
                                at.round(
                                    jiff::ZonedRound::new()
                                        .smallest(jiff::Unit::Hour)
                                        .mode(jiff::RoundMode::Floor),
                                )
                                .ok()?
                                .timestamp(),
                            )
                        })
                        .unwrap_or(Timestamp::MAX),
                }
            }
        }
    }

    fn key<'a>(&'a self, kind: ProviderKind, account: &'a str) -> CallKey<'a> {
        CallKey {
            provider: kind.as_str(),
            account,
            period: &self.period,
            since: &self.since,
        }
    }

    /// The part of a budget that may be spent by now without a look at who spends it: what has accrued
    /// of a month, half of a day.
    fn accrued(&self, calls: u64) -> u64 {
        let Some((start, end)) = self.accrual else {
            return calls / 2;
        };
        let whole = seconds(end.duration_since(start)).max(1);
        let elapsed = seconds(self.now.duration_since(start));
        (u128::from(calls) * elapsed / whole)
            .try_into()
            .unwrap_or(u64::MAX)
    }

    /// When so much of a budget has accrued.
    fn accrues(&self, calls: u64, used: u64) -> Timestamp {
        let Some((start, end)) = self.accrual else {
            return self.next;
        };
        let whole = seconds(end.duration_since(start));
        let due = (whole * u128::from(used)).div_ceil(u128::from(calls.max(1)));
        let due = i64::try_from(due).unwrap_or(i64::MAX);
        start
            .checked_add(SignedDuration::from_secs(due))
            .unwrap_or(end)
            .min(end)
    }
}

fn midnight(date: Date) -> Option<Timestamp> {
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn seconds(duration: SignedDuration) -> u128 {
    u128::try_from(duration.as_secs()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(period: Period, now: &str) -> Window {
        Window::of(period, now.parse().expect("an instant"))
    }

    #[test]
    fn a_share_is_equal() {
        assert_eq!(share(100, 1), 100);
        assert_eq!(share(100, 3), 33);
        assert_eq!(share(100, 0), 100);
    }

    #[test]
    fn what_is_urgent_may_spend_more() {
        let budget = Budget {
            calls: 1000,
            period: Period::Day,
            shared: false,
        };
        let of = |purpose| budget.ceiling(purpose);
        assert_eq!(of(Purpose::OpenPage), 1000);
        assert_eq!(of(Purpose::Webhook), 950);
        assert_eq!(of(Purpose::Increment), 850);
        assert_eq!(of(Purpose::Backfill), 600);
    }

    #[test]
    fn a_month_accrues_its_budget_evenly() {
        let middle = window(Period::Month, "2026-02-15T00:00:00Z");
        assert_eq!(middle.period, "2026-02");
        assert_eq!(middle.since, "2026-02");
        assert_eq!(middle.next.to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(middle.accrued(100), 50);
        assert_eq!(middle.accrues(100, 50), middle.now);
        assert_eq!(middle.accrues(100, 75).to_string(), "2026-02-22T00:00:00Z");
        assert_eq!(middle.accrues(100, 101), middle.next);
        assert_eq!(middle.accrues(0, 1), middle.next);
    }

    #[test]
    fn a_day_is_never_less_than_24_hours() {
        let late = window(Period::Day, "2026-11-23T07:59:59Z");
        assert_eq!(late.period, "2026-11-23T07");
        assert_eq!(late.since, "2026-11-22T07");
        assert_eq!(late.next.to_string(), "2026-11-23T08:00:00Z");
        assert_eq!(late.accrues(100, 75), late.next);
        let midnight = window(Period::Day, "2026-11-23T00:00:00Z");
        assert_eq!(midnight.since, "2026-11-22T00");
        assert_eq!(midnight.next.to_string(), "2026-11-23T01:00:00Z");
    }
}
