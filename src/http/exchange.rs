//! `/exchange/…`: a CRM's token for a session, as JSON. Open pages come here with fresh tokens, and
//! so do integrations that frame nothing.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::bearer::{bearer_token, only};
use super::door::{DoorPath, RequestLine};
use super::embed::{Parameters, failure, requested_id, unreadable};
use super::gate::SignedInAt;
use super::negotiation::is_object;
use super::problem::Problem;
use super::widget;
use crate::auth::preset::{COMPANY_KIND, Exchange, KeyScope, Preset};
use crate::auth::{Identity, Refusal, Session, Shown, Trust};
use crate::service::error::refused;
use crate::service::sign_in::{Door, OneTimeCode, Requested, SignIn};
use crate::service::{ErrorCode, ServiceError};

/// The routes.
pub fn routes(sign_in: Arc<SignIn>) -> Router {
    Router::new()
        .route("/exchange/session", post(renew))
        .route("/exchange/{preset}", post(exchange))
        .route("/exchange/{tenant}/{preset}", post(exchange))
        .with_state(sign_in)
}

/// The headers with which HubSpot signs a request.
const SIGNATURE: &str = "x-hubspot-signature-v3";
const SIGNED_AT: &str = "x-hubspot-request-timestamp";

/// The advice to who shows no token where one is to be.
const SEND_TOKEN: &str = "send a JSON object with token, and perhaps contact and company";

/// What is shown for a session.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The CRM's token, or the session to renew, unless it comes as a bearer.
    token: Option<SecretString>,
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

/// What is given where the session must not pass through other hands: an address that opens the page
/// once.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GivenCode<'a> {
    code: &'a str,
    url: String,
    expires_at: String,
}

async fn exchange(
    State(sign_in): State<Arc<SignIn>>,
    door: DoorPath,
    request: RequestLine,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let door = match door.open(|doors| doors.exchange != Exchange::Closed) {
        Ok(door) => door,
        Err(closed) => return widget::sealed(closed.into_response(), &[]),
    };
    let bytes = match body {
        Ok(bytes) => bytes,
        Err(rejection) => return widget::sealed(unreadable(&rejection), &[]),
    };
    let is_signed = door.preset().doors.exchange == Exchange::SignedRequest;
    let bearer = bearer_token(&headers).filter(|_| !is_signed);
    let body = match Body::read(&headers, &bytes) {
        Ok(body) => body,
        Err(refusal) => return widget::sealed(*refusal, &[]),
    };
    let entered = async {
        let in_body = body.token.as_ref().map(ExposeSecret::expose_secret);
        let header = |name| only(&headers, name);
        let credential = match (is_signed, bearer, in_body) {
            (true, _, None) => header(SIGNATURE),
            (false, Some(token), None) | (false, None, Some(token)) => Some(token),
            (false, None, None) => None,
            (true, _, Some(_)) | (false, Some(_), Some(_)) => {
                let reason = "show one token, in one place";
                return Err(ServiceError::bad_input("token", reason));
            }
        };
        let shown = Shown {
            credential: credential.ok_or_else(|| refused(Refusal::Missing))?,
            signature: None,
            timestamp: header(SIGNED_AT),
            request: request.shown(&bytes),
        };
        let asked = Parameters::read(request.query(), &HeaderMap::new(), &[])?;
        let gives_code = is_signed || asked.get("give") == Some("code");
        let requested = || requested(&door, &body, &asked);
        let signed_in = sign_in.enter(&door, shown, requested).await?;
        let code = if gives_code {
            Some(sign_in.code_for(&signed_in).await?)
        } else {
            None
        };
        Ok((signed_in, code))
    };
    match entered.await {
        Ok((signed_in, None)) => answer(Ok((signed_in.identity, signed_in.session))),
        Ok((signed_in, Some(code))) => {
            let tenant = SignedInAt(signed_in.identity.tenant);
            let given = (Extension(tenant), give_code(&sign_in, &code));
            widget::sealed(given.into_response(), &[])
        }
        Err(error) => answer(Err(error)),
    }
}

fn give_code(sign_in: &SignIn, code: &OneTimeCode) -> Response {
    let text = code.code.expose_secret();
    Json(GivenCode {
        code: text,
        url: format!("{}/embed/code?code={text}", sign_in.public_url()),
        expires_at: code.expires_at.to_string(),
    })
    .into_response()
}

/// What the page asks for: the body's words, else those of the address, which we wrote ourselves.
fn requested(door: &Door, body: &Body, asked: &Parameters) -> Result<Requested, ServiceError> {
    let preset = door.preset();
    let address = asked.requested(preset)?;
    let kind = preset.context.default_kind;
    let contact = requested_id(preset, "contact", kind, body.contact.as_deref())?;
    let company = requested_id(preset, "company", COMPANY_KIND, body.company.as_deref())?;
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
    let read = body
        .map_err(|rejection| Box::new(unreadable(&rejection)))
        .and_then(|bytes| Body::read(&headers, &bytes));
    match read {
        Ok(Body {
            token: Some(token), ..
        }) => answer(sign_in.renew(token.expose_secret()).await),
        Ok(Body { token: None, .. }) => answer(Err(refused(Refusal::Missing))),
        Err(refusal) => widget::sealed(*refusal, &[]),
    }
}

impl Body {
    /// Reads a body of JSON. It may be empty: the token may stand elsewhere.
    fn read(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, Box<Response>> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let refuse = |status, words: &str| {
            let problem = Problem::new(ErrorCode::BadUserInput, words).with_status(status);
            Box::new(problem.into_response())
        };
        if media_type(headers) != Some("application/json") {
            let words = "send application/json: {\"token\": \"…\", \"contact\": \"person:42\"}";
            return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
        }
        // What serde would say quotes the body, and with it the token.
        serde_json::from_slice(bytes)
            .ok()
            .filter(|_| is_object(bytes))
            .ok_or_else(|| refuse(StatusCode::BAD_REQUEST, SEND_TOKEN))
    }
}

fn answer(outcome: Result<(Identity, Session), ServiceError>) -> Response {
    let response = match outcome {
        Ok((identity, session)) => (
            Extension(SignedInAt(identity.tenant.clone())),
            Json(Given {
                session: session.token.expose_secret(),
                expires_at: session.expires_at.to_string(),
                hard_cap: session.hard_cap.to_string(),
                tenant: identity.tenant.as_str(),
                preset: &identity.preset,
                contact_id: identity.contact.as_ref().map(|(id, _)| id.as_str()),
                company: identity.company.as_ref().map(|(id, _)| id.as_str()),
            }),
        )
            .into_response(),
        Err(error) => failure(&error),
    };
    widget::sealed(response, &[])
}

/// Where a page of this person comes back to with a fresh token; `None` where its CRM gives none.
/// What the page asked for goes along, so that the next session is about the same contact.
pub(super) fn address(preset: &Preset, identity: &Identity) -> Option<String> {
    if preset.doors.exchange != Exchange::Token {
        return None;
    }
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
    let path = match preset.key_scope {
        KeyScope::Installation => {
            let tenant: String =
                form_urlencoded::byte_serialize(identity.tenant.as_str().as_bytes())
                    .collect::<String>()
                    .replace('+', "%20");
            format!("/exchange/{tenant}/{}", preset.name)
        }
        KeyScope::App => format!("/exchange/{}", preset.name),
    };
    Some(if query.is_empty() {
        path
    } else {
        format!("{path}?{query}")
    })
}

/// The media type of a request without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}
