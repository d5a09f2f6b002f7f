//! How often, how long and after which pauses a call is tried again.
//!
//! Two budgets bound a call: a number of attempts and a total time. A pause that would overrun the
//! time is not begun; the caller learns at once what it would have waited for, and can plan.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use rand::Rng;
use tokio::time::Instant;

/// The budgets and pauses of repeated calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySettings {
    /// Attempts in all, the first included; at least one is made.
    pub attempts: u32,
    /// How long a call may take in all, pauses included.
    pub total: Duration,
    /// The longest first pause; each further one may be twice as long.
    pub first_pause: Duration,
    /// The longest pause of all, unless the provider itself asks for a longer one.
    pub longest_pause: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts: 4,
            total: Duration::from_mins(3),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(15),
        }
    }
}

/// What is left of one call's budgets.
#[derive(Debug)]
pub(super) struct Budget {
    settings: RetrySettings,
    started: Instant,
    made: u32,
}

impl Budget {
    /// A full budget; its time runs from here on.
    pub(super) fn start(settings: RetrySettings) -> Self {
        Self {
            settings,
            started: Instant::now(),
            made: 0,
        }
    }

    /// Notes that an attempt begins.
    pub(super) fn attempt(&mut self) {
        self.made += 1;
    }

    /// How many attempts have begun.
    pub(super) fn made(&self) -> u32 {
        self.made
    }

    /// The time that is left.
    pub(super) fn remaining(&self) -> Duration {
        self.settings.total.saturating_sub(self.started.elapsed())
    }

    /// Whether another attempt fits after a pause.
    pub(super) fn allows(&self, pause: Duration) -> bool {
        self.made < self.settings.attempts && pause <= self.remaining()
    }

    /// The pause before the next attempt: drawn evenly between nothing and a bound that doubles with
    /// each attempt, so that callers which failed together do not come back together.
    pub(super) fn pause(&self) -> Duration {
        let doublings = self.made.saturating_sub(1).min(16);
        let bound = self
            .settings
            .first_pause
            .saturating_mul(1 << doublings)
            .min(self.settings.longest_pause);
        rand::rng().random_range(Duration::ZERO..=bound)
    }
}

/// Reads a `Retry-After` header: whole seconds, or an HTTP date compared with `now`. A date that is
/// past asks for no wait at all; text that is neither is ignored.
pub(super) fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = parse_http_date(value)?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// Reads the date of a header (`Mon, 23 Nov 2026 10:01:30 GMT`).
pub(super) fn parse_http_date(value: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(value.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn reads_seconds_and_dates() {
        let now = at("2026-11-23T10:00:00Z");
        let cases = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Mon, 23 Nov 2026 10:01:30 GMT", Some(90)),
            ("Mon, 23 Nov 2026 09:00:00 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(
                parse_retry_after(text, now),
                seconds.map(Duration::from_secs),
                "{text:?}"
            );
        }
    }

    #[tokio::test]
    async fn attempts_and_time_both_bound_a_call() {
        let settings = RetrySettings {
            attempts: 3,
            total: Duration::from_secs(10),
            ..RetrySettings::default()
        };
        let mut budget = Budget::start(settings);
        budget.attempt();
        assert!(budget.allows(Duration::from_secs(5)));
        assert!(!budget.allows(Duration::from_secs(11)), "overruns the time");
        budget.attempt();
        budget.attempt();
        assert!(!budget.allows(Duration::ZERO), "three attempts are made");
    }

    #[tokio::test]
    async fn pauses_grow_up_to_a_bound() {
        let settings = RetrySettings {
            attempts: 100,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_millis(250),
            ..RetrySettings::default()
        };
        let mut budget = Budget::start(settings);
        for bound in [100, 200, 250, 250] {
            budget.attempt();
            for _ in 0..50 {
                assert!(budget.pause() <= Duration::from_millis(bound));
            }
        }
    }
}
