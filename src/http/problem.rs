//! Errors outside of GraphQL, by RFC 9457.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::service::{ErrorCode, ServiceError};

/// An error as `application/problem+json`. Its texts are safe to show: no secrets, no names, no
/// inner workings.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    status: u16,
    code: &'static str,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl Problem {
    /// A problem with the status that belongs to its code.
    pub fn new(code: ErrorCode, title: impl Into<String>) -> Self {
        Self {
            status: code.http_status(),
            code: code.as_str(),
            title: title.into(),
            request_id: None,
        }
    }

    /// Another status than that of the code, for what HTTP itself refuses (413, 415).
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self
    }

    /// With the id under which the log speaks of the request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }
}

impl From<&ServiceError> for Problem {
    fn from(error: &ServiceError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
