//! Codes that are good for one use.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use sha2::{Digest, Sha256};

/// 32 random bytes as text.
pub(super) fn code() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Under what a code is kept. Codes of all purposes stand in one table: the purpose is part of what
/// is hashed.
pub(super) fn hash(purpose: &str, code: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(purpose)
        .chain_update(" ")
        .chain_update(code)
        .finalize()
        .into()
}
