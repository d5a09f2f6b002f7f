//! Receipts and refunds.
//!
//! A receipt settles debits (its allocated artefacts), perhaps together with credits, and what it
//! leaves becomes a payment on account: a credit with an id of its own, under which later allocations
//! use it. A refund is the same the other way round: it uses credits up.
//!
//! With T the record's total, S what it settles across and C what of its own side helps, the record
//! keeps exactly `T + C - S`, whatever its sign. That remainder is the payment on account where Sage
//! names one, else it stays with the payment. Sage's own figure for it is not used: were T wrong by a
//! cent, what the customer owes would be too, and the tie-out would show it.

use rust_decimal::Decimal;

use super::artefact::{Applied, Share, shares};
use super::{Context, count_unknown, empty_record, opposite};
use crate::domain::document::{Document, DocumentId, DocumentKind, DocumentState, Side};
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::records::DocumentRecord;
use crate::provider::ProviderResult;
use crate::provider::convert::Place;
use crate::provider::sage::wire::{self, Reference};

/// The documents of a payment with its applications. A payment to a vendor, and one without a contact,
/// yields none.
pub(in crate::provider::sage) fn payment(
    context: &Context<'_>,
    row: &wire::Payment,
) -> ProviderResult<DocumentRecord> {
    let place = Place {
        entity: "contact_payments",
        id: &row.id,
    };
    let changed_at = context.changed_at(place, row)?;
    let mut record = empty_record(Dataset::Payments, row, changed_at);
    let (kind, side) = match Reference::id(row.transaction_type.as_ref()) {
        Some("CUSTOMER_RECEIPT") => (DocumentKind::Payment, Side::Credit),
        Some("CUSTOMER_REFUND") => (DocumentKind::Refund, Side::Receivable),
        Some("VENDOR_PAYMENT" | "VENDOR_REFUND") => return Ok(record),
        other => {
            count_unknown("transaction_type", other.unwrap_or_default());
            return Err(place.fault("transaction_type", "it is missing or unknown"));
        }
    };
    let Some(customer) = Reference::id(row.contact.as_ref()) else {
        return Ok(record);
    };
    let date = place.required("date", row.date)?;
    let total = place.required("total_amount", row.total_amount)?.abs();
    let currency = context.currency(place, row.currency.as_ref())?;
    let money = Document {
        id: DocumentId::new(kind, row.id.as_str()),
        customer: CustomerId::from(customer),
        number: row.reference.as_deref().map(Into::into),
        issued_on: date,
        due_on: None,
        currency,
        exchange_rate: context.exchange_rate(currency, row.exchange()),
        total,
        tax: Decimal::ZERO,
        side,
        state: DocumentState::Issued,
        lines: Vec::new(),
        ledger_open: None,
        changed_at,
    };

    let artefacts = row.allocated_artefacts.as_deref().unwrap_or_default();
    let on_account = row.on_account.as_ref();
    let mut shares = shares(place, artefacts, positive_side(side, artefacts))?;
    // What it leaves is no artefact that it settles, should it be listed as one.
    let own = on_account.and_then(|own| own.id.as_deref());
    shares.retain(|share| own != Some(&*share.document.ledger_id));

    let mut applied = Applied {
        carrier: &money.id,
        on: date,
        applications: Vec::new(),
    };
    let discount = discount(&money, &shares, &mut applied);
    let kept = kept(&money, &shares);
    settle(&money, shares, &mut applied);
    record.applications = applied.applications;
    record.documents = on_account_apart(money, kept, on_account, !record.applications.is_empty());
    record.documents.extend(discount);
    Ok(record)
}

/// What an artefact with a positive amount is, where nothing else tells. No source shows the signs of a
/// refund's artefacts: where none is positive, the negative ones are the credits.
fn positive_side(side: Side, artefacts: &[wire::Allocated]) -> Side {
    let any_positive = artefacts
        .iter()
        .filter_map(|allocated| allocated.amount)
        .any(|amount| amount > Decimal::ZERO);
    match side {
        Side::Receivable if !any_positive => side,
        _ => opposite(side),
    }
}

/// What the payment keeps after all that it settles.
fn kept(money: &Document, shares: &[Share]) -> Decimal {
    shares.iter().fold(money.total, |kept, share| {
        if share.side == money.side {
            kept + share.amount
        } else {
            kept - share.amount
        }
    })
}

/// A discount settles without money, so it is a document of its own that the payment carries.
fn discount(money: &Document, shares: &[Share], applied: &mut Applied<'_>) -> Option<Document> {
    let id = DocumentId::new(
        DocumentKind::CreditNote,
        format!("{}#discount", money.id.ledger_id),
    );
    let mut total = Decimal::ZERO;
    for share in shares.iter().filter(|share| share.side != money.side) {
        total += share.discount;
        match money.side {
            Side::Receivable => applied.add(&share.document, &id, share.discount),
            Side::Credit | Side::Settled => applied.add(&id, &share.document, share.discount),
        }
    }
    (!total.is_zero()).then(|| Document {
        id,
        total,
        ..money.clone()
    })
}

/// Credits are used on debits first, in the order in which they stand; the money does the rest, and
/// takes what is left of its own side.
fn settle(money: &Document, shares: Vec<Share>, applied: &mut Applied<'_>) {
    let (credits, debits): (Vec<_>, Vec<_>) = shares
        .into_iter()
        .partition(|share| share.side == Side::Credit);
    for left in applied.pair(credits, debits) {
        if money.side == Side::Credit && left.side != money.side {
            applied.add(&money.id, &left.document, left.amount);
        } else {
            applied.add(&left.document, &money.id, left.amount);
        }
    }
}

/// The payment, and what it leaves on account as a document of its own where Sage gives that an id. A
/// payment of which nothing was used is the payment on account alone.
fn on_account_apart(
    mut money: Document,
    kept: Decimal,
    on_account: Option<&wire::PaymentOnAccount>,
    used: bool,
) -> Vec<Document> {
    let Some(on_account) = on_account.filter(|_| kept > Decimal::ZERO && kept <= money.total)
    else {
        return vec![money];
    };
    let Some(id) = on_account.id.as_deref() else {
        return vec![money];
    };
    let rest = Document {
        id: DocumentId::new(DocumentKind::Overpayment, id),
        total: kept,
        ledger_open: on_account.outstanding_amount.map(|open| open.abs()),
        ..money.clone()
    };
    money.total -= kept;
    if used { vec![money, rest] } else { vec![rest] }
}
