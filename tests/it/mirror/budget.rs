//! The budget of metered calls: who goes without when it is short, and that it is never exceeded.

use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::provider::ProviderError;
use financial_pulse::service::ledger::LedgerError;
use financial_pulse::service::meter::{Budget, Period};
use financial_pulse::service::read::RefreshRequests;
use financial_pulse::service::sync::Depth;
use pretty_assertions::assert_eq;

use super::rig::{REALM, Rig, Wishes};
use crate::support::databases::for_each_database;

fn daily(calls: u64) -> Wishes {
    Wishes {
        budget: Budget {
            calls,
            period: Period::Day,
            shared: false,
        },
        ..Wishes::default()
    }
}

#[tokio::test]
async fn a_comparison_pauses_for_polls_and_these_for_an_open_page() {
    for_each_database(async |database| {
        let store = &database.store;
        let rig = Rig::start(ProviderKind::QuickBooks, store, daily(100)).await;
        rig.run(Depth::Due).await.expect("loaded");
        let customer = rig.some_customer().await;
        let key = rig.key_of(&customer).await;

        // Polls, each of one call, until those for a comparison are spent.
        rig.wait(24 * 60);
        let polls = 62 - left_out(&rig, 100).await;
        for _ in 0..polls {
            let asked = rig.run(Depth::Hinted).await;
            asked.expect("a poll");
        }
        let paused = rig.run(Depth::Due).await.expect("a poll all the same");
        assert!(!paused.compared);

        // And on, until polls are out of budget too.
        let mut until = None;
        for _ in 0..40 {
            match rig.run(Depth::Due).await {
                Ok(_) => {}
                Err(LedgerError::Provider(ProviderError::BudgetSpent { until: at })) => {
                    until = Some(at);
                    break;
                }
                Err(other) => panic!("{other}"),
            }
        }
        let until = until.expect("the budget for polls ends");
        assert_eq!(until.to_string(), "2026-05-06T20:00:00Z", "the next hour");
        rig.bill(&customer, "50.00").await;
        rig.refreshes.request(&key);
        rig.run(Depth::Asked).await.expect("an open page is served");
        assert_eq!(rig.owed(&key).await, rig.ledger_balances().await[&customer]);

        let usage = rig.ask("usage?format=quickbooks").await;
        let most = usage[REALM]["most_in_a_day"].as_u64().expect("a count");
        assert!(most <= 100, "{usage}");

        rig.wait(25 * 60);
        let next_day = rig.run(Depth::Due).await.expect("a new day");
        assert!(next_day.compared);
        rig.assert_mirrors_the_books().await;
    })
    .await;
}

/// Calls of the last 24 hours.
async fn left_out(rig: &Rig, calls: u64) -> u64 {
    let budget = Budget {
        calls,
        period: Period::Day,
        shared: false,
    };
    let left = budget
        .left(&rig.store, ProviderKind::QuickBooks, REALM, rig.now())
        .await
        .expect("readable");
    left.of - left.left
}
