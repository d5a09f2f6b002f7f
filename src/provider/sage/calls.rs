//! The calls that are made, and the one way in which every answer is read: a refusal by its meaning,
//! the business that answered, then the JSON.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::ACCEPT;
use reqwest::{Method, Request, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use super::businesses::{self, Business};
use super::error;
use super::known_fields;
use super::list::{CONTACT_ATTRIBUTES, POSTING_ATTRIBUTES, Part, instant};
use super::paging::Window;
use super::terms::Terms;
use super::wire::{Contact, FinancialSettings, InvoiceSettings, List, Posting};
use crate::provider::http::{Answer, Call, CallClass, ProviderClient, UNKNOWN_FIELDS, decode};
use crate::provider::{Access, ProviderError, ProviderResult, Purpose};

/// Which business is meant, in requests and in answers.
const BUSINESS: &str = "X-Business";
/// What is asked of the postings: more than one page of these and all contacts are read instead.
pub(super) const POSTINGS_AT_MOST: u32 = 200;

/// A value with the ledger's time when it answered.
pub(super) struct Answered<T> {
    pub(super) value: T,
    pub(super) at: Timestamp,
}

/// What an answer to a list says.
pub(super) enum Listed<T> {
    /// A page of it.
    Page(Answered<List<T>>),
    /// So many rows are too much for Sage.
    TooHeavy,
}

/// Makes the calls.
#[derive(Debug)]
pub(super) struct Calls {
    api_url: Url,
    client: Arc<ProviderClient>,
    throttle_wait: Duration,
}

impl Calls {
    pub(super) fn new(
        api_url: &str,
        client: Arc<ProviderClient>,
        throttle_wait: Duration,
    ) -> ProviderResult<Self> {
        let api_url = Url::parse(api_url)
            .ok()
            .filter(|url| !url.cannot_be_a_base())
            .ok_or_else(|| ProviderError::Misconfigured {
                what: "api_url".to_owned(),
            })?;
        Ok(Self {
            api_url,
            client,
            throttle_wait,
        })
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        self.client.clock().now()
    }

    /// A page of a list. `time` is the time of change from which on.
    pub(super) async fn list<T: DeserializeOwned + Send>(
        &self,
        access: &Access,
        part: &Part,
        time: Option<&str>,
        window: Window,
    ) -> ProviderResult<Listed<T>> {
        let mut query = part.query(time);
        query.push(("items_per_page", window.size.to_string()));
        query.push(("page", window.page.to_string()));
        let request = self.get(access, &[part.endpoint.path])?.query(&query);
        let before = self.now();
        self.call("list", access, request, |answer| {
            // Asked for again at once with half the rows, which is no failure yet.
            if window.size > 1 && error::is_too_heavy(answer) {
                return Ok(Listed::TooHeavy);
            }
            Ok(Listed::Page(Answered {
                value: self.read(access, answer)?,
                at: answer.answered_at().unwrap_or(before),
            }))
        })
        .await
    }

    /// One contact with its balance.
    pub(super) async fn contact(
        &self,
        access: &Access,
        id: &str,
    ) -> ProviderResult<Answered<Contact>> {
        let request = self
            .get(access, &["contacts", id])?
            .query(&[("show_balance", "true"), ("attributes", CONTACT_ATTRIBUTES)]);
        let before = self.now();
        self.call("contact", access, request, |answer| {
            Ok(Answered {
                value: self.read(access, answer)?,
                at: answer.answered_at().unwrap_or(before),
            })
        })
        .await
    }

    /// The postings since a time, as far as they fit on one page.
    pub(super) async fn postings(
        &self,
        access: &Access,
        since: Timestamp,
    ) -> ProviderResult<Answered<List<Posting>>> {
        let request = self.get(access, &["transactions"])?.query(&[
            ("updated_or_created_since", instant(since).as_str()),
            ("attributes", POSTING_ATTRIBUTES),
            ("items_per_page", &POSTINGS_AT_MOST.to_string()),
            ("page", "1"),
        ]);
        let before = self.now();
        self.call("postings", access, request, |answer| {
            Ok(Answered {
                value: self.read(access, answer)?,
                at: answer.answered_at().unwrap_or(before),
            })
        })
        .await
    }

    /// The terms of contacts that have none of their own. Where the person who consented may not see
    /// them, there are none: their documents' own due dates still hold.
    pub(super) async fn business_terms(&self, access: &Access) -> ProviderResult<Terms> {
        let request = self.get(access, &["invoice_settings"])?;
        let settings = self
            .call("invoice_settings", access, request, |answer| {
                self.read::<InvoiceSettings>(access, answer)
            })
            .await;
        match settings {
            Ok(settings) => Ok(Terms::of_business(settings)),
            Err(ProviderError::NotFound) => Ok(Terms::default()),
            Err(ProviderError::Forbidden { code }) if code == "MultiUserAccessDenied" => {
                Ok(Terms::default())
            }
            Err(error) => Err(error),
        }
    }

    /// The currency of the books, and whether documents may be in others.
    pub(super) async fn financial_settings(
        &self,
        access: &Access,
    ) -> ProviderResult<FinancialSettings> {
        let request = self.get(access, &["financial_settings"])?;
        self.call("financial_settings", access, request, |answer| {
            self.read(access, answer)
        })
        .await
    }

    /// The businesses that a token reaches. None is meant by the call, so none is named in it, and no
    /// business's count of calls grows by it.
    pub(super) async fn businesses(&self, token: &SecretString) -> ProviderResult<Vec<Business>> {
        let call = Call {
            operation: "businesses",
            class: CallClass::RepeatableAuthorization,
            account: "businesses",
            purpose: Purpose::OpenPage,
            request: built(self.request(&["businesses"], token)?)?,
        };
        let read = |answer: &Answer| {
            if answer.is_success() {
                businesses::read(&answer.body)
            } else {
                Err(error::refusal(answer, self.throttle_wait))
            }
        };
        self.client.call(call, read).await
    }

    /// The business itself.
    pub(super) async fn business(&self, access: &Access) -> ProviderResult<Business> {
        let request = self.get(access, &["businesses", &access.account])?;
        self.call("business", access, request, |answer| {
            self.read(access, answer)
        })
        .await
    }

    fn get(&self, access: &Access, path: &[&str]) -> ProviderResult<RequestBuilder> {
        Ok(self
            .request(path, &access.token)?
            .header(BUSINESS, &*access.account))
    }

    fn request(&self, path: &[&str], token: &SecretString) -> ProviderResult<RequestBuilder> {
        let mut url = self.api_url.clone();
        url.path_segments_mut()
            .map_err(|()| ProviderError::Misconfigured {
                what: "api_url".to_owned(),
            })?
            .pop_if_empty()
            .extend(path);
        Ok(self
            .client
            .http()
            .request(Method::GET, url)
            .bearer_auth(token.expose_secret())
            .header(ACCEPT, "application/json"))
    }

    async fn call<T>(
        &self,
        operation: &'static str,
        access: &Access,
        request: RequestBuilder,
        read: impl Fn(&Answer) -> ProviderResult<T> + Send + Sync,
    ) -> ProviderResult<T> {
        let call = Call {
            operation,
            class: CallClass::Read,
            account: &access.account,
            purpose: access.purpose,
            request: built(request)?,
        };
        self.client.call(call, read).await
    }

    fn read<T: DeserializeOwned>(&self, access: &Access, answer: &Answer) -> ProviderResult<T> {
        if !answer.is_success() {
            return Err(error::refusal(answer, self.throttle_wait));
        }
        of_business(access, answer)?;
        decode(&answer.body, count_if_new)
    }
}

fn built(request: RequestBuilder) -> ProviderResult<Request> {
    request.build().map_err(|_| ProviderError::Misconfigured {
        what: "api_url, or a token with characters that no header may hold".to_owned(),
    })
}

/// Refuses the answer of another business: without the header Sage answers for the one that the user
/// leads with, which can change.
fn of_business(access: &Access, answer: &Answer) -> ProviderResult<()> {
    match answer.headers.get(BUSINESS) {
        Some(echoed)
            if !echoed
                .as_bytes()
                .eq_ignore_ascii_case(access.account.as_bytes()) =>
        {
            Err(ProviderError::Malformed {
                path: BUSINESS.to_owned(),
                reason: "another business answered".to_owned(),
            })
        }
        _ => Ok(()),
    }
}

/// Members come without notice; they change nothing, but someone should know.
fn count_if_new(field: &str) {
    if !known_fields::is_known(field) {
        metrics::counter!(UNKNOWN_FIELDS, "provider" => "sage").increment(1);
        tracing::debug!(provider = "sage", field, "unknown field");
    }
}
