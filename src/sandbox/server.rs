//! The HTTP side: routes, and what stands before the books.

use std::collections::HashMap;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::api::{self, Call};
use super::listener::Cutter;
use super::oauth::Bearer;
use super::state::Shared;
use super::throttle::RequestKind;
use super::trouble::{Mishap, Stage, Trouble};
use super::wire::fault;
use super::{consent, control};

/// The largest body that is read.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// All routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/v3/company/{realm}/{*path}", any(company))
        .merge(consent::routes())
        .nest("/sandbox", control::routes())
        .route("/", get(|| async { Html(super::FRONT_PAGE) }))
        .route("/healthz", get(|| async { "ok" }))
        // Some clients write the path with two slashes.
        .route("/oauth2/v1/tokens/bearer", post(consent::token))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(shared)
}

/// Any request to a company.
#[expect(
    clippy::too_many_arguments,
    reason = "each is an extractor: the whole request, in parts"
)]
async fn company(
    State(shared): State<Shared>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path((realm, path)): Path<(String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call {
        method: &method,
        path: path.split('/').collect(),
        parameters: &parameters,
        body: &body,
    };
    let kind = call.kind();
    let description = describe(&method, &uri, &parameters, &body);
    let bearer = bearer(&headers);
    let mut response = through_trouble(&shared, &cutter, Some(&realm), &description, async || {
        let refusal = admit(&shared, &realm, bearer, &kind, shared.now());
        if let Some(refusal) = refusal {
            return refusal;
        }
        let delay = shared
            .world()
            .companies
            .get(&realm)
            .map_or(Duration::ZERO, |company| company.page_delay);
        if matches!(kind, RequestKind::Query(_)) && !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let now = shared.now();
        let mut world = shared.world();
        match world.companies.get_mut(&realm) {
            Some(company) => {
                let (status, body) = api::answer(company, &call, now);
                let json = HeaderValue::from_static("application/json;charset=utf-8");
                (status, [(header::CONTENT_TYPE, json)], body).into_response()
            }
            None => fault::forbidden(now),
        }
    })
    .await;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&format!("1-{}", uuid::Uuid::new_v4().simple())) {
        headers.insert("intuit_tid", id);
    }
    headers.insert("qbo-version", HeaderValue::from_static("1979.sandbox"));
    response
}

fn bearer(headers: &HeaderMap) -> &str {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default()
}

/// Checks the token, then the limits.
fn admit(
    shared: &Shared,
    realm: &str,
    bearer: &str,
    kind: &RequestKind,
    now: Timestamp,
) -> Option<Response> {
    let mut world = shared.world();
    match world.tokens.check(bearer, realm, now) {
        Bearer::Good => {}
        Bearer::Bad => {
            world.throttle.count(realm, "unauthorized");
            return Some(fault::unauthorized(bearer, now));
        }
        Bearer::OtherCompany => {
            world.throttle.count(realm, "forbidden");
            return Some(fault::forbidden(now));
        }
    }
    if world.throttle.admit(realm, kind, now) {
        None
    } else {
        Some(fault::throttled(None, now))
    }
}

/// A call in words, for the orders of trouble to match.
fn describe(
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
    realm: Option<&str>,
    call: &str,
    work: impl AsyncFnOnce() -> Response,
) -> Response {
    let met = shared.world().troubles.meet(realm, call);
    delay(&met, Stage::Before).await;
    let spoiler = met.iter().find(|trouble| trouble.kind != Mishap::Latency);
    if spoiler.is_some() {
        shared
            .world()
            .throttle
            .count(realm.unwrap_or("oauth"), "spoiled");
    }
    let response = match spoiler {
        // Something must be there to be cut in the middle.
        Some(trouble) if trouble.stage == Stage::Before && trouble.kind != Mishap::Truncate => None,
        _ => Some(work().await),
    };
    delay(&met, Stage::After).await;
    match (spoiler, response) {
        (Some(trouble), response) => spoil(trouble, response, cutter, shared.now()).await,
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
    response: Option<Response>,
    cutter: &Cutter,
    now: Timestamp,
) -> Response {
    match trouble.kind {
        Mishap::Latency => response.unwrap_or_default(),
        Mishap::Unauthorized => fault::unauthorized("spoiled", now),
        Mishap::Throttled => fault::throttled(trouble.retry_after, now),
        Mishap::ServerError => fault::system(now),
        Mishap::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            Html("<html><body><h1>Service Unavailable</h1></body></html>"),
        )
            .into_response(),
        Mishap::Disconnect => {
            cutter.cut();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Mishap::Truncate => truncated(response.unwrap_or_default()).await,
        Mishap::Malformed => (
            [(header::CONTENT_TYPE, "application/json;charset=utf-8")],
            "{\"QueryResponse\":{\"Customer\":[{\"Id\":",
        )
            .into_response(),
        Mishap::FaultInside => {
            let mut response = fault::system(now);
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
