//! What the conversions of all providers share: where a fault is, and amounts that books may hold.

use rust_decimal::Decimal;

use super::http::UNKNOWN_VALUES;
use super::{ProviderError, ProviderResult};
use crate::domain::document::Side;
use crate::domain::freshness::Dataset;
use crate::domain::money::MAX_AMOUNT;
use crate::domain::records::Records;

/// Where in an answer a record stands, for error messages.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The ledger's word for the kind of record.
    pub(super) entity: &'static str,
    /// Its id.
    pub(super) id: &'a str,
}

impl Place<'_> {
    /// A fault in one of its fields.
    pub(super) fn fault(self, field: &str, reason: &str) -> ProviderError {
        ProviderError::Malformed {
            path: format!("{}[Id={}].{field}", self.entity, self.id),
            reason: reason.to_owned(),
        }
    }

    /// A field that it cannot do without.
    pub(super) fn required<T>(self, field: &str, value: Option<T>) -> ProviderResult<T> {
        value.ok_or_else(|| self.fault(field, "it is missing"))
    }
}

/// No sum over what is kept may leave the range of a decimal.
pub(super) fn refuse_absurd_amounts(records: &Records) -> ProviderResult<()> {
    let customer = records
        .customers
        .iter()
        .find(|record| !record.within_bounds())
        .map(|record| (Dataset::Customers, record.customer.id.as_str()));
    let document = records
        .documents
        .iter()
        .find(|record| !record.within_bounds())
        .map(|record| (record.dataset, record.ledger_id.as_str()));
    match customer.or(document) {
        Some((dataset, id)) => Err(ProviderError::Malformed {
            path: format!("{}[Id={id}]", dataset.as_str()),
            reason: format!("an amount is beyond {MAX_AMOUNT}"),
        }),
        None => Ok(()),
    }
}

/// A total is never negative: a negative one counts the other way.
pub(super) fn sided(total: Decimal, side: Side) -> (Decimal, Side) {
    let side = match side {
        Side::Receivable if total.is_sign_negative() => Side::Credit,
        Side::Credit if total.is_sign_negative() => Side::Receivable,
        side => side,
    };
    (total.abs(), side)
}

/// Notes a value of a known field that has no meaning to us.
pub(super) fn count_unknown(provider: &'static str, field: &'static str, value: &str) {
    metrics::counter!(UNKNOWN_VALUES, "provider" => provider, "field" => field).increment(1);
    tracing::debug!(provider, field, value, "unknown value");
}
