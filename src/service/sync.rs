//! Keeping the mirror equal to the ledger: first load, increments, full comparison.
//!
//! Every step is one transaction that stores the records together with the mark of how far the read
//! has come, so that a kill at any point loses nothing and doubles nothing: the next run goes on at
//! the last mark, and records that come again change nothing.
//!
//! Why no change is missed: the watermark is the ledger's own time when the first load *began*. What
//! changes during the load lies after the watermark and comes with the first increment; increments
//! start some minutes before the last watermark, since a ledger may show a change late.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::ledger::{Ledger, LedgerError, Providers};
use super::refresh_queue::RefreshQueue;
use crate::clock::Clock;
use crate::domain::connection::Connection;
use crate::domain::freshness::{Dataset, Progress};
use crate::domain::ids::ConnectionId;
use crate::domain::records::Records;
use crate::provider::{ChangeFeed, Changes, Cursor, Page, ProviderError, Purpose, Reference};
use crate::store::{Store, SyncMarks};

/// How far a run should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What is missing of the first load, then what changed, then a comparison when one is due.
    Due,
    /// The same with a full comparison, due or not.
    Full,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Records written because they differed from the mirror.
    pub written: u64,
    /// Records read that the mirror had already.
    pub unchanged: u64,
    /// Records removed because the ledger no longer has them.
    pub deleted: u64,
    /// Whether a full comparison was part of it.
    pub compared: bool,
}

/// Settings of the sync.
#[derive(Clone, Copy, Debug)]
pub struct SyncSettings {
    /// How often the mirror is compared with the ledger's ids in full.
    pub comparison_interval: SignedDuration,
    /// How far before the last watermark each question for changes starts.
    pub overlap: SignedDuration,
    /// How long a connection stays taken when the process that reads it is killed.
    pub lease: SignedDuration,
}

/// Runs the sync of connections.
#[derive(Clone, Debug)]
pub struct Sync {
    pub(super) store: Store,
    providers: Providers,
    pub(super) clock: Arc<dyn Clock>,
    settings: SyncSettings,
    refreshes: RefreshQueue,
    stop: CancellationToken,
}

/// Hears how far a first load has come.
pub type OnProgress<'a> = &'a (dyn Fn(Dataset, Progress) + Send + std::marker::Sync);

impl Sync {
    /// A sync over a store and its providers; it ends after the step in hand once `stop` is
    /// cancelled.
    pub fn new(
        store: Store,
        providers: Providers,
        clock: Arc<dyn Clock>,
        settings: SyncSettings,
        refreshes: RefreshQueue,
        stop: CancellationToken,
    ) -> Self {
        Self {
            store,
            providers,
            clock,
            settings,
            refreshes,
            stop,
        }
    }

    /// Brings a connection's mirror up to date.
    ///
    /// # Errors
    /// When the ledger or the store fails, or another process is at it; what was read until then
    /// stays and the next run goes on from there.
    pub async fn run(
        &self,
        id: &ConnectionId,
        depth: Depth,
        progress: OnProgress<'_>,
    ) -> Result<SyncReport, LedgerError> {
        let connection = self.connection(id).await?;
        let ledger = Ledger::open(
            &self.store,
            &self.providers,
            &self.clock,
            self.settings.lease,
            connection,
        )
        .await?;
        let mut run = Run {
            sync: self,
            ledger: &ledger,
            report: SyncReport::default(),
        };
        let outcome = run.all(depth, progress).await;
        let report = run.report;
        ledger.close().await?;
        outcome?;
        info!(
            connection = %id,
            written = report.written,
            unchanged = report.unchanged,
            deleted = report.deleted,
            compared = report.compared,
            "synced"
        );
        Ok(report)
    }

    async fn connection(&self, id: &ConnectionId) -> Result<Connection, LedgerError> {
        self.store
            .connection(id)
            .await?
            .ok_or_else(|| LedgerError::NoSuchConnection(id.to_string()))
    }
}

/// One run over one connection.
pub(super) struct Run<'a> {
    pub(super) sync: &'a Sync,
    pub(super) ledger: &'a Ledger,
    pub(super) report: SyncReport,
}

