//! Batches: up to thirty operations in one request, each with a fate of its own.

use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::api::run_query;
use super::wire::fault::Fault;
use super::wire::schema::Entity;
use super::write::{self, Operation};
use crate::sandbox::state::Company;

/// The most items of one batch.
const MOST_ITEMS: usize = 30;

/// Carries out the items and gives their answers, in their order.
///
/// # Errors
///
/// When the body is no batch, or has too many items. A fault of an item stands inside the answer.
pub(super) fn answer(company: &mut Company, body: &Bytes, now: Timestamp) -> Result<Value, Fault> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Fault::unreadable())?;
    let Some(Value::Array(items)) = body.get("BatchItemRequest") else {
        return Err(Fault::missing("BatchItemRequest"));
    };
    if items.len() > MOST_ITEMS {
        return Err(Fault::business(&format!(
            "A batch has at most {MOST_ITEMS} items."
        )));
    }
    let answers = items
        .iter()
        .map(|item| {
            let mut answer = match item_answer(company, item, now) {
                Ok(answer) => answer,
                Err(fault) => json!({"Fault": fault.body()}),
            };
            answer["bId"] = item.get("bId").cloned().unwrap_or(Value::Null);
            answer
        })
        .collect();
    Ok(Value::Array(answers))
}

fn item_answer(company: &mut Company, item: &Value, now: Timestamp) -> Result<Value, Fault> {
    if let Some(statement) = item.get("Query").and_then(Value::as_str) {
        return Ok(json!({"QueryResponse": run_query(company, statement)?}));
    }
    let entity = item
        .as_object()
        .and_then(|item| item.keys().find_map(|key| Entity::parse(key)))
        .ok_or_else(|| Fault::missing("BatchItemRequest"))?;
    let operation = match item.get("operation").and_then(Value::as_str) {
        Some("create" | "update") => match item.get("optionsData").and_then(Value::as_str) {
            Some("void") => Operation::Void,
            _ => Operation::Write,
        },
        Some("delete") => Operation::Delete,
        Some("void") => Operation::Void,
        Some(_) => return Err(Fault::bad_enumeration("operation")),
        None => return Err(Fault::missing("operation")),
    };
    let shown = write::write(
        &mut company.books,
        entity,
        operation,
        item[entity.name()].clone(),
        now,
    )?;
    let mut answer = Map::new();
    answer.insert(entity.name().to_owned(), shown);
    Ok(Value::Object(answer))
}
