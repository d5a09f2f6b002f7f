//! What can go wrong for a caller, by meaning. The codes are a contract: `docs/errors.md` lists them,
//! and a test compares the two.
//!
//! Expected states are data and never errors: a contact that is not linked, data that is stale, a
//! first load under way, consent that is lost. An error means that the question could not be
//! answered as asked.
//!
//! Two texts, never mixed: [`ServiceError`]'s `Display` goes to the caller and is free of secrets,
//! names and inner workings; its `source` goes to the log, once, with the request's id.

use std::error::Error as StdError;
use std::time::Duration;

use tracing::info;

use crate::auth::Refusal;
use crate::store::StoreError;

/// The closed catalogue of error codes, as they stand in `extensions.code` and in problem bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// No token, or one that does not hold (any more).
    Unauthenticated,
    /// The token holds, but its role may not do this.
    Forbidden,
    /// There is no such thing, or it is not for this viewer: the two are not told apart.
    NotFound,
    /// The request or one of its values is wrong; the same request will fail again.
    BadUserInput,
    /// The mirror cannot be read at present, or a ledger that had to be asked does not answer.
    LedgerUnavailable,
    /// Too much at once; try again after the wait.
    RateLimited,
    /// A fault on our side.
    Internal,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 7] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::BadUserInput,
        Self::LedgerUnavailable,
        Self::RateLimited,
        Self::Internal,
    ];

    /// The word on the wire (`BAD_USER_INPUT`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::LedgerUnavailable => "LEDGER_UNAVAILABLE",
            Self::RateLimited => "RATE_LIMITED",
            Self::Internal => "INTERNAL",
        }
    }

    /// The HTTP status of a request that failed as a whole with this code.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::BadUserInput => 400,
            Self::LedgerUnavailable => 503,
            Self::RateLimited => 429,
            Self::Internal => 500,
        }
    }

    /// Whether the same request may succeed later without anyone's help.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::LedgerUnavailable | Self::RateLimited | Self::Internal
        )
    }
}

/// A question or an order that could not be met.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// See [`ErrorCode::Unauthenticated`].
    #[error("{reason}")]
    Unauthenticated {
        /// What is wrong with the token, in words that help an integrator and nobody else.
        reason: &'static str,
    },
    /// See [`ErrorCode::Forbidden`].
    #[error("your role may not {action}")]
    Forbidden {
        /// What was to be done ("link contacts").
        action: &'static str,
    },
    /// See [`ErrorCode::NotFound`].
    #[error("there is no such {what}")]
    NotFound {
        /// The kind of thing ("contact").
        what: &'static str,
    },
    /// See [`ErrorCode::BadUserInput`].
    #[error("{reason}")]
    BadUserInput {
        /// The argument or input field at fault, as the schema spells it.
        field: &'static str,
        /// What is wrong and what to write instead.
        reason: String,
    },
    /// See [`ErrorCode::LedgerUnavailable`].
    #[error("the books cannot be read at present")]
    LedgerUnavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// See [`ErrorCode::RateLimited`].
    #[error("too many requests")]
    RateLimited {
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// See [`ErrorCode::Internal`].
    #[error("something went wrong on our side")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl ServiceError {
    /// Wrong input in a field of the schema.
    pub fn bad_input(field: &'static str, reason: impl Into<String>) -> Self {
        Self::BadUserInput {
            field,
            reason: reason.into(),
        }
    }

    /// A fault on our side; the cause goes to the log, never to the caller.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// The code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unauthenticated { .. } => ErrorCode::Unauthenticated,
            Self::Forbidden { .. } => ErrorCode::Forbidden,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::BadUserInput { .. } => ErrorCode::BadUserInput,
            Self::LedgerUnavailable(_) => ErrorCode::LedgerUnavailable,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => Self::LedgerUnavailable(Box::new(error)),
            _ => Self::Internal(Box::new(error)),
        }
    }
}

/// A load that several readers waited for failed for all of them.
impl From<std::sync::Arc<StoreError>> for ServiceError {
    fn from(error: std::sync::Arc<StoreError>) -> Self {
        match *error {
            StoreError::Unavailable { .. } => Self::LedgerUnavailable(Box::new(error)),
            _ => Self::Internal(Box::new(error)),
        }
    }
}

/// The answer to a token that does not hold; its cause goes to the log.
pub fn refused(refusal: Refusal) -> ServiceError {
    info!(reason = refusal.as_str(), "token refused");
    ServiceError::Unauthenticated {
        reason: Refusal::OUTWARD,
    }
}
