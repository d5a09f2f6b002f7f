//! Increments: what changed since the last question, with an overlap.

use std::collections::HashSet;

use futures_util::FutureExt;
use jiff::Timestamp;
use tracing::warn;

use super::Run;
use crate::domain::records::Records;
use crate::provider::{ChangeFeed, Changes, Purpose, Reference};
use crate::service::ledger::LedgerError;
use crate::store::SyncMarks;

impl Run<'_> {
    /// Brings the mirror up to what changed, which answers the webhooks that waited. Where the answer
    /// could not tell what was deleted, a comparison follows at once, and whole. Says whether the
    /// webhooks made another one due.
    pub(super) async fn catch_up(&mut self, purpose: Purpose) -> Result<bool, LedgerError> {
        let hints = self.take_hints().await?;
        let purpose = match hints {
            Some(_) => Purpose::Webhook,
            None => purpose,
        };
        if let Some(marks) = self.increment(purpose).await? {
            self.compare(true).await?;
            // Only now: a kill before this makes the next run catch up and compare again.
            self.apply(&Records::default(), &marks).await?;
        }
        self.report.caught_up = true;
        match hints {
            Some(hints) => self.finish_hints(hints).await,
            None => Ok(false),
        }
    }

    /// Reads what changed since the watermark. Where that could not tell what was deleted, the answer
    /// is the marks to set once a comparison has found it.
    async fn increment(&mut self, purpose: Purpose) -> Result<Option<SyncMarks>, LedgerError> {
        let state = self.state().await?;
        let Some(watermark) = state.watermark.or(state.first_load_started) else {
            return Ok(None);
        };
        let since = self.since(watermark);
        if self.ledger.provider.capabilities().changes == ChangeFeed::ByDataset {
            let marks = self.read_changed(purpose, since).await?;
            self.apply(&Records::default(), &marks).await?;
            return Ok(None);
        }
        let reference = self.reference().await?;
        self.refresh_asked(&reference).await?;
        let begun = self.sync.clock.now();
        let changes = self.changes(purpose, reference, since).await?;
        let Changes::All {
            records,
            answered_at,
        } = changes
        else {
            // Too much changed, or too long ago, for one answer. The datasets one by one show no
            // deletions, so a comparison has to follow.
            warn!(connection = %self.id(), %since, "too many changes for one answer, reading each dataset");
            return self.read_changed(purpose, since).await.map(Some);
        };
        let marks = self.all_current(begun, answered_at);
        self.apply(&records, &marks).await?;
        Ok(None)
    }

    /// Where a question for changes since a moment starts.
    pub(super) fn since(&self, moment: Timestamp) -> Timestamp {
        let least = self.ledger.provider.capabilities().overlap;
        moment - self.sync.settings.overlap.max(least)
    }

    /// What changed since a time, over all datasets.
    pub(super) async fn changes(
        &self,
        purpose: Purpose,
        mut reference: Reference,
        since: Timestamp,
    ) -> Result<Changes, LedgerError> {
        loop {
            let changes = self
                .ledger
                .call(purpose, |provider, access| {
                    let reference = reference.clone();
                    async move { provider.changes(&access, &reference, since).await }.boxed()
                })
                .await?;
            let Changes::All { records, .. } = &changes else {
                return Ok(changes);
            };
            // A receivables account that was not known when the answer was converted: once more.
            let unknown: HashSet<String> = records
                .accounts
                .iter()
                .filter(|account| account.receivables)
                .map(|account| account.ledger_id.clone())
                .filter(|id| !reference.receivables_accounts.contains(id))
                .collect();
            if unknown.is_empty() {
                return Ok(changes);
            }
            reference.receivables_accounts.extend(unknown);
        }
    }

    /// Reads each dataset by its time of change; the answer is the marks to set once all is known.
    pub(super) async fn read_changed(
        &mut self,
        purpose: Purpose,
        since: Timestamp,
    ) -> Result<SyncMarks, LedgerError> {
        let begun = self.sync.clock.now();
        let mut answered_first: Option<Timestamp> = None;
        for &dataset in self.ledger.provider.capabilities().datasets {
            let reference = self.reference().await?;
            let mut cursor = None;
            loop {
                self.refresh_asked(&reference).await?;
                let page = self
                    .page(purpose, dataset, &reference, Some(since), cursor.as_ref())
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
}
