//! Payments of invoices, and refunds of credits, which Xero calls payments too.
//!
//! A payment settles one invoice with its whole amount. A refund goes out to the customer and uses up
//! so much of a credit: it is a receivable that the credit settles at once. What it refunds stands
//! under `Invoice` as often as under its own name, so the type of the payment decides.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::form::{self, FormKind};
use super::{Context, Converted, count_unknown, is};
use crate::domain::document::{
    Application, Document, DocumentId, DocumentKind, DocumentState, Side,
};
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::money::Currency;
use crate::domain::records::{Deletion, DocumentRecord, Records};
use crate::provider::ProviderResult;
use crate::provider::convert::{Place, sided};
use crate::provider::matching::first_filled;
use crate::provider::xero::wire::{ContactReference, Form, Parent, Payment};

/// The types of the sales side, with what each one belongs to.
const SALES: [(&str, DocumentKind); 4] = [
    ("ACCRECPAYMENT", DocumentKind::Invoice),
    ("ARCREDITPAYMENT", DocumentKind::CreditNote),
    ("AROVERPAYMENTPAYMENT", DocumentKind::Overpayment),
    ("ARPREPAYMENTPAYMENT", DocumentKind::Prepayment),
];

/// The types of the supplier's side.
const PURCHASES: [&str; 4] = [
    "ACCPAYPAYMENT",
    "APCREDITPAYMENT",
    "APOVERPAYMENTPAYMENT",
    "APPREPAYMENTPAYMENT",
];

/// The kind of document that it pays or pays back; `None` on the supplier's side.
fn sale(row: &Payment) -> Option<DocumentKind> {
    let word = row.kind.as_deref();
    SALES
        .iter()
        .find(|(known, _)| is(word, known))
        .map(|(_, kind)| *kind)
}

fn is_deleted(row: &Payment) -> bool {
    is(row.status.as_deref(), "DELETED")
}

/// Adds the document of a payment with its application; of a deleted one its deletion, of the
/// supplier's side nothing.
pub(super) fn add(
    context: &Context<'_>,
    row: &Payment,
    converted: &mut Converted,
) -> ProviderResult<()> {
    let place = Place {
        entity: "Payment",
        id: &row.id,
    };
    let Some(target) = sale(row) else {
        let word = place.required("PaymentType", row.kind.as_deref())?;
        if !PURCHASES.iter().any(|known| is(Some(word), known)) {
            count_unknown("PaymentType", word);
        }
        return Ok(());
    };
    let parent = parent(row, target);
    let contact = parent.and_then(|parent| ContactReference::id(parent.contact.as_ref()));
    converted.contacts.extend(contact.map(str::to_owned));
    if is_deleted(row) {
        converted.records.deletions.push(Deletion {
            dataset: Dataset::Payments,
            ledger_id: row.id.clone(),
        });
        return Ok(());
    }
    let (field, id) = parent_id(parent, target);
    let currency = parent.and_then(|parent| parent.currency_code.as_deref());
    let money = Money {
        id: &row.id,
        target: DocumentId::new(target, place.required(field, id)?),
        customer: CustomerId::from(place.required("Invoice.Contact.ContactID", contact)?),
        currency: context.currency(place, "Invoice.CurrencyCode", currency)?,
        on: place.required("Date", row.date)?,
        amount: place.required("Amount", row.amount)?,
        reference: &row.reference,
        rate: row.currency_rate,
        state: state(row.status.as_deref()),
        changed_at: context.changed_at(row.updated_at),
    };
    converted.records.documents.push(money.record(context));
    Ok(())
}

