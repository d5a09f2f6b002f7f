//! The calls that are made: reading one record, and reading a page of the records of a domain. A
//! domain is Tryton's word for a condition, a list in prefix notation; it travels in the address as
//! base64 of JSON, as the order does.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::error;
use super::wire::Row;
use crate::provider::http::{Answer, Call, CallClass, ProviderClient, decode};
use crate::provider::{Access, ProviderError, ProviderResult};

/// The books that an account names: `DATABASE/COMPANY`, such as `books/1`; or a database alone, to ask
/// which companies it holds.
struct Books<'a> {
    database: &'a str,
    company: Option<i64>,
}

impl<'a> Books<'a> {
    fn of(access: &'a Access) -> ProviderResult<Self> {
        let (database, company) = match access.account.split_once('/') {
            Some((database, company)) => {
                let company = company.parse().ok().filter(|id| *id > 0);
                (database, Some(company.ok_or_else(no_account)?))
            }
            None => (&*access.account, None),
        };
        if database.is_empty() {
            return Err(no_account());
        }
        Ok(Self { database, company })
    }
}

/// The company that an account names.
pub(super) fn company_of(access: &Access) -> ProviderResult<i64> {
    Books::of(access)?.company.ok_or_else(no_account)
}

fn no_account() -> ProviderError {
    misconfigured("the account, which is DATABASE/COMPANY, such as `books/1`")
}

/// What is asked for.
pub(super) struct Question<'a> {
    /// The name of the call in logs and metrics.
    pub(super) operation: &'static str,
    /// Tryton's name for the kind of record.
    pub(super) model: &'static str,
    /// The fields wanted.
    pub(super) fields: &'a [String],
}

/// A page of rows in the order of their ids.
pub(super) struct Rows<R> {
    pub(super) all: Vec<R>,
    /// The id after which the next page begins; `None` on the last one.
    pub(super) next: Option<i64>,
    pub(super) answered_at: Timestamp,
}

/// Makes the calls.
#[derive(Debug)]
pub(super) struct Calls {
    url: Url,
    client: Arc<ProviderClient>,
}

impl Calls {
    pub(super) fn new(url: &str, client: Arc<ProviderClient>) -> ProviderResult<Self> {
        let url = Url::parse(url)
            .ok()
            .filter(|url| !url.cannot_be_a_base())
            .ok_or_else(|| misconfigured("tryton.url"))?;
        Ok(Self { url, client })
    }

    /// One record; [`ProviderError::NotFound`] where there is none.
    pub(super) async fn one<R: DeserializeOwned>(
        &self,
        access: &Access,
        question: &Question<'_>,
        id: i64,
    ) -> ProviderResult<(R, Timestamp)> {
        let request = self.request(access, question, Some(id))?;
        self.call(access, question.operation, request).await
    }

    /// The records of a domain whose ids lie above one, in the order of their ids, so that nothing is
    /// skipped while records come and go.
    pub(super) async fn page<R: Row + DeserializeOwned>(
        &self,
        access: &Access,
        question: &Question<'_>,
        domain: &Value,
        after: Option<i64>,
        size: u32,
    ) -> ProviderResult<Rows<R>> {
        let after_that = json!(["id", ">", after.unwrap_or(0)]);
        let request = self
            .request(access, question, None)?
            .query(&[("d", encoded(&json!([after_that, domain])))])
            .query(&[("o", encoded(&json!([["id", "ASC"]])))])
            .query(&[("s", size)]);
        let answered = self.call(access, question.operation, request).await;
        let (rows, answered_at): (Vec<R>, _) = answered.map_err(|error| match error {
            // A list is never missing; a database is.
            ProviderError::NotFound => {
                misconfigured("tryton.url or the connection's account: there is no such database")
            }
            error => error,
        })?;
        let full = u32::try_from(rows.len()).is_ok_and(|count| count >= size);
        let next = rows.iter().map(Row::id).max().filter(|_| full);
        if next.is_some() && next <= after {
            // The same page again would never end.
            return Err(ProviderError::Malformed {
                path: format!("{}.id", question.model),
                reason: "the page does not lie above the one before".to_owned(),
            });
        }
        Ok(Rows {
            all: rows,
            next,
            answered_at,
        })
    }

    fn request(
        &self,
        access: &Access,
        question: &Question<'_>,
        id: Option<i64>,
    ) -> ProviderResult<RequestBuilder> {
        let books = Books::of(access)?;
        let mut url = self.url.clone();
        {
            let mut path = url
                .path_segments_mut()
                .map_err(|()| misconfigured("tryton.url"))?;
            path.pop_if_empty()
                .extend([books.database, "rest", "model", question.model]);
            if let Some(id) = id {
                path.push(&id.to_string());
            }
        }
        let fields: Vec<_> = question.fields.iter().map(|field| ("f", field)).collect();
        // Without the company there is no credit limit; records put aside are asked for too.
        let mut context = json!({"active_test": false});
        if let Some(company) = books.company {
            context["company"] = company.into();
            context["companies"] = json!([company]);
        }
        let mut key = HeaderValue::try_from(format!("bearer {}", access.token.expose_secret()))
            .map_err(|_| misconfigured("the application key: no header may hold it"))?;
        key.set_sensitive(true);
        Ok(self
            .client
            .http()
            .get(url)
            .query(&fields)
            .header(AUTHORIZATION, key)
            .header("X-Tryton-Context", encoded(&context))
            .header(ACCEPT, "application/json"))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        access: &Access,
        operation: &'static str,
        request: RequestBuilder,
    ) -> ProviderResult<(T, Timestamp)> {
        let request = request.build().map_err(|_| misconfigured("tryton.url"))?;
        let call = Call {
            operation,
            class: CallClass::Read,
            account: &access.account,
            purpose: access.purpose,
            request,
        };
        self.client
            .call(call, |answer| {
                if !answer.is_success() {
                    return Err(error::refusal(answer));
                }
                // Only what was asked for comes, so no field is unknown.
                let value = decode(&answer.body, |_| ())?;
                Ok((value, self.answered_at(answer)))
            })
            .await
    }
}

impl Calls {
    /// The server's own time when it answered, by which records bear theirs; ours where it is not told.
    fn answered_at(&self, answer: &Answer) -> Timestamp {
        let told = answer.header("date");
        let told = told.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        told.unwrap_or_else(|| self.client.clock().now())
    }
}

fn encoded(value: &Value) -> String {
    BASE64_URL_SAFE.encode(value.to_string())
}

fn misconfigured(what: &str) -> ProviderError {
    ProviderError::Misconfigured {
        what: what.to_owned(),
    }
}

impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}
