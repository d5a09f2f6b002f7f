//! What the consent pages and token endpoints of all wire formats have in common.

use std::fmt::Write;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use url::Url;

use super::state::Shared;
use super::tokens::Consent;

/// What a client, or a form that carries it on, asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked(Vec<(String, String)>);

impl Asked {
    /// From a query or a form.
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// All parameters.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter()
    }

    /// A parameter, empty where it is not given.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(given, _)| given == name)
            .map_or("", |(_, value)| value)
    }

    /// The companies that were chosen on the page (its fields `realm`), as far as there are such.
    fn realms(&self, shared: &Shared) -> Vec<String> {
        let world = shared.world();
        self.0
            .iter()
            .filter(|(name, realm)| name == "realm" && world.companies.contains_key(realm))
            .map(|(_, realm)| realm.clone())
            .collect()
    }

    /// Why it cannot be answered with a redirect.
    pub(crate) fn mistake(&self, shared: &Shared) -> Option<&'static str> {
        if self.get("client_id") != shared.options.client_id {
            Some("Unknown client_id.")
        } else if Url::parse(self.get("redirect_uri")).is_err() {
            Some("The redirect_uri is no address.")
        } else if self.get("response_type") != "code" {
            Some("The response_type must be code.")
        } else if !matches!(self.get("code_challenge_method"), "" | "S256") {
            Some("The code_challenge_method must be S256.")
        } else {
            None
        }
    }

    /// The consent of a person who chose companies; `None` for a refusal.
    pub(crate) fn consent(&self, shared: &Shared) -> Option<Consent> {
        let realms = self.realms(shared);
        (!realms.is_empty()).then(|| Consent {
            realms,
            scope: self.get("scope").to_owned(),
            redirect_uri: self.get("redirect_uri").to_owned(),
            challenge: Some(self.get("code_challenge").to_owned()).filter(|it| !it.is_empty()),
        })
    }

    /// Back to the client.
    pub(crate) fn back(&self, parameters: &[(&str, &str)]) -> Response {
        let Ok(mut back) = Url::parse(self.get("redirect_uri")) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        back.query_pairs_mut()
            .extend_pairs(parameters)
            .append_pair("state", self.get("state"));
        Redirect::to(back.as_str()).into_response()
    }
}

/// How many companies a consent is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// One, by its button.
    One,
    /// As many as are ticked.
    Several,
}

/// A page that asks for consent and posts to where it was got from.
pub(crate) fn page(shared: &Shared, asked: &Asked, choice: Choice) -> Response {
    let mut choices = String::new();
    for (realm, company) in &shared.world().companies {
        let (realm, name) = (escape(realm), escape(&company.name));
        let _ = match choice {
            Choice::One => writeln!(
                choices,
                "<button name=\"realm\" value=\"{realm}\">Connect {name}</button>"
            ),
            Choice::Several => writeln!(
                choices,
                "<label><input type=\"checkbox\" name=\"realm\" value=\"{realm}\" checked> \
                 {name}</label>"
            ),
        };
    }
    if choice == Choice::Several {
        choices.push_str("<button>Allow access</button>");
    }
    let mut hidden = String::new();
    for (name, value) in asked.0.iter().filter(|(name, _)| name != "realm") {
        let _ = write!(
            hidden,
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            escape(name),
            escape(value)
        );
    }
    Html(document(&format!(
        "<p>An application asks for access to the books of a company.</p>\
         <form method=\"post\">{hidden}{choices}</form>\
         <form method=\"post\">{hidden}<button>No, thanks</button></form>"
    )))
    .into_response()
}

/// A page that says why there is nothing to consent to.
pub(crate) fn mistaken(words: &str) -> Response {
    (StatusCode::BAD_REQUEST, Html(document(&escape(words)))).into_response()
}

fn document(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sandbox: consent</title>\
         <style>body{{font:16px system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}}\
         button,label{{display:block;width:100%;margin:.5rem 0;padding:.75rem;font:inherit}}</style>\
         <h1>Sandbox accounting</h1>{body}</html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A refusal in OAuth's words (RFC 6749, section 5.2).
pub(crate) fn refuse(status: StatusCode, error: &str, description: Option<&str>) -> Response {
    let mut body = json!({"error": error});
    if let Some(description) = description {
        body["error_description"] = json!(description);
    }
    (status, axum::Json(body)).into_response()
}

/// Whether the app proved to be itself by HTTP Basic.
pub(crate) fn is_client_by_basic(shared: &Shared, headers: &HeaderMap) -> bool {
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

/// Whether the app proved to be itself by its id and secret in the form.
pub(crate) fn is_client_by_form(shared: &Shared, form: &Asked) -> bool {
    form.get("client_id") == shared.options.client_id
        && form.get("client_secret") == shared.options.client_secret
}

/// The bearer token of a request, empty where there is none.
pub(crate) fn bearer(headers: &HeaderMap) -> &str {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default()
}
