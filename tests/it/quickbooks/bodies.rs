//! Every recorded or documented body is either sent through the connector or listed as left out,
//! with the reason. A body that is neither fails the test, so none is forgotten when one is added.

use std::collections::BTreeSet;
use std::path::Path;

use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::CustomerId;
use financial_pulse::domain::records::Records;
use financial_pulse::provider::http::{CALLS, UNKNOWN_FIELDS, UNKNOWN_VALUES};
use financial_pulse::provider::{AccountingProvider, Changes, Page, ProviderResult};
use metrics_exporter_prometheus::PrometheusBuilder;
use pretty_assertions::assert_eq;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{access, at, connector, reference, settings};
use crate::contracts;
use crate::support::company::TIME;
use crate::support::script::{Reply, ScriptedServer};

/// How a body is used, and what must come of it.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// One record in the envelope of a single read: this many documents.
    Record(&'static str, usize),
    /// The answer to a deletion: a deletion.
    Deletion(&'static str),
    /// The answer to a query: this many rows on the page.
    Query(Dataset, u64),
    /// The answer to a count.
    Count(u64),
    /// The answer about changes: this many records and deletions of ours.
    Changes(usize),
    /// The answer to a batch, refused by the fault within.
    Batch(&'static str),
    /// The company's name.
    Company(&'static str),
    /// The company's preferences: currency and whether there are others.
    Preferences(&'static str, bool),
    /// A refusal with a status: the error's code and the provider's.
    Refusal(u16, &'static str, &'static str),
    /// A token answer.
    Token,
    /// A refused token call with a status.
    TokenRefusal(u16, &'static str),
    /// Used by another test.
    Elsewhere,
    /// Not used; the reason.
    LeftOut(&'static str),
}

const REQUEST: Use = Use::LeftOut("a write's request; the connector only reads");
const NOT_OURS: Use = Use::LeftOut("a record or report that no figure reads");
const EVENT: Use = Use::LeftOut("events are read with their endpoint, which is not built yet");
const XML: Use = Use::LeftOut("a record in XML; the connector asks for JSON");

const TABLE: &[(&str, Use)] = &[
    ("docs/batch-request.json", REQUEST),
    ("docs/batch-response.json", Use::Batch("rejected")),
    ("docs/cdc-with-deleted.json", Use::Changes(2)),
    ("docs/companycurrency-query.json", NOT_OURS),
    ("docs/companyinfo-get.json", Use::Company("Larry's Bakery")),
    ("docs/creditmemo-create.json", Use::Record("CreditMemo", 1)),
    ("docs/creditmemo-delete.json", Use::Deletion("CreditMemo")),
    ("docs/creditmemo-get.json", Use::Record("CreditMemo", 1)),
    ("docs/creditmemo-send.json", Use::Record("CreditMemo", 1)),
    ("docs/estimate-get.json", NOT_OURS),
    ("docs/exchangerate-query.json", NOT_OURS),
    ("docs/invoice-delete.json", Use::Deletion("Invoice")),
    ("docs/invoice-get-taxed.json", Use::Record("Invoice", 1)),
    ("docs/invoice-void.json", Use::Record("Invoice", 1)),
    ("docs/journalentry-get.json", Use::Record("JournalEntry", 0)),
    (
        "docs/payment-get-partly-applied.json",
        Use::Record("Payment", 1),
    ),
    (
        "docs/refundreceipt-create.json",
        Use::Record("RefundReceipt", 0),
    ),
    (
        "docs/refundreceipt-delete.json",
        Use::Deletion("RefundReceipt"),
    ),
    (
        "docs/refundreceipt-get.json",
        Use::Record("RefundReceipt", 1),
    ),
    ("docs/report-agedreceivables.json", NOT_OURS),
    ("docs/report-customerbalance.json", NOT_OURS),
    ("docs/report-customerbalancedetail.json", NOT_OURS),
    ("docs/report-transactionlist.json", NOT_OURS),
    ("docs/salesreceipt-get.json", Use::Record("SalesReceipt", 1)),
    ("docs/taxcode-query.json", NOT_OURS),
    ("docs/term-query.json", Use::Query(Dataset::Terms, 6)),
    (
        "json/other/error-6240-tax-service-duplicate.json",
        Use::Refusal(400, "rejected", "6240"),
    ),
    (
        "json/sandbox-2017/create-sales-receipt.json",
        Use::Record("SalesReceipt", 0),
    ),
    (
        "json/sandbox-2017/error-5010-stale-object.json",
        Use::Refusal(400, "rejected", "5010"),
    ),
    (
        "json/sandbox-2017/error-610-not-found.json",
        Use::Refusal(400, "not_found", ""),
    ),
    (
        "json/sandbox-2017/error-preferences-update.json",
        Use::Refusal(400, "rejected", "5010"),
    ),
    (
        "json/sandbox-2017/get-preferences.json",
        Use::Preferences("USD", false),
    ),
    (
        "json/sandbox-2017/query-items.json",
        Use::Query(Dataset::Items, 19),
    ),
    (
        "json/sandbox-2017/void-sales-receipt.json",
        Use::Record("SalesReceipt", 0),
    ),
    ("json/sandbox-2019/exchange-rates.json", NOT_OURS),
    (
        "json/sandbox-2019/preferences-multicurrency.json",
        Use::Preferences("USD", true),
    ),
    ("json/sandbox-2020-2022/attachment-error.json", NOT_OURS),
    ("json/sandbox-2020-2022/attachment-upload.json", NOT_OURS),
    (
        "json/sandbox-2020-2022/batch-mixed.json",
        Use::Batch("not_found"),
    ),
    ("json/sandbox-2020-2022/batch-mixed.request.json", REQUEST),
    ("json/sandbox-2020-2022/cdc-estimates.json", Use::Changes(0)),
    (
        "json/sandbox-2020-2022/create-customer.json",
        Use::Record("Customer", 0),
    ),
    (
        "json/sandbox-2020-2022/create-customer.request.json",
        REQUEST,
    ),
    (
        "json/sandbox-2020-2022/create-invoice.json",
        Use::Record("Invoice", 1),
    ),
    (
        "json/sandbox-2020-2022/create-invoice.request.json",
        REQUEST,
    ),
    (
        "json/sandbox-2020-2022/deactivate-account-1.json",
        Use::Record("Account", 0),
    ),
    (
        "json/sandbox-2020-2022/deactivate-account-2.json",
        Use::Record("Account", 0),
    ),
    (
        "json/sandbox-2020-2022/deactivate-account-2.request.json",
        REQUEST,
    ),
    (
        "json/sandbox-2020-2022/delete-invoice-1.json",
        Use::Record("Invoice", 1),
    ),
    (
        "json/sandbox-2020-2022/delete-invoice-2.json",
        Use::Deletion("Invoice"),
    ),
    (
        "json/sandbox-2020-2022/delete-invoice-2.request.json",
        REQUEST,
    ),
    (
        "json/sandbox-2020-2022/error-2010-unknown-property.json",
        Use::Refusal(400, "rejected", "2010"),
    ),
    (
        "json/sandbox-2020-2022/error-2010-unknown-property.request.json",
        REQUEST,
    ),
    (
        "json/sandbox-2020-2022/error-4001-unknown-entity.json",
        Use::Refusal(400, "rejected", "4001"),
    ),
    (
        "json/sandbox-2020-2022/error-unsupported-and-invalid-id-1.json",
        Use::Refusal(400, "rejected", "500"),
    ),
    (
        "json/sandbox-2020-2022/error-unsupported-and-invalid-id-2.json",
        Use::Refusal(400, "rejected", "2030"),
    ),
    (
        "json/sandbox-2020-2022/query-ampersand.json",
        Use::LeftOut("a query for vendors"),
    ),
    (
        "json/sandbox-2020-2022/query-count-and-ids-1.json",
        Use::Count(6),
    ),
    (
        "json/sandbox-2020-2022/query-count-and-ids-2.json",
        Use::Query(Dataset::Customers, 2),
    ),
    (
        "json/sandbox-2020-2022/query-count-and-ids-3.json",
        Use::Query(Dataset::Customers, 2),
    ),
    (
        "json/sandbox-2020-2022/query-count-and-ids-4.json",
        Use::Query(Dataset::Customers, 2),
    ),
    (
        "json/sandbox-2020-2022/query-count-and-ids-5.json",
        Use::Query(Dataset::Customers, 0),
    ),
    (
        "json/sandbox-2020-2022/query-escaped-apostrophe.json",
        Use::Query(Dataset::Customers, 1),
    ),
    (
        "json/sandbox-2020-2022/report-general-ledger.json",
        NOT_OURS,
    ),
    (
        "json/sandbox-2020-2022/report-profit-and-loss.json",
        NOT_OURS,
    ),
    (
        "json/sandbox-2026-05/create-customer.json",
        Use::Record("Customer", 0),
    ),
    ("json/sandbox-2026-05/create-customer.request.json", REQUEST),
    (
        "json/sandbox-2026-05/create-invoice.json",
        Use::Record("Invoice", 1),
    ),
    ("json/sandbox-2026-05/create-invoice.request.json", REQUEST),
    (
        "json/sandbox-2026-05/create-journal-entry.json",
        Use::Record("JournalEntry", 0),
    ),
    (
        "json/sandbox-2026-05/create-journal-entry.request.json",
        REQUEST,
    ),
    (
        "json/sandbox-2026-05/create-payment.json",
        Use::Record("Payment", 1),
    ),
    ("json/sandbox-2026-05/create-payment.request.json", REQUEST),
    (
        "json/sandbox-2026-05/get-credit-memo.json",
        Use::Record("CreditMemo", 1),
    ),
    (
        "json/sandbox-2026-05/get-customer.json",
        Use::Record("Customer", 0),
    ),
    ("json/sandbox-2026-05/get-estimate.json", NOT_OURS),
    (
        "json/sandbox-2026-05/get-invoice.json",
        Use::Record("Invoice", 1),
    ),
    ("json/sandbox-2026-05/get-item.json", Use::Record("Item", 0)),
    (
        "json/sandbox-2026-05/get-journal-entry.json",
        Use::Record("JournalEntry", 0),
    ),
    (
        "json/sandbox-2026-05/get-payment.json",
        Use::Record("Payment", 1),
    ),
    (
        "json/sandbox-2026-05/query-credit-memos.json",
        Use::Query(Dataset::CreditNotes, 9),
    ),
    (
        "json/sandbox-2026-05/query-customers.json",
        Use::Query(Dataset::Customers, 33),
    ),
    (
        "json/sandbox-2026-05/query-deposits.json",
        Use::Query(Dataset::Deposits, 13),
    ),
    ("json/sandbox-2026-05/query-estimates.json", NOT_OURS),
    (
        "json/sandbox-2026-05/query-invoices.json",
        Use::Query(Dataset::Invoices, 37),
    ),
    (
        "json/sandbox-2026-05/query-items.json",
        Use::Query(Dataset::Items, 23),
    ),
    (
        "json/sandbox-2026-05/query-journal-entries.json",
        Use::Query(Dataset::JournalEntries, 13),
    ),
    (
        "json/sandbox-2026-05/query-payments.json",
        Use::Query(Dataset::Payments, 20),
    ),
    (
        "json/sandbox-2026-05/query-transfers-empty.json",
        Use::Query(Dataset::Deposits, 0),
    ),
    (
        "json/sandbox-2026-05/send-invoice.json",
        Use::Record("Invoice", 1),
    ),
    (
        "json/sandbox-2026-05/update-customer-sparse.json",
        Use::Record("Customer", 0),
    ),
    (
        "json/sandbox-2026-05/update-customer-sparse.request.json",
        REQUEST,
    ),
    (
        "json/sandbox-2026-05/update-invoice-sparse.json",
        Use::Record("Invoice", 1),
    ),
    (
        "json/sandbox-2026-05/update-invoice-sparse.request.json",
        REQUEST,
    ),
    ("oauth/bearer-token.json", Use::Token),
    ("oauth/discovery.json", Use::Elsewhere),
    (
        "oauth/error-invalid-grant.json",
        Use::TokenRefusal(400, "consent_lost"),
    ),
    (
        "oauth/errorResponse.json",
        Use::LeftOut("an SDK's wrapping of error-invalid-grant.json"),
    ),
    ("webhooks/SIGNATURES.json", Use::Elsewhere),
    ("webhooks/cloudevents-account-created.json", EVENT),
    ("webhooks/cloudevents-customer-merged.json", EVENT),
    ("webhooks/cloudevents-employee-created.json", EVENT),
    ("webhooks/legacy-account-created.json", EVENT),
    ("webhooks/legacy-two-entities-signed.json", Use::Elsewhere),
    (
        "xml/error-429-throttle.xml",
        Use::Refusal(429, "rate_limited", ""),
    ),
    (
        "xml/generic_error.xml",
        Use::Refusal(400, "unavailable", "10000"),
    ),
    (
        "xml/query_validation_error.xml",
        Use::Refusal(400, "rejected", "4001"),
    ),
    (
        "xml/throttle_exceeded_error.xml",
        Use::Refusal(403, "rate_limited", ""),
    ),
    ("xml/batch_response.xml", XML),
    ("xml/change_data_capture_response.xml", XML),
    ("xml/company_currency.xml", XML),
    ("xml/company_info.xml", XML),
    ("xml/credit_memo_change.xml", XML),
    ("xml/customer_changes.xml", XML),
    ("xml/customers.xml", XML),
    ("xml/deleted_customer.xml", XML),
    ("xml/estimate.xml", XML),
    ("xml/exchange_rates.xml", XML),
    ("xml/fetch_credit_memo.xml", XML),
    ("xml/invoice.xml", XML),
    ("xml/invoice_change.xml", XML),
    ("xml/invoice_delete_success_response.xml", XML),
    ("xml/invoice_void_success_response.xml", XML),
    ("xml/invoices.xml", XML),
    ("xml/items.xml", XML),
    ("xml/journal_entry.xml", XML),
    ("xml/payment_change.xml", XML),
    ("xml/payment_methods.xml", XML),
    ("xml/payment_with_line_extras.xml", XML),
    ("xml/payments.xml", XML),
    ("xml/preferences.xml", XML),
    ("xml/refund_receipt.xml", XML),
    ("xml/refund_receipts.xml", XML),
    ("xml/sales_receipt.xml", XML),
    ("xml/tax_codes.xml", XML),
    ("xml/tax_rates.xml", XML),
    ("xml/term.xml", XML),
    ("xml/terms.xml", XML),
    ("xml/transaction_list_report.xml", XML),
    ("xml/upload_create_response.xml", XML),
];

#[test]
fn every_body_is_used_or_left_out_with_a_reason() {
    let Some(folder) = contracts::folder("quickbooks") else {
        return;
    };
    let mut found = BTreeSet::new();
    for part in ["docs", "json", "oauth", "webhooks", "xml"] {
        collect(&folder.join(part), &folder, &mut found);
    }
    let listed: BTreeSet<String> = TABLE.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(listed.len(), TABLE.len(), "each is listed once");
    assert_eq!(found, listed);
}

fn collect(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, root, found);
        } else {
            let name = path.strip_prefix(root).expect("below the root");
            found.insert(name.to_str().expect("text").to_owned());
        }
    }
}

#[tokio::test]
async fn every_body_that_the_connector_uses_means_what_it_should() {
    let Some(folder) = contracts::folder("quickbooks") else {
        return;
    };
    for (file, how) in TABLE {
        if let Use::LeftOut(reason) = how {
            assert!(!reason.is_empty(), "{file}");
        } else {
            check(file, *how, &folder.join(file), &folder).await;
        }
    }
}

async fn check(file: &str, how: Use, path: &Path, folder: &Path) {
    match how {
        Use::Record(entity, documents) => {
            let records = changes_of(entity, &contracts::json(path)).await;
            let converted = &records.documents;
            let found: usize = converted.iter().map(|record| record.documents.len()).sum();
            assert_eq!(found, documents, "{file}");
            let rows = converted.len()
                + records.accounts.len()
                + records.items.len()
                + records.customers.len();
            assert_eq!(rows, 1, "{file}");
        }
        Use::Deletion(entity) => {
            let records = changes_of(entity, &contracts::json(path)).await;
            assert_eq!(records.deletions.len(), 1, "{file}");
            assert!(records.documents.is_empty(), "{file}");
        }
        Use::Query(dataset, rows) => {
            let page = page(
                dataset,
                vec![Reply::status(200, contracts::bytes(path))],
                1000,
            )
            .await;
            let page = page.unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(page.count, rows, "{file}");
        }
        Use::Count(total) => {
            let full = folder.join("json/sandbox-2020-2022/query-count-and-ids-4.json");
            let replies = [&full, path].map(|path| Reply::status(200, contracts::bytes(path)));
            let page = page(Dataset::Customers, replies.into(), 2).await;
            assert_eq!(page.expect("a page").expected, Some(total), "{file}");
        }
        Use::Changes(rows) => {
            let records = changes(Reply::status(200, contracts::bytes(path))).await;
            assert_eq!(rows_in(&records), rows, "{file}");
        }
        Use::Batch(code) => {
            let server =
                ScriptedServer::start(vec![Reply::status(200, contracts::bytes(path))]).await;
            let connector = connector(settings(&server.url));
            let customer = CustomerId::new("6");
            let read = connector
                .provider
                .customer(&access(), &reference(), &customer)
                .await;
            assert_eq!(read.expect_err("a fault").code(), code, "{file}");
        }
        Use::Company(name) => {
            let preferences = folder.join("json/sandbox-2017/get-preferences.json");
            let replies =
                [path, &preferences].map(|path| Reply::status(200, contracts::bytes(path)));
            assert_eq!(organization(replies.into()).await.0, name, "{file}");
        }
        Use::Preferences(currency, multicurrency) => {
            let company = folder.join("docs/companyinfo-get.json");
            let mut body = contracts::json(path);
            if body.get("Preferences").is_none() {
                body = json!({ "Preferences": body });
            }
            let company = Reply::status(200, contracts::bytes(&company));
            let found = organization(vec![company, Reply::json(&body)]).await;
            assert_eq!(
                (found.1.as_str(), found.2),
                (currency, multicurrency),
                "{file}"
            );
        }
        Use::Refusal(status, code, theirs) => {
            let reply = Reply::status(status, contracts::bytes(path));
            let refused = page(Dataset::Invoices, vec![reply], 1000).await;
            let error = refused.expect_err("a refusal");
            assert_eq!(error.code(), code, "{file}");
            assert!(error.to_string().contains(theirs), "{file}: {error}");
        }
        Use::Token | Use::TokenRefusal(..) => {
            let status = if let Use::TokenRefusal(status, _) = how {
                status
            } else {
                200
            };
            let server =
                ScriptedServer::start(vec![Reply::status(status, contracts::bytes(path))]).await;
            let connector = connector(settings(&server.url));
            let old = SecretString::from("old");
            let granted = connector.provider.authorization().refresh(&old).await;
            if let Use::TokenRefusal(_, code) = how {
                assert_eq!(granted.expect_err("a refusal").code(), code, "{file}");
            } else {
                let ends = granted.expect("a grant").access_expires_at;
                assert_eq!(ends, at("2026-05-05T13:30:00Z"), "{file}");
            }
        }
        Use::Elsewhere | Use::LeftOut(_) => {}
    }
}

fn rows_in(records: &Records) -> usize {
    records.accounts.len()
        + records.terms.len()
        + records.items.len()
        + records.customers.len()
        + records.documents.len()
        + records.deletions.len()
}

/// One record of a single read, as it would come among the changes.
async fn changes_of(entity: &str, body: &Value) -> Records {
    assert!(body[entity].is_object(), "{entity}");
    let lists = json!({ entity: [body[entity]] });
    changes(Reply::json(
        &json!({"CDCResponse": [{"QueryResponse": [lists]}], "time": TIME}),
    ))
    .await
}

async fn changes(reply: Reply) -> Records {
    let server = ScriptedServer::start(vec![reply]).await;
    let connector = connector(settings(&server.url));
    let since = at("2026-05-01T00:00:00Z");
    let changes = connector
        .provider
        .changes(&access(), &reference(), since)
        .await;
    match changes.expect("changes") {
        Changes::All { records, .. } => records,
        Changes::TooMany => panic!("expected all changes"),
    }
}

/// One page, without any retry.
async fn page(dataset: Dataset, replies: Vec<Reply>, page_size: u32) -> ProviderResult<Page> {
    let server = ScriptedServer::start(replies).await;
    let mut settings = settings(&server.url);
    settings.http.retry.attempts = 1;
    settings.page_size = page_size;
    let provider = connector(settings).provider;
    provider
        .page(&access(), dataset, &reference(), None, None)
        .await
}

async fn organization(replies: Vec<Reply>) -> (String, String, bool) {
    let server = ScriptedServer::start(replies).await;
    let connector = connector(settings(&server.url));
    let found = connector.provider.organization(&access()).await;
    let found = found.expect("an organization");
    (
        found.name.to_string(),
        found.base_currency.to_string(),
        found.multicurrency,
    )
}

/// Refusals that are known only by description, and shapes that come from what stands between.
#[tokio::test]
async fn described_refusals_have_a_meaning_too() {
    let refusals: [(u16, &str, &str); 22] = [
        (
            401,
            r#"{"warnings":null,"fault":{"error":[{"message":"message=AuthenticationFailed; errorCode=003200; statusCode=401","detail":"Token expired: x","code":"3200","element":null}],"type":"AUTHENTICATION"},"time":1601391072830}"#,
            "unauthorized",
        ),
        (
            401,
            r#"{"fault":{"error":[{"message":"message=AuthenticationFailed; errorCode=003200; statusCode=401"}],"type":"AUTHENTICATION"}}"#,
            "unauthorized",
        ),
        (401, "", "unauthorized"),
        (
            401,
            r#"<?xml version="1.0"?><IntuitResponse><Fault type="AuthenticationFault"><Error code="120"><Message>You do not have access</Message></Error></Fault></IntuitResponse>"#,
            "consent_lost",
        ),
        (
            403,
            r#"{"fault":{"error":[{"message":"message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403","code":"3100"}],"type":"AUTHORIZATION"}}"#,
            "consent_lost",
        ),
        (403, "<html>Forbidden</html>", "forbidden"),
        (
            400,
            r#"{"Fault":{"Error":[{"code":"6190","Message":"Subscription ended"}],"type":"ValidationFault"}}"#,
            "forbidden",
        ),
        (429, "", "rate_limited"),
        (
            429,
            r#"{"fault":{"error":[{"code":"429"}],"type":"SERVICE"}}"#,
            "rate_limited",
        ),
        (
            400,
            r#"{"Fault":{"Error":[{"code":"003001"}],"type":"SERVICE"}}"#,
            "rate_limited",
        ),
        (
            403,
            "message=ThrottleExceeded; errorCode=003001; statusCode=403",
            "rate_limited",
        ),
        (
            500,
            r#"{"Fault":{"Error":[{"code":"10000"}],"type":"SystemFault"}}"#,
            "unavailable",
        ),
        (500, "<html>Internal Server Error</html>", "unavailable"),
        (502, "", "unavailable"),
        (503, "Service Unavailable", "unavailable"),
        (504, "<html/>", "unavailable"),
        (404, "<html>Not Found</html>", "rejected"),
        (413, "", "rejected"),
        (
            200,
            r#"{"Fault":{"Error":[{"code":"610"}],"type":"ValidationFault"},"time":"2026-05-05T05:30:00-07:00"}"#,
            "not_found",
        ),
        (
            200,
            r#"<IntuitResponse><Fault type="SERVICE"><Error code="3001"/></Fault></IntuitResponse>"#,
            "rate_limited",
        ),
        (200, "<html>maintenance</html>", "malformed"),
        (200, "", "malformed"),
    ];
    for (status, body, code) in refusals {
        let refused = page(Dataset::Invoices, vec![Reply::status(status, body)], 1000).await;
        assert_eq!(
            refused.expect_err("a refusal").code(),
            code,
            "{status} {body}"
        );
    }
}

/// Fields and values that come without notice change nothing.
#[tokio::test]
async fn unknown_fields_and_values_are_tolerated_wherever_they_stand() {
    let Some(folder) = contracts::folder("quickbooks") else {
        return;
    };
    let path = folder.join("json/sandbox-2026-05/query-invoices.json");
    let plain = contracts::json(&path);
    let mut extended = plain.clone();
    extend(&mut extended);
    let mut pages = Vec::new();
    for body in [plain, extended] {
        let page = page(Dataset::Invoices, vec![Reply::json(&body)], 1000).await;
        pages.push(page.expect("a page").records);
    }
    assert_eq!(pages[0], pages[1]);
}

/// What is new is counted, so that someone can look; what is known and unused is not.
#[test]
fn unknown_fields_and_values_are_counted() {
    let Some(folder) = contracts::folder("quickbooks") else {
        return;
    };
    let path = folder.join("json/sandbox-2026-05/query-invoices.json");
    let plain = contracts::json(&path);
    let mut one_more = plain.clone();
    one_more["QueryResponse"]["Invoice"][0]["FutureField"] = json!(1);
    one_more["QueryResponse"]["Invoice"][0]["Line"][0] =
        json!({"Amount": 1, "DetailType": "FutureLineDetail"});
    for (body, fields, values) in [(plain, None, None), (one_more, Some("1"), Some("1"))] {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let page = page(Dataset::Invoices, vec![Reply::json(&body)], 1000);
            let page = runtime.expect("a runtime").block_on(page);
            assert_eq!(page.expect("a page").count, 37);
        });
        let rendered = handle.render();
        let counted = |name: &str| {
            let line = rendered.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.rsplit(' ').next().map(str::to_owned))
        };
        assert_eq!(counted(UNKNOWN_FIELDS).as_deref(), fields, "{rendered}");
        assert_eq!(counted(UNKNOWN_VALUES).as_deref(), values, "{rendered}");
        assert_eq!(counted(CALLS).as_deref(), Some("1"), "{rendered}");
    }
}

/// Adds a field to every object, with a nested value that would not fit anywhere.
fn extend(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(extend);
            fields.insert(
                "FutureField".to_owned(),
                json!({"deep": [1.5, null, {"Id": 7}]}),
            );
            if fields.contains_key("EmailStatus") {
                fields.insert("EmailStatus".to_owned(), json!("SENT_BY_PIGEON"));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(extend),
        _ => {}
    }
}
