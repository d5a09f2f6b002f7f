//! The control calls for what only Sage knows.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use super::{Mistake, Outcome, company};
use crate::sandbox::sage::{CreditTerms, Refusal, Term};
use crate::sandbox::state::Shared;

/// A customer's terms, in place of those that the books have; null is the business's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TermsWanted {
    company: Option<String>,
    customer: String,
    credit_days: Option<u32>,
    credit_terms: Option<CreditTerms>,
}

/// Sets a customer's terms, which changes the contact. The due dates of documents are those that the
/// books say.
pub(super) async fn terms(
    State(shared): State<Shared>,
    Json(wanted): Json<TermsWanted>,
) -> Outcome {
    let set = shared.now();
    let mut world = shared.world();
    let company = company(&mut world, wanted.company.as_deref())?;
    let customer = company
        .books
        .find_customer(&wanted.customer)
        .ok_or_else(|| Mistake::new(format!("there is no customer {}", wanted.customer)))?
        .id;
    let term = Term {
        days: wanted.credit_days,
        from: wanted.credit_terms,
        set,
    };
    company.sage.terms.set(customer, term);
    company.books.revision += 1;
    Ok(Json(json!({})))
}

/// What else is odd about a company; what is left out is not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OdditiesWanted {
    company: Option<String>,
    refusal: Option<Refusal>,
    #[serde(default)]
    next_is_lost: bool,
}

/// Refuses every call about a company, or keeps next pages from being told; or neither any longer.
pub(super) async fn oddities(
    State(shared): State<Shared>,
    Json(wanted): Json<OdditiesWanted>,
) -> Outcome {
    let mut world = shared.world();
    let kept = &mut company(&mut world, wanted.company.as_deref())?.sage;
    kept.refusal = wanted.refusal;
    kept.next_is_lost = wanted.next_is_lost;
    Ok(Json(json!({})))
}
