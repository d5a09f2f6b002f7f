//! The calls that are made, and the one way in which every answer is read: a refusal by its meaning,
//! then the JSON.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, IF_MODIFIED_SINCE};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::connections::{self, Connection};
use super::wire;
use super::{error, known_fields};
use crate::provider::http::{Answer, Call, CallClass, ProviderClient, UNKNOWN_FIELDS, decode};
use crate::provider::{Access, ProviderError, ProviderResult, Purpose};

/// The header that names the organization.
const TENANT_HEADER: &str = "xero-tenant-id";
/// Whose rates and breaker calls count on that belong to no organization.
const APP: &str = "app";
/// The most ids in one address: it has to stay short enough for every server on the way.
const IDS_AT_ONCE: usize = 40;

/// A question for records.
#[derive(Clone, Debug, Default)]
pub(super) struct Question<'a> {
    /// The resource, and the id of a single record behind it.
    pub(super) path: Vec<&'a str>,
    /// Its parameters.
    pub(super) parameters: Vec<(&'a str, String)>,
    /// Only what was changed at or after this time.
    pub(super) since: Option<Timestamp>,
}

/// What came back, and the ledger's time when it did.
pub(super) struct Answered {
    pub(super) answer: wire::Answer,
    pub(super) at: Timestamp,
}

/// Makes the calls.
#[derive(Debug)]
pub(super) struct Calls {
    api_url: Url,
    connections_url: Url,
    client: Arc<ProviderClient>,
    throttle_wait: Duration,
}

impl Calls {
    pub(super) fn new(
        api_url: &str,
        connections_url: &str,
        client: Arc<ProviderClient>,
        throttle_wait: Duration,
    ) -> ProviderResult<Self> {
        Ok(Self {
            api_url: base(api_url, "api_url")?,
            connections_url: base(connections_url, "connections_url")?,
            client,
            throttle_wait,
        })
    }

    /// Asks for records.
    pub(super) async fn ask(
        &self,
        access: &Access,
        operation: &'static str,
        question: &Question<'_>,
    ) -> ProviderResult<Answered> {
        let url = below(&self.api_url, &question.path)?;
        let mut request = self
            .request(Method::GET, url, &access.token)
            .query(&question.parameters)
            .header(TENANT_HEADER, &*access.account);
        if let Some(since) = question.since {
            request = request.header(IF_MODIFIED_SINCE, whole_seconds(since));
        }
        let call = Call {
            operation,
            class: CallClass::Read,
            account: &access.account,
            purpose: access.purpose,
            request: built(request)?,
        };
        self.client
            .call(call, |answer| {
                if question.since.is_some() && answer.status == 304 {
                    // Nothing changed since, in the words of HTTP.
                    return Ok(Answered {
                        answer: wire::Answer::default(),
                        at: self.client.clock().now(),
                    });
                }
                self.succeeded(answer)?;
                let answer: wire::Answer = decode(&answer.body, count_if_new)?;
                let at = answer.answered_at.ok_or_else(|| missing("DateTimeUTC"))?;
                Ok(Answered { answer, at })
            })
            .await
    }

    /// The contacts of these ids, archived ones too.
    pub(super) async fn contacts(
        &self,
        access: &Access,
        ids: &[&str],
    ) -> ProviderResult<Vec<wire::Contact>> {
        let mut contacts = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS_AT_ONCE) {
            let question = Question {
                path: vec!["Contacts"],
                parameters: vec![
                    ("IDs", some.join(",")),
                    ("includeArchived", "true".to_owned()),
                    // Terms come with pages only.
                    ("page", "1".to_owned()),
                ],
                since: None,
            };
            let answered = self.ask(access, "contacts", &question).await?;
            contacts.extend(answered.answer.contacts);
        }
        Ok(contacts)
    }

    /// The organizations that a token reaches.
    pub(super) async fn connections(
        &self,
        token: &SecretString,
    ) -> ProviderResult<Vec<Connection>> {
        let request = self.request(Method::GET, self.connections_url.clone(), token);
        self.app_call("connections", request, |answer| {
            connections::read(&answer.body)
        })
        .await
    }

    /// Gives one connection up; one that is gone already is given up as well.
    pub(super) async fn disconnect(&self, token: &SecretString, id: &str) -> ProviderResult<()> {
        let url = below(&self.connections_url, &[id])?;
        let request = self.request(Method::DELETE, url, token);
        match self.app_call("disconnect", request, |_| Ok(())).await {
            Err(ProviderError::NotFound) => Ok(()),
            outcome => outcome,
        }
    }

    fn request(&self, method: Method, url: Url, token: &SecretString) -> RequestBuilder {
        self.client
            .http()
            .request(method, url)
            .bearer_auth(token.expose_secret())
            // Without it the answer is XML.
            .header(ACCEPT, "application/json")
    }

    async fn app_call<T>(
        &self,
        operation: &'static str,
        request: RequestBuilder,
        read: impl Fn(&Answer) -> ProviderResult<T> + Send + Sync,
    ) -> ProviderResult<T> {
        let call = Call {
            operation,
            // It counts on no organization's day.
            class: CallClass::RepeatableAuthorization,
            account: APP,
            purpose: Purpose::OpenPage,
            request: built(request)?,
        };
        self.client
            .call(call, |answer| {
                self.succeeded(answer)?;
                read(answer)
            })
            .await
    }

    fn succeeded(&self, answer: &Answer) -> ProviderResult<()> {
        if answer.is_success() {
            Ok(())
        } else {
            Err(error::refusal(answer, self.throttle_wait))
        }
    }
}

/// An address that paths can be appended to.
fn base(address: &str, setting: &str) -> ProviderResult<Url> {
    Url::parse(address)
        .ok()
        .filter(|url| !url.cannot_be_a_base())
        .ok_or_else(|| ProviderError::Misconfigured {
            what: setting.to_owned(),
        })
}

fn below(base: &Url, path: &[&str]) -> ProviderResult<Url> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| ProviderError::Misconfigured {
            what: "api_url".to_owned(),
        })?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

fn built(request: RequestBuilder) -> ProviderResult<reqwest::Request> {
    request.build().map_err(|_| ProviderError::Misconfigured {
        what: "api_url, or a token or account with characters that no header may hold".to_owned(),
    })
}

/// UTC to the second, rounded down. Xero's pages show it without a zone, its published description
/// demands one: `Z` says the same in both.
fn whole_seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_millisecond().div_euclid(1000))
        .unwrap_or(at)
        .to_string()
}

pub(super) fn missing(path: &str) -> ProviderError {
    ProviderError::Malformed {
        path: path.to_owned(),
        reason: "it is missing".to_owned(),
    }
}

/// Fields come without notice; they change nothing, but someone should know.
fn count_if_new(field: &str) {
    if !known_fields::is_known(field) {
        metrics::counter!(UNKNOWN_FIELDS, "provider" => "xero").increment(1);
        tracing::debug!(provider = "xero", field, "unknown field");
    }
}
