//! Webhooks: heeded long before the next poll, and never the reason why a figure is wrong.

use std::time::{Duration, Instant};

use financial_pulse::domain::freshness::Dataset;
use serde_json::{Value, json};

use super::books::{Books, REALM};
use super::mirror::Mirror;
use super::place::{Place, Process, WEBHOOK_KEY, Wishes, until};
use crate::support::databases::test_stores;

/// Polls that do not come while a test runs.
const RARELY_POLLED: Wishes = Wishes {
    lease: "60s",
    poll_seconds: 3_600,
};

/// An event of the books.
fn event(id: &str, kind: &str, entity: &str) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": "intuit.sandbox",
        "type": format!("qbo.{kind}.v1"),
        "time": "2026-05-05T12:00:00Z",
        "intuitentityid": entity,
        "intuitaccountid": REALM,
        "data": {},
    })
}

async fn outstanding(place: &Place<'_>) -> Value {
    let pulse = place.pulse().await;
    pulse["balance"]["total"]["outstanding"]["amount"].clone()
}

/// A service that has read the books and will not poll them for an hour.
async fn settled(place: &Place<'_>, books: &Books) -> Process {
    place.sync(0).await;
    books.reset_counts().await;
    let service = place.serve().await;
    until("it has polled once", async || {
        books.counts().await.asked("cdc") == 1
    })
    .await;
    service
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pulse_follows_a_webhook_long_before_the_next_poll() {
    for database in test_stores().await {
        let books = Books::start(5, 30).await;
        let place = Place::set_up(&database, &books, RARELY_POLLED).await;
        let (customer, _) = books.debtor().await;
        place.link(&customer).await;
        let _service = settled(&place, &books).await;
        let before = outstanding(&place).await;
        let invoice = books.bill(&customer, "77.77").await;
        place
            .deliver(&json!([event("e-1", "invoice.created", &invoice)]))
            .await;
        until("the pulse has followed", async || {
            outstanding(&place).await != before
        })
        .await;
        until("the event is done", async || {
            !place.has_waiting_events().await
        })
        .await;
        Mirror::read(place.store).await.assert_is(&books).await;
        // The same once more, alone and with others, tells nothing new.
        let asked = books.counts().await.asked("cdc");
        place
            .deliver(&json!([event("e-1", "invoice.created", &invoice)]))
            .await;
        place
            .deliver(&json!([
                event("e-1", "invoice.created", &invoice),
                event("e-0", "vendor.updated", "9"),
            ]))
            .await;
        assert!(!place.has_waiting_events().await);
        assert_eq!(books.counts().await.asked("cdc"), asked);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledgers_own_sender_is_heard_in_both_forms() {
    for database in test_stores().await {
        let books = Books::start(5, 30).await;
        let place = Place::set_up(&database, &books, RARELY_POLLED).await;
        let (customer, _) = books.debtor().await;
        place.link(&customer).await;
        let _service = settled(&place, &books).await;
        for style in ["cloud_events", "legacy"] {
            let hook = |mode| {
                json!({ "url": place.webhook_url(), "key": WEBHOOK_KEY, "mode": mode,
                    "style": style })
            };
            books.send_webhooks(hook("deliver")).await;
            let before = outstanding(&place).await;
            books.bill(&customer, "10.00").await;
            until("the pulse has followed", async || {
                outstanding(&place).await != before
            })
            .await;
            until("all is done", async || !place.has_waiting_events().await).await;
            assert_eq!(books.deliver(json!({ "repeat": true })).await, 200);
            assert!(!place.has_waiting_events().await, "known already");
            // Some that were held back, the last one first.
            books.send_webhooks(hook("hold")).await;
            for _ in 0..3 {
                let invoice = books.bill(&customer, "1.00").await;
                books.delete_invoice(&invoice).await;
            }
            books.pay(&customer, "5.00").await;
            assert_eq!(books.deliver(json!({ "forge": true })).await, 401);
            assert!(!place.has_waiting_events().await);
            assert_eq!(books.deliver(json!({ "reorder": true })).await, 200);
            until("all is done", async || !place.has_waiting_events().await).await;
            Mirror::read(place.store).await.assert_is(&books).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_the_process_and_any_other_may_heed_it() {
    for database in test_stores().await {
        let books = Books::start(5, 30).await;
        let wishes = Wishes {
            lease: "1s",
            ..RARELY_POLLED
        };
        let place = Place::set_up(&database, &books, wishes).await;
        place.sync(0).await;
        let (customer, _) = books.debtor().await;
        let invoice = books.bill(&customer, "12.34").await;
        // An instance that only answers; it is killed between receipt and anything else.
        let receiver = place.serve_as("serve --no-worker").await;
        place
            .deliver(&json!([event("e-1", "invoice.created", &invoice)]))
            .await;
        receiver.kill();
        assert!(place.has_waiting_events().await);
        // A run that is killed over it leaves it waiting, too.
        books
            .order(json!({ "kind": "latency", "matching": "/cdc", "times": 1,
                "milliseconds": 600_000 }))
            .await;
        let reader = place.start_sync();
        until("it asks for changes", async || books.troubles_met().await).await;
        reader.kill();
        assert!(place.has_waiting_events().await);
        books.clear_troubles().await;
        place.sync(0).await;
        assert!(!place.has_waiting_events().await);
        Mirror::read(place.store).await.assert_is(&books).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_repeated_reordered_and_false_webhooks_leave_the_mirror_right() {
    for database in test_stores().await {
        let books = Books::start(10, 60).await;
        let place = Place::set_up(&database, &books, RARELY_POLLED).await;
        let _service = settled(&place, &books).await;
        let balances = books.balances().await;
        let mut events = vec![
            // Nothing of this happened.
            event("f-1", "invoice.deleted", "1"),
            event(
                "f-2",
                "customer.merged",
                balances.keys().next().expect("one"),
            ),
            event("f-3", "payment.voided", "999999"),
            event("f-4", "customer.deleted", "no-such-customer"),
        ];
        for (n, customer) in balances.keys().enumerate() {
            let invoice = books.bill(customer, "10.01").await;
            match n % 3 {
                // Its event never comes.
                0 => {}
                1 => events.push(event(&format!("e-{n}"), "invoice.created", &invoice)),
                _ => {
                    books.delete_invoice(&invoice).await;
                    events.push(event(&format!("d-{n}"), "invoice.deleted", &invoice));
                    events.push(event(&format!("e-{n}"), "invoice.created", &invoice));
                }
            }
            if n % 2 == 0 {
                books.pay(customer, "3.00").await;
            }
        }
        for (n, event) in events.iter().rev().enumerate() {
            place.deliver(&json!([event])).await;
            if n % 2 == 0 {
                place.deliver(&json!([event, event])).await;
            }
        }
        place.deliver(&Value::Array(events)).await;
        until("all is done", async || !place.has_waiting_events().await).await;
        let mirror = Mirror::read(place.store).await;
        mirror.assert_is(&books).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_webhooks_is_answered_by_few_looks() {
    for database in test_stores().await {
        let books = Books::start(5, 30).await;
        let place = Place::set_up(&database, &books, RARELY_POLLED).await;
        let _service = settled(&place, &books).await;
        let begun = Instant::now();
        books.reset_counts().await;
        for n in 0..60 {
            let event = event(&format!("e-{n}"), "invoice.updated", "1");
            place.deliver(&json!([event])).await;
        }
        until("all is done", async || !place.has_waiting_events().await).await;
        let looks = books.counts().await.asked("cdc");
        let most = 1 + begun.elapsed().as_secs() / 5;
        assert!((1..=most).contains(&looks), "{looks} looks, {most} at most");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_is_followed_by_a_comparison() {
    for database in test_stores().await {
        let books = Books::start(5, 30).await;
        let place = Place::set_up(&database, &books, RARELY_POLLED).await;
        let _service = settled(&place, &books).await;
        let before = place.sync_state().await.compared_at;
        let (customer, _) = books.debtor().await;
        place
            .deliver(&json!([event("m-1", "customer.merged", &customer)]))
            .await;
        until("the comparison is done", async || {
            place.sync_state().await.compared_at > before
        })
        .await;
        assert!(!place.has_waiting_events().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_heeded_between_the_pages_of_a_first_load() {
    for database in test_stores().await {
        let books = Books::start(5, 30).await;
        let place = Place::set_up(&database, &books, RARELY_POLLED).await;
        books.slow_down(Duration::from_millis(500)).await;
        let _service = place.serve().await;
        until("the invoices are loaded", async || {
            let state = place.sync_state().await;
            let mut loaded = state
                .datasets
                .iter()
                .filter(|set| set.succeeded_at.is_some());
            loaded.any(|set| set.dataset == Dataset::Invoices)
        })
        .await;
        let (customer, _) = books.debtor().await;
        let invoice = books.bill(&customer, "88.88").await;
        place
            .deliver(&json!([event("e-1", "invoice.created", &invoice)]))
            .await;
        until("the event is done", async || {
            !place.has_waiting_events().await
        })
        .await;
        // The load is not at its end, and the invoice is there.
        assert_eq!(place.sync_state().await.watermark, None);
        let mirror = Mirror::read(place.store).await;
        assert!(mirror.has(Dataset::Invoices, &invoice));
        books.slow_down(Duration::ZERO).await;
        until("the load has ended", async || {
            place.sync_state().await.watermark.is_some()
        })
        .await;
        Mirror::read(place.store).await.assert_is(&books).await;
    }
}
