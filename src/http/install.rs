//! `/install/{tenant}/atlassian-connect/{code}/…`: the descriptor that a site of Atlassian's is given,
//! and the calls by which it says that it was installed or removed.
//!
//! What happened stands in the address and not in the body: the address is signed, the body is not.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::door::{RequestLine, names};
use super::embed::{failure, unreadable};
use super::widget;
use crate::auth::Refusal;
use crate::domain::ids::TenantId;
use crate::service::ServiceError;
use crate::service::error::refused;
use crate::service::installing::{Call, Installing, Site};

/// The routes.
pub fn routes(installing: Arc<Installing>) -> Router {
    Router::new()
        .route(
            "/install/{tenant}/atlassian-connect/{code}/descriptor.json",
            get(descriptor),
        )
        .route(
            "/install/{tenant}/atlassian-connect/{code}/installed",
            post(installed),
        )
        .route(
            "/install/{tenant}/atlassian-connect/{code}/uninstalled",
            post(uninstalled),
        )
        .with_state(installing)
}

/// A call as it came: nothing of it is believed, and of the body nothing is read.
struct Received {
    tenant: String,
    code: String,
    request: RequestLine,
    headers: HeaderMap,
    body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Received {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let (tenant, code) = place(&parts);
        let Ok(line) = RequestLine::from_request_parts(&mut parts, state).await;
        let headers = parts.headers.clone();
        let body = Bytes::from_request(Request::from_parts(parts, body), state).await;
        Ok(Self {
            tenant,
            code,
            request: line,
            headers,
            body: body.map_err(|rejection| widget::sealed(unreadable(&rejection), &[]))?,
        })
    }
}

impl Received {
    fn call(&self) -> Result<Call<'_>, ServiceError> {
        // Behind the word `JWT`, which is Atlassian's own scheme.
        let token = self
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("JWT "))
            .ok_or_else(|| refused(Refusal::Missing))?;
        Ok(Call {
            tenant: TenantId::new(self.tenant.as_str()),
            code: &self.code,
            token,
            request: self.request.shown(&self.body),
        })
    }

    fn body(&self) -> Result<Body, ServiceError> {
        // What serde would say quotes the body, and with it the secret.
        serde_json::from_slice(&self.body).map_err(|_| {
            ServiceError::bad_input("body", "send JSON with clientKey and sharedSecret")
        })
    }

    fn site(&self) -> Result<Site, ServiceError> {
        let Body {
            client_key,
            shared_secret,
        } = self.body()?;
        let shared_secret = shared_secret
            .ok_or_else(|| ServiceError::bad_input("sharedSecret", "it is missing"))?;
        Ok(Site {
            client_key,
            shared_secret,
        })
    }
}

/// The tenant and the code of a path.
fn place(parts: &Parts) -> (String, String) {
    let mut names = names(parts.uri.path()).into_iter();
    let tenant = names.next().unwrap_or_default();
    (tenant, names.nth(1).unwrap_or_default())
}

/// What a site says in a body. There is more in it, which is not needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    client_key: String,
    shared_secret: Option<SecretString>,
}

/// The app as Atlassian is to see it for this tenant. Whoever has the address knows all that is in it.
async fn descriptor(State(installing): State<Arc<Installing>>, parts: Parts) -> Response {
    let (tenant, code) = place(&parts);
    let is_plain = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        text.bytes().all(plain)
    };
    if !is_plain(&tenant) || !is_plain(&code) {
        return widget::sealed(failure(&ServiceError::NotFound { what: "address" }), &[]);
    }
    let words = described(installing.public_url(), &tenant, &code);
    widget::sealed(Json(words).into_response(), &[])
}

fn described(public_url: &str, tenant: &str, code: &str) -> Value {
    let place = format!("/install/{tenant}/atlassian-connect/{code}");
    json!({
        "key": format!("financial-pulse.{tenant}"),
        "name": "Financial Pulse",
        "description": "May I sell more on account?",
        "baseUrl": public_url,
        "authentication": { "type": "jwt" },
        "apiMigrations": { "signed-install": true },
        "lifecycle": {
            "installed": format!("{place}/installed"),
            "uninstalled": format!("{place}/uninstalled"),
        },
        "scopes": ["READ"],
        "modules": {
            "webPanels": [{
                "key": "pulse",
                "location": "atl.jira.view.issue.right.context",
                "name": { "value": "Financial Pulse" },
                "url": format!("/embed/{tenant}/atlassian-connect?contact=issue:{{issue.id}}"),
            }],
        },
    })
}

async fn installed(State(installing): State<Arc<Installing>>, received: Received) -> Response {
    let done = async {
        let call = received.call()?;
        installing.installed(&call, || received.site()).await
    };
    answer(done.await)
}

async fn uninstalled(State(installing): State<Arc<Installing>>, received: Received) -> Response {
    let done = async {
        let call = received.call()?;
        let named = || Ok(received.body()?.client_key);
        installing.uninstalled(&call, named).await
    };
    answer(done.await)
}

fn answer(done: Result<(), ServiceError>) -> Response {
    let response = match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => failure(&error),
    };
    widget::sealed(response, &[])
}
