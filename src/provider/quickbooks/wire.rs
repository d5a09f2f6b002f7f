//! The shapes of QuickBooks' answers, as far as we read them. One type serves queries, batches and
//! changes alike, since all wrap the same lists under the entity's name.
//!
//! Nearly everything is optional: what a record cannot do without is decided where it is converted.
//! Absent and `null` both mean "not stated" and stay apart from zero. Amounts are read from the text
//! of the JSON number, exactly.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::error::Fault;
use super::scalar;
use crate::provider::scalar::{amount, date};

/// An answer to a query.
#[derive(Debug, Deserialize)]
pub(super) struct QueryAnswer {
    #[serde(rename = "QueryResponse")]
    pub(super) response: Option<QueryResponse>,
    #[serde(default, deserialize_with = "scalar::instant")]
    pub(super) time: Option<Timestamp>,
    #[serde(rename = "Fault", alias = "fault")]
    pub(super) fault: Option<Fault>,
}

/// An answer about changes.
#[derive(Debug, Deserialize)]
pub(super) struct ChangesAnswer {
    #[serde(rename = "CDCResponse", default)]
    pub(super) changes: Vec<ChangesPart>,
    #[serde(default, deserialize_with = "scalar::instant")]
    pub(super) time: Option<Timestamp>,
    #[serde(rename = "Fault", alias = "fault")]
    pub(super) fault: Option<Fault>,
}

/// A part of an answer about changes: one list an entity, of which we look at the names only.
#[derive(Debug, Deserialize)]
pub(super) struct ChangesPart {
    #[serde(rename = "QueryResponse", default)]
    pub(super) responses: Vec<QueryResponse>,
    #[serde(rename = "Fault", alias = "fault")]
    pub(super) fault: Option<Fault>,
}

/// An answer to a batch.
#[derive(Debug, Deserialize)]
pub(super) struct BatchAnswer {
    #[serde(rename = "BatchItemResponse", default)]
    pub(super) items: Vec<BatchItem>,
    #[serde(default, deserialize_with = "scalar::instant")]
    pub(super) time: Option<Timestamp>,
    #[serde(rename = "Fault", alias = "fault")]
    pub(super) fault: Option<Fault>,
}

/// The answer to one question of a batch; items come in any order.
#[derive(Debug, Deserialize)]
pub(super) struct BatchItem {
    #[serde(rename = "bId")]
    pub(super) id: Option<String>,
    #[serde(rename = "QueryResponse")]
    pub(super) response: Option<QueryResponse>,
    #[serde(rename = "Fault", alias = "fault")]
    pub(super) fault: Option<Fault>,
}

