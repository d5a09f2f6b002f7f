//! What Tryton's refusals mean. A refusal is HTML of the web server, except for status 400, which holds
//! the words of a rule of the books. Words and values in it are looked at here and dropped.

use std::time::Duration;

use crate::provider::ProviderError;
use crate::provider::http::Answer;

/// The wait after a refusal for too many calls that names none.
const THROTTLE_WAIT: Duration = Duration::from_mins(1);

/// What an answer other than success means.
pub(super) fn refusal(answer: &Answer) -> ProviderError {
    let code = || format!("http_{}", answer.status);
    match answer.status {
        401 => ProviderError::Unauthorized { code: code() },
        // The key's user may not read this: a rule of the books (400), or the web server's word.
        400 | 403 => ProviderError::Forbidden { code: code() },
        404 => ProviderError::NotFound,
        429 => ProviderError::RateLimited {
            retry_after: answer.retry_after.unwrap_or(THROTTLE_WAIT),
        },
        // A field or model that the server does not know is an error inside it, which no retry heals.
        500 if let Some(name) = unknown_name(answer) => ProviderError::Rejected { code: name },
        500.. | 408 => ProviderError::Unavailable {
            what: format!("status {}", answer.status),
        },
        _ => ProviderError::Rejected { code: code() },
    }
}

/// The field or model that the server does not know: the whole text of such an error is its name in
/// quotes.
fn unknown_name(answer: &Answer) -> Option<String> {
    let text = std::str::from_utf8(&answer.body).ok()?;
    let (_, text) = text.split_once("<p>")?;
    let (text, _) = text.split_once("</p>")?;
    let name = text.strip_prefix("&#39;")?.strip_suffix("&#39;")?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.".contains(c);
    (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
}
