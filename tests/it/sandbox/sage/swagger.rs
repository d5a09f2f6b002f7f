//! Every member of every answer stands in Sage's own description, with its type.

use serde_json::{Map, Value};

use super::super::harness::number;
use super::{Sage, json, text};
use crate::contracts;

/// Sage's description of its API.
struct Swagger(Value);

impl Swagger {
    fn read(file: &str) -> Option<Self> {
        let text = contracts::read(&format!("sage/{file}"))?;
        Some(Self(serde_json::from_str(&text).unwrap()))
    }

    fn properties(&self, definition: &str) -> &Map<String, Value> {
        self.0["definitions"][definition]["properties"]
            .as_object()
            .unwrap_or_else(|| panic!("{definition} is not described"))
    }

    /// How an object differs from its definition.
    fn check(&self, definition: &str, object: &Value, at: &str, found: &mut Vec<String>) {
        let properties = self.properties(definition);
        for (name, value) in object.as_object().unwrap() {
            let at = format!("{at}.{name}");
            match properties.get(name) {
                Some(property) => self.check_value(property, value, &at, found),
                None => found.push(format!("{at} is not described")),
            }
        }
    }

    fn check_value(&self, property: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        if value.is_null() {
            return;
        }
        if let Some(reference) = property["$ref"].as_str() {
            let definition = reference.rsplit('/').next().unwrap();
            match value {
                Value::Object(_) => self.check(definition, value, at, found),
                other => found.push(format!("{at} is {other}")),
            }
            return;
        }
        let fits = match property["type"].as_str() {
            Some("array") => {
                for (index, item) in value.as_array().unwrap().iter().enumerate() {
                    self.check_value(&property["items"], item, &format!("{at}[{index}]"), found);
                }
                true
            }
            // Described as a number, and sent as a text; but for the weight of a stock item.
            Some("number") => {
                at.ends_with(".weight")
                    || value
                        .as_str()
                        .is_some_and(|text| text.parse::<rust_decimal::Decimal>().is_ok())
            }
            Some("integer") => value.is_i64(),
            Some("boolean") => value.is_boolean(),
            Some("string") => value.is_string(),
            _ => false,
        };
        if !fits {
            found.push(format!("{at} is {value}, not {}", property["type"]));
        }
    }
}

const LISTS: [(&str, &str); 13] = [
    ("contacts", "Contact"),
    ("sales_invoices", "SalesInvoice"),
    ("sales_credit_notes", "SalesCreditNote"),
    ("sales_quick_entries", "QuickEntry"),
    ("contact_payments", "ContactPayment"),
    ("contact_allocations", "ContactAllocation"),
    ("contact_opening_balances", "ContactOpeningBalance"),
    ("products", "Product"),
    ("services", "Service"),
    ("stock_items", "StockItem"),
    ("tax_rates", "TaxRate"),
    ("contact_types", "Base"),
    ("artefact_statuses", "Base"),
];

/// Books with a record for each list.
async fn complete() -> Sage {
    let sage = Sage::full().await;
    let item = json!({
        "Name": "Stocked", "Type": "Inventory", "UnitPrice": number("4.5".parse().unwrap()),
        "QtyOnHand": 3, "PurchaseCost": 2, "IncomeAccountRef": {"value": "1"},
    });
    sage.api.write("Item", item).await;
    super::ledger::opening_balance(&sage, "Debit", "40").await;
    sage
}

#[tokio::test]
async fn every_member_is_described() {
    let Some(swagger) = Swagger::read("sage-accounting-3.1.swagger.json") else {
        return;
    };
    let sage = complete().await;
    let mut found = Vec::new();
    for (list, definition) in LISTS {
        let more = "&nested_attributes=all&show_balance=true&show_payments_allocations=true";
        let all = sage.all(list, more).await;
        assert!(!all.is_empty(), "there are no {list}");
        for one in &all {
            swagger.check(definition, one, list, &mut found);
        }
        // A single record has the same members.
        let id = text(&all[0]["id"]);
        let path = format!("{list}/{id}?mark_as_sent=false{more}");
        assert_eq!(sage.get(&path).await, all[0], "{path}");
        assert_eq!(all[0]["$path"], json!(format!("/{list}/{id}")));
    }
    for one in sage.all("transactions", "").await {
        swagger.check("Transaction", &one, "transactions", &mut found);
    }
    for (path, definition) in [
        ("invoice_settings", "InvoiceSettings"),
        ("financial_settings", "FinancialSettings"),
    ] {
        swagger.check(definition, &sage.get(path).await, path, &mut found);
    }
    found.sort();
    found.dedup();
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn every_member_of_businesses_is_described() {
    let Some(swagger) = Swagger::read("sage-user-businesses-3.1.swagger.json") else {
        return;
    };
    let sage = Sage::empty().await;
    let mut found = Vec::new();
    let business = sage.get("businesses/lead").await;
    swagger.check("Business", &business, "business", &mut found);
    let user = sage.get("user").await;
    swagger.check("User", &user, "user", &mut found);
    // The path is in the documented list of businesses, though not in the description.
    assert_eq!(found, ["business.$path is not described"]);
}
