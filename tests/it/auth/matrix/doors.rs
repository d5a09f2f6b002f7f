//! The doors that take no CRM's credential, and the answers that are rightly others.

use axum::http::{Method, StatusCode};
use financial_pulse::auth::preset::{Exchange, KeyScope, records};
use financial_pulse::auth::{Identity, Preset, Session};
use financial_pulse::clock::Clock as _;
use financial_pulse::service::sign_in::SignedIn;
use financial_pulse::store::TenantSettings;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::Tally;
use super::attempt::{At, Sent};
use super::place::{Log, Pairs, Place};
use super::right::right;
use super::tokens::a_session;

fn to(method: Method, path: &str, query: String) -> Sent {
    let secrets = query
        .split_once('=')
        .map(|(_, value)| vec![value.to_owned()])
        .unwrap_or_default();
    Sent {
        method,
        path: path.to_owned(),
        query,
        headers: Vec::new(),
        body: String::new(),
        secrets,
    }
}

fn renewal(token: &str) -> Sent {
    let mut sent = to(Method::POST, "/exchange/session", String::new());
    sent.header("content-type", "application/json");
    sent.body = json!({ "token": token }).to_string();
    sent.secrets = vec![token.to_owned()];
    sent
}

/// A key of nobody's.
const NO_KEY: &str = "a key of nobody";

/// The key of `acme` that stands.
async fn standing(place: &Place) -> String {
    let acme = "acme".into();
    let keys = place.pages.store.listed_keys(Some(&acme)).await;
    let mut keys = keys.expect("read").into_iter();
    let key = keys.find(|key| key.preset == "zendesk-proxy" && key.valid_until.is_none());
    key.expect("a key").id.to_string()
}

/// Someone who has signed in, of any tenant, under any key.
fn signed_in(place: &Place, tenant: &str, key: &str) -> SignedIn {
    let identity = Identity {
        tenant: tenant.into(),
        preset: "zendesk-proxy".into(),
        account: None,
        user: "rep-7".into(),
        name: None,
        signed_role: None,
        contact: None,
        company: None,
        locale: None,
        expires_at: Timestamp::MAX,
        hard_cap: Timestamp::MAX,
        key: key.into(),
    };
    let session: Session = place
        .pages
        .sessions
        .issue(&identity, None)
        .expect("a session");
    SignedIn {
        preset: Preset::of("zendesk-proxy").expect("a scheme"),
        identity,
        session,
        frame_ancestors: Vec::new(),
    }
}

async fn code(place: &Place, tenant: &str) -> String {
    let made = place
        .pages
        .sign_in
        .code_for(&signed_in(place, tenant, &standing(place).await))
        .await;
    made.expect("a code").code.expose_secret().to_owned()
}

/// A code of any purpose, for a session of any tenant, among those of `acme`.
async fn planted(place: &Place, purpose: &str, tenant: &str) -> String {
    use sha2::Digest as _;
    let code = format!("planted-for-{purpose}-of-{tenant}-with-43-characters-");
    let hash: [u8; 32] = sha2::Sha256::digest(format!("{purpose} {code}")).into();
    let end = place.pages.clock.now() + SignedDuration::from_mins(10);
    let session = signed_in(place, tenant, NO_KEY).session.token;
    let acme = "acme".into();
    let store = &place.pages.store;
    let put = store.put_secret_code(&hash, &acme, &session, end).await;
    put.expect("a code");
    code
}

