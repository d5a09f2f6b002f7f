//! The JSON of the API: records out, requests in, errors.

pub(crate) mod fault;
pub(crate) mod request;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod show_document;
mod show_lines;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Number, Value};

use crate::sandbox::books::zone;

/// An instant in whole seconds with an offset (`2026-05-05T03:08:49-07:00`), as `MetaData` has it.
pub(crate) fn instant(at: Timestamp) -> String {
    at.to_zoned(zone())
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// An instant with milliseconds, as the `time` of an answer has it.
pub(crate) fn answer_time(at: Timestamp) -> String {
    at.to_zoned(zone())
        .strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")
        .to_string()
}

/// A decimal as a JSON number, digit for digit.
fn number(text: &str) -> Value {
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// An amount as the wire spells it: two decimals, but a bare `0`.
pub(crate) fn amount(amount: Decimal) -> Value {
    if amount.is_zero() {
        return number("0");
    }
    let mut amount = amount.normalize();
    if amount.scale() < 2 {
        amount.rescale(2);
    }
    number(&amount.to_string())
}

/// A quantity, price, percentage or rate as the wire spells it: no trailing zeros.
pub(crate) fn quantity(quantity: Decimal) -> Value {
    number(&quantity.normalize().to_string())
}

/// `{"value":…,"name":…}`.
pub(crate) fn reference(value: &(impl ToString + ?Sized), name: Option<&str>) -> Value {
    let mut reference = Map::new();
    reference.insert("value".to_owned(), Value::String(value.to_string()));
    if let Some(name) = name {
        reference.insert("name".to_owned(), Value::String(name.to_owned()));
    }
    Value::Object(reference)
}
