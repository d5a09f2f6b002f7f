//! A sandbox, a connector, a store and a sync on one clock, in one process.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use financial_pulse::clock::{Clock, ManualClock};
use financial_pulse::domain::balance::{CurrencyBalance, balance};
use financial_pulse::domain::books::{Customer, CustomerBooks, today};
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::exchange::Rates;
use financial_pulse::domain::freshness::{ConnectionState, Dataset};
use financial_pulse::domain::history::History;
use financial_pulse::domain::ids::{ConnectionId, CustomerId, CustomerKey, TenantId};
use financial_pulse::domain::money::Currency;
use financial_pulse::domain::tie_out::{TieOut, TieOutStatus, tie_out};
use financial_pulse::provider::http::{HttpSettings, Limits, RetrySettings};
use financial_pulse::provider::quickbooks::{QuickBooks, QuickBooksSettings};
use financial_pulse::provider::sage::{Sage, SageSettings};
use financial_pulse::provider::xero::{Xero, XeroSettings};
use financial_pulse::provider::{AccountingProvider, CallMeter};
use financial_pulse::sandbox::{CompanyOptions, Data, RunningSandbox, Sandbox, SandboxOptions};
use financial_pulse::service::connections::{ConnectionRequest, Connections};
use financial_pulse::service::consent::ImportedTokens;
use financial_pulse::service::ledger::{LedgerError, Providers};
use financial_pulse::service::meter::{Budget, BudgetMeter, Period};
use financial_pulse::service::refresh_queue::RefreshQueue;
use financial_pulse::service::sync::{Depth, Sync, SyncReport, SyncSettings};
use financial_pulse::store::{Store, SyncState, Tenant, TenantSettings};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The one company of the sandbox.
pub(crate) const REALM: &str = "1000000000000001";

/// The ledgers that the sandbox stands in for.
pub(crate) const KINDS: [ProviderKind; 3] = [
    ProviderKind::QuickBooks,
    ProviderKind::Xero,
    ProviderKind::Sage,
];

/// What a test may set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes {
    /// What the books hold.
    pub(crate) data: Data,
    /// Records on a page, where the ledger leaves that open.
    pub(crate) page_size: u32,
    /// Pages in a slice.
    pub(crate) slice_pages: u32,
    /// The metered calls.
    pub(crate) budget: Budget,
    /// How far the ledger's clock is ahead of ours.
    pub(crate) skew: SignedDuration,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            data: Data::Generated {
                customers: 12,
                invoices: 40,
                today: date(2026, 5, 5),
            },
            page_size: 1000,
            slice_pages: 60,
            budget: Budget {
                calls: u64::MAX,
                period: Period::Month,
                shared: true,
            },
            skew: SignedDuration::ZERO,
        }
    }
}

/// One connection to the company.
pub(crate) struct Rig {
    pub(crate) kind: ProviderKind,
    clock: Arc<ManualClock>,
    ledger_clock: Arc<ManualClock>,
    pub(crate) sandbox: RunningSandbox,
    pub(crate) store: Store,
    pub(crate) sync: Sync,
    pub(crate) refreshes: RefreshQueue,
    pub(crate) connection: ConnectionId,
    pub(crate) stop: CancellationToken,
    client: reqwest::Client,
}

fn start_of_day() -> Timestamp {
    "2026-05-05T19:00:00Z".parse().expect("an instant")
}

