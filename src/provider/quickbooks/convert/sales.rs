//! Invoices, credit memos, sales receipts and refund receipts: one form of the wire, four documents.

use rust_decimal::Decimal;

use super::{Context, Place, count_unknown, empty_record, sided, state};
use crate::domain::document::{
    Application, Document, DocumentId, DocumentKind, DocumentLine, DocumentState, Side,
};
use crate::domain::freshness::Dataset;
use crate::domain::ids::{CustomerId, ItemId};
use crate::domain::records::DocumentRecord;
use crate::provider::ProviderResult;
use crate::provider::quickbooks::scalar::same_word;
use crate::provider::quickbooks::wire::{Reference, SalesForm, SalesLine};

/// One use of the form.
pub(super) struct Form {
    entity: &'static str,
    pub(super) dataset: Dataset,
    kind: DocumentKind,
    side: Side,
}

pub(super) const INVOICE: Form = Form {
    entity: "Invoice",
    dataset: Dataset::Invoices,
    kind: DocumentKind::Invoice,
    side: Side::Receivable,
};

pub(super) const CREDIT_MEMO: Form = Form {
    entity: "CreditMemo",
    dataset: Dataset::CreditNotes,
    kind: DocumentKind::CreditNote,
    side: Side::Credit,
};

pub(super) const SALES_RECEIPT: Form = Form {
    entity: "SalesReceipt",
    dataset: Dataset::CashSales,
    kind: DocumentKind::CashSale,
    side: Side::Settled,
};

pub(super) const REFUND_RECEIPT: Form = Form {
    entity: "RefundReceipt",
    dataset: Dataset::CashRefunds,
    kind: DocumentKind::CashRefund,
    side: Side::Settled,
};

/// The document of a form; a form without a customer (a sale over the counter) yields none.
pub(super) fn document(
    context: &Context<'_>,
    form: &Form,
    row: &SalesForm,
) -> ProviderResult<DocumentRecord> {
    let place = Place {
        entity: form.entity,
        id: &row.id,
    };
    let changed_at = context.changed_at(place, row)?;
    let mut record = empty_record(form.dataset, row, changed_at);
    let Some(customer) = Reference::id(row.customer_ref.as_ref()) else {
        return Ok(record);
    };
    let issued_on = place.required("TxnDate", row.txn_date)?;
    let stated_total = place.required("TotalAmt", row.total_amt)?;
    let (total, side) = sided(stated_total, form.side);
    let currency = context.currency(place, row.currency_ref.as_ref())?;
    let mut lines = Vec::with_capacity(row.line.len());
    add_lines(&row.line, &mut lines);
    let document = Document {
        id: DocumentId::new(form.kind, row.id.as_str()),
        customer: CustomerId::from(customer),
        number: row.doc_number.as_deref().map(Into::into),
        issued_on,
        due_on: row.due_date.filter(|_| form.side == Side::Receivable),
        currency,
        exchange_rate: context.exchange_rate(currency, row.exchange_rate),
        total,
        tax: row
            .txn_tax_detail
            .as_ref()
            .and_then(|tax| tax.total_tax)
            .unwrap_or_default()
            .abs(),
        side,
        state: state(stated_total, row.private_note.as_deref()),
        lines,
        ledger_open: row.remaining_credit.or(row.balance),
        changed_at,
    };
    if let Some(deposit) = row.deposit.filter(|_| form.kind == DocumentKind::Invoice) {
        add_deposit(&document, deposit, &mut record);
    }
    record.documents.insert(0, document);
    Ok(record)
}

/// Money taken together with the invoice has no record of its own, yet the invoice's balance is less
/// by it. It becomes a prepayment that the invoice carries, so that what is open comes out right.
fn add_deposit(invoice: &Document, deposit: Decimal, record: &mut DocumentRecord) {
    if deposit <= Decimal::ZERO || invoice.state == DocumentState::Voided {
        return;
    }
    let prepayment = Document {
        id: DocumentId::new(
            DocumentKind::Prepayment,
            format!("{}#deposit", invoice.id.ledger_id),
        ),
        number: None,
        due_on: None,
        total: deposit,
        tax: Decimal::ZERO,
        side: Side::Credit,
        lines: Vec::new(),
        ledger_open: None,
        ..invoice.clone()
    };
    record.applications.push(Application {
        carrier: invoice.id.clone(),
        from: prepayment.id.clone(),
        to: invoice.id.clone(),
        amount: deposit.min(invoice.total),
        applied_on: invoice.issued_on,
    });
    record.documents.push(prepayment);
}

/// The lines in order: a group's own lines in place of the group, no subtotals.
fn add_lines(rows: &[SalesLine], lines: &mut Vec<DocumentLine>) {
    for row in rows {
        if let Some(group) = &row.group_line_detail {
            add_lines(&group.line, lines);
        } else if !is(row, "SubTotalLineDetail") {
            lines.push(line(row));
        }
    }
}

fn line(row: &SalesLine) -> DocumentLine {
    let discount = row.discount_line_detail.is_some() || is(row, "DiscountLineDetail");
    let amount = row.amount.unwrap_or_default();
    let sale = row.sales_item_line_detail.as_ref();
    if sale.is_none() && !discount && !is(row, "DescriptionOnly") {
        count_unknown(
            "Line.DetailType",
            row.detail_type.as_deref().unwrap_or_default(),
        );
    }
    let item = sale.and_then(|sale| sale.item_ref.as_ref());
    let description = [
        row.description.as_deref(),
        item.and_then(|item| item.name.as_deref()),
        discount.then_some("Discount"),
    ]
    .into_iter()
    .flatten()
    .find(|text| !text.trim().is_empty());
    DocumentLine {
        item: item
            .and_then(|item| item.value.as_deref())
            .filter(|id| !id.is_empty())
            .map(ItemId::from),
        description: description.unwrap_or_default().into(),
        quantity: sale.and_then(|sale| sale.qty),
        unit_price: sale.and_then(|sale| sale.unit_price),
        amount: if discount { -amount.abs() } else { amount },
    }
}

fn is(row: &SalesLine, detail_type: &str) -> bool {
    row.detail_type
        .as_deref()
        .is_some_and(|word| same_word(word, detail_type))
}
