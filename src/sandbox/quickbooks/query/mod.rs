//! `SELECT … FROM …`: the statement of the query endpoint, read and answered.

pub(crate) mod field;
mod parse;

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use self::field::{Field, Record};
use self::parse::{Comparison, Condition, Literal, Statement};
use super::wire::fault::Fault;
use super::wire::schema::{EMPTY, Entity};
use super::wire::{show, show_document};
use crate::sandbox::books::{Books, Id, List};
use crate::sandbox::found::Found;

/// The rows of a page when the statement does not say.
const DEFAULT_PAGE: usize = 100;
/// The most rows of a page.
const MOST_ROWS: usize = 1000;
/// Company information and preferences, which can be queried as lists of one.
pub(crate) struct Singletons {
    pub(crate) company_info: Value,
    pub(crate) preferences: Value,
}

/// What a statement is about, for counters: the entity's name, if it can be read.
pub(crate) fn subject(statement: &str) -> Option<String> {
    parse::statement(statement)
        .ok()
        .map(|statement| statement.entity)
}

/// Answers a statement with the contents of `QueryResponse`.
///
/// # Errors
///
/// 4000 for what is no statement, 4001 for one that asks for what there is not.
pub(crate) fn answer(
    books: &Books,
    found: &mut Found<Id>,
    singletons: &Singletons,
    statement: &str,
) -> Result<Value, Fault> {
    let statement = parse::statement(statement)?;
    let (start, most) = page(&statement)?;
    let singleton = match statement.entity.as_str() {
        "CompanyInfo" => Some(&singletons.company_info),
        "Preferences" => Some(&singletons.preferences),
        _ => None,
    };
    if let Some(singleton) = singleton {
        return Ok(json!({
            statement.entity: [singleton], "startPosition": 1, "maxResults": 1,
        }));
    }
    let Some(entity) = Entity::all().find(|entity| entity.name() == statement.entity) else {
        if EMPTY.contains(&statement.entity.as_str()) {
            return Ok(if statement.count {
                json!({"totalCount": 0})
            } else {
                json!({})
            });
        }
        return Err(Fault::query_validation(format!(
            "invalid context declaration: {}",
            statement.entity
        )));
    };
    check(entity, &statement)?;
    let key = statement.without_page();
    let ids = if let Some(ids) = found.get(books.revision, &key) {
        ids
    } else {
        let ids: Arc<[Id]> = select(books, entity, &statement).into();
        found.put(key, Arc::clone(&ids));
        ids
    };
    if statement.count {
        return Ok(json!({"totalCount": ids.len()}));
    }
    let rows: Vec<Value> = ids
        .iter()
        .skip(start - 1)
        .take(most)
        .filter_map(|id| shown(books, entity, *id))
        .collect();
    // Recorded: past the end the entity's key is absent, not an empty list.
    if rows.is_empty() {
        return Ok(json!({}));
    }
    let mut response = Map::new();
    response.insert("startPosition".to_owned(), json!(start));
    response.insert("maxResults".to_owned(), json!(rows.len()));
    if entity.counts_pages() {
        response.insert("totalCount".to_owned(), json!(ids.len()));
    }
    response.insert(entity.name().to_owned(), Value::Array(rows));
    Ok(Value::Object(response))
}

/// One record as the API shows it.
pub(crate) fn shown(books: &Books, entity: Entity, id: Id) -> Option<Value> {
    match entity {
        Entity::List(list) => books
            .name(list, id)
            .map(|name| show::name(books, list, name)),
        Entity::Kind(kind) => books
            .document(kind, id)
            .map(|document| show_document::document(books, document)),
    }
}

/// The page that a statement asks for: its first row from 1, and the most rows.
fn page(statement: &Statement) -> Result<(usize, usize), Fault> {
    let start = statement.start.unwrap_or(1);
    let most = statement.most.unwrap_or(DEFAULT_PAGE);
    if start == 0 || most == 0 {
        return Err(Fault::query_validation(
            "value 0 is too small. Min allowed value is 1",
        ));
    }
    if most > MOST_ROWS {
        return Err(Fault::query_validation(format!(
            "value {most} is too large. Max allowed value is {MOST_ROWS}"
        )));
    }
    Ok((start, most))
}

