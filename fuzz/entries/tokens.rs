//! Tokens of CRMs, and our own sessions: as text, and with whatever header and claims under the right
//! key, which only their reading can refuse.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use financial_pulse::auth::jws::{Jws, MAX_BYTES};
use financial_pulse::auth::preset::records::{NATIVE, PIPEDRIVE};
use financial_pulse::auth::{
    Identity, Owner, Refusal, Sessions, TokenKind, VerifiedClaims, Verifier, pipedrive_keys,
};
use financial_pulse::clock::Clock;
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::material::{
    CONFIG, NOW, PAIRS, PIPEDRIVE_SECRET, SECRET, SESSION_KEY, claims, clock, forge, native_key,
    under_secret,
};
use super::{Entry, fate, input, taken_apart};

pub(super) const TOKENS: Entry = Entry {
    name: "tokens",
    longest: 2048,
    sample: 10_000,
    run: run_tokens,
    seeds: token_seeds,
    words: &[
        "\"alg\":\"HS256\"",
        "\"alg\":\"none\"",
        "\"typ\":\"JWT\"",
        "\"kid\":\"",
        "\"crit\":[\"b64\"]",
        "\"b64\":false",
        "\"jwk\":{",
        "\"iss\":\"acme\"",
        "\"aud\":[\"financial-pulse\"]",
        "\"sub\":",
        "\"tenant\":\"acme\"",
        "\"contact\":",
        "\"company\":",
        "\"role\":\"admin\"",
        "\"exp\":",
        "\"iat\":",
        "\"nbf\":",
        "\"qsh\":\"\"",
        "1795435200",
        "1795435500",
        "1e9",
        "1.7954355e9",
        "\"userId\":",
        "\"companyId\":",
        "eyJ",
        "\\u0000",
        "\\ud800",
        "null",
    ],
};

pub(super) const SESSIONS: Entry = Entry {
    name: "sessions",
    longest: 1024,
    sample: 10_000,
    run: run_sessions,
    seeds: session_seeds,
    words: &[
        "\"typ\":\"pulse-session\"",
        "\"alg\":\"HS256\"",
        "\"aud\":\"graphql\"",
        "\"exp\":",
        "\"cap\":",
        "\"role\":\"admin\"",
        "\"contact\":[\"native:person:1\",true]",
        "\"company\":",
        "1795435200",
        "9223372036854775807",
        "-1",
        "\"tenant\":",
        "\"jti\":",
    ],
};

/// A text, our own claims under the tenant's key, the same under Pipedrive's, and a changed token.
const MODES: u8 = 4;
const TEXT: u8 = 0;
const NATIVE_CLAIMS: u8 = 1;
const PIPEDRIVE_CLAIMS: u8 = 2;
const CHANGED: u8 = 3;

static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(&CONFIG, clock()).expect("a verifier"));

static SESSION: LazyLock<Sessions> = LazyLock::new(|| {
    let clock: Arc<dyn Clock> = clock();
    Sessions::new(&SESSION_KEY, &CONFIG.session, clock).expect("a fit key")
});

/// The tenant's keys, one of each algorithm.
static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    let mut keys = vec![native_key(
        Algorithm::Hs256,
        KeySource::Secret(SECRET.into()),
    )];
    for pair in &*PAIRS {
        keys.push(native_key(pair.algorithm, KeySource::Pem(pair.pem.clone())));
    }
    keys
});

/// The only tokens that the keys signed, beside those made in an entry.
static MINTED: LazyLock<Vec<(Algorithm, String)>> = LazyLock::new(|| {
    let header =
        |algorithm: Algorithm| json!({"alg": algorithm.as_str(), "typ": "JWT"}).to_string();
    let payload = claims().to_string();
    let secret = under_secret(
        SECRET.as_bytes(),
        header(Algorithm::Hs256).as_bytes(),
        payload.as_bytes(),
    );
    let mut minted = vec![(Algorithm::Hs256, secret)];
    for pair in &*PAIRS {
        let header = header(pair.algorithm);
        let token = forge(
            header.as_bytes(),
            payload.as_bytes(),
            &pair.signing,
            pair.algorithm,
        );
        minted.push((pair.algorithm, token));
    }
    minted
});

