//! What a company's books hold: names, and documents with their lines.
//!
//! Documents are typed and small, so that a company of a million of them fits in memory; what a
//! caller sent and the books only hand back (`CustomerMemo`, a shipping address) is kept as it came.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

/// A record's number, unique within its list. Transactions of all kinds share one sequence.
pub(crate) type Id = u64;

/// An ISO 4217 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Currency([u8; 3]);

impl Currency {
    /// Of three capital letters.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters
            .iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Self(letters))
    }

    /// The three letters.
    pub(crate) fn code(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The name that the API puts beside the code.
    pub(crate) fn name(&self) -> &str {
        match self.code() {
            "USD" => "United States Dollar",
            "EUR" => "Euro",
            "GBP" => "British Pound Sterling",
            "CAD" => "Canadian Dollar",
            "AUD" => "Australian Dollar",
            "CHF" => "Swiss Franc",
            "JPY" => "Japanese Yen",
            code => code,
        }
    }

    /// US dollars.
    pub(crate) const USD: Self = Self(*b"USD");
    /// Euros.
    pub(crate) const EUR: Self = Self(*b"EUR");
    /// Pounds sterling.
    pub(crate) const GBP: Self = Self(*b"GBP");
}

/// `SyncToken` and `MetaData`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    /// How often somebody wrote the record.
    pub(crate) sync_token: u32,
    /// When it was written first.
    pub(crate) created: Timestamp,
    /// When it, or something that shows in it, changed last.
    pub(crate) updated: Timestamp,
    /// When somebody wrote it last.
    pub(crate) written: Timestamp,
}

impl Stamp {
    /// Of a record written now.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            sync_token: 0,
            created: now,
            updated: now,
            written: now,
        }
    }

    /// Somebody wrote the record.
    pub(crate) fn bump(&mut self, now: Timestamp) {
        self.sync_token += 1;
        self.written = self.written.max(now);
        self.touch(now);
    }

    /// Something changed that shows in the record, without anybody writing it.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.updated = self.updated.max(now);
    }
}

/// The lists of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum List {
    /// Customers.
    Customer,
    /// Vendors: kept only because their names collide with those of customers.
    Vendor,
    /// Products and services.
    Item,
    /// Payment terms.
    Term,
    /// The chart of accounts.
    Account,
}

impl List {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::Customer,
        Self::Vendor,
        Self::Item,
        Self::Term,
        Self::Account,
    ];

    /// The entity's name.
    pub(crate) fn entity(self) -> &'static str {
        match self {
            Self::Customer => "Customer",
            Self::Vendor => "Vendor",
            Self::Item => "Item",
            Self::Term => "Term",
            Self::Account => "Account",
        }
    }

    /// The property that must be unique.
    pub(crate) fn name_property(self) -> &'static str {
        match self {
            Self::Customer | Self::Vendor => "DisplayName",
            Self::Item | Self::Term | Self::Account => "Name",
        }
    }
}

/// A customer, vendor, item, term or account.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: Id,
    pub(crate) stamp: Stamp,
    /// Its unique name (`DisplayName` or `Name`).
    pub(crate) name: Arc<str>,
    pub(crate) active: bool,
    /// The customer above a sub-customer.
    pub(crate) parent: Option<Id>,
    /// A customer's or account's currency.
    pub(crate) currency: Currency,
    /// What the customer owes, in its currency; negative when in credit. Zero for the other lists.
    pub(crate) balance: Decimal,
    /// How much a customer may owe, for ledgers that know such a limit.
    pub(crate) credit_limit: Option<Decimal>,
    /// Everything else, as the API shows it.
    pub(crate) properties: Map<String, Value>,
}

impl Entry {
    /// The id in a reference property such as `SalesTermRef`.
    pub(crate) fn reference(&self, property: &str) -> Option<Id> {
        self.properties
            .get(property)?
            .get("value")?
            .as_str()?
            .parse()
            .ok()
    }

    /// A property's text.
    pub(crate) fn text(&self, property: &str) -> Option<&str> {
        self.properties.get(property)?.as_str()
    }
}

/// The kinds of transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A bill to a customer, owed until it is paid.
    Invoice,
    /// A credit to a customer.
    CreditMemo,
    /// Money received, or a credit applied (then of zero).
    Payment,
    /// A sale paid at once.
    SalesReceipt,
    /// Money given back at once.
    RefundReceipt,
    /// A posting by hand.
    JournalEntry,
    /// Money brought to the bank.
    Deposit,
    /// Money spent: check, cash or card.
    Purchase,
}

impl Kind {
    /// All of them, in the order of their declaration.
    pub(crate) const ALL: [Self; 8] = [
        Self::Invoice,
        Self::CreditMemo,
        Self::Payment,
        Self::SalesReceipt,
        Self::RefundReceipt,
        Self::JournalEntry,
        Self::Deposit,
        Self::Purchase,
    ];