impl Run<'_> {
    pub(super) fn id(&self) -> &ConnectionId {
        &self.ledger.connection.id
    }

    async fn all(&mut self, depth: Depth, progress: OnProgress<'_>) -> Result<(), LedgerError> {
        self.organization().await?;
        let loaded_now = self.first_load(progress).await?;
        let behind = self.increment().await?;
        let state = self.sync.store.sync_state(self.id()).await?;
        let now = self.sync.clock.now();
        let due = match state.compared_at {
            Some(at) => at + self.sync.settings.comparison_interval <= now,
            // A load that has just read everything is its own comparison; one that was killed before
            // this could be noted is not.
            None if loaded_now => {
                self.sync.store.set_compared_at(self.id(), now).await?;
                false
            }
            None => true,
        };
        if depth == Depth::Full || due || behind.is_some() {
            self.compare().await?;
        }
        // Only now: a kill before this makes the next run catch up and compare again.
        if let Some(marks) = behind {
            self.apply(&Records::default(), &marks).await?;
        }
        Ok(())
    }

    async fn organization(&self) -> Result<(), LedgerError> {
        if self.ledger.connection.organization.is_some() {
            return Ok(());
        }
        let organization = self
            .ledger
            .call(Purpose::Increment, |provider, access| {
                async move { provider.organization(&access).await }.boxed()
            })
            .await?;
        Ok(self
            .sync
            .store
            .set_organization(self.id(), &organization, self.sync.clock.now())
            .await?)
    }

    async fn reference(&self) -> Result<Reference, LedgerError> {
        let connection = self.sync.connection(self.id()).await?;
        Ok(Reference {
            receivables_accounts: self.sync.store.reference(self.id()).await?,
            base_currency: connection.organization.map(|books| books.base_currency),
        })
    }

    /// Reads every dataset that was never read to its end, each from its last mark. True when there
    /// was any.
    async fn first_load(&mut self, progress: OnProgress<'_>) -> Result<bool, LedgerError> {
        let state = self.sync.store.sync_state(self.id()).await?;
        let mut any = false;
        for &dataset in self.ledger.provider.capabilities().datasets {
            let known = state.datasets.iter().find(|known| known.dataset == dataset);
            if known.is_some_and(|known| known.succeeded_at.is_some()) {
                continue;
            }
            any = true;
            let start = Start {
                cursor: state.cursors.get(&dataset).cloned().map(Cursor),
                loaded: known.map_or(0, |known| known.loaded),
                expected: known.and_then(|known| known.expected),
            };
            self.load(dataset, start, progress).await?;
        }
        Ok(any)
    }

    pub(super) async fn load(
        &mut self,
        dataset: Dataset,
        start: Start,
        progress: OnProgress<'_>,
    ) -> Result<(), LedgerError> {
        let reference = self.reference().await?;
        let Start {
            mut cursor,
            mut loaded,
            mut expected,
        } = start;
        loop {
            self.refresh_asked(&reference).await?;
            let begun = self.sync.clock.now();
            let page = self
                .page(dataset, &reference, None, cursor.as_ref())
                .await?;
            loaded += page.count;
            expected = page.expected.or(expected).map(|total| total.max(loaded));
            let last = page.next.is_none();
            let marks = SyncMarks {
                cursors: vec![(dataset, page.next.as_ref().map(|next| next.0.clone()))],
                attempted: vec![dataset],
                succeeded: if last { vec![(dataset, begun)] } else { vec![] },
                loaded: vec![(dataset, loaded, expected)],
                // Kept by the store only where none is set: when the first page of all was answered.
                first_load_started: Some(page.answered_at),
                ..SyncMarks::default()
            };
            self.apply(&page.records, &marks).await?;
            progress(
                dataset,
                Progress {
                    done: loaded,
                    total: if last { Some(loaded) } else { expected },
                },
            );
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Reads what changed since the watermark. Where that could not tell what was deleted, the answer
    /// is the marks to set once a comparison has found it.
    async fn increment(&mut self) -> Result<Option<SyncMarks>, LedgerError> {
        let state = self.sync.store.sync_state(self.id()).await?;
        let Some(watermark) = state.watermark.or(state.first_load_started) else {
            return Ok(None);
        };
        let feed = self.ledger.provider.capabilities();
        let since = watermark - self.sync.settings.overlap.max(feed.overlap);
        if feed.changes == ChangeFeed::ByDataset {
            let marks = self.read_changed(since).await?;
            self.apply(&Records::default(), &marks).await?;
            return Ok(None);
        }
        let mut reference = self.reference().await?;
        loop {
            self.refresh_asked(&reference).await?;
            let begun = self.sync.clock.now();
            let changes = self
                .ledger
                .call(Purpose::Increment, |provider, access| {
                    let reference = reference.clone();
                    async move { provider.changes(&access, &reference, since).await }.boxed()
                })
                .await?;
            let Changes::All {
                records,
                answered_at,
            } = changes
            else {
                // Too much changed, or too long ago, for one answer. The datasets one by one show no
                // deletions, so a comparison has to follow.
                warn!(connection = %self.id(), %since, "too many changes for one answer, reading each dataset");
                return self.read_changed(since).await.map(Some);
            };
            // A receivables account that was not known when the answer was converted: once more.
            let unknown: HashSet<String> = records
                .accounts
                .iter()
                .filter(|account| account.receivables)
                .map(|account| account.ledger_id.clone())
                .filter(|id| !reference.receivables_accounts.contains(id))
                .collect();
            if !unknown.is_empty() {
                reference.receivables_accounts.extend(unknown);
                continue;
            }
            let marks = self.all_current(begun, answered_at);
            self.apply(&records, &marks).await?;
            return Ok(None);
        }
    }

    /// Reads each dataset by its time of change; the answer is the marks to set once all is known.
    async fn read_changed(&mut self, since: Timestamp) -> Result<SyncMarks, LedgerError> {
        let begun = self.sync.clock.now();
        let mut answered_first: Option<Timestamp> = None;
        for &dataset in self.ledger.provider.capabilities().datasets {
            let reference = self.reference().await?;
            let mut cursor = None;
            loop {
                self.refresh_asked(&reference).await?;
                let page = self
                    .page(dataset, &reference, Some(since), cursor.as_ref())
                    .await?;
                answered_first.get_or_insert(page.answered_at);
                self.apply(&page.records, &SyncMarks::default()).await?;
                match page.next {
                    Some(next) => cursor = Some(next),
                    None => break,
                }
            }
        }
        Ok(self.all_current(begun, answered_first.unwrap_or(since)))
    }

    fn all_current(&self, begun: Timestamp, answered_at: Timestamp) -> SyncMarks {
        let datasets = self.ledger.provider.capabilities().datasets;
        SyncMarks {
            attempted: datasets.to_vec(),
            succeeded: datasets.iter().map(|&dataset| (dataset, begun)).collect(),
            watermark: Some(answered_at),
            ..SyncMarks::default()
        }
    }

    /// Reads the customers whose page is open and waiting before anything else goes on.
    async fn refresh_asked(&mut self, reference: &Reference) -> Result<(), LedgerError> {
        while let Some(customer) = self.sync.refreshes.take(self.id()) {
            let records = self
                .ledger
                .call(Purpose::OpenPage, |provider, access| {
                    let (reference, customer) = (reference.clone(), customer.clone());
                    async move { provider.customer(&access, &reference, &customer).await }.boxed()
                })
                .await;
            match records {
                Ok(records) => self.apply(&records, &SyncMarks::default()).await?,
                // A link may lead to a customer that is gone; that must not hold up the others.
                Err(LedgerError::Provider(ProviderError::NotFound)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn page(
        &self,
        dataset: Dataset,
        reference: &Reference,
        since: Option<Timestamp>,
        cursor: Option<&Cursor>,
    ) -> Result<Page, LedgerError> {
        let purpose = match since {
            Some(_) => Purpose::Increment,
            None => Purpose::Backfill,
        };
        self.ledger
            .call(purpose, |provider, access| {
                let (reference, cursor) = (reference.clone(), cursor.cloned());
                async move {
                    provider
                        .page(&access, dataset, &reference, since, cursor.as_ref())
                        .await
                }
                .boxed()
            })
            .await
    }

    pub(super) async fn apply(
        &mut self,
        records: &Records,
        marks: &SyncMarks,
    ) -> Result<(), LedgerError> {
        let applied = self
            .sync
            .store
            .apply(self.id(), records, marks, self.sync.clock.now())
            .await?;
        if self.sync.stop.is_cancelled() {
            return Err(LedgerError::Stopped);
        }
        self.report.written += applied.written;
        self.report.unchanged += applied.unchanged;
        Ok(())
    }
}

/// Where the load of a dataset goes on.
#[derive(Default)]
pub(super) struct Start {
    cursor: Option<Cursor>,
    loaded: u64,
    expected: Option<u64>,
}
