//! Whatever happens to a company while it is read page by page, no record that was there throughout
//! is missed, and each is read in its newest form.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use financial_pulse::domain::freshness::Dataset;
use financial_pulse::provider::AccountingProvider;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};
use serde_json::{Value, json};

use super::{access, at, connector, reference, settings};
use crate::support::company::{Company, CompanyServer};

/// What may happen between two pages.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A new record.
    Insert,
    /// The nth record changes.
    Update(usize),
    /// The nth record goes.
    Delete(usize),
    /// Time passes, so that what comes next has another time.
    Tick,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Insert),
        4 => (0..10_000_usize).prop_map(Event::Update),
        3 => (0..10_000_usize).prop_map(Event::Delete),
        2 => Just(Event::Tick),
    ]
}

/// The books behind the server: what is where, and the time.
struct Books {
    now: Timestamp,
    next_id: u64,
    version: u64,
    /// Records that were there before the read began and were never deleted.
    throughout: BTreeSet<String>,
}

impl Books {
    fn row(&mut self, id: u64) -> Value {
        self.version += 1;
        // The version stands in the note so that forms can be told apart.
        json!({
            "Id": id.to_string(), "TxnDate": "2026-05-05", "TotalAmt": self.version,
            "CustomerRef": {"value": "7"}, "MetaData": {"LastUpdatedTime": self.now.to_string()}
        })
    }

    fn happen(&mut self, company: &mut Company, event: Event) {
        let rows = company.rows("Invoice");
        match event {
            Event::Tick => self.now += SignedDuration::from_secs(1),
            Event::Insert => {
                let row = self.row(self.next_id);
                self.next_id += 1;
                rows.push(row);
            }
            Event::Update(nth) if !rows.is_empty() => {
                let nth = nth % rows.len();
                let id = rows[nth]["Id"].as_str().and_then(|id| id.parse().ok());
                rows[nth] = self.row(id.expect("a number"));
            }
            Event::Delete(nth) if !rows.is_empty() => {
                let nth = nth % rows.len();
                let row = rows.remove(nth);
                self.throughout.remove(row["Id"].as_str().expect("an id"));
            }
            Event::Update(_) | Event::Delete(_) => {}
        }
    }
}

/// What stands at the end: each record's version.
fn versions(company: &mut Company) -> BTreeMap<String, String> {
    let rows = company.rows("Invoice").iter();
    rows.map(|row| {
        let id = row["Id"].as_str().expect("an id").to_owned();
        (id, row["TotalAmt"].to_string())
    })
    .collect()
}

/// Reads all pages while events happen before each, and compares with what stands at the end.
async fn read_while_changing(
    ties: &[usize],
    events: Vec<Vec<Event>>,
    page_size: u32,
) -> Result<(), TestCaseError> {
    let mut company = Company::default();
    let mut books = Books {
        now: at("2026-05-05T10:00:00Z"),
        next_id: 1,
        version: 0,
        throughout: BTreeSet::new(),
    };
    for tie in ties {
        for _ in 0..*tie {
            books.happen(&mut company, Event::Insert);
        }
        books.happen(&mut company, Event::Tick);
    }
    books.throughout = versions(&mut company).into_keys().collect();
    let books = Arc::new(Mutex::new(books));
    let shared = Arc::clone(&books);
    let mut events = events.into_iter();
    let change = move |company: &mut Company, statement: &str| {
        let mut books = shared.lock().expect("unpoisoned");
        // A read takes time: whatever happens next has a time that the last page did not see.
        books.happen(company, Event::Tick);
        if statement.contains("COUNT(*)") {
            return;
        }
        for event in events.next().unwrap_or_default() {
            books.happen(company, event);
        }
        books.happen(company, Event::Tick);
    };
    let server = CompanyServer::start_changing(company, Some(Box::new(change))).await;
    let mut settings = settings(&server.url);
    settings.page_size = page_size;
    let connector = connector(settings);

    let mut read = BTreeMap::new();
    let mut cursor = None;
    for _ in 0..1_000 {
        let page = connector
            .provider
            .page(
                &access(),
                Dataset::Invoices,
                &reference(),
                None,
                cursor.as_ref(),
            )
            .await
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        for record in page.records.documents {
            read.insert(record.ledger_id, record.documents[0].total.to_string());
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    prop_assert!(cursor.is_none(), "the read ends");

    // Deletions are told by other means, so only what still stands is compared.
    let standing = server.with(versions);
    let throughout = books.lock().expect("unpoisoned").throughout.clone();
    for (id, version) in standing {
        if throughout.contains(&id) {
            prop_assert_eq!(read.get(&id), Some(&version), "record {}", id);
        }
    }
    Ok(())
}

#[test]
fn no_record_that_was_there_throughout_is_missed() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let inputs = (
        prop::collection::vec(1..9_usize, 1..8),
        prop::collection::vec(prop::collection::vec(event(), 0..4), 0..30),
        1..6_u32,
    );
    let config = Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    };
    proptest::test_runner::TestRunner::new(config)
        .run(&inputs, |(ties, events, page_size)| {
            runtime.block_on(read_while_changing(&ties, events, page_size.max(2)))
        })
        .expect("nothing is missed");
}

fn quiet_company() -> Company {
    let mut company = Company::default();
    for id in 1..=60_u32 {
        let time = format!("2026-05-05T03:00:{:02}-07:00", id / 15);
        company.rows("Item").push(json!({
            "Id": id.to_string(), "Name": format!("Item {id}"), "Active": id % 3 != 0,
            "MetaData": {"LastUpdatedTime": time}
        }));
    }
    company
}

#[tokio::test]
async fn a_quiet_company_is_counted_exactly_and_inactive_names_are_read() {
    let server = CompanyServer::start(quiet_company()).await;
    for page_size in [7, 15, 16, 59, 60, 61] {
        let mut settings = settings(&server.url);
        settings.page_size = page_size;
        let connector = connector(settings);
        let (mut counted, mut expected, mut ids) = (0, Vec::new(), BTreeSet::new());
        let mut cursor = None;
        loop {
            let page = connector
                .provider
                .page(
                    &access(),
                    Dataset::Items,
                    &reference(),
                    None,
                    cursor.as_ref(),
                )
                .await
                .expect("a page");
            counted += page.count;
            expected.push(page.expected);
            ids.extend(
                page.records
                    .items
                    .into_iter()
                    .map(|item| item.id.to_string()),
            );
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((counted, ids.len()), (60, 60), "pages of {page_size}");
        assert_eq!(expected[0], Some(60), "asked for with the first page");
        assert!(expected[1..].iter().all(Option::is_none), "and only then");
    }
}

#[tokio::test]
async fn a_read_since_a_time_begins_there() {
    let server = CompanyServer::start(quiet_company()).await;
    let connector = connector(settings(&server.url));
    let since = at("2026-05-05T10:00:03.7Z");
    let page = connector
        .provider
        .page(&access(), Dataset::Items, &reference(), Some(since), None)
        .await
        .expect("a page");
    assert_eq!(page.count, 16, "from the whole second on");
    assert_eq!(
        server.with(|company| company.statements.clone()),
        [
            "SELECT * FROM Item WHERE Active IN (true, false) AND MetaData.LastUpdatedTime >= '2026-05-05T10:00:03+00:00' ORDERBY MetaData.LastUpdatedTime STARTPOSITION 1 MAXRESULTS 1000"
        ]
    );
}
