//! What no ledger should send, in every place where it could.

use serde_json::{Value, json};

/// Values that stand in no good body, or not there.
pub(crate) fn bad() -> Vec<Value> {
    let long = "9".repeat(40);
    let mut values = vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!([]),
        json!({}),
        json!([[1]]),
        json!(""),
        json!(" "),
        json!("Voided\u{301}\u{1F4A5}"),
        json!("9999-12-31"),
        json!("-009999-01-01T00:00:00-23:59"),
        json!("x".repeat(10_000)),
        json!("2026-02-30"),
        json!("#"),
        json!("NaN"),
    ];
    for number in [
        long.as_str(),
        "-0",
        "1e300",
        "-1e-300",
        "999999999999999",
        "1.000000000000000000000000001",
    ] {
        values.push(serde_json::from_str(number).expect("a number"));
    }
    values
}

/// Every place of a value, as a JSON pointer.
pub(crate) fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    if !at.is_empty() {
        found.push(at.to_owned());
    }
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                places(inner, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (n, inner) in items.iter().enumerate() {
                places(inner, &format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}
