//! The doors at which CRMs show their tokens, by their routes: address, form and JSON. Whoever gets in
//! showed a token that was signed; whoever does not learns nothing, and nobody may frame the answer.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use financial_pulse::auth::{Sessions, Verifier, pipedrive_keys};
use financial_pulse::clock::Clock;
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use financial_pulse::http::widget::WidgetPage;
use financial_pulse::http::{embed, exchange};
use financial_pulse::service::keys::Keys;
use financial_pulse::service::sign_in::{SignIn, SignInSettings};
use financial_pulse::store::{Store, Tenant, TenantSettings};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use url::form_urlencoded;

use super::material::{
    CONFIG, NOW, PIPEDRIVE_SECRET, PUBLIC_URL, SECRET, SESSION_KEY, claims, clock, under_secret,
};
use super::services::{empty_store, runtime, services};
use super::{Entry, fate, input, taken_apart};

pub(super) const DOORS: Entry = Entry {
    name: "doors",
    longest: 2048,
    sample: 2_000,
    run,
    seeds,
    words: &[
        "token=",
        "&contact=",
        "&company=",
        "&locale=de-DE",
        "&give=code",
        "&resource=person",
        "&selectedIds=42",
        "person:42",
        "native:person:42",
        "%3C%2Fscript%3E",
        "<!--",
        "%00",
        "%0d%0a",
        "+",
        "acme",
        "globex",
        "%2e%2e",
        "application/x-www-form-urlencoded",
        "application/json",
        "\"token\":\"",
        "\"contact\":",
        "\"company\":",
        "; charset=utf-8",
        "\u{2028}",
    ],
};

const ROUTES: [Route; 7] = [
    Route::Embed {
        native: true,
        form: false,
    },
    Route::Embed {
        native: true,
        form: true,
    },
    Route::Embed {
        native: false,
        form: false,
    },
    Route::Embed {
        native: false,
        form: true,
    },
    Route::Exchange { native: true },
    Route::Exchange { native: false },
    Route::Renew,
];

/// What is asked. The pieces of an input are the tenant in the address, the query, the content type and
/// the body.
#[derive(Clone, Copy, Debug)]
enum Route {
    Embed { native: bool, form: bool },
    Exchange { native: bool },
    Renew,
}

const NATIVE_KEY: u128 = 7;
/// Of a scheme whose sessions may be renewed.
const CONNECT_KEY: u128 = 8;

const INDEX: &str = "<!doctype html><html><head><title>Pulse</title></head><body></body></html>";
const ANCESTOR: &str = "https://crm.acme.example";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

struct Doors {
    runtime: Runtime,
    router: Router,
    _directory: TempDir,
}

thread_local! {
    static DOORS_OPEN: Doors = Doors::open();
}

impl Doors {
    fn open() -> Self {
        let runtime = runtime();
        let (router, directory) = runtime.block_on(async {
            let (store, directory) = empty_store().await;
            fill(&store).await;
            (routes(&store), directory)
        });
        Self {
            runtime,
            router,
            _directory: directory,
        }
    }
}

fn routes(store: &Store) -> Router {
    let clock: Arc<dyn Clock> = clock();
    let verifier = Verifier::new(&CONFIG, Arc::clone(&clock));
    let sign_in = Arc::new(SignIn::new(
        SignInSettings {
            pipedrive_ancestors: vec!["https://*.pipedrive.com".to_owned()],
            // The same few tokens are shown again and again.
            token_uses: u32::MAX,
            code_lifetime: jiff::SignedDuration::from_mins(1),
            public_url: PUBLIC_URL.to_owned(),
        },
        store.clone(),
        Keys::new(store.clone(), pipedrive_keys(&CONFIG.pipedrive)),
        services(store, &clock),
        Arc::new(verifier.expect("a verifier")),
        Arc::new(sessions()),
        clock,
    ));
    embed::routes(Arc::clone(&sign_in), WidgetPage::of(INDEX)).merge(exchange::routes(sign_in))
}

fn sessions() -> Sessions {
    Sessions::new(&SESSION_KEY, &CONFIG.session, clock()).expect("a fit key")
}

async fn fill(store: &Store) {
    let now = Timestamp::from_second(NOW).expect("an instant");
    for (id, ancestor) in [("acme", Some(ANCESTOR)), ("globex", None)] {
        let tenant = Tenant {
            id: id.into(),
            name: id.into(),
            frame_ancestors: ancestor.into_iter().map(str::to_owned).collect(),
            settings: TenantSettings::default(),
            version: 0,
        };
        store
            .put_tenant(&tenant, "test", now)
            .await
            .expect("a tenant");
    }
    for (preset, id) in [("native", NATIVE_KEY), ("atlassian-connect", CONNECT_KEY)] {
        let key = SigningKey {
            id: uuid::Uuid::from_u128(id).to_string().into(),
            tenant: Some("acme".into()),
            preset: preset.to_owned(),
            kid: None,
            algorithm: Algorithm::Hs256,
            source: KeySource::Secret(SECRET.into()),
            issuer: None,
            audience: None,
            valid_until: None,
            claims: std::collections::BTreeMap::default(),
        };
        let added = store.add_signing_key(&key, "test", now).await;
        added.expect("a key");
    }
    store
        .register_account("pipedrive", "54321", &"globex".into(), "test", now)
        .await
        .expect("an account");
}