fn run_tokens(input: &[u8]) -> u64 {
    let Some((mode, pieces)) = taken_apart(input, MODES) else {
        return 0;
    };
    match mode {
        TEXT => std::str::from_utf8(pieces[0]).map_or(1, |text| fate(of_text(text))),
        NATIVE_CLAIMS => fate(of_claims(&pieces, false)),
        PIPEDRIVE_CLAIMS => fate(of_claims(&pieces, true)),
        _ => fate(of_change(pieces[0])),
    }
}

/// Whatever the text is: it is read strictly, or not at all, and accepted only if it was signed here.
fn of_text(text: &str) -> String {
    let kind = TokenKind::of(text);
    let parsed = Jws::parse(text);
    if parsed.is_ok() {
        assert!(text.len() <= MAX_BYTES, "too long");
        let parts: Vec<&str> = text.split('.').collect();
        assert_eq!(parts.len(), 3, "{text}");
        for part in parts {
            let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
            assert_eq!(
                URL_SAFE_NO_PAD.encode(bytes),
                part,
                "one text for the same bytes"
            );
        }
    } else {
        assert!(kind.is_err(), "{text}");
    }
    let verified = verify(&NATIVE, text);
    if verified.is_ok() {
        assert_minted(text);
    }
    assert!(
        SESSION.verify(text).is_err(),
        "no session was signed here: {text}"
    );
    let word = |refusal: Refusal| refusal.to_string();
    format!(
        "{:?} {:?} {:?}",
        kind.map_err(word),
        parsed.map(drop).map_err(word),
        verified.map(drop).map_err(word)
    )
}

fn assert_minted(text: &str) {
    let (signed, _) = text.rsplit_once('.').expect("three parts");
    let same = MINTED.iter().any(|(algorithm, token)| match algorithm {
        // An ECDSA signature can be turned into another one over the same words by anybody.
        Algorithm::Es256 => token.rsplit_once('.').is_some_and(|(own, _)| own == signed),
        _ => token == text,
    });
    assert!(same, "accepted, but never signed: {text}");
}

fn verify(
    preset: &'static financial_pulse::auth::Preset,
    token: &str,
) -> Result<VerifiedClaims, Refusal> {
    let pipedrive;
    let keys = if preset.name == PIPEDRIVE.name {
        pipedrive = pipedrive_keys(&CONFIG.pipedrive);
        &pipedrive
    } else {
        &*KEYS
    };
    let verified = VERIFIER.verify(preset, keys, token).now_or_never();
    verified.expect("no key has to be fetched")
}

