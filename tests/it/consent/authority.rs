//! A ledger in small, over HTTP: one consent for several organizations, refresh tokens that are good
//! once. It knows one grant, the newest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::watch;

/// The running server.
#[derive(Clone)]
pub(super) struct Authority {
    pub(super) url: String,
    state: Arc<Mutex<Inner>>,
    held: watch::Sender<bool>,
    arrived: watch::Sender<usize>,
}

/// What it remembers and how it behaves.
#[derive(Debug, Default)]
pub(super) struct Inner {
    /// Id and name.
    pub(super) organizations: Vec<(&'static str, &'static str)>,
    /// The access token that is good: `access-N`.
    access: Option<u32>,
    /// The refresh token given out last: `refresh-N`.
    refresh: u32,
    /// Whether the refresh token before the last one is taken too.
    pub(super) grace: bool,
    /// Whether the next answer to a refresh is lost after the rotation.
    pub(super) lose_next: bool,
    /// The forms of the token calls.
    pub(super) asked: Vec<HashMap<String, String>>,
    /// What was given up: an organization, or a refresh token.
    pub(super) given_up: Vec<String>,
}

impl Inner {
    /// How many refreshes were asked for.
    pub(super) fn refreshes(&self) -> usize {
        let is_refresh = |form: &&HashMap<String, String>| form["grant_type"] == "refresh_token";
        self.asked.iter().filter(is_refresh).count()
    }

    /// How many codes were traded.
    pub(super) fn exchanges(&self) -> usize {
        self.asked.len() - self.refreshes()
    }

    /// A key that does not end by itself.
    pub(super) fn issue_key(&mut self) -> String {
        self.refresh += 1;
        self.access = Some(self.refresh);
        format!("access-{}", self.refresh)
    }

    /// The access token ends now.
    pub(super) fn end_access(&mut self) {
        self.access = None;
    }

    /// The consent is taken back in the ledger.
    pub(super) fn take_consent_back(&mut self) {
        self.access = None;
        self.refresh += 100;
    }

    fn answer(&mut self, form: &HashMap<String, String>) -> Option<Response> {
        if form["grant_type"] == "refresh_token" {
            let given = &form["refresh_token"];
            let is = |number| *given == format!("refresh-{number}");
            let accepted = is(self.refresh) || self.grace && is(self.refresh - 1);
            if !accepted {
                return None;
            }
        }
        self.refresh += 1;
        self.access = Some(self.refresh);
        if std::mem::take(&mut self.lose_next) {
            return Some(StatusCode::BAD_GATEWAY.into_response());
        }
        let answer = json!({
            "access_token": format!("access-{}", self.refresh),
            "refresh_token": format!("refresh-{}", self.refresh),
        });
        Some(Json(answer).into_response())
    }
}

impl Authority {
    pub(super) async fn start(organizations: &[(&'static str, &'static str)]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Inner {
            organizations: organizations.to_vec(),
            ..Inner::default()
        };
        let authority = Self {
            url,
            state: Arc::new(Mutex::new(inner)),
            held: watch::Sender::new(false),
            arrived: watch::Sender::new(0),
        };
        let router = Router::new()
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route("/organizations", get(list))
            .route("/organizations/{id}", get(one).delete(disconnect))
            .with_state(authority.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        authority
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().expect("unpoisoned")
    }

    /// Holds the answers of token calls back, or lets them go.
    pub(super) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Waits until so many token calls have arrived in all.
    pub(super) async fn arrived(&self, calls: usize) {
        let mut arrived = self.arrived.subscribe();
        let enough = arrived.wait_for(|so_far| *so_far >= calls).await;
        enough.expect("the server runs");
    }

    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let good = self
            .inner()
            .access
            .map(|good| format!("Bearer access-{good}"));
        let given = headers
            .get("authorization")
            .map(axum::http::HeaderValue::as_bytes);
        good.is_some() && given == good.as_deref().map(str::as_bytes)
    }
}

async fn token(
    State(authority): State<Authority>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    authority.inner().asked.push(form.clone());
    authority.arrived.send_modify(|so_far| *so_far += 1);
    let mut held = authority.held.subscribe();
    drop(held.wait_for(|held| !held).await.expect("the server runs"));
    let answer = authority.inner().answer(&form);
    answer.unwrap_or_else(|| {
        let refusal = json!({ "error": "invalid_grant" });
        (StatusCode::BAD_REQUEST, Json(refusal)).into_response()
    })
}

async fn revoke(
    State(authority): State<Authority>,
    Form(form): Form<HashMap<String, String>>,
) -> StatusCode {
    let mut inner = authority.inner();
    inner.given_up.push(form["token"].clone());
    inner.take_consent_back();
    StatusCode::OK
}

async fn list(State(authority): State<Authority>, headers: HeaderMap) -> Response {
    if !authority.lets_in(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let all = authority.inner().organizations.clone();
    Json(all).into_response()
}

async fn one(
    State(authority): State<Authority>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !authority.lets_in(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let organizations = authority.inner().organizations.clone();
    let found = organizations.into_iter().find(|(known, _)| *known == id);
    found.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |(_, name)| Json(name).into_response(),
    )
}

async fn disconnect(
    State(authority): State<Authority>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> StatusCode {
    if !authority.lets_in(&headers) {
        return StatusCode::UNAUTHORIZED;
    }
    authority.inner().given_up.push(id);
    StatusCode::NO_CONTENT
}
