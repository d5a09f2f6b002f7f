//! Signing webhooks as ledgers do; the recorded ones hold that it is done their way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The signature of a body under the text of a key.
pub(crate) fn sign(body: impl AsRef<[u8]>, key: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any key fits");
    mac.update(body.as_ref());
    STANDARD.encode(mac.finalize().into_bytes())
}
