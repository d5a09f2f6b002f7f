//! Our own sessions, and what is kept of tokens that verified.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use financial_pulse::auth::preset::NATIVE;
use financial_pulse::auth::{
    Refusal, Session, SessionError, Sessions, Standing, TokenKind, VerifiedTokens,
};
use financial_pulse::clock::{Clock, ManualClock};
use financial_pulse::domain::signing_key::{Algorithm, KeySource};
use jiff::SignedDuration;
use pretty_assertions::assert_eq;
use secrecy::ExposeSecret;

use super::people::identity;
use super::{claims, clock, config, secret_key, signed, verifier};

fn sessions(clock: &Arc<ManualClock>, key: u8, settings: &[(&str, &str)]) -> Sessions {
    let clock: Arc<ManualClock> = Arc::clone(clock);
    Sessions::new(&[key; 32], &config(settings).session, clock).expect("a right key")
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

#[tokio::test]
async fn a_session_carries_who_it_was_issued_for() {
    let clock = clock();
    let sessions = sessions(&clock, 1, &[]);
    let identity = identity().await;
    let session = sessions.issue(&identity, None).expect("a session");
    assert_eq!(session.expires_at, clock.now() + seconds(600));
    assert_eq!(session.hard_cap, clock.now() + seconds(8 * 3600));

    let token = session.token.expose_secret();
    assert_eq!(TokenKind::of(token), Ok(TokenKind::Session));
    let carried = sessions.verify(token).expect("our session");
    assert_eq!(carried.expires_at, session.expires_at);
    assert_eq!(carried.hard_cap, session.hard_cap);
    let same = financial_pulse::auth::Identity {
        expires_at: identity.expires_at,
        hard_cap: identity.hard_cap,
        ..carried
    };
    assert_eq!(same, identity);
    // Two sessions of one person are two.
    let again = sessions.issue(&identity, None).expect("a session");
    assert_ne!(again.token.expose_secret(), token);
}

#[tokio::test]
async fn a_session_ends_to_the_second() {
    let clock = clock();
    let sessions = sessions(&clock, 1, &[("PULSE_SESSION__LIFETIME", "5s")]);
    let session = sessions.issue(&identity().await, None).expect("a session");
    clock.advance(SignedDuration::from_millis(4999));
    assert!(sessions.verify(session.token.expose_secret()).is_ok());
    clock.advance(SignedDuration::from_millis(1));
    assert_eq!(
        sessions.verify(session.token.expose_secret()),
        Err(Refusal::Expired)
    );
}

#[tokio::test]
async fn renewal_ends_at_the_hard_cap() {
    let clock = clock();
    let settings = [
        ("PULSE_SESSION__LIFETIME", "10m"),
        ("PULSE_SESSION__HARD_CAP", "25m"),
    ];
    let sessions = sessions(&clock, 1, &settings);
    let mut session: Session = sessions.issue(&identity().await, None).expect("a session");
    let cap = session.hard_cap;
    for minutes_left in [19, 13, 7, 1] {
        clock.advance(SignedDuration::from_mins(6));
        let (_, renewed) = sessions
            .renew(session.token.expose_secret())
            .expect("before the cap");
        assert_eq!(renewed.hard_cap, cap);
        let lifetime = SignedDuration::from_mins(minutes_left.min(10));
        assert_eq!(renewed.expires_at, clock.now() + lifetime);
        session = renewed;
    }
    clock.advance(SignedDuration::from_mins(1));
    let late = sessions.renew(session.token.expose_secret());
    assert!(matches!(late, Err(SessionError::Refused(Refusal::Expired))));
}

#[tokio::test]
async fn what_is_not_our_session_is_refused() {
    let clock = clock();
    let ours = sessions(&clock, 1, &[]);
    let session = ours.issue(&identity().await, None).expect("a session");
    let token = session.token.expose_secret();

    let other_key = sessions(&clock, 2, &[]);
    assert_eq!(other_key.verify(token), Err(Refusal::BadSignature));

    // A CRM's token is no session, and a session is no CRM's token.
    let native = signed(&claims().to_string());
    assert_eq!(ours.verify(&native), Err(Refusal::WrongKind));
    let verdict = verifier(&clock)
        .verify(&NATIVE, &[secret_key()], token)
        .await;
    assert_eq!(verdict.err(), Some(Refusal::WrongKind));

    // Each part matters.
    let parts: Vec<&str> = token.split('.').collect();
    let payload = URL_SAFE_NO_PAD.decode(parts[1]).expect("base64url");
    let richer = String::from_utf8(payload)
        .expect("JSON")
        .replace("finance", "admin");
    let forged = format!(
        "{}.{}.{}",
        parts[0],
        URL_SAFE_NO_PAD.encode(richer),
        parts[2]
    );
    assert_eq!(ours.verify(&forged), Err(Refusal::BadSignature));
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"typ":"pulse-session","alg":"none"}"#);
    let forged = format!("{unsigned}.{}.{}", parts[1], parts[2]);
    assert_eq!(ours.verify(&forged), Err(Refusal::WrongAlgorithm));
}

