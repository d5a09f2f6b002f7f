//! Signing in over HTTP: what a CRM loads, and what open pages trade.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use financial_pulse::auth::{Sessions, Trust, Verifier, pipedrive_keys};
use financial_pulse::cache::Snapshots;
use financial_pulse::clock::{Clock, ManualClock};
use financial_pulse::config::Config;
use financial_pulse::crypto::{Key, KeyRing};
use financial_pulse::domain::books::Customer;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::contact::LinkOrigin;
use financial_pulse::domain::ids::{ContactId, CustomerKey};
use financial_pulse::domain::records::{CustomerRecord, Records};
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use financial_pulse::http::widget::WidgetPage;
use financial_pulse::http::{embed, exchange};
use financial_pulse::service::Services;
use financial_pulse::service::keys::Keys;
use financial_pulse::service::ledger_pages::LedgerPages;
use financial_pulse::service::limits::Limits;
use financial_pulse::service::linking::Linking;
use financial_pulse::service::read::{Reader, RefreshRequests};
use financial_pulse::service::sign_in::{SignIn, SignInSettings};
use financial_pulse::store::{NewConnection, Store, SyncMarks, Tenant, TenantSettings};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use jsonwebtoken::{EncodingKey, Header};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;
use url::form_urlencoded;

use crate::auth::{NOW, SECRET, claims, clock, config, signed};

const INDEX: &str = "<!doctype html><html><head><title>Pulse</title></head><body></body></html>";

#[derive(Debug)]
struct NoRefresh;

impl RefreshRequests for NoRefresh {
    fn request(&self, _: &CustomerKey) {}
}

/// The routes over a store of their own; [`Pages::new`] has the tenants `acme` (native) and `globex`
/// (Pipedrive account 54321).
pub(crate) struct Pages {
    router: Router,
    pub(crate) store: Store,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) sign_in: Arc<SignIn>,
    pub(crate) clock: Arc<ManualClock>,
    _directory: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Pages {
    async fn new() -> Self {
        Self::with(TenantSettings::default()).await
    }

    async fn with(acme: TenantSettings) -> Self {
        let pages = Self::empty(&[("PULSE_PIPEDRIVE__CLIENT_SECRET", SECRET)]).await;
        fill(&pages.store, &pages.clock, acme).await;
        pages
    }

    /// With settings of its own, and nobody in the store.
    pub(crate) async fn empty(settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}", directory.path().join("pulse.sqlite").display());
        let keys = Arc::new(KeyRing::new(Key::from_bytes([7; 32]), Vec::new()));
        let store = Store::open(&url, keys).await.expect("a store");
        store.migrate().await.expect("migrations");
        let clock = clock();
        let config: Config = config(settings);
        let time: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let reader = Reader::new(
            store.clone(),
            Arc::clone(&time),
            Arc::new(Snapshots::new(1 << 20)),
            Arc::new(NoRefresh),
            LedgerPages::new("https://app.qbo.intuit.com/app", "https://go.xero.com"),
        );
        let services = Services {
            reader: Arc::new(reader),
            linking: Linking::new(store.clone(), Arc::clone(&time)),
            limits: Limits::new(store.clone(), Arc::clone(&time)),
        };
        let verifier = Verifier::new(&config, Arc::clone(&time));
        let sessions = Sessions::new(&[9; 32], &config.session, Arc::clone(&time));
        let sessions = Arc::new(sessions.expect("a right key"));
        let ancestors = &config.pipedrive.frame_ancestors;
        let settings = SignInSettings {
            pipedrive_ancestors: ancestors
                .iter()
                .map(|one| one.as_str().to_owned())
                .collect(),
            token_uses: config.native.token_uses.get(),
            code_lifetime: SignedDuration::from_mins(1),
            public_url: "https://pulse.example".to_owned(),
        };
        let sign_in = Arc::new(SignIn::new(
            settings,
            store.clone(),
            Keys::new(store.clone(), pipedrive_keys(&config.pipedrive)),
            services,
            Arc::new(verifier.expect("a verifier")),
            Arc::clone(&sessions),
            time,
        ));
        let router = embed::routes(Arc::clone(&sign_in), WidgetPage::of(INDEX))
            .merge(exchange::routes(Arc::clone(&sign_in)));
        Self {
            router,
            store,
            sessions,
            sign_in,
            clock,
            _directory: directory,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await;
        let (parts, body) = answer.expect("an answer").into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty());
        self.send(request.expect("a request")).await
    }

    async fn post(&self, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, kind)
            .body(body.into());
        self.send(request.expect("a request")).await
    }

    pub(crate) async fn exchange(&self, path: &str, body: &Value) -> Answer {
        self.post(path, "application/json", body.to_string()).await
    }
}

