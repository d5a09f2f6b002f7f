//! The authorization server's endpoints: consent page, tokens, revocation.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Form, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::sandbox::consent::{self, Asked, Choice, is_client_by_basic, refuse};
use crate::sandbox::format::Format;
use crate::sandbox::listener::Cutter;
use crate::sandbox::server::{Place, through_trouble};
use crate::sandbox::state::Shared;
use crate::sandbox::tokens::{GrantRules, Issued};

/// The scope that reads and writes the books. There is no other that only reads.
pub(crate) const SCOPE: &str = "com.intuit.quickbooks.accounting";

/// Codes wait ten minutes; a consent lasts five years however often it is used.
pub(crate) const RULES: GrantRules = GrantRules {
    code_life: SignedDuration::from_mins(10),
    hard_limit: Some(SignedDuration::from_hours(5 * 365 * 24)),
    reuse_ends_grant: false,
    prefixes: ["AB", "eyJlbmMi.", "RT1-"],
};

/// The routes, on the paths of the real hosts.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/connect/oauth2", get(page).post(decide))
        .route("/oauth2/v1/tokens/bearer", post(token))
        .route("/v2/oauth2/tokens/revoke", post(revoke))
        .route("/.well-known/openid_configuration", get(discovery))
        .route("/.well-known/openid_sandbox_configuration", get(discovery))
}

/// Why a request for consent cannot be answered with a redirect.
fn mistake(asked: &Asked, shared: &Shared) -> Option<&'static str> {
    asked.mistake(shared).or_else(|| {
        let known = asked.get("scope").split(' ').any(|scope| scope == SCOPE);
        (!known).then_some("The scope must contain com.intuit.quickbooks.accounting.")
    })
}

/// A page that asks for consent.
async fn page(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let asked = Asked::parse(query.unwrap_or_default().as_bytes());
    match mistake(&asked, &shared) {
        Some(mistake) => consent::mistaken(mistake),
        None => consent::page(&shared, &asked, Choice::One),
    }
}

/// The press of a button: back to the client, with a code or with a refusal.
async fn decide(State(shared): State<Shared>, body: Bytes) -> Response {
    let asked = Asked::parse(&body);
    if let Some(mistake) = mistake(&asked, &shared) {
        return consent::mistaken(mistake);
    }
    let Some(mut consent) = asked.consent(&shared) else {
        return asked.back(&[("error", "access_denied")]);
    };
    consent.realms.truncate(1);
    let realm = consent.realms[0].clone();
    let now = shared.now();
    let code = shared.world().tokens[Format::QuickBooks].issue_code(consent, now);
    asked.back(&[("code", &code), ("realmId", &realm)])
}

/// The token endpoint's answer, with the company, which only the control endpoint tells.
pub(crate) fn token_answer(issued: &Issued) -> Value {
    json!({
        "token_type": "bearer",
        "access_token": issued.access,
        "refresh_token": issued.refresh,
        "expires_in": issued.access_life,
        "x_refresh_token_expires_in": issued.refresh_life,
        // Left out again for those who did not ask.
        "x_refresh_token_hard_expires_in": issued.hard_life,
        "realmId": issued.realms.first(),
    })
}

/// The token endpoint: a code or a refresh token for new tokens.
async fn token(
    State(shared): State<Shared>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let grant = form.get("grant_type").cloned().unwrap_or_default();
    let call = format!("POST /oauth2/v1/tokens/bearer?grant_type={grant}");
    let place = Place::oauth(Format::QuickBooks);
    through_trouble(&shared, &cutter, place, &call, async || {
        if !is_client_by_basic(&shared, &headers) {
            return refuse(StatusCode::UNAUTHORIZED, "invalid_client", None);
        }
        let now = shared.now();
        let mut world = shared.world();
        world.throttle[Format::QuickBooks].count("oauth", &grant);
        let tokens = &mut world.tokens[Format::QuickBooks];
        let parameter = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let issued = match grant.as_str() {
            "authorization_code" => tokens.exchange(
                parameter("code"),
                parameter("redirect_uri"),
                parameter("code_verifier"),
                now,
            ),
            "refresh_token" => tokens.refresh(parameter("refresh_token"), now),
            _ => return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", None),
        };
        if let Some(issued) = issued {
            let mut answer = token_answer(&issued);
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
            world.throttle[Format::QuickBooks].count("oauth", "invalid_grant");
            refuse(
                StatusCode::BAD_REQUEST,
                "invalid_grant",
                Some("Incorrect or invalid refresh token"),
            )
        }
    })
    .await
}

/// Ends a consent. Takes JSON as the documentation has it, or a form.
async fn revoke(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_client_by_basic(&shared, &headers) {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client", None);
    }
    let token = serde_json::from_slice::<Value>(&body)
        .ok()
        .and_then(|body| body["token"].as_str().map(str::to_owned))
        .unwrap_or_else(|| Asked::parse(&body).get("token").to_owned());
    let mut world = shared.world();
    world.throttle[Format::QuickBooks].count("oauth", "revoke");
    if world.tokens[Format::QuickBooks].revoke(&token) {
        StatusCode::OK.into_response()
    } else {
        refuse(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            Some("Token invalid"),
        )
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
