//! Two processes on one connection.

use std::time::Duration;

use financial_pulse::domain::freshness::ConnectionState;
use serde_json::json;

use super::books::Books;
use super::mirror::Mirror;
use super::place::{Outcome, Place, Wishes};
use crate::support::databases::test_stores;

/// Two syncs at once; nobody is killed, so that a lease may be long.
async fn two_at_once(place: &Place<'_>) -> [Outcome; 2] {
    let both = [place.start_sync(), place.start_sync()];
    let within = Duration::from_mins(2);
    let mut outcomes = Vec::new();
    for process in both {
        outcomes.push(process.ended(within).await.exits(0));
    }
    outcomes.try_into().expect("two")
}

const WISHES: Wishes = Wishes {
    lease: "60s",
    poll_seconds: 1,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_read_one_after_the_other() {
    for database in test_stores().await {
        let books = Books::start(20, 300).await;
        books.slow_down(Duration::from_millis(150)).await;
        let place = Place::set_up(&database, &books, WISHES).await;
        books.reset_counts().await;
        let outcomes = two_at_once(&place).await;
        let waited = |outcome: &&Outcome| outcome.stderr.contains("another process");
        assert_eq!(outcomes.iter().filter(waited).count(), 1, "{outcomes:?}");
        // What the first has read, the second does not read again.
        let counts = books.counts().await;
        for entity in ["Customer", "Invoice", "Payment", "CreditMemo", "Deposit"] {
            assert_eq!(counts.asked(&format!("query {entity}")), 1, "{entity}");
        }
        let mirror = Mirror::read(place.store).await;
        mirror.assert_is(&books).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_wanted_by_two_are_refreshed_once() {
    for database in test_stores().await {
        let books = Books::start(5, 30).await;
        let place = Place::set_up(&database, &books, WISHES).await;
        place.sync(0).await;
        books.expire_access().await;
        books.reset_counts().await;
        // Time enough for the other one to come to the same idea.
        let slow = json!({ "kind": "latency", "matching": "grant_type=refresh_token",
            "stage": "after", "milliseconds": 1_500 });
        books.order(slow).await;
        two_at_once(&place).await;
        assert_eq!(books.counts().await.refreshes(), (1, 0));
        assert_eq!(place.connection_state().await, ConnectionState::Active);
    }
}
