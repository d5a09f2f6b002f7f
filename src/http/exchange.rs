//! `/exchange/…`: a CRM's token for a session, as JSON. Open pages come here with fresh tokens, and
//! so do integrations that frame nothing.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::embed::{Parameters, door_of, failure, requested_id, unreadable};
use super::problem::Problem;
use super::widget;
use crate::auth::preset::{COMPANY_KIND, CONTACT_KIND};
use crate::auth::{Identity, Session, Trust};
use crate::service::sign_in::{Door, Requested, SignIn};
use crate::service::{ErrorCode, ServiceError};

/// The routes.
pub fn routes(sign_in: Arc<SignIn>) -> Router {
    Router::new()
        .route("/exchange/{tenant}/native", post(native))
        .route("/exchange/pipedrive", post(pipedrive))
        .route("/exchange/session", post(renew))
        .with_state(sign_in)
}

/// What is shown for a session.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    /// The CRM's token, or the session to renew.
    token: SecretString,
    /// The contact that the page shows, where the CRM does not sign it.
    contact: Option<String>,
    /// Its company.
    company: Option<String>,
}

/// What is given for it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Given<'a> {
    session: &'a str,
    expires_at: String,
    hard_cap: String,
    tenant: &'a str,
    preset: &'a str,
    contact_id: Option<&'a str>,
    company: Option<&'a str>,
}

async fn native(
    State(sign_in): State<Arc<SignIn>>,
    tenant: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let door = door_of(tenant);
    exchange(&sign_in, &door, query.as_deref(), &headers, body).await
}

async fn pipedrive(
    State(sign_in): State<Arc<SignIn>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    exchange(
        &sign_in,
        &Door::pipedrive(),
        query.as_deref(),
        &headers,
        body,
    )
    .await
}

async fn exchange(
    sign_in: &SignIn,
    door: &Door,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let shown = match shown(headers, body) {
        Ok(shown) => shown,
        Err(refusal) => return widget::sealed(*refusal, &[]),
    };
    let entered = async {
        let requested = requested(door, &shown, query)?;
        let token = shown.token.expose_secret();
        sign_in.enter(door, token, requested).await
    };
    answer(
        entered
            .await
            .map(|signed_in| (signed_in.identity, signed_in.session)),
    )
}

/// What the page asks for: the body's words, else those of the address, which we wrote ourselves.
fn requested(door: &Door, shown: &Shown, query: Option<&str>) -> Result<Requested, ServiceError> {
    let preset = door.preset();
    let address = Parameters::read(query, &HeaderMap::new(), &[])?.requested(preset)?;
    let contact = requested_id(preset, "contact", CONTACT_KIND, shown.contact.as_deref())?;
    let company = requested_id(preset, "company", COMPANY_KIND, shown.company.as_deref())?;
    Ok(Requested {
        contact: contact.or(address.contact),
        company: company.or(address.company),
    })
}

/// `POST /exchange/session`: a session from one that still lives, up to its hard cap.
async fn renew(
    State(sign_in): State<Arc<SignIn>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match shown(&headers, body) {
        Ok(shown) => answer(sign_in.renew(shown.token.expose_secret()).await),
        Err(refusal) => widget::sealed(*refusal, &[]),
    }
}

fn shown(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Shown, Box<Response>> {
    let body = body.map_err(|rejection| Box::new(unreadable(&rejection)))?;
    let refuse = |status, words: &str| {
        let problem = Problem::new(ErrorCode::BadUserInput, words).with_status(status);
        Box::new(problem.into_response())
    };
    if media_type(headers) != Some("application/json") {
        let words = "send application/json: {\"token\": \"…\", \"contact\": \"person:42\"}";
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
    }
    // What serde would say quotes the body, and with it the token.
    serde_json::from_slice(&body).map_err(|_| {
        let words = "send a JSON object with token, and perhaps contact and company";
        refuse(StatusCode::BAD_REQUEST, words)
    })
}

fn answer(outcome: Result<(Identity, Session), ServiceError>) -> Response {
    let response = match outcome {
        Ok((identity, session)) => Json(Given {
            session: session.token.expose_secret(),
            expires_at: session.expires_at.to_string(),
            hard_cap: session.hard_cap.to_string(),
            tenant: identity.tenant.as_str(),
            preset: &identity.preset,
            contact_id: identity.contact.as_ref().map(|(id, _)| id.as_str()),
            company: identity.company.as_ref().map(|(id, _)| id.as_str()),
        })
        .into_response(),
        Err(error) => {
            let mut response = failure(&error);
            if error.code() == ErrorCode::Unauthenticated {
                let scheme = HeaderValue::from_static("Bearer");
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, scheme);
            }
            response
        }
    };
    widget::sealed(response, &[])
}

/// Where a page of this door and person comes back to with a fresh token. What the page asked for
/// goes along, so that the next session is about the same contact.
pub(super) fn address(door: &Door, identity: &Identity) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, record) in [
        ("contact", &identity.contact),
        ("company", &identity.company),
    ] {
        if let Some((id, Trust::Requested)) = record {
            query.append_pair(name, id.as_str());
        }
    }
    let query = query.finish();
    let path = match door.tenant() {
        Some(tenant) => {
            let tenant: String = form_urlencoded::byte_serialize(tenant.as_str().as_bytes())
                .collect::<String>()
                .replace('+', "%20");
            format!("/exchange/{tenant}/{}", door.preset().name)
        }
        None => format!("/exchange/{}", door.preset().name),
    };
    if query.is_empty() {
        path
    } else {
        format!("{path}?{query}")
    }
}

/// The media type of a request without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}
