//! Holds calls back after repeated failures, so that a ledger in trouble is not made worse and a
//! sync does not wait for time-outs one after another.
//!
//! Closed: calls pass; failures in a row are counted. Open: none passes until the cool-down is over.
//! Then one trial passes: if it succeeds the breaker closes, if it fails the next cool-down is twice
//! as long. A trial that never reports (its caller went away) is taken as over after a cool-down.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// When a breaker opens and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures: u32,
    /// The first cool-down.
    pub cool_down: Duration,
    /// The longest cool-down.
    pub longest_cool_down: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            cool_down: Duration::from_secs(30),
            longest_cool_down: Duration::from_mins(5),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Timestamp,
        cool_down: Duration,
    },
    Trial {
        /// When the trial is given up and another may pass.
        until: Timestamp,
        cool_down: Duration,
    },
}

/// The breaker of one account.
#[derive(Debug)]
pub(super) struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
}

impl Breaker {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Asks to let one call through.
    ///
    /// # Errors
    /// The moment at which the next call may pass.
    pub(super) fn admit(&self, now: Timestamp) -> Result<(), Timestamp> {
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => Ok(()),
            State::Open { until, .. } | State::Trial { until, .. } if now < until => Err(until),
            State::Open { cool_down, .. } | State::Trial { cool_down, .. } => {
                *state = State::Trial {
                    until: after(now, cool_down),
                    cool_down,
                };
                Ok(())
            }
        }
    }

    /// The ledger answered: whatever it said, it is there.
    pub(super) fn succeeded(&self) {
        *self.lock() = State::Closed { failures: 0 };
    }

    /// The ledger could not be reached or failed by its own fault.
    pub(super) fn failed(&self, now: Timestamp) {
        let mut state = self.lock();
        *state = match *state {
            State::Closed { failures } if failures + 1 < self.settings.failures => State::Closed {
                failures: failures + 1,
            },
            State::Closed { .. } => self.open(now, self.settings.cool_down),
            State::Trial { cool_down, .. } => self.open(now, cool_down.saturating_mul(2)),
            // A call that began before it opened adds nothing.
            open @ State::Open { .. } => open,
        };
    }

    fn open(&self, now: Timestamp, cool_down: Duration) -> State {
        let cool_down = cool_down.min(self.settings.longest_cool_down);
        State::Open {
            until: after(now, cool_down),
            cool_down,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait)
        .ok()
        .and_then(|wait| now.checked_add(wait).ok())
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        failures: 3,
        cool_down: Duration::from_secs(10),
        longest_cool_down: Duration::from_secs(15),
    };

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a timestamp")
    }

    fn opened_at_0() -> Breaker {
        let breaker = Breaker::new(SETTINGS);
        for _ in 0..3 {
            breaker.failed(second(0));
        }
        breaker
    }

    #[test]
    fn opens_after_failures_in_a_row_only() {
        let breaker = Breaker::new(SETTINGS);
        breaker.failed(second(0));
        breaker.failed(second(0));
        breaker.succeeded();
        breaker.failed(second(0));
        breaker.failed(second(0));
        assert_eq!(breaker.admit(second(0)), Ok(()));
        breaker.failed(second(0));
        assert_eq!(breaker.admit(second(0)), Err(second(10)));
    }

    #[test]
    fn lets_one_trial_through_and_closes_when_it_succeeds() {
        let breaker = opened_at_0();
        assert_eq!(breaker.admit(second(10)), Ok(()), "the trial");
        assert_eq!(breaker.admit(second(11)), Err(second(20)), "only one");
        breaker.succeeded();
        assert_eq!(breaker.admit(second(11)), Ok(()));
    }

    #[test]
    fn cools_down_longer_after_a_failed_trial_up_to_a_bound() {
        let breaker = opened_at_0();
        assert_eq!(breaker.admit(second(10)), Ok(()));
        breaker.failed(second(10));
        assert_eq!(breaker.admit(second(24)), Err(second(25)), "15 s, not 20");
        assert_eq!(breaker.admit(second(25)), Ok(()));
    }

    #[test]
    fn a_trial_that_never_reports_does_not_block_for_ever() {
        let breaker = opened_at_0();
        assert_eq!(breaker.admit(second(10)), Ok(()));
        assert_eq!(breaker.admit(second(20)), Ok(()), "another trial");
    }
}
