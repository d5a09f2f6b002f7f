//! The tokens that the CRM signs for the widget.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{DemoCrmOptions, Format, Shared, Situation, find};

/// The roles that a visitor may look through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// Sells.
    Rep,
    /// Sells to large customers.
    AccountManager,
    /// Sets limits and links.
    #[default]
    Finance,
    /// May do everything.
    Admin,
}

impl Role {
    /// The word in the claim and in the address.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Rep => "rep",
            Self::AccountManager => "account_manager",
            Self::Finance => "finance",
            Self::Admin => "admin",
        }
    }
}

/// The visitor, who needs no login in a demo.
pub(super) const USER: (&str, &str) = ("dana.whitfield", "Dana Whitfield");

/// The native claims.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    tenant: &'a str,
    contact: &'a str,
    role: Role,
    email: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<&'a str>,
    locale: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

/// Signs a token for a contact's page at a tenant.
///
/// # Errors
///
/// When the secret cannot sign.
pub(super) fn mint(
    options: &DemoCrmOptions,
    tenant: &str,
    situation: &Situation,
    role: Role,
    now: Timestamp,
) -> Result<String, jsonwebtoken::errors::Error> {
    let life = i64::try_from(options.token_life.as_secs())
        .unwrap_or(300)
        .min(300);
    let claims = Claims {
        iss: &options.issuer,
        aud: &options.audience,
        sub: USER.0,
        tenant,
        contact: situation.contact,
        role,
        email: situation.email,
        name: USER.1,
        company: situation.company,
        locale: "en-US",
        iat: now.as_second(),
        exp: now.as_second() + life,
        jti: uuid::Uuid::new_v4().to_string(),
    };
    let header = Header {
        kid: options.key_id.clone(),
        ..Header::new(Algorithm::HS256)
    };
    let key = EncodingKey::from_secret(options.secret.expose_secret().as_bytes());
    jsonwebtoken::encode(&header, &claims, &key)
}

/// For whom a token is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    contact: String,
    #[serde(default)]
    role: Role,
    provider: Option<Format>,
}

/// A fresh token for the widget on a page that is open. Only this origin's script can read it.
pub(super) async fn fresh(State(shared): State<Shared>, Query(wanted): Query<Wanted>) -> Response {
    let options = &shared.options;
    let (Some(situation), Some(ledger)) = (find(&wanted.contact), options.ledger(wanted.provider))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let now = options.clock.now();
    match mint(options, &ledger.tenant, situation, wanted.role, now) {
        Ok(token) => Json(json!({"token": token})).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
