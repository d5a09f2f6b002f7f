//! The sandbox in Sage Accounting's wire format.

mod businesses;
mod changes;
mod ledger;
mod limits;
mod lists;
mod recorded;
mod swagger;
mod tokens;

use financial_pulse::sandbox::{CompanyOptions, Data, SandboxOptions};
use reqwest::{Method, Response, StatusCode};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::harness::{Api, REALM, TODAY, options};

/// The second company, where there are two.
const OTHER: &str = "2000000000000002";

/// A sandbox, and an access token of Sage's for all of its companies.
struct Sage {
    api: Api,
    token: String,
}

impl Sage {
    async fn start(options: SandboxOptions) -> Self {
        let realms: Vec<String> = options
            .companies
            .iter()
            .map(|company| company.realm.clone())
            .collect();
        let api = Api::start(options).await;
        let token = grant(&api, &realms).await["access_token"].clone();
        Self {
            api,
            token: text(&token).to_owned(),
        }
    }

    async fn empty() -> Self {
        Self::start(options(Data::Empty)).await
    }

    /// Books with every kind of document.
    async fn full() -> Self {
        Self::start(options(Data::Generated {
            customers: 40,
            invoices: 500,
            today: TODAY,
        }))
        .await
    }

    /// Two companies, the second of them with data.
    async fn two() -> Self {
        let mut options = options(Data::Empty);
        options.companies.push(CompanyOptions {
            realm: OTHER.to_owned(),
            name: "Other Company".to_owned(),
            data: Data::Demo { today: TODAY },
            ..CompanyOptions::default()
        });
        Self::start(options).await
    }

    /// An answer as it comes.
    async fn send(&self, method: Method, path: &str, business: Option<&str>) -> Response {
        let url = format!("{}/sage/v3.1/{path}", self.api.sandbox.url());
        let mut request = self
            .api
            .client
            .request(method, url)
            .bearer_auth(&self.token);
        if let Some(business) = business {
            request = request.header("X-Business", business);
        }
        request.send().await.unwrap()
    }

    /// Status and body of a read, of the lead business.
    async fn read(&self, path: &str) -> (StatusCode, Value) {
        let response = self.send(Method::GET, path, None).await;
        let status = response.status();
        (status, response.json().await.unwrap())
    }

    /// The body of a read that must succeed.
    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.read(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// The items of one page that must succeed.
    async fn items(&self, path: &str) -> Vec<Value> {
        self.get(path).await["$items"].as_array().unwrap().clone()
    }

    /// All items of a list with all members, by following `$next`.
    async fn all(&self, list: &str, more: &str) -> Vec<Value> {
        let mut path = format!("{list}?items_per_page=200&attributes=all{more}");
        let mut all = Vec::new();
        loop {
            let page = self.get(&path).await;
            all.extend(page["$items"].as_array().unwrap().iter().cloned());
            if let Some(next) = page["$next"].as_str() {
                next.trim_start_matches('/').clone_into(&mut path);
            } else {
                assert_eq!(page["$total"], json!(all.len()));
                return all;
            }
        }
    }

    async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        self.api.control(method, path, body).await
    }

    /// A customer of this name; gives the contact.
    async fn customer(&self, name: &str) -> Value {
        self.api
            .write("Customer", json!({"DisplayName": name}))
            .await;
        self.contact(name).await
    }

    /// The contact of a name, with its balance.
    async fn contact(&self, name: &str) -> Value {
        let search: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let path = format!("contacts?attributes=all&show_balance=true&search={search}");
        let found = self.items(&path).await;
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        found[0].clone()
    }

    /// Bills a customer, as QuickBooks tells it.
    async fn bill(&self, customer: &str, amount: &str) -> Value {
        let body = json!({"customer": customer, "amount": amount});
        self.control(Method::POST, "/invoices", body).await
    }

    /// How often something was counted.
    async fn count(&self, what: &str) -> u64 {
        let counts = self
            .control(Method::GET, "/counts?format=sage", Value::Null)
            .await;
        counts[REALM][what].as_u64().unwrap_or(0)
    }
}

/// Tokens that reach these companies.
async fn grant(api: &Api, realms: &[String]) -> Value {
    let body = json!({"format": "sage", "companies": realms});
    api.control(Method::POST, "/tokens", body).await
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}

/// An amount: a text.
fn amount(value: &Value) -> Decimal {
    text(value).parse().unwrap()
}
