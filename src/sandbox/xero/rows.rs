//! What a list consists of, before it is filtered and shown.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::ledger;
use super::wire::kind;
use crate::sandbox::books::{Books, Cash, Document, Id, Kind, List, OnAccount, Source};
use crate::sandbox::found::Found;
use crate::sandbox::guid::Guid;

/// The lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Resource {
    Contacts,
    Invoices,
    CreditNotes,
    Overpayments,
    Prepayments,
    Payments,
    Items,
}

impl Resource {
    /// By the word in the path.
    pub(super) fn parse(word: &str) -> Option<Self> {
        [
            Self::Contacts,
            Self::Invoices,
            Self::CreditNotes,
            Self::Overpayments,
            Self::Prepayments,
            Self::Payments,
            Self::Items,
        ]
        .into_iter()
        .find(|resource| resource.word().eq_ignore_ascii_case(word))
    }

    /// The word in the path and in the envelope.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Contacts => "Contacts",
            Self::Invoices => "Invoices",
            Self::CreditNotes => "CreditNotes",
            Self::Overpayments => "Overpayments",
            Self::Prepayments => "Prepayments",
            Self::Payments => "Payments",
            Self::Items => "Items",
        }
    }

    /// The name of the identifier.
    pub(super) fn id_field(self) -> &'static str {
        match self {
            Self::Contacts => "ContactID",
            Self::Invoices => "InvoiceID",
            Self::CreditNotes => "CreditNoteID",
            Self::Overpayments => "OverpaymentID",
            Self::Prepayments => "PrepaymentID",
            Self::Payments => "PaymentID",
            Self::Items => "ItemID",
        }
    }
}

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A name or a document that is there.
    Live(Id),
    /// A contact that another one took in.
    Merged(Id),
    /// A document that was deleted: its place among the tombstones.
    Gone(usize),
    /// Money that a payment moved.
    Cash(Id, Cash),
    /// Money that it moved once: its place among what was taken back of it.
    Undone(Id, usize),
}

/// A row of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) shown: Shown,
    pub(super) guid: Guid,
    pub(super) bits: u128,
    pub(super) updated: Timestamp,
}

/// What a contact owes, in its currency.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owes {
    pub(super) outstanding: Decimal,
    pub(super) overdue: Decimal,
    /// Whether anything is open at all.
    pub(super) open: bool,
    /// Whether it was ever sold anything.
    pub(super) is_customer: bool,
}

/// What was worked out of the books, good while they have not changed since.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    revision: u64,
    today: Option<Date>,
    rows: HashMap<Resource, Arc<[Row]>>,
    owes: Option<Arc<HashMap<Id, Owes>>>,
    /// The last lists that were filtered and sorted, by what was asked.
    sorted: Found<Row>,
}

impl Kept {
    fn refresh(&mut self, books: &Books, today: Date) {
        if self.revision != books.revision || self.today != Some(today) {
            *self = Self {
                revision: books.revision,
                today: Some(today),
                ..Self::default()
            };
        }
    }

    /// All rows of a list, in no order.
    pub(super) fn rows(
        &mut self,
        books: &Books,
        realm: &str,
        today: Date,
        resource: Resource,
    ) -> Arc<[Row]> {
        self.refresh(books, today);
        self.rows
            .entry(resource)
            .or_insert_with(|| {
                let mut rows = Vec::new();
                collect(books, resource, |shown, guid, updated| {
                    rows.push(Row {
                        shown,
                        guid,
                        bits: guid.bits(realm),
                        updated,
                    });
                });
                rows.into()
            })
            .clone()
    }

    /// What each contact owes.
    pub(super) fn owes(&mut self, books: &Books, today: Date) -> Arc<HashMap<Id, Owes>> {
        self.refresh(books, today);
        self.owes
            .get_or_insert_with(|| Arc::new(owes(books, today)))
            .clone()
    }

    /// A list that was sorted for the same question.
    pub(super) fn sorted(&mut self, books: &Books, today: Date, key: &str) -> Option<Arc<[Row]>> {
        self.refresh(books, today);
        self.sorted.get(books.revision, key)
    }

    /// Keeps a sorted list.
    pub(super) fn keep(&mut self, key: String, rows: Arc<[Row]>) {
        self.sorted.put(key, rows);
    }
}

