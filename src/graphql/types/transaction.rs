//! The history: documents of the books as of a day.

use std::sync::Arc;

use async_graphql::connection::{CursorType, OpaqueCursor};
use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};

use super::customer::Customer;
use super::money::{Amounts, Money};
use super::scalars::{CurrencyCode, Date, Decimal};
use crate::domain::document as domain;
use crate::domain::history;
use crate::domain::ids::ConnectionId;
use crate::graphql::error::Extend;
use crate::service::ServiceError;
use crate::service::read::PulseView;
use crate::service::transactions::{
    TransactionCursor, TransactionFilter as Filter, TransactionPage, TransactionView,
};

/// What a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::DocumentKind")]
pub enum TransactionKind {
    /// A sale on account.
    Invoice,
    /// A reduction of what the customer owes.
    CreditNote,
    /// Money received.
    Payment,
    /// Money received above what was owed, kept as credit.
    Overpayment,
    /// Money received before the invoice.
    Prepayment,
    /// Credit paid back to the customer.
    Refund,
    /// A sale paid at once.
    CashSale,
    /// A sale given back at once.
    CashRefund,
    /// A manual entry on receivables with the customer.
    JournalEntry,
    /// An expense or check on receivables with the customer.
    Expense,
    /// A deposit on receivables with the customer.
    Deposit,
    /// A balance brought forward when the books were opened.
    OpeningBalance,
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "history::TransactionStatus")]
pub enum TransactionStatus {
    /// Not issued.
    Draft,
    /// Nothing is settled yet, not late.
    Open,
    /// Partly settled, not late.
    PartiallyPaid,
    /// Something is open past the due date.
    Overdue,
    /// Nothing is open. Of a credit: used up.
    Paid,
    /// A credit with something left.
    Unapplied,
    /// Voided.
    Voided,
}

/// Which transactions to list. What is left out does not narrow the list.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TransactionFilter {
    /// Only these kinds.
    kinds: Option<Vec<TransactionKind>>,
    /// Only these statuses.
    statuses: Option<Vec<TransactionStatus>>,
    /// Only this currency.
    currency: Option<CurrencyCode>,
    /// Only those with something open.
    open_only: Option<bool>,
}

impl From<TransactionFilter> for Filter {
    fn from(filter: TransactionFilter) -> Self {
        let kinds = filter.kinds.unwrap_or_default();
        let statuses = filter.statuses.unwrap_or_default();
        Self {
            kinds: kinds.into_iter().map(Into::into).collect(),
            statuses: statuses.into_iter().map(Into::into).collect(),
            currency: filter.currency.map(|currency| currency.0),
            open_only: filter.open_only.unwrap_or_default(),
        }
    }
}

/// Reads a cursor that this API gave out.
pub fn parse_cursor(text: &str) -> Result<TransactionCursor, ServiceError> {
    OpaqueCursor::<String>::decode_cursor(text)
        .ok()
        .and_then(|cursor| TransactionCursor::parse(&cursor.0))
        .ok_or_else(|| ServiceError::bad_input("after", "this is no cursor of this list"))
}

fn cursor(transaction: &TransactionView) -> String {
    OpaqueCursor(transaction.cursor().as_text()).encode_cursor()
}

/// A transaction's id across connections: `connection:kind:id in the ledger`.
fn transaction_id(connection: &ConnectionId, document: &domain::DocumentId) -> ID {
    ID(format!("{connection}:{document}"))
}

/// A page of transactions, newest first.
#[derive(Clone, Debug)]
pub struct TransactionConnection {
    page: Arc<TransactionPage>,
    pulse: Arc<PulseView>,
    amounts: Amounts,
}

impl TransactionConnection {
    /// A page as the viewer may see it.
    pub fn new(page: TransactionPage, pulse: Arc<PulseView>, amounts: Amounts) -> Self {
        Self {
            page: Arc::new(page),
            pulse,
            amounts,
        }
    }

    fn nodes(&self) -> impl Iterator<Item = Transaction> {
        let (page, pulse) = (Arc::clone(&self.page), Arc::clone(&self.pulse));
        let amounts = self.amounts;
        (0..page.transactions.len()).map(move |index| Transaction {
            page: Arc::clone(&page),
            index,
            pulse: Arc::clone(&pulse),
            amounts,
        })
    }
}

/// A page of transactions, newest first.
#[Object]
impl TransactionConnection {
    /// The transactions with their cursors.
    async fn edges(&self) -> Vec<TransactionEdge> {
        self.nodes()
            .map(|node| TransactionEdge {
                cursor: cursor(node.view()),
                node,
            })
            .collect()
    }

    /// The transactions.
    #[graphql(name = "nodes")]
    async fn node_list(&self) -> Vec<Transaction> {
        self.nodes().collect()
    }

    /// Where the page stands in the list.
    async fn page_info(&self) -> PageInfo {
        let transactions = &self.page.transactions;
        PageInfo {
            has_next_page: self.page.has_next,
            has_previous_page: self.page.has_previous,
            start_cursor: transactions.first().map(cursor),
            end_cursor: transactions.last().map(cursor),
        }
    }

    /// How many transactions the filter admits in all.
    async fn total_count(&self) -> usize {
        self.page.total
    }
}

