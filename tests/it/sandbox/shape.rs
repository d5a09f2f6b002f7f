//! Whether two JSON bodies have the same keys and the same types, all the way down.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::contracts;

/// How `answered` differs from `recorded`: `-a.b` is missing, `+a.b` is more, `a.b: number is text` is
/// of another type, `a.b: 2 rows are 1` has another length.
pub(super) fn differences(recorded: &Value, answered: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    compare("", recorded, answered, &mut found);
    found
}

fn compare(path: &str, recorded: &Value, answered: &Value, found: &mut BTreeSet<String>) {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match (recorded, answered) {
        (Value::Object(left), Value::Object(right)) => {
            for (key, value) in left {
                match right.get(key) {
                    Some(other) => compare(&below(key), value, other, found),
                    None => {
                        found.insert(format!("-{}", below(key)));
                    }
                }
            }
            for key in right.keys().filter(|key| !left.contains_key(*key)) {
                found.insert(format!("+{}", below(key)));
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            if left.len() != right.len() {
                found.insert(format!("{path}: {} rows are {}", left.len(), right.len()));
            }
            for (left, right) in left.iter().zip(right) {
                compare(path, left, right, found);
            }
        }
        (left, right) => {
            if kind(left) != kind(right) {
                found.insert(format!("{path}: {} is {}", kind(left), kind(right)));
            }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// A file of the QuickBooks contracts as JSON, or nothing where they are absent.
pub(super) fn recorded(file: &str) -> Option<Value> {
    let text = contracts::read(&format!("quickbooks/{file}"))?;
    Some(serde_json::from_str(&text).unwrap())
}

/// Holds an answer to a recorded one. `allowed` are the differences there must be, each with its
/// reason; one that no longer exists fails as well.
pub(super) fn assert_same_shape(file: &str, answered: &Value, allowed: &[(&str, &str)]) {
    let Some(recorded) = recorded(file) else {
        return;
    };
    let expected: BTreeSet<String> = allowed.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(
        differences(&recorded, answered),
        expected,
        "{file} was answered with {answered:#}"
    );
}
