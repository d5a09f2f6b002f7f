//! What ledgers tell by themselves (webhooks): whether a delivery truly comes from the ledger, and
//! what it hints at.
//!
//! A delivery is never the truth. It may be late, come twice, in another order or not at all, and it
//! holds no figures. It only says where to look sooner.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::domain::freshness::Dataset;

/// How a ledger's deliveries are signed, read and answered.
///
/// The ledgers that have webhooks agree on the signature: the Base64 form of HMAC-SHA256 over the
/// body exactly as it was sent, keyed with the text of a secret of the app.
#[derive(Debug)]
pub struct Webhooks {
    /// The header that carries the signature.
    pub signature_header: &'static str,
    /// How long the ledger waits for our answer; later it counts as none.
    pub answer_within: Duration,
    /// How far apart two looks at one organization's books lie, at least, that webhooks alone cause: a
    /// busy hour in the books sends one for every record, and each look costs calls.
    pub least_interval: Duration,
    /// Empty until configured.
    keys: Vec<SecretString>,
    decode: Decode,
}

/// What is the ledger's own about its webhooks; see [`Webhooks`] for what the fields mean.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    pub(crate) signature_header: &'static str,
    pub(crate) answer_within: Duration,
    pub(crate) least_interval: Duration,
    pub(crate) decode: Decode,
}

/// Reads a body of a ledger's own shape.
pub(crate) type Decode = fn(&[u8]) -> Result<Delivery, serde_json::Error>;

impl Webhooks {
    /// Webhooks signed with the first of the keys, or with a later one while the ledger still uses it.
    /// An empty key is none: a missing setting must not open the door.
    pub(crate) fn new(ledger: Manners, keys: &[SecretString]) -> Self {
        let Manners {
            signature_header,
            answer_within,
            least_interval,
            decode,
        } = ledger;
        let set = |key: &&SecretString| !key.expose_secret().is_empty();
        Self {
            signature_header,
            answer_within,
            least_interval,
            keys: keys.iter().filter(set).cloned().collect(),
            decode,
        }
    }

    /// Whether there is a key to verify with. Without one no delivery is accepted.
    pub fn is_configured(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether the signature (the header's text) is that of the body. Compares in constant time.
    pub fn verify(&self, raw_body: &[u8], signature: &str) -> bool {
        // Base64 read strictly: no text but one stands for these bytes.
        let Ok(signature) = STANDARD.decode(signature) else {
            return false;
        };
        self.keys.iter().any(|key| {
            Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).is_ok_and(|mut mac| {
                mac.update(raw_body);
                mac.verify_slice(&signature).is_ok()
            })
        })
    }

    /// What a verified body says.
    ///
    /// # Errors
    /// When it is not of the ledger's shape at all. A single event that cannot be read is counted and
    /// does not take the others with it.
    pub fn decode(&self, raw_body: &[u8]) -> Result<Delivery, serde_json::Error> {
        (self.decode)(raw_body)
    }
}

/// What one delivery holds; the ledger may put the events of many organizations into one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// What concerns records that are mirrored.
    pub hints: Vec<Hint>,
    /// How many events speak of something else.
    pub ignored: u64,
    /// How many events could not be read.
    pub unreadable: u64,
}

/// What one event turns out to be.
pub(crate) enum Event {
    /// It concerns a record that is mirrored.
    Hint(Hint),
    /// It speaks of something else.
    Ignored,
    /// It is not of the ledger's shape.
    Unreadable,
}

impl FromIterator<Event> for Delivery {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut delivery = Self::default();
        for event in events {
            match event {
                Event::Hint(hint) => delivery.hints.push(hint),
                Event::Ignored => delivery.ignored += 1,
                Event::Unreadable => delivery.unreadable += 1,
            }
        }
        delivery
    }
}

/// An event: something about a record of an organization's books is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The organization's id at the provider.
    pub account: Arc<str>,
    /// The kind of record.
    pub dataset: Dataset,
    /// The record.
    pub ledger_id: String,
    /// Whether another record was merged into it. That other one is gone, which no question for
    /// changes tells.
    pub merged: bool,
    /// When it happened, by the ledger, where it says that.
    pub happened_at: Option<Timestamp>,
    /// The same for the same event however often it is delivered, and for no other of the
    /// organization.
    pub key: EventKey,
}

/// Tells an event from all others of its organization.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey(String);

impl EventKey {
    /// The key of what identifies an event at its ledger.
    pub(crate) fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // With its length, so that no two lists of parts read alike.
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(STANDARD.encode(hash.finalize()))
    }

    /// As text: 44 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text can be an id at a ledger: visible ASCII characters, and not many.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
