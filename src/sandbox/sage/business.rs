//! What a grant reaches: businesses, and the user.

use serde_json::{Map, Value, json};

use super::consent::USER;
use super::fault::Fault;
use super::key::business_id;
use super::show::{instant, subscriptions};
use super::{Kept, Refusal};
use crate::sandbox::state::{Company, World};

/// The most items of the one page, as recorded.
const ALL_ITEMS: u32 = 2_147_483_647;

fn reference(realm: &str, company: &Company) -> Map<String, Value> {
    let id = business_id(realm);
    let path = format!("/businesses/{id}");
    Map::from_iter([
        ("id".to_owned(), json!(id)),
        ("displayed_as".to_owned(), json!(company.name)),
        ("$path".to_owned(), json!(path)),
    ])
}

/// One business with all its members.
fn business(realm: &str, company: &Company) -> Value {
    let Kept { refusal, .. } = company.sage;
    let active = refusal != Some(Refusal::NoSubscription);
    let mut told = reference(realm, company);
    let more = json!({
        "created_at": instant(company.started),
        "updated_at": instant(company.started),
        "name": company.name,
        "address_line_1": "123 Sierra Way",
        "address_line_2": "",
        "city": "San Pablo",
        "region": "CA",
        "postal_code": "87999",
        "country": {"id": "US", "displayed_as": "United States (US)"},
        "telephone": "",
        "mobile": "",
        "website": "",
        "is_demo": false,
        "ni_based": false,
        "subscriptions": subscriptions(active, company.started),
    });
    if let Value::Object(more) = more {
        told.extend(more);
    }
    Value::Object(told)
}

/// The company of an id of 32 digits.
pub(super) fn realm_of(world: &World, id: &str) -> Option<String> {
    let mut realms = world.companies.keys();
    realms.find(|realm| business_id(realm) == id).cloned()
}

/// Answers what is about no single business.
///
/// # Errors
///
/// When there is no such path, or no such business within reach.
pub(super) fn answer(world: &World, reached: &[String], path: &[&str]) -> Result<Value, Fault> {
    let company = |realm: &String| {
        let company = world.companies.get(realm)?;
        Some((realm.clone(), company))
    };
    match path {
        ["businesses"] => {
            let all: Vec<Value> = reached
                .iter()
                .filter_map(company)
                .map(|(realm, company)| Value::Object(reference(&realm, company)))
                .collect();
            // Other lists say `$itemsPerPage`. Recorded.
            Ok(json!({
                "$total": all.len(), "$page": 1, "$next": null, "$back": null,
                "$items_per_page": ALL_ITEMS, "$items": all,
            }))
        }
        ["businesses", id] => reached
            .iter()
            .enumerate()
            .find(|(index, realm)| business_id(realm) == *id || (*id == "lead" && *index == 0))
            .and_then(|(_, realm)| company(realm))
            .map(|(realm, company)| business(&realm, company))
            .ok_or_else(Fault::not_found),
        ["user"] => Ok(json!({
            "id": USER.replace('-', ""),
            "displayed_as": "Sandbox User",
            "first_name": "Sandbox",
            "last_name": "User",
            "initials": "SU",
            "email": "books@example.com",
            "locale": "en-US",
        })),
        _ => Err(Fault::not_found()),
    }
}
