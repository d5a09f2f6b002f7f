//! Keeps each account's calls within the provider's documented rates.
//!
//! A rate of N in a period is kept as a burst of a tenth of N and a steady flow of the other nine
//! tenths. So no window of that length ever holds more than N calls, wherever it starts, which a
//! plain token bucket of N does not promise.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota as Rate, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How many calls one account takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls in any minute.
    pub per_minute: NonZeroU32,
    /// Calls in any second.
    pub per_second: NonZeroU32,
    /// Calls at the same time.
    pub concurrent: NonZeroU32,
    /// Calls in any minute that carry several questions each.
    pub batches_per_minute: NonZeroU32,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// The rates of one account, and the wait that the provider last asked of it.
#[derive(Debug)]
pub(super) struct Quota {
    minute: DefaultDirectRateLimiter,
    second: DefaultDirectRateLimiter,
    batches: DefaultDirectRateLimiter,
    slots: Semaphore,
    held_until: Mutex<Option<Instant>>,
}

impl Quota {
    pub(super) fn new(limits: &Limits) -> Self {
        let slots = usize::try_from(limits.concurrent.get()).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            minute: RateLimiter::direct(rate(limits.per_minute, MINUTE)),
            second: RateLimiter::direct(rate(limits.per_second, SECOND)),
            batches: RateLimiter::direct(rate(limits.batches_per_minute, MINUTE)),
            slots: Semaphore::new(slots),
            held_until: Mutex::new(None),
        }
    }

    /// Waits until a call may be made. The slot is to be kept while it lasts; `None` never happens
    /// in practice (the slots are never closed) and grants the call.
    ///
    /// # Errors
    /// How long the provider asked this account to wait, when that is longer than `patience`.
    pub(super) async fn admit(
        &self,
        batch: bool,
        patience: Duration,
    ) -> Result<Option<SemaphorePermit<'_>>, Duration> {
        if let Some(wait) = self.held_for() {
            if wait > patience {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
        }
        let slot = self.slots.acquire().await.ok();
        if batch {
            self.batches.until_ready().await;
        }
        self.minute.until_ready().await;
        self.second.until_ready().await;
        Ok(slot)
    }

    /// Holds every call of the account back, because the provider asked for it.
    pub(super) fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut held = self.lock();
        *held = Some(held.map_or(until, |earlier| earlier.max(until)));
    }

    fn held_for(&self) -> Option<Duration> {
        let mut held = self.lock();
        let left = held.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            *held = None;
        }
        left.filter(|left| !left.is_zero())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.held_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn rate(limit: NonZeroU32, period: Duration) -> Rate {
    let burst = NonZeroU32::new(limit.get() / 10).unwrap_or(NonZeroU32::MIN);
    let steady = (limit.get() - burst.get()).max(1);
    Rate::with_period(period / steady)
        .unwrap_or_else(|| Rate::per_second(limit))
        .allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    use super::*;

    fn count(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).expect("not zero")
    }

    proptest! {
        /// A caller that tries all the time never gets more than the limit in any window.
        #[test]
        fn no_window_holds_more_than_the_limit(limit in 1_u32..60) {
            let clock = FakeRelativeClock::default();
            let limiter = RateLimiter::direct_with_clock(rate(count(limit), SECOND), clock.clone());
            let mut passed = Vec::new();
            for step in 0_u64..3_000 {
                if limiter.check().is_ok() {
                    passed.push(step);
                }
                clock.advance(Duration::from_millis(1));
            }
            for start in &passed {
                let within = passed.iter().filter(|at| (*start..start + 1_000).contains(*at));
                prop_assert!(within.count() <= limit as usize);
            }
            prop_assert!(passed.len() >= 2 * (limit as usize * 8 / 10), "the rate is used");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_is_waited_for_or_refused_by_patience() {
        let limits = Limits {
            per_minute: count(600),
            per_second: count(100),
            concurrent: count(2),
            batches_per_minute: count(600),
        };
        let quota = Quota::new(&limits);
        quota.hold(Duration::from_mins(1));
        let refused = quota.admit(false, Duration::from_secs(30)).await;
        assert_eq!(refused.map(|_| ()), Err(Duration::from_mins(1)));

        let before = Instant::now();
        assert!(quota.admit(false, Duration::from_secs(61)).await.is_ok());
        assert!(before.elapsed() >= Duration::from_mins(1));
        assert!(
            quota.admit(true, Duration::ZERO).await.is_ok(),
            "no longer held"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn calls_at_the_same_time_wait_for_each_other() {
        let limits = Limits {
            per_minute: count(600_000),
            per_second: count(10_000),
            concurrent: count(2),
            batches_per_minute: count(600),
        };
        let quota = Quota::new(&limits);
        let first = quota.admit(false, Duration::ZERO).await;
        let _second = quota.admit(false, Duration::ZERO).await;
        let third = quota.admit(false, Duration::ZERO);
        let waited = tokio::time::timeout(Duration::from_secs(5), third).await;
        assert!(waited.is_err(), "two are under way");
        drop(first);
        assert!(quota.admit(false, Duration::ZERO).await.is_ok());
    }
}
