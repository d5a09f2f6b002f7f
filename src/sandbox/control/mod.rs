//! The control endpoint: what a test, a demo or a curious person does to the books from outside.
//!
//! JSON in, JSON out; a mistake is 400 with `{"error": "…"}`. `company` is a `realmId` and may be left
//! out where there is only one; `format` is `quickbooks` (also when left out), `xero` or `sage`. Documents
//! are told as QuickBooks would.
//!
//! | Call | Does |
//! |---|---|
//! | `GET /sandbox` | lists the companies, with their sizes |
//! | `POST /sandbox/tokens {format?, company \| companies, access_token?, refresh_token?}` | gives tokens without a consent |
//! | `POST /sandbox/tokens/expire {format?, company, which: access\|refresh\|all}` | ends tokens before their time |
//! | `POST /sandbox/customers {company, customer?, name?, email?, currency?, terms_days?, credit_limit?, parent?, active?}` | writes a customer, or rewrites the one that `customer` names |
//! | `POST /sandbox/customers/merge {company, customer, into}` | puts a customer into another |
//! | `POST /sandbox/items {company, name, code?, price}` | writes an item |
//! | `POST /sandbox/invoices {company, customer, amount \| lines, due_days?, due?, date?, number?, description?}` | bills a customer (id or display name); lines are `{item, quantity, price}` |
//! | `POST /sandbox/credits {company, customer, amount \| lines, date?, number?, description?}` | credits a customer |
//! | `POST /sandbox/payments {company, customer, amount, apply?: oldest\|none\|[{to, amount}], prepayment?, date?, number?}` | money comes in; what it pays is named by id or number |
//! | `POST /sandbox/apply {company, from: credit_memo\|payment, id, to, amount, date?}` | applies a credit to an invoice |
//! | `POST /sandbox/refunds {company, from: credit_memo\|payment, id, amount, date?}` | pays a credit out |
//! | `POST /sandbox/delete {company, entity, id}` | deletes a document |
//! | `POST /sandbox/void {company, entity, id}` | voids a document |
//! | `GET /sandbox/balances?format=&company=` | every customer's balance, and the same added up from documents; with the ids that the format has for them and for the company |
//! | `GET /sandbox/counts?format=` | requests by company and kind |
//! | `GET /sandbox/usage?format=` | by company and for the `app` as a whole: all calls, those refused for a limit, and the most in any minute, in any day, and at once |
//! | `DELETE /sandbox/counts` | counts anew, in all formats |
//! | `GET\|POST\|DELETE /sandbox/faults` | orders of trouble, see below |
//! | `GET /sandbox/webhooks?format=` | where events go, and how many wait |
//! | `PUT /sandbox/webhooks?format= {url, key, mode?: deliver\|hold\|drop, style?: cloud_events\|legacy}` | where they are to go |
//! | `POST /sandbox/webhooks/deliver {format?, repeat?, reorder?, forge?}` | sends what waits, or what was accepted last; says what the receiver said |
//! | `POST /sandbox/webhooks/intent {format?}` | sends no events, signed rightly and wrongly in turn |
//! | `PUT /sandbox/limits {format?, per_minute, per_second, per_day, at_once, batches_per_minute, app_per_minute, app_per_day, app_at_once}` | left out or null means without limit |
//! | `PUT /sandbox/delay {company, milliseconds}` | how long each query or list takes |
//! | `PUT /sandbox/rotation {format?, rotation: daily\|always}` | when refresh tokens change |
//! | `PUT /sandbox/sage/terms {company, customer, credit_days?, credit_terms?}` | a contact's terms, in place of those that the books have |
//! | `PUT /sandbox/sage/oddities {company, refusal?: no_subscription\|denied, next_is_lost?}` | refuses every call about the business, or tells of no next page; what is left out ends |
//! | `POST /sandbox/reset` | everything as it was at the start |
//!
//! An order of trouble: `{kind, format?, company?, matching?, times?, skip?, stage?, milliseconds?,
//! retry_after?}` with `kind` one of `latency`, `unauthorized`, `throttled`, `server_error`,
//! `unavailable`, `disconnect`, `truncate`, `malformed`, `fault_inside`; `matching` a part of
//! `METHOD path?query` and body, decoded; `stage` `before` (the default) or `after` the work is done.
//! Without a `format` it is for all of them.

