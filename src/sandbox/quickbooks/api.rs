//! The company's endpoints: what a request is, and what the books answer.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::query::{self, Singletons};
use super::wire::fault::Fault;
use super::wire::schema::Entity;
use super::wire::{answer_time, show};
use super::write::{self, Operation};
use super::{batch, changes};
use crate::sandbox::books::Kind;
use crate::sandbox::state::Company;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestKind {
    /// A statement about an entity.
    Query(Option<String>),
    /// One record by its id, company information or preferences.
    Read,
    /// Change data capture.
    Changes,
    /// A batch.
    Batch,
    /// A creation, update, deletion or voiding.
    Write,
    /// A path that there is not.
    Unknown,
}

impl RequestKind {
    /// Under what it is counted.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Query(_) => "query",
            Self::Read => "read",
            Self::Changes => "cdc",
            Self::Batch => "batch",
            Self::Write => "write",
            Self::Unknown => "unknown",
        }
    }
}

/// A request to a company, after routing.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    /// The path below `/v3/company/{realmId}/`, in parts.
    pub(super) path: Vec<&'a str>,
    pub(super) parameters: &'a HashMap<String, String>,
    pub(super) body: &'a Bytes,
}

impl Call<'_> {
    /// The statement of a query, from the address or the body.
    fn statement(&self) -> String {
        if *self.method == Method::POST {
            String::from_utf8_lossy(self.body).into_owned()
        } else {
            self.parameters.get("query").cloned().unwrap_or_default()
        }
    }

    /// What it is for.
    pub(super) fn kind(&self) -> RequestKind {
        match (self.method, self.path.as_slice()) {
            (&Method::GET | &Method::POST, ["query"]) => {
                RequestKind::Query(query::subject(&self.statement()))
            }
            (&Method::GET, ["cdc"]) => RequestKind::Changes,
            (&Method::POST, ["batch"]) => RequestKind::Batch,
            (&Method::GET, ["preferences"] | [_, _]) => RequestKind::Read,
            (&Method::POST, [_] | [_, _, "send"]) => RequestKind::Write,
            _ => RequestKind::Unknown,
        }
    }

    /// What the caller chose so that a repetition is answered as the first time.
    fn request_id(&self) -> Option<&str> {
        let is_post = *self.method == Method::POST;
        self.parameters
            .get("requestid")
            .map(String::as_str)
            .filter(|id| is_post && !id.is_empty())
    }
}

/// Answers a call that was admitted.
pub(super) fn answer(
    company: &mut Company,
    call: &Call<'_>,
    now: Timestamp,
) -> (StatusCode, Bytes) {
    if let Some(first) = call
        .request_id()
        .and_then(|id| company.quickbooks.answer_to(id))
    {
        return first;
    }
    let (status, body) = match work(company, call, now) {
        Ok(body) => (StatusCode::OK, body),
        Err(Refused::Fault(fault)) => (
            StatusCode::BAD_REQUEST,
            json!({"Fault": fault.body(), "time": answer_time(now)}),
        ),
        // Recorded: this one comes without a time.
        Err(Refused::InvalidId(fault)) => (StatusCode::BAD_REQUEST, json!({"Fault": fault.body()})),
    };
    let body = Bytes::from(body.to_string());
    if let Some(id) = call.request_id() {
        company
            .quickbooks
            .remember(id.to_owned(), status, body.clone());
    }
    (status, body)
}

/// A refusal, in one of two envelopes.
enum Refused {
    Fault(Fault),
    InvalidId(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn work(company: &mut Company, call: &Call<'_>, now: Timestamp) -> Result<Value, Refused> {
    let time = answer_time(now);
    match (call.method, call.path.as_slice()) {
        (&Method::GET | &Method::POST, ["query"]) => {
            let response = run_query(company, &call.statement())?;
            Ok(json!({"QueryResponse": response, "time": time}))
        }
        (&Method::GET, ["cdc"]) => {
            let response = changes::answer(&company.books, call.parameters, now)?;
            Ok(json!({"CDCResponse": [{"QueryResponse": response}], "time": time}))
        }
        (&Method::POST, ["batch"]) => {
            let items = batch::answer(company, call.body, now)?;
            Ok(json!({"BatchItemResponse": items, "time": time}))
        }
        (&Method::GET, ["companyinfo", _]) => {
            Ok(json!({"CompanyInfo": singletons(company).company_info, "time": time}))
        }
        (&Method::GET, ["preferences"]) => {
            Ok(json!({"Preferences": singletons(company).preferences, "time": time}))
        }
        (&Method::GET, [entity, id]) => {
            let entity = known(entity, call)?;
            let id: u64 = id
                .parse()
                .map_err(|_| Refused::InvalidId(Fault::invalid_id(id)))?;
            let shown = query::shown(&company.books, entity, id).ok_or_else(Fault::not_found)?;
            Ok(json!({entity.name(): shown, "time": time}))
        }
        (&Method::POST, [entity, id, "send"]) => {
            let entity = known(entity, call)?;
            let Entity::Kind(kind) = entity else {
                return Err(unsupported(call).into());
            };
            let id: u64 = id
                .parse()
                .map_err(|_| Refused::InvalidId(Fault::invalid_id(id)))?;
            let to = call.parameters.get("sendTo").map(String::as_str);
            let shown = write::send(&mut company.books, kind, id, to, now)?;
            Ok(json!({entity.name(): shown, "time": time}))
        }
        (&Method::POST, [entity]) => {
            let entity = known(entity, call)?;
            let operation = operation(entity, call)?;
            let body = serde_json::from_slice(call.body).map_err(|_| Fault::unreadable())?;
            let shown = write::write(&mut company.books, entity, operation, body, now)?;
            Ok(json!({entity.name(): shown, "time": time}))
        }
        _ => Err(unsupported(call).into()),
    }
}

fn singletons(company: &Company) -> Singletons {
    Singletons {
        company_info: show::company_info(&company.name, company.started),
        preferences: show::preferences(&company.books, company.started),
    }
}

/// Runs a statement.
pub(super) fn run_query(company: &mut Company, statement: &str) -> Result<Value, Fault> {
    let singletons = singletons(company);
    query::answer(
        &company.books,
        &mut company.quickbooks.found,
        &singletons,
        statement,
    )
}

fn known(entity: &str, call: &Call<'_>) -> Result<Entity, Fault> {
    Entity::parse(entity).ok_or_else(|| unsupported(call))
}

fn unsupported(call: &Call<'_>) -> Fault {
    Fault::unsupported(&format!("/{}", call.path.join("/")))
}

/// What the parameters of a write ask for. Invoices are voided by `operation=void`, payments and
/// receipts by `include=void`.
fn operation(entity: Entity, call: &Call<'_>) -> Result<Operation, Fault> {
    let operation = call.parameters.get("operation").map(String::as_str);
    let include = call.parameters.get("include").map(String::as_str);
    match (entity, operation, include) {
        (Entity::Kind(Kind::Invoice), Some("void"), _)
        | (
            Entity::Kind(
                Kind::Payment | Kind::SalesReceipt | Kind::RefundReceipt | Kind::CreditMemo,
            ),
            None | Some("update"),
            Some("void"),
        ) => Ok(Operation::Void),
        (Entity::Kind(_), Some("delete"), _) => Ok(Operation::Delete),
        (_, None | Some("update" | "create"), _) => Ok(Operation::Write),
        _ => Err(unsupported(call)),
    }
}
