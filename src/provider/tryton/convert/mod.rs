//! From Tryton's records to the domain's. `docs/tryton.md` has the mapping field by field.
//!
//! A record that lacks what its figures need (a date, an amount) is a fault with its place named. It
//! is never read as zero, and never skipped, since a skipped invoice is a wrong balance.

mod entry;
mod invoice;
mod names;
mod settling;

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

pub(super) use self::names::{company_name, customer, item, organization};
use super::wire::{Coded, Invoice, Move, MoveLine, Ownership};
use crate::domain::money::Currency;
use crate::domain::records::DocumentRecord;
use crate::provider::convert::Place;
use crate::provider::{ProviderResult, Reference};

/// What every conversion needs beside the record.
pub(super) struct Context<'a> {
    pub(super) reference: &'a Reference,
    pub(super) owners: &'a Owners,
}

/// Which moves invoices have posted themselves, by the invoices that were asked.
#[derive(Default)]
pub(super) struct Owners {
    /// The move of each invoice.
    moves: HashMap<i64, i64>,
    /// The moves that take back a canceled invoice as a whole.
    canceling: HashSet<i64>,
}

impl Owners {
    pub(super) fn add(&mut self, row: &Ownership) {
        if let Some(posted_by) = row.posted_by {
            self.moves.insert(row.id, posted_by);
        }
        if row.additional_moves.is_empty() {
            self.canceling.extend(row.cancel_move);
        }
    }

    /// The invoice whose own line this is.
    fn invoice_of(&self, line: &MoveLine) -> Option<i64> {
        let invoice = invoice_named(line.move_origin.as_deref())?;
        (line.posted_by.is_some() && self.moves.get(&invoice).copied() == line.posted_by)
            .then_some(invoice)
    }

    fn owns(&self, row: &Move) -> bool {
        self.canceling.contains(&row.id)
            || invoice_named(row.origin.as_deref())
                .is_some_and(|invoice| self.moves.get(&invoice) == Some(&row.id))
    }
}

/// The invoices whose own moves have to be known before these are converted.
pub(super) fn invoices_named_by_invoices(rows: &[Invoice]) -> BTreeSet<i64> {
    let lines = rows.iter().flat_map(|row| {
        let owed = row.lines_to_pay.iter().flat_map(partners);
        owed.chain(&row.payment_lines)
    });
    lines
        .filter_map(|line| invoice_named(line.move_origin.as_deref()))
        .collect()
}

/// The same of moves.
pub(super) fn invoices_named_by_moves(rows: &[Move]) -> BTreeSet<i64> {
    let lines = rows.iter().flat_map(|row| &row.lines).flat_map(partners);
    lines
        .map(|line| line.move_origin.as_deref())
        .chain(rows.iter().map(|row| row.origin.as_deref()))
        .filter_map(invoice_named)
        .collect()
}

/// The moves that may take back an invoice.
pub(super) fn cancel_candidates(rows: &[Move]) -> BTreeSet<i64> {
    let takes_back = |row: &&Move| {
        row.origin
            .as_deref()
            .is_some_and(|origin| origin.starts_with("account.move,"))
    };
    rows.iter().filter(takes_back).map(|row| row.id).collect()
}

fn partners(line: &MoveLine) -> impl Iterator<Item = &MoveLine> {
    line.reconciliation.iter().flat_map(|group| &group.lines)
}

fn invoice_named(origin: Option<&str>) -> Option<i64> {
    origin?.strip_prefix("account.invoice,")?.parse().ok()
}

impl Context<'_> {
    fn base_currency(&self, place: Place<'_>) -> ProviderResult<Currency> {
        place.required("company.currency", self.reference.base_currency)
    }
}

/// The currency of a code.
fn currency(place: Place<'_>, field: &str, coded: Option<&Coded>) -> ProviderResult<Currency> {
    let code = coded.and_then(|coded| coded.code.as_deref());
    let code = place.required(field, code)?;
    code.parse()
        .map_err(|_| place.fault(field, "this is no ISO 4217 code"))
}

/// When a record last changed: one that was never written has only its creation.
fn changed_at(
    place: Place<'_>,
    written: Option<Timestamp>,
    created: Option<Timestamp>,
) -> ProviderResult<Timestamp> {
    place.required("create_date", written.or(created))
}

/// Customer invoices and credit notes.
pub(super) fn invoices(
    context: &Context<'_>,
    rows: &[Invoice],
) -> ProviderResult<Vec<DocumentRecord>> {
    rows.iter()
        .map(|row| invoice::documents(context, row))
        .collect()
}

/// Moves that no invoice posted.
pub(super) fn moves(context: &Context<'_>, rows: &[Move]) -> ProviderResult<Vec<DocumentRecord>> {
    rows.iter()
        .map(|row| entry::documents(context, row))
        .collect()
}
