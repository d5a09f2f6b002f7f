//! What QuickBooks' refusals mean. Every shape ends in the one table [`meaning`]: faults spelled
//! `Fault` or `fault`, as JSON or as XML, with or without a code, inside an error status or inside
//! HTTP 200.
//!
//! The texts of a fault hold names and, for an expired token, the token itself. They are looked at
//! here and dropped.

use std::time::Duration;

use serde::Deserialize;

use crate::provider::ProviderError;
use crate::provider::http::Answer;

/// A refusal as it stands in JSON.
#[derive(Deserialize)]
pub(super) struct Fault {
    #[serde(rename = "Error", alias = "error", default)]
    errors: Vec<FaultEntry>,
    #[serde(rename = "type", default)]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct FaultEntry {
    code: Option<String>,
    #[serde(rename = "Message", alias = "message")]
    message: Option<String>,
    #[serde(rename = "Detail", alias = "detail")]
    detail: Option<String>,
}

/// Prints the code and type only.
impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fault")
            .field("code", &self.code())
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct FaultAnswer {
    #[serde(rename = "Fault", alias = "fault")]
    fault: Fault,
}

impl Fault {
    fn code(&self) -> Option<String> {
        let entry = self.errors.first()?;
        entry
            .code
            .clone()
            .filter(|code| !code.is_empty())
            .or_else(|| numbered(entry.message.as_deref()?, "errorCode="))
    }

    /// Whether the question for changes reached too far back. The reference names no code for it.
    pub(super) fn is_beyond_window(&self) -> bool {
        self.errors.iter().any(|entry| {
            [&entry.message, &entry.detail]
                .into_iter()
                .flatten()
                .any(|text| text.to_ascii_lowercase().contains("changedsince"))
        })
    }

    /// What it means when it comes with an HTTP status.
    pub(super) fn meaning(&self, status: u16, throttle_wait: Duration) -> ProviderError {
        meaning(
            self.code().as_deref(),
            self.kind.as_deref().unwrap_or_default(),
            status,
            throttle_wait,
        )
    }
}

/// What an answer other than HTTP 200 with readable JSON means.
pub(super) fn refusal(answer: &Answer, throttle_wait: Duration) -> ProviderError {
    let wait = answer.retry_after.unwrap_or(throttle_wait);
    match fault_in(answer) {
        Some(fault) => fault.meaning(answer.status, wait),
        None => meaning(None, "", answer.status, wait),
    }
}

/// The fault in a body of any shape.
pub(super) fn fault_in(answer: &Answer) -> Option<Fault> {
    if let Ok(FaultAnswer { fault }) = serde_json::from_slice(&answer.body) {
        return Some(fault);
    }
    let text = std::str::from_utf8(&answer.body).ok()?;
    let code = attribute(text, "Error", "code")
        .map(str::to_owned)
        .or_else(|| numbered(text, "errorCode="))?;
    Some(Fault {
        errors: vec![FaultEntry {
            code: Some(code),
            message: None,
            detail: element(text, "Detail").map(str::to_owned),
        }],
        kind: attribute(text, "Fault", "type").map(str::to_owned),
    })
}

/// The table. Codes first, since one status carries many meanings; then the fault's type; then the
/// status alone.
fn meaning(code: Option<&str>, kind: &str, status: u16, throttle_wait: Duration) -> ProviderError {
    // `003200` and `3200` are the same code. Anything but digits could be a text: it is not kept.
    let code = code
        .map(|code| code.trim().trim_start_matches('0'))
        .filter(|code| !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit()));
    let named = || code.map_or_else(|| format!("http_{status}"), str::to_owned);
    match (code, status) {
        // Throttled. Also how the blocked rest of a month looks.
        (Some("3001" | "429"), _) | (_, 429) => ProviderError::RateLimited {
            retry_after: throttle_wait,
        },
        // The access token is expired or revoked.
        (Some("3200"), _) => ProviderError::Unauthorized { code: named() },
        // The app (3100) or the consenting user (120) lost access: only consent anew helps.
        (Some("3100" | "120"), _) => ProviderError::ConsentLost { code: named() },
        // The company's subscription ended.
        (Some("6190"), _) => ProviderError::Forbidden { code: named() },
        // Not found, or made inactive.
        (Some("610"), _) => ProviderError::NotFound,
        // An error inside QuickBooks.
        (Some("10000"), _) => ProviderError::Unavailable {
            what: "an error inside the ledger (10000)".to_owned(),
        },
        (_, 500.. | 408) => ProviderError::Unavailable {
            what: format!("status {status}"),
        },
        _ if kind.eq_ignore_ascii_case("AUTHENTICATION") || (status == 401 && code.is_none()) => {
            ProviderError::Unauthorized { code: named() }
        }
        _ if kind.to_ascii_lowercase().starts_with("authorization") => {
            ProviderError::Forbidden { code: named() }
        }
        (_, 403) => ProviderError::Forbidden { code: named() },
        _ if kind.eq_ignore_ascii_case("SystemFault") || kind.eq_ignore_ascii_case("SERVICE") => {
            ProviderError::Unavailable {
                what: format!("an error inside the ledger ({})", named()),
            }
        }
        (_, 401) => ProviderError::Unauthorized { code: named() },
        // Everything else is a request that should not have been made: a query that does not parse
        // (4000, 4001), an unknown property (2010), a bad id (2030), a stale token (5010), ...
        _ => ProviderError::Rejected { code: named() },
    }
}

/// The digits after a mark in a text (`errorCode=003001`).
fn numbered(text: &str, mark: &str) -> Option<String> {
    let (_, rest) = text.split_once(mark)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// The value of an attribute of the first such XML element.
fn attribute<'a>(xml: &'a str, element: &str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{element} "))?;
    let (tag, _) = rest.split_once('>')?;
    let (_, value) = tag.split_once(&format!("{name}=\""))?;
    value.split_once('"').map(|(value, _)| value)
}

/// The text of the first such XML element.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(text, _)| text)
}