async fn fill(store: &Store, clock: &ManualClock, acme: TenantSettings) {
    let now = clock.now();
    let tenant = |id: &str, ancestors: &[&str], settings| Tenant {
        id: id.into(),
        name: id.into(),
        frame_ancestors: ancestors.iter().map(|one| (*one).to_owned()).collect(),
        settings,
        version: 0,
    };
    let tenants = [
        tenant(
            "acme",
            &["https://crm.acme.example", "https://x; script-src *"],
            acme,
        ),
        tenant("globex", &[], TenantSettings::default()),
    ];
    for tenant in &tenants {
        store
            .put_tenant(tenant, "test", now)
            .await
            .expect("a tenant");
        let key = SigningKey {
            id: uuid::Uuid::new_v4().to_string().into(),
            tenant: Some(tenant.id.clone()),
            preset: "native".to_owned(),
            kid: None,
            algorithm: Algorithm::Hs256,
            source: KeySource::Secret(
                match tenant.id.as_str() {
                    "acme" => SECRET,
                    _ => "the-secret-of-globex-and-of-nobody-else!",
                }
                .into(),
            ),
            issuer: None,
            audience: None,
            valid_until: None,
            claims: std::collections::BTreeMap::default(),
        };
        store
            .add_signing_key(&key, "test", now)
            .await
            .expect("a key");
    }
    store
        .register_account("pipedrive", "54321", &"globex".into(), "test", now)
        .await
        .expect("an account");
}

impl Answer {
    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        let value = self.headers.get(name).expect("the header");
        value.to_str().expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// What the page finds in its boot block.
    pub(crate) fn boot(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        let start = "<script type=\"application/json\" id=\"pulse-boot\">";
        let (_, rest) = self.body.split_once(start).expect("the block");
        let (json, rest) = rest.split_once("</script>").expect("its end");
        assert!(rest.starts_with("</head>"), "{rest}");
        serde_json::from_str(json).expect("JSON")
    }
}

fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn native() -> String {
    signed(&claims().to_string())
}

fn native_with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    signed(&claims.to_string())
}

fn pipedrive(account: u64) -> String {
    let claims = json!({ "companyId": account, "userId": 12345, "iat": NOW, "exp": NOW + 300 });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).expect("a token")
}

#[tokio::test]
async fn a_native_page_load_is_answered_with_the_widget_and_a_session_in_it() {
    let pages = Pages::new().await;
    let answer = pages
        .get(&format!("/embed/acme/native?token={}", native()))
        .await;
    let boot = answer.boot();
    let session = boot["session"].as_str().expect("a session");
    let identity = pages.sessions.verify(session).expect("our session");
    assert_eq!(identity.user.as_str(), "rep-7");
    assert_eq!(
        identity.contact.map(|(id, trust)| (id.to_string(), trust)),
        Some(("native:person:42".to_owned(), Trust::Signed))
    );
    let expected = json!({
        "session": session,
        "expiresAt": identity.expires_at.to_string(),
        "hardCap": identity.hard_cap.to_string(),
        "contactId": "native:person:42",
        "company": "native:company:acme-gmbh",
        "preset": "native",
        "tenant": "acme",
        "hostOrigins": ["https://crm.acme.example"],
        "renewal": "host",
        "sessionUrl": "/exchange/session",
        "locale": null,
        "exchangeUrl": "/exchange/acme/native",
        "graphqlUrl": "/graphql",
        "subscriptionUrl": "/graphql",
    });
    assert_eq!(boot, expected);

    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    // What is no origin is left out, and cannot add a directive.
    assert!(
        policy.ends_with("; frame-ancestors https://crm.acme.example"),
        "{policy}"
    );
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe-inline"));
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(answer.header(header::REFERRER_POLICY), "no-referrer");
    assert_eq!(
        answer.header(header::CONTENT_TYPE),
        "text/html; charset=utf-8"
    );
    assert!(!answer.headers.contains_key(header::X_FRAME_OPTIONS));
}

