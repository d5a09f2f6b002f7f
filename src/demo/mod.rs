//! The demo CRM: a small web application of its own, on an origin of its own, that embeds the widget
//! as a real CRM would.
//!
//! It has a list of contacts and a page for each, with the widget beside the record, mounted by the
//! service's own `embed.js` as `docs/embedding.md` says. It holds the tenant's signing secret, mints a
//! short-lived native token whenever its page asks for one, and gives it to nobody but the widget. Its
//! buttons call the sandbox's control endpoint, so that one sees the widget change while it stands
//! open. The same contacts can be seen as several ledgers tell of them: each ledger's connection
//! belongs to a tenant of its own, and a switch says whose token is minted.

mod actions;
mod pages;
mod record;
mod token;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::routing::{get, post};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_http::set_header::SetResponseHeaderLayer;

pub use crate::sandbox::Format;
pub use crate::sandbox::dataset::demo::{Account, ContactKind, Expected, Situation, situations};

use crate::clock::{Clock, SystemClock};

/// A ledger that tells of the contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Whose wire format the books are read in.
    pub format: Format,
    /// The tenant whose connection reads them so.
    pub tenant: String,
}

/// What a demo CRM is started with.
#[derive(Clone, Debug)]
pub struct DemoCrmOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where a browser finds the API, without a slash at the end (`http://localhost:8080`). Another
    /// origin than this page's.
    pub api_url: String,
    /// The ledgers to choose from, in the order in which they are offered.
    pub ledgers: Vec<Ledger>,
    /// The one that is shown where none is chosen.
    pub first: Format,
    /// The tenants' HS256 signing secret, as registered with the API.
    pub secret: SecretString,
    /// The key's id, when the API knows it by one.
    pub key_id: Option<String>,
    /// `iss` of the tokens.
    pub issuer: String,
    /// `aud` of the tokens.
    pub audience: String,
    /// How long a token lives; the API accepts five minutes at most.
    pub token_life: Duration,
    /// Where the sandbox accounting server is, without a slash at the end.
    pub sandbox_url: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Default for DemoCrmOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8090)),
            api_url: "http://localhost:8080".to_owned(),
            ledgers: vec![Ledger {
                format: Format::QuickBooks,
                tenant: "demo".to_owned(),
            }],
            first: Format::QuickBooks,
            secret: SecretString::from(""),
            key_id: None,
            issuer: "demo-crm".to_owned(),
            audience: "financial-pulse".to_owned(),
            token_life: Duration::from_mins(5),
            sandbox_url: "http://127.0.0.1:8070".to_owned(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl DemoCrmOptions {
    /// The ledger that a page asks for; without a wish the first. Nothing where it is not offered.
    fn ledger(&self, wanted: Option<Format>) -> Option<&Ledger> {
        let wanted = wanted.unwrap_or(self.first);
        self.ledgers.iter().find(|ledger| ledger.format == wanted)
    }
}

/// What the handlers share.
#[derive(Clone, Debug)]
struct Shared {
    options: Arc<DemoCrmOptions>,
    client: reqwest::Client,
}

/// Starts demo CRMs.
#[derive(Clone, Copy, Debug)]
pub struct DemoCrm;

impl DemoCrm {
    /// Serves the pages until [`RunningDemoCrm::shutdown`], or until that is dropped.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, or the API's address is none.
    pub async fn start(options: DemoCrmOptions) -> io::Result<RunningDemoCrm> {
        let policy = content_security_policy(&options.api_url)?;
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(io::Error::other)?;
        let shared = Shared {
            options: Arc::new(options),
            client,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let router = router(shared, policy);
        let task = tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(async {
                    // An error is a dropped handle: stop as well.
                    let _ = stopped.await;
                })
                .await
        });
        Ok(RunningDemoCrm { addr, stop, task })
    }
}

fn router(shared: Shared, policy: HeaderValue) -> Router {
    Router::new()
        .route("/", get(pages::list))
        .route("/contacts/{contact}", get(pages::contact))
        .route("/contacts/{contact}/payment", post(actions::payment))
        .route("/contacts/{contact}/invoice", post(actions::invoice))
        .route("/token", get(token::fresh))
        .route("/style.css", get(pages::style))
        .route("/host.js", get(pages::script))
        .route("/healthz", get(|| async { "ok" }))
        // A token is good for minutes and for this visitor.
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::CONTENT_SECURITY_POLICY,
            policy,
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .with_state(shared)
}

/// Nothing but this page's own files, and the widget: its script, its frame, and the form that brings
/// the token there.
fn content_security_policy(api_url: &str) -> io::Result<HeaderValue> {
    let origin = pages::origin(api_url)
        .ok_or_else(|| io::Error::other(format!("{api_url} is no address of an API")))?;
    HeaderValue::from_str(&format!(
        "default-src 'none'; style-src 'self'; script-src 'self' {origin}; connect-src 'self'; \
         frame-src {origin}; base-uri 'none'; form-action {origin}; frame-ancestors 'none'"
    ))
    .map_err(io::Error::other)
}

/// A demo CRM that serves.
#[derive(Debug)]
pub struct RunningDemoCrm {
    /// Where it listens.
    pub addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl RunningDemoCrm {
    /// Its base address, without a slash at the end; its origin as a browser sees it.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops at once.
    pub async fn shutdown(self) {
        drop(self.stop);
        self.task.abort();
        let _ = self.task.await;
    }
}

/// The contact of an id.
fn find(contact: &str) -> Option<&'static Situation> {
    situations()
        .iter()
        .find(|situation| situation.contact == contact)
}
