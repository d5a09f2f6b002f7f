//! How CRMs spell times, ids and addresses, and where a key says that a claim stands.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use financial_pulse::auth::preset::{KeyScope, Scheme};
use financial_pulse::auth::{Preset, Role};
use financial_pulse::domain::signing_key::{Algorithm, Claim, KeySource};
use financial_pulse::store::TenantSettings;
use jiff::{SignedDuration, Timestamp};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::super::{NOW, set_of};
use super::attempt::{PUBLIC_URL, Signer, mac};
use super::place::{Log, Pairs, Place, is_rsa, private, secret, shared};
use super::right::right;

const GUID: &str = "2f1c7a53-0a6e-4b58-9f3e-1d2c3b4a5f60";

/// Canvas' `issuedAt` in its spellings.
#[tokio::test]
async fn a_canvas_envelope_without_a_time_is_weak() {
    let (pairs, log) = (Pairs::new(), Log::new());
    let strict = Place::new(&pairs, &log, "", TenantSettings::default()).await;
    let lenient = Place::new(&pairs, &log, "salesforce-canvas", TenantSettings::default()).await;
    let canvas = Preset::of("salesforce-canvas").expect("a scheme");
    assert_eq!(canvas.scheme, Scheme::SignedRequest);
    let now = Timestamp::from_second(NOW).expect("an instant");
    let dated = [
        json!(NOW),
        json!(NOW * 1000),
        json!(NOW.to_string()),
        json!((NOW * 1000).to_string()),
        json!(NOW - 299),
        json!(NOW + 30),
    ];
    for issued_at in dated {
        for place in [&strict, &lenient] {
            let mut attempt = right(place, canvas);
            attempt.set("issuedAt", issued_at.clone());
            let case = format!("issuedAt {issued_at}");
            let boot = place.let_in(&case, &attempt.send()).await.boot();
            let cap = now + SignedDuration::from_hours(8);
            assert_eq!(boot["hardCap"], cap.to_string(), "{case}");
        }
    }
    for issued_at in [Some(json!("")), Some(Value::Null), None] {
        let make = |place: &Place| {
            let mut attempt = right(place, canvas);
            attempt.set("issuedAt", Value::Null);
            if let Some(value) = &issued_at {
                attempt.claims["issuedAt"] = value.clone();
            }
            attempt.send()
        };
        let case = format!("issuedAt {issued_at:?}");
        strict.refused(&case, "missing_claim", &make(&strict)).await;
        let boot = lenient.let_in(&case, &make(&lenient)).await.boot();
        let cap = now + SignedDuration::from_mins(15);
        assert_eq!(boot["hardCap"], cap.to_string(), "{case}");
    }
    // Good for ever and for every contact would be too much.
    let mut anybody = right(&lenient, canvas);
    anybody.set("issuedAt", Value::Null);
    anybody.claims["context"]["environment"] = json!({});
    lenient
        .refused("no record, no time", "missing_claim", &anybody.send())
        .await;
}

/// A GUID in braces, without, in capitals; and what is none is no contact.
#[tokio::test]
async fn dynamics_names_its_record_by_a_guid() {
    let (pairs, log) = (Pairs::new(), Log::new());
    let place = Place::new(&pairs, &log, "", TenantSettings::default()).await;
    let dynamics = Preset::of("dynamics").expect("a scheme");
    let same = format!("dynamics:account:{GUID}");
    let cases = [
        (format!("%7B{}%7D", GUID.to_uppercase()), Some(&same)),
        (GUID.to_owned(), Some(&same)),
        (GUID.replace('-', ""), Some(&same)),
        (format!("%7B{GUID}"), None),
        ("42".to_owned(), None),
        (format!("{GUID},{GUID}"), None),
    ];
    for (id, expected) in cases {
        let mut attempt = right(&place, dynamics);
        attempt.query = format!("id={id}&typename=account");
        let given = place.let_in(&id, &attempt.send()).await.json();
        assert_eq!(given["contactId"].as_str(), expected.map(String::as_str));
    }
}