mod books;
mod documents;
mod names;
mod sage;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::books::{Kind, List};
use super::format::Format;
use super::options::{Limits, Rotation};
use super::quickbooks;
use super::state::{Company, Shared, World};
use super::tokens::Which;
use super::trouble::Trouble;
use super::webhooks::{Order, Settings};

/// The routes, below `/sandbox`.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(companies))
        .route("/tokens", post(tokens))
        .route("/tokens/expire", post(expire))
        .route("/customers", post(names::customer))
        .route("/customers/merge", post(names::merge))
        .route("/items", post(names::item))
        .route("/invoices", post(documents::invoice))
        .route("/credits", post(documents::credit))
        .route("/payments", post(documents::payment))
        .route("/apply", post(documents::apply))
        .route("/refunds", post(documents::refund))
        .route("/delete", post(books::delete))
        .route("/void", post(books::void))
        .route("/balances", get(books::balances))
        .route("/counts", get(counts).delete(reset_counts))
        .route("/usage", get(usage))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/limits", put(limits))
        .route("/webhooks", get(webhooks).put(set_webhooks))
        .route("/webhooks/deliver", post(deliver))
        .route("/webhooks/intent", post(intent))
        .route("/delay", put(delay))
        .route("/rotation", put(rotation))
        .route("/sage/terms", put(sage::terms))
        .route("/sage/oddities", put(sage::oddities))
        .route("/reset", post(reset))
}

/// A mistake of the caller, in words.
struct Mistake(String);

impl Mistake {
    fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl IntoResponse for Mistake {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({"error": self.0}))).into_response()
    }
}

type Outcome = Result<Json<Value>, Mistake>;

/// The `realmId` meant: the one named, or the only one.
fn realm(world: &World, named: Option<&str>) -> Result<String, Mistake> {
    match named {
        Some(realm) if world.companies.contains_key(realm) => Ok(realm.to_owned()),
        Some(realm) => Err(Mistake::new(format!("there is no company {realm}"))),
        None if world.companies.len() == 1 => {
            Ok(world.companies.keys().next().cloned().unwrap_or_default())
        }
        None => Err(Mistake::new("say which company")),
    }
}

fn company<'a>(world: &'a mut World, named: Option<&str>) -> Result<&'a mut Company, Mistake> {
    let realm = realm(world, named)?;
    world
        .companies
        .get_mut(&realm)
        .ok_or_else(|| Mistake::new(format!("there is no company {realm}")))
}

