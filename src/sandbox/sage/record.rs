//! The records of each list: which of the books' names and documents they are made of.

use jiff::Timestamp;
use jiff::civil::Date;

use super::Terms;
use super::key::{Key, Tag};
use super::query::SortBy;
use super::split::{posting, split};
use crate::sandbox::books::{Books, Detail, Document, Entry, Id, Kind, List, OnAccount, Side};

/// The lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collection {
    Contacts,
    SalesInvoices,
    SalesCreditNotes,
    SalesQuickEntries,
    ContactPayments,
    ContactAllocations,
    ContactOpeningBalances,
    Products,
    Services,
    StockItems,
}

impl Collection {
    const ALL: [Self; 10] = [
        Self::Contacts,
        Self::SalesInvoices,
        Self::SalesCreditNotes,
        Self::SalesQuickEntries,
        Self::ContactPayments,
        Self::ContactAllocations,
        Self::ContactOpeningBalances,
        Self::Products,
        Self::Services,
        Self::StockItems,
    ];

    /// By its part of the path.
    pub(super) fn parse(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.path() == path)
    }

    /// Its part of the path.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::SalesInvoices => "sales_invoices",
            Self::SalesCreditNotes => "sales_credit_notes",
            Self::SalesQuickEntries => "sales_quick_entries",
            Self::ContactPayments => "contact_payments",
            Self::ContactAllocations => "contact_allocations",
            Self::ContactOpeningBalances => "contact_opening_balances",
            Self::Products => "products",
            Self::Services => "services",
            Self::StockItems => "stock_items",
        }
    }

    /// The orders that it offers.
    pub(super) fn sorts(self) -> &'static [SortBy] {
        match self {
            Self::SalesInvoices => &[SortBy::Created, SortBy::Updated, SortBy::Date, SortBy::Due],
            Self::SalesCreditNotes
            | Self::SalesQuickEntries
            | Self::ContactPayments
            | Self::ContactAllocations => &[SortBy::Created, SortBy::Updated, SortBy::Date],
            _ => &[],
        }
    }

    /// The kinds of document that its records are made of.
    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::SalesInvoices => &[Kind::Invoice],
            Self::SalesCreditNotes => &[Kind::CreditMemo],
            Self::SalesQuickEntries | Self::ContactOpeningBalances => &[Kind::JournalEntry],
            Self::ContactPayments => &[Kind::Payment, Kind::Deposit, Kind::Purchase],
            Self::ContactAllocations => &[Kind::Payment],
            Self::Contacts | Self::Products | Self::Services | Self::StockItems => &[],
        }
    }

    /// Whether an item of this type is in it. Stock items are products, too.
    fn has_item(self, item: &Entry) -> bool {
        match item.text("Type") {
            Some("Inventory") => matches!(self, Self::Products | Self::StockItems),
            Some("NonInventory") => self == Self::Products,
            _ => self == Self::Services,
        }
    }
}

/// What a record is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Made<'a> {
    /// A name of a list.
    Entry(List, &'a Entry),
    /// A document, or the line of it that the key says.
    Document(&'a Document),
}

/// What has become of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Live,
    /// It stays, and counts for nothing.
    Void,
    Deleted(Timestamp),
}

/// One record of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) key: Key,
    pub(super) made: Made<'a>,
    pub(super) fate: Fate,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

impl<'a> Record<'a> {
    fn entry(key: Key, list: List, entry: &'a Entry, updated: Timestamp) -> Self {
        Self {
            key,
            made: Made::Entry(list, entry),
            fate: Fate::Live,
            created: entry.stamp.created,
            updated,
        }
    }

    /// The document that it is made of.
    pub(super) fn document(&self) -> Option<&'a Document> {
        match self.made {
            Made::Document(document) => Some(document),
            Made::Entry(..) => None,
        }
    }

    /// The name that it is made of.
    pub(super) fn name(&self) -> Option<&'a Entry> {
        match self.made {
            Made::Entry(_, entry) => Some(entry),
            Made::Document(_) => None,
        }
    }

    /// The customer that it is about.
    pub(super) fn contact(&self) -> Option<Id> {
        let document = self.document()?;
        let posted = self.key.at().and_then(|line| document.lines.get(line));
        match posted.map(|line| &line.detail) {
            Some(Detail::Posting { customer, .. }) => *customer,
            _ => document.customer,
        }
    }

    /// Its day.
    pub(super) fn date(&self) -> Option<Date> {
        self.document().map(|document| document.date)
    }

    /// The day that it is due on.
    pub(super) fn due(&self) -> Option<Date> {
        let document = self.document()?;
        document.due.or(Some(document.date))
    }
}

/// One company's records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Records<'a> {
    pub(super) books: &'a Books,
    pub(super) terms: &'a Terms,
}

