//! The schemes that sign something else than a token, under a secret: what was signed is found out
//! here, its signature verified, and only then is it read. Nothing in a credential chooses the
//! algorithm: it is HMAC-SHA256 everywhere.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use url::form_urlencoded;

use super::jws;
use super::object::Object;
use super::preset::Scheme;
use super::refusal::{KeyProblem, Refusal};
use super::shown::{Shown, ShownRequest};

/// The longest envelope that is looked at, in bytes: Canvas sends its links and a token along.
const MAX_ENVELOPE_BYTES: usize = 32 * 1024;

/// The shortest secret that may stand in an address by itself, in bytes.
const SHORTEST_SHARED_SECRET: usize = 16;

/// Something that a secret may have signed: bytes, **not verified** and not read.
#[derive(Debug)]
pub(super) struct Sealed<'a> {
    scheme: Scheme,
    shown: Shown<'a>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

/// What a verified one says.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) claims: Object,
    /// When it was signed, in milliseconds since 1970, where it tells.
    pub(super) signed_at: Option<i64>,
}

impl<'a> Sealed<'a> {
    /// Takes apart what was shown. `public_url` is our own address, without a path.
    pub(super) fn of(scheme: Scheme, shown: &Shown<'a>, public_url: &str) -> Result<Self, Refusal> {
        let (message, signature) = match scheme {
            Scheme::SignedRequest => {
                let text = within(shown.credential, MAX_ENVELOPE_BYTES)?;
                let (signature, envelope) = text
                    .split_once('.')
                    .ok_or(Refusal::Malformed("not a signature and an envelope"))?;
                (envelope.as_bytes().to_vec(), base64(signature)?)
            }
            Scheme::SignedContext => {
                let context = within(shown.credential, jws::MAX_BYTES)?;
                let signature = hex(shown.signature.ok_or(Refusal::Missing)?)?;
                (context.as_bytes().to_vec(), signature)
            }
            Scheme::RequestSignature => {
                let signature = base64(within(shown.credential, jws::MAX_BYTES)?)?;
                (signed_request(shown, public_url)?, signature)
            }
            Scheme::Jwt | Scheme::SharedSecret => return Err(Refusal::WrongKind),
        };
        Ok(Self {
            scheme,
            shown: *shown,
            message,
            signature,
        })
    }

    /// What was signed.
    pub(super) fn message(&self) -> &[u8] {
        &self.message
    }

    /// Whether the signature is that of a secret. In constant time.
    pub(super) fn is_signed_by(&self, secret: &SecretString) -> Result<bool, KeyProblem> {
        let key = secret.expose_secret().as_bytes();
        if key.len() < 32 {
            return Err(KeyProblem::SecretTooShort);
        }
        let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| KeyProblem::SecretTooShort)?;
        let mac = mac.chain_update(&self.message);
        Ok(mac.verify_slice(&self.signature).is_ok())
    }

    /// What it says, to be asked once its signature is known to be right.
    pub(super) fn open(&self) -> Result<Opened, Refusal> {
        match self.scheme {
            Scheme::SignedRequest => {
                let claims = Object::parse(&base64(utf8(&self.message)?)?)?;
                // An envelope may name its algorithm, which must then be ours.
                match claims.text("algorithm")? {
                    Some(other) if !other.eq_ignore_ascii_case("HMACSHA256") => {
                        return Err(Refusal::WrongAlgorithm);
                    }
                    _ => {}
                }
                Ok(Opened {
                    signed_at: issued_at(&claims)?,
                    claims,
                })
            }
            Scheme::RequestSignature => {
                let query = self.shown.request.query.unwrap_or_default();
                Ok(Opened {
                    claims: Object::of_pairs(form_urlencoded::parse(query.as_bytes()))?,
                    signed_at: Some(timestamp(&self.shown)?.1),
                })
            }
            _ => {
                let text = utf8(&self.message)?.trim_end_matches('=');
                let json = URL_SAFE_NO_PAD
                    .decode(text)
                    .map_err(|_| Refusal::Malformed("not base64url"))?;
                let claims = Object::parse(&json)?;
                // A preview must never show anybody's figures.
                let preview = ["example", "debugState"]
                    .iter()
                    .filter_map(|name| claims.raw(name))
                    .any(|value| value != "false" && value != "null");
                if preview {
                    return Err(Refusal::WrongKind);
                }
                Ok(Opened {
                    claims,
                    signed_at: None,
                })
            }
        }
    }
}

