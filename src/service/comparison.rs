//! The full comparison of the mirror with the ledger, id by id: the one way to find what was deleted
//! unnoticed.

use std::collections::HashSet;

use futures_util::FutureExt;
use tracing::warn;

use super::ledger::LedgerError;
use super::sync::{Run, Start};
use crate::domain::freshness::Dataset;
use crate::domain::records::{Deletion, Records};
use crate::provider::{Cursor, Purpose};
use crate::store::SyncMarks;

/// How many stored ids are read at a time.
const SLICE: u32 = 5_000;

impl Run<'_> {
    /// Compares the ids of every dataset with the mirror's: what the ledger no longer has goes, and a
    /// dataset of which the mirror lacks a record is read anew.
    pub(super) async fn compare(&mut self) -> Result<(), LedgerError> {
        let begun = self.sync.clock.now();
        for &dataset in self.ledger.provider.capabilities().datasets {
            let ledger_ids = self.ledger_ids(dataset).await?;
            let mut missing = ledger_ids.clone();
            let mut gone = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let slice = self
                    .sync
                    .store
                    .stored_ids(self.id(), dataset, after.as_deref(), SLICE)
                    .await?;
                let Some((last, _)) = slice.last() else { break };
                after = Some(last.clone());
                for (ledger_id, changed_at) in slice {
                    // A record that came after the ids were read is no deletion.
                    if !missing.remove(&ledger_id)
                        && !ledger_ids.contains(&ledger_id)
                        && changed_at < begun
                    {
                        gone.push(Deletion { dataset, ledger_id });
                    }
                }
            }
            if !gone.is_empty() {
                warn!(connection = %self.id(), dataset = dataset.as_str(), count = gone.len(), "records gone from the ledger");
                self.report.deleted += u64::try_from(gone.len()).unwrap_or(u64::MAX);
                let records = Records {
                    deletions: gone,
                    ..Records::default()
                };
                self.apply(&records, &SyncMarks::default()).await?;
            }
            if !missing.is_empty() && is_stored_whole(dataset) {
                warn!(connection = %self.id(), dataset = dataset.as_str(), count = missing.len(), "records missing from the mirror");
                self.load(dataset, Start::default(), &|_, _| {}).await?;
            }
        }
        self.sync.store.set_compared_at(self.id(), begun).await?;
        self.report.compared = true;
        Ok(())
    }

    async fn ledger_ids(&self, dataset: Dataset) -> Result<HashSet<String>, LedgerError> {
        let mut ids = HashSet::new();
        let mut cursor: Option<Cursor> = None;
        loop {
            let page = self
                .ledger
                .call(Purpose::Backfill, |provider, access| {
                    let cursor = cursor.clone();
                    async move { provider.ids(&access, dataset, cursor.as_ref()).await }.boxed()
                })
                .await?;
            ids.extend(page.ledger_ids);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(ids),
            }
        }
    }
}

/// Whether the mirror keeps a row for every record of a dataset. Of journal entries, deposits and
/// expenses it keeps those that touch a customer's receivables.
fn is_stored_whole(dataset: Dataset) -> bool {
    !matches!(
        dataset,
        Dataset::JournalEntries | Dataset::Deposits | Dataset::Expenses
    )
}