#[tokio::test]
async fn a_page_load_by_post_carries_the_token_in_its_form() {
    let pages = Pages::new().await;
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let body = query(&[("token", &native())]);
    let answer = pages
        .post("/embed/acme/native?locale=de-AT", form, body.clone())
        .await;
    assert_eq!(answer.boot()["locale"], "de-AT");

    // In both places one of them could be meant for somebody else.
    let both = pages
        .post(
            &format!("/embed/acme/native?token={}", native()),
            form,
            body.clone(),
        )
        .await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST);
    // A body that is no form is not read as one.
    let plain = pages.post("/embed/acme/native", "text/plain", body).await;
    assert_eq!(plain.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_a_name_holds_stays_inside_of_its_block() {
    let pages = Pages::new().await;
    let token = native_with("locale", "</script><script>alert(1)</script>".into());
    let answer = pages
        .get(&format!("/embed/acme/native?token={token}"))
        .await;
    assert_eq!(
        answer.boot()["locale"],
        "</script><script>alert(1)</script>"
    );
    assert_eq!(answer.body.matches("<script").count(), 1);
    let injected = query(&[
        ("token", &native_with("jti", "2".into())),
        ("locale", "\"><b>"),
    ]);
    let answer = pages.get(&format!("/embed/acme/native?{injected}")).await;
    assert_eq!(answer.boot()["locale"], Value::Null);
}

#[tokio::test]
async fn pipedrives_page_load_belongs_to_the_registered_tenant() {
    let pages = Pages::new().await;
    let parameters = query(&[
        ("token", &pipedrive(54321)),
        ("resource", "person"),
        ("selectedIds", "5"),
        ("companyId", "1"),
        ("userId", "1"),
        ("id", "runtime"),
        ("company", "organization:8"),
    ]);
    let answer = pages.get(&format!("/embed/pipedrive?{parameters}")).await;
    let boot = answer.boot();
    assert_eq!(boot["tenant"], "globex");
    assert_eq!(boot["contactId"], "pipedrive:person:5");
    assert_eq!(boot["renewal"], "pipedrive");
    let renewal =
        "/exchange/pipedrive?contact=pipedrive%3Aperson%3A5&company=pipedrive%3Aorganization%3A8";
    assert_eq!(boot["exchangeUrl"], renewal);
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert!(
        policy.ends_with("frame-ancestors https://*.pipedrive.com"),
        "{policy}"
    );

    let session = boot["session"].as_str().expect("a session");
    let identity = pages.sessions.verify(session).expect("our session");
    // The user is the signed one, the contact only what the page asks for.
    assert_eq!(identity.user.as_str(), "12345");
    assert_eq!(
        identity.contact.map(|(_, trust)| trust),
        Some(Trust::Requested)
    );

    // A fresh token at the address given keeps what the page is about.
    pages.clock.advance(SignedDuration::from_secs(1));
    let renewed = pages
        .exchange(renewal, &json!({ "token": pipedrive(54321) }))
        .await
        .json();
    assert_eq!(renewed["contactId"], "pipedrive:person:5");
    assert_eq!(renewed["company"], "pipedrive:organization:8");
    assert_eq!(renewed["tenant"], "globex");
}

/// Whatever is wrong, outside it looks the same: status, headers and words.
#[tokio::test]
async fn every_refusal_looks_the_same_from_outside() {
    let pages = Pages::new().await;
    let forged = {
        let mut token = native();
        token.replace_range(token.len() - 10..token.len() - 4, "AAAAAA");
        token
    };
    let loads = [
        ("no token", "/embed/acme/native".to_owned()),
        ("an empty token", "/embed/acme/native?token=".to_owned()),
        ("no JWS", "/embed/acme/native?token=hello".to_owned()),
        (
            "a forged signature",
            format!("/embed/acme/native?token={forged}"),
        ),
        (
            "an expired token",
            format!(
                "/embed/acme/native?token={}",
                native_with("exp", (NOW - 60).into())
            ),
        ),
        (
            "another audience",
            format!(
                "/embed/acme/native?token={}",
                native_with("aud", "x".into())
            ),
        ),
        (
            "another tenant's door",
            format!("/embed/globex/native?token={}", native()),
        ),
        (
            "a tenant that is none",
            format!("/embed/nobody/native?token={}", native()),
        ),
        (
            "a tenant that is no text",
            format!("/embed/%ff/native?token={}", native()),
        ),
        (
            "another scheme's door",
            format!("/embed/pipedrive?token={}", native()),
        ),
        (
            "an account that nobody registered",
            format!("/embed/pipedrive?token={}", pipedrive(1)),
        ),
        (
            "a Pipedrive token at a native door",
            format!("/embed/globex/native?token={}", pipedrive(54321)),
        ),
    ];
    let mut seen: Option<(String, Vec<String>)> = None;
    for (case, path) in loads {
        let answer = pages.get(&path).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{case}: {}",
            answer.body
        );
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.ends_with("frame-ancestors 'none'"),
            "{case}: {policy}"
        );
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        let headers = answer
            .headers
            .iter()
            .map(|pair| format!("{pair:?}"))
            .collect();
        let look = (answer.body, headers);
        match &seen {
            Some(before) => assert_eq!(*before, look, "{case}"),
            None => seen = Some(look),
        }
    }
    let (body, _) = seen.expect("an answer");
    let problem: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(problem["code"], "UNAUTHENTICATED");
    assert_eq!(problem["title"], "the token was not accepted");

    for path in [
        "/exchange/acme/native",
        "/exchange/pipedrive",
        "/exchange/session",
    ] {
        let answer = pages.exchange(path, &json!({ "token": forged })).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.json()["title"], "the token was not accepted");
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), "Bearer");
        let without = pages.exchange(path, &json!({})).await;
        assert_eq!(without.status, answer.status, "{path} without a token");
        assert_eq!(without.body, answer.body, "{path} without a token");
    }
}

