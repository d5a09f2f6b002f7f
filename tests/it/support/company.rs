//! A company kept in memory and served over HTTP with QuickBooks' paging: positions count from 1 in
//! the order asked for, nothing is a snapshot, an empty answer has no entity key, inactive names are
//! hidden unless asked for. It knows the statements that the connector writes and refuses others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The entities by name, each with its rows in no promised order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Company {
    pub(crate) entities: BTreeMap<String, Vec<Value>>,
    pub(crate) info: Value,
    pub(crate) preferences: Value,
    /// The statements asked so far.
    pub(crate) statements: Vec<String>,
}

/// Changes the company just before a statement is answered.
type BeforeQuery = Box<dyn FnMut(&mut Company, &str) + Send>;

struct Served {
    company: Company,
    before_query: Option<BeforeQuery>,
}

/// A company that is being served; it ends with the test.
#[derive(Clone)]
pub(crate) struct CompanyServer {
    pub(crate) url: String,
    served: Arc<Mutex<Served>>,
}

impl CompanyServer {
    /// Serves a company on a free port.
    pub(crate) async fn start(company: Company) -> Self {
        Self::start_changing(company, None).await
    }

    /// Serves a company that changes before each query.
    pub(crate) async fn start_changing(
        company: Company,
        before_query: Option<BeforeQuery>,
    ) -> Self {
        let served = Arc::new(Mutex::new(Served {
            company,
            before_query,
        }));
        let router = Router::new()
            .route("/v3/company/{realm}/query", post(query))
            .route("/v3/company/{realm}/batch", post(batch))
            .route("/v3/company/{realm}/cdc", get(changes))
            .route("/v3/company/{realm}/companyinfo/{id}", get(company_info))
            .route("/v3/company/{realm}/preferences", get(preferences))
            .with_state(Arc::clone(&served));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, served }
    }

    /// Looks at the company, or changes it.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Company) -> T) -> T {
        look(&mut lock(&self.served).company)
    }
}

fn lock(served: &Mutex<Served>) -> MutexGuard<'_, Served> {
    served.lock().expect("unpoisoned")
}

type Shared = State<Arc<Mutex<Served>>>;

async fn query(State(served): Shared, _realm: Path<String>, statement: String) -> Response {
    let mut served = lock(&served);
    let served = &mut *served;
    if let Some(change) = &mut served.before_query {
        change(&mut served.company, &statement);
    }
    served.company.statements.push(statement.clone());
    match served.company.select(&statement) {
        Ok(response) => {
            axum::Json(json!({"QueryResponse": response, "time": TIME})).into_response()
        }
        Err(fault) => (StatusCode::BAD_REQUEST, axum::Json(fault)).into_response(),
    }
}

async fn batch(
    State(served): Shared,
    _realm: Path<String>,
    axum::Json(request): axum::Json<Value>,
) -> axum::Json<Value> {
    let mut served = lock(&served);
    let questions = request["BatchItemRequest"].as_array().expect("a batch");
    // Answered in another order than asked: no order is promised.
    let items: Vec<Value> = questions
        .iter()
        .rev()
        .map(|question| {
            let statement = question["Query"].as_str().expect("a query");
            served.company.statements.push(statement.to_owned());
            let mut item = match served.company.select(statement) {
                Ok(response) => json!({ "QueryResponse": response }),
                Err(fault) => fault,
            };
            item["bId"] = question["bId"].clone();
            item
        })
        .collect();
    axum::Json(json!({"BatchItemResponse": items, "time": TIME}))
}

/// What changed since a time, each entity that was asked for; one without a change gives `{}`.
async fn changes(
    State(served): Shared,
    Query(asked): Query<BTreeMap<String, String>>,
) -> axum::Json<Value> {
    let served = lock(&served);
    let since: Timestamp = asked["changedSince"].parse().expect("an instant");
    let entities: Vec<Value> = asked["entities"]
        .split(',')
        .map(|entity| {
            let rows = served.company.entities.get(entity).into_iter().flatten();
            let changed: Vec<&Value> = rows.filter(|row| changed_at(row) >= since).collect();
            if changed.is_empty() {
                return json!({});
            }
            json!({entity: changed, "startPosition": 1, "maxResults": changed.len()})
        })
        .collect();
    axum::Json(json!({"CDCResponse": [{"QueryResponse": entities}], "time": TIME}))
}

async fn company_info(State(served): Shared) -> axum::Json<Value> {
    axum::Json(lock(&served).company.info.clone())
}

