//! Limits, and the counting of requests: one of these for each wire format.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::options::{Limits, Windows};

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * 60;
/// Under what the calls of all companies together are counted.
pub(crate) const APP: &str = "app";

/// The limit that a request met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Its name (`minute`, `day`, `concurrent`, `appminute`, …).
    pub(crate) limit: &'static str,
    /// After how many seconds there is room again, where that is known.
    pub(crate) retry_after: Option<u64>,
}

/// What is left; nothing where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remaining {
    pub(crate) minute: Option<u32>,
    pub(crate) day: Option<u32>,
    pub(crate) app_minute: Option<u32>,
}

/// How a company, or the app as a whole, was called: what a budget is proven by.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Usage {
    /// Every request that came, those that were refused or spoiled among them.
    calls: u64,
    /// Those beyond a limit.
    refused: u64,
    /// The most in any sixty seconds.
    most_in_a_minute: usize,
    /// The most in any twenty-four hours.
    most_in_a_day: usize,
    /// The most that were under way at the same time.
    most_at_once: u32,
}

/// Requests in a window that starts anew at fixed moments.
#[derive(Clone, Copy, Debug, Default)]
struct Fixed {
    window: i64,
    used: u32,
}

impl Fixed {
    /// What was used in the window that `now` is in.
    fn used(&mut self, now: Timestamp, length: i64, offset: i64) -> u32 {
        let window = (now.as_second() - offset).div_euclid(length);
        if window != self.window {
            *self = Self { window, used: 0 };
        }
        self.used
    }
}

/// Until the window that `now` is in ends, in seconds; at least one.
fn ends_in(now: Timestamp, length: i64, offset: i64) -> u64 {
    let left = length - (now.as_second() - offset).rem_euclid(length);
    u64::try_from(left).unwrap_or(1)
}

/// What one company, or the app, was asked lately.
#[derive(Debug, Default)]
struct Recent {
    minute: VecDeque<Timestamp>,
    batches: VecDeque<Timestamp>,
    fixed_minute: Fixed,
    fixed_day: Fixed,
    under_way: u32,
    seen_in_minute: VecDeque<Timestamp>,
    seen_in_day: VecDeque<Timestamp>,
    usage: Usage,
}

impl Recent {
    fn arrive(&mut self, now: Timestamp) {
        self.under_way += 1;
        slide(&mut self.seen_in_minute, now, MINUTE);
        slide(&mut self.seen_in_day, now, DAY);
        self.seen_in_minute.push_back(now);
        self.seen_in_day.push_back(now);
        let usage = &mut self.usage;
        usage.calls += 1;
        usage.most_in_a_minute = usage.most_in_a_minute.max(self.seen_in_minute.len());
        usage.most_in_a_day = usage.most_in_a_day.max(self.seen_in_day.len());
        usage.most_at_once = usage.most_at_once.max(self.under_way);
    }
}

/// Drops what is older than so many seconds.
fn slide(window: &mut VecDeque<Timestamp>, now: Timestamp, seconds: i64) {
    while window
        .front()
        .is_some_and(|at| now.duration_since(*at) >= SignedDuration::from_secs(seconds))
    {
        window.pop_front();
    }
}

