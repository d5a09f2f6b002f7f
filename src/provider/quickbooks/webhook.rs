//! Webhooks of QuickBooks: the form of CloudEvents, and the one before it, which apps that have not
//! been moved over still get. Both are signed alike.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::query;
use crate::domain::connection::ProviderKind;
use crate::domain::freshness::Dataset;
use crate::provider::webhook::{Delivery, Event, EventKey, Hint, Manners, Webhooks, is_id};

pub(super) fn webhooks(keys: &[SecretString]) -> Webhooks {
    let intuit = Manners {
        signature_header: "intuit-signature",
        // Intuit's word. An endpoint that is late is asked again, less and less often.
        answer_within: Duration::from_secs(3),
        // One call tells of every dataset.
        least_interval: Duration::from_secs(5),
        decode,
    };
    Webhooks::new(intuit, keys)
}

/// The newer form is a list, the older one an object.
fn decode(body: &[u8]) -> Result<Delivery, serde_json::Error> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        let events: Vec<Value> = serde_json::from_slice(body)?;
        let read =
            |event| serde_json::from_value(event).map_or(Event::Unreadable, CloudEvent::read);
        return Ok(events.into_iter().map(read).collect());
    }
    let older: Older = serde_json::from_slice(body)?;
    Ok(older.events().collect())
}

/// An event in the newer form. What else it has (`source`, `data`) tells nothing that reading the
/// record does not tell better.
#[derive(Deserialize)]
struct CloudEvent {
    id: String,
    /// `qbo.invoice.updated.v1`
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "intuitentityid")]
    entity: String,
    #[serde(rename = "intuitaccountid")]
    account: String,
    #[serde(default)]
    time: String,
}

impl CloudEvent {
    fn read(self) -> Event {
        let mut words = self.kind.split('.');
        let (Some(source), Some(entity), Some(operation)) =
            (words.next(), words.next(), words.next())
        else {
            return Event::Ignored;
        };
        if !source.eq_ignore_ascii_case("qbo") {
            return Event::Ignored;
        }
        if self.id.is_empty() {
            return Event::Unreadable;
        }
        let key = EventKey::of(&["event", &self.id]);
        event(
            &self.account,
            entity,
            self.entity,
            operation,
            &self.time,
            key,
        )
    }
}

/// A delivery in the older form.
#[derive(Deserialize)]
struct Older {
    #[serde(rename = "eventNotifications")]
    companies: Vec<Company>,
}

#[derive(Deserialize)]
struct Company {
    #[serde(rename = "realmId")]
    realm: String,
    #[serde(rename = "dataChangeEvent")]
    change: Change,
}

#[derive(Deserialize)]
struct Change {
    entities: Vec<Value>,
}

impl Older {
    fn events(self) -> impl Iterator<Item = Event> {
        self.companies.into_iter().flat_map(|company| {
            let Company { realm, change } = company;
            change.entities.into_iter().map(move |entity| {
                serde_json::from_value(entity)
                    .map_or(Event::Unreadable, |entity: Entity| entity.read(&realm))
            })
        })
    }
}

/// An event in the older form. It has no id of its own.
#[derive(Deserialize)]
struct Entity {
    name: String,
    id: String,
    operation: String,
    #[serde(rename = "lastUpdated")]
    last_updated: String,
    /// On a merge: the record that is gone.
    #[serde(rename = "deletedId")]
    deleted_id: Option<String>,
}

impl Entity {
    fn read(self, realm: &str) -> Event {
        let key = EventKey::of(&[
            "change",
            realm,
            &self.name,
            &self.id,
            &self.operation,
            &self.last_updated,
            self.deleted_id.as_deref().unwrap_or_default(),
        ]);
        event(
            realm,
            &self.name,
            self.id,
            &self.operation,
            &self.last_updated,
            key,
        )
    }
}

fn event(
    account: &str,
    entity: &str,
    ledger_id: String,
    operation: &str,
    time: &str,
    key: EventKey,
) -> Event {
    let (Some(dataset), Some(operation)) = (dataset(entity), Operation::parse(operation)) else {
        return Event::Ignored;
    };
    if !is_id(account) || !is_id(&ledger_id) {
        return Event::Unreadable;
    }
    Event::Hint(Hint {
        account: account.into(),
        dataset,
        ledger_id,
        merged: operation == Operation::Merged,
        happened_at: time.parse().ok(),
        key,
    })
}

/// The dataset of an entity, whose name the two forms spell in different case.
fn dataset(entity: &str) -> Option<Dataset> {
    let mut datasets = ProviderKind::QuickBooks.datasets().iter().copied();
    datasets
        .find(|dataset| query::entity(*dataset).is_ok_and(|name| name.eq_ignore_ascii_case(entity)))
}

/// What happened to a record. That it was e-mailed moves no figure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Changed,
    Merged,
}

impl Operation {
    /// Reads `Update` and `updated` alike.
    fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "create" | "created" | "update" | "updated" | "delete" | "deleted" | "void"
            | "voided" => Some(Self::Changed),
            "merge" | "merged" => Some(Self::Merged),
            _ => None,
        }
    }
}
