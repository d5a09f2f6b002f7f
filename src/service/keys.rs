//! Signing keys as the store keeps them, turned into those that tokens are verified under.

use tracing::warn;

use crate::auth::preset::Claim;
use crate::auth::{Algorithm, KeyRecord, KeySource};
use crate::store::{self, SigningKey};

/// The keys that can verify; one whose algorithm is not known is left out and named in the log.
pub fn key_records(keys: Vec<SigningKey>) -> Vec<KeyRecord> {
    keys.into_iter()
        .filter_map(|key| {
            let Some(algorithm) = Algorithm::parse(&key.algorithm) else {
                warn!(key = %key.id, "signing key with an unknown algorithm is left out");
                return None;
            };
            Some(KeyRecord {
                id: key.id.to_string(),
                tenant: key.tenant,
                preset: key.preset,
                kid: key.kid,
                algorithm,
                source: match key.source {
                    store::KeySource::Secret(secret) => KeySource::Secret(secret),
                    store::KeySource::Pem(pem) => KeySource::Pem(pem),
                    store::KeySource::Jwks(set) => KeySource::Jwks(set),
                    store::KeySource::JwksUrl(url) => KeySource::JwksUrl(url),
                },
                issuer: key.issuer,
                audience: key.audience,
                valid_until: key.valid_until,
                claims: key
                    .claims
                    .into_iter()
                    .filter_map(|(word, path)| Some((Claim::parse(&word)?, path)))
                    .collect(),
            })
        })
        .collect()
}
