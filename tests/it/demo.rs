//! The demo CRM: its pages, its tokens, its buttons, and what each ledger tells of its contacts.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use financial_pulse::clock::{Clock, ManualClock};
use financial_pulse::demo::{
    DemoCrm, DemoCrmOptions, Expected, Format, Ledger, RunningDemoCrm, Situation, situations,
};
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::credit::{CreditLimit, CreditPolicy, Decision, LimitOrigin};
use financial_pulse::domain::freshness::{ConnectionFreshness, ConnectionState};
use financial_pulse::domain::ids::CustomerKey;
use financial_pulse::domain::money::Money;
use financial_pulse::domain::pulse::{Family, Pulse, PulseSettings, pulse};
use financial_pulse::sandbox::dataset::demo;
use financial_pulse::sandbox::{Data, Limits, RunningSandbox, Sandbox, SandboxOptions};
use financial_pulse::service::sync::Depth;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::{Client, Response, StatusCode};
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::Value;

use crate::mirror::rig::{Rig, Wishes, ties_out};
use crate::support::databases::for_each_database;

const TODAY: Date = date(2026, 5, 5);
const SECRET: &str = "a secret of the demo, thirty-two bytes long";
const ALDER: &str = "native:company:alder-finch";

/// The ledgers that tell of the contacts, and the tenants that they do it in.
const LEDGERS: [(Format, ProviderKind, &str); 3] = [
    (Format::QuickBooks, ProviderKind::QuickBooks, "demo"),
    (Format::Xero, ProviderKind::Xero, "demo-xero"),
    (Format::Sage, ProviderKind::Sage, "demo-sage"),
];

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
        ledgers: LEDGERS
            .map(|(format, _, tenant)| Ledger {
                format,
                tenant: tenant.to_owned(),
            })
            .to_vec(),
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

    /// The claims of the token that a page's script gets for the widget.
    async fn claims_of(&self, page: &str) -> Value {
        let (_, rest) = page.split_once("data-token=\"").unwrap();
        let address = rest.split_once('"').unwrap().0.replace("&amp;", "&");
        let answer: Value = self.get(&address).await.json().await.unwrap();
        claims(answer["token"].as_str().unwrap())
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
        let claims = demo.claims_of(&page).await;
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
    for allowed in [
        "script-src 'self' http://localhost:8080;",
        "frame-src http://localhost:8080;",
        "form-action http://localhost:8080;",
    ] {
        assert!(policy.contains(allowed), "{policy}");
    }
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let page = response.text().await.unwrap();
    assert!(page.contains("<script src=\"http://localhost:8080/embed.js\" defer>"));
    assert!(page.contains("contact w480"));
    assert!(!page.contains("<style"));
    // Neither a token nor the secret stands in the page.
    assert!(!page.contains(SECRET));
    assert!(!page.contains("eyJ"));
    assert_eq!(demo.claims_of(&page).await["role"], "rep");
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
async fn the_switch_shows_the_same_contacts_by_another_ledger() {
    let demo = start(Duration::from_mins(5)).await;
    for (format, _, tenant) in LEDGERS {
        let list = demo.page(&format!("/?provider={format}")).await;
        let address = format!("/contacts/{ALDER}?provider={format}");
        assert!(list.contains(&format!("href=\"{address}\"")), "{format}");
        for situation in situations() {
            let words = situation.in_format(format).words.replace('\'', "&#39;");
            assert!(list.contains(&words), "{format}: {words}");
        }
        let page = demo.page(&address).await;
        assert!(page.contains(&format!("data-tenant=\"{tenant}\"")));
        assert_eq!(demo.claims_of(&page).await["tenant"], tenant);
        let current = format!(
            "provider={format}\" aria-current=\"true\">{}<",
            format.title()
        );
        assert!(page.contains(&current), "{format}");
        // The width and the role stay as they are when the ledger changes, and the ledger when they do.
        let narrow = demo.page(&format!("{address}&width=280&role=rep")).await;
        for (other, _, _) in LEDGERS {
            let link = format!("?width=280&amp;role=rep&amp;provider={other}\"");
            assert!(narrow.contains(&link), "{format} to {other}");
        }
        let renewal = format!("/token?contact={ALDER}&provider={format}");
        let renewed: Value = demo.get(&renewal).await.json().await.unwrap();
        assert_eq!(claims(renewed["token"].as_str().unwrap())["tenant"], tenant);
    }
    // Without a wish it is the first.
    let page = demo.page(&format!("/contacts/{ALDER}")).await;
    assert_eq!(demo.claims_of(&page).await["tenant"], "demo");
    let unknown = demo.get("/?provider=abacus").await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_buttons_move_the_member_of_a_family_that_is_meant() {
    let demo = start(Duration::from_mins(5)).await;
    let before = demo
        .balance("Northgate School District:Northgate High")
        .await;
    assert_eq!(before.to_string(), "4185.75");
    let address = "/contacts/native:company:northgate/payment?account=2";
    let url = format!("{}{address}&provider=xero", demo.crm.url());
    let answer = demo.client.post(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let after = demo
        .balance("Northgate School District:Northgate High")
        .await;
    assert_eq!(after.to_string(), "4085.75");
    // Where it is one account, there is no third.
    let url = format!("{}{address}&provider=quickbooks", demo.crm.url());
    let answer = demo.client.post(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

/// The pulse of a contact, linked by the ids that the sandbox's control endpoint tells, as the demo
/// links it.
async fn pulse_of(rig: &Rig, known: &Value, situation: &Situation) -> Pulse {
    let store = &rig.store;
    let connection = store.connection(&rig.connection).await.unwrap().unwrap();
    let mut families = Vec::new();
    for account in situation.accounts {
        let named = |row: &&Value| {
            let name = row["name"].as_str().unwrap();
            name.rsplit(':').next() == Some(account.customer)
        };
        let customers = known["customers"].as_array().unwrap();
        let row = customers.iter().find(named).unwrap();
        let key = CustomerKey::new(rig.connection.clone(), row["id"].as_str().unwrap());
        let members = store.family(&key).await.unwrap();
        assert!(!members.is_empty(), "{} is mirrored", account.customer);
        let limit = account.limit.map(|limit| CreditLimit {
            customer: Some(key),
            limit: Money::new(
                limit.parse::<Decimal>().unwrap(),
                account.currency.parse().unwrap(),
            ),
            origin: LimitOrigin::Manual,
            valid_from: TODAY.first_of_year(),
            valid_to: None,
            reason: "Yearly review".into(),
            actor: "finance".into(),
        });
        let books = store.books(&rig.connection, &members).await.unwrap();
        families.push(Arc::new(Family {
            organization: Arc::new(connection.organization.clone().unwrap()),
            time_zone: TimeZone::get("America/Los_Angeles").unwrap(),
            members: books.into_iter().map(Arc::new).collect(),
            limits: limit.into_iter().collect(),
            items: Arc::new(store.items(&rig.connection).await.unwrap()),
            rates: store.rates(&rig.connection).await.unwrap(),
            freshness: Arc::new(ConnectionFreshness {
                state: ConnectionState::Active,
                poll_interval: Duration::from_mins(15),
                first_load_running: false,
                datasets: rig.state().await.datasets,
            }),
        }));
    }
    let settings = PulseSettings {
        policy: CreditPolicy::default(),
    };
    for family in &families {
        let root = &family.members[0].customer;
        let alone = pulse(&[Arc::clone(family)], &settings, None, rig.now());
        let status = alone.balance.unwrap().tie_out.status;
        let name = &root.name;
        assert!(
            ties_out(rig.kind, root.currency, &status),
            "{name}: {status:?}"
        );
    }
    pulse(&families, &settings, None, rig.now())
}

#[tokio::test]
async fn every_ledger_tells_of_every_contact_what_the_demo_promises() {
    for_each_database(async |database| {
        for (format, kind, _) in LEDGERS {
            let wishes = Wishes {
                data: Data::Demo { today: TODAY },
                ..Wishes::default()
            };
            let rig = Rig::start(kind, &database.store, wishes).await;
            rig.run(Depth::Due).await.unwrap();
            let known = rig.ask(&format!("balances?format={format}")).await;
            let connection = database.store.connection(&rig.connection).await.unwrap();
            assert_eq!(
                connection.unwrap().account.as_deref(),
                known["organization"].as_str()
            );
            for situation in situations() {
                let situation = situation.in_format(format);
                let elsewhere = [Expected::ThroughCompany, Expected::StillSyncing];
                if elsewhere.contains(&situation.expected) {
                    continue;
                }
                let pulse = pulse_of(&rig, &known, &situation).await;
                let decision = match pulse.decision.decision {
                    Decision::Ok => "OK",
                    Decision::Caution => "CAUTION",
                    Decision::Unknown => "UNKNOWN",
                    Decision::Hold => "HOLD",
                };
                assert_eq!(decision, situation.decision, "{} by {kind}", situation.name);
                assert_eq!(pulse.parts.len(), situation.accounts.len());
            }
        }
    })
    .await;
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
