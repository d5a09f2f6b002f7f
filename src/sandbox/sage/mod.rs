//! Sage Accounting's wire format, below `/sage`.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::format::Faults;
use super::state::Shared;
use super::tokens::GrantRules;

/// A code waits a minute to be exchanged.
pub(crate) const RULES: GrantRules = GrantRules {
    code_life: SignedDuration::from_secs(60),
    hard_limit: None,
    prefixes: ["GB/", "eyJhbGciOi.", "eyJhbGciOi.r."],
};

/// The routes, below `/sage`.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
}

/// How this wire format words what goes wrong.
pub(crate) struct Words;

fn fault(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!([{
        "$severity": "error", "$dataCode": code, "$message": message, "$source": "",
    }]);
    (status, axum::Json(body)).into_response()
}

impl Faults for Words {
    fn unauthorized(&self, _now: Timestamp) -> Response {
        fault(
            StatusCode::UNAUTHORIZED,
            "AuthorizationFailure",
            "The access token has expired.",
        )
    }

    fn throttled(&self, retry_after: Option<u64>, _now: Timestamp) -> Response {
        let mut response = fault(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequests",
            "The limit of requests is reached.",
        );
        if let Some(seconds) = retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }

    fn system(&self, _now: Timestamp) -> Response {
        fault(
            StatusCode::INTERNAL_SERVER_ERROR,
            "UnexpectedError",
            "The sandbox was told to fail.",
        )
    }
}
