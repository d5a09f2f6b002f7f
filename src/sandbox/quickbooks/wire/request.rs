//! The body of a write: a JSON object whose properties the entity must know.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::fault::Fault;
use super::schema::Entity;

/// The properties that a caller sent.
#[derive(Clone, Debug)]
pub(crate) struct Properties(pub(crate) Map<String, Value>);

impl Properties {
    /// Of a body.
    ///
    /// # Errors
    ///
    /// When it is no object (2010) or has a property that the entity does not know (2010).
    pub(crate) fn new(entity: Entity, body: Value) -> Result<Self, Fault> {
        let Value::Object(body) = body else {
            return Err(Fault::unreadable());
        };
        let known = entity.properties();
        for property in body.keys() {
            if !known.contains(&property.as_str()) {
                return Err(Fault::unknown_property(property, entity.name(), &known));
            }
        }
        Ok(Self(body))
    }

    /// Whether the property is there and not null.
    pub(crate) fn has(&self, property: &str) -> bool {
        self.0.get(property).is_some_and(|value| !value.is_null())
    }

    /// A text.
    pub(crate) fn text(&self, property: &str) -> Option<&str> {
        self.0.get(property)?.as_str()
    }

    /// A text of at most so many characters.
    ///
    /// # Errors
    ///
    /// When it is longer (2050).
    pub(crate) fn short_text(&self, property: &str, most: usize) -> Result<Option<&str>, Fault> {
        match self.text(property) {
            Some(text) if text.chars().count() > most => Err(Fault::too_long(property, most)),
            text => Ok(text),
        }
    }

    /// Yes or no.
    pub(crate) fn flag(&self, property: &str) -> Option<bool> {
        self.0.get(property)?.as_bool()
    }

    /// A day.
    ///
    /// # Errors
    ///
    /// When it is none (2080).
    pub(crate) fn date(&self, property: &str) -> Result<Option<Date>, Fault> {
        self.text(property)
            .map(|text| text.parse().map_err(|_| Fault::bad_number(property)))
            .transpose()
    }

    /// An amount.
    ///
    /// # Errors
    ///
    /// When it is none (2080).
    pub(crate) fn decimal(&self, property: &str) -> Result<Option<Decimal>, Fault> {
        decimal(&self.0, property)
    }

    /// The id in a reference.
    ///
    /// # Errors
    ///
    /// When it is no number (2500).
    pub(crate) fn reference(&self, property: &str) -> Result<Option<u64>, Fault> {
        reference(&self.0, property)
    }

    /// `Id`, which an update or a deletion must name.
    ///
    /// # Errors
    ///
    /// When it is missing (2020) or no number (2030).
    pub(crate) fn id(&self) -> Result<u64, Fault> {
        let id = self.text("Id").ok_or_else(|| Fault::missing("Id"))?;
        id.parse().map_err(|_| Fault::invalid_id(id))
    }

    /// Compares `SyncToken`.
    ///
    /// # Errors
    ///
    /// When it is missing (2020) or not the present one (5010).
    pub(crate) fn check_sync_token(&self, present: u32) -> Result<(), Fault> {
        let token = self
            .text("SyncToken")
            .ok_or_else(|| Fault::missing("SyncToken"))?;
        if token == present.to_string() {
            Ok(())
        } else {
            Err(Fault::stale())
        }
    }
}

/// Whether an amount is one that books can hold. The service documents 15 digits; the bound keeps
/// every product and sum of amounts within what a decimal can hold.
pub(crate) fn is_reasonable(amount: &Decimal) -> bool {
    amount.abs() <= Decimal::from(1_000_000_000_000_i64)
}

/// A decimal among properties: a number, or a text that is one.
///
/// # Errors
///
/// When it is neither (2080).
pub(crate) fn decimal(
    properties: &Map<String, Value>,
    property: &str,
) -> Result<Option<Decimal>, Fault> {
    let text = match properties.get(property) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err(Fault::bad_number(property)),
    };
    text.parse::<Decimal>()
        .or_else(|_| Decimal::from_scientific(&text))
        .ok()
        .filter(is_reasonable)
        .map(Some)
        .ok_or_else(|| Fault::bad_number(property))
}

/// The id in a reference among properties; a bare text is taken as the id.
///
/// # Errors
///
/// When it is no number (2500).
pub(crate) fn reference(
    properties: &Map<String, Value>,
    property: &str,
) -> Result<Option<u64>, Fault> {
    let id = match properties.get(property) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(id)) => id.as_str(),
        Some(reference) => match reference.get("value").and_then(Value::as_str) {
            Some(id) => id,
            None => return Ok(None),
        },
    };
    id.parse()
        .map(Some)
        .map_err(|_| Fault::bad_reference(property, id))
}
