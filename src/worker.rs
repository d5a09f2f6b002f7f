//! The background work: polls every connection when it is due, one at a time each, and backs off from
//! what fails.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::domain::connection::Connection;
use crate::domain::freshness::ConnectionState;
use crate::domain::ids::ConnectionId;
use crate::provider::ProviderError;
use crate::service::ledger::LedgerError;
use crate::service::refresh_queue::RefreshQueue;
use crate::service::sync::{Depth, Sync, SyncReport};
use crate::store::{Store, StoreError};

/// How often the worker looks for connections that were added or became due.
const ROUND: Duration = Duration::from_millis(250);

/// How soon a connection is tried again that another process reads: it may have been killed, and its
/// lease ends soon, long before the next poll.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// The longest wait after failures in a row.
const LONGEST_BACKOFF: Duration = Duration::from_mins(15);

/// Polls connections until it is told to stop.
#[derive(Debug)]
pub struct Worker {
    /// The mirror, which also holds the connections.
    pub store: Store,
    /// What it runs.
    pub sync: Sync,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How many connections are read at the same time.
    pub at_once: usize,
    /// Customers that somebody waits for.
    pub refreshes: RefreshQueue,
    /// Told when a sync has ended, so that its changes are looked for at once.
    pub changed: Arc<Notify>,
}

/// How long a shutdown waits for the steps in hand.
const LONGEST_DRAIN: Duration = Duration::from_secs(20);

/// When a connection is to be read again.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    /// Its next poll, or the next slice of a long read.
    due_at: Timestamp,
    /// Before this nothing is asked of it, not even for an open page: it failed just now.
    held_until: Timestamp,
    /// Before this no webhook is heeded.
    heeds_from: Timestamp,
    failures: u32,
}

/// A sync under way.
struct Task {
    connection: Connection,
    depth: Depth,
}

/// The syncs under way, with the connection of each.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<Result<SyncReport, LedgerError>>,
    known: HashMap<task::Id, Task>,
}

impl UnderWay {
    fn reads(&self, id: &ConnectionId) -> bool {
        self.known.values().any(|task| task.connection.id == *id)
    }

    /// The next sync to end, however it ended; `None` while there is none.
    async fn ended(&mut self) -> Option<(Task, Result<SyncReport, LedgerError>)> {
        let (id, outcome) = match self.tasks.join_next_with_id().await? {
            Ok(ended) => ended,
            Err(error) => {
                error!(%error, "a sync ended abnormally");
                (error.id(), Err(LedgerError::Abnormal))
            }
        };
        Some((self.known.remove(&id)?, outcome))
    }
}

