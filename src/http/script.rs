//! `GET /embed.js`: the script with which a page of one's own mounts the widget. Its name stays, so a
//! browser asks again after a short while and is told whether it changed.

use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::EmbeddedFile;

use super::widget;

/// How long a browser goes without asking. A new version of the service is spoken with after this
/// time at the latest.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The script, or only that it is still the same.
pub(super) async fn embed(headers: HeaderMap) -> Response {
    match widget::built("embed.js") {
        Some(file) => answer(&headers, file),
        None => widget::not_built(),
    }
}

fn answer(headers: &HeaderMap, file: EmbeddedFile) -> Response {
    let tag = tag(&file);
    let same = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|known| names(known, &tag));
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = HeaderValue::from_static("text/javascript; charset=utf-8");
        ([(header::CONTENT_TYPE, kind)], file.data).into_response()
    };
    let set = response.headers_mut();
    set.insert(header::CACHE_CONTROL, CACHE);
    // Pages of other sites load it, also those that isolate themselves.
    set.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        set.insert(header::ETAG, tag);
    }
    response
}

/// The tag of the content: its hash.
fn tag(file: &EmbeddedFile) -> String {
    let mut tag = String::from("\"");
    for byte in file.metadata.sha256_hash().iter().take(16) {
        // Writing to a string does not fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// Whether a list of tags has this one. A proxy that compresses may have made it a weak one.
fn names(known: &str, tag: &str) -> bool {
    known
        .split(',')
        .map(str::trim)
        .any(|each| each == "*" || each.strip_prefix("W/").unwrap_or(each) == tag)
}
