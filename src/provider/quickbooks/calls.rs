//! The calls that are made, and the one way in which every answer is read: a refusal by its meaning,
//! a fault inside HTTP 200 likewise, then the JSON.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{self, Fault};
use super::known_fields;
use super::wire::{
    BatchAnswer, ChangesAnswer, CompanyAnswer, PreferencesAnswer, QueryAnswer, QueryResponse,
    Reference,
};
use crate::domain::money::Currency;
use crate::provider::http::{Answer, Call, CallClass, ProviderClient, UNKNOWN_FIELDS, decode};
use crate::provider::{Access, ProviderError, ProviderResult};

/// The only version that is still served; named so that a later one does not come unasked.
const MINOR_VERSION: &str = "75";

/// The lists of an answer and the ledger's time when it answered.
pub(super) struct Answered {
    pub(super) response: QueryResponse,
    pub(super) at: Timestamp,
}

/// What an answer about changes says.
pub(super) enum ChangesAnswered {
    /// The lists, to be read by their names.
    Parts(Vec<QueryResponse>, Timestamp),
    /// The time asked for is too long ago.
    BeyondWindow,
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

    /// Asks a query. The statement is the body, so that neither its length nor its characters matter
    /// to an address.
    pub(super) async fn query(&self, access: &Access, statement: &str) -> ProviderResult<Answered> {
        let request = self.query_request(access, statement)?;
        self.call("query", CallClass::Read, access, request, |answer| {
            let answer: QueryAnswer = self.read(answer)?;
            self.no_fault(answer.fault.as_ref())?;
            answered(answer.response, answer.time)
        })
        .await
    }

    /// Asks how many records there are.
    pub(super) async fn count(
        &self,
        access: &Access,
        statement: &str,
    ) -> ProviderResult<Option<u64>> {
        let request = self.query_request(access, statement)?;
        self.call("count", CallClass::Read, access, request, |answer| {
            let answer: QueryAnswer = self.read(answer)?;
            self.no_fault(answer.fault.as_ref())?;
            Ok(answer.response.and_then(|response| response.total_count))
        })
        .await
    }

    fn query_request(&self, access: &Access, statement: &str) -> ProviderResult<RequestBuilder> {
        Ok(self
            .request(Method::POST, access, &["query"])?
            .header(CONTENT_TYPE, "application/text")
            .body(statement.to_owned()))
    }

    /// Asks several queries at once. The answers come back in the order of the questions; a fault in
    /// one is a fault of the whole.
    pub(super) async fn batch(
        &self,
        access: &Access,
        statements: &[String],
    ) -> ProviderResult<(Vec<QueryResponse>, Timestamp)> {
        let items: Vec<_> = statements
            .iter()
            .enumerate()
            .map(|(n, statement)| serde_json::json!({"bId": n.to_string(), "Query": statement}))
            .collect();
        let request = self
            .request(Method::POST, access, &["batch"])?
            .json(&serde_json::json!({ "BatchItemRequest": items }));
        self.call("batch", CallClass::Batch, access, request, |answer| {
            let mut answer: BatchAnswer = self.read(answer)?;
            self.no_fault(answer.fault.as_ref())?;
            for item in &answer.items {
                self.no_fault(item.fault.as_ref())?;
            }
            let responses = (0..statements.len())
                .map(|n| {
                    let number = n.to_string();
                    let mut items = answer.items.iter_mut();
                    items
                        .find(|item| item.id.as_deref() == Some(number.as_str()))
                        .and_then(|item| item.response.take())
                        .ok_or_else(|| missing(&format!("BatchItemResponse[bId={n}]")))
                })
                .collect::<ProviderResult<Vec<_>>>()?;
            Ok((responses, answer.time.ok_or_else(|| missing("time"))?))
        })
        .await
    }

    /// Asks what changed since a time.
    pub(super) async fn changes(
        &self,
        access: &Access,
        entities: &str,
        since: &str,
    ) -> ProviderResult<ChangesAnswered> {
        let request = self
            .request(Method::GET, access, &["cdc"])?
            .query(&[("entities", entities), ("changedSince", since)]);
        self.call("changes", CallClass::Read, access, request, |answer| {
            let refused = (!answer.is_success())
                .then(|| error::fault_in(answer))
                .flatten();
            if refused.is_some_and(|fault| fault.is_beyond_window()) {
                return Ok(ChangesAnswered::BeyondWindow);
            }
            let answer: ChangesAnswer = self.read(answer)?;
            let mut fault = answer.fault;
            let mut parts = Vec::new();
            for part in answer.changes {
                fault = fault.or(part.fault);
                parts.extend(part.responses);
            }
            let fault = fault
                .as_ref()
                .or_else(|| parts.iter().find_map(|part| part.fault.as_ref()));
            if fault.is_some_and(Fault::is_beyond_window) {
                return Ok(ChangesAnswered::BeyondWindow);
            }
            self.no_fault(fault)?;
            let at = answer.time.ok_or_else(|| missing("time"))?;
            Ok(ChangesAnswered::Parts(parts, at))
        })
        .await
    }