/// A key may say that a claim stands elsewhere; then it stands nowhere else.
#[tokio::test]
async fn a_keys_own_paths_replace_the_schemes() {
    let (pairs, log) = (Pairs::new(), Log::new());
    let place = Place::new(&pairs, &log, "followupboss", TenantSettings::default()).await;
    let paths = [
        (
            "atlassian-forge",
            Claim::Contact,
            "context.extension.issue.id",
        ),
        ("monday", Claim::User, "dat.slug"),
        ("followupboss", Claim::Contact, "deal.id"),
        ("native", Claim::Role, "rank"),
    ];
    for (name, claim, path) in paths {
        let preset = Preset::of(name).expect("a scheme");
        let own = match preset.key_scope {
            KeyScope::App => None,
            KeyScope::Installation => Some("acme"),
        };
        let text = secret("paths", name);
        let mut key = shared(preset, own, &text, None);
        let mut signer = Signer::secret(&text);
        if is_rsa(preset) {
            let pair = &place.pairs.globex;
            key.algorithm = Algorithm::Rs256;
            key.source = KeySource::Jwks(set_of(&[pair.jwk("paths")]));
            signer = private(pair);
        }
        key.claims.insert(claim, path.to_owned());
        place.add(key).await;
        let make = |with: Option<Value>| {
            let mut attempt = right(&place, preset);
            attempt.signer = signer.clone();
            if is_rsa(preset) {
                attempt.header["kid"] = "paths".into();
            }
            if let Some(value) = with {
                let mut parent = String::new();
                let names: Vec<&str> = path.split('.').collect();
                for name in &names[..names.len() - 1] {
                    let at = if parent.is_empty() {
                        (*name).to_owned()
                    } else {
                        format!("{parent}.{name}")
                    };
                    if attempt
                        .claims
                        .pointer(&format!("/{}", at.replace('.', "/")))
                        .is_none()
                    {
                        attempt.set(&at, json!({}));
                    }
                    parent = at;
                }
                attempt.set(path, value);
            }
            attempt.send()
        };
        let value = if claim == Claim::Role { "admin" } else { "10" };
        let answer = place.let_in(name, &make(Some(value.into()))).await;
        let session = if name == "atlassian-forge" {
            answer.json()["session"].clone()
        } else {
            answer.boot()["session"].clone()
        };
        let session = session.as_str().expect("a session");
        let identity = place.pages.sessions.verify(session).expect("our session");
        let contact = identity.contact.map(|(id, _)| id.to_string());
        match name {
            "atlassian-forge" => assert_eq!(contact.as_deref(), Some("atlassian:issue:10")),
            "followupboss" => assert_eq!(contact.as_deref(), Some("followupboss:person:10")),
            "monday" => assert_eq!(identity.user.as_str(), "10"),
            _ => assert_eq!(identity.signed_role, Some(Role::Admin)),
        }
        // The scheme's own path does not count any more.
        match name {
            "monday" | "followupboss" => {
                place.refused(name, "missing_claim", &make(None)).await;
            }
            "native" => {
                let answer = place.let_in(name, &make(None)).await;
                let session = answer.boot()["session"].clone();
                let session = session.as_str().expect("a session");
                let identity = place.pages.sessions.verify(session).expect("our session");
                assert_eq!(identity.signed_role, None);
            }
            _ => {}
        }
    }
}

/// HubSpot signs an address with some characters as they are, and all others as they were sent.
#[tokio::test]
async fn hubspots_address_is_signed_in_its_own_spelling() {
    let (pairs, log) = (Pairs::new(), Log::new());
    let place = Place::new(&pairs, &log, "", TenantSettings::default()).await;
    let hubspot = Preset::of("hubspot").expect("a scheme");
    let cases = [
        ("%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B", ":/?@!$'()*,;"),
        ("%3a%2f%3f", ":/?"),
        ("%20%26%2B%23%25%3D%C3%A9", "%20%26%2B%23%25%3D%C3%A9"),
        ("%253A", "%253A"),
        ("%25%33A", "%25%33A"),
        ("%", "%"),
        ("%3", "%3"),
        ("%zz%3A", "%zz:"),
        ("a+b", "a+b"),
    ];
    for (sent, signed) in cases {
        let mut attempt = right(&place, hubspot);
        let rest = "userId=5000&portalId=62515";
        attempt.query = format!("x={sent}&{rest}");
        let message = format!(
            "POST{}/exchange/hubspot?x={signed}&{rest}{}{}",
            PUBLIC_URL, attempt.body, attempt.timestamp
        );
        let mac = mac(attempt.signer.bytes(), message.as_bytes());
        let signature = STANDARD.encode(mac);
        attempt.on_credential = Some(Rc::new(move |_| signature.clone()));
        place.let_in(sent, &attempt.send()).await;
    }
}
