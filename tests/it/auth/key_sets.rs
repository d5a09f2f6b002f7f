//! Key sets at an address, against a server on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use financial_pulse::auth::preset::NATIVE;
use financial_pulse::auth::{Refusal, Verifier};
use financial_pulse::clock::ManualClock;
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use jiff::SignedDuration;
use pretty_assertions::assert_eq;
use tokio::sync::RwLock;

use super::{Pair, clock, config, native_key, set_of, verifier};

/// What the server says next, and how often it was asked.
#[derive(Clone)]
struct Server {
    address: String,
    answer: Arc<RwLock<Answer>>,
    asked: Arc<AtomicUsize>,
}

#[derive(Clone)]
enum Answer {
    Set(String),
    Status(StatusCode),
    Redirect(String),
}

impl Server {
    async fn start(answer: Answer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = format!("http://{}/keys", listener.local_addr().expect("an address"));
        let server = Self {
            address,
            answer: Arc::new(RwLock::new(answer)),
            asked: Arc::default(),
        };
        let shared = server.clone();
        let respond = move || async move {
            shared.asked.fetch_add(1, Ordering::SeqCst);
            shared.answer.read().await.clone().into_response()
        };
        let router = Router::new().route("/keys", get(respond));
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    async fn say(&self, answer: Answer) {
        *self.answer.write().await = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn record(&self) -> SigningKey {
        native_key(Algorithm::Es256, KeySource::JwksUrl(self.address.clone()))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Set(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
            Self::Status(status) => status.into_response(),
            Self::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        }
    }
}

async fn verdict(verifier: &Verifier, server: &Server, token: &str) -> Option<Refusal> {
    verifier
        .verify(&NATIVE, &[server.record()], token)
        .await
        .err()
}

fn set(pairs: &[(&Pair, &str)]) -> Answer {
    let keys: Vec<_> = pairs.iter().map(|(pair, kid)| pair.jwk(kid)).collect();
    Answer::Set(set_of(&keys))
}

fn parts() -> (Arc<ManualClock>, Verifier, Pair, Pair) {
    let clock = clock();
    let verifier = verifier(&clock);
    (
        clock,
        verifier,
        Pair::new(Algorithm::Es256),
        Pair::new(Algorithm::Es256),
    )
}

#[tokio::test]
async fn a_set_is_fetched_once_and_kept() {
    let (_, verifier, first, _) = parts();
    let server = Server::start(set(&[(&first, "first")])).await;
    for _ in 0..3 {
        assert_eq!(
            verdict(&verifier, &server, &first.token(Some("first"))).await,
            None
        );
    }
    assert_eq!(verdict(&verifier, &server, &first.token(None)).await, None);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn many_tokens_at_once_cause_one_fetch() {
    let (_, verifier, first, _) = parts();
    let server = Server::start(set(&[(&first, "first")])).await;
    let token = first.token(Some("first"));
    let all = (0..20).map(|_| verdict(&verifier, &server, &token));
    let verdicts = futures_util::future::join_all(all).await;
    assert_eq!(verdicts, vec![None; 20]);
    assert_eq!(server.asked(), 1);
}

/// Whoever goes away while the address is being asked takes nobody's answer along.
#[tokio::test]
async fn a_caller_that_goes_away_does_not_cancel_the_fetch() {
    let (_, verifier, first, _) = parts();
    let verifier = Arc::new(verifier);
    let server = Server::start(set(&[(&first, "first")])).await;
    let token = first.token(Some("first"));
    // The server keeps its answer back until the caller is gone.
    let kept_back = server.answer.write().await;
    let caller = tokio::spawn({
        let (verifier, server, token) = (Arc::clone(&verifier), server.clone(), token.clone());
        async move { verdict(&verifier, &server, &token).await }
    });
    while server.asked() == 0 {
        tokio::task::yield_now().await;
    }
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    drop(kept_back);
    assert_eq!(verdict(&verifier, &server, &token).await, None);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn an_unknown_kid_asks_again_but_at_most_once_a_minute() {
    let (clock, verifier, first, second) = parts();
    let server = Server::start(set(&[(&first, "first")])).await;
    assert_eq!(
        verdict(&verifier, &server, &first.token(Some("first"))).await,
        None
    );

    // The owner adds a key; within the minute it is not looked for, however often it is named.
    server
        .say(set(&[(&first, "first"), (&second, "second")]))
        .await;
    for _ in 0..5 {
        let unknown = verdict(&verifier, &server, &second.token(Some("second"))).await;
        assert_eq!(unknown, Some(Refusal::UnknownKey));
    }
    assert_eq!(server.asked(), 1);

    clock.advance(SignedDuration::from_secs(60));
    let second_token = second.token(Some("second"));
    // The tokens of these tests live for five minutes.
    assert_eq!(verdict(&verifier, &server, &second_token).await, None);
    assert_eq!(server.asked(), 2);
    for kid in ["x", "y", "z"] {
        let unknown = verdict(&verifier, &server, &second.token(Some(kid))).await;
        assert_eq!(unknown, Some(Refusal::UnknownKey));
    }
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn the_last_good_set_stays_when_a_fetch_fails() {
    let bad = [
        Answer::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Answer::Status(StatusCode::NOT_FOUND),
        Answer::Set("no JSON".to_owned()),
        Answer::Set(set_of(&[])),
        Answer::Set(format!(
            "{{\"keys\":[],\"filler\":\"{}\"}}",
            "x".repeat(300_000)
        )),
    ];
    for answer in bad {
        let (clock, verifier, first, second) = parts();
        let server = Server::start(set(&[(&first, "first")])).await;
        assert_eq!(
            verdict(&verifier, &server, &first.token(Some("first"))).await,
            None
        );
        server.say(answer).await;
        clock.advance(SignedDuration::from_secs(61));
        let unknown = verdict(&verifier, &server, &second.token(Some("second"))).await;
        assert_eq!(unknown, Some(Refusal::UnknownKey));
        assert_eq!(server.asked(), 2);
        assert_eq!(
            verdict(&verifier, &server, &first.token(Some("first"))).await,
            None
        );
    }
}

#[tokio::test]
async fn a_removed_key_ends_with_the_sets_lifetime() {
    let clock = clock();
    let config = config(&[
        ("PULSE_NATIVE__JWKS_ALLOW_LOOPBACK", "true"),
        ("PULSE_NATIVE__JWKS_LIFETIME", "2m"),
    ]);
    let shared: Arc<ManualClock> = Arc::clone(&clock);
    let verifier = Verifier::new(&config, shared).expect("a verifier");
    let (first, second) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let server = Server::start(set(&[(&first, "first")])).await;
    let token = first.token(Some("first"));
    assert_eq!(verdict(&verifier, &server, &token).await, None);
    server.say(set(&[(&second, "second")])).await;
    clock.advance(SignedDuration::from_secs(119));
    assert_eq!(verdict(&verifier, &server, &token).await, None);
    clock.advance(SignedDuration::from_secs(1));
    assert_eq!(
        verdict(&verifier, &server, &token).await,
        Some(Refusal::UnknownKey)
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (_, verifier, first, _) = parts();
    let target = Server::start(set(&[(&first, "first")])).await;
    let server = Server::start(Answer::Redirect(target.address.clone())).await;
    let refused = verdict(&verifier, &server, &first.token(Some("first"))).await;
    assert_eq!(refused, Some(Refusal::KeySetUnavailable));
    assert_eq!((server.asked(), target.asked()), (1, 0));
}

#[tokio::test]
async fn plain_http_is_for_tests_on_this_machine_only() {
    let clock = clock();
    let first = Pair::new(Algorithm::Es256);
    let server = Server::start(set(&[(&first, "first")])).await;
    let strict = config(&[]);
    let shared: Arc<ManualClock> = Arc::clone(&clock);
    let strict = Verifier::new(&strict, shared).expect("a verifier");
    let refused = verdict(&strict, &server, &first.token(Some("first"))).await;
    assert_eq!(refused, Some(Refusal::KeySetUnavailable));
    assert_eq!(server.asked(), 0);

    let elsewhere = native_key(
        Algorithm::Es256,
        KeySource::JwksUrl("http://keys.example/set".to_owned()),
    );
    let lenient = verifier(&clock);
    let refused = lenient
        .verify(&NATIVE, &[elsewhere], &first.token(None))
        .await;
    assert_eq!(refused.err(), Some(Refusal::KeySetUnavailable));
}

/// A set may hold keys of other kinds; a secret in it is none of ours.
#[tokio::test]
async fn keys_that_do_not_fit_are_passed_over_one_by_one() {
    let (_, verifier, first, _) = parts();
    let keys = [
        Pair::new(Algorithm::EdDsa).jwk("edwards"),
        serde_json::json!({ "kty": "oct", "kid": "secret", "k": "c2VjcmV0" }),
        serde_json::json!({ "kty": "EC", "kid": "broken" }),
        first.jwk("first"),
    ];
    let server = Server::start(Answer::Set(set_of(&keys))).await;
    assert_eq!(
        verdict(&verifier, &server, &first.token(Some("first"))).await,
        None
    );
    let hmac = verdict(
        &verifier,
        &server,
        &super::signed(&super::claims().to_string()),
    )
    .await;
    assert_eq!(hmac, Some(Refusal::WrongAlgorithm));
}
