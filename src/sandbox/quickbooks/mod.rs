//! QuickBooks Online's wire format, on the paths of its own hosts.
//!
//! Queries with paging, change data capture, batches, writes that move balances, limits and their 429
//! in XML. Answers are JSON whatever the caller accepts. Not there: reports, attachments, XML answers
//! other than the throttle's, and entities that have nothing to do with receivables (they answer as
//! empty lists).

mod api;
mod batch;
mod changes;
pub(crate) mod consent;
pub(crate) mod query;
pub(crate) mod webhook;
pub(crate) mod wire;
mod write;

use std::collections::{HashMap, VecDeque};

use axum::Router;
use axum::body::Bytes;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jiff::Timestamp;

use self::api::{Call, RequestKind};
use self::wire::fault;
use super::books::Id;
use super::consent::bearer;
use super::format::{Faults, Format};
use super::found::Found;
use super::listener::Cutter;
use super::server::{Place, describe, through_trouble};
use super::state::Shared;
use super::tokens::Bearer;

/// How many answers are kept for repeated request ids, per company.
const REMEMBERED_REQUESTS: usize = 10_000;

/// All routes.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v3/company/{realm}/{*path}", any(company))
        .merge(consent::routes())
}

/// What this wire format keeps of a company beside its books.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    found: Found<Id>,
    /// First answers to writes with a `requestid`.
    answers: HashMap<String, (StatusCode, Bytes)>,
    answered: VecDeque<String>,
}

impl Kept {
    /// The first answer to a request id.
    fn answer_to(&self, request_id: &str) -> Option<(StatusCode, Bytes)> {
        self.answers.get(request_id).cloned()
    }

    /// Keeps the first answer to a request id.
    fn remember(&mut self, request_id: String, status: StatusCode, body: Bytes) {
        if self.answered.len() == REMEMBERED_REQUESTS
            && let Some(oldest) = self.answered.pop_front()
        {
            self.answers.remove(&oldest);
        }
        self.answered.push_back(request_id.clone());
        self.answers.insert(request_id, (status, body));
    }
}

/// How this wire format words what goes wrong.
pub(crate) struct Words;

impl Faults for Words {
    fn unauthorized(&self, now: Timestamp) -> Response {
        fault::unauthorized("spoiled", now)
    }

    fn throttled(&self, retry_after: Option<u64>, now: Timestamp) -> Response {
        fault::throttled(retry_after, now)
    }

    fn system(&self, now: Timestamp) -> Response {
        fault::system(now)
    }
}

/// Any request to a company.
#[expect(
    clippy::too_many_arguments,
    reason = "each is an extractor: the whole request, in parts"
)]
async fn company(
    State(shared): State<Shared>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path((realm, path)): Path<(String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call {
        method: &method,
        path: path.split('/').collect(),
        parameters: &parameters,
        body: &body,
    };
    let kind = call.kind();
    let description = describe(&method, &uri, &parameters, &body);
    let bearer = bearer(&headers);
    let place = Place::company(Format::QuickBooks, &realm);
    let mut response = through_trouble(&shared, &cutter, place, &description, async || {
        let refusal = admit(&shared, &realm, bearer, &kind, shared.now());
        if let Some(refusal) = refusal {
            return refusal;
        }
        if matches!(kind, RequestKind::Query(_)) {
            shared.page_delay(&realm).await;
        }
        let now = shared.now();
        let mut world = shared.world();
        match world.companies.get_mut(&realm) {
            Some(company) => {
                let (status, body) = api::answer(company, &call, now);
                let json = HeaderValue::from_static("application/json;charset=utf-8");
                (status, [(header::CONTENT_TYPE, json)], body).into_response()
            }
            None => fault::forbidden(now),
        }
    })
    .await;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&format!("1-{}", uuid::Uuid::new_v4().simple())) {
        headers.insert("intuit_tid", id);
    }
    headers.insert("qbo-version", HeaderValue::from_static("1979.sandbox"));
    response
}

/// Checks the token, then the limits.
fn admit(
    shared: &Shared,
    realm: &str,
    bearer: &str,
    kind: &RequestKind,
    now: Timestamp,
) -> Option<Response> {
    let mut world = shared.world();
    let checked = world.tokens[Format::QuickBooks].check(bearer, realm, now);
    let throttle = &mut world.throttle[Format::QuickBooks];
    match checked {
        Bearer::Good => {}
        Bearer::Expired(_) | Bearer::Unknown => {
            throttle.count(realm, "unauthorized");
            return Some(fault::unauthorized(bearer, now));
        }
        Bearer::OtherCompany => {
            throttle.count(realm, "forbidden");
            return Some(fault::forbidden(now));
        }
    }
    throttle.count(realm, kind.word());
    if let RequestKind::Query(Some(entity)) = kind {
        throttle.count(realm, &format!("query {entity}"));
    }
    throttle
        .admit(realm, *kind == RequestKind::Batch, now)
        .err()
        .map(|_| fault::throttled(None, now))
}
