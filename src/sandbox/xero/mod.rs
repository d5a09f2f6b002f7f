//! Xero's wire format, below `/xero`.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::format::Faults;
use super::state::Shared;
use super::tokens::GrantRules;

/// Every scope that reading takes.
pub(crate) const FULL_SCOPE: &str = "offline_access accounting.contacts.read \
     accounting.invoices.read accounting.payments.read accounting.settings.read";

/// How long a code may wait is not known; five minutes is usual.
pub(crate) const RULES: GrantRules = GrantRules {
    code_life: SignedDuration::from_mins(5),
    hard_limit: None,
    prefixes: ["", "eyJhbGciOi.", ""],
};

/// The routes, below `/xero`.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
}

/// How this wire format words what goes wrong.
pub(crate) struct Words;

impl Faults for Words {
    fn unauthorized(&self, now: Timestamp) -> Response {
        let expired = now.strftime("%m/%d/%Y %H:%M:%S");
        let body = json!({
            "Type": null,
            "Title": "Unauthorized",
            "Status": 401,
            "Detail": format!("TokenExpired: token expired at {expired}"),
            "Instance": uuid::Uuid::new_v4().to_string(),
            "Extensions": {},
        });
        (StatusCode::UNAUTHORIZED, axum::Json(body)).into_response()
    }

    fn throttled(&self, retry_after: Option<u64>, _now: Timestamp) -> Response {
        let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
        let headers = response.headers_mut();
        headers.insert("x-rate-limit-problem", HeaderValue::from_static("minute"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }

    fn system(&self, _now: Timestamp) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
