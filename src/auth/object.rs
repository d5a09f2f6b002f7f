//! JSON objects read strictly: no name twice, at any depth.
//!
//! Two parsers may disagree on which of two equal names counts, and a token that means one thing to
//! the CRM and another to us is a forgery. Members are kept as their raw text, so that numbers are
//! never rounded on the way.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::refusal::Refusal;

/// Deeper nesting has no place in a token and would only cost stack.
const MAX_DEPTH: u8 = 8;

/// A JSON object without repeated names; each member by its raw text.
#[derive(Debug, Default)]
pub(super) struct Object(BTreeMap<String, Box<RawValue>>);

impl Object {
    /// Reads the bytes of a header or of claims.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(bytes).map_err(|_| Refusal::Malformed("not UTF-8"))?;
        Self::parse_text(text, MAX_DEPTH)
    }

    fn parse_text(text: &str, depth: u8) -> Result<Self, Refusal> {
        let members: Members = serde_json::from_str(text)
            .map_err(|_| Refusal::Malformed("not a JSON object with each name once"))?;
        for raw in members.0.values() {
            check(raw.get(), depth)?;
        }
        Ok(Self(members.0))
    }

    /// The parameters of a query as an object of strings.
    pub(super) fn of_pairs<'a>(
        pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    ) -> Result<Self, Refusal> {
        let mut members = BTreeMap::new();
        for (name, value) in pairs {
            let raw = serde_json::value::to_raw_value(&value)
                .map_err(|_| Refusal::Malformed("not text"))?;
            if members.insert(name.into_owned(), raw).is_some() {
                return Err(Refusal::Malformed("a parameter twice"));
            }
        }
        Ok(Self(members))
    }

    /// The raw text at a path of names parted by dots (`dat.account_id`).
    pub(super) fn raw(&self, path: &str) -> Option<Cow<'_, str>> {
        match path.split_once('.') {
            None => self.0.get(path).map(|raw| Cow::Borrowed(raw.get())),
            Some((name, rest)) => {
                let inner = Self::parse_text(self.0.get(name)?.get(), MAX_DEPTH).ok()?;
                inner.raw(rest).map(|raw| Cow::Owned(raw.into_owned()))
            }
        }
    }

    /// Whether a member of this name is there, whatever its value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The string at a path; `Ok(None)` when nothing or `null` stands there.
    pub(super) fn text(&self, path: &'static str) -> Result<Option<String>, Refusal> {
        self.text_at(path, path)
    }

    /// The same at a path that is not known beforehand; `name` is what a refusal calls it.
    pub(super) fn text_at(
        &self,
        path: &str,
        name: &'static str,
    ) -> Result<Option<String>, Refusal> {
        self.read(path, name)
    }

    /// A string, or the digits of a whole number: how CRMs spell ids.
    pub(super) fn id_at(&self, path: &str, name: &'static str) -> Result<Option<String>, Refusal> {
        match self.raw(path) {
            Some(raw) if !raw.is_empty() && raw.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Some(raw.into_owned()))
            }
            _ => self.text_at(path, name),
        }
    }

    /// A string or a list of strings.
    pub(super) fn texts(&self, path: &'static str) -> Result<Option<Vec<String>>, Refusal> {
        match self.raw(path) {
            Some(raw) if raw.starts_with('[') => self.read(path, path),
            _ => Ok(self.text(path)?.map(|text| vec![text])),
        }
    }

    /// A JSON number, exactly. A string of digits is none.
    pub(super) fn number(&self, path: &'static str) -> Result<Option<Decimal>, Refusal> {
        let Some(raw) = self.raw(path) else {
            return Ok(None);
        };
        // A raw value starts as a number only if it is one.
        if !raw.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return Err(Refusal::BadClaim(path));
        }
        Decimal::from_str_exact(&raw)
            .or_else(|_| Decimal::from_scientific(&raw))
            .map(Some)
            .map_err(|_| Refusal::BadClaim(path))
    }

    fn read<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        name: &'static str,
    ) -> Result<Option<T>, Refusal> {
        let Some(raw) = self.raw(path) else {
            return Ok(None);
        };
        serde_json::from_str::<Option<T>>(&raw).map_err(|_| Refusal::BadClaim(name))
    }
}

/// Looks into a member's value: its nested objects, and its strings, whose escapes must be text.
fn check(raw: &str, depth: u8) -> Result<(), Refusal> {
    let depth = depth
        .checked_sub(1)
        .ok_or(Refusal::Malformed("nested too deep"))?;
    match raw.as_bytes().first() {
        Some(b'{') => Object::parse_text(raw, depth).map(drop),
        Some(b'[') => {
            let elements: Vec<Box<RawValue>> =
                serde_json::from_str(raw).map_err(|_| Refusal::Malformed("not JSON"))?;
            elements.iter().try_for_each(|raw| check(raw.get(), depth))
        }
        Some(b'"') => serde_json::from_str::<String>(raw)
            .map(drop)
            .map_err(|_| Refusal::Malformed("not text")),
        _ => Ok(()),
    }
}

struct Members(BTreeMap<String, Box<RawValue>>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EachNameOnce;

        impl<'de> Visitor<'de> for EachNameOnce {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name twice"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(EachNameOnce)
    }
}
