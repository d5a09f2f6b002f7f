//! Subscriptions over a WebSocket with the `graphql-transport-ws` protocol. The token comes with the
//! first message (`connection_init`), never in the address.

use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_graphql::futures_util::stream::BoxStream;
use async_graphql::parser::types::OperationType;
use async_graphql::{
    Data, Executor, Request as Question, Response as Answer, ServerError, Value, Variables,
};
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::extract::ws::WebSocket;
use axum::extract::{FromRequestParts, Request, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use secrecy::{ExposeSecret, SecretString};
use tracing::{debug, info};

use super::bearer::{Bearer, strip_scheme};
use super::gate;
use super::graphql::Endpoint;
use super::problem::Problem;
use super::rates::Origin;
use super::request_id::{HEADER, RequestId};
use super::server::Peer;
use crate::graphql::error::{Extend, finish, rate_limited, request_error};
use crate::graphql::limits;
use crate::service::{ErrorCode, ServiceError};

/// How often a silent client is pinged, and how long its answer may take.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How many subscriptions one socket may have at once. A page follows one contact.
const MAX_PER_SOCKET: usize = 8;

/// The protocol that is spoken.
const PROTOCOL: &str = "graphql-transport-ws";

/// Whether a request asks to become a WebSocket.
pub(super) fn asks_for_socket(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Opens a socket.
pub(super) async fn open(endpoint: Arc<Endpoint>, id: RequestId, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let origin = endpoint.origin(&parts.extensions, &parts.headers);
    if let Err(error) = endpoint.rates().address(origin).ask() {
        return gate::refused(&error);
    }
    // Holds the connection's place for as long as the socket is open.
    let peer = parts.extensions.get::<Peer>().cloned();
    let refuse = |what: &str| {
        Problem::new(ErrorCode::BadUserInput, what)
            .with_request_id(id.as_str())
            .into_response()
    };
    let Ok(protocol) = GraphQLProtocol::from_request_parts(&mut parts, &()).await else {
        return refuse("subscriptions speak the protocol graphql-transport-ws");
    };
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let max_bytes = endpoint.settings.max_body_bytes;
    let header = id.clone().into_header();
    let mut response = upgrade
        .protocols([PROTOCOL])
        .max_message_size(max_bytes)
        .max_frame_size(max_bytes)
        .on_upgrade(move |socket| async move {
            serve(endpoint, id, socket, protocol, origin).await;
            drop(peer);
        });
    response.headers_mut().insert(HEADER, header);
    response
}

async fn serve(
    endpoint: Arc<Endpoint>,
    id: RequestId,
    socket: WebSocket,
    protocol: GraphQLProtocol,
    origin: Origin,
) {
    info!(request_id = id.as_str(), "socket opened");
    let signed_in = Arc::new(AtomicBool::new(false));
    let executor = SocketExecutor {
        endpoint: Arc::clone(&endpoint),
        id: id.clone(),
        running: Arc::default(),
    };
    let running = Arc::clone(&executor.running);
    let init = {
        let (endpoint, signed_in) = (Arc::clone(&endpoint), Arc::clone(&signed_in));
        move |payload| async move {
            let (token, bearer) = sign_in(&endpoint, &payload, origin).await.extend()?;
            let place = bearer.person.open_socket().extend()?;
            signed_in.store(true, Ordering::Relaxed);
            let mut data = Data::default();
            data.insert(place);
            data.insert(Token(token));
            Ok(data)
        }
    };
    let serving = GraphQLWebSocket::new(socket, executor, protocol)
        .on_connection_init(init)
        .keepalive_timeout(KEEP_ALIVE)
        .serve();
    let settings = &endpoint.settings;
    let never_signed_in = async {
        tokio::time::sleep(settings.socket_init).await;
        if signed_in.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = serving => {}
        () = never_signed_in => debug!(request_id = id.as_str(), "socket without a token"),
        () = follows_nothing(&running, settings.socket_idle) => {
            debug!(request_id = id.as_str(), "socket without a subscription");
        }
    }
    info!(request_id = id.as_str(), "socket closed");
}

/// Ends when nothing was running for so long. A page closes its socket with its last subscription.
async fn follows_nothing(running: &AtomicUsize, idle: Duration) {
    let mut since = Instant::now();
    while since.elapsed() < idle {
        tokio::time::sleep((idle / 4).max(Duration::from_millis(10))).await;
        if running.load(Ordering::Relaxed) > 0 {
            since = Instant::now();
        }
    }
}

/// The token that a socket was opened with. Who it proves is asked anew for each subscription, since
/// the keys and roles of its tenant may have changed.
struct Token(SecretString);

/// The token of the first message, `{"authorization": "Bearer …"}`, and its bearer.
async fn sign_in(
    endpoint: &Endpoint,
    payload: &serde_json::Value,
    origin: Origin,
) -> Result<(SecretString, Arc<Bearer>), ServiceError> {
    let missing = || ServiceError::Unauthenticated {
        reason: "send {\"authorization\": \"Bearer …\"} with connection_init",
    };
    let token = payload
        .get("authorization")
        .or_else(|| payload.get("Authorization"))
        .and_then(serde_json::Value::as_str)
        .and_then(strip_scheme);
    let bearer = endpoint.admit(token.ok_or_else(missing), || origin).await?;
    Ok((SecretString::from(token.unwrap_or_default()), bearer))
}

async fn bearer(endpoint: &Endpoint, token: &str) -> Result<Arc<Bearer>, ServiceError> {
    match endpoint.bearers.known(token, endpoint.clock.now()) {
        Some(known) => Ok(known),
        None => endpoint.bearers.verify(token).await,
    }
}

/// Executes what comes over one socket: subscriptions only, under the same limits as requests.
#[derive(Clone)]
struct SocketExecutor {
    endpoint: Arc<Endpoint>,
    id: RequestId,
    running: Arc<AtomicUsize>,
}

impl Executor for SocketExecutor {
    async fn execute(&self, _: Question) -> Answer {
        self.refused(not_a_subscription())
    }

    fn execute_stream(
        &self,
        request: Question,
        session: Option<Arc<Data>>,
    ) -> BoxStream<'static, Answer> {
        let socket = self.clone();
        stream::once(async move {
            match socket.start(request, session).await {
                Ok(answers) => answers,
                Err(error) => {
                    let answer = socket.refused(error);
                    stream::once(async { answer }).boxed()
                }
            }
        })
        .flatten()
        .boxed()
    }
}

impl SocketExecutor {
    async fn start(
        &self,
        mut request: Question,
        session: Option<Arc<Data>>,
    ) -> Result<BoxStream<'static, Answer>, ServerError> {
        let session = session.unwrap_or_default();
        let token = session
            .get(&std::any::TypeId::of::<Token>())
            .and_then(|token| token.downcast_ref::<Token>())
            .map(|token| token.0.clone())
            .ok_or_else(has_ended)?;
        let bearer = bearer(&self.endpoint, token.expose_secret())
            .await
            .map_err(|error| match error {
                ServiceError::Unauthenticated { .. } => has_ended(),
                other => request_error(other.code(), other.to_string()),
            })?;
        let asked = |count| match bearer.person.ask(count) {
            Err(ServiceError::RateLimited { retry_after }) => {
                Err(rate_limited(gate::seconds(retry_after)))
            }
            _ => Ok(()),
        };
        asked(NonZeroU32::MIN)?;
        let id = request.extensions.get("persistedQuery").and_then(hash_of);
        let given = std::mem::take(&mut request.query);
        let given = (!given.is_empty()).then_some(given);
        let settings = &self.endpoint.settings;
        request.query = settings.trusted.resolve(given, id.as_deref())?;
        let document = self.endpoint.documents.read(&request.query)?;
        let name = request.operation_name.as_deref();
        let operation = limits::operation(&document.executable, name)?;
        if operation.ty != OperationType::Subscription {
            return Err(not_a_subscription());
        }
        let role = bearer.caller.viewer.role;
        self.endpoint.may_ask_for(&document, role)?;
        let place = Place::take(&self.running)?;
        request.variables = with_plain_numbers(std::mem::take(&mut request.variables));
        request.set_parsed_query(document.executable.clone());
        let request = request.data(Arc::clone(&bearer.caller));
        let id = self.id.clone();
        let answers = self
            .endpoint
            .schema
            .0
            .execute_stream_with_session_data(request, session)
            .map(move |mut answer| {
                finish(&mut answer, id.as_str());
                answer
            });
        Ok(Held {
            answers: while_taken(Arc::clone(&self.endpoint), token, bearer, answers.boxed()),
            _place: place,
        }
        .boxed())
    }

    fn refused(&self, error: ServerError) -> Answer {
        let mut answer = Answer::from_errors(vec![error]);
        finish(&mut answer, self.id.as_str());
        answer
    }
}

