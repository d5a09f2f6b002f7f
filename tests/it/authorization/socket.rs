//! A client's end of a subscription.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::place::{PATIENCE, Place};

pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens a socket; `None` where the service does not take the token.
    pub(super) async fn open(place: &Place, token: Option<&str>) -> Option<Self> {
        let address = format!("{}/graphql", place.url.replace("http", "ws"));
        let mut request = address.into_client_request().expect("a request");
        let protocol = "graphql-transport-ws".parse().expect("a header");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (stream, _) = connect_async(request).await.expect("opened");
        let mut socket = Self(stream);
        let payload = match token {
            Some(token) => json!({"authorization": format!("Bearer {token}")}),
            None => json!({}),
        };
        socket
            .send(&json!({"type": "connection_init", "payload": payload}))
            .await;
        let answer: Value = serde_json::from_str(&socket.next().await?).expect("JSON");
        assert_eq!(answer["type"], "connection_ack", "{answer}");
        Some(socket)
    }

    async fn send(&mut self, message: &Value) {
        let text = Message::Text(message.to_string().into());
        self.0.send(text).await.expect("sent");
    }

    pub(super) async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(&json!({"type": "subscribe", "id": id, "payload": {"query": query}}))
            .await;
    }

    /// The next message as it came; `None` when the socket was closed.
    pub(super) async fn next(&mut self) -> Option<String> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next())
                .await
                .expect("a message in time")?;
            match message.ok()? {
                Message::Text(text) => return Some(text.to_string()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// What has come within a moment.
    pub(super) async fn come(&mut self, within: std::time::Duration) -> Vec<String> {
        let mut texts = Vec::new();
        while let Ok(Some(Ok(message))) = tokio::time::timeout(within, self.0.next()).await {
            if let Message::Text(text) = message {
                texts.push(text.to_string());
            }
        }
        texts
    }
}

/// What a message says.
pub(super) fn payload(message: &str) -> Value {
    let message: Value = serde_json::from_str(message).expect("JSON");
    message["payload"].clone()
}
