//! Taking what ledgers send by themselves: verified before anything of it is read, stored before it is
//! answered, looked at later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tracing::{info, warn};

use super::ledger::Providers;
use crate::clock::Clock;
use crate::domain::connection::ProviderKind;
use crate::domain::ids::ConnectionId;
use crate::provider::AccountingProvider;
use crate::provider::webhook::Hint;
use crate::store::{NewWebhookEvent, Store, StoreError};

const EVENTS: &str = "webhook_events_total";

/// Takes deliveries of every provider that has webhooks.
#[derive(Clone, Debug)]
pub struct Inbox {
    store: Store,
    providers: Providers,
    clock: Arc<dyn Clock>,
}

/// Why a delivery was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The accounting system is none of this installation's, or sends none.
    #[error("no webhooks are expected from there")]
    NotExpected,
    /// There is no key to verify with.
    #[error("the key that verifies webhooks is not set")]
    NotConfigured,
    /// It was not signed with our key.
    #[error("the signature is not that of the body")]
    NotSigned,
    /// It could not be stored.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// The way in for one provider's deliveries.
#[derive(Clone, Debug)]
pub struct Door {
    /// The header that carries the signature.
    pub signature_header: &'static str,
    /// How long the sender waits for the answer.
    pub answer_within: Duration,
    provider: Arc<dyn AccountingProvider>,
}

/// What a delivery brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Events that are new and wait from now on.
    pub stored: u64,
    /// Events that had come before.
    pub repeated: u64,
    /// Events of organizations that are not connected here: a ledger sends those of all that an app
    /// has access to.
    pub unconnected: u64,
    /// Events about what is not mirrored.
    pub ignored: u64,
    /// Events that could not be read.
    pub unreadable: u64,
}

impl Inbox {
    /// An inbox in a store.
    pub fn new(store: Store, providers: Providers, clock: Arc<dyn Clock>) -> Self {
        metrics::describe_counter!(EVENTS, "Events received by webhook, by what became of them");
        Self {
            store,
            providers,
            clock,
        }
    }

    /// The way in for a provider's deliveries.
    ///
    /// # Errors
    /// [`Refusal::NotExpected`] for a provider that sends none, [`Refusal::NotConfigured`] while there
    /// is no key: nothing is ever accepted unverified.
    pub fn door(&self, kind: ProviderKind) -> Result<Door, Refusal> {
        let provider = self.providers.get(kind);
        let provider = provider.map_err(|_| Refusal::NotExpected)?;
        let webhooks = provider.webhooks().ok_or(Refusal::NotExpected)?;
        if !webhooks.is_configured() {
            return Err(Refusal::NotConfigured);
        }
        Ok(Door {
            signature_header: webhooks.signature_header,
            answer_within: webhooks.answer_within,
            provider,
        })
    }

    /// Takes a delivery. Once this is done, its events outlive the process.
    ///
    /// # Errors
    /// [`Refusal::NotSigned`], before anything of the body was looked at, or [`Refusal::Store`]; then
    /// nothing was kept, and the ledger will deliver it again.
    pub async fn receive(
        &self,
        door: &Door,
        signature: &str,
        raw_body: &[u8],
    ) -> Result<Received, Refusal> {
        let kind = door.provider.kind();
        let webhooks = door.provider.webhooks().ok_or(Refusal::NotExpected)?;
        if !webhooks.verify(raw_body, signature) {
            return Err(Refusal::NotSigned);
        }
        let delivery = match webhooks.decode(raw_body) {
            Ok(delivery) => delivery,
            // Delivered again it would be no better. What it hints at is found by polling.
            Err(error) => {
                warn!(provider = %kind, %error, "a signed delivery cannot be read");
                count(kind, "unreadable", 1);
                return Ok(Received {
                    unreadable: 1,
                    ..Received::default()
                });
            }
        };
        let mut received = Received {
            ignored: delivery.ignored,
            unreadable: delivery.unreadable,
            ..Received::default()
        };
        self.keep(kind, &delivery.hints, &mut received).await?;
        for (outcome, events) in [
            ("stored", received.stored),
            ("repeated", received.repeated),
            ("unconnected", received.unconnected),
            ("ignored", received.ignored),
            ("unreadable", received.unreadable),
        ] {
            count(kind, outcome, events);
        }
        info!(provider = %kind, ?received, "webhook received");
        Ok(received)
    }

    /// Stores what concerns connections of ours.
    async fn keep(
        &self,
        kind: ProviderKind,
        hints: &[Hint],
        received: &mut Received,
    ) -> Result<(), StoreError> {
        if hints.is_empty() {
            return Ok(());
        }
        let accounts: BTreeSet<&str> = hints.iter().map(|hint| &*hint.account).collect();
        let connections = self.store.connections_of_accounts(kind, accounts).await?;
        // Two tenants may each have connected the same organization.
        let mut of_account: BTreeMap<&str, Vec<&ConnectionId>> = BTreeMap::new();
        for (connection, account) in &connections {
            of_account.entry(account).or_default().push(connection);
        }
        let mut events = Vec::with_capacity(hints.len());
        for hint in hints {
            let Some(connections) = of_account.get(&*hint.account) else {
                received.unconnected += 1;
                continue;
            };
            events.extend(connections.iter().map(|connection| NewWebhookEvent {
                connection,
                key: hint.key.as_str(),
                dataset: hint.dataset,
                ledger_id: &hint.ledger_id,
                merged: hint.merged,
                happened_at: hint.happened_at,
            }));
        }
        if events.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        received.stored = self.store.add_webhook_events(&events, now).await?;
        let meant = u64::try_from(events.len()).unwrap_or(u64::MAX);
        received.repeated = meant.saturating_sub(received.stored);
        Ok(())
    }
}

fn count(kind: ProviderKind, outcome: &'static str, events: u64) {
    counter!(EVENTS, "provider" => kind.as_str(), "outcome" => outcome).increment(events);
}
