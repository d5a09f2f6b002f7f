//! The Sage connector against loopback servers: every recorded body, scripted trouble, a business that
//! changes while it is read, and the balance that its documents leave.

mod bodies;
mod business;
mod conversion;
mod increments;
mod oauth;
mod paging;
mod refusals;
mod requests;
mod ties;

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
use financial_pulse::domain::records::{CustomerRecord, DocumentRecord, ItemRecord, Records};
use financial_pulse::provider::http::RetrySettings;
use financial_pulse::provider::sage::{Sage, SageSettings};
use financial_pulse::provider::{
    Access, AccountingProvider, CallMeter, Page, ProviderResult, Purpose, Reference,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::{Value, json};

/// Lets every call pass and counts them.
#[derive(Debug, Default)]
struct CountingMeter(AtomicU64);

#[async_trait]
impl CallMeter for CountingMeter {
    async fn spend(
        &self,
        kind: ProviderKind,
        account: &str,
        _purpose: Purpose,
    ) -> ProviderResult<()> {
        assert_eq!((kind, account), (ProviderKind::Sage, ACCOUNT));
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

const ACCOUNT: &str = "0d40342d0287cd6b13555c54afca6c90";
const TOKEN: &str = "access-token-of-the-test";

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
fn settings(url: &str) -> SageSettings {
    let mut settings = SageSettings {
        client_id: "client".to_owned(),
        client_secret: SecretString::from("secret"),
        api_url: url.to_owned(),
        authorize_url: format!("{url}/authorize"),
        token_url: format!("{url}/token"),
        revoke_url: format!("{url}/revoke"),
        redirect_url: "https://pulse.example.com/oauth/callback".to_owned(),
        throttle_wait: Duration::from_millis(20),
        ..SageSettings::default()
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
    settings
}

/// A connector with its meter.
struct Connector {
    provider: Sage,
    meter: Arc<CountingMeter>,
}

fn connector(settings: SageSettings) -> Connector {
    let clock = Arc::new(ManualClock::new(at("2026-05-05T12:30:00Z")));
    let meter = Arc::new(CountingMeter::default());
    let provider = Sage::new(settings, clock, Arc::clone(&meter) as _).expect("a connector");
    Connector { provider, meter }
}

fn reference() -> Reference {
    Reference {
        base_currency: Some("GBP".parse().expect("a currency")),
        ..Reference::default()
    }
}

/// A reference to a row of a list.
fn to(id: &str) -> Value {
    json!({"id": id, "displayed_as": id, "$path": ""})
}

/// Reads the pages of a dataset to the end.
async fn pages(provider: &Sage, dataset: Dataset, since: Option<Timestamp>) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    loop {
        let cursor = pages.last().and_then(|page| page.next.clone());
        assert!(pages.is_empty() || cursor.is_some());
        let page = provider
            .page(&access(), dataset, &reference(), since, cursor.as_ref())
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", dataset.as_str()));
        let last = page.next.is_none();
        pages.push(page);
        assert!(pages.len() < 1_000, "the read does not end");
        if last {
            return pages;
        }
    }
}

/// A mirror in memory: the newest form of every record.
#[derive(Debug, Default, PartialEq)]
struct Mirror {
    items: BTreeMap<String, ItemRecord>,
    customers: BTreeMap<CustomerId, CustomerRecord>,
    documents: BTreeMap<(Dataset, String), DocumentRecord>,
}

impl Mirror {
    fn apply(&mut self, records: Records) {
        for record in records.items {
            self.items.insert(record.id.as_str().to_owned(), record);
        }
        for record in records.customers {
            self.customers.insert(record.customer.id.clone(), record);
        }
        for record in records.documents {
            let key = (record.dataset, record.ledger_id.clone());
            self.documents.insert(key, record);
        }
        for gone in records.deletions {
            if gone.dataset == Dataset::Customers {
                self.customers.remove(&CustomerId::from(gone.ledger_id));
            } else {
                self.documents.remove(&(gone.dataset, gone.ledger_id));
            }
        }
    }

    /// Reads every dataset, from its start or from a time of change on.
    async fn read(&mut self, provider: &Sage, since: Option<Timestamp>) {
        for &dataset in ProviderKind::Sage.datasets() {
            for page in pages(provider, dataset, since).await {
                self.apply(page.records);
            }
        }
    }

    async fn load(provider: &Sage) -> Self {
        let mut mirror = Self::default();
        mirror.read(provider, None).await;
        mirror
    }

    fn all(&self) -> impl Iterator<Item = &Document> {
        self.documents.values().flat_map(|record| &record.documents)
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
                let from = self.all().find(|from| from.id == application.from);
                let moves = from.map_or(Side::Credit, |from| from.side) == document.side;
                left += if moves {
                    application.amount
                } else {
                    -application.amount
                };
            }
            left
        })
    }

    /// What a customer owes: open receivables less unused credit, in a plain sum.
    fn outstanding(&self, customer: &str) -> Decimal {
        self.all()
            .filter(|document| document.customer.as_str() == customer)
            .filter(|document| document.state == DocumentState::Issued)
            .map(|document| match document.side {
                Side::Receivable => self.left(document),
                Side::Credit => -self.left(document),
                Side::Settled => Decimal::ZERO,
            })
            .sum()
    }

    fn document(&self, id: &str) -> &Document {
        let id = DocumentId::parse(id).expect("a document id");
        self.all()
            .find(|document| document.id == id)
            .unwrap_or_else(|| panic!("there is no {id}"))
    }

    /// The applications of a record, in words.
    fn applications(&self, dataset: Dataset, ledger_id: &str) -> Vec<String> {
        let record = &self.documents[&(dataset, ledger_id.to_owned())];
        let applications = record.applications.iter();
        applications
            .map(|a| format!("{} -> {} {} on {}", a.from, a.to, a.amount, a.applied_on))
            .collect()
    }
}
