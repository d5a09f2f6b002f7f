//! A call and what may come of it.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::HeaderMap;

use super::retry::parse_http_date;
use crate::provider::{ProviderError, ProviderResult, Purpose};

/// What a call is to the provider's accounting and to a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallClass {
    /// A metered read: repeating it changes nothing.
    Read,
    /// A metered read of several questions at once.
    Batch,
    /// A token call: not metered, and repeated only when it certainly was not carried out.
    Authorization,
    /// A token call that may be repeated: the provider takes the same refresh token again.
    RepeatableAuthorization,
}

impl CallClass {
    pub(super) fn is_metered(self) -> bool {
        matches!(self, Self::Read | Self::Batch)
    }

    pub(super) fn is_idempotent(self) -> bool {
        self != Self::Authorization
    }
}

/// One call, ready to be sent as often as the budget allows. Holds secrets, so it is not `Debug`.
pub(crate) struct Call<'a> {
    /// What it does, for logs and metrics (`query`).
    pub(crate) operation: &'static str,
    /// What it is.
    pub(crate) class: CallClass,
    /// Whose rates and breaker it counts on: the account, or a fixed word for the app's own calls.
    pub(crate) account: &'a str,
    /// What it is made for; of a metered call it decides who goes without when the budget is short.
    pub(crate) purpose: Purpose,
    /// What is sent.
    pub(crate) request: reqwest::Request,
}

/// A whole answer, whatever its status. Holds names and tokens, so it is not `Debug`.
pub(crate) struct Answer {
    /// The HTTP status code.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Bytes,
    /// The wait that the provider asked for.
    pub(crate) retry_after: Option<Duration>,
    /// The headers.
    pub(crate) headers: HeaderMap,
}

impl Answer {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// When the provider answered by its own clock, where it says.
    pub(crate) fn answered_at(&self) -> Option<Timestamp> {
        parse_http_date(self.header("date")?)
    }

    /// Whether the status says that it went well.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why an attempt brought no answer.
pub(super) struct Lost {
    /// What happened, without addresses.
    pub(super) what: &'static str,
    /// Whether the request may have reached the provider.
    pub(super) sent: bool,
}

/// An attempt without the result that was wanted.
pub(super) struct Failure {
    /// What it means.
    pub(super) error: ProviderError,
    /// The wait that the answer named.
    pub(super) asked_wait: Option<Duration>,
    /// Whether the request may have reached the provider.
    pub(super) sent: bool,
    /// Whether the provider may have counted it: a refusal is free, an answer that was lost is not.
    pub(super) may_have_been_metered: bool,
}

impl Failure {
    /// What an attempt brought.
    pub(super) fn of<T>(
        attempt: Result<Answer, Lost>,
        read: impl Fn(&Answer) -> ProviderResult<T>,
    ) -> Result<T, Self> {
        match attempt {
            Ok(answer) => read(&answer).map_err(|error| Self {
                error,
                asked_wait: answer.retry_after,
                sent: true,
                may_have_been_metered: answer.is_success(),
            }),
            Err(Lost { what, sent }) => Err(Self {
                error: ProviderError::Unavailable {
                    what: what.to_owned(),
                },
                asked_wait: None,
                sent,
                may_have_been_metered: sent,
            }),
        }
    }
}
