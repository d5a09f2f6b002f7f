//! A business kept in memory and served over HTTP with Sage's lists: pages by number over live data, a
//! page past the end is the last one once more, `$next` is never filled, a row shows what it is asked
//! for and no more, and the header that names the business comes back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Below the address of the API (`sales_invoices`).
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) business: Option<String>,
}

impl Asked {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter();
        query
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.get(name).map(|text| text.parse().expect("a number"))
    }
}

/// What a business holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Business {
    /// Rows by the list's path; a deleted one has `deleted_at`.
    pub(super) lists: BTreeMap<String, Vec<Value>>,
    /// What is no list (`financial_settings`).
    pub(super) single: BTreeMap<String, Value>,
    /// Larger pages are answered with this status.
    pub(super) too_heavy: Option<(usize, u16)>,
    pub(super) asked: Vec<Asked>,
}

impl Business {
    pub(super) fn list(&mut self, path: &str) -> &mut Vec<Value> {
        self.lists.entry(path.to_owned()).or_default()
    }

    /// A row by its id.
    pub(super) fn row(&mut self, path: &str, id: &str) -> &mut Value {
        let mut rows = self.list(path).iter_mut();
        rows.find(|row| row["id"] == id).expect("such a row")
    }

    fn answer(&self, asked: &Asked) -> Response {
        if let Some(single) = self.single.get(&asked.path) {
            return axum::Json(single.clone()).into_response();
        }
        let mut path = asked.path.splitn(2, '/');
        let name = path.next().unwrap_or_default();
        let rows = self.lists.get(name).map(Vec::as_slice).unwrap_or_default();
        if let Some(id) = path.next() {
            let found = rows
                .iter()
                .find(|row| row["id"] == id && row.get("deleted_at").is_none());
            return match found {
                Some(row) => axum::Json(shown(row, asked)).into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            };
        }
        let size = asked.number("items_per_page").expect("a size");
        assert!((1..=200).contains(&size), "{size} rows");
        if let Some((above, status)) = self.too_heavy
            && size > above
        {
            return StatusCode::from_u16(status)
                .expect("a status")
                .into_response();
        }
        let mut rows: Vec<&Value> = rows.iter().filter(|row| is_asked(row, asked)).collect();
        if asked.get("sort") == Some("updated_at:asc") {
            rows.sort_by_key(|row| time(&row["updated_at"]));
        }
        let page = asked.number("page").expect("a page");
        let last = rows.len().div_ceil(size).max(1);
        let start = (page.min(last) - 1) * size;
        let end = (start + size).min(rows.len());
        let items: Vec<_> = rows[start..end]
            .iter()
            .map(|row| shown(row, asked))
            .collect();
        axum::Json(json!({
            "$total": rows.len(), "$page": page.min(last), "$next": null, "$back": null,
            "$itemsPerPage": size, "$items": items,
        }))
        .into_response()
    }
}

fn time(value: &Value) -> Timestamp {
    let text = value.as_str().expect("a time");
    text.parse().expect("an instant")
}

fn is_asked(row: &Value, asked: &Asked) -> bool {
    let deleted = row.get("deleted_at").map(time);
    let since = |name| asked.get(name).map(|text| time(&json!(text)));
    let of_time = match (since("deleted_since"), deleted) {
        (Some(since), Some(deleted)) => deleted > since,
        (Some(_), None) | (None, Some(_)) => false,
        (None, None) => {
            since("updated_or_created_since").is_none_or(|since| time(&row["updated_at"]) >= since)
        }
    };
    let named = |name: &str, value: &Value| asked.get(name).is_none_or(|asked| value == asked);
    let types = &row["contact_types"][0]["id"];
    of_time
        && named("contact_id", &row["contact"]["id"])
        && named("transaction_type_id", &row["transaction_type"]["id"])
        && (types.is_null() || named("contact_type_id", types))
}

/// A row with what is asked for: by itself it shows what it is only.
fn shown(row: &Value, asked: &Asked) -> Value {
    let attributes: Vec<_> = asked
        .get("attributes")
        .unwrap_or_default()
        .split(',')
        .collect();
    let row = row.as_object().expect("an object");
    let mut shown = Map::new();
    for (name, value) in row {
        let always = ["id", "displayed_as", "$path"].contains(&name.as_str());
        let hidden = name == "balance" && asked.get("show_balance") != Some("true");
        if always || (attributes.contains(&name.as_str()) && !hidden) {
            shown.insert(name.clone(), value.clone());
        }
    }
    Value::Object(shown)
}

/// Changes the business just before a request is answered.
type Before = Box<dyn FnMut(&mut Business, &Asked) + Send>;

struct Served {
    business: Business,
    before: Option<Before>,
}

/// A business that is being served; it ends with the test.
#[derive(Clone)]
pub(super) struct BusinessServer {
    pub(super) url: String,
    served: Arc<Mutex<Served>>,
}

impl BusinessServer {
    pub(super) async fn start(business: Business) -> Self {
        Self::start_changing(business, None).await
    }

    pub(super) async fn start_changing(business: Business, before: Option<Before>) -> Self {
        let served = Arc::new(Mutex::new(Served { business, before }));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&served));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, served }
    }

    /// Looks at the business, or changes it.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Business) -> T) -> T {
        look(&mut lock(&self.served).business)
    }

    /// The requests so far, which are forgotten.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.with(|business| std::mem::take(&mut business.asked))
    }
}

fn lock(served: &Mutex<Served>) -> MutexGuard<'_, Served> {
    served.lock().expect("unpoisoned")
}

async fn answer(
    State(served): State<Arc<Mutex<Served>>>,
    uri: Uri,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let business = headers
        .get("x-business")
        .map(|value| value.to_str().expect("text").to_owned());
    let asked = Asked {
        path: uri.path().trim_start_matches('/').to_owned(),
        query,
        business: business.clone(),
    };
    let mut served = lock(&served);
    let served = &mut *served;
    served.business.asked.push(asked.clone());
    if let Some(before) = &mut served.before {
        before(&mut served.business, &asked);
    }
    let mut response = served.business.answer(&asked);
    if let Some(business) = business {
        let business = business.parse().expect("a header value");
        response.headers_mut().insert("x-business", business);
    }
    response
}
