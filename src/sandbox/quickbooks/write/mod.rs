//! Writes: what a body means to the books.

mod document;
mod lines;
mod name;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::wire::fault::Fault;
use super::wire::request::Properties;
use super::wire::schema::Entity;
use super::wire::{instant, show, show_document};
use crate::sandbox::books::{Books, Kind};

/// What a write is meant to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Create, or update when the body has an `Id`.
    Write,
    /// Delete for good.
    Delete,
    /// Keep with zero amounts.
    Void,
}

/// Carries out a write and gives the entity as the answer shows it.
///
/// # Errors
///
/// Every refusal of the API, by its code; then nothing has changed.
pub(crate) fn write(
    books: &mut Books,
    entity: Entity,
    operation: Operation,
    body: Value,
    now: Timestamp,
) -> Result<Value, Fault> {
    let body = Properties::new(entity, body)?;
    match (entity, operation) {
        (Entity::List(list), Operation::Write) => {
            let id = name::write(books, list, &body, now)?;
            let name = books.name(list, id).ok_or_else(Fault::not_found)?;
            Ok(show::name(books, list, name))
        }
        (Entity::List(_), _) => Err(Fault::unsupported("delete of a name")),
        (Entity::Kind(kind), Operation::Write) => {
            let id = document::write(books, kind, &body, now)?;
            shown(books, kind, id)
        }
        (Entity::Kind(kind), Operation::Delete | Operation::Void) => {
            let id = body.id()?;
            let before = books.document(kind, id).ok_or_else(Fault::not_found)?;
            body.check_sync_token(before.stamp.sync_token)?;
            if operation == Operation::Void {
                books.void(kind, id, now)?;
                return shown(books, kind, id);
            }
            books.delete(kind, id, now)?;
            Ok(json!({"domain": "QBO", "status": "Deleted", "Id": id.to_string()}))
        }
    }
}

fn shown(books: &Books, kind: Kind, id: u64) -> Result<Value, Fault> {
    let document = books.document(kind, id).ok_or_else(Fault::not_found)?;
    Ok(show_document::document(books, document))
}

/// Sends a sales form by mail: nothing leaves this machine, but the form says that it was sent.
///
/// # Errors
///
/// When there is none (610), or no address to send it to (6000).
pub(crate) fn send(
    books: &mut Books,
    kind: Kind,
    id: u64,
    to: Option<&str>,
    now: Timestamp,
) -> Result<Value, Fault> {
    let document = books.document(kind, id).ok_or_else(Fault::not_found)?;
    let known = document
        .extra
        .as_deref()
        .is_some_and(|extra| extra.contains_key("BillEmail"));
    if !known && to.is_none() {
        return Err(Fault::business("Email Address not specified."));
    }
    books.note_extra(kind, id, now, |extra| {
        if let Some(to) = to {
            extra.insert("BillEmail".to_owned(), json!({"Address": to}));
        }
        extra.insert("EmailStatus".to_owned(), json!("EmailSent"));
        extra.insert(
            "DeliveryInfo".to_owned(),
            json!({"DeliveryType": "Email", "DeliveryTime": instant(now)}),
        );
    });
    shown(books, kind, id)
}
