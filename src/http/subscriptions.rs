//! Subscriptions over a WebSocket with the `graphql-transport-ws` protocol. The token comes with the
//! first message (`connection_init`), never in the address.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

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
use tracing::{debug, info};

use super::bearer::{Bearer, strip_scheme};
use super::graphql::Endpoint;
use super::problem::Problem;
use super::request_id::{HEADER, RequestId};
use crate::graphql::error::{Extend, finish, request_error};
use crate::graphql::limits;
use crate::service::{ErrorCode, ServiceError};

/// How long an open socket may wait with its token.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

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
        .on_upgrade(move |socket| serve(endpoint, id, socket, protocol));
    response.headers_mut().insert(HEADER, header);
    response
}

async fn serve(
    endpoint: Arc<Endpoint>,
    id: RequestId,
    socket: WebSocket,
    protocol: GraphQLProtocol,
) {
    info!(request_id = id.as_str(), "socket opened");
    let signed_in = Arc::new(AtomicBool::new(false));
    let executor = SocketExecutor {
        endpoint: Arc::clone(&endpoint),
        id: id.clone(),
        running: Arc::default(),
    };
    let init = {
        let (endpoint, signed_in) = (Arc::clone(&endpoint), Arc::clone(&signed_in));
        |payload| async move {
            let bearer = sign_in(&endpoint, &payload).await.extend()?;
            signed_in.store(true, Ordering::Relaxed);
            let mut data = Data::default();
            data.insert(Arc::clone(&bearer.caller));
            data.insert(bearer);
            Ok(data)
        }
    };
    let serving = GraphQLWebSocket::new(socket, executor, protocol)
        .on_connection_init(init)
        .keepalive_timeout(KEEP_ALIVE)
        .serve();
    let never_signed_in = async {
        tokio::time::sleep(INIT_TIMEOUT).await;
        if signed_in.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = serving => {}
        () = never_signed_in => debug!(request_id = id.as_str(), "socket without a token"),
    }
    info!(request_id = id.as_str(), "socket closed");
}

/// The bearer of the first message: `{"authorization": "Bearer …"}`.
async fn sign_in(
    endpoint: &Endpoint,
    payload: &serde_json::Value,
) -> Result<Arc<Bearer>, ServiceError> {
    let missing = || ServiceError::Unauthenticated {
        reason: "send {\"authorization\": \"Bearer …\"} with connection_init",
    };
    let token = payload
        .get("authorization")
        .or_else(|| payload.get("Authorization"))
        .and_then(serde_json::Value::as_str)
        .and_then(strip_scheme)
        .ok_or_else(missing)?;
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
        match self.start(request, session) {
            Ok(answers) => answers,
            Err(error) => {
                let answer = self.refused(error);
                stream::once(async { answer }).boxed()
            }
        }
    }
}

impl SocketExecutor {
    fn start(
        &self,
        mut request: Question,
        session: Option<Arc<Data>>,
    ) -> Result<BoxStream<'static, Answer>, ServerError> {
        let session = session.unwrap_or_default();
        let counts = session
            .get(&std::any::TypeId::of::<Arc<Bearer>>())
            .and_then(|bearer| bearer.downcast_ref::<Arc<Bearer>>())
            .is_some_and(|bearer| bearer.counts(self.endpoint.clock.now()));
        if !counts {
            let message = "the session has ended; open a new socket with a fresh token";
            return Err(request_error(ErrorCode::Unauthenticated, message));
        }
        let document = limits::parse(&request.query)?;
        let operation = limits::operation(&document, request.operation_name.as_deref())?;
        if operation.ty != OperationType::Subscription {
            return Err(not_a_subscription());
        }
        let place = Place::take(&self.running)?;
        request.variables = with_plain_numbers(std::mem::take(&mut request.variables));
        request.set_parsed_query(document);
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
            answers: answers.boxed(),
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
