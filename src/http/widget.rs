//! The widget: the page that a CRM frames, and the files it loads.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::Embed;
use serde::Serialize;

use super::embed::failure;
use super::problem::Problem;
use crate::config::FrameAncestor;
use crate::service::{ErrorCode, ServiceError};

/// The built widget. It may be absent where only the server was built.
#[derive(Embed)]
#[folder = "widget/dist/"]
#[allow_missing = true]
struct Dist;

/// What the page finds in its `pulse-boot` block: who it speaks for, and where it goes with that.
/// Addresses are paths, so that the page talks to the origin that served it and to no other.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Boot<'a> {
    /// The bearer of the page's requests.
    pub session: &'a str,
    /// When it ends.
    pub expires_at: String,
    /// Until when it may be renewed from itself.
    pub hard_cap: String,
    /// The contact that the CRM shows.
    pub contact_id: Option<&'a str>,
    /// The contact's company.
    pub company: Option<&'a str>,
    /// The CRM's scheme.
    pub preset: &'a str,
    /// The tenant.
    pub tenant: &'a str,
    /// The origins that may frame the page and talk to it.
    pub host_origins: Vec<&'a str>,
    /// How the next session is got ([`crate::auth::preset::Renewal`]).
    pub renewal: &'a str,
    /// The language to speak.
    pub locale: Option<&'a str>,
    /// Where a fresh token is traded for a session; none where the CRM gives no fresh ones.
    pub exchange_url: Option<String>,
    /// Where a session that still lives is traded for the next.
    pub session_url: &'a str,
    /// Where queries go.
    pub graphql_url: &'a str,
    /// Where news come from.
    pub subscription_url: &'a str,
}

/// The page as it was built, to be completed for each who loads it.
#[derive(Clone, Debug)]
pub struct WidgetPage(Option<Arc<Template>>);

/// What stands before the place of the boot block, and what after it.
#[derive(Debug)]
struct Template {
    before: String,
    after: String,
}

impl WidgetPage {
    /// The page that was built into the program; without one, every load is answered with what to
    /// do.
    pub fn embedded() -> Self {
        let index = Dist::get("index.html");
        let html = index
            .as_ref()
            .map(|file| String::from_utf8_lossy(&file.data));
        html.map_or(Self(None), |html| Self::of(&html))
    }

    /// A page of this HTML. The boot block goes to the end of its head.
    pub fn of(html: &str) -> Self {
        let template = html.split_once("</head>").map(|(before, after)| Template {
            before: before.to_owned(),
            after: format!("</head>{after}"),
        });
        Self(template.map(Arc::new))
    }

    /// The page with its boot block, framed by nobody but `ancestors`.
    pub fn load(&self, boot: &Boot<'_>, ancestors: &[FrameAncestor]) -> Response {
        let Some(template) = &self.0 else {
            return sealed(not_built(), &[]);
        };
        let json = match serde_json::to_string(boot) {
            // An escaped `<` keeps whatever a name holds inside of the block.
            Ok(json) => json.replace('<', "\\u003c"),
            Err(error) => return sealed(failure(&ServiceError::internal(error)), &[]),
        };
        let Template { before, after } = &**template;
        // A block of data, not of script: the policy lets no inline script run.
        let html = format!(
            "{before}<script type=\"application/json\" id=\"pulse-boot\">{json}</script>{after}"
        );
        sealed(Html(html).into_response(), ancestors)
    }
}

/// Adds what every answer to a request that carried a token needs: it is not kept, its address goes
/// nowhere, and only `ancestors` may frame it. There is no `X-Frame-Options`, which knows no lists
/// and would overrule some browsers' reading of `frame-ancestors`.
pub fn sealed(mut response: Response, ancestors: &[FrameAncestor]) -> Response {
    let headers = response.headers_mut();
    let set = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in set {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // The ancestors passed their own check, so this cannot fail; without a policy nothing goes out.
    let policy = HeaderValue::from_str(&policy(ancestors))
        .unwrap_or(HeaderValue::from_static("frame-ancestors 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if !ancestors.is_empty() {
        // Or a CRM that isolates itself could not frame it.
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        );
    }
    response
}

fn policy(ancestors: &[FrameAncestor]) -> String {
    let mut policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors"
        .to_owned();
    if ancestors.is_empty() {
        policy.push_str(" 'none'");
    }
    for ancestor in ancestors {
        // Writing to a string does not fail.
        let _ = write!(policy, " {}", ancestor.as_str());
    }
    policy
}

/// `GET /assets/…`: the page's files. Their names change with their content, so they are kept for
/// ever.
pub async fn asset(Path(name): Path<String>) -> Response {
    let Some(file) = Dist::get(&format!("assets/{name}")) else {
        return match Dist::get("index.html") {
            Some(_) => Problem::new(ErrorCode::NotFound, "there is no such file").into_response(),
            None => not_built(),
        };
    };
    let headers = [
        (header::CONTENT_TYPE, file.metadata.mimetype()),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let headers = headers.map(|(name, value)| (name, value.to_owned()));
    (headers, file.data).into_response()
}

/// A file of the built widget.
pub(super) fn built(name: &str) -> Option<rust_embed::EmbeddedFile> {
    Dist::get(name)
}

/// The operations that the built page asks, as a manifest of trusted documents.
pub fn operations() -> Option<Vec<u8>> {
    Some(Dist::get("operations.json")?.data.into_owned())
}

/// The answer where only the server was built.
pub(super) fn not_built() -> Response {
    Problem::new(
        ErrorCode::Internal,
        "the widget is not built: run `make widget`, then build the server again",
    )
    .with_status(StatusCode::SERVICE_UNAVAILABLE)
    .into_response()
}
