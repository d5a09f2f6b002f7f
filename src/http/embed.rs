//! `/embed/…`: what a CRM loads into its page. The token is verified here, and the page comes back
//! with a session already in it.
//!
//! Where the keys are the tenant's own the address names it (`/embed/{tenant}/native`); where one key
//! signs for all (`/embed/pipedrive`) the token does. Some CRMs load by GET with the token in the
//! query, others post a form.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secrecy::ExposeSecret;
use url::form_urlencoded;

use super::exchange;
use super::problem::Problem;
use super::widget::{self, Boot, WidgetPage};
use crate::auth::Refusal;
use crate::auth::preset::{COMPANY_KIND, CONTACT_KIND, HostContext, Preset, contact_id};
use crate::config::FrameAncestor;
use crate::domain::ids::{ContactId, TenantId};
use crate::service::sign_in::{Door, Requested, SignIn, SignedIn, refused};
use crate::service::{ErrorCode, ServiceError};

/// The longest language tag that is passed on.
const MAX_LOCALE_BYTES: usize = 35;

/// What the routes need.
#[derive(Clone, Debug)]
struct Embedding {
    sign_in: Arc<SignIn>,
    page: WidgetPage,
}

impl Embedding {
    /// The page of someone who has signed in.
    fn load(&self, door: &Door, signed_in: &SignedIn, locale: Option<&str>) -> Response {
        let SignedIn {
            identity,
            session,
            frame_ancestors,
        } = signed_in;
        let ancestors = origins(frame_ancestors);
        let boot = Boot {
            session: session.token.expose_secret(),
            expires_at: session.expires_at.to_string(),
            hard_cap: session.hard_cap.to_string(),
            contact_id: identity.contact.as_ref().map(|(id, _)| id.as_str()),
            company: identity.company.as_ref().map(|(id, _)| id.as_str()),
            preset: door.preset().name,
            tenant: identity.tenant.as_str(),
            host_origins: ancestors.iter().map(FrameAncestor::as_str).collect(),
            can_renew: door.preset().renews,
            locale: identity.locale.as_deref().or(locale),
            exchange_url: exchange::address(door, identity),
            graphql_url: "/graphql",
            subscription_url: "/graphql",
        };
        self.page.load(&boot, &ancestors)
    }
}

/// What was registered, as far as it is origins: anything else could add to the header.
fn origins(registered: &[String]) -> Vec<FrameAncestor> {
    registered
        .iter()
        .filter_map(|text| {
            let origin = FrameAncestor::parse(text);
            if origin.is_none() {
                tracing::warn!(
                    registered = text,
                    "a frame ancestor is no origin and is left out"
                );
            }
            origin
        })
        .collect()
}

/// The routes, and the files that the page loads.
pub fn routes(sign_in: Arc<SignIn>, page: WidgetPage) -> Router {
    Router::new()
        .route("/embed/{tenant}/native", get(native).post(native))
        .route("/embed/pipedrive", get(pipedrive).post(pipedrive))
        .with_state(Embedding { sign_in, page })
        .route("/assets/{*name}", get(widget::asset))
}

async fn native(
    State(embedding): State<Embedding>,
    tenant: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let door = door_of(tenant);
    embed(&embedding, &door, query.as_deref(), &headers, body).await
}

async fn pipedrive(
    State(embedding): State<Embedding>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    embed(
        &embedding,
        &Door::pipedrive(),
        query.as_deref(),
        &headers,
        body,
    )
    .await
}

async fn embed(
    embedding: &Embedding,
    door: &Door,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return widget::sealed(unreadable(&rejection), &[]),
    };
    let entered = async {
        let parameters = Parameters::read(query, headers, &body)?;
        let token = parameters.token(door.preset())?;
        let requested = parameters.requested(door.preset())?;
        let signed_in = embedding.sign_in.enter(door, token, requested).await?;
        Ok::<_, ServiceError>((signed_in, parameters.locale()))
    };
    match entered.await {
        Ok((signed_in, locale)) => embedding.load(door, &signed_in, locale.as_deref()),
        // Whose page this would be is not known, so nobody may frame it.
        Err(error) => widget::sealed(failure(&error), &[]),
    }
}

/// The door of the tenant in the path. A path that cannot be read names nobody.
pub(super) fn door_of(tenant: Result<Path<String>, PathRejection>) -> Door {
    let tenant = tenant.map_or_else(|_| String::new(), |Path(tenant)| tenant);
    Door::native(TenantId::new(tenant))
}

/// The answer to a body that is too long or broke off.
pub(super) fn unreadable(rejection: &BytesRejection) -> Response {
    Problem::new(ErrorCode::BadUserInput, "the body is too long or broke off")
        .with_status(rejection.status())
        .into_response()
}

/// The parameters of a query and of a form, each at most once: of two equal names one could be meant
/// for us and the other for whoever looks at the request before.
#[derive(Debug, Default)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a query and, where the content is a form, the body.
    pub(super) fn read(
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, ServiceError> {
        let form: &[u8] = if is_form(headers) { body } else { &[] };
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .chain(form_urlencoded::parse(form));
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            let twice = parameters.insert(name.into_owned(), value.into_owned());
            if twice.is_some() {
                let reason = "a parameter is given twice; give each once";
                return Err(ServiceError::bad_input("parameters", reason));
            }
        }
        Ok(Self(parameters))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    fn token(&self, preset: &Preset) -> Result<&str, ServiceError> {
        self.get(preset.token_parameter)
            .ok_or_else(|| refused(Refusal::Missing))
    }

    /// What the page says that it shows.
    pub(super) fn requested(&self, preset: &Preset) -> Result<Requested, ServiceError> {
        let id = |name, kind| requested_id(preset, name, kind, self.get(name));
        let contact = match preset.host_context {
            HostContext::Pipedrive if self.get("contact").is_none() => {
                match (self.get("resource"), self.get("selectedIds")) {
                    (Some(resource), Some(ids)) => preset.selected(resource, ids),
                    _ => None,
                }
            }
            HostContext::Pipedrive | HostContext::Ids => id("contact", CONTACT_KIND)?,
        };
        Ok(Requested {
            contact,
            company: id("company", COMPANY_KIND)?,
        })
    }

    /// The page's language, if it can be one.
    fn locale(&self) -> Option<String> {
        let text = self.get("locale")?;
        let is_tag = text.len() <= MAX_LOCALE_BYTES
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_tag.then(|| text.to_owned())
    }
}

/// The id that a page asks for.
pub(super) fn requested_id(
    preset: &Preset,
    field: &'static str,
    kind: &str,
    text: Option<&str>,
) -> Result<Option<ContactId>, ServiceError> {
    text.map(|text| {
        contact_id(preset.name, text, kind).ok_or_else(|| {
            ServiceError::bad_input(field, "write an id of the CRM, such as person:42")
        })
    })
    .transpose()
}

fn is_form(headers: &HeaderMap) -> bool {
    exchange::media_type(headers) == Some("application/x-www-form-urlencoded")
}

/// The answer to an error; what went wrong on our side goes to the log.
pub(super) fn failure(error: &ServiceError) -> Response {
    if matches!(
        error.code(),
        ErrorCode::Internal | ErrorCode::LedgerUnavailable
    ) {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(code = error.code().as_str(), cause, "signing in failed");
    }
    Problem::from(error).into_response()
}
