//! Key sets at an address (JWKS): fetched with care, kept, and refreshed when a token names a key
//! that is not in them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jiff::{SignedDuration, Timestamp};
use tracing::Instrument as _;

use super::fetch::{FetchError, Fetcher};
use super::key::{VerifyingKey, keys_of_set};
use super::refusal::{KeyProblem, Refusal};
use crate::clock::Clock;
use crate::config::NativeSettings;
use crate::domain::signing_key::Algorithm;
use crate::outbound::Reach;

/// Sets are a few kilobytes; what is larger is none.
const MAX_SET_BYTES: usize = 256 * 1024;

/// The key sets in use, by address and algorithm.
///
/// One fetch at a time for each; the last good set stays when a fetch fails; a token that names an
/// unknown key causes at most one fetch in [`NativeSettings::jwks_refetch`], so that nobody can make
/// us call an address at will.
#[derive(Debug)]
pub(super) struct KeySets {
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    refetch_after: SignedDuration,
    lifetime: SignedDuration,
    sets: Mutex<HashMap<(String, Algorithm), Arc<KeySet>>>,
}

#[derive(Debug, Default)]
struct KeySet {
    /// The last good answer.
    kept: RwLock<Option<Kept>>,
    /// When the address was last asked. Whoever holds the lock is asking.
    asked_at: Arc<tokio::sync::Mutex<Option<Timestamp>>>,
}

#[derive(Clone, Debug)]
struct Kept {
    keys: Arc<[VerifyingKey]>,
    fetched_at: Timestamp,
}

impl KeySets {
    /// No sets yet.
    ///
    /// # Errors
    /// When no HTTP client can be made (no source of trusted certificates).
    pub(super) fn new(
        settings: &NativeSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            fetcher: Fetcher::new(settings, MAX_SET_BYTES)?,
            clock,
            refetch_after: signed(settings.jwks_refetch),
            lifetime: signed(settings.jwks_lifetime),
            sets: Mutex::default(),
        })
    }

    /// The key that a token names, or the only key of the set where it names none.
    pub(super) async fn find(
        &self,
        address: &str,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<VerifyingKey, Refusal> {
        let set = self.set(address, algorithm);
        if let Some(key) = self.fresh(&set, kid) {
            return Ok(key);
        }
        let mut asked_at = Arc::clone(&set.asked_at).lock_owned().await;
        // Who waited for the lock may find the answer there.
        if let Some(key) = self.fresh(&set, kid) {
            return Ok(key);
        }
        let now = self.clock.now();
        let may_ask = asked_at.is_none_or(|at| now.duration_since(at) >= self.refetch_after);
        if may_ask {
            *asked_at = Some(now);
            let (fetcher, set) = (self.fetcher.clone(), Arc::clone(&set));
            let address = address.to_owned();
            // To its end, also when the caller goes away: nobody else may ask for a while, and those
            // who wait for the lock wait for this answer.
            let fetching = async move {
                let answer = fetcher.fetch(&address).await.map_err(NoSet::from);
                set.keep(
                    answer.and_then(|text| Ok(keys_of_set(&text, algorithm)?)),
                    now,
                );
                drop(asked_at);
            };
            if let Err(error) = tokio::spawn(fetching.in_current_span()).await {
                tracing::error!(%error, "fetching a key set was cut off");
            }
        }
        let kept = set.kept.read().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(kept) => choose(&kept.keys, kid).ok_or(Refusal::UnknownKey),
            None => Err(Refusal::KeySetUnavailable),
        }
    }

    fn set(&self, address: &str, algorithm: Algorithm) -> Arc<KeySet> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sets.entry((address.to_owned(), algorithm)).or_default())
    }

    /// The key from a set that is still young enough.
    fn fresh(&self, set: &KeySet, kid: Option<&str>) -> Option<VerifyingKey> {
        let kept = set.kept.read().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.as_ref()?;
        let age = self.clock.now().duration_since(kept.fetched_at);
        (age < self.lifetime)
            .then(|| choose(&kept.keys, kid))
            .flatten()
    }
}

impl KeySet {
    /// Keeps a good answer; with another the last good one stays.
    fn keep(&self, answer: Result<Vec<VerifyingKey>, NoSet>, asked_at: Timestamp) {
        match answer {
            Ok(keys) => {
                *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(Kept {
                    keys: keys.into(),
                    fetched_at: asked_at,
                });
            }
            Err(error) => {
                tracing::warn!(error = %error, "a key set could not be fetched; the last one stays");
            }
        }
    }
}

/// Whether an address may stand in a record: by https, or on this machine. Whether it is called is
/// decided when it would be, by the settings of that moment.
pub(super) fn is_well_formed(address: &str) -> bool {
    let anywhere = Reach {
        loopback: true,
        networks: vec![IpNet::from(Ipv4Net::default()), Ipv6Net::default().into()],
    };
    anywhere.check(address).is_ok()
}

/// Why there is no set.
#[derive(Debug, thiserror::Error)]
enum NoSet {
    #[error(transparent)]
    NotFetched(#[from] FetchError),
    #[error(transparent)]
    Unfit(#[from] KeyProblem),
}

/// Without a name the only key is meant; of several, none.
fn choose(keys: &[VerifyingKey], kid: Option<&str>) -> Option<VerifyingKey> {
    match (kid, keys) {
        (Some(kid), _) => keys.iter().find(|key| key.kid() == Some(kid)).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
