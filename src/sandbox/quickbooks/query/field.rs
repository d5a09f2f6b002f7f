//! The value of a property, for filtering and sorting, without building the JSON of a record.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use rust_decimal::Decimal;
use serde_json::Value;

use super::parse::Literal;
use crate::sandbox::books::{Books, Document, Entry, Id, Kind, List, zone};
use crate::sandbox::quickbooks::wire::request;

/// A property's value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field<'a> {
    /// The record has none; compares equal to `' '` only.
    Absent,
    Id(Id),
    Text(Cow<'a, str>),
    Number(Decimal),
    Flag(bool),
    Day(Date),
    Instant(Timestamp),
}

impl Field<'_> {
    fn rank(&self) -> u8 {
        match self {
            Self::Absent => 0,
            Self::Id(_) => 1,
            Self::Text(_) => 2,
            Self::Number(_) => 3,
            Self::Flag(_) => 4,
            Self::Day(_) => 5,
            Self::Instant(_) => 6,
        }
    }

    /// The order of two values; those that are absent come first.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Id(left), Self::Id(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.to_lowercase().cmp(&right.to_lowercase()),
            (Self::Number(left), Self::Number(right)) => left.cmp(right),
            (Self::Flag(left), Self::Flag(right)) => left.cmp(right),
            (Self::Day(left), Self::Day(right)) => left.cmp(right),
            (Self::Instant(left), Self::Instant(right)) => left.cmp(right),
            (left, right) => left.rank().cmp(&right.rank()),
        }
    }

    /// How the value stands to one of a statement; nothing when they cannot be compared.
    pub(super) fn compare_literal(&self, literal: &Literal) -> Option<Ordering> {
        match (self, literal) {
            (Self::Absent, Literal::Text(text)) => {
                text.trim().is_empty().then_some(Ordering::Equal)
            }
            (Self::Id(id), Literal::Text(text)) => text.parse().ok().map(|other| id.cmp(&other)),
            (Self::Text(value), Literal::Text(text)) => {
                Some(value.to_lowercase().cmp(&text.to_lowercase()))
            }
            (Self::Number(number), Literal::Text(text)) => {
                text.parse::<Decimal>().ok().map(|other| number.cmp(&other))
            }
            (Self::Day(day), Literal::Text(text)) => {
                text.parse::<Date>().ok().map(|other| day.cmp(&other))
            }
            (Self::Instant(at), Literal::Text(text)) => instant(text).map(|other| at.cmp(&other)),
            (Self::Flag(flag), Literal::Flag(other)) => Some(flag.cmp(other)),
            (Self::Flag(flag), Literal::Text(text)) => {
                text.parse::<bool>().ok().map(|other| flag.cmp(&other))
            }
            _ => None,
        }
    }

    /// The value as text, for `LIKE`.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Absent => Cow::Borrowed(""),
            Self::Id(id) => Cow::Owned(id.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.normalize().to_string()),
            Self::Flag(flag) => Cow::Owned(flag.to_string()),
            Self::Day(day) => Cow::Owned(day.to_string()),
            Self::Instant(at) => Cow::Owned(at.to_string()),
        }
    }
}

/// An instant in a statement or a parameter: with an offset, or a bare day or time of the company.
///
/// A `+` that nobody percent-encoded has become a space by now, and is refused as any other text.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local: DateTime = text
        .parse::<DateTime>()
        .or_else(|_| text.parse::<Date>().map(DateTime::from))
        .ok()?;
    local.to_zoned(zone()).ok().map(|zoned| zoned.timestamp())
}

/// Whether a property that is a time or a day can have this value at all.
pub(super) fn is_possible(property: &str, literal: &Literal) -> bool {
    match (property, literal) {
        ("MetaData.CreateTime" | "MetaData.LastUpdatedTime", Literal::Text(text)) => {
            instant(text).is_some()
        }
        ("TxnDate" | "DueDate", Literal::Text(text)) => {
            text.trim().is_empty() || text.parse::<Date>().is_ok()
        }
        _ => true,
    }
}

