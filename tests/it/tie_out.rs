//! The company recorded in May 2026, all the way: read by the real connector over HTTP, kept in the
//! store, folded by the domain, compared with what the ledger itself said. On both databases.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use financial_pulse::clock::{Clock, ManualClock};
use financial_pulse::domain::books::Customer;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::credit::CreditPolicy;
use financial_pulse::domain::freshness::{ConnectionFreshness, ConnectionState};
use financial_pulse::domain::ids::{ConnectionId, CustomerId, CustomerKey, TenantId};
use financial_pulse::domain::pulse::{self, Family, Pulse, PulseSettings};
use financial_pulse::domain::tie_out::TieOutStatus;
use financial_pulse::provider::quickbooks::QuickBooks;
use financial_pulse::service::connections::{ConnectionRequest, Connections};
use financial_pulse::service::consent::ImportedTokens;
use financial_pulse::service::ledger::Providers;
use financial_pulse::service::refresh_queue::RefreshQueue;
use financial_pulse::service::sync::{Depth, Sync, SyncReport, SyncSettings};
use financial_pulse::store::{Store, Tenant, TenantSettings};
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::contracts;
use crate::quickbooks::{ACCOUNT, CountingMeter, TOKEN, settings};
use crate::support::company::{Company, CompanyServer};
use crate::support::databases::{TestStore, test_stores};
use crate::support::replay::recorded_company;

/// The books' time zone, as every recorded time shows.
const ZONE: &str = "America/Los_Angeles";

/// The recorded company, mirrored.
struct Mirrored {
    database: TestStore,
    connection: ConnectionId,
    clock: Arc<ManualClock>,
    report: SyncReport,
}

fn noon() -> Timestamp {
    date(2026, 5, 5)
        .at(12, 0, 0, 0)
        .in_tz(ZONE)
        .expect("a known zone")
        .timestamp()
}

fn zone() -> TimeZone {
    TimeZone::get(ZONE).expect("a known zone")
}

async fn mirror(server: &CompanyServer, database: TestStore) -> Mirrored {
    let clock = Arc::new(ManualClock::new(noon()));
    let shared: Arc<dyn Clock> = Arc::clone(&clock) as _;
    let store = &database.store;
    let meter = Arc::new(CountingMeter::default());
    let provider = QuickBooks::new(settings(&server.url), Arc::clone(&shared), meter);
    let providers = Providers::new(vec![Arc::new(provider.expect("a connector"))]);
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
    let connections = Connections::new(store.clone(), providers.clone(), Arc::clone(&shared));
    let request = ConnectionRequest {
        tenant: tenant.id,
        provider: ProviderKind::QuickBooks,
        id: None,
        time_zone: zone(),
        poll_interval: Duration::from_mins(15),
    };
    let connection = connections.add(request, "test").await.expect("added");
    let tokens = ImportedTokens {
        account: ACCOUNT.to_owned(),
        access: SecretString::from(TOKEN),
        refresh: SecretString::from("refresh-token-of-the-test"),
    };
    connections
        .import_tokens(&connection, tokens, "test")
        .await
        .expect("imported");
    let sync = Sync::new(
        store.clone(),
        providers,
        shared,
        SyncSettings {
            comparison_interval: SignedDuration::from_hours(24),
            overlap: SignedDuration::from_mins(5),
            lease: SignedDuration::from_secs(30),
        },
        RefreshQueue::default(),
        CancellationToken::new(),
    );
    let report = sync
        .run(&connection, Depth::Full, &|_, _| {})
        .await
        .expect("synced");
    Mirrored {
        database,
        connection,
        clock,
        report,
    }
}

impl Mirrored {
    fn store(&self) -> &Store {
        &self.database.store
    }

    /// The pulse of customers, the first being the linked one.
    async fn pulse(&self, customers: &[CustomerId]) -> Pulse {
        let store = self.store();
        let connection = store.connection(&self.connection).await;
        let connection = connection.expect("readable").expect("there");
        let state = store.sync_state(&self.connection).await.expect("readable");
        let books = store.books(&self.connection, customers).await;
        let family = Family {
            organization: Arc::new(connection.organization.expect("read by the sync")),
            time_zone: zone(),
            members: books.expect("readable").into_iter().map(Arc::new).collect(),
            limits: Vec::new(),
            items: Arc::new(store.items(&self.connection).await.expect("readable")),
            rates: store.rates(&self.connection).await.expect("readable"),
            freshness: Arc::new(ConnectionFreshness {
                state: ConnectionState::Active,
                poll_interval: Duration::from_mins(15),
                first_load_running: false,
                datasets: state.datasets,
            }),
        };
        let settings = PulseSettings {
            policy: CreditPolicy::default(),
        };
        pulse::pulse(&[Arc::new(family)], &settings, None, self.clock.now())
    }

