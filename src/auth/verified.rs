//! Verified tokens kept in memory: a token is verified once, and then costs a hash and a look-up.

use jiff::Timestamp;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

/// What tokens proved when they were verified, by the tokens' SHA-256: the tokens themselves are not
/// kept.
///
/// An entry counts until its token ends, and while what it was judged by stands as it did: the keys,
/// roles and settings of its tenant. Whoever asks brings the judgment on the latter, since versions
/// are kept elsewhere.
pub struct VerifiedTokens<V> {
    entries: Cache<[u8; 32], Entry<V>>,
}

impl<V> std::fmt::Debug for VerifiedTokens<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedTokens").finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Entry<V> {
    proved: V,
    expires_at: Timestamp,
}

impl<V: Clone + Send + Sync + 'static> VerifiedTokens<V> {
    /// Room for so many tokens.
    pub fn new(capacity: u64) -> Self {
        Self {
            entries: Cache::new(capacity),
        }
    }

    /// What a token proved before, if it has not ended and `holds` says that it still counts.
    pub fn get(&self, token: &str, now: Timestamp, holds: impl FnOnce(&V) -> bool) -> Option<V> {
        let key = hash(token);
        let entry = self.entries.get(&key)?;
        if now < entry.expires_at && holds(&entry.proved) {
            return Some(entry.proved);
        }
        self.entries.invalidate(&key);
        None
    }

    /// Keeps what a token proved until it ends. With it must go what `holds` will look at, read
    /// **before** the keys and roles were, so that a change in between is noticed.
    pub fn put(&self, token: &str, proved: V, expires_at: Timestamp) {
        self.entries
            .insert(hash(token), Entry { proved, expires_at });
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
