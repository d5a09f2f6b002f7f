//! Records as the JSON rows that they are written from, and the hash of their content.

use std::borrow::Cow;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::books::PaymentTerms;
use crate::domain::document::{Application, Document, DocumentLine, DocumentState, Side};
use crate::domain::ids::CustomerId;
use crate::domain::records::{
    AccountRecord, CustomerRecord, DocumentRecord, ItemRecord, TermsRecord,
};
use crate::store::codec::to_json;
use crate::store::error::StoreResult;

/// A row that goes into a table of reference data.
#[derive(Serialize)]
pub(super) struct ReferenceRow<'a> {
    pub(super) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    receivables: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day_of_month: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cutoff_days: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    months: Option<u8>,
}

impl<'a> ReferenceRow<'a> {
    fn bare(id: &'a str) -> Self {
        Self {
            id,
            receivables: None,
            name: None,
            days: None,
            day_of_month: None,
            cutoff_days: None,
            months: None,
        }
    }
}

impl<'a> From<&'a AccountRecord> for ReferenceRow<'a> {
    fn from(account: &'a AccountRecord) -> Self {
        Self {
            receivables: Some(account.receivables),
            ..Self::bare(&account.ledger_id)
        }
    }
}

impl<'a> From<&'a ItemRecord> for ReferenceRow<'a> {
    fn from(item: &'a ItemRecord) -> Self {
        Self {
            name: Some(storable(&item.name)),
            ..Self::bare(item.id.as_str())
        }
    }
}

impl<'a> From<&'a TermsRecord> for ReferenceRow<'a> {
    fn from(terms: &'a TermsRecord) -> Self {
        let row = Self::bare(&terms.ledger_id);
        match terms.terms {
            PaymentTerms::Days(days) => Self {
                days: Some(days),
                ..row
            },
            PaymentTerms::DayOfMonth { day, cutoff_days } => Self {
                day_of_month: Some(day),
                cutoff_days: Some(cutoff_days),
                ..row
            },
            PaymentTerms::AfterMonthEnd { days } => Self {
                days: Some(days),
                months: Some(0),
                ..row
            },
            PaymentTerms::DayOfMonthAfter { day, months } => Self {
                day_of_month: Some(day),
                months: Some(months),
                ..row
            },
        }
    }
}

#[derive(Serialize)]
struct CustomerRow<'a> {
    id: &'a str,
    name: Cow<'a, str>,
    search: String,
    email: Option<Cow<'a, str>>,
    tax_number: Option<Cow<'a, str>>,
    parent: Option<&'a str>,
    bill_with_parent: bool,
    active: bool,
    currency: &'a str,
    terms: Option<&'a str>,
    balance: Option<Decimal>,
    balance_with_children: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credit_limit: Option<Decimal>,
}

#[derive(Serialize)]
struct DocumentRow<'a> {
    dataset: &'a str,
    record: &'a str,
    kind: &'a str,
    id: &'a str,
    customer: &'a str,
    number: Option<Cow<'a, str>>,
    issued_on: Date,
    due_on: Option<Date>,
    currency: &'a str,
    rate: Option<Decimal>,
    total: Decimal,
    tax: Decimal,
    side: &'a str,
    state: &'a str,
    open: Option<Decimal>,
    lines: Vec<LineRow<'a>>,
}

/// One line of a document as an array: the names of its parts would be most of what is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct LineRow<'a>(
    Option<Cow<'a, str>>,
    Cow<'a, str>,
    Option<Decimal>,
    Option<Decimal>,
    Decimal,
);

impl<'a> From<&'a DocumentLine> for LineRow<'a> {
    fn from(line: &'a DocumentLine) -> Self {
        Self(
            line.item.as_ref().map(|item| item.as_str().into()),
            storable(&line.description),
            line.quantity,
            line.unit_price,
            line.amount,
        )
    }
}

impl From<LineRow<'_>> for DocumentLine {
    fn from(row: LineRow<'_>) -> Self {
        Self {
            item: row.0.map(|item| item.into_owned().into()),
            description: row.1.into(),
            quantity: row.2,
            unit_price: row.3,
            amount: row.4,
        }
    }
}

#[derive(Serialize)]
struct ApplicationRow<'a> {
    dataset: &'a str,
    record: &'a str,
    carrier_kind: &'a str,
    carrier: &'a str,
    from_kind: &'a str,
    from: &'a str,
    to_kind: &'a str,
    to: &'a str,
    amount: Decimal,
    applied_on: Date,
}

/// The key of a record that yields documents.
#[derive(Serialize)]
pub(super) struct RecordKey<'a> {
    pub(super) dataset: &'a str,
    pub(super) record: &'a str,
}

/// A record ready to be written.
pub(super) struct Prepared {
    /// The rows that it makes: one for a customer, one for each document of a record.
    pub(super) rows: Vec<String>,
    /// The rows of the applications that it carries.
    pub(super) applications: Vec<String>,
    /// Of all of them.
    pub(super) hash: i64,
}