    async fn outstanding(&self, customer: &str) -> Decimal {
        let pulse = self.pulse(&[customer.into()]).await;
        let balance = pulse.balance.expect("known");
        let [only] = balance.by_currency.as_slice() else {
            panic!("customer {customer} has one currency");
        };
        assert_eq!(only.currency.code(), "USD");
        assert_eq!(only.aging.sum() - only.unapplied_credit, only.outstanding());
        only.outstanding()
    }

    async fn tie_out(&self, customer: &str) -> TieOutStatus {
        let pulse = self.pulse(&[customer.into()]).await;
        pulse.balance.expect("known").tie_out.status
    }

    async fn customer(&self, id: &str) -> Customer {
        let key = CustomerKey::new(self.connection.clone(), id);
        let customer = self.store().customer(&key).await.expect("readable");
        customer.expect("mirrored")
    }
}

fn recorded() -> Option<Company> {
    contracts::folder("quickbooks").map(|folder| recorded_company(&folder))
}

/// What the ledger says that each customer owes.
fn balances(company: &mut Company) -> BTreeMap<String, Decimal> {
    let rows = company.rows("Customer").iter();
    rows.map(|row| {
        let id = row["Id"].as_str().expect("an id").to_owned();
        let balance = row["Balance"].to_string().parse().expect("an amount");
        (id, balance)
    })
    .collect()
}

/// The recorded company, changed, on every database.
async fn mirrored(change: impl FnOnce(&mut Company)) -> Vec<Mirrored> {
    let Some(mut company) = recorded() else {
        return Vec::new();
    };
    change(&mut company);
    let server = CompanyServer::start(company).await;
    let mut all = Vec::new();
    for database in test_stores().await {
        all.push(mirror(&server, database).await);
    }
    all
}

#[tokio::test]
async fn all_33_customers_tie_to_the_cent() {
    let Some(mut company) = recorded() else {
        return;
    };
    let ledger = balances(&mut company);
    assert_eq!(ledger.len(), 33);
    for mirrored in mirrored(|_| {}).await {
        assert_eq!(mirrored.report.deleted, 0);
        for (id, balance) in &ledger {
            assert_eq!(mirrored.outstanding(id).await, *balance, "customer {id}");
            assert_eq!(
                mirrored.tie_out(id).await,
                TieOutStatus::Ties,
                "customer {id}"
            );
            assert_eq!(mirrored.customer(id).await.ledger_balance, Some(*balance));
        }
    }
}

#[tokio::test]
async fn a_parent_ties_with_all_below_it() {
    for mirrored in mirrored(|_| {}).await {
        // The recorded company's one parent with money below it and none of its own.
        let key = CustomerKey::new(mirrored.connection.clone(), "7");
        let family = mirrored.store().family(&key).await.expect("readable");
        assert_eq!(family.len(), 3, "a customer and its two jobs");
        let balance = mirrored.pulse(&family).await.balance.expect("known");
        let below = Decimal::new(56_250, 2);
        assert_eq!(balance.by_currency[0].outstanding(), below);
        assert_eq!(balance.tie_out.status, TieOutStatus::Ties);
    }
}

#[tokio::test]
async fn a_payment_changed_by_a_cent_is_told_by_the_tie_out() {
    let mut payer = String::new();
    let mut before = BTreeMap::new();
    let changed = mirrored(|company| {
        before = balances(company);
        let payment = &mut company.rows("Payment")[0];
        payer = payment["CustomerRef"]["value"]
            .as_str()
            .expect("a payer")
            .to_owned();
        let total: Decimal = payment["TotalAmt"].to_string().parse().expect("an amount");
        let more: Value =
            serde_json::from_str(&(total + Decimal::new(1, 2)).to_string()).expect("a number");
        payment["TotalAmt"] = more;
    })
    .await;
    for mirrored in changed {
        for (id, balance) in &before {
            let moved = if *id == payer {
                Decimal::new(1, 2)
            } else {
                Decimal::ZERO
            };
            assert_eq!(
                mirrored.outstanding(id).await,
                balance - moved,
                "customer {id}"
            );
        }
        match mirrored.tie_out(&payer).await {
            TieOutStatus::Differs { difference, .. } => {
                assert_eq!(difference.amount, Decimal::new(-1, 2));
            }
            other => panic!("the difference of a cent is not told: {other:?}"),
        }
    }
}

#[tokio::test]
async fn without_the_ledgers_own_figure_ours_stands_and_is_not_checkable() {
    let mut before = BTreeMap::new();
    let changed = mirrored(|company| {
        before = balances(company);
        for row in company.rows("Customer") {
            let row = row.as_object_mut().expect("an object");
            row.remove("Balance");
            row.remove("BalanceWithJobs");
        }
    })
    .await;
    for mirrored in changed {
        for (id, balance) in &before {
            assert_eq!(mirrored.outstanding(id).await, *balance, "customer {id}");
            assert_eq!(mirrored.tie_out(id).await, TieOutStatus::NotCheckable);
        }
    }
}
