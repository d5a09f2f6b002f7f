//! The running service on a database of the test's, and sessions for whoever a test wants to be.

use std::sync::Arc;
use std::time::Duration;

use financial_pulse::app::{RunningService, ServeArgs, start};
use financial_pulse::auth::{Identity, Role, Sessions, Trust};
use financial_pulse::clock::{Clock, ManualClock};
use financial_pulse::config::Config;
use financial_pulse::domain::ids::{ContactId, SigningKeyId, TenantId};
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use financial_pulse::store::{Store, Tenant, TenantSettings};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::databases::{TestStore, key_text};

/// Noon where the books are kept.
pub(super) fn noon() -> Timestamp {
    "2026-05-05T12:00:00-07:00".parse().expect("a time")
}

/// Longer than anything here may take on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The service with all its doors. It sees what a test writes to the store as it would what another
/// process wrote.
pub(super) struct Place {
    pub(super) store: Store,
    pub(super) clock: Arc<ManualClock>,
    pub(super) url: String,
    pub(super) client: reqwest::Client,
    pub(super) sessions: Sessions,
    config: Config,
    service: RunningService,
}

/// Whom a session is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Who<'a> {
    pub(super) tenant: &'a str,
    pub(super) user: &'a str,
    /// The role that the CRM signed.
    pub(super) role: Option<Role>,
    pub(super) contact: Option<(&'a str, Trust)>,
}

impl<'a> Who<'a> {
    pub(super) fn role(tenant: &'a str, role: Role) -> Self {
        Self {
            tenant,
            user: "u-1",
            role: Some(role),
            contact: None,
        }
    }

    pub(super) fn of(self, contact: &'a str, trust: Trust) -> Self {
        Self {
            contact: Some((contact, trust)),
            ..self
        }
    }
}