async fn preferences(State(served): Shared) -> axum::Json<Value> {
    axum::Json(lock(&served).company.preferences.clone())
}

/// The time of every answer.
pub(crate) const TIME: &str = "2026-05-05T05:30:00.123-07:00";

fn fault(code: &str, detail: &str) -> Value {
    json!({"Fault": {"Error": [{"Message": "Refused", "Detail": detail, "code": code}], "type": "ValidationFault"}, "time": TIME})
}

/// The time of a row's last change.
pub(crate) fn changed_at(row: &Value) -> Timestamp {
    let text = row["MetaData"]["LastUpdatedTime"].as_str().expect("a time");
    text.parse().expect("an instant")
}

impl Company {
    /// The rows of an entity.
    pub(crate) fn rows(&mut self, entity: &str) -> &mut Vec<Value> {
        self.entities.entry(entity.to_owned()).or_default()
    }

    fn select(&self, statement: &str) -> Result<Value, Value> {
        let (head, limits) = split(statement, " STARTPOSITION ");
        let (head, order) = split(head, " ORDERBY ");
        let (head, filters) = split(head, " WHERE ");
        let (what, entity) = head
            .strip_prefix("SELECT ")
            .and_then(|head| head.split_once(" FROM "))
            .ok_or_else(|| fault("4000", "parse error"))?;
        let names = ["Account", "Term", "Item", "Customer"];
        let mut rows: Vec<&Value> = self
            .entities
            .get(entity)
            .map(|rows| rows.iter().collect())
            .unwrap_or_default();
        let filters = filters.unwrap_or_default();
        if names.contains(&entity) && !filters.contains("Active IN (true, false)") {
            rows.retain(|row| row["Active"] != json!(false));
        }
        for filter in filters.split(" AND ").filter(|filter| !filter.is_empty()) {
            let keep = filter_of(filter)?;
            rows.retain(|row| keep(row));
        }
        if what == "COUNT(*)" {
            return Ok(json!({"totalCount": rows.len()}));
        }
        match order {
            None => {}
            // Rows of one time come in the order of their ids.
            Some("MetaData.LastUpdatedTime") => {
                rows.sort_by_cached_key(|row| (changed_at(row), id_order(row)));
            }
            Some(other) => return Err(fault("4001", other)),
        }
        let (start, max) = match limits {
            None => (1, 100),
            Some(limits) => {
                let (start, max) = limits
                    .split_once(" MAXRESULTS ")
                    .ok_or_else(|| fault("4000", "limits"))?;
                (number(start)?, number(max)?)
            }
        };
        if start < 1 || !(1..=1000).contains(&max) {
            return Err(fault("4001", "paging value"));
        }
        let page: Vec<&Value> = rows.into_iter().skip(start - 1).take(max).collect();
        if page.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        Ok(json!({entity: page, "startPosition": start, "maxResults": page.len()}))
    }
}

fn split<'a>(text: &'a str, at: &str) -> (&'a str, Option<&'a str>) {
    text.split_once(at)
        .map_or((text, None), |(head, tail)| (head, Some(tail)))
}

fn number(text: &str) -> Result<usize, Value> {
    text.parse().map_err(|_| fault("4000", "number"))
}

fn id_order(row: &Value) -> u64 {
    row["Id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .unwrap_or(0)
}

/// Whether a row passes.
type Filter = Box<dyn Fn(&Value) -> bool>;

fn filter_of(filter: &str) -> Result<Filter, Value> {
    let unquoted = |value: &str| {
        let inner = value.strip_prefix('\'')?.strip_suffix('\'')?;
        Some(inner.replace("\\'", "'").replace("\\\\", "\\"))
    };
    if filter == "Active IN (true, false)" {
        return Ok(Box::new(|_| true));
    }
    if let Some(id) = filter.strip_prefix("Id = ").and_then(unquoted) {
        return Ok(Box::new(move |row| row["Id"] == json!(id)));
    }
    if let Some(id) = filter.strip_prefix("CustomerRef = ").and_then(unquoted) {
        return Ok(Box::new(move |row| {
            row["CustomerRef"]["value"] == json!(id)
        }));
    }
    if let Some(time) = filter
        .strip_prefix("MetaData.LastUpdatedTime >= ")
        .and_then(unquoted)
    {
        let time: Timestamp = time.parse().map_err(|_| fault("4001", "time"))?;
        return Ok(Box::new(move |row| changed_at(row) >= time));
    }
    Err(fault("4001", filter))
}
