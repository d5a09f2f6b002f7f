//! HTTP: the GraphQL door, the health routes, and what wraps the routes of others.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

pub mod answers;
pub mod bearer;
mod door;
pub mod embed;
pub mod exchange;
pub mod gate;
pub mod graphql;
pub mod health;
pub mod install;
pub mod meters;
pub mod negotiation;
pub mod oauth;
pub mod problem;
pub mod rates;
pub mod request_id;
mod script;
pub mod server;
mod subscriptions;
pub mod webhooks;
pub mod widget;

use crate::service::ErrorCode;
use graphql::Endpoint;
use health::Health;
use problem::Problem;

/// The largest body that a route takes which has no limit of its own: a form or a token.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// How long a route may take which has no limit of its own.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What an answer carries that says nothing else of itself. Pages bring their own policy and who may
/// frame them; files say for how long they are kept.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    // Whoever opened one of our pages in a window has no hold on it. Within a frame it says nothing.
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    // Not for pages: a CRM that isolates itself may still frame them. See `widget::sealed`.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    // The widget needs nothing of what a browser would have to ask for.
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), \
         fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), \
         payment=(), publickey-credentials-get=(), screen-wake-lock=(), usb=()",
    ),
];

/// The routes of the service.
///
/// `pages` has the routes of others (the widget, `/embed`, `/exchange`, `/oauth`), which bring their
/// own state and get the layers below. `webhooks` limits size and time by itself: what a ledger sends
/// is larger, and it waits for less long.
pub fn router(endpoint: Arc<Endpoint>, health: Health, pages: Router, webhooks: Router) -> Router {
    health::describe();
    let metrics = get(health::metrics).with_state((health.clone(), Arc::clone(&endpoint)));
    let probes = Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .with_state(health)
        .route("/metrics", metrics);
    let counted = from_fn_with_state(Arc::clone(&endpoint), gate::counted);
    let mut layered = probes
        .merge(pages.layer(counted.clone()))
        .fallback(not_found)
        // Innermost: a handler that hangs is given up.
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            TIMEOUT,
        ))
        // A body is cut off where it passes the limit, whatever its length said.
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES))
        .merge(webhooks.layer(counted))
        // A panic anywhere within is one failed request and no more.
        .layer(CatchPanicLayer::custom(panicked));
    // Outermost, what no answer may lack, also not one of the layers within.
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        layered = layered.layer(SetResponseHeaderLayer::if_not_present(name, value));
    }
    if let Some(value) = endpoint.transport_security() {
        let name = header::STRICT_TRANSPORT_SECURITY;
        layered = layered.layer(SetResponseHeaderLayer::if_not_present(name, value));
    }
    // The GraphQL route stands beside the layers: its own pass does all of this and more.
    Router::new()
        .route("/graphql", any(graphql::handle))
        .with_state(endpoint)
        .merge(layered)
}

async fn not_found() -> Problem {
    Problem::new(ErrorCode::NotFound, "there is nothing here")
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new(ErrorCode::Internal, "something went wrong on our side").into_response()
}
