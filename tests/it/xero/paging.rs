//! Whatever happens to the books while they are read page by page, no record that was there
//! throughout is missed, and each is read in a form no older than the first page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use financial_pulse::domain::freshness::Dataset;
use financial_pulse::provider::AccountingProvider;
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use super::books::{Books, BooksServer, ticks};
use super::{access, at, connector, reference, settings};

const CONTACT: &str = "c67e563c-17ee-40dd-ad95-4f8c143bf740";

/// What may happen between two pages.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A new invoice, its id anywhere among the others.
    Add(u16),
    /// The nth invoice changes, and so goes to the end of the default order.
    Edit(usize),
    /// The nth invoice leaves the list. Xero's never do.
    Leave(usize),
}

fn invoice(id: u16, now: i64, version: u64) -> Value {
    json!({
        "InvoiceID": format!("{id:08x}-0000-4000-8000-000000000000"), "Type": "ACCREC",
        "Status": "AUTHORISED", "Contact": {"ContactID": CONTACT}, "CurrencyCode": "USD",
        "DateString": "2026-04-16T00:00:00", "Total": version, "UpdatedDateUTC": ticks(now)
    })
}

/// The books behind the server.
#[derive(Default)]
struct Happening {
    version: u64,
    /// Records that were there before the read began and never left.
    throughout: BTreeSet<String>,
}

impl Happening {
    fn happen(&mut self, books: &mut Books, event: Event) {
        self.version += 1;
        books.now += 1_000;
        let now = books.now;
        let rows = books.rows("Invoices");
        let count = rows.len();
        match event {
            Event::Add(id) => {
                let row = invoice(id, now, self.version);
                if !rows
                    .iter()
                    .any(|known| known["InvoiceID"] == row["InvoiceID"])
                {
                    rows.push(row);
                }
            }
            Event::Edit(nth) if count > 0 => {
                let row = &mut rows[nth % count];
                row["Total"] = json!(self.version);
                row["UpdatedDateUTC"] = ticks(now);
            }
            Event::Leave(nth) if count > 0 => {
                let row = rows.remove(nth % count);
                self.throughout
                    .remove(row["InvoiceID"].as_str().expect("an id"));
            }
            Event::Edit(_) | Event::Leave(_) => {}
        }
    }
}

fn totals(books: &mut Books) -> BTreeMap<String, String> {
    let rows = books.rows("Invoices").iter();
    rows.map(|row| {
        let id = row["InvoiceID"].as_str().expect("an id").to_owned();
        (id, row["Total"].to_string())
    })
    .collect()
}

