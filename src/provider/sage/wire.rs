//! The shapes of Sage's answers, as far as they are read.
//!
//! Nearly everything is optional: what a record cannot do without is decided where it is converted.
//! Amounts come as strings or numbers and are read exactly. An empty text and the text `null` mean what
//! `null` means: not stated.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

use crate::provider::scalar::{amount, date};

/// A page of a list. `$next` is not read: it is not always filled.
#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    /// How many rows the whole list has.
    #[serde(rename = "$total")]
    pub(super) total: Option<u64>,
    #[serde(rename = "$items")]
    pub(super) items: Vec<T>,
}

/// What every row of a list has.
pub(super) trait Row {
    /// Its id, 32 hexadecimal digits.
    fn id(&self) -> &str;
    /// When it last changed, as it is spelled.
    fn updated_at(&self) -> Option<&str>;
    /// Whether it says that it was deleted.
    fn is_deleted(&self) -> bool;
}

macro_rules! rows {
    ($($name:ident),*) => {$(
        impl Row for $name {
            fn id(&self) -> &str {
                &self.id
            }

            fn updated_at(&self) -> Option<&str> {
                self.updated_at.as_deref()
            }

            fn is_deleted(&self) -> bool {
                self.deleted_at.is_some()
            }
        }
    )*};
}

rows!(
    Bare,
    Item,
    Contact,
    Sale,
    QuickEntry,
    OpeningBalance,
    Payment,
    Allocation,
    Posting
);

/// A row of which only the identity counts.
#[derive(Debug, Deserialize)]
pub(super) struct Bare {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) updated_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) deleted_at: Option<String>,
}

/// A product, a stock item or a service.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) updated_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) deleted_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) displayed_as: Option<String>,
    #[serde(rename = "item_code", default, deserialize_with = "text")]
    pub(super) code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) description: Option<String>,
}

/// A contact: exactly one of customer and vendor.
#[derive(Debug, Deserialize)]
pub(super) struct Contact {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) updated_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) deleted_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) displayed_as: Option<String>,
    #[serde(rename = "contact_types")]
    pub(super) types: Option<Vec<Reference>>,
    #[serde(default, deserialize_with = "text")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) email: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) tax_number: Option<String>,
    /// Only with `show_balance=true`.
    #[serde(default, deserialize_with = "amount")]
    pub(super) balance: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) credit_limit: Option<Decimal>,
    #[serde(default, deserialize_with = "days")]
    pub(super) credit_days: Option<u16>,
    #[serde(default, deserialize_with = "text")]
    pub(super) credit_terms: Option<String>,
    pub(super) currency: Option<Reference>,
    pub(super) is_active: Option<bool>,
}

/// An invoice or a credit note.
#[derive(Debug, Deserialize)]
pub(super) struct Sale {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) updated_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) deleted_at: Option<String>,
    pub(super) contact: Option<Reference>,
    #[serde(
        default,
        alias = "invoice_number",
        alias = "credit_note_number",
        deserialize_with = "text"
    )]
    pub(super) number: Option<String>,
    #[serde(default, deserialize_with = "date")]
    pub(super) date: Option<Date>,
    #[serde(default, deserialize_with = "date")]
    pub(super) due_date: Option<Date>,
    pub(super) status: Option<Reference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) shipping_net_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) tax_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) total_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) outstanding_amount: Option<Decimal>,
    pub(super) currency: Option<Reference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) exchange_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) inverse_exchange_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) base_currency_total_amount: Option<Decimal>,
    #[serde(default, alias = "invoice_lines", alias = "credit_note_lines")]
    pub(super) lines: Option<Vec<Line>>,
}

/// What a record says of the worth of its currency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    /// The rate as stated, and its inverse, where there is one.
    pub(super) rates: [Option<Decimal>; 2],
    pub(super) total: Option<Decimal>,
    pub(super) base_total: Option<Decimal>,
}

macro_rules! exchanged {
    ($($name:ident),*) => {$(
        impl $name {
            pub(super) fn exchange(&self) -> Exchange {
                Exchange {
                    rates: [self.exchange_rate, self.inverse_exchange_rate],
                    total: self.total_amount,
                    base_total: self.base_currency_total_amount,
                }
            }
        }
    )*};
}

exchanged!(Sale, QuickEntry, OpeningBalance, Payment);

/// A line of an invoice or a credit note.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    #[serde(default, deserialize_with = "text")]
    pub(super) displayed_as: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) description: Option<String>,
    pub(super) product: Option<Reference>,
    pub(super) service: Option<Reference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) quantity: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) unit_price: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) net_amount: Option<Decimal>,
}

