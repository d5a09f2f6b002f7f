//! Scalars of our own: exact on the wire, strict on the way in.

use std::str::FromStr;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use jiff::Timestamp;
use jiff::civil;

use crate::domain::money;

/// An exact decimal number, written as a string: `"1250.00"`, `"-3.5"`. Never a JSON number, which
/// many clients would round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub rust_decimal::Decimal);

/// An exact decimal number, written as a string: `"1250.00"`, `"-3.5"`. Never a JSON number, which
/// many clients would round.
#[Scalar]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        text(&value)
            .filter(|text| is_plain_number(text))
            .and_then(|text| rust_decimal::Decimal::from_str_exact(text).ok())
            .map(Self)
            .ok_or_else(|| expected("a decimal number in a string, such as \"1250.00\""))
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A day of the calendar, without a time zone: `"2026-11-30"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub civil::Date);

/// Days outside of these years are slips of the finger, and arithmetic on them could overflow.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2999;

/// A day of the calendar, without a time zone: `"2026-11-30"`.
#[Scalar]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        text(&value)
            .filter(|text| text.len() == 10)
            .and_then(|text| civil::Date::from_str(text).ok())
            .filter(|date| YEARS.contains(&date.year()))
            .map(Self)
            .ok_or_else(|| expected("a day such as \"2026-11-30\""))
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An instant in UTC by RFC 3339: `"2026-11-30T09:15:00Z"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub Timestamp);

/// An instant in UTC by RFC 3339: `"2026-11-30T09:15:00Z"`.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        text(&value)
            .and_then(|text| Timestamp::from_str(text).ok())
            .map(Self)
            .ok_or_else(|| expected("an instant such as \"2026-11-30T09:15:00Z\""))
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A currency by its ISO 4217 code: `"USD"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencyCode(pub money::Currency);

/// A currency by its ISO 4217 code: `"USD"`.
#[Scalar]
impl ScalarType for CurrencyCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        text(&value)
            .and_then(|text| money::Currency::from_str(text).ok())
            .map(Self)
            .ok_or_else(|| expected("an ISO 4217 currency code such as \"USD\""))
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.code().to_owned())
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The value itself is not repeated: an error text goes to logs and screens.
fn expected<T: async_graphql::InputType>(what: &str) -> InputValueError<T> {
    InputValueError::custom(format!("expected {what}"))
}

/// An optional minus, digits, and at most one point between digits: no exponents, no separators.
fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Option<String> {
        let parsed = Decimal::parse(Value::from(text)).ok()?;
        Some(parsed.0.to_string())
    }

    #[test]
    fn decimals_keep_every_place() {
        for text in ["0", "-3.5", "1250.00", "79228162514264337593543950335"] {
            assert_eq!(decimal(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_plain_decimal_is_refused() {
        for text in [
            "", "-", "1e3", "1,000", ".5", "5.", "+1", " 1", "NaN", "0x1f",
        ] {
            assert_eq!(decimal(text), None, "{text:?}");
        }
        assert!(Decimal::parse(Value::from(12)).is_err(), "a JSON number");
        assert_eq!(
            decimal("0.00000000000000000000000000001"),
            None,
            "more places than can be kept are refused, never rounded"
        );
    }

    #[test]
    fn days_that_are_none_are_refused() {
        for text in [
            "2026-02-30",
            "2026-2-3",
            "20260203",
            "0001-01-01",
            "9999-01-01",
        ] {
            assert!(Date::parse(Value::from(text)).is_err(), "{text}");
        }
        assert!(Date::parse(Value::from("2024-02-29")).is_ok());
    }
}
