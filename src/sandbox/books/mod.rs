//! One company's books, and the rules by which a write moves balances.
//!
//! A customer's balance is kept, not computed: every change of a document's open amount goes through
//! [`Books::weigh`], which moves the balance of whom it concerns. [`Books::computed_balances`] adds it
//! up from scratch; the tests hold the two equal.

mod applying;
mod balance;
mod history;
mod posting;
mod record;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

pub(crate) use applying::Source;
pub(crate) use history::{Act, Cash, Change, Merged, Subject};
pub(crate) use posting::Refusal;
pub(crate) use record::{
    Currency, Detail, Document, Entry, Id, Kind, Line, List, OnAccount, Side, Stamp, Tombstone,
};

use history::History;

/// The zone of every company: US Pacific, with daylight saving, as the recorded ones answer.
///
/// Written as a POSIX rule, so that no time-zone database is needed.
pub(crate) fn zone() -> TimeZone {
    TimeZone::posix("PST8PDT,M3.2.0,M11.1.0").unwrap_or(TimeZone::UTC)
}

/// One company's books.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) home: Currency,
    pub(crate) multicurrency: bool,
    /// Home units for one unit of a foreign currency.
    pub(crate) rates: BTreeMap<Currency, Decimal>,
    /// The term of customers that have none of their own.
    pub(crate) default_term: Option<Id>,
    /// Counts every change: answers made from one revision are good until the next.
    pub(crate) revision: u64,
    names: BTreeMap<List, BTreeMap<Id, Entry>>,
    /// Lower-case unique names, per list; customers and vendors share one.
    by_name: HashMap<(List, String), Id>,
    /// Sub-customers, by the customer right above.
    children: HashMap<Id, Vec<Id>>,
    /// By kind; boxed, because the nodes of a tree are half empty.
    documents: [BTreeMap<Id, Box<Document>>; 8],
    tombstones: Vec<Tombstone>,
    history: History,
    next_name: BTreeMap<List, Id>,
    next_document: Id,
    next_number: u64,
}

impl Books {
    /// Empty books.
    pub(crate) fn new(home: Currency, multicurrency: bool) -> Self {
        Self {
            home,
            multicurrency,
            rates: BTreeMap::new(),
            default_term: None,
            revision: 0,
            names: BTreeMap::new(),
            by_name: HashMap::new(),
            children: HashMap::new(),
            documents: Default::default(),
            tombstones: Vec::new(),
            history: History::default(),
            next_name: BTreeMap::new(),
            next_document: 1,
            next_number: 1001,
        }
    }

    /// The names of a list, by id.
    pub(crate) fn names(&self, list: List) -> impl Iterator<Item = &Entry> {
        self.names.get(&list).into_iter().flat_map(BTreeMap::values)
    }

    /// One name.
    pub(crate) fn name(&self, list: List, id: Id) -> Option<&Entry> {
        self.names.get(&list)?.get(&id)
    }

    /// The documents of a kind, by id.
    pub(crate) fn documents(&self, kind: Kind) -> impl Iterator<Item = &Document> {
        self.documents[kind.index()].values().map(Box::as_ref)
    }

