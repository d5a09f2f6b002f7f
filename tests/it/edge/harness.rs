//! The whole read side under test: a real SQLite store, the real router on a port of its own, a
//! clock that the test sets, and books that the test writes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use financial_pulse::auth::{Role, Sessions, TestToken, Verifier};
use financial_pulse::cache::Snapshots;
use financial_pulse::clock::{Clock, ManualClock};
use financial_pulse::config::Config;
use financial_pulse::crypto::{Key, KeyRing};
use financial_pulse::domain::books::{Customer, Organization, PaymentTerms};
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::contact::{Link, LinkOrigin};
use financial_pulse::domain::document::{
    Application, Document, DocumentId, DocumentKind, DocumentLine, DocumentState, Side,
};
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::{ConnectionId, ContactId, CustomerKey, TenantId};
use financial_pulse::domain::records::{CustomerRecord, DocumentRecord, Records};
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use financial_pulse::graphql::{SchemaSettings, schema};
use financial_pulse::http::bearer::Bearers;
use financial_pulse::http::graphql::{Endpoint, EndpointSettings};
use financial_pulse::http::health::Health;
use financial_pulse::http::rates::{RateSettings, Rates};
use financial_pulse::http::router;
use financial_pulse::http::server::{self, ServerLimits};
use financial_pulse::service::Services;
use financial_pulse::service::keys::Keys;
use financial_pulse::service::ledger_pages::LedgerPages;
use financial_pulse::service::limits::Limits;
use financial_pulse::service::linking::Linking;
use financial_pulse::service::read::{Reader, RefreshRequests};
use financial_pulse::store::{NewConnection, Store, SyncMarks, Tenant, TenantSettings};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The tenant of every test.
pub(crate) const TENANT: &str = "acme";
/// Its native key.
const KEY: &str = "key";
/// Its books.
pub(crate) const BOOKS: &str = "books";
/// A contact that is linked to customer 1.
pub(crate) const CONTACT: &str = "native:contact:anna";

/// Noon in Los Angeles, where the books are kept.
pub(crate) fn noon() -> Timestamp {
    "2026-05-05T12:00:00-07:00".parse().expect("a time")
}

/// What customers a read asked to bring up to date.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<Vec<CustomerKey>>);

impl RefreshRequests for Asked {
    fn request(&self, customer: &CustomerKey) {
        self.0.lock().expect("unpoisoned").push(customer.clone());
    }
}

/// The application.
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) asked: Arc<Asked>,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    sessions: Arc<Sessions>,
    _directory: tempfile::TempDir,
}

/// What a test may set about the application.
pub(crate) struct Options {
    pub(crate) schema: SchemaSettings,
    pub(crate) endpoint: EndpointSettings,
    pub(crate) rates: RateSettings,
    pub(crate) server: ServerLimits,
    pub(crate) reps_see_amounts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            schema: SchemaSettings::default(),
            endpoint: EndpointSettings::default(),
            rates: RateSettings::default(),
            server: ServerLimits::default(),
            reps_see_amounts: true,
        }
    }
}

