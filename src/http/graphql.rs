//! The GraphQL door, by the GraphQL-over-HTTP specification.
//!
//! What crosses every request (its id, the limit on how many run at once, the time limit, the guard
//! against panics, headers, metrics, the log line) is one pass written out in [`handle`] and not a
//! stack of layers: on the way of a kept answer, which takes some ten microseconds in all, each layer
//! of such a stack costs as much as the look-up itself. Every other route has the usual layers
//! ([`super::router`]).

use std::num::NonZeroU32;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_graphql::parser::types::OperationType;
use async_graphql::{Response as Answer, ServerError};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt;
use serde::Serialize;
use tracing::{debug, error, info};

use super::answers::{KeptAnswers, Question};
use super::bearer::{Bearer, Bearers, required_token};
use super::gate;
use super::meters::{Meters, Source};
use super::negotiation::{MediaType, Parameters, bypasses_kept, sends_json};
use super::rates::{Origin, Rates};
use super::request_id::{RequestId, RequestIds};
use super::subscriptions;
use crate::auth::Role;
use crate::clock::Clock;
use crate::graphql::documents::{Document, Documents};
use crate::graphql::error::{code_of, finish, is_request_error, rate_limited, request_error};
use crate::graphql::request::{Dependencies, Recorded};
use crate::graphql::trusted::TrustedDocuments;
use crate::graphql::{Introspection, PulseSchema, limits};
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

/// A request that is refused as a whole.
struct Refusal<'a> {
    code: ErrorCode,
    status: StatusCode,
    message: &'a str,
}

impl<'a> Refusal<'a> {
    fn bad(status: StatusCode, message: &'a str) -> Self {
        Self {
            code: ErrorCode::BadUserInput,
            status,
            message,
        }
    }
}

/// What a request came to.
struct Outcome {
    status: StatusCode,
    media_type: MediaType,
    body: Bytes,
    source: Source,
    /// The code of the first error.
    code: Option<String>,
    operation: Option<(OperationType, Option<String>)>,
    bearer: Option<Arc<Bearer>>,
    allow: Option<HeaderValue>,
    /// After how many seconds to come back, where that is known.
    retry_after: Option<u64>,
}

/// An answer without `data`: what a refused request gets.
#[derive(Serialize)]
struct Errors<'a> {
    errors: &'a [ServerError],
}

impl Endpoint {
    async fn answer(&self, request: Request, id: &RequestId) -> Outcome {
        let (parts, body) = request.into_parts();
        let Some(media_type) = MediaType::accepted(&parts.headers) else {
            let refusal = Refusal::bad(
                StatusCode::NOT_ACCEPTABLE,
                "answers are application/graphql-response+json or application/json",
            );
            return Outcome::refused(&refusal, MediaType::Json, id);
        };
        let asked = match parts.method {
            Method::POST => self.post(&parts, body, media_type, id).await,
            Method::GET => self.get(&parts, media_type, id).await,
            _ => Err(Outcome::not_allowed("GET, POST", media_type, id)),
        };
        asked.unwrap_or_else(|refused| refused)
    }

