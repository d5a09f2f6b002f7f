//! Who asks: hostile tokens, keys, key sets, sessions.

mod hostile;
mod key_sets;
mod keys;
mod matrix;
mod people;
mod sessions;
mod vectors;
mod wycheproof;

use std::sync::Arc;

use financial_pulse::auth::Verifier;
use financial_pulse::clock::ManualClock;
use financial_pulse::config::Config;
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

pub(crate) use crate::fuzz::entries::material::{NOW, SECRET, clock};
use crate::fuzz::entries::material::{Pair, forge, native_key};

/// The default configuration with some settings changed.
pub(crate) fn config(settings: &[(&str, &str)]) -> Config {
    let key = ("PULSE_ENCRYPTION__KEY".to_owned(), "07".repeat(32));
    let settings = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(None, settings.chain([key])).expect("a right configuration")
}

fn verifier(clock: &Arc<ManualClock>) -> Verifier {
    let config = config(&[("PULSE_NATIVE__JWKS_ALLOW_LOOPBACK", "true")]);
    let clock: Arc<ManualClock> = Arc::clone(clock);
    Verifier::new(&config, clock).expect("a verifier")
}

fn secret_key() -> SigningKey {
    native_key(Algorithm::Hs256, KeySource::Secret(SECRET.into()))
}

/// The claims of a right native token.
pub(crate) fn claims() -> Value {
    json!({
        "iss": "acme", "aud": "financial-pulse", "sub": "rep-7", "tenant": "acme",
        "contact": "person:42", "company": "acme-gmbh", "role": "finance", "name": "Ada",
        "iat": NOW, "exp": NOW + 300, "jti": "one",
    })
}

/// A token under the tenant's secret.
pub(crate) fn signed(payload: &str) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    forge(
        r#"{"alg":"HS256","typ":"JWT"}"#,
        payload,
        &key,
        Algorithm::Hs256,
    )
}

impl Pair {
    fn token(&self, kid: Option<&str>) -> String {
        let mut header = json!({ "alg": self.algorithm.as_str(), "typ": "JWT" });
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        forge(
            header.to_string(),
            claims().to_string(),
            &self.signing,
            self.algorithm,
        )
    }
}

fn set_of(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}
