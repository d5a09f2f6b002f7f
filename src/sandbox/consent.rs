//! The authorization server's endpoints: consent page, tokens, revocation.

use std::collections::HashMap;
use std::fmt::Write;

use axum::body::Bytes;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::listener::Cutter;
use super::server::through_trouble;
use super::state::Shared;

/// The scope that reads and writes the books. There is no other that only reads.
const SCOPE: &str = "com.intuit.quickbooks.accounting";

/// The routes, on the paths of the real hosts.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/connect/oauth2", get(page).post(decide))
        .route("/v2/oauth2/tokens/revoke", post(revoke))
        .route("/.well-known/openid_configuration", get(discovery))
        .route("/.well-known/openid_sandbox_configuration", get(discovery))
}

/// What a client asks for.
#[derive(Clone, Debug, Deserialize)]
struct Request {
    client_id: String,
    redirect_uri: String,
    #[serde(default)]
    response_type: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    state: String,
    /// Of the form only: the company chosen, or nothing for a refusal.
    #[serde(default)]
    realm: String,
}

impl Request {
    /// Why it cannot be answered with a redirect.
    fn mistake(&self, shared: &Shared) -> Option<&'static str> {
        if self.client_id != shared.options.client_id {
            Some("Unknown client_id.")
        } else if Url::parse(&self.redirect_uri).is_err() {
            Some("The redirect_uri is no address.")
        } else if self.response_type != "code" {
            Some("The response_type must be code.")
        } else if !self.scope.split(' ').any(|scope| scope == SCOPE) {
            Some("The scope must contain com.intuit.quickbooks.accounting.")
        } else {
            None
        }
    }
}

/// A page that asks for consent.
async fn page(State(shared): State<Shared>, Query(request): Query<Request>) -> Response {
    if let Some(mistake) = request.mistake(&shared) {
        return (StatusCode::BAD_REQUEST, Html(document(&escape(mistake)))).into_response();
    }
    let mut buttons = String::new();
    for (realm, company) in &shared.world().companies {
        let _ = writeln!(
            buttons,
            "<button name=\"realm\" value=\"{}\">Connect {}</button>",
            escape(realm),
            escape(&company.name)
        );
    }
    let mut hidden = String::new();
    for (name, value) in [
        ("client_id", &request.client_id),
        ("redirect_uri", &request.redirect_uri),
        ("response_type", &request.response_type),
        ("scope", &request.scope),
        ("state", &request.state),
    ] {
        let _ = write!(
            hidden,
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            escape(value)
        );
    }
    Html(document(&format!(
        "<p>An application asks to read and write the books of a company.</p>\
         <form method=\"post\" action=\"/connect/oauth2\">{hidden}{buttons}\
         <button name=\"realm\" value=\"\">No, thanks</button></form>"
    )))
    .into_response()
}

fn document(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sandbox: consent</title>\
         <style>body{{font:16px system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}}\
         button{{display:block;width:100%;margin:.5rem 0;padding:.75rem;font:inherit}}</style>\
         <h1>Sandbox accounting</h1>{body}</html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The press of a button: back to the client, with a code or with a refusal.
async fn decide(State(shared): State<Shared>, Form(request): Form<Request>) -> Response {
    if let Some(mistake) = request.mistake(&shared) {
        return (StatusCode::BAD_REQUEST, Html(document(&escape(mistake)))).into_response();
    }
    let Ok(mut back) = Url::parse(&request.redirect_uri) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let now = shared.now();
    let mut world = shared.world();
    if world.companies.contains_key(&request.realm) {
        let code = world
            .tokens
            .issue_code(&request.realm, &request.redirect_uri, now);
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &request.state)
            .append_pair("realmId", &request.realm);
    } else {
        back.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("state", &request.state);
    }
    Redirect::to(back.as_str()).into_response()
}

/// The token endpoint: a code or a refresh token for new tokens.
pub(crate) async fn token(
    State(shared): State<Shared>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let grant = form.get("grant_type").cloned().unwrap_or_default();
    let call = format!("POST /oauth2/v1/tokens/bearer?grant_type={grant}");
    through_trouble(&shared, &cutter, None, &call, async || {
        if !is_client(&shared, &headers) {
            return refuse(StatusCode::UNAUTHORIZED, "invalid_client", None);
        }
        let now = shared.now();
        let mut world = shared.world();
        world.throttle.count("oauth", &grant);
        let parameter = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let answer = match grant.as_str() {
            "authorization_code" => {
                world
                    .tokens
                    .exchange(parameter("code"), parameter("redirect_uri"), now)
            }
            "refresh_token" => world.tokens.refresh(parameter("refresh_token"), now),
            _ => return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", None),
        };
        if let Some(mut answer) = answer {
            let asked = headers
                .get("x-include-refresh-token-hard-expires-in")
                .is_some_and(|value| value == "true");
            if let Value::Object(answer) = &mut answer {
                // The callback names the company; the token endpoint does not.
                answer.remove("realmId");
                if !asked {
                    answer.remove("x_refresh_token_hard_expires_in");
                }
            }
            Json(answer).into_response()
        } else {
            world.throttle.count("oauth", "invalid_grant");
            refuse(
                StatusCode::BAD_REQUEST,
                "invalid_grant",
                Some("Incorrect or invalid refresh token"),
            )
        }
    })
    .await
}

fn refuse(status: StatusCode, error: &str, description: Option<&str>) -> Response {
    let mut body = json!({"error": error});
    if let Some(description) = description {
        body["error_description"] = json!(description);
    }
    (status, Json(body)).into_response()
}

/// Whether the app proved to be itself by HTTP Basic.
fn is_client(shared: &Shared, headers: &HeaderMap) -> bool {
    let wanted = format!(
        "{}:{}",
        shared.options.client_id, shared.options.client_secret
    );
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .is_some_and(|given| given == wanted.as_bytes())
}

/// Ends a consent. Takes JSON as the documentation has it, or a form.
async fn revoke(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_client(&shared, &headers) {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client", None);
    }
    let token = serde_json::from_slice::<Value>(&body)
        .ok()
        .and_then(|body| body["token"].as_str().map(str::to_owned))
        .or_else(|| {
            url::form_urlencoded::parse(&body)
                .find(|(name, _)| name == "token")
                .map(|(_, token)| token.into_owned())
        });
    let mut world = shared.world();
    world.throttle.count("oauth", "revoke");
    match token {
        Some(token) if world.tokens.revoke(&token) => StatusCode::OK.into_response(),
        _ => refuse(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            Some("Token invalid"),
        ),
    }
}

/// Where everything is.
async fn discovery(headers: HeaderMap) -> Json<Value> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let base = format!("http://{host}");
    Json(json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/connect/oauth2"),
        "token_endpoint": format!("{base}/oauth2/v1/tokens/bearer"),
        "revocation_endpoint": format!("{base}/v2/oauth2/tokens/revoke"),
        "response_types_supported": ["code"],
        "scopes_supported": [SCOPE],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }))
}