/// Header and claims of any kind, signed with the right key: what is accepted says what it must.
fn of_claims(pieces: &[&[u8]], pipedrive: bool) -> String {
    let (header, payload) = match pieces {
        [payload] => (&br#"{"alg":"HS256","typ":"JWT"}"#[..], *payload),
        [header, payload, ..] => (*header, *payload),
        [] => return String::new(),
    };
    let (preset, secret) = if pipedrive {
        (&PIPEDRIVE, PIPEDRIVE_SECRET)
    } else {
        (&NATIVE, SECRET)
    };
    let token = under_secret(secret.as_bytes(), header, payload);
    let claims = match verify(preset, &token) {
        Err(refusal) => return refusal.to_string(),
        Ok(claims) => claims,
    };
    let told: Value = serde_json::from_slice(payload).expect("claims are JSON");
    let header: Value = serde_json::from_slice(header).expect("a header is JSON");
    assert_eq!(header["alg"], "HS256");
    assert!(header.get("crit").is_none() && header.get("b64").is_none());
    assert!(told.get("qsh").is_none(), "bound to something else");
    assert_time(&told, &claims, pipedrive);
    match &claims.owner {
        Owner::Tenant(tenant) => {
            assert!(!pipedrive);
            assert_eq!(tenant.as_str(), "acme");
            assert_eq!(told["iss"], "acme");
            assert!(
                told.get("tenant")
                    .is_none_or(|named| named == "acme" || named.is_null())
            );
            let audience = &told["aud"];
            let ours = |one: &Value| one == "financial-pulse";
            assert!(ours(audience) || audience.as_array().is_some_and(|all| all.iter().any(ours)));
        }
        Owner::Account(account) => assert!(pipedrive && !account.trim().is_empty()),
    }
    assert!(!claims.user.as_str().trim().is_empty());
    for id in [&claims.contact, &claims.company].into_iter().flatten() {
        assert_eq!(id.preset(), preset.crm, "{id}");
    }
    let texts = [&claims.name, &claims.locale].into_iter().flatten();
    for text in texts.map(|text| &**text).chain(claims.email.as_deref()) {
        assert!(
            text.len() <= 320 && !text.chars().any(char::is_control),
            "{text:?}"
        );
    }
    again_as_session(&claims);
    format!(
        "{:?} {} {} {} {}",
        claims.role,
        claims.contact.is_some(),
        claims.company.is_some(),
        claims.email.is_some(),
        claims.name.is_some(),
    )
}

/// The times, by a reckoning of our own in seconds.
#[expect(
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "seconds of this century are exact, and no amount is near"
)]
fn assert_time(told: &Value, claims: &VerifiedClaims, pipedrive: bool) {
    let second = |name: &str| -> Option<f64> {
        let value = told.get(name).filter(|value| !value.is_null())?;
        Some(value.to_string().parse().expect("a number"))
    };
    let seconds = |duration: std::time::Duration| duration.as_secs_f64();
    let leeway = seconds(CONFIG.native.leeway);
    let longest = seconds(if pipedrive {
        CONFIG.pipedrive.max_age
    } else {
        CONFIG.native.max_age
    });
    let now = NOW as f64;
    // Fractions are cut to milliseconds on the way.
    let slack = 0.002;
    let exp = second("exp").expect("exp is required");
    assert!(exp + leeway > now - slack, "it has ended");
    for begin in ["iat", "nbf"] {
        assert!(
            second(begin).is_none_or(|begin| begin <= now + leeway + slack),
            "{begin}"
        );
    }
    let life = if let Some(iat) = second("iat") {
        exp - iat
    } else {
        assert!(pipedrive, "iat is required of our own claims");
        exp - now - leeway
    };
    assert!(life <= longest + slack, "it lives {life} s");
    let until = claims
        .accepted_until
        .duration_since(Timestamp::UNIX_EPOCH)
        .as_secs_f64();
    assert!(
        (until - exp - leeway).abs() <= slack,
        "accepted until {until}"
    );
}

/// What a session is issued for is what it proves, and renewing never outlives the cap.
fn again_as_session(claims: &VerifiedClaims) {
    let identity = claims.identity("acme".into());
    let session = SESSION.issue(&identity, None).expect("issued");
    let token = session.token.expose_secret();
    assert_eq!(TokenKind::of(token), Ok(TokenKind::Session));
    let proved = SESSION.verify(token).expect("our own");
    let same = |one: &Identity, other: &Identity| {
        (
            &one.account,
            &one.user,
            &one.name,
            one.signed_role,
            &one.contact,
            &one.company,
        ) == (
            &other.account,
            &other.user,
            &other.name,
            other.signed_role,
            &other.contact,
            &other.company,
        )
    };
    assert!(same(&identity, &proved), "{identity:?} {proved:?}");
    let (_, renewed) = SESSION.renew(token).expect("renewed");
    assert!(renewed.hard_cap <= session.hard_cap && renewed.expires_at <= session.hard_cap);
    assert!(
        verify(&NATIVE, token).is_err(),
        "a session is no token of a CRM"
    );
}

/// A token that was signed, with bytes changed: places and values by turns. Never accepted.
fn of_change(edits: &[u8]) -> String {
    let Some((which, edits)) = edits.split_first() else {
        return String::new();
    };
    let (_, token) = &MINTED[usize::from(*which) % MINTED.len()];
    let mut changed = token.clone().into_bytes();
    for edit in edits.chunks_exact(3) {
        let place = usize::from(edit[0]) * 256 + usize::from(edit[1]);
        let place = place % changed.len();
        match edit[2] {
            0 => drop(changed.remove(place)),
            byte @ 1..=127 => changed[place] = byte,
            byte => changed.insert(place, byte & 0x7F),
        }
        if changed.is_empty() {
            break;
        }
    }
    String::from_utf8(changed).map_or_else(|_| String::new(), |text| of_text(&text))
}

