//! The control calls that write customers and items.

use axum::Json;
use axum::extract::State;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::positive;
use super::{Mistake, Outcome, company};
use crate::sandbox::books::{Books, Currency, Id, List};
use crate::sandbox::dataset::{account, open_currency};
use crate::sandbox::quickbooks::query::shown;
use crate::sandbox::quickbooks::wire::schema::Entity;
use crate::sandbox::quickbooks::wire::{amount, reference};
use crate::sandbox::state::Shared;

/// A customer to be written, or rewritten where `customer` names one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomerWanted {
    company: Option<String>,
    /// Its present id or name; nothing for a new one.
    customer: Option<String>,
    name: Option<String>,
    email: Option<String>,
    currency: Option<String>,
    terms_days: Option<i64>,
    credit_limit: Option<Decimal>,
    /// The customer above it, by id or name.
    parent: Option<String>,
    active: Option<bool>,
}

/// The term of so many days, a new one where there is none.
fn term(books: &mut Books, days: i64, now: jiff::Timestamp) -> Id {
    let known = books
        .names(List::Term)
        .find(|term| term.properties.get("DueDays").and_then(Value::as_i64) == Some(days))
        .map(|term| term.id);
    known.unwrap_or_else(|| {
        let mut term = Books::blank_name(&format!("Net {days}"), books.home, now);
        for (property, value) in [
            ("Type", json!("STANDARD")),
            ("DueDays", json!(days)),
            ("DiscountPercent", json!(0)),
            ("DiscountDays", json!(0)),
        ] {
            term.properties.insert(property.to_owned(), value);
        }
        books.add_name(List::Term, term)
    })
}

/// Writes or rewrites a customer.
pub(super) async fn customer(
    State(shared): State<Shared>,
    Json(wanted): Json<CustomerWanted>,
) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let books = &mut company(&mut world, wanted.company.as_deref())?.books;
    let find = |books: &Books, named: &str| {
        books
            .find_customer(named)
            .cloned()
            .ok_or_else(|| Mistake::new(format!("there is no customer {named}")))
    };
    let mut entry = match (&wanted.customer, &wanted.name) {
        (Some(named), _) => find(books, named)?,
        (None, Some(name)) => Books::blank_name(name, books.home, now),
        (None, None) => return Err(Mistake::new("say its name")),
    };
    if let Some(name) = &wanted.name {
        let holder = books.holder_of_name(List::Customer, name);
        if holder.is_some_and(|holder| wanted.customer.is_none() || holder != entry.id) {
            return Err(Mistake::new(format!("{name} is another one's name")));
        }
        entry.name = name.as_str().into();
    }
    if let Some(code) = &wanted.currency {
        let currency =
            Currency::parse(code).ok_or_else(|| Mistake::new(format!("{code} is no currency")))?;
        if books.receivables(currency).is_none() {
            open_currency(books, currency, now);
        }
        entry.currency = currency;
    }
    if let Some(email) = &wanted.email {
        let email = json!({"Address": email});
        entry
            .properties
            .insert("PrimaryEmailAddr".to_owned(), email);
    }
    if let Some(days) = wanted.terms_days {
        let term = reference(&term(books, days, now), None);
        entry.properties.insert("SalesTermRef".to_owned(), term);
    }
    if wanted.credit_limit.is_some() {
        entry.credit_limit = wanted.credit_limit;
    }
    if let Some(parent) = &wanted.parent {
        entry.parent = Some(find(books, parent)?.id);
    }
    if let Some(active) = wanted.active {
        entry.active = active;
    }
    let id = if wanted.customer.is_some() {
        entry.stamp.bump(now);
        let id = entry.id;
        books.put_name(List::Customer, entry);
        id
    } else {
        books.add_name(List::Customer, entry)
    };
    let told = shown(books, Entity::List(List::Customer), id);
    Ok(Json(told.unwrap_or_default()))
}

/// Two customers that are one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MergeWanted {
    company: Option<String>,
    /// The one that will be gone, by id or name.
    customer: String,
    /// The one that stays, by id or name.
    into: String,
}

/// Puts one customer into another.
pub(super) async fn merge(
    State(shared): State<Shared>,
    Json(wanted): Json<MergeWanted>,
) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let books = &mut company(&mut world, wanted.company.as_deref())?.books;
    let id = |named: &str| {
        books
            .find_customer(named)
            .map(|customer| customer.id)
            .ok_or_else(|| Mistake::new(format!("there is no customer {named}")))
    };
    let (gone, into) = (id(&wanted.customer)?, id(&wanted.into)?);
    books
        .merge(gone, into, now)
        .map_err(|_| Mistake::new("these two cannot be one"))?;
    let told = shown(books, Entity::List(List::Customer), into);
    Ok(Json(told.unwrap_or_default()))
}

/// An item to be written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemWanted {
    company: Option<String>,
    name: String,
    code: Option<String>,
    price: Decimal,
}

/// Writes an item.
pub(super) async fn item(State(shared): State<Shared>, Json(wanted): Json<ItemWanted>) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let books = &mut company(&mut world, wanted.company.as_deref())?.books;
    if books.holder_of_name(List::Item, &wanted.name).is_some() {
        return Err(Mistake::new(format!(
            "{} is another one's name",
            wanted.name
        )));
    }
    let mut entry = Books::blank_name(&wanted.name, books.home, now);
    for (property, value) in [
        ("Description", json!(wanted.name)),
        ("Taxable", json!(false)),
        ("UnitPrice", amount(positive(wanted.price)?)),
        ("Type", json!("Service")),
        (
            "IncomeAccountRef",
            reference(&account::SALES, Some("Services")),
        ),
        ("PurchaseCost", json!(0)),
        ("TrackQtyOnHand", json!(false)),
    ] {
        entry.properties.insert(property.to_owned(), value);
    }
    if let Some(code) = wanted.code {
        entry.properties.insert("Sku".to_owned(), json!(code));
    }
    let id = books.add_name(List::Item, entry);
    let told = shown(books, Entity::List(List::Item), id);
    Ok(Json(told.unwrap_or_default()))
}
