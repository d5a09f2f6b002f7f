//! How values are spelled: identifiers, times, days and numbers.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Number, Value};

use crate::sandbox::books::Id;
use crate::sandbox::guid::Guid;

/// What an identifier is of.
pub(super) mod kind {
    pub(crate) const CONTACT: u8 = 1;
    pub(crate) const INVOICE: u8 = 2;
    pub(crate) const CREDIT_NOTE: u8 = 3;
    pub(crate) const OVERPAYMENT: u8 = 4;
    pub(crate) const PREPAYMENT: u8 = 5;
    pub(crate) const PAYMENT: u8 = 6;
    pub(crate) const REFUND: u8 = 7;
    pub(crate) const ITEM: u8 = 8;
    pub(crate) const ACCOUNT: u8 = 9;
    pub(crate) const LINE: u8 = 10;
    pub(crate) const ALLOCATION: u8 = 11;
    pub(crate) const TENANT: u8 = 12;
    pub(crate) const CONNECTION: u8 = 13;
    pub(crate) const AUTH_EVENT: u8 = 14;
}

/// The organisation's id.
pub(crate) fn tenant_id(realm: &str) -> String {
    Guid::of(kind::TENANT, 0).hyphenated(realm)
}

/// What web addresses call the organisation.
pub(super) fn short_code(realm: &str) -> String {
    let bits = Guid::of(kind::TENANT, 1).bits(realm);
    let letters = b"0123456789ABCDEFGHJKLMNPQRSTVWXYZ";
    let mut code = "!".to_owned();
    for turn in 0..5_u32 {
        let at = usize::try_from((bits >> (96 + turn * 5)) & 31).unwrap_or_default();
        code.push(char::from(letters[at]));
    }
    code
}

/// A contact's id.
pub(crate) fn contact_id(realm: &str, customer: Id) -> String {
    id(realm, kind::CONTACT, customer)
}

/// The id of a record itself.
pub(super) fn id(realm: &str, kind: u8, id: Id) -> String {
    Guid::of(kind, id).hyphenated(realm)
}

/// An instant: `/Date(1777032244663+0000)/`.
pub(super) fn instant(at: Timestamp) -> String {
    format!("/Date({}+0000)/", at.as_millisecond())
}

/// The same without an offset, as the envelope and the organisation have it.
pub(super) fn bare_instant(at: Timestamp) -> String {
    format!("/Date({})/", at.as_millisecond())
}

/// The same in whole seconds, as it is beside the other since July 2026.
pub(super) fn instant_string(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A day: its midnight, as if that were UTC.
pub(super) fn day(date: Date) -> String {
    let midnight = date
        .to_zoned(TimeZone::UTC)
        .map_or(0, |midnight| midnight.timestamp().as_millisecond());
    format!("/Date({midnight}+0000)/")
}

/// The same day as text.
pub(super) fn day_string(date: Date) -> String {
    format!("{date}T00:00:00")
}

fn number(mut decimal: Decimal, places: u32) -> Value {
    decimal = decimal.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    decimal.rescale(places);
    decimal
        .to_string()
        .parse::<Number>()
        .map_or(Value::Null, Value::Number)
}

/// An amount: two decimals.
pub(super) fn money(amount: Decimal) -> Value {
    number(amount, 2)
}

/// A quantity: four decimals.
pub(super) fn quantity(quantity: Decimal) -> Value {
    number(quantity, 4)
}

/// A unit price: two decimals, or four when they are asked for.
pub(super) fn price(price: Decimal, four: bool) -> Value {
    number(price, if four { 4 } else { 2 })
}

/// How many units of a currency one of the home currency is, six decimals: believed to be the direction.
pub(super) fn rate(home_for_one: Decimal) -> Value {
    let rate = Decimal::ONE
        .checked_div(home_for_one)
        .unwrap_or(Decimal::ONE);
    number(rate, 6)
}

/// JSON as it goes over the wire, where the slashes of times are escaped.
pub(super) fn text(value: &Value) -> String {
    value
        .to_string()
        .replace("\"/Date(", "\"\\/Date(")
        .replace(")/\"", ")\\/\"")
}
