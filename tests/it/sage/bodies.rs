//! Every recorded or documented body is either sent through the connector or listed as left out, with
//! the reason. A body that is neither fails the test, so none is forgotten when one is added.

use std::collections::BTreeSet;
use std::path::Path;

use financial_pulse::domain::document::{DocumentState, Side};
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::CustomerId;
use financial_pulse::provider::AccountingProvider;
use pretty_assertions::assert_eq;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{TOKEN, access, connector, decimal, pages, reference, settings};
use crate::contracts;
use crate::support::script::{Reply, ScriptedServer};

/// How a body is used, and what must come of it.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// A page of a dataset: this many rows, of which so many become records.
    Page(Dataset, u64, usize),
    /// One record of a dataset, as the only row of a page.
    Record(Dataset),
    /// A contact read alone: this name.
    Contact(&'static str),
    /// The settings that name the currency.
    Settings(&'static str),
    /// The choice of businesses: this many.
    Businesses(usize),
    /// A refusal with a status: the error's code and the provider's.
    Refusal(u16, &'static str, &'static str),
    /// A token answer.
    Token,
    /// A refused token call with a status.
    TokenRefusal(u16, &'static str),
    /// Not used; the reason.
    LeftOut(&'static str),
}

const REQUEST: Use = Use::LeftOut("a write's request; the connector only reads");

const TABLE: &[(&str, Use)] = &[
    ("doc-allocation-one-invoice-request.json", REQUEST),
    ("doc-businesses-list.json", Use::Businesses(3)),
    ("doc-contact-create-request.json", REQUEST),
    (
        "doc-contact-create-response.json",
        Use::Contact("Great Example Inc"),
    ),
    (
        "doc-contacts-list-system.json",
        Use::Page(Dataset::Customers, 2, 2),
    ),
    ("doc-credit-note-allocation-request.json", REQUEST),
    (
        "doc-error-401-no-subscription.json",
        Use::Refusal(401, "forbidden", "no_active_subscription"),
    ),
    (
        "doc-error-403-access-denied.json",
        Use::Refusal(403, "forbidden", "MultiUserAccessDenied"),
    ),
    (
        "doc-error-idempotency-mismatch.json",
        Use::Refusal(422, "rejected", "IdempotencyResourceMismatch"),
    ),
    (
        "doc-invoice-single-attributes.json",
        Use::LeftOut("an invoice read alone with two attributes; the connector reads lists only"),
    ),
    // Without a contact they are nobody's.
    (
        "doc-invoices-list-attributes.json",
        Use::Page(Dataset::Invoices, 2, 0),
    ),
    (
        "doc-page-of-quotes.json",
        Use::LeftOut("quotes never touch the accounts; its envelope is that of every list"),
    ),
    ("doc-payment-full-request.json", REQUEST),
    ("doc-payment-partly-allocated-request.json", REQUEST),
    ("doc-product-create-request.json", REQUEST),
    ("doc-product.json", Use::Record(Dataset::Items)),
    ("doc-refund-credit-note-request.json", REQUEST),
    ("doc-sales-invoice-create-request.json", REQUEST),
    (
        "doc-sales-invoice-draft.json",
        Use::Record(Dataset::Invoices),
    ),
    ("doc-stock-item.json", Use::Record(Dataset::Items)),
    (
        "doc-token-error-invalid-grant.json",
        Use::TokenRefusal(400, "consent_lost"),
    ),
    ("doc-token-response.json", Use::Token),
    (
        "recorded-contact-customer.json",
        Use::Contact("Deskpro BV Customer"),
    ),
    (
        "recorded-contact-types.json",
        Use::LeftOut("the two types of contacts; the connector knows both by id"),
    ),
    (
        "recorded-contacts-empty.json",
        Use::Page(Dataset::Customers, 0, 0),
    ),
    // Of its three rows one is a vendor; `$total` says one, which its author edited.
    (
        "recorded-contacts.json",
        Use::Page(Dataset::Customers, 3, 2),
    ),
    ("recorded-financial-settings.json", Use::Settings("GBP")),
    (
        "recorded-products-page1.json",
        Use::Page(Dataset::Items, 3, 3),
    ),
    (
        "recorded-purchase-invoices.json",
        Use::LeftOut("what the business owes is no receivable"),
    ),
    (
        "recorded-sales-estimates.json",
        Use::LeftOut("estimates never touch the accounts"),
    ),
    (
        "recorded-sales-invoice.json",
        Use::Record(Dataset::Invoices),
    ),
];

#[test]
fn every_body_is_used_or_left_out_with_a_reason() {
    let Some(folder) = contracts::folder("sage") else {
        return;
    };
    let files = std::fs::read_dir(folder.join("samples")).expect("a folder");
    let found: BTreeSet<String> = files
        .map(|entry| {
            let name = entry.expect("an entry").file_name();
            name.to_string_lossy().into_owned()
        })
        .collect();
    for (file, usage) in TABLE {
        if let Use::LeftOut(reason) = usage {
            assert!(reason.contains(' '), "{file} is left out without a reason");
        }
    }
    let listed: BTreeSet<String> = TABLE.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(listed.len(), TABLE.len(), "each is listed once");
    assert_eq!(found, listed);
}

#[tokio::test]
async fn every_body_that_is_used_means_what_it_says() {
    let Some(folder) = contracts::folder("sage") else {
        return;
    };
    for (file, usage) in TABLE {
        let path = folder.join("samples").join(file);
        if !matches!(usage, Use::LeftOut(_)) {
            check(file, *usage, contracts::json(&path), &path).await;
        }
    }
}

async fn check(file: &str, usage: Use, body: Value, path: &Path) {
    let text = || std::fs::read_to_string(path).expect("a body");
    match usage {
        Use::Page(dataset, rows, records) => {
            let server = server(dataset, body).await;
            let read = connector(settings(&server.url))
                .provider
                .page(&access(), dataset, &reference(), None, None)
                .await
                .unwrap_or_else(|error| panic!("{file}: {error}"));
            let records_of = &read.records;
            let documents = records_of.documents.iter().map(|r| r.documents.len());
            let found =
                records_of.customers.len() + records_of.items.len() + documents.sum::<usize>();
            assert_eq!((read.count, found), (rows, records), "{file}");
        }
        Use::Record(dataset) => {
            let list = json!({"$total": 1, "$page": 1, "$next": null, "$items": [body]});
            let server = server(dataset, list).await;
            let read = pages(&connector(settings(&server.url)).provider, dataset, None).await;
            let found = read[0].records.items.len() + read[0].records.documents.len();
            assert_eq!(found, 1, "{file}");
        }
        Use::Contact(name) => {
            let empty = || Reply::json(&json!({"$total": 0, "$items": []}));
            let mut replies = vec![Reply::json(&body), Reply::json(&json!({}))];
            replies.extend((0..7).map(|_| empty()));
            let server = ScriptedServer::start(replies).await;
            let customer = CustomerId::from(body["id"].as_str().expect("an id"));
            let read = connector(settings(&server.url))
                .provider
                .customer(&access(), &reference(), &customer)
                .await
                .unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(&*read.customers[0].customer.name, name, "{file}");
        }
        Use::Settings(currency) => {
            let business = json!({"id": "b", "displayed_as": "Works", "name": ""});
            let server =
                ScriptedServer::start(vec![Reply::json(&business), Reply::json(&body)]).await;
            let provider = connector(settings(&server.url)).provider;
            let read = provider.organization(&access()).await.expect("a business");
            assert_eq!(read.base_currency.code(), currency, "{file}");
            assert_eq!((&*read.name, read.multicurrency), ("Works", false));
        }
        Use::Businesses(count) => {
            let server = ScriptedServer::start(vec![Reply::json(&body)]).await;
            let provider = connector(settings(&server.url)).provider;
            let choice = provider.organizations(&TOKEN.into(), None).await;
            let choice = choice.expect("businesses");
            assert_eq!(choice.len(), count, "{file}");
            assert_eq!(&*choice[0].account, "0d40342d0287cd6b13555c54afca6c90");
            assert_eq!(choice[0].name.as_deref(), Some("Business One"));
        }
        Use::Refusal(status, code, named) => {
            let server = ScriptedServer::start(vec![Reply::status(status, text())]).await;
            let read = connector(settings(&server.url))
                .provider
                .page(&access(), Dataset::Items, &reference(), None, None)
                .await;
            let error = read.expect_err("a refusal");
            assert_eq!(error.code(), code, "{file}");
            assert!(error.to_string().contains(named), "{file}: {error}");
        }
        Use::Token => {
            let server = ScriptedServer::start(vec![Reply::json(&body)]).await;
            let provider = connector(settings(&server.url)).provider;
            let authorization = provider.authorization();
            let grant = authorization.exchange("code", None).await.expect("tokens");
            let start = super::at("2026-05-05T12:30:00Z");
            let life = |until: jiff::Timestamp| until.duration_since(start).as_secs();
            assert_eq!(life(grant.access_expires_at), 300);
            assert_eq!(grant.refresh_expires_at.map(life), Some(2_678_400));
        }
        Use::TokenRefusal(status, code) => {
            let server = ScriptedServer::start(vec![Reply::status(status, text())]).await;
            let provider = connector(settings(&server.url)).provider;
            let token = SecretString::from("refresh");
            let refused = provider.authorization().refresh(&token).await;
            assert_eq!(refused.expect_err("a refusal").code(), code, "{file}");
        }
        Use::LeftOut(_) => {}
    }
}

/// A server whose first page of a dataset is this one.
async fn server(dataset: Dataset, body: Value) -> ScriptedServer {
    // Behind it the terms of the business, or the next list.
    let behind = match dataset {
        Dataset::Items => json!({"$total": 0, "$items": []}),
        _ => json!({}),
    };
    let replies = vec![Reply::json(&body), Reply::json(&behind)];
    ScriptedServer::start(replies).await
}

#[tokio::test]
async fn the_recorded_invoice_and_customer_are_read_to_the_penny() {
    let Some(folder) = contracts::folder("sage") else {
        return;
    };
    let samples = folder.join("samples");
    let invoice = contracts::json(&samples.join("recorded-sales-invoice.json"));
    let server = server(Dataset::Invoices, json!({"$total": 1, "$items": [invoice]})).await;
    let read = pages(
        &connector(settings(&server.url)).provider,
        Dataset::Invoices,
        None,
    )
    .await;
    let document = &read[0].records.documents[0].documents[0];
    assert_eq!(document.total, decimal("6011.4"));
    assert_eq!(document.tax, decimal("1001.9"));
    assert_eq!(document.ledger_open, Some(decimal("6011.4")));
    assert_eq!(document.number.as_deref(), Some("SI-2"));
    assert_eq!(
        document.customer.as_str(),
        "be4de860ee2c447288cc31385ffa9d73"
    );
    assert_eq!(
        (document.side, document.state),
        (Side::Receivable, DocumentState::Issued)
    );
    let lines: rust_decimal::Decimal = document.lines.iter().map(|line| line.amount).sum();
    assert_eq!(lines, document.total - document.tax);

    let draft = contracts::json(&samples.join("doc-sales-invoice-draft.json"));
    let server = self::server(Dataset::Invoices, json!({"$total": 1, "$items": [draft]})).await;
    let read = pages(
        &connector(settings(&server.url)).provider,
        Dataset::Invoices,
        None,
    )
    .await;
    let document = &read[0].records.documents[0].documents[0];
    assert_eq!(document.state, DocumentState::Draft);

    let contacts = contracts::json(&samples.join("recorded-contacts.json"));
    let server = self::server(Dataset::Customers, contacts).await;
    let provider = connector(settings(&server.url)).provider;
    let read = provider
        .page(&access(), Dataset::Customers, &reference(), None, None)
        .await
        .expect("a page");
    let customer = &read.records.customers[0];
    assert_eq!(&*customer.customer.name, "Kinghorn & French");
    assert_eq!(customer.customer.credit_limit, Some(decimal("6000")));
    assert_eq!(customer.terms_id.as_deref(), Some("date_from_invoice:30"));
    // It was read without `show_balance`: not known, which is not zero.
    assert_eq!(customer.customer.ledger_balance, None);
}
