//! Every recorded or documented body is either sent through the connector or listed as left out,
//! with the reason. A body that is neither fails the test, so none is forgotten when one is added.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use financial_pulse::domain::freshness::Dataset;
use financial_pulse::provider::http::{UNKNOWN_FIELDS, UNKNOWN_VALUES};
use financial_pulse::provider::{AccountingProvider, Page, ProviderError, ProviderResult};
use metrics_exporter_prometheus::PrometheusBuilder;
use pretty_assertions::assert_eq;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{access, at, body, connector, reference, settings};
use crate::contracts;
use crate::support::script::{Reply, ScriptedServer};

/// How a body is used, and what must come of it.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// A page of a dataset: rows, documents of ours, deletions.
    Page(Dataset, u64, usize, usize),
    /// The organization: name, currency, what its web addresses call it.
    Organization(&'static str, &'static str, &'static str),
    /// The organizations that a consent reaches.
    Connections(usize),
    /// A refusal with a status: our code, and the ledger's word.
    Refusal(u16, &'static str, &'static str),
    /// The recorded answer of status 429 with its headers.
    Throttled(u64),
    /// A token answer.
    Token,
    /// Used by another test.
    Elsewhere,
    /// Not used; the reason.
    LeftOut(&'static str),
}

use Use::{Connections, Elsewhere, LeftOut, Organization, Refusal, Throttled, Token};

const NOT_OURS: Use = LeftOut("a record or report that no figure reads");
const META: Use = LeftOut("says how another file was recorded");
const XML: Use = LeftOut("a record in XML; the connector asks for JSON");

const TABLE: &[(&str, Use)] = &[
    (
        "errors/bank-transaction-400-validation.json",
        Refusal(400, "rejected", "ValidationException"),
    ),
    (
        "errors/expired-oauth2-token.json",
        Refusal(401, "unauthorized", "TokenExpired"),
    ),
    (
        "errors/invalid-oauth2-request-token.json",
        Refusal(401, "consent_lost", "AuthenticationUnsuccessful"),
    ),
    (
        "errors/invalid-tenant-header.json",
        Refusal(403, "consent_lost", "AuthenticationUnsuccessful"),
    ),
    ("headers-2026-04/branding-themes.json", NOT_OURS),
    ("headers-2026-04/connections.json", Connections(1)),
    ("json-demo-global-2026-04/connections.json", Connections(2)),
    (
        "json-demo-global-2026-04/contact-single.json",
        Use::Page(Dataset::Customers, 1, 0, 0),
    ),
    (
        "json-demo-global-2026-04/contacts-page1.json",
        Use::Page(Dataset::Customers, 63, 0, 0),
    ),
    (
        "json-demo-global-2026-04/contacts-page2-past-end.json",
        Use::Page(Dataset::Customers, 0, 0, 0),
    ),
    (
        "json-demo-global-2026-04/contacts-unpaged.json",
        Use::Page(Dataset::Customers, 63, 0, 0),
    ),
    (
        "json-demo-global-2026-04/create-contact.json",
        Use::Page(Dataset::Customers, 1, 0, 0),
    ),
    (
        "json-demo-global-2026-04/create-credit-note.json",
        Use::Page(Dataset::CreditNotes, 1, 1, 0),
    ),
    (
        "json-demo-global-2026-04/create-invoice.json",
        Use::Page(Dataset::Invoices, 1, 1, 0),
    ),
    (
        "json-demo-global-2026-04/create-payment.json",
        Use::Page(Dataset::Payments, 1, 1, 0),
    ),
    (
        "json-demo-global-2026-04/credit-notes-page1.json",
        Use::Page(Dataset::CreditNotes, 14, 10, 0),
    ),
    (
        "json-demo-global-2026-04/credit-notes-unpaged.json",
        Use::Page(Dataset::CreditNotes, 12, 8, 0),
    ),
    // A supplier's bill yields nothing.
    (
        "json-demo-global-2026-04/invoice-single.json",
        Use::Page(Dataset::Invoices, 1, 0, 0),
    ),
    (
        "json-demo-global-2026-04/invoices-page1.json",
        Use::Page(Dataset::Invoices, 77, 36, 0),
    ),
    (
        "json-demo-global-2026-04/invoices-unpaged.json",
        Use::Page(Dataset::Invoices, 75, 34, 0),
    ),
    (
        "json-demo-global-2026-04/items.json",
        Use::Page(Dataset::Items, 29, 0, 0),
    ),
    (
        "json-demo-global-2026-04/organisation.json",
        Organization("Demo Company (Global)", "USD", "!3T6Q-"),
    ),
    (
        "json-demo-global-2026-04/payments-page1.json",
        Use::Page(Dataset::Payments, 55, 17, 10),
    ),
    (
        "json-demo-global-2026-04/payments-unpaged.json",
        Use::Page(Dataset::Payments, 55, 17, 10),
    ),
    (
        "json-demo-global-2026-04/update-contact.json",
        Use::Page(Dataset::Customers, 1, 0, 0),
    ),
    (
        "json-demo-nz-2026-09/contact-create-duplicate-name-400.json",
        Refusal(400, "rejected", "ValidationException"),
    ),
    ("json-demo-nz-2026-09/invoice-history.json", NOT_OURS),
    (
        "json-demo-nz-2026-09/invoice-not-found-404.json",
        Refusal(404, "not_found", ""),
    ),
    (
        "json-demo-nz-2026-09/rate-limit-minute-429.json",
        Throttled(26),
    ),
    ("normalised-negative-balance-2021/contact.json", Elsewhere),
    (
        "normalised-negative-balance-2021/credit-note-authorised.json",
        Elsewhere,
    ),
    (
        "normalised-negative-balance-2021/invoice-draft.json",
        Elsewhere,
    ),
    (
        "overpayments-prepayments/aged-receivables-by-contact.spec-example.json",
        NOT_OURS,
    ),
    (
        "overpayments-prepayments/prepayments-list.spec-example.json",
        Use::Page(Dataset::Prepayments, 1, 1, 0),
    ),
    (
        "raw-wire-demo-nz-2020/connections.body.json",
        Connections(1),
    ),
    (
        "raw-wire-demo-nz-2020/invoices-page1-part1.body.json",
        Use::Page(Dataset::Invoices, 52, 23, 0),
    ),
    ("raw-wire-demo-nz-2020/invoices-page1.meta.json", META),
    (
        "raw-wire-demo-nz-2020/organisation.body.json",
        Organization("Demo Company (NZ)", "NZD", "!1lqVQ"),
    ),
    ("raw-wire-demo-nz-2020/organisation.meta.json", META),
    ("raw-wire-demo-nz-2020/token-refresh.body.json", Token),
    ("raw-wire-demo-nz-2020/token-refresh.meta.json", META),
    ("webhooks/contact-update.spec-example.json", Elsewhere),
    ("webhooks/credit-note-create.spec-example.json", Elsewhere),
    ("webhooks/invoice-two-updates.body.json", Elsewhere),
    ("webhooks/itr-good.body.json", Elsewhere),
    ("webhooks/itr-good.meta.json", Elsewhere),
    ("xml-legacy/aged_receivables_by_contact.xml", XML),
    (
        "xml-legacy/api_exception.xml",
        Refusal(400, "rejected", "http_400"),
    ),
    ("xml-legacy/contact_with_details.xml", XML),
    ("xml-legacy/credit_notes.xml", XML),
    ("xml-legacy/organisation.xml", XML),
    ("xml-legacy/payments.xml", XML),
    ("xml-legacy/prepayments.xml", XML),
    ("xml-legacy/tax_rates.xml", XML),
];

#[test]
fn every_body_is_used_or_left_out_with_a_reason() {
    let Some(folder) = contracts::folder("xero") else {
        return;
    };
    let root = folder.join("samples");
    let mut found = BTreeSet::new();
    collect(&root, &root, &mut found);
    found.remove("ORIGIN.md");
    let listed: BTreeSet<String> = TABLE.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(listed.len(), TABLE.len(), "each is listed once");
    assert_eq!(found, listed);
    for (file, how) in TABLE {
        if let LeftOut(reason) = how {
            assert!(!reason.is_empty(), "{file}");
        }
    }
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

/// The bytes as they came: where a recording lies in no wrapper, exactly those.
fn raw(path: &Path) -> Vec<u8> {
    if path.extension().is_some_and(|extension| extension == "xml")
        || path.to_string_lossy().ends_with(".body.json")
    {
        return contracts::bytes(path);
    }
    match body(path) {
        Value::Null => Vec::new(),
        body => body.to_string().into_bytes(),
    }
}

#[tokio::test]
async fn every_body_that_the_connector_uses_means_what_it_should() {
    let Some(folder) = contracts::folder("xero") else {
        return;
    };
    for (file, how) in TABLE {
        check(file, *how, &folder.join("samples").join(file)).await;
    }
}

async fn check(file: &str, how: Use, path: &Path) {
    match how {
        Use::Page(dataset, rows, documents, deletions) => {
            let page = page(dataset, Reply::status(200, raw(path))).await;
            let page = page.unwrap_or_else(|error| panic!("{file}: {error}"));
            let records = &page.records;
            let found: usize = records.documents.iter().map(|r| r.documents.len()).sum();
            assert_eq!(page.count, rows, "{file}");
            assert_eq!(
                (found, records.deletions.len()),
                (documents, deletions),
                "{file}"
            );
            if dataset == Dataset::Customers {
                assert_eq!(records.customers.len() as u64, rows, "{file}");
            }
            if dataset == Dataset::Items {
                assert_eq!(records.items.len() as u64, rows, "{file}");
            }
            assert_eq!(page.next, None, "{file}");
        }
        Organization(name, currency, code) => {
            let server = ScriptedServer::start(vec![Reply::status(200, raw(path))]).await;
            let found = connector(settings(&server.url))
                .provider
                .organization(&access())
                .await
                .unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(&*found.name, name, "{file}");
            assert_eq!(found.base_currency.code(), currency, "{file}");
            assert_eq!(found.page_code.as_deref(), Some(code), "{file}");
        }
        Connections(count) => {
            let server = ScriptedServer::start(vec![Reply::status(200, raw(path))]).await;
            let reached = connector(settings(&server.url))
                .provider
                .organizations(&SecretString::from("token"), None)
                .await
                .unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(reached.len(), count, "{file}");
        }
        Refusal(status, code, theirs) => {
            let refused = page(Dataset::Invoices, Reply::status(status, raw(path))).await;
            let error = refused.expect_err("a refusal");
            assert_eq!(error.code(), code, "{file}");
            assert!(error.to_string().contains(theirs), "{file}: {error}");
        }
        Throttled(seconds) => {
            let recorded = contracts::json(path);
            let mut reply = Reply::status(429, "");
            let headers = recorded["response"]["headers"].as_object();
            for (name, value) in headers.expect("headers") {
                reply = reply.with(name, value.as_str().expect("text"));
            }
            match page(Dataset::Invoices, reply).await.expect_err("a refusal") {
                ProviderError::RateLimited { retry_after } => {
                    assert_eq!(retry_after, Duration::from_secs(seconds), "{file}");
                }
                other => panic!("{file}: {other}"),
            }
        }
        Token => {
            let server = ScriptedServer::start(vec![Reply::status(200, raw(path))]).await;
            let connector = connector(settings(&server.url));
            let old = SecretString::from("old");
            let granted = connector.provider.authorization().refresh(&old).await;
            let ends = granted.expect("a grant").access_expires_at;
            assert_eq!(ends, at("2026-04-24T16:30:00Z"), "{file}");
        }
        Elsewhere | LeftOut(_) => {}
    }
}

/// One page, without any retry.
async fn page(dataset: Dataset, reply: Reply) -> ProviderResult<Page> {
    let server = ScriptedServer::start(vec![reply]).await;
    let mut settings = settings(&server.url);
    settings.http.retry.attempts = 1;
    let provider = connector(settings).provider;
    provider
        .page(&access(), dataset, &reference(), None, None)
        .await
}

/// What is new is counted, so that someone can look; what is known and unused is not.
#[test]
fn unknown_fields_and_values_are_counted() {
    let Some(folder) = contracts::folder("xero") else {
        return;
    };
    let path = folder.join("samples/json-demo-global-2026-04/invoices-page1.json");
    let plain = body(&path);
    let mut one_more = plain.clone();
    let invoice = &mut one_more["Invoices"][0];
    invoice["FutureField"] = json!({"deep": [1.5, null]});
    invoice["Type"] = json!("ACCREC");
    invoice["Status"] = json!("ADMIRED");
    for (body, fields, values) in [(plain, None, None), (one_more, Some("1"), Some("1"))] {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let page = page(Dataset::Invoices, Reply::json(&body));
            let page = runtime.expect("a runtime").block_on(page);
            assert_eq!(page.expect("a page").count, 77);
        });
        let rendered = handle.render();
        let counted = |name: &str| {
            let line = rendered.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.rsplit(' ').next().map(str::to_owned))
        };
        assert_eq!(counted(UNKNOWN_FIELDS).as_deref(), fields, "{rendered}");
        assert_eq!(counted(UNKNOWN_VALUES).as_deref(), values, "{rendered}");
    }
}