/// One-time codes and sessions of our own.
pub(super) async fn codes_and_sessions(place: &Place, tally: &mut Tally) {
    let open = |code: &str| to(Method::GET, "/embed/code", format!("code={code}"));
    let used = code(place, "acme").await;
    place.let_in("a code", &open(&used)).await;
    let late = code(place, "acme").await;
    let other = planted(place, "state", "acme").await;
    let gone = planted(place, "page", "gone").await;
    let ended = planted(place, "page", "acme").await;
    let session_of = |tenant: &str, key: &str| {
        let session = signed_in(place, tenant, key).session;
        session.token.expose_secret().to_owned()
    };
    let of_no_tenant = session_of("gone", &standing(place).await);
    let under_no_key = session_of("acme", NO_KEY);
    let native = right(place, Preset::of("native").expect("a scheme")).send();
    let token = native.secrets[0].clone();
    let cases = [
        ("a code used before", "replayed", open(&used)),
        ("a code of another purpose", "replayed", open(&other)),
        ("a code of nobody", "replayed", open(&"A".repeat(43))),
        (
            "a code with a space",
            "replayed",
            open(&format!("{late}%20")),
        ),
        ("an empty code", "missing", open("")),
        (
            "no code",
            "missing",
            to(Method::GET, "/embed/code", String::new()),
        ),
        ("a token for a code", "replayed", open(&token)),
        (
            "a code of a tenant that is gone",
            "unknown_tenant",
            open(&gone),
        ),
        ("a code whose key is gone", "unknown_key", open(&ended)),
        (
            "a session of a tenant that is gone",
            "unknown_key",
            renewal(&of_no_tenant),
        ),
        (
            "a session whose key is gone",
            "unknown_key",
            renewal(&under_no_key),
        ),
        (
            "a session whose CRM gives fresh tokens",
            "wrong_kind",
            renewal(&a_session(place)),
        ),
        ("an empty session", "missing", renewal("")),
        ("a code for a session", "malformed", renewal(&late)),
    ];
    for (case, reason, sent) in cases {
        tally
            .refused(place, 12, "native", case, reason, &sent)
            .await;
    }
    // A CRM's credential is no session.
    for preset in records::ALL {
        let credential = right(place, preset).send().secrets[0].clone();
        let reason = match preset.scheme {
            financial_pulse::auth::preset::Scheme::Jwt => "wrong_kind",
            _ => "malformed",
        };
        let case = "a CRM's credential for a session";
        tally
            .refused(place, 8, preset.name, case, reason, &renewal(&credential))
            .await;
    }
    let proxy = Preset::of("zendesk-proxy").expect("a scheme");
    let given = place.let_in("a token", &right(place, proxy).send()).await;
    let session = given.json()["session"].clone();
    let session = renewal(session.as_str().expect("a session"));
    place.let_in("a session", &session).await;
    let old = a_session(place);
    let expired = open(&late);
    place.pages.clock.advance(SignedDuration::from_mins(1));
    tally
        .refused(place, 12, "native", "a code too late", "replayed", &expired)
        .await;
    place.pages.clock.advance(SignedDuration::from_mins(9));
    tally
        .refused(
            place,
            6,
            "native",
            "a session that ended",
            "expired",
            &renewal(&old),
        )
        .await;
}

/// There is no such door: 404 for everybody, whatever they show. Nothing is refused, since nothing
/// was looked at.
#[tokio::test]
async fn where_there_is_no_door_nothing_is_looked_at() {
    let (pairs, log) = (Pairs::new(), Log::new());
    let place = Place::of_every_scheme(&pairs, &log).await;
    let mut closed = 0;
    for preset in records::ALL {
        let name = preset.name;
        let mut paths = vec![
            format!("/embed/acme/{name}/more"),
            format!("/embed/{}", name.to_uppercase()),
            format!("/exchange/acme/{}x", name),
        ];
        match preset.key_scope {
            // A tenant in the address where the token names it, and none where it does not.
            KeyScope::App => {
                paths.extend(["embed", "exchange"].map(|way| format!("/{way}/acme/{name}")));
            }
            KeyScope::Installation => {
                paths.extend(["embed", "exchange"].map(|way| format!("/{way}/{name}")));
            }
        }
        let scope = match preset.key_scope {
            KeyScope::App => String::new(),
            KeyScope::Installation => "/acme".to_owned(),
        };
        if !preset.doors.embed {
            paths.push(format!("/embed{scope}/{name}"));
        }
        if preset.doors.exchange == Exchange::Closed {
            paths.push(format!("/exchange{scope}/{name}"));
        }
        for path in paths {
            let mut sent = right(&place, preset).send();
            sent.path.clone_from(&path);
            if path.starts_with("/exchange") {
                sent.method = Method::POST;
            }
            let (answer, lines) = place.send(&sent).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(
                !lines.iter().any(|line| line.contains("refused")),
                "{path}: {lines:?}"
            );
            closed += 1;
        }
    }
    assert!(closed >= 60, "{closed}");
}

