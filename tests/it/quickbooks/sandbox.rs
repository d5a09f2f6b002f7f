//! The connector against the sandbox: generated books with every kind of posting, changes as they
//! happen, tokens that rotate, and trouble to order.

use std::sync::Arc;
use std::time::Duration;

use financial_pulse::clock::ManualClock;
use financial_pulse::domain::document::DocumentState;
use financial_pulse::domain::ids::CustomerId;
use financial_pulse::provider::quickbooks::QuickBooks;
use financial_pulse::provider::{
    Access, AccountingProvider, Changes, ProviderError, Purpose, Reference,
};
use financial_pulse::sandbox::{
    CompanyOptions, Data, Limits, RunningSandbox, Sandbox, SandboxOptions,
};
use jiff::SignedDuration;
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{CountingMeter, Mirror, at, settings};

/// A sandbox and a connector on one clock.
struct Set {
    sandbox: RunningSandbox,
    clock: Arc<ManualClock>,
    meter: Arc<CountingMeter>,
    provider: QuickBooks,
    access: Access,
    refresh_token: SecretString,
    reference: Reference,
}

impl Set {
    async fn start(data: Data) -> Self {
        let clock = Arc::new(ManualClock::new(at("2026-05-05T19:00:00Z")));
        let company = CompanyOptions {
            data,
            ..CompanyOptions::default()
        };
        let realm = company.realm.clone();
        let sandbox = Sandbox::start(SandboxOptions {
            companies: vec![company],
            limits: Limits::NONE,
            clock: Arc::clone(&clock) as _,
            ..SandboxOptions::default()
        })
        .await
        .expect("a sandbox");
        let tokens = control(&sandbox, "tokens", &json!({ "company": realm })).await;
        let token = |name: &str| SecretString::from(tokens[name].as_str().expect("a token"));
        let mut settings = settings(&sandbox.url());
        settings.client_id = "sandbox-client".into();
        settings.client_secret = SecretString::from("sandbox-secret");
        settings.token_url = format!("{}/oauth2/v1/tokens/bearer", sandbox.url());
        settings.http.request_timeout = Duration::from_secs(30);
        let meter = Arc::new(CountingMeter::default());
        let provider = QuickBooks::new(settings, Arc::clone(&clock) as _, Arc::clone(&meter) as _)
            .expect("a connector");
        Self {
            access: Access {
                account: realm.into(),
                token: token("access_token"),
                purpose: Purpose::Increment,
            },
            refresh_token: token("refresh_token"),
            sandbox,
            clock,
            meter,
            provider,
            reference: Reference {
                base_currency: Some("USD".parse().expect("a currency")),
                ..Reference::default()
            },
        }
    }

    async fn load(&mut self) -> Mirror {
        Mirror::load_as(&self.provider, &self.access, &mut self.reference).await
    }

    async fn order(&self, trouble: Value) {
        control(&self.sandbox, "faults", &trouble).await;
    }

    /// What changed since an instant.
    async fn changes(&self, since: jiff::Timestamp) -> financial_pulse::domain::records::Records {
        let changes = self.provider.changes(&self.access, &self.reference, since);
        match changes.await.expect("changes") {
            Changes::All { records, .. } => records,
            Changes::TooMany => panic!("expected all changes"),
        }
    }
}

