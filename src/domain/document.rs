//! Documents of the books: invoices, credit notes, payments and their applications to each other.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::ids::{CustomerId, ItemId};
use super::money::Currency;

/// What a document is, in the field's words; every provider's kinds map onto these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocumentKind {
    /// A sale on account.
    Invoice,
    /// A reduction of what a customer owes.
    CreditNote,
    /// Money received.
    Payment,
    /// Money received above what was owed, kept as credit.
    Overpayment,
    /// Money received before the invoice.
    Prepayment,
    /// Credit paid back to the customer.
    Refund,
    /// A sale paid at once; never receivable.
    CashSale,
    /// A sale's money given back at once; never receivable.
    CashRefund,
    /// A manual entry in a receivables account with the customer.
    JournalEntry,
    /// An expense or check that posts to a receivables account with the customer.
    Expense,
    /// A deposit that posts to a receivables account with the customer.
    Deposit,
    /// A balance brought forward when the books were opened.
    OpeningBalance,
}

impl DocumentKind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 12] = [
        Self::Invoice,
        Self::CreditNote,
        Self::Payment,
        Self::Overpayment,
        Self::Prepayment,
        Self::Refund,
        Self::CashSale,
        Self::CashRefund,
        Self::JournalEntry,
        Self::Expense,
        Self::Deposit,
        Self::OpeningBalance,
    ];

    /// A stable, lower-case word (`credit_note`), used in stored rows and document ids.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote => "credit_note",
            Self::Payment => "payment",
            Self::Overpayment => "overpayment",
            Self::Prepayment => "prepayment",
            Self::Refund => "refund",
            Self::CashSale => "cash_sale",
            Self::CashRefund => "cash_refund",
            Self::JournalEntry => "journal_entry",
            Self::Expense => "expense",
            Self::Deposit => "deposit",
            Self::OpeningBalance => "opening_balance",
        }
    }

    /// The kind of a word made by [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether the document moves cash, which is what settles an invoice "by cash".
    pub fn is_cash(self) -> bool {
        matches!(
            self,
            Self::Payment | Self::Overpayment | Self::Prepayment | Self::Deposit
        )
    }
}

/// A document's identity within one connection: ids are unique per kind only.
/// Written `kind:id` where one text is needed (`invoice:130`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId {
    /// What the document is.
    pub kind: DocumentKind,
    /// The ledger's id. A journal entry touches several customers, so there it is
    /// `{entry}#{customer}`.
    pub ledger_id: Arc<str>,
}

impl DocumentId {
    /// An id from its parts.
    pub fn new(kind: DocumentKind, ledger_id: impl Into<Arc<str>>) -> Self {
        Self {
            kind,
            ledger_id: ledger_id.into(),
        }
    }

    /// Reads `kind:id`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, ledger_id) = text.split_once(':')?;
        Some(Self::new(DocumentKind::parse(kind)?, ledger_id))
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.ledger_id)
    }
}

/// Which way a document moves what the customer owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The customer owes it until it is settled: an invoice, a debit on receivables.
    Receivable,
    /// The customer is owed it until it is used: a payment, a credit note, a credit on receivables.
    Credit,
    /// It never stands open: a sale paid at once.
    Settled,
}

/// Where a document stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentState {
    /// Not yet issued; never receivable.
    Draft,
    /// Issued: it counts.
    Issued,
    /// Voided; never receivable, kept for the history.
    Voided,
}

/// One line of a document. Amounts are in the document's currency, without tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentLine {
    /// The item sold, when the line names one.
    pub item: Option<ItemId>,
    /// The item's name or the line's text.
    pub description: Arc<str>,
    /// How many, when stated.
    pub quantity: Option<Decimal>,
    /// Price of one, when stated; may have more places than the currency.
    pub unit_price: Option<Decimal>,
    /// The line's net amount; negative for a discount.
    pub amount: Decimal,
}

/// One document of the books. No amount in it exceeds [`super::money::MAX_AMOUNT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its identity within the connection.
    pub id: DocumentId,
    /// Whose document it is.
    pub customer: CustomerId,
    /// The number printed on it, when it has one.
    pub number: Option<Arc<str>>,
    /// Its date, a date of the organization.
    pub issued_on: Date,
    /// When it is due by the ledger; `None` when the ledger does not say.
    pub due_on: Option<Date>,
    /// The currency of every amount in it.
    pub currency: Currency,
    /// Units of the organization's base currency for one unit of `currency` by the document itself.
    pub exchange_rate: Option<Decimal>,
    /// Its full amount with tax, never negative; [`Document::side`] says which way it counts.
    pub total: Decimal,
    /// The tax within `total`.
    pub tax: Decimal,
    /// Which way it counts.
    pub side: Side,
    /// Where it stands in its life.
    pub state: DocumentState,
    /// Its lines.
    pub lines: Vec<DocumentLine>,
    /// What the ledger itself says is open today. Used to explain a tie-out difference, never to
    /// compute a figure.
    pub ledger_open: Option<Decimal>,
    /// When the ledger last changed it.
    pub changed_at: Timestamp,
}

impl Document {
    /// What it is and its number, in words for finance (`invoice 1037`); the ledger's id where it
    /// has no number.
    pub fn described(&self) -> String {
        let kind = self.id.kind.as_str().replace('_', " ");
        format!(
            "{kind} {}",
            self.number.as_ref().unwrap_or(&self.id.ledger_id)
        )
    }
}

/// One use of credit: `amount` of `from` (a payment, a credit note) settles part of `to`.
///
/// It lowers what remains of `from` and what is open on `to` by the same amount, so that it never
/// changes what the customer owes in total. A `to` that is itself a credit gains what `from` loses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The document that records the application in the ledger and with which it comes and goes.
    /// A payment carries the application of a credit note to an invoice.
    pub carrier: DocumentId,
    /// The credit that is used.
    pub from: DocumentId,
    /// The document that is settled.
    pub to: DocumentId,
    /// How much, in the documents' currency.
    pub amount: Decimal,
    /// The application's own date.
    pub applied_on: Date,
}
