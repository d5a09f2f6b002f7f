//! What CRMs sign beside tokens: Canvas' signed request, HubSpot's signature of a request, signed
//! contexts, and the address in Atlassian's tokens. As text, which only its signature lets in, and
//! with whatever content under the right secret.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use financial_pulse::auth::preset::records::{
    ATLASSIAN_CONNECT, FOLLOWUPBOSS, HUBSPOT, SALESFORCE_CANVAS,
};
use financial_pulse::auth::{
    Owner, Preset, Refusal, Shown, ShownRequest, VerifiedClaims, Verifier, qsh,
};
use financial_pulse::clock::Clock as _;
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use futures_util::FutureExt as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::Sha256;
use url::form_urlencoded;

use super::material::{CONFIG, NOW, PUBLIC_URL, SECRET, clock, native_key, under_secret};
use super::{Entry, fate, input, taken_apart};

pub(super) const SIGNED: Entry = Entry {
    name: "signed",
    longest: 2048,
    sample: 20_000,
    run,
    seeds,
    words: &[
        "\"algorithm\":\"HMACSHA256\"",
        "\"issuedAt\":",
        "\"context\":{",
        "\"organization\":{",
        "\"organizationId\":",
        "\"userId\":",
        "\"environment\":{\"record\":{\"Id\":\"",
        "1795435200",
        "1795435200000",
        "null",
        "\"account\":{\"id\":",
        "\"person\":{\"id\":",
        "\"user\":{\"id\":",
        "\"example\":true",
        "userId=",
        "&portalId=",
        "%3A",
        "%2f",
        "%40",
        "%2C",
        "+",
        "%20",
        "%",
        "&",
        "=",
        "jwt=",
        "%26",
        "~",
        "\"qsh\":\"",
        "context-qsh",
        "\"iss\":\"acme\"",
        "\"exp\":",
        "\"sub\":",
    ],
};

const CANVAS_TEXT: u8 = 0;
const CANVAS: u8 = 1;
const HUBSPOT_TEXT: u8 = 2;
const HUBSPOT_SIGNED: u8 = 3;
const CONTEXT_TEXT: u8 = 4;
const CONTEXT: u8 = 5;
const CONNECT: u8 = 6;
const ADDRESS: u8 = 7;
const MODES: u8 = 8;

static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(&CONFIG, clock()).expect("a verifier"));

fn run(input: &[u8]) -> u64 {
    let Some((mode, pieces)) = taken_apart(input, MODES) else {
        return 0;
    };
    let piece = |nth: usize| pieces.get(nth).copied().unwrap_or_default();
    let text = |nth: usize| std::str::from_utf8(piece(nth)).ok();
    let told = match mode {
        CANVAS_TEXT => text(0).map(canvas_text),
        CANVAS => Some(canvas(piece(0))),
        HUBSPOT_TEXT => text(0).zip(text(1)).map(|(credential, query)| {
            hubspot(
                Some(credential),
                query,
                text(2).unwrap_or_default(),
                piece(3),
            )
        }),
        HUBSPOT_SIGNED => {
            text(0).map(|query| hubspot(None, query, text(1).unwrap_or_default(), piece(2)))
        }
        CONTEXT_TEXT => text(0)
            .zip(text(1))
            .map(|(context, signature)| context_text(context, signature)),
        CONTEXT => Some(context(piece(0))),
        CONNECT => text(0).map(|query| connect(query, piece(1))),
        _ => text(0).zip(text(1)).map(|(one, other)| address(one, other)),
    };
    fate((mode, told))
}

fn key(preset: &Preset) -> SigningKey {
    let mut key = native_key(Algorithm::Hs256, KeySource::Secret(SECRET.into()));
    preset.name.clone_into(&mut key.preset);
    if preset.name != ATLASSIAN_CONNECT.name {
        key.tenant = None;
    }
    key
}

fn verify(preset: &'static Preset, shown: Shown<'_>) -> Result<VerifiedClaims, Refusal> {
    let verified = VERIFIER
        .verify(preset, &[key(preset)], shown)
        .now_or_never();
    verified.expect("no key has to be fetched")
}

