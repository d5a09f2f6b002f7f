//! Keys that may verify: what a registered key holds, and whether it is fit.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use secrecy::{ExposeSecret, SecretString};

use super::preset::{Audience, Preset, Scheme};
use super::refusal::KeyProblem;
use super::roca;
use crate::domain::signing_key::{Algorithm, KeySource, SigningKey};

/// Checks a key before it is registered.
///
/// # Errors
/// What is wrong with it. Of an address only its form is checked: https, or a server on this machine,
/// which is asked only where the configuration allows that.
pub fn check_key(key: &SigningKey) -> Result<(), KeyProblem> {
    let preset = Preset::of(&key.preset).ok_or(KeyProblem::UnknownScheme)?;
    if !preset.algorithms.contains(&key.algorithm) {
        return Err(KeyProblem::WrongAlgorithm);
    }
    if preset.audience == Audience::OfKey && key.audience.is_none() {
        return Err(KeyProblem::NoAudience);
    }
    match &key.source {
        KeySource::Secret(secret) if preset.scheme == Scheme::SharedSecret => {
            super::mac::check_shared_secret(secret)
        }
        KeySource::JwksUrl(_) if key.algorithm == Algorithm::Hs256 => Err(KeyProblem::WrongSource),
        KeySource::JwksUrl(address) => super::jwks::is_well_formed(address)
            .then_some(())
            .ok_or(KeyProblem::UnsafeUrl),
        KeySource::Secret(_) | KeySource::Pem(_) | KeySource::Jwks(_) => held_keys(key).map(drop),
    }
}

/// The keys that the record itself holds; none for an address.
pub(super) fn held_keys(record: &SigningKey) -> Result<Vec<VerifyingKey>, KeyProblem> {
    match &record.source {
        KeySource::Secret(secret) => {
            let key = VerifyingKey::from_secret(record.algorithm, secret)?;
            Ok(vec![key.named(record.kid.clone())])
        }
        KeySource::Pem(pem) => {
            let key = VerifyingKey::from_pem(record.algorithm, pem)?;
            Ok(vec![key.named(record.kid.clone())])
        }
        KeySource::Jwks(json) => keys_of_set(json, record.algorithm),
        KeySource::JwksUrl(_) => Ok(Vec::new()),
    }
}

