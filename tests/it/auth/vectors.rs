//! The published vectors: RFC 7515 appendix A, the JOSE cookbook of RFC 7520, and what Atlassian's own
//! library makes of addresses.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use financial_pulse::auth::jws::Jws;
use financial_pulse::auth::{KeyProblem, Refusal, ShownRequest, VerifyingKey, qsh};
use financial_pulse::domain::signing_key::Algorithm;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value;

use crate::contracts;

fn read(path: &str) -> Option<Value> {
    let text = contracts::read(&format!("crm/vectors/{path}"))?;
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// The public half of a vector's key, or its secret.
fn key(algorithm: Algorithm, jwk: &Value) -> Result<VerifyingKey, KeyProblem> {
    if algorithm == Algorithm::Hs256 {
        let secret = jwk["k"].as_str().expect("a secret");
        let secret = URL_SAFE_NO_PAD.decode(secret).expect("base64url");
        return VerifyingKey::from_secret_bytes(&secret);
    }
    let mut jwk = jwk.clone();
    let members = jwk.as_object_mut().expect("a JWK");
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        members.remove(private);
    }
    let jwk: Jwk = serde_json::from_value(jwk).map_err(|_| KeyProblem::Unreadable)?;
    VerifyingKey::from_jwk(algorithm, &jwk)
}

#[test]
fn the_examples_of_rfc_7515_verify_and_no_changed_one_does() {
    let Some(file) = read("rfc7515_appendix_a.json") else {
        return;
    };
    let mut verified = Vec::new();
    for vector in file["vectors"].as_array().expect("vectors") {
        let jws = vector["jws"].as_str().expect("a JWS");
        let name = vector["alg"].as_str().expect("an algorithm");
        let Ok(algorithm) = name.parse::<Algorithm>() else {
            // A.4 (ES512) and A.5 (none): no key of ours has such an algorithm.
            assert!(vector["jwk"].is_null() || key(Algorithm::Es256, &vector["jwk"]).is_err());
            assert!(accepts(jws, &any_secret()).is_err(), "{name}");
            continue;
        };
        let own = key(algorithm, &vector["jwk"]).expect("a fit key");
        assert_eq!(accepts(jws, &own), Ok(()), "{name}");
        assert_changes_fail(jws, &own);
        verified.push(name);
    }
    assert_eq!(verified, ["HS256", "RS256", "ES256"]);
}

#[test]
fn the_cookbook_of_rfc_7520_verifies_where_the_algorithm_is_ours() {
    let cases = [
        ("jws_4_1.rsa_v15_signature", Algorithm::Rs256),
        ("jws_4_4.hmac-sha2_integrity_protection", Algorithm::Hs256),
        ("curve25519_jws", Algorithm::EdDsa),
    ];
    for (file, algorithm) in cases {
        let Some(vector) = read(&format!("rfc7520/{file}.json")) else {
            return;
        };
        let own = key(algorithm, &vector["input"]["key"]).expect("a fit key");
        let jws = vector["output"]["compact"].as_str().expect("a JWS");
        assert_eq!(accepts(jws, &own), Ok(()), "{file}");
        assert_changes_fail(jws, &own);
    }
}

/// What a verifier of the compact form alone, of four algorithms, must refuse.
#[test]
fn the_rest_of_the_cookbook_is_refused() {
    let cases = [
        ("jws_4_2.rsa-pss_signature", "", Refusal::WrongAlgorithm),
        ("jws_4_3.ecdsa_signature", "", Refusal::WrongAlgorithm),
        (
            "jws_4_5.signature_with_detached_content",
            "",
            Refusal::Malformed("no payload"),
        ),
        (
            "rfc7797_hmac-sha2_b64_false",
            "",
            Refusal::Malformed("not base64url"),
        ),
        (
            "6.nesting_signatures_and_encryption",
            "/sign",
            Refusal::WrongAlgorithm,
        ),
        (
            "6.nesting_signatures_and_encryption",
            "/encrypt",
            Refusal::Malformed("not three parts"),
        ),
    ];
    for (file, part, expected) in cases {
        let Some(vector) = read(&format!("rfc7520/{file}.json")) else {
            return;
        };
        let compact = vector.pointer(&format!("{part}/output/compact"));
        let compact = compact.and_then(Value::as_str).expect("a compact form");
        assert_eq!(
            accepts(compact, &any_secret()),
            Err(expected),
            "{file}{part}"
        );
    }
    let Some(general) = read("rfc7520/jws_4_8.multiple_signatures.json") else {
        return;
    };
    let json = general["output"]["json"].to_string();
    assert!(accepts(&json, &any_secret()).is_err());
}

/// The keys of the cookbook's beginning: fit for their own algorithm, and for no other of ours.
#[test]
fn the_keys_of_the_cookbook_are_for_their_own_algorithm() {
    let cases = [
        // P-521 is no curve of ours.
        ("jwk_3_1.ec_public_key", None),
        ("jwk_3_3.rsa_public_key", Some(Algorithm::Rs256)),
        (
            "jwk_3_5.symmetric_key_mac_computation",
            Some(Algorithm::Hs256),
        ),
    ];
    for (file, fits) in cases {
        let Some(jwk) = read(&format!("rfc7520/{file}.json")) else {
            return;
        };
        for algorithm in Algorithm::ALL {
            let is_secret = jwk.get("k").is_some();
            if (algorithm == Algorithm::Hs256) != is_secret {
                continue;
            }
            let verdict = key(algorithm, &jwk);
            assert_eq!(
                verdict.is_ok(),
                fits == Some(algorithm),
                "{file} {algorithm:?}"
            );
        }
    }
}

#[test]
fn the_canonical_form_of_an_address_is_atlassians() {
    let Some(file) = read("atlassian_qsh.json") else {
        return;
    };
    let vectors = file["vectors"].as_array().expect("vectors");
    assert_eq!(vectors.len(), 18);
    for vector in vectors {
        let url = vector["url"].as_str().expect("an address");
        // What a CRM signs relative to the app's own address has no host.
        let path = vector["base_url"]
            .as_str()
            .and_then(|base| url.strip_prefix(base))
            .unwrap_or(url);
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        let request = ShownRequest {
            method: vector["method"].as_str().expect("a method"),
            path,
            query,
            body: b"a body is not signed",
        };
        assert_eq!(qsh::canonical(request, "jwt"), vector["canonical"], "{url}");
        assert_eq!(qsh::of(request, "jwt"), vector["qsh"], "{url}");
    }
}

fn any_secret() -> VerifyingKey {
    VerifyingKey::from_secret_bytes(&[7; 32]).expect("a fit secret")
}

fn accepts(token: &str, key: &VerifyingKey) -> Result<(), Refusal> {
    Jws::parse(token)?.verify(key).map(drop)
}

/// No byte may change, be left out or come twice.
fn assert_changes_fail(token: &str, key: &VerifyingKey) {
    for at in 0..token.len() {
        let (before, rest) = token.split_at(at);
        let (byte, after) = rest.split_at(1);
        let other = if byte == "A" { "B" } else { "A" };
        for changed in [
            format!("{before}{other}{after}"),
            format!("{before}{after}"),
            format!("{before}{byte}{byte}{after}"),
        ] {
            assert!(accepts(&changed, key).is_err(), "changed at {at}");
        }
    }
}
