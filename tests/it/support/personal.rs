//! What a ledger says of people that no feature needs, and whether any of it was stored.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::databases::{TestStore, postgres};

/// Fields, of any ledger, under which stand addresses, telephone numbers, bank details, notes and the
/// people at a customer.
const PERSONAL: &[&str] = &[
    // QuickBooks
    "BillAddr",
    "ShipAddr",
    "CompanyAddr",
    "LegalAddr",
    "CustomerCommunicationAddr",
    "ShipFromAddr",
    "RemitToAddr",
    "PrimaryPhone",
    "AlternatePhone",
    "Mobile",
    "Fax",
    "CreditCardPayment",
    "CheckPayment",
    "PrivateNote",
    "Notes",
    // Xero
    "Addresses",
    "Phones",
    "BankAccountDetails",
    "BankAccountNumber",
    "BankAccountName",
    "ContactPersons",
    "BatchPayments",
    // Sage
    "main_address",
    "preferred_address",
    "delivery_address",
    "main_contact_person",
    "delivery_contact_person",
    "bank_account_details",
    "notes",
];

/// Shorter texts turn up by chance.
const SHORTEST: usize = 6;

/// The texts under personal fields that stand nowhere else in what the ledger says.
pub(crate) fn personal_texts<'a>(said: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    let (mut personal, mut other) = (BTreeSet::new(), Vec::new());
    for value in said {
        collect(value, false, &mut personal, &mut other);
    }
    personal.retain(|text| {
        text.len() >= SHORTEST && !other.iter().any(|elsewhere| elsewhere.contains(text))
    });
    personal
}

fn collect(value: &Value, inside: bool, personal: &mut BTreeSet<String>, other: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let inside = inside || PERSONAL.contains(&name.as_str());
                // Words and ids, not what a person told.
                let of_us = [
                    "AddressType",
                    "PhoneType",
                    "Id",
                    "id",
                    "Country",
                    "$path",
                    "country",
                    "country_group",
                    "address_type",
                    "contact",
                    "contact_person_types",
                    "created_at",
                    "updated_at",
                ];
                if !(inside && of_us.contains(&name.as_str())) {
                    collect(value, inside, personal, other);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(item, inside, personal, other);
            }
        }
        Value::String(text) if inside => {
            personal.insert(text.trim().to_owned());
        }
        Value::String(text) => other.push(text.clone()),
        _ => {}
    }
}

/// Fails when one of the texts stands in any column of any table.
pub(crate) async fn assert_not_stored(database: &TestStore, texts: &BTreeSet<String>) {
    let rows = dump(database).await;
    let all: Vec<String> = rows
        .into_iter()
        .map(|(_, row)| row.to_lowercase())
        .collect();
    let found: Vec<&String> = texts
        .iter()
        .filter(|text| {
            let text = text.to_lowercase();
            all.iter().any(|row| holds_whole(row, &text))
        })
        .collect();
    assert!(
        found.is_empty(),
        "stored although no feature needs it: {found:?}"
    );
}

/// Whether a text stands in a row, and not as a part of longer words.
fn holds_whole(row: &str, text: &str) -> bool {
    row.match_indices(text).any(|(start, found)| {
        let before = row[..start].chars().next_back();
        let after = row[start + found.len()..].chars().next();
        ![before, after]
            .into_iter()
            .flatten()
            .any(char::is_alphanumeric)
    })
}

/// Every row of every table as text; bytes in hexadecimal.
pub(crate) async fn dump(database: &TestStore) -> Vec<(String, String)> {
    let (store, url) = (&database.store, database.url.as_str());
    let mut rows = Vec::new();
    for table in store.tables().await.unwrap() {
        let found: Vec<String> = if url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(url).await.unwrap();
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
                .bind(table.as_str())
                .fetch_all(&mut connection)
                .await
                .unwrap();
            let columns: Vec<String> = columns
                .iter()
                .map(|column| format!("quote(\"{column}\")"))
                .collect();
            let all = format!("SELECT {} FROM \"{table}\"", columns.join(" || ' ' || "));
            sqlx::query_scalar(AssertSqlSafe(all))
                .fetch_all(&mut connection)
                .await
                .unwrap()
        } else {
            let mut connection = postgres(url).await;
            let all = format!("SELECT CAST(t AS TEXT) FROM \"{table}\" AS t");
            sqlx::query_scalar(AssertSqlSafe(all))
                .fetch_all(&mut connection)
                .await
                .unwrap()
        };
        rows.extend(found.into_iter().map(|row| (table.clone(), row)));
    }
    rows.sort();
    rows
}
