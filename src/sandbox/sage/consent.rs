//! The authorization server's endpoints: consent page, tokens, revocation.

use axum::body::Bytes;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::sandbox::consent::{self, Asked, Choice, is_client_by_basic, is_client_by_form, refuse};
use crate::sandbox::format::Format;
use crate::sandbox::listener::Cutter;
use crate::sandbox::server::{Place, through_trouble};
use crate::sandbox::state::Shared;
use crate::sandbox::tokens::{GrantRules, Issued};

/// The scopes; there is nothing finer.
const SCOPES: [&str; 2] = ["full_access", "readonly"];
/// The user who consents.
pub(super) const USER: &str = "c3c32d1c-41ba-483f-a3ff-49fdb57b9c38";

/// A code waits a minute. A refresh token is good once, and to use one again loses the consent. Both
/// tokens are made up like a JWT: a head and a body that can be read, and a signature.
pub(crate) const RULES: GrantRules = GrantRules {
    code_life: SignedDuration::from_secs(60),
    hard_limit: None,
    reuse_ends_grant: true,
    prefixes: [
        "GB/",
        "eyJhbGciOiJSUzUxMiJ9.eyJ0eXAiOiJhY2Nlc3MiLCJpc3MiOiJzYW5kYm94In0.",
        "eyJhbGciOiJSUzUxMiJ9.eyJ0eXAiOiJyZWZyZXNoIiwiaXNzIjoic2FuZGJveCJ9.",
    ],
};

/// The routes, below `/sage`.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/oauth2/auth/central", get(page).post(decide))
        .route("/token", post(token))
        .route("/revoke", post(revoke))
}

/// A request for consent. A challenge that is the verifier itself (`plain`) becomes the hash of it, which
/// comes to the same.
fn asked(encoded: &[u8]) -> Asked {
    let plain = Asked::parse(encoded).get("code_challenge_method") == "plain";
    if !plain {
        return Asked::parse(encoded);
    }
    let rewritten = url::form_urlencoded::parse(encoded).map(|(name, value)| match &*name {
        "code_challenge_method" => (name, "S256".into()),
        "code_challenge" => {
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(value.as_bytes()));
            (name, hash.into())
        }
        _ => (name, value),
    });
    let encoded = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(rewritten)
        .finish();
    Asked::parse(encoded.as_bytes())
}

/// Why a request for consent cannot be answered with a redirect.
fn mistake(asked: &Asked, shared: &Shared) -> Option<&'static str> {
    asked.mistake(shared).or_else(|| {
        if !SCOPES.contains(&asked.get("scope")) {
            Some("The scope must be full_access or readonly.")
        } else if asked.get("filter") != "apiv3.1" {
            Some("The address must contain filter=apiv3.1.")
        } else {
            None
        }
    })
}

/// A page that asks for consent: to every business that the user reaches. Which those are is what is
/// chosen on it.
async fn page(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let asked = asked(query.unwrap_or_default().as_bytes());
    match mistake(&asked, &shared) {
        Some(mistake) => consent::mistaken(mistake),
        None => consent::page(&shared, &asked, Choice::Several),
    }
}

/// The press of a button: back to the client, with a code or with a refusal.
async fn decide(State(shared): State<Shared>, body: Bytes) -> Response {
    let asked = asked(&body);
    if let Some(mistake) = mistake(&asked, &shared) {
        return consent::mistaken(mistake);
    }
    let Some(consent) = asked.consent(&shared) else {
        return asked.back(&[("error", "access_denied")]);
    };
    let now = shared.now();
    let code = shared.world().tokens[Format::Sage].issue_code(consent, now);
    asked.back(&[("code", &code), ("country", "GB")])
}

fn token_answer(issued: &Issued) -> Value {
    json!({
        "access_token": issued.access,
        "scope": issued.scope,
        "token_type": "bearer",
        "expires_in": issued.access_life,
        "refresh_token": issued.refresh,
        "refresh_token_expires_in": issued.refresh_life,
        "requested_by_id": USER,
    })
}

/// Whether the app proved to be itself. The form is the way; one guide has HTTP Basic instead.
fn is_client(shared: &Shared, headers: &HeaderMap, form: &Asked) -> bool {
    is_client_by_form(shared, form) || is_client_by_basic(shared, headers)
}

fn no_client() -> Response {
    let words = "The client is unknown or its secret is wrong.";
    refuse(StatusCode::BAD_REQUEST, "invalid_client", Some(words))
}

/// The token endpoint: a code or a refresh token for new tokens.
async fn token(
    State(shared): State<Shared>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Asked::parse(&body);
    let grant = form.get("grant_type");
    let call = format!("POST /sage/token?grant_type={grant}");
    let place = Place::oauth(Format::Sage);
    through_trouble(&shared, &cutter, place, &call, async || {
        if !is_client(&shared, &headers, &form) {
            return no_client();
        }
        let now = shared.now();
        let mut world = shared.world();
        world.throttle[Format::Sage].count("oauth", grant);
        let tokens = &mut world.tokens[Format::Sage];
        let issued = match grant {
            "authorization_code" => tokens.exchange(
                form.get("code"),
                form.get("redirect_uri"),
                form.get("code_verifier"),
                now,
            ),
            "refresh_token" => tokens.refresh(form.get("refresh_token"), now),
            "" => return refuse(StatusCode::BAD_REQUEST, "invalid_request", None),
            _ => return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", None),
        };
        if let Some(issued) = issued {
            return Json(token_answer(&issued)).into_response();
        }
        world.throttle[Format::Sage].count("oauth", "invalid_grant");
        refuse(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            Some("The code or refresh token has expired, was used before, or was revoked."),
        )
    })
    .await
}

/// Ends a consent by its refresh token. Access tokens cannot be revoked.
async fn revoke(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Asked::parse(&body);
    if !is_client(&shared, &headers, &form) {
        return no_client();
    }
    let now = shared.now();
    let mut world = shared.world();
    world.throttle[Format::Sage].count("oauth", "revoke");
    world.tokens[Format::Sage].end_refresh(form.get("token"), now);
    Json(json!({"success": "ok"})).into_response()
}
