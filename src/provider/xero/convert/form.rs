//! Invoices, credit notes, overpayments and prepayments: one form of the wire, four documents. The
//! credits carry what of them was used on which invoice; an invoice's own list of credits tells the
//! same once more and is not read, so that no use counts twice.

use jiff::civil::Date;

use super::{Context, Converted, count_unknown, is};
use crate::domain::document::{
    Application, Document, DocumentId, DocumentKind, DocumentLine, DocumentState, Side,
};
use crate::domain::freshness::Dataset;
use crate::domain::ids::{CustomerId, ItemId};
use crate::domain::money::Currency;
use crate::domain::records::{Deletion, DocumentRecord};
use crate::provider::ProviderResult;
use crate::provider::convert::{Place, sided};
use crate::provider::matching::first_filled;
use crate::provider::xero::wire::{self, ContactReference, Form};

/// One use of the form.
pub(super) struct FormKind {
    pub(super) entity: &'static str,
    pub(super) dataset: Dataset,
    pub(super) kind: DocumentKind,
    side: Side,
    /// The types of the sales side.
    sales: &'static [&'static str],
    /// The types of the supplier's side.
    purchases: &'static [&'static str],
}

pub(super) const INVOICE: FormKind = FormKind {
    entity: "Invoice",
    dataset: Dataset::Invoices,
    kind: DocumentKind::Invoice,
    side: Side::Receivable,
    sales: &["ACCREC"],
    purchases: &["ACCPAY"],
};

pub(super) const CREDIT_NOTE: FormKind = FormKind {
    entity: "CreditNote",
    dataset: Dataset::CreditNotes,
    kind: DocumentKind::CreditNote,
    side: Side::Credit,
    sales: &["ACCRECCREDIT"],
    purchases: &["ACCPAYCREDIT"],
};

pub(super) const OVERPAYMENT: FormKind = FormKind {
    entity: "Overpayment",
    dataset: Dataset::Overpayments,
    kind: DocumentKind::Overpayment,
    side: Side::Credit,
    sales: &["RECEIVE-OVERPAYMENT", "AROVERPAYMENT"],
    purchases: &["SPEND-OVERPAYMENT", "APOVERPAYMENT"],
};

pub(super) const PREPAYMENT: FormKind = FormKind {
    entity: "Prepayment",
    dataset: Dataset::Prepayments,
    kind: DocumentKind::Prepayment,
    side: Side::Credit,
    sales: &["RECEIVE-PREPAYMENT", "ARPREPAYMENT"],
    purchases: &["SPEND-PREPAYMENT", "APPREPAYMENT"],
};

/// A form's id, which stands under the name of its kind.
pub(super) fn id<'a>(kind: &FormKind, row: &'a Form) -> ProviderResult<&'a str> {
    let (field, id) = match kind.kind {
        DocumentKind::CreditNote => ("CreditNoteID", &row.credit_note_id),
        DocumentKind::Overpayment => ("OverpaymentID", &row.overpayment_id),
        DocumentKind::Prepayment => ("PrepaymentID", &row.prepayment_id),
        _ => ("InvoiceID", &row.invoice_id),
    };
    let place = Place {
        entity: kind.entity,
        id: "",
    };
    place.required(field, id.as_deref().filter(|id| !id.is_empty()))
}

/// Whether it belongs to the sales side.
fn is_sale(kind: &FormKind, row: &Form) -> bool {
    let word = row.kind.as_deref();
    kind.sales.iter().any(|sale| is(word, sale))
}

fn is_deleted(row: &Form) -> bool {
    is(row.status.as_deref(), "DELETED")
}

/// Whether the mirror keeps a record of it.
pub(super) fn is_mirrored(kind: &FormKind, row: &Form) -> bool {
    is_sale(kind, row) && !is_deleted(row)
}

/// Adds the document of a form with the uses that it carries; of a deleted one its deletion, of the
/// supplier's side nothing.
pub(super) fn add(
    context: &Context<'_>,
    kind: &FormKind,
    row: &Form,
    converted: &mut Converted,
) -> ProviderResult<()> {
    let id = id(kind, row)?;
    let place = Place {
        entity: kind.entity,
        id,
    };
    if !is_sale(kind, row) {
        let word = place.required("Type", row.kind.as_deref())?;
        if !kind.purchases.iter().any(|known| is(Some(word), known)) {
            count_unknown("Type", word);
        }
        return Ok(());
    }
    let contact = ContactReference::id(row.contact.as_ref());
    converted.contacts.extend(contact.map(str::to_owned));
    if is_deleted(row) {
        converted.records.deletions.push(Deletion {
            dataset: kind.dataset,
            ledger_id: id.to_owned(),
        });
        return Ok(());
    }
    let document = document(context, kind, row, place)?;
    let applications = row
        .allocations
        .iter()
        .enumerate()
        .filter(|(_, allocation)| allocation.is_deleted != Some(true))
        .map(|(nth, allocation)| application(place, &document, nth, allocation))
        .collect::<ProviderResult<Vec<_>>>()?;
    converted.records.documents.push(DocumentRecord {
        dataset: kind.dataset,
        ledger_id: id.to_owned(),
        changed_at: document.changed_at,
        documents: vec![document],
        applications,
    });
    Ok(())
}