/// Adds the payments inside a document, none of which is a deleted one.
pub(super) fn add_nested(
    context: &Context<'_>,
    kind: &FormKind,
    row: &Form,
    records: &mut Records,
) -> ProviderResult<()> {
    let id = form::id(kind, row)?;
    let place = Place {
        entity: kind.entity,
        id,
    };
    let common = form::common(context, row, place)?;
    for (nth, payment) in row.payments.iter().enumerate() {
        let field = |name: &str| format!("Payments[{nth}].{name}");
        let money = Money {
            id: place.required(&field("PaymentID"), payment.id.as_deref())?,
            target: DocumentId::new(kind.kind, id),
            customer: common.customer.clone(),
            currency: common.currency,
            on: place.required(&field("Date"), payment.date)?,
            amount: place.required(&field("Amount"), payment.amount)?,
            reference: &payment.reference,
            rate: payment.currency_rate,
            state: DocumentState::Issued,
            changed_at: Timestamp::UNIX_EPOCH,
        };
        records.documents.push(money.record(context));
    }
    Ok(())
}

/// What it belongs to, under its own name or under that of an invoice.
fn parent(row: &Payment, target: DocumentKind) -> Option<&Parent> {
    let own = match target {
        DocumentKind::CreditNote => &row.credit_note,
        DocumentKind::Overpayment => &row.overpayment,
        DocumentKind::Prepayment => &row.prepayment,
        _ => &row.invoice,
    };
    own.as_ref().or(row.invoice.as_ref())
}

fn parent_id(parent: Option<&Parent>, target: DocumentKind) -> (&'static str, Option<&str>) {
    let Some(parent) = parent else {
        return ("Invoice", None);
    };
    let (field, own) = match target {
        DocumentKind::CreditNote => ("CreditNote.CreditNoteID", &parent.credit_note_id),
        DocumentKind::Overpayment => ("Overpayment.OverpaymentID", &parent.overpayment_id),
        DocumentKind::Prepayment => ("Prepayment.PrepaymentID", &parent.prepayment_id),
        _ => ("Invoice.InvoiceID", &None),
    };
    let filled = |id: &'_ &str| !id.is_empty();
    let id = own.as_deref().filter(filled);
    (
        field,
        id.or_else(|| parent.invoice_id.as_deref().filter(filled)),
    )
}

/// A status that nobody knows does not count until someone looks.
fn state(status: Option<&str>) -> DocumentState {
    if is(status, "AUTHORISED") {
        return DocumentState::Issued;
    }
    count_unknown("Status", status.unwrap_or_default());
    DocumentState::Draft
}

/// A payment or refund, wherever it was read.
struct Money<'a> {
    id: &'a str,
    /// What it settles or pays back.
    target: DocumentId,
    customer: CustomerId,
    currency: Currency,
    on: Date,
    amount: Decimal,
    reference: &'a Option<String>,
    rate: Option<Decimal>,
    state: DocumentState,
    changed_at: Timestamp,
}

impl Money<'_> {
    fn record(self, context: &Context<'_>) -> DocumentRecord {
        let is_refund = self.target.kind != DocumentKind::Invoice;
        let (kind, side) = if is_refund {
            (DocumentKind::Refund, Side::Receivable)
        } else {
            (DocumentKind::Payment, Side::Credit)
        };
        let (total, side) = sided(self.amount, side);
        let id = DocumentId::new(kind, self.id);
        let (from, to) = if is_refund {
            (self.target, id.clone())
        } else {
            (id.clone(), self.target)
        };
        DocumentRecord {
            dataset: Dataset::Payments,
            ledger_id: self.id.to_owned(),
            changed_at: self.changed_at,
            applications: vec![Application {
                carrier: id.clone(),
                from,
                to,
                amount: self.amount,
                applied_on: self.on,
            }],
            documents: vec![Document {
                id,
                customer: self.customer,
                number: first_filled([self.reference]).map(Into::into),
                issued_on: self.on,
                due_on: is_refund.then_some(self.on),
                currency: self.currency,
                exchange_rate: context.exchange_rate(self.currency, self.rate),
                total,
                tax: Decimal::ZERO,
                side,
                state: self.state,
                lines: Vec::new(),
                ledger_open: None,
                changed_at: self.changed_at,
            }],
        }
    }
}