/// Counts requests and refuses those beyond the limits.
#[derive(Debug)]
pub(crate) struct Throttle {
    pub(crate) limits: Limits,
    recent: HashMap<String, Recent>,
    counts: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Throttle {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            recent: HashMap::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Adds to a counter of a company; `oauth` and the like count under their own name.
    pub(crate) fn count(&mut self, under: &str, what: &str) {
        *self
            .counts
            .entry(under.to_owned())
            .or_default()
            .entry(what.to_owned())
            .or_default() += 1;
    }

    fn recent(&mut self, under: &str) -> &mut Recent {
        if !self.recent.contains_key(under) {
            self.recent.insert(under.to_owned(), Recent::default());
        }
        self.recent.entry(under.to_owned()).or_default()
    }

    /// A request has come; [`Self::leave`] says that it was answered.
    pub(crate) fn arrive(&mut self, realm: &str, now: Timestamp) {
        for under in [realm, APP] {
            self.recent(under).arrive(now);
        }
    }

    /// A request was answered.
    pub(crate) fn leave(&mut self, realm: &str) {
        for under in [realm, APP] {
            let recent = self.recent(under);
            recent.under_way = recent.under_way.saturating_sub(1);
        }
    }

    /// Says whether the limits allow a request that has arrived. A refused one does not use them up.
    ///
    /// # Errors
    ///
    /// The limit that is reached.
    pub(crate) fn admit(
        &mut self,
        realm: &str,
        is_batch: bool,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let reached = self.reached(realm, is_batch, now);
        if let Some(refused) = reached {
            self.count(realm, "throttled");
            for under in [realm, APP] {
                self.recent(under).usage.refused += 1;
            }
            return Err(refused);
        }
        let limits = self.limits;
        let recent = self.recent(realm);
        recent.fixed_minute.used += 1;
        recent.fixed_day.used += 1;
        if limits.per_minute.is_some() || limits.per_second.is_some() {
            recent.minute.push_back(now);
        }
        if is_batch && limits.batches_per_minute.is_some() {
            recent.batches.push_back(now);
        }
        let app = self.recent(APP);
        app.fixed_minute.used += 1;
        app.fixed_day.used += 1;
        Ok(())
    }

    fn reached(&mut self, realm: &str, is_batch: bool, now: Timestamp) -> Option<Refused> {
        let limits = self.limits;
        let (minute_offset, day_offset) = offsets(limits.windows, realm);
        let refused = |limit, retry_after| Some(Refused { limit, retry_after });
        let app = self.recent(APP);
        if over(limits.app_at_once, app.under_way) {
            return refused("appconcurrent", None);
        }
        if full(limits.app_per_minute, app.fixed_minute.used(now, MINUTE, 0)) {
            return refused("appminute", Some(ends_in(now, MINUTE, 0)));
        }
        if full(limits.app_per_day, app.fixed_day.used(now, DAY, 0)) {
            return refused("appday", Some(ends_in(now, DAY, 0)));
        }
        let recent = self.recent(realm);
        if over(limits.at_once, recent.under_way) {
            return refused("concurrent", None);
        }
        let day = recent.fixed_day.used(now, DAY, day_offset);
        if full(limits.per_day, day) {
            return refused("day", Some(ends_in(now, DAY, day_offset)));
        }
        let fixed_minute = recent.fixed_minute.used(now, MINUTE, minute_offset);
        if limits.windows == Windows::Fixed {
            if full(limits.per_minute, fixed_minute) {
                return refused("minute", Some(ends_in(now, MINUTE, minute_offset)));
            }
            return None;
        }
        slide(&mut recent.minute, now, MINUTE);
        slide(&mut recent.batches, now, MINUTE);
        let last_second = recent
            .minute
            .iter()
            .rev()
            .take_while(|at| now.duration_since(**at) < SignedDuration::from_secs(1))
            .count();
        if full(limits.per_minute, count(&recent.minute)) {
            return refused("minute", None);
        }
        if full(
            limits.per_second,
            u32::try_from(last_second).unwrap_or(u32::MAX),
        ) {
            return refused("second", None);
        }
        if is_batch && full(limits.batches_per_minute, count(&recent.batches)) {
            return refused("batches", None);
        }
        None
    }

    /// What is left to a company, in fixed windows.
    pub(crate) fn remaining(&mut self, realm: &str, now: Timestamp) -> Remaining {
        let limits = self.limits;
        let (minute_offset, day_offset) = offsets(limits.windows, realm);
        let left = |limit: Option<u32>, used: u32| limit.map(|limit| limit.saturating_sub(used));
        let recent = self.recent(realm);
        let minute = recent.fixed_minute.used(now, MINUTE, minute_offset);
        let day = recent.fixed_day.used(now, DAY, day_offset);
        let app_minute = self.recent(APP).fixed_minute.used(now, MINUTE, 0);
        Remaining {
            minute: left(limits.per_minute, minute),
            day: left(limits.per_day, day),
            app_minute: left(limits.app_per_minute, app_minute),
        }
    }

    /// All counters, by company and kind.
    pub(crate) fn counts(&self) -> Value {
        json!(self.counts)
    }

    /// How each company, and the app as a whole, was called.
    pub(crate) fn usage(&self) -> Value {
        let usage: BTreeMap<&str, Usage> = self
            .recent
            .iter()
            .map(|(under, recent)| (under.as_str(), recent.usage))
            .collect();
        json!(usage)
    }

    /// Starts counting anew. What the limits have already used up stays used up.
    pub(crate) fn reset_counts(&mut self) {
        self.counts.clear();
        for recent in self.recent.values_mut() {
            recent.seen_in_minute.clear();
            recent.seen_in_day.clear();
            recent.usage = Usage {
                most_at_once: recent.under_way,
                ..Usage::default()
            };
        }
    }
}

/// At which second of the minute and of the day a company's fixed windows start: at another moment for
/// each.
fn offsets(windows: Windows, realm: &str) -> (i64, i64) {
    match windows {
        Windows::Sliding => (0, 0),
        Windows::Fixed => {
            let mix = realm
                .bytes()
                .fold(7_i64, |mix, byte| (mix * 31 + i64::from(byte)) % DAY);
            (mix % MINUTE, mix)
        }
    }
}

fn count(window: &VecDeque<Timestamp>) -> u32 {
    u32::try_from(window.len()).unwrap_or(u32::MAX)
}

/// Whether one more would be too many.
fn full(limit: Option<u32>, used: u32) -> bool {
    limit.is_some_and(|limit| used >= limit)
}

/// Whether these are too many.
fn over(limit: Option<u32>, used: u32) -> bool {
    limit.is_some_and(|limit| used > limit)
}