impl App {
    /// With a tenant, its key, a connection that was read to its end at noon, one customer with a
    /// few documents, and [`CONTACT`] linked to it.
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let keys = Arc::new(KeyRing::new(Key::from_bytes([7; 32]), Vec::new()));
        let file = directory.path().join("pulse.sqlite");
        let store = Store::open(&format!("sqlite:{}", file.display()), Arc::clone(&keys))
            .await
            .expect("opened");
        store.migrate().await.expect("migrated");
        let clock = Arc::new(ManualClock::new(noon()));
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let key = ("PULSE_ENCRYPTION__KEY".to_owned(), "07".repeat(32));
        let config = Config::load(None, [key]).expect("settings");
        let snapshots = Arc::new(Snapshots::new(64 * 1024 * 1024));
        let asked = Arc::new(Asked::default());
        let reader = Arc::new(Reader::new(
            store.clone(),
            Arc::clone(&shared),
            Arc::clone(&snapshots),
            Arc::clone(&asked) as Arc<dyn RefreshRequests>,
            LedgerPages::new("https://app.example/app", "https://go.example"),
        ));
        let sessions = Sessions::new(
            &keys.derive("sessions"),
            &config.session,
            Arc::clone(&shared),
        );
        let sessions = Arc::new(sessions.expect("a fit key"));
        let verifier = Verifier::new(&config, Arc::clone(&shared));
        let bearers = Bearers::new(
            Arc::clone(&sessions),
            Arc::new(verifier.expect("a client")),
            Keys::new(store.clone(), Vec::new()),
            Arc::clone(&reader),
            Arc::clone(&shared),
            1_000,
            Arc::new(Rates::new(options.rates)),
        );
        let services = Services {
            reader,
            linking: Linking::new(store.clone(), Arc::clone(&shared)),
            limits: Limits::new(store.clone(), Arc::clone(&shared)),
        };
        let endpoint = Arc::new(Endpoint::new(
            schema(services, &options.schema),
            bearers,
            Arc::clone(&shared),
            options.endpoint,
        ));
        let health = Health {
            store: store.clone(),
            snapshots: Arc::clone(&snapshots),
            metrics: None,
        };
        let router = router(
            Arc::clone(&endpoint),
            health,
            axum::Router::new(),
            axum::Router::new(),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(server::serve(
            listener,
            router,
            options.server,
            CancellationToken::new(),
        ));
        let app = Self {
            store,
            clock,
            snapshots,
            asked,
            endpoint,
            url,
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            sessions,
            _directory: directory,
        };
        app.fill(options.reps_see_amounts).await;
        app
    }

    async fn fill(&self, reps_see_amounts: bool) {
        let now = self.clock.now();
        let tenant = TenantId::from(TENANT);
        self.put_tenant(reps_see_amounts).await;
        let key = SigningKey {
            id: KEY.into(),
            tenant: Some(tenant.clone()),
            preset: "native".to_owned(),
            kid: None,
            algorithm: Algorithm::Hs256,
            source: KeySource::Secret("a secret of the test, long enough to sign".into()),
            issuer: None,
            audience: None,
            valid_until: None,
            claims: std::collections::BTreeMap::default(),
        };
        self.store
            .add_signing_key(&key, "test", now)
            .await
            .expect("added");
        self.add_books(BOOKS, ProviderKind::QuickBooks, "Books of Acme", "USD")
            .await;
        let mut records = Records {
            customers: vec![customer("1", "Anna's Bakery")],
            ..Records::default()
        };
        records.documents = vec![
            invoice("10", "2026-03-01", "1000.00"),
            invoice("11", "2026-04-20", "234.56"),
            payment("20", "2026-03-20", "600.00", &[("10", "600.00")]),
        ];
        self.apply(&records).await;
        self.poll().await;
        self.link(CONTACT, "1").await;
    }

    /// Adds a connection of the tenant to books that nothing was read of yet.
    pub(crate) async fn add_books(
        &self,
        id: &str,
        provider: ProviderKind,
        name: &str,
        currency: &str,
    ) {
        let now = self.clock.now();
        let connection = NewConnection {
            id: id.into(),
            tenant: TENANT.into(),
            provider,
            time_zone: TimeZone::get("America/Los_Angeles").expect("a zone"),
            poll_interval: Duration::from_mins(15),
            account: None,
        };
        self.store
            .add_connection(&connection, "test", now)
            .await
            .expect("added");
        let account = format!("account of {id}");
        self.store
            .set_connection_account(&id.into(), &account, None, "test", now)
            .await
            .expect("consented");
        let organization = Organization {
            name: name.into(),
            base_currency: currency.parse().expect("a code"),
            multicurrency: false,
            page_code: None,
        };
        self.store
            .set_organization(&id.into(), &organization, now)
            .await
            .expect("set");
        self.snapshots.tenant_changed(&TENANT.into());
    }