/// The hash of `{"version": 1, "sha256Hash": "…"}`.
fn hash_of(persisted: &Value) -> Option<String> {
    match persisted {
        Value::Object(fields) => match fields.get("sha256Hash")? {
            Value::String(hash) => Some(hash.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Answers for as long as the token is taken for whom it was taken at first: the key that vouches for
/// it may be retired.
fn while_taken(
    endpoint: Arc<Endpoint>,
    token: SecretString,
    bearer: Arc<Bearer>,
    answers: BoxStream<'static, Answer>,
) -> BoxStream<'static, Answer> {
    let gone = {
        let (endpoint, token, bearer) = (Arc::clone(&endpoint), token.clone(), bearer.clone());
        async move {
            let viewer = Arc::clone(&bearer.caller.viewer);
            let mut known = bearer;
            loop {
                known.moved().await;
                match self::bearer(&endpoint, token.expose_secret()).await {
                    Ok(now) if now.caller.viewer.is_still(&viewer) => known = now,
                    _ => return,
                }
            }
        }
    };
    answers
        .then(move |answer| {
            let (endpoint, token, bearer) = (Arc::clone(&endpoint), token.clone(), bearer.clone());
            async move {
                let viewer = &bearer.caller.viewer;
                let holds = endpoint.bearers.still(token.expose_secret(), viewer).await;
                holds.then_some(answer)
            }
        })
        .take_while(|answer| std::future::ready(answer.is_some()))
        .filter_map(std::future::ready)
        .take_until(gone)
        .boxed()
}

fn has_ended() -> ServerError {
    let message = "the session has ended; open a new socket with a fresh token";
    request_error(ErrorCode::Unauthenticated, message)
}

fn not_a_subscription() -> ServerError {
    let message = "this socket is for subscriptions; send queries and mutations by POST";
    request_error(ErrorCode::BadUserInput, message)
}

/// One of a socket's places for subscriptions.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(running: &Arc<AtomicUsize>) -> Result<Self, ServerError> {
        let place = Self(Arc::clone(running));
        if running.fetch_add(1, Ordering::Relaxed) < MAX_PER_SOCKET {
            Ok(place)
        } else {
            let message = "too many subscriptions on one socket";
            Err(request_error(ErrorCode::RateLimited, message))
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers that hold a place while they last.
struct Held {
    answers: BoxStream<'static, Answer>,
    _place: Place,
}

impl Stream for Held {
    type Item = Answer;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        self.answers.poll_next_unpin(context)
    }
}

/// The engine reads a message's variables by way of serde, where a number that keeps its digits
/// stands as an object with one private field. Makes numbers of those again.
fn with_plain_numbers(variables: Variables) -> Variables {
    fn plain(value: Value) -> Value {
        match value {
            Value::List(items) => Value::List(items.into_iter().map(plain).collect()),
            Value::Object(fields) => {
                if let (1, Some(Value::String(digits))) =
                    (fields.len(), fields.get("$serde_json::private::Number"))
                    && let Ok(number) = serde_json::from_str(digits)
                {
                    return Value::Number(number);
                }
                let fields = fields.into_iter();
                Value::Object(fields.map(|(name, value)| (name, plain(value))).collect())
            }
            other => other,
        }
    }
    Variables::from_value(plain(variables.into()))
}
