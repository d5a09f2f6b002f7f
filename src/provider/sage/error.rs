//! What Sage's refusals mean: by the code in the body, then by status.
//!
//! The body is an array of faults, each with `$dataCode`, `$message` and `$source`. Texts may hold
//! names, so they are looked at here and dropped; of a code only a plain word is kept.

use std::time::Duration;

use serde::Deserialize;

use crate::provider::ProviderError;
use crate::provider::http::Answer;

#[derive(Deserialize)]
struct Fault {
    #[serde(rename = "$dataCode")]
    code: Option<String>,
    #[serde(rename = "$message")]
    message: Option<String>,
}

/// What an answer other than a success means; `throttle_wait` holds where a refusal for too many calls
/// names no wait.
pub(super) fn refusal(answer: &Answer, throttle_wait: Duration) -> ProviderError {
    let fault = serde_json::from_slice::<Vec<Fault>>(&answer.body)
        .ok()
        .and_then(|faults| faults.into_iter().next());
    let status = answer.status;
    let word = fault
        .as_ref()
        .and_then(|fault| fault.code.as_deref())
        .filter(|code| is_word(code));
    let code = || word.map_or_else(|| format!("http_{status}"), str::to_owned);
    match status {
        429 => ProviderError::RateLimited {
            retry_after: answer.retry_after.unwrap_or(throttle_wait),
        },
        // The business pays no more: a fresh token changes nothing.
        401 if fault.as_ref().is_some_and(Fault::is_about_the_subscription) => {
            ProviderError::Forbidden {
                code: "no_active_subscription".to_owned(),
            }
        }
        401 => ProviderError::Unauthorized { code: code() },
        403 => ProviderError::Forbidden { code: code() },
        404 => ProviderError::NotFound,
        408 | 500.. => ProviderError::Unavailable {
            what: format!("status {status}"),
        },
        _ => ProviderError::Rejected { code: code() },
    }
}

impl Fault {
    /// Sage gives an expired token and an ended subscription the same code.
    fn is_about_the_subscription(&self) -> bool {
        self.message.as_deref().is_some_and(|message| {
            let message = message.to_ascii_lowercase();
            message.contains("no active subscription") || message.contains("(mse)")
        })
    }
}

/// A code is one word of letters; anything else might be a text.
fn is_word(code: &str) -> bool {
    (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether the ledger failed in the way in which it fails on a page that is too much for it. A smaller
/// page often works.
pub(super) fn is_too_heavy(answer: &Answer) -> bool {
    matches!(answer.status, 500 | 502 | 503 | 504 | 525) && answer.retry_after.is_none()
}
