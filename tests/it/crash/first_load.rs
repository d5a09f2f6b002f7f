//! A first load that is killed, or told to stop.

use std::time::{Duration, Instant};

use financial_pulse::domain::freshness::Dataset;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use super::books::Books;
use super::mirror::Mirror;
use super::place::{Outcome, Place, Process, Wishes, until};
use crate::support::databases::{TestStore, test_stores};

/// Decides when the process is killed and what happens in the books meanwhile.
const SEED: u64 = 20_261_123;

/// How much is loaded and how often it is killed.
struct Scale {
    customers: usize,
    invoices: usize,
    kills: u32,
    /// The longest that a process may read before it is killed.
    life: Duration,
    /// How long the ledger takes for a query: without it a small load would be over too soon.
    delay: Duration,
}

impl Scale {
    /// A sample, or with `PULSE_SCALE=full` the whole of it.
    #[expect(
        clippy::disallowed_methods,
        reason = "belongs to the tests, not to the settings"
    )]
    fn chosen() -> Self {
        if std::env::var("PULSE_SCALE").is_ok_and(|scale| scale == "full") {
            Self {
                customers: 2_000,
                invoices: 50_000,
                kills: 12,
                life: Duration::from_millis(2_500),
                delay: Duration::ZERO,
            }
        } else {
            Self {
                customers: 120,
                invoices: 2_000,
                kills: 5,
                life: Duration::from_millis(400),
                delay: Duration::from_millis(40),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_load_killed_at_any_moment_loses_and_doubles_nothing_at_scale() {
    let scale = Scale::chosen();
    // A second database of each engine, for a load that nobody disturbs.
    let pairs = test_stores().await.into_iter().zip(test_stores().await);
    for (one, other) in pairs {
        let books = Books::start(scale.customers, scale.invoices).await;
        books.slow_down(scale.delay).await;
        let disturbed = Disturbed::load(&one, &books, &scale).await;
        disturbed.mirror.assert_is(&books).await;

        let place = Place::set_up(&other, &books, Wishes::default()).await;
        books.reset_counts().await;
        let begun = Instant::now();
        place.sync(0).await;
        let took = begun.elapsed();
        let calm_reads = books.counts().await.reads();
        let mirror = Mirror::read(place.store).await;
        disturbed.mirror.assert_same(&mirror);

        // A kill costs the page in hand and no more.
        let most = calm_reads + 2 * u64::from(disturbed.kills) + 2;
        assert!(disturbed.reads <= most, "{} > {most}", disturbed.reads);
        let documents = mirror.documents();
        report(&format!(
            "{}: {documents} documents of {} invoices; {} kills, {} requests in {:.1} s (undisturbed: \
             {calm_reads} in {:.1} s, {} documents/s)",
            other.engine(),
            scale.invoices,
            disturbed.kills,
            disturbed.reads,
            disturbed.took.as_secs_f64(),
            took.as_secs_f64(),
            per_second(documents, took),
        ));
    }
}

/// A first load that was killed again and again while the books went on changing.
struct Disturbed {
    mirror: Mirror,
    kills: u32,
    reads: u64,
    took: Duration,
}

impl Disturbed {
    async fn load(database: &TestStore, books: &Books, scale: &Scale) -> Self {
        let mut random = StdRng::seed_from_u64(SEED);
        let place = Place::set_up(database, books, Wishes::default()).await;
        books.reset_counts().await;
        let begun = Instant::now();
        let mut kills = 0;
        let mut billed: Option<String> = None;
        while kills < scale.kills {
            let mut process = place.start_sync();
            let reads = books.counts().await.reads();
            until("it reads", async || {
                process.has_ended() || books.counts().await.reads() > reads
            })
            .await;
            tokio::time::sleep(random.random_range(Duration::ZERO..=scale.life)).await;
            if process.has_ended() {
                break;
            }
            process.kill();
            kills += 1;
            // Life goes on meanwhile: money comes in, goods go out, an invoice is taken back that
            // may be mirrored already.
            let (customer, _) = books.debtor().await;
            books.pay(&customer, "7.31").await;
            if let Some(id) = billed.take() {
                books.delete_invoice(&id).await;
            }
            billed = Some(books.bill(&customer, "19.99").await);
        }
        assert!(
            kills >= 3,
            "killed {kills} times only: the load was too quick"
        );
        place.sync(0).await;
        let (reads, took) = (books.counts().await.reads(), begun.elapsed());
        let again = place.sync(0).await.stdout;
        assert!(again.contains(" 0 records written"), "{again}");
        Self {
            mirror: Mirror::read(place.store).await,
            kills,
            reads,
            took,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_before_the_kill_is_found_after_it() {
    for database in test_stores().await {
        let books = Books::start(10, 40).await;
        let place = Place::set_up(&database, &books, Wishes::default()).await;
        // Customers and invoices are read; the payments are not, for a long while.
        let trouble =
            json!({ "kind": "latency", "matching": "FROM Payment", "milliseconds": 60_000 });
        books.order(trouble).await;
        let process = place.start_sync();
        until("invoices are read", async || {
            has_read(&place, Dataset::Invoices).await
        })
        .await;
        let (customer, _) = books.debtor().await;
        books.bill(&customer, "100.00").await;
        // Longer than the overlap: only the right watermark finds the invoice.
        tokio::time::sleep(Duration::from_secs(4)).await;
        process.kill();
        books.clear_troubles().await;
        place.sync(0).await;
        Mirror::read(place.store).await.assert_is(&books).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_killed_before_it_was_noted_as_complete_is_compared_by_the_next_run() {
    for database in test_stores().await {
        let books = Books::start(5, 20).await;
        let place = Place::set_up(&database, &books, Wishes::default()).await;
        // All datasets are read; the question for what changed meanwhile is not answered.
        let trouble =
            json!({ "kind": "latency", "matching": "/cdc", "times": 1, "milliseconds": 60_000 });
        books.order(trouble).await;
        let process = place.start_sync();
        until("changes are asked for", async || books.troubles_met().await).await;
        process.kill();
        assert_eq!(place.sync_state().await.compared_at, None);
        place.sync(0).await;
        // Without it, none would ever be due.
        assert!(place.sync_state().await.compared_at.is_some());
        Mirror::read(place.store).await.assert_is(&books).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_told_to_stop_ends_in_order_and_the_next_goes_on() {
    for database in test_stores().await {
        let books = Books::start(40, 1_200).await;
        books.slow_down(Duration::from_millis(300)).await;
        let place = Place::set_up(&database, &books, Wishes::default()).await;
        books.reset_counts().await;
        let service = place.serve().await;
        stop_half_way(&place, service).await.exits(0);
        // The lease was given back: nobody waits for it.
        let next = place.sync(0).await;
        assert_eq!(next.stderr, "");
        Mirror::read(place.store).await.assert_is(&books).await;
        // A page that was stored is not read again.
        assert_eq!(books.counts().await.asked("query Customer"), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_told_to_stop_gives_the_connection_back() {
    for database in test_stores().await {
        let books = Books::start(40, 1_200).await;
        books.slow_down(Duration::from_millis(300)).await;
        let place = Place::set_up(&database, &books, Wishes::default()).await;
        let outcome = stop_half_way(&place, place.start_sync()).await.exits(1);
        assert!(outcome.stderr.contains("goes on from here"), "{outcome:?}");
        let next = place.sync(0).await;
        assert_eq!(next.stderr, "");
        Mirror::read(place.store).await.assert_is(&books).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_started_after_a_kill_does_not_wait_for_its_next_poll() {
    for database in test_stores().await {
        let books = Books::start(10, 40).await;
        books.slow_down(Duration::from_millis(100)).await;
        let wishes = Wishes {
            lease: "3s",
            poll_seconds: 3_600,
        };
        let place = Place::set_up(&database, &books, wishes).await;
        let service = place.serve().await;
        until("the load has begun", async || {
            has_read(&place, Dataset::Customers).await
        })
        .await;
        service.kill();
        let _service = place.serve().await;
        let begun = Instant::now();
        until("the load is done", async || {
            place.sync_state().await.watermark.is_some()
        })
        .await;
        assert!(begun.elapsed() < Duration::from_mins(1));
        Mirror::read(place.store).await.assert_is(&books).await;
    }
}

/// Tells a process to stop when customers are mirrored and payments are not.
async fn stop_half_way(place: &Place<'_>, process: Process) -> Outcome {
    until("the load has begun", async || {
        has_read(place, Dataset::Customers).await
    })
    .await;
    process.terminate();
    // The grace is ten seconds; what is in hand ends long before.
    let outcome = process.ended(Duration::from_secs(10)).await;
    assert_eq!(
        place.sync_state().await.watermark,
        None,
        "it was done already"
    );
    outcome
}

/// Whether a dataset is mirrored to its end.
async fn has_read(place: &Place<'_>, dataset: Dataset) -> bool {
    let state = place.sync_state().await;
    let mut read = state
        .datasets
        .iter()
        .filter(|state| state.succeeded_at.is_some());
    read.any(|state| state.dataset == dataset)
}

fn per_second(documents: usize, took: Duration) -> u128 {
    let documents = u128::try_from(documents).unwrap_or_default();
    documents * 1_000 / took.as_millis().max(1)
}

#[expect(clippy::print_stdout, reason = "what was measured, with --nocapture")]
fn report(line: &str) {
    println!("{line}");
}