fn document(
    context: &Context<'_>,
    kind: &FormKind,
    row: &Form,
    place: Place<'_>,
) -> ProviderResult<Document> {
    let common = common(context, row, place)?;
    let (total, side) = sided(place.required("Total", row.total)?, kind.side);
    let number = match kind.kind {
        DocumentKind::Invoice => first_filled([&row.invoice_number]),
        DocumentKind::CreditNote => first_filled([&row.credit_note_number]),
        _ => first_filled([&row.invoice_number, &row.reference]),
    };
    let open = match kind.side {
        Side::Receivable => row.amount_due,
        Side::Credit | Side::Settled => row.remaining_credit,
    };
    let due_on = row.due_date_string.or(row.due_date);
    Ok(Document {
        id: DocumentId::new(kind.kind, place.id),
        customer: common.customer,
        number: number.map(Into::into),
        issued_on: common.issued_on,
        due_on: due_on.filter(|_| kind.side == Side::Receivable),
        currency: common.currency,
        exchange_rate: context.exchange_rate(common.currency, row.currency_rate),
        total,
        tax: row.total_tax.unwrap_or_default().abs(),
        side,
        state: state(kind, row.status.as_deref()),
        lines: lines(row),
        ledger_open: open,
        changed_at: context.changed_at(row.updated_at),
    })
}

/// What a form shares with the payments inside it.
pub(super) struct Common {
    pub(super) customer: CustomerId,
    pub(super) issued_on: Date,
    pub(super) currency: Currency,
}

pub(super) fn common(
    context: &Context<'_>,
    row: &Form,
    place: Place<'_>,
) -> ProviderResult<Common> {
    let contact = ContactReference::id(row.contact.as_ref());
    Ok(Common {
        customer: CustomerId::from(place.required("Contact.ContactID", contact)?),
        issued_on: place.required("Date", row.date_string.or(row.date))?,
        currency: context.currency(place, "CurrencyCode", row.currency_code.as_deref())?,
    })
}

/// A status that nobody knows counts against the customer until someone looks: what is owed counts,
/// what is credited does not.
fn state(kind: &FormKind, status: Option<&str>) -> DocumentState {
    let word = status.unwrap_or_default().to_ascii_uppercase();
    match word.as_str() {
        "AUTHORISED" | "PAID" => DocumentState::Issued,
        "DRAFT" | "SUBMITTED" => DocumentState::Draft,
        "VOIDED" => DocumentState::Voided,
        _ => {
            count_unknown("Status", &word);
            match kind.side {
                Side::Receivable => DocumentState::Issued,
                Side::Credit | Side::Settled => DocumentState::Draft,
            }
        }
    }
}

fn application(
    place: Place<'_>,
    credit: &Document,
    nth: usize,
    row: &wire::Allocation,
) -> ProviderResult<Application> {
    let field = |name: &str| format!("Allocations[{nth}].{name}");
    let invoice = row
        .invoice
        .as_ref()
        .and_then(|invoice| invoice.id.as_deref());
    let invoice = place.required(&field("Invoice.InvoiceID"), invoice)?;
    Ok(Application {
        carrier: credit.id.clone(),
        from: credit.id.clone(),
        to: DocumentId::new(DocumentKind::Invoice, invoice),
        amount: place.required(&field("Amount"), row.amount)?,
        // It counts from the later of both documents' dates in any case.
        applied_on: row.date.unwrap_or(credit.issued_on),
    })
}

fn lines(row: &Form) -> Vec<DocumentLine> {
    let with_tax = is(row.line_amount_types.as_deref(), "Inclusive");
    row.line_items
        .iter()
        .map(|line| {
            let item = line.item.as_ref();
            let named = item.and_then(|item| item.name.clone());
            let description = first_filled([&line.description, &named, &line.item_code]);
            let amount = line.amount.unwrap_or_default();
            let tax = line.tax_amount.unwrap_or_default();
            DocumentLine {
                item: item
                    .and_then(|item| item.id.as_deref())
                    .filter(|id| !id.is_empty())
                    .map(ItemId::from),
                description: description.unwrap_or_default().into(),
                quantity: line.quantity,
                // With tax in it, it is not the price that we speak of.
                unit_price: line.unit_amount.filter(|_| !with_tax),
                amount: if with_tax { amount - tax } else { amount },
            }
        })
        .collect()
}
