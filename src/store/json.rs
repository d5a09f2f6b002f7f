//! Rows as one JSON text, so that a page of a thousand records is a few statements and not
//! thousands: `json_each` makes rows of it on both engines.

use serde::Serialize;

use super::codec::to_json;
use super::error::StoreResult;

#[derive(Serialize)]
struct Id<'a> {
    id: &'a str,
}

/// `[{"id":"1"},…]`: objects, since a bare text element reads differently on the two engines.
pub(super) fn ids<'a>(ids: impl IntoIterator<Item = &'a str>) -> StoreResult<String> {
    let rows: Vec<Id<'_>> = ids.into_iter().map(|id| Id { id }).collect();
    to_json(&rows, "id")
}

/// Rows of any shape.
pub(super) fn rows<T: Serialize>(rows: &[T]) -> StoreResult<String> {
    to_json(&rows, "rows")
}

/// Joins rows that are JSON texts already.
pub(super) fn array<'a>(rows: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for (index, row) in rows.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(row);
    }
    text.push(']');
    text
}
