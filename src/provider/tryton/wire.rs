//! The shapes of Tryton's answers, as far as we read them, and the fields that are asked for: Tryton
//! sends what the request names, so each type stands beside its list.
//!
//! A link to another record comes as that record's id, or as an object with the fields that were asked
//! for of it. Amounts, dates and times come as objects with a `__class__`; a time has no zone and is
//! UTC.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::provider::scalar;

/// An amount as an object.
#[derive(Deserialize)]
struct Amount {
    #[serde(default, deserialize_with = "scalar::amount")]
    decimal: Option<Decimal>,
}

fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Decimal>, D::Error> {
    Ok(Option::<Amount>::deserialize(from)?.and_then(|amount| amount.decimal))
}

/// A date as an object.
#[derive(Deserialize)]
struct CivilDay {
    year: i16,
    month: i8,
    day: i8,
}

fn day<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    let Some(CivilDay { year, month, day }) = Option::deserialize(from)? else {
        return Ok(None);
    };
    let day = Date::new(year, month, day);
    day.map(Some)
        .map_err(|_| Error::custom("this is no date of the calendar"))
}

/// A moment as an object, in the server's own time, which is UTC.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) struct Moment {
    #[serde(rename = "__class__", skip_deserializing, default = "datetime")]
    class: &'static str,
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    #[serde(default)]
    microsecond: i32,
}

fn datetime() -> &'static str {
    "datetime"
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        let at = at.to_zoned(TimeZone::UTC).datetime();
        Self {
            class: datetime(),
            year: at.year(),
            month: at.month(),
            day: at.day(),
            hour: at.hour(),
            minute: at.minute(),
            second: at.second(),
            microsecond: at.subsec_nanosecond() / 1_000,
        }
    }
}

fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(moment) = Option::<Moment>::deserialize(from)? else {
        return Ok(None);
    };
    let at = Date::new(moment.year, moment.month, moment.day).and_then(|day| {
        Time::new(
            moment.hour,
            moment.minute,
            moment.second,
            moment.microsecond.saturating_mul(1_000),
        )
        .and_then(|time| day.to_datetime(time).to_zoned(TimeZone::UTC))
    });
    at.map(|at| Some(at.timestamp()))
        .map_err(|_| Error::custom("this is no moment of the calendar"))
}

/// A truth value; some databases send it as 0 or 1.
fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    match Option::<Value>::deserialize(from)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(truth)) => Ok(Some(truth)),
        Some(Value::Number(number)) => Ok(Some(number.as_i64() != Some(0))),
        Some(_) => Err(Error::custom("this is no truth value")),
    }
}

/// A list that may be `null`.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A record with an id, of whatever kind.
pub(super) trait Row {
    /// Its id.
    fn id(&self) -> i64;
}

macro_rules! rows {
    ($($row:ty),*) => {
        $(impl Row for $row {
            fn id(&self) -> i64 {
                self.id
            }
        })*
    };
}

rows!(Company, Party, Product, Invoice, Move, Changed, Ownership);

/// A record of which nothing but its code matters.
#[derive(Debug, Deserialize)]
pub(super) struct Coded {
    pub(super) code: Option<String>,
}

/// A record of which nothing but its type matters.
#[derive(Debug, Deserialize)]
pub(super) struct Typed {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

pub(super) const COMPANY: &[&str] = &["rec_name", "party.name", "currency.code"];

/// `company.company`
#[derive(Debug, Deserialize)]
pub(super) struct Company {
    pub(super) id: i64,
    pub(super) rec_name: Option<String>,
    pub(super) party: Option<Named>,
    pub(super) currency: Option<Coded>,
}

/// A record of which nothing but its name matters.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: Option<String>,
}

pub(super) const CREDIT_LIMIT: &str = "credit_limit_amount";
pub(super) const PARTY: &[&str] = &[
    "name",
    "code",
    "email",
    "active",
    "tax_identifier.code",
    "currency.code",
    "receivable",
    "create_date",
    "write_date",
];

/// `party.party`
#[derive(Debug, Deserialize)]
pub(super) struct Party {
    pub(super) id: i64,
    pub(super) name: Option<String>,
    pub(super) code: Option<String>,
    pub(super) email: Option<String>,
    #[serde(default, deserialize_with = "truth")]
    pub(super) active: Option<bool>,
    pub(super) tax_identifier: Option<Coded>,
    pub(super) currency: Option<Coded>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) receivable: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) credit_limit_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) create_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) write_date: Option<Timestamp>,
}

pub(super) const PRODUCT: &[&str] = &["name", "code"];

/// `product.product`
#[derive(Debug, Deserialize)]
pub(super) struct Product {
    pub(super) id: i64,
    pub(super) name: Option<String>,
    pub(super) code: Option<String>,
}

pub(super) const INVOICE: &[&str] = &[
    "number",
    "reference",
    "state",
    "party",
    "currency.code",
    "invoice_date",
    "total_amount",
    "tax_amount",
    "amount_to_pay",
    "move",
    "additional_moves",
    "lines.type",
    "lines.product.name",
    "lines.description",
    "lines.quantity",
    "lines.unit_price",
    "lines.amount",
    "create_date",
    "write_date",
];