/// A transaction with its place in the list.
#[derive(Clone, Debug, SimpleObject)]
pub struct TransactionEdge {
    /// The place, to go on from by `after`.
    pub cursor: String,
    /// The transaction.
    pub node: Transaction,
}

/// Where a page stands in its list.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether older transactions follow.
    pub has_next_page: bool,
    /// Whether newer transactions stand before.
    pub has_previous_page: bool,
    /// The place of the first one on the page.
    pub start_cursor: Option<String>,
    /// The place of the last one on the page.
    pub end_cursor: Option<String>,
}

/// One document of the books as of the pulse's day.
#[derive(Clone, Debug)]
pub struct Transaction {
    page: Arc<TransactionPage>,
    index: usize,
    pulse: Arc<PulseView>,
    amounts: Amounts,
}

impl Transaction {
    fn view(&self) -> &TransactionView {
        &self.page.transactions[self.index]
    }

    fn money(&self, amount: rust_decimal::Decimal) -> Option<Money> {
        self.amounts.of(amount, self.view().document.currency)
    }
}

/// One document of the books as of the pulse's day.
#[Object]
impl Transaction {
    /// Its id across connections, written `connection:kind:id`.
    async fn id(&self) -> ID {
        let view = self.view();
        transaction_id(&view.customer.connection, &view.document.id)
    }

    /// What it is.
    async fn kind(&self) -> TransactionKind {
        self.view().document.id.kind.into()
    }

    /// The number printed on it, when it has one.
    async fn number(&self) -> Option<&str> {
        self.view().document.number.as_deref()
    }

    /// Its date.
    async fn date(&self) -> Date {
        Date(self.view().document.issued_on)
    }

    /// When it is due: by itself, by the customer's terms, or at once; null for what is never due.
    async fn due_date(&self) -> Option<Date> {
        self.view().due_on.map(Date)
    }

    /// Whether neither it nor terms say when it is due, so that its own date stands in.
    async fn due_assumed(&self) -> bool {
        self.view().due_assumed
    }

    /// Days past due, 0 or less when not late; null when nothing is open or it is never due.
    async fn days_past_due(&self) -> Option<i32> {
        self.view().days_past_due
    }

    /// Where it stands.
    async fn status(&self) -> TransactionStatus {
        self.view().status.into()
    }

    /// Its full amount with tax; never negative, the kind says which way it counts.
    async fn total(&self) -> Option<Money> {
        self.money(self.view().document.total)
    }

    /// What is open on it; of a credit or payment: what is not used yet.
    async fn open(&self) -> Option<Money> {
        self.money(self.view().open)
    }

    /// Whose it is: a linked customer or one of its sub-customers.
    async fn customer(&self) -> async_graphql::Result<Customer> {
        let customer = self.pulse.customers.get(&self.view().customer);
        customer
            .map(|customer| Customer(customer.clone()))
            .ok_or_else(|| ServiceError::internal("a transaction of no member").extend())
    }

    /// Its lines.
    async fn lines(&self) -> Vec<TransactionLine> {
        let lines = &self.view().document.lines;
        lines
            .iter()
            .map(|line| TransactionLine {
                item: line.item.as_ref().map(|item| ID(item.to_string())),
                description: line.description.to_string(),
                quantity: line.quantity.map(|quantity| Decimal(quantity.normalize())),
                unit_price: line
                    .unit_price
                    .filter(|_| self.amounts.shown())
                    .map(|price| Decimal(price.normalize())),
                amount: self.money(line.amount),
            })
            .collect()
    }

    /// What it settles or is settled by.
    async fn applications(&self) -> Vec<Application> {
        let view = self.view();
        view.applications
            .iter()
            .map(|applied| Application {
                transaction: transaction_id(&view.customer.connection, &applied.other),
                kind: applied.other.kind.into(),
                number: applied.number.as_deref().map(str::to_owned),
                amount: self.money(applied.amount),
                date: Date(applied.counted_on),
            })
            .collect()
    }

    /// The document in the ledger's own web application.
    async fn ledger_url(&self) -> Option<String> {
        let view = self.view();
        self.pulse.document_url(&view.customer, &view.document.id)
    }
}

/// One line of a transaction.
#[derive(Clone, Debug, SimpleObject)]
pub struct TransactionLine {
    /// The item's id in the ledger, when the line names one.
    pub item: Option<ID>,
    /// The item's name or the line's text.
    pub description: String,
    /// How many, when stated.
    pub quantity: Option<Decimal>,
    /// The price of one, when stated, in the transaction's currency.
    pub unit_price: Option<Decimal>,
    /// The line's amount without tax; negative for a discount.
    pub amount: Option<Money>,
}

/// The other side of an application: what a payment settled, what an invoice was settled by.
#[derive(Clone, Debug, SimpleObject)]
pub struct Application {
    /// The other transaction's id.
    pub transaction: ID,
    /// What the other one is.
    pub kind: TransactionKind,
    /// The number printed on it, when it has one.
    pub number: Option<String>,
    /// How much was applied.
    pub amount: Option<Money>,
    /// The day from which it counts.
    pub date: Date,
}
