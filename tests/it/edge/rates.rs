//! How often anyone may ask.

use std::num::NonZeroU32;

use financial_pulse::auth::Role;
use financial_pulse::http::graphql::EndpointSettings;
use financial_pulse::http::rates::RateSettings;
use serde_json::json;

use super::harness::{App, CONTACT, Options, Reply};
use super::live::Socket;

fn few(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("not zero")
}

async fn app(rates: RateSettings) -> App {
    App::start_with(Options {
        rates,
        endpoint: EndpointSettings {
            trusted_proxies: 1,
            ..EndpointSettings::default()
        },
        ..Options::default()
    })
    .await
}

/// That an answer refuses by number, and says when to come back.
fn is_refused(reply: &Reply) {
    assert_eq!(reply.status, 429, "{}", reply.text);
    let wait: u64 = reply.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    let extensions = &reply.json()["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED");
    assert_eq!(extensions["retryAfterSeconds"], wait);
}

#[tokio::test]
async fn a_person_is_counted_over_all_their_tokens() {
    let app = app(RateSettings {
        person_operations: few(4),
        ..RateSettings::default()
    })
    .await;
    let (native, session) = (app.token(Role::Rep).await, app.session(Role::Finance));
    let body = json!({"query": "{ viewer { role } }"});
    for token in [&native, &session, &native, &session] {
        assert_eq!(app.send(token, &body, &[]).await.status, 200);
    }
    // The second of these would be answered from memory, which costs as much here.
    for token in [&native, &session] {
        is_refused(&app.send(token, &body, &[]).await);
    }
}

#[tokio::test]
async fn fields_side_by_side_are_counted_each() {
    let app = app(RateSettings {
        person_operations: few(10),
        ..RateSettings::default()
    })
    .await;
    let token = app.token(Role::Rep).await;
    let side_by_side = |from: u32| {
        let fields: Vec<String> = (from..from + 8)
            .map(|n| format!("a{n}: contact(id: \"{CONTACT}\") {{ id }}"))
            .collect();
        json!({"query": format!("{{ {} }}", fields.join(" "))})
    };
    assert_eq!(app.send(&token, &side_by_side(0), &[]).await.status, 200);
    is_refused(&app.send(&token, &side_by_side(8), &[]).await);
}

#[tokio::test]
async fn a_tenant_is_counted_over_all_its_persons() {
    let app = app(RateSettings {
        tenant_operations: few(2),
        ..RateSettings::default()
    })
    .await;
    let body = json!({"query": "{ viewer { role } }"});
    let one = app.token(Role::Rep).await;
    let other = app.session_of("u-2", Some(Role::Rep));
    assert_eq!(app.send(&one, &body, &[]).await.status, 200);
    assert_eq!(app.send(&other, &body, &[]).await.status, 200);
    is_refused(
        &app.send(&app.session_of("u-3", Some(Role::Rep)), &body, &[])
            .await,
    );
}

#[tokio::test]
async fn tokens_cannot_be_guessed_from_one_address() {
    let app = app(RateSettings {
        address_failures: few(5),
        ..RateSettings::default()
    })
    .await;
    let body = json!({"query": "{ viewer { role } }"});
    let here = [("x-forwarded-for", "198.51.100.7")];
    let known = app.session(Role::Rep);
    assert_eq!(app.send(&known, &body, &here).await.status, 200);
    for guess in 0..6 {
        let token = format!("{guess}{known}");
        assert_eq!(app.send(&token, &body, &here).await.status, 401, "{guess}");
    }
    is_refused(&app.send("another guess", &body, &here).await);
    // What the client itself writes into the header helps nobody.
    let spoofed = [("x-forwarded-for", "203.0.113.5, 198.51.100.7")];
    is_refused(&app.send("another guess", &body, &spoofed).await);
    // Nor is a right token looked at that is not known yet; a known one is not touched by it.
    let new = app.session_of("u-2", Some(Role::Rep));
    is_refused(&app.send(&new, &body, &here).await);
    assert_eq!(app.send(&known, &body, &here).await.status, 200);
    // Others are not either.
    let elsewhere = [("x-forwarded-for", "198.51.100.8")];
    assert_eq!(app.send(&new, &body, &elsewhere).await.status, 200);
    assert_eq!(app.send("a guess", &body, &elsewhere).await.status, 401);
}

#[tokio::test]
async fn an_untrusted_header_names_nobody() {
    let app = App::start_with(Options {
        rates: RateSettings {
            address_failures: few(2),
            ..RateSettings::default()
        },
        ..Options::default()
    })
    .await;
    let body = json!({"query": "{ viewer { role } }"});
    for guess in 0..4 {
        let from = format!("198.51.100.{guess}");
        let reply = app
            .send("guess", &body, &[("x-forwarded-for", &from)])
            .await;
        assert_eq!(reply.status, if guess < 3 { 401 } else { 429 }, "{guess}");
    }
}

#[tokio::test]
async fn a_person_has_so_many_sockets() {
    let app = app(RateSettings {
        sockets: 2,
        ..RateSettings::default()
    })
    .await;
    let token = app.session(Role::Finance);
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut socket = Socket::open(&app, &token).await;
        assert_eq!(
            socket.next().await.expect("an answer")["type"],
            "connection_ack"
        );
        open.push(socket);
    }
    let mut third = Socket::open(&app, &token).await;
    assert_eq!(third.next().await, None, "closed");
    open.pop();
    // A place is free again once the server has seen the socket go.
    for _ in 0..100 {
        let mut next = Socket::open(&app, &token).await;
        if next.next().await.is_some() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no place came free");
}

#[tokio::test]
async fn an_address_opens_so_many_sockets_without_a_token() {
    let app = app(RateSettings {
        address_requests: few(3),
        ..RateSettings::default()
    })
    .await;
    let upgrade = || {
        app.client
            .get(format!("{}/graphql", app.url))
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", "graphql-transport-ws")
            .send()
    };
    for _ in 0..3 {
        assert_eq!(upgrade().await.expect("answered").status(), 101);
    }
    let refused = upgrade().await.expect("answered");
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn operations_on_a_socket_are_counted_too() {
    let app = app(RateSettings {
        person_operations: few(2),
        ..RateSettings::default()
    })
    .await;
    let mut socket = Socket::open(&app, &app.session(Role::Finance)).await;
    assert_eq!(
        socket.next().await.expect("an answer")["type"],
        "connection_ack"
    );
    for id in ["1", "2"] {
        socket.follow(id, CONTACT).await;
        assert_eq!(socket.next().await.expect("a pulse")["type"], "next");
    }
    socket.follow("3", CONTACT).await;
    let refused = socket.next().await.expect("a refusal");
    assert!(refused.to_string().contains("RATE_LIMITED"), "{refused}");
}