#[tokio::test]
async fn a_token_is_traded_for_a_session() {
    let pages = Pages::new().await;
    let mut unbound = claims();
    for name in ["contact", "company"] {
        unbound.as_object_mut().expect("an object").remove(name);
    }
    let body =
        json!({ "token": signed(&unbound.to_string()), "contact": "person:9", "company": "7" });
    let given = pages.exchange("/exchange/acme/native", &body).await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.body);
    assert_eq!(given.header(header::CACHE_CONTROL), "no-store");
    let given = given.json();
    assert_eq!(given["contactId"], "native:person:9");
    assert_eq!(given["company"], "native:company:7");
    let identity = pages
        .sessions
        .verify(given["session"].as_str().expect("a session"));
    let identity = identity.expect("our session");
    assert_eq!(given["expiresAt"], identity.expires_at.to_string());
    assert_eq!(
        identity.contact.map(|(_, trust)| trust),
        Some(Trust::Requested)
    );

    // Where the contact is signed, the page's wish changes nothing.
    let body = json!({ "token": native(), "contact": "person:9", "company": "7" });
    let given = pages.exchange("/exchange/acme/native", &body).await.json();
    assert_eq!(given["contactId"], "native:person:42");
    assert_eq!(given["company"], "native:company:acme-gmbh");
}

