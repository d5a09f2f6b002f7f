//! Where a person comes back to after consenting at an accounting system: the page says in words what
//! happened, and lets them choose where the consent reaches several organizations.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tracing::{error, warn};

use crate::domain::connection::ProviderKind;
use crate::service::connections::{ConnectionError, Connections};
use crate::service::consent::{Choice, Connected, ConsentAnswer, Consented};

/// What the accounting system adds to the address (`code` and `state`, QuickBooks also `realmId`, or
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

/// The form of the page that asks for an organization.
#[derive(Deserialize)]
struct Chosen {
    code: String,
    organization: String,
}

/// The call-back route, and where its form is sent.
pub fn routes(connections: Connections) -> Router {
    Router::new()
        .route("/oauth/{provider}/callback", get(callback))
        .route("/oauth/{provider}/organization", post(choose))
        .with_state(Arc::new(connections))
}

async fn callback(
    State(connections): State<Arc<Connections>>,
    Path(provider): Path<String>,
    Query(answer): Query<Answer>,
) -> Response {
    let Some(provider) = ProviderKind::parse(&provider) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // To its end, also when the browser goes away: a code is good once.
    let taken = tokio::spawn(async move { take(&connections, provider, &answer).await });
    shown(taken.await)
}

async fn choose(
    State(connections): State<Arc<Connections>>,
    Path(provider): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Response {
    let Some(provider) = ProviderKind::parse(&provider) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let taken = tokio::spawn(async move {
        let connected = connections
            .choose(provider, &chosen.code, &chosen.organization)
            .await?;
        Ok(Consented::Connected(connected))
    });
    shown(taken.await)
}

async fn take(
    connections: &Connections,
    provider: ProviderKind,
    answer: &Answer,
) -> Result<Consented, ConnectionError> {
    if let Some(error) = &answer.error {
        // The provider's word, kept short and plain: it comes by the address bar.
        let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let word: String = error.chars().filter(plain).take(40).collect();
        return Err(ConnectionError::Declined(word));
    }
    match (&answer.state, &answer.code) {
        (Some(state), Some(code)) => {
            let answer = ConsentAnswer {
                provider,
                state,
                code,
                organization: answer.realm_id.as_deref(),
            };
            connections.finish_consent(answer).await
        }
        _ => Err(ConnectionError::UnknownState),
    }
}

fn shown(outcome: Result<Result<Consented, ConnectionError>, tokio::task::JoinError>) -> Response {
    match outcome {
        Ok(Ok(Consented::Connected(connected))) => {
            page(StatusCode::OK, CONNECTED, &connected_words(&connected))
        }
        Ok(Ok(Consented::Undecided(choice))) => {
            page(StatusCode::OK, "Which organization?", &choice_form(&choice))
        }
        Ok(Err(error)) => {
            // The error's text holds no code and no state.
            warn!(%error, "consent not taken");
            let words = paragraph(&advice(&error));
            page(status_of(&error), NOT_CONNECTED, &words)
        }
        Err(fault) => {
            error!(error = %fault, "taking a consent ended abnormally");
            let words = format!("Something went wrong on our side; the log says what. {AGAIN}");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            page(status, NOT_CONNECTED, &paragraph(&words))
        }
    }
}

const CONNECTED: &str = "The books are connected";
const NOT_CONNECTED: &str = "The books are not connected";
const AGAIN: &str = "Ask your operator for a new address: financial-pulse connection authorize.";

fn status_of(error: &ConnectionError) -> StatusCode {
    match error {
        ConnectionError::Declined(_)
        | ConnectionError::UnknownState
        | ConnectionError::NoOrganization
        | ConnectionError::NotReached(_)
        | ConnectionError::AlreadyConnected(_)
        | ConnectionError::OtherBooks(_) => StatusCode::BAD_REQUEST,
        ConnectionError::Provider(_) => StatusCode::BAD_GATEWAY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn advice(error: &ConnectionError) -> String {
    match error {
        ConnectionError::Declined(_) => format!("Consent was not given. {AGAIN}"),
        ConnectionError::UnknownState => format!(
            "This answer belongs to no consent that was asked for here, or came too late, or was used \
             already. {AGAIN}"
        ),
        ConnectionError::NoOrganization | ConnectionError::NotReached(_) => format!(
            "The consent reaches no organization whose books could be read. Sign in as somebody who \
             may see the books, and choose them. {AGAIN}"
        ),
        ConnectionError::AlreadyConnected(other) => format!(
            "These books are connected already, as {other}. To renew its consent, ask your operator \
             for: financial-pulse connection authorize {other}."
        ),
        ConnectionError::OtherBooks(_) => format!(
            "The connection holds the books of another organization. Choose that one, or add a \
             connection for these books. {AGAIN}"
        ),
        ConnectionError::Provider(_) => {
            format!("The accounting system did not accept the answer. {AGAIN}")
        }
        _ => format!("Something went wrong on our side; the log says what. {AGAIN}"),
    }
}

fn connected_words(connected: &Connected) -> String {
    let id = &connected.connection.id;
    let books = match &connected.organization.name {
        Some(name) => format!("It holds the books of {name}. "),
        None => String::new(),
    };
    let mut words = paragraph(&format!(
        "Connection {id} is authorized. {books}They are being loaded now; the widget shows how far it \
         is, and so does the command “financial-pulse connection status”. You can close this page."
    ));
    if !connected.others.is_empty() {
        let others: Vec<_> = connected.others.iter().map(ToString::to_string).collect();
        words.push_str(&paragraph(&format!(
            "This consent also serves {} from now on.",
            others.join(", ")
        )));
    }
    if !connected.further.is_empty() {
        let further = connected.further.iter().map(|one| {
            let name = one.name.as_ref().unwrap_or(&one.account);
            format!("<li>{}</li>", escape(name))
        });
        words.push_str(&paragraph(&format!(
            "This consent reaches further books, which your operator can connect without asking you \
             again: financial-pulse connection add --from {id}."
        )));
        words.extend(["<ul>".to_owned(), further.collect(), "</ul>".to_owned()]);
    }
    words
}

/// One choice, none made beforehand: the wrong books would be hard to take out again.
fn choice_form(choice: &Choice) -> String {
    let options = choice.organizations.iter().map(|one| {
        let account = escape(&one.account);
        let name = escape(one.name.as_ref().unwrap_or(&one.account));
        format!(
            "<p><label><input type=\"radio\" name=\"organization\" value=\"{account}\" required> \
             {name}</label></p>"
        )
    });
    format!(
        "{}<form method=\"post\" action=\"/oauth/{}/organization\">\
         <input type=\"hidden\" name=\"code\" value=\"{}\">\
         <fieldset><legend>The books of</legend>{}</fieldset>\
         <p><button>Connect these books</button></p></form>",
        paragraph(&format!(
            "Your consent reaches several organizations. Which one is connection {} to hold? The \
             others can be added afterwards. This page is good for a quarter of an hour.",
            choice.connection
        )),
        choice.provider,
        escape(&choice.code),
        options.collect::<String>()
    )
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escape(text))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        // The address held a code: it goes nowhere else and stays in no cache.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