fn run(input: &[u8]) -> u64 {
    let many = u8::try_from(ROUTES.len()).expect("few");
    let Some((mode, pieces)) = taken_apart(input, many) else {
        return 0;
    };
    let route = ROUTES[usize::from(mode)];
    let piece = |nth: usize| pieces.get(nth).copied().unwrap_or_default();
    let Some(request) = request(route, piece(0), piece(1), piece(2), piece(3)) else {
        return 1;
    };
    let (status, headers, body) = DOORS_OPEN.with(|doors| {
        doors.runtime.block_on(async {
            let answer = doors
                .router
                .clone()
                .oneshot(request)
                .await
                .expect("an answer");
            let (parts, body) = answer.into_parts();
            let body = to_bytes(body, 1 << 20).await.expect("a body");
            (
                parts.status,
                parts.headers,
                String::from_utf8(body.to_vec()).expect("text"),
            )
        })
    });
    if status == StatusCode::OK {
        let shown = shown(route, piece(1), piece(3));
        assert!(
            shown.iter().any(|token| tokens(route).contains(token)),
            "let in by {shown:?}"
        );
        assert_let_in(route, &headers, &body);
    } else {
        assert_refused(status, &headers, &body);
    }
    fate((mode, status.as_u16(), body.len().min(1_000) / 16))
}

fn request(
    route: Route,
    tenant: &[u8],
    query: &[u8],
    kind: &[u8],
    body: &[u8],
) -> Option<Request<Body>> {
    let tenant: String = form_urlencoded::byte_serialize(tenant).collect();
    let path = match route {
        Route::Embed { native: true, .. } => format!("/embed/{tenant}/native"),
        Route::Embed { native: false, .. } => "/embed/pipedrive".to_owned(),
        Route::Exchange { native: true } => format!("/exchange/{tenant}/native"),
        Route::Exchange { native: false } => "/exchange/pipedrive".to_owned(),
        Route::Renew => "/exchange/session".to_owned(),
    };
    let query = std::str::from_utf8(query).ok()?;
    let request = match route {
        Route::Embed { form: false, .. } => Request::get(format!("{path}?{query}")),
        _ => Request::post(format!("{path}?{query}")),
    };
    let kind = HeaderValue::from_bytes(kind).ok()?;
    let request = request.header(header::CONTENT_TYPE, kind);
    // An address that no server would take never gets here.
    request.body(Body::from(body.to_vec())).ok()
}

/// Every token that the input may mean.
fn shown(route: Route, query: &[u8], body: &[u8]) -> Vec<String> {
    let pairs = |text: &[u8]| {
        let of_token = form_urlencoded::parse(text).filter(|(name, _)| name == "token");
        of_token
            .map(|(_, value)| value.trim().to_owned())
            .collect::<Vec<_>>()
    };
    match route {
        Route::Embed { .. } => [pairs(query), pairs(body)].concat(),
        Route::Exchange { .. } | Route::Renew => {
            let told: Value = serde_json::from_slice(body).expect("it was read");
            let token = told.get("token");
            token
                .and_then(Value::as_str)
                .map(str::to_owned)
                .into_iter()
                .collect()
        }
    }
}

/// The tokens that were signed for a door.
fn tokens(route: Route) -> Vec<String> {
    let header = br#"{"alg":"HS256","typ":"JWT"}"#;
    let native = || {
        let mut plain = claims();
        let members = plain.as_object_mut().expect("an object");
        members.remove("contact");
        members.remove("company");
        [claims(), plain]
            .map(|claims| under_secret(SECRET.as_bytes(), header, claims.to_string().as_bytes()))
            .to_vec()
    };
    match route {
        Route::Embed { native: true, .. } | Route::Exchange { native: true } => native(),
        Route::Embed { .. } | Route::Exchange { .. } => {
            let claims = json!({"companyId": 54_321, "userId": 7, "iat": NOW, "exp": NOW + 300});
            vec![under_secret(
                PIPEDRIVE_SECRET.as_bytes(),
                header,
                claims.to_string().as_bytes(),
            )]
        }
        Route::Renew => {
            let claims = json!({
                "aud": "graphql", "tenant": "acme", "preset": "atlassian-connect", "sub": "rep-7",
                "key": uuid::Uuid::from_u128(CONNECT_KEY).to_string(),
                "iat": NOW, "exp": NOW + 600, "cap": NOW + 36_000, "jti": "one",
            });
            let header = br#"{"typ":"pulse-session","alg":"HS256"}"#;
            vec![under_secret(
                &SESSION_KEY,
                header,
                claims.to_string().as_bytes(),
            )]
        }
    }
}

