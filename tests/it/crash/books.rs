//! The sandbox's books as these tests meet them: through the control endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use financial_pulse::sandbox::{
    CompanyOptions, Data, Limits, Rotation, RunningSandbox, Sandbox, SandboxOptions, TokenPolicy,
};
use jiff::civil::{Date, date};
use reqwest::{Client, Method, StatusCode};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// The company whose books are read.
pub(super) const REALM: &str = "1000000000000001";
/// Another company, whose books are never to be mixed in.
pub(super) const OTHER_REALM: &str = "1000000000000002";

/// The day that nothing in the generated books is later than.
const TODAY: Date = date(2026, 5, 5);

/// A sandbox under test.
pub(super) struct Books {
    sandbox: Option<RunningSandbox>,
    url: String,
    client: Client,
}

/// How often the sandbox was asked what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counts(BTreeMap<String, BTreeMap<String, u64>>);

impl Counts {
    /// How often the company was asked for a kind of thing (`query Invoice`, `cdc`).
    pub(super) fn asked(&self, what: &str) -> u64 {
        self.of(REALM, what)
    }

    /// How often tokens were refreshed, and how often that was refused.
    pub(super) fn refreshes(&self) -> (u64, u64) {
        (
            self.of("oauth", "refresh_token"),
            self.of("oauth", "invalid_grant"),
        )
    }

    /// Every request for records, the queries of all entities and the questions for changes.
    pub(super) fn reads(&self) -> u64 {
        ["query", "read", "cdc", "batch"]
            .map(|kind| self.asked(kind))
            .iter()
            .sum()
    }

    fn of(&self, under: &str, what: &str) -> u64 {
        let counts = self.0.get(under);
        counts
            .and_then(|counts| counts.get(what))
            .copied()
            .unwrap_or_default()
    }
}

impl Books {
    /// Invented books, in which every refresh of tokens kills the old ones.
    pub(super) async fn start(customers: usize, invoices: usize) -> Self {
        let company = |realm: &str, data| CompanyOptions {
            realm: realm.to_owned(),
            data,
            ..CompanyOptions::default()
        };
        let generated = Data::Generated {
            customers,
            invoices,
            today: TODAY,
        };
        let sandbox = Sandbox::start(SandboxOptions {
            companies: vec![company(REALM, generated), company(OTHER_REALM, Data::Empty)],
            limits: Limits::NONE,
            tokens: TokenPolicy {
                rotation: Rotation::Always,
                ..TokenPolicy::default()
            },
            ..SandboxOptions::default()
        })
        .await
        .expect("a sandbox");
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        let books = Self {
            url: sandbox.url(),
            sandbox: Some(sandbox),
            client: client.build().expect("a client"),
        };
        // However small the books, somebody owes something.
        let balances = books.balances().await;
        let customer = balances.keys().next().expect("a customer");
        books.bill(customer, "250.00").await;
        books
    }

    /// Its base address.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Goes down at once.
    pub(super) async fn shut_down(&mut self) {
        self.sandbox.take().expect("running").shutdown().await;
    }

    /// Access and refresh token of a new consent.
    pub(super) async fn tokens(&self) -> (String, String) {
        let tokens = self.post("tokens", json!({ "company": REALM })).await;
        let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        (token("access_token"), token("refresh_token"))
    }

    /// Ends the access tokens, so that the next call has to refresh them.
    pub(super) async fn expire_access(&self) {
        let expiry = json!({ "company": REALM, "which": "access" });
        self.post("tokens/expire", expiry).await;
    }

    /// How long each query takes from here on.
    pub(super) async fn slow_down(&self, delay: Duration) {
        let delay = json!({
            "company": REALM,
            "milliseconds": u64::try_from(delay.as_millis()).expect("short"),
        });
        self.call(Method::PUT, "/delay", &delay).await;
    }

    /// Orders trouble.
    pub(super) async fn order(&self, trouble: Value) {
        self.post("faults", trouble).await;
    }

    /// Takes back every order of trouble.
    pub(super) async fn clear_troubles(&self) {
        self.call(Method::DELETE, "/faults", &Value::Null).await;
    }

    /// Whether every order of trouble has been met.
    pub(super) async fn troubles_met(&self) -> bool {
        self.call(Method::GET, "/faults", &Value::Null).await == json!([])
    }

