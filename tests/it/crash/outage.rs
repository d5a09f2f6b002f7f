//! The ledger is down: what is known is shown with its age, what is not known is not made up.

use std::time::Duration;

use financial_pulse::domain::freshness::ConnectionState;
use jiff::Timestamp;
use serde_json::Value;

use super::books::Books;
use super::consent::outstanding;
use super::place::{Place, Wishes, until};
use crate::support::databases::test_stores;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_ledger_down_every_pulse_is_served_with_its_age() {
    for database in test_stores().await {
        let mut books = Books::start(5, 30).await;
        let place = Place::set_up(&database, &books, Wishes::default()).await;
        let (customer, owed) = books.debtor().await;
        place.link(&customer).await;
        let _service = place.serve().await;
        until("the books are loaded", async || {
            place.pulse().await["freshness"]["status"] == "FRESH"
        })
        .await;
        let before = place.pulse().await;
        books.shut_down().await;
        until("the figures are old", async || {
            place.pulse().await["freshness"]["status"] == "STALE"
        })
        .await;
        let stale = place.pulse().await;
        assert_eq!(outstanding(&stale), Some(owed));
        assert!(checked_at(&stale) >= checked_at(&before));
        for figure in ["balance", "credit", "decision", "purchases", "behavior"] {
            assert_eq!(stale[figure], before[figure], "{figure}");
        }
        // An age does not grow back: nothing was read.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let later = place.pulse().await;
        assert_eq!(later, stale);
        assert_eq!(place.connection_state().await, ConnectionState::Active);
        // The command says that it failed, and that no person is needed.
        place.sync(1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_ledger_down_from_the_start_nothing_is_zero_and_nothing_is_ok() {
    for database in test_stores().await {
        let mut books = Books::start(5, 30).await;
        let place = Place::set_up(&database, &books, Wishes::default()).await;
        let (customer, _) = books.debtor().await;
        place.link(&customer).await;
        books.shut_down().await;
        let _service = place.serve().await;
        for _ in 0..3 {
            let pulse = place.pulse().await;
            for figure in ["balance", "credit", "purchases", "behavior"] {
                assert_eq!(pulse[figure], Value::Null, "{figure}: {pulse}");
            }
            assert_eq!(pulse["freshness"]["checkedAt"], Value::Null);
            assert_ne!(pulse["freshness"]["status"], "FRESH");
            assert_eq!(pulse["decision"]["result"], "UNKNOWN");
            let text = pulse.to_string();
            for word in ["\"0", "\"OK\"", ":0"] {
                assert!(!text.contains(word), "{word}: {text}");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

fn checked_at(pulse: &Value) -> Timestamp {
    let at = pulse["freshness"]["checkedAt"].as_str().expect("a time");
    at.parse().expect("a time")
}
