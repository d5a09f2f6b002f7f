//! Version counters: what a kept thing was read under, and whether that still holds.
//!
//! Every connection and every tenant has one [`Counter`] in this process. Whoever learns of a change
//! (a sync that applied records, a mutation, the feed from other processes) counts it up *after* the
//! change is visible in the store. A reader notes the counters *before* it reads. So a thing whose
//! noted counters are unchanged is as new as the store, and checking it costs a few atomic loads.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::domain::ids::{ConnectionId, TenantId};

/// Counts the changes of one connection's or tenant's data as seen by this process.
#[derive(Debug, Default)]
pub struct Counter {
    value: AtomicU64,
    moved: Notify,
}

impl Counter {
    /// The count at this moment.
    pub fn value(&self) -> u64 {
        self.value.load(Ordering::Acquire)
    }

    /// Counts a change and wakes those who wait for one.
    pub fn advance(&self) {
        self.value.fetch_add(1, Ordering::AcqRel);
        self.moved.notify_waiters();
    }

    /// Waits until the count is no longer `seen`.
    pub async fn moved_from(&self, seen: u64) {
        loop {
            let mut moved = pin!(self.moved.notified());
            // Registered before the look, so that no change between the two is missed.
            moved.as_mut().enable();
            if self.value() != seen {
                return;
            }
            moved.await;
        }
    }
}

/// The counters of this process, made when first asked for. There are as many as the installation
/// has connections and tenants, and a thousand more at most: whoever shows a token or asks for a
/// customer names what there need not be.
#[derive(Debug, Default)]
pub struct Versions {
    connections: Counters<ConnectionId>,
    tenants: Counters<TenantId>,
}

impl Versions {
    /// The counter of a connection: its records, freshness and state.
    pub fn connection(&self, id: &ConnectionId) -> Arc<Counter> {
        self.connections.get(id)
    }

    /// The counter of a tenant: its settings, keys, roles, links and limits.
    pub fn tenant(&self, id: &TenantId) -> Arc<Counter> {
        self.tenants.get(id)
    }
}

/// How many counters are made before those that never counted are looked for.
const TIDIED_AFTER: usize = 1_024;

#[derive(Debug)]
struct Counters<K>(RwLock<Kept<K>>);

#[derive(Debug)]
struct Kept<K> {
    counters: HashMap<K, Arc<Counter>>,
    /// At how many counters to tidy next.
    tidy_at: usize,
}

impl<K> Default for Counters<K> {
    fn default() -> Self {
        Self(RwLock::new(Kept {
            counters: HashMap::new(),
            tidy_at: TIDIED_AFTER,
        }))
    }
}

impl<K: Clone + Eq + Hash> Counters<K> {
    fn get(&self, key: &K) -> Arc<Counter> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = kept.counters.get(key) {
            return Arc::clone(counter);
        }
        drop(kept);
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.counters.len() >= kept.tidy_at {
            // One that never counted and that nobody holds is as good as a new one.
            kept.counters
                .retain(|_, counter| counter.value() > 0 || Arc::strong_count(counter) > 1);
            kept.tidy_at = kept.counters.len() + TIDIED_AFTER;
        }
        Arc::clone(kept.counters.entry(key.clone()).or_default())
    }
}

/// What a thing was read under: it holds while every counter stands where it stood, and until the
/// moment at which the clock alone changes it.
#[derive(Clone, Debug, Default)]
pub struct Stamp {
    read_under: Vec<(Arc<Counter>, u64)>,
    until: Option<Timestamp>,
}

impl Stamp {
    /// Notes a counter and tells where it stands. Must come before the read that depends on it.
    pub fn note(&mut self, counter: Arc<Counter>) -> u64 {
        let value = counter.value();
        self.push(counter, value);
        value
    }

    /// Bounds the life of the thing by the clock.
    pub fn expire_at(&mut self, moment: Timestamp) {
        self.until = Some(self.until.map_or(moment, |until| until.min(moment)));
    }

    /// Adds all that another read depended on.
    pub fn merge(&mut self, other: &Self) {
        for (counter, value) in &other.read_under {
            self.push(Arc::clone(counter), *value);
        }
        if let Some(until) = other.until {
            self.expire_at(until);
        }
    }

    /// Whether the thing is still what a new read would give.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
            && self
                .read_under
                .iter()
                .all(|(counter, value)| counter.value() == *value)
    }

    /// Whether anything was noted: a thing without a dependency is not worth keeping.
    pub fn is_empty(&self) -> bool {
        self.read_under.is_empty()
    }

    /// The moment at which the clock alone changes the thing.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Waits until a noted counter has moved; forever when none is noted.
    pub async fn moved(&self) {
        let waits = self
            .read_under
            .iter()
            .map(|(counter, value)| Box::pin(counter.moved_from(*value)));
        if self.read_under.is_empty() {
            std::future::pending::<()>().await;
        }
        futures_util::future::select_all(waits).await;
    }

    /// Keeps the older value where a counter is noted twice: the thing is only as new as its oldest
    /// part.
    fn push(&mut self, counter: Arc<Counter>, value: u64) {
        match self
            .read_under
            .iter_mut()
            .find(|(noted, _)| Arc::ptr_eq(noted, &counter))
        {
            Some((_, noted)) => *noted = (*noted).min(value),
            None => self.read_under.push((counter, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn what_nobody_holds_and_nothing_changed_is_not_kept_for_good() {
        let versions = Versions::default();
        let held = versions.tenant(&"held".into());
        versions.tenant(&"changed".into()).advance();
        for nobody in 0..5_000 {
            versions.tenant(&format!("nobody-{nobody}").as_str().into());
        }
        let kept = versions.tenants.0.read().expect("a lock").counters.len();
        assert!(kept <= TIDIED_AFTER + 2, "{kept}");
        assert!(Arc::ptr_eq(&held, &versions.tenant(&"held".into())));
        assert_eq!(versions.tenant(&"changed".into()).value(), 1);
    }

    #[test]
    fn a_stamp_holds_until_a_counter_moves_or_the_moment_comes() {
        let versions = Versions::default();
        let counter = versions.connection(&ConnectionId::from("books"));
        let mut stamp = Stamp::default();
        stamp.note(Arc::clone(&counter));
        stamp.expire_at(instant(100));
        stamp.expire_at(instant(200));
        assert!(stamp.holds(instant(99)));
        assert!(!stamp.holds(instant(100)), "the earlier moment counts");
        counter.advance();
        assert!(!stamp.holds(instant(0)));
    }

    #[test]
    fn merging_keeps_the_older_reading() {
        let counter = Arc::new(Counter::default());
        let mut older = Stamp::default();
        older.note(Arc::clone(&counter));
        counter.advance();
        let mut newer = Stamp::default();
        newer.note(Arc::clone(&counter));
        newer.merge(&older);
        assert!(!newer.holds(instant(0)));
    }

    #[tokio::test]
    async fn a_move_before_the_wait_is_not_missed() {
        let counter = Arc::new(Counter::default());
        let mut stamp = Stamp::default();
        stamp.note(Arc::clone(&counter));
        counter.advance();
        stamp.moved().await;
    }
}