fn token_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = MINTED
        .iter()
        .map(|(_, token)| input(TEXT, &[token.as_bytes()]))
        .collect();
    for text in ["", "..", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        seeds.push(input(TEXT, &[text.as_bytes()]));
    }
    seeds.push(input(NATIVE_CLAIMS, &[claims().to_string().as_bytes()]));
    let headers = [
        r#"{"alg":"HS256","kid":"one","typ":"jwt"}"#,
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}"#,
        r#"{"typ":"pulse-session","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
    ];
    for header in headers {
        let claims = claims().to_string();
        seeds.push(input(
            NATIVE_CLAIMS,
            &[header.as_bytes(), claims.as_bytes()],
        ));
    }
    let others = [
        json!({"aud": ["x", "financial-pulse"], "contact": "native:deal:1:2", "exp": 1_795_435_500.25}),
        json!({"contact": 42, "company": 7, "sub": 7, "role": "admin", "exp": "soon"}),
        json!({"exp": NOW - 30, "iat": NOW - 60, "nbf": NOW + 30}),
        json!({"qsh": "context-qsh", "tenant": "globex"}),
    ];
    for changes in others {
        let mut claims = claims();
        for (name, value) in changes.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        seeds.push(input(NATIVE_CLAIMS, &[claims.to_string().as_bytes()]));
    }
    for payload in [
        json!({"userId": 1, "companyId": 54_321, "exp": NOW + 300}),
        json!({"user_id": "1", "company_id": "54321", "exp": NOW + 300, "iat": NOW}),
    ] {
        seeds.push(input(PIPEDRIVE_CLAIMS, &[payload.to_string().as_bytes()]));
    }
    for which in 0..4 {
        seeds.push(input(CHANGED, &[&[which, 0, 40, b'A', 0, 90, b'_']]));
    }
    seeds
}

/// Claims of a session under its key, and any text.
fn run_sessions(input: &[u8]) -> u64 {
    let Some((mode, pieces)) = taken_apart(input, 2) else {
        return 0;
    };
    let token = if mode == TEXT {
        match std::str::from_utf8(pieces[0]) {
            Ok(text) => text.to_owned(),
            Err(_) => return 1,
        }
    } else {
        let (header, payload) = match &pieces[..] {
            [payload] => (&br#"{"typ":"pulse-session","alg":"HS256"}"#[..], *payload),
            [header, payload, ..] => (*header, *payload),
            [] => return 2,
        };
        under_secret(&SESSION_KEY, header, payload)
    };
    let proved = match SESSION.verify(&token) {
        Err(refusal) => return fate(refusal.to_string()),
        Ok(proved) => proved,
    };
    assert_ne!(mode, TEXT, "accepted, but never signed: {token}");
    let now = clock().now();
    assert!(proved.expires_at > now && proved.hard_cap > now);
    let records = [&proved.contact, &proved.company];
    let trusts: HashSet<_> = records
        .into_iter()
        .flatten()
        .map(|(_, trust)| *trust)
        .collect();
    let renewed = SESSION.renew(&token);
    if let Ok((identity, session)) = &renewed {
        assert_eq!(*identity, proved);
        assert!(session.hard_cap <= proved.hard_cap, "renewed past its cap");
        assert!(session.expires_at <= proved.hard_cap);
        let life = SignedDuration::try_from(CONFIG.session.lifetime).expect("short");
        assert!(session.expires_at.duration_since(now) <= life);
    }
    fate((
        trusts.len(),
        proved.signed_role,
        proved.locale.is_some(),
        renewed.is_ok(),
    ))
}

fn session_seeds() -> Vec<Vec<u8>> {
    let claims = json!({
        "aud": "graphql", "tenant": "acme", "preset": "native", "sub": "rep-7", "name": "Ada",
        "role": "finance", "contact": ["native:person:42", true],
        "company": ["native:company:1", false], "locale": "de", "key": "key", "iat": NOW, "exp": NOW + 600,
        "cap": NOW + 36_000, "jti": "one",
    });
    let mut ended = claims.clone();
    ended["exp"] = json!(NOW);
    let header = br#"{"typ":"JWT","alg":"HS256"}"#;
    vec![
        input(1, &[claims.to_string().as_bytes()]),
        input(1, &[ended.to_string().as_bytes()]),
        input(1, &[header, claims.to_string().as_bytes()]),
        input(TEXT, &[b"eyJ0eXAiOiJwdWxzZS1zZXNzaW9uIn0.e30.AA"]),
    ]
}
