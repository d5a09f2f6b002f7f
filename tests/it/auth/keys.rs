//! Which keys may verify, and which of them is asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use financial_pulse::auth::preset::{NATIVE, PIPEDRIVE};
use financial_pulse::auth::{KeyProblem, Owner, Refusal, check_key};
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use jiff::Timestamp;
use jsonwebtoken::EncodingKey;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{
    NOW, Pair, SECRET, claims, clock, config, forge, native_key, secret_key, set_of, signed,
    verifier,
};

/// A 1024-bit key (RFC 7517's example is too long to be weak): any number of that size will do,
/// since it is refused for its size.
fn weak_rsa() -> Value {
    json!({ "kty": "RSA", "n": format!("{}w", "x".repeat(170)), "e": "AQAB" })
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn unfit_keys_are_refused_when_they_are_registered() {
    let rsa = Pair::new(Algorithm::Rs256);
    let curve = Pair::new(Algorithm::Es256);
    let edwards = Pair::new(Algorithm::EdDsa);
    let changed = |jwk: &Value, name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        KeySource::Jwks(set_of(&[jwk]))
    };
    let secret = |text: &str| KeySource::Secret(text.into());
    let cases = [
        (
            Algorithm::Hs256,
            secret(&"x".repeat(31)),
            KeyProblem::SecretTooShort,
        ),
        (Algorithm::Hs256, secret(""), KeyProblem::SecretTooShort),
        (
            Algorithm::Hs256,
            secret("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"),
            KeyProblem::PublicKeyAsSecret,
        ),
        (Algorithm::Rs256, secret(SECRET), KeyProblem::WrongSource),
        (Algorithm::EdDsa, secret(SECRET), KeyProblem::WrongSource),
        (
            Algorithm::Hs256,
            KeySource::Pem(SECRET.to_owned()),
            KeyProblem::WrongSource,
        ),
        (
            Algorithm::Rs256,
            KeySource::Pem("no PEM".to_owned()),
            KeyProblem::Unreadable,
        ),
        (
            Algorithm::Rs256,
            KeySource::Pem(
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".to_owned(),
            ),
            KeyProblem::Unreadable,
        ),
        (
            Algorithm::Rs256,
            KeySource::Jwks("{}".to_owned()),
            KeyProblem::Unreadable,
        ),
        (
            Algorithm::Rs256,
            KeySource::Jwks(set_of(&[])),
            KeyProblem::EmptySet,
        ),
        (
            Algorithm::Rs256,
            KeySource::Jwks(set_of(&[weak_rsa()])),
            KeyProblem::WeakRsa,
        ),
        (
            Algorithm::Rs256,
            changed(&rsa.public, "e", json!("AQ")),
            KeyProblem::WeakRsa,
        ),
        (
            Algorithm::Rs256,
            changed(&rsa.public, "e", json!("Ag")),
            KeyProblem::WeakRsa,
        ),
        (
            Algorithm::Rs256,
            changed(&rsa.public, "use", json!("enc")),
            KeyProblem::NotForVerifying,
        ),
        (
            Algorithm::Rs256,
            changed(&rsa.public, "key_ops", json!(["sign"])),
            KeyProblem::NotForVerifying,
        ),
        (
            Algorithm::Rs256,
            changed(&rsa.public, "alg", json!("RS512")),
            KeyProblem::NotForVerifying,
        ),
        (
            Algorithm::Rs256,
            changed(&rsa.public, "alg", json!("PS256")),
            KeyProblem::NotForVerifying,
        ),
        (
            Algorithm::Rs256,
            changed(&rsa.public, "d", json!("AQAB")),
            KeyProblem::Unreadable,
        ),
        (
            Algorithm::Rs256,
            KeySource::Jwks(set_of(&[rsa.jwk("a"), rsa.jwk("a")])),
            KeyProblem::DuplicateKid,
        ),
        (
            Algorithm::Es256,
            changed(&curve.public, "crv", json!("P-384")),
            KeyProblem::WrongCurve,
        ),
        (
            Algorithm::Es256,
            changed(&curve.public, "y", curve.public["x"].clone()),
            KeyProblem::WrongCurve,
        ),
        (
            Algorithm::Es256,
            changed(&curve.public, "x", json!("AAAA")),
            KeyProblem::WrongCurve,
        ),
        (
            Algorithm::EdDsa,
            changed(&edwards.public, "x", json!("AAAA")),
            KeyProblem::WrongCurve,
        ),
        (
            Algorithm::EdDsa,
            changed(&edwards.public, "crv", json!("P-256")),
            KeyProblem::WrongCurve,
        ),
        (
            Algorithm::Hs256,
            KeySource::Jwks(set_of(&[json!({ "kty": "oct", "k": SECRET })])),
            KeyProblem::WrongSource,
        ),
        (
            Algorithm::Hs256,
            KeySource::JwksUrl("https://keys.example".to_owned()),
            KeyProblem::WrongSource,
        ),
    ];
    let addresses = [
        "http://keys.example/set",
        "ftp://keys.example",
        "file:///etc/keys",
        "keys",
    ];
    let unsafe_urls = addresses.map(|address| {
        let source = KeySource::JwksUrl(address.to_owned());
        (Algorithm::Es256, source, KeyProblem::UnsafeUrl)
    });
    for (algorithm, source, expected) in cases.into_iter().chain(unsafe_urls) {
        let shown = format!("{algorithm:?} {source:?}");
        // A JWK of RFC 7517 names its algorithm; the changed ones above keep what they had.
        let record = native_key(algorithm, source);
        assert_eq!(check_key(&record), Err(expected), "{shown}");
    }
}

