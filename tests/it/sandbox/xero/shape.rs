//! What the sandbox answers, held to what was recorded: every property that all recorded records have is
//! there, none is there that no recorded record has, and all are of a recorded type.

use std::collections::{BTreeMap, BTreeSet};

use financial_pulse::sandbox::Data;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::super::harness::TODAY;
use super::{Xero, unlimited};
use crate::contracts;

const FOLDER: &str = "xero/samples/json-demo-global-2026-04";

/// What recorded values have in common.
#[derive(Debug, Default)]
struct Shape {
    seen: usize,
    kinds: BTreeSet<&'static str>,
    properties: BTreeMap<String, Shape>,
    items: Option<Box<Shape>>,
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(text) if text.starts_with("/Date(") => "time",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

impl Shape {
    fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut shape = Self::default();
        for value in values {
            shape.add(value);
        }
        shape
    }

    fn add(&mut self, value: &Value) {
        self.seen += 1;
        self.kinds.insert(kind(value));
        match value {
            Value::Object(properties) => {
                for (name, value) in properties {
                    self.properties.entry(name.clone()).or_default().add(value);
                }
            }
            Value::Array(items) => {
                let shape = self.items.get_or_insert_default();
                for item in items {
                    shape.add(item);
                }
            }
            _ => {}
        }
    }

    /// How a value differs: `-a` is missing, `+a` was never seen, `a: text` is of another type.
    fn differences(&self, value: &Value) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.compare("", value, &mut found);
        found
    }

    fn compare(&self, path: &str, value: &Value, found: &mut BTreeSet<String>) {
        if self.seen == 0 {
            return;
        }
        if !self.kinds.contains(kind(value)) {
            found.insert(format!("{path}: {}", kind(value)));
            return;
        }
        match value {
            Value::Object(properties) => {
                for (name, shape) in &self.properties {
                    let below = format!("{path}.{name}");
                    match properties.get(name) {
                        Some(value) => shape.compare(&below, value, found),
                        None if shape.seen == self.seen => {
                            found.insert(format!("-{below}"));
                        }
                        None => {}
                    }
                }
                for name in properties.keys() {
                    if !self.properties.contains_key(name) {
                        found.insert(format!("+{path}.{name}"));
                    }
                }
            }
            Value::Array(items) => {
                if let Some(shape) = &self.items {
                    for item in items {
                        shape.compare(&format!("{path}[]"), item, found);
                    }
                }
            }
            _ => {}
        }
    }
}

fn recorded(file: &str) -> Option<Value> {
    let text = contracts::read(&format!("{FOLDER}/{file}"))?;
    let recorded: Value = serde_json::from_str(&text).unwrap();
    Some(recorded["body"].clone())
}

/// The recorded rows of some lists, put together.
fn rows(files: &[&str], list: &str) -> Option<Vec<Value>> {
    let mut rows = Vec::new();
    for file in files {
        rows.extend(recorded(file)?[list].as_array().unwrap().iter().cloned());
    }
    Some(rows)
}

fn assert_shape(shape: &Shape, values: &[Value], allowed: &[(&str, &str)], what: &str) {
    assert!(!values.is_empty(), "nothing to compare: {what}");
    let mut found = BTreeSet::new();
    for value in values {
        found.extend(shape.differences(value));
    }
    let allowed: BTreeSet<String> = allowed.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(found, allowed, "{what}");
}

const SINCE_JULY: &str = "accompanies the other since July 2026";

async fn demo() -> Xero {
    Xero::start(unlimited(Data::Demo { today: TODAY })).await
}

