//! HTTP: the GraphQL door, the health routes, and what wraps the routes of others.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
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
pub mod graphql;
pub mod health;
pub mod meters;
pub mod negotiation;
pub mod oauth;
pub mod problem;
pub mod request_id;
mod script;
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
    let layered = probes
        .merge(pages)
        .fallback(not_found)
        // Innermost: a handler that hangs is given up.
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            TIMEOUT,
        ))
        // A body is cut off where it passes the limit, whatever its length said.
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES))
        .merge(webhooks)
        // What no answer may lack, also not one of the layers within.
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ))
        // Outermost: a panic anywhere within is one failed request and no more.
        .layer(CatchPanicLayer::custom(panicked));
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
