//! Books kept in memory and served with Xero's paging: only what is asked for with `page` has pages,
//! positions count in the order asked for, the default order is the time of change, nothing is a
//! snapshot, archived contacts are hidden unless asked for. It knows the parameters that the connector
//! sends and refuses others.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Path as Segment, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ACCOUNT, RECORDED, TOKEN, body};

/// The lists by resource, each with its rows in no promised order.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub(super) lists: BTreeMap<String, Vec<Value>>,
    pub(super) organisation: Value,
    /// The time of every answer, in milliseconds since 1970.
    pub(super) now: i64,
    /// The questions so far: resource, parameters, and the time of `If-Modified-Since`.
    pub(super) asked: Vec<Asked>,
}

/// A question as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) resource: String,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) since: Option<String>,
}

/// Changes the books just before a question is answered.
type BeforeAnswer = Box<dyn FnMut(&mut Books, &Asked) + Send>;

struct Served {
    books: Books,
    before_answer: Option<BeforeAnswer>,
}

/// Books that are being served; it ends with the test.
#[derive(Clone)]
pub(super) struct BooksServer {
    pub(super) url: String,
    served: Arc<Mutex<Served>>,
}

impl BooksServer {
    pub(super) async fn start(books: Books) -> Self {
        Self::start_changing(books, None).await
    }

    /// Serves books that change before each answer.
    pub(super) async fn start_changing(books: Books, before_answer: Option<BeforeAnswer>) -> Self {
        let served = Arc::new(Mutex::new(Served {
            books,
            before_answer,
        }));
        let router = Router::new()
            .route("/api.xro/2.0/{resource}", get(list))
            .route("/api.xro/2.0/{resource}/{id}", get(single))
            .with_state(Arc::clone(&served));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, served }
    }

    /// Looks at the books, or changes them.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut lock(&self.served).books)
    }
}

fn lock(served: &Mutex<Served>) -> MutexGuard<'_, Served> {
    served.lock().expect("unpoisoned")
}

type Shared = State<Arc<Mutex<Served>>>;

async fn list(
    State(served): Shared,
    Segment(resource): Segment<String>,
    Query(parameters): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let since = headers.get("if-modified-since");
    let asked = Asked {
        resource,
        parameters,
        since: since.map(|since| since.to_str().expect("text").to_owned()),
    };
    answer(&served, &headers, asked, Books::list)
}

async fn single(
    State(served): Shared,
    Segment((resource, id)): Segment<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let asked = Asked {
        resource,
        parameters: BTreeMap::from([("id".to_owned(), id)]),
        since: None,
    };
    answer(&served, &headers, asked, Books::single)
}

fn answer(
    served: &Mutex<Served>,
    headers: &HeaderMap,
    asked: Asked,
    read: impl Fn(&Books, &Asked) -> Result<Value, StatusCode>,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(
        header("authorization"),
        Some(format!("Bearer {TOKEN}").as_str())
    );
    assert_eq!(header("xero-tenant-id"), Some(ACCOUNT));
    assert_eq!(header("accept"), Some("application/json"));
    let mut served = lock(served);
    let served = &mut *served;
    if let Some(change) = &mut served.before_answer {
        change(&mut served.books, &asked);
    }
    let answer = read(&served.books, &asked);
    served.books.asked.push(asked);
    match answer {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(status) => status.into_response(),
    }
}

/// `/Date(…)/` of an instant, as of a calendar day's midnight.
pub(super) fn ticks(millis: i64) -> Value {
    json!(format!("/Date({millis}+0000)/"))
}

/// The milliseconds of `/Date(…)/`.
pub(super) fn millis(ticks: &Value) -> i64 {
    let text = ticks.as_str().expect("a date");
    let inner = text.strip_prefix("/Date(").expect("a date");
    let digits = inner.split(['+', ')']).next().expect("digits");
    digits.parse().expect("milliseconds")
}

impl Books {
    /// The company recorded in April 2026.
    pub(super) fn recorded(xero: &Path) -> Self {
        let folder = xero.join(RECORDED);
        let mut books = Self {
            now: 1_777_034_754_042,
            ..Self::default()
        };
        for (resource, file) in [
            ("Contacts", "contacts-page1.json"),
            ("Invoices", "invoices-page1.json"),
            ("CreditNotes", "credit-notes-page1.json"),
            ("Payments", "payments-page1.json"),
            ("Items", "items.json"),
        ] {
            let rows = body(&folder.join(file))[resource].take();
            books
                .rows(resource)
                .extend(rows.as_array().expect("rows").iter().cloned());
        }
        books.organisation = body(&folder.join("organisation.json"))["Organisations"][0].take();
        books
    }

