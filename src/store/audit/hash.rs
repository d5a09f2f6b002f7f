//! What makes the entries a chain: hashes under a key that only the installation has.
//!
//! The hashes are HMAC-SHA-256, so that somebody who can write to the database, but does not have the
//! encryption key, cannot make a changed trail fit again. The key is random and its own, sealed in the
//! database like every other secret: rotating the encryption key seals it anew and leaves the hashes.

use std::sync::{Arc, OnceLock};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;

use super::sql;
use crate::crypto::{Aad, CryptoError, KeyRing};
use crate::store::Store;
use crate::store::database::{Tx, with_pool, with_tx};
use crate::store::error::StoreResult;

/// The hash of an entry.
pub type Hash = [u8; 32];

/// What the first entry of a chain follows.
pub(super) const ORIGIN: Hash = [0; 32];

/// The name of the key among the installation's secrets.
const NAME: &str = "audit";

/// The key of the chains, opened when it is first needed.
#[derive(Clone, Default)]
pub(in crate::store) struct AuditKey(Arc<OnceLock<Hasher>>);

/// The parts of an entry that its hash covers, as they are stored.
pub(super) struct Hashed<'a> {
    pub(super) tenant: &'a str,
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) actor: &'a str,
    pub(super) on_behalf_of: Option<&'a str>,
    pub(super) action: &'a str,
    pub(super) subject: &'a str,
    pub(super) detail_json: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) previous: &'a [u8],
}

/// A key that hashes.
#[derive(Clone)]
pub(super) struct Hasher(Arc<SecretBox<[u8; 32]>>);

impl Hasher {
    /// An entry's own hash.
    pub(super) fn entry(&self, entry: &Hashed<'_>) -> Hash {
        let (seq, at) = (entry.seq.to_be_bytes(), entry.at.to_be_bytes());
        self.digest(
            b"financial-pulse audit entry v1",
            &[
                Some(entry.tenant.as_bytes()),
                Some(&seq),
                Some(&at),
                Some(entry.actor.as_bytes()),
                entry.on_behalf_of.map(str::as_bytes),
                Some(entry.action.as_bytes()),
                Some(entry.subject.as_bytes()),
                Some(entry.detail_json.as_bytes()),
                entry.reason.map(str::as_bytes),
                Some(entry.previous),
            ],
        )
    }

    /// The seal of a chain's head: without it the end of a chain could be cut off and the head be
    /// moved back to what is left.
    pub(super) fn head(&self, tenant: &str, seq: i64, hash: &[u8]) -> Hash {
        self.digest(
            b"financial-pulse audit head v1",
            &[
                Some(tenant.as_bytes()),
                Some(&seq.to_be_bytes()),
                Some(hash),
            ],
        )
    }

    /// Every part with whether it is there and its length before it, so that no two entries have the
    /// same bytes.
    fn digest(&self, label: &[u8], parts: &[Option<&[u8]>]) -> Hash {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) else {
            // HMAC takes a key of any length.
            return ORIGIN;
        };
        mac.update(label);
        for part in parts {
            match part {
                Some(part) => {
                    mac.update(&[1]);
                    mac.update(&(part.len() as u64).to_be_bytes());
                    mac.update(part);
                }
                None => mac.update(&[0]),
            }
        }
        mac.finalize().into_bytes().into()
    }
}

impl Store {
    /// The key of the chains, made if there is none yet.
    pub(super) async fn hasher(&self, tx: &mut Tx) -> StoreResult<Hasher> {
        if let Some(known) = self.audit_key.0.get() {
            return Ok(known.clone());
        }
        if let Some(sealed) = standing(tx).await? {
            return self.keep(&sealed);
        }
        // What is made here is not kept in memory: the transaction may yet come to nothing.
        self.make(tx).await
    }

    /// A key for an installation that never had one, and so no chain; `None` when one stands already.
    pub(super) async fn first_hasher(&self, tx: &mut Tx) -> StoreResult<Option<Hasher>> {
        match standing(tx).await? {
            Some(_) => Ok(None),
            None => self.make(tx).await.map(Some),
        }
    }

    async fn make(&self, tx: &mut Tx) -> StoreResult<Hasher> {
        let mut fresh = [0; 32];
        rand::fill(&mut fresh);
        let sealed = self.keys.seal(&fresh, &place(NAME))?;
        with_tx!(&mut *tx, |connection| sqlx::query(sql::ADD_SECRET)
            .bind(NAME)
            .bind(sealed)
            .execute(connection)
            .await
            .map(drop))?;
        // Another process may have been first.
        let sealed = standing(tx).await?.ok_or(CryptoError::Malformed)?;
        open(&self.keys, &sealed)
    }

    /// The key of the chains as it stands in the database; `None` when there is none.
    pub(super) async fn standing_hasher(&self) -> StoreResult<Option<Hasher>> {
        let sealed: Option<Vec<u8>> =
            with_pool!(&self.reader, |pool| sqlx::query_scalar(sql::SECRET)
                .bind(NAME)
                .fetch_optional(pool)
                .await)?;
        sealed.map(|sealed| open(&self.keys, &sealed)).transpose()
    }

    fn keep(&self, sealed: &[u8]) -> StoreResult<Hasher> {
        let opened = open(&self.keys, sealed)?;
        Ok(self.audit_key.0.get_or_init(|| opened).clone())
    }
}

/// Where a secret of the installation stands.
pub(in crate::store) fn place(name: &str) -> Aad<'_> {
    Aad {
        table: "installation_secret",
        column: "sealed",
        row: name,
        tenant: "",
    }
}

async fn standing(tx: &mut Tx) -> StoreResult<Option<Vec<u8>>> {
    Ok(with_tx!(tx, |connection| sqlx::query_scalar(sql::SECRET)
        .bind(NAME)
        .fetch_optional(connection)
        .await)?)
}

fn open(keys: &KeyRing, sealed: &[u8]) -> StoreResult<Hasher> {
    let plain = keys.open(sealed, &place(NAME))?;
    let bytes: [u8; 32] = plain
        .expose_secret()
        .try_into()
        .map_err(|_| CryptoError::Malformed)?;
    Ok(Hasher(Arc::new(SecretBox::new(Box::new(bytes)))))
}
