//! A sandbox under test, and a client for it.

use std::sync::Arc;

use financial_pulse::clock::{Clock, ManualClock};
use financial_pulse::sandbox::{
    CompanyOptions, Data, Limits, RunningSandbox, Sandbox, SandboxOptions,
};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

/// The day of every test.
pub(super) const TODAY: Date = date(2026, 5, 5);
/// The company of every test that has one.
pub(super) const REALM: &str = "1000000000000001";

/// Noon of [`TODAY`] in the companies' zone.
pub(super) fn noon() -> Timestamp {
    "2026-05-05T12:00:00-07:00".parse().unwrap()
}

/// A sandbox, its clock, and an access token for its first company.
pub(super) struct Api {
    pub(super) sandbox: RunningSandbox,
    pub(super) clock: Arc<ManualClock>,
    pub(super) client: Client,
    pub(super) token: String,
}

/// Options for one company, without limits.
pub(super) fn options(data: Data) -> SandboxOptions {
    SandboxOptions {
        companies: vec![CompanyOptions {
            data,
            ..CompanyOptions::default()
        }],
        limits: Limits::NONE,
        ..SandboxOptions::default()
    }
}

impl Api {
    /// Starts a sandbox at noon.
    pub(super) async fn start(mut options: SandboxOptions) -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let realm = options.companies[0].realm.clone();
        let sandbox = Sandbox::start(options).await.unwrap();
        let mut api = Self {
            sandbox,
            clock,
            client: Client::builder().build().unwrap(),
            token: String::new(),
        };
        let tokens = api
            .control(Method::POST, "/tokens", json!({"company": realm}))
            .await;
        tokens["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut api.token);
        api
    }

    /// A sandbox with the empty company.
    pub(super) async fn empty() -> Self {
        Self::start(options(Data::Empty)).await
    }

    /// A call of the control endpoint that must succeed.
    pub(super) async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let response = self
            .client
            .request(method, format!("{}/sandbox{path}", self.sandbox.url()))
            .json(&body)
            .send()
            .await
            .unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// A request to a company, as it comes back.
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&str>) -> Response {
        let url = format!("{}/v3/company/{REALM}/{path}", self.sandbox.url());
        let mut request = self
            .client
            .request(method, url)
            .bearer_auth(&self.token)
            .header("accept", "application/json");
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_owned());
        }
        request.send().await.unwrap()
    }

    /// Status and JSON of a request.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&str>,
    ) -> (StatusCode, Value) {
        let response = self.send(method, path, body).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        (status, json)
    }

    /// A write that must succeed; gives the entity.
    pub(super) async fn write(&self, entity: &str, body: Value) -> Value {
        let (status, answer) = self
            .call(
                Method::POST,
                &entity.to_lowercase(),
                Some(&body.to_string()),
            )
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer[entity].clone()
    }

    /// A write that must be refused; gives the code.
    pub(super) async fn refused(&self, path: &str, body: Value) -> String {
        let (status, answer) = self.call(Method::POST, path, Some(&body.to_string())).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        answer["Fault"]["Error"][0]["code"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// One record by its id.
    pub(super) async fn read(&self, entity: &str, id: &str) -> Value {
        let (status, answer) = self
            .call(
                Method::GET,
                &format!("{}/{id}", entity.to_lowercase()),
                None,
            )
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer[entity].clone()
    }

    /// Status and JSON of a statement.
    pub(super) async fn query(&self, statement: &str) -> (StatusCode, Value) {
        let encoded: String = url::form_urlencoded::byte_serialize(statement.as_bytes()).collect();
        self.call(Method::GET, &format!("query?query={encoded}"), None)
            .await
    }

    /// The contents of `QueryResponse` of a statement that must succeed.
    pub(super) async fn found(&self, statement: &str) -> Value {
        let (status, answer) = self.query(statement).await;
        assert_eq!(status, StatusCode::OK, "{statement}: {answer}");
        answer["QueryResponse"].clone()
    }

    /// All rows of an entity, page by page.
    pub(super) async fn all(&self, entity: &str, more: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        loop {
            let page = self
                .found(&format!(
                    "SELECT * FROM {entity} {more} STARTPOSITION {} MAXRESULTS 1000",
                    rows.len() + 1
                ))
                .await;
            match page.get(entity).and_then(Value::as_array) {
                Some(page) => rows.extend(page.iter().cloned()),
                None => return rows,
            }
        }
    }

    /// Every customer's balance must equal what the documents add up to.
    pub(super) async fn assert_ties_out(&self) {
        let balances = self
            .control(
                Method::GET,
                &format!("/balances?company={REALM}"),
                Value::Null,
            )
            .await;
        for customer in balances["customers"].as_array().unwrap() {
            assert_eq!(customer["balance"], customer["computed"], "{customer}");
        }
    }
}

/// A JSON number as an exact decimal.
pub(super) fn decimal(value: &Value) -> rust_decimal::Decimal {
    value
        .to_string()
        .parse()
        .unwrap_or_else(|error| panic!("{value} is no amount: {error}"))
}

/// An exact decimal of a text in a test.
pub(super) fn dec(text: &str) -> rust_decimal::Decimal {
    text.parse()
        .unwrap_or_else(|error| panic!("{text} is no amount: {error}"))
}

/// An exact decimal as a JSON number.
pub(super) fn number(amount: rust_decimal::Decimal) -> Value {
    serde_json::from_str(&amount.to_string())
        .unwrap_or_else(|error| panic!("{amount} is no number: {error}"))
}
