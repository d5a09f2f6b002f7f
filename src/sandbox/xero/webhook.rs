//! Webhooks: ids only, of contacts, invoices and credit notes. Payments have none; the invoice that they
//! settle is told to be updated.

use jiff::Timestamp;
use rand::Rng;
use serde_json::{Value, json};

use super::wire::{self, kind};
use crate::sandbox::books::{Act, Change, Kind, List, Subject};
use crate::sandbox::state::Company;
use crate::sandbox::webhooks::Event;

/// The event of a change, if there is one.
pub(crate) fn event(
    company: &Company,
    realm: &str,
    change: &Change,
    now: Timestamp,
) -> Option<Value> {
    let (category, resource, kind, id) = match change.subject {
        Subject::Name(List::Customer, id) => ("CONTACT", "Contacts", kind::CONTACT, id),
        Subject::Document(Kind::Invoice, id) => ("INVOICE", "Invoices", kind::INVOICE, id),
        Subject::Document(Kind::CreditMemo, id) => {
            ("CREDITNOTE", "CreditNotes", kind::CREDIT_NOTE, id)
        }
        Subject::Name(..) | Subject::Document(..) => return None,
    };
    let id_text = wire::id(realm, kind, id);
    // Two or three digits of a second, and no zone.
    let mut at = now.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string();
    if at.ends_with('0') {
        at.pop();
    }
    let mut event = json!({
        "resourceUrl": format!("https://api.xero.com/api.xro/2.0/{resource}/{id_text}"),
        "resourceId": id_text,
        "eventDateUtc": at,
        "eventType": if change.act == Act::Created { "CREATE" } else { "UPDATE" },
        "eventCategory": category,
        "tenantId": wire::tenant_id(realm),
        "tenantType": "ORGANISATION",
    });
    if category == "CREDITNOTE" {
        let left = company
            .books
            .document(Kind::CreditMemo, id)
            .map(|note| note.open);
        let status = match change.act {
            Act::Deleted => "DELETED",
            Act::Voided => "VOIDED",
            _ if left.is_some_and(|left| left.is_zero()) => "PAID",
            _ => "AUTHORISED",
        };
        event["data"] = json!({"Type": "ACCRECCREDIT", "Status": status});
    }
    Some(event)
}

/// The body that tells events, spaced as irregularly as the real ones: whoever writes the JSON anew
/// before checking its signature fails.
pub(crate) fn body(events: &[Event]) -> String {
    let told: Vec<String> = events
        .iter()
        .map(|event| format!("{{\n  {}", &event.body.to_string()[1..]))
        .collect();
    let first = events.iter().map(|event| event.sequence).min();
    let last = events.iter().map(|event| event.sequence).max();
    format!(
        "{{\"events\":[{}],\"firstEventSequence\": {},\"lastEventSequence\": {}, \"entropy\": \"{}\"}}",
        told.join(","),
        first.unwrap_or(0),
        last.unwrap_or(0),
        entropy()
    )
}

/// Twenty capitals that nobody can guess.
fn entropy() -> String {
    let mut random = rand::rng();
    (0..20)
        .map(|_| char::from(random.random_range(b'A'..=b'Z')))
        .collect()
}