#[tokio::test]
async fn a_malformed_exchange_says_what_to_send_and_repeats_nothing() {
    let pages = Pages::new().await;
    let path = "/exchange/acme/native";
    let token = native();
    let json = "application/json";
    let cases = [
        ("", "{}".to_owned(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            "text/plain",
            format!("{{\"token\":\"{token}\"}}"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "application/x-www-form-urlencoded",
            format!("token={token}"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            json,
            format!("[\"{token}\", null, null]"),
            StatusCode::BAD_REQUEST,
        ),
        (json, format!("\"{token}\""), StatusCode::BAD_REQUEST),
        (
            json,
            format!("{{\"token\":[\"{token}\"]}}"),
            StatusCode::BAD_REQUEST,
        ),
        (
            json,
            format!("{{\"token\":\"{token}\",\"token\":\"{token}\"}}"),
            StatusCode::BAD_REQUEST,
        ),
        (
            json,
            format!("{{\"token\":\"{token}\",\"tenant\":\"globex\"}}"),
            StatusCode::BAD_REQUEST,
        ),
        (
            json,
            format!("{{\"token\":\"{token}\",\"contact\":\"Person:1\"}}"),
            StatusCode::BAD_REQUEST,
        ),
        (
            json,
            format!("{{\"token\":\"{token}\",\"contact\":\"\"}}"),
            StatusCode::BAD_REQUEST,
        ),
    ];
    for (kind, body, expected) in cases {
        let answer = pages.post(path, kind, body.clone()).await;
        assert_eq!(answer.status, expected, "{kind} {body}");
        assert_eq!(answer.json()["code"], "BAD_USER_INPUT", "{kind} {body}");
        assert!(!answer.body.contains(&token[..20]), "{}", answer.body);
    }
    let wrong_method = Request::builder()
        .method(Method::GET)
        .uri(path)
        .body(Body::empty());
    let answer = pages.send(wrong_method.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_token_may_be_shown_a_few_times_at_all_doors_together() {
    let pages = Pages::new().await;
    let token = native();
    for _ in 0..4 {
        let answer = pages
            .get(&format!("/embed/acme/native?token={token}"))
            .await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let body = json!({ "token": token });
    let fifth = pages.exchange("/exchange/acme/native", &body).await;
    assert_eq!(fifth.status, StatusCode::OK);
    let sixth = pages.exchange("/exchange/acme/native", &body).await;
    assert_eq!(sixth.status, StatusCode::UNAUTHORIZED);
    // Another token is another count.
    let other = json!({ "token": native_with("jti", "two".into()) });
    let answer = pages.exchange("/exchange/acme/native", &other).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_tenant_may_want_each_token_to_count_once() {
    let pages = Pages::with(TenantSettings {
        single_use_tokens: true,
        ..TenantSettings::default()
    })
    .await;
    let path = format!("/embed/acme/native?token={}", native());
    assert_eq!(pages.get(&path).await.status, StatusCode::OK);
    assert_eq!(pages.get(&path).await.status, StatusCode::UNAUTHORIZED);
    // A refused token was not used up: a forger cannot spend it.
    let other = native_with("jti", "two".into());
    let (rest, _) = other.rsplit_once('.').expect("three parts");
    let forged = format!("{rest}.{}", "A".repeat(43));
    let answer = pages
        .get(&format!("/embed/acme/native?token={forged}"))
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let answer = pages
        .get(&format!("/embed/acme/native?token={other}"))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_is_renewed_from_itself_where_the_crm_gives_nothing_fresh() {
    let pages = Pages::new().await;
    let key = SigningKey {
        id: uuid::Uuid::new_v4().to_string().into(),
        tenant: Some("acme".into()),
        preset: "zendesk-proxy".to_owned(),
        kid: None,
        algorithm: Algorithm::Hs256,
        source: KeySource::Secret(SECRET.into()),
        issuer: None,
        audience: None,
        valid_until: None,
        claims: std::collections::BTreeMap::default(),
    };
    let now = pages.clock.now();
    let added = pages.store.add_signing_key(&key, "test", now).await;
    added.expect("a key");
    let door = "/exchange/acme/zendesk-proxy";
    let first = pages.exchange(door, &json!({ "token": native() })).await;
    let first = first.json();
    pages.clock.advance(SignedDuration::from_mins(4));
    let renewal = json!({ "token": first["session"] });
    let second = pages.exchange("/exchange/session", &renewal).await.json();
    assert_eq!(second["hardCap"], first["hardCap"]);
    assert_eq!(second["contactId"], first["contactId"]);
    assert_ne!(second["expiresAt"], first["expiresAt"]);
    // It is no CRM's token, and a CRM's token is no session.
    let as_token = pages.exchange(door, &renewal).await;
    assert_eq!(as_token.status, StatusCode::UNAUTHORIZED);
    let other = json!({ "token": native_with("exp", (NOW + 300).into()) });
    let as_session = pages.exchange("/exchange/session", &other).await;
    assert_eq!(as_session.status, StatusCode::UNAUTHORIZED);
    // No session goes on from a key that has ended, however long it might.
    let renewal = json!({ "token": second["session"] });
    let still = pages.exchange("/exchange/session", &renewal).await;
    assert_eq!(still.status, StatusCode::OK);
    // The page is told of an end that comes before its session's.
    let now = pages.clock.now();
    let end = now + SignedDuration::from_mins(2);
    let retired = pages.store.retire_signing_key(&key.id, end, "test", now);
    assert!(retired.await.expect("retired"));
    let again = json!({ "token": native() });
    for (path, body) in [("/exchange/session", &renewal), (door, &again)] {
        let given = pages.exchange(path, body).await.json();
        for told in ["expiresAt", "hardCap"] {
            assert_eq!(given[told], end.to_string(), "{path} {told}");
        }
    }
    let retired = pages.store.retire_signing_key(&key.id, now, "test", now);
    retired.await.expect("retired");
    let late = pages.exchange("/exchange/session", &renewal).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert_eq!(late.body, as_session.body);
}

#[tokio::test]
async fn where_the_crm_gives_fresh_tokens_a_session_does_not_renew_itself() {
    let pages = Pages::new().await;
    let first = pages
        .exchange("/exchange/acme/native", &json!({ "token": native() }))
        .await
        .json();
    let renewal = json!({ "token": first["session"] });
    let answer = pages.exchange("/exchange/session", &renewal).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_asked_for_is_not_looked_at_before_the_token() {
    let pages = Pages::new().await;
    let asked = json!({ "token": "a.b.c", "contact": "Person:1" });
    let answer = pages.exchange("/exchange/acme/native", &asked).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let page = pages.get("/embed/acme/native?token=a.b.c&contact=Person:1");
    assert_eq!(page.await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_added_or_retired_counts_at_once() {
    let pages = Pages::new().await;
    let key = EncodingKey::from_secret(b"a second secret of acme, with 40 bytes!!");
    let token = jsonwebtoken::encode(&Header::default(), &claims(), &key).expect("a token");
    let body = json!({ "token": token });
    let path = "/exchange/acme/native";
    assert_eq!(
        pages.exchange(path, &body).await.status,
        StatusCode::UNAUTHORIZED
    );
    let second = SigningKey {
        id: "second".into(),
        tenant: Some("acme".into()),
        preset: "native".to_owned(),
        kid: None,
        algorithm: Algorithm::Hs256,
        source: KeySource::Secret("a second secret of acme, with 40 bytes!!".into()),
        issuer: None,
        audience: None,
        valid_until: None,
        claims: std::collections::BTreeMap::default(),
    };
    let now = pages.clock.now();
    pages
        .store
        .add_signing_key(&second, "test", now)
        .await
        .expect("a key");
    assert_eq!(pages.exchange(path, &body).await.status, StatusCode::OK);
    pages
        .store
        .retire_signing_key(&second.id, now, "test", now)
        .await
        .expect("retired");
    assert_eq!(
        pages.exchange(path, &body).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_server_without_the_widget_says_how_to_build_it() {
    let page = WidgetPage::of("no page");
    let shown = format!("{page:?}");
    assert_eq!(shown, "WidgetPage(None)");
    let pages = Pages::new().await;
    let answer = pages.get("/assets/nothing-of-this-name.js").await;
    assert!([StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE].contains(&answer.status));
    assert!(answer.json()["title"].is_string());
}

/// Writes a ledger in which the customers have these e-mail addresses and tax numbers.
async fn with_customers(store: &Store, customers: &[(&str, Option<&str>, Option<&str>)]) {
    let at = clock().now();
    let connection = NewConnection {
        id: "acme-books".into(),
        tenant: "acme".into(),
        provider: ProviderKind::QuickBooks,
        time_zone: TimeZone::UTC,
        poll_interval: Duration::from_mins(15),
        account: None,
    };
    let added = store.add_connection(&connection, "test", at).await;
    added.expect("a connection");
    let record = |(id, email, tax_number): &(&str, Option<&str>, Option<&str>)| CustomerRecord {
        customer: Customer {
            id: (*id).into(),
            name: (*id).into(),
            email: email.map(Into::into),
            tax_number: tax_number.map(Into::into),
            parent: None,
            bill_with_parent: false,
            active: true,
            currency: "USD".parse().expect("a currency"),
            terms: None,
            ledger_balance: None,
            ledger_balance_with_children: None,
            credit_limit: None,
            changed_at: at,
        },
        terms_id: None,
    };
    let records = Records {
        customers: customers.iter().map(record).collect(),
        ..Records::default()
    };
    let marks = SyncMarks::default();
    let applied = store
        .apply(&"acme-books".into(), &records, &marks, at)
        .await;
    applied.expect("the records");
}

#[tokio::test]
async fn a_signed_contact_is_linked_by_a_fact_that_one_customer_has() {
    let pages = Pages::new().await;
    let customers = [
        ("ada", Some("ada@example.com"), None),
        ("bob", Some("office@example.com"), Some("ATU12345678")),
        ("cy", Some("office@example.com"), None),
    ];
    with_customers(&pages.store, &customers).await;
    let cases = [
        (
            "person:1",
            json!({ "email": "Ada@Example.com" }),
            Some(("ada", LinkOrigin::Email)),
        ),
        // Two have the address: a guess would be worse than no link.
        ("person:2", json!({ "email": "office@example.com" }), None),
        (
            "person:3",
            json!({ "tax_number": "ATU 1234 5678" }),
            Some(("bob", LinkOrigin::TaxNumber)),
        ),
        ("person:4", json!({ "email": "nobody@example.com" }), None),
        ("person:5", json!({}), None),
    ];
    for (contact, facts, expected) in cases {
        let mut claims = claims();
        claims["contact"] = contact.into();
        for (name, value) in facts.as_object().expect("facts") {
            claims[name] = value.clone();
        }
        let token = signed(&claims.to_string());
        let answer = pages
            .exchange("/exchange/acme/native", &json!({ "token": token }))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{contact}");
        // Neither fact goes into the answer.
        assert!(
            !answer.body.to_lowercase().contains("example.com"),
            "{}",
            answer.body
        );
        let contact = ContactId::parse(&format!("native:{contact}")).expect("an id");
        let links = pages
            .store
            .links(&"acme".into(), &contact)
            .await
            .expect("links");
        let found = links
            .iter()
            .map(|link| (link.customer.customer.as_str(), link.origin))
            .next();
        assert_eq!(found, expected, "{contact}");
    }
}

#[tokio::test]
async fn nothing_links_without_a_signed_contact_or_where_the_tenant_does_not_want_it() {
    let ada = [("ada", Some("ada@example.com"), None)];
    let links_after = async |pages: &Pages, claims: Value, contact: &str| {
        with_customers(&pages.store, &ada).await;
        let body = json!({ "token": signed(&claims.to_string()), "contact": contact });
        let answer = pages.exchange("/exchange/acme/native", &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let contact = ContactId::parse(&format!("native:{contact}")).expect("an id");
        pages
            .store
            .links(&"acme".into(), &contact)
            .await
            .expect("links")
    };
    let mut with_email = claims();
    with_email["email"] = "ada@example.com".into();
    let unwanted = Pages::with(TenantSettings {
        automatic_links: false,
        ..TenantSettings::default()
    })
    .await;
    assert_eq!(
        links_after(&unwanted, with_email.clone(), "person:42").await,
        []
    );

    with_email
        .as_object_mut()
        .expect("an object")
        .remove("contact");
    let pages = Pages::new().await;
    assert_eq!(links_after(&pages, with_email, "person:42").await, []);
}
