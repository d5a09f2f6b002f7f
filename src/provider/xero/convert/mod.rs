//! From Xero's records to the domain's. `docs/xero.md` has the mapping field by field.
//!
//! A record that lacks what its figures need (a date, a total) is a fault with its place named. It is
//! never read as zero, and never skipped, since a skipped invoice is a wrong balance.

mod form;
mod names;
mod payment;

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::wire::{Answer, Contact};
use crate::domain::money::Currency;
use crate::domain::records::Records;
use crate::provider::convert::{self, Place, refuse_absurd_amounts};
use crate::provider::{ProviderResult, Reference};

pub(super) use names::organization;

/// What every conversion needs beside the record.
pub(super) struct Context<'a> {
    reference: &'a Reference,
    answered_at: Timestamp,
}

/// Records, and whose they are.
#[derive(Debug, Default)]
pub(super) struct Converted {
    pub(super) records: Records,
    /// The contacts that the documents belong to, those of deleted documents too.
    pub(super) contacts: BTreeSet<String>,
}

impl<'a> Context<'a> {
    pub(super) fn new(reference: &'a Reference, answered_at: Timestamp) -> Self {
        Self {
            reference,
            answered_at,
        }
    }

    /// Converts all records of an answer.
    pub(super) fn records(&self, answer: &Answer) -> ProviderResult<Converted> {
        let mut converted = Converted::default();
        converted.records.items = answer.items.iter().map(names::item).collect();
        self.add_contacts(&answer.contacts, &mut converted.records)?;
        let forms = [
            (&answer.invoices, &form::INVOICE),
            (&answer.credit_notes, &form::CREDIT_NOTE),
            (&answer.overpayments, &form::OVERPAYMENT),
            (&answer.prepayments, &form::PREPAYMENT),
        ];
        for (rows, kind) in forms {
            for row in rows {
                form::add(self, kind, row, &mut converted)?;
            }
        }
        for row in &answer.payments {
            payment::add(self, row, &mut converted)?;
        }
        refuse_absurd_amounts(&converted.records)?;
        Ok(converted)
    }

    /// Adds contacts as customers, with their terms.
    pub(super) fn add_contacts(
        &self,
        contacts: &[Contact],
        records: &mut Records,
    ) -> ProviderResult<()> {
        for row in contacts {
            let (customer, terms) = names::customer(self, row)?;
            records.customers.push(customer);
            records.terms.extend(terms);
        }
        refuse_absurd_amounts(records)
    }

    /// Adds the payments that stand inside the documents of an answer. They do not say when they
    /// changed, so they are as old as can be: they count where the mirror has none of the id, and give
    /// way to what the list of payments says.
    pub(super) fn add_nested_payments(
        &self,
        answer: &Answer,
        records: &mut Records,
    ) -> ProviderResult<()> {
        let forms = [
            (&answer.invoices, &form::INVOICE),
            (&answer.credit_notes, &form::CREDIT_NOTE),
            (&answer.overpayments, &form::OVERPAYMENT),
            (&answer.prepayments, &form::PREPAYMENT),
        ];
        for (rows, kind) in forms {
            for row in rows.iter().filter(|row| form::is_mirrored(kind, row)) {
                payment::add_nested(self, kind, row, records)?;
            }
        }
        refuse_absurd_amounts(records)
    }

    /// When the record last changed; the answer's own time where it does not say.
    fn changed_at(&self, stated: Option<Timestamp>) -> Timestamp {
        stated.unwrap_or(self.answered_at)
    }

    /// The currency stated, else the books' own.
    fn currency(
        &self,
        place: Place<'_>,
        field: &str,
        stated: Option<&str>,
    ) -> ProviderResult<Currency> {
        match stated.map(str::trim).filter(|code| !code.is_empty()) {
            Some(code) => code
                .parse()
                .map_err(|_| place.fault(field, "this is no ISO 4217 code")),
            None => self
                .reference
                .base_currency
                .ok_or_else(|| place.fault(field, "it is missing")),
        }
    }

    /// The rate of a foreign document, where it can be told. Nothing that Xero publishes says whether
    /// a rate counts base units for a foreign one or the other way round; 1 is the same in both.
    fn exchange_rate(&self, currency: Currency, stated: Option<Decimal>) -> Option<Decimal> {
        let base = self.reference.base_currency?;
        stated.filter(|rate| currency != base && *rate == Decimal::ONE)
    }
}

impl Answer {
    /// How many records it holds, whatever they are.
    pub(super) fn len(&self) -> usize {
        self.organisations.len()
            + self.contacts.len()
            + self.items.len()
            + self.invoices.len()
            + self.credit_notes.len()
            + self.overpayments.len()
            + self.prepayments.len()
            + self.payments.len()
    }
}

/// Whether an enumeration's word is this one. Its case has varied.
fn is(word: Option<&str>, expected: &str) -> bool {
    word.is_some_and(|word| word.eq_ignore_ascii_case(expected))
}

/// Notes a value of a known field that has no meaning to us.
fn count_unknown(field: &'static str, value: &str) {
    convert::count_unknown("xero", field, value);
}
