//! What stands open until it is settled or used: invoices, credit notes, quick entries and opening
//! balances.

use rust_decimal::Decimal;

use super::{Context, count_unknown, empty_record, state};
use crate::domain::document::{
    Document, DocumentId, DocumentKind, DocumentLine, DocumentState, Side,
};
use crate::domain::freshness::Dataset;
use crate::domain::ids::{CustomerId, ItemId};
use crate::domain::records::DocumentRecord;
use crate::provider::ProviderResult;
use crate::provider::convert::{Place, sided};
use crate::provider::sage::wire::{self, Reference};

/// One use of the form that invoices and credit notes share.
pub(in crate::provider::sage) struct Form {
    entity: &'static str,
    dataset: Dataset,
    kind: DocumentKind,
    side: Side,
}

pub(in crate::provider::sage) const INVOICE: Form = Form {
    entity: "sales_invoices",
    dataset: Dataset::Invoices,
    kind: DocumentKind::Invoice,
    side: Side::Receivable,
};

pub(in crate::provider::sage) const CREDIT_NOTE: Form = Form {
    entity: "sales_credit_notes",
    dataset: Dataset::CreditNotes,
    kind: DocumentKind::CreditNote,
    side: Side::Credit,
};

/// The document of an invoice or a credit note; one without a contact yields none.
pub(in crate::provider::sage) fn sale(
    context: &Context<'_>,
    form: &Form,
    row: &wire::Sale,
) -> ProviderResult<DocumentRecord> {
    let place = Place {
        entity: form.entity,
        id: &row.id,
    };
    let changed_at = context.changed_at(place, row)?;
    let mut record = empty_record(form.dataset, row, changed_at);
    let Some(customer) = Reference::id(row.contact.as_ref()) else {
        return Ok(record);
    };
    let total = place.required("total_amount", row.total_amount)?;
    let currency = context.currency(place, row.currency.as_ref())?;
    record.documents.push(Document {
        id: DocumentId::new(form.kind, row.id.as_str()),
        customer: CustomerId::from(customer),
        number: row.number.as_deref().map(Into::into),
        issued_on: place.required("date", row.date)?,
        due_on: row.due_date.filter(|_| form.side == Side::Receivable),
        currency,
        exchange_rate: context.exchange_rate(currency, row.exchange()),
        total: total.abs(),
        tax: row.tax_amount.unwrap_or_default().abs(),
        side: side(total, form.side),
        state: state(row.status.as_ref()),
        lines: lines(row, total),
        ledger_open: row.outstanding_amount.map(|open| open.abs()),
        changed_at,
    });
    Ok(record)
}

/// Which way a document counts. A negative invoice counts the other way; of a credit note no source
/// says whether Sage states it as a positive or a negative amount, so either is a credit.
fn side(total: Decimal, side: Side) -> Side {
    match side {
        Side::Receivable => sided(total, side).1,
        side => side,
    }
}

/// The lines, in the sign of the document, and what is charged for shipping.
fn lines(row: &wire::Sale, total: Decimal) -> Vec<DocumentLine> {
    let signed = |amount: Decimal| {
        if total.is_sign_negative() {
            -amount
        } else {
            amount
        }
    };
    let mut lines: Vec<_> = row
        .lines
        .iter()
        .flatten()
        .map(|line| {
            let item = Reference::id(line.product.as_ref())
                .or_else(|| Reference::id(line.service.as_ref()));
            let description = line.description.as_deref().or(line.displayed_as.as_deref());
            DocumentLine {
                item: item.map(ItemId::from),
                description: description.unwrap_or_default().into(),
                quantity: line.quantity,
                unit_price: line.unit_price,
                amount: signed(line.net_amount.unwrap_or_default()),
            }
        })
        .collect();
    let shipping = row.shipping_net_amount.filter(|amount| !amount.is_zero());
    lines.extend(shipping.map(|amount| DocumentLine {
        item: None,
        description: "Shipping".into(),
        quantity: None,
        unit_price: None,
        amount: signed(amount),
    }));
    lines
}

