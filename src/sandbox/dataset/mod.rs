//! Invented books: a chart of accounts for all, the customers of the demo, or as many as wanted.
//!
//! The same seed and day give the same books. Nothing is dated on the day itself, so that what a test
//! or a visitor does today stands out.

mod bulk;
pub mod demo;
mod scribe;
mod story;
mod words;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::books::{Books, Currency, Id, List};
use super::options::Data;
use super::wire::pacific;
use super::wire::{amount, reference};

/// The day in the companies' zone (US Pacific).
pub fn today(now: Timestamp) -> Date {
    now.to_zoned(pacific()).date()
}

/// The books of a company at the start.
pub(crate) fn books(data: Data, seed: u64, now: Timestamp) -> Books {
    match data {
        Data::Empty => ground(false, now),
        Data::Demo { today } => demo::books(today, seed, now),
        Data::SlowDemo { today } => demo::slow_books(today, seed, now),
        Data::Generated {
            customers,
            invoices,
            today,
        } => bulk::books(customers, invoices, today, seed, now),
    }
}

/// The accounts that documents name by id.
pub(crate) mod account {
    use super::Id;

    /// Sales.
    pub(crate) const SALES: Id = 1;
    /// What the owners left in.
    pub(crate) const RETAINED: Id = 2;
    /// Payments on their way to the bank.
    pub(crate) const UNDEPOSITED: Id = 4;
    /// Losses on receivables.
    pub(crate) const BAD_DEBTS: Id = 31;
    /// The bank.
    pub(crate) const CHECKING: Id = 35;
    /// Savings.
    pub(crate) const SAVINGS: Id = 36;
    /// Receivables in home currency.
    pub(crate) const RECEIVABLES: Id = 84;
    /// Receivables in euros.
    pub(crate) const RECEIVABLES_EUR: Id = 90;
    /// Receivables in pounds.
    pub(crate) const RECEIVABLES_GBP: Id = 91;
}

/// Net 30, the term of customers that have none of their own.
pub(crate) const NET_30: Id = 3;

/// Empty books with accounts, terms and items.
fn ground(multicurrency: bool, now: Timestamp) -> Books {
    let mut books = Books::new(Currency::USD, multicurrency);
    let long_ago = now
        .checked_sub(jiff::SignedDuration::from_hours(24 * 700))
        .unwrap_or(now);
    let mut accounts = vec![
        (
            account::SALES,
            "Services",
            "Income",
            "ServiceFeeIncome",
            Currency::USD,
        ),
        (
            account::RETAINED,
            "Retained Earnings",
            "Equity",
            "RetainedEarnings",
            Currency::USD,
        ),
        (
            account::UNDEPOSITED,
            "Undeposited Funds",
            "Other Current Asset",
            "UndepositedFunds",
            Currency::USD,
        ),
        (
            account::BAD_DEBTS,
            "Bad Debts",
            "Expense",
            "BadDebts",
            Currency::USD,
        ),
        (
            account::CHECKING,
            "Checking",
            "Bank",
            "Checking",
            Currency::USD,
        ),
        (
            account::SAVINGS,
            "Savings",
            "Bank",
            "Savings",
            Currency::USD,
        ),
        (
            account::RECEIVABLES,
            "Accounts Receivable (A/R)",
            "Accounts Receivable",
            "AccountsReceivable",
            Currency::USD,
        ),
    ];
    if multicurrency {
        books.rates = [
            (Currency::EUR, Decimal::new(10842, 4)),
            (Currency::GBP, Decimal::new(12710, 4)),
        ]
        .into();
        accounts.push((
            account::RECEIVABLES_EUR,
            "Accounts Receivable (A/R) - EUR",
            "Accounts Receivable",
            "AccountsReceivable",
            Currency::EUR,
        ));
        accounts.push((
            account::RECEIVABLES_GBP,
            "Accounts Receivable (A/R) - GBP",
            "Accounts Receivable",
            "AccountsReceivable",
            Currency::GBP,
        ));
    }
    for (id, name, kind, sub_kind, currency) in accounts {
        let classification = match kind {
            "Income" => "Revenue",
            "Equity" => "Equity",
            "Expense" => "Expense",
            _ => "Asset",
        };
        let properties = json!({
            "SubAccount": false,
            "Classification": classification,
            "AccountType": kind,
            "AccountSubType": sub_kind,
            "CurrentBalance": 0,
            "CurrentBalanceWithSubAccounts": 0,
        });
        add(
            &mut books,
            List::Account,
            id,
            name,
            currency,
            properties,
            long_ago,
        );
    }
    for (id, name, days) in [
        (1, "Due on receipt", 0),
        (2, "Net 15", 15),
        (NET_30, "Net 30", 30),
        (4, "Net 60", 60),
    ] {
        let properties = json!({
            "Type": "STANDARD", "DueDays": days, "DiscountPercent": 0, "DiscountDays": 0,
        });
        add(
            &mut books,
            List::Term,
            id,
            name,
            Currency::USD,
            properties,
            long_ago,
        );
    }
    books.default_term = Some(NET_30);
    for (id, (name, price)) in (1..).zip(words::ITEMS) {
        let properties = json!({
            "Description": name,
            "Taxable": false,
            "UnitPrice": amount(Decimal::new(*price, 2)),
            "Type": if id == 1 { "Service" } else { "NonInventory" },
            "IncomeAccountRef": reference(account::SALES, Some("Services")),
            "PurchaseCost": 0,
            "TrackQtyOnHand": false,
            "Sku": format!("S-{id:03}"),
        });
        add(
            &mut books,
            List::Item,
            id,
            name,
            Currency::USD,
            properties,
            long_ago,
        );
    }
    books
}

fn add(
    books: &mut Books,
    list: List,
    id: Id,
    name: &str,
    currency: Currency,
    properties: Value,
    created: Timestamp,
) {
    let mut record = Books::blank_name(name, currency, created);
    record.id = id;
    record.properties = match properties {
        Value::Object(properties) => properties,
        _ => Map::new(),
    };
    books.add_name(list, record);
}
