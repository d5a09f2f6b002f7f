//! The full comparison: everything is read anew, so that what was changed or deleted unnoticed comes
//! to light.
//!
//! It runs in slices and survives a kill: each page marks the records that it holds as seen, in the
//! transaction that stores it. What no page of a dataset held is gone. So its memory is that of one
//! page, however large the company.

use jiff::Timestamp;
use tracing::{info, warn};

use super::Run;
use crate::domain::freshness::Dataset;
use crate::domain::records::{Deletion, Records};
use crate::provider::{Cursor, ProviderError, Purpose};
use crate::service::ledger::LedgerError;
use crate::store::{ComparisonStep, Drift, SyncMarks};

/// How many deletions are stored at a time.
const SLICE: u32 = 1_000;

impl Run<'_> {
    /// Whether a comparison is under way, or due.
    pub(super) async fn is_comparison_due(&self) -> Result<bool, LedgerError> {
        let state = self.state().await?;
        let interval = self.sync.settings.comparison_interval;
        let due = |at: Timestamp| at + interval <= self.sync.clock.now();
        Ok(state.comparing_since.is_some() || state.compared_at.is_none_or(due))
    }

    /// Goes on with the comparison under way, or begins one. A `whole` one is carried through to its
    /// end; else it pauses with the slice, and where the budget for such work is spent.
    pub(super) async fn compare(&mut self, whole: bool) -> Result<(), LedgerError> {
        if whole {
            self.pages_left = u32::MAX;
        }
        let now = self.sync.clock.now();
        let since = self.sync.store.begin_comparison(self.id(), now).await?;
        for &dataset in self.ledger.provider.capabilities().datasets {
            match self.compare_dataset(dataset, since).await {
                Ok(true) => {}
                Ok(false) => {
                    self.report.unfinished = true;
                    return Ok(());
                }
                // The poll after the next hour, or the next month, goes on.
                Err(LedgerError::Provider(ProviderError::BudgetSpent { until })) if !whole => {
                    info!(connection = %self.id(), %until, "comparison paused, its budget is spent");
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        let drift = self.sync.store.end_comparison(self.id(), since).await?;
        if drift != Drift::default() {
            warn!(connection = %self.id(), mended = drift.mended, gone = drift.gone, "the mirror had drifted");
        }
        self.report.compared = true;
        Ok(())
    }

    /// Compares a dataset from where it stands; false where pages are left for another slice.
    async fn compare_dataset(
        &mut self,
        dataset: Dataset,
        since: Timestamp,
    ) -> Result<bool, LedgerError> {
        let state = self.state().await?;
        let place = state.comparisons.get(&dataset).cloned().unwrap_or_default();
        if place.compared_at.is_some_and(|at| at >= since) {
            return Ok(true);
        }
        let mut cursor = place.cursor.map(Cursor);
        // A place of an earlier comparison is none.
        let mut begun = place.begun.filter(|_| cursor.is_some());
        let reference = self.reference().await?;
        loop {
            self.refresh_asked(&reference).await?;
            self.heed_between_pages().await?;
            self.pages_left = self.pages_left.saturating_sub(1);
            let page = self
                .page(
                    Purpose::Backfill,
                    dataset,
                    &reference,
                    None,
                    cursor.as_ref(),
                )
                .await?;
            let first_answered = *begun.get_or_insert(page.answered_at);
            let step = ComparisonStep::Seen {
                comparison: since,
                dataset,
                ledger_ids: ids_of(&page.records, dataset),
                begun: first_answered,
                next: page.next.as_ref().map(|next| next.0.clone()),
            };
            let marks = SyncMarks {
                comparison: Some(step),
                ..SyncMarks::default()
            };
            self.apply(&page.records, &marks).await?;
            match page.next {
                None => {
                    self.remove_unseen(dataset, since, first_answered).await?;
                    return Ok(true);
                }
                Some(_) if self.pages_left == 0 => return Ok(false),
                Some(next) => cursor = Some(next),
            }
        }
    }

    /// Removes what no page held. What changed after the first page was answered is left alone: it
    /// may have come too late for its page.
    async fn remove_unseen(
        &mut self,
        dataset: Dataset,
        comparison: Timestamp,
        begun: Timestamp,
    ) -> Result<(), LedgerError> {
        let before = begun - self.sync.settings.overlap;
        loop {
            let store = &self.sync.store;
            let gone = store
                .unseen(self.id(), dataset, comparison, before, SLICE)
                .await?;
            let count = u64::try_from(gone.len()).unwrap_or(u64::MAX);
            if count > 0 {
                warn!(connection = %self.id(), dataset = dataset.as_str(), count, "records gone from the ledger");
                self.report.deleted += count;
            }
            let last = count < u64::from(SLICE);
            let deletion = |ledger_id| Deletion { dataset, ledger_id };
            let records = Records {
                deletions: gone.into_iter().map(deletion).collect(),
                ..Records::default()
            };
            let step = ComparisonStep::Gone {
                comparison,
                dataset,
                last,
            };
            let marks = SyncMarks {
                comparison: Some(step),
                ..SyncMarks::default()
            };
            self.apply(&records, &marks).await?;
            if last {
                return Ok(());
            }
        }
    }
}

/// The ids of a dataset's records.
fn ids_of(records: &Records, dataset: Dataset) -> Vec<String> {
    match dataset {
        Dataset::Accounts => ids(&records.accounts, |account| &account.ledger_id),
        Dataset::Terms => ids(&records.terms, |terms| &terms.ledger_id),
        Dataset::Items => ids(&records.items, |item| item.id.as_str()),
        Dataset::Customers => ids(&records.customers, |record| record.customer.id.as_str()),
        _ => records
            .documents
            .iter()
            .filter(|record| record.dataset == dataset)
            .map(|record| record.ledger_id.clone())
            .collect(),
    }
}

fn ids<T>(records: &[T], id: impl Fn(&T) -> &str) -> Vec<String> {
    records.iter().map(|record| id(record).to_owned()).collect()
}
