//! The sandbox in Xero's wire format.

mod ledger;
mod limits;
mod lists;
mod shape;
mod tokens;

use financial_pulse::sandbox::{Data, SandboxOptions};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::harness::{Api, REALM, options};

/// A sandbox with a token for its organisation.
pub(super) struct Xero {
    pub(super) api: Api,
    pub(super) token: String,
    pub(super) refresh_token: String,
    pub(super) tenant: String,
}

/// Options without limits in any format.
pub(super) fn unlimited(data: Data) -> SandboxOptions {
    options(data).without_limits()
}

impl Xero {
    pub(super) async fn start(options: SandboxOptions) -> Self {
        let mut xero = Self {
            token: String::new(),
            refresh_token: String::new(),
            tenant: String::new(),
            api: Api::start(options).await,
        };
        xero.take_tokens().await;
        let connections: Value = xero
            .url("/connections")
            .bearer_auth(&xero.token)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        connections[0]["tenantId"]
            .as_str()
            .unwrap()
            .clone_into(&mut xero.tenant);
        xero
    }

    /// New tokens, without a consent.
    pub(super) async fn take_tokens(&mut self) {
        let tokens = self
            .order("/tokens", json!({"format": "xero", "company": REALM}))
            .await;
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        self.token = text("access_token");
        self.refresh_token = text("refresh_token");
    }

    /// The empty company.
    pub(super) async fn empty() -> Self {
        Self::start(unlimited(Data::Empty)).await
    }

    /// A request below `/xero`.
    pub(super) fn url(&self, path: &str) -> RequestBuilder {
        let url = format!("{}/xero{path}", self.api.sandbox.url());
        self.api.client.get(url)
    }

    /// A request to the accounting API.
    pub(super) fn request(&self, path: &str) -> RequestBuilder {
        self.url(&format!("/api.xro/2.0/{path}"))
            .bearer_auth(&self.token)
            .header("xero-tenant-id", &self.tenant)
            .header("accept", "application/json")
    }

    pub(super) async fn send(&self, path: &str) -> Response {
        self.request(path).send().await.unwrap()
    }

    /// An answer of success, as it came.
    pub(super) async fn text(&self, path: &str) -> String {
        let response = self.send(path).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    /// An answer of success.
    pub(super) async fn get(&self, path: &str) -> Value {
        let text = self.text(path).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The rows of a list: what the path begins with.
    pub(super) async fn rows(&self, path: &str) -> Vec<Value> {
        let word = path.split(['?', '/']).next().unwrap();
        self.get(path).await[word].as_array().unwrap().clone()
    }

    /// The only row of a list.
    pub(super) async fn one(&self, path: &str) -> Value {
        let rows = self.rows(path).await;
        assert_eq!(rows.len(), 1, "{path}: {rows:#?}");
        rows[0].clone()
    }

    /// A control call that must succeed.
    pub(super) async fn order(&self, path: &str, body: Value) -> Value {
        self.api.control(Method::POST, path, body).await
    }

    /// A customer.
    pub(super) async fn customer(&self, name: &str) {
        self.order("/customers", json!({"name": name})).await;
    }

    /// An invoice; gives its id in the books.
    pub(super) async fn invoice(&self, customer: &str, number: &str, amount: &str) -> String {
        let body =
            json!({"customer": customer, "number": number, "amount": amount, "due_days": 30});
        self.order("/invoices", body).await["Id"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}
