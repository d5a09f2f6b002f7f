//! What every company starts with: a chart of accounts, terms and items.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::words;
use crate::sandbox::books::{Books, Currency, Id, List};
use crate::sandbox::quickbooks::wire::{amount, reference};

/// The accounts that documents name by id.
pub(crate) mod account {
    use crate::sandbox::books::Id;

    /// Sales.
    pub(crate) const SALES: Id = 1;
    /// Losses on receivables.
    pub(crate) const BAD_DEBTS: Id = 31;
    /// The bank.
    pub(crate) const CHECKING: Id = 35;
    /// Receivables in home currency.
    pub(crate) const RECEIVABLES: Id = 84;
}

/// Net 30, the term of customers that have none of their own.
pub(super) const NET_30: Id = 3;

/// An account: id, name, classification, type, subtype.
type Account = (Id, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const ACCOUNTS: &[Account] = &[
    (account::SALES, "Services", "Revenue", "Income", "ServiceFeeIncome"),
    (2, "Retained Earnings", "Equity", "Equity", "RetainedEarnings"),
    (4, "Undeposited Funds", "Asset", "Other Current Asset", "UndepositedFunds"),
    (account::BAD_DEBTS, "Bad Debts", "Expense", "Expense", "BadDebts"),
    (account::CHECKING, "Checking", "Asset", "Bank", "Checking"),
    (36, "Savings", "Asset", "Bank", "Savings"),
    (account::RECEIVABLES, "Accounts Receivable (A/R)", "Asset", "Accounts Receivable", "AccountsReceivable"),
];

/// The foreign currencies: their receivables account, and the rate around which theirs wander.
const FOREIGN: [(Currency, Id, &str, i64); 2] = [
    (Currency::EUR, 90, "Accounts Receivable (A/R) - EUR", 10_842),
    (Currency::GBP, 91, "Accounts Receivable (A/R) - GBP", 12_710),
];

const TERMS: [(Id, &str, u32); 4] = [
    (1, "Due on receipt", 0),
    (2, "Net 15", 15),
    (NET_30, "Net 30", 30),
    (4, "Net 60", 60),
];

/// Books without customers and documents.
pub(super) fn books(multicurrency: bool, now: Timestamp) -> Books {
    let mut ground = Ground {
        books: Books::new(Currency::USD, multicurrency),
        created: now
            .checked_sub(SignedDuration::from_hours(24 * 700))
            .unwrap_or(now),
    };
    for (id, name, classification, kind, sub_kind) in ACCOUNTS {
        ground.account(*id, name, (classification, kind, sub_kind), Currency::USD);
    }
    if multicurrency {
        for (currency, id, name, rate) in FOREIGN {
            let kind = ("Asset", "Accounts Receivable", "AccountsReceivable");
            ground.account(id, name, kind, currency);
            ground.books.rates.insert(currency, Decimal::new(rate, 4));
        }
    }
    for (id, name, days) in TERMS {
        let properties = json!({
            "Type": "STANDARD", "DueDays": days, "DiscountPercent": 0, "DiscountDays": 0,
        });
        ground.add(List::Term, id, name, Currency::USD, properties);
    }
    ground.books.default_term = Some(NET_30);
    for (id, (name, price)) in (1..).zip(words::ITEMS) {
        let properties = json!({
            "Description": name,
            "Taxable": false,
            "UnitPrice": amount(Decimal::new(*price, 2)),
            "Type": if id == 1 { "Service" } else { "NonInventory" },
            "IncomeAccountRef": reference(&account::SALES, Some("Services")),
            "PurchaseCost": 0,
            "TrackQtyOnHand": false,
            "Sku": format!("S-{id:03}"),
        });
        ground.add(List::Item, id, name, Currency::USD, properties);
    }
    ground.books
}

/// Opens a currency that the books have not had so far: from here on they have several.
pub(crate) fn open_currency(books: &mut Books, currency: Currency, now: Timestamp) {
    let rate = FOREIGN
        .iter()
        .find(|(known, ..)| *known == currency)
        .map_or(12_500, |(_, _, _, rate)| *rate);
    let mut entry = Books::blank_name(
        &format!("Accounts Receivable (A/R) - {}", currency.code()),
        currency,
        now,
    );
    entry.properties = account_properties("Asset", "Accounts Receivable", "AccountsReceivable");
    books.add_name(List::Account, entry);
    books.rates.insert(currency, Decimal::new(rate, 4));
    books.multicurrency = true;
}

fn account_properties(classification: &str, kind: &str, sub_kind: &str) -> Map<String, Value> {
    let properties = json!({
        "SubAccount": false,
        "Classification": classification,
        "AccountType": kind,
        "AccountSubType": sub_kind,
        "CurrentBalance": 0,
        "CurrentBalanceWithSubAccounts": 0,
    });
    match properties {
        Value::Object(properties) => properties,
        _ => Map::new(),
    }
}

struct Ground {
    books: Books,
    created: Timestamp,
}

impl Ground {
    fn account(
        &mut self,
        id: Id,
        name: &str,
        (classification, kind, sub_kind): (&str, &str, &str),
        currency: Currency,
    ) {
        let properties = account_properties(classification, kind, sub_kind);
        self.add(List::Account, id, name, currency, Value::Object(properties));
    }

    fn add(&mut self, list: List, id: Id, name: &str, currency: Currency, properties: Value) {
        let mut entry = Books::blank_name(name, currency, self.created);
        entry.id = id;
        entry.properties = match properties {
            Value::Object(properties) => properties,
            _ => Map::new(),
        };
        self.books.add_name(list, entry);
    }
}
