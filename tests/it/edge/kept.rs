//! Kept answers: equal to those made anew, and never past the moment at which they would differ.

use financial_pulse::auth::Role;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{App, CONTACT, invoice, noon};
use financial_pulse::domain::records::Records;

const FRESH: [(&str, &str); 1] = [("cache-control", "no-cache")];

fn question() -> Value {
    json!({
        "query": "query ($id: ID!) { contact(id: $id) { pulse { asOf freshness { status checkedAt } \
            decision { result inputsHash } balance { total { outstanding { amount } } } \
            transactions(first: 5) { nodes { id status daysPastDue } } } } }",
        "variables": {"id": CONTACT}
    })
}

/// Asks twice for a kept answer and once for a new one; all three must be the same bytes.
async fn same_three_times(app: &App, token: &str) -> Value {
    let first = app.send(token, &question(), &[]).await;
    let kept = app.send(token, &question(), &[]).await;
    let fresh = app.send(token, &question(), &FRESH).await;
    assert_eq!(first.text, kept.text);
    assert_eq!(kept.text, fresh.text, "kept and made anew differ");
    fresh.json()["data"]["contact"]["pulse"].clone()
}

#[tokio::test]
async fn kept_bytes_equal_those_made_anew() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    same_three_times(&app, &token).await;
    assert_eq!(app.endpoint.answers().size().0, 1);
    let other = app.token(Role::Rep).await;
    app.send(&other, &question(), &[]).await;
    assert_eq!(
        app.endpoint.answers().size().0,
        1,
        "whoever may see the same shares the answer"
    );
    let finance = app.token(Role::Finance).await;
    app.send(&finance, &question(), &[]).await;
    assert_eq!(
        app.endpoint.answers().size().0,
        2,
        "another role, another answer"
    );
}

#[tokio::test]
async fn a_change_in_the_books_ends_a_kept_answer() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    let before = same_three_times(&app, &token).await;
    let records = Records {
        documents: vec![invoice("12", "2026-05-04", "65.44")],
        ..Records::default()
    };
    app.apply(&records).await;
    let after = same_three_times(&app, &token).await;
    let outstanding = |pulse: &Value| pulse["balance"]["total"]["outstanding"]["amount"].clone();
    assert_eq!(outstanding(&before), "634.56");
    assert_eq!(outstanding(&after), "700.00");
    assert_ne!(
        before["decision"]["inputsHash"],
        after["decision"]["inputsHash"]
    );
}

#[tokio::test]
async fn a_poll_that_found_nothing_moves_the_time_checked() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    same_three_times(&app, &token).await;
    app.clock.advance(SignedDuration::from_mins(2));
    app.poll().await;
    let after = same_three_times(&app, &token).await;
    assert_eq!(after["freshness"]["checkedAt"], "2026-05-05T19:02:00Z");
}

#[tokio::test]
async fn a_kept_answer_turns_stale_with_the_clock() {
    let app = App::start().await;
    let session = |app: &App| app.clock.set(noon());
    session(&app);
    let token = app.token(Role::Rep).await;
    assert_eq!(
        same_three_times(&app, &token).await["freshness"]["status"],
        "FRESH"
    );
    // Polled every 15 minutes: stale from two intervals on.
    app.clock
        .set(noon() + SignedDuration::from_secs(30 * 60 - 1));
    let token = app.token(Role::Rep).await;
    assert_eq!(
        same_three_times(&app, &token).await["freshness"]["status"],
        "FRESH"
    );
    app.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(
        same_three_times(&app, &token).await["freshness"]["status"],
        "STALE"
    );
}

#[tokio::test]
async fn a_kept_answer_ends_at_midnight_where_the_books_are() {
    let app = App::start().await;
    let before: jiff::Timestamp = "2026-05-05T23:59:50-07:00".parse().expect("a time");
    app.clock.set(before);
    app.poll().await;
    let token = app.token(Role::Rep).await;
    let today = same_three_times(&app, &token).await;
    assert_eq!(today["asOf"], "2026-05-05");
    assert_eq!(today["transactions"]["nodes"][2]["daysPastDue"], 35);
    app.clock.set(before + SignedDuration::from_secs(10));
    let tomorrow = same_three_times(&app, &token).await;
    assert_eq!(tomorrow["asOf"], "2026-05-06");
    assert_eq!(tomorrow["transactions"]["nodes"][2]["daysPastDue"], 36);
}

#[tokio::test]
async fn what_speaks_of_a_person_is_kept_for_that_person() {
    let app = App::start().await;
    let body = json!({"query": "{ viewer { name sessionExpiresAt } }"});
    let one = app.token(Role::Rep).await;
    let first = app.send(&one, &body, &[]).await;
    app.clock.advance(SignedDuration::from_secs(5));
    let other = app.token(Role::Rep).await;
    let second = app.send(&other, &body, &[]).await;
    assert_ne!(
        first.text, second.text,
        "another session ends at another time"
    );
    assert_eq!(app.send(&one, &body, &[]).await.text, first.text);
}

#[tokio::test]
async fn failures_and_searches_are_not_kept() {
    let app = App::start().await;
    let token = app.token(Role::Finance).await;
    for query in [
        "{ customers(search: \"bakery\") { id } }",
        "{ contact(id: \"no id\") { id } }",
        "{ __typename }",
    ] {
        app.send(&token, &json!({"query": query}), &[]).await;
    }
    assert_eq!(app.endpoint.answers().size().0, 0);
}
