//! Creating and updating names.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sandbox::books::{Books, Currency, Detail, Document, Entry, Kind, Line, List, zone};
use crate::sandbox::quickbooks::wire::fault::Fault;
use crate::sandbox::quickbooks::wire::request::Properties;

/// Properties that are computed, kept elsewhere, or not stored by the service.
const NOT_STORED: &[&str] = &[
    "Id",
    "SyncToken",
    "MetaData",
    "domain",
    "status",
    "sparse",
    "Active",
    "DisplayName",
    "Name",
    "FullyQualifiedName",
    "Job",
    "ParentRef",
    "Level",
    "Balance",
    "BalanceWithJobs",
    "OpenBalanceDate",
    "CurrencyRef",
    // In the schema for the desktop product; the service returns none of them.
    "CreditLimit",
    "OverDueBalance",
    "TotalRevenue",
    "TotalExpense",
    "AcctNum",
    "CurrentBalance",
    "CurrentBalanceWithSubAccounts",
];

/// The suffix that a name gets when it is made inactive.
const DELETED: &str = " (deleted)";

/// Creates a name, or updates the one that the body names; gives its id.
pub(super) fn write(
    books: &mut Books,
    list: List,
    body: &Properties,
    now: Timestamp,
) -> Result<u64, Fault> {
    if body.has("Id") {
        update(books, list, body, now)
    } else {
        create(books, list, body, now)
    }
}

fn create(books: &mut Books, list: List, body: &Properties, now: Timestamp) -> Result<u64, Fault> {
    let name = unique_name(list, body)?;
    if books.holder_of_name(list, &name).is_some() {
        return Err(Fault::duplicate_name());
    }
    let currency = match body.0.get("CurrencyRef") {
        Some(reference) => reference["value"]
            .as_str()
            .and_then(Currency::parse)
            .ok_or_else(|| Fault::bad_enumeration("CurrencyRef"))?,
        None => books.home,
    };
    let mut record = Books::blank_name(&name, currency, now);
    record.parent = parent(books, list, body)?;
    record.properties = defaults(list, body, &name);
    record.properties.append(&mut stored(body));
    give_addresses_ids(&mut record.properties, now);
    let id = books.add_name(list, record);
    if list == List::Customer {
        open_with_balance(books, id, body, now)?;
    }
    Ok(id)
}

/// A balance given at creation becomes an invoice.
fn open_with_balance(
    books: &mut Books,
    customer: u64,
    body: &Properties,
    now: Timestamp,
) -> Result<(), Fault> {
    let Some(balance) = body.decimal("Balance")?.filter(|amount| !amount.is_zero()) else {
        return Ok(());
    };
    let date = match body.date("OpenBalanceDate")? {
        Some(date) => date,
        None => now.to_zoned(zone()).date(),
    };
    let kind = if balance.is_sign_negative() {
        Kind::CreditMemo
    } else {
        Kind::Invoice
    };
    let mut document = Document::new(kind, date, now);
    document.customer = Some(customer);
    document.currency = books
        .name(List::Customer, customer)
        .map_or(books.home, |name| name.currency);
    document.rate = books.rate(document.currency);
    document.due = Some(date);
    document.number = Some(books.take_number());
    document.note = Some("Opening Balance".into());
    document.total = balance.abs();
    document.open = document.total;
    document.lines = vec![Line {
        amount: document.total,
        description: Some("Opening Balance".into()),
        detail: Detail::Sale {
            item: 1,
            quantity: None,
            price: None,
            taxable: false,
        },
    }];
    books.post(document, now)?;
    Ok(())
}

fn update(books: &mut Books, list: List, body: &Properties, now: Timestamp) -> Result<u64, Fault> {
    let id = body.id()?;
    let before = books.name(list, id).ok_or_else(Fault::not_found)?.clone();
    body.check_sync_token(before.stamp.sync_token)?;
    let sparse = body.flag("sparse").unwrap_or(false);
    let mut after = before.clone();
    if let Some(name) = body.text(list.name_property()) {
        check_name(name)?;
        after.name = name.into();
    } else if !sparse {
        return Err(Fault::missing(list.name_property()));
    }
    if body.has("ParentRef") || !sparse {
        after.parent = parent(books, list, body)?;
    }
    if let Some(active) = body.flag("Active") {
        after.active = active;
        // The name becomes free for others, and comes back with the record.
        if !active && !after.name.ends_with(DELETED) {
            after.name = format!("{}{DELETED}", after.name).into();
        } else if active && let Some(name) = after.name.strip_suffix(DELETED) {
            after.name = name.into();
        }
    }
    if !sparse {
        after.properties = defaults(list, body, &after.name.clone());
    }
    let mut sent = stored(body);
    sent.retain(|property, value| before.properties.get(property) != Some(value));
    give_addresses_ids(&mut sent, now);
    after.properties.append(&mut sent);
    if books
        .holder_of_name(list, &after.name)
        .is_some_and(|holder| holder != id)
    {
        return Err(Fault::duplicate_name());
    }
    // Recorded: an update that changes nothing leaves SyncToken and LastUpdatedTime alone.
    if same(&before, &after) {
        return Ok(id);
    }
    after.stamp.bump(now);
    books.put_name(list, after);
    Ok(id)
}

