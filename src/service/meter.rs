//! The monthly budget of metered reads, shared fairly between the connections of an app.

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
use crate::store::Store;

/// Counts reads in the store, so that the count outlives a restart and holds for all instances.
///
/// Within the month's budget each connection has an equal share for certain, and beyond its share
/// gets what the others have left unused of the month so far.
pub struct BudgetMeter {
    store: Store,
    clock: Arc<dyn Clock>,
    monthly_reads: u64,
}

impl fmt::Debug for BudgetMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetMeter")
            .field("monthly_reads", &self.monthly_reads)
            .finish_non_exhaustive()
    }
}

impl BudgetMeter {
    /// A meter over a store, with the reads that are free in a calendar month (UTC).
    pub fn new(store: Store, clock: Arc<dyn Clock>, monthly_reads: u64) -> Self {
        Self {
            store,
            clock,
            monthly_reads,
        }
    }
}

#[async_trait]
impl CallMeter for BudgetMeter {
    async fn spend(
        &self,
        kind: ProviderKind,
        account: &str,
        _purpose: Purpose,
    ) -> ProviderResult<()> {
        let failed = |_| ProviderError::Unavailable {
            what: "the calls cannot be counted".to_owned(),
        };
        let month = Month::of(self.clock.now());
        let reads = self
            .store
            .spend_read(kind.as_str(), account, &month.name)
            .await
            .map_err(failed)?;
        let spent = |until| Err(ProviderError::BudgetSpent { until });
        if reads.app > self.monthly_reads {
            return spent(month.end);
        }
        if reads.app <= month.accrued(self.monthly_reads) {
            return Ok(());
        }
        let connections = self.store.connections().await.map_err(failed)?;
        let sharers = connections
            .iter()
            .filter(|other| other.provider == kind && other.state == ConnectionState::Active)
            .count();
        if reads.account <= share(self.monthly_reads, sharers) {
            Ok(())
        } else {
            spent(month.accrues(self.monthly_reads, reads.app))
        }
    }
}

/// The reads of a month that one of so many connections may make for certain.
fn share(budget: u64, sharers: usize) -> u64 {
    budget / u64::try_from(sharers).unwrap_or(u64::MAX).max(1)
}

/// The calendar month, UTC, in which a budget counts.
struct Month {
    name: String,
    now: Timestamp,
    start: Timestamp,
    end: Timestamp,
}

impl Month {
    fn of(now: Timestamp) -> Self {
        let date = now.to_zoned(TimeZone::UTC).date();
        let first = date.first_of_month();
        let start = midnight(first).unwrap_or(now);
        let end = first
            .checked_add(1.month())
            .ok()
            .and_then(midnight)
            .unwrap_or(now);
        Self {
            name: date.strftime("%Y-%m").to_string(),
            now,
            start,
            end,
        }
    }

    /// The part of a budget that the month so far stands for.
    fn accrued(&self, budget: u64) -> u64 {
        let part = u128::from(budget) * seconds(self.start, self.now)
            / seconds(self.start, self.end).max(1);
        u64::try_from(part).unwrap_or(budget)
    }

    /// When the month so far stands for so many reads of a budget.
    fn accrues(&self, budget: u64, reads: u64) -> Timestamp {
        let length = seconds(self.start, self.end);
        let after = (u128::from(reads) * length).div_ceil(u128::from(budget).max(1));
        i64::try_from(after).map_or(self.end, |after| {
            let moment = self.start.saturating_add(SignedDuration::from_secs(after));
            moment.map_or(self.end, |moment| moment.min(self.end))
        })
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> u128 {
    u128::try_from(to.duration_since(from).as_secs()).unwrap_or(0)
}

fn midnight(date: Date) -> Option<Timestamp> {
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        Month::of(text.parse().expect("an instant"))
    }

    #[test]
    fn a_month_is_named_and_accrues_its_budget_evenly() {
        let middle = month("2026-02-15T00:00:00Z");
        assert_eq!(middle.name, "2026-02");
        assert_eq!(middle.end.to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(middle.accrued(100), 50);
        assert_eq!(middle.accrues(100, 50), middle.now);
        assert_eq!(middle.accrues(100, 75).to_string(), "2026-02-22T00:00:00Z");
        assert_eq!(middle.accrues(100, 101), middle.end);
        assert_eq!(middle.accrues(0, 1), middle.end);
    }
}
