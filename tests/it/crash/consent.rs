//! A refresh of tokens cut off at each of its points. The provider kills the old refresh token when
//! it gives out a new one, so one of them cannot be recovered from; no other may need a person.

use std::time::Duration;

use financial_pulse::domain::freshness::ConnectionState;
use serde_json::{Value, json};

use super::books::{Books, OTHER_REALM, REALM};
use super::mirror::Mirror;
use super::place::{CONNECTION, Outcome, Place, Process, Wishes, until};
use crate::support::databases::test_stores;

/// Longer than any test runs: the answer never comes.
const NEVER: u64 = 600_000;

/// Small books that are mirrored, of a ledger that takes the access token no more.
async fn loaded<'a>(
    database: &'a crate::support::databases::TestStore,
    books: &Books,
) -> Place<'a> {
    let place = Place::set_up(database, books, Wishes::default()).await;
    place.sync(0).await;
    books.expire_access().await;
    books.reset_counts().await;
    place
}

/// Kills a sync as soon as it waits for an answer that does not come.
async fn killed_waiting(place: &Place<'_>, books: &Books, trouble: Value) {
    books.order(trouble).await;
    let process: Process = place.start_sync();
    until("the call waits for its answer", async || {
        books.troubles_met().await
    })
    .await;
    // An order is met when the call arrives; the work for it, if any, follows at once.
    tokio::time::sleep(Duration::from_millis(300)).await;
    process.kill();
}

fn token_answer(stage: &str) -> Value {
    json!({ "kind": "latency", "matching": "grant_type=refresh_token", "times": 1,
        "stage": stage, "milliseconds": NEVER })
}

/// What a person is told must name the command that helps.
fn assert_advises(text: &str) {
    let advice = format!("connection authorize {CONNECTION}");
    assert!(text.contains(&advice), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_the_rotation_nobody_is_needed() {
    for database in test_stores().await {
        let books = Books::start(5, 30).await;
        let place = loaded(&database, &books).await;
        killed_waiting(&place, &books, token_answer("before")).await;
        place.sync(0).await;
        assert_eq!(place.connection_state().await, ConnectionState::Active);
        assert_eq!(books.counts().await.refreshes(), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_the_tokens_were_stored_nobody_is_needed() {
    for database in test_stores().await {
        let books = Books::start(5, 30).await;
        let place = loaded(&database, &books).await;
        // The first question is refused for its token; the second, with the new one, waits.
        let second = json!({ "kind": "latency", "matching": "/cdc", "skip": 1, "times": 1,
            "milliseconds": NEVER });
        killed_waiting(&place, &books, second).await;
        place.sync(0).await;
        assert_eq!(place.connection_state().await, ConnectionState::Active);
        // The tokens of the killed process are used: no second refresh.
        assert_eq!(books.counts().await.refreshes(), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_rotation_and_storing_a_person_is_asked_once_and_figures_stay() {
    for database in test_stores().await {
        let books = Books::start(5, 30).await;
        let place = loaded(&database, &books).await;
        let (customer, owed) = books.debtor().await;
        place.link(&customer).await;
        killed_waiting(&place, &books, token_answer("after")).await;
        assert_eq!(books.counts().await.refreshes(), (1, 0));

        // The dead token is tried once; then the connection says what it needs.
        let Outcome { stderr, .. } = place.sync(3).await;
        assert_advises(&stderr);
        assert_eq!(
            place.connection_state().await,
            ConnectionState::Disconnected
        );
        let given_up = books.counts().await;
        assert_eq!(given_up.refreshes(), (2, 1));
        assert_advises(&place.sync(3).await.stderr);
        let status = place.run("connection status").await.exits(0).stdout;
        assert!(status.contains("disconnected"), "{status}");
        assert_advises(&status);
        let status = place.run("connection status --json").await.exits(0).stdout;
        let status: Value = serde_json::from_str(&status).expect("JSON");
        assert_eq!(status[0]["state"], "disconnected");
        assert_eq!(status[0]["reason"], "consent_lost");
        assert_advises(status[0]["needs"]["command"].as_str().expect("a command"));

        // The service tries nothing, and shows what was known, with its age and why.
        let _service = place.serve().await;
        let pulse = place.pulse().await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(place.pulse().await, pulse);
        assert_eq!(books.counts().await, given_up);
        assert_eq!(pulse["freshness"]["status"], "DISCONNECTED");
        assert!(pulse["freshness"]["checkedAt"].is_string());
        assert_eq!(outstanding(&pulse), Some(owed));
        let reasons = pulse["decision"]["reasons"].as_array().expect("reasons");
        assert!(
            reasons
                .iter()
                .any(|reason| reason["code"] == "DISCONNECTED"),
            "{pulse}"
        );

        authorize_again(&place, &books, &customer).await;
    }
}

/// A person consents again, first for other books by mistake; then the sync goes on by itself.
async fn authorize_again(place: &Place<'_>, books: &Books, customer: &str) {
    let address = async || {
        let command = format!("connection authorize {CONNECTION}");
        let printed = place.run(&command).await.exits(0).stdout;
        let mut words = printed.split_whitespace();
        words
            .find(|word| word.starts_with("http"))
            .expect("an address")
            .to_owned()
    };
    let wrong = books.consent(&address().await, OTHER_REALM).await;
    assert_eq!(place.open(&wrong).await, 400);
    assert_eq!(
        place.connection_state().await,
        ConnectionState::Disconnected
    );

    books.pay(customer, "1.25").await;
    let right = books.consent(&address().await, REALM).await;
    assert_eq!(place.open(&right).await, 200);
    // The code is good once.
    assert_eq!(place.open(&right).await, 400);
    let owed = books.balances().await[customer];
    until("the new payment shows", async || {
        let pulse = place.pulse().await;
        pulse["freshness"]["status"] == "FRESH" && outstanding(&pulse) == Some(owed)
    })
    .await;
    Mirror::read(place.store).await.assert_is(books).await;
}

/// What a pulse says is outstanding in its first currency.
pub(super) fn outstanding(pulse: &Value) -> Option<rust_decimal::Decimal> {
    let amount = &pulse["balance"]["byCurrency"][0]["outstanding"]["amount"];
    amount.as_str()?.parse().ok()
}
