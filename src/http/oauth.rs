//! Where a person comes back to after consenting at an accounting system: the page says in words what
//! happened.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tracing::warn;

use crate::domain::connection::ProviderKind;
use crate::service::connections::{ConnectionError, Connections};

/// What the accounting system adds to the address (QuickBooks: `code`, `state`, `realmId`, or
/// `error`).
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default, rename = "realmId")]
    realm_id: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// The call-back route.
pub fn routes(connections: Connections) -> Router {
    Router::new()
        .route("/oauth/{provider}/callback", get(callback))
        .with_state(Arc::new(connections))
}

async fn callback(
    State(connections): State<Arc<Connections>>,
    Path(provider): Path<String>,
    Query(answer): Query<Answer>,
) -> Response {
    if ProviderKind::parse(&provider).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (status, title, text) = match take(&connections, &answer).await {
        Ok(name) => (
            StatusCode::OK,
            "The books are connected",
            format!(
                "Connection {name} is authorized. Its books are being loaded now; the widget shows how \
                 far it is, and so does the command “financial-pulse connection status”. You can close \
                 this page."
            ),
        ),
        Err(error) => {
            // The error's text holds no code and no state.
            warn!(%error, "consent not taken");
            (
                status_of(&error),
                "The books are not connected",
                advice(&error),
            )
        }
    };
    page(status, title, &text)
}

async fn take(connections: &Connections, answer: &Answer) -> Result<String, ConnectionError> {
    if let Some(error) = &answer.error {
        // The provider's word, kept short and plain: it comes by the address bar.
        let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let word: String = error.chars().filter(plain).take(40).collect();
        return Err(ConnectionError::Declined(word));
    }
    match (&answer.state, &answer.code, &answer.realm_id) {
        (Some(state), Some(code), Some(account)) => {
            let connection = connections.finish_consent(state, code, account).await?;
            Ok(connection.id.to_string())
        }
        _ => Err(ConnectionError::UnknownState),
    }
}

fn status_of(error: &ConnectionError) -> StatusCode {
    match error {
        ConnectionError::Declined(_)
        | ConnectionError::UnknownState
        | ConnectionError::AlreadyConnected(_)
        | ConnectionError::OtherBooks(_) => StatusCode::BAD_REQUEST,
        ConnectionError::Provider(_) => StatusCode::BAD_GATEWAY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn advice(error: &ConnectionError) -> String {
    let again = "Ask your operator for a new address: financial-pulse connection authorize.";
    match error {
        ConnectionError::Declined(_) => format!("Consent was not given. {again}"),
        ConnectionError::UnknownState => format!(
            "This answer belongs to no consent that was asked for here, or came too late, or was used \
             already. {again}"
        ),
        ConnectionError::AlreadyConnected(_) => {
            "These books are connected already, under another connection. Choose other books, or revoke \
             that connection first."
                .to_owned()
        }
        ConnectionError::OtherBooks(_) => format!(
            "The connection holds the books of another organization. Choose that one, or add a \
             connection for these books. {again}"
        ),
        ConnectionError::Provider(_) => {
            format!("The accounting system did not accept the answer. {again}")
        }
        _ => format!("Something went wrong on our side; the log says what. {again}"),
    }
}

fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <body><main><h1>{title}</h1><p>{text}</p></main></body></html>"
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        // The address held a code: it goes nowhere else and stays in no cache.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