/// Whether a text fits a pattern in which `%` stands for anything, in any case.
pub(super) fn like(text: &str, pattern: &str) -> bool {
    let text = text.to_lowercase();
    let pattern = pattern.to_lowercase();
    let mut parts = pattern.split('%');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// A record under a statement.
#[derive(Clone, Copy, Debug)]
pub(super) enum Record<'a> {
    Name(&'a Books, List, &'a Entry),
    Document(&'a Document),
}

impl<'a> Record<'a> {
    pub(super) fn id(&self) -> Id {
        match self {
            Self::Name(_, _, name) => name.id,
            Self::Document(document) => document.id,
        }
    }

    pub(super) fn updated(&self) -> Timestamp {
        match self {
            Self::Name(_, _, name) => name.stamp.updated,
            Self::Document(document) => document.stamp.updated,
        }
    }

    pub(super) fn full_name(&self) -> String {
        match self {
            Self::Name(books, list, name) => books.full_name(*list, name).to_lowercase(),
            Self::Document(_) => String::new(),
        }
    }

    /// A property's value.
    pub(super) fn field(&self, property: &str) -> Field<'a> {
        let stamp = match self {
            Self::Name(_, _, name) => name.stamp,
            Self::Document(document) => document.stamp,
        };
        match property {
            "Id" => Field::Id(self.id()),
            "SyncToken" => Field::Number(stamp.sync_token.into()),
            "MetaData.CreateTime" => Field::Instant(stamp.created),
            "MetaData.LastUpdatedTime" => Field::Instant(stamp.updated),
            _ => match *self {
                Self::Name(books, list, name) => name_field(books, list, name, property),
                Self::Document(document) => document_field(document, property),
            },
        }
    }
}

fn name_field<'a>(books: &Books, list: List, name: &'a Entry, property: &str) -> Field<'a> {
    match property {
        "Active" => Field::Flag(name.active),
        "FullyQualifiedName" => Field::Text(Cow::Owned(books.full_name(list, name))),
        "Balance" => Field::Number(name.balance),
        "BalanceWithJobs" => Field::Number(books.balance_with_jobs(name)),
        "Job" => Field::Flag(name.parent.is_some()),
        "ParentRef" => name.parent.map_or(Field::Absent, Field::Id),
        "CurrencyRef" => Field::Text(Cow::Owned(name.currency.code().to_owned())),
        property if property == list.name_property() => Field::Text(Cow::Borrowed(&name.name)),
        property => name
            .properties
            .get(property)
            .map_or(Field::Absent, json_field),
    }
}

fn document_field<'a>(document: &'a Document, property: &str) -> Field<'a> {
    let has_balance = matches!(document.kind, Kind::Invoice | Kind::CreditMemo);
    match property {
        "TxnDate" => Field::Day(document.date),
        "DueDate" => document.due.map_or(Field::Absent, Field::Day),
        "DocNumber" => text_field(document.number.as_deref()),
        "PrivateNote" => text_field(document.note.as_deref()),
        "TotalAmt" => Field::Number(document.total),
        "Balance" if has_balance => Field::Number(document.open),
        "Balance" => Field::Number(Decimal::ZERO),
        "RemainingCredit" | "UnappliedAmt" => Field::Number(document.open),
        "CustomerRef" | "EntityRef" => document.customer.map_or(Field::Absent, Field::Id),
        "DepositToAccountRef" | "AccountRef" => document.account.map_or(Field::Absent, Field::Id),
        "CurrencyRef" => Field::Text(Cow::Owned(document.currency.code().to_owned())),
        "ExchangeRate" => Field::Number(document.rate),
        property => document
            .extra
            .as_deref()
            .and_then(|extra| extra.get(property))
            .map_or(Field::Absent, json_field),
    }
}

fn text_field(text: Option<&str>) -> Field<'_> {
    text.map_or(Field::Absent, |text| Field::Text(Cow::Borrowed(text)))
}

/// A property kept as JSON: an address by its mail address, a reference by its id.
fn json_field(value: &Value) -> Field<'_> {
    match value {
        Value::String(text) => Field::Text(Cow::Borrowed(text)),
        Value::Bool(flag) => Field::Flag(*flag),
        Value::Number(number) => number
            .to_string()
            .parse()
            .map_or(Field::Absent, Field::Number),
        Value::Object(object) => {
            if let Ok(Some(id)) = request::reference(
                &serde_json::Map::from_iter([("it".to_owned(), value.clone())]),
                "it",
            ) {
                return Field::Id(id);
            }
            ["Address", "FreeFormNumber", "URI", "value"]
                .iter()
                .find_map(|key| object.get(*key)?.as_str())
                .map_or(Field::Absent, |text| Field::Text(Cow::Borrowed(text)))
        }
        Value::Null | Value::Array(_) => Field::Absent,
    }
}
