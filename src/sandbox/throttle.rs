//! Limits, and the counting of requests.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::options::Limits;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RequestKind {
    /// A statement about an entity.
    Query(Option<String>),
    /// One record by its id, company information or preferences.
    Read,
    /// Change data capture.
    Changes,
    /// A batch.
    Batch,
    /// A creation, update, deletion or voiding.
    Write,
    /// A path that there is not.
    Unknown,
}

impl RequestKind {
    fn word(&self) -> &'static str {
        match self {
            Self::Query(_) => "query",
            Self::Read => "read",
            Self::Changes => "cdc",
            Self::Batch => "batch",
            Self::Write => "write",
            Self::Unknown => "unknown",
        }
    }
}

/// What one company was asked in the last minute.
#[derive(Debug, Default)]
struct Recent {
    requests: VecDeque<Timestamp>,
    batches: VecDeque<Timestamp>,
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

    /// Counts a request, and says whether the limits allow it. A refused one does not use them up.
    pub(crate) fn admit(&mut self, realm: &str, kind: &RequestKind, now: Timestamp) -> bool {
        self.count(realm, kind.word());
        if let RequestKind::Query(Some(entity)) = kind {
            self.count(realm, &format!("query {entity}"));
        }
        let limits = self.limits;
        let recent = self.recent.entry(realm.to_owned()).or_default();
        for window in [&mut recent.requests, &mut recent.batches] {
            while window
                .front()
                .is_some_and(|at| now.duration_since(*at) >= SignedDuration::from_mins(1))
            {
                window.pop_front();
            }
        }
        let last_second = recent
            .requests
            .iter()
            .rev()
            .take_while(|at| now.duration_since(**at) < SignedDuration::from_secs(1))
            .count();
        let is_batch = *kind == RequestKind::Batch;
        let full = reached(limits.per_minute, recent.requests.len())
            || reached(limits.per_second, last_second)
            || (is_batch && reached(limits.batches_per_minute, recent.batches.len()));
        if full {
            self.count(realm, "throttled");
            return false;
        }
        if limits.per_minute.is_some() || limits.per_second.is_some() {
            recent.requests.push_back(now);
        }
        if is_batch && limits.batches_per_minute.is_some() {
            recent.batches.push_back(now);
        }
        true
    }

    /// All counters, by company and kind.
    pub(crate) fn counts(&self) -> Value {
        json!(self.counts)
    }

    /// Starts counting anew.
    pub(crate) fn reset_counts(&mut self) {
        self.counts.clear();
    }
}

fn reached(limit: Option<u32>, count: usize) -> bool {
    limit.is_some_and(|limit| usize::try_from(limit).is_ok_and(|limit| count >= limit))
}