    /// The entity's name.
    pub(crate) fn entity(self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::CreditMemo => "CreditMemo",
            Self::Payment => "Payment",
            Self::SalesReceipt => "SalesReceipt",
            Self::RefundReceipt => "RefundReceipt",
            Self::JournalEntry => "JournalEntry",
            Self::Deposit => "Deposit",
            Self::Purchase => "Purchase",
        }
    }

    /// Its place in [`Self::ALL`].
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Invoice => 0,
            Self::CreditMemo => 1,
            Self::Payment => 2,
            Self::SalesReceipt => 3,
            Self::RefundReceipt => 4,
            Self::JournalEntry => 5,
            Self::Deposit => 6,
            Self::Purchase => 7,
        }
    }

    /// Whether it has sales lines and a form number.
    pub(crate) fn is_sales_form(self) -> bool {
        matches!(
            self,
            Self::Invoice | Self::CreditMemo | Self::SalesReceipt | Self::RefundReceipt
        )
    }

    /// The kind that a `TxnType` of a link means.
    pub(crate) fn of_link(txn_type: &str) -> Option<Self> {
        match txn_type {
            "Expense" | "Check" | "CreditCardCredit" => Some(Self::Purchase),
            other => Self::ALL.into_iter().find(|kind| kind.entity() == other),
        }
    }
}

/// On which side of an account a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Left: raises a receivable.
    Debit,
    /// Right: lowers a receivable.
    Credit,
}

impl Side {
    /// `amount`, signed by its effect on a receivable.
    pub(crate) fn signed(self, amount: Decimal) -> Decimal {
        match self {
            Self::Debit => amount,
            Self::Credit => -amount,
        }
    }
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Detail {
    /// An item sold, credited or refunded.
    Sale {
        item: Id,
        quantity: Option<Decimal>,
        price: Option<Decimal>,
        taxable: bool,
    },
    /// Words only.
    Text,
    /// An amount taken off.
    Discount { percent: Option<Decimal> },
    /// Of a payment: how much goes to, or comes from, another document.
    Applied {
        kind: Kind,
        to: Id,
        line: Option<usize>,
    },
    /// A posting to an account: of a journal entry, deposit or purchase. `open` is what no payment
    /// has used yet, and matters on a receivables account only.
    Posting {
        account: Id,
        side: Side,
        customer: Option<Id>,
        open: Decimal,
    },
    /// Of a deposit: the payment that it brings to the bank.
    Banked { payment: Id },
}

/// One line of a document.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) amount: Decimal,
    pub(crate) description: Option<Arc<str>>,
    pub(crate) detail: Detail,
}

/// Whether money of a payment was ever on account. Once it was, it stays so for good, since ledgers
/// that know payments of invoices only keep the others in a list of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnAccount {
    /// All of it was applied when it was entered, and stayed so.
    #[default]
    Never,
    /// More came than was applied.
    Over,
    /// It came before there was anything to pay.
    Ahead,
}

/// One transaction.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
    pub(crate) stamp: Stamp,
    pub(crate) number: Option<Box<str>>,
    pub(crate) date: Date,
    pub(crate) due: Option<Date>,
    pub(crate) customer: Option<Id>,
    pub(crate) currency: Currency,
    /// Home units for one unit of `currency`.
    pub(crate) rate: Decimal,
    pub(crate) note: Option<Box<str>>,
    pub(crate) lines: Vec<Line>,
    pub(crate) tax: Decimal,
    pub(crate) total: Decimal,
    /// Of an invoice: still owed. Of a credit memo or payment: not used yet.
    pub(crate) open: Decimal,
    /// Of a payment.
    pub(crate) on_account: OnAccount,
    /// The payments on an invoice or credit, or the deposit that banked a payment.
    pub(crate) links: Vec<(Kind, Id)>,
    /// Where the money went or came from.
    pub(crate) account: Option<Id>,
    /// What the caller sent and the books only hand back.
    pub(crate) extra: Option<Box<Map<String, Value>>>,
}

impl Document {
    /// An empty one, to be filled.
    pub(crate) fn new(kind: Kind, date: Date, now: Timestamp) -> Self {
        Self {
            id: 0,
            kind,
            stamp: Stamp::new(now),
            number: None,
            date,
            due: None,
            customer: None,
            currency: Currency::USD,
            rate: Decimal::ONE,
            note: None,
            lines: Vec::new(),
            tax: Decimal::ZERO,
            total: Decimal::ZERO,
            open: Decimal::ZERO,
            on_account: OnAccount::Never,
            links: Vec::new(),
            account: None,
            extra: None,
        }
    }

    /// The sum of its item lines less discounts: `SubTotalLineDetail`'s amount.
    pub(crate) fn subtotal(&self) -> Decimal {
        self.lines
            .iter()
            .map(|line| match line.detail {
                Detail::Sale { .. } => line.amount,
                _ => Decimal::ZERO,
            })
            .sum()
    }

    /// The sum of its discount lines.
    pub(crate) fn discount(&self) -> Decimal {
        self.lines
            .iter()
            .filter(|line| matches!(line.detail, Detail::Discount { .. }))
            .map(|line| line.amount)
            .sum()
    }
}

/// That a document was deleted.
#[derive(Clone, Debug)]
pub(crate) struct Tombstone {
    pub(crate) kind: Kind,
    pub(crate) id: Id,
    pub(crate) deleted: Timestamp,
    /// As it was.
    pub(crate) document: Box<Document>,
}
