//! What goes wrong, as the API words it: an array of faults.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// One fault. Where the texts are not recorded they are the sandbox's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    status: StatusCode,
    code: &'static str,
    message: String,
    source: &'static str,
    /// After how many seconds to come back.
    retry_after: Option<u64>,
}

impl Fault {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            source: "",
            retry_after: None,
        }
    }

    /// The access token has expired, or never was one.
    pub(super) fn unauthorized() -> Self {
        let message = "The access token has expired.";
        Self::new(StatusCode::UNAUTHORIZED, "AuthorizationFailure", message)
    }

    /// The subscription has ended, which no refresh cures. Recorded.
    pub(super) fn no_subscription() -> Self {
        let message = "No active subscription. (MSE)";
        Self::new(StatusCode::UNAUTHORIZED, "AuthorizationFailure", message)
    }

    /// The user lacks the right. Recorded.
    pub(super) fn denied() -> Self {
        let message = "The current user is not allowed to access that resource with that method.";
        Self::new(StatusCode::FORBIDDEN, "MultiUserAccessDenied", message)
    }

    /// There is no such record, path or business.
    pub(super) fn not_found() -> Self {
        let message = "The record was not found.";
        Self::new(StatusCode::NOT_FOUND, "RecordNotFound", message)
    }

    /// The path is there, but not for this verb.
    pub(super) fn wrong_verb() -> Self {
        let message = "This resource does not take that method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// A parameter cannot be read.
    pub(super) fn invalid(parameter: &'static str) -> Self {
        let message = format!("{parameter} is invalid.");
        Self {
            source: parameter,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "RecordInvalid", message)
        }
    }

    /// Too many requests. That it is told when to come back is not documented; clients read it, in
    /// seconds, where it is there.
    pub(super) fn throttled(retry_after: Option<u64>) -> Self {
        let message = "The limit of requests is reached.";
        Self {
            retry_after,
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message)
        }
    }

    /// The service failed.
    pub(super) fn system() -> Self {
        let message = "The sandbox was told to fail.";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "UnexpectedError",
            message,
        )
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = json!([{
            "$severity": "error",
            "$dataCode": self.code,
            "$message": self.message,
            "$source": self.source,
        }]);
        let mut response = (self.status, axum::Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
