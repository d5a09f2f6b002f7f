//! Who asks: hostile tokens, keys, key sets, sessions.

mod hostile;
mod key_sets;
mod keys;
mod matrix;
mod people;
mod sessions;
mod vectors;
mod wycheproof;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use financial_pulse::auth::{Algorithm, KeyRecord, KeySource, Verifier};
use financial_pulse::clock::ManualClock;
use financial_pulse::config::Config;
use jiff::Timestamp;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::{Value, json};

/// The tenant's native secret: 40 bytes.
pub(crate) const SECRET: &str = "a-native-secret-of-exactly-forty-bytes!!";

/// 2026-11-23T12:00:00Z.
pub(crate) const NOW: i64 = 1_795_435_200;

pub(crate) fn clock() -> Arc<ManualClock> {
    let now = Timestamp::from_second(NOW).expect("an instant");
    Arc::new(ManualClock::new(now))
}

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

/// A native key of the tenant `acme`.
fn native_key(algorithm: Algorithm, source: KeySource) -> KeyRecord {
    KeyRecord {
        id: "key".to_owned(),
        tenant: Some("acme".into()),
        preset: "native".to_owned(),
        kid: None,
        algorithm,
        source,
        issuer: None,
        audience: None,
        valid_until: None,
        claims: BTreeMap::default(),
    }
}

fn secret_key() -> KeyRecord {
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

/// A compact JWS of whatever text, under whatever key: what a forger can make.
fn forge(header: &str, payload: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let input = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let algorithm = match algorithm {
        Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    };
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), key, algorithm).expect("signed");
    format!("{input}.{signature}")
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

/// A key pair made for a test.
struct Pair {
    algorithm: Algorithm,
    signing: EncodingKey,
    public: Value,
    /// The public half as `openssl pkey -pubout` writes it.
    pem: String,
}

impl Pair {
    fn new(algorithm: Algorithm) -> Self {
        use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
        use aws_lc_rs::signature::{
            ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
        };
        let random = aws_lc_rs::rand::SystemRandom::new();
        let (signing, spki, name) = match algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("a pair");
                let der: Pkcs8V1Der<'_> = pair.as_der().expect("its form");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("its form");
                let pem = pem("PRIVATE KEY", der.as_ref());
                (
                    EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a PEM"),
                    public.as_ref().to_vec(),
                    jsonwebtoken::Algorithm::RS256,
                )
            }
            Algorithm::Es256 => {
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                    .expect("a pair");
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref());
                let pair = pair.expect("the same pair");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("its form");
                (
                    EncodingKey::from_ec_der(der.as_ref()),
                    public.as_ref().to_vec(),
                    jsonwebtoken::Algorithm::ES256,
                )
            }
            Algorithm::EdDsa => {
                let der = Ed25519KeyPair::generate_pkcs8v1(&random).expect("a pair");
                let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("the same pair");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("its form");
                (
                    EncodingKey::from_ed_der(der.as_ref()),
                    public.as_ref().to_vec(),
                    jsonwebtoken::Algorithm::EdDSA,
                )
            }
            Algorithm::Hs256 => panic!("a secret is no pair"),
        };
        let public = Jwk::from_encoding_key(&signing, name).expect("its public half");
        Self {
            algorithm,
            public: serde_json::to_value(public).expect("JSON"),
            pem: pem("PUBLIC KEY", &spki),
            signing,
        }
    }

    /// The public half with a name.
    fn jwk(&self, kid: &str) -> Value {
        let mut jwk = self.public.clone();
        jwk["kid"] = kid.into();
        jwk
    }

    fn token(&self, kid: Option<&str>) -> String {
        let mut header = json!({ "alg": self.algorithm.as_str(), "typ": "JWT" });
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        forge(
            &header.to_string(),
            &claims().to_string(),
            &self.signing,
            self.algorithm,
        )
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> = STANDARD
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let body = lines.join("\n");
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn set_of(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}
