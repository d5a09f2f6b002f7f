//! Keys as they are registered: PEM, single JWKs, sets, secrets and addresses.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use financial_pulse::auth::jws::Jws;
use financial_pulse::auth::{VerifyingKey, check_key};
use financial_pulse::domain::signing_key::{Algorithm, KeySource};
use jsonwebtoken::jwk::Jwk;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::material::{PAIRS, SECRET, claims, forge, native_key};
use super::{Entry, fate, input, taken_apart};

pub(super) const KEYS: Entry = Entry {
    name: "keys",
    longest: 2048,
    sample: 10_000,
    run,
    seeds,
    words: &[
        "-----BEGIN PUBLIC KEY-----\n",
        "\n-----END PUBLIC KEY-----\n",
        "-----BEGIN RSA PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----",
        "\"kty\":\"RSA\"",
        "\"kty\":\"EC\"",
        "\"kty\":\"OKP\"",
        "\"kty\":\"oct\"",
        "\"crv\":\"P-256\"",
        "\"crv\":\"Ed25519\"",
        "\"use\":\"enc\"",
        "\"use\":\"sig\"",
        "\"alg\":\"RS256\"",
        "\"alg\":\"none\"",
        "\"key_ops\":[\"verify\"]",
        "\"kid\":\"a\"",
        "\"d\":\"AA\"",
        "\"e\":\"AQAB\"",
        "\"e\":\"AQ\"",
        "\"n\":\"",
        "\"x\":\"",
        "\"y\":\"",
        "{\"keys\":[",
        "https://",
        "http://127.0.0.1:1/",
        "http://localhost.evil/",
    ],
};

const MODES: u8 = 5;
const PEM: u8 = 0;
const JWK: u8 = 1;
const SET: u8 = 2;
const SECRETS: u8 = 3;
const ADDRESS: u8 = 4;

fn run(input: &[u8]) -> u64 {
    let Some((mode, pieces)) = taken_apart(input, MODES) else {
        return 0;
    };
    let Ok(text) = std::str::from_utf8(pieces[0]) else {
        return 1;
    };
    let outcomes: Vec<String> = Algorithm::ALL
        .into_iter()
        .map(|algorithm| match mode {
            PEM => of_pem(algorithm, text),
            JWK => of_jwk(algorithm, text),
            SET => of_set(algorithm, text),
            SECRETS => of_secret(algorithm, text),
            _ => of_address(algorithm, text),
        })
        .collect();
    if mode != SET {
        let fit = outcomes.iter().filter(|outcome| *outcome == "fit").count();
        assert!(
            fit <= 1 || mode == ADDRESS,
            "one key for several algorithms: {text}"
        );
    }
    fate((mode, outcomes))
}

fn of_pem(algorithm: Algorithm, text: &str) -> String {
    let key = VerifyingKey::from_pem(algorithm, text);
    assert_eq!(
        key.is_ok(),
        registered(algorithm, KeySource::Pem(text.to_owned()))
    );
    match key {
        Err(problem) => problem.to_string(),
        Ok(key) => {
            assert!(!text.contains("PRIVATE KEY"), "{text}");
            fit(algorithm, &key)
        }
    }
}

fn of_jwk(algorithm: Algorithm, text: &str) -> String {
    let Ok(jwk) = serde_json::from_str::<Jwk>(text) else {
        return "no JWK".to_owned();
    };
    match VerifyingKey::from_jwk(algorithm, &jwk) {
        Err(problem) => problem.to_string(),
        Ok(key) => {
            let told: Value = serde_json::from_str(text).expect("JSON");
            assert_told(algorithm, &told);
            fit(algorithm, &key)
        }
    }
}

/// What an accepted JWK says of itself.
fn assert_told(algorithm: Algorithm, told: &Value) {
    let length = |name: &str| {
        let bytes = told[name]
            .as_str()
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        bytes.expect("base64url").len()
    };
    assert!(told["use"].is_null() || told["use"] == "sig", "{told}");
    assert!(
        told["alg"].is_null() || told["alg"] == algorithm.as_str(),
        "{told}"
    );
    match algorithm {
        Algorithm::Hs256 => panic!("a public key as a secret"),
        Algorithm::Rs256 => {
            assert_eq!(told["kty"], "RSA");
            assert!(length("n") >= 256, "short");
            let odd = URL_SAFE_NO_PAD
                .decode(told["e"].as_str().expect("text"))
                .expect("base64url");
            assert!(
                odd.last().is_some_and(|last| last % 2 == 1),
                "an even exponent"
            );
        }
        Algorithm::Es256 => {
            assert_eq!(
                (&told["kty"], &told["crv"]),
                (&json!("EC"), &json!("P-256"))
            );
            assert_eq!((length("x"), length("y")), (32, 32));
        }
        Algorithm::EdDsa => {
            assert_eq!(
                (&told["kty"], &told["crv"]),
                (&json!("OKP"), &json!("Ed25519"))
            );
            assert_eq!(length("x"), 32);
        }
    }
}