fn mac(message: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What everybody who got in is: somebody of an account, within the scheme's ids and for a while.
fn told(claims: &VerifiedClaims, longest: SignedDuration) -> String {
    assert!(!claims.user.as_str().trim().is_empty());
    if let Owner::Account(account) = &claims.owner {
        assert!(!account.trim().is_empty());
    }
    for id in [&claims.contact, &claims.company].into_iter().flatten() {
        assert_eq!(id.preset(), claims.preset.crm, "{id}");
    }
    let left = claims.accepted_until.duration_since(clock().now());
    let leeway = SignedDuration::try_from(CONFIG.native.leeway).expect("short");
    assert!(left.is_positive() && left <= longest + leeway * 2, "{left}");
    format!(
        "{:?} {} {}",
        claims.role,
        claims.contact.is_some(),
        claims.company.is_some()
    )
}

fn outcome(verified: Result<VerifiedClaims, Refusal>, longest: SignedDuration) -> String {
    match verified {
        Err(refusal) => refusal.to_string(),
        Ok(claims) => told(&claims, longest),
    }
}

fn canvas_text(text: &str) -> String {
    let verified = verify(&SALESFORCE_CANVAS, text.into());
    if verified.is_ok() {
        let (signature, envelope) = text.split_once('.').expect("two parts");
        assert_eq!(
            signature,
            STANDARD.encode(mac(envelope.as_bytes())),
            "never signed"
        );
    }
    outcome(verified, SALESFORCE_CANVAS.longest)
}

fn canvas(envelope: &[u8]) -> String {
    let body = STANDARD.encode(envelope);
    let text = format!("{}.{body}", STANDARD.encode(mac(body.as_bytes())));
    let verified = verify(&SALESFORCE_CANVAS, text.as_str().into());
    if verified.is_ok() {
        let told: Value = serde_json::from_slice(envelope).expect("JSON");
        assert!(
            told.pointer("/context/organization/organizationId")
                .is_some(),
            "{told}"
        );
        let algorithm = told["algorithm"].as_str();
        assert!(algorithm.is_none_or(|name| name.eq_ignore_ascii_case("HMACSHA256")));
        assert!(!told["issuedAt"].is_null(), "signed without a time");
        let mut changed = text.clone().into_bytes();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        let changed = String::from_utf8(changed).expect("ASCII");
        assert!(verify(&SALESFORCE_CANVAS, changed.as_str().into()).is_err());
    }
    outcome(verified, SALESFORCE_CANVAS.longest)
}

/// A query as HubSpot signs it, by a table of our own.
fn decoded_for_hubspot(query: &str) -> String {
    let mut text = query.to_owned();
    for plain in ":/?@!$'()*,;".chars() {
        let code = u32::from(plain);
        text = text
            .replace(&format!("%{code:02X}"), &plain.to_string())
            .replace(&format!("%{code:02x}"), &plain.to_string());
    }
    text
}

/// A request with a signature of its own, or the right one.
fn hubspot(credential: Option<&str>, query: &str, timestamp: &str, body: &[u8]) -> String {
    let path = "/exchange/hubspot";
    // A decoded sign makes no new code with what stands behind it.
    if query.contains("%%") || query.matches('%').count() > 40 {
        return String::new();
    }
    let mut message = format!("POST{PUBLIC_URL}{path}?{}", decoded_for_hubspot(query)).into_bytes();
    message.extend_from_slice(body);
    message.extend_from_slice(timestamp.as_bytes());
    let right = STANDARD.encode(mac(&message));
    let shown = Shown {
        credential: credential.unwrap_or(&right),
        signature: None,
        timestamp: Some(timestamp),
        request: ShownRequest {
            method: "POST",
            path,
            query: Some(query),
            body,
        },
    };
    let verified = verify(&HUBSPOT, shown);
    match (&verified, credential) {
        (Ok(_), Some(credential)) => assert_eq!(credential, right, "never signed"),
        (Err(Refusal::BadSignature), None) => panic!("another canonical form: {query}"),
        _ => {}
    }
    if let Ok(claims) = &verified {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let once = |name: &str| pairs.iter().filter(|(known, _)| known == name).count() == 1;
        assert!(once("portalId") && once("userId"), "{query}");
        let user = pairs.iter().find(|(name, _)| name == "userId");
        assert_eq!(user.map(|(_, value)| &**value), Some(claims.user.as_str()));
    }
    outcome(verified, HUBSPOT.longest)
}

fn context_text(context: &str, signature: &str) -> String {
    let shown = Shown {
        credential: context,
        signature: Some(signature),
        ..Shown::default()
    };
    let verified = verify(&FOLLOWUPBOSS, shown);
    if verified.is_ok() {
        let right = hex(&mac(context.as_bytes()));
        assert!(signature.eq_ignore_ascii_case(&right), "never signed");
    }
    outcome(
        verified,
        FOLLOWUPBOSS.longest.max(SignedDuration::from_mins(15)),
    )
}

fn context(content: &[u8]) -> String {
    let told_as = URL_SAFE_NO_PAD.encode(content);
    let signature = hex(&mac(told_as.as_bytes()));
    let shown = Shown {
        credential: &told_as,
        signature: Some(&signature),
        ..Shown::default()
    };
    let verified = verify(&FOLLOWUPBOSS, shown);
    if verified.is_ok() {
        let told: Value = serde_json::from_slice(content).expect("JSON");
        let quiet = |name: &str| told[name].is_null() || told[name] == false;
        assert!(quiet("example") && quiet("debugState"), "a preview");
        assert!(told.pointer("/account/id").is_some() && told.pointer("/user/id").is_some());
    }
    outcome(
        verified,
        FOLLOWUPBOSS.longest.max(SignedDuration::from_mins(15)),
    )
}

/// A token with the hash of its own address, and shown at another one.
fn connect(query: &str, payload: &[u8]) -> String {
    let request = |query| ShownRequest {
        method: "GET",
        path: "/embed/acme/atlassian-connect",
        query: Some(query),
        body: &[],
    };
    let Ok(mut claims) = serde_json::from_slice::<Value>(payload) else {
        return "no claims".to_owned();
    };
    if !claims.is_object() {
        return "no claims".to_owned();
    }
    claims["qsh"] = qsh::of(request(query), ATLASSIAN_CONNECT.parameter).into();
    let header = br#"{"alg":"HS256","typ":"JWT"}"#;
    let token = under_secret(SECRET.as_bytes(), header, claims.to_string().as_bytes());
    let shown = |query| Shown {
        credential: &token,
        request: request(query),
        ..Shown::default()
    };
    let verified = verify(&ATLASSIAN_CONNECT, shown(query));
    assert_ne!(verified.as_ref().err(), Some(&Refusal::WrongAddress));
    let other = format!("{query}&one=more");
    assert!(
        verify(&ATLASSIAN_CONNECT, shown(&other)).is_err(),
        "{other}"
    );
    outcome(verified, ATLASSIAN_CONNECT.longest)
}

/// Two addresses have one canonical form only if they have the same parameters.
fn address(one: &str, other: &str) -> String {
    let token = ATLASSIAN_CONNECT.parameter;
    let canonical = |query| {
        let request = ShownRequest {
            method: "get",
            path: "/a/b/",
            query: Some(query),
            body: &[],
        };
        let text = qsh::canonical(request, token);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%&=,/".contains(&byte);
        assert!(text.bytes().all(allowed), "{text}");
        assert!(text.starts_with("GET&/a/b&"), "{text}");
        assert!(text.len() <= 3 * query.len() + 20 + query.len(), "{text}");
        text
    };
    let parameters = |query: &str| {
        let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name != token {
                map.entry(name.into_owned())
                    .or_default()
                    .push(value.into_owned());
            }
        }
        for values in map.values_mut() {
            values.sort();
        }
        map
    };
    let (first, second) = (parameters(one), parameters(other));
    assert_eq!(
        canonical(one) == canonical(other),
        first == second,
        "{one} {other}"
    );
    // The same parameters spelled otherwise, and in another order.
    let mut again = form_urlencoded::Serializer::new(String::new());
    for (name, values) in first.iter().rev() {
        for value in values.iter().rev() {
            again.append_pair(name, value);
        }
    }
    again.append_pair(token, "whatever");
    assert_eq!(canonical(&again.finish()), canonical(one), "{one}");
    format!("{} {}", first.len().min(4), first == second)
}

