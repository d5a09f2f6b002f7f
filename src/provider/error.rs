//! What can go wrong at a provider, by what it means for the caller. Status codes and fault bodies
//! become meanings in one place per provider.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::freshness::Dataset;

/// A failed call to a provider.
///
/// Texts hold neither tokens nor names: a provider's own detail text may, so it is not kept.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The access token is expired or revoked: refresh once, then ask a person to authorize again.
    #[error("the access token was refused ({code})")]
    Unauthorized {
        /// The provider's own code.
        code: String,
    },
    /// The refresh token or the consent is gone: a person has to authorize again.
    #[error("consent is lost ({code}); a person has to authorize the connection again")]
    ConsentLost {
        /// The provider's own code.
        code: String,
    },
    /// The app or the consenting user may not read this. No retry helps.
    #[error("access is denied by the ledger ({code})")]
    Forbidden {
        /// The provider's own code.
        code: String,
    },
    /// There is no such record, or it is inactive.
    #[error("the ledger has no such record")]
    NotFound,
    /// Too many calls; try again after the wait.
    #[error("the ledger asks to wait {} s", retry_after.as_secs())]
    RateLimited {
        /// How long to wait, by the provider's word or documentation.
        retry_after: Duration,
    },
    /// The calls of the month, or this connection's share of them, are spent.
    #[error("the call budget is spent until {until}")]
    BudgetSpent {
        /// When the budget is filled again.
        until: Timestamp,
    },
    /// The ledger cannot be reached, times out or fails by its own fault; trying again may help.
    #[error("the ledger is unavailable: {what}")]
    Unavailable {
        /// What happened, without addresses or secrets.
        what: String,
    },
    /// Calls are held back after repeated failures, so as not to make things worse.
    #[error("calls are held back until {until} after repeated failures")]
    CircuitOpen {
        /// When the next call is let through.
        until: Timestamp,
    },
    /// The ledger refuses what we asked: a fault on our side. No retry helps.
    #[error("the ledger refused the request ({code})")]
    Rejected {
        /// The provider's own code.
        code: String,
    },
    /// The answer cannot be read.
    #[error("the ledger's answer cannot be read at `{path}`: {reason}")]
    Malformed {
        /// The path within the answer.
        path: String,
        /// What is wrong there, without the value.
        reason: String,
    },
    /// The ledger has no such dataset: a fault on our side.
    #[error("the ledger has no {}", dataset.as_str())]
    Unsupported {
        /// What was asked for.
        dataset: Dataset,
    },
    /// A setting is missing or wrong.
    #[error("the provider is not configured: {what}")]
    Misconfigured {
        /// What to set.
        what: String,
    },
}

impl ProviderError {
    /// Whether the same call may succeed later without anyone's help.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::BudgetSpent { .. }
                | Self::Unavailable { .. }
                | Self::CircuitOpen { .. }
                | Self::Malformed { .. }
        )
    }

    /// A stable, lower-case word for logs and rows (`rate_limited`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "unauthorized",
            Self::ConsentLost { .. } => "consent_lost",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound => "not_found",
            Self::RateLimited { .. } => "rate_limited",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::Unavailable { .. } => "unavailable",
            Self::CircuitOpen { .. } => "circuit_open",
            Self::Rejected { .. } => "rejected",
            Self::Malformed { .. } => "malformed",
            Self::Unsupported { .. } => "unsupported",
            Self::Misconfigured { .. } => "misconfigured",
        }
    }
}