/// A key that passed the checks, for one algorithm.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl VerifyingKey {
    /// A shared secret.
    ///
    /// # Errors
    /// [`KeyProblem::SecretTooShort`], [`KeyProblem::PublicKeyAsSecret`], or
    /// [`KeyProblem::WrongSource`] for an algorithm other than HS256.
    pub fn from_secret(algorithm: Algorithm, secret: &SecretString) -> Result<Self, KeyProblem> {
        let text = secret.expose_secret();
        if algorithm != Algorithm::Hs256 {
            return Err(KeyProblem::WrongSource);
        }
        if text.contains("-----BEGIN") {
            return Err(KeyProblem::PublicKeyAsSecret);
        }
        Self::from_secret_bytes(text.as_bytes())
    }

    /// A shared secret of bytes that need not be text, for HS256.
    ///
    /// # Errors
    /// [`KeyProblem::SecretTooShort`].
    pub fn from_secret_bytes(secret: &[u8]) -> Result<Self, KeyProblem> {
        if secret.len() < 32 {
            return Err(KeyProblem::SecretTooShort);
        }
        Ok(Self {
            kid: None,
            algorithm: Algorithm::Hs256,
            key: DecodingKey::from_secret(secret),
        })
    }

    /// A public key in PEM form.
    ///
    /// # Errors
    /// When it is none, or not fit for the algorithm.
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyProblem> {
        if pem.contains("PRIVATE KEY") {
            return Err(KeyProblem::Unreadable);
        }
        let bytes = pem.trim().as_bytes();
        let key = match algorithm {
            Algorithm::Hs256 => return Err(KeyProblem::WrongSource),
            Algorithm::Rs256 => DecodingKey::from_rsa_pem(bytes),
            Algorithm::Es256 => DecodingKey::from_ec_pem(bytes),
            Algorithm::EdDsa => DecodingKey::from_ed_pem(bytes),
        }
        .map_err(|_| KeyProblem::Unreadable)?;
        Self {
            kid: None,
            algorithm,
            key,
        }
        .sound()
    }

    /// A public key as a JWK.
    ///
    /// # Errors
    /// When it is not fit for the algorithm, or says itself that it is for something else.
    pub fn from_jwk(algorithm: Algorithm, jwk: &Jwk) -> Result<Self, KeyProblem> {
        let common = &jwk.common;
        let other_use = common
            .public_key_use
            .as_ref()
            .is_some_and(|stated| *stated != PublicKeyUse::Signature);
        let other_operations = common
            .key_operations
            .as_ref()
            .is_some_and(|stated| !stated.contains(&KeyOperations::Verify));
        let other_algorithm = common
            .key_algorithm
            .is_some_and(|stated| stated != KeyAlgorithm::from(in_library(algorithm)));
        if other_use || other_operations || other_algorithm {
            return Err(KeyProblem::NotForVerifying);
        }
        match (&jwk.algorithm, algorithm) {
            (AlgorithmParameters::RSA(_), Algorithm::Rs256) => {}
            (AlgorithmParameters::EllipticCurve(point), Algorithm::Es256) => {
                let is_coordinate = |text: &str| {
                    URL_SAFE_NO_PAD
                        .decode(text)
                        .is_ok_and(|bytes| bytes.len() == 32)
                };
                let fits = point.curve == EllipticCurve::P256
                    && is_coordinate(&point.x)
                    && is_coordinate(&point.y);
                if !fits {
                    return Err(KeyProblem::WrongCurve);
                }
            }
            (AlgorithmParameters::OctetKeyPair(point), Algorithm::EdDsa) => {
                if point.curve != EllipticCurve::Ed25519 {
                    return Err(KeyProblem::WrongCurve);
                }
            }
            _ => return Err(KeyProblem::WrongSource),
        }
        Self {
            kid: common.key_id.clone(),
            algorithm,
            key: DecodingKey::from_jwk(jwk).map_err(|_| KeyProblem::Unreadable)?,
        }
        .sound()
    }

    /// Asks the cryptographic library whether the numbers make a key of the algorithm.
    fn sound(self) -> Result<Self, KeyProblem> {
        let bytes = || {
            self.key
                .try_get_as_bytes()
                .map_err(|_| KeyProblem::Unreadable)
        };
        match self.algorithm {
            Algorithm::Hs256 => {}
            Algorithm::Rs256 => {
                let (modulus, exponent) = rsa_components(&self.key)?;
                let leading = modulus
                    .first()
                    .map_or(8, |byte| byte.leading_zeros() as usize);
                let bits = modulus.len() * 8 - leading.min(modulus.len() * 8);
                let weak_exponent =
                    exponent == [1] || exponent.last().is_none_or(|last| last % 2 == 0);
                if !(2048..=8192).contains(&bits) || weak_exponent {
                    return Err(KeyProblem::WeakRsa);
                }
                if roca::is_marked(&modulus) {
                    return Err(KeyProblem::FactorableRsa);
                }
                RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                }
                .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
                .map_err(|_| KeyProblem::WeakRsa)?;
            }
            Algorithm::Es256 => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes()?)
                    .map_err(|_| KeyProblem::WrongCurve)?;
            }
            Algorithm::EdDsa => {
                ParsedPublicKey::new(&ED25519, bytes()?).map_err(|_| KeyProblem::WrongCurve)?;
            }
        }
        Ok(self)
    }

    fn named(self, kid: Option<String>) -> Self {
        Self { kid, ..self }
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The one algorithm that the key is for.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether the signature (base64url) is this key's over the message. In constant time for HMAC.
    pub(super) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let algorithm = in_library(self.algorithm);
        jsonwebtoken::crypto::verify(signature, message, &self.key, algorithm).unwrap_or(false)
    }
}

fn in_library(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    }
}

/// Modulus and exponent, big-endian without leading zeros.
fn rsa_components(key: &DecodingKey) -> Result<(Vec<u8>, Vec<u8>), KeyProblem> {
    let jwk = Jwk::from_decoding_key(key, None).map_err(|_| KeyProblem::Unreadable)?;
    let AlgorithmParameters::RSA(parameters) = &jwk.algorithm else {
        return Err(KeyProblem::Unreadable);
    };
    let number = |text: &str| {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| KeyProblem::Unreadable)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Ok(bytes[zeros..].to_vec())
    };
    Ok((number(&parameters.n)?, number(&parameters.e)?))
}

/// The keys of a set (RFC 7517 section 5) that may verify with the algorithm.
///
/// Keys of other kinds and for other uses are passed over one by one (section 5: unknown ones are
/// ignored), so that one of them does not cost the others. Two keys of one name fail the whole set.
pub(super) fn keys_of_set(
    json: &str,
    algorithm: Algorithm,
) -> Result<Vec<VerifyingKey>, KeyProblem> {
    #[derive(serde::Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }

    if algorithm == Algorithm::Hs256 {
        return Err(KeyProblem::WrongSource);
    }
    let set: Set = serde_json::from_str(json).map_err(|_| KeyProblem::Unreadable)?;
    let mut names = std::collections::BTreeSet::new();
    let mut keys = Vec::new();
    let mut problem = KeyProblem::EmptySet;
    for value in set.keys {
        let name = value.get("kid").and_then(serde_json::Value::as_str);
        if name.is_some_and(|name| !names.insert(name.to_owned())) {
            return Err(KeyProblem::DuplicateKid);
        }
        // A private key has no business here, and using its public half would hide the leak.
        let public = value.get("d").is_none();
        let read = Some(value)
            .filter(|_| public)
            .and_then(|value| serde_json::from_value::<Jwk>(value).ok())
            .ok_or(KeyProblem::Unreadable)
            .and_then(|jwk| VerifyingKey::from_jwk(algorithm, &jwk));
        match read {
            Ok(key) => keys.push(key),
            Err(other) => problem = other,
        }
    }
    if keys.is_empty() {
        return Err(problem);
    }
    Ok(keys)
}