impl Rig {
    pub(crate) async fn start(kind: ProviderKind, store: &Store, wishes: Wishes) -> Self {
        let clock = Arc::new(ManualClock::new(start_of_day()));
        let ledger_clock = Arc::new(ManualClock::new(start_of_day() + wishes.skew));
        let company = CompanyOptions {
            realm: REALM.to_owned(),
            data: wishes.data,
            ..CompanyOptions::default()
        };
        let options = SandboxOptions {
            companies: vec![company],
            clock: Arc::clone(&ledger_clock) as _,
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::start(options.without_limits()).await;
        let sandbox = sandbox.expect("a sandbox");
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let meter = BudgetMeter::new(store.clone(), Arc::clone(&shared), wishes.budget);
        let provider = connector(kind, &sandbox.url(), wishes, &shared, Arc::new(meter));
        let providers = Providers::new(vec![provider]);
        let connections = Connections::new(store.clone(), providers.clone(), Arc::clone(&shared));
        let client = reqwest::Client::builder().no_proxy().build();
        let stop = CancellationToken::new();
        let refreshes = RefreshQueue::default();
        let sync = Sync::new(
            store.clone(),
            providers,
            Arc::clone(&shared),
            SyncSettings {
                comparison_interval: SignedDuration::from_hours(24),
                overlap: SignedDuration::from_mins(5),
                lease: SignedDuration::from_secs(30),
                slice_pages: wishes.slice_pages,
            },
            refreshes.clone(),
            stop.clone(),
        );
        let mut rig = Self {
            kind,
            clock,
            ledger_clock,
            sandbox,
            store: store.clone(),
            sync,
            refreshes,
            connection: "unknown".into(),
            stop,
            client: client.expect("a client"),
        };
        rig.connect(&connections).await;
        rig
    }

    async fn connect(&mut self, connections: &Connections) {
        let tenant = Tenant {
            id: TenantId::from("acme"),
            name: "Acme".into(),
            frame_ancestors: Vec::new(),
            settings: TenantSettings::default(),
            version: 0,
        };
        let now = self.clock.now();
        self.store
            .put_tenant(&tenant, "test", now)
            .await
            .expect("stored");
        let request = ConnectionRequest {
            tenant: tenant.id,
            provider: self.kind,
            id: None,
            time_zone: zone(),
            poll_interval: Duration::from_mins(15),
        };
        self.connection = connections.add(request, "test").await.expect("added");
        let wish = json!({ "company": REALM, "format": self.kind.as_str() });
        let tokens = self.order("tokens", wish).await;
        let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        let tokens = ImportedTokens {
            account: self.account(&token("access_token")).await,
            access: SecretString::from(token("access_token")),
            refresh: SecretString::from(token("refresh_token")),
        };
        connections
            .import_tokens(&self.connection, tokens, "test")
            .await
            .expect("imported");
    }

    /// What the ledger calls the company.
    async fn account(&self, access_token: &str) -> String {
        let (path, pointer) = match self.kind {
            ProviderKind::QuickBooks => return REALM.to_owned(),
            ProviderKind::Xero => ("xero/connections", "/0/tenantId"),
            ProviderKind::Sage => ("sage/v3.1/businesses", "/$items/0/id"),
            other @ ProviderKind::Tryton => panic!("no sandbox speaks {other}"),
        };
        let url = format!("{}/{path}", self.sandbox.url());
        let answer = self.client.get(url).bearer_auth(access_token).send().await;
        let answer: Value = answer.expect("an answer").json().await.expect("JSON");
        let account = answer.pointer(pointer).and_then(Value::as_str);
        account.expect("an organization").to_owned()
    }

    /// Orders something of the sandbox.
    pub(crate) async fn order(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/sandbox/{path}", self.sandbox.url());
        let answer = self.client.post(url).json(&body).send().await;
        answer.expect("an answer").json().await.expect("JSON")
    }

    /// Sets something of the sandbox.
    pub(crate) async fn put(&self, path: &str, body: Value) {
        let url = format!("{}/sandbox/{path}", self.sandbox.url());
        let answer = self.client.put(url).json(&body).send().await;
        assert!(answer.expect("an answer").status().is_success());
    }

    /// Whether the ledger can be read.
    pub(crate) async fn connection_state(&self) -> ConnectionState {
        let connection = self.store.connection(&self.connection).await;
        connection.expect("readable").expect("there").state
    }

    /// Takes back what was ordered.
    pub(crate) async fn take_back(&self, path: &str) {
        let url = format!("{}/sandbox/{path}", self.sandbox.url());
        self.client.delete(url).send().await.expect("an answer");
    }

    /// Asks the sandbox something.
    pub(crate) async fn ask(&self, path: &str) -> Value {
        let url = format!("{}/sandbox/{path}", self.sandbox.url());
        let answer = self.client.get(url).send().await;
        answer.expect("an answer").json().await.expect("JSON")
    }

    /// Runs the sync as deep as wanted.
    pub(crate) async fn run(&self, depth: Depth) -> Result<SyncReport, LedgerError> {
        self.sync.run(&self.connection, depth, &|_, _| {}).await
    }

    /// Another worker on the same connection, as another process has it.
    pub(crate) async fn run_beside(&self, depth: Depth) -> Result<SyncReport, LedgerError> {
        self.sync
            .clone()
            .run(&self.connection, depth, &|_, _| {})
            .await
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, minutes: i64) {
        for clock in [&self.clock, &self.ledger_clock] {
            clock.advance(SignedDuration::from_mins(minutes));
        }
    }

    pub(crate) async fn state(&self) -> SyncState {
        let state = self.store.sync_state(&self.connection).await;
        state.expect("readable")
    }

    /// The mirror must hold what the books hold: the same customers, each owing the same to the cent,
    /// and each tied out with the ledger's own figure.
    pub(crate) async fn assert_mirrors_the_books(&self) {
        assert_eq!(self.our_balances().await, self.ledger_balances().await);
    }

    /// What each customer owes by the sandbox's books, by name.
    pub(crate) async fn ledger_balances(&self) -> BTreeMap<String, Decimal> {
        let balances = self.ask("balances").await;
        let row = |row: &Value| {
            let full_name = row["name"].as_str().expect("a name");
            let name = full_name.rsplit(':').next().unwrap_or_default().to_owned();
            let amount = row["balance"].to_string().replace('"', "");
            (name, amount.parse::<Decimal>().expect("an amount"))
        };
        let rows = balances["customers"].as_array().expect("rows");
        rows.iter().map(row).collect()
    }

    /// What each customer owes by our own figures, by name; each tied out.
    async fn our_balances(&self) -> BTreeMap<String, Decimal> {
        let mut balances = BTreeMap::new();
        for (customer, outcome, ours) in self.tied_out().await {
            let name = customer.name.to_string();
            assert!(
                ties_out(self.kind, customer.currency, &outcome.status),
                "{name}: {outcome:?}"
            );
            assert_eq!(balances.insert(name.clone(), ours), None, "{name} twice");
        }
        balances
    }

    /// Every mirrored customer with its tie-out, and what it owes by our own figures.
    pub(crate) async fn tied_out(&self) -> Vec<(Customer, TieOut, Decimal)> {
        let today = self.today();
        let tied = |books: CustomerBooks| {
            let customer = books.customer.clone();
            let family = [Arc::new(books)];
            let history = History::of(&family);
            let rates = Rates::on(today, customer.currency, &[], &[]);
            let sums = balance(&history, &rates, 0, today).by_currency;
            let owed = sums.iter().map(CurrencyBalance::outstanding).sum();
            (customer, tie_out(&history, today), owed)
        };
        self.books().await.into_iter().map(tied).collect()
    }

    /// The day that it is for the organization.
    pub(crate) fn today(&self) -> Date {
        today(self.now(), &zone())
    }

    /// The books of every mirrored customer.
    pub(crate) async fn books(&self) -> Vec<CustomerBooks> {
        let customers = (self.store)
            .stored_ids(&self.connection, Dataset::Customers, None, 100_000)
            .await
            .expect("readable");
        let ids: Vec<CustomerId> = customers.into_iter().map(|(id, _)| id.into()).collect();
        let books = self.store.books(&self.connection, &ids).await;
        books.expect("readable")
    }

    /// Rewrites a customer with other terms, which its books' amounts do not depend on.
    pub(crate) async fn touch(&self, customer: &str, days: i64) {
        let wish = json!({ "company": REALM, "customer": customer, "terms_days": days });
        let answer = self.order("customers", wish).await;
        assert!(answer.get("error").is_none(), "{answer}");
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What a customer owes by our own figures.
    pub(crate) async fn owed(&self, key: &CustomerKey) -> Decimal {
        let books = self
            .store
            .books(&key.connection, std::slice::from_ref(&key.customer))
            .await
            .expect("readable");
        let family: Vec<_> = books.into_iter().map(Arc::new).collect();
        let outcome = tie_out(&History::of(&family), self.today());
        outcome.ours.expect("a figure").amount
    }

    /// How many calls of the accounting API the sandbox has counted.
    pub(crate) async fn calls(&self) -> u64 {
        let usage = self.ask(&format!("usage?format={}", self.kind)).await;
        usage[REALM]["calls"].as_u64().expect("a count")
    }

    /// Bills a customer of the sandbox; the answer names the document.
    pub(crate) async fn bill(&self, customer: &str, amount: &str) -> Value {
        let wish = json!({ "company": REALM, "customer": customer, "amount": amount });
        self.order("invoices", wish).await
    }

    /// Some customer of the books that has no customer above it.
    pub(crate) async fn some_customer(&self) -> String {
        let balances = self.ask("balances").await;
        let rows = balances["customers"].as_array().expect("rows").clone();
        let name = |row: &Value| row["name"].as_str().expect("a name").to_owned();
        let mut names = rows.iter().map(name);
        names.find(|name| !name.contains(':')).expect("a customer")
    }

    /// Whether the first load is not through yet.
    pub(crate) async fn is_loading(&self) -> bool {
        let state = self.state().await;
        let known = |set: &&Dataset| {
            let known = state.datasets.iter().find(|known| known.dataset == **set);
            known.is_none_or(|known| known.succeeded_at.is_none())
        };
        self.kind.datasets().iter().any(|set| known(&set))
    }

    /// Some mirrored customer.
    pub(crate) async fn some_key(&self, random: &mut StdRng) -> Option<CustomerKey> {
        let customers = (self.store)
            .stored_ids(&self.connection, Dataset::Customers, None, 100)
            .await
            .expect("readable");
        let (id, _) = customers.choose(random)?;
        Some(CustomerKey {
            connection: self.connection.clone(),
            customer: id.as_str().into(),
        })
    }

    /// Its key in the mirror.
    pub(crate) async fn key_of(&self, name: &str) -> CustomerKey {
        let found = (self.store)
            .search_customers(&TenantId::from("acme"), name, 10)
            .await
            .expect("readable");
        let (connection, customer) = (found.into_iter())
            .find(|(connection, customer)| {
                *connection == self.connection && &*customer.name == name
            })
            .expect("a mirrored customer");
        CustomerKey {
            connection,
            customer: customer.id,
        }
    }
}

/// Whether a customer ties out. What Xero's balance of a customer in a foreign currency means its
/// documents disagree on, and Tryton's is in the company's own currency, so that only a balance of
/// nothing is compared.
pub(crate) fn ties_out(kind: ProviderKind, owed_in: Currency, status: &TieOutStatus) -> bool {
    let unclear = [ProviderKind::Xero, ProviderKind::Tryton].contains(&kind);
    let foreign = unclear && owed_in.code() != "USD";
    *status == TieOutStatus::Ties || foreign && *status == TieOutStatus::NotCheckable
}

fn zone() -> TimeZone {
    TimeZone::get("America/Los_Angeles").expect("a zone")
}

fn connector(
    kind: ProviderKind,
    url: &str,
    wishes: Wishes,
    clock: &Arc<dyn Clock>,
    meter: Arc<dyn CallMeter>,
) -> Arc<dyn AccountingProvider> {
    let (id, secret) = ("sandbox-client", SecretString::from("sandbox-secret"));
    let quick = |http: HttpSettings| HttpSettings {
        limits: Limits {
            per_minute: at_most(1_000_000),
            per_second: at_most(100_000),
            concurrent: at_most(100),
            batches_per_minute: at_most(1_000_000),
        },
        // Trouble is ordered, so there is nothing to wait for.
        retry: RetrySettings {
            attempts: 2,
            total: Duration::from_secs(5),
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(2),
        },
        request_timeout: Duration::from_secs(2),
        ..http
    };
    match kind {
        ProviderKind::QuickBooks => {
            let defaults = QuickBooksSettings::default();
            let settings = QuickBooksSettings {
                client_id: id.into(),
                client_secret: secret,
                api_url: url.to_owned(),
                token_url: format!("{url}/oauth2/v1/tokens/bearer"),
                revoke_url: format!("{url}/v2/oauth2/tokens/revoke"),
                page_size: wishes.page_size,
                http: quick(defaults.http),
                throttle_wait: Duration::from_millis(5),
                ..defaults
            };
            let provider = QuickBooks::new(settings, Arc::clone(clock), meter);
            Arc::new(provider.expect("a connector"))
        }
        ProviderKind::Xero => {
            let defaults = XeroSettings::default();
            let settings = XeroSettings {
                client_id: id.into(),
                client_secret: secret,
                api_url: format!("{url}/xero/api.xro/2.0"),
                connections_url: format!("{url}/xero/connections"),
                token_url: format!("{url}/xero/connect/token"),
                revoke_url: format!("{url}/xero/connect/revocation"),
                page_size: wishes.page_size,
                http: quick(defaults.http),
                throttle_wait: Duration::from_millis(5),
                ..defaults
            };
            let provider = Xero::new(settings, Arc::clone(clock), meter);
            Arc::new(provider.expect("a connector"))
        }
        ProviderKind::Sage => {
            let defaults = SageSettings::default();
            let settings = SageSettings {
                client_id: id.into(),
                client_secret: secret,
                api_url: format!("{url}/sage/v3.1"),
                token_url: format!("{url}/sage/token"),
                revoke_url: format!("{url}/sage/revoke"),
                page_size: wishes.page_size,
                http: quick(defaults.http),
                throttle_wait: Duration::from_millis(5),
                ..defaults
            };
            let provider = Sage::new(settings, Arc::clone(clock), meter);
            Arc::new(provider.expect("a connector"))
        }
        other @ ProviderKind::Tryton => panic!("no sandbox speaks {other}"),
    }
}

fn at_most(calls: u32) -> NonZeroU32 {
    NonZeroU32::new(calls).expect("some")
}