/// Reads all pages while events happen before each; then what changed since the read began, as the
/// next poll does.
async fn read_while_changing(
    start: &BTreeSet<u16>,
    events: Vec<Vec<Event>>,
    page_size: u32,
) -> Result<(), TestCaseError> {
    let mut books = Books {
        now: 1_777_000_000_000,
        ..Books::default()
    };
    let mut happening = Happening::default();
    for id in start {
        happening.happen(&mut books, Event::Add(*id));
    }
    happening.throughout = totals(&mut books).into_keys().collect();
    let happening = Arc::new(Mutex::new(happening));
    let shared = Arc::clone(&happening);
    let mut events = events.into_iter();
    let server = BooksServer::start_changing(
        books,
        Some(Box::new(move |books, asked| {
            if asked.resource == "Invoices" && asked.since.is_none() {
                for event in events.next().unwrap_or_default() {
                    shared.lock().expect("unpoisoned").happen(books, event);
                }
            }
        })),
    )
    .await;
    let mut settings = settings(&server.url);
    settings.page_size = page_size;
    let provider = connector(settings).provider;

    let mut read: BTreeMap<String, String> = BTreeMap::new();
    let mut begun = None;
    let mut since = None;
    // The load, then the first question for changes.
    for _ in 0..2 {
        let mut cursor = None;
        loop {
            let page = provider
                .page(
                    &access(),
                    Dataset::Invoices,
                    &reference(),
                    since,
                    cursor.as_ref(),
                )
                .await
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            begun.get_or_insert(page.answered_at);
            for record in page.records.documents {
                read.insert(record.ledger_id, record.documents[0].total.to_string());
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        if since.is_none() {
            let throughout = happening.lock().expect("unpoisoned").throughout.clone();
            for id in throughout {
                prop_assert!(read.contains_key(&id), "{} was skipped by the load", id);
            }
        }
        since = begun;
    }
    for (id, total) in server.with(totals) {
        prop_assert_eq!(read.get(&id), Some(&total), "{}", id);
    }
    Ok(())
}

fn run(event: impl Strategy<Value = Event>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let inputs = (
        prop::collection::btree_set(any::<u16>(), 0..25),
        prop::collection::vec(prop::collection::vec(event, 0..4), 0..20),
        1..6_u32,
    );
    let config = Config {
        cases: 150,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&inputs, |(start, events, page_size)| {
            runtime.block_on(read_while_changing(&start, events, page_size))
        })
        .expect("nothing is missed");
}

#[test]
fn nothing_is_missed_while_records_come_and_change() {
    run(prop_oneof![
        2 => any::<u16>().prop_map(Event::Add),
        3 => any::<usize>().prop_map(Event::Edit),
    ]);
}

/// Should a record leave all the same, the pages are read again from where rows have moved.
#[test]
fn nothing_is_missed_while_records_leave() {
    run(prop_oneof![
        2 => any::<usize>().prop_map(Event::Leave),
        1 => any::<usize>().prop_map(Event::Edit),
    ]);
}

fn asked(parameters: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    parameters.iter().map(owned).collect()
}

#[tokio::test]
async fn each_list_is_asked_for_by_its_own_rules() {
    let by_id = |id: &'static str| ("order", id);
    let paged = [("page", "1"), ("pageSize", "1000")];
    let expected = [
        (Dataset::Items, "Items", vec![("unitdp", "4")]),
        (
            Dataset::Customers,
            "Contacts",
            [
                vec![by_id("ContactID ASC"), ("includeArchived", "true")],
                paged.to_vec(),
            ]
            .concat(),
        ),
        (
            Dataset::Invoices,
            "Invoices",
            [
                vec![
                    by_id("InvoiceId ASC"),
                    ("unitdp", "4"),
                    ("where", r#"Type=="ACCREC""#),
                ],
                paged.to_vec(),
            ]
            .concat(),
        ),
        (
            Dataset::CreditNotes,
            "CreditNotes",
            [
                vec![by_id("CreditNoteID ASC"), ("unitdp", "4")],
                paged.to_vec(),
            ]
            .concat(),
        ),
        (
            Dataset::Overpayments,
            "Overpayments",
            [
                vec![by_id("OverpaymentID ASC"), ("unitdp", "4")],
                paged.to_vec(),
            ]
            .concat(),
        ),
        (
            Dataset::Prepayments,
            "Prepayments",
            [
                vec![by_id("PrepaymentID ASC"), ("unitdp", "4")],
                paged.to_vec(),
            ]
            .concat(),
        ),
        (
            Dataset::Payments,
            "Payments",
            [vec![by_id("PaymentId ASC")], paged.to_vec()].concat(),
        ),
    ];
    let server = BooksServer::start(Books::default()).await;
    let connector = connector(settings(&server.url));
    for (dataset, resource, parameters) in expected {
        // Rounded down to the second, in UTC.
        for (since, header) in [
            (None, None),
            (
                Some(at("2026-04-24T12:04:04.663Z")),
                Some("2026-04-24T12:04:04Z"),
            ),
        ] {
            connector
                .provider
                .page(&access(), dataset, &reference(), since, None)
                .await
                .unwrap_or_else(|error| panic!("{resource}: {error}"));
            let last = server.with(|books| books.asked.pop().expect("a question"));
            assert_eq!(last.resource, resource);
            assert_eq!(last.parameters, asked(&parameters), "{resource}");
            assert_eq!(last.since.as_deref(), header, "{resource}");
        }
    }
    assert_eq!(connector.meter.spent(), 14, "one call a page");
}

/// A document changes its contact's balance without changing the contact.
#[tokio::test]
async fn changed_documents_bring_their_contacts_forty_to_a_call() {
    let mut books = Books {
        now: 1_777_000_000_000,
        ..Books::default()
    };
    for nth in 0..90_u16 {
        let mut row = invoice(nth, 1_777_000_000_000, 1);
        let contact = format!("{:08x}-0000-4000-8000-00000000000c", nth % 85);
        row["Contact"]["ContactID"] = json!(contact);
        books.rows("Invoices").push(row);
        if nth < 85 {
            books.rows("Contacts").push(json!({
                "ContactID": contact, "Name": format!("Contact {nth}"),
                // An archived one may still owe.
                "ContactStatus": if nth % 2 == 0 { "ARCHIVED" } else { "ACTIVE" },
                "UpdatedDateUTC": ticks(1_000_000_000_000),
                "Balances": {"AccountsReceivable": {"Outstanding": 1, "Overdue": 0}}
            }));
        }
    }
    let server = BooksServer::start(books).await;
    let connector = connector(settings(&server.url));
    let read = async |since| {
        let page = connector
            .provider
            .page(&access(), Dataset::Invoices, &reference(), since, None)
            .await
            .expect("a page");
        (page.records.documents.len(), page.records.customers.len())
    };
    let since = Some(at("2026-04-01T00:00:00Z"));
    assert_eq!(read(since).await, (90, 85));
    assert_eq!(connector.meter.spent(), 1 + 3);
    assert_eq!(read(None).await, (90, 0), "a load has read them all");
    assert_eq!(connector.meter.spent(), 5);
    assert_eq!(read(Some(at("2026-09-01T00:00:00Z"))).await, (0, 0));
    assert_eq!(connector.meter.spent(), 6, "nothing changed costs one call");
}
