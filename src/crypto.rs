//! Secrets at rest: authenticated encryption under keys from the environment, bound to the row that
//! holds the ciphertext, so that a value copied to another row, column or tenant does not open.
//!
//! A sealed value is `version ‖ key id ‖ nonce ‖ ciphertext and tag` (1, 4, 24 and n + 16 bytes) of
//! XChaCha20-Poly1305. The nonce is random: 24 bytes need no counter. The key id tells which key of
//! the ring opens it, so that keys can be rotated while older values are still there.

use std::fmt;

use base64::Engine as _;
use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretBox, SecretSlice, SecretString};
use sha2::Sha256;

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_BYTES;
/// Domain separation of every key derived here.
const DERIVATION_SALT: &[u8] = b"financial-pulse key ring v1";

/// Why a value was not sealed or opened. Never says anything about the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The key's text is not 32 bytes in hexadecimal or base64.
    #[error("a key is 32 random bytes, written in hexadecimal or base64")]
    InvalidKey,
    /// The value was sealed under a key that is not in the ring.
    #[error(
        "the value was sealed under a key that is not configured; `financial-pulse keys status` names it: put it back into encryption.older_keys"
    )]
    UnknownKey,
    /// The value is too short or of another version: it was not made by [`KeyRing::seal`].
    #[error("the stored value is not a sealed value")]
    Malformed,
    /// The value was changed, or sealed for another row, column or tenant.
    #[error("the sealed value does not belong here or was changed")]
    Tampered,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

/// Which key of a ring it is: derived from the key, and no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_BYTES]);

impl KeyId {
    /// The id that these bytes are; `None` when they are not as many.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        decode_hex(text).and_then(|bytes| Self::from_bytes(&bytes))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A 32-byte key. Its text never shows in `Debug`, and its memory is wiped when it goes.
pub struct Key {
    id: [u8; KEY_ID_BYTES],
    bytes: SecretBox<[u8; 32]>,
}

impl Key {
    /// A key of 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut id = [0; KEY_ID_BYTES];
        expand(&bytes, b"key id", &mut id);
        Self {
            id,
            bytes: SecretBox::new(Box::new(bytes)),
        }
    }

    /// Reads 64 hexadecimal digits or base64 of 32 bytes, with white space around.
    ///
    /// # Errors
    /// [`CryptoError::InvalidKey`] for anything else.
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let text = text.trim();
        let bytes = if text.len() == 64 {
            decode_hex(text)
        } else {
            let unpadded = text.trim_end_matches('=');
            base64::engine::general_purpose::STANDARD_NO_PAD
                .decode(unpadded)
                .or_else(|_| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(unpadded))
                .ok()
        };
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self::from_bytes)
            .ok_or(CryptoError::InvalidKey)
    }

    fn derive(&self, label: &str) -> [u8; 32] {
        let mut derived = [0; 32];
        expand(
            self.bytes.expose_secret(),
            &[b"derive:", label.as_bytes()].concat(),
            &mut derived,
        );
        derived
    }

    /// A new random key.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] when the system gives none.
    pub fn generate() -> Result<Self, CryptoError> {
        <[u8; 32]>::try_generate()
            .map(Self::from_bytes)
            .map_err(|_| CryptoError::NoRandomness)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

/// Where a sealed value stands: authenticated with it, never stored in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aad<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The row's key.
    pub row: &'a str,
    /// The tenant that the row belongs to; empty for what belongs to the installation.
    pub tenant: &'a str,
}

