//! Who looked at whose pulse, for tenants that want it recorded.
//!
//! Answering must not wait for the database, so a view is only noted in memory here; a task writes what
//! was noted to the tenant's audit, about once a second. The first view of a contact by a person is
//! written at the next turn. Further ones by the same person, in the same role and with the same
//! decision shown, are counted, and follow as one entry when a minute is over.
//!
//! What is noted is bounded. When the database is away for so long that there is no room, further views
//! are answered but only counted, by tenant, and the count is written when the database is back. A
//! process that is killed takes along what it had not written: the views of its last second, and
//! repeats of its last minute.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::Counter;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::auth::{Role, Viewer};
use crate::clock::Clock;
use crate::domain::credit::Decision;
use crate::domain::ids::{ContactId, TenantId, UserId};
use crate::store::{AuditEntry, Store, StoreResult};

/// How often what was noted is written.
const TURN: Duration = Duration::from_secs(1);
/// For how long repeats are counted before they are written.
const REPEATS: SignedDuration = SignedDuration::from_secs(60);
/// How many different views may be noted at once: some 200 bytes each.
const ROOM: usize = 20_000;
/// How many entries are written in one transaction, which holds the lock of the tenant's chain.
const BATCH: usize = 200;

/// A pulse that was shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Whose.
    pub contact: ContactId,
    /// What it came to.
    pub decision: Decision,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    user: UserId,
    role: Role,
    view: View,
}

#[derive(Clone, Copy, Debug)]
struct Noted {
    /// Views that are not written yet: how many, the first and the last.
    times: u64,
    first: Timestamp,
    last: Timestamp,
    /// Until when they are only counted.
    counted_until: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Book {
    noted: HashMap<Key, Noted>,
    lost: HashMap<TenantId, u64>,
}

/// The views that are noted and not yet written.
pub struct Views {
    book: Mutex<Book>,
    room: usize,
    recorded: Counter,
    lost: Counter,
}

impl std::fmt::Debug for Views {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Views").finish_non_exhaustive()
    }
}

impl Default for Views {
    fn default() -> Self {
        Self::with_room(ROOM)
    }
}

impl Views {
    /// Room for so many different views. Metrics go to the recorder that is installed at this moment.
    pub fn with_room(room: usize) -> Self {
        metrics::describe_counter!("pulse_views_recorded_total", "Views written to the audit");
        metrics::describe_counter!(
            "pulse_views_lost_total",
            "Views that should have been recorded and for which there was no room"
        );
        Self {
            book: Mutex::default(),
            room,
            recorded: metrics::counter!("pulse_views_recorded_total"),
            lost: metrics::counter!("pulse_views_lost_total"),
        }
    }

    /// Notes that somebody was shown pulses. Takes a lock for some hundred nanoseconds and waits for
    /// nothing else.
    pub fn note(&self, viewer: &Viewer, views: &[View], now: Timestamp) {
        let mut book = self.lock();
        for view in views {
            let key = Key {
                tenant: viewer.tenant.clone(),
                user: viewer.user.clone(),
                role: viewer.role,
                view: view.clone(),
            };
            let full = book.noted.len() >= self.room;
            match book.noted.entry(key) {
                Entry::Occupied(mut noted) => noted.get_mut().again(now),
                Entry::Vacant(free) if !full => {
                    free.insert(Noted {
                        times: 1,
                        first: now,
                        last: now,
                        counted_until: None,
                    });
                }
                Entry::Vacant(_) => {
                    *book.lost.entry(viewer.tenant.clone()).or_default() += 1;
                    self.lost.increment(1);
                }
            }
        }
    }

