//! Webhooks of Xero: contacts, invoices and credit notes. Payments have none; an invoice that is paid
//! is told to have changed.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::scalar::instant_of;
use crate::domain::freshness::Dataset;
use crate::provider::webhook::{Delivery, Event, EventKey, Hint, Manners, Webhooks, is_id};

pub(super) fn webhooks(keys: &[SecretString]) -> Webhooks {
    let xero = Manners {
        signature_header: "x-xero-signature",
        // Xero's word. An endpoint that fails for a day is cut off.
        answer_within: Duration::from_secs(5),
        // A look is a call for each dataset, and the smallest plan has 1,000 calls a day: at ten
        // minutes, and the quarter of an hour between polls when nothing happens, a day of ten busy
        // hours takes 800 of them.
        least_interval: Duration::from_mins(10),
        decode,
    };
    Webhooks::new(xero, keys)
}

/// A delivery. Its `entropy` differs when the same events come again, so the body tells nothing of
/// whether it is known.
#[derive(Deserialize)]
struct Body {
    events: Vec<Value>,
}

/// An event. Of an invoice it does not say whether it is a bill, and reading it tells.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    resource_id: String,
    event_date_utc: String,
    event_type: String,
    event_category: String,
    tenant_id: String,
    /// An organization, or the app for its subscriptions.
    tenant_type: String,
}

fn decode(body: &[u8]) -> Result<Delivery, serde_json::Error> {
    let body: Body = serde_json::from_slice(body)?;
    let read = |event| serde_json::from_value(event).map_or(Event::Unreadable, Told::read);
    Ok(body.events.into_iter().map(read).collect())
}

impl Told {
    fn read(self) -> Event {
        if !self.tenant_type.eq_ignore_ascii_case("ORGANISATION") {
            return Event::Ignored;
        }
        let Some(dataset) = dataset(&self.event_category) else {
            return Event::Ignored;
        };
        if !is_id(&self.tenant_id) || !is_id(&self.resource_id) {
            return Event::Unreadable;
        }
        let happened_at = instant_of(&self.event_date_utc);
        // One moment has several spellings, and older samples spell the type otherwise.
        let moment = happened_at.map_or(self.event_date_utc, |at| at.to_string());
        let parts = [
            self.tenant_id.as_str(),
            &self.resource_id,
            &self.event_type.to_ascii_uppercase(),
            &moment,
        ];
        let key = EventKey::of(&parts);
        Event::Hint(Hint {
            account: self.tenant_id.into(),
            dataset,
            ledger_id: self.resource_id,
            // A contact that was merged into another one is archived, which is a change like others.
            merged: false,
            happened_at,
            key,
        })
    }
}

fn dataset(category: &str) -> Option<Dataset> {
    match category.to_ascii_uppercase().as_str() {
        "CONTACT" => Some(Dataset::Customers),
        "INVOICE" => Some(Dataset::Invoices),
        "CREDITNOTE" => Some(Dataset::CreditNotes),
        _ => None,
    }
}
