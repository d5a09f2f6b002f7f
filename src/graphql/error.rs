//! Errors as they leave through GraphQL: a safe text, and in `extensions` nothing but the code, the
//! field at fault and when to try again. The request's id is added where the answer is written.

use async_graphql::{Error, ErrorExtensions, Response, ServerError};
use tracing::{error, warn};

use crate::service::{ErrorCode, ServiceError};

/// Turns failures of the service layer into GraphQL errors.
pub trait Extend {
    /// What it becomes.
    type Extended;

    /// Gives the error its code. A fault on our side is logged here with its cause, once.
    fn extend(self) -> Self::Extended;
}

impl Extend for ServiceError {
    type Extended = Error;

    fn extend(self) -> Error {
        match &self {
            Self::Internal(source) => {
                error!(
                    error = source.as_ref() as &dyn std::error::Error,
                    "a read failed"
                );
            }
            Self::LedgerUnavailable(source) => {
                warn!(
                    error = source.as_ref() as &dyn std::error::Error,
                    "the store is unavailable"
                );
            }
            _ => {}
        }
        Error::new(self.to_string()).extend_with(|_, extensions| {
            extensions.set("code", self.code().as_str());
            match &self {
                Self::BadUserInput { field, .. } => extensions.set("field", *field),
                Self::RateLimited { retry_after } => {
                    extensions.set("retryAfterSeconds", retry_after.as_secs().max(1));
                }
                _ => {}
            }
        })
    }
}

impl<T> Extend for Result<T, ServiceError> {
    type Extended = async_graphql::Result<T>;

    fn extend(self) -> async_graphql::Result<T> {
        self.map_err(Extend::extend)
    }
}

/// An error of a request as a whole, before anything was executed.
pub fn request_error(code: ErrorCode, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    set_code(&mut error, code);
    error
}

fn set_code(error: &mut ServerError, code: ErrorCode) {
    let extensions = error.extensions.get_or_insert_default();
    extensions.set("code", code.as_str());
}

/// A request that is one too many, with the seconds after which it is none.
pub fn rate_limited(retry_after_seconds: u64) -> ServerError {
    let mut error = request_error(ErrorCode::RateLimited, "too many requests");
    let extensions = error.extensions.get_or_insert_default();
    extensions.set("retryAfterSeconds", retry_after_seconds);
    error
}

/// Whether the request was refused before execution: then the answer has no `data` at all. Errors of
/// resolvers always name the path at which they stand.
pub fn is_request_error(response: &Response) -> bool {
    response.data == async_graphql::Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// Gives every error a code and the request's id, and nothing else beyond the white-list.
///
/// Errors without a code come from the GraphQL engine itself: a document that does not parse or
/// validate, a value that is none of its type. All of them are the caller's.
pub fn finish(response: &mut Response, request_id: &str) {
    for error in &mut response.errors {
        let coded = error
            .extensions
            .as_ref()
            .is_some_and(|extensions| extensions.get("code").is_some());
        if !coded {
            set_code(error, ErrorCode::BadUserInput);
        }
        if let Some(extensions) = &mut error.extensions {
            extensions.set("requestId", request_id);
        }
    }
}

/// The code of an error that [`finish`] has seen.
pub fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        async_graphql::Value::String(code) => Some(code),
        _ => None,
    }
}
