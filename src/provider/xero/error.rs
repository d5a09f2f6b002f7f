//! What Xero's refusals mean. They come as a problem in Pascal case or in lower case, as a validation
//! with the elements that failed, as plain text, as HTML, or with no body at all; so the status speaks
//! first and the body, where there is one, only refines it.
//!
//! The texts hold what was sent, names included. They are looked at here and dropped.

use std::time::Duration;

use serde::Deserialize;

use crate::provider::ProviderError;
use crate::provider::http::Answer;

/// The header that says which limit was met.
const LIMIT_HEADER: &str = "x-rate-limit-problem";
/// The wait after a refusal for too many calls at once, for which none is promised: the calls that
/// were under way end within it.
const CONCURRENT_WAIT: Duration = Duration::from_secs(1);
/// The wait after the day's calls are spent, should the answer not name one.
const DAY_WAIT: Duration = Duration::from_hours(1);

/// A refusal as it stands in JSON, in either case.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    /// Of the calls themselves: `ValidationException`.
    #[serde(rename = "Type", alias = "type")]
    kind: Option<String>,
    /// Of the gateway before them: `TokenExpired: token expired at …`.
    #[serde(rename = "Detail", alias = "detail")]
    detail: Option<String>,
}

/// What an answer without success means.
pub(super) fn refusal(answer: &Answer, throttle_wait: Duration) -> ProviderError {
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
    let detail = problem.detail.as_deref().and_then(word);
    let code = detail
        .or_else(|| problem.kind.as_deref().and_then(word))
        .map_or_else(|| format!("http_{}", answer.status), str::to_owned);
    match (answer.status, detail) {
        // A token that was never good, or whose consent is gone, as opposed to one that has ended; an
        // organization that is not connected, as opposed to a scope that was not asked for.
        (401 | 403, Some("AuthenticationUnsuccessful")) => ProviderError::ConsentLost { code },
        (401, _) => ProviderError::Unauthorized { code },
        (403, _) => ProviderError::Forbidden { code },
        (404, _) => ProviderError::NotFound,
        (429, _) => ProviderError::RateLimited {
            retry_after: answer
                .retry_after
                .unwrap_or_else(|| usual_wait(answer, throttle_wait)),
        },
        // The method does not exist there.
        (501, _) => ProviderError::Rejected { code },
        (408 | 500.., _) => ProviderError::Unavailable {
            what: format!("status {}", answer.status),
        },
        _ => ProviderError::Rejected { code },
    }
}

/// The wait by the limit that was met. Its name is spelled differently in different places.
fn usual_wait(answer: &Answer, throttle_wait: Duration) -> Duration {
    let limit = answer.header(LIMIT_HEADER).unwrap_or_default();
    let limit = limit.to_ascii_lowercase();
    if limit.contains("concurrent") {
        CONCURRENT_WAIT.min(throttle_wait)
    } else if limit.contains("day") || limit.contains("daily") {
        DAY_WAIT
    } else {
        throttle_wait
    }
}

/// The word at the start of a text, where it is one word and no prose: `TokenExpired`.
fn word(text: &str) -> Option<&str> {
    let word = text.split(':').next().unwrap_or_default().trim();
    let plain = (1..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then_some(word)
}