/// What the type of a quick entry or an opening balance says of its side; its sign where it says
/// nothing.
fn stated_side(field: &'static str, kind: Option<&Reference>, total: Decimal) -> Side {
    let word = Reference::id(kind).unwrap_or_default().to_ascii_uppercase();
    if word.contains("CREDIT") {
        Side::Credit
    } else if word.contains("INVOICE") {
        side(total, Side::Receivable)
    } else {
        count_unknown(field, &word);
        side(total, Side::Receivable)
    }
}

/// The document of a quick entry: an invoice or a credit note without lines of its own.
pub(in crate::provider::sage) fn quick_entry(
    context: &Context<'_>,
    row: &wire::QuickEntry,
) -> ProviderResult<DocumentRecord> {
    let place = Place {
        entity: "sales_quick_entries",
        id: &row.id,
    };
    let changed_at = context.changed_at(place, row)?;
    let mut record = empty_record(Dataset::QuickEntries, row, changed_at);
    let Some(customer) = Reference::id(row.contact.as_ref()) else {
        return Ok(record);
    };
    let total = place.required("total_amount", row.total_amount)?;
    let side = stated_side("quick_entry_type", row.kind.as_ref(), total);
    let currency = context.currency(place, row.currency.as_ref())?;
    let net = row
        .net_amount
        .unwrap_or(total - row.tax_amount.unwrap_or_default());
    record.documents.push(Document {
        id: DocumentId::new(quick_kind(side), row.id.as_str()),
        customer: CustomerId::from(customer),
        number: row.reference.as_deref().map(Into::into),
        issued_on: place.required("date", row.date)?,
        due_on: row.due_date.filter(|_| side == Side::Receivable),
        currency,
        exchange_rate: context.exchange_rate(currency, row.exchange()),
        total: total.abs(),
        tax: row.tax_amount.unwrap_or_default().abs(),
        side,
        state: state(row.status.as_ref()),
        lines: vec![DocumentLine {
            item: None,
            description: row.details.as_deref().unwrap_or_default().into(),
            quantity: None,
            unit_price: None,
            amount: net.abs(),
        }],
        ledger_open: row.outstanding_amount.map(|open| open.abs()),
        changed_at,
    });
    Ok(record)
}

/// What a quick entry is to the reader of a page.
pub(super) fn quick_kind(side: Side) -> DocumentKind {
    match side {
        Side::Credit => DocumentKind::CreditNote,
        Side::Receivable | Side::Settled => DocumentKind::Invoice,
    }
}

/// The document of an opening balance.
pub(in crate::provider::sage) fn opening_balance(
    context: &Context<'_>,
    row: &wire::OpeningBalance,
) -> ProviderResult<DocumentRecord> {
    let place = Place {
        entity: "contact_opening_balances",
        id: &row.id,
    };
    let changed_at = context.changed_at(place, row)?;
    let mut record = empty_record(Dataset::OpeningBalances, row, changed_at);
    let Some(customer) = Reference::id(row.contact.as_ref()) else {
        return Ok(record);
    };
    let total = place.required("total_amount", row.total_amount)?;
    let kind = row.kind.as_ref();
    let currency = context.currency(place, row.currency.as_ref())?;
    record.documents.push(Document {
        id: DocumentId::new(DocumentKind::OpeningBalance, row.id.as_str()),
        customer: CustomerId::from(customer),
        number: row.reference.as_deref().map(Into::into),
        issued_on: place.required("date", row.date)?,
        due_on: None,
        currency,
        exchange_rate: context.exchange_rate(currency, row.exchange()),
        total: total.abs(),
        tax: row.tax_amount.unwrap_or_default().abs(),
        side: stated_side("contact_opening_balance_type", kind, total),
        state: DocumentState::Issued,
        lines: Vec::new(),
        ledger_open: None,
        changed_at,
    });
    Ok(record)
}