    /// How often it was asked what since [`Self::reset_counts`].
    pub(super) async fn counts(&self) -> Counts {
        let counts = self.call(Method::GET, "/counts", &Value::Null).await;
        Counts(serde_json::from_value(counts).expect("counts"))
    }

    /// Counts anew.
    pub(super) async fn reset_counts(&self) {
        self.call(Method::DELETE, "/counts", &Value::Null).await;
    }

    /// How many customers the company has, and how many documents by entity.
    pub(super) async fn sizes(&self) -> (usize, BTreeMap<String, usize>) {
        let all = self.call(Method::GET, "", &Value::Null).await;
        let companies = all["companies"].as_array().expect("companies");
        let company = companies.iter().find(|company| company["company"] == REALM);
        let company = company.expect("the company");
        let customers = company["customers"].as_u64().expect("a number");
        let documents = serde_json::from_value(company["documents"].clone()).expect("numbers");
        (usize::try_from(customers).expect("fits"), documents)
    }

    /// What every customer owes by the ledger, by id.
    pub(super) async fn balances(&self) -> BTreeMap<String, Decimal> {
        let path = format!("/balances?company={REALM}");
        let answer = self.call(Method::GET, &path, &Value::Null).await;
        let customers = answer["customers"].as_array().expect("customers");
        customers
            .iter()
            .map(|customer| {
                let id = customer["id"].as_str().expect("an id").to_owned();
                let balance = customer["balance"].to_string();
                (id, balance.parse().expect("an amount"))
            })
            .collect()
    }

    /// A customer who owes something.
    pub(super) async fn debtor(&self) -> (String, Decimal) {
        let balances = self.balances().await;
        let debtor = balances.into_iter().find(|(_, owed)| *owed > Decimal::TEN);
        debtor.expect("somebody owes something")
    }

    /// Bills a customer; answers with the invoice's id.
    pub(super) async fn bill(&self, customer: &str, amount: &str) -> String {
        let invoice = json!({ "company": REALM, "customer": customer, "amount": amount });
        let invoice = self.post("invoices", invoice).await;
        invoice["Id"].as_str().expect("an id").to_owned()
    }

    /// Takes a customer's money for the invoices that are due first.
    pub(super) async fn pay(&self, customer: &str, amount: &str) {
        let payment = json!({ "company": REALM, "customer": customer, "amount": amount });
        self.post("payments", payment).await;
    }

    /// Deletes an invoice.
    pub(super) async fn delete_invoice(&self, id: &str) {
        let invoice = json!({ "company": REALM, "entity": "Invoice", "id": id });
        self.post("delete", invoice).await;
    }

    /// Consents as a person does at the address printed for it, for the books of `realm`; answers
    /// with the address that the browser is sent back to.
    pub(super) async fn consent(&self, address: &str, realm: &str) -> String {
        let address = url::Url::parse(address).expect("an address");
        assert_eq!(address.path(), "/connect/oauth2");
        let page = self.client.get(address.clone()).send().await;
        assert_eq!(page.expect("a page").status(), StatusCode::OK);
        let mut form: BTreeMap<String, String> = address.query_pairs().into_owned().collect();
        form.insert("realm".to_owned(), realm.to_owned());
        let decided = self.client.post(format!("{}/connect/oauth2", self.url));
        let decided = decided.form(&form).send().await.expect("an answer");
        assert!(decided.status().is_redirection(), "{}", decided.status());
        let back = decided.headers().get("location").expect("an address");
        back.to_str().expect("text").to_owned()
    }

    /// Sends webhooks by a hook from here on.
    pub(super) async fn send_webhooks(&self, hook: Value) {
        self.call(Method::PUT, "/webhooks?format=quickbooks", &hook)
            .await;
    }

    /// Sends what waits, as ordered; answers with the status that the receiver gave.
    pub(super) async fn deliver(&self, order: Value) -> u64 {
        let answer = self.post("webhooks/deliver", order).await;
        answer["status"].as_u64().expect("a status")
    }

    async fn post(&self, what: &str, body: Value) -> Value {
        self.call(Method::POST, &format!("/{what}"), &body).await
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}/sandbox{path}", self.url);
        let request = self.client.request(method, url).json(body);
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let text = response.text().await.expect("a text");
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }
}