/// Refuses properties that the entity has not, and comparisons that a property does not take.
fn check(entity: Entity, statement: &Statement) -> Result<(), Fault> {
    let known = entity.properties();
    let properties = statement
        .conditions
        .iter()
        .map(|condition| condition.property.as_str())
        .chain(statement.order.iter().map(|order| order.property.as_str()));
    for property in properties {
        let dotted = matches!(property, "MetaData.CreateTime" | "MetaData.LastUpdatedTime");
        if !dotted && !known.contains(&property) {
            return Err(Fault::query_validation(format!(
                "Property {property} not found for Entity {}",
                entity.name()
            )));
        }
    }
    for condition in &statement.conditions {
        let values = match &condition.comparison {
            Comparison::In(values) => values.as_slice(),
            Comparison::Like => &[],
            Comparison::Is(..) => std::slice::from_ref(&condition.value),
        };
        if let Some(Literal::Text(value)) = values
            .iter()
            .find(|value| !field::is_possible(&condition.property, value))
        {
            return Err(Fault::query_validation(format!(
                "value {value} is not valid for property {}",
                condition.property
            )));
        }
        if condition.property == "Id"
            && !matches!(
                condition.comparison,
                Comparison::In(_) | Comparison::Is(Ordering::Equal, true)
            )
        {
            return Err(Fault::query_validation(
                "Property Id supports only the operators = and IN",
            ));
        }
    }
    Ok(())
}

/// The ids of what a statement finds, in its order.
fn select(books: &Books, entity: Entity, statement: &Statement) -> Vec<Id> {
    // Inactive names are hidden unless the statement speaks of Active.
    let asks_active = statement
        .conditions
        .iter()
        .any(|condition| condition.property == "Active");
    let mut rows: Vec<Record<'_>> = match entity {
        Entity::List(list) => books
            .names(list)
            .filter(|name| asks_active || name.active)
            .map(|name| Record::Name(books, list, name))
            .collect(),
        Entity::Kind(kind) => books.documents(kind).map(Record::Document).collect(),
    };
    rows.retain(|row| {
        statement
            .conditions
            .iter()
            .all(|condition| holds(row, condition))
    });
    match (&statement.order, entity) {
        (Some(order), _) => rows.sort_by(|left, right| {
            let ordering = left
                .field(&order.property)
                .compare(&right.field(&order.property));
            if order.descending {
                ordering.reverse()
            } else {
                ordering
            }
        }),
        // Recorded: names by name, transactions by last change, the latest first.
        (None, Entity::List(List::Customer | List::Vendor | List::Item | List::Account)) => {
            rows.sort_by_cached_key(Record::full_name);
        }
        (None, Entity::List(List::Term)) => {}
        (None, Entity::Kind(_)) => {
            rows.sort_by_key(|row| std::cmp::Reverse((row.updated(), row.id())));
        }
    }
    rows.iter().map(Record::id).collect()
}

fn holds(row: &Record<'_>, condition: &Condition) -> bool {
    let field = row.field(&condition.property);
    match &condition.comparison {
        Comparison::Is(wanted, or_equal) => match field.compare_literal(&condition.value) {
            Some(ordering) => ordering == *wanted || (*or_equal && ordering == Ordering::Equal),
            None => false,
        },
        Comparison::In(values) => values
            .iter()
            .any(|value| field.compare_literal(value) == Some(Ordering::Equal)),
        Comparison::Like => match (&field, &condition.value) {
            (Field::Absent, _) | (_, Literal::Flag(_)) => false,
            (field, Literal::Text(pattern)) => field::like(&field.text(), pattern),
        },
    }
}

#[cfg(test)]
mod tests;