#[tokio::test]
async fn lists_have_the_recorded_shape() {
    let xero = demo().await;
    let own = |shown: &[Value], name: &str, value: &str| -> Vec<Value> {
        shown
            .iter()
            .filter(|row| row[name] == value)
            .cloned()
            .collect()
    };
    if let Some(recorded) = rows(
        &["contacts-page1.json", "contacts-unpaged.json"],
        "Contacts",
    ) {
        let shape = Shape::of(&recorded);
        let terms = [("+.PaymentTerms", "documented for pages, recorded in none")];
        assert_shape(
            &shape,
            &xero.rows("Contacts?page=1").await,
            &terms,
            "contacts in pages",
        );
        assert_shape(&shape, &xero.rows("Contacts").await, &[], "contacts");
    }
    for (file, path) in [
        ("invoices-page1.json", "Invoices?page=1&pageSize=1000"),
        ("invoices-unpaged.json", "Invoices"),
    ] {
        if let Some(recorded) = rows(&[file], "Invoices") {
            let shape = Shape::of(&own(&recorded, "Type", "ACCREC"));
            let mut invoices = xero.rows(path).await;
            // No recorded invoice was paid by an overpayment.
            for invoice in &mut invoices {
                invoice["Overpayments"] = json!([]);
            }
            assert_shape(
                &shape,
                &invoices,
                &[("+.UpdatedDateUTCString", SINCE_JULY)],
                path,
            );
        }
    }
    for (file, path) in [
        (
            "credit-notes-page1.json",
            "CreditNotes?page=1&pageSize=1000",
        ),
        ("credit-notes-unpaged.json", "CreditNotes"),
    ] {
        if let Some(recorded) = rows(&[file], "CreditNotes") {
            let shape = Shape::of(&own(&recorded, "Type", "ACCRECCREDIT"));
            let mut notes = xero.rows(path).await;
            for note in &mut notes {
                note["Payments"] = json!([]);
            }
            assert_shape(
                &shape,
                &notes,
                &[("+.UpdatedDateUTCString", SINCE_JULY)],
                path,
            );
        }
    }
    if let Some(recorded) = rows(
        &["payments-page1.json", "payments-unpaged.json"],
        "Payments",
    ) {
        let shape = Shape::of(&own(&recorded, "PaymentType", "ACCRECPAYMENT"));
        let payments = own(&xero.rows("Payments").await, "PaymentType", "ACCRECPAYMENT");
        assert_shape(
            &shape,
            &payments,
            &[("+.UpdatedDateUTCString", SINCE_JULY)],
            "payments",
        );
    }
    if let Some(recorded) = rows(&["items.json"], "Items") {
        assert_shape(
            &Shape::of(&recorded),
            &xero.rows("Items").await,
            &[],
            "items",
        );
    }
}

#[tokio::test]
async fn single_records_and_the_organisation_have_the_recorded_shape() {
    let xero = demo().await;
    let contact = xero.rows("Contacts?where=IsCustomer==true").await[0].clone();
    let contact = xero
        .get(&format!(
            "Contacts/{}",
            contact["ContactID"].as_str().unwrap()
        ))
        .await;
    if let Some(recorded) = recorded("contact-single.json") {
        let mut shape = Shape::of([&recorded]);
        // The recorded contact has neither names nor lines of an address.
        let others = rows(&["contacts-page1.json"], "Contacts").unwrap();
        for other in &others {
            shape
                .properties
                .get_mut("Contacts")
                .unwrap()
                .items
                .as_mut()
                .unwrap()
                .add(other);
        }
        let found = shape.differences(&contact);
        assert!(
            found.is_subset(&BTreeSet::from(["+.Contacts[].PaymentTerms".to_owned()])),
            "{found:?}"
        );
        assert!(contact["Contacts"][0].get("Attachments").is_some());
    }
    let invoice = xero
        .rows("Invoices?where=Status==\"AUTHORISED\" AND AmountPaid==0")
        .await[0]
        .clone();
    let invoice = xero
        .one(&format!(
            "Invoices/{}",
            invoice["InvoiceID"].as_str().unwrap()
        ))
        .await;
    if let Some(recorded) = rows(&["invoice-single.json"], "Invoices") {
        let found = Shape::of(&recorded).differences(&invoice);
        // The recorded one is a bill: it is of no item, repeats, and its supplier has no address.
        let of_a_bill = |path: &str| {
            path.contains("Contact.")
                || path.contains("LineItems[].Item")
                || matches!(
                    path,
                    "-.RepeatingInvoiceID"
                        | "-.SentToContact"
                        | "+.UpdatedDateUTCString"
                        | "+.CurrencyRate"
                )
        };
        let found: Vec<&String> = found.iter().filter(|path| !of_a_bill(path)).collect();
        assert!(found.is_empty(), "{found:?}");
        assert!(invoice.get("Payments").is_none());
        assert!(invoice.get("AmountCredited").is_none());
    }
    if let Some(recorded) = recorded("organisation.json") {
        let organisation = xero.get("Organisation").await;
        let found = Shape::of([&recorded]).differences(&organisation);
        let allowed = BTreeSet::from([
            // Those of the company's books.
            "+.Organisations[].PaymentTerms.Sales".to_owned(),
            // The sandbox's books have no lock.
            "-.Organisations[].PeriodLockDate".to_owned(),
        ]);
        assert_eq!(found, allowed);
    }
    if let Some(recorded) = recorded("connections.json") {
        let shape = Shape::of(recorded.as_array().unwrap());
        let connections: Value = xero
            .url("/connections")
            .bearer_auth(&xero.token)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_shape(&shape, connections.as_array().unwrap(), &[], "connections");
        let length = |value: &Value| value["createdDateUtc"].as_str().unwrap().len();
        assert_eq!(length(&connections[0]), length(&recorded[0]));
    }
}