#[tokio::test]
async fn each_algorithm_verifies_with_its_own_key_only() {
    let verifier = verifier(&clock());
    let pairs = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa].map(Pair::new);
    for signer in &pairs {
        for owner in &pairs {
            let set = set_of(&[owner.jwk("main")]);
            let record = native_key(owner.algorithm, KeySource::Jwks(set));
            let verdict = verifier
                .verify(&NATIVE, &[record], &signer.token(Some("main")))
                .await;
            assert_eq!(verdict.is_ok(), signer.algorithm == owner.algorithm);
        }
        // A second key of the same algorithm is another key.
        let other = Pair::new(signer.algorithm);
        let record = native_key(
            signer.algorithm,
            KeySource::Jwks(set_of(&[other.jwk("main")])),
        );
        let verdict = verifier
            .verify(&NATIVE, &[record], &signer.token(Some("main")))
            .await;
        assert_eq!(verdict.err(), Some(Refusal::BadSignature));
    }
}

#[tokio::test]
async fn a_public_key_in_pem_form_verifies_with_its_algorithm_only() {
    let verifier = verifier(&clock());
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let pair = Pair::new(algorithm);
        let record = native_key(algorithm, KeySource::Pem(pair.pem.clone()));
        assert_eq!(check_key(&record), Ok(()), "{algorithm:?}");
        for kid in [None, Some("whatever the CRM calls it")] {
            let keys = std::slice::from_ref(&record);
            let verdict = verifier.verify(&NATIVE, keys, &pair.token(kid)).await;
            assert!(verdict.is_ok(), "{algorithm:?}: {:?}", verdict.err());
        }
        for other in Algorithm::ALL
            .into_iter()
            .filter(|other| *other != algorithm)
        {
            let record = native_key(other, KeySource::Pem(pair.pem.clone()));
            assert!(check_key(&record).is_err(), "{algorithm:?} as {other:?}");
        }
    }
}