    /// The rows of a resource.
    pub(super) fn rows(&mut self, resource: &str) -> &mut Vec<Value> {
        self.lists.entry(resource.to_owned()).or_default()
    }

    fn envelope(&self, resource: &str, rows: &[Value]) -> Value {
        // Without an offset, as in every recording.
        json!({"Id": ACCOUNT, "Status": "OK", "ProviderName": "a test",
            "DateTimeUTC": format!("/Date({})/", self.now), resource: rows})
    }

    fn single(&self, asked: &Asked) -> Result<Value, StatusCode> {
        let id = json!(asked.parameters["id"]);
        let row = self
            .lists
            .get(&asked.resource)
            .into_iter()
            .flatten()
            .find(|row| row[id_field(&asked.resource)] == id)
            .ok_or(StatusCode::NOT_FOUND)?;
        Ok(self.envelope(&asked.resource, std::slice::from_ref(row)))
    }

    fn list(&self, asked: &Asked) -> Result<Value, StatusCode> {
        let resource = asked.resource.as_str();
        if resource == "Organisation" {
            return Ok(self.envelope("Organisations", std::slice::from_ref(&self.organisation)));
        }
        let mut rows: Vec<Value> = self.lists.get(resource).cloned().unwrap_or_default();
        if let Some(since) = &asked.since {
            let since: Timestamp = since.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
            rows.retain(|row| millis(&row["UpdatedDateUTC"]) >= since.as_millisecond());
        }
        let (mut page, mut size, mut archived) = (None, 100_usize, false);
        let mut order = "UpdatedDateUTC";
        for (name, value) in &asked.parameters {
            let number = || value.parse::<usize>().map_err(|_| StatusCode::BAD_REQUEST);
            match name.as_str() {
                "page" => page = Some(number()?.max(1)),
                "pageSize" => size = number()?.clamp(1, 1000),
                "includeArchived" => archived = value == "true",
                "unitdp" if value == "4" => {}
                "order" => order = value.strip_suffix(" ASC").unwrap_or(value),
                "IDs" => rows.retain(|row| {
                    let id = row[id_field(resource)].as_str().expect("an id");
                    value.split(',').any(|wanted| wanted == id)
                }),
                "ContactIDs" => rows.retain(|row| row["Contact"]["ContactID"] == json!(value)),
                "where" => keep(&mut rows, value)?,
                _ => return Err(StatusCode::BAD_REQUEST),
            }
        }
        if resource == "Contacts" && !archived {
            rows.retain(|row| row["ContactStatus"] != "ARCHIVED");
        }
        let by_id = |row: &Value| row[id_field(resource)].as_str().map(str::to_owned);
        if order == "UpdatedDateUTC" {
            rows.sort_by_cached_key(|row| (millis(&row["UpdatedDateUTC"]), by_id(row)));
        } else if order.eq_ignore_ascii_case(id_field(resource)) {
            rows.sort_by_cached_key(by_id);
        } else {
            return Err(StatusCode::BAD_REQUEST);
        }
        let Some(page) = page else {
            return Ok(self.envelope(resource, &rows));
        };
        let items = rows.len();
        let rows: Vec<Value> = rows
            .into_iter()
            .skip((page - 1) * size)
            .take(size)
            .collect();
        let mut answer = self.envelope(resource, &rows);
        answer["pagination"] = json!({"page": page, "pageSize": size,
            "pageCount": items.div_ceil(size), "itemCount": items});
        Ok(answer)
    }
}

fn id_field(resource: &str) -> &'static str {
    match resource {
        "Contacts" => "ContactID",
        "Invoices" => "InvoiceID",
        "CreditNotes" => "CreditNoteID",
        "Overpayments" => "OverpaymentID",
        "Prepayments" => "PrepaymentID",
        "Payments" => "PaymentID",
        "Items" => "ItemID",
        other => panic!("there is no {other}"),
    }
}

fn keep(rows: &mut Vec<Value>, filter: &str) -> Result<(), StatusCode> {
    if let Some(kind) = filter
        .strip_prefix("Type==\"")
        .and_then(|rest| rest.strip_suffix('"'))
    {
        rows.retain(|row| row["Type"] == json!(kind));
        return Ok(());
    }
    let contact = filter
        .strip_prefix("Contact.ContactID==guid(\"")
        .and_then(|rest| rest.strip_suffix("\")"))
        .ok_or(StatusCode::BAD_REQUEST)?;
    rows.retain(|row| row["Contact"]["ContactID"] == json!(contact));
    Ok(())
}
