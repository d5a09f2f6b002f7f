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
use crate::service::sync::{Depth, Sync};
use crate::store::Store;

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
    /// Told when a sync has ended, so that its changes are looked for at once.
    pub changed: Arc<Notify>,
}

/// How long a shutdown waits for the steps in hand.
const LONGEST_DRAIN: Duration = Duration::from_secs(20);

/// When a connection is to be read again.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    due_at: Timestamp,
    failures: u32,
}

/// The syncs under way, with the connection of each.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<Result<(), LedgerError>>,
    connections: HashMap<task::Id, Connection>,
}

impl UnderWay {
    fn reads(&self, id: &ConnectionId) -> bool {
        self.connections
            .values()
            .any(|connection| connection.id == *id)
    }

    /// The next sync to end, however it ended; `None` while there is none.
    async fn ended(&mut self) -> Option<(Connection, Result<(), LedgerError>)> {
        let (id, outcome) = match self.tasks.join_next_with_id().await? {
            Ok(ended) => ended,
            Err(error) => {
                error!(%error, "a sync ended abnormally");
                (error.id(), Err(LedgerError::Abnormal))
            }
        };
        Some((self.connections.remove(&id)?, outcome))
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
                Some((connection, outcome)) = under_way.ended() => {
                    self.changed.notify_one();
                    let next = self.next(&connection, schedules.get(&connection.id), &outcome);
                    schedules.insert(connection.id, next);
                }
                () = tokio::time::sleep(ROUND) => {}
            }
            let connections = match self.store.connections().await {
                Ok(connections) => connections,
                Err(error) => {
                    warn!(%error, "connections cannot be read");
                    continue;
                }
            };
            schedules.retain(|id, _| connections.iter().any(|connection| connection.id == *id));
            for connection in connections {
                self.start_if_due(connection, &mut schedules, &mut under_way, &slots);
            }
        }
        let drained = async { while under_way.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(LONGEST_DRAIN, drained).await.is_err() {
            warn!("a sync did not end in time and is cut off; it goes on at its last mark");
        }
    }

    fn start_if_due(
        &self,
        connection: Connection,
        schedules: &mut HashMap<ConnectionId, Schedule>,
        under_way: &mut UnderWay,
        slots: &Arc<Semaphore>,
    ) {
        let now = self.clock.now();
        let schedule = schedules.entry(connection.id.clone()).or_insert(Schedule {
            due_at: now,
            failures: 0,
        });
        if connection.state != ConnectionState::Active {
            // Authorized again, it is due at once.
            schedule.due_at = now;
            schedule.failures = 0;
            return;
        }
        if schedule.due_at > now || under_way.reads(&connection.id) {
            return;
        }
        let Ok(slot) = Arc::clone(slots).try_acquire_owned() else {
            return;
        };
        let (sync, id) = (self.sync.clone(), connection.id.clone());
        let task = under_way.tasks.spawn(async move {
            let outcome = sync.run(&id, Depth::Due, &|_, _| {}).await;
            drop(slot);
            outcome.map(|_| ())
        });
        under_way.connections.insert(task.id(), connection);
    }

    fn next(
        &self,
        connection: &Connection,
        before: Option<&Schedule>,
        outcome: &Result<(), LedgerError>,
    ) -> Schedule {
        let failures = match outcome {
            Ok(()) | Err(LedgerError::Busy) => 0,
            Err(_) => before.map_or(1, |before| before.failures.saturating_add(1)),
        };
        let wait = match outcome {
            Ok(()) => connection.poll_interval,
            Err(LedgerError::Busy) => connection.poll_interval.min(BUSY_WAIT),
            Err(error) => {
                let wait = wait_after(error, failures, connection.poll_interval, self.clock.now());
                info!(connection = %connection.id, reason = error.code(), %error, wait_seconds = wait.as_secs(), "sync failed, will try again");
                wait
            }
        };
        let now = self.clock.now();
        Schedule {
            due_at: now.checked_add(wait).unwrap_or(now),
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