#[test]
fn a_key_of_the_faulty_generator_is_refused() {
    // The product of the primes that give it away, far up, and a power of 65537 below it.
    let product: u128 = 793_695_364_502_960_795_789_605_255_421;
    let mut modulus = product.to_be_bytes()[3..].to_vec();
    modulus.resize(257, 0);
    modulus.splice(254.., [1, 0, 1]);
    let check = |modulus: &[u8]| {
        let n = URL_SAFE_NO_PAD.encode(modulus);
        let set = set_of(&[json!({ "kty": "RSA", "n": n, "e": "AQAB" })]);
        check_key(&native_key(Algorithm::Rs256, KeySource::Jwks(set)))
    };
    assert_eq!(check(&modulus), Err(KeyProblem::FactorableRsa));
    modulus[256] = 3;
    assert_ne!(check(&modulus), Err(KeyProblem::FactorableRsa));
}

#[tokio::test]
async fn a_kid_finds_its_key_and_no_other() {
    let verifier = verifier(&clock());
    let (first, second) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let set = set_of(&[
        first.jwk("first"),
        second.jwk("second"),
        json!({ "kty": "odd" }),
    ]);
    let record = native_key(Algorithm::Es256, KeySource::Jwks(set));
    let verdict = async |token: String| {
        let keys = std::slice::from_ref(&record);
        verifier.verify(&NATIVE, keys, &token).await.err()
    };
    assert_eq!(verdict(first.token(Some("first"))).await, None);
    assert_eq!(verdict(second.token(Some("second"))).await, None);
    assert_eq!(
        verdict(first.token(Some("second"))).await,
        Some(Refusal::BadSignature)
    );
    assert_eq!(
        verdict(first.token(Some("third"))).await,
        Some(Refusal::UnknownKey)
    );
    // Of several keys none is guessed.
    assert_eq!(verdict(first.token(None)).await, Some(Refusal::UnknownKey));
}

#[tokio::test]
async fn a_replaced_secret_counts_until_its_end() {
    let clock = clock();
    let verifier = verifier(&clock);
    let now = Timestamp::from_second(NOW).expect("an instant");
    let mut old = secret_key();
    old.valid_until = Some(now + jiff::SignedDuration::from_secs(60));
    let mut new = secret_key();
    new.source = KeySource::Secret("the-secret-after-the-change-40-bytes----".into());
    let keys = [new, old];
    let token = signed(&claims().to_string());
    assert!(verifier.verify(&NATIVE, &keys, &token).await.is_ok());
    clock.advance(jiff::SignedDuration::from_secs(60));
    let late = verifier.verify(&NATIVE, &keys, &token).await;
    assert_eq!(late.err(), Some(Refusal::BadSignature));
    let only_old = verifier.verify(&NATIVE, &keys[1..], &token).await;
    assert_eq!(only_old.err(), Some(Refusal::UnknownKey));
}

#[tokio::test]
async fn issuer_and_audience_of_the_record_replace_the_defaults() {
    let verifier = verifier(&clock());
    let mut record = secret_key();
    record.issuer = Some("https://crm.example".to_owned());
    record.audience = Some("https://pulse.example".to_owned());
    let mut right = claims();
    right["iss"] = "https://crm.example".into();
    right["aud"] = "https://pulse.example".into();
    let keys = std::slice::from_ref(&record);
    assert!(
        verifier
            .verify(&NATIVE, keys, &signed(&right.to_string()))
            .await
            .is_ok()
    );
    let before = verifier
        .verify(&NATIVE, keys, &signed(&claims().to_string()))
        .await;
    assert_eq!(before.err(), Some(Refusal::WrongIssuer));
}

#[tokio::test]
async fn a_key_of_another_scheme_or_without_a_tenant_does_not_count() {
    let verifier = verifier(&clock());
    let token = signed(&claims().to_string());
    let mut other_scheme = secret_key();
    other_scheme.preset = "pipedrive".to_owned();
    let mut app_wide = secret_key();
    app_wide.tenant = None;
    app_wide.issuer = Some("acme".to_owned());
    for record in [other_scheme, app_wide] {
        let verdict = verifier.verify(&NATIVE, &[record], &token).await;
        assert_eq!(verdict.err(), Some(Refusal::UnknownKey));
    }
    let none = verifier.verify(&NATIVE, &[], &token).await;
    assert_eq!(none.err(), Some(Refusal::UnknownKey));
}

