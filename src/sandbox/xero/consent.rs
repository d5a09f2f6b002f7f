//! Consent, tokens, and which organisations a consent reaches.

use axum::Json;
use axum::body::Bytes;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::wire::{self, kind};
use super::{add_headers, expired, unauthorized};
use crate::sandbox::consent::{
    self, Asked, Choice, bearer, is_client_by_basic, is_client_by_form, refuse,
};
use crate::sandbox::format::Format;
use crate::sandbox::guid::Guid;
use crate::sandbox::listener::Cutter;
use crate::sandbox::server::{Place, through_trouble};
use crate::sandbox::state::Shared;
use crate::sandbox::throttle::Remaining;
use crate::sandbox::tokens::{Bearer, Issued};

/// Scopes that apps made since 2026-03-02 cannot ask for.
const OLD_SCOPES: [&str; 4] = [
    "accounting.transactions",
    "accounting.transactions.read",
    "accounting.reports.read",
    "accounting.journals.read",
];

/// A page that asks for consent.
pub(super) async fn page(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let asked = Asked::parse(query.unwrap_or_default().as_bytes());
    match (asked.mistake(&shared), has_old_scope(&asked)) {
        (Some(mistake), _) => consent::mistaken(mistake),
        (None, true) => asked.back(&[("error", "invalid_scope")]),
        (None, false) => consent::page(&shared, &asked, Choice::Several),
    }
}

fn has_old_scope(asked: &Asked) -> bool {
    let mut scopes = asked.get("scope").split(' ');
    scopes.any(|scope| OLD_SCOPES.contains(&scope))
}

/// The press of a button: back to the client, with a code or with a refusal.
pub(super) async fn decide(State(shared): State<Shared>, body: Bytes) -> Response {
    let asked = Asked::parse(&body);
    if let Some(mistake) = asked.mistake(&shared) {
        return consent::mistaken(mistake);
    }
    if has_old_scope(&asked) {
        return asked.back(&[("error", "invalid_scope")]);
    }
    let Some(consent) = asked.consent(&shared) else {
        return asked.back(&[("error", "access_denied")]);
    };
    let now = shared.now();
    let code = shared.world().tokens[Format::Xero].issue_code(consent, now);
    asked.back(&[("code", &code)])
}

fn is_client(shared: &Shared, headers: &HeaderMap, form: &Asked) -> bool {
    is_client_by_basic(shared, headers) || is_client_by_form(shared, form)
}

/// The token endpoint's answer. A refresh token is for those who asked for `offline_access`.
fn token_answer(issued: &Issued) -> Value {
    let mut answer = json!({
        "id_token": "sandbox-id-token",
        "access_token": issued.access,
        "expires_in": issued.access_life,
        "token_type": "Bearer",
        "scope": issued.scope,
    });
    if issued
        .scope
        .split(' ')
        .any(|scope| scope == "offline_access")
    {
        answer["refresh_token"] = json!(issued.refresh);
    }
    answer
}

/// The token endpoint: a code or a refresh token for new tokens.
pub(super) async fn token(
    State(shared): State<Shared>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Asked::parse(&body);
    let grant = form.get("grant_type");
    let call = format!("POST /xero/connect/token?grant_type={grant}");
    let place = Place::oauth(Format::Xero);
    through_trouble(&shared, &cutter, place, &call, async || {
        if !is_client(&shared, &headers, &form) {
            return refuse(StatusCode::BAD_REQUEST, "invalid_client", None);
        }
        let now = shared.now();
        let mut world = shared.world();
        world.throttle[Format::Xero].count("oauth", grant);
        let tokens = &mut world.tokens[Format::Xero];
        let issued = match grant {
            "authorization_code" => tokens.exchange(
                form.get("code"),
                form.get("redirect_uri"),
                form.get("code_verifier"),
                now,
            ),
            "refresh_token" => tokens.refresh(form.get("refresh_token"), now),
            _ => return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", None),
        };
        if let Some(issued) = issued {
            Json(token_answer(&issued)).into_response()
        } else {
            world.throttle[Format::Xero].count("oauth", "invalid_grant");
            refuse(StatusCode::BAD_REQUEST, "invalid_grant", None)
        }
    })
    .await
}

/// Ends a consent, and with it its connections. Says nothing of a token that is unknown (RFC 7009).
pub(super) async fn revoke(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Asked::parse(&body);
    if !is_client(&shared, &headers, &form) {
        return refuse(StatusCode::BAD_REQUEST, "invalid_client", None);
    }
    let mut world = shared.world();
    world.throttle[Format::Xero].count("oauth", "revoke");
    world.tokens[Format::Xero].revoke(form.get("token"));
    StatusCode::OK.into_response()
}

/// UTC without a zone, with seven digits of a second.
fn long_instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.7f").to_string()
}

fn refused(bearer: Bearer) -> Response {
    match bearer {
        Bearer::Expired(since) => expired(since),
        _ => unauthorized("AuthenticationUnsuccessful"),
    }
}

/// The organisations that a consent reaches.
pub(super) async fn connections(
    State(shared): State<Shared>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::parse(query.unwrap_or_default().as_bytes());
    let place = Place::oauth(Format::Xero);
    let mut response = through_trouble(
        &shared,
        &cutter,
        place,
        "GET /xero/connections",
        async || {
            let now = shared.now();
            let mut world = shared.world();
            world.throttle[Format::Xero].count("oauth", "connections");
            let reach = match world.tokens[Format::Xero].reach(bearer(&headers), now) {
                Ok(reach) => reach,
                Err(bearer) => return refused(bearer),
            };
            let connected: Vec<Value> = reach
                .realms
                .iter()
                .filter_map(|realm| {
                    let event = wire::id(realm, kind::AUTH_EVENT, reach.grant);
                    let only = asked.get("authEventId");
                    if !only.is_empty() && only != event {
                        return None;
                    }
                    let company = world.companies.get(realm)?;
                    let mut shown = Map::new();
                    for (name, value) in [
                        ("id", wire::id(realm, kind::CONNECTION, reach.grant)),
                        ("authEventId", event),
                        ("tenantId", wire::tenant_id(realm)),
                        ("tenantType", "ORGANISATION".to_owned()),
                        ("tenantName", company.name.clone()),
                        ("createdDateUtc", long_instant(reach.consented)),
                        ("updatedDateUtc", long_instant(reach.consented)),
                    ] {
                        shown.insert(name.to_owned(), json!(value));
                    }
                    Some(Value::Object(shown))
                })
                .collect();
            Json(connected).into_response()
        },
    )
    .await;
    let now = shared.now();
    let remaining = shared.world().throttle[Format::Xero].remaining("", now);
    let remaining = Remaining {
        app_minute: remaining.app_minute,
        ..Remaining::default()
    };
    add_headers(response.headers_mut(), remaining);
    response
}

/// Takes an organisation out of what a consent reaches.
pub(super) async fn disconnect(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let now = shared.now();
    let mut world = shared.world();
    let tokens = &mut world.tokens[Format::Xero];
    let realm = match tokens.reach(bearer(&headers), now) {
        Ok(reach) => reach
            .realms
            .iter()
            .find(|realm| Guid::parse(&id, realm) == Some(Guid::of(kind::CONNECTION, reach.grant)))
            .cloned(),
        Err(bearer) => return refused(bearer),
    };
    match realm {
        Some(realm) => {
            tokens.disconnect(bearer(&headers), &realm);
            StatusCode::NO_CONTENT.into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
