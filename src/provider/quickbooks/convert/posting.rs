//! Journal entries, deposits and purchases. Most never touch a customer; those lines that post to a
//! receivables account with one do, and each customer's lines together make one document.

use rust_decimal::Decimal;

use super::{Context, Place, count_unknown, empty_record, shared_id, sided, state};
use crate::domain::document::{Document, DocumentKind, DocumentLine, Side};
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::records::DocumentRecord;
use crate::provider::ProviderResult;
use crate::provider::quickbooks::scalar::same_word;
use crate::provider::quickbooks::wire::{Posting, PostingLine, Reference};

/// One kind of record with postings.
pub(super) struct Form {
    entity: &'static str,
    pub(super) dataset: Dataset,
    kind: DocumentKind,
    /// The account, customer and side of a line.
    read: for<'a> fn(&'a Posting, &'a PostingLine) -> Option<Target<'a>>,
}

pub(super) const JOURNAL_ENTRY: Form = Form {
    entity: "JournalEntry",
    dataset: Dataset::JournalEntries,
    kind: DocumentKind::JournalEntry,
    read: journal_line,
};

pub(super) const DEPOSIT: Form = Form {
    entity: "Deposit",
    dataset: Dataset::Deposits,
    kind: DocumentKind::Deposit,
    read: deposit_line,
};

pub(super) const PURCHASE: Form = Form {
    entity: "Purchase",
    dataset: Dataset::Expenses,
    kind: DocumentKind::Expense,
    read: purchase_line,
};

/// Where a line posts to.
pub(super) struct Target<'a> {
    account: Option<&'a Reference>,
    customer: &'a str,
    /// Whether a positive amount means that the customer owes more.
    debit: bool,
}

/// One customer's share of a record.
struct Share {
    customer: CustomerId,
    /// Debits less credits.
    net: Decimal,
    /// Texts and signed amounts, debits positive.
    lines: Vec<(String, Decimal)>,
}

/// The documents of a record, one for each customer that it touches.
pub(super) fn documents(
    context: &Context<'_>,
    form: &Form,
    row: &Posting,
) -> ProviderResult<DocumentRecord> {
    let place = Place {
        entity: form.entity,
        id: &row.id,
    };
    let changed_at = context.changed_at(place, row)?;
    let mut record = empty_record(form.dataset, row, changed_at);
    let shares = shares(context, place, form, row)?;
    if shares.is_empty() {
        return Ok(record);
    }
    let issued_on = place.required("TxnDate", row.txn_date)?;
    let currency = context.currency(place, row.currency_ref.as_ref())?;
    for share in shares {
        let (total, side) = sided(share.net, Side::Receivable);
        let sign = if side == Side::Credit {
            Decimal::NEGATIVE_ONE
        } else {
            Decimal::ONE
        };
        record.documents.push(Document {
            id: shared_id(form.kind, &row.id, &share.customer),
            customer: share.customer,
            number: row.doc_number.as_deref().map(Into::into),
            issued_on,
            due_on: None,
            currency,
            exchange_rate: context.exchange_rate(currency, row.exchange_rate),
            total,
            tax: Decimal::ZERO,
            side,
            state: state(share.net, row.private_note.as_deref()),
            lines: share
                .lines
                .into_iter()
                .map(|(description, amount)| DocumentLine {
                    item: None,
                    description: description.into(),
                    quantity: None,
                    unit_price: None,
                    amount: amount * sign,
                })
                .collect(),
            ledger_open: None,
            changed_at,
        });
    }
    Ok(record)
}

fn shares(
    context: &Context<'_>,
    place: Place<'_>,
    form: &Form,
    row: &Posting,
) -> ProviderResult<Vec<Share>> {
    let mut shares: Vec<Share> = Vec::new();
    for (index, line) in row.line.iter().enumerate() {
        let Some(target) = (form.read)(row, line) else {
            continue;
        };
        if !context.posts_to_receivables(target.account) {
            continue;
        }
        let amount = place.required(&format!("Line[{index}].Amount"), line.amount)?;
        let amount = if target.debit { amount } else { -amount };
        let text = line.description.clone().unwrap_or_default();
        let known = shares
            .iter_mut()
            .find(|share| share.customer.as_str() == target.customer);
        if let Some(share) = known {
            share.net += amount;
            share.lines.push((text, amount));
        } else {
            shares.push(Share {
                customer: CustomerId::from(target.customer),
                net: amount,
                lines: vec![(text, amount)],
            });
        }
    }
    Ok(shares)
}

fn journal_line<'a>(_: &'a Posting, line: &'a PostingLine) -> Option<Target<'a>> {
    let detail = line.journal_entry_line_detail.as_ref()?;
    let party = detail.entity.as_ref()?;
    if !is_customer(party.kind.as_deref()?) {
        return None;
    }
    let posting = detail.posting_type.as_deref().unwrap_or_default();
    let debit = same_word(posting, "Debit");
    if !debit && !same_word(posting, "Credit") {
        count_unknown("PostingType", posting);
        return None;
    }
    Some(Target {
        account: detail.account_ref.as_ref(),
        customer: Reference::id(party.entity_ref.as_ref())?,
        debit,
    })
}

/// Money in: it credits the account that the line names.
fn deposit_line<'a>(_: &'a Posting, line: &'a PostingLine) -> Option<Target<'a>> {
    let detail = line.deposit_line_detail.as_ref()?;
    Some(Target {
        account: detail.account_ref.as_ref(),
        customer: customer_of(detail.entity.as_ref())?,
        debit: false,
    })
}

/// Money out: it debits the account that the line names, unless it is a credit card credit. The
/// customer is the line's own, else the one that was paid.
fn purchase_line<'a>(row: &'a Posting, line: &'a PostingLine) -> Option<Target<'a>> {
    let detail = line.account_based_expense_line_detail.as_ref()?;
    let customer = Reference::id(detail.customer_ref.as_ref())
        .or_else(|| customer_of(row.entity_ref.as_ref()))?;
    Some(Target {
        account: detail.account_ref.as_ref(),
        customer,
        debit: !row.credit.unwrap_or(false),
    })
}

/// The customer referred to. On a receivables account a party of no stated kind can only be one.
fn customer_of(reference: Option<&Reference>) -> Option<&str> {
    let kind = reference?.kind.as_deref();
    if kind.is_none_or(is_customer) {
        Reference::id(reference)
    } else {
        None
    }
}

fn is_customer(kind: &str) -> bool {
    same_word(kind, "Customer")
}
