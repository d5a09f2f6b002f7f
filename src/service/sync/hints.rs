//! How a run heeds the webhooks that wait in the inbox.
//!
//! Events are hints: what a run does about them is what it does anyway, only sooner. It takes those
//! that wait, reads what changed, and marks them as done when that is stored. Events that come
//! meanwhile wait for the next run. So an event that is lost, late, repeated or forged changes when
//! the mirror is right, never whether.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Run, Sync};
use crate::domain::connection::ProviderKind;
use crate::provider::{ChangeFeed, Changes, ProviderError, Purpose};
use crate::service::ledger::LedgerError;
use crate::store::{SyncMarks, SyncState};

/// Events that a run has taken.
pub(super) struct Hints {
    /// The name under which it took them.
    name: String,
    /// When the earliest of them happened, by the ledger, where each says that.
    happened_at: Option<Timestamp>,
    /// Whether records were merged.
    merged: bool,
}

impl Sync {
    /// How far apart two looks at one organization's books lie, at least, that webhooks alone cause.
    pub fn hint_interval(&self, kind: ProviderKind) -> Duration {
        let provider = self.providers.get(kind).ok();
        let interval = provider.and_then(|provider| Some(provider.webhooks()?.least_interval));
        interval.unwrap_or_default()
    }
}

impl Run<'_> {
    /// What a webhook asks for: an increment, or before the first load has ended a look ahead.
    pub(super) async fn heed(&mut self) -> Result<(), LedgerError> {
        let state = self.state().await?;
        if self.is_loaded(&state) {
            // A comparison that a merge made due does not wait for the next poll.
            self.report.unfinished = self.catch_up(Purpose::Webhook).await?;
            return Ok(());
        }
        self.look_ahead(&state).await
    }

    /// Between two pages of a long read: a look ahead, where events wait and the budget allows it.
    pub(super) async fn heed_between_pages(&mut self) -> Result<(), LedgerError> {
        let now = self.sync.clock.now();
        let interval = self.sync.hint_interval(self.ledger.provider.kind());
        if self.looked_ahead_at.is_some_and(|at| now < at + interval) {
            return Ok(());
        }
        let store = &self.sync.store;
        if !store.has_webhook_events(self.id()).await? {
            return Ok(());
        }
        self.looked_ahead_at = Some(now);
        let state = self.state().await?;
        match self.look_ahead(&state).await {
            // What is read now has a budget of its own. The increment at the end comes all the same.
            Err(LedgerError::Provider(ProviderError::BudgetSpent { .. })) => Ok(()),
            outcome => outcome,
        }
    }

    /// Reads what changed since the events that wait, and sets no mark: the increment that follows
    /// reads the same again, so that nothing rests on this look.
    async fn look_ahead(&mut self, state: &SyncState) -> Result<(), LedgerError> {
        let Some(hints) = self.take_hints().await? else {
            return Ok(());
        };
        let Some(read_from) = state.watermark.or(state.first_load_started) else {
            // Whatever happened, nothing was read before it.
            self.finish_hints(hints).await?;
            return Ok(());
        };
        let from = match hints.happened_at {
            // Whatever it says: not before what was read anyway, and not in times to come.
            Some(at) => at.max(read_from).min(self.sync.clock.now()),
            None => read_from,
        };
        let complete = self.read_since(from).await?;
        // Without an end to the first load there is no watermark, and at that end an increment that
        // answers every event of its time.
        if complete || !self.is_loaded(state) {
            self.finish_hints(hints).await?;
        }
        Ok(())
    }

    /// Stores what changed since a time; false where that was more than the ledger tells at once.
    async fn read_since(&mut self, from: Timestamp) -> Result<bool, LedgerError> {
        let (since, purpose) = (self.since(from), Purpose::Webhook);
        if self.ledger.provider.capabilities().changes == ChangeFeed::ByDataset {
            self.read_changed(purpose, since).await?;
            return Ok(true);
        }
        let reference = self.reference().await?;
        match self.changes(purpose, reference, since).await? {
            Changes::All { records, .. } => {
                self.apply(&records, &SyncMarks::default()).await?;
                Ok(true)
            }
            Changes::TooMany => Ok(false),
        }
    }

    /// Takes the events that wait, where there are any.
    pub(super) async fn take_hints(&self) -> Result<Option<Hints>, LedgerError> {
        let name = Uuid::new_v4().to_string();
        let store = &self.sync.store;
        let events = store.take_webhook_events(self.id(), &name).await?;
        if events.is_empty() {
            return Ok(None);
        }
        // An event without a time comes first: nothing is earlier than a time that is not known.
        let happened_at = events.iter().map(|event| event.happened_at).min().flatten();
        Ok(Some(Hints {
            name,
            happened_at,
            merged: events.iter().any(|event| event.merged),
        }))
    }

    /// Marks what was taken as done; says whether it made a comparison due. A merge does: no question
    /// for changes tells what it has removed.
    pub(super) async fn finish_hints(&self, hints: Hints) -> Result<bool, LedgerError> {
        let (store, now) = (&self.sync.store, self.sync.clock.now());
        if hints.merged {
            store.begin_comparison(self.id(), now).await?;
        }
        store
            .finish_webhook_events(self.id(), &hints.name, now)
            .await?;
        Ok(hints.merged)
    }

    /// Whether every dataset was read to its end once.
    fn is_loaded(&self, state: &SyncState) -> bool {
        let datasets = self.ledger.provider.capabilities().datasets;
        datasets.iter().all(|dataset| {
            let mut read = state
                .datasets
                .iter()
                .filter(|set| set.succeeded_at.is_some());
            read.any(|set| set.dataset == *dataset)
        })
    }
}