impl<'a> Records<'a> {
    /// What is there of a list.
    pub(super) fn live(self, list: Collection) -> Vec<Record<'a>> {
        let mut records = Vec::new();
        match list {
            Collection::Contacts => {
                for names in [List::Customer, List::Vendor] {
                    records.extend(self.books.names(names).map(|entry| {
                        let key = Key::of(Tag::Contact, entry.id);
                        Record::entry(key, names, entry, self.contact_updated(names, entry))
                    }));
                }
            }
            Collection::Products | Collection::Services | Collection::StockItems => {
                let items = self.books.names(List::Item);
                records.extend(items.filter(|item| list.has_item(item)).map(|item| {
                    let key = Key::of(Tag::Item, item.id);
                    Record::entry(key, List::Item, item, item.stamp.written)
                }));
            }
            _ => {
                for kind in list.kinds() {
                    for document in self.books.documents(*kind) {
                        self.of_document(list, document, None, &mut records);
                    }
                }
                records.retain(|record| !matches!(record.fate, Fate::Deleted(_)));
            }
        }
        records
    }

    /// What was there of a list and was deleted. Contacts and items are never deleted in the books, they
    /// become inactive.
    pub(super) fn deleted(self, list: Collection) -> Vec<Record<'a>> {
        let mut records = Vec::new();
        for kind in list.kinds() {
            for document in self.books.documents(*kind) {
                self.of_document(list, document, None, &mut records);
            }
        }
        for gone in self.books.tombstones() {
            if list.kinds().contains(&gone.kind) {
                let at = Some(gone.deleted);
                self.of_document(list, &gone.document, at, &mut records);
            }
        }
        records.retain(|record| matches!(record.fate, Fate::Deleted(_)));
        records
    }

    /// A record that is there, if it is of the list.
    pub(super) fn one(self, list: Collection, key: Key) -> Option<Record<'a>> {
        match list {
            Collection::Contacts if key == Key::of(Tag::Contact, key.id) => {
                [List::Customer, List::Vendor]
                    .into_iter()
                    .find_map(|names| {
                        let entry = self.books.name(names, key.id)?;
                        let updated = self.contact_updated(names, entry);
                        Some(Record::entry(key, names, entry, updated))
                    })
            }
            Collection::Products | Collection::Services | Collection::StockItems
                if key == Key::of(Tag::Item, key.id) =>
            {
                let item = self.books.name(List::Item, key.id)?;
                list.has_item(item)
                    .then(|| Record::entry(key, List::Item, item, item.stamp.written))
            }
            _ => {
                let mut records = Vec::new();
                for kind in list.kinds() {
                    if let Some(document) = self.books.document(*kind, key.id) {
                        self.of_document(list, document, None, &mut records);
                    }
                }
                records
                    .into_iter()
                    .find(|record| record.key == key && !matches!(record.fate, Fate::Deleted(_)))
            }
        }
    }

    /// When a contact was written last: what moves its balance does not.
    fn contact_updated(self, list: List, entry: &Entry) -> Timestamp {
        let term = match list {
            List::Customer => self.terms.of(entry.id),
            _ => None,
        };
        term.map_or(entry.stamp.written, |term| {
            term.set.max(entry.stamp.written)
        })
    }

    /// The records of a list that a document, present or deleted, stands for.
    fn of_document(
        self,
        list: Collection,
        document: &'a Document,
        deleted: Option<Timestamp>,
        records: &mut Vec<Record<'a>>,
    ) {
        let before = self.books.before_void(document.id);
        let shown = before.unwrap_or(document);
        let fate = match (deleted, before) {
            (Some(at), _) => Fate::Deleted(at),
            (None, None) => Fate::Live,
            (None, Some(_)) => match list {
                Collection::SalesInvoices
                | Collection::SalesCreditNotes
                | Collection::SalesQuickEntries => Fate::Void,
                // Money is not voided, it is deleted.
                _ => Fate::Deleted(document.stamp.written),
            },
        };
        let record = |key, fate| Record {
            key,
            made: Made::Document(shown),
            fate,
            created: document.stamp.created,
            updated: document.stamp.updated,
        };
        match (list, shown.kind) {
            (Collection::SalesInvoices, _) => {
                records.push(record(Key::of(Tag::Invoice, shown.id), fate));
            }
            (Collection::SalesCreditNotes, _) => {
                records.push(record(Key::of(Tag::CreditNote, shown.id), fate));
            }
            (Collection::ContactPayments, Kind::Payment) => {
                if !shown.total.is_zero() {
                    records.push(record(Key::of(Tag::Payment, shown.id), fate));
                }
            }
            (Collection::ContactAllocations, _) => {
                let key = Key::of(Tag::Allocation, shown.id);
                if split(self.books, shown).allocates() {
                    records.push(record(key, fate));
                } else if fate == Fate::Live
                    && shown.stamp.sync_token > 0
                    && (shown.total.is_zero() || shown.on_account == OnAccount::Ahead)
                {
                    // It lost what it joined.
                    records.push(record(key, Fate::Deleted(shown.stamp.written)));
                }
            }
            _ => {
                let wanted = match list {
                    Collection::SalesQuickEntries => Tag::QuickEntry,
                    Collection::ContactOpeningBalances => Tag::OpeningBalance,
                    _ => Tag::Payment,
                };
                let lines = 0..shown.lines.len();
                records.extend(
                    lines
                        .filter_map(|line| posting(self.books, shown, line))
                        .filter(|(key, _)| key.tag == wanted)
                        .map(|(key, _)| record(key, fate)),
                );
            }
        }
    }
}

/// On which side of receivables a line of a document stands.
pub(super) fn side(document: &Document, line: usize) -> Option<Side> {
    match document.lines.get(line)?.detail {
        Detail::Posting { side, .. } => Some(side),
        _ => None,
    }
}