fn pipedrive_token(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    forge(
        r#"{"alg":"HS256","typ":"JWT"}"#,
        claims.to_string(),
        &key,
        Algorithm::Hs256,
    )
}

/// What a secret has proved goes on while it is the previous one, and ends when it is taken out.
#[test]
fn a_key_of_the_settings_is_known_by_its_secret() {
    let ids = |settings: &[(&str, &str)]| {
        let settings = config(settings).pipedrive;
        let keys = financial_pulse::auth::pipedrive_keys(&settings);
        keys.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    let next = "the-secret-after-the-change-40-bytes----";
    let before = ids(&[("PULSE_PIPEDRIVE__CLIENT_SECRET", SECRET)]);
    let after = ids(&[
        ("PULSE_PIPEDRIVE__CLIENT_SECRET", next),
        ("PULSE_PIPEDRIVE__PREVIOUS_CLIENT_SECRET", SECRET),
        (
            "PULSE_PIPEDRIVE__PREVIOUS_CLIENT_SECRET_UNTIL",
            "2036-01-01T00:00:00Z",
        ),
    ]);
    assert_eq!(after[1..], before);
    assert_ne!(after[0], before[0]);
    assert!(!before[0].as_str().contains(&SECRET[..4]), "{before:?}");
}

#[tokio::test]
async fn pipedrive_proves_a_user_of_a_signed_account_and_nothing_more() {
    let verifier = verifier(&clock());
    let settings = config(&[("PULSE_PIPEDRIVE__CLIENT_SECRET", SECRET)]).pipedrive;
    let keys = financial_pulse::auth::pipedrive_keys(&settings);
    for (company, user) in [("companyId", "userId"), ("company_id", "user_id")] {
        let token = pipedrive_token(
            &json!({ company: 54321, user: 12345, "iat": NOW, "exp": NOW + 300, "role": "admin", "contact": "person:1" }),
        );
        let claims = verifier
            .verify(&PIPEDRIVE, &keys, &token)
            .await
            .expect("a right token");
        assert_eq!(claims.owner, Owner::Account("54321".to_owned()));
        assert_eq!(claims.user.as_str(), "12345");
        // The scheme signs neither of them, whatever else the token says.
        assert_eq!((claims.role, claims.contact), (None, None));
    }
    let cases = [
        (
            json!({ "userId": 1, "exp": NOW + 300 }),
            Refusal::MissingClaim("account"),
        ),
        (
            json!({ "companyId": 1, "exp": NOW + 300 }),
            Refusal::MissingClaim("user"),
        ),
        (
            json!({ "companyId": 1, "userId": 1 }),
            Refusal::MissingClaim("exp"),
        ),
        (
            json!({ "companyId": 1, "userId": 1, "exp": NOW + 331 }),
            Refusal::LivesTooLong,
        ),
        (
            json!({ "companyId": 1, "userId": 1, "iat": NOW - 10, "exp": NOW + 300 }),
            Refusal::LivesTooLong,
        ),
        (
            json!({ "companyId": 1, "userId": 1, "exp": NOW - 30 }),
            Refusal::Expired,
        ),
    ];
    for (claims, expected) in cases {
        let verdict = verifier
            .verify(&PIPEDRIVE, &keys, &pipedrive_token(&claims))
            .await;
        assert_eq!(verdict.err(), Some(expected), "{claims}");
    }
}

/// One tenant's own key, registered for an app-wide scheme, would vouch for every account.
#[tokio::test]
async fn a_tenants_key_does_not_sign_for_the_accounts_of_others() {
    let verifier = verifier(&clock());
    let record = SigningKey {
        preset: "pipedrive".to_owned(),
        ..secret_key()
    };
    let token = pipedrive_token(&json!({ "companyId": 1, "userId": 1, "exp": NOW + 300 }));
    let verdict = verifier.verify(&PIPEDRIVE, &[record], &token).await;
    assert_eq!(verdict.err(), Some(Refusal::UnknownKey));
}
