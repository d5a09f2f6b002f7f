//! Whether the service lives, is ready, and what it counts.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use metrics::{describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusHandle;
use tracing::warn;

use super::graphql::Endpoint;
use super::problem::Problem;
use crate::cache::Snapshots;
use crate::service::ErrorCode;
use crate::store::Store;

/// What the health routes look at.
#[derive(Clone)]
pub struct Health {
    /// The database, which must answer and be up to date for the service to be ready.
    pub store: Store,
    /// The cache, for its size.
    pub snapshots: Arc<Snapshots>,
    /// The recorder; without it there are no metrics.
    pub metrics: Option<PrometheusHandle>,
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Health")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// The process runs and its event loop turns.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// Requests can be answered: the database is there and its tables are those of this version.
pub(super) async fn ready(State(health): State<Health>) -> Response {
    let ready = async {
        health.store.ping().await?;
        health.store.pending_migrations().await
    };
    match ready.await {
        Ok(pending) if pending.is_empty() => "ready\n".into_response(),
        Ok(_) => Problem::new(
            ErrorCode::LedgerUnavailable,
            "the database is not up to date; run `financial-pulse migrate`",
        )
        .into_response(),
        Err(error) => {
            warn!(%error, "not ready");
            Problem::new(ErrorCode::LedgerUnavailable, "the database does not answer")
                .into_response()
        }
    }
}

/// Everything counted, in the text format of Prometheus.
pub(super) async fn metrics(State((health, endpoint)): State<(Health, Arc<Endpoint>)>) -> Response {
    let Some(handle) = &health.metrics else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (customers, customer_bytes) = health.snapshots.size().await;
    let (answers, answer_bytes) = endpoint.answers().size();
    for (kept, entries, bytes) in [
        ("customers", customers, customer_bytes),
        ("answers", answers, answer_bytes),
    ] {
        set("cache_entries", kept, entries);
        set("cache_bytes", kept, bytes);
    }
    let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, format)], handle.render()).into_response()
}

fn set(name: &'static str, kept: &'static str, value: u64) {
    // Counts and bytes of a cache lie far below what a float holds exactly.
    let value = u32::try_from(value).map_or(f64::from(u32::MAX), f64::from);
    gauge!(name, "kept" => kept).set(value);
}

/// Says what the gauges mean.
pub(super) fn describe() {
    describe_gauge!(
        "cache_entries",
        "How many things are kept in memory, by kind"
    );
    describe_gauge!("cache_bytes", metrics::Unit::Bytes, "Their weight, by kind");
}