    /// How many documents of a kind there are.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.documents[kind.index()].len()
    }

    /// One document.
    pub(crate) fn document(&self, kind: Kind, id: Id) -> Option<&Document> {
        self.documents[kind.index()].get(&id).map(Box::as_ref)
    }

    /// What was deleted.
    pub(crate) fn tombstones(&self) -> &[Tombstone] {
        &self.tombstones
    }

    /// The customer of an id or a display name.
    pub(crate) fn find_customer(&self, id_or_name: &str) -> Option<&Entry> {
        if let Some(customer) = id_or_name
            .parse()
            .ok()
            .and_then(|id| self.name(List::Customer, id))
        {
            return Some(customer);
        }
        let id = self
            .by_name
            .get(&(List::Customer, id_or_name.to_lowercase()))?;
        self.name(List::Customer, *id)
    }

    /// Which list's names must differ from those of this one: customers and vendors share theirs.
    fn name_space(list: List) -> List {
        match list {
            List::Vendor => List::Customer,
            other => other,
        }
    }

    /// The id that already has a name, in any list that shares it.
    pub(crate) fn holder_of_name(&self, list: List, name: &str) -> Option<Id> {
        self.by_name
            .get(&(Self::name_space(list), name.to_lowercase()))
            .copied()
    }

    /// Writes a new name and gives its id. A caller that wants a certain id sets it, else it is 0.
    pub(crate) fn add_name(&mut self, list: List, mut name: Entry) -> Id {
        let next = self.next_name.entry(Self::name_space(list)).or_insert(1);
        if name.id == 0 {
            name.id = *next;
        }
        *next = (*next).max(name.id + 1);
        let id = name.id;
        self.by_name
            .insert((Self::name_space(list), name.name.to_lowercase()), id);
        if let (List::Customer, Some(parent)) = (list, name.parent) {
            self.children.entry(parent).or_default().push(id);
        }
        self.names.entry(list).or_default().insert(id, name);
        self.revision += 1;
        self.note(Subject::Name(list, id), Act::Created, true);
        id
    }

    /// Rewrites a name.
    pub(crate) fn put_name(&mut self, list: List, name: Entry) {
        let space = Self::name_space(list);
        if let Some(before) = self.names.entry(list).or_default().get(&name.id) {
            self.by_name.remove(&(space, before.name.to_lowercase()));
            if list == List::Customer && before.parent != name.parent {
                if let Some(siblings) = before.parent.and_then(|id| self.children.get_mut(&id)) {
                    siblings.retain(|id| *id != name.id);
                }
                if let Some(parent) = name.parent {
                    self.children.entry(parent).or_default().push(name.id);
                }
            }
        }
        self.by_name
            .insert((space, name.name.to_lowercase()), name.id);
        let subject = Subject::Name(list, name.id);
        self.names.entry(list).or_default().insert(name.id, name);
        self.revision += 1;
        self.note(subject, Act::Updated, true);
    }

    /// Takes a customer out of the list, and out of whatever points at it by name.
    fn remove_customer(&mut self, id: Id) -> Option<Entry> {
        let entry = self.names.get_mut(&List::Customer)?.remove(&id)?;
        self.by_name
            .remove(&(List::Customer, entry.name.to_lowercase()));
        self.children.remove(&id);
        if let Some(siblings) = entry.parent.and_then(|above| self.children.get_mut(&above)) {
            siblings.retain(|sibling| *sibling != id);
        }
        Some(entry)
    }

    /// `Parent:Child`, as the API spells a sub-customer's full name.
    pub(crate) fn full_name(&self, list: List, name: &Entry) -> String {
        let mut parts = vec![name.name.as_ref()];
        let mut above = name.parent;
        // Five levels are the most there are.
        while let Some(parent) = above.and_then(|id| self.name(list, id)) {
            parts.push(&parent.name);
            above = parent.parent;
            if parts.len() == 5 {
                break;
            }
        }
        parts.reverse();
        parts.join(":")
    }

    /// How many customers stand above.
    pub(crate) fn level(&self, name: &Entry) -> u32 {
        let mut level = 0;
        let mut above = name.parent;
        while let Some(parent) = above.and_then(|id| self.name(List::Customer, id)) {
            level += 1;
            above = parent.parent;
            if level == 5 {
                break;
            }
        }
        level
    }

    /// The balance of a customer and of all below: `BalanceWithJobs`.
    pub(crate) fn balance_with_jobs(&self, customer: &Entry) -> Decimal {
        let below: Decimal = self
            .children
            .get(&customer.id)
            .into_iter()
            .flatten()
            .filter_map(|child| self.name(List::Customer, *child))
            .map(|child| self.balance_with_jobs(child))
            .sum();
        customer.balance + below
    }

    /// Whether an account is receivables.
    pub(crate) fn is_receivable(&self, account: Id) -> bool {
        self.name(List::Account, account)
            .and_then(|account| account.text("AccountType"))
            == Some("Accounts Receivable")
    }

    /// The receivables account of a currency.
    pub(crate) fn receivables(&self, currency: Currency) -> Option<Id> {
        self.names(List::Account)
            .find(|account| account.currency == currency && self.is_receivable(account.id))
            .map(|account| account.id)
    }

    /// Home units for one unit of a currency.
    pub(crate) fn rate(&self, currency: Currency) -> Decimal {
        self.rates.get(&currency).copied().unwrap_or(Decimal::ONE)
    }

    /// The due date by a customer's terms, or by the company's.
    pub(crate) fn due_date(&self, customer: &Entry, term: Option<Id>, date: Date) -> Date {
        let days = term
            .or_else(|| customer.reference("SalesTermRef"))
            .or(self.default_term)
            .and_then(|term| self.name(List::Term, term))
            .and_then(|term| term.properties.get("DueDays")?.as_i64())
            .unwrap_or(0);
        date.saturating_add(jiff::Span::new().days(days.clamp(0, 3650)))
    }

    /// The next number of a sales form.
    pub(crate) fn take_number(&mut self) -> Box<str> {
        let number = self.next_number;
        self.next_number += 1;
        number.to_string().into_boxed_str()
    }

    /// A new customer's record with nothing but a name.
    pub(crate) fn blank_name(name: &str, currency: Currency, now: Timestamp) -> Entry {
        Entry {
            id: 0,
            stamp: Stamp::new(now),
            name: Arc::from(name),
            active: true,
            parent: None,
            currency,
            balance: Decimal::ZERO,
            credit_limit: None,
            properties: Map::<String, Value>::new(),
        }
    }
}
