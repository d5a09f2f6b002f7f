//! Bodies that no ledger should send: each value of a good one, replaced by each of many bad ones.
//! They may be refused; they must neither panic nor pass for more than they are.

use financial_pulse::domain::freshness::Dataset;
use financial_pulse::provider::{AccountingProvider, ProviderError};
use serde_json::{Value, json};

use super::{access, connector, reference, settings};
use crate::support::hostile::{bad, places};
use crate::support::script::{Reply, ScriptedServer};

/// Every list at once: an answer is read whole, whatever was asked for.
fn good() -> Value {
    let contact = json!({"ContactID": "c1", "Name": "Acme"});
    let day = "/Date(1397390400000+1200)/";
    let changed = "/Date(1777032244663+0000)/";
    let line = json!({"Description": "a line", "ItemCode": "A", "Item": {"ItemID": "it1", "Name": "Hose"},
        "Quantity": 4, "UnitAmount": 23, "LineAmount": 92, "TaxAmount": 8});
    let form = |id: &str, kind: &str| {
        json!({
            id: "x1", "Type": kind, "Status": "AUTHORISED", "InvoiceNumber": "1", "Contact": contact,
            "DateString": "2014-04-14T00:00:00", "Date": day, "DueDate": day, "Total": 92,
            "LineAmountTypes": "Inclusive", "LineItems": [line], "TotalTax": 8, "AmountDue": 1,
            "RemainingCredit": 2, "CurrencyCode": "EUR", "CurrencyRate": 1, "UpdatedDateUTC": changed,
            "Allocations": [{"Amount": 5, "Date": day, "Invoice": {"InvoiceID": "i2"}, "IsDeleted": false}]
        })
    };
    let payment = json!({
        "PaymentID": "p1", "PaymentType": "ARCREDITPAYMENT", "Status": "AUTHORISED", "Date": day,
        "Amount": 5, "Reference": "r", "CurrencyRate": 0, "UpdatedDateUTC": changed,
        "Invoice": {"InvoiceID": "x1", "Contact": contact, "CurrencyCode": "EUR"}
    });
    json!({
        "Id": "1", "Status": "OK", "DateTimeUTC": "/Date(1777032244663)/",
        "pagination": {"page": 1, "pageSize": 1000, "pageCount": 1, "itemCount": 1},
        "Contacts": [{
            "ContactID": "c1", "ContactStatus": "ACTIVE", "Name": "Acme", "EmailAddress": "a@example.com",
            "TaxNumber": "1", "DefaultCurrency": "EUR", "UpdatedDateUTC": changed,
            "PaymentTerms": {"Sales": {"Day": 30, "Type": "DAYSAFTERBILLDATE"}},
            "Balances": {"AccountsReceivable": {"Outstanding": 1.5}}
        }],
        "Items": [{"ItemID": "it1", "Code": "A", "Name": "Hose"}],
        "Invoices": [form("InvoiceID", "ACCREC")],
        "CreditNotes": [form("CreditNoteID", "ACCRECCREDIT")],
        "Overpayments": [form("OverpaymentID", "RECEIVE-OVERPAYMENT")],
        "Prepayments": [form("PrepaymentID", "RECEIVE-PREPAYMENT")],
        "Payments": [payment]
    })
}

#[tokio::test]
async fn no_bad_value_in_any_place_panics_or_is_anything_but_malformed() {
    let mut everywhere = Vec::new();
    places(&good(), "", &mut everywhere);
    let mut bodies = vec![good()];
    for place in &everywhere {
        for value in bad() {
            let mut body = good();
            *body.pointer_mut(place).expect("a place") = value;
            bodies.push(body);
        }
    }
    let server = ScriptedServer::start(bodies.iter().map(Reply::json).collect()).await;
    let mut settings = settings(&server.url);
    settings.http.retry.attempts = 1;
    let connector = connector(settings);
    let (mut read, mut refused) = (0, 0);
    for body in &bodies {
        match connector
            .provider
            .page(&access(), Dataset::Invoices, &reference(), None, None)
            .await
        {
            Ok(_) => read += 1,
            Err(ProviderError::Malformed { .. }) => refused += 1,
            Err(other) => panic!("{body}: {other:?}"),
        }
    }
    assert_eq!(server.left(), 0, "all were asked for");
    assert!(read > bodies.len() / 10, "{read} read, {refused} refused");
    assert!(
        refused > bodies.len() / 10,
        "{read} read, {refused} refused"
    );
}
