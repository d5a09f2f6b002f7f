//! Webhooks as a run heeds them.

use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::provider::ProviderError;
use financial_pulse::service::ledger::LedgerError;
use financial_pulse::service::meter::{Budget, Period};
use financial_pulse::service::sync::Depth;
use financial_pulse::store::NewWebhookEvent;
use jiff::{SignedDuration, Timestamp};
use pretty_assertions::assert_eq;
use serde_json::json;

use super::rig::{Rig, Wishes};
use crate::support::databases::{TestStore, for_each_database};

async fn start(database: &TestStore) -> Rig {
    let kind = ProviderKind::QuickBooks;
    Rig::start(kind, &database.store, Wishes::default()).await
}

/// An event arrives.
async fn hint(rig: &Rig, key: &str, merged: bool, happened_at: Timestamp) {
    let event = NewWebhookEvent {
        connection: &rig.connection,
        key,
        dataset: Dataset::Customers,
        ledger_id: "1",
        merged,
        happened_at: Some(happened_at),
    };
    let added = rig.store.add_webhook_events(&[event], rig.now()).await;
    assert_eq!(added.expect("stored"), 1);
}

async fn waits(rig: &Rig) -> bool {
    let waits = rig.store.has_webhook_events(&rig.connection).await;
    waits.expect("readable")
}

#[tokio::test]
async fn events_wait_until_a_run_has_stored_what_changed() {
    for_each_database(async |database| {
        let rig = start(database).await;
        rig.run(Depth::Due).await.expect("loaded");
        rig.bill(&rig.some_customer().await, "50.00").await;
        hint(&rig, "one", false, rig.now()).await;
        let trouble = json!({ "kind": "malformed", "matching": "/cdc" });
        rig.order("faults", trouble).await;
        rig.run(Depth::Hinted).await.expect_err("not read");
        assert!(waits(&rig).await);
        rig.take_back("faults").await;
        let report = rig.run(Depth::Hinted).await.expect("read");
        assert!(report.caught_up && !report.unfinished);
        assert!(!waits(&rig).await);
        rig.assert_mirrors_the_books().await;
        // A poll answers them as well.
        hint(&rig, "two", false, rig.now()).await;
        rig.run(Depth::Due).await.expect("a poll");
        assert!(!waits(&rig).await);
    })
    .await;
}

#[tokio::test]
async fn a_webhook_may_spend_what_a_poll_may_not() {
    for_each_database(async |database| {
        let wishes = Wishes {
            budget: Budget {
                calls: 100,
                period: Period::Day,
                shared: false,
            },
            ..Wishes::default()
        };
        let rig = Rig::start(ProviderKind::QuickBooks, &database.store, wishes).await;
        rig.run(Depth::Due).await.expect("loaded");
        let spend = async |depth| {
            loop {
                match rig.run(depth).await {
                    Ok(_) => {}
                    Err(LedgerError::Provider(ProviderError::BudgetSpent { .. })) => return,
                    Err(other) => panic!("{other}"),
                }
            }
        };
        spend(Depth::Due).await;
        rig.bill(&rig.some_customer().await, "50.00").await;
        hint(&rig, "one", false, rig.now()).await;
        rig.run(Depth::Hinted).await.expect("a webhook is heeded");
        assert!(!waits(&rig).await);
        rig.assert_mirrors_the_books().await;
        spend(Depth::Hinted).await;
        hint(&rig, "two", false, rig.now()).await;
        spend(Depth::Hinted).await;
        assert!(waits(&rig).await, "until there is a budget again");
        rig.wait(25 * 60);
        rig.run(Depth::Due).await.expect("a new day");
        assert!(!waits(&rig).await);
    })
    .await;
}

#[tokio::test]
async fn before_the_first_load_has_ended_a_look_ahead_sets_no_mark() {
    for_each_database(async |database| {
        let rig = start(database).await;
        let trouble = json!({ "kind": "malformed", "matching": "FROM Payment" });
        rig.order("faults", trouble).await;
        rig.run(Depth::Due).await.expect_err("cut off");
        let before = rig.state().await;
        assert_eq!(before.watermark, None);
        let customer = rig.some_customer().await;
        rig.wait(1);
        rig.bill(&customer, "50.00").await;
        // A time that is still to come hides nothing.
        let far = rig.now() + SignedDuration::from_hours(24 * 365);
        hint(&rig, "one", false, far).await;
        let report = rig.run(Depth::Hinted).await.expect("looked ahead");
        assert!(report.written > 0 && !report.caught_up);
        assert!(!waits(&rig).await);
        let after = rig.state().await;
        assert_eq!(after.watermark, None);
        assert_eq!(after.datasets, before.datasets);
        rig.take_back("faults").await;
        rig.run(Depth::Due).await.expect("loaded");
        rig.assert_mirrors_the_books().await;
    })
    .await;
}

#[tokio::test]
async fn a_merge_makes_a_comparison_due() {
    for_each_database(async |database| {
        let rig = start(database).await;
        rig.run(Depth::Due).await.expect("loaded");
        rig.wait(10);
        hint(&rig, "one", true, rig.now()).await;
        let report = rig.run(Depth::Hinted).await.expect("read");
        assert!(report.unfinished && !report.compared);
        let report = rig.run(Depth::Slice).await.expect("read");
        assert!(report.compared);
        rig.assert_mirrors_the_books().await;
    })
    .await;
}
