//! What the mirror holds of one customer, and of the organization that keeps the books.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::document::{Application, Document};
use super::ids::{ConnectionId, CustomerId, CustomerKey};
use super::money::Currency;

/// When payment is due by a customer's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentTerms {
    /// So many days after the issue date.
    Days(u16),
    /// On the next such day of the month on or after the issue date; a month later when the document
    /// is issued within `cutoff_days` before it. The day is clipped to the month's length.
    DayOfMonth {
        /// 1 to 31.
        day: u8,
        /// This many days or fewer left until the day move the due date to the next month; 0 never
        /// does.
        cutoff_days: u16,
    },
    /// So many days after the last day of the month of issue.
    AfterMonthEnd {
        /// Days after that day.
        days: u16,
    },
    /// On a day of the month that lies so many months after the month of issue. The day is clipped to
    /// the month's length; where it lies before the issue date, the document is due at once.
    DayOfMonthAfter {
        /// 1 to 31.
        day: u8,
        /// 0 is the month of issue itself.
        months: u8,
    },
}

/// The party in the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The ledger's id.
    pub id: CustomerId,
    /// The name shown in the ledger.
    pub name: Arc<str>,
    /// E-mail for matching a contact, lower case.
    pub email: Option<Arc<str>>,
    /// Tax number for matching a contact, letters and digits only, upper case.
    pub tax_number: Option<Arc<str>>,
    /// The customer above this one in the ledger's tree.
    pub parent: Option<CustomerId>,
    /// Whether the parent pays.
    pub bill_with_parent: bool,
    /// Whether the ledger still offers it for new documents.
    pub active: bool,
    /// The customer's own currency.
    pub currency: Currency,
    /// Terms, resolved; `None` when the ledger names none.
    pub terms: Option<PaymentTerms>,
    /// The ledger's own figure for what this customer owes, in the customer's currency; negative in
    /// credit. Serves only to tie out.
    pub ledger_balance: Option<Decimal>,
    /// The same with all sub-customers.
    pub ledger_balance_with_children: Option<Decimal>,
    /// The ledger's own credit limit, in the customer's currency; `None` where it has none set, which is
    /// not a limit of zero. It is the seed of ours.
    pub credit_limit: Option<Decimal>,
    /// When the ledger last changed it.
    pub changed_at: Timestamp,
}

/// The bookkeeping entity behind a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its name.
    pub name: Arc<str>,
    /// The currency that its books are kept in.
    pub base_currency: Currency,
    /// Whether documents may be in other currencies.
    pub multicurrency: bool,
    /// What the ledger's web addresses call it, where that is not its id (Xero: the short code).
    pub page_code: Option<Arc<str>>,
}

/// One customer's documents and every application that touches them, as one immutable picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerBooks {
    /// The connection whose books these are.
    pub connection: ConnectionId,
    /// The customer.
    pub customer: Customer,
    /// Its documents, newest first (issue date, then id, both descending).
    pub documents: Vec<Document>,
    /// The applications from or to those documents.
    pub applications: Vec<Application>,
}

impl CustomerBooks {
    /// The customer's key across connections.
    pub fn key(&self) -> CustomerKey {
        CustomerKey {
            connection: self.connection.clone(),
            customer: self.customer.id.clone(),
        }
    }
}

/// How many units of the base currency one unit of a foreign currency was worth on a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeRate {
    /// The foreign currency.
    pub from: Currency,
    /// The base currency.
    pub to: Currency,
    /// Base units for one foreign unit.
    pub rate: Decimal,
    /// The rate's date.
    pub dated: Date,
    /// Where it was taken from, in words that finance can follow ("invoice 1037").
    pub source: Arc<str>,
}

/// The day it is for an organization.
pub fn today(now: Timestamp, time_zone: &TimeZone) -> Date {
    now.to_zoned(time_zone.clone()).date()
}
