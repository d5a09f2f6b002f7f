//! One customer at a time, and what changed since a time.

use financial_pulse::domain::ids::CustomerId;
use financial_pulse::provider::{AccountingProvider, Changes, ProviderError};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{Mirror, access, at, connector, reference, settings};
use crate::contracts;
use crate::support::company::{Company, CompanyServer, TIME};
use crate::support::replay::recorded_company;
use crate::support::script::{Reply, ScriptedServer};

#[tokio::test]
async fn one_customer_reads_as_it_reads_with_all() {
    let Some(folder) = contracts::folder("quickbooks") else {
        return;
    };
    let mut company = recorded_company(&folder);
    company.rows("Customer")[3]["Active"] = json!(false);
    let server = CompanyServer::start(company).await;
    let connector = connector(settings(&server.url));
    let whole = Mirror::load(&connector.provider).await;
    for (id, expected) in &whole.customers {
        let before = connector.meter.spent();
        let records = connector
            .provider
            .customer(&access(), &reference(), id)
            .await
            .expect("the customer");
        assert_eq!(connector.meter.spent() - before, 1, "one call");
        let mut alone = Mirror::default();
        alone.apply(records);
        assert_eq!(alone.customers[id], *expected);
        let own: Vec<_> = whole
            .documents
            .values()
            .filter(|record| record.documents.iter().any(|d| d.customer == *id))
            .collect();
        assert_eq!(alone.documents.values().collect::<Vec<_>>(), own);
    }
}

#[tokio::test]
async fn a_customer_with_many_documents_takes_further_pages() {
    let mut company = Company::default();
    company
        .rows("Customer")
        .push(json!({"Id": "7", "DisplayName": "Busy", "CurrencyRef": {"value": "USD"}}));
    for number in 0..700_u32 {
        let time = format!("2026-05-05T03:{:02}:00-07:00", number / 25);
        company.rows("Invoice").push(json!({
            "Id": number.to_string(), "CustomerRef": {"value": if number % 7 == 0 { "8" } else { "7" }},
            "TxnDate": "2026-05-05", "TotalAmt": 1, "MetaData": {"LastUpdatedTime": time}
        }));
    }
    let server = CompanyServer::start(company).await;
    let connector = connector(settings(&server.url));
    let records = connector
        .provider
        .customer(&access(), &reference(), &CustomerId::new("7"))
        .await
        .expect("the customer");
    assert_eq!(records.documents.len(), 600, "each once");
    assert_eq!(
        connector.meter.spent(),
        2,
        "the batch and one page of up to 1000"
    );
}

#[tokio::test]
async fn a_customer_that_is_not_there_is_not_found() {
    let server = CompanyServer::start(Company::default()).await;
    let connector = connector(settings(&server.url));
    let strange = CustomerId::new(r"7' OR Id = '8\");
    let found = connector
        .provider
        .customer(&access(), &reference(), &strange)
        .await;
    assert!(matches!(found, Err(ProviderError::NotFound)), "{found:?}");
}

#[tokio::test]
async fn a_fault_in_one_answer_of_a_batch_is_an_error_by_meaning() {
    let fault =
        json!({"Fault": {"Error": [{"code": "610", "Message": "Object Not Found"}]}, "bId": "3"});
    let body =
        json!({"BatchItemResponse": [{"QueryResponse": {}, "bId": "0"}, fault], "time": TIME});
    let server = ScriptedServer::start(vec![Reply::json(&body)]).await;
    let connector = connector(settings(&server.url));
    let found = connector
        .provider
        .customer(&access(), &reference(), &CustomerId::new("7"))
        .await;
    assert!(matches!(found, Err(ProviderError::NotFound)), "{found:?}");
}

#[tokio::test]
async fn a_batch_that_leaves_a_question_open_is_no_answer() {
    let body = json!({"BatchItemResponse": [{"QueryResponse": {}, "bId": "0"}], "time": TIME});
    let server = ScriptedServer::start(vec![Reply::json(&body); 2]).await;
    let connector = connector(settings(&server.url));
    let found = connector
        .provider
        .customer(&access(), &reference(), &CustomerId::new("7"))
        .await;
    assert!(
        matches!(found, Err(ProviderError::Malformed { .. })),
        "{found:?}"
    );
}

fn deleted(count: usize) -> Vec<Value> {
    (0..count)
        .map(|id| json!({"Id": id.to_string(), "status": "Deleted"}))
        .collect()
}

fn changes(lists: &Value) -> Reply {
    Reply::json(&json!({"CDCResponse": [{"QueryResponse": lists}], "time": TIME}))
}

#[tokio::test]
async fn changes_are_found_by_the_name_of_their_list() {
    let lists = json!([{}, {"Payment": deleted(1), "startPosition": 1, "maxResults": 1}, {}, {"Invoice": deleted(2)}]);
    let server = ScriptedServer::start(vec![changes(&lists)]).await;
    let connector = connector(settings(&server.url));
    let since = at("2026-05-05T03:00:00.9+05:00");
    let answer = connector
        .provider
        .changes(&access(), &reference(), since)
        .await;
    let Ok(Changes::All {
        records,
        answered_at,
    }) = answer
    else {
        panic!("expected all changes, got {answer:?}")
    };
    assert_eq!(answered_at, at(TIME));
    assert_eq!(records.deletions.len(), 3);
    assert_eq!(
        server.received()[0].target,
        "/v3/company/1000000000000001/cdc?minorversion=75&entities=Account%2CTerm%2CItem%2CCustomer%2CInvoice%2CCreditMemo%2CPayment%2CJournalEntry%2CDeposit%2CPurchase%2CSalesReceipt%2CRefundReceipt&changedSince=2026-05-04T22%3A00%3A00%2B00%3A00"
    );
}

#[tokio::test]
async fn a_full_answer_is_no_answer() {
    for (payments, invoices, full) in [
        (999, 0, false),
        (400, 599, false),
        (400, 600, true),
        (1000, 0, true),
    ] {
        let lists = json!([{"Payment": deleted(payments)}, {"Invoice": deleted(invoices)}]);
        let server = ScriptedServer::start(vec![changes(&lists)]).await;
        let connector = connector(settings(&server.url));
        let since = at("2026-05-05T03:00:00Z");
        let answer = connector
            .provider
            .changes(&access(), &reference(), since)
            .await;
        let answer = answer.expect("an answer");
        assert_eq!(
            matches!(answer, Changes::TooMany),
            full,
            "{payments} + {invoices}"
        );
    }
}

#[tokio::test]
async fn a_question_beyond_the_window_is_not_asked_and_its_refusal_understood() {
    let refusal = r#"{"Fault":{"Error":[{"Message":"Invalid request","Detail":"changedSince date older than fixed days is not supported","code":"4001"}],"type":"ValidationFault"}}"#;
    let server =
        ScriptedServer::start(vec![Reply::status(400, refusal), Reply::json(&refusal)]).await;
    let connector = connector(settings(&server.url));
    // The clock stands at 2026-05-05T12:30Z.
    let ask = async |since: &str| {
        let changes = connector
            .provider
            .changes(&access(), &reference(), at(since))
            .await;
        assert!(
            matches!(changes, Ok(Changes::TooMany)),
            "{since}: {changes:?}"
        );
    };
    ask("2026-04-05T12:30:00Z").await;
    ask("2015-01-01T00:00:00Z").await;
    assert_eq!(server.received().len(), 0);
    ask("2026-04-06T12:30:00Z").await;
    ask("2026-04-06T12:30:00Z").await;
    assert_eq!(server.received().len(), 2);
}