impl Place {
    pub(super) async fn start(database: &TestStore) -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let config = config(database);
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let service = start(&config, ServeArgs { no_worker: true }, Arc::clone(&shared))
            .await
            .expect("started");
        let store = database.store.clone();
        let key = store.keys().derive("session");
        Self {
            sessions: Sessions::new(&key, &config.session, shared).expect("a fit key"),
            url: format!("http://{}", service.address),
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            store,
            clock,
            config,
            service,
        }
    }

    pub(super) async fn stop(self) {
        drop(self.client);
        self.service.shutdown().await;
    }

    /// Adds a tenant with a native key, or changes whether its reps see amounts.
    pub(super) async fn put_tenant(&self, id: &str, reps_see_amounts: bool) {
        let tenant = Tenant {
            id: id.into(),
            name: id.into(),
            frame_ancestors: Vec::new(),
            settings: TenantSettings {
                reps_see_amounts,
                ..TenantSettings::default()
            },
            version: 0,
        };
        let now = self.clock.now();
        let put = self.store.put_tenant(&tenant, "test", now);
        put.await.expect("put");
        let keys = self.store.listed_keys(Some(&tenant.id)).await;
        if !keys.expect("read").is_empty() {
            return;
        }
        let key = SigningKey {
            id: native_key(id),
            tenant: Some(tenant.id),
            preset: "native".to_owned(),
            kid: None,
            algorithm: Algorithm::Hs256,
            source: KeySource::Secret(secret_of(id).into()),
            issuer: None,
            audience: None,
            claims: std::collections::BTreeMap::default(),
            valid_until: None,
        };
        let added = self.store.add_signing_key(&key, "test", now);
        added.await.expect("added");
    }

    pub(super) fn identity(&self, who: Who<'_>) -> Identity {
        Identity {
            tenant: who.tenant.into(),
            preset: "native".into(),
            account: None,
            user: who.user.into(),
            name: Some("Uma".into()),
            signed_role: who.role,
            contact: who
                .contact
                .map(|(id, trust)| (ContactId::parse(id).expect("an id"), trust)),
            company: None,
            locale: Some("de-AT".into()),
            key: native_key(who.tenant),
            expires_at: self.clock.now(),
            hard_cap: self.clock.now(),
        }
    }

    /// A session of ours.
    pub(super) fn session(&self, who: Who<'_>) -> String {
        let session = self
            .sessions
            .issue(&self.identity(who), None)
            .expect("issued");
        session.token.expose_secret().to_owned()
    }

    /// A session that ends in so many seconds, or has ended.
    pub(super) fn session_of_seconds(&self, who: Who<'_>, left: i64) -> String {
        let lifetime = SignedDuration::try_from(self.config.session.lifetime).expect("a duration");
        let begun = self.clock.now() - lifetime + SignedDuration::from_secs(left);
        let clock = Arc::new(ManualClock::new(begun));
        let key = self.store.keys().derive("session");
        let sessions = Sessions::new(&key, &self.config.session, clock).expect("a fit key");
        let session = sessions.issue(&self.identity(who), None).expect("issued");
        session.token.expose_secret().to_owned()
    }

    /// A session under the service's own key, for another door.
    pub(super) fn session_for_another_door(&self, who: Who<'_>) -> String {
        let now = self.clock.now().as_second();
        let claims = json!({
            "aud": "files", "tenant": who.tenant, "preset": "native", "sub": who.user,
            "role": who.role.map(Role::as_str), "key": native_key(who.tenant).as_str(), "iat": now, "exp": now + 300, "cap": now + 300,
            "jti": "1",
        });
        self.signed_session(&claims)
    }

    /// A session that says what `claims` say, under the service's own key.
    pub(super) fn signed_session(&self, claims: &Value) -> String {
        let header = jsonwebtoken::Header {
            typ: Some("pulse-session".to_owned()),
            ..jsonwebtoken::Header::default()
        };
        let key = self.store.keys().derive("session");
        let key = jsonwebtoken::EncodingKey::from_secret(&key);
        jsonwebtoken::encode(&header, claims, &key).expect("signed")
    }

    /// Sends a body as it is.
    pub(super) async fn post(
        &self,
        token: Option<&str>,
        body: String,
        headers: &[Header],
    ) -> Reply {
        let mut request = self
            .client
            .post(format!("{}/graphql", self.url))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/graphql-response+json")
            .body(body);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        for header in headers {
            request = match header {
                Header::Anew => request.header(CACHE_CONTROL, "no-cache"),
                Header::Id(id) => request.header("x-request-id", id),
            };
        }
        Reply::of(request.send().await.expect("answered")).await
    }

    pub(super) async fn ask(&self, token: &str, query: &str) -> Reply {
        let body = json!({ "query": query }).to_string();
        self.post(Some(token), body, &[]).await
    }

    /// A native token under the tenant's key that says what `claims` say, beside what it must.
    pub(super) fn native(&self, tenant: &str, claims: &Value) -> String {
        let now = self.clock.now().as_second();
        let mut all = json!({
            "iss": tenant, "aud": self.config.native.audience, "sub": "u-1", "tenant": tenant,
            "iat": now, "exp": now + 240, "jti": uuid::Uuid::new_v4().to_string(),
        });
        for (name, value) in claims.as_object().expect("claims") {
            all[name] = value.clone();
        }
        let key = jsonwebtoken::EncodingKey::from_secret(secret_of(tenant).as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &all, &key).expect("signed")
    }

    /// Trades a token at one of the doors.
    pub(super) async fn exchange(&self, door: &str, token: &str) -> Reply {
        let request = self.client.post(format!("{}/exchange/{door}", self.url));
        let response = request.json(&json!({ "token": token })).send().await;
        Reply::of(response.expect("answered")).await
    }

    /// Waits until the service has seen all that was written so far: a change of the tenant's that
    /// comes after it shows.
    pub(super) async fn has_seen(&self, tenant: &str) {
        let probe = self.session(Who {
            tenant,
            user: "probe",
            role: None,
            contact: None,
        });
        let role = async || {
            let reply = self.ask(&probe, "{ viewer { role } }").await;
            reply.json()["data"]["viewer"]["role"].clone()
        };
        let next = if role().await == "FINANCE" {
            Role::AccountManager
        } else {
            Role::Finance
        };
        let wanted = next.as_str().to_uppercase();
        self.set_role(tenant, "probe", next.as_str()).await;
        let waiting = async {
            while role().await != *wanted {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("seen in time");
    }

    /// Waits until a token is taken no longer, with nothing written meanwhile.
    pub(super) async fn refuses(&self, token: &str) {
        let waiting = async {
            while self.ask(token, "{ viewer { role } }").await.status != 401 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("refused in time");
    }

    /// Gives a native user a word for a role in the tenant's map.
    pub(super) async fn set_role(&self, tenant: &str, user: &str, word: &str) {
        let tenant = TenantId::from(tenant);
        self.store
            .set_role(
                &tenant,
                "native",
                &user.into(),
                word,
                "test",
                self.clock.now(),
            )
            .await
            .expect("set");
    }
}

/// What a request may say beside its body.
#[derive(Clone, Debug)]
pub(super) enum Header {
    /// To be answered anew, not from what is kept.
    Anew,
    /// Its id in the log.
    Id(String),
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Reply {
    pub(super) async fn of(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            text: response.text().await.expect("a body"),
        }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The code of the first error.
    pub(super) fn code(&self) -> Option<String> {
        let code = self.json()["errors"][0]["extensions"]["code"].clone();
        code.as_str().map(str::to_owned)
    }

    /// The answer without the request's own id, which differs each time.
    pub(super) fn without_id(&self) -> String {
        let mut json = self.json();
        for error in json["errors"].as_array_mut().into_iter().flatten() {
            if let Some(extensions) = error["extensions"].as_object_mut() {
                extensions.remove("requestId");
            }
        }
        format!("{} {json}", self.status)
    }
}

/// The id of a tenant's native key.
pub(super) fn native_key(tenant: &str) -> SigningKeyId {
    format!("{tenant}-native").into()
}

fn secret_of(tenant: &str) -> String {
    format!("the secret of {tenant}, long enough to sign")
}

fn config(database: &TestStore) -> Config {
    // One person asks here more than many do.
    let limits = [
        "person_operations_per_minute",
        "tenant_operations_per_minute",
        "tenant_sign_ins_per_minute",
        "address_requests_per_minute",
        "address_failures_per_minute",
        "sockets_per_person",
    ]
    .map(|limit| {
        let name = format!("PULSE_LIMITS__{}", limit.to_uppercase());
        (name, "1000000".to_owned())
    });
    let settings = [
        ("PULSE_ENCRYPTION__KEY", key_text()),
        ("PULSE_DATABASE__URL", database.url.clone()),
        ("PULSE_SERVER__LISTEN", "127.0.0.1:0".to_owned()),
        ("PULSE_CACHE__WATCH_INTERVAL", "10ms".to_owned()),
        ("PULSE_NATIVE__TOKEN_USES", "1000000".to_owned()),
        ("PULSE_GRAPHQL__MAX_COMPLEXITY", "100000".to_owned()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    Config::load(None, settings.into_iter().chain(limits)).expect("settings")
}
