//! What answers and the log tell: the amounts in them, and whose they are.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rust_decimal::Decimal;
use serde_json::Value;

use super::acts::Side;

pub(super) type Checked<T = ()> = Result<T, TestCaseError>;

/// What is in texts of the books and in no line of the log.
const PERSONAL: [&str; 5] = ["bakery", "@mail.example", "flour", " rye", "said so"];

/// Where the lines of the log go to.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(super) fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().expect("unpoisoned"));
        String::from_utf8(bytes).expect("text")
    }
}

/// The amounts of an answer: where amounts stand, and in sentences.
pub(super) fn collect_amounts(value: &Value, found: &mut Vec<Decimal>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_amounts(item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("amount" | "unitPrice", Value::String(text)) => {
                        found.extend(text.parse::<Decimal>().ok());
                    }
                    ("message", Value::String(text)) => found.extend(amounts_in(text)),
                    (_, value) => collect_amounts(value, found),
                }
            }
        }
        _ => {}
    }
}

/// Numbers with two decimal places.
fn amounts_in(text: &str) -> impl Iterator<Item = Decimal> {
    text.split(|sign: char| !sign.is_ascii_digit() && sign != '.')
        .map(|word| word.trim_matches('.'))
        .filter(|word| {
            word.split_once('.')
                .is_some_and(|(_, places)| places.len() == 2)
        })
        .filter_map(|word| word.parse::<Decimal>().ok())
}

/// What no line of the log may tell.
pub(super) fn check_log(log: &str) -> Checked {
    prop_assert!(log.contains("answered"), "requests are logged");
    for line in log.lines() {
        let small = line.to_lowercase();
        for word in PERSONAL {
            prop_assert!(!small.contains(word), "the log tells {word}: {line}");
        }
        let marks = Side::BOTH.map(|side| small.contains(&side.small_mark()));
        prop_assert!(marks != [true, true], "one line of both: {line}");
        for (side, other) in [(Side::Left, marks[1]), (Side::Right, marks[0])] {
            let own = line.contains(&format!("\"request_id\":\"{side:?}-"));
            prop_assert!(
                !(own && other),
                "a line of {side:?} tells of the other: {line}"
            );
        }
        // How long statements took also has two places.
        for amount in amounts_in(line).filter(|_| !small.contains("sqlx")) {
            let whose = Side::BOTH.map(|side| (amount % side.step()).is_zero());
            let told = !amount.is_zero() && whose != [false, false];
            prop_assert!(!told, "the log tells {amount}: {line}");
        }
    }
    Ok(())
}
