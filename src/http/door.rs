//! What `/embed/…`, `/exchange/…` and `/install/…` have in common: what a path names, and the request as
//! it was sent, which some CRMs sign.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::Method;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;

use super::problem::Problem;
use crate::auth::ShownRequest;
use crate::auth::preset::Doors;
use crate::domain::ids::TenantId;
use crate::service::ErrorCode;
use crate::service::sign_in::Door;

/// The door of a path `…/{preset}` or `…/{tenant}/{preset}`. Never refuses by itself.
pub(super) struct DoorPath(Option<Door>);

impl DoorPath {
    /// The door, where there is one and it is open to this way of asking.
    ///
    /// # Errors
    /// The answer: there is nothing there.
    pub(super) fn open(self, way: impl FnOnce(&Doors) -> bool) -> Result<Door, Problem> {
        self.0
            .filter(|door| way(&door.preset().doors))
            .ok_or_else(|| Problem::new(ErrorCode::NotFound, "there is nothing here"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DoorPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(match &names(parts.uri.path())[..] {
            [preset] => Door::of(preset, None),
            [tenant, preset] => Door::of(preset, Some(TenantId::new(tenant.as_str()))),
            _ => None,
        }))
    }
}

/// What a path names below its first part.
pub(super) fn names(path: &str) -> Vec<String> {
    let names = path.split('/').skip(2);
    // What is no text names nobody, as a name does that is not registered.
    let names = names.map(|name| {
        let name = percent_decode_str(name).decode_utf8_lossy();
        // Nor does a control character, which PostgreSQL does not even look for.
        name.replace(char::is_control, "\u{fffd}")
    });
    names.collect()
}

/// Method and address of a request, as they were sent.
pub(super) struct RequestLine {
    method: Method,
    uri: axum::http::Uri,
}

impl RequestLine {
    /// The query, without the question mark.
    pub(super) fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// The request with its body, to be verified.
    pub(super) fn shown<'a>(&'a self, body: &'a [u8]) -> ShownRequest<'a> {
        ShownRequest {
            method: self.method.as_str(),
            path: self.uri.path(),
            query: self.uri.query(),
            body,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestLine {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, state).await?;
        Ok(Self {
            method: parts.method.clone(),
            uri,
        })
    }
}
