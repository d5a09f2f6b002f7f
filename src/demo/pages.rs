//! The pages.

use std::fmt::Write;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use url::Url;

use super::token::{self, Role, USER};
use super::{ContactKind, Shared, Situation, find, record, situations};

/// The widths that a CRM's sidebar may have, in pixels.
const WIDTHS: [u32; 3] = [280, 360, 480];

/// How a visitor wants to see a contact.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct View {
    #[serde(default = "default_width")]
    width: u32,
    #[serde(default)]
    role: Role,
}

fn default_width() -> u32 {
    360
}

/// The origin of an address, as a browser compares it.
pub(super) fn origin(url: &str) -> Option<String> {
    let origin = Url::parse(url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// The style sheet.
pub(super) async fn style() -> Response {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("assets/style.css"),
    )
        .into_response()
}

/// The script of the contact page.
pub(super) async fn script() -> Response {
    (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        include_str!("assets/host.js"),
    )
        .into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// A whole page.
fn document(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · Fieldbook CRM</title>\n\
         <link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n\
         <header class=\"top\"><a class=\"brand\" href=\"/\"><span aria-hidden=\"true\">F</span> \
         Fieldbook</a><nav aria-label=\"Main\"><a href=\"/\" aria-current=\"true\">Contacts</a></nav>\
         <span class=\"me\" title=\"Signed in as {user}\"><span aria-hidden=\"true\">{initials}</span> \
         {user}</span></header>\n{body}\n</body>\n</html>\n",
        title = escape(title),
        user = USER.1,
        initials = record::initials(USER.1),
    ))
}

/// A picture with the initials, in one of a few colors.
fn avatar(situation: &Situation) -> String {
    let hue = situation.name.bytes().map(u32::from).sum::<u32>() % 6;
    let shape = match situation.kind {
        ContactKind::Company => "company",
        ContactKind::Person => "person",
    };
    format!(
        "<span class=\"avatar {shape} hue{hue}\" aria-hidden=\"true\">{}</span>",
        escape(&record::initials(situation.name))
    )
}

/// The list of contacts.
pub(super) async fn list() -> Html<String> {
    let mut rows = String::new();
    for situation in situations() {
        let record = record::of(situation);
        let kind = match situation.kind {
            ContactKind::Company => "Company",
            ContactKind::Person => "Person",
        };
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><a href=\"/contacts/{contact}\">{avatar}<span>{name}</span></a></th>\
             <td>{kind}</td><td>{stage}</td><td>{owner}</td><td class=\"words\">{words}</td></tr>",
            contact = escape(situation.contact),
            avatar = avatar(situation),
            name = escape(situation.name),
            stage = record.stage,
            owner = record.owner,
            words = escape(situation.words),
        );
    }
    document(
        "Contacts",
        &format!(
            "<main class=\"list\"><div class=\"heading\"><h1>Contacts</h1>\
             <p>{count} records. Open one to see its Financial Pulse in the sidebar.</p></div>\
             <div class=\"card scroll\"><table><thead><tr><th scope=\"col\">Name</th>\
             <th scope=\"col\">Kind</th><th scope=\"col\">Stage</th><th scope=\"col\">Owner</th>\
             <th scope=\"col\">What the demo shows</th></tr></thead><tbody>\n{rows}</tbody></table></div></main>",
            count = situations().len(),
        ),
    )
}