fn same(before: &Entry, after: &Entry) -> bool {
    before.name == after.name
        && before.active == after.active
        && before.parent == after.parent
        && before.properties == after.properties
}

/// The name that must be unique; a customer's may be put together from the parts.
fn unique_name(list: List, body: &Properties) -> Result<String, Fault> {
    let property = list.name_property();
    let name = match body.text(property) {
        Some(name) => name.to_owned(),
        None if matches!(list, List::Customer | List::Vendor) => {
            ["Title", "GivenName", "MiddleName", "FamilyName", "Suffix"]
                .iter()
                .filter_map(|part| body.text(part))
                .collect::<Vec<_>>()
                .join(" ")
        }
        None => String::new(),
    };
    if name.trim().is_empty() {
        return Err(Fault::missing(property));
    }
    check_name(&name)?;
    Ok(name)
}

fn check_name(name: &str) -> Result<(), Fault> {
    if name.chars().count() > 500 {
        return Err(Fault::too_long("DisplayName", 500));
    }
    if name.contains([':', '\t', '\n']) {
        return Err(Fault::business(
            "The name contains a colon, a tab or a new line.",
        ));
    }
    Ok(())
}

fn parent(books: &Books, list: List, body: &Properties) -> Result<Option<u64>, Fault> {
    match body.reference("ParentRef")? {
        Some(parent) if books.name(list, parent).is_none() => {
            Err(Fault::bad_reference("ParentRef", &parent.to_string()))
        }
        Some(parent) => Ok(Some(parent)),
        None if body.flag("Job") == Some(true) => Err(Fault::missing("ParentRef")),
        None => Ok(None),
    }
}

/// What the service fills in.
fn defaults(list: List, body: &Properties, name: &str) -> Map<String, Value> {
    let given: Vec<&str> = ["GivenName", "MiddleName", "FamilyName"]
        .iter()
        .filter_map(|part| body.text(part))
        .collect();
    let printed = match body.text("CompanyName") {
        Some(company) => company.to_owned(),
        None if given.is_empty() => name.to_owned(),
        None => given.join(" "),
    };
    let defaults = match list {
        List::Customer => json!({
            "Taxable": true,
            "BillWithParent": false,
            "PreferredDeliveryMethod": "Print",
            "IsProject": false,
            "PrintOnCheckName": printed,
            "DefaultTaxCodeRef": {"value": "2"},
        }),
        List::Vendor => json!({"Vendor1099": false, "PrintOnCheckName": printed}),
        List::Item => json!({
            "Taxable": false,
            "UnitPrice": 0,
            "Type": "Service",
            "PurchaseCost": 0,
            "TrackQtyOnHand": false,
            "DeferredRevenue": false,
        }),
        List::Term => {
            let by_date = body.has("DayOfMonthDue");
            json!({
                "Type": if by_date { "DATE_DRIVEN" } else { "STANDARD" },
                "DiscountPercent": 0,
            })
        }
        List::Account => json!({
            "SubAccount": false,
            "Classification": classification(body.text("AccountType").unwrap_or_default()),
            "AccountType": "Income",
            "AccountSubType": "ServiceFeeIncome",
            "CurrentBalance": 0,
            "CurrentBalanceWithSubAccounts": 0,
        }),
    };
    match defaults {
        Value::Object(defaults) => defaults,
        _ => Map::new(),
    }
}

fn classification(account_type: &str) -> &'static str {
    match account_type {
        "Bank" | "Accounts Receivable" | "Other Current Asset" | "Fixed Asset" | "Other Asset" => {
            "Asset"
        }
        "Accounts Payable" | "Credit Card" | "Long Term Liability" | "Other Current Liability" => {
            "Liability"
        }
        "Equity" => "Equity",
        "Expense" | "Other Expense" | "Cost of Goods Sold" => "Expense",
        _ => "Revenue",
    }
}

/// What the caller sent and the record keeps.
fn stored(body: &Properties) -> Map<String, Value> {
    body.0
        .iter()
        .filter(|(property, value)| !NOT_STORED.contains(&property.as_str()) && !value.is_null())
        .map(|(property, value)| (property.clone(), value.clone()))
        .collect()
}

/// An address gets an id of its own, and a new one each time it is written.
fn give_addresses_ids(properties: &mut Map<String, Value>, now: Timestamp) {
    for property in ["BillAddr", "ShipAddr"] {
        if let Some(Value::Object(address)) = properties.get_mut(property)
            && !address.contains_key("Id")
        {
            let id = now.as_millisecond().unsigned_abs() % 1_000_000;
            address.insert("Id".to_owned(), json!(id.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_balance_becomes_an_invoice() {
        let now = Timestamp::UNIX_EPOCH;
        let mut books = Books::new(Currency::USD, false);
        let body = Properties(
            json!({"DisplayName": "Opened", "Balance": 12.5})
                .as_object()
                .cloned()
                .unwrap_or_default(),
        );
        let id = write(&mut books, List::Customer, &body, now).unwrap();
        let balance = books.name(List::Customer, id).unwrap().balance;
        assert_eq!(balance, rust_decimal::Decimal::new(125, 1));
        assert_eq!(books.computed_balances()[&id], balance);
    }
}