    /// Sets the tenant's settings anew.
    pub(crate) async fn put_tenant(&self, reps_see_amounts: bool) {
        let tenant = Tenant {
            id: TENANT.into(),
            name: "Acme".into(),
            frame_ancestors: Vec::new(),
            settings: TenantSettings {
                reps_see_amounts,
                ..TenantSettings::default()
            },
            version: 0,
        };
        self.store
            .put_tenant(&tenant, "test", self.clock.now())
            .await
            .expect("put");
        self.snapshots.tenant_changed(&TENANT.into());
    }

    /// Stores records as a sync does, and tells the cache as the change feed does.
    pub(crate) async fn apply(&self, records: &Records) {
        self.apply_with(BOOKS, records, &SyncMarks::default()).await;
    }

    /// A poll that found the ledger as it was.
    pub(crate) async fn poll(&self) {
        self.read(BOOKS, ProviderKind::QuickBooks, &Records::default())
            .await;
    }

    /// A poll of some books that found these records, and every dataset read to its end.
    pub(crate) async fn read(&self, books: &str, provider: ProviderKind, records: &Records) {
        let now = self.clock.now();
        let marks = SyncMarks {
            attempted: provider.datasets().to_vec(),
            succeeded: provider
                .datasets()
                .iter()
                .map(|dataset| (*dataset, now))
                .collect(),
            watermark: Some(now),
            first_load_started: Some(now),
            ..SyncMarks::default()
        };
        self.apply_with(books, records, &marks).await;
    }

    async fn apply_with(&self, books: &str, records: &Records, marks: &SyncMarks) {
        let books = ConnectionId::from(books);
        let applied = self
            .store
            .apply(&books, records, marks, self.clock.now())
            .await
            .expect("applied");
        self.snapshots
            .customers_changed(&books, &applied.customers)
            .await;
    }

    /// Links a contact to a customer of the books.
    pub(crate) async fn link(&self, contact: &str, customer: &str) {
        self.link_to(contact, CustomerKey::new(BOOKS, customer))
            .await;
    }

    /// Links a contact to a customer of any books.
    pub(crate) async fn link_to(&self, contact: &str, customer: CustomerKey) {
        let link = Link {
            contact: ContactId::parse(contact).expect("an id"),
            customer,
            origin: LinkOrigin::Import,
            actor: "test".into(),
            linked_at: self.clock.now(),
        };
        self.store
            .add_link(&TENANT.into(), &link, None)
            .await
            .expect("linked");
        self.snapshots.tenant_changed(&TENANT.into());
    }

    /// A native token for a role, of five minutes.
    pub(crate) async fn token(&self, role: Role) -> String {
        self.token_for(role, None).await
    }

    /// A native token that signs a contact.
    pub(crate) async fn token_for(&self, role: Role, contact: Option<&str>) -> String {
        let keys = self
            .store
            .signing_keys(Some(&TENANT.into()), "native", self.clock.now())
            .await
            .expect("keys");
        let token = TestToken {
            user: "u-1".into(),
            name: Some("Uma".to_owned()),
            role: Some(role),
            contact: contact.map(str::to_owned),
            company: None,
            email: None,
            tax_number: None,
            lifetime: SignedDuration::from_mins(5),
        };
        token
            .mint(&keys, "financial-pulse", self.clock.now())
            .expect("minted")
            .expose_secret()
            .to_owned()
    }

    /// A session of our own for a role.
    pub(crate) fn session(&self, role: Role) -> String {
        self.session_of("u-1", Some(role))
    }

    /// The same for any user, with a role that the CRM signed or with one that the tenant gives.
    pub(crate) fn session_of(&self, user: &str, signed_role: Option<Role>) -> String {
        self.session_as(user, signed_role, |_| {})
    }

    /// The same for whoever the change makes of them.
    pub(crate) fn session_as(
        &self,
        user: &str,
        signed_role: Option<Role>,
        change: impl FnOnce(&mut financial_pulse::auth::Identity),
    ) -> String {
        let mut identity = financial_pulse::auth::Identity {
            tenant: TENANT.into(),
            preset: "native".into(),
            account: None,
            user: user.into(),
            name: Some("Uma".into()),
            signed_role,
            contact: None,
            company: None,
            locale: None,
            key: KEY.into(),
            expires_at: self.clock.now(),
            hard_cap: self.clock.now(),
        };
        change(&mut identity);
        let session = self.sessions.issue(&identity, None).expect("issued");
        session.token.expose_secret().to_owned()
    }