/// An invoice or a credit that was entered as a total.
#[derive(Debug, Deserialize)]
pub(super) struct QuickEntry {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) updated_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) deleted_at: Option<String>,
    #[serde(rename = "quick_entry_type")]
    pub(super) kind: Option<Reference>,
    pub(super) contact: Option<Reference>,
    #[serde(default, deserialize_with = "date")]
    pub(super) date: Option<Date>,
    #[serde(default, deserialize_with = "date")]
    pub(super) due_date: Option<Date>,
    #[serde(default, deserialize_with = "text")]
    pub(super) reference: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) details: Option<String>,
    pub(super) status: Option<Reference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) net_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) tax_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) total_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) outstanding_amount: Option<Decimal>,
    pub(super) currency: Option<Reference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) exchange_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) inverse_exchange_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) base_currency_total_amount: Option<Decimal>,
}

/// A balance brought forward.
#[derive(Debug, Deserialize)]
pub(super) struct OpeningBalance {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) updated_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) deleted_at: Option<String>,
    #[serde(rename = "contact_opening_balance_type")]
    pub(super) kind: Option<Reference>,
    pub(super) contact: Option<Reference>,
    #[serde(default, deserialize_with = "date")]
    pub(super) date: Option<Date>,
    #[serde(default, deserialize_with = "text")]
    pub(super) reference: Option<String>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) tax_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) total_amount: Option<Decimal>,
    pub(super) currency: Option<Reference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) exchange_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) inverse_exchange_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) base_currency_total_amount: Option<Decimal>,
}

/// A receipt or a refund.
#[derive(Debug, Deserialize)]
pub(super) struct Payment {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) updated_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) deleted_at: Option<String>,
    pub(super) transaction_type: Option<Reference>,
    pub(super) contact: Option<Reference>,
    #[serde(default, deserialize_with = "date")]
    pub(super) date: Option<Date>,
    #[serde(default, deserialize_with = "text")]
    pub(super) reference: Option<String>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) total_amount: Option<Decimal>,
    pub(super) currency: Option<Reference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) exchange_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) inverse_exchange_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) base_currency_total_amount: Option<Decimal>,
    pub(super) allocated_artefacts: Option<Vec<Allocated>>,
    #[serde(rename = "payment_on_account")]
    pub(super) on_account: Option<PaymentOnAccount>,
}

/// What a payment leaves unallocated: a credit of its own, with its own id.
#[derive(Debug, Deserialize)]
pub(super) struct PaymentOnAccount {
    #[serde(default, deserialize_with = "text")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) outstanding_amount: Option<Decimal>,
}

/// Credit set against debit, without money moving.
#[derive(Debug, Deserialize)]
pub(super) struct Allocation {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) updated_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) deleted_at: Option<String>,
    pub(super) transaction_type: Option<Reference>,
    #[serde(default, deserialize_with = "date")]
    pub(super) date: Option<Date>,
    pub(super) allocated_artefacts: Option<Vec<Allocated>>,
}

/// One artefact that a payment or an allocation settles or uses up.
#[derive(Debug, Deserialize)]
pub(super) struct Allocated {
    pub(super) artefact: Option<Artefact>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) amount: Option<Decimal>,
    /// Settled beside `amount`, without money. Payments only.
    #[serde(default, deserialize_with = "amount")]
    pub(super) discount: Option<Decimal>,
}

/// A reference to a record of any kind: its path tells which.
#[derive(Debug, Deserialize)]
pub(super) struct Artefact {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(rename = "$path", default, deserialize_with = "text")]
    pub(super) path: Option<String>,
}

/// A posting: tells whose balance moved.
#[derive(Debug, Deserialize)]
pub(super) struct Posting {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) updated_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) deleted_at: Option<String>,
    pub(super) contact: Option<Reference>,
    pub(super) transaction_type: Option<Reference>,
}

/// A reference; only its id counts, the name beside it may be out of date.
#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    #[serde(default, deserialize_with = "text")]
    pub(super) id: Option<String>,
}

impl Reference {
    /// The id referred to.
    pub(super) fn id(reference: Option<&Self>) -> Option<&str> {
        reference?.id.as_deref()
    }
}

/// How the business's invoices fall due, where a contact does not say.
#[derive(Debug, Deserialize)]
pub(super) struct InvoiceSettings {
    #[serde(default, deserialize_with = "days")]
    pub(super) customer_credit_days: Option<u16>,
    #[serde(default, deserialize_with = "text")]
    pub(super) customer_credit_terms: Option<String>,
}

/// The currency of the books.
#[derive(Debug, Deserialize)]
pub(super) struct FinancialSettings {
    pub(super) base_currency: Option<Reference>,
    pub(super) multi_currency_enabled: Option<bool>,
}

/// A text; empty ones, and the text `null`, are none.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.filter(|text| !matches!(text.trim(), "" | "null")))
}

/// An id, which no record is without.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    text(from)?.ok_or_else(|| Error::custom("the id is empty"))
}

/// A number of days, as a number or as a string.
fn days<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    let text = match Option::<Value>::deserialize(from)? {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if matches!(text.trim(), "" | "null") => return Ok(None),
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(Error::custom("this is no number of days")),
    };
    text.trim()
        .parse()
        .map(Some)
        .map_err(|_| Error::custom("this is no number of days"))
}
