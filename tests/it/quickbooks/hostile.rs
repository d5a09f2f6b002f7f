//! Bodies that no ledger should send: each value of a good one, replaced by each of many bad ones.
//! They may be refused; they must neither panic nor pass for more than they are.

use financial_pulse::provider::{AccountingProvider, Changes, ProviderError};
use serde_json::{Value, json};

use super::{access, at, connector, reference, settings};
use crate::support::company::TIME;
use crate::support::hostile::{bad, places};
use crate::support::script::{Reply, ScriptedServer};

fn good() -> Value {
    let meta = json!({"LastUpdatedTime": "2026-05-05T03:08:49-07:00"});
    let form = json!({
        "Id": "1", "MetaData": meta, "TxnDate": "2026-05-05", "DueDate": "2026-06-05", "DocNumber": "17",
        "CustomerRef": {"value": "7"}, "CurrencyRef": {"value": "EUR"}, "ExchangeRate": 1.5,
        "TotalAmt": 100, "Balance": 50, "Deposit": 10, "PrivateNote": "a note",
        "TxnTaxDetail": {"TotalTax": 8},
        "Line": [{"Amount": 92, "DetailType": "SalesItemLineDetail", "Description": "a line",
            "SalesItemLineDetail": {"ItemRef": {"value": "3", "name": "Hose"}, "Qty": 4, "UnitPrice": 23}}]
    });
    let payment = json!({
        "Id": "2", "MetaData": meta, "TxnDate": "2026-05-05", "CustomerRef": {"value": "7"},
        "TotalAmt": 50, "UnappliedAmt": 0, "Line": [
            {"Amount": 60, "LinkedTxn": [{"TxnId": "1", "TxnType": "Invoice"}]},
            {"Amount": 10, "LinkedTxn": [{"TxnId": "3", "TxnType": "JournalEntry"}]}]
    });
    let entry = json!({
        "Id": "3", "MetaData": meta, "TxnDate": "2026-05-05", "Line": [{"Amount": 10,
            "JournalEntryLineDetail": {"PostingType": "Credit", "AccountRef": {"value": "84"},
                "Entity": {"Type": "Customer", "EntityRef": {"value": "7"}}}}]
    });
    let customer = json!({
        "Id": "7", "MetaData": meta, "DisplayName": "Cool Cars", "Active": true, "Balance": 1.5,
        "PrimaryEmailAddr": {"Address": "a@example.com"},
        "CurrencyRef": {"value": "EUR"}, "SalesTermRef": {"value": "1"}
    });
    let term = json!({"Id": "1", "Type": "STANDARD", "DueDays": 30, "DayOfMonthDue": 15});
    json!({"CDCResponse": [{"QueryResponse": [{
        "Invoice": [form], "CreditMemo": [form], "Payment": [payment], "JournalEntry": [entry],
        "Customer": [customer], "Term": [term], "Account": [{"Id": "84", "AccountType": "Bank"}]
    }]}], "time": TIME})
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
    let replies = bodies.iter().map(Reply::json).collect();
    let server = ScriptedServer::start(replies).await;
    let mut settings = settings(&server.url);
    settings.http.retry.attempts = 1;
    let connector = connector(settings);
    let (mut read, mut refused) = (0, 0);
    for body in &bodies {
        let since = at("2026-05-01T00:00:00Z");
        match connector
            .provider
            .changes(&access(), &reference(), since)
            .await
        {
            Ok(Changes::All { .. }) => read += 1,
            Err(ProviderError::Malformed { .. }) => refused += 1,
            other => panic!("{body}: {other:?}"),
        }
    }
    assert_eq!(server.left(), 0, "all were asked for");
    assert!(read > bodies.len() / 10, "{read} read, {refused} refused");
    assert!(
        refused > bodies.len() / 10,
        "{read} read, {refused} refused"
    );
}