#[tokio::test]
async fn money_on_account_has_the_documented_shape() {
    let xero = demo().await;
    xero.customer("Ahead").await;
    xero.order(
        "/payments",
        json!({"customer": "Ahead", "amount": "7", "apply": "none", "prepayment": true}),
    )
    .await;
    let Some(text) =
        contracts::read("xero/samples/overpayments-prepayments/prepayments-list.spec-example.json")
    else {
        return;
    };
    let documented: Value = serde_json::from_str(&text).unwrap();
    let shape = Shape::of(documented["Prepayments"].as_array().unwrap());
    let found: BTreeSet<String> = xero
        .rows("Prepayments")
        .await
        .iter()
        .flat_map(|row| shape.differences(row))
        .collect();
    // The number of the invoice that it was for is not known to the books; the rate is optional.
    assert!(
        found.is_subset(&BTreeSet::from([
            "-.InvoiceNumber".to_owned(),
            "+.CurrencyRate".to_owned(),
        ])),
        "{found:?}"
    );
    assert!(!xero.rows("Overpayments").await.is_empty());
}

#[tokio::test]
async fn values_are_spelled_as_on_the_wire() {
    let xero = Xero::empty().await;
    xero.customer("One").await;
    xero.invoice("One", "INV-1", "100.5").await;
    let text = xero.text("Invoices?page=1").await;
    for part in [
        "\"Date\":\"\\/Date(1777939200000+0000)\\/\"",
        "\"DateString\":\"2026-05-05T00:00:00\"",
        "\"AmountDue\":100.50",
        "\"AmountPaid\":0.00",
        "\"Quantity\":1.0000",
        "\"UpdatedDateUTC\":\"\\/Date(1778007600000+0000)\\/\"",
        "\"UpdatedDateUTCString\":\"2026-05-05T19:00:00Z\"",
        "\"DateTimeUTC\":\"\\/Date(1778007600000)\\/\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("\"/Date("), "{text}");
    if let Some(raw) =
        contracts::read("xero/samples/raw-wire-demo-nz-2020/invoices-page1-part1.body.json")
    {
        // So do the recorded bytes.
        for part in ["\"AmountDue\": 0.00", "\"Quantity\": 1.0000", "\"\\/Date("] {
            assert!(raw.contains(part), "{part}");
        }
    }
}

#[tokio::test]
async fn refusals_have_the_recorded_shape() {
    let xero = Xero::empty().await;
    let error = |file: &str| -> Option<Value> {
        let text = contracts::read(&format!("xero/samples/errors/{file}"))?;
        Some(serde_json::from_str(&text).unwrap())
    };
    let answer = async |token: &str, tenant: &str| -> (StatusCode, Value) {
        let response = xero
            .url("/api.xro/2.0/Organisation")
            .bearer_auth(token)
            .header("xero-tenant-id", tenant)
            .header("accept", "application/json")
            .send()
            .await
            .unwrap();
        (response.status(), response.json().await.unwrap())
    };
    let (status, foreign) = answer(&xero.token, "a46fcb6f-2773-40c4-a119-8aa08bca1e8e").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    if let Some(recorded) = error("invalid-tenant-header.json") {
        assert!(
            Shape::of([&recorded]).differences(&foreign).is_empty(),
            "{foreign}"
        );
        assert_eq!(recorded["detail"], foreign["detail"]);
    }
    let (status, unknown) = answer("nonsense", &xero.tenant).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    if let Some(recorded) = error("invalid-oauth2-request-token.json") {
        assert_eq!(recorded["Detail"], unknown["Detail"]);
        let more = BTreeSet::from(["+.Extensions".to_owned(), "+.Type".to_owned()]);
        assert_eq!(Shape::of([&recorded]).differences(&unknown), more);
    }
    xero.order(
        "/tokens/expire",
        json!({"format": "xero", "which": "access"}),
    )
    .await;
    let (status, expired) = answer(&xero.token, &xero.tenant).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        expired["Detail"],
        "TokenExpired: token expired at 05/05/2026 19:00:00"
    );
}