fn seeds() -> Vec<Vec<u8>> {
    let envelope = json!({"algorithm": "HMACSHA256", "issuedAt": NOW * 1000, "userId": "005x",
        "context": {"organization": {"organizationId": "00Dx"},
            "environment": {"record": {"Id": "001x"}}}});
    let plain = envelope.to_string();
    let body = STANDARD.encode(&plain);
    let text = format!("{}.{body}", STANDARD.encode(mac(body.as_bytes())));
    let mut seconds = envelope.clone();
    seconds["issuedAt"] = json!(NOW.to_string());
    let query = "userId=7&portalId=54321&appId=1&email=a%40example.com&x=%28a%29%2C%3b+b";
    let time = (NOW * 1000).to_string();
    let context =
        json!({"account": {"id": 1}, "user": {"id": 2}, "person": {"id": 3}, "example": false});
    let context = context.to_string();
    let encoded = URL_SAFE_NO_PAD.encode(&context);
    let signature = hex(&mac(encoded.as_bytes()));
    let claims = json!({"iss": "acme", "sub": "u", "iat": NOW, "exp": NOW + 60}).to_string();
    vec![
        input(CANVAS_TEXT, &[text.as_bytes()]),
        input(CANVAS, &[plain.as_bytes()]),
        input(CANVAS, &[seconds.to_string().as_bytes()]),
        input(
            HUBSPOT_TEXT,
            &[
                STANDARD.encode([7; 32]).as_bytes(),
                query.as_bytes(),
                time.as_bytes(),
                b"{}",
            ],
        ),
        input(HUBSPOT_SIGNED, &[query.as_bytes(), time.as_bytes(), b"{}"]),
        input(CONTEXT_TEXT, &[encoded.as_bytes(), signature.as_bytes()]),
        input(CONTEXT, &[context.as_bytes()]),
        input(
            CONNECT,
            &[b"contact=issue%3A5&a=1&a=2&jwt=x", claims.as_bytes()],
        ),
        input(ADDRESS, &[b"b=2&a=1&a=0&c=%20+%2B,~*", b"a=0,1&b=2"]),
        input(ADDRESS, &[b"a=1&a=2", b"a=1%2C2"]),
    ]
}
