//! Xero's wire format, below `/xero`: the reading side of its accounting API, and its consent.
//!
//! A company is an organisation of the same name, its customers are contacts. What is told follows the
//! recorded answers; what they leave open is said where it is decided. Some things are told in other words
//! than the books have them:
//!
//! * Sub-customers do not exist here: each is a contact of its own.
//! * A payment that was wholly applied when it was entered is one payment for each invoice. One that had
//!   a rest on account is an overpayment with allocations, and stays one for good; when an applied payment
//!   comes to have a rest, its payments are deleted and it becomes an overpayment. One that the control
//!   endpoint calls a prepayment is that.
//! * A credit memo is a credit note, a payment of zero that applies it its allocation, an expense on
//!   receivables that pays it out a refund (`ARCREDITPAYMENT`).
//! * What is voided is `VOIDED`, what is deleted `DELETED` (or `VOIDED`, where there is no other word), and
//!   both are still listed, since that is how this service tells of it.
//! * Journal entries, deposits, other expenses, sales receipts and refund receipts are not shown: what is
//!   read here has no word for them. What they settle counts as open, so balances here may differ from
//!   those that QuickBooks' format tells.
//!
//! Writing is answered with 501.

mod api;
mod consent;
mod filter;
mod ledger;
mod list;
mod rows;
mod show;
pub(crate) mod webhook;
mod wire;

pub(crate) use wire::{contact_id, tenant_id};

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use self::api::Call;
use self::rows::Kept as Rows;
use super::consent::{Asked, bearer};
use super::format::{Faults, Format};
use super::listener::Cutter;
use super::server::{Place, through_trouble};
use super::state::{Shared, World};
use super::throttle::Remaining;
use super::tokens::{Bearer, GrantRules};

/// Every scope that reading takes.
pub(crate) const FULL_SCOPE: &str = "offline_access accounting.contacts.read \
     accounting.invoices.read accounting.payments.read accounting.settings.read";

/// How long a code may wait is not known; five minutes is usual.
pub(crate) const RULES: GrantRules = GrantRules {
    code_life: SignedDuration::from_mins(5),
    hard_limit: None,
    reuse_ends_grant: false,
    prefixes: ["", "eyJhbGciOi.", ""],
};

/// What this wire format keeps of a company beside its books.
#[derive(Debug, Default)]
pub(crate) struct Kept(Rows);

/// The routes, below `/xero`.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api.xro/2.0/{*path}", any(organisation))
        .route("/connections", get(consent::connections))
        .route("/Connections", get(consent::connections))
        .route("/connections/{id}", delete(consent::disconnect))
        .route(
            "/identity/connect/authorize",
            get(consent::page).post(consent::decide),
        )
        .route("/connect/token", post(consent::token))
        .route("/connect/revocation", post(consent::revoke))
}

/// How this wire format words what goes wrong.
pub(crate) struct Words;

/// 401, with keys in capitals.
fn unauthorized(detail: &str) -> Response {
    let body = json!({
        "Type": null,
        "Title": "Unauthorized",
        "Status": 401,
        "Detail": detail,
        "Instance": uuid::Uuid::new_v4().to_string(),
        "Extensions": {},
    });
    (StatusCode::UNAUTHORIZED, axum::Json(body)).into_response()
}

fn expired(since: Timestamp) -> Response {
    let since = since.strftime("%m/%d/%Y %H:%M:%S");
    unauthorized(&format!("TokenExpired: token expired at {since}"))
}

/// 403, with keys in small letters: another organisation, or a scope that was not given.
fn forbidden(detail: &str) -> Response {
    let body = json!({
        "title": "Forbidden",
        "status": 403,
        "detail": detail,
        "instance": uuid::Uuid::new_v4().to_string(),
    });
    (StatusCode::FORBIDDEN, axum::Json(body)).into_response()
}

