//! The company recorded in May 2026, as a company that can be served.

use std::path::Path;

use super::company::Company;
use crate::contracts::json;

/// The recorded lists: entity, file. What was not recorded is empty.
const RECORDED: [(&str, &str); 7] = [
    ("Customer", "query-customers.json"),
    ("Invoice", "query-invoices.json"),
    ("CreditMemo", "query-credit-memos.json"),
    ("Payment", "query-payments.json"),
    ("JournalEntry", "query-journal-entries.json"),
    ("Deposit", "query-deposits.json"),
    ("Item", "query-items.json"),
];

/// Reads the recorded company from the folder of QuickBooks' payloads.
pub(crate) fn recorded_company(quickbooks: &Path) -> Company {
    let mut company = Company {
        info: json(&quickbooks.join("docs/companyinfo-get.json")),
        preferences: json(&quickbooks.join("json/sandbox-2017/get-preferences.json")),
        ..Company::default()
    };
    for (entity, file) in RECORDED {
        let path = quickbooks.join("json/sandbox-2026-05").join(file);
        let rows = json(&path)["QueryResponse"][entity]
            .as_array()
            .unwrap_or_else(|| panic!("{} holds no {entity}", path.display()))
            .clone();
        *company.rows(entity) = rows;
    }
    company
}
