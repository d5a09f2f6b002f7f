//! The demo CRM: its pages, its tokens, and its buttons.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use financial_pulse::clock::{Clock, ManualClock};
use financial_pulse::demo::{DemoCrm, DemoCrmOptions, RunningDemoCrm, situations};
use financial_pulse::sandbox::dataset::demo;
use financial_pulse::sandbox::{Limits, RunningSandbox, Sandbox, SandboxOptions};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::{Client, Response, StatusCode};
use secrecy::SecretString;
use serde_json::Value;

const TODAY: Date = date(2026, 5, 5);
const SECRET: &str = "a secret of the demo, thirty-two bytes long";
const ALDER: &str = "native:company:alder-finch";

struct Demo {
    crm: RunningDemoCrm,
    sandbox: RunningSandbox,
    client: Client,
}

fn noon() -> Timestamp {
    "2026-05-05T12:00:00-07:00".parse().unwrap()
}

async fn start(token_life: Duration) -> Demo {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(noon()));
    let sandbox = Sandbox::start(SandboxOptions {
        companies: demo::companies(TODAY)
            .into_iter()
            .filter(|company| company.realm == demo::REALM)
            .collect(),
        limits: Limits::NONE,
        clock: Arc::clone(&clock),
        ..SandboxOptions::default()
    })
    .await
    .unwrap();
    let crm = DemoCrm::start(DemoCrmOptions {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        secret: SecretString::from(SECRET),
        key_id: Some("demo-1".to_owned()),
        sandbox_url: sandbox.url(),
        token_life,
        clock,
        ..DemoCrmOptions::default()
    })
    .await
    .unwrap();
    Demo {
        crm,
        sandbox,
        client: Client::builder().build().unwrap(),
    }
}

impl Demo {
    async fn get(&self, path: &str) -> Response {
        self.client
            .get(format!("{}{path}", self.crm.url()))
            .send()
            .await
            .unwrap()
    }

    async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    async fn balance(&self, customer: &str) -> Value {
        let balances: Value = self
            .client
            .get(format!("{}/sandbox/balances", self.sandbox.url()))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        balances["customers"]
            .as_array()
            .unwrap()
            .iter()
            .find(|each| each["name"] == customer)
            .unwrap()["balance"]
            .clone()
    }
}

/// The claims of a token that is rightly signed.
fn claims(token: &str) -> Value {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["financial-pulse"]);
    validation.set_issuer(&["demo-crm"]);
    // The clock of the test stands still.
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap();
    assert_eq!(token.header.kid.as_deref(), Some("demo-1"));
    assert_eq!(token.header.typ.as_deref(), Some("JWT"));
    token.claims
}

/// The token in the address of a page's frame.
fn token_of(page: &str) -> String {
    let (_, rest) = page.split_once("/embed/demo/native?token=").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn the_list_leads_to_every_contact() {
    let demo = start(Duration::from_mins(5)).await;
    let list = demo.page("/").await;
    for situation in situations() {
        assert!(
            list.contains(&format!("href=\"/contacts/{}\"", situation.contact)),
            "{}",
            situation.name
        );
        let page = demo.page(&format!("/contacts/{}", situation.contact)).await;
        assert!(page.contains(&situation.name.replace('&', "&amp;")));
        let claims = claims(&token_of(&page));
        assert_eq!(claims["contact"], situation.contact);
        assert_eq!(claims["email"], situation.email);
        assert_eq!(
            claims.get("company").and_then(Value::as_str),
            situation.company
        );
        assert_eq!(
            page.matches("data-post=").count(),
            2 * situation.accounts.len(),
            "{}",
            situation.name
        );
    }
    let missing = demo.get("/contacts/native:company:nobody").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_loads_the_widget_and_nothing_else() {
    let demo = start(Duration::from_mins(5)).await;
    let response = demo
        .get(&format!("/contacts/{ALDER}?width=480&role=rep"))
        .await;
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("frame-src http://localhost:8080;"),
        "{policy}"
    );
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let page = response.text().await.unwrap();
    assert!(page.contains("data-origin=\"http://localhost:8080\""));
    assert!(page.contains("contact w480"));
    assert!(!page.contains("<style"));
    // The address holds the token, the secret is nowhere.
    assert!(!page.contains(SECRET));
    assert_eq!(claims(&token_of(&page))["role"], "rep");
    // A width that no CRM has is not taken.
    let page = demo.page(&format!("/contacts/{ALDER}?width=9999")).await;
    assert!(page.contains("contact w360"));
    for asset in ["/style.css", "/host.js"] {
        demo.page(asset).await;
    }
}

#[tokio::test]
async fn tokens_are_fresh_and_short() {
    let demo = start(Duration::from_hours(1)).await;
    let renewed: Value = demo
        .get(&format!("/token?contact={ALDER}&role=finance"))
        .await
        .json()
        .await
        .unwrap();
    let first = claims(renewed["token"].as_str().unwrap());
    assert_eq!(first["iat"], noon().as_second());
    // Never longer than the API accepts.
    assert_eq!(first["exp"], noon().as_second() + 300);
    assert_eq!(first["tenant"], "demo");
    assert_eq!(first["role"], "finance");
    assert_eq!(first["sub"], "dana.whitfield");
    let renewed: Value = demo
        .get(&format!("/token?contact={ALDER}"))
        .await
        .json()
        .await
        .unwrap();
    let second = claims(renewed["token"].as_str().unwrap());
    assert_ne!(first["jti"], second["jti"]);
    let missing = demo.get("/token?contact=native:company:nobody").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    let unknown = demo.get(&format!("/token?contact={ALDER}&role=king")).await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_buttons_move_the_books() {
    let demo = start(Duration::from_mins(5)).await;
    let name = "Alder & Finch Garden Supply";
    assert_eq!(demo.balance(name).await.to_string(), "4345.40");
    for (button, balance) in [("payment", "4245.40"), ("invoice", "4495.40")] {
        let answer = demo
            .client
            .post(format!("{}/contacts/{ALDER}/{button}", demo.crm.url()))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(demo.balance(name).await.to_string(), balance, "{button}");
    }
    let unlinked = demo
        .client
        .post(format!(
            "{}/contacts/native:company:kestrel/payment",
            demo.crm.url()
        ))
        .send()
        .await
        .unwrap();
    assert_eq!(unlinked.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wrong_address_of_the_api_is_refused() {
    let options = DemoCrmOptions {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        api_url: "no address".to_owned(),
        ..DemoCrmOptions::default()
    };
    DemoCrm::start(options).await.unwrap_err();
}
