//! Any request to the accounting API: for which business it is, whether it may, and what is answered.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::key::{Key, Tag, business_id};
use super::query::Query;
use super::record::{Collection, Record, Records};
use super::show::{Settings, Teller};
use super::{Kept, Refusal, business, find, transactions};
use crate::sandbox::books::{Document, Kind};
use crate::sandbox::consent::bearer;
use crate::sandbox::format::Format;
use crate::sandbox::listener::Cutter;
use crate::sandbox::server::{Place, describe, through_trouble};
use crate::sandbox::state::{Company, Shared};

/// The header that names the business, in requests and, as an echo, in answers.
const BUSINESS: HeaderName = HeaderName::from_static("x-business");
/// The header that Sage's support asks for.
const REQUEST_ID: HeaderName = HeaderName::from_static("x_request_id");
/// Under what is counted that is about no single business.
const NO_BUSINESS: &str = "businesses";

/// Who asks for what.
struct Call<'a> {
    token: &'a str,
    method: &'a Method,
    /// Below `/v3.1/`, in parts.
    path: Vec<&'a str>,
    /// The business named by the header.
    business: Option<&'a str>,
    query: Query,
}

impl Call<'_> {
    /// Whether it is about no single business.
    fn is_general(&self) -> bool {
        matches!(self.path.first(), Some(&("businesses" | "user")))
    }

    /// Under what it is counted: the path, without the id of a single record.
    fn word(&self) -> String {
        match self.path.as_slice() {
            [list] => format!("list {list}"),
            [list, ..] => format!("read {list}"),
            [] => String::new(),
        }
    }

    /// The company that it concerns, before it is known whether it may: the one named, else the lead
    /// business of the grant.
    fn realm(&self, shared: &Shared) -> String {
        let now = shared.now();
        let world = shared.world();
        let realm = if self.is_general() {
            None
        } else if let Some(id) = self.business {
            business::realm_of(&world, id)
        } else {
            let reach = world.tokens[Format::Sage].reach(self.token, now).ok();
            reach.and_then(|reach| reach.realms.first().cloned())
        };
        realm.unwrap_or_else(|| NO_BUSINESS.to_owned())
    }

    /// Checks the token, then the limits, then the business; gives what the grant reaches.
    ///
    /// # Errors
    ///
    /// Why it may not.
    fn admit(&self, shared: &Shared, realm: &str, now: Timestamp) -> Result<Vec<String>, Fault> {
        let mut world = shared.world();
        let world = &mut *world;
        let throttle = &mut world.throttle[Format::Sage];
        let Ok(reach) = world.tokens[Format::Sage].reach(self.token, now) else {
            throttle.count(realm, "unauthorized");
            return Err(Fault::unauthorized());
        };
        let reached = reach.realms.to_vec();
        throttle.count(realm, &self.word());
        throttle
            .admit(realm, false, now)
            .map_err(|refused| Fault::throttled(refused.retry_after))?;
        if self.is_general() {
            return Ok(reached);
        }
        // Which of the two it is for an id that is out of reach is not documented.
        let company = world.companies.get(realm).ok_or_else(Fault::not_found)?;
        let refusal = if reached.iter().any(|reached| reached == realm) {
            company.sage.refusal
        } else {
            Some(Refusal::Denied)
        };
        match refusal {
            None => Ok(reached),
            Some(Refusal::Denied) => Err(Fault::denied()),
            Some(Refusal::NoSubscription) => Err(Fault::no_subscription()),
        }
    }

    /// Answers from one company's books, and says whether it has marked a document as sent.
    fn answer(
        &self,
        company: &mut Company,
        realm: &str,
        now: Timestamp,
    ) -> Result<(Value, bool), Fault> {
        let settings = Settings {
            books: &company.books,
            started: company.started,
        };
        match self.path.as_slice() {
            ["invoice_settings"] => return self.read_only(settings.invoices()),
            ["financial_settings"] => return self.read_only(settings.finances()),
            _ => {}
        }
        let (list, id) = match self.path.as_slice() {
            [list] => (*list, None),
            [list, id] => (*list, Some(*id)),
            _ => return Err(Fault::not_found()),
        };
        if (list, id) == ("transactions", None) {
            return self.transactions(company, realm);
        }
        let Some(collection) = Collection::parse(list) else {
            return self.fixed(company, realm, list, id);
        };
        let sent = match id {
            Some(id) if *self.method == Method::GET => {
                let key = Key::parse(id, realm).ok_or_else(Fault::not_found)?;
                self.mark_as_sent(company, collection, key, now)
            }
            _ => false,
        };
        let silent = company.sage.next_is_lost;
        let Kept { found, terms, .. } = &mut company.sage;
        let records = Records {
            books: &company.books,
            terms,
        };
        let teller = Teller {
            records,
            realm,
            query: &self.query,
        };
        let tell = |record: &Record<'_>, single| {
            self.query.select(teller.tell(collection, record), single)
        };
        if let Some(id) = id {
            let record = Key::parse(id, realm)
                .and_then(|key| records.one(collection, key))
                .ok_or_else(Fault::not_found)?;
            return Ok((self.read_only(tell(&record, true))?.0, sent));
        }
        if self.query.get("deleted_since").is_some() {
            let gone = find::find(records, collection, &self.query, realm)?;
            let page = self.page(list, gone.len(), silent)?;
            let rows = gone[page.rows()].iter();
            let items: Vec<Value> = rows.map(|record| tell(record, false)).collect();
            return self.read_only(page.envelope(&items));
        }
        let request = format!("{list}?{}", self.query.without_page());
        let revision = company.books.revision;
        let keys = if let Some(keys) = found.get(revision, &request) {
            keys
        } else {
            let all = find::find(records, collection, &self.query, realm)?;
            let keys: Arc<[Key]> = all.iter().map(|record| record.key).collect();
            found.put(request, Arc::clone(&keys));
            keys
        };
        let page = self.page(list, keys.len(), silent)?;
        let items: Vec<Value> = keys[page.rows()]
            .iter()
            .filter_map(|key| records.one(collection, *key))
            .map(|record| tell(&record, false))
            .collect();
        self.read_only(page.envelope(&items))
    }

    /// An answer to a verb that only reads; the sandbox takes no writes in this format.
    fn read_only(&self, answer: Value) -> Result<(Value, bool), Fault> {
        if *self.method == Method::GET {
            Ok((answer, false))
        } else {
            Err(Fault::wrong_verb())
        }
    }

    /// Answers from the feed of postings. They are told in lists only.
    fn transactions(&self, company: &Company, realm: &str) -> Result<(Value, bool), Fault> {
        let records = Records {
            books: &company.books,
            terms: &company.sage.terms,
        };
        let teller = Teller {
            records,
            realm,
            query: &self.query,
        };
        let found = transactions::find(records, &self.query)?;
        let page = self.page("transactions", found.len(), company.sage.next_is_lost)?;
        let items: Vec<Value> = found[page.rows()]
            .iter()
            .map(|posting| {
                let told = transactions::tell(&teller, posting);
                self.query.select(told, false)
            })
            .collect();
        self.read_only(page.envelope(&items))
    }

    /// Answers from the lists that never change.
    fn fixed(
        &self,
        company: &Company,
        realm: &str,
        list: &str,
        id: Option<&str>,
    ) -> Result<(Value, bool), Fault> {
        let teller = Teller {
            records: Records {
                books: &company.books,
                terms: &company.sage.terms,
            },
            realm,
            query: &self.query,
        };
        let all = teller
            .fixed(list, company.started)
            .ok_or_else(Fault::not_found)?;
        if let Some(id) = id {
            let one = all
                .into_iter()
                .find(|one| one.get("id") == Some(&json!(id)));
            let one = one.ok_or_else(Fault::not_found)?;
            return self.read_only(self.query.select(one, true));
        }
        let page = self.page(list, all.len(), company.sage.next_is_lost)?;
        let select = |one: &Map<String, Value>| self.query.select(one.clone(), false);
        let items: Vec<Value> = all[page.rows()].iter().map(select).collect();
        self.read_only(page.envelope(&items))
    }

    /// What reading one document does beside, unless it is told not to.
    fn mark_as_sent(
        &self,
        company: &mut Company,
        list: Collection,
        key: Key,
        now: Timestamp,
    ) -> bool {
        let kind = match (list, key.tag) {
            (Collection::SalesInvoices, Tag::Invoice) => Kind::Invoice,
            (Collection::SalesCreditNotes, Tag::CreditNote) => Kind::CreditMemo,
            _ => return false,
        };
        if self.query.get("mark_as_sent") == Some("false") {
            return false;
        }
        let document: Option<&Document> = company.books.document(kind, key.id);
        let Some(document) = document else {
            return false;
        };
        if !super::show::filters::is_sent(document) {
            company.books.note_extra(kind, key.id, now, |extra| {
                extra.insert("EmailStatus".to_owned(), json!("EmailSent"));
            });
        }
        true
    }

    /// The page asked for, of so many items.
    fn page(&self, path: &str, total: usize, next_is_lost: bool) -> Result<Page<'_>, Fault> {
        let items = self.query.items_per_page()?;
        let pages = total.div_ceil(items).max(1);
        Ok(Page {
            query: &self.query,
            path: path.to_owned(),
            total,
            items,
            // A page past the end is the last one again.
            number: self.query.page()?.min(pages),
            pages,
            next_is_lost,
        })
    }
}