#[test]
fn showing_sessions_shows_no_key() {
    let shown = format!("{:?}", sessions(&clock(), 0xab, &[]));
    assert!(
        !shown.contains("171") && !shown.contains("ab, ab"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_verified_token_counts_until_it_ends_or_its_tenant_changes() {
    let clock = clock();
    let kept = VerifiedTokens::new(10);
    let viewer = Arc::new(identity().await.viewer(Standing {
        mapped_role: None,
        reps_see_amounts: true,
    }));
    let end = viewer.session_expires_at;
    let at_version = |version| move |(_, kept): &(_, i64)| *kept == version;
    assert!(kept.get("token", clock.now(), |_| true).is_none());
    kept.put("token", (Arc::clone(&viewer), 7), end);
    let found = kept.get("token", clock.now(), at_version(7));
    assert_eq!(found, Some((Arc::clone(&viewer), 7)));
    assert!(kept.get("tokem", clock.now(), |_| true).is_none());
    assert!(kept.get("token", clock.now(), at_version(8)).is_none());
    // What no longer counts is gone.
    assert!(kept.get("token", clock.now(), at_version(7)).is_none());

    kept.put("token", (viewer, 8), end);
    let just_before = end - SignedDuration::from_millis(1);
    assert!(kept.get("token", just_before, at_version(8)).is_some());
    assert!(kept.get("token", end, at_version(8)).is_none());
}

/// What is counted is what was signed: of an ECDSA signature anyone can make a second valid one.
#[tokio::test]
async fn a_token_is_the_same_use_whatever_its_signature_looks_like() {
    let pair = super::Pair::new(Algorithm::Es256);
    let set = super::set_of(&[pair.jwk("main")]);
    let record = super::native_key(Algorithm::Es256, KeySource::Jwks(set));
    let verifier = verifier(&clock());
    // ECDSA signs the same words differently each time.
    let (one, two) = (pair.token(Some("main")), pair.token(Some("main")));
    assert_ne!(one, two);
    let keys = [record];
    let first = verifier
        .verify(&NATIVE, &keys, &one)
        .await
        .expect("a right token");
    let second = verifier
        .verify(&NATIVE, &keys, &two)
        .await
        .expect("a right token");
    assert_eq!(first.use_key, second.use_key);

    let mut other = claims();
    other["jti"] = "two".into();
    let keys = [secret_key()];
    let first = verifier
        .verify(&NATIVE, &keys, &signed(&claims().to_string()))
        .await;
    let second = verifier
        .verify(&NATIVE, &keys, &signed(&other.to_string()))
        .await;
    assert_ne!(
        first.expect("a right token").use_key,
        second.expect("a right token").use_key
    );
}