impl Aad<'_> {
    /// Every part with its length before it, so that no two places have the same bytes.
    fn to_bytes(self) -> Vec<u8> {
        let parts = [self.table, self.column, self.row, self.tenant];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

/// The keys of an installation: one that seals, and older ones that still open.
#[derive(Debug)]
pub struct KeyRing {
    active: Key,
    older: Vec<Key>,
}

impl KeyRing {
    /// A ring that seals with `active` and opens with any of its keys.
    pub fn new(active: Key, older: Vec<Key>) -> Self {
        Self { active, older }
    }

    /// Seals a value for a place under the active key.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] when the system gives none for the nonce.
    pub fn seal(&self, plain: &[u8], aad: &Aad<'_>) -> Result<Vec<u8>, CryptoError> {
        let nonce = XNonce::try_generate().map_err(|_| CryptoError::NoRandomness)?;
        let ciphertext = cipher(&self.active)
            .encrypt(
                &nonce,
                Payload {
                    msg: plain,
                    aad: &aad.to_bytes(),
                },
            )
            // Only a message longer than 256 GiB is refused.
            .map_err(|_| CryptoError::Malformed)?;
        let mut sealed = Vec::with_capacity(HEADER_BYTES + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.active.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Opens a value that was sealed for a place.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when it is no sealed value, [`CryptoError::UnknownKey`] when the
    /// ring lacks its key, [`CryptoError::Tampered`] when it was changed or sealed for another place.
    pub fn open(&self, sealed: &[u8], aad: &Aad<'_>) -> Result<SecretSlice<u8>, CryptoError> {
        let (key, nonce, ciphertext) = self.parts(sealed)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| CryptoError::Malformed)?;
        cipher(key)
            .decrypt(
                &nonce,
                Payload {
                    msg: ciphertext,
                    aad: &aad.to_bytes(),
                },
            )
            .map(SecretSlice::from)
            .map_err(|_| CryptoError::Tampered)
    }

    /// Opens a text that was sealed for a place.
    ///
    /// # Errors
    /// As [`Self::open`]; [`CryptoError::Malformed`] when it is no UTF-8.
    pub fn open_text(&self, sealed: &[u8], aad: &Aad<'_>) -> Result<SecretString, CryptoError> {
        let plain = self.open(sealed, aad)?;
        std::str::from_utf8(plain.expose_secret())
            .map(SecretString::from)
            .map_err(|_| CryptoError::Malformed)
    }

    /// Whether a value was sealed under another key than the active one, and so is due to be sealed
    /// again after a rotation.
    pub fn is_outdated(&self, sealed: &[u8]) -> bool {
        sealed.get(1..=KEY_ID_BYTES) != Some(self.active.id.as_slice())
    }

    /// A key for another purpose, derived from the active key by HKDF-SHA-256; `label` names the
    /// purpose. It changes when the active key is rotated: what was made under it must be read under
    /// those of the older keys as well ([`Self::derive_older`]), or say which it is
    /// ([`Self::derive_under`]).
    pub fn derive(&self, label: &str) -> [u8; 32] {
        self.active.derive(label)
    }

    /// The same from each older key.
    pub fn derive_older(&self, label: &str) -> Vec<[u8; 32]> {
        self.older.iter().map(|key| key.derive(label)).collect()
    }

    /// The same from the key of the ring that goes by this id; `None` when there is no such key.
    pub fn derive_under(&self, id: &str, label: &str) -> Option<[u8; 32]> {
        let key = self.key(KeyId::parse(id)?)?;
        Some(key.derive(label))
    }

    /// The key that seals.
    pub fn active(&self) -> KeyId {
        KeyId(self.active.id)
    }

    /// The keys that only open.
    pub fn older(&self) -> impl Iterator<Item = KeyId> {
        self.older.iter().map(|key| KeyId(key.id))
    }

    /// Whether a key is in the ring.
    pub fn has(&self, id: KeyId) -> bool {
        self.key(id).is_some()
    }

    fn key(&self, id: KeyId) -> Option<&Key> {
        std::iter::once(&self.active)
            .chain(&self.older)
            .find(|key| key.id == id.0)
    }

    fn parts<'s>(&self, sealed: &'s [u8]) -> Result<(&Key, &'s [u8], &'s [u8]), CryptoError> {
        let (header, ciphertext) = sealed
            .split_at_checked(HEADER_BYTES)
            .ok_or(CryptoError::Malformed)?;
        let (version, rest) = header.split_first().ok_or(CryptoError::Malformed)?;
        if *version != VERSION {
            return Err(CryptoError::Malformed);
        }
        let (id, nonce) = rest.split_at(KEY_ID_BYTES);
        let key = KeyId::from_bytes(id)
            .and_then(|id| self.key(id))
            .ok_or(CryptoError::UnknownKey)?;
        Ok((key, nonce, ciphertext))
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes.expose_secret().into())
}

fn expand(key: &[u8; 32], info: &[u8], derived: &mut [u8]) {
    // HKDF refuses only outputs longer than 255 hashes; all of ours are 32 bytes or fewer.
    let expanded = Hkdf::<Sha256>::new(Some(DERIVATION_SALT), key).expand(info, derived);
    debug_assert!(expanded.is_ok());
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        })
        .collect::<Option<Vec<u8>>>()?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Aad<'_> = Aad {
        table: "credential",
        column: "refresh",
        row: "acme-quickbooks",
        tenant: "acme",
    };

    fn ring(byte: u8) -> KeyRing {
        KeyRing::new(Key::from_bytes([byte; 32]), Vec::new())
    }

    #[test]
    fn what_is_sealed_opens_again_and_never_looks_the_same_twice() {
        let ring = ring(1);
        let first = ring.seal(b"refresh token", &PLACE).unwrap();
        let second = ring.seal(b"refresh token", &PLACE).unwrap();
        assert_ne!(first, second);
        for sealed in [first, second] {
            let plain = ring.open(&sealed, &PLACE).unwrap();
            assert_eq!(plain.expose_secret(), b"refresh token");
        }
    }

    #[test]
    fn a_change_of_any_byte_or_any_length_is_refused() {
        let ring = ring(1);
        let sealed = ring.seal(b"secret", &PLACE).unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(ring.open(&changed, &PLACE).is_err(), "byte {index}");
            assert!(
                ring.open(&sealed[..index], &PLACE).is_err(),
                "length {index}"
            );
        }
    }

    #[test]
    fn a_value_opens_only_in_its_own_place() {
        let ring = ring(1);
        let sealed = ring.seal(b"secret", &PLACE).unwrap();
        let elsewhere = [
            Aad {
                table: "other",
                ..PLACE
            },
            Aad {
                column: "access",
                ..PLACE
            },
            Aad {
                row: "other",
                ..PLACE
            },
            Aad {
                tenant: "other",
                ..PLACE
            },
            // The same characters, cut differently.
            Aad {
                table: "credentialrefresh",
                column: "",
                ..PLACE
            },
        ];
        for place in elsewhere {
            assert_eq!(
                ring.open(&sealed, &place).unwrap_err(),
                CryptoError::Tampered
            );
        }
    }

    #[test]
    fn an_unknown_key_is_named_as_such_and_an_older_one_still_opens() {
        let sealed = ring(1).seal(b"secret", &PLACE).unwrap();
        assert_eq!(
            ring(2).open(&sealed, &PLACE).unwrap_err(),
            CryptoError::UnknownKey
        );
        let rotated = KeyRing::new(Key::from_bytes([2; 32]), vec![Key::from_bytes([1; 32])]);
        assert!(rotated.open(&sealed, &PLACE).is_ok());
        assert!(rotated.is_outdated(&sealed));
        assert!(!rotated.is_outdated(&rotated.seal(b"secret", &PLACE).unwrap()));
    }

    #[test]
    fn a_key_reads_from_hexadecimal_and_base64_and_from_nothing_else() {
        let bytes = [7u8; 32];
        let hex = "07".repeat(32);
        let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
        let sealed = ring(7).seal(b"secret", &PLACE).unwrap();
        for text in [hex.clone(), format!(" {base64}\n")] {
            let ring = KeyRing::new(Key::parse(&text).unwrap(), Vec::new());
            assert!(ring.open(&sealed, &PLACE).is_ok());
        }
        for text in ["", "07", &hex[..63], &format!("{hex}0"), &"é".repeat(32)] {
            assert_eq!(Key::parse(text).unwrap_err(), CryptoError::InvalidKey);
        }
    }

    #[test]
    fn derived_keys_differ_by_label_and_by_key() {
        assert_eq!(ring(1).derive("session"), ring(1).derive("session"));
        assert_ne!(ring(1).derive("session"), ring(1).derive("other"));
        assert_ne!(ring(1).derive("session"), ring(2).derive("session"));
    }

    #[test]
    fn a_ring_prints_no_key() {
        let printed = format!("{:?}", ring(0xAB));
        assert!(!printed.contains("171"), "{printed}");
        assert!(!printed.to_lowercase().contains("abab"), "{printed}");
    }
}