/// One page of a list.
struct Page<'a> {
    query: &'a Query,
    path: String,
    total: usize,
    items: usize,
    number: usize,
    pages: usize,
    next_is_lost: bool,
}

impl Page<'_> {
    fn rows(&self) -> std::ops::Range<usize> {
        let start = (self.number - 1) * self.items;
        start..(start + self.items).min(self.total)
    }

    fn envelope(&self, items: &[Value]) -> Value {
        let other = |number: usize| self.query.of_page(&self.path, number, self.items);
        json!({
            "$total": self.total,
            "$page": self.number,
            "$next": (self.number < self.pages && !self.next_is_lost).then(|| other(self.number + 1)),
            "$back": (self.number > 1).then(|| other(self.number - 1)),
            "$itemsPerPage": self.items,
            "$items": items,
        })
    }
}

/// Any request.
pub(super) async fn call(
    State(shared): State<Shared>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    OriginalUri(uri): OriginalUri,
    Path(path): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call {
        token: bearer(&headers),
        method: &method,
        path: path.split('/').filter(|part| !part.is_empty()).collect(),
        business: headers.get(BUSINESS).and_then(|id| id.to_str().ok()),
        query: Query::parse(uri.query().unwrap_or_default()),
    };
    let parameters: HashMap<String, String> = call.query.pairs().iter().cloned().collect();
    let description = describe(&method, &uri, &parameters, &body);
    let realm = call.realm(&shared);
    let place = Place::company(Format::Sage, &realm);
    let mut response = through_trouble(&shared, &cutter, place, &description, async || {
        let reached = match call.admit(&shared, &realm, shared.now()) {
            Ok(reached) => reached,
            Err(fault) => return fault.into_response(),
        };
        if call.path.len() == 1 {
            shared.page_delay(&realm).await;
        }
        answer(&shared, &call, &realm, &reached)
    })
    .await;
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    // By the sandbox's clock, which need not be the machine's.
    let date = shared.now().strftime("%a, %d %b %Y %H:%M:%S GMT");
    if let Ok(date) = HeaderValue::from_str(&date.to_string()) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// The answer to a request that may be made.
fn answer(shared: &Shared, call: &Call<'_>, realm: &str, reached: &[String]) -> Response {
    let now = shared.now();
    let mut world = shared.world();
    let world = &mut *world;
    if call.is_general() {
        let told = if *call.method == Method::GET {
            business::answer(world, reached, &call.path)
        } else {
            Err(Fault::wrong_verb())
        };
        return told.map_or_else(IntoResponse::into_response, |told| {
            axum::Json(told).into_response()
        });
    }
    let Some(company) = world.companies.get_mut(realm) else {
        return Fault::not_found().into_response();
    };
    let mut response = match call.answer(company, realm, now) {
        Ok((told, sent)) => {
            if sent {
                world.throttle[Format::Sage].count(realm, "marked_as_sent");
            }
            axum::Json(told).into_response()
        }
        Err(fault) => fault.into_response(),
    };
    if let Ok(id) = HeaderValue::from_str(&business_id(realm)) {
        response.headers_mut().insert(BUSINESS, id);
    }
    response
}
