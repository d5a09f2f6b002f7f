//! The bodies recorded from a running server: each is read by the connector, or listed as left out with
//! the reason, so that none is forgotten when one is added.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use financial_pulse::domain::books::CustomerBooks;
use financial_pulse::domain::document::DocumentState;
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::history::History;
use financial_pulse::domain::records::Records;
use financial_pulse::domain::tie_out::{TieOutStatus, tie_out};
use financial_pulse::provider::{
    Access, AccountingProvider, Page, ProviderError, ProviderResult, Purpose, Reference,
};
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::connector;
use crate::contracts;
use crate::support::script::{Reply, ScriptedServer};

/// What a recorded exchange is good for.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// Part of the recorded company, which has to tie.
    Company,
    /// A record of parties, alone or in a list: so many customers.
    Parties(usize),
    /// A refusal: our code, and the provider's where we keep it.
    Refusal(&'static str),
    /// Not used; the reason.
    LeftOut(&'static str),
}

const FEWER: Use = Use::LeftOut("asks for fewer fields than the connector does");
const WRITE: Use = Use::LeftOut("a write; the connector only reads");
const RPC: Use = Use::LeftOut("a read by RPC, which the connector does not speak");
const SESSION: Use = Use::LeftOut("a session of RPC; the connector has a key");
const RPC_FAULT: Use = Use::LeftOut("a fault inside the answer of an RPC");
const LOG: Use = Use::LeftOut("the audit log, which only an administrator may read");
const SALE: Use = Use::LeftOut("sale orders, which no figure reads");

const TABLE: &[(&str, Use)] = &[
    ("rest-01-party", Use::Parties(1)),
    ("rest-02-party-default", FEWER),
    ("rest-03-parties-range", FEWER),
    ("rest-04-invoices", FEWER),
    ("rest-05-invoice-default", FEWER),
    ("rest-06-no-context", FEWER),
    ("rest-07-bad-key", Use::Refusal("unauthorized")),
    ("rest-08-not-found", Use::Refusal("not_found")),
    ("rest-09-address-put", WRITE),
    ("rest-10-range-past-end", Use::Refusal("rejected")),
    ("rest-11-lines", Use::Company),
    ("rpc-01-version", SESSION),
    ("rpc-02-db-list", SESSION),
    ("rpc-03-login", SESSION),
    ("rpc-04-login-wrong", SESSION),
    ("rpc-05-preferences", SESSION),
    ("rpc-06-party-read", RPC),
    ("rpc-07-party-search-read", Use::Company),
    ("rpc-08-invoice-search-read", Use::Company),
    ("rpc-09-receivable-lines", Use::Company),
    ("rpc-10-incremental", RPC),
    ("rpc-11-search-count", RPC),
    ("rpc-12-products", Use::Company),
    ("rpc-13-address-read", RPC),
    ("rpc-14-address-write", WRITE),
    ("rpc-15-address-after", RPC),
    ("rpc-16-party-create", WRITE),
    ("rpc-17-credit-limit-write", WRITE),
    ("rpc-18-invoice-defaults", RPC),
    ("rpc-19-party-invoice-fields", RPC),
    ("rpc-20-bad-method", Use::Refusal("forbidden")),
    ("rpc-21-bad-field", RPC_FAULT),
    ("rpc-22-missing-record", RPC_FAULT),
    ("rpc-23-bad-session", Use::Refusal("unauthorized")),
    ("rpc-24-no-auth", Use::Refusal("unauthorized")),
    ("rpc-25-post-stale-timestamp", RPC_FAULT),
    ("rpc-26-unique-or-required", RPC_FAULT),
    ("rpc-30-invoice-create", WRITE),
    ("rpc-31-accounts", RPC),
    ("rpc-32-journals", RPC),
    ("rpc-33-taxes", RPC),
    ("rpc-34-party-for-invoice", RPC),
    ("rpc-35-invoice-create", WRITE),
    ("rpc-36-invoice-update-taxes", Use::Refusal("forbidden")),
    ("rpc-37-invoice-post", WRITE),
    ("rpc-38-invoice-after", RPC),
    ("rpc-39-party-after", RPC),
    ("rpc-40-past-invoice-warning", WRITE),
    ("rpc-41-post-warning", WRITE),
    ("rpc-44-party-to-delete", WRITE),
    ("rpc-45-party-delete", WRITE),
    ("rpc-46-model-log", LOG),
    ("rpc-47-active-false", WRITE),
    ("rpc-48-inactive-hidden", RPC),
    ("rpc-49-inactive-shown", RPC),
    ("rpc-50-gzip-size", RPC),
    ("rpc-60-admin-login", SESSION),
    ("rpc-61-admin-preferences", SESSION),
    ("rpc-62-model-log", LOG),
    ("rpc-63-pay-wizard-create", WRITE),
    ("rpc-64-pay-wizard-start", WRITE),
    ("rpc-65-payment-methods", RPC),
    ("rpc-66-pay-wizard-choice", WRITE),
    ("rpc-67-pay-wizard-pay", WRITE),
    ("rpc-68-pay-wizard-delete", WRITE),
    ("rpc-69-invoice-after-payment", RPC),
    ("rpc-70-sale-create", SALE),
    ("rpc-71-sale-quote", SALE),
    ("rpc-72-sale-confirm-over-limit", SALE),
    ("rpc-73-sale-create-administrator", SALE),
    ("rpc-73-sale-create-group-member", SALE),
    ("rpc-74-sale-quote-administrator", SALE),
    ("rpc-74-sale-quote-group-member", SALE),
    ("rpc-75-sale-confirm-over-limit-administrator", SALE),
    ("rpc-75-sale-confirm-over-limit-group-member", SALE),
    ("rpc-80-bulk-create", WRITE),
    ("rpc-81-bulk-read", RPC),
    ("rpc-99-logout", SESSION),
];

fn access() -> Access {
    Access {
        account: "books/1".into(),
        token: SecretString::from("key-of-the-test"),
        purpose: Purpose::Increment,
    }
}

fn reference() -> Reference {
    Reference {
        base_currency: Some("GBP".parse().expect("a currency")),
        ..Reference::default()
    }
}

async fn page(server: &ScriptedServer, dataset: Dataset) -> ProviderResult<Page> {
    let provider = connector(&server.url, "books");
    provider
        .page(&access(), dataset, &reference(), None, None)
        .await
}

fn recorded(folder: &Path, name: &str) -> Value {
    contracts::json(&folder.join("pairs").join(format!("{name}.json")))["response"].clone()
}

/// The rows of an RPC's answer as REST spells them: without the dots at the ends of names.
fn rows(folder: &Path, name: &str) -> Vec<Value> {
    let body = recorded(folder, name)["body_json"].clone();
    let rows = body.get("result").unwrap_or(&body);
    let rows = rows.as_array().expect("rows");
    rows.iter().map(without_dots).collect()
}

fn without_dots(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.trim_end_matches('.').to_owned(), without_dots(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(values) => values.iter().map(without_dots).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_recorded_exchange_is_used_or_left_out_for_a_reason() {
    let Some(folder) = contracts::folder("tryton") else {
        return;
    };
    let files: BTreeSet<String> = std::fs::read_dir(folder.join("pairs"))
        .expect("the exchanges")
        .map(|entry| entry.expect("readable").path())
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let listed: BTreeSet<String> = TABLE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, listed);
    for (name, used) in TABLE {
        if let Use::LeftOut(reason) = used {
            assert!(!reason.is_empty(), "{name}");
        }
    }
}

#[tokio::test]
async fn recorded_parties_and_refusals_are_read_by_their_meaning() {
    let Some(folder) = contracts::folder("tryton") else {
        return;
    };
    for (name, used) in TABLE {
        match used {
            Use::Parties(count) => {
                let body = &recorded(&folder, name)["body_json"];
                let mut body = body.clone();
                // The recorded question left it out; the record was written since.
                body["create_date"] = Value::Null;
                let server = ScriptedServer::start(vec![Reply::json(&json!([body]))]).await;
                let page = page(&server, Dataset::Customers).await.expect("it reads");
                assert_eq!(page.records.customers.len(), *count, "{name}");
                let customer = &page.records.customers[0].customer;
                assert_eq!(
                    customer.ledger_balance,
                    Some("562.80".parse().expect("562.80"))
                );
                assert_eq!(customer.credit_limit, Some(Decimal::from(1000)));
                assert_eq!(
                    customer.changed_at.to_string(),
                    "2026-11-22T08:34:11.204118Z"
                );
            }
            Use::Refusal(code) => {
                let answer = recorded(&folder, name);
                let status = answer["status"].as_u64().expect("a status");
                let body = answer["body_text"].as_str().unwrap_or_default().to_owned();
                let status = u16::try_from(status).expect("a status");
                let server = ScriptedServer::start(vec![Reply::status(status, body)]).await;
                let provider = connector(&server.url, "books");
                let refused = provider.organization(&access()).await;
                let found = match refused {
                    // For a company that is missing, the account is wrong.
                    Err(ProviderError::Misconfigured { .. }) => "not_found",
                    Err(error) => error.code(),
                    Ok(_) => "ok",
                };
                assert_eq!(found, *code, "{name}");
            }
            Use::Company | Use::LeftOut(_) => {}
        }
    }
}

/// The recorded customer with an invoice paid in part, one open, a credit note and a draft. What the
/// recorded questions left out of a line is added: the type of the journal.
struct Company {
    products: Vec<Value>,
    parties: Vec<Value>,
    invoices: Vec<Value>,
    moves: Vec<Value>,
}

const PARTY: i64 = 2;
const PAYMENT: i64 = 19;

impl Company {
    fn of(folder: &Path) -> Self {
        let mut lines = rows(folder, "rpc-09-receivable-lines");
        let by_rest = rows(folder, "rest-11-lines");
        for line in &mut lines {
            let same = by_rest.iter().find(|other| other["id"] == line["id"]);
            let same = same.expect("both ways tell of the same lines");
            assert_eq!(
                (&line["debit"], &line["date"]),
                (&same["debit"], &same["date"])
            );
            let posted_by = line["move"]["id"].clone();
            line["move_origin"] = same["move_origin"].clone();
            line["move"] = posted_by;
            let journal = if line["id"] == PAYMENT {
                "cash"
            } else {
                "revenue"
            };
            line["journal"] = json!({"type": journal});
        }
        let line = |id: &Value| lines.iter().find(|line| line["id"] == *id);
        let mut invoices = rows(folder, "rpc-08-invoice-search-read");
        invoices.retain(|invoice| invoice["party"] == PARTY);
        for invoice in &mut invoices {
            for field in ["lines_to_pay", "payment_lines"] {
                let ids = invoice[field].as_array().expect("ids").clone();
                invoice[field] = ids
                    .iter()
                    .map(|id| line(id).expect("recorded"))
                    .cloned()
                    .collect();
            }
        }
        let payment = line(&json!(PAYMENT)).expect("recorded").clone();
        let moves = vec![json!({
            "id": payment["move"],
            "number": "6",
            "date": payment["date"],
            "origin": payment["move_origin"],
            "lines": [payment],
            "create_date": invoices[0]["create_date"],
        })];
        let mut parties = rows(folder, "rpc-07-party-search-read");
        parties.retain(|party| party["id"] == PARTY);
        let mut products = rows(folder, "rpc-12-products");
        for row in products.iter_mut().chain(&mut parties) {
            row["create_date"] = row["write_date"].clone();
        }
        Self {
            products,
            parties,
            invoices,
            moves,
        }
    }

    /// Every dataset, read by the connector.
    async fn read(&self) -> Records {
        let owned: Value = self
            .invoices
            .iter()
            .map(|invoice| json!({"id": invoice["id"], "move": invoice["move"]}))
            .collect();
        let list = |rows: &Vec<Value>| Reply::json(&json!(rows));
        let script = vec![
            list(&self.products),
            list(&self.parties),
            list(&self.invoices),
            Reply::json(&owned),
            list(&self.moves),
            Reply::json(&owned),
        ];
        let server = ScriptedServer::start(script).await;
        let mut records = Records::default();
        for dataset in [
            Dataset::Items,
            Dataset::Customers,
            Dataset::Invoices,
            Dataset::Payments,
        ] {
            let page = page(&server, dataset).await;
            let page = page.unwrap_or_else(|error| panic!("{}: {error}", dataset.as_str()));
            assert_eq!(page.next, None, "{}", dataset.as_str());
            records.items.extend(page.records.items);
            records.customers.extend(page.records.customers);
            records.documents.extend(page.records.documents);
        }
        assert_eq!(server.left(), 0);
        let received = server.received();
        assert!(received.iter().all(|request| {
            request.header("authorization") == Some("bearer key-of-the-test")
                && request.target.starts_with("/books/rest/model/")
                && request.header("x-tryton-context").is_some()
        }));
        records
    }
}

fn books(records: Records) -> [Arc<CustomerBooks>; 1] {
    let customer = records.customers.into_iter().next().expect("a customer");
    let (documents, applications): (Vec<_>, Vec<_>) = records
        .documents
        .into_iter()
        .map(|record| (record.documents, record.applications))
        .unzip();
    [Arc::new(CustomerBooks {
        connection: "books".into(),
        customer: customer.customer,
        documents: documents.concat(),
        applications: applications.concat(),
    })]
}

#[tokio::test]
async fn the_recorded_customer_ties_and_a_cent_is_told() {
    let Some(folder) = contracts::folder("tryton") else {
        return;
    };
    let mut company = Company::of(&folder);
    let records = company.read().await;
    let names: Vec<_> = records.items.iter().map(|item| &*item.name).collect();
    assert_eq!(
        names,
        ["Bolt M8 (box of 100)", "Nut M8 (box of 100)", "Delivery"]
    );
    let books_as_recorded = books(records);
    let history = History::of(&books_as_recorded);
    let day = jiff::civil::date(2026, 11, 22);
    let told = tie_out(&history, day);
    assert_eq!(told.status, TieOutStatus::Ties);
    assert_eq!(
        told.ours.map(|money| money.to_string()).as_deref(),
        Some("562.80 GBP")
    );

    let mut open: Vec<_> = history
        .entries()
        .iter()
        .filter(|entry| entry.document.state == DocumentState::Issued)
        .map(|entry| {
            let due = entry.document.due_on.map(|due| due.to_string());
            (
                entry.document.id.to_string(),
                entry.open_on(day).to_string(),
                due,
            )
        })
        .collect();
    open.sort();
    let due = |day: &str| Some(day.to_owned());
    assert_eq!(
        open,
        [
            ("credit_note:5".to_owned(), "48".to_owned(), None),
            (
                "invoice:1".to_owned(),
                "370.8".to_owned(),
                due("2026-10-08")
            ),
            ("invoice:3".to_owned(), "240".to_owned(), due("2026-12-12")),
            ("payment:6#2".to_owned(), "0".to_owned(), None),
        ]
    );
    // What the ledger says of each document agrees, too.
    for entry in history.entries() {
        if let Some(stated) = entry.document.ledger_open {
            assert_eq!(entry.open_undated(), stated, "{}", entry.document.id);
        }
    }

    let credit = json!({"__class__": "Decimal", "decimal": "120.01"});
    company.moves[0]["lines"][0]["credit"] = credit;
    let altered = books(company.read().await);
    match tie_out(&History::of(&altered), day).status {
        TieOutStatus::Differs { difference, .. } => {
            assert_eq!(difference.to_string(), "-0.01 GBP");
        }
        other => panic!("the difference of a cent is not told: {other:?}"),
    }
}

#[tokio::test]
async fn a_server_without_credit_limits_is_asked_without_them() {
    let unknown = "<!doctype html>\n<title>500</title>\n<h1>Error</h1>\n<p>&#39;credit_limit_amount&#39;</p>\n";
    let party = json!([{
        "id": 4, "name": "Crag", "currency": {"code": "GBP"}, "receivable": null,
        "write_date": {"__class__": "datetime", "year": 2026, "month": 1, "day": 2, "hour": 3,
            "minute": 4, "second": 5, "microsecond": 6},
    }]);
    let server = ScriptedServer::start(vec![
        Reply::status(500, unknown),
        Reply::json(&party),
        Reply::json(&party),
    ])
    .await;
    let provider = connector(&server.url, "books");
    for _ in 0..2 {
        let page = provider
            .page(&access(), Dataset::Customers, &reference(), None, None)
            .await
            .expect("it reads");
        let customer = &page.records.customers[0].customer;
        assert_eq!(
            (customer.credit_limit, customer.ledger_balance),
            (None, None)
        );
    }
    let asked: Vec<_> = server
        .received()
        .iter()
        .map(|request| request.target.contains("credit_limit_amount"))
        .collect();
    assert_eq!(asked, [true, false, false]);
}

#[tokio::test]
async fn a_page_that_does_not_go_on_is_a_fault_and_not_an_endless_read() {
    let row = |id: i64| json!({"id": id, "name": "Rope"});
    let page: Value = (1..=7).map(row).collect();
    let server = ScriptedServer::start(vec![
        Reply::json(&page),
        Reply::json(&page),
        Reply::json(&page),
    ])
    .await;
    let provider = connector(&server.url, "books");
    let read = |cursor| {
        let provider = &provider;
        async move {
            provider
                .page(&access(), Dataset::Items, &reference(), None, cursor)
                .await
        }
    };
    let first = read(None).await.expect("it reads");
    let again = read(first.next.as_ref()).await;
    assert_eq!(
        again.map(drop).map_err(|error| error.code()),
        Err("malformed")
    );
}
