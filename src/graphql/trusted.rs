//! Documents that are known beforehand, by their SHA-256: those of the built widget, and those that
//! the operator adds. Where only these are executed, nobody can ask a question that nobody wrote.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::ServerError;
use sha2::{Digest, Sha256};

use super::error::request_error;
use crate::service::ErrorCode;

type Hash = [u8; 32];

/// The known documents, and whether others are executed as well. No client adds to them.
#[derive(Clone, Debug, Default)]
pub struct TrustedDocuments {
    only: bool,
    known: Arc<HashMap<Hash, String>>,
}

/// A manifest that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It has another form.
    #[error("it must be a JSON object of documents by their SHA-256 in hexadecimal digits")]
    Form(#[source] serde_json::Error),
    /// A hash is not that of its document.
    #[error("{0:?} is not the SHA-256 of its document")]
    Hash(String),
}

impl TrustedDocuments {
    /// None yet; with `only`, no others are executed.
    pub fn new(only: bool) -> Self {
        Self {
            only,
            known: Arc::default(),
        }
    }

    /// Adds a document, byte for byte as clients send it or name it.
    pub fn add(&mut self, text: impl Into<String>) {
        let text = text.into();
        Arc::make_mut(&mut self.known).insert(hash(&text), text);
    }

    /// Adds the documents of a manifest: a JSON object of texts by their SHA-256.
    ///
    /// # Errors
    /// When it has another form, or a hash is wrong.
    pub fn add_manifest(&mut self, json: &[u8]) -> Result<(), ManifestError> {
        let documents: HashMap<String, String> =
            serde_json::from_slice(json).map_err(ManifestError::Form)?;
        for (name, text) in documents {
            if read_hash(&name) != Some(hash(&text)) {
                return Err(ManifestError::Hash(name));
            }
            self.add(text);
        }
        Ok(())
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The text that a request means by a text, by an id (`sha256:` and the digits, or the digits
    /// alone), or by both.
    ///
    /// # Errors
    /// `NOT_FOUND` for a document that is not known, where it has to be; `BAD_USER_INPUT` where text
    /// and id do not agree.
    pub fn resolve(&self, text: Option<String>, id: Option<&str>) -> Result<String, ServerError> {
        let Some(text) = text else {
            return id
                .and_then(read_hash)
                .and_then(|hash| self.known.get(&hash))
                .cloned()
                .ok_or_else(|| unknown("this server knows no document of that id"));
        };
        if id.is_none() && !self.only {
            return Ok(text);
        }
        let hash = hash(&text);
        if id.is_some_and(|id| read_hash(id) != Some(hash)) {
            let message = "the document's id is not the SHA-256 of its text";
            return Err(request_error(ErrorCode::BadUserInput, message));
        }
        if self.only && !self.known.contains_key(&hash) {
            return Err(unknown(
                "this server executes known documents only, and this is none of them",
            ));
        }
        Ok(text)
    }
}

fn unknown(message: &str) -> ServerError {
    request_error(ErrorCode::NotFound, message)
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

/// A SHA-256 from 64 hexadecimal digits.
fn read_hash(text: &str) -> Option<Hash> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text).as_bytes();
    let mut hash = Hash::default();
    if digits.len() != 2 * hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '{viewer{role}}' | sha256sum`
    const TEXT: &str = "{viewer{role}}";

    fn hex(text: &str) -> String {
        let digits = hash(text).map(|byte| format!("{byte:02x}"));
        digits.concat()
    }

    #[test]
    fn only_what_is_known_is_executed() {
        let mut trusted = TrustedDocuments::new(true);
        trusted.add(TEXT);
        let (id, prefixed) = (hex(TEXT), format!("sha256:{}", hex(TEXT)));
        let text = || Some(TEXT.to_owned());
        for (given, id) in [
            (text(), None),
            (text(), Some(id.as_str())),
            (None, Some(id.as_str())),
            (None, Some(prefixed.as_str())),
        ] {
            assert_eq!(trusted.resolve(given, id).as_deref(), Ok(TEXT));
        }
        let other = || Some("{viewer{name}}".to_owned());
        assert!(trusted.resolve(other(), None).is_err());
        assert!(trusted.resolve(other(), Some(&id)).is_err());
        assert!(trusted.resolve(None, Some(&hex("{viewer{name}}"))).is_err());
        assert!(
            trusted
                .resolve(None, Some("ä".repeat(32).as_str()))
                .is_err()
        );
        let open = TrustedDocuments::default();
        assert!(open.resolve(other(), None).is_ok());
        assert!(open.resolve(other(), Some(&id)).is_err());
        assert!(open.resolve(None, Some(&id)).is_err());
    }

    #[test]
    fn a_manifest_is_held_to_its_hashes() {
        let mut trusted = TrustedDocuments::new(true);
        let right = format!("{{\"{}\": \"{TEXT}\"}}", hex(TEXT));
        assert!(trusted.add_manifest(right.as_bytes()).is_ok());
        assert_eq!(trusted.len(), 1);
        let wrong = right.replace("role", "name");
        assert!(matches!(
            trusted.add_manifest(wrong.as_bytes()),
            Err(ManifestError::Hash(_))
        ));
        assert!(trusted.add_manifest(b"[]").is_err());
    }
}
