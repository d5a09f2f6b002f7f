//! A service that takes webhooks and leaves the ledgers alone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use financial_pulse::app::{self, RunningService, ServeArgs};
use financial_pulse::clock::SystemClock;
use financial_pulse::config::Config;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::ConnectionState;
use financial_pulse::domain::ids::{ConnectionId, TenantId};
use financial_pulse::http::webhooks;
use financial_pulse::provider::AccountingProvider;
use financial_pulse::service::inbox::Inbox;
use financial_pulse::service::ledger::Providers;
use financial_pulse::store::{NewConnection, Store, Tenant, TenantSettings, WebhookEvent};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::header::HeaderMap;

use crate::support::databases::{TestStore, key_text};
use crate::support::webhook::sign;

/// The key of the one recorded delivery that came with its own.
pub(super) const KEY: &str = "00faeec4-08d0-4996-bb37-698ae19f0149";
/// The key before it.
pub(super) const PREVIOUS_KEY: &str = "a verifier token of last year";

/// Some moment.
pub(super) fn now() -> Timestamp {
    "2026-05-05T12:00:00Z".parse().expect("a time")
}

/// The service.
pub(super) struct Service {
    pub(super) url: String,
    pub(super) client: reqwest::Client,
    store: Store,
    running: Option<RunningService>,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Service {
    /// Starts it with keys and a tenant.
    pub(super) async fn start(database: &TestStore) -> Self {
        let keys = [
            ("PULSE_QUICKBOOKS__WEBHOOK_KEY", KEY),
            ("PULSE_QUICKBOOKS__PREVIOUS_WEBHOOK_KEY", PREVIOUS_KEY),
        ];
        Self::start_with(database, &keys).await
    }

    /// Starts it with settings.
    pub(super) async fn start_with(database: &TestStore, settings: &[(&str, &str)]) -> Self {
        let key = key_text();
        let all = [
            ("PULSE_DATABASE__URL", database.url.as_str()),
            ("PULSE_ENCRYPTION__KEY", &key),
            ("PULSE_SERVER__LISTEN", "127.0.0.1:0"),
            // Tests deliver far more than a ledger, and much of it wrong.
            ("PULSE_LIMITS__ADDRESS_REQUESTS_PER_MINUTE", "1000000"),
            ("PULSE_LIMITS__ADDRESS_FAILURES_PER_MINUTE", "1000000"),
        ];
        let all = all.iter().chain(settings);
        let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::load(None, all).expect("settings");
        let args = ServeArgs { no_worker: true };
        let running = app::start(&config, args, Arc::new(SystemClock)).await;
        let running = running.expect("started");
        Self::at(running.address, database, Some(running)).await
    }

    /// Starts the route alone, over providers that the test makes.
    pub(super) async fn start_over(
        database: &TestStore,
        providers: Vec<Arc<dyn AccountingProvider>>,
    ) -> Self {
        let clock = Arc::new(SystemClock);
        let inbox = Inbox::new(database.store.clone(), Providers::new(providers), clock);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let routes = webhooks::routes(inbox);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self::at(address, database, None).await
    }

    async fn at(
        address: SocketAddr,
        database: &TestStore,
        running: Option<RunningService>,
    ) -> Self {
        let tenant = Tenant {
            id: "acme".into(),
            name: "Acme".into(),
            frame_ancestors: Vec::new(),
            settings: TenantSettings::default(),
            version: 0,
        };
        let store = database.store.clone();
        store.put_tenant(&tenant, "test", now()).await.expect("put");
        Self {
            url: format!("http://{address}"),
            client: reqwest::Client::new(),
            store,
            running,
        }
    }

    /// Connects an organization.
    pub(super) async fn connect(&self, id: &str, provider: ProviderKind, account: &str) {
        let connection = NewConnection {
            id: id.into(),
            tenant: TenantId::from("acme"),
            provider,
            time_zone: TimeZone::get("America/Los_Angeles").expect("a zone"),
            poll_interval: Duration::from_mins(15),
            account: Some(account.into()),
        };
        let (store, id) = (&self.store, ConnectionId::from(id));
        store
            .add_connection(&connection, "test", now())
            .await
            .expect("added");
        store
            .set_connection_account(&id, account, None, "test", now())
            .await
            .expect("consented");
    }

    /// Gives a connection up.
    pub(super) async fn revoke(&self, id: &str) {
        let revoked = ConnectionState::Revoked;
        self.store
            .set_connection_state(&id.into(), revoked, None, now())
            .await
            .expect("revoked");
    }

    /// Sends a body with a signature.
    pub(super) async fn post(
        &self,
        provider: &str,
        signature: (&str, &str),
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let url = format!("{}/webhooks/{provider}", self.url);
        let request = self.client.post(url).header(signature.0, signature.1);
        Answer::of(request.body(body.into())).await
    }

    /// Sends a body of QuickBooks that is rightly signed; it must be taken.
    pub(super) async fn deliver(&self, body: impl Into<Vec<u8>>) {
        let body = body.into();
        let signature = sign(&body, KEY);
        let answer = self.post("quickbooks", ("intuit-signature", &signature), body);
        answer.await.assert_taken();
    }

    /// The events that wait for a connection, by what they speak of.
    pub(super) async fn waiting(&self, id: &str) -> Vec<WebhookEvent> {
        let id = ConnectionId::from(id);
        let taken = self.store.take_webhook_events(&id, "a look").await;
        let mut events = taken.expect("taken");
        events.sort_by_key(|event| (event.dataset, event.ledger_id.clone(), event.happened_at));
        events
    }

    /// Whether any event waits.
    pub(super) async fn has_waiting(&self) -> bool {
        let waiting = self.store.connections_with_webhook_events().await;
        !waiting.expect("read").is_empty()
    }

    pub(super) async fn shut_down(self) {
        if let Some(running) = self.running {
            running.shutdown().await;
        }
    }
}

impl Answer {
    /// The answer to a request.
    pub(super) async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.expect("a body"),
        }
    }

    /// Must be what every sender takes as success: no body, no cookie.
    pub(super) fn assert_taken(&self) {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.body, "", "{self:?}");
        assert_eq!(self.headers.get("set-cookie"), None, "{self:?}");
    }

    /// Must be a refusal for the signature, as bare.
    pub(super) fn assert_not_signed(&self) {
        assert_eq!(self.status, 401, "{self:?}");
        assert_eq!(self.body, "", "{self:?}");
        assert_eq!(self.headers.get("set-cookie"), None, "{self:?}");
    }
}
