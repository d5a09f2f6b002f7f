//! The control calls that move the books.

use axum::Json;
use axum::extract::{Query, State};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Mistake, Outcome, company};
use crate::sandbox::books::{Books, Detail, Document, Id, Kind, Line, List, zone};
use crate::sandbox::quickbooks::query::shown;
use crate::sandbox::quickbooks::wire::amount;
use crate::sandbox::quickbooks::wire::request::is_reasonable;
use crate::sandbox::quickbooks::wire::schema::Entity;
use crate::sandbox::state::Shared;

/// A bill to be written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InvoiceWanted {
    company: Option<String>,
    customer: String,
    amount: Decimal,
    due_days: Option<i64>,
    date: Option<Date>,
    description: Option<String>,
}

/// The customer meant, with what a document of theirs needs.
fn begin(
    books: &Books,
    kind: Kind,
    customer: &str,
    date: Option<Date>,
    now: jiff::Timestamp,
) -> Result<Document, Mistake> {
    let customer = books
        .find_customer(customer)
        .ok_or_else(|| Mistake::new(format!("there is no customer {customer}")))?;
    let date = date.unwrap_or_else(|| now.to_zoned(zone()).date());
    let mut document = Document::new(kind, date, now);
    document.customer = Some(customer.id);
    document.currency = customer.currency;
    document.rate = books.rate(customer.currency);
    Ok(document)
}

fn post_document(books: &mut Books, document: Document, now: jiff::Timestamp) -> Outcome {
    let kind = document.kind;
    let id = books
        .post(document, now)
        .map_err(|refusal| Mistake::new(format!("{refusal:?}")))?;
    Ok(Json(
        shown(books, Entity::Kind(kind), id).unwrap_or_default(),
    ))
}

fn positive(amount: Decimal) -> Result<Decimal, Mistake> {
    if amount > Decimal::ZERO && is_reasonable(&amount) {
        Ok(amount)
    } else {
        Err(Mistake::new(
            "the amount must be greater than zero, and no more than a million million",
        ))
    }
}

/// Bills a customer for one line of services.
pub(super) async fn invoice(
    State(shared): State<Shared>,
    Json(wanted): Json<InvoiceWanted>,
) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let books = &mut company(&mut world, wanted.company.as_deref())?.books;
    let mut document = begin(books, Kind::Invoice, &wanted.customer, wanted.date, now)?;
    document.total = positive(wanted.amount)?;
    document.open = document.total;
    document.due = match (wanted.due_days, books.find_customer(&wanted.customer)) {
        (Some(days), _) => Some(
            jiff::Span::new()
                .try_days(days)
                .and_then(|days| document.date.checked_add(days))
                .map_err(|_| Mistake::new("due_days is out of all reason"))?,
        ),
        (None, Some(customer)) => Some(books.due_date(customer, None, document.date)),
        (None, None) => None,
    };
    document.number = Some(books.take_number());
    document.lines = vec![Line {
        amount: document.total,
        description: wanted.description.map(Into::into),
        detail: Detail::Sale {
            item: 1,
            quantity: Some(Decimal::ONE),
            price: Some(document.total),
            taxable: false,
        },
    }];
    post_document(books, document, now)
}

/// What a payment settles.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Apply {
    /// The invoices due first.
    #[default]
    Oldest,
    /// Nothing: the money stays unapplied.
    None,
}

/// Money to come in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentWanted {
    company: Option<String>,
    customer: String,
    amount: Decimal,
    #[serde(default)]
    apply: Apply,
    date: Option<Date>,
}

/// Takes money from a customer.
pub(super) async fn payment(
    State(shared): State<Shared>,
    Json(wanted): Json<PaymentWanted>,
) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let books = &mut company(&mut world, wanted.company.as_deref())?.books;
    let mut document = begin(books, Kind::Payment, &wanted.customer, wanted.date, now)?;
    document.total = positive(wanted.amount)?;
    if wanted.apply == Apply::Oldest {
        document.lines = oldest_first(books, document.customer, document.total);
    }
    post_document(books, document, now)
}

/// Lines that apply an amount to a customer's invoices, those due first before the others.
fn oldest_first(books: &Books, customer: Option<Id>, amount: Decimal) -> Vec<Line> {
    let mut open: Vec<&Document> = books
        .documents(Kind::Invoice)
        .filter(|invoice| invoice.customer == customer && !invoice.open.is_zero())
        .collect();
    open.sort_by_key(|invoice| (invoice.due.unwrap_or(invoice.date), invoice.id));
    let mut left = amount;
    let mut lines = Vec::new();
    for invoice in open {
        let applied = left.min(invoice.open);
        if applied.is_zero() {
            break;
        }
        left -= applied;
        lines.push(Line {
            amount: applied,
            description: None,
            detail: Detail::Applied {
                kind: Kind::Invoice,
                to: invoice.id,
                line: None,
            },
        });
    }
    lines
}

/// The document meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meant {
    company: Option<String>,
    entity: String,
    id: String,
}

impl Meant {
    fn document(&self) -> Result<(Kind, Id), Mistake> {
        let Some(Entity::Kind(kind)) = Entity::parse(&self.entity) else {
            return Err(Mistake::new("only documents can be deleted or voided"));
        };
        let id = self
            .id
            .parse()
            .map_err(|_| Mistake::new("the id is no number"))?;
        Ok((kind, id))
    }
}

/// Deletes a document.
pub(super) async fn delete(State(shared): State<Shared>, Json(meant): Json<Meant>) -> Outcome {
    let now = shared.now();
    let (kind, id) = meant.document()?;
    let mut world = shared.world();
    let books = &mut company(&mut world, meant.company.as_deref())?.books;
    books
        .delete(kind, id, now)
        .map_err(|refusal| Mistake::new(format!("{refusal:?}")))?;
    Ok(Json(json!({})))
}

/// Voids a document.
pub(super) async fn void(State(shared): State<Shared>, Json(meant): Json<Meant>) -> Outcome {
    let now = shared.now();
    let (kind, id) = meant.document()?;
    let mut world = shared.world();
    let books = &mut company(&mut world, meant.company.as_deref())?.books;
    books
        .void(kind, id, now)
        .map_err(|refusal| Mistake::new(format!("{refusal:?}")))?;
    Ok(Json(
        shown(books, Entity::Kind(kind), id).unwrap_or_default(),
    ))
}

/// The company meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Where {
    company: Option<String>,
}

/// Every customer's balance, and the same added up from documents.
pub(super) async fn balances(State(shared): State<Shared>, Query(place): Query<Where>) -> Outcome {
    let mut world = shared.world();
    let books = &company(&mut world, place.company.as_deref())?.books;
    let computed = books.computed_balances();
    let customers: Vec<Value> = books
        .names(List::Customer)
        .map(|customer| {
            json!({
                "id": customer.id.to_string(),
                "name": books.full_name(List::Customer, customer),
                "currency": customer.currency.code(),
                "balance": amount(customer.balance),
                "computed": amount(computed.get(&customer.id).copied().unwrap_or_default()),
            })
        })
        .collect();
    Ok(Json(json!({"customers": customers})))
}