/// One contact, with the widget beside the record.
pub(super) async fn contact(
    State(shared): State<Shared>,
    Path(contact): Path<String>,
    Query(view): Query<View>,
) -> Response {
    let Some(situation) = find(&contact) else {
        let body = "<main class=\"list\"><h1>No such contact</h1><p><a href=\"/\">All contacts</a></p></main>";
        return (StatusCode::NOT_FOUND, document("Not found", body)).into_response();
    };
    let options = &shared.options;
    let Ok(token) = token::mint(options, situation, view.role, options.clock.now()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let width = if WIDTHS.contains(&view.width) {
        view.width
    } else {
        default_width()
    };
    let body = format!(
        "<main class=\"contact w{width}\">\n<nav class=\"crumbs\" aria-label=\"Breadcrumb\">\
         <a href=\"/\">Contacts</a> <span aria-hidden=\"true\">/</span> <span aria-current=\"page\">{name}</span></nav>\n\
         <div class=\"columns\">\n<div class=\"record\">{main}</div>\n\
         <aside class=\"side\" aria-label=\"Financial Pulse\">\n{controls}\
         <iframe id=\"pulse\" class=\"pulse\" title=\"Financial Pulse of {name}\" \
         src=\"{api}/embed/{tenant}/native?token={token}\" data-origin=\"{origin}\" \
         data-token=\"/token?contact={contact}&amp;role={role}\"></iframe>\n</aside>\n</div>\n</main>\n\
         <p id=\"toast\" class=\"toast\" role=\"status\" aria-live=\"polite\"></p>\n\
         <script src=\"/host.js\" defer></script>",
        name = escape(situation.name),
        main = main_column(situation),
        controls = controls(situation, width, view.role),
        api = escape(&options.api_url),
        tenant = escape(&options.tenant),
        origin = escape(&origin(&options.api_url).unwrap_or_default()),
        contact = escape(situation.contact),
        role = view.role.word(),
    );
    document(situation.name, &body).into_response()
}

/// The record itself: who it is, what is under way, what happened.
fn main_column(situation: &Situation) -> String {
    let record = record::of(situation);
    let company = situation
        .company
        .and_then(find)
        .map(|company| {
            format!(
                "<div><dt>Company</dt><dd><a href=\"/contacts/{}\">{}</a></dd></div>",
                escape(company.contact),
                escape(company.name)
            )
        })
        .unwrap_or_default();
    let mut activities = String::new();
    for (days, what, words) in record.activities {
        let when = match days {
            1 => "Yesterday".to_owned(),
            days => format!("{days} days ago"),
        };
        let _ = write!(
            activities,
            "<li><span class=\"what\">{what}</span><p>{words}</p><span class=\"when\">{when}</span></li>"
        );
    }
    let (deal, worth, state) = record.deal;
    format!(
        "<section class=\"card who\">{avatar}<div><h1>{name}</h1><p>{words}</p></div>\
         <span class=\"tag\">{stage}</span></section>\n\
         <section class=\"card\"><h2>Details</h2><dl>{company}\
         <div><dt>E-mail</dt><dd>{email}</dd></div><div><dt>Phone</dt><dd>{phone}</dd></div>\
         <div><dt>City</dt><dd>{city}</dd></div><div><dt>Owner</dt><dd>{owner}</dd></div></dl></section>\n\
         <section class=\"card\"><h2>Open deal</h2><div class=\"deal\"><div><strong>{deal}</strong>\
         <span class=\"when\">{state}</span></div><span class=\"worth\">{worth}</span></div></section>\n\
         <section class=\"card\"><h2>Activity</h2><ol class=\"activity\">{activities}</ol></section>",
        avatar = avatar(situation),
        name = escape(situation.name),
        words = escape(situation.words),
        stage = record.stage,
        email = escape(situation.email),
        phone = record.phone,
        city = record.city,
        owner = record.owner,
    )
}

/// Width, role, and what may happen in the books.
fn controls(situation: &Situation, width: u32, role: Role) -> String {
    let contact = escape(situation.contact);
    let link = |text: &str, width: u32, to: Role, current: bool| {
        let current = if current {
            " aria-current=\"true\""
        } else {
            ""
        };
        format!(
            "<a href=\"/contacts/{contact}?width={width}&amp;role={}\"{current}>{text}</a>",
            to.word()
        )
    };
    let widths: String = WIDTHS
        .iter()
        .map(|each| link(&each.to_string(), *each, role, *each == width))
        .collect();
    let roles: String = [(Role::Rep, "Rep"), (Role::Finance, "Finance")]
        .iter()
        .map(|(each, text)| link(text, width, *each, *each == role))
        .collect();
    let mut actions = String::new();
    for (index, account) in situation.accounts.iter().enumerate() {
        // With several customers the buttons say whose books they touch.
        let whose = if situation.accounts.len() > 1 {
            format!(" ({})", account.currency)
        } else {
            String::new()
        };
        for (path, text) in [
            ("payment", "Customer pays 100"),
            ("invoice", "New invoice, 250"),
        ] {
            let _ = write!(
                actions,
                "<button type=\"button\" data-post=\"/contacts/{contact}/{path}?account={index}\">{text}{whose}</button>"
            );
        }
    }
    if !actions.is_empty() {
        actions = format!(
            "<div class=\"actions\" role=\"group\" aria-label=\"In the books\">{actions}</div>"
        );
    }
    format!(
        "<div class=\"controls\"><div class=\"choice\" role=\"group\" aria-label=\"Sidebar width\">{widths}</div>\
         <div class=\"choice\" role=\"group\" aria-label=\"Seen as\">{roles}</div></div>\n{actions}\n"
    )
}
