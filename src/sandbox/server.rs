//! The HTTP side: routes, and what stands before the books.

use std::collections::HashMap;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::format::{Faults, Format};
use super::listener::Cutter;
use super::state::Shared;
use super::trouble::{Mishap, Stage, Trouble};
use super::{control, quickbooks, sage, xero};

/// The largest body that is read.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// All routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .merge(quickbooks::routes())
        .nest("/xero", xero::routes())
        .nest("/sage", sage::routes())
        .nest("/sandbox", control::routes())
        .route("/", get(|| async { Html(super::FRONT_PAGE) }))
        .route("/healthz", get(|| async { "ok" }))
        .layer(from_fn_with_state(shared.clone(), tell))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(shared)
}

/// Tells of what a request has changed.
async fn tell(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let reads = request.method() == Method::GET;
    let response = next.run(request).await;
    if !reads {
        shared.publish();
    }
    response
}

/// Where a request goes: for the orders of trouble, and for counting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    format: Format,
    realm: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// To a company.
    pub(crate) fn company(format: Format, realm: &'a str) -> Self {
        Self {
            format,
            realm: Some(realm),
        }
    }

    /// To the authorization server.
    pub(crate) fn oauth(format: Format) -> Self {
        Self {
            format,
            realm: None,
        }
    }
}

/// A request to a company that is under way, counted until it is dropped.
struct UnderWay<'a> {
    shared: &'a Shared,
    format: Format,
    realm: &'a str,
}

impl<'a> UnderWay<'a> {
    fn begin(shared: &'a Shared, format: Format, realm: &'a str) -> Self {
        let now = shared.now();
        shared.world().throttle[format].arrive(realm, now);
        Self {
            shared,
            format,
            realm,
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.shared.world().throttle[self.format].leave(self.realm);
    }
}

/// A call in words, for the orders of trouble to match.
pub(crate) fn describe(
    method: &Method,
    uri: &Uri,
    parameters: &HashMap<String, String>,
    body: &Bytes,
) -> String {
    let mut parameters: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    parameters.sort();
    format!(
        "{method} {}?{}\n{}",
        uri.path(),
        parameters.join("&"),
        String::from_utf8_lossy(body)
    )
}

/// Lets `work` answer, unless there is an order that something go wrong.
pub(crate) async fn through_trouble(
    shared: &Shared,
    cutter: &Cutter,
    Place { format, realm }: Place<'_>,
    call: &str,
    work: impl AsyncFnOnce() -> Response,
) -> Response {
    let _under_way = realm.map(|realm| UnderWay::begin(shared, format, realm));
    let met = shared.world().troubles.meet(format, realm, call);
    delay(&met, Stage::Before).await;
    let spoiler = met.iter().find(|trouble| trouble.kind != Mishap::Latency);
    if spoiler.is_some() {
        shared.world().throttle[format].count(realm.unwrap_or("oauth"), "spoiled");
    }
    let response = match spoiler {
        // Something must be there to be cut in the middle.
        Some(trouble) if trouble.stage == Stage::Before && trouble.kind != Mishap::Truncate => None,
        _ => Some(work().await),
    };
    delay(&met, Stage::After).await;
    match (spoiler, response) {
        (Some(trouble), response) => {
            spoil(trouble, format.faults(), response, cutter, shared.now()).await
        }
        (None, Some(response)) => response,
        (None, None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn delay(met: &[Trouble], stage: Stage) {
    let milliseconds: u64 = met
        .iter()
        .filter(|trouble| trouble.kind == Mishap::Latency && trouble.stage == stage)
        .map(|trouble| trouble.milliseconds)
        .sum();
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

async fn spoil(
    trouble: &Trouble,
    faults: &dyn Faults,
    response: Option<Response>,
    cutter: &Cutter,
    now: Timestamp,
) -> Response {
    match trouble.kind {
        Mishap::Latency => response.unwrap_or_default(),
        Mishap::Unauthorized => faults.unauthorized(now),
        Mishap::Throttled => faults.throttled(trouble.retry_after, now),
        Mishap::ServerError => faults.system(now),
        Mishap::Unavailable => faults.unavailable(),
        Mishap::Disconnect => {
            cutter.cut();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Mishap::Truncate => truncated(response.unwrap_or_default()).await,
        Mishap::Malformed => faults.malformed(),
        Mishap::FaultInside => {
            let mut response = faults.system(now);
            *response.status_mut() = StatusCode::OK;
            response
        }
    }
}

/// The first half of an answer, and then a broken connection.
async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let half = body.slice(..body.len() / 2);
    parts.headers.remove(header::CONTENT_LENGTH);
    // While the stream waits, the first half is sent; without the wait both would be lost.
    let broken = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    };
    let stream = stream::once(async { Ok(half) }).chain(stream::once(broken));
    Response::from_parts(parts, Body::from_stream(stream))
}