async fn companies(State(shared): State<Shared>) -> Json<Value> {
    let world = shared.world();
    let companies: Vec<Value> = world
        .companies
        .iter()
        .map(|(realm, company)| {
            let documents: serde_json::Map<String, Value> = Kind::ALL
                .into_iter()
                .map(|kind| (kind.entity().to_owned(), json!(company.books.count(kind))))
                .collect();
            json!({
                "company": realm,
                "name": company.name,
                "currency": company.books.home.code(),
                "multicurrency": company.books.multicurrency,
                "customers": company.books.names(List::Customer).count(),
                "documents": documents,
            })
        })
        .collect();
    Json(json!({"companies": companies}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokensWanted {
    #[serde(default)]
    format: Format,
    company: Option<String>,
    /// Several companies that one consent is to reach, instead of `company`.
    #[serde(default)]
    companies: Vec<String>,
    access_token: Option<String>,
    refresh_token: Option<String>,
}

async fn tokens(State(shared): State<Shared>, Json(wanted): Json<TokensWanted>) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let realms = if wanted.companies.is_empty() {
        vec![realm(&world, wanted.company.as_deref())?]
    } else {
        let named = |named: &String| realm(&world, Some(named));
        wanted
            .companies
            .iter()
            .map(named)
            .collect::<Result<_, _>>()?
    };
    let issued = world.tokens[wanted.format]
        .mint(
            realms,
            wanted.format.full_scope().to_owned(),
            wanted.access_token,
            wanted.refresh_token,
            now,
        )
        .ok_or_else(|| Mistake::new("no tokens"))?;
    Ok(Json(match wanted.format {
        Format::QuickBooks => quickbooks::consent::token_answer(&issued),
        Format::Xero | Format::Sage => json!({
            "access_token": issued.access,
            "refresh_token": issued.refresh,
            "expires_in": issued.access_life,
            "refresh_token_expires_in": issued.refresh_life,
            "scope": issued.scope,
            "companies": issued.realms,
        }),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expiry {
    #[serde(default)]
    format: Format,
    company: Option<String>,
    which: Which,
}

async fn expire(State(shared): State<Shared>, Json(expiry): Json<Expiry>) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let realm = realm(&world, expiry.company.as_deref())?;
    world.tokens[expiry.format].expire(&realm, expiry.which, now);
    Ok(Json(json!({})))
}

/// The wire format meant: QuickBooks' unless one is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InFormat {
    #[serde(default)]
    format: Format,
}

async fn counts(State(shared): State<Shared>, Query(of): Query<InFormat>) -> Json<Value> {
    Json(shared.world().throttle[of.format].counts())
}

async fn usage(State(shared): State<Shared>, Query(of): Query<InFormat>) -> Json<Value> {
    Json(shared.world().throttle[of.format].usage())
}

async fn reset_counts(State(shared): State<Shared>) -> Json<Value> {
    let mut world = shared.world();
    for format in Format::ALL {
        world.throttle[format].reset_counts();
    }
    Json(json!({}))
}

async fn faults(State(shared): State<Shared>) -> Json<Value> {
    Json(json!(shared.world().troubles.list()))
}

async fn add_fault(State(shared): State<Shared>, Json(trouble): Json<Trouble>) -> Json<Value> {
    shared.world().troubles.add(trouble);
    Json(json!({}))
}

async fn clear_faults(State(shared): State<Shared>) -> Json<Value> {
    shared.world().troubles.clear();
    Json(json!({}))
}

async fn limits(State(shared): State<Shared>, Json(mut wanted): Json<Value>) -> Outcome {
    let format = match wanted.as_object_mut().and_then(|it| it.remove("format")) {
        Some(format) => serde_json::from_value(format),
        None => Ok(Format::default()),
    };
    let read = format.and_then(|format| Ok((format, serde_json::from_value::<Limits>(wanted)?)));
    let (format, wanted) = read.map_err(|error| Mistake::new(error.to_string()))?;
    let limits = &mut shared.world().throttle[format].limits;
    *limits = Limits {
        windows: limits.windows,
        ..wanted
    };
    Ok(Json(json!({})))
}

async fn webhooks(State(shared): State<Shared>, Query(of): Query<InFormat>) -> Json<Value> {
    let world = shared.world();
    let hook = &world.hooks[of.format];
    Json(json!({"settings": hook.settings, "waiting": hook.waiting()}))
}

async fn set_webhooks(
    State(shared): State<Shared>,
    Query(of): Query<InFormat>,
    Json(settings): Json<Settings>,
) -> Json<Value> {
    shared.world().hooks[of.format].settings = settings;
    Json(json!({}))
}

async fn deliver(State(shared): State<Shared>, Json(order): Json<Order>) -> Json<Value> {
    // What has happened up to now belongs to it.
    shared.publish();
    Json(shared.deliver(&order).await)
}

async fn intent(State(shared): State<Shared>, Json(of): Json<InFormat>) -> Json<Value> {
    Json(shared.ask_intent(of.format).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delay {
    company: Option<String>,
    milliseconds: u64,
}

async fn delay(State(shared): State<Shared>, Json(wanted): Json<Delay>) -> Outcome {
    let mut world = shared.world();
    company(&mut world, wanted.company.as_deref())?.page_delay =
        std::time::Duration::from_millis(wanted.milliseconds);
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationWanted {
    #[serde(default)]
    format: Format,
    rotation: Rotation,
}

async fn rotation(State(shared): State<Shared>, Json(wanted): Json<RotationWanted>) -> Json<Value> {
    shared.world().tokens[wanted.format].policy.rotation = wanted.rotation;
    Json(json!({}))
}

async fn reset(State(shared): State<Shared>) -> Json<Value> {
    shared.reset();
    Json(json!({}))
}
