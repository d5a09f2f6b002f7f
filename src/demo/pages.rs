//! The pages.

use std::fmt::Write;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use url::Url;

use super::token::{Role, USER};
use super::{
    ContactKind, DemoCrmOptions, Format, Ledger, Shared, Situation, find, record, situations,
};

/// The widths that a CRM's sidebar may have, in pixels.
const WIDTHS: [u32; 3] = [280, 360, 480];

/// How a visitor wants to see a contact.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct View {
    #[serde(default = "default_width")]
    width: u32,
    #[serde(default)]
    role: Role,
    provider: Option<Format>,
}

impl View {
    /// The address of a contact, seen in the same way.
    fn of(self, contact: &str) -> String {
        let Self {
            width,
            role,
            provider,
        } = self;
        let mut address = format!(
            "/contacts/{}?width={width}&amp;role={}",
            escape(contact),
            role.word()
        );
        if let Some(format) = provider {
            let _ = write!(address, "&amp;provider={format}");
        }
        address
    }
}

/// Which ledger's list of contacts is wanted.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Wanted {
    provider: Option<Format>,
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
fn document(title: &str, provider: Option<Format>, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · Fieldbook CRM</title>\n\
         <link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n\
         <header class=\"top\"><a class=\"brand\" href=\"{list}\"><span aria-hidden=\"true\">F</span> \
         Fieldbook</a><nav aria-label=\"Main\"><a href=\"{list}\" aria-current=\"true\">Contacts</a></nav>\
         <span class=\"me\" title=\"Signed in as {user}\"><span aria-hidden=\"true\">{initials}</span> \
         {user}</span></header>\n{body}\n</body>\n</html>\n",
        title = escape(title),
        list = list_address(provider),
        user = USER.1,
        initials = record::initials(USER.1),
    ))
}

/// The address of the list of contacts, by a ledger.
fn list_address(provider: Option<Format>) -> String {
    provider.map_or_else(|| "/".to_owned(), |format| format!("/?provider={format}"))
}

/// One of a few ways, as a link that says which one is on.
fn choice(address: &str, text: &str, is_current: bool) -> String {
    let current = if is_current {
        " aria-current=\"true\""
    } else {
        ""
    };
    format!("<a href=\"{address}\"{current}>{text}</a>")
}

/// The switch between ledgers, each at its own address; nothing where there is no choice.
fn ledgers(
    options: &DemoCrmOptions,
    shown: &Ledger,
    address: impl Fn(Option<Format>) -> String,
) -> String {
    if options.ledgers.len() < 2 {
        return String::new();
    }
    let links: String = options
        .ledgers
        .iter()
        .map(|ledger| {
            let is_current = ledger.format == shown.format;
            let address = address(Some(ledger.format));
            choice(&address, ledger.format.title(), is_current)
        })
        .collect();
    format!(
        "<div class=\"books\" role=\"group\" aria-labelledby=\"books\"><span id=\"books\">Books in</span>\
         <div class=\"choice\">{links}</div></div>\n"
    )
}

/// A ledger that this demo does not have.
fn no_such_ledger() -> Response {
    let body = "<main class=\"list\"><h1>No such ledger here</h1><p><a href=\"/\">All contacts</a></p></main>";
    (StatusCode::NOT_FOUND, document("Not found", None, body)).into_response()
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
pub(super) async fn list(State(shared): State<Shared>, Query(wanted): Query<Wanted>) -> Response {
    let options = &shared.options;
    let Some(ledger) = options.ledger(wanted.provider) else {
        return no_such_ledger();
    };
    let query = wanted
        .provider
        .map(|format| format!("?provider={format}"))
        .unwrap_or_default();
    let mut rows = String::new();
    for situation in situations() {
        let record = record::of(situation);
        let kind = match situation.kind {
            ContactKind::Company => "Company",
            ContactKind::Person => "Person",
        };
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><a href=\"/contacts/{contact}{query}\">{avatar}<span>{name}</span></a></th>\
             <td>{kind}</td><td>{stage}</td><td>{owner}</td><td class=\"words\">{words}</td></tr>",
            contact = escape(situation.contact),
            avatar = avatar(situation),
            name = escape(situation.name),
            stage = record.stage,
            owner = record.owner,
            words = escape(situation.in_format(ledger.format).words),
        );
    }
    document(
        "Contacts",
        wanted.provider,
        &format!(
            "<main class=\"list\"><div class=\"heading\"><div><h1>Contacts</h1>\
             <p>{count} records. Open one to see its Financial Pulse in the sidebar.</p></div>{switch}</div>\
             <div class=\"card scroll\"><table><thead><tr><th scope=\"col\">Name</th>\
             <th scope=\"col\">Kind</th><th scope=\"col\">Stage</th><th scope=\"col\">Owner</th>\
             <th scope=\"col\">What the demo shows</th></tr></thead><tbody>\n{rows}</tbody></table></div></main>",
            count = situations().len(),
            switch = ledgers(options, ledger, list_address),
        ),
    )
    .into_response()
}