/// 429, without a body and without a type.
fn throttled(problem: &'static str, retry_after: Option<u64>) -> Response {
    let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
    let headers = response.headers_mut();
    headers.insert("x-rate-limit-problem", HeaderValue::from_static(problem));
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

impl Faults for Words {
    fn unauthorized(&self, now: Timestamp) -> Response {
        expired(now)
    }

    fn throttled(&self, retry_after: Option<u64>, _now: Timestamp) -> Response {
        throttled("minute", retry_after)
    }

    fn system(&self, _now: Timestamp) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }

    fn unavailable(&self) -> Response {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "The Xero API is temporarily unavailable",
        )
            .into_response()
    }

    fn malformed(&self) -> Response {
        (
            [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
            "{\"Id\":\"0\",\"Status\":\"OK\",\"Invoices\":[{\"InvoiceID\":",
        )
            .into_response()
    }
}

/// The company that a tenant id means.
fn realm_of(world: &World, tenant: &str) -> Option<String> {
    world
        .companies
        .keys()
        .find(|realm| wire::tenant_id(realm) == tenant.to_lowercase())
        .cloned()
}

/// Any request to an organisation.
async fn organisation(
    State(shared): State<Shared>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path(path): Path<String>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let tenant = text("xero-tenant-id").unwrap_or_default();
    let realm = realm_of(&shared.world(), tenant).unwrap_or_default();
    let asked = Asked::parse(uri.query().unwrap_or_default().as_bytes());
    let call = Call {
        method: &method,
        path: path.split('/').collect(),
        asked: &asked,
        since: text("if-modified-since"),
        accepts: text("accept").unwrap_or_default(),
    };
    let decoded: Vec<String> = asked
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let description = format!("{method} {}?{}", uri.path(), decoded.join("&"));
    let place = Place::company(Format::Xero, &realm);
    let mut response = through_trouble(&shared, &cutter, place, &description, async || {
        if let Some(refusal) = admit(&shared, &realm, bearer(&headers), &call) {
            return refusal;
        }
        if call.is_list() {
            shared.page_delay(&realm).await;
        }
        let now = shared.now();
        let mut world = shared.world();
        match world.companies.get_mut(&realm) {
            Some(company) => api::answer(company, &realm, &call, now),
            None => forbidden("AuthenticationUnsuccessful"),
        }
    })
    .await;
    let now = shared.now();
    let remaining = shared.world().throttle[Format::Xero].remaining(&realm, now);
    add_headers(response.headers_mut(), remaining);
    response
}

/// Checks the token and its scope, then the limits.
fn admit(shared: &Shared, realm: &str, bearer: &str, call: &Call<'_>) -> Option<Response> {
    let now = shared.now();
    let mut world = shared.world();
    let tokens = &world.tokens[Format::Xero];
    let checked = tokens.check(bearer, realm, now);
    let scoped = tokens
        .reach(bearer, now)
        .is_ok_and(|reach| api::is_in_scope(call, reach.scope));
    let throttle = &mut world.throttle[Format::Xero];
    let refusal = match checked {
        Bearer::Good if scoped => None,
        Bearer::Good => Some(("forbidden", forbidden("AuthorizationUnsuccessful"))),
        Bearer::Expired(since) => Some(("unauthorized", expired(since))),
        Bearer::Unknown => Some(("unauthorized", unauthorized("AuthenticationUnsuccessful"))),
        Bearer::OtherCompany => Some(("forbidden", forbidden("AuthenticationUnsuccessful"))),
    };
    if let Some((word, refusal)) = refusal {
        throttle.count(realm, word);
        return Some(refusal);
    }
    throttle.count(realm, &call.word());
    throttle
        .admit(realm, false, now)
        .err()
        .map(|refused| throttled(refused.limit, refused.retry_after))
}

/// What is left of the limits, and the id of the answer.
fn add_headers(headers: &mut HeaderMap, remaining: Remaining) {
    for (name, left) in [
        ("x-minlimit-remaining", remaining.minute),
        ("x-daylimit-remaining", remaining.day),
        ("x-appminlimit-remaining", remaining.app_minute),
    ] {
        if let Some(left) = left {
            headers.insert(HeaderName::from_static(name), left.into());
        }
    }
    headers
        .entry("xero-correlation-id")
        .or_insert_with(|| correlation(&uuid::Uuid::new_v4().to_string()));
}

fn correlation(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

/// An answer in JSON, whose id the trace header repeats.
fn json_answer(text: String, id: &str) -> Response {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    headers.insert("xero-correlation-id", correlation(id));
    response
}