impl Worker {
    /// Works until `stop` is cancelled, then waits for the step in hand of each sync: a token refresh
    /// cut off between the provider's answer and our storing would lose the connection.
    pub async fn run(self, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.at_once.max(1)));
        let mut schedules: HashMap<ConnectionId, Schedule> = HashMap::new();
        let mut under_way = UnderWay::default();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some((task, outcome)) = under_way.ended() => {
                    self.changed.notify_one();
                    let next = self.next(&task, schedules.get(&task.connection.id), &outcome);
                    schedules.insert(task.connection.id, next);
                }
                () = tokio::time::sleep(ROUND) => {}
            }
            let (mut connections, hinted) = match self.look().await {
                Ok(found) => found,
                Err(error) => {
                    warn!(%error, "connections cannot be read");
                    continue;
                }
            };
            schedules.retain(|id, _| connections.iter().any(|connection| connection.id == *id));
            // The one that waited longest comes first, so that no long read starves another.
            let due_at = |connection: &Connection| schedules.get(&connection.id).map(|s| s.due_at);
            connections.sort_by_key(due_at);
            for connection in connections {
                let hinted = hinted.contains(&connection.id);
                self.start_if_due(connection, hinted, &mut schedules, &mut under_way, &slots);
            }
        }
        let drained = async { while under_way.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(LONGEST_DRAIN, drained).await.is_err() {
            warn!("a sync did not end in time and is cut off; it goes on at its last mark");
        }
    }

    /// The connections, and those among them for which webhooks wait.
    async fn look(&self) -> Result<(Vec<Connection>, Vec<ConnectionId>), StoreError> {
        let connections = self.store.connections().await?;
        let hinted = self.store.connections_with_webhook_events().await?;
        Ok((connections, hinted))
    }

    fn start_if_due(
        &self,
        connection: Connection,
        hinted: bool,
        schedules: &mut HashMap<ConnectionId, Schedule>,
        under_way: &mut UnderWay,
        slots: &Arc<Semaphore>,
    ) {
        let now = self.clock.now();
        let fresh = Schedule {
            due_at: now,
            held_until: now,
            heeds_from: now,
            failures: 0,
        };
        let schedule = schedules.entry(connection.id.clone()).or_insert(fresh);
        if connection.state != ConnectionState::Active {
            // Authorized again, it is due at once.
            *schedule = fresh;
            return;
        }
        if schedule.held_until > now || under_way.reads(&connection.id) {
            return;
        }
        let depth = if schedule.due_at <= now {
            Depth::Slice
        } else if hinted && schedule.heeds_from <= now {
            Depth::Hinted
        } else if self.refreshes.waits_for(&connection.id) {
            Depth::Asked
        } else {
            return;
        };
        let Ok(slot) = Arc::clone(slots).try_acquire_owned() else {
            return;
        };
        let (sync, id) = (self.sync.clone(), connection.id.clone());
        let task = under_way.tasks.spawn(async move {
            let outcome = sync.run(&id, depth, &|_, _| {}).await;
            drop(slot);
            outcome
        });
        under_way
            .known
            .insert(task.id(), Task { connection, depth });
    }

    fn next(
        &self,
        task: &Task,
        before: Option<&Schedule>,
        outcome: &Result<SyncReport, LedgerError>,
    ) -> Schedule {
        let Task { connection, depth } = task;
        let now = self.clock.now();
        let after = |wait: Duration| now.checked_add(wait).unwrap_or(now);
        let failures = match outcome {
            Ok(_) | Err(LedgerError::Busy) => 0,
            Err(_) => before.map_or(1, |before| before.failures.saturating_add(1)),
        };
        let wait = match outcome {
            Ok(report) if report.unfinished => Duration::ZERO,
            Ok(_) => connection.poll_interval,
            Err(LedgerError::Busy) => connection.poll_interval.min(BUSY_WAIT),
            Err(error) => {
                let wait = wait_after(error, failures, connection.poll_interval, now);
                info!(connection = %connection.id, reason = error.code(), %error, wait_seconds = wait.as_secs(), "sync failed, will try again");
                wait
            }
        };
        let polled = matches!(outcome, Ok(report) if report.unfinished || report.caught_up);
        // What was asked for in between moves no poll, unless it was as good as one.
        let due_at = match (depth, before) {
            (Depth::Asked | Depth::Hinted, Some(before)) if !polled => before.due_at,
            _ => after(wait),
        };
        let held_until = match outcome {
            Ok(_) => now,
            // A poll that is out of budget keeps no open page waiting.
            Err(LedgerError::Provider(ProviderError::BudgetSpent { .. }))
                if *depth != Depth::Asked =>
            {
                now
            }
            Err(_) => after(wait),
        };
        let heeds_from = match (depth, outcome, before) {
            (Depth::Hinted, Err(_), _) => after(wait),
            (Depth::Asked, _, Some(before)) => before.heeds_from,
            // After a poll, too: what that may no longer spend, a webhook may.
            _ => after(self.sync.hint_interval(connection.provider)),
        };
        Schedule {
            due_at,
            held_until,
            heeds_from,
            failures,
        }
    }
}

/// How long to wait after a failure: what the ledger asks for, else twice as long each time.
fn wait_after(
    error: &LedgerError,
    failures: u32,
    poll_interval: Duration,
    now: Timestamp,
) -> Duration {
    let until = |at: Timestamp| Duration::try_from(at - now.min(at)).unwrap_or(LONGEST_BACKOFF);
    match error {
        LedgerError::Provider(ProviderError::RateLimited { retry_after }) => *retry_after,
        LedgerError::Provider(
            ProviderError::BudgetSpent { until: at } | ProviderError::CircuitOpen { until: at },
        ) => until(*at),
        _ => {
            let doubled = Duration::from_secs(1).saturating_mul(1 << failures.min(10));
            doubled
                .min(LONGEST_BACKOFF)
                .min(poll_interval.max(Duration::from_secs(2)) * 4)
        }
    }
}
