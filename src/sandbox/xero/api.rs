//! The organisation's endpoints: what a request is, and what the books answer.

use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::list::{Query, Refused};
use super::rows::{Resource, Row, Shown};
use super::show::{Extent, Form, Show};
use super::{json_answer, wire};
use crate::sandbox::books::{Books, zone};
use crate::sandbox::consent::Asked;
use crate::sandbox::guid::Guid;
use crate::sandbox::state::Company;

/// A request to an organisation, after routing.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    /// The path below `/api.xro/2.0/`, in parts.
    pub(super) path: Vec<&'a str>,
    pub(super) asked: &'a Asked,
    /// `If-Modified-Since`.
    pub(super) since: Option<&'a str>,
    pub(super) accepts: &'a str,
}

impl Call<'_> {
    /// Whether it reads a list.
    pub(super) fn is_list(&self) -> bool {
        *self.method == Method::GET && self.path.len() == 1
    }

    /// Under what it is counted: the resource, and a slash after it for one record.
    pub(super) fn word(&self) -> String {
        let resource = match self.path.first() {
            Some(word) if word.eq_ignore_ascii_case("Organisation") => "Organisation",
            Some(word) => Resource::parse(word).map_or("unknown", Resource::word),
            None => "unknown",
        };
        match (*self.method == Method::GET, self.path.len()) {
            (false, _) => format!("write {resource}"),
            (true, 1) => resource.to_owned(),
            (true, _) => format!("{resource}/"),
        }
    }
}

/// Whether a scope covers a call. Which scope each resource takes is as the granular ones say.
pub(super) fn is_in_scope(call: &Call<'_>, scope: &str) -> bool {
    let resource = call.path.first().and_then(|word| Resource::parse(word));
    let wanted: &[&str] = match resource {
        Some(Resource::Contacts) => &["contacts"],
        Some(Resource::Invoices | Resource::CreditNotes) => &["invoices"],
        Some(Resource::Items) => &["invoices", "settings"],
        Some(Resource::Payments | Resource::Overpayments | Resource::Prepayments) => &["payments"],
        None => &["settings"],
    };
    scope.split(' ').any(|given| {
        let given = given.strip_prefix("accounting.").unwrap_or_default();
        wanted.contains(&given.strip_suffix(".read").unwrap_or(given))
    })
}

/// Answers a call that was admitted.
pub(super) fn answer(
    company: &mut Company,
    realm: &str,
    call: &Call<'_>,
    now: Timestamp,
) -> Response {
    if *call.method != Method::GET {
        return StatusCode::NOT_IMPLEMENTED.into_response();
    }
    if !call.accepts.contains("application/json") {
        // The answer is XML when nobody asks for JSON.
        let xml = "<Response><Status>OK</Status></Response>";
        return ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], xml).into_response();
    }
    let show = Show {
        books: &company.books,
        realm,
        today: now.to_zoned(zone()).date(),
    };
    let kept = &mut company.xero.0;
    let path: Vec<String> = call.path.iter().map(|part| part.to_lowercase()).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["organisation" | "organisations"] => {
            let organisation = show.organisation(&company.name, company.started);
            envelope("Organisations", vec![organisation], None, now)
        }
        [word] => {
            let Some(resource) = Resource::parse(word) else {
                return not_found();
            };
            match Query::new(resource, call.asked, call.since).answer(&show, kept) {
                Ok(answer) => envelope(resource.word(), answer.rows, answer.pagination, now),
                Err(refused) => query_fault(&refused),
            }
        }
        [word, id] => {
            let Some(resource) = Resource::parse(word) else {
                return not_found();
            };
            let Some(row) = find(&show, kept, resource, id) else {
                return not_found();
            };
            let owes = kept.owes(show.books, show.today);
            let form = Form {
                extent: Extent::Single,
                precise: Query::new(resource, call.asked, None).is_precise(),
            };
            let shown = show.row(resource, &row, form, Some(&owes));
            envelope(resource.word(), vec![shown], None, now)
        }
        _ => not_found(),
    }
}

/// One record: by its id, an invoice or a credit note also by its number.
fn find(
    show: &Show<'_>,
    kept: &mut super::rows::Kept,
    resource: Resource,
    id: &str,
) -> Option<Row> {
    let guid = Guid::parse(id, show.realm);
    let rows = kept.rows(show.books, show.realm, show.today, resource);
    rows.iter()
        .find(|row| match guid {
            Some(guid) => row.guid == guid,
            None => number(show.books, resource, row.shown)
                .is_some_and(|number| number.eq_ignore_ascii_case(id)),
        })
        .copied()
}

fn number(books: &Books, resource: Resource, shown: Shown) -> Option<&str> {
    use crate::sandbox::books::Kind;
    let (Resource::Invoices | Resource::CreditNotes, Shown::Live(id)) = (resource, shown) else {
        return None;
    };
    let kind = if resource == Resource::Invoices {
        Kind::Invoice
    } else {
        Kind::CreditMemo
    };
    books.document(kind, id)?.number.as_deref()
}

/// The envelope of an answer.
fn envelope(word: &str, rows: Vec<Value>, pagination: Option<Value>, now: Timestamp) -> Response {
    let id = uuid::Uuid::new_v4().to_string();
    let mut body = Map::new();
    body.insert("Id".to_owned(), json!(id));
    body.insert("Status".to_owned(), json!("OK"));
    body.insert("ProviderName".to_owned(), json!("Sandbox"));
    body.insert("DateTimeUTC".to_owned(), json!(wire::bare_instant(now)));
    if let Some(pagination) = pagination {
        body.insert("pagination".to_owned(), pagination);
    }
    body.insert(word.to_owned(), Value::Array(rows));
    json_answer(wire::text(&Value::Object(body)), &id)
}

/// 404: HTML, and nothing in it.
fn not_found() -> Response {
    (
        StatusCode::NOT_FOUND,
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        "",
    )
        .into_response()
}

fn query_fault(refused: &Refused) -> Response {
    let body = json!({
        "ErrorNumber": 16,
        "Type": "QueryParseException",
        "Message": refused.0,
    });
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}
