//! Tokens that must not pass, rule by rule.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use financial_pulse::auth::jws::Jws;
use financial_pulse::auth::preset::NATIVE;
use financial_pulse::auth::{Refusal, TokenKind};
use financial_pulse::domain::signing_key::{Algorithm, KeySource};
use jsonwebtoken::EncodingKey;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    NOW, Pair, SECRET, claims, clock, forge, native_key, secret_key, set_of, signed, verifier,
};

async fn refusal(token: &str) -> Option<Refusal> {
    let verdict = verifier(&clock())
        .verify(&NATIVE, &[secret_key()], token)
        .await;
    verdict.err()
}

/// The right claims with one changed; `null` takes it away.
fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    match value {
        Value::Null => {
            claims.as_object_mut().expect("an object").remove(name);
        }
        value => claims[name] = value,
    }
    claims.to_string()
}

#[tokio::test]
async fn the_token_that_the_others_are_made_from_passes() {
    assert_eq!(refusal(&signed(&claims().to_string())).await, None);
}

#[tokio::test]
async fn what_is_not_strict_compact_form_is_refused() {
    let right = signed(&claims().to_string());
    let parts: Vec<&str> = right.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("three parts")
    };
    // The last character of 32 bytes carries two bits that must be zero.
    let trailing = {
        let (rest, last) = signature.split_at(signature.len() - 1);
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let at = alphabet.find(last).expect("base64url") | 1;
        format!("{header}.{payload}.{rest}{}", &alphabet[at..=at])
    };
    let cases: Vec<(&str, String)> = vec![
        ("two parts", format!("{header}.{payload}")),
        ("no signature", format!("{header}.{payload}.")),
        ("four parts", format!("{right}.{signature}")),
        ("five parts, a JWE", format!("{right}..")),
        ("an empty payload", format!("{header}..{signature}")),
        ("an empty header", format!(".{payload}.{signature}")),
        ("padding", format!("{header}.{payload}.{signature}=")),
        ("bits after the end", trailing),
        ("a space before", format!(" {right}")),
        ("a line break after", format!("{right}\n")),
        (
            "the other alphabet",
            format!("{header}.{payload}.+/{}", &signature[2..]),
        ),
        ("no base64 at all", "a.token.!".to_owned()),
        (
            "the JSON form",
            r#"{"payload":"e30","signature":"e30"}"#.to_owned(),
        ),
        ("one word", "token".to_owned()),
    ];
    for (case, token) in cases {
        let reason = refusal(&token).await;
        assert!(
            matches!(reason, Some(Refusal::Malformed(_))),
            "{case}: {reason:?}"
        );
    }
    assert_eq!(refusal("").await, Some(Refusal::Missing));
    let long = with("name", "x".repeat(9000).into());
    assert_eq!(refusal(&signed(&long)).await, Some(Refusal::TooLong));
}