    /// Writes what was noted, about once a second, until `stop` is cancelled. The last turn is
    /// [`Self::write_all`]'s, when no request is answered any more.
    pub async fn run(
        self: Arc<Self>,
        store: Store,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
    ) {
        let mut failing = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(TURN) => {}
            }
            match self.write(&store, clock.now(), false).await {
                Ok(()) => failing = false,
                Err(error) => {
                    // Once, not every second.
                    if !failing {
                        warn!(%error, "views cannot be recorded; they are kept as far as there is room");
                    }
                    failing = true;
                }
            }
        }
    }

    /// Writes all that was noted, repeats included.
    ///
    /// # Errors
    /// When the store fails; what was not written stays noted.
    pub async fn write_all(&self, store: &Store, now: Timestamp) -> StoreResult<()> {
        self.write(store, now, true).await
    }

    async fn write(&self, store: &Store, now: Timestamp, all: bool) -> StoreResult<()> {
        let mut by_tenant: HashMap<TenantId, Vec<(Key, Noted)>> = HashMap::new();
        for (key, noted) in self.take(now, all) {
            let tenant = key.tenant.clone();
            by_tenant.entry(tenant).or_default().push((key, noted));
        }
        let mut failed = None;
        for (tenant, mut views) in by_tenant {
            views.sort_by_key(|(_, noted)| noted.first);
            for batch in views.chunks(BATCH) {
                let entries: Vec<AuditEntry> =
                    batch.iter().map(|(key, noted)| key.entry(noted)).collect();
                if failed.is_none() {
                    match store.append_audit_of(&tenant, &entries).await {
                        Ok(()) => {
                            let views = batch.iter().map(|(_, noted)| noted.times);
                            self.recorded.increment(views.sum());
                            continue;
                        }
                        Err(error) => failed = Some(error),
                    }
                }
                self.give_back(batch);
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        self.write_lost(store, now).await
    }

    async fn write_lost(&self, store: &Store, now: Timestamp) -> StoreResult<()> {
        let lost = std::mem::take(&mut self.lock().lost);
        let mut failed = None;
        for (tenant, count) in lost {
            let entry = AuditEntry {
                tenant: Some(tenant.clone()),
                at: now,
                actor: "automatic".into(),
                action: "pulse.views_lost".into(),
                subject: tenant.as_str().into(),
                detail: json!({ "count": count }),
                reason: None,
            };
            let written = match failed {
                None => store.append_audit_of(&tenant, &[entry]).await,
                Some(_) => Ok(()),
            };
            if failed.is_some() || written.is_err() {
                *self.lock().lost.entry(tenant).or_default() += count;
                failed = failed.or(written.err());
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Takes what is due; what was counted to its end and had no repeat is forgotten.
    fn take(&self, now: Timestamp, all: bool) -> Vec<(Key, Noted)> {
        let mut due = Vec::new();
        self.lock().noted.retain(|key, noted| {
            if !all && noted.counted_until.is_some_and(|until| now < until) {
                return true;
            }
            if noted.times == 0 {
                return false;
            }
            due.push((key.clone(), *noted));
            noted.times = 0;
            noted.counted_until = Some(now.saturating_add(REPEATS).unwrap_or(Timestamp::MAX));
            true
        });
        due
    }

    /// Notes again what could not be written, to be tried at the next turn.
    fn give_back(&self, views: &[(Key, Noted)]) {
        let mut book = self.lock();
        for (key, unwritten) in views {
            match book.noted.entry(key.clone()) {
                Entry::Occupied(mut noted) => {
                    let noted = noted.get_mut();
                    if noted.times == 0 {
                        noted.last = unwritten.last;
                    }
                    noted.first = unwritten.first;
                    noted.times += unwritten.times;
                    noted.counted_until = None;
                }
                Entry::Vacant(free) => {
                    free.insert(*unwritten);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn again(&mut self, now: Timestamp) {
        if self.times == 0 {
            self.first = now;
        }
        self.last = now;
        self.times += 1;
    }
}

impl Key {
    fn entry(&self, noted: &Noted) -> AuditEntry {
        let mut detail = json!({
            "role": self.role.as_str(),
            "decision": self.view.decision.as_str(),
        });
        if noted.times > 1 {
            detail["times"] = json!(noted.times);
            detail["last"] = json!(noted.last.to_string());
        }
        AuditEntry {
            tenant: Some(self.tenant.clone()),
            at: noted.first,
            actor: self.user.as_str().into(),
            action: "pulse.view".into(),
            subject: self.view.contact.as_str().into(),
            detail,
            reason: None,
        }
    }
}