/// The company.
#[derive(Debug, Deserialize)]
pub(super) struct CompanyAnswer {
    #[serde(rename = "CompanyInfo")]
    pub(super) company: Option<CompanyInfo>,
    #[serde(rename = "Fault", alias = "fault")]
    pub(super) fault: Option<Fault>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CompanyInfo {
    pub(super) company_name: Option<String>,
}

/// The company's preferences.
#[derive(Debug, Deserialize)]
pub(super) struct PreferencesAnswer {
    #[serde(rename = "Preferences")]
    pub(super) preferences: Option<Preferences>,
    #[serde(rename = "Fault", alias = "fault")]
    pub(super) fault: Option<Fault>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Preferences {
    pub(super) currency_prefs: Option<CurrencyPreferences>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CurrencyPreferences {
    pub(super) multi_currency_enabled: Option<bool>,
    pub(super) home_currency: Option<Reference>,
}

/// The lists of an answer. A type without rows is absent.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct QueryResponse {
    pub(super) account: Vec<Account>,
    pub(super) term: Vec<Term>,
    pub(super) item: Vec<Item>,
    pub(super) customer: Vec<Customer>,
    pub(super) invoice: Vec<SalesForm>,
    pub(super) credit_memo: Vec<SalesForm>,
    pub(super) payment: Vec<Payment>,
    pub(super) journal_entry: Vec<Posting>,
    pub(super) deposit: Vec<Posting>,
    pub(super) purchase: Vec<Posting>,
    pub(super) sales_receipt: Vec<SalesForm>,
    pub(super) refund_receipt: Vec<SalesForm>,
    /// The answer to `COUNT(*)`. In a page it is unreliable and not used.
    #[serde(rename = "totalCount")]
    pub(super) total_count: Option<u64>,
    #[serde(rename = "Fault", alias = "fault")]
    pub(super) fault: Option<Fault>,
}

/// A reference; only its value counts, the name beside it may be out of date.
#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) value: Option<String>,
    /// What kind of party is meant, in deposits and purchases.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

/// When a record was last changed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MetaData {
    /// As it stands: the next page is asked for by this very text.
    pub(super) last_updated_time: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) meta_data: Option<MetaData>,
    #[serde(rename = "status")]
    pub(super) status: Option<String>,
    #[serde(rename = "AccountType")]
    pub(super) kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Term {
    pub(super) id: String,
    pub(super) meta_data: Option<MetaData>,
    #[serde(rename = "status")]
    pub(super) status: Option<String>,
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
    pub(super) due_days: Option<u16>,
    pub(super) day_of_month_due: Option<u8>,
    pub(super) due_next_month_days: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) meta_data: Option<MetaData>,
    #[serde(rename = "status")]
    pub(super) status: Option<String>,
    pub(super) name: Option<String>,
    pub(super) fully_qualified_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) meta_data: Option<MetaData>,
    #[serde(rename = "status")]
    pub(super) status: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) fully_qualified_name: Option<String>,
    pub(super) company_name: Option<String>,
    pub(super) primary_email_addr: Option<EmailAddress>,
    pub(super) primary_tax_identifier: Option<String>,
    pub(super) business_number: Option<String>,
    #[serde(rename = "GSTIN")]
    pub(super) gstin: Option<String>,
    pub(super) parent_ref: Option<Reference>,
    pub(super) bill_with_parent: Option<bool>,
    pub(super) active: Option<bool>,
    pub(super) currency_ref: Option<Reference>,
    pub(super) sales_term_ref: Option<Reference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) balance: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) balance_with_jobs: Option<Decimal>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EmailAddress {
    pub(super) address: Option<String>,
}

/// An invoice, credit memo, sales receipt or refund receipt: one form in four uses.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SalesForm {
    pub(super) id: String,
    pub(super) meta_data: Option<MetaData>,
    #[serde(rename = "status")]
    pub(super) status: Option<String>,
    pub(super) doc_number: Option<String>,
    #[serde(default, deserialize_with = "date")]
    pub(super) txn_date: Option<Date>,
    #[serde(default, deserialize_with = "date")]
    pub(super) due_date: Option<Date>,
    pub(super) customer_ref: Option<Reference>,
    pub(super) currency_ref: Option<Reference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) exchange_rate: Option<Decimal>,
    pub(super) private_note: Option<String>,
    #[serde(default)]
    pub(super) line: Vec<SalesLine>,
    pub(super) txn_tax_detail: Option<TaxDetail>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) total_amt: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) balance: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) remaining_credit: Option<Decimal>,
    /// Money taken with the invoice itself, without a payment of its own.
    #[serde(default, deserialize_with = "amount")]
    pub(super) deposit: Option<Decimal>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TaxDetail {
    #[serde(default, deserialize_with = "amount")]
    pub(super) total_tax: Option<Decimal>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SalesLine {
    pub(super) description: Option<String>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) amount: Option<Decimal>,
    pub(super) detail_type: Option<String>,
    pub(super) sales_item_line_detail: Option<SalesItemDetail>,
    pub(super) group_line_detail: Option<GroupDetail>,
    pub(super) discount_line_detail: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SalesItemDetail {
    pub(super) item_ref: Option<NamedReference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) qty: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) unit_price: Option<Decimal>,
}

