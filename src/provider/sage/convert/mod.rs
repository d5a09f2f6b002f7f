//! From Sage's records to the domain's. `docs/sage.md` has the mapping field by field.
//!
//! A record that lacks what its figures need (a date, a total) is a fault with its place named. It is
//! never read as zero, and never skipped, since a skipped invoice is a wrong balance.

mod allocation;
mod artefact;
mod names;
mod payment;
mod sales;

use jiff::Timestamp;
use rust_decimal::Decimal;

pub(super) use allocation::allocation;
pub(super) use names::{contact, is_customer, item};
pub(super) use payment::payment;
pub(super) use sales::{CREDIT_NOTE, INVOICE, opening_balance, quick_entry, sale};

use super::wire::{Exchange, Reference as WireReference, Row};
use crate::domain::document::{DocumentState, Side};
use crate::domain::freshness::Dataset;
use crate::domain::money::Currency;
use crate::domain::records::DocumentRecord;
use crate::provider::convert::{self, Place};
use crate::provider::{ProviderResult, Reference};

/// What every conversion needs beside the record.
pub(super) struct Context<'a> {
    pub(super) reference: &'a Reference,
    pub(super) answered_at: Timestamp,
}

impl Context<'_> {
    /// When the record last changed; the answer's own time where it does not say.
    fn changed_at(&self, place: Place<'_>, row: &impl Row) -> ProviderResult<Timestamp> {
        match row.updated_at() {
            None => Ok(self.answered_at),
            Some(text) => text
                .parse()
                .map_err(|_| place.fault("updated_at", "this is no instant")),
        }
    }

    /// The currency stated, else the books' own: a small edition of Sage knows no other.
    fn currency(
        &self,
        place: Place<'_>,
        stated: Option<&WireReference>,
    ) -> ProviderResult<Currency> {
        match WireReference::id(stated) {
            Some(code) => code
                .parse()
                .map_err(|_| place.fault("currency", "this is no ISO 4217 code")),
            None => self
                .reference
                .base_currency
                .ok_or_else(|| place.fault("currency", "it is missing")),
        }
    }

    /// The rate of a foreign document in units of the base currency. Nothing says which way round Sage
    /// states a rate, so the one is taken by which the total becomes the total in the base currency.
    fn exchange_rate(&self, currency: Currency, exchange: Exchange) -> Option<Decimal> {
        let base = self.reference.base_currency?;
        if currency == base {
            return None;
        }
        let (total, base_total) = (exchange.total?.abs(), exchange.base_total?.abs());
        let [stated, inverse] = exchange.rates;
        let inverse = inverse.or_else(|| Decimal::ONE.checked_div(stated?));
        let gap = |rate: &Decimal| Some((total.checked_mul(*rate)? - base_total).abs());
        let close = |rate: &Decimal| {
            !rate.is_zero() && gap(rate).is_some_and(|gap| gap * Decimal::ONE_HUNDRED <= base_total)
        };
        [stated, inverse]
            .into_iter()
            .flatten()
            .filter(close)
            .min_by_key(gap)
    }
}

fn empty_record(dataset: Dataset, row: &impl Row, changed_at: Timestamp) -> DocumentRecord {
    DocumentRecord {
        dataset,
        ledger_id: row.id().to_owned(),
        changed_at,
        documents: Vec::new(),
        applications: Vec::new(),
    }
}

/// Where a document stands by its status. A draft and a pro forma are not in the accounts.
fn state(status: Option<&WireReference>) -> DocumentState {
    match WireReference::id(status) {
        Some("DRAFT" | "PRO_FORMA") => DocumentState::Draft,
        Some("VOID") => DocumentState::Voided,
        Some("UNPAID" | "PART_PAID" | "PAID" | "DISPUTED") | None => DocumentState::Issued,
        Some(other) => {
            count_unknown("status", other);
            DocumentState::Issued
        }
    }
}

/// The side across.
fn opposite(side: Side) -> Side {
    match side {
        Side::Receivable => Side::Credit,
        Side::Credit => Side::Receivable,
        Side::Settled => Side::Settled,
    }
}

/// Notes a value of a known field that has no meaning to us.
pub(super) fn count_unknown(field: &'static str, value: &str) {
    convert::count_unknown("sage", field, value);
}