/// What HubSpot signs of a request (version 3): method, address, body and time. The address is the
/// one that HubSpot called, which is `public_url` and what follows it, whatever proxy stands between.
fn signed_request(shown: &Shown<'_>, public_url: &str) -> Result<Vec<u8>, Refusal> {
    let ShownRequest {
        method,
        path,
        query,
        body,
    } = shown.request;
    let mut message = format!("{method}{public_url}{path}");
    if let Some(query) = query {
        message.push('?');
        message.push_str(&as_hubspot(query));
    }
    let mut message = message.into_bytes();
    message.extend_from_slice(body);
    message.extend_from_slice(timestamp(shown)?.0.as_bytes());
    Ok(message)
}

/// The time of signing as text and as milliseconds since 1970.
fn timestamp<'a>(shown: &Shown<'a>) -> Result<(&'a str, i64), Refusal> {
    let text = shown.timestamp.ok_or(Refusal::MissingClaim("timestamp"))?;
    Some(text)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        // Nothing parts the time from what is signed before it: zeros could be taken from there.
        .filter(|text| !text.starts_with('0'))
        .and_then(|text| text.parse().ok())
        .map(|milliseconds| (text, milliseconds))
        .ok_or(Refusal::BadClaim("timestamp"))
}

/// Whether what was shown is the secret itself. In constant time but for its length.
pub(super) fn is_secret(shown: &Shown<'_>, secret: &SecretString) -> Result<bool, KeyProblem> {
    check_shared_secret(secret)?;
    let key = secret.expose_secret().as_bytes();
    let shown = shown.credential.as_bytes();
    Ok(aws_lc_rs::constant_time::verify_slices_are_equal(shown, key).is_ok())
}

/// Whether a secret may stand in an address.
pub(super) fn check_shared_secret(secret: &SecretString) -> Result<(), KeyProblem> {
    (secret.expose_secret().len() >= SHORTEST_SHARED_SECRET)
        .then_some(())
        .ok_or(KeyProblem::SharedSecretTooShort)
}

/// When a Canvas envelope was made: `issuedAt`, in seconds or milliseconds since 1970, which its
/// documents leave open. It may be `null` or empty.
fn issued_at(claims: &Object) -> Result<Option<i64>, Refusal> {
    /// Beyond this a number of seconds would lie after the year 5000.
    const MOST_SECONDS: i64 = 100_000_000_000;

    let raw = claims.raw("issuedAt");
    let text = match raw.as_deref().map(|text| text.trim_matches('"')) {
        None | Some("" | "null") => return Ok(None),
        Some(text) => text,
    };
    let number: i64 = text.parse().map_err(|_| Refusal::BadClaim("issuedAt"))?;
    let milliseconds = if number < MOST_SECONDS {
        number.saturating_mul(1000)
    } else {
        number
    };
    Ok(Some(milliseconds))
}

/// A query as HubSpot signs it: with these characters not encoded.
fn as_hubspot(query: &str) -> String {
    const PLAIN: [(&str, char); 12] = [
        ("3A", ':'),
        ("2F", '/'),
        ("3F", '?'),
        ("40", '@'),
        ("21", '!'),
        ("24", '$'),
        ("27", '\''),
        ("28", '('),
        ("29", ')'),
        ("2A", '*'),
        ("2C", ','),
        ("3B", ';'),
    ];
    let mut parts = query.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let plain = PLAIN.iter().find(|(code, _)| {
            part.get(..2)
                .is_some_and(|start| start.eq_ignore_ascii_case(code))
        });
        if let (Some((_, character)), Some(rest)) = (plain, part.get(2..)) {
            text.push(*character);
            text.push_str(rest);
        } else {
            text.push('%');
            text.push_str(part);
        }
    }
    text
}

fn base64(text: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD
        .decode(text)
        .map_err(|_| Refusal::Malformed("not base64"))
}

fn utf8(bytes: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(bytes).map_err(|_| Refusal::Malformed("not UTF-8"))
}

fn within(text: &str, most: usize) -> Result<&str, Refusal> {
    match text.len() {
        0 => Err(Refusal::Missing),
        length if length > most => Err(Refusal::TooLong),
        _ => Ok(text),
    }
}

fn hex(text: &str) -> Result<Vec<u8>, Refusal> {
    let malformed = Refusal::Malformed("not hexadecimal");
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 64 || !text.bytes().all(is_digit) {
        return Err(malformed);
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| malformed))
        .collect()
}