/// A customer as a row.
pub(super) fn customer(record: &CustomerRecord) -> StoreResult<Prepared> {
    let customer = &record.customer;
    let mut search = customer.name.to_lowercase();
    for part in [&customer.email, &customer.tax_number]
        .into_iter()
        .flatten()
    {
        search.push(' ');
        search.push_str(&part.to_lowercase());
    }
    let row = CustomerRow {
        id: customer.id.as_str(),
        name: storable(&customer.name),
        search: storable(&search).into_owned(),
        email: customer.email.as_deref().map(storable),
        tax_number: customer.tax_number.as_deref().map(storable),
        parent: customer.parent.as_ref().map(CustomerId::as_str),
        bill_with_parent: customer.bill_with_parent,
        active: customer.active,
        currency: customer.currency.code(),
        terms: record.terms_id.as_deref(),
        balance: customer.ledger_balance.map(|amount| amount.normalize()),
        balance_with_children: customer
            .ledger_balance_with_children
            .map(|amount| amount.normalize()),
        credit_limit: customer.credit_limit.map(|amount| amount.normalize()),
    };
    Ok(prepared(vec![to_json(&row, "customer")?], Vec::new()))
}

/// A record's documents and applications as rows.
pub(super) fn document_record(record: &DocumentRecord) -> StoreResult<Prepared> {
    let key = RecordKey {
        dataset: record.dataset.as_str(),
        record: &record.ledger_id,
    };
    let documents = record
        .documents
        .iter()
        .map(|document| to_json(&document_row(&key, document), "document"))
        .collect::<StoreResult<_>>()?;
    let applications = record
        .applications
        .iter()
        .map(|application| to_json(&application_row(&key, application), "application"))
        .collect::<StoreResult<_>>()?;
    Ok(prepared(documents, applications))
}

fn prepared(rows: Vec<String>, applications: Vec<String>) -> Prepared {
    let hash = content_hash(rows.iter().chain(&applications));
    Prepared {
        rows,
        applications,
        hash,
    }
}

fn document_row<'a>(key: &RecordKey<'a>, document: &'a Document) -> DocumentRow<'a> {
    DocumentRow {
        dataset: key.dataset,
        record: key.record,
        kind: document.id.kind.as_str(),
        id: &document.id.ledger_id,
        customer: document.customer.as_str(),
        number: document.number.as_deref().map(storable),
        issued_on: document.issued_on,
        due_on: document.due_on,
        currency: document.currency.code(),
        rate: document.exchange_rate,
        total: document.total,
        tax: document.tax,
        side: side_word(document.side),
        state: state_word(document.state),
        open: document.ledger_open,
        lines: document.lines.iter().map(LineRow::from).collect(),
    }
}

fn application_row<'a>(key: &RecordKey<'a>, application: &'a Application) -> ApplicationRow<'a> {
    ApplicationRow {
        dataset: key.dataset,
        record: key.record,
        carrier_kind: application.carrier.kind.as_str(),
        carrier: &application.carrier.ledger_id,
        from_kind: application.from.kind.as_str(),
        from: &application.from.ledger_id,
        to_kind: application.to.kind.as_str(),
        to: &application.to.ledger_id,
        amount: application.amount,
        applied_on: application.applied_on,
    }
}

/// The first 64 bits of the SHA-256 of the rows: enough to tell two versions of one record apart.
fn content_hash<'a>(rows: impl Iterator<Item = &'a String>) -> i64 {
    let mut hasher = Sha256::new();
    for row in rows {
        hasher.update(row.as_bytes());
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first)
}

/// A row (a JSON object) with the hash and the time of change of its record put in front.
pub(super) fn stamped(row: &str, hash: i64, changed_at: i64) -> String {
    let rest = row.strip_prefix('{').unwrap_or(row);
    format!("{{\"hash\":{hash},\"changed_at\":{changed_at},{rest}")
}

/// Text without the NUL character, which PostgreSQL cannot store and nobody can see.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "").into()
    } else {
        text.into()
    }
}

pub(super) fn side_word(side: Side) -> &'static str {
    match side {
        Side::Receivable => "receivable",
        Side::Credit => "credit",
        Side::Settled => "settled",
    }
}

pub(super) fn parse_side(word: &str) -> Option<Side> {
    [Side::Receivable, Side::Credit, Side::Settled]
        .into_iter()
        .find(|side| side_word(*side) == word)
}

pub(super) fn state_word(state: DocumentState) -> &'static str {
    match state {
        DocumentState::Draft => "draft",
        DocumentState::Issued => "issued",
        DocumentState::Voided => "voided",
    }
}

pub(super) fn parse_state(word: &str) -> Option<DocumentState> {
    [
        DocumentState::Draft,
        DocumentState::Issued,
        DocumentState::Voided,
    ]
    .into_iter()
    .find(|state| state_word(*state) == word)
}