    /// Sends a request and gives its answer as it is.
    pub(crate) async fn send(&self, token: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let mut request = self
            .client
            .post(format!("{}/graphql", self.url))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/graphql-response+json")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .body(body.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::of(request.send().await.expect("answered")).await
    }

    /// Asks and gives the answer's JSON.
    pub(crate) async fn ask(&self, token: &str, query: &str, variables: Value) -> Value {
        let body = json!({"query": query, "variables": variables});
        self.send(token, &body, &[]).await.json()
    }

    /// Asks and gives the data of an answer without errors.
    pub(crate) async fn data(&self, token: &str, query: &str, variables: Value) -> Value {
        let answer = self.ask(token, query, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"].clone()
    }

    /// What the reads asked for since the last look.
    pub(crate) fn take_asked(&self) -> Vec<CustomerKey> {
        std::mem::take(&mut self.asked.0.lock().expect("unpoisoned"))
    }
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.expect("a body"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// A customer with terms of 30 days.
pub(crate) fn customer(id: &str, name: &str) -> CustomerRecord {
    CustomerRecord {
        customer: Customer {
            id: id.into(),
            name: name.into(),
            email: None,
            tax_number: None,
            parent: None,
            bill_with_parent: false,
            active: true,
            currency: "USD".parse().expect("a code"),
            terms: Some(PaymentTerms::Days(30)),
            ledger_balance: None,
            ledger_balance_with_children: None,
            credit_limit: None,
            changed_at: noon(),
        },
        terms_id: None,
    }
}

fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

fn amount(text: &str) -> Decimal {
    text.parse().expect("an amount")
}

fn document(kind: DocumentKind, id: &str, issued_on: &str, total: &str) -> Document {
    let side = match kind {
        DocumentKind::Invoice => Side::Receivable,
        _ => Side::Credit,
    };
    Document {
        id: DocumentId::new(kind, id),
        customer: "1".into(),
        number: Some(format!("N-{id}").into()),
        issued_on: day(issued_on),
        due_on: None,
        currency: "USD".parse().expect("a code"),
        exchange_rate: None,
        total: amount(total),
        tax: Decimal::ZERO,
        side,
        state: DocumentState::Issued,
        lines: vec![DocumentLine {
            item: Some("7".into()),
            description: "Flour".into(),
            quantity: Some(Decimal::TEN),
            unit_price: Some(amount(total) / Decimal::TEN),
            amount: amount(total),
        }],
        ledger_open: None,
        changed_at: noon(),
    }
}

/// An invoice of customer 1, due after 30 days.
pub(crate) fn invoice(id: &str, issued_on: &str, total: &str) -> DocumentRecord {
    let mut invoice = document(DocumentKind::Invoice, id, issued_on, total);
    invoice.due_on = day(issued_on).checked_add(jiff::Span::new().days(30)).ok();
    DocumentRecord {
        dataset: Dataset::Invoices,
        ledger_id: id.to_owned(),
        changed_at: noon(),
        documents: vec![invoice],
        applications: Vec::new(),
    }
}

/// A payment of customer 1, applied to invoices.
pub(crate) fn payment(
    id: &str,
    received_on: &str,
    total: &str,
    applied: &[(&str, &str)],
) -> DocumentRecord {
    let payment = document(DocumentKind::Payment, id, received_on, total);
    let applications = applied
        .iter()
        .map(|(invoice, part)| Application {
            carrier: payment.id.clone(),
            from: payment.id.clone(),
            to: DocumentId::new(DocumentKind::Invoice, *invoice),
            amount: amount(part),
            applied_on: day(received_on),
        })
        .collect();
    DocumentRecord {
        dataset: Dataset::Payments,
        ledger_id: id.to_owned(),
        changed_at: noon(),
        documents: vec![payment],
        applications,
    }
}