/// What is no credential but a mistake in asking is told as one, before anything is verified, and
/// repeats nothing of what was sent.
#[tokio::test]
async fn a_mistake_in_asking_is_told_and_uses_nothing_up() {
    let (pairs, log) = (Pairs::new(), Log::new());
    let once = TenantSettings {
        single_use_tokens: true,
        ..TenantSettings::default()
    };
    let place = Place::new(&pairs, &log, "", once).await;
    for preset in records::ALL.into_iter().filter(|one| one.weak.is_none()) {
        let right = right(&place, preset);
        let sent = right.clone().send();
        let mut mistakes = Vec::new();
        match right.at {
            At::Get | At::Form => {
                let mut twice = sent.clone();
                let parameter = preset.parameter;
                match right.at {
                    At::Get => twice.ask(&format!("{parameter}=other")),
                    _ => twice.body.extend(["&", parameter, "=other"]),
                }
                mistakes.push(("a parameter twice", twice));
                if right.at == At::Form {
                    let mut both = sent.clone();
                    both.ask(&sent.body);
                    mistakes.push(("in the query and the form", both));
                }
            }
            At::Json | At::Bearer => {
                let mut both = sent.clone();
                both.header("authorization", format!("Bearer {}", sent.secrets[0]));
                mistakes.push(("in the body and as a bearer", both));
                let mut query = sent.clone();
                query.body = "{}".to_owned();
                query.ask(&format!("token={}", sent.secrets[0]));
                mistakes.push(("in the query", query));
                let mut doubled = sent.clone();
                doubled.body = sent.body.replacen('{', r#"{"token":"other","#, 1);
                mistakes.push(("twice in the body", doubled));
                let mut none = sent.clone();
                none.body = "{}".to_owned();
                mistakes.push(("none at all", none));
                let mut two = sent.clone();
                two.body.clear();
                for _ in 0..2 {
                    two.header("authorization", format!("Bearer {}", sent.secrets[0]));
                }
                mistakes.push(("two bearers", two));
            }
            At::Signed => {
                let mut both = sent.clone();
                both.body = json!({ "token": sent.secrets[0] }).to_string();
                mistakes.push(("in the body, too", both));
                let mut twice = sent.clone();
                twice.ask("portalId=62516");
                mistakes.push(("a parameter twice", twice));
            }
        }
        for (what, mistake) in mistakes {
            let case = format!("{}, {what}", preset.name);
            let (answer, lines) = place.send(&mistake).await;
            // Where no token is seen it is not the asking that is wrong.
            let expected = match what {
                "in the query" | "none at all" | "two bearers" => "UNAUTHENTICATED",
                _ => "BAD_USER_INPUT",
            };
            let problem: Value = answer.json();
            assert_eq!(problem["code"], expected, "{case}");
            let is_refused = answer.status == StatusCode::UNAUTHORIZED;
            assert_eq!(is_refused, expected == "UNAUTHENTICATED", "{case}");
            assert!(answer.status.is_client_error(), "{case}");
            let start: String = sent.secrets[0].chars().take(16).collect();
            assert!(!answer.body.contains(&start), "{case}");
            assert!(!lines.join("\n").contains(&start), "{case}");
            // Nor does it tell whether the credential was right.
        }
        // Not one of them counted as a use.
        place.let_in(preset.name, &sent).await;
    }
}
