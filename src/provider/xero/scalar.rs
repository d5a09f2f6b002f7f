//! Reading the dates and times of Xero's JSON.
//!
//! A calendar day comes twice: as text (`"DateString": "2026-04-16T00:00:00"`), which is preferred,
//! and as `/Date(1776297600000+0000)/`: milliseconds since 1970 and an offset, both of which have to
//! be added up to get the organization's local day. Payments and allocations have the latter only.
//! Documents never shift by a time zone.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

/// A calendar day in any of its spellings; absent, `null` and empty are `None`.
pub(super) fn day<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    let Some(text) = text(from)? else {
        return Ok(None);
    };
    day_of(&text)
        .map(Some)
        .ok_or_else(|| Error::custom("this is no date"))
}

/// An instant in any of its spellings; absent, `null` and empty are `None`.
pub(super) fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = text(from)? else {
        return Ok(None);
    };
    instant_of(&text)
        .map(Some)
        .ok_or_else(|| Error::custom("this is no instant"))
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Option::<Value>::deserialize(from)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(Error::custom("a date is a text")),
    }
}

/// The day that a text means, without any shift beyond the one that it states itself.
fn day_of(text: &str) -> Option<Date> {
    if let Some(ticks) = Ticks::read(text) {
        let local = ticks.at.checked_add(ticks.offset).ok()?;
        return Some(local.to_zoned(TimeZone::UTC).date());
    }
    // An offset behind the time is no reason to move the day that stands before it.
    text.get(..10)?.parse().ok()
}

/// The instant that a text means; without a zone it is UTC.
pub(super) fn instant_of(text: &str) -> Option<Timestamp> {
    if let Some(ticks) = Ticks::read(text) {
        return Some(ticks.at);
    }
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    let civil: DateTime = text.parse().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

/// `/Date(1776297600000+0000)/`; the offset may be missing.
struct Ticks {
    at: Timestamp,
    offset: SignedDuration,
}

impl Ticks {
    fn read(text: &str) -> Option<Self> {
        let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
        // The sign of a time before 1970 stands at the start, that of the offset behind it.
        let sign = inner
            .char_indices()
            .skip(1)
            .find(|(_, letter)| matches!(letter, '+' | '-'));
        let (millis, offset) = match sign {
            None => (inner, SignedDuration::ZERO),
            Some((at, sign)) => {
                let (millis, offset) = inner.split_at(at);
                (millis, offset_of(&offset[1..], sign == '-')?)
            }
        };
        Some(Self {
            at: Timestamp::from_millisecond(millis.parse().ok()?).ok()?,
            offset,
        })
    }
}

/// `0530` is five hours and a half.
fn offset_of(digits: &str, negative: bool) -> Option<SignedDuration> {
    if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..)?.parse().ok()?;
    let offset = SignedDuration::from_secs(hours * 3600 + minutes * 60);
    Some(if negative { -offset } else { offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<String> {
        day_of(text).map(|day| day.to_string())
    }

    fn instant(text: &str) -> Option<String> {
        instant_of(text).map(|at| at.to_string())
    }

    #[test]
    fn a_day_is_its_milliseconds_and_its_offset() {
        let cases = [
            ("/Date(1776297600000+0000)/", Some("2026-04-16")),
            ("/Date(1776297600000)/", Some("2026-04-16")),
            // Recorded in 2014: the day that stands on the invoice is the 14th.
            ("/Date(1397390400000+1200)/", Some("2014-04-14")),
            ("/Date(1397433600000-0500)/", Some("2014-04-13")),
            ("/Date(1397433600000+0530)/", Some("2014-04-14")),
            ("/Date(-86400000+0000)/", Some("1969-12-31")),
            ("2026-04-16T00:00:00", Some("2026-04-16")),
            ("2026-04-16", Some("2026-04-16")),
            ("2021-08-31T00:00:00+00:00", Some("2021-08-31")),
            ("2026-04-16T23:00:00-05:00", Some("2026-04-16")),
            ("/Date()/", None),
            ("/Date(1776297600000+000)/", None),
            ("/Date(1776297600000+00x0)/", None),
            ("/Date(99999999999999999+0000)/", None),
            ("2026-02-30T00:00:00", None),
            ("soon", None),
            ("€€€€€", None),
        ];
        for (text, expected) in cases {
            assert_eq!(day(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_instant_ignores_the_offset_and_is_utc_without_a_zone() {
        let cases = [
            (
                "/Date(1777032244663+0000)/",
                Some("2026-04-24T12:04:04.663Z"),
            ),
            (
                "/Date(1777032244663+1200)/",
                Some("2026-04-24T12:04:04.663Z"),
            ),
            ("/Date(1588633397422)/", Some("2020-05-04T23:03:17.422Z")),
            ("2015-03-29T23:43:01.097", Some("2015-03-29T23:43:01.097Z")),
            ("2010-11-19T12:01:01Z", Some("2010-11-19T12:01:01Z")),
            ("2021-08-31T12:34:40+02:00", Some("2021-08-31T10:34:40Z")),
            (
                "2026-04-20T11:47:10.3365440",
                Some("2026-04-20T11:47:10.336544Z"),
            ),
            ("yesterday", None),
        ];
        for (text, expected) in cases {
            assert_eq!(instant(text).as_deref(), expected, "{text}");
        }
    }
}
