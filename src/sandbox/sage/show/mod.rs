//! Records as the API tells them.

mod artefact;
mod contact;
mod entry;
mod item;
mod lines;
mod payment;
mod settings;

use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value, json};

pub(super) use settings::{Settings, subscriptions};

/// What filters look at.
pub(super) mod filters {
    pub(in crate::sandbox::sage) use super::artefact::{document_words, is_sent};
    pub(in crate::sandbox::sage) use super::contact::{displayed_as, email_of};
    pub(in crate::sandbox::sage) use super::item::item_words;
    pub(in crate::sandbox::sage) use super::payment::payment_type;
    pub(in crate::sandbox::sage) use super::status_id;
}

use super::key::{Key, Tag};
use super::query::Query;
use super::record::{Collection, Fate, Record, Records};
use crate::sandbox::books::{Books, Currency, Document, Id, Kind, List};

/// Where the web pages of the real service are; links are as recorded.
const WEB: &str = "https://accounts-extra.sageone.com";

/// A moment: UTC, in whole seconds.
pub(super) fn instant(at: Timestamp) -> Value {
    json!(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// An amount, quantity or rate: a text without trailing zeros, but one decimal at least.
pub(super) fn decimal(amount: Decimal) -> Value {
    let mut amount = amount.normalize();
    if amount.is_zero() {
        return json!("0.0");
    }
    if amount.scale() == 0 {
        amount.rescale(1);
    }
    json!(amount.to_string())
}

/// A reference to what has no id of its own making (`CUSTOMER`, `GB`).
pub(super) fn reference(list: &str, id: &str, displayed_as: &str) -> Value {
    json!({"id": id, "displayed_as": displayed_as, "$path": format!("/{list}/{id}")})
}

/// A reference to a currency.
pub(super) fn currency(currency: Currency) -> Value {
    let code = currency.code();
    let name = match code {
        "USD" => "US Dollar",
        "GBP" => "Pound Sterling",
        _ => currency.name(),
    };
    reference("currencies", code, &format!("{name} ({code})"))
}

/// An amount in base currency.
fn base(amount: Decimal, rate: Decimal) -> Decimal {
    (amount * rate).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// The link to a record's page.
fn alternate(path: &str) -> Value {
    json!({"href": format!("{WEB}/{path}"), "rel": "alternate", "type": "text/html"})
}

/// What states there are of a document.
pub(super) const STATUSES: [(&str, &str); 6] = [
    ("UNPAID", "Unpaid"),
    ("PART_PAID", "Part Paid"),
    ("PAID", "Paid"),
    ("VOID", "Void"),
    ("DRAFT", "Draft"),
    ("PRO_FORMA", "Pro Forma"),
];

/// The state of a document. The books have no drafts.
pub(in crate::sandbox::sage) fn status_id(
    fate: Fate,
    total: Decimal,
    open: Decimal,
) -> &'static str {
    if fate == Fate::Void {
        "VOID"
    } else if open.is_zero() {
        "PAID"
    } else if open < total {
        "PART_PAID"
    } else {
        "UNPAID"
    }
}

fn status(fate: Fate, total: Decimal, open: Decimal) -> Value {
    let id = status_id(fate, total, open);
    let words = STATUSES.iter().find(|(known, _)| *known == id);
    reference(
        "artefact_statuses",
        id,
        words.map_or(id, |(_, words)| words),
    )
}

/// Members of an object, from `json!`.
fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Tells the records of one company.
#[derive(Clone, Copy, Debug)]
pub(super) struct Teller<'a> {
    pub(super) records: Records<'a>,
    pub(super) realm: &'a str,
    pub(super) query: &'a Query,
}

impl<'a> Teller<'a> {
    fn books(&self) -> &'a Books {
        self.records.books
    }

    /// A record with all its members.
    pub(super) fn tell(&self, list: Collection, record: &Record<'_>) -> Map<String, Value> {
        let mut told = match list {
            Collection::Contacts => self.contact(record),
            Collection::SalesInvoices | Collection::SalesCreditNotes => self.artefact(record),
            Collection::SalesQuickEntries => self.quick_entry(record),
            Collection::ContactOpeningBalances => self.opening_balance(record),
            Collection::ContactPayments => self.payment(record),
            Collection::ContactAllocations => self.allocation(record),
            Collection::Products | Collection::Services | Collection::StockItems => {
                self.item(list, record)
            }
        };
        told.insert("created_at".to_owned(), instant(record.created));
        told.insert("updated_at".to_owned(), instant(record.updated));
        if let Fate::Deleted(at) = record.fate {
            told.insert("deleted_at".to_owned(), instant(at));
        }
        told
    }

    fn id(&self, key: Key) -> String {
        key.text(self.realm)
    }

    /// A reference to a record of the books.
    fn reference(&self, list: &str, key: Key, displayed_as: &str) -> Value {
        reference(list, &self.id(key), displayed_as)
    }

    fn contact_reference(&self, contact: Option<Id>) -> Value {
        let entry = contact.and_then(|contact| self.books().name(List::Customer, contact));
        entry.map_or(Value::Null, |entry| {
            let key = Key::of(Tag::Contact, entry.id);
            self.reference("contacts", key, &contact::displayed_as(entry))
        })
    }

    fn account_reference(&self, list: &str, tag: Tag, account: Option<Id>) -> Value {
        let account = account.and_then(|account| self.books().name(List::Account, account));
        account.map_or(Value::Null, |account| {
            let words = format!("{} ({})", account.name, account.id);
            self.reference(list, Key::of(tag, account.id), &words)
        })
    }

    /// The sales account, of everything sold.
    fn sales_account(&self) -> Value {
        let mut accounts = self.books().names(List::Account);
        let sales = accounts
            .find(|account| account.text("AccountType") == Some("Income"))
            .map(|account| account.id);
        self.account_reference("ledger_accounts", Tag::LedgerAccount, sales)
    }

    /// The transaction of a record. Recorded: without words. What a payment of the books becomes, a
    /// receipt and an allocation, are two of them.
    fn transaction(&self, key: Key) -> Value {
        let key = Key {
            tag: Tag::Transaction,
            id: key.id,
            part: key.part << 8 | u64::from(key.tag as u8),
        };
        self.reference("transactions", key, "")
    }

    /// What a document is called in references to it.
    fn artefact_reference(&self, key: Key) -> Value {
        let list = match key.tag {
            Tag::Invoice => Collection::SalesInvoices.path(),
            Tag::CreditNote => Collection::SalesCreditNotes.path(),
            Tag::QuickEntry => Collection::SalesQuickEntries.path(),
            Tag::OpeningBalance => Collection::ContactOpeningBalances.path(),
            // What path that has is not documented; it is read with its receipt.
            Tag::OnAccount => "payments_on_account",
            _ => Collection::ContactPayments.path(),
        };
        let books = self.books();
        let number = match key.tag {
            Tag::Invoice => books.document(Kind::Invoice, key.id),
            Tag::CreditNote => books.document(Kind::CreditMemo, key.id),
            _ => None,
        };
        let words = number.map(number_of).unwrap_or_default();
        self.reference(list, key, &words)
    }
}

/// A document's number; its id in the books where it has none, since Sage's always have one.
fn number_of(document: &Document) -> String {
    document
        .number
        .as_deref()
        .map_or_else(|| document.id.to_string(), str::to_owned)
}