#[tokio::test]
async fn what_is_not_a_plain_json_object_is_refused() {
    let doubled = |name: &str, value: &str| {
        let text = claims().to_string();
        format!("{{\"{name}\":{value},{}", &text[1..])
    };
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    let payloads = [
        ("a claim twice", doubled("tenant", "\"acme\"")),
        (
            "a claim twice, once escaped",
            doubled("t\\u0065nant", "\"other\""),
        ),
        (
            "a nested name twice",
            with("more", Value::Null).replacen('{', r#"{"more":{"a":1,"a":2},"#, 1),
        ),
        (
            "a nested name twice, in a list",
            with("more", Value::Null).replacen('{', r#"{"more":[{"a":1,"a":2}],"#, 1),
        ),
        ("a list", "[1]".to_owned()),
        ("a text", "\"claims\"".to_owned()),
        ("a number", "1".to_owned()),
        ("something behind it", format!("{} {{}}", claims())),
        (
            "a lone surrogate",
            with("name", Value::Null).replacen('{', r#"{"name":"\ud800","#, 1),
        ),
        (
            "nested too deep",
            claims()
                .to_string()
                .replacen('{', &format!("{{\"more\":{deep},"), 1),
        ),
        (
            "NaN",
            with("exp", Value::Null).replacen('{', r#"{"exp":NaN,"#, 1),
        ),
        ("a comment", format!("{}//", claims())),
    ];
    for (case, payload) in payloads {
        let reason = refusal(&signed(&payload)).await;
        assert!(
            matches!(reason, Some(Refusal::Malformed(_))),
            "{case}: {reason:?}"
        );
    }
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let header = r#"{"alg":"HS256","alg":"HS256"}"#;
    let token = forge(header, claims().to_string(), &key, Algorithm::Hs256);
    let reason = refusal(&token).await;
    assert!(matches!(reason, Some(Refusal::Malformed(_))), "{reason:?}");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn nothing_in_the_header_chooses_how_the_token_is_verified() {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let evil = EncodingKey::from_secret(b"a secret that the forger chose, 32 bytes");
    let oct = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode("a secret that the forger chose, 32 bytes") });
    let payload = claims().to_string();
    let cases = [
        (
            r#"{"alg":"none"}"#.to_owned(),
            &key,
            Refusal::WrongAlgorithm,
        ),
        (
            r#"{"alg":"None"}"#.to_owned(),
            &key,
            Refusal::WrongAlgorithm,
        ),
        (
            r#"{"alg":"nOnE"}"#.to_owned(),
            &key,
            Refusal::WrongAlgorithm,
        ),
        (
            r#"{"alg":"hs256"}"#.to_owned(),
            &key,
            Refusal::WrongAlgorithm,
        ),
        (
            r#"{"alg":"HS384"}"#.to_owned(),
            &key,
            Refusal::WrongAlgorithm,
        ),
        (
            r#"{"alg":"RS256"}"#.to_owned(),
            &key,
            Refusal::WrongAlgorithm,
        ),
        (r#"{"alg":""}"#.to_owned(), &key, Refusal::WrongAlgorithm),
        (r#"{"typ":"JWT"}"#.to_owned(), &key, Refusal::WrongAlgorithm),
        (r#"{"alg":256}"#.to_owned(), &key, Refusal::BadClaim("alg")),
        (
            r#"{"alg":"HS256","crit":["exp"]}"#.to_owned(),
            &key,
            Refusal::Extension,
        ),
        (
            r#"{"alg":"HS256","crit":[]}"#.to_owned(),
            &key,
            Refusal::Extension,
        ),
        (
            r#"{"alg":"HS256","b64":false}"#.to_owned(),
            &key,
            Refusal::Extension,
        ),
        (
            r#"{"alg":"HS256","b64":true}"#.to_owned(),
            &key,
            Refusal::Extension,
        ),
        (
            r#"{"alg":"HS256","typ":"pulse-session"}"#.to_owned(),
            &key,
            Refusal::WrongKind,
        ),
        (
            r#"{"alg":"HS256","typ":"at+jwt"}"#.to_owned(),
            &key,
            Refusal::WrongKind,
        ),
        (
            format!(r#"{{"alg":"HS256","jwk":{oct}}}"#),
            &evil,
            Refusal::BadSignature,
        ),
        (
            r#"{"alg":"HS256","jku":"https://evil.example/keys"}"#.to_owned(),
            &evil,
            Refusal::BadSignature,
        ),
        (
            r#"{"alg":"HS256","x5u":"https://evil.example/cert"}"#.to_owned(),
            &evil,
            Refusal::BadSignature,
        ),
        (
            r#"{"alg":"HS256","kid":"../../dev/null"}"#.to_owned(),
            &evil,
            Refusal::BadSignature,
        ),
        (
            r#"{"alg":"HS256","kid":"x' UNION SELECT 'key"}"#.to_owned(),
            &evil,
            Refusal::BadSignature,
        ),
        (
            format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(300)),
            &key,
            Refusal::Malformed("kid too long"),
        ),
        (
            r#"{"alg":"HS256","kid":7}"#.to_owned(),
            &key,
            Refusal::BadClaim("kid"),
        ),
    ];
    for (header, key, expected) in cases {
        let token = forge(&header, &payload, key, Algorithm::Hs256);
        assert_eq!(refusal(&token).await, Some(expected), "{header}");
    }
    // And without a signature at all, in the ways in which libraries were fooled.
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#] {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let naked = format!("{}.{}.", encode(header), encode(&payload));
        assert_eq!(
            refusal(&naked).await,
            Some(Refusal::Malformed("no signature"))
        );
    }
}

#[tokio::test]
async fn a_public_key_never_serves_as_a_secret() {
    let pair = Pair::new(Algorithm::Rs256);
    let set = set_of(&[pair.jwk("main")]);
    let record = native_key(Algorithm::Rs256, KeySource::Jwks(set.clone()));
    let verifier = verifier(&clock());
    let token = pair.token(Some("main"));
    let right = verifier.verify(&NATIVE, std::slice::from_ref(&record), &token);
    assert!(right.await.is_ok());

    // Every spelling of the public key that a forger could take for the secret.
    let public = &pair.public;
    let modulus = URL_SAFE_NO_PAD
        .decode(public["n"].as_str().expect("a modulus"))
        .expect("base64url");
    let spellings = [set.into_bytes(), public.to_string().into_bytes(), modulus];
    for secret in spellings {
        let key = EncodingKey::from_secret(&secret);
        let header = r#"{"alg":"HS256","typ":"JWT","kid":"main"}"#;
        let token = forge(header, claims().to_string(), &key, Algorithm::Hs256);
        let verdict = verifier.verify(&NATIVE, std::slice::from_ref(&record), &token);
        assert_eq!(verdict.await.err(), Some(Refusal::WrongAlgorithm));
    }
}

#[tokio::test]
async fn every_claim_is_held_to_the_rules() {
    let huge = json!(1e300);
    let cases = [
        ("exp", Value::Null, Refusal::MissingClaim("exp")),
        ("exp", json!("1795435500"), Refusal::BadClaim("exp")),
        ("exp", json!(true), Refusal::BadClaim("exp")),
        ("exp", json!([NOW + 300]), Refusal::BadClaim("exp")),
        ("exp", json!(-1), Refusal::BadClaim("exp")),
        ("exp", huge.clone(), Refusal::BadClaim("exp")),
        ("exp", json!(u64::MAX), Refusal::BadClaim("exp")),
        ("exp", json!(NOW - 31), Refusal::Expired),
        ("exp", json!(NOW - 30), Refusal::Expired),
        ("exp", json!(0), Refusal::Expired),
        ("exp", json!(NOW + 301), Refusal::LivesTooLong),
        ("exp", json!(NOW + 86_400), Refusal::LivesTooLong),
        ("iat", Value::Null, Refusal::MissingClaim("iat")),
        ("iat", json!(NOW + 31), Refusal::NotYetValid),
        ("iat", json!(NOW - 1), Refusal::LivesTooLong),
        ("iat", json!("now"), Refusal::BadClaim("iat")),
        ("iat", huge, Refusal::BadClaim("iat")),
        ("nbf", json!(NOW + 31), Refusal::NotYetValid),
        ("nbf", json!("now"), Refusal::BadClaim("nbf")),
        ("iss", Value::Null, Refusal::MissingClaim("iss")),
        ("iss", json!("other"), Refusal::WrongIssuer),
        ("iss", json!("Acme"), Refusal::WrongIssuer),
        ("iss", json!("acme "), Refusal::WrongIssuer),
        ("iss", json!(["acme"]), Refusal::BadClaim("iss")),
        ("aud", Value::Null, Refusal::MissingClaim("aud")),
        ("aud", json!("other"), Refusal::WrongAudience),
        ("aud", json!(["other", "another"]), Refusal::WrongAudience),
        ("aud", json!([]), Refusal::WrongAudience),
        ("aud", json!(7), Refusal::BadClaim("aud")),
        (
            "aud",
            json!(["financial-pulse", 7]),
            Refusal::BadClaim("aud"),
        ),
        (
            "aud",
            json!({ "financial-pulse": true }),
            Refusal::BadClaim("aud"),
        ),
        ("tenant", json!("other"), Refusal::WrongTenant),
        ("tenant", json!("ACME"), Refusal::WrongTenant),
        ("tenant", json!(["acme"]), Refusal::BadClaim("tenant")),
        ("sub", Value::Null, Refusal::MissingClaim("user")),
        ("sub", json!(""), Refusal::BadClaim("sub")),
        ("sub", json!({ "id": 1 }), Refusal::BadClaim("sub")),
        ("sub", json!("x".repeat(400)), Refusal::BadClaim("sub")),
        ("role", json!("root"), Refusal::BadClaim("role")),
        ("role", json!(["admin"]), Refusal::BadClaim("role")),
        ("contact", json!(""), Refusal::BadClaim("contact")),
        ("contact", json!("person:"), Refusal::BadClaim("contact")),
        (
            "contact",
            json!("native:person"),
            Refusal::BadClaim("contact"),
        ),
        ("contact", json!("Person:42"), Refusal::BadClaim("contact")),
        ("contact", json!("a\nb"), Refusal::BadClaim("contact")),
        (
            "contact",
            json!("x".repeat(300)),
            Refusal::BadClaim("contact"),
        ),
        ("company", json!(["acme"]), Refusal::BadClaim("company")),
        ("name", json!("Ada\u{7}"), Refusal::BadClaim("name")),
        ("email", json!(1), Refusal::BadClaim("email")),
        ("qsh", json!("context-qsh"), Refusal::WrongKind),
    ];
    for (name, value, expected) in cases {
        let token = signed(&with(name, value.clone()));
        assert_eq!(refusal(&token).await, Some(expected), "{name} = {value}");
    }
}

/// PostgreSQL takes no NUL, so who shows one must be refused before anything is looked up.
#[test]
fn a_tenant_that_no_database_can_name_is_not_looked_for() {
    let token = signed(&with("tenant", json!("ac\u{0}me")));
    assert_eq!(TokenKind::of(&token), Err(Refusal::BadClaim("tenant")));
}

#[tokio::test]
async fn what_the_rules_allow_passes() {
    let cases = [
        ("exp", json!(NOW - 29)),
        ("exp", json!(NOW + 300)),
        ("iat", json!(NOW + 30)),
        ("nbf", json!(NOW + 30)),
        ("nbf", json!(0)),
        ("aud", json!(["other", "financial-pulse"])),
        ("tenant", Value::Null),
        ("jti", Value::Null),
        ("contact", Value::Null),
        ("role", Value::Null),
        ("contact", json!(42)),
        ("unknown", json!({ "deep": [1, 2, { "a": null }] })),
    ];
    for (name, value) in cases {
        let mut claims = claims();
        if name == "exp" && value == json!(NOW - 29) {
            claims["iat"] = json!(NOW - 300);
        }
        match &value {
            Value::Null => {
                claims.as_object_mut().expect("an object").remove(name);
            }
            value => claims[name] = value.clone(),
        }
        assert_eq!(
            refusal(&signed(&claims.to_string())).await,
            None,
            "{name} = {value}"
        );
    }
    // NumericDate may have a fraction and an exponent.
    for exp in ["1795435499.75", "1.7954354e9"] {
        let payload = claims().to_string().replace(&(NOW + 300).to_string(), exp);
        assert_eq!(refusal(&signed(&payload)).await, None, "{exp}");
    }
}

proptest! {
    /// Whatever comes, the front door answers.
    #[test]
    fn no_text_brings_the_front_door_down(token in ".{0,400}") {
        let _ = Jws::parse(&token);
        let _ = TokenKind::of(&token);
    }

    /// The same where the parts are right and what they hold is not.
    #[test]
    fn no_header_or_payload_brings_the_front_door_down(
        header in r#"[{}\[\]":,a-z0-9\\ ]{0,60}"#,
        payload in r#"[{}\[\]":,a-z0-9.eE+\\-]{0,200}"#,
    ) {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let header = format!("{{\"alg\":\"HS256\",\"x\":{header}}}");
        for header in [header.as_str(), r#"{"alg":"HS256"}"#] {
            let token = format!("{}.{}.AAAA", encode(header), encode(&payload));
            let _ = TokenKind::of(&token);
        }
    }
}