    /// The company's name.
    pub(super) async fn company_name(&self, access: &Access) -> ProviderResult<String> {
        let request = self.request(Method::GET, access, &["companyinfo", &access.account])?;
        self.call("company", CallClass::Read, access, request, |answer| {
            let answer: CompanyAnswer = self.read(answer)?;
            self.no_fault(answer.fault.as_ref())?;
            answer
                .company
                .and_then(|company| company.company_name)
                .ok_or_else(|| missing("CompanyInfo.CompanyName"))
        })
        .await
    }

    /// The currency of the books, and whether documents may be in others.
    pub(super) async fn currencies(&self, access: &Access) -> ProviderResult<(Currency, bool)> {
        let request = self.request(Method::GET, access, &["preferences"])?;
        self.call("preferences", CallClass::Read, access, request, |answer| {
            const PLACE: &str = "Preferences.CurrencyPrefs.HomeCurrency.value";
            let answer: PreferencesAnswer = self.read(answer)?;
            self.no_fault(answer.fault.as_ref())?;
            let preferences = answer
                .preferences
                .and_then(|preferences| preferences.currency_prefs)
                .ok_or_else(|| missing(PLACE))?;
            let home = Reference::id(preferences.home_currency.as_ref());
            let home = home.ok_or_else(|| missing(PLACE))?;
            let currency = home.parse().map_err(|_| ProviderError::Malformed {
                path: PLACE.to_owned(),
                reason: "this is no ISO 4217 code".to_owned(),
            })?;
            Ok((
                currency,
                preferences.multi_currency_enabled.unwrap_or(false),
            ))
        })
        .await
    }

    fn request(
        &self,
        method: Method,
        access: &Access,
        path: &[&str],
    ) -> ProviderResult<RequestBuilder> {
        let mut url = self.api_url.clone();
        url.path_segments_mut()
            .map_err(|()| ProviderError::Misconfigured {
                what: "api_url".to_owned(),
            })?
            .pop_if_empty()
            .extend(["v3", "company", &access.account])
            .extend(path);
        Ok(self
            .client
            .http()
            .request(method, url)
            .query(&[("minorversion", MINOR_VERSION)])
            .bearer_auth(access.token.expose_secret())
            // Without it the answer is XML.
            .header(ACCEPT, "application/json"))
    }

    async fn call<T>(
        &self,
        operation: &'static str,
        class: CallClass,
        access: &Access,
        request: RequestBuilder,
        read: impl Fn(&Answer) -> ProviderResult<T> + Send + Sync,
    ) -> ProviderResult<T> {
        let request = request.build().map_err(|_| ProviderError::Misconfigured {
            what: "api_url, or a token with characters that no header may hold".to_owned(),
        })?;
        let call = Call {
            operation,
            class,
            account: &access.account,
            purpose: access.purpose,
            request,
        };
        self.client.call(call, read).await
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> ProviderResult<T> {
        if !answer.is_success() {
            return Err(error::refusal(answer, self.throttle_wait));
        }
        decode(&answer.body, count_if_new).map_err(|malformed| {
            // Any answer may be a refusal all the same, even XML inside HTTP 200.
            match error::fault_in(answer) {
                Some(fault) => self.meaning(&fault),
                None => malformed,
            }
        })
    }

    fn no_fault(&self, fault: Option<&Fault>) -> ProviderResult<()> {
        fault.map_or(Ok(()), |fault| Err(self.meaning(fault)))
    }

    /// What a fault inside HTTP 200 means.
    fn meaning(&self, fault: &Fault) -> ProviderError {
        fault.meaning(200, self.throttle_wait)
    }
}

fn answered(response: Option<QueryResponse>, at: Option<Timestamp>) -> ProviderResult<Answered> {
    Ok(Answered {
        response: response.ok_or_else(|| missing("QueryResponse"))?,
        at: at.ok_or_else(|| missing("time"))?,
    })
}

fn missing(path: &str) -> ProviderError {
    ProviderError::Malformed {
        path: path.to_owned(),
        reason: "it is missing".to_owned(),
    }
}

/// Fields come without notice; they change nothing, but someone should know.
fn count_if_new(field: &str) {
    if !known_fields::is_known(field) {
        metrics::counter!(UNKNOWN_FIELDS, "provider" => "quickbooks").increment(1);
        tracing::debug!(provider = "quickbooks", field, "unknown field");
    }
}
