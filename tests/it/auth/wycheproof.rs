//! Project Wycheproof's vectors for JSON Web Signature and Key, where an operator has the files:
//! `make test-wycheproof WYCHEPROOF=…/testvectors_v1`. They are no part of this project.
//!
//! Each key is registered as an operator would register it, and each token goes the whole way. What a
//! vector calls invalid is refused, always. What it calls valid is accepted, unless we are stricter by
//! one of the rules in [`Stricter`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use financial_pulse::auth::jws::Jws;
use financial_pulse::auth::preset::NATIVE;
use financial_pulse::auth::{Refusal, VerifyingKey};
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use serde_json::{Value, json};

use super::{clock, native_key, verifier};

/// The files, and whether one may be missing from the folder.
const FILES: [(&str, bool); 3] = [
    ("json_web_signature_test.json", true),
    ("json_web_key_test.json", true),
    ("json_web_crypto_test.json", false),
];

/// Why a token that is valid by its vector is refused by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stricter {
    /// The key has none of our four algorithms.
    Algorithm,
    /// It is encrypted, not signed.
    Encrypted,
    /// A character that base64url does not have (RFC 7515 section 2).
    Alphabet,
    /// It signs nothing: such a token can have no claims.
    Empty,
    /// A set of shared secrets: secrets are registered one by one.
    SecretSet,
}

#[expect(clippy::print_stdout, reason = "figures for who runs it")]
#[ignore = "needs the vectors' files; run by make test-wycheproof"]
#[tokio::test]
async fn every_vector_comes_out_as_it_says() {
    let folder = folder();
    for (name, required) in FILES {
        let path = folder.join(name);
        if path.exists() || required {
            let outcome = run(&path).await;
            println!("{name}: {outcome}");
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a setting of the tests, not of the program"
)]
fn folder() -> PathBuf {
    let folder = std::env::var("WYCHEPROOF");
    folder
        .expect("WYCHEPROOF must name the folder with the vectors (testvectors_v1)")
        .into()
}

#[expect(clippy::print_stdout, reason = "what the vectors leave open")]
async fn run(path: &Path) -> String {
    let text = std::fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for group in file["testGroups"].as_array().expect("groups") {
        let keys = registered(group);
        for test in group["tests"].as_array().expect("tests") {
            seen += 1;
            let token = token(test);
            let accepted = accepted(&keys, &token).await;
            let result = test["result"].as_str().expect("a result");
            let outcome = match (result, accepted) {
                ("valid", true) => "valid and accepted".to_owned(),
                ("invalid", false) => "invalid and refused".to_owned(),
                ("acceptable", accepted) => {
                    println!(
                        "acceptable, {}: {test}",
                        if accepted { "accepted" } else { "refused" }
                    );
                    "acceptable".to_owned()
                }
                ("valid", false) => {
                    let Some(rule) = stricter(group, &token) else {
                        wrong.push(format!("valid, but refused: {} {test}", group["comment"]));
                        continue;
                    };
                    format!("valid, but refused by our rule {rule:?}")
                }
                ("invalid", true) if also_valid(group, &token) => {
                    "called invalid, and valid by another vector of the same text and key"
                        .to_owned()
                }
                (result, accepted) => {
                    wrong.push(format!(
                        "{result}, accepted {accepted}: {} {test}",
                        group["comment"]
                    ));
                    continue;
                }
            };
            *counts.entry(outcome).or_default() += 1;
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {seen}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(file["numberOfTests"], seen, "every vector was tried");
    let counts: Vec<String> = counts
        .iter()
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    format!("{}; none wrong", counts.join("; "))
}

/// Some vectors were to have padding and lost it: what is left is a valid token.
fn also_valid(group: &Value, text: &str) -> bool {
    let mut tests = group["tests"].as_array().into_iter().flatten();
    tests.any(|test| test["result"] == "valid" && token(test) == text)
}

/// The token's text; the JSON serialization is written out.
fn token(test: &Value) -> String {
    let token = if test["jws"].is_null() {
        &test["jwe"]
    } else {
        &test["jws"]
    };
    token
        .as_str()
        .map_or_else(|| token.to_string(), str::to_owned)
}

fn keys_of(group: &Value) -> Vec<Value> {
    let held = if group["public"].is_null() {
        &group["private"]
    } else {
        &group["public"]
    };
    held["keys"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![held.clone()])
}

/// The records that an operator would make of a group's keys: a shared secret where it is the only key,
/// else the set, for each algorithm that could be meant.
fn registered(group: &Value) -> Vec<SigningKey> {
    let keys = keys_of(group);
    if let [only] = &keys[..]
        && only["kty"] == "oct"
    {
        return secret(only).into_iter().collect();
    }
    let set = json!({ "keys": keys }).to_string();
    let record = |algorithm| native_key(algorithm, KeySource::Jwks(set.clone()));
    Algorithm::ALL.into_iter().map(record).collect()
}

/// A secret by its bytes, for the one algorithm that its key names.
fn secret(jwk: &Value) -> Option<SigningKey> {
    if jwk["alg"] != "HS256" {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(jwk["k"].as_str()?).ok()?;
    VerifyingKey::from_secret_bytes(&bytes).ok()?;
    let source = KeySource::Jwks(json!({ "keys": [jwk] }).to_string());
    let mut record = native_key(Algorithm::Hs256, source);
    record.kid = jwk["kid"].as_str().map(str::to_owned);
    Some(record)
}

/// Whether the signature is accepted: the claims, which the vectors do not have, come after it.
async fn accepted(keys: &[SigningKey], token: &str) -> bool {
    let Ok(jws) = Jws::parse(token) else {
        return false;
    };
    // A registered secret is text; the vectors' are bytes, which only the key itself takes.
    if let [
        SigningKey {
            algorithm: Algorithm::Hs256,
            source: KeySource::Jwks(set),
            ..
        },
    ] = keys
    {
        let set: Value = serde_json::from_str(set).expect("our own");
        let bytes = URL_SAFE_NO_PAD.decode(set["keys"][0]["k"].as_str().expect("text"));
        let key = VerifyingKey::from_secret_bytes(&bytes.expect("checked")).expect("checked");
        return jws.verify(&key).is_ok();
    }
    let verifier = verifier(&clock());
    // What is said of the claims is said after the signature.
    !matches!(
        verifier.verify(&NATIVE, keys, token).await,
        Err(Refusal::UnknownKey
            | Refusal::UnfitKey(_)
            | Refusal::BadSignature
            | Refusal::WrongAlgorithm
            | Refusal::WrongKind)
    )
}

fn stricter(group: &Value, token: &str) -> Option<Stricter> {
    let keys = keys_of(group);
    let ours = |key: &Value| {
        key["alg"]
            .as_str()
            .is_some_and(|name| name.parse::<Algorithm>().is_ok())
    };
    let parts: Vec<&str> = token.split('.').collect();
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if parts.len() == 5 || keys.iter().any(|key| key["use"] == "enc") {
        Some(Stricter::Encrypted)
    } else if !keys.iter().any(ours) {
        Some(Stricter::Algorithm)
    } else if !token.bytes().all(known) {
        Some(Stricter::Alphabet)
    } else if parts.get(1).is_some_and(|payload| payload.is_empty()) {
        Some(Stricter::Empty)
    } else if keys.len() > 1 && keys.iter().all(|key| key["kty"] == "oct") {
        Some(Stricter::SecretSet)
    } else {
        None
    }
}
