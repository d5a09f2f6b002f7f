//! What Atlassian says when an app is installed or removed: a call that it signs with a key of its own
//! (RS256), since there is no shared secret yet. The key is published under its name, as PEM.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use moka::future::Cache;
use reqwest::StatusCode;
use uuid::Uuid;

use super::claims::{self, Life};
use super::fetch::{FetchError, Fetcher};
use super::jws::Jws;
use super::key::VerifyingKey;
use super::object::Object;
use super::preset::records::ATLASSIAN_CONNECT;
use super::qsh;
use super::refusal::Refusal;
use super::shown::ShownRequest;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::signing_key::Algorithm;

/// A public key as PEM has less than 1 KB.
const MAX_KEY_BYTES: usize = 16 * 1024;
/// How long a fetched key is used.
const LIFETIME: Duration = Duration::from_hours(1);
/// The most keys that are kept.
const MOST_KEYS: u64 = 16;
/// The longest accepted life of such a token.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// Verifies Atlassian's calls on installing and removing.
#[derive(Debug)]
pub struct InstallVerifier {
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    /// Below which the keys are published, without a slash at the end.
    keys_url: String,
    public_url: String,
    leeway: SignedDuration,
    /// Fetched keys by name. Who asks for the same one at the same time waits for one fetch.
    keys: Cache<Uuid, VerifyingKey>,
}

impl InstallVerifier {
    /// A verifier with the configured addresses.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        Ok(Self {
            fetcher: Fetcher::new(&config.native, MAX_KEY_BYTES)?,
            clock,
            keys_url: config.crm.atlassian_install_keys_url.as_str().to_owned(),
            public_url: config.server.public_url.origin(),
            leeway: SignedDuration::try_from(config.native.leeway).unwrap_or_default(),
            keys: Cache::builder()
                .max_capacity(MOST_KEYS)
                .time_to_live(LIFETIME)
                .build(),
        })
    }

    /// The site (its client key) that a call speaks for, where it is one that may. No key is fetched
    /// for a token of another, so that nobody can make us call an address at will.
    ///
    /// # Errors
    /// The reason, for the log.
    pub async fn verify(
        &self,
        token: &str,
        request: ShownRequest<'_>,
        may: impl Fn(&str) -> bool,
    ) -> Result<String, Refusal> {
        let site = |claims: &Object| {
            let site = claims.text("iss")?.ok_or(Refusal::MissingClaim("iss"))?;
            may(&site).then_some(site).ok_or(Refusal::WrongIssuer)
        };
        let jws = Jws::parse(token)?;
        if !jws.names(Algorithm::Rs256) {
            return Err(Refusal::WrongAlgorithm);
        }
        site(&jws.unverified_claims()?)?;
        // The name becomes part of an address: nothing but a UUID does.
        let kid = jws
            .kid()
            .and_then(|kid| Uuid::try_parse(kid).ok())
            .ok_or(Refusal::UnknownKey)?;
        let key = self.key(kid).await?;
        let claims = Object::parse(jws.verify(&key)?)?;
        let life = Life {
            leeway: self.leeway,
            longest: LONGEST,
        };
        claims::judge_time(&claims, true, life, self.clock.now())?;
        let site = site(&claims)?;
        let audiences = claims.texts("aud")?.ok_or(Refusal::MissingClaim("aud"))?;
        if !audiences.contains(&self.public_url) {
            return Err(Refusal::WrongAudience);
        }
        let signed = claims.text("qsh")?.ok_or(Refusal::MissingClaim("qsh"))?;
        if signed != qsh::of(request, ATLASSIAN_CONNECT.parameter) {
            return Err(Refusal::WrongAddress);
        }
        Ok(site)
    }

    async fn key(&self, kid: Uuid) -> Result<VerifyingKey, Refusal> {
        let fetched = self.keys.try_get_with(kid, self.fetch(kid)).await;
        fetched.map_err(|refusal| *refusal)
    }

    async fn fetch(&self, kid: Uuid) -> Result<VerifyingKey, Refusal> {
        let address = format!("{}/{}", self.keys_url, kid.hyphenated());
        let pem = match self.fetcher.fetch(&address).await {
            Ok(pem) => pem,
            Err(FetchError::Status(StatusCode::NOT_FOUND)) => return Err(Refusal::UnknownKey),
            Err(error) => {
                tracing::warn!(%error, "an install key could not be fetched");
                return Err(Refusal::KeySetUnavailable);
            }
        };
        VerifyingKey::from_pem(Algorithm::Rs256, &pem).map_err(Refusal::UnfitKey)
    }
}