    async fn post(
        &self,
        parts: &Parts,
        body: Body,
        media_type: MediaType,
        id: &RequestId,
    ) -> Result<Outcome, Outcome> {
        let refuse = |refusal: &Refusal<'_>| Outcome::refused(refusal, media_type, id);
        if !sends_json(&parts.headers) {
            let wanted = "send the request as application/json in UTF-8";
            let refusal = Refusal::bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, wanted);
            return Err(refuse(&refusal));
        }
        let bearer = self.bearer(parts, media_type, id).await?;
        let body = self.read(body).await.map_err(|refusal| refuse(&refusal))?;
        let question = self.answers.question(body);
        if !bypasses_kept(&parts.headers)
            && let Some(body) = self.kept(&bearer, &question)
        {
            return Ok(Outcome {
                status: StatusCode::OK,
                media_type,
                body,
                source: Source::Kept,
                code: None,
                operation: None,
                bearer: Some(bearer),
                allow: None,
                retry_after: None,
            });
        }
        let parameters = Parameters::from_body(question.body())
            .map_err(|message| refuse(&Refusal::bad(StatusCode::BAD_REQUEST, &message)))?;
        let asked = Asked {
            parameters,
            bearer,
            media_type,
            may_change: true,
            question: Some(question),
        };
        Ok(self.execute(asked, id).await)
    }

    async fn get(
        &self,
        parts: &Parts,
        media_type: MediaType,
        id: &RequestId,
    ) -> Result<Outcome, Outcome> {
        let bearer = self.bearer(parts, media_type, id).await?;
        let query = parts.uri.query().unwrap_or_default();
        let parameters = Parameters::from_query_string(query).map_err(|message| {
            let refusal = Refusal::bad(StatusCode::BAD_REQUEST, &message);
            Outcome::refused(&refusal, media_type, id)
        })?;
        let asked = Asked {
            parameters,
            bearer,
            media_type,
            may_change: false,
            question: None,
        };
        Ok(self.execute(asked, id).await)
    }

    /// The bearer of the request's token, whose request is counted with this.
    async fn bearer(
        &self,
        parts: &Parts,
        media_type: MediaType,
        id: &RequestId,
    ) -> Result<Arc<Bearer>, Outcome> {
        let origin = || self.origin(&parts.extensions, &parts.headers);
        let admitted = self.admit(required_token(&parts.headers), origin).await;
        admitted
            .and_then(|bearer| bearer.person.ask(NonZeroU32::MIN).map(|()| bearer))
            .map_err(|error| Outcome::failed(&error, media_type, id))
    }

    /// Reads the body, as far as the limits on size and time allow.
    async fn read(&self, body: Body) -> Result<Bytes, Refusal<'static>> {
        let reading = to_bytes(body, self.settings.max_body_bytes);
        match tokio::time::timeout(self.settings.timeout, reading).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) => Err(Refusal::bad(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too large, or broke off",
            )),
            Err(_) => Err(Refusal::bad(
                StatusCode::REQUEST_TIMEOUT,
                "the body took too long",
            )),
        }
    }

    fn kept(&self, bearer: &Bearer, question: &Question) -> Option<Bytes> {
        let now = self.clock.now();
        let (body, views) = self
            .answers
            .get(&bearer.sight, question, now)
            .or_else(|| self.answers.get(&bearer.own_sight, question, now))?;
        if let Some(views) = views {
            self.views().note(&bearer.caller.viewer, &views, now);
        }
        Some(body)
    }

    async fn execute(&self, asked: Asked, id: &RequestId) -> Outcome {
        let Asked {
            mut parameters,
            bearer,
            media_type,
            may_change,
            question,
        } = asked;
        let trusted = &self.settings.trusted;
        let name = parameters.operation_name.as_deref();
        let given = std::mem::take(&mut parameters.query);
        let prepared = trusted
            .resolve(given, parameters.document_id.as_deref())
            .and_then(|text| {
                let document = self.documents.read(&text)?;
                let kind = limits::operation(&document.executable, name)?.ty;
                self.may_ask_for(&document, bearer.caller.viewer.role)?;
                Ok((document, kind, text))
            });
        let (document, kind, text) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Outcome::errors(vec![error], media_type, id),
        };
        if kind == OperationType::Mutation && !may_change {
            return Outcome::not_allowed("POST", media_type, id);
        }
        if kind == OperationType::Subscription {
            let message =
                "subscriptions go over a WebSocket with the graphql-transport-ws protocol";
            let error = request_error(ErrorCode::BadUserInput, message);
            return Outcome::errors(vec![error], media_type, id);
        }
        // One was counted at the door. Fields that stand side by side are requests in one.
        if let Some(more) = NonZeroU32::new(document.roots.saturating_sub(1))
            && let Err(error) = bearer.person.ask(more)
        {
            return Outcome::failed(&error, media_type, id);
        }
        let operation = Some((kind, parameters.operation_name.clone()));
        let dependencies = Dependencies::default();
        let mut request = parameters
            .into_request(text)
            .data(Arc::clone(&bearer.caller))
            .data(dependencies.clone());
        request.set_parsed_query(document.executable.clone());
        let mut answer = self.run(request).await;
        finish(&mut answer, id.as_str());
        let mut outcome = Outcome::executed(&answer, media_type, id);
        outcome.operation = operation;
        let recorded = dependencies.recorded();
        if !recorded.views.is_empty() {
            let viewer = &bearer.caller.viewer;
            self.views().note(viewer, &recorded.views, self.clock.now());
        }
        if let (true, OperationType::Query, Some(question)) = (answer.is_ok(), kind, question) {
            self.keep(&bearer, recorded, question, &outcome.body);
        }
        outcome.bearer = Some(bearer);
        outcome
    }

    /// Whether a role may ask for the schema, where a document does.
    pub(super) fn may_ask_for(&self, document: &Document, role: Role) -> Result<(), ServerError> {
        if !document.asks_for_schema || self.settings.introspection.is_open_to(role) {
            return Ok(());
        }
        let message = "this server does not tell you its schema; it is in schema.graphql";
        Err(request_error(ErrorCode::Forbidden, message))
    }

    /// Executes within the time limit; a panic is one failed request and no more.
    async fn run(&self, request: async_graphql::Request) -> Answer {
        let running = AssertUnwindSafe(self.schema.0.execute(request)).catch_unwind();
        match tokio::time::timeout(self.settings.timeout, running).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                error!("a resolver panicked");
                let message = "something went wrong on our side";
                Answer::from_errors(vec![request_error(ErrorCode::Internal, message)])
            }
            Err(_) => {
                let message = "the answer took too long";
                Answer::from_errors(vec![request_error(ErrorCode::LedgerUnavailable, message)])
            }
        }
    }

    fn keep(&self, bearer: &Bearer, recorded: Recorded, question: Question, body: &Bytes) {
        if recorded.fleeting || recorded.stamp.is_empty() {
            return;
        }
        let sight = if recorded.personal {
            &bearer.own_sight
        } else {
            &bearer.sight
        };
        let views = (!recorded.views.is_empty()).then(|| recorded.views.into());
        self.answers
            .put(sight, question, body.clone(), views, recorded.stamp);
    }
}