fn of_set(algorithm: Algorithm, text: &str) -> String {
    if !registered(algorithm, KeySource::Jwks(text.to_owned())) {
        return "unfit".to_owned();
    }
    assert_ne!(
        algorithm,
        Algorithm::Hs256,
        "a set of public keys as a secret"
    );
    let told: Value = serde_json::from_str(text).expect("JSON");
    let keys = told["keys"].as_array().expect("keys");
    let names: Vec<_> = keys.iter().filter_map(|key| key["kid"].as_str()).collect();
    let distinct: HashSet<_> = names.iter().collect();
    assert_eq!(names.len(), distinct.len(), "two keys of one name");
    assert!(
        keys.iter().any(|key| key.get("d").is_none()),
        "private keys only"
    );
    "fit".to_owned()
}

fn of_secret(algorithm: Algorithm, text: &str) -> String {
    if let Err(problem) = VerifyingKey::from_secret(algorithm, &SecretString::from(text)) {
        problem.to_string()
    } else {
        assert_eq!(algorithm, Algorithm::Hs256);
        assert!(text.len() >= 32 && !text.contains("-----BEGIN"));
        "fit".to_owned()
    }
}

fn of_address(algorithm: Algorithm, text: &str) -> String {
    if !registered(algorithm, KeySource::JwksUrl(text.to_owned())) {
        return "unfit".to_owned();
    }
    let address: url::Url = text.parse().expect("an address");
    let local = |host: &str| host == "localhost" || host == "[::1]" || host.starts_with("127.");
    let https = address.scheme() == "https";
    assert!(https || address.host_str().is_some_and(local), "{text}");
    "fit".to_owned()
}

fn registered(algorithm: Algorithm, source: KeySource) -> bool {
    check_key(&native_key(algorithm, source)).is_ok()
}

/// A fit key verifies what its own private half signed, and nothing else that is at hand.
fn fit(algorithm: Algorithm, key: &VerifyingKey) -> String {
    assert_eq!(key.algorithm(), algorithm);
    for pair in &*PAIRS {
        let header = json!({"alg": pair.algorithm.as_str()}).to_string();
        let payload = b"{}";
        // An RSA signature costs more than all the rest here.
        if pair.algorithm != algorithm || algorithm == Algorithm::Rs256 {
            continue;
        }
        let token = forge(header.as_bytes(), payload, &pair.signing, pair.algorithm);
        let other = format!("{}x", &token[..token.len() - 1]);
        let verified = |token: &str| Jws::parse(token).is_ok_and(|jws| jws.verify(key).is_ok());
        assert!(!verified(&other) || other == token);
    }
    "fit".to_owned()
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut keys = Vec::new();
    for (nth, pair) in PAIRS.iter().enumerate() {
        seeds.push(input(PEM, &[pair.pem.as_bytes()]));
        seeds.push(input(PEM, &[pair.private_pem.as_bytes()]));
        let mut jwk = pair.public.clone();
        seeds.push(input(JWK, &[jwk.to_string().as_bytes()]));
        jwk["kid"] = json!(format!("key-{nth}"));
        jwk["use"] = json!("sig");
        seeds.push(input(JWK, &[jwk.to_string().as_bytes()]));
        keys.push(jwk);
    }
    seeds.push(input(
        SET,
        &[json!({ "keys": keys }).to_string().as_bytes()],
    ));
    for key in &keys {
        seeds.push(input(
            SET,
            &[json!({ "keys": [key] }).to_string().as_bytes()],
        ));
    }
    let oct = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET)});
    seeds.push(input(JWK, &[oct.to_string().as_bytes()]));
    seeds.push(input(
        SET,
        &[json!({ "keys": [oct, {"kty": "new"}] })
            .to_string()
            .as_bytes()],
    ));
    seeds.push(input(SECRETS, &[SECRET.as_bytes()]));
    seeds.push(input(SECRETS, &[claims().to_string().as_bytes()]));
    for address in [
        "https://keys.example.com/jwks",
        "http://127.0.0.1:9/keys",
        "file:///keys",
    ] {
        seeds.push(input(ADDRESS, &[address.as_bytes()]));
    }
    seeds
}
