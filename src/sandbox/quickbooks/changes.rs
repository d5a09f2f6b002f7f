//! Change data capture.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::query::{field, shown};
use super::wire::fault::Fault;
use super::wire::instant;
use super::wire::schema::{EMPTY, Entity, NOT_CAPTURED};
use crate::sandbox::books::{Books, Id};

/// How far back it reaches.
const WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The most objects of one answer. There is no next page and nothing says that some are missing.
const MOST_OBJECTS: usize = 1000;

/// One entry per entity asked for, in their order.
///
/// # Errors
///
/// When a parameter is missing or no time, reaches too far back, or names an entity that is not
/// covered.
pub(super) fn answer(
    books: &Books,
    parameters: &HashMap<String, String>,
    now: Timestamp,
) -> Result<Value, Fault> {
    let since = parameters
        .get("changedSince")
        .ok_or_else(|| Fault::missing("changedSince"))?;
    let at = field::instant(since)
        .ok_or_else(|| Fault::query_validation(format!("value {since} is no time")))?;
    if now.duration_since(at) > WINDOW {
        return Err(Fault::business(&format!(
            "Operation cdc with changedSince date {since} which is older than fixed days is not \
             supported."
        )));
    }
    let entities = parameters
        .get("entities")
        .ok_or_else(|| Fault::missing("entities"))?;
    let mut left = MOST_OBJECTS;
    let mut response = Vec::new();
    for name in entities.split(',').map(str::trim) {
        let Some(entity) = Entity::parse(name) else {
            let empty = EMPTY.iter().any(|empty| empty.eq_ignore_ascii_case(name))
                && !NOT_CAPTURED
                    .iter()
                    .any(|not| not.eq_ignore_ascii_case(name));
            if !empty {
                return Err(Fault::query_validation(format!(
                    "invalid context declaration: {name}"
                )));
            }
            response.push(json!({}));
            continue;
        };
        let objects = changed(books, entity, at, left);
        left -= objects.len();
        response.push(entry(entity, objects));
    }
    Ok(Value::Array(response))
}

fn entry(entity: Entity, objects: Vec<Value>) -> Value {
    // A type without changes gives an empty object.
    if objects.is_empty() {
        return json!({});
    }
    let mut entry = Map::new();
    entry.insert("startPosition".to_owned(), json!(1));
    entry.insert("maxResults".to_owned(), json!(objects.len()));
    if entity.counts_pages() {
        entry.insert("totalCount".to_owned(), json!(objects.len()));
    }
    entry.insert(entity.name().to_owned(), Value::Array(objects));
    Value::Object(entry)
}

/// What changed since, by last change, and what was deleted after it.
fn changed(books: &Books, entity: Entity, since: Timestamp, most: usize) -> Vec<Value> {
    // The wire has whole seconds, so that is how the comparison is made.
    let since = Timestamp::from_second(since.as_second()).unwrap_or(since);
    let mut live: Vec<(Timestamp, Id)> = match entity {
        Entity::List(list) => books
            .names(list)
            .map(|name| (name.stamp.updated, name.id))
            .collect(),
        Entity::Kind(kind) => books
            .documents(kind)
            .map(|document| (document.stamp.updated, document.id))
            .collect(),
    };
    live.retain(|(updated, _)| *updated >= since);
    live.sort_unstable();
    let deleted = books
        .tombstones()
        .iter()
        .filter(|tombstone| Entity::Kind(tombstone.kind) == entity && tombstone.deleted >= since);
    live.into_iter()
        .filter_map(|(_, id)| shown(books, entity, id))
        .chain(deleted.map(|tombstone| {
            json!({
                "domain": "QBO",
                "status": "Deleted",
                "Id": tombstone.id.to_string(),
                "MetaData": {"LastUpdatedTime": instant(tombstone.deleted)},
            })
        }))
        .take(most)
        .collect()
}
