//! The QuickBooks connector against loopback servers: the recorded company, every recorded body,
//! scripted trouble, and a company that changes while it is read.

mod bodies;
mod conversion;
mod customer;
mod hostile;
mod oauth;
mod paging;
mod recorded;
mod resilience;
#[cfg(feature = "sandbox")]
mod sandbox;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use financial_pulse::clock::ManualClock;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::document::{Document, DocumentId, DocumentState, Side};
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::CustomerId;
use financial_pulse::domain::records::{CustomerRecord, DocumentRecord, Records};
use financial_pulse::provider::http::RetrySettings;
use financial_pulse::provider::quickbooks::{QuickBooks, QuickBooksSettings};
use financial_pulse::provider::{
    Access, AccountingProvider, CallMeter, ProviderResult, Purpose, Reference,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use secrecy::SecretString;

/// Lets every call pass and counts them.
#[derive(Debug, Default)]
pub(crate) struct CountingMeter(AtomicU64);

impl CountingMeter {
    fn spent(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl CallMeter for CountingMeter {
    async fn spend(
        &self,
        kind: ProviderKind,
        account: &str,
        _purpose: Purpose,
    ) -> ProviderResult<()> {
        assert_eq!((kind, account), (ProviderKind::QuickBooks, ACCOUNT));
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

pub(crate) const ACCOUNT: &str = "1000000000000001";
pub(crate) const TOKEN: &str = "access-token-of-the-test";

fn access() -> Access {
    Access {
        account: ACCOUNT.into(),
        token: SecretString::from(TOKEN),
        purpose: Purpose::Increment,
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

/// Settings for a loopback server: no rates, and waits of milliseconds.
pub(crate) fn settings(url: &str) -> QuickBooksSettings {
    let mut settings = QuickBooksSettings {
        client_id: "client".to_owned(),
        client_secret: SecretString::from("secret"),
        api_url: url.to_owned(),
        authorize_url: format!("{url}/authorize"),
        token_url: format!("{url}/token"),
        revoke_url: format!("{url}/revoke"),
        redirect_url: "https://pulse.example.com/oauth/callback".to_owned(),
        throttle_wait: Duration::from_millis(20),
        ..QuickBooksSettings::default()
    };
    settings.http.request_timeout = Duration::from_secs(2);
    settings.http.retry = RetrySettings {
        attempts: 3,
        total: Duration::from_secs(5),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
    };
    let plenty = std::num::NonZeroU32::new(1_000_000).expect("not zero");
    settings.http.limits.per_minute = plenty;
    settings.http.limits.per_second = plenty;
    settings.http.limits.batches_per_minute = plenty;
    settings
}

/// A connector with its clock and meter.
struct Connector {
    provider: QuickBooks,
    clock: Arc<ManualClock>,
    meter: Arc<CountingMeter>,
}

fn connector(settings: QuickBooksSettings) -> Connector {
    let clock = Arc::new(ManualClock::new(at("2026-05-05T12:30:00Z")));
    let meter = Arc::new(CountingMeter::default());
    let provider = QuickBooks::new(settings, Arc::clone(&clock) as _, Arc::clone(&meter) as _)
        .expect("a connector");
    Connector {
        provider,
        clock,
        meter,
    }
}

/// The books' currency and one receivables account, `84`.
fn reference() -> Reference {
    Reference {
        receivables_accounts: ["84".to_owned()].into(),
        base_currency: Some("USD".parse().expect("a currency")),
    }
}

/// A mirror in memory: the newest form of every record.
#[derive(Debug, Default, PartialEq)]
struct Mirror {
    customers: BTreeMap<CustomerId, CustomerRecord>,
    documents: BTreeMap<(Dataset, String), DocumentRecord>,
}

impl Mirror {
    fn apply(&mut self, records: Records) {
        for record in records.customers {
            self.customers.insert(record.customer.id.clone(), record);
        }
        for record in records.documents {
            let key = (record.dataset, record.ledger_id.clone());
            self.documents.insert(key, record);
        }
        for gone in records.deletions {
            self.documents.remove(&(gone.dataset, gone.ledger_id));
        }
    }

    /// Reads every dataset from its start to its end.
    async fn load(provider: &QuickBooks) -> Self {
        Self::load_as(provider, &access(), &mut reference()).await
    }

    /// The same for any account; receivables accounts are learned on the way, as a sync does.
    async fn load_as(provider: &QuickBooks, access: &Access, reference: &mut Reference) -> Self {
        let mut mirror = Self::default();
        for &dataset in ProviderKind::QuickBooks.datasets() {
            let mut cursor = None;
            loop {
                let page = provider
                    .page(access, dataset, reference, None, cursor.as_ref())
                    .await
                    .unwrap_or_else(|error| panic!("{}: {error}", dataset.as_str()));
                let receivables = page.records.accounts.iter().filter(|a| a.receivables);
                reference
                    .receivables_accounts
                    .extend(receivables.map(|account| account.ledger_id.clone()));
                mirror.apply(page.records);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        mirror
    }

    fn issued(&self) -> impl Iterator<Item = &Document> {
        self.documents
            .values()
            .flat_map(|record| &record.documents)
            .filter(|document| document.state == DocumentState::Issued)
    }

    /// What remains open on a document or unused of it, by the applications alone.
    fn left(&self, document: &Document) -> Decimal {
        let applications = self.documents.values().flat_map(|r| &r.applications);
        applications.fold(document.total, |left, application| {
            let mut left = left;
            if application.from == document.id {
                left -= application.amount;
            }
            if application.to == document.id {
                match document.side {
                    Side::Credit => left += application.amount,
                    Side::Receivable | Side::Settled => left -= application.amount,
                }
            }
            left
        })
    }

    /// What a customer owes: open receivables less unused credit, in a plain sum.
    fn outstanding(&self, customer: &str) -> Decimal {
        let own = self.issued().filter(|d| d.customer.as_str() == customer);
        own.map(|document| match document.side {
            Side::Receivable => self.left(document),
            Side::Credit => -self.left(document),
            Side::Settled => Decimal::ZERO,
        })
        .sum()
    }

    fn document(&self, id: &str) -> &Document {
        let id = DocumentId::parse(id).expect("a document id");
        self.documents
            .values()
            .flat_map(|record| &record.documents)
            .find(|document| document.id == id)
            .unwrap_or_else(|| panic!("there is no {id}"))
    }
}
