//! What is shown at a door, before any of it is believed.

use std::fmt;

/// A credential, and the request that it came with where the scheme signs that.
#[derive(Clone, Copy, Default)]
pub struct Shown<'a> {
    /// The token, signed request, context, secret or signature.
    pub credential: &'a str,
    /// The signature, where it stands apart from what it signs.
    pub signature: Option<&'a str>,
    /// The time of signing, where it stands apart.
    pub timestamp: Option<&'a str>,
    /// The request.
    pub request: ShownRequest<'a>,
}

/// A request as it was sent, byte for byte.
#[derive(Clone, Copy, Default)]
pub struct ShownRequest<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path, as sent.
    pub path: &'a str,
    /// Its query, as sent, without the question mark.
    pub query: Option<&'a str>,
    /// Its body.
    pub body: &'a [u8],
}

impl<'a> From<&'a str> for Shown<'a> {
    fn from(credential: &'a str) -> Self {
        Self {
            credential,
            ..Self::default()
        }
    }
}

impl<'a> From<&'a String> for Shown<'a> {
    fn from(credential: &'a String) -> Self {
        credential.as_str().into()
    }
}

/// Shows nothing: an address may hold a token, and a body a secret.
impl fmt::Debug for ShownRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownRequest").finish_non_exhaustive()
    }
}

/// Shows nothing: all of it is secret.
impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}
