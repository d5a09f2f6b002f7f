//! A ledger all the way: read by its real connector, kept in the store, folded by the domain.

use std::sync::Arc;
use std::time::Duration;

use financial_pulse::clock::{Clock, ManualClock};
use financial_pulse::domain::books::Customer;
use financial_pulse::domain::credit::CreditPolicy;
use financial_pulse::domain::freshness::{ConnectionFreshness, ConnectionState};
use financial_pulse::domain::ids::{ConnectionId, CustomerId, CustomerKey, TenantId};
use financial_pulse::domain::pulse::{self, Family, Pulse, PulseSettings};
use financial_pulse::domain::tie_out::TieOutStatus;
use financial_pulse::provider::AccountingProvider;
use financial_pulse::service::connections::{ConnectionRequest, Connections};
use financial_pulse::service::consent::ImportedTokens;
use financial_pulse::service::ledger::Providers;
use financial_pulse::service::refresh_queue::RefreshQueue;
use financial_pulse::service::sync::{Depth, Sync, SyncReport, SyncSettings};
use financial_pulse::store::{Store, Tenant, TenantSettings};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::databases::TestStore;

const POLL_INTERVAL: Duration = Duration::from_mins(15);

/// The ledger that is mirrored.
#[derive(Clone)]
pub(crate) struct Books {
    /// Its connector, reading by `clock`.
    pub(crate) provider: Arc<dyn AccountingProvider>,
    /// The time.
    pub(crate) clock: Arc<ManualClock>,
    /// The organization's id at the provider.
    pub(crate) account: &'static str,
    /// An access token that is taken there.
    pub(crate) token: &'static str,
    /// The books' time zone.
    pub(crate) zone: &'static str,
}

/// A ledger, mirrored.
pub(crate) struct Mirrored {
    /// Of the first full sync.
    pub(crate) report: SyncReport,
    pub(crate) connection: ConnectionId,
    database: TestStore,
    books: Books,
    sync: Sync,
}

impl Mirrored {
    /// Connects the books and reads them in full.
    pub(crate) async fn of(books: Books, database: TestStore) -> Self {
        let clock: Arc<dyn Clock> = Arc::clone(&books.clock) as _;
        let store = &database.store;
        let providers = Providers::new(vec![Arc::clone(&books.provider)]);
        let tenant = Tenant {
            id: TenantId::from("acme"),
            name: "Acme".into(),
            frame_ancestors: Vec::new(),
            settings: TenantSettings::default(),
            version: 0,
        };
        store
            .put_tenant(&tenant, "test", clock.now())
            .await
            .expect("stored");
        let connections = Connections::new(store.clone(), providers.clone(), Arc::clone(&clock));
        let request = ConnectionRequest {
            tenant: tenant.id,
            provider: books.provider.kind(),
            id: None,
            time_zone: zone(&books),
            poll_interval: POLL_INTERVAL,
        };
        let connection = connections.add(request, "test").await.expect("added");
        let tokens = ImportedTokens {
            account: books.account.to_owned(),
            access: SecretString::from(books.token),
            refresh: SecretString::from("refresh-token-of-the-test"),
        };
        connections
            .import_tokens(&connection, tokens, "test")
            .await
            .expect("imported");
        let sync = Sync::new(
            store.clone(),
            providers,
            clock,
            SyncSettings {
                comparison_interval: SignedDuration::from_hours(24),
                overlap: SignedDuration::from_mins(5),
                lease: SignedDuration::from_secs(30),
                slice_pages: 60,
            },
            RefreshQueue::default(),
            CancellationToken::new(),
        );
        let report = sync
            .run(&connection, Depth::Full, &|_, _| {})
            .await
            .expect("synced");
        Self {
            report,
            connection,
            database,
            books,
            sync,
        }
    }

    /// Brings it up to date again.
    pub(crate) async fn sync(&self, depth: Depth) -> SyncReport {
        let report = self.sync.run(&self.connection, depth, &|_, _| {}).await;
        report.expect("synced")
    }

    /// The database that it is kept in.
    pub(crate) fn database(&self) -> &TestStore {
        &self.database
    }

    /// The store that it is kept in.
    pub(crate) fn store(&self) -> &Store {
        &self.database.store
    }

    /// The pulse of customers, the first being the linked one.
    pub(crate) async fn pulse(&self, customers: &[CustomerId]) -> Pulse {
        let now = self.books.clock.now();
        pulse_of(self.store(), &self.connection, customers, now).await
    }

    /// What a customer with one currency owes, and what of it is overdue.
    pub(crate) async fn owed(&self, customer: &str) -> (Decimal, Decimal) {
        let pulse = self.pulse(&[customer.into()]).await;
        let balance = pulse.balance.expect("known");
        let [only] = balance.by_currency.as_slice() else {
            panic!("customer {customer} has one currency");
        };
        assert_eq!(only.currency.code(), "USD");
        assert_eq!(only.aging.sum() - only.unapplied_credit, only.outstanding());
        (only.outstanding(), only.overdue)
    }

    pub(crate) async fn outstanding(&self, customer: &str) -> Decimal {
        self.owed(customer).await.0
    }

    pub(crate) async fn tie_out(&self, customer: &str) -> TieOutStatus {
        let pulse = self.pulse(&[customer.into()]).await;
        pulse.balance.expect("known").tie_out.status
    }

    pub(crate) async fn customer(&self, id: &str) -> Customer {
        let key = CustomerKey::new(self.connection.clone(), id);
        let customer = self.store().customer(&key).await.expect("readable");
        customer.expect("mirrored")
    }
}

fn zone(books: &Books) -> TimeZone {
    TimeZone::get(books.zone).expect("a known zone")
}

/// The pulse of customers of one connection, the first being the linked one.
pub(crate) async fn pulse_of(
    store: &Store,
    connection: &ConnectionId,
    customers: &[CustomerId],
    now: Timestamp,
) -> Pulse {
    let stored = store.connection(connection).await;
    let stored = stored.expect("readable").expect("there");
    let state = store.sync_state(connection).await.expect("readable");
    let books = store.books(connection, customers).await;
    let family = Family {
        organization: Arc::new(stored.organization.expect("read by the sync")),
        time_zone: stored.time_zone,
        members: books.expect("readable").into_iter().map(Arc::new).collect(),
        limits: Vec::new(),
        items: Arc::new(store.items(connection).await.expect("readable")),
        rates: store.rates(connection).await.expect("readable"),
        freshness: Arc::new(ConnectionFreshness {
            state: ConnectionState::Active,
            poll_interval: POLL_INTERVAL,
            first_load_running: false,
            datasets: state.datasets,
        }),
    };
    let settings = PulseSettings {
        policy: CreditPolicy::default(),
    };
    pulse::pulse(&[Arc::new(family)], &settings, None, now)
}