/// One contact, with the widget beside the record.
pub(super) async fn contact(
    State(shared): State<Shared>,
    Path(contact): Path<String>,
    Query(view): Query<View>,
) -> Response {
    let Some(situation) = find(&contact) else {
        let body = "<main class=\"list\"><h1>No such contact</h1><p><a href=\"/\">All contacts</a></p></main>";
        return (
            StatusCode::NOT_FOUND,
            document("Not found", view.provider, body),
        )
            .into_response();
    };
    let options = &shared.options;
    let Some(ledger) = options.ledger(view.provider) else {
        return no_such_ledger();
    };
    let view = View {
        width: if WIDTHS.contains(&view.width) {
            view.width
        } else {
            default_width()
        },
        ..view
    };
    let here = |provider| View { provider, ..view }.of(situation.contact);
    let body = format!(
        "<main class=\"contact w{width}\">\n<nav class=\"crumbs\" aria-label=\"Breadcrumb\">\
         <a href=\"{list}\">Contacts</a> <span aria-hidden=\"true\">/</span> <span aria-current=\"page\">{name}</span></nav>\n\
         <div class=\"columns\">\n<div class=\"record\">{main}</div>\n\
         <aside class=\"side\" aria-label=\"Financial Pulse\">\n{switch}{controls}\
         <div id=\"pulse\" class=\"pulse\" data-title=\"Financial Pulse of {name}\" data-tenant=\"{tenant}\" \
         data-token=\"/token?contact={contact}&amp;role={role}&amp;provider={format}\"></div>\n</aside>\n</div>\n</main>\n\
         <p id=\"toast\" class=\"toast\" role=\"status\" aria-live=\"polite\"></p>\n\
         <script src=\"{api}/embed.js\" defer></script>\n<script src=\"/host.js\" defer></script>",
        width = view.width,
        list = list_address(view.provider),
        name = escape(situation.name),
        main = main_column(situation, ledger.format, view),
        switch = ledgers(options, ledger, here),
        controls = controls(&situation.in_format(ledger.format), ledger.format, view),
        api = escape(&options.api_url),
        tenant = escape(&ledger.tenant),
        contact = escape(situation.contact),
        role = view.role.word(),
        format = ledger.format,
    );
    document(situation.name, view.provider, &body).into_response()
}

/// The record itself: who it is, what is under way, what happened.
fn main_column(situation: &Situation, format: Format, view: View) -> String {
    let record = record::of(situation);
    let company = situation
        .company
        .and_then(find)
        .map(|company| {
            format!(
                "<div><dt>Company</dt><dd><a href=\"{}\">{}</a></dd></div>",
                view.of(company.contact),
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
        words = escape(situation.in_format(format).words),
        stage = record.stage,
        email = escape(situation.email),
        phone = record.phone,
        city = record.city,
        owner = record.owner,
    )
}

/// Width, role, and what may happen in the books.
fn controls(situation: &Situation, format: Format, view: View) -> String {
    let contact = situation.contact;
    let widths: String = WIDTHS
        .iter()
        .map(|&width| {
            let address = View { width, ..view }.of(contact);
            choice(&address, &width.to_string(), width == view.width)
        })
        .collect();
    let roles: String = [(Role::Rep, "Rep"), (Role::Finance, "Finance")]
        .iter()
        .map(|&(role, text)| {
            let address = View { role, ..view }.of(contact);
            choice(&address, text, role == view.role)
        })
        .collect();
    let several = situation.accounts.len() > 1;
    let one_currency = situation
        .accounts
        .windows(2)
        .all(|pair| pair[0].currency == pair[1].currency);
    let mut actions = String::new();
    for (index, account) in situation.accounts.iter().enumerate() {
        // With several customers the buttons say whose books they touch.
        let whose = match (several, one_currency) {
            (false, _) => String::new(),
            (true, false) => format!(" ({})", account.currency),
            (true, true) => format!(" ({})", escape(account.customer)),
        };
        for (path, text) in [
            ("payment", "Customer pays 100"),
            ("invoice", "New invoice, 250"),
        ] {
            let _ = write!(
                actions,
                "<button type=\"button\" data-post=\"/contacts/{contact}/{path}?account={index}&amp;provider={format}\">{text}{whose}</button>"
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
