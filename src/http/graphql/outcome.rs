//! What a request came to: the answer or the refusal, its line in the log, and the response.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Response as Answer, ServerError};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use tracing::{debug, error, info};

use crate::graphql::error::{code_of, finish, is_request_error, rate_limited, request_error};
use crate::graphql::limits;
use crate::http::bearer::Bearer;
use crate::http::gate;
use crate::http::meters::Source;
use crate::http::negotiation::MediaType;
use crate::http::request_id::{HEADER, RequestId};
use crate::service::{ErrorCode, ServiceError};

/// A request that is refused as a whole.
pub(super) struct Refusal<'a> {
    pub(super) code: ErrorCode,
    pub(super) status: StatusCode,
    pub(super) message: &'a str,
}

impl<'a> Refusal<'a> {
    pub(super) fn bad(status: StatusCode, message: &'a str) -> Self {
        Self {
            code: ErrorCode::BadUserInput,
            status,
            message,
        }
    }
}

/// What a request came to.
pub(super) struct Outcome {
    pub(super) status: StatusCode,
    pub(super) media_type: MediaType,
    pub(super) body: Bytes,
    pub(super) source: Source,
    /// The code of the first error.
    pub(super) code: Option<String>,
    pub(super) operation: Option<(OperationType, Option<String>)>,
    pub(super) bearer: Option<Arc<Bearer>>,
    pub(super) allow: Option<HeaderValue>,
    /// After how many seconds to come back, where that is known.
    pub(super) retry_after: Option<u64>,
}

/// An answer without `data`: what a refused request gets.
#[derive(Serialize)]
struct Errors<'a> {
    errors: &'a [ServerError],
}

impl Outcome {
    pub(super) fn executed(answer: &Answer, media_type: MediaType, id: &RequestId) -> Self {
        let code = answer.errors.first().and_then(code_of);
        let internal = code == Some(ErrorCode::Internal.as_str());
        let unavailable = code == Some(ErrorCode::LedgerUnavailable.as_str());
        let (status, body) = if is_request_error(answer) {
            let status = if internal {
                StatusCode::INTERNAL_SERVER_ERROR
            } else if unavailable {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                media_type.refusal()
            };
            let errors = Errors {
                errors: &answer.errors,
            };
            (status, written(&errors, id))
        } else {
            (StatusCode::OK, written(answer, id))
        };
        Self {
            status,
            media_type,
            body,
            source: if internal {
                Source::Failed
            } else {
                Source::Executed
            },
            code: code.map(str::to_owned),
            operation: None,
            bearer: None,
            allow: None,
            retry_after: None,
        }
    }

    /// Errors of a document that was not executed.
    pub(super) fn errors(errors: Vec<ServerError>, media_type: MediaType, id: &RequestId) -> Self {
        let mut answer = Answer::from_errors(errors);
        finish(&mut answer, id.as_str());
        Self {
            source: Source::Refused,
            ..Self::executed(&answer, media_type, id)
        }
    }

    pub(super) fn refused(refusal: &Refusal<'_>, media_type: MediaType, id: &RequestId) -> Self {
        let error = request_error(refusal.code, refusal.message);
        Self {
            status: refusal.status,
            ..Self::errors(vec![error], media_type, id)
        }
    }

    pub(super) fn failed(error: &ServiceError, media_type: MediaType, id: &RequestId) -> Self {
        if let ServiceError::Internal(source) | ServiceError::LedgerUnavailable(source) = error {
            error!(
                request_id = id.as_str(),
                error = source.as_ref() as &dyn std::error::Error,
                "a token could not be verified"
            );
        }
        if let ServiceError::RateLimited { retry_after } = error {
            let seconds = gate::seconds(*retry_after);
            return Self {
                status: StatusCode::TOO_MANY_REQUESTS,
                retry_after: Some(seconds),
                ..Self::errors(vec![rate_limited(seconds)], media_type, id)
            };
        }
        let status = StatusCode::from_u16(error.code().http_status());
        let refusal = Refusal {
            code: error.code(),
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            message: &error.to_string(),
        };
        Self::refused(&refusal, media_type, id)
    }

    pub(super) fn not_allowed(allow: &'static str, media_type: MediaType, id: &RequestId) -> Self {
        let message = format!("this request must be sent by {allow}");
        let refusal = Refusal::bad(StatusCode::METHOD_NOT_ALLOWED, &message);
        Self {
            allow: Some(HeaderValue::from_static(allow)),
            ..Self::refused(&refusal, media_type, id)
        }
    }

    /// One line a request. Kept answers would drown all others, so theirs is for debugging.
    pub(super) fn log(&self, id: &RequestId, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if self.source == Source::Kept {
            debug!(request_id = id.as_str(), took_us, "kept answer");
            return;
        }
        let (kind, name) = match &self.operation {
            Some((kind, name)) => (limits::operation_word(*kind), name.as_deref()),
            None => ("", None),
        };
        let viewer = self.bearer.as_ref().map(|bearer| &bearer.caller.viewer);
        info!(
            request_id = id.as_str(),
            kind,
            operation = name.and_then(|name| name.get(..64).or(Some(name))),
            status = self.status.as_u16(),
            code = self.code.as_deref(),
            tenant = viewer.map(|viewer| viewer.tenant.as_str()),
            role = viewer.map(|viewer| viewer.role.as_str()),
            took_us,
            "answered"
        );
    }

    pub(super) fn into_response(self, id: RequestId) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.reserve(6);
        headers.insert(header::CONTENT_TYPE, self.media_type.header());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(HEADER, id.into_header());
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, allow);
        }
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let seconds = HeaderValue::from(self.retry_after.unwrap_or(1));
                headers.insert(header::RETRY_AFTER, seconds);
            }
            _ => {}
        }
        response
    }
}

fn written(answer: &impl Serialize, id: &RequestId) -> Bytes {
    match serde_json::to_vec(answer) {
        Ok(bytes) => bytes.into(),
        Err(error) => {
            error!(request_id = id.as_str(), %error, "an answer could not be written");
            Bytes::from_static(
                br#"{"errors":[{"message":"something went wrong on our side","extensions":{"code":"INTERNAL"}}]}"#,
            )
        }
    }
}
