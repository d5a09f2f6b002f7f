//! Subscriptions over a WebSocket.

use std::time::Duration;

use financial_pulse::auth::Role;
use financial_pulse::domain::records::Records;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::harness::{App, CONTACT, invoice};

/// Longer than anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Short of anything that would be sent.
const QUIET: Duration = Duration::from_millis(400);

pub(crate) struct Socket(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(app: &App, token: &str) -> Self {
        let address = format!("{}/graphql", app.url.replace("http", "ws"));
        let mut request = address.into_client_request().expect("a request");
        request.headers_mut().insert(
            "sec-websocket-protocol",
            "graphql-transport-ws".parse().expect("a header"),
        );
        let (stream, _) = connect_async(request).await.expect("opened");
        let mut socket = Self(stream);
        let payload = json!({"authorization": format!("Bearer {token}")});
        socket
            .send(&json!({"type": "connection_init", "payload": payload}))
            .await;
        socket
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        let text = Message::Text(message.to_string().into());
        self.0.send(text).await.expect("sent");
    }

    /// The next message; `None` when the socket was closed.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next())
                .await
                .expect("a message in time")?;
            match message.ok()? {
                Message::Text(text) => return serde_json::from_str(&text).ok(),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(QUIET, self.0.next()).await.is_err()
    }

    pub(crate) async fn follow(&mut self, id: &str, contact: &str) {
        let query = "subscription ($id: ID!, $first: Int!) { pulseChanged(contactId: $id) { \
            freshness { status } balance { total { outstanding { amount } } } \
            transactions(first: $first) { totalCount } } }";
        self.send(&json!({
            "type": "subscribe", "id": id,
            "payload": {"query": query, "variables": {"id": contact, "first": 3}}
        }))
        .await;
    }

    async fn outstanding(&mut self) -> Value {
        let message = self.next().await.expect("a pulse");
        assert_eq!(message["type"], "next", "{message}");
        let pulse = &message["payload"]["data"]["pulseChanged"];
        pulse["balance"]["total"]["outstanding"]["amount"].clone()
    }
}

async fn following(app: &App, token: &str) -> Socket {
    let mut socket = Socket::open(app, token).await;
    let ack = socket.next().await.expect("an answer");
    assert_eq!(ack["type"], "connection_ack", "{ack}");
    socket.follow("1", CONTACT).await;
    assert_eq!(
        socket.outstanding().await,
        "634.56",
        "the present one at once"
    );
    socket
}

fn one_more(id: &str, amount: &str) -> Records {
    Records {
        documents: vec![invoice(id, "2026-05-04", amount)],
        ..Records::default()
    }
}

#[tokio::test]
async fn a_change_is_pushed_and_a_poll_without_one_is_not() {
    let app = App::start().await;
    let token = app.session(Role::Finance);
    let mut socket = following(&app, &token).await;
    app.poll().await;
    assert!(socket.is_quiet().await, "nothing changed");
    app.apply(&one_more("12", "65.44")).await;
    assert_eq!(socket.outstanding().await, "700.00");
}

#[tokio::test]
async fn changes_in_a_row_are_pushed_once() {
    let app = App::start().await;
    let token = app.session(Role::Finance);
    let mut socket = following(&app, &token).await;
    for id in 0..5 {
        app.apply(&one_more(&format!("3{id}"), "1.00")).await;
    }
    let mut pushed = vec![socket.outstanding().await];
    while pushed.last().is_some_and(|last| last != "639.56") {
        pushed.push(socket.outstanding().await);
    }
    assert!(pushed.len() < 5, "{pushed:?}");
}

#[tokio::test]
async fn the_stream_ends_when_the_link_goes() {
    let app = App::start().await;
    let token = app.session(Role::Admin);
    let mut socket = following(&app, &token).await;
    let unlink = "mutation { unlinkContact(input: {contactId: \"native:contact:anna\", \
        customerId: \"books:1\"}) { contact { id } } }";
    app.data(&token, unlink, json!({})).await;
    let message = socket.next().await.expect("an end");
    assert_eq!(message["type"], "complete", "{message}");
}

#[tokio::test]
async fn the_stream_ends_when_the_viewer_ranks_otherwise() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    let mut socket = following(&app, &token).await;
    app.put_tenant(false).await;
    let message = socket.next().await.expect("an end");
    assert_eq!(message["type"], "complete", "no amounts for reps any more");
}

#[tokio::test]
async fn the_stream_ends_with_the_session() {
    let app = App::start().await;
    let token = app.session(Role::Finance);
    let mut socket = following(&app, &token).await;
    app.clock.advance(jiff::SignedDuration::from_mins(11));
    app.apply(&one_more("12", "65.44")).await;
    let message = socket.next().await.expect("an end");
    assert_eq!(message["type"], "complete", "{message}");
    socket.follow("2", CONTACT).await;
    let message = socket.next().await.expect("a refusal");
    assert!(message.to_string().contains("UNAUTHENTICATED"), "{message}");
}

#[tokio::test]
async fn the_socket_opens_for_a_token_that_holds_and_for_subscriptions_only() {
    let app = App::start().await;
    let mut refused = Socket::open(&app, "nonsense").await;
    assert_eq!(refused.next().await, None, "closed");

    let token = app.session(Role::Finance);
    let mut socket = following(&app, &token).await;
    socket
        .send(&json!({"type": "subscribe", "id": "q", "payload": {"query": "{ viewer { role } }"}}))
        .await;
    let message = socket.next().await.expect("a refusal");
    assert!(message.to_string().contains("BAD_USER_INPUT"), "{message}");

    let mut socket = following(&app, &token).await;
    socket.follow("2", "native:contact:nobody").await;
    let message = socket.next().await.expect("a refusal");
    assert!(message.to_string().contains("NOT_FOUND"), "{message}");
}
