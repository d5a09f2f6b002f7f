//! The front door: compact JWS (RFC 7515), strictly, before any key is looked at.
//!
//! What a lenient reader would let pass is refused here: other forms than the compact one, padding,
//! bits after the end, repeated names, extensions. `jsonwebtoken` then checks the signature, and the
//! claims are judged by our own clock in `claims`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::key::VerifyingKey;
use super::object::Object;
use super::refusal::Refusal;
use crate::domain::signing_key::Algorithm;

/// The longest token that is looked at, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;

/// The longest `kid` that is looked for.
const MAX_KID_BYTES: usize = 256;

/// A token in its three parts, **not verified**. Its header is read; its payload is bytes.
#[derive(Debug)]
pub struct Jws<'t> {
    signing_input: &'t str,
    signature: &'t str,
    payload: Vec<u8>,
    algorithm: String,
    kid: Option<String>,
    kind: Option<String>,
}

impl<'t> Jws<'t> {
    /// Takes a token apart.
    ///
    /// Header members that name a key or where to get one (`jwk`, `jku`, `x5u`, `x5c`) are not read:
    /// keys come from our own records only.
    ///
    /// # Errors
    /// Whatever is not strict compact form, and headers with `crit` or `b64`.
    pub fn parse(token: &'t str) -> Result<Self, Refusal> {
        if token.is_empty() {
            return Err(Refusal::Missing);
        }
        if token.len() > MAX_BYTES {
            return Err(Refusal::TooLong);
        }
        let (signing_input, signature) = token
            .rsplit_once('.')
            .ok_or(Refusal::Malformed("not three parts"))?;
        let (header, payload) = signing_input
            .split_once('.')
            .filter(|(_, payload)| !payload.contains('.'))
            .ok_or(Refusal::Malformed("not three parts"))?;
        if signature.is_empty() {
            return Err(Refusal::Malformed("no signature"));
        }
        if payload.is_empty() {
            return Err(Refusal::Malformed("no payload"));
        }
        decode(signature)?;
        let payload = decode(payload)?;
        let header = Object::parse(&decode(header)?)?;
        if header.has("crit") || header.has("b64") {
            return Err(Refusal::Extension);
        }
        let kid = header.text("kid")?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            return Err(Refusal::Malformed("kid too long"));
        }
        Ok(Self {
            signing_input,
            signature,
            payload,
            algorithm: header.text("alg")?.ok_or(Refusal::WrongAlgorithm)?,
            kid,
            kind: header.text("typ")?,
        })
    }

    /// Whether the header names this algorithm.
    pub(super) fn names(&self, algorithm: Algorithm) -> bool {
        self.algorithm == algorithm.as_str()
    }

    /// The key that the header names.
    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The header's `typ`.
    pub(super) fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Header and payload as they were signed. Unlike the whole token, nobody without the key can
    /// make two of the same meaning (an ECDSA signature can be turned into another valid one).
    pub(super) fn signing_input(&self) -> &str {
        self.signing_input
    }

    /// The claims before the signature is checked: for looking up a key, and nothing else.
    pub(super) fn unverified_claims(&self) -> Result<Object, Refusal> {
        Object::parse(&self.payload)
    }

    /// The payload, once the key's own algorithm has verified the signature.
    ///
    /// # Errors
    /// [`Refusal::WrongAlgorithm`] when the header names another algorithm than the key's,
    /// [`Refusal::BadSignature`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<&[u8], Refusal> {
        if !self.names(key.algorithm()) {
            return Err(Refusal::WrongAlgorithm);
        }
        key.verifies(self.signing_input.as_bytes(), self.signature)
            .then_some(self.payload.as_slice())
            .ok_or(Refusal::BadSignature)
    }
}

/// Base64url without padding; the engine refuses bits after the end, too.
fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Refusal::Malformed("not base64url"))
}
