//! The control calls that take documents away, and tell what the books come to.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Mistake, Outcome, company, realm};
use crate::sandbox::books::{Id, Kind, List};
use crate::sandbox::format::Format;
use crate::sandbox::quickbooks::query::shown;
use crate::sandbox::quickbooks::wire::amount;
use crate::sandbox::quickbooks::wire::schema::Entity;
use crate::sandbox::state::Shared;

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

/// The company meant, and in whose words its ids are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Where {
    #[serde(default)]
    format: Format,
    company: Option<String>,
}

/// Every customer's balance, and the same added up from documents; the amounts are the books' own
/// whatever the format.
pub(super) async fn balances(State(shared): State<Shared>, Query(place): Query<Where>) -> Outcome {
    let mut world = shared.world();
    let realm = realm(&world, place.company.as_deref())?;
    let books = &company(&mut world, Some(&realm))?.books;
    let computed = books.computed_balances();
    let customers: Vec<Value> = books
        .names(List::Customer)
        .map(|customer| {
            json!({
                "id": place.format.customer_id(&realm, customer.id),
                "name": books.full_name(List::Customer, customer),
                "currency": customer.currency.code(),
                "balance": amount(customer.balance),
                "computed": amount(computed.get(&customer.id).copied().unwrap_or_default()),
            })
        })
        .collect();
    Ok(Json(json!({
        "organization": place.format.organization_id(&realm),
        "customers": customers,
    })))
}
