//! The shapes of Xero's answers, as far as we read them.
//!
//! Nearly everything is optional: Xero leaves out what is empty, and a list shows other fields than
//! a single read. What a record cannot do without is decided where it is converted. Amounts are read
//! from the text of the JSON number, exactly, or from a string.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use super::scalar as time;
use crate::provider::scalar;

/// An answer: the envelope and whichever list was asked for. A single read holds a list of one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Answer {
    /// The ledger's own time.
    #[serde(rename = "DateTimeUTC", deserialize_with = "time::instant")]
    pub(super) answered_at: Option<Timestamp>,
    #[serde(rename = "pagination")]
    pub(super) pagination: Option<Pagination>,
    #[serde(deserialize_with = "list")]
    pub(super) organisations: Vec<Organisation>,
    #[serde(deserialize_with = "list")]
    pub(super) contacts: Vec<Contact>,
    #[serde(deserialize_with = "list")]
    pub(super) items: Vec<Item>,
    #[serde(deserialize_with = "list")]
    pub(super) invoices: Vec<Form>,
    #[serde(deserialize_with = "list")]
    pub(super) credit_notes: Vec<Form>,
    #[serde(deserialize_with = "list")]
    pub(super) overpayments: Vec<Form>,
    #[serde(deserialize_with = "list")]
    pub(super) prepayments: Vec<Form>,
    #[serde(deserialize_with = "list")]
    pub(super) payments: Vec<Payment>,
}

/// How much there is in all. Only paged answers say so.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pagination {
    pub(super) page_count: u32,
    pub(super) item_count: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Organisation {
    pub(super) name: Option<String>,
    pub(super) base_currency: Option<String>,
    pub(super) short_code: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Contact {
    #[serde(rename = "ContactID")]
    pub(super) id: String,
    #[serde(rename = "ContactStatus")]
    pub(super) status: Option<String>,
    pub(super) name: Option<String>,
    pub(super) email_address: Option<String>,
    pub(super) tax_number: Option<String>,
    pub(super) default_currency: Option<String>,
    pub(super) payment_terms: Option<PaymentTerms>,
    pub(super) balances: Option<Balances>,
    #[serde(rename = "UpdatedDateUTC", default, deserialize_with = "time::instant")]
    pub(super) updated_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PaymentTerms {
    pub(super) sales: Option<SalesTerms>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SalesTerms {
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) day: Option<Decimal>,
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Balances {
    pub(super) accounts_receivable: Option<Receivable>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receivable {
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) outstanding: Option<Decimal>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Item {
    #[serde(rename = "ItemID")]
    pub(super) id: String,
    pub(super) code: Option<String>,
    pub(super) name: Option<String>,
}

/// An invoice, credit note, overpayment or prepayment: one form in four uses, each with an id and a
/// number of its own name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Form {
    #[serde(rename = "InvoiceID")]
    pub(super) invoice_id: Option<String>,
    #[serde(rename = "CreditNoteID")]
    pub(super) credit_note_id: Option<String>,
    #[serde(rename = "OverpaymentID")]
    pub(super) overpayment_id: Option<String>,
    #[serde(rename = "PrepaymentID")]
    pub(super) prepayment_id: Option<String>,
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
    pub(super) status: Option<String>,
    pub(super) invoice_number: Option<String>,
    pub(super) credit_note_number: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) contact: Option<ContactReference>,
    #[serde(default, deserialize_with = "time::day")]
    pub(super) date_string: Option<Date>,
    #[serde(default, deserialize_with = "time::day")]
    pub(super) date: Option<Date>,
    #[serde(default, deserialize_with = "time::day")]
    pub(super) due_date_string: Option<Date>,
    #[serde(default, deserialize_with = "time::day")]
    pub(super) due_date: Option<Date>,
    pub(super) line_amount_types: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub(super) line_items: Vec<Line>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) total_tax: Option<Decimal>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) total: Option<Decimal>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) amount_due: Option<Decimal>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) remaining_credit: Option<Decimal>,
    pub(super) currency_code: Option<String>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) currency_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "list")]
    pub(super) allocations: Vec<Allocation>,
    #[serde(default, deserialize_with = "list")]
    pub(super) payments: Vec<NestedPayment>,
    #[serde(rename = "UpdatedDateUTC", default, deserialize_with = "time::instant")]
    pub(super) updated_at: Option<Timestamp>,
}

/// A contact as it stands inside a document.
#[derive(Debug, Deserialize)]
pub(super) struct ContactReference {
    #[serde(rename = "ContactID")]
    pub(super) id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Line {
    pub(super) description: Option<String>,
    pub(super) item_code: Option<String>,
    pub(super) item: Option<LineItem>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) quantity: Option<Decimal>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) unit_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) tax_amount: Option<Decimal>,
    #[serde(rename = "LineAmount", default, deserialize_with = "scalar::amount")]
    pub(super) amount: Option<Decimal>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LineItem {
    #[serde(rename = "ItemID")]
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

/// One use of a credit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Allocation {
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) amount: Option<Decimal>,
    #[serde(default, deserialize_with = "time::day")]
    pub(super) date: Option<Date>,
    pub(super) invoice: Option<InvoiceReference>,
    pub(super) is_deleted: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct InvoiceReference {
    #[serde(rename = "InvoiceID")]
    pub(super) id: Option<String>,
}

/// A payment as it stands inside its document: without type, status, contact and time of change.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NestedPayment {
    #[serde(rename = "PaymentID")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "time::day")]
    pub(super) date: Option<Date>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) amount: Option<Decimal>,
    pub(super) reference: Option<String>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) currency_rate: Option<Decimal>,
}

/// A payment of its own. What it pays or pays back stands under one of four names, and that of a
/// refund may stand under `Invoice` all the same: its type tells what it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Payment {
    #[serde(rename = "PaymentID")]
    pub(super) id: String,
    #[serde(rename = "PaymentType")]
    pub(super) kind: Option<String>,
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "time::day")]
    pub(super) date: Option<Date>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) amount: Option<Decimal>,
    pub(super) reference: Option<String>,
    #[serde(default, deserialize_with = "scalar::amount")]
    pub(super) currency_rate: Option<Decimal>,
    pub(super) invoice: Option<Parent>,
    pub(super) credit_note: Option<Parent>,
    pub(super) overpayment: Option<Parent>,
    pub(super) prepayment: Option<Parent>,
    #[serde(rename = "UpdatedDateUTC", default, deserialize_with = "time::instant")]
    pub(super) updated_at: Option<Timestamp>,
}

/// What a payment belongs to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Parent {
    #[serde(rename = "InvoiceID")]
    pub(super) invoice_id: Option<String>,
    #[serde(rename = "CreditNoteID")]
    pub(super) credit_note_id: Option<String>,
    #[serde(rename = "OverpaymentID")]
    pub(super) overpayment_id: Option<String>,
    #[serde(rename = "PrepaymentID")]
    pub(super) prepayment_id: Option<String>,
    pub(super) contact: Option<ContactReference>,
    pub(super) currency_code: Option<String>,
}

impl ContactReference {
    /// The id referred to, unless it is empty.
    pub(super) fn id(reference: Option<&Self>) -> Option<&str> {
        reference?.id.as_deref().filter(|id| !id.is_empty())
    }
}

/// A list; `null` is an empty one.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
