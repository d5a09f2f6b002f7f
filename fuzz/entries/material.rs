//! Keys of our own making, the tokens that they sign, and the clock that both live by.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use financial_pulse::clock::ManualClock;
use financial_pulse::config::Config;
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use jiff::Timestamp;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::{Value, json};

/// A shared secret of 40 bytes.
pub(crate) const SECRET: &str = "a-native-secret-of-exactly-forty-bytes!!";

/// The one of Pipedrive's scheme.
pub(super) const PIPEDRIVE_SECRET: &str = "another-secret-that-signs-for-pipedrive!";

/// The bytes that our sessions are signed with.
pub(super) const SESSION_KEY: [u8; 32] = [9; 32];

/// Under which browsers reach us.
pub(super) const PUBLIC_URL: &str = "https://pulse.example.com";

/// 2026-11-23T12:00:00Z.
pub(crate) const NOW: i64 = 1_795_435_200;

/// The pairs, made once.
pub(super) static PAIRS: LazyLock<[Pair; 3]> =
    LazyLock::new(|| [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa].map(Pair::new));

/// The default settings.
pub(super) static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let settings = [
        ("PULSE_ENCRYPTION__KEY", "07".repeat(32)),
        (
            "PULSE_PIPEDRIVE__CLIENT_SECRET",
            PIPEDRIVE_SECRET.to_owned(),
        ),
        ("PULSE_SERVER__PUBLIC_URL", PUBLIC_URL.to_owned()),
        // Weak schemes are refused whole otherwise.
        ("PULSE_CRM__WEAK_PRESETS", "followupboss".to_owned()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    Config::load(None, settings).expect("a right configuration")
});

/// The clock stands still.
pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(
        Timestamp::from_second(NOW).expect("an instant"),
    ))
}

/// A key pair.
pub(crate) struct Pair {
    pub(crate) algorithm: Algorithm,
    pub(crate) signing: EncodingKey,
    /// The public half as a JWK.
    pub(crate) public: Value,
    /// The public half as `openssl pkey -pubout` writes it.
    pub(crate) pem: String,
    /// The private half.
    pub(crate) private_pem: String,
}

impl Pair {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let (signing, private, public, name) = match algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("a pair");
                let der: Pkcs8V1Der<'_> = pair.as_der().expect("its form");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("its form");
                let private = pem("PRIVATE KEY", der.as_ref());
                (
                    EncodingKey::from_rsa_pem(private.as_bytes()).expect("a PEM"),
                    private,
                    public.as_ref().to_vec(),
                    jsonwebtoken::Algorithm::RS256,
                )
            }
            Algorithm::Es256 => {
                let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let der = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("a pair");
                let pair = EcdsaKeyPair::from_pkcs8(kind, der.as_ref()).expect("the same pair");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("its form");
                (
                    EncodingKey::from_ec_der(der.as_ref()),
                    pem("PRIVATE KEY", der.as_ref()),
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
                    pem("PRIVATE KEY", der.as_ref()),
                    public.as_ref().to_vec(),
                    jsonwebtoken::Algorithm::EdDSA,
                )
            }
            Algorithm::Hs256 => panic!("a secret is no pair"),
        };
        let jwk = Jwk::from_encoding_key(&signing, name).expect("its public half");
        Self {
            algorithm,
            signing,
            public: serde_json::to_value(jwk).expect("JSON"),
            pem: pem("PUBLIC KEY", &public),
            private_pem: private,
        }
    }

    /// The public half with a name.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = self.public.clone();
        jwk["kid"] = kid.into();
        jwk
    }
}

/// A native key of the tenant `acme`.
pub(crate) fn native_key(algorithm: Algorithm, source: KeySource) -> SigningKey {
    SigningKey {
        id: "key".into(),
        tenant: Some("acme".into()),
        preset: "native".to_owned(),
        claims: BTreeMap::new(),
        kid: None,
        algorithm,
        source,
        issuer: None,
        audience: None,
        valid_until: None,
    }
}

/// The claims of a right native token.
pub(super) fn claims() -> Value {
    json!({
        "iss": "acme", "aud": "financial-pulse", "sub": "rep-7", "tenant": "acme",
        "contact": "person:42", "company": "acme-gmbh", "role": "finance", "name": "Ada",
        "email": "ada@example.com", "tax_number": "DE 123", "locale": "de-DE",
        "iat": NOW, "nbf": NOW, "exp": NOW + 300, "jti": "one",
    })
}

/// A compact JWS of whatever bytes, under whatever key: what a forger can make.
pub(crate) fn forge(
    header: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
    key: &EncodingKey,
    algorithm: Algorithm,
) -> String {
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

/// A token under a shared secret.
pub(super) fn under_secret(secret: &[u8], header: &[u8], payload: &[u8]) -> String {
    forge(
        header,
        payload,
        &EncodingKey::from_secret(secret),
        Algorithm::Hs256,
    )
}

fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> = STANDARD
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
