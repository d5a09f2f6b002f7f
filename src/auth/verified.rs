//! Verified tokens kept in memory: a token is verified once, and then costs a hash and a look-up.

use std::sync::Arc;

use jiff::Timestamp;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use super::viewer::Viewer;
use crate::domain::ids::TenantId;

/// Tokens that verified, by their SHA-256: the tokens themselves are not kept.
///
/// An entry counts until the token ends and while its tenant stands as it did: whatever changes a
/// tenant's keys, roles or settings raises the tenant's version, and with it ends what was verified
/// before.
#[derive(Clone, Debug)]
pub struct VerifiedTokens {
    entries: Cache<[u8; 32], Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    viewer: Arc<Viewer>,
    tenant_version: i64,
}

impl VerifiedTokens {
    /// Room for so many tokens.
    pub fn new(capacity: u64) -> Self {
        Self {
            entries: Cache::new(capacity),
        }
    }

    /// The viewer of a token that verified before and still counts.
    pub fn get(
        &self,
        token: &str,
        now: Timestamp,
        version_of: impl FnOnce(&TenantId) -> i64,
    ) -> Option<Arc<Viewer>> {
        let key = hash(token);
        let entry = self.entries.get(&key)?;
        let counts = now < entry.viewer.session_expires_at
            && version_of(&entry.viewer.tenant) == entry.tenant_version;
        if !counts {
            self.entries.invalidate(&key);
        }
        counts.then_some(entry.viewer)
    }

    /// Keeps a token that verified while its tenant stood at a version: the one read **before** the
    /// keys and roles were, so that a change in between is noticed.
    pub fn put(&self, token: &str, viewer: Arc<Viewer>, tenant_version: i64) {
        let entry = Entry {
            viewer,
            tenant_version,
        };
        self.entries.insert(hash(token), entry);
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
