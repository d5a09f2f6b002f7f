//! Atlassian's query string hash: what binds a token to one address.
//!
//! The hash is the hexadecimal SHA-256 of `METHOD&path&query` in one canonical form: the method in
//! capitals; the path without a slash at its end, and with `&` written as `%26`; the query without the
//! token itself, percent-encoded by RFC 3986, its names in the order of their bytes, and the values of
//! a repeated name in order and parted by commas. It is the rule of `@atlassian/atlassian-jwt`, which
//! Atlassian publishes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::shown::ShownRequest;

/// The hash in tokens that are bound to a context and to no address.
pub(super) const CONTEXT: &str = "context-qsh";

/// What stands as it is: letters, digits and RFC 3986's other unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The canonical form of a request whose token is the parameter `token`.
pub fn canonical(request: ShownRequest<'_>, token: &str) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(request.query.unwrap_or_default().as_bytes()) {
        if name != token {
            let values = query.entry(encoded(&name)).or_default();
            values.push(encoded(&value));
        }
    }
    let path = request.path.strip_suffix('/').unwrap_or(request.path);
    let path = if path.is_empty() { "/" } else { path };
    let mut canonical = format!(
        "{}&{}&",
        request.method.to_ascii_uppercase(),
        path.replace('&', "%26")
    );
    for (place, (name, mut values)) in query.into_iter().enumerate() {
        values.sort();
        let between = if place == 0 { "" } else { "&" };
        // Writing to a string does not fail.
        let _ = write!(canonical, "{between}{name}={}", values.join(","));
    }
    canonical
}

/// The hash of a request, in lower-case hexadecimal.
pub fn of(request: ShownRequest<'_>, token: &str) -> String {
    hex(&Sha256::digest(canonical(request, token)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
