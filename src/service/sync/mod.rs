//! Keeping the mirror equal to the ledger: first load, increments, full comparison.
//!
//! Every step is one transaction that stores the records together with the mark of how far the read
//! has come, so that a kill at any point loses nothing and doubles nothing: the next run goes on at
//! the last mark, and records that come again change nothing.
//!
//! Why no change is missed: the watermark is the ledger's own time when the first load *began*. What
//! changes during the load lies after the watermark and comes with the first increment; increments
//! start some minutes before the last watermark, since a ledger may show a change late.

mod comparison;
mod first_load;
mod hints;
mod increment;

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::ledger::{Ledger, LedgerError, Providers};
use super::refresh_queue::RefreshQueue;
use crate::clock::Clock;
use crate::domain::connection::Connection;
use crate::domain::freshness::{Dataset, Progress};
use crate::domain::ids::ConnectionId;
use crate::domain::records::Records;
use crate::provider::{Cursor, Page, ProviderError, Purpose, Reference};
use crate::store::{Store, SyncMarks, SyncState};

use first_load::Load;

/// How far a run should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Only the customers whose page is open and waiting.
    Asked,
    /// These, and what changed: the ledger said that something did.
    Hinted,
    /// As [`Depth::Due`], but of a first load or a comparison only so much that no other connection
    /// waits long; [`SyncReport::unfinished`] tells whether there is more.
    Slice,
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
    /// Whether it read all that changed since the last time.
    pub caught_up: bool,
    /// Whether a full comparison came to its end.
    pub compared: bool,
    /// Whether a first load or a comparison is still to go on.
    pub unfinished: bool,
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
    /// The pages of a first load or a comparison that one [`Depth::Slice`] reads.
    pub slice_pages: u32,
}

/// Runs the sync of connections.
#[derive(Clone, Debug)]
pub struct Sync {
    store: Store,
    providers: Providers,
    clock: Arc<dyn Clock>,
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
            pages_left: match depth {
                Depth::Slice => self.settings.slice_pages,
                _ => u32::MAX,
            },
            looked_ahead_at: None,
            report: SyncReport::default(),
        };
        let outcome = Box::pin(run.all(depth, progress)).await;
        let report = run.report;
        ledger.close().await?;
        outcome?;
        info!(
            connection = %id,
            written = report.written,
            unchanged = report.unchanged,
            deleted = report.deleted,
            compared = report.compared,
            unfinished = report.unfinished,
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
struct Run<'a> {
    sync: &'a Sync,
    ledger: &'a Ledger,
    /// Pages of a first load or a comparison that it may still read.
    pages_left: u32,
    /// When it last looked ahead between two pages, because of webhooks.
    looked_ahead_at: Option<Timestamp>,
    report: SyncReport,
}

impl Run<'_> {
    fn id(&self) -> &ConnectionId {
        &self.ledger.connection.id
    }

    async fn all(&mut self, depth: Depth, progress: OnProgress<'_>) -> Result<(), LedgerError> {
        self.organization().await?;
        match depth {
            Depth::Asked => {
                let reference = self.reference().await?;
                return self.refresh_asked(&reference).await;
            }
            Depth::Hinted => return self.heed().await,
            Depth::Slice | Depth::Due | Depth::Full => {}
        }
        let load = self.first_load(progress).await?;
        if load == Load::Unfinished {
            self.report.unfinished = true;
            return Ok(());
        }
        self.catch_up(Purpose::Increment).await?;
        // A load that has just read everything is its own comparison; one that was killed before this
        // could be noted is not.
        if load == Load::Done && self.state().await?.compared_at.is_none() {
            let now = self.sync.clock.now();
            self.sync.store.set_compared_at(self.id(), now).await?;
        }
        let whole = depth == Depth::Full;
        if whole || self.is_comparison_due().await? {
            self.compare(whole).await?;
        }
        Ok(())
    }

    async fn state(&self) -> Result<SyncState, LedgerError> {
        Ok(self.sync.store.sync_state(self.id()).await?)
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
                Ok(records) => {
                    self.apply(&records, &SyncMarks::default()).await?;
                }
                // A link may lead to a customer that is gone; that must not hold up the others.
                Err(LedgerError::Provider(ProviderError::NotFound)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn page(
        &self,
        purpose: Purpose,
        dataset: Dataset,
        reference: &Reference,
        since: Option<Timestamp>,
        cursor: Option<&Cursor>,
    ) -> Result<Page, LedgerError> {
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

    /// Stores a step; says how many records it wrote.
    async fn apply(&mut self, records: &Records, marks: &SyncMarks) -> Result<u64, LedgerError> {
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
        Ok(applied.written)
    }
}
