//! Consent over HTTP: given once for several organizations, placed, chosen, shared, lost and given up.

mod authority;
mod flow;
mod key;
mod ledger;
mod sharing;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use financial_pulse::clock::{Clock, ManualClock};
use financial_pulse::domain::connection::{Connection, ProviderKind};
use financial_pulse::domain::ids::ConnectionId;
use financial_pulse::http::oauth;
use financial_pulse::provider::Purpose;
use financial_pulse::service::connections::{ConnectionRequest, Connections};
use financial_pulse::service::ledger::{Ledger, LedgerError, Providers};
use financial_pulse::store::Store;
use futures_util::FutureExt as _;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tower::ServiceExt as _;
use url::Url;

use self::authority::Authority;
use self::ledger::SmallLedger;
use crate::store::records::{add_tenant, at};
use crate::support::databases::TestStore;

/// The organizations of most tests; the second name is not what it seems.
const TWO: [(&str, &str); 2] = [("org-a", "Acme Inc."), ("org-b", "<b>Beta & Sons</b>")];

/// How long a refresh token may be tried again, where it may.
const GRACE: SignedDuration = SignedDuration::from_mins(30);

/// An installation, as far as consent needs one.
struct Place {
    authority: Authority,
    store: Store,
    clock: Arc<ManualClock>,
    providers: Providers,
    connections: Connections,
    router: Router,
}

/// A page.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    /// The code in the form that asks for an organization.
    fn code(&self) -> &str {
        let (_, rest) = self
            .body
            .split_once("name=\"code\" value=\"")
            .expect("a form");
        rest.split_once('"').expect("its end").0
    }
}

impl Place {
    async fn new(database: &TestStore, organizations: &[(&'static str, &'static str)]) -> Self {
        Self::with_grace(database, organizations, None).await
    }

    async fn with_grace(
        database: &TestStore,
        organizations: &[(&'static str, &'static str)],
        grace: Option<SignedDuration>,
    ) -> Self {
        let authority = Authority::start(organizations).await;
        authority.inner().grace = grace.is_some();
        let ledger = SmallLedger::new(&authority.url, grace);
        Self::over(database, authority, ledger).await
    }

    /// Over a ledger that is read with an application key.
    async fn by_key(database: &TestStore, organizations: &[(&'static str, &'static str)]) -> Self {
        let authority = Authority::start(organizations).await;
        let ledger = SmallLedger::by_key(&authority.url);
        Self::over(database, authority, ledger).await
    }

    async fn over(database: &TestStore, authority: Authority, ledger: SmallLedger) -> Self {
        add_tenant(&database.store, "acme").await;
        let providers = Providers::new(vec![Arc::new(ledger)]);
        let clock = Arc::new(ManualClock::new(at(0)));
        let (store, time) = (database.store.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
        let connections = Connections::new(store.clone(), providers.clone(), time);
        Self {
            router: oauth::routes(connections.clone()),
            authority,
            store,
            clock,
            providers,
            connections,
        }
    }

    fn request(id: &str) -> ConnectionRequest {
        ConnectionRequest {
            tenant: "acme".into(),
            provider: ProviderKind::Xero,
            id: Some(id.into()),
            time_zone: TimeZone::UTC,
            poll_interval: Duration::from_mins(15),
        }
    }

    async fn add(&self, id: &str) -> ConnectionId {
        let added = self.connections.add(Self::request(id), "test").await;
        added.expect("added")
    }

    /// The parameters of the address that a person is to open.
    async fn asked(&self, id: &ConnectionId) -> (String, String) {
        let url = self.connections.consent_url(id).await.expect("an address");
        let url = Url::parse(&url).expect("an address");
        let parameter = |name: &str| {
            let mut pairs = url.query_pairs();
            let found = pairs.find(|(known, _)| known == name);
            found.expect("a parameter").1.into_owned()
        };
        (parameter("state"), parameter("challenge"))
    }

    /// What a person sees who consents for a connection.
    async fn consent(&self, id: &ConnectionId) -> Answer {
        let (state, _) = self.asked(id).await;
        self.open(&format!("/oauth/xero/callback?code=c&state={state}"))
            .await
    }

    /// A connection with its consent, for the one organization that is free.
    async fn connected(&self, id: &str) -> ConnectionId {
        let id = self.add(id).await;
        let answer = self.consent(&id).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        id
    }

    async fn open(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty())).await
    }

    async fn choose(&self, code: &str, organization: &str) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("code", code), ("organization", organization)])
            .finish();
        let request = Request::post("/oauth/xero/organization")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form));
        self.send(request).await
    }

    async fn send(&self, request: axum::http::Result<Request<Body>>) -> Answer {
        let request = request.expect("a request");
        let answer = self.router.clone().oneshot(request).await;
        let (parts, body) = answer.expect("an answer").into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    async fn connection(&self, id: &ConnectionId) -> Connection {
        let found = self.store.connection(id).await.expect("read");
        found.expect("the connection")
    }

    /// Reads the organization's name as a sync does, from a store of its own.
    async fn read(&self, store: &Store, id: &ConnectionId) -> Result<String, LedgerError> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let connection = self.connection(id).await;
        let lease = SignedDuration::from_secs(60);
        let ledger = Ledger::open(store, &self.providers, &clock, lease, connection).await?;
        let read = ledger
            .call(Purpose::Increment, |provider, access| {
                async move { provider.organization(&access).await }.boxed()
            })
            .await;
        ledger.close().await?;
        Ok(read?.name.to_string())
    }
}