fn collect(books: &Books, resource: Resource, mut add: impl FnMut(Shown, Guid, Timestamp)) {
    let names = |list: List, kind: u8, add: &mut dyn FnMut(Shown, Guid, Timestamp)| {
        for name in books.names(list) {
            // What only shows in the balance does not count as a change.
            add(
                Shown::Live(name.id),
                Guid::of(kind, name.id),
                name.stamp.written,
            );
        }
    };
    match resource {
        Resource::Contacts => {
            names(List::Customer, kind::CONTACT, &mut add);
            for (id, merged) in books.merged() {
                add(Shown::Merged(*id), Guid::of(kind::CONTACT, *id), merged.at);
            }
        }
        Resource::Items => names(List::Item, kind::ITEM, &mut add),
        Resource::Invoices => documents(books, Kind::Invoice, kind::INVOICE, |_| true, add),
        Resource::CreditNotes => {
            documents(books, Kind::CreditMemo, kind::CREDIT_NOTE, |_| true, add);
        }
        Resource::Overpayments => {
            let over = |payment: &Document| payment.on_account == OnAccount::Over;
            documents(books, Kind::Payment, kind::OVERPAYMENT, over, add);
        }
        Resource::Prepayments => {
            let ahead = |payment: &Document| payment.on_account == OnAccount::Ahead;
            documents(books, Kind::Payment, kind::PREPAYMENT, ahead, add);
        }
        Resource::Payments => payments(books, add),
    }
}

fn documents(
    books: &Books,
    kind: Kind,
    guid: u8,
    belongs: impl Fn(&Document) -> bool,
    mut add: impl FnMut(Shown, Guid, Timestamp),
) {
    for document in books.documents(kind).filter(|document| belongs(document)) {
        let id = document.id;
        add(Shown::Live(id), Guid::of(guid, id), document.stamp.updated);
    }
    for (at, tombstone) in books.tombstones().iter().enumerate() {
        if tombstone.kind == kind && belongs(&tombstone.document) {
            let id = tombstone.id;
            add(Shown::Gone(at), Guid::of(guid, id), tombstone.deleted);
        }
    }
}

/// The identifier of money that moved: money in is told by the payment and the invoice, money out by the
/// credit and the expense.
fn cash_guid(payment: Id, cash: Cash, earlier: usize) -> Guid {
    let turn = u8::try_from(earlier).unwrap_or(u8::MAX);
    let (kind, id) = match cash.source {
        Source::Money if cash.kind == Kind::Invoice => (kind::PAYMENT, payment),
        Source::Money => (kind::REFUND, payment),
        Source::Credit(_, credit) => (kind::REFUND, credit),
    };
    Guid {
        kind,
        id,
        part: cash.to,
        turn,
    }
}

/// How often the same money moved and was taken back, up to a place.
fn earlier(books: &Books, payment: Id, cash: Cash, until: usize) -> usize {
    let undone = &books.undone_of(payment);
    undone[..until.min(undone.len())]
        .iter()
        .filter(|undone| undone.cash == cash)
        .count()
}

/// The identifier of money that is there.
pub(super) fn present_cash_guid(books: &Books, payment: Id, cash: Cash) -> Guid {
    cash_guid(payment, cash, earlier(books, payment, cash, usize::MAX))
}

fn payments(books: &Books, mut add: impl FnMut(Shown, Guid, Timestamp)) {
    for payment in books.documents(Kind::Payment) {
        for cash in books.cash(payment).into_keys() {
            let guid = present_cash_guid(books, payment.id, cash);
            add(Shown::Cash(payment.id, cash), guid, payment.stamp.updated);
        }
    }
    let mut of = (0, 0);
    for undone in books.undone() {
        of = if of.0 == undone.payment {
            (of.0, of.1 + 1)
        } else {
            (undone.payment, 0)
        };
        let before = earlier(books, undone.payment, undone.cash, of.1);
        let guid = cash_guid(undone.payment, undone.cash, before);
        add(Shown::Undone(undone.payment, of.1), guid, undone.at);
    }
}

/// What each contact owes: what is due of its invoices, less what remains of its credits. What is due
/// today is not overdue, and credits do not lower what is.
fn owes(books: &Books, today: Date) -> HashMap<Id, Owes> {
    let mut all: HashMap<Id, Owes> = HashMap::new();
    for invoice in books.documents(Kind::Invoice) {
        let Some(customer) = invoice.customer else {
            continue;
        };
        let owes = all.entry(customer).or_default();
        owes.is_customer = true;
        if !ledger::is_live(books, invoice) {
            continue;
        }
        let due = if invoice.links.is_empty() {
            invoice.total
        } else {
            ledger::debt(books, invoice).due
        };
        if due.is_zero() {
            continue;
        }
        owes.open = true;
        owes.outstanding += due;
        if invoice.due.is_some_and(|day| day < today) {
            owes.overdue += due;
        }
    }
    let mut credit = |customer: Option<Id>, remaining: Decimal| {
        let Some(customer) = customer else { return };
        let owes = all.entry(customer).or_default();
        owes.is_customer = true;
        if !remaining.is_zero() {
            owes.open = true;
            owes.outstanding -= remaining;
        }
    };
    for note in books.documents(Kind::CreditMemo) {
        if ledger::is_live(books, note) {
            credit(note.customer, ledger::credit(books, note).remaining);
        }
    }
    for payment in books.documents(Kind::Payment) {
        if ledger::is_on_account(payment) && ledger::is_live(books, payment) {
            credit(payment.customer, ledger::receipt(books, payment).remaining);
        }
    }
    all
}