/// A request that was read and whose caller is known.
struct Asked {
    parameters: Parameters,
    bearer: Arc<Bearer>,
    media_type: MediaType,
    /// Whether it may be a mutation.
    may_change: bool,
    /// The body, when the answer may be kept under it.
    question: Option<Question>,
}

impl Outcome {
    fn executed(answer: &Answer, media_type: MediaType, id: &RequestId) -> Self {
        let code = answer.errors.first().and_then(code_of);
        let internal = code == Some(ErrorCode::Internal.as_str());
        let unavailable = code == Some(ErrorCode::LedgerUnavailable.as_str());
        let (status, body) = if is_request_error(answer) {
            let status = if internal {
                StatusCode::INTERNAL_SERVER_ERROR
            } else if unavailable {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                media_type.refusal()
            };
            let errors = Errors {
                errors: &answer.errors,
            };
            (status, written(&errors, id))
        } else {
            (StatusCode::OK, written(answer, id))
        };
        Self {
            status,
            media_type,
            body,
            source: if internal {
                Source::Failed
            } else {
                Source::Executed
            },
            code: code.map(str::to_owned),
            operation: None,
            bearer: None,
            allow: None,
            retry_after: None,
        }
    }

    /// Errors of a document that was not executed.
    fn errors(errors: Vec<ServerError>, media_type: MediaType, id: &RequestId) -> Self {
        let mut answer = Answer::from_errors(errors);
        finish(&mut answer, id.as_str());
        Self {
            source: Source::Refused,
            ..Self::executed(&answer, media_type, id)
        }
    }

    fn refused(refusal: &Refusal<'_>, media_type: MediaType, id: &RequestId) -> Self {
        let error = request_error(refusal.code, refusal.message);
        Self {
            status: refusal.status,
            ..Self::errors(vec![error], media_type, id)
        }
    }

    fn failed(error: &ServiceError, media_type: MediaType, id: &RequestId) -> Self {
        if let ServiceError::Internal(source) | ServiceError::LedgerUnavailable(source) = error {
            error!(
                request_id = id.as_str(),
                error = source.as_ref() as &dyn std::error::Error,
                "a token could not be verified"
            );
        }
        if let ServiceError::RateLimited { retry_after } = error {
            let seconds = gate::seconds(*retry_after);
            return Self {
                status: StatusCode::TOO_MANY_REQUESTS,
                retry_after: Some(seconds),
                ..Self::errors(vec![rate_limited(seconds)], media_type, id)
            };
        }
        let status = StatusCode::from_u16(error.code().http_status());
        let refusal = Refusal {
            code: error.code(),
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            message: &error.to_string(),
        };
        Self::refused(&refusal, media_type, id)
    }

    fn not_allowed(allow: &'static str, media_type: MediaType, id: &RequestId) -> Self {
        let message = format!("this request must be sent by {allow}");
        let refusal = Refusal::bad(StatusCode::METHOD_NOT_ALLOWED, &message);
        Self {
            allow: Some(HeaderValue::from_static(allow)),
            ..Self::refused(&refusal, media_type, id)
        }
    }

    /// One line a request. Kept answers would drown all others, so theirs is for debugging.
    fn log(&self, id: &RequestId, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if self.source == Source::Kept {
            debug!(request_id = id.as_str(), took_us, "kept answer");
            return;
        }
        let (kind, name) = match &self.operation {
            Some((kind, name)) => (limits::operation_word(*kind), name.as_deref()),
            None => ("", None),
        };
        let viewer = self.bearer.as_ref().map(|bearer| &bearer.caller.viewer);
        info!(
            request_id = id.as_str(),
            kind,
            operation = name.and_then(|name| name.get(..64).or(Some(name))),
            status = self.status.as_u16(),
            code = self.code.as_deref(),
            tenant = viewer.map(|viewer| viewer.tenant.as_str()),
            role = viewer.map(|viewer| viewer.role.as_str()),
            took_us,
            "answered"
        );
    }

    fn into_response(self, id: RequestId) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.reserve(6);
        headers.insert(header::CONTENT_TYPE, self.media_type.header());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(super::request_id::HEADER, id.into_header());
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, allow);
        }
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let seconds = HeaderValue::from(self.retry_after.unwrap_or(1));
                headers.insert(header::RETRY_AFTER, seconds);
            }
            _ => {}
        }
        response
    }
}

fn written(answer: &impl Serialize, id: &RequestId) -> Bytes {
    match serde_json::to_vec(answer) {
        Ok(bytes) => bytes.into(),
        Err(error) => {
            error!(request_id = id.as_str(), %error, "an answer could not be written");
            Bytes::from_static(
                br#"{"errors":[{"message":"something went wrong on our side","extensions":{"code":"INTERNAL"}}]}"#,
            )
        }
    }
}