fn policy(headers: &HeaderMap) -> &str {
    headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("text")
}

fn assert_let_in(route: Route, headers: &HeaderMap, body: &str) {
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let told: Value = if let Route::Embed { native, .. } = route {
        let ancestor = if native {
            ANCESTOR
        } else {
            "https://*.pipedrive.com"
        };
        assert!(policy(headers).ends_with(&format!("frame-ancestors {ancestor}")));
        // Whatever the page asked for stays inside the block of data.
        let start = "<script type=\"application/json\" id=\"pulse-boot\">";
        let (before, rest) = body.split_once(start).expect("the block");
        let (boot, after) = rest.split_once("</script>").expect("its end");
        assert_eq!(format!("{before}{after}"), INDEX);
        assert!(!boot.contains('<'), "{boot}");
        serde_json::from_str(boot).expect("JSON")
    } else {
        assert!(policy(headers).ends_with("frame-ancestors 'none'"));
        serde_json::from_str(body).expect("JSON")
    };
    if let Some(code) = told["code"].as_str() {
        // Asked for by `give=code`: it opens the page once.
        assert!(told["url"].as_str().is_some_and(|url| url.ends_with(code)));
        return;
    }
    let session = sessions().verify(told["session"].as_str().expect("a session"));
    let identity = session.expect("our own");
    assert_eq!(told["tenant"], identity.tenant.as_str());
    let id = |record: &Option<(financial_pulse::domain::ids::ContactId, _)>| {
        record
            .as_ref()
            .map(|(id, _)| Value::from(id.as_str()))
            .unwrap_or_default()
    };
    assert_eq!(told["contactId"], id(&identity.contact));
    assert_eq!(told["company"], id(&identity.company));
}

fn assert_refused(status: StatusCode, headers: &HeaderMap, body: &str) {
    let expected = [400, 401, 404, 405, 413, 415];
    assert!(expected.contains(&status.as_u16()), "{status}: {body}");
    assert!(body.len() < 1_000, "{body}");
    if status != StatusCode::NOT_FOUND && status != StatusCode::METHOD_NOT_ALLOWED {
        assert!(policy(headers).ends_with("frame-ancestors 'none'"));
        let told: Value = serde_json::from_str(body).expect("a problem is JSON");
        assert!(told.get("session").is_none());
    }
    if status == StatusCode::UNAUTHORIZED {
        assert!(body.contains("the token was not accepted"), "{body}");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (mode, route) in (0_u8..).zip(ROUTES) {
        for token in tokens(route) {
            let pairs = [
                ("token", token.as_str()),
                ("contact", "person:42"),
                ("company", "native:company:7"),
                ("locale", "de-DE"),
            ];
            let selected = [
                ("token", token.as_str()),
                ("resource", "deal"),
                ("selectedIds", "5"),
            ];
            let pairs = match route {
                Route::Embed { native: false, .. } => &selected[..],
                _ => &pairs[..],
            };
            let form = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish();
            let body = json!({"token": token, "contact": "42", "company": null}).to_string();
            let pieces: [&str; 4] = match route {
                Route::Embed { form: false, .. } => ["acme", &form, "", ""],
                Route::Embed { form: true, .. } => ["acme", "", FORM, &form],
                Route::Exchange { .. } => ["acme", "company=7", JSON, &body],
                Route::Renew => ["", "", JSON, &format!("{{\"token\":\"{token}\"}}")],
            };
            seeds.push(input(mode, &pieces.map(str::as_bytes)));
        }
    }
    let issued = sessions().issue(&identity(), None).expect("issued");
    let body = json!({"token": issued.token.expose_secret()}).to_string();
    seeds.push(input(4, &[b"acme", b"", JSON.as_bytes(), body.as_bytes()]));
    seeds
}

fn identity() -> financial_pulse::auth::Identity {
    financial_pulse::auth::Identity {
        tenant: "acme".into(),
        preset: "native".into(),
        account: None,
        user: "rep-7".into(),
        name: None,
        signed_role: None,
        contact: None,
        company: None,
        locale: None,
        key: uuid::Uuid::from_u128(NATIVE_KEY).to_string().into(),
        expires_at: Timestamp::from_second(NOW + 300).expect("an instant"),
        hard_cap: Timestamp::from_second(NOW + 300).expect("an instant"),
    }
}
