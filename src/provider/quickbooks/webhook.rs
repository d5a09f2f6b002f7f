//! Webhook notifications: whether one truly comes from Intuit.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "intuit-signature";

/// Whether `signature` (the header's text) is the Base64 form of HMAC-SHA256 over the body exactly
/// as it was received, keyed with the app's verifier token. Compares in constant time.
///
/// An empty token verifies nothing: a missing setting must not open the door.
///
/// ```
/// use financial_pulse::provider::quickbooks::webhook::verify_signature;
///
/// let signature = "nfPLN16u3vMvv08ghDs+dOkLuirEVDy5wAeG/lmM2OA=";
/// assert!(verify_signature(br#"{"stuff":"5"}"#, signature, "verify_me"));
/// assert!(!verify_signature(br#"{"stuff":"6"}"#, signature, "verify_me"));
/// ```
pub fn verify_signature(raw_body: &[u8], signature: &str, verifier_token: &str) -> bool {
    if verifier_token.is_empty() {
        return false;
    }
    let Ok(signature) = STANDARD.decode(signature.trim()) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(verifier_token.as_bytes()) else {
        return false;
    };
    mac.update(raw_body);
    mac.verify_slice(&signature).is_ok()
}