/// A reference whose name serves as a text where the line has none.
#[derive(Debug, Deserialize)]
pub(super) struct NamedReference {
    pub(super) value: Option<String>,
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupDetail {
    #[serde(default)]
    pub(super) line: Vec<SalesLine>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Payment {
    pub(super) id: String,
    pub(super) meta_data: Option<MetaData>,
    #[serde(rename = "status")]
    pub(super) status: Option<String>,
    pub(super) doc_number: Option<String>,
    #[serde(rename = "PaymentRefNum")]
    pub(super) reference_number: Option<String>,
    #[serde(default, deserialize_with = "date")]
    pub(super) txn_date: Option<Date>,
    pub(super) customer_ref: Option<Reference>,
    pub(super) currency_ref: Option<Reference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) exchange_rate: Option<Decimal>,
    pub(super) private_note: Option<String>,
    #[serde(default)]
    pub(super) line: Vec<PaymentLine>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) total_amt: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) unapplied_amt: Option<Decimal>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PaymentLine {
    #[serde(default, deserialize_with = "amount")]
    pub(super) amount: Option<Decimal>,
    #[serde(default)]
    pub(super) linked_txn: Vec<LinkedTransaction>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LinkedTransaction {
    pub(super) txn_id: Option<String>,
    pub(super) txn_type: Option<String>,
}

/// A journal entry, deposit or purchase: a list of postings of which only those to a receivables
/// account with a customer concern us.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Posting {
    pub(super) id: String,
    pub(super) meta_data: Option<MetaData>,
    #[serde(rename = "status")]
    pub(super) status: Option<String>,
    pub(super) doc_number: Option<String>,
    #[serde(default, deserialize_with = "date")]
    pub(super) txn_date: Option<Date>,
    pub(super) currency_ref: Option<Reference>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) exchange_rate: Option<Decimal>,
    pub(super) private_note: Option<String>,
    /// Purchases: whom the money went to.
    pub(super) entity_ref: Option<Reference>,
    /// Purchases: money came back (a credit card credit).
    pub(super) credit: Option<bool>,
    #[serde(default)]
    pub(super) line: Vec<PostingLine>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PostingLine {
    pub(super) description: Option<String>,
    #[serde(default, deserialize_with = "amount")]
    pub(super) amount: Option<Decimal>,
    pub(super) journal_entry_line_detail: Option<JournalDetail>,
    pub(super) deposit_line_detail: Option<DepositDetail>,
    pub(super) account_based_expense_line_detail: Option<ExpenseDetail>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JournalDetail {
    pub(super) posting_type: Option<String>,
    pub(super) account_ref: Option<Reference>,
    pub(super) entity: Option<JournalParty>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JournalParty {
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
    pub(super) entity_ref: Option<Reference>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DepositDetail {
    pub(super) account_ref: Option<Reference>,
    pub(super) entity: Option<Reference>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ExpenseDetail {
    pub(super) account_ref: Option<Reference>,
    pub(super) customer_ref: Option<Reference>,
}

/// What every record has: an identity, a time of change and, when it is gone, a mark that says so.
pub(super) trait Row {
    fn id(&self) -> &str;
    fn last_updated(&self) -> Option<&str>;
    fn is_deleted(&self) -> bool;
}

macro_rules! rows {
    ($($name:ident),*) => {$(
        impl Row for $name {
            fn id(&self) -> &str {
                &self.id
            }

            fn last_updated(&self) -> Option<&str> {
                self.meta_data.as_ref()?.last_updated_time.as_deref()
            }

            fn is_deleted(&self) -> bool {
                self.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("deleted"))
            }
        }
    )*};
}
rows!(Account, Term, Item, Customer, SalesForm, Payment, Posting);

impl Reference {
    /// The id referred to, unless it is empty.
    pub(super) fn id(reference: Option<&Self>) -> Option<&str> {
        reference?.value.as_deref().filter(|id| !id.is_empty())
    }
}
