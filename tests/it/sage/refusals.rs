//! What Sage's refusals mean, and what is done about them.

use financial_pulse::domain::freshness::Dataset;
use financial_pulse::provider::{AccountingProvider, ProviderError};
use pretty_assertions::assert_eq;
use serde_json::json;

use super::business::BusinessServer;
use super::ties::small_business;
use super::{ACCOUNT, access, connector, decimal, pages, reference, settings};
use crate::support::script::{Reply, ScriptedServer};

/// What the first page of the invoices comes to with these answers, and how many were asked for.
async fn outcome(replies: Vec<Reply>) -> (Result<u64, ProviderError>, usize) {
    let server = ScriptedServer::start(replies).await;
    let mut settings = settings(&server.url);
    settings.page_size = 1;
    let page = connector(settings)
        .provider
        .page(&access(), Dataset::Invoices, &reference(), None, None)
        .await;
    (page.map(|page| page.count), server.received().len())
}

fn fault(code: &str, message: &str) -> String {
    json!([{"$severity": "error", "$dataCode": code, "$message": message, "$source": "base"}])
        .to_string()
}

fn empty() -> Reply {
    Reply::json(&json!({"$total": 0, "$items": []}))
}

#[tokio::test]
async fn each_refusal_has_its_meaning() {
    let mse = fault("AuthorizationFailure", "No active subscription. (MSE)");
    let cases = [
        (
            401,
            fault("AuthorizationFailure", "Token expired"),
            "unauthorized",
            "AuthorizationFailure",
        ),
        (401, String::new(), "unauthorized", "http_401"),
        (401, mse, "forbidden", "no_active_subscription"),
        (
            403,
            fault("MultiUserAccessDenied", "Ann may not"),
            "forbidden",
            "MultiUserAccessDenied",
        ),
        (404, fault("RecordNotFound", ""), "not_found", ""),
        (405, String::new(), "rejected", "http_405"),
        (415, "<html>".to_owned(), "rejected", "http_415"),
        (
            422,
            fault("RecordInvalid", "Ann is wrong"),
            "rejected",
            "RecordInvalid",
        ),
        (422, fault("Ann is wrong", ""), "rejected", "http_422"),
    ];
    for (status, body, code, named) in cases {
        let (outcome, asked) = outcome(vec![Reply::status(status, body.clone())]).await;
        let error = outcome.expect_err("a refusal");
        assert_eq!(error.code(), code, "{status} {body}");
        assert!(error.to_string().contains(named), "{error}");
        assert!(!error.to_string().contains("Ann"), "{error}");
        assert_eq!(asked, 1, "no retry helps: {status} {body}");
    }
}

#[tokio::test]
async fn what_may_pass_is_asked_again() {
    for status in [408, 500, 502, 503, 504, 525] {
        let body = fault("UnexpectedError", "");
        let (outcome, asked) = outcome(vec![Reply::status(status, body), empty()]).await;
        assert_eq!((outcome.ok(), asked), (Some(0), 2), "{status}");
    }
    for reply in [Reply::Cut(b"{\"$total\"".to_vec()), Reply::Close] {
        let (outcome, asked) = outcome(vec![reply, empty()]).await;
        assert_eq!((outcome.ok(), asked), (Some(0), 2));
    }
}

#[tokio::test]
async fn a_throttled_call_waits_as_long_as_it_is_told_or_by_the_setting() {
    let replies = [
        Reply::status(429, "").with("retry-after", "0"),
        Reply::status(429, ""),
    ];
    for reply in replies {
        let (outcome, asked) = outcome(vec![reply, empty()]).await;
        assert_eq!((outcome.ok(), asked), (Some(0), 2));
    }
    let (outcome, asked) = outcome(vec![Reply::status(429, "").with("retry-after", "600")]).await;
    assert!(
        matches!(outcome, Err(ProviderError::RateLimited { retry_after }) if retry_after.as_secs() == 600)
    );
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn the_answer_of_another_business_is_refused() {
    let other = || empty().with("x-business", "49c196153fb1524b7d888cece84e8b12");
    let (result, _) = outcome(vec![other(), other(), other()]).await;
    let error = result.expect_err("refused");
    assert_eq!(error.code(), "malformed");
    assert!(error.to_string().contains("X-Business"), "{error}");
    let upper = ACCOUNT.to_uppercase();
    let (own, _) = outcome(vec![empty().with("x-business", &upper)]).await;
    assert_eq!(own.ok(), Some(0));
}

#[tokio::test]
async fn a_page_that_is_too_much_is_read_in_halves() {
    for status in [500, 502, 503, 504, 525] {
        let mut business = small_business();
        business.too_heavy = Some((1, status));
        let server = BusinessServer::start(business).await;
        let connector = connector(settings(&server.url));
        let read = pages(&connector.provider, Dataset::Invoices, None).await;
        let mut ids: Vec<_> = read
            .iter()
            .flat_map(|page| &page.records.documents)
            .map(|record| record.ledger_id.as_str())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids, ["si1", "si2", "si3", "si4", "si5", "si6"], "{status}");
        let sizes: Vec<_> = server
            .asked()
            .iter()
            .take(9)
            .map(|asked| asked.get("items_per_page").expect("a size").to_owned())
            .collect();
        assert_eq!(sizes[..8], ["200", "100", "50", "25", "12", "6", "3", "1"]);
        assert_eq!(sizes[8], "2", "and grows again");
    }
}

#[tokio::test]
async fn a_record_without_what_its_figures_need_is_a_fault_with_its_place() {
    let cases = [
        ("total_amount", "sales_invoices[Id=si1].total_amount"),
        ("date", "sales_invoices[Id=si1].date"),
    ];
    for (field, place) in cases {
        let mut business = small_business();
        let invoice = business.row("sales_invoices", "si1");
        invoice.as_object_mut().expect("an object").remove(field);
        let server = BusinessServer::start(business).await;
        let read = connector(settings(&server.url))
            .provider
            .page(&access(), Dataset::Invoices, &reference(), None, None)
            .await;
        let error = read.expect_err("a fault");
        assert!(error.to_string().contains(place), "{error}");
    }
}

#[tokio::test]
async fn a_role_that_may_not_see_the_settings_still_reads_customers() {
    let contacts = json!({"$total": 1, "$items": [super::ties::contact("ada", "12.0")]});
    let server = ScriptedServer::start(vec![
        Reply::json(&contacts),
        Reply::status(403, fault("MultiUserAccessDenied", "")),
    ])
    .await;
    let read = pages(
        &connector(settings(&server.url)).provider,
        Dataset::Customers,
        None,
    )
    .await;
    let customer = &read[0].records.customers[0];
    assert_eq!(customer.terms_id, None);
    assert_eq!(customer.customer.ledger_balance, Some(decimal("12")));
}
