//! The GraphQL door, by the GraphQL-over-HTTP specification.
//!
//! What crosses every request (its id, the limit on how many run at once, the time limit, the guard
//! against panics, headers, metrics, the log line) is one pass written out in [`handle`] and not a
//! stack of layers: on the way of a kept answer, which takes some ten microseconds in all, each layer
//! of such a stack costs as much as the look-up itself. Every other route has the usual layers
//! ([`super::router`]).

mod execution;
mod outcome;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use self::outcome::{Outcome, Refusal};
use super::answers::KeptAnswers;
use super::bearer::{Bearer, Bearers};
use super::gate;
use super::meters::Meters;
use super::negotiation::MediaType;
use super::rates::{Origin, Rates};
use super::request_id::RequestIds;
use super::subscriptions;
use crate::clock::Clock;
use crate::graphql::documents::Documents;
use crate::graphql::trusted::TrustedDocuments;
use crate::graphql::{Introspection, PulseSchema};
use crate::service::views::Views;
use crate::service::{ErrorCode, ServiceError};

/// How many requests may run at once. More would only wait for each other.
const MAX_IN_FLIGHT: usize = 2_048;

/// What the door allows.
#[derive(Clone, Debug)]
pub struct EndpointSettings {
    /// The largest accepted body, in bytes.
    pub max_body_bytes: usize,
    /// How long one request may take.
    pub timeout: Duration,
    /// Memory for kept answers, in bytes.
    pub answer_bytes: u64,
    /// How deep a document may nest.
    pub max_depth: usize,
    /// Who may ask for the schema.
    pub introspection: Introspection,
    /// Which documents are executed.
    pub trusted: TrustedDocuments,
    /// How many proxies stand in front, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: usize,
    /// For how long browsers shall come by https only; nothing is said where that is not how they
    /// come.
    pub transport_security: Option<Duration>,
    /// How long an open socket may wait with its token.
    pub socket_init: Duration,
    /// How long a socket may follow nothing.
    pub socket_idle: Duration,
}

impl Default for EndpointSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 64 * 1024,
            timeout: Duration::from_secs(10),
            answer_bytes: 8 * 1024 * 1024,
            max_depth: 12,
            introspection: Introspection::Off,
            trusted: TrustedDocuments::default(),
            trusted_proxies: 0,
            transport_security: None,
            socket_init: Duration::from_secs(10),
            socket_idle: Duration::from_mins(1),
        }
    }
}

/// Everything behind the GraphQL route.
#[derive(Debug)]
pub struct Endpoint {
    pub(super) schema: SchemaHandle,
    pub(super) bearers: Bearers,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: EndpointSettings,
    answers: KeptAnswers,
    pub(super) documents: Documents,
    transport_security: Option<HeaderValue>,
    in_flight: AtomicUsize,
    ids: RequestIds,
    meters: Meters,
}

/// The schema, which has no `Debug` of its own.
pub(super) struct SchemaHandle(pub(super) PulseSchema);

impl std::fmt::Debug for SchemaHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Schema")
    }
}

impl Endpoint {
    /// A door to a schema. Metrics go to the recorder that is installed at this moment.
    pub fn new(
        schema: PulseSchema,
        bearers: Bearers,
        clock: Arc<dyn Clock>,
        settings: EndpointSettings,
    ) -> Self {
        let transport_security = settings
            .transport_security
            .and_then(|age| HeaderValue::from_str(&format!("max-age={}", age.as_secs())).ok());
        Self {
            schema: SchemaHandle(schema),
            bearers,
            clock,
            answers: KeptAnswers::new(settings.answer_bytes),
            documents: Documents::new(settings.max_depth),
            settings,
            transport_security,
            in_flight: AtomicUsize::new(0),
            ids: RequestIds::default(),
            meters: Meters::new(),
        }
    }

    /// The record of who saw what.
    pub fn views(&self) -> &Arc<Views> {
        self.bearers.views()
    }

    /// The kept answers.
    pub fn answers(&self) -> &KeptAnswers {
        &self.answers
    }

    /// How often anyone may ask.
    pub fn rates(&self) -> &Rates {
        self.bearers.rates()
    }

    /// What `Strict-Transport-Security` says, where it says anything.
    pub(super) fn transport_security(&self) -> Option<HeaderValue> {
        self.transport_security.clone()
    }

    /// Where a request comes from.
    pub(super) fn origin(&self, extensions: &Extensions, headers: &HeaderMap) -> Origin {
        gate::origin(extensions, headers, self.settings.trusted_proxies)
    }

    /// The bearer of a token. A token that did not verify before is looked at only as long as not
    /// too many came from there that were none.
    pub(super) async fn admit(
        &self,
        token: Result<&str, ServiceError>,
        origin: impl FnOnce() -> Origin,
    ) -> Result<Arc<Bearer>, ServiceError> {
        if let Ok(token) = &token
            && let Some(known) = self.bearers.known(token, self.clock.now())
        {
            return Ok(known);
        }
        let address = self.rates().address(origin());
        address.may_show_a_token()?;
        let verified = match token {
            Ok(token) => self.bearers.verify(token).await,
            Err(error) => Err(error),
        };
        if let Err(ServiceError::Unauthenticated { .. }) = verified {
            address.failed();
        }
        verified
    }
}

/// Answers a request, from its first byte to its log line.
pub async fn handle(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let started = Instant::now();
    let id = endpoint.ids.of(request.headers());
    if subscriptions::asks_for_socket(request.headers()) {
        return subscriptions::open(endpoint, id, request).await;
    }
    let outcome = match Slot::take(&endpoint.in_flight) {
        Some(_slot) => endpoint.answer(request, &id).await,
        None => Outcome::refused(
            &Refusal {
                code: ErrorCode::RateLimited,
                status: StatusCode::TOO_MANY_REQUESTS,
                message: "too many requests at once",
            },
            MediaType::Json,
            &id,
        ),
    };
    let took = started.elapsed();
    endpoint.meters.answered(outcome.source, took);
    outcome.log(&id, took);
    let mut response = outcome.into_response(id);
    if let Some(value) = endpoint.transport_security() {
        let name = header::STRICT_TRANSPORT_SECURITY;
        response.headers_mut().insert(name, value);
    }
    response
}

/// One of the places for requests that run at once.
struct Slot<'a>(&'a AtomicUsize);

impl<'a> Slot<'a> {
    fn take(in_flight: &'a AtomicUsize) -> Option<Self> {
        let slot = Self(in_flight);
        (in_flight.fetch_add(1, Ordering::Relaxed) < MAX_IN_FLIGHT).then_some(slot)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