/// `account.invoice`
#[derive(Debug, Deserialize)]
pub(super) struct Invoice {
    pub(super) id: i64,
    pub(super) number: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) state: Option<String>,
    pub(super) party: Option<i64>,
    pub(super) currency: Option<Coded>,
    #[serde(default, rename = "invoice_date", deserialize_with = "day")]
    pub(super) dated: Option<Date>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) total_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) tax_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) amount_to_pay: Option<Decimal>,
    #[serde(rename = "move")]
    pub(super) posted_by: Option<i64>,
    #[serde(default, deserialize_with = "list")]
    pub(super) additional_moves: Vec<i64>,
    #[serde(default, deserialize_with = "list")]
    pub(super) lines: Vec<InvoiceLine>,
    #[serde(default, deserialize_with = "list")]
    pub(super) lines_to_pay: Vec<MoveLine>,
    #[serde(default, deserialize_with = "list")]
    pub(super) payment_lines: Vec<MoveLine>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) create_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) write_date: Option<Timestamp>,
}

/// The product on a line, with the name that people see.
#[derive(Debug, Deserialize)]
pub(super) struct Sold {
    pub(super) id: i64,
    pub(super) name: Option<String>,
}

/// `account.invoice.line`
#[derive(Debug, Deserialize)]
pub(super) struct InvoiceLine {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) product: Option<Sold>,
    pub(super) description: Option<String>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) quantity: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) unit_price: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) amount: Option<Decimal>,
}

/// Of a line of a move, and of each line that it is reconciled with.
pub(super) const MOVE_LINE: &[&str] = &[
    "debit",
    "credit",
    "amount_second_currency",
    "second_currency.code",
    "date",
    "maturity_date",
    "party",
    "move",
    "move_origin",
    "journal.type",
];

/// `account.move.line`
#[derive(Debug, Deserialize)]
pub(super) struct MoveLine {
    pub(super) id: i64,
    #[serde(default, deserialize_with = "amount")]
    pub(super) debit: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) credit: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) amount_second_currency: Option<Decimal>,
    pub(super) second_currency: Option<Coded>,
    #[serde(default, deserialize_with = "day")]
    pub(super) date: Option<Date>,
    #[serde(default, deserialize_with = "day")]
    pub(super) maturity_date: Option<Date>,
    pub(super) party: Option<i64>,
    #[serde(rename = "move")]
    pub(super) posted_by: Option<i64>,
    pub(super) move_origin: Option<String>,
    pub(super) journal: Option<Typed>,
    pub(super) account: Option<Account>,
    pub(super) reconciliation: Option<Reconciliation>,
}

/// `account.account`
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    #[serde(rename = "type")]
    pub(super) kind: Option<AccountType>,
}

/// `account.account.type`
#[derive(Debug, Deserialize)]
pub(super) struct AccountType {
    #[serde(default, deserialize_with = "truth")]
    pub(super) receivable: Option<bool>,
}

/// `account.move.reconciliation`
#[derive(Debug, Deserialize)]
pub(super) struct Reconciliation {
    #[serde(default, deserialize_with = "list")]
    pub(super) lines: Vec<MoveLine>,
}

pub(super) const MOVE: &[&str] = &[
    "number",
    "date",
    "origin",
    "lines.account.type.receivable",
    "create_date",
    "write_date",
];

/// `account.move`
#[derive(Debug, Deserialize)]
pub(super) struct Move {
    pub(super) id: i64,
    pub(super) number: Option<String>,
    #[serde(default, deserialize_with = "day")]
    pub(super) date: Option<Date>,
    pub(super) origin: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub(super) lines: Vec<MoveLine>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) create_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) write_date: Option<Timestamp>,
}

pub(super) const CHANGED: &[&str] = &["party"];

/// `account.move.line`, of which only the party matters.
#[derive(Debug, Deserialize)]
pub(super) struct Changed {
    pub(super) id: i64,
    pub(super) party: Option<i64>,
}

pub(super) const OWNERSHIP: &[&str] = &["move", "cancel_move", "additional_moves"];

/// `account.invoice`, of which only its moves matter.
#[derive(Debug, Deserialize)]
pub(super) struct Ownership {
    pub(super) id: i64,
    #[serde(rename = "move")]
    pub(super) posted_by: Option<i64>,
    pub(super) cancel_move: Option<i64>,
    #[serde(default, deserialize_with = "list")]
    pub(super) additional_moves: Vec<i64>,
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn moments_are_read_and_written_as_the_server_spells_them() {
        let json = r#"{"id": 1, "write_date": {"__class__": "datetime", "year": 2026, "month": 11, "day": 22, "hour": 8, "minute": 34, "second": 11, "microsecond": 204118}}"#;
        let party: Party = serde_json::from_str(json).expect("it reads");
        let at: Timestamp = "2026-11-22T08:34:11.204118Z".parse().expect("an instant");
        assert_eq!(party.write_date, Some(at));
        assert_eq!(party.create_date, None);
        let written = serde_json::to_value(Moment::from(at)).expect("it writes");
        let expected: Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(written, expected["write_date"]);
        assert_eq!(at.to_zoned(TimeZone::UTC).date(), date(2026, 11, 22));
    }

    #[test]
    fn null_is_never_zero_and_nonsense_is_refused() {
        let line: MoveLine = serde_json::from_str(
            r#"{"id": 7, "debit": {"__class__": "Decimal", "decimal": "0"}, "credit": null, "lines": null}"#,
        )
        .expect("it reads");
        assert_eq!((line.debit, line.credit), (Some(Decimal::ZERO), None));
        for wrong in [
            r#"{"id": 7, "debit": {"decimal": "twelve"}}"#,
            r#"{"id": 7, "date": {"year": 2026, "month": 2, "day": 30}}"#,
            r#"{"id": "seven"}"#,
        ] {
            assert!(serde_json::from_str::<MoveLine>(wrong).is_err(), "{wrong}");
        }
    }
}
