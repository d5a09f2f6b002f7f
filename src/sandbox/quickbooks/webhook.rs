//! Webhooks, in the form of `CloudEvents` and in the older one.
//!
//! Only what was meant is told: whether the API tells of an invoice whose payment came, too, is not known.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sandbox::books::{Act, Change, Subject};
use crate::sandbox::webhooks::{Event, Style};

/// The event of a change, if there is one.
pub(crate) fn event(style: Style, realm: &str, change: &Change, now: Timestamp) -> Option<Value> {
    if !change.direct {
        return None;
    }
    let (name, id) = match change.subject {
        Subject::Name(list, id) => (list.entity(), id),
        Subject::Document(kind, id) => (kind.entity(), id),
    };
    let (operation, past) = match change.act {
        Act::Created => ("Create", "created"),
        Act::Updated => ("Update", "updated"),
        Act::Voided => ("Void", "voided"),
        Act::Deleted => ("Delete", "deleted"),
        Act::Emailed => ("Emailed", "emailed"),
        Act::Merged(_) => ("Merge", "merged"),
    };
    let gone = match change.act {
        Act::Merged(gone) => Some(gone.to_string()),
        _ => None,
    };
    let mut event = match style {
        Style::CloudEvents => json!({
            "specversion": "1.0",
            "id": uuid::Uuid::new_v4().to_string(),
            "source": "intuit.c2FuZGJveA==",
            "type": format!("qbo.{}.{past}.v1", name.to_lowercase()),
            "datacontenttype": "application/json",
            "time": now.to_string(),
            "intuitentityid": id.to_string(),
            "intuitaccountid": realm,
            "data": {},
        }),
        Style::Legacy => json!({
            "name": name,
            "id": id.to_string(),
            "operation": operation,
            "lastUpdated": now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        }),
    };
    if let Some(gone) = gone {
        match style {
            Style::CloudEvents => event["data"]["deletedid"] = json!(gone),
            Style::Legacy => event["deletedId"] = json!(gone),
        }
    }
    Some(event)
}

/// The body that tells events.
pub(crate) fn body(style: Style, events: &[Event]) -> String {
    match style {
        Style::CloudEvents => {
            let events: Vec<&Value> = events.iter().map(|event| &event.body).collect();
            json!(events).to_string()
        }
        Style::Legacy => {
            let mut companies: Vec<(&str, Vec<&Value>)> = Vec::new();
            for event in events {
                match companies
                    .iter_mut()
                    .find(|(realm, _)| *realm == event.realm)
                {
                    Some((_, entities)) => entities.push(&event.body),
                    None => companies.push((&event.realm, vec![&event.body])),
                }
            }
            let notifications: Vec<Value> = companies
                .into_iter()
                .map(|(realm, entities)| {
                    json!({"realmId": realm, "dataChangeEvent": {"entities": entities}})
                })
                .collect();
            json!({"eventNotifications": notifications}).to_string()
        }
    }
}
