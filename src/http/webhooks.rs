//! `POST /webhooks/{provider}`: where accounting systems say by themselves that something changed.
//!
//! Answers have no body and set no cookie, which one of the senders insists on: 200 once the events
//! are stored, 401 where the signature is wrong. Nothing of a body is looked at before that, and
//! none is read that is too large or too slow.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use metrics::counter;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, error, warn};

use super::problem::Problem;
use crate::domain::connection::ProviderKind;
use crate::service::ErrorCode;
use crate::service::inbox::{Door, Inbox, Refusal};

/// The largest delivery. What a ledger could not deliver for a day may come in one piece: at some
/// 400 bytes an event, 10,000 of them.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// How many bodies are held at once, so that many senders cannot fill the memory.
const AT_ONCE: usize = 16;

/// The length of a signature in Base64, with room: what is longer is none.
const MAX_SIGNATURE_BYTES: usize = 100;

const DELIVERIES: &str = "webhook_deliveries_total";

struct Receiver {
    inbox: Inbox,
    slots: Semaphore,
}

/// The route.
pub fn routes(inbox: Inbox) -> Router {
    metrics::describe_counter!(DELIVERIES, "Webhook requests, by what became of them");
    Router::new()
        .route("/webhooks/{provider}", post(deliver))
        .with_state(Arc::new(Receiver {
            inbox,
            slots: Semaphore::new(AT_ONCE),
        }))
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Accepted,
    NotSigned,
    NotConfigured,
    /// Or it broke off, which only its sender can tell apart.
    TooLarge,
    TooSlow,
    NotStored,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotSigned => "not_signed",
            Self::NotConfigured => "not_configured",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::NotStored => "not_stored",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Accepted => StatusCode::OK,
            Self::NotSigned => StatusCode::UNAUTHORIZED,
            // Both ask the sender to try again, when the operator has helped.
            Self::NotConfigured | Self::NotStored => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

async fn deliver(
    State(receiver): State<Arc<Receiver>>,
    provider: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let kind = provider
        .ok()
        .and_then(|Path(word)| ProviderKind::parse(&word));
    let Some(kind) = kind else {
        return nothing_here();
    };
    let outcome = match receiver.inbox.door(kind) {
        Ok(door) => receiver.take(&door, &headers, body).await,
        Err(Refusal::NotConfigured) => {
            warn!(provider = %kind, "a webhook came, but `webhook_key` is not set in [{kind}]");
            Outcome::NotConfigured
        }
        Err(_) => return nothing_here(),
    };
    counter!(DELIVERIES, "provider" => kind.as_str(), "outcome" => outcome.as_str()).increment(1);
    debug!(provider = %kind, outcome = outcome.as_str(), "webhook answered");
    outcome.status().into_response()
}

fn nothing_here() -> Response {
    Problem::new(ErrorCode::NotFound, "there is nothing here").into_response()
}

impl Receiver {
    async fn take(&self, door: &Door, headers: &HeaderMap, body: Body) -> Outcome {
        let Some(signature) = signature(headers, door.signature_header) else {
            return Outcome::NotSigned;
        };
        let until = Instant::now() + door.answer_within;
        let Ok(slot) = timeout_at(until, self.slots.acquire()).await else {
            return Outcome::NotStored;
        };
        let body = match read(body, until).await {
            Ok(body) => body,
            Err(outcome) => return outcome,
        };
        let receiving = self.inbox.receive(door, signature, &body);
        let received = timeout_at(until, receiving).await;
        drop(slot);
        match received {
            Ok(Ok(_)) => Outcome::Accepted,
            Ok(Err(Refusal::NotSigned)) => Outcome::NotSigned,
            Ok(Err(error)) => {
                error!(%error, source = ?std::error::Error::source(&error), "webhook not stored");
                Outcome::NotStored
            }
            Err(_) => {
                error!("webhook not stored in time");
                Outcome::NotStored
            }
        }
    }
}

/// The one signature of a request, where it can be one.
fn signature<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    (values.next().is_none() && first.len() <= MAX_SIGNATURE_BYTES).then_some(first)
}

/// Reads the body as far as it is small and soon enough.
async fn read(body: Body, until: Instant) -> Result<Bytes, Outcome> {
    // One that says its length need not be waited for.
    if usize::try_from(body.size_hint().lower()).is_ok_and(|least| least > MAX_BODY_BYTES) {
        return Err(Outcome::TooLarge);
    }
    match timeout_at(until, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(read) => read.map_err(|_| Outcome::TooLarge),
        Err(_) => Err(Outcome::TooSlow),
    }
}
