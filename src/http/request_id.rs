//! The id under which the log and the answer speak of a request.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Where the id stands in requests and answers.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id taken over from a client.
const MAX_LENGTH: usize = 64;

/// A request's id.
#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The header of the answer.
    pub fn into_header(self) -> HeaderValue {
        self.0
    }
}

/// Gives ids: the client's own, where it is fit to stand in a log, else a new one.
#[derive(Debug)]
pub struct RequestIds {
    /// Tells the ids of this process from those of others.
    process: u64,
    given: AtomicU64,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self {
            process: RandomState::new().hash_one(std::process::id()),
            given: AtomicU64::new(0),
        }
    }
}

impl RequestIds {
    /// The id of a request.
    pub fn of(&self, headers: &HeaderMap) -> RequestId {
        let own = headers.get(HEADER).filter(|value| {
            let bytes = value.as_bytes();
            (1..=MAX_LENGTH).contains(&bytes.len())
                && bytes
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
        });
        RequestId(own.cloned().unwrap_or_else(|| self.new_id()))
    }

    fn new_id(&self) -> HeaderValue {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        let mut text = [b'-'; 33];
        hexadecimal(self.process, &mut text[..16]);
        hexadecimal(number, &mut text[17..]);
        // Hexadecimal digits and a dash are always a valid header.
        HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    }
}

/// Writes a number as 16 digits: by hand, since it is done for every request.
fn hexadecimal(number: u64, digits: &mut [u8]) {
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        let nibble = (number >> (4 * place)) & 0xf;
        *digit = b"0123456789abcdef"[usize::try_from(nibble).unwrap_or_default()];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_id_is_taken_over_and_any_other_replaced() {
        let ids = RequestIds::default();
        let given = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_static(value));
            ids.of(&headers).as_str().to_owned()
        };
        assert_eq!(given("crm-42.a_B"), "crm-42.a_B");
        assert_ne!(given("two words"), "two words");
        assert_ne!(given(""), "");
        let (one, other) = (ids.of(&HeaderMap::new()), ids.of(&HeaderMap::new()));
        assert_ne!(one.as_str(), other.as_str());
        assert_eq!(one.as_str().len(), 33);
    }
}
