//! The first load: every dataset page by page, from the last mark.

use super::{OnProgress, Run};
use crate::domain::freshness::{Dataset, Progress};
use crate::provider::{Cursor, Purpose};
use crate::service::ledger::LedgerError;
use crate::store::SyncMarks;

/// Where the load of a dataset goes on.
struct Start {
    cursor: Option<Cursor>,
    loaded: u64,
    expected: Option<u64>,
}

/// How far the first load came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// There was nothing left to load.
    Nothing,
    /// All that was left is loaded.
    Done,
    /// Pages are left for another slice.
    Unfinished,
}

impl Run<'_> {
    /// Reads every dataset that was never read to its end, each from its last mark.
    pub(super) async fn first_load(
        &mut self,
        progress: OnProgress<'_>,
    ) -> Result<Load, LedgerError> {
        let state = self.state().await?;
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
            if !self.load(dataset, start, progress).await? {
                return Ok(Load::Unfinished);
            }
        }
        Ok(if any { Load::Done } else { Load::Nothing })
    }

    /// Reads a dataset on from a mark; false where pages are left for another slice.
    async fn load(
        &mut self,
        dataset: Dataset,
        start: Start,
        progress: OnProgress<'_>,
    ) -> Result<bool, LedgerError> {
        let reference = self.reference().await?;
        let Start {
            mut cursor,
            mut loaded,
            mut expected,
        } = start;
        loop {
            self.refresh_asked(&reference).await?;
            self.heed_between_pages().await?;
            let begun = self.sync.clock.now();
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
                None => return Ok(true),
                Some(_) if self.pages_left == 0 => return Ok(false),
                Some(next) => cursor = Some(next),
            }
        }
    }
}