async fn control(sandbox: &RunningSandbox, path: &str, body: &Value) -> Value {
    let url = format!("{}/sandbox/{path}", sandbox.url());
    let response = reqwest::Client::new().post(url).json(body).send().await;
    let response = response.expect("an answer");
    let status = response.status();
    let text = response.text().await.expect("a text");
    assert!(status.is_success(), "{path}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// Customers whose outstanding is not what the ledger says.
fn differing(mirror: &Mirror) -> Vec<(String, Decimal, Option<Decimal>)> {
    let customers = mirror.customers.values();
    customers
        .map(|record| {
            let id = record.customer.id.to_string();
            let ours = mirror.outstanding(&id);
            (id, ours, record.customer.ledger_balance)
        })
        .filter(|(_, ours, ledger)| Some(*ours) != *ledger)
        .collect()
}

const GENERATED: Data = Data::Generated {
    customers: 60,
    invoices: 600,
    today: jiff::civil::date(2026, 5, 5),
};

#[tokio::test]
async fn generated_books_tie_out_for_every_customer() {
    let mut set = Set::start(GENERATED).await;
    let mirror = set.load().await;
    assert!(mirror.customers.len() >= 60);
    assert_eq!(differing(&mirror), []);
    let kinds = [
        "invoice",
        "credit_note",
        "payment",
        "journal_entry",
        "cash_sale",
    ];
    for kind in kinds {
        assert!(
            mirror.issued().any(|d| d.id.kind.as_str() == kind),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn the_demo_ties_out_for_every_customer() {
    let today = jiff::civil::date(2026, 5, 5);
    let mut set = Set::start(Data::Demo { today }).await;
    assert_eq!(differing(&set.load().await), []);
}

#[tokio::test]
async fn what_happens_in_the_books_comes_with_the_changes() {
    let mut set = Set::start(GENERATED).await;
    let mut mirror = set.load().await;
    let customer = mirror
        .customers
        .keys()
        .next()
        .expect("a customer")
        .to_string();
    let before = mirror.outstanding(&customer);

    set.clock.advance(SignedDuration::from_secs(600));
    let since = at("2026-05-05T19:05:00Z");
    let sale = json!({"customer": customer, "amount": "250.10"});
    let invoice = control(&set.sandbox, "invoices", &sale).await;
    let money = json!({"customer": customer, "amount": "100", "apply": "oldest"});
    control(&set.sandbox, "payments", &money).await;
    mirror.apply(set.changes(since).await);
    assert_eq!(
        mirror.outstanding(&customer),
        before + super::decimal("150.10")
    );
    assert_eq!(differing(&mirror), []);

    // Voided, it stays and counts no more; deleted, another goes.
    let id = invoice["Invoice"]["Id"]
        .as_str()
        .or(invoice["Id"].as_str())
        .expect("an id");
    let voiding = json!({"entity": "Invoice", "id": id});
    control(&set.sandbox, "void", &voiding).await;
    mirror.apply(set.changes(since).await);
    let document = mirror.document(&format!("invoice:{id}"));
    assert_eq!(document.state, DocumentState::Voided);
    assert_eq!(differing(&mirror), []);

    control(&set.sandbox, "delete", &voiding).await;
    mirror.apply(set.changes(since).await);
    assert!(mirror.documents.keys().all(|(_, known)| known != id));
    assert_eq!(differing(&mirror), []);
}

#[tokio::test]
async fn one_customer_is_read_by_one_batch() {
    let mut set = Set::start(GENERATED).await;
    let mirror = set.load().await;
    let spent = set.meter.spent();
    let id = CustomerId::new(mirror.customers.keys().next().expect("a customer").as_str());
    let records = set
        .provider
        .customer(&set.access, &set.reference, &id)
        .await;
    let records = records.expect("the customer");
    assert_eq!(set.meter.spent() - spent, 1);
    assert_eq!(
        records.customers[0].customer,
        mirror.customers[&id].customer
    );
    for record in &records.documents {
        let known = &mirror.documents[&(record.dataset, record.ledger_id.clone())];
        assert_eq!(record, known);
    }
}

#[tokio::test]
async fn trouble_on_the_way_changes_nothing_in_what_is_read() {
    let mut set = Set::start(GENERATED).await;
    let calm = set.load().await;
    for kind in [
        "throttled",
        "server_error",
        "unavailable",
        "disconnect",
        "truncate",
        "malformed",
    ] {
        set.order(json!({"kind": kind, "times": 1, "matching": "query"}))
            .await;
        assert!(set.load().await == calm, "{kind}");
    }
}

#[tokio::test]
async fn an_ended_token_is_refused_and_a_refreshed_one_is_not() {
    let mut set = Set::start(Data::Empty).await;
    set.provider
        .organization(&set.access)
        .await
        .expect("an organization");
    set.clock.advance(SignedDuration::from_hours(2));
    let refused = set.provider.organization(&set.access).await;
    assert!(
        matches!(refused, Err(ProviderError::Unauthorized { .. })),
        "{refused:?}"
    );

    let authorization = set.provider.authorization();
    let grant = authorization
        .refresh(&set.refresh_token)
        .await
        .expect("a grant");
    set.access.token = grant.access_token;
    let organization = set
        .provider
        .organization(&set.access)
        .await
        .expect("an organization");
    assert_eq!(&*organization.name, "Sandbox Company");

    // A day later its value changes, and the one before is dead.
    set.clock.advance(SignedDuration::from_hours(25));
    let first = grant.refresh_token;
    authorization.refresh(&first).await.expect("a grant");
    let refused = authorization.refresh(&first).await;
    assert!(
        matches!(refused, Err(ProviderError::ConsentLost { .. })),
        "{refused:?}"
    );
}
