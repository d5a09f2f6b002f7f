//! The monthly budget of metered reads, shared fairly between the connections of an app.

use std::fmt;

use async_trait::async_trait;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::clock::Clock;
use crate::domain::connection::ProviderKind;
use crate::domain::freshness::ConnectionState;
use crate::provider::{CallMeter, ProviderError, ProviderResult};
use crate::store::Store;

use std::sync::Arc;

/// Counts reads in the store, so that the count outlives a restart and holds for all instances.
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
    async fn spend(&self, kind: ProviderKind, account: &str) -> ProviderResult<()> {
        let failed = |_| ProviderError::Unavailable {
            what: "the calls cannot be counted".to_owned(),
        };
        let month = Month::of(self.clock.now());
        let sharers = self.store.connections().await.map_err(failed)?;
        let sharers = sharers
            .iter()
            .filter(|other| other.provider == kind && other.state == ConnectionState::Active)
            .count();
        let reads = self
            .store
            .spend_read(kind.as_str(), account, &month.name)
            .await
            .map_err(failed)?;
        let sharers = u64::try_from(sharers).unwrap_or(u64::MAX);
        if may_read(
            self.monthly_reads,
            reads.account,
            reads.app,
            sharers,
            &month,
        ) {
            Ok(())
        } else {
            Err(ProviderError::BudgetSpent { until: month.end })
        }
    }
}

/// Whether a read fits: within the month's budget, each account has an equal share for certain, and
/// beyond its share gets what the others have left unused of the month so far.
fn may_read(budget: u64, account: u64, app: u64, sharers: u64, month: &Month) -> bool {
    let share = budget / sharers.max(1);
    let accrued = u128::from(budget) * u128::from(month.elapsed) / u128::from(month.length.max(1));
    app <= budget && (account <= share || u128::from(app) <= accrued)
}

/// The calendar month, UTC, in which a budget counts.
struct Month {
    name: String,
    end: Timestamp,
    /// Seconds gone.
    elapsed: u64,
    /// Seconds in all.
    length: u64,
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
        let seconds = |from: Timestamp, to: Timestamp| (to - from).get_seconds().unsigned_abs();
        Self {
            name: date.strftime("%Y-%m").to_string(),
            end,
            elapsed: seconds(start, now),
            length: seconds(start, end),
        }
    }
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
    fn a_month_is_named_and_measured() {
        let middle = month("2026-02-15T00:00:00Z");
        assert_eq!(middle.name, "2026-02");
        assert_eq!(middle.end.to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(middle.elapsed * 2, middle.length);
    }

    #[test]
    fn everyone_has_a_share_and_more_only_of_what_is_left_unused() {
        let start = month("2026-02-01T00:00:01Z");
        assert!(may_read(100, 50, 50, 2, &start), "the share is certain");
        assert!(
            !may_read(100, 51, 51, 2, &start),
            "beyond it, nothing is unused yet"
        );
        let end = month("2026-02-28T00:00:00Z");
        assert!(
            may_read(100, 90, 91, 2, &end),
            "late in the month, what others left"
        );
        assert!(
            !may_read(100, 1, 101, 2, &end),
            "the budget itself holds for all"
        );
    }
}
