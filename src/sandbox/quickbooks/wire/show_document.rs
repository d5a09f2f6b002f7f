//! Transactions as the API shows them.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value, json};

use super::show::common;
use super::show_lines::lines;
use super::{amount, quantity, reference};
use crate::sandbox::books::{Books, Detail, Document, Kind, List};

/// The user who wrote everything, by id.
const AUTHOR: &str = "1000000000000002";

/// Undeposited funds, where money lands when nobody says otherwise.
pub(crate) const UNDEPOSITED_FUNDS: u64 = 4;

/// A document as the API shows it.
pub(crate) fn document(books: &Books, document: &Document) -> Value {
    let mut shown = document.extra.as_deref().cloned().unwrap_or_default();
    common(&mut shown, document.id, &document.stamp);
    let mut put = |property: &str, value: Value| {
        shown.insert(property.to_owned(), value);
    };
    put("TxnDate", json!(document.date.to_string()));
    put(
        "CurrencyRef",
        reference(document.currency.code(), Some(document.currency.name())),
    );
    if books.multicurrency {
        put("ExchangeRate", quantity(document.rate));
    }
    if let Some(number) = &document.number {
        put("DocNumber", json!(number.as_ref()));
    }
    if let Some(note) = &document.note {
        put("PrivateNote", json!(note.as_ref()));
    }
    put("Line", lines(books, document));
    match document.kind {
        Kind::Invoice | Kind::CreditMemo | Kind::SalesReceipt | Kind::RefundReceipt => {
            sales_form(books, document, &mut shown);
        }
        Kind::Payment => payment(books, document, &mut shown),
        Kind::JournalEntry => {
            put("Adjustment", json!(false));
            // Recorded: 0 whatever the lines are.
            put("TotalAmt", json!(0));
            put("TxnTaxDetail", json!({}));
        }
        Kind::Deposit => {
            put("TotalAmt", amount(document.total));
            put("TxnTaxDetail", json!({}));
            if let Some(account) = document.account {
                put("DepositToAccountRef", account_reference(books, account));
            }
        }
        Kind::Purchase => {
            put("TotalAmt", amount(document.total));
            if let Some(account) = document.account {
                put("AccountRef", account_reference(books, account));
            }
            if let Some(customer) = document.customer {
                let mut entity = customer_reference(books, customer);
                entity["type"] = json!("Customer");
                put("EntityRef", entity);
            }
        }
    }
    Value::Object(shown)
}

/// A reference to a customer, by its full name.
pub(super) fn customer_reference(books: &Books, customer: u64) -> Value {
    let name = books
        .name(List::Customer, customer)
        .map(|name| books.full_name(List::Customer, name));
    reference(&customer, name.as_deref())
}

/// A reference to an account.
pub(super) fn account_reference(books: &Books, account: u64) -> Value {
    let name = books.name(List::Account, account).map(|name| &*name.name);
    reference(&account, name)
}

/// What invoices, credit memos and receipts have in common.
fn sales_form(books: &Books, document: &Document, shown: &mut Map<String, Value>) {
    let customer = document
        .customer
        .and_then(|customer| books.name(List::Customer, customer));
    let mut fill = |property: &str, value: Option<Value>| {
        if let Some(value) = value {
            shown.entry(property.to_owned()).or_insert(value);
        }
    };
    let from_customer =
        |property: &str| customer.and_then(|customer| customer.properties.get(property).cloned());
    fill("BillAddr", from_customer("BillAddr"));
    fill("ShipAddr", from_customer("ShipAddr"));
    fill("CustomField", Some(json!([])));
    fill("FreeFormAddress", Some(json!(true)));
    fill("ApplyTaxAfterDiscount", Some(json!(false)));
    fill("PrintStatus", Some(json!("NeedToPrint")));
    fill("EmailStatus", Some(json!("NotSet")));
    fill(
        "ShipFromAddr",
        Some(json!({"Id": "106", "Line1": "123 Sierra Way", "Line2": "San Pablo, CA  87999"})),
    );
    let mut put = |property: &str, value: Value| {
        shown.insert(property.to_owned(), value);
    };
    if let Some(customer) = document.customer {
        put("CustomerRef", customer_reference(books, customer));
    }
    put("TotalAmt", amount(document.total));
    put("Balance", amount(document.open));
    if books.multicurrency {
        put("HomeTotalAmt", amount(home(document.total, document.rate)));
    }
    put("TxnTaxDetail", tax(document));
    match document.kind {
        Kind::Invoice => {
            for flag in [
                "AllowIPNPayment",
                "AllowOnlinePayment",
                "AllowOnlineCreditCardPayment",
                "AllowOnlineACHPayment",
            ] {
                shown.entry(flag.to_owned()).or_insert(json!(false));
            }
            if let Some(due) = document.due {
                shown.insert("DueDate".to_owned(), json!(due.to_string()));
            }
            let links: Vec<Value> = document
                .links
                .iter()
                .map(|(kind, id)| json!({"TxnId": id.to_string(), "TxnType": kind.entity()}))
                .collect();
            shown.insert("LinkedTxn".to_owned(), Value::Array(links));
            if books.multicurrency {
                shown.insert(
                    "HomeBalance".to_owned(),
                    amount(home(document.open, document.rate)),
                );
            }
            if let Some(meta) = shown.get_mut("MetaData") {
                meta["LastModifiedByRef"] = json!({"value": AUTHOR});
            }
        }
        Kind::CreditMemo => {
            shown.insert("RemainingCredit".to_owned(), amount(document.open));
        }
        _ => {
            let account = document.account.unwrap_or(UNDEPOSITED_FUNDS);
            shown.insert(
                "DepositToAccountRef".to_owned(),
                account_reference(books, account),
            );
        }
    }
}

fn payment(books: &Books, document: &Document, shown: &mut Map<String, Value>) {
    let mut put = |property: &str, value: Value| {
        shown.insert(property.to_owned(), value);
    };
    if let Some(customer) = document.customer {
        put("CustomerRef", customer_reference(books, customer));
    }
    put("TotalAmt", amount(document.total));
    put("UnappliedAmt", amount(document.open));
    put("ProcessPayment", json!(false));
    put(
        "DepositToAccountRef",
        reference(&document.account.unwrap_or(UNDEPOSITED_FUNDS), None),
    );
    let deposits: Vec<Value> = document
        .links
        .iter()
        .filter(|(kind, _)| *kind == Kind::Deposit)
        .map(|(_, id)| json!({"TxnId": id.to_string(), "TxnType": "Deposit"}))
        .collect();
    if !deposits.is_empty() {
        put("LinkedTxn", Value::Array(deposits));
    }
}

/// An amount in home currency, to the cent.
fn home(amount: Decimal, rate: Decimal) -> Decimal {
    (amount * rate).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn tax(document: &Document) -> Value {
    if document.tax.is_zero() {
        return json!({"TotalTax": 0});
    }
    let taxable: Decimal = document
        .lines
        .iter()
        .filter(|line| matches!(line.detail, Detail::Sale { taxable: true, .. }))
        .map(|line| line.amount)
        .sum();
    json!({
        "TxnTaxCodeRef": {"value": "2"},
        "TotalTax": amount(document.tax),
        "TaxLine": [{
            "Amount": amount(document.tax),
            "DetailType": "TaxLineDetail",
            "TaxLineDetail": {
                "TaxRateRef": {"value": "3"},
                "PercentBased": true,
                "TaxPercent": 8,
                "NetAmountTaxable": amount(taxable),
            },
        }],
    })
}
