//! One large company: it is loaded in flat memory, what changes costs in proportion, and the comparison
//! takes no more memory than the load.

use std::time::{Duration, Instant};

use super::books::Books;
use super::place::{Outcome, Place, Wishes};
use crate::support::databases::test_stores;

/// No sync needs more memory than this, however large the company: a page of records, the statements
/// that store it, and the program itself.
const MOST_MEMORY: u64 = 256 * 1024 * 1024;

/// Customers that are billed before the increment.
const BILLED: usize = 10;

struct Scale {
    customers: usize,
    /// Each comes with about one more document.
    invoices: usize,
}

/// A sample, or with `PULSE_SCALE=full` the whole of it: a million documents.
#[expect(
    clippy::disallowed_methods,
    reason = "belongs to the tests, not to the settings"
)]
fn chosen() -> Scale {
    if std::env::var("PULSE_SCALE").is_ok_and(|scale| scale == "full") {
        Scale {
            customers: 100_000,
            invoices: 485_000,
        }
    } else {
        Scale {
            customers: 300,
            invoices: 2_000,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_company_is_loaded_in_flat_memory_at_scale() {
    let scale = chosen();
    for database in test_stores().await {
        let books = Books::start(scale.customers, scale.invoices).await;
        let place = Place::set_up(&database, &books, Wishes::default()).await;
        let (customers, documents) = books.sizes().await;
        let documents: usize = documents.values().sum();

        books.reset_counts().await;
        let load = measured(&place, "connection sync books").await;
        let load_reads = books.counts().await.reads();
        assert!(load.written >= customers + documents, "{load:?}");

        let debtors: Vec<String> = books.balances().await.into_keys().take(BILLED).collect();
        for customer in &debtors {
            books.bill(customer, "10.00").await;
        }
        books.reset_counts().await;
        let increment = measured(&place, "connection sync books").await;
        let reads = books.counts().await.reads();
        assert!(
            reads <= 5,
            "one question, and one for each level of parents: {reads}"
        );
        // An invoice, its customer and those above it each.
        let most = debtors.len() * 6;
        assert!(increment.written <= most, "{increment:?}");

        let comparison = measured(&place, "connection sync books --full").await;
        assert_eq!(comparison.written, 0, "{comparison:?}");

        let status = place.run("connection status --json").await.exits(0).stdout;
        let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
        let found = &status[0]["comparison"];
        assert!(found["lastBegan"].is_string(), "{found}");
        assert_eq!(
            (&found["mended"], &found["removed"]),
            (&0.into(), &0.into())
        );
        let status = place.run("connection status").await.exits(0).stdout;
        assert!(status.contains("equal to the ledger"), "{status}");

        for step in [&load, &increment, &comparison] {
            assert!(step.memory < MOST_MEMORY, "{step:?}");
        }
        report(&format!(
            "{}: {customers} customers, {documents} documents\n             load: {load}, {load_reads} requests\n             increment of {} invoices: {increment}, {reads} request\n             comparison: {comparison}",
            database.engine(),
            debtors.len(),
        ));
    }
}

/// What a run of the program took.
#[derive(Debug)]
struct Measured {
    took: Duration,
    /// The most memory that it held at once, in bytes; 0 where the system does not tell.
    memory: u64,
    /// Records written.
    written: usize,
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, memory) = (self.took.as_secs_f64(), self.memory / (1024 * 1024));
        write!(
            f,
            "{} records written in {seconds:.1} s with {memory} MiB",
            self.written
        )
    }
}

async fn measured(place: &Place<'_>, command: &str) -> Measured {
    let begun = Instant::now();
    let mut process = place.start(command);
    let mut memory = 0;
    while !process.has_ended() {
        memory = process.peak_memory().unwrap_or(memory);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = begun.elapsed();
    let Outcome { stdout, .. } = process.ended(Duration::from_secs(1)).await.exits(0);
    // `books: up to date. 12 records written, 3 unchanged, ...`
    let mut words = stdout.split_whitespace();
    let written = words.find_map(|word| word.parse().ok());
    Measured {
        took,
        memory,
        written: written.expect("a count"),
    }
}

#[expect(clippy::print_stdout, reason = "figures for who runs it")]
fn report(line: &str) {
    println!("{line}");
}
