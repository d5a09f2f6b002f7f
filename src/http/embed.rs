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
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secrecy::ExposeSecret;
use url::form_urlencoded;

use super::door::{DoorPath, RequestLine};
use super::exchange;
use super::gate::SignedInAt;
use super::problem::Problem;
use super::script;
use super::widget::{self, Boot, WidgetPage};
use crate::auth::preset::{COMPANY_KIND, Preset, UrlHash, contact_id};
use crate::auth::{Refusal, Shown};
use crate::config::FrameAncestor;
use crate::domain::ids::ContactId;
use crate::service::error::refused;
use crate::service::sign_in::{Requested, SignIn, SignedIn};
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
    fn load(&self, signed_in: &SignedIn, locale: Option<&str>) -> Response {
        let SignedIn {
            preset,
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
            preset: preset.name,
            tenant: identity.tenant.as_str(),
            host_origins: ancestors.iter().map(FrameAncestor::as_str).collect(),
            renewal: preset.renewal.as_str(),
            locale: identity.locale.as_deref().or(locale),
            exchange_url: exchange::address(preset, identity),
            session_url: "/exchange/session",
            graphql_url: "/graphql",
            subscription_url: "/graphql",
        };
        let mut response = self.page.load(&boot, &ancestors);
        let tenant = SignedInAt(identity.tenant.clone());
        response.extensions_mut().insert(tenant);
        response
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
        .route("/embed/code", get(by_code))
        .route("/embed/{preset}", get(embed).post(embed))
        .route("/embed/{tenant}/{preset}", get(embed).post(embed))
        .with_state(Embedding { sign_in, page })
        .route("/assets/{*name}", get(widget::asset))
        .route("/embed.js", get(script::embed))
}

/// `GET /embed/code?code=…`: the page of whoever got the code, once.
async fn by_code(
    State(embedding): State<Embedding>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let entered = async {
        let parameters = Parameters::read(query.as_deref(), &headers, &[])?;
        let code = parameters.proof("code").filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| refused(Refusal::Missing))?;
        let signed_in = embedding.sign_in.open(code).await?;
        Ok::<_, ServiceError>((signed_in, parameters.locale()))
    };
    match entered.await {
        Ok((signed_in, locale)) => embedding.load(&signed_in, locale.as_deref()),
        Err(error) => widget::sealed(failure(&error), &[]),
    }
}

async fn embed(
    State(embedding): State<Embedding>,
    door: DoorPath,
    request: RequestLine,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let door = match door.open(|doors| doors.embed) {
        Ok(door) => door,
        Err(closed) => return widget::sealed(closed.into_response(), &[]),
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return widget::sealed(unreadable(&rejection), &[]),
    };
    let preset = door.preset();
    let entered = async {
        // Where the address is signed, only the address counts.
        let form: &[u8] = match preset.url_hash {
            UrlHash::Required => &[],
            UrlHash::Refused | UrlHash::Ignored => &body,
        };
        let parameters = Parameters::read(request.query(), &headers, form)?;
        let shown = Shown {
            credential: parameters
                .proof(preset.parameter)
                .ok_or_else(|| refused(Refusal::Missing))?,
            signature: preset
                .signature_parameter
                .and_then(|name| parameters.proof(name)),
            timestamp: None,
            request: request.shown(&body),
        };
        let requested = || parameters.requested(preset);
        let signed_in = embedding.sign_in.enter(&door, shown, requested).await?;
        Ok::<_, ServiceError>((signed_in, parameters.locale()))
    };
    match entered.await {
        Ok((signed_in, locale)) => embedding.load(&signed_in, locale.as_deref()),
        // Whose page this would be is not known, so nobody may frame it.
        Err(error) => widget::sealed(failure(&error), &[]),
    }
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

    /// What describes the page: space around it does not count.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// What is to be verified, as it was sent.
    fn proof(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// What the page says that it shows.
    pub(super) fn requested(&self, preset: &Preset) -> Result<Requested, ServiceError> {
        let id = |name, kind| requested_id(preset, name, kind, self.get(name));
        let selected = || {
            let kind = preset.context.kind.and_then(|name| self.get(name));
            preset.selected(kind, self.get(preset.context.id?)?)
        };
        let contact = id("contact", preset.context.default_kind)?.or_else(selected);
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
        contact_id(preset.crm, text, kind).ok_or_else(|| {
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
    let mut response = Problem::from(error).into_response();
    if error.code() == ErrorCode::Unauthenticated {
        let scheme = HeaderValue::from_static("Bearer");
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}
