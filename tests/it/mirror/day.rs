//! What a day of work costs in calls, at each ledger.

use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::{ConnectionFreshness, FreshnessStatus, freshness};
use financial_pulse::service::sync::Depth;
use jiff::SignedDuration;

use super::rig::{KINDS, REALM, Rig, Wishes};
use crate::support::databases::test_stores;

/// People who look at contacts, and how many each looks at in an hour.
const REPS: u32 = 50;
const VIEWS_AN_HOUR: u32 = 20;

/// How often a ledger is polled by default, in minutes, and the smallest published quota in a day: of
/// QuickBooks a thirtieth of the month's, of Sage the app's.
fn usual(kind: ProviderKind) -> (i64, u64) {
    match kind {
        ProviderKind::QuickBooks => (15, 500_000 / 30),
        ProviderKind::Xero => (30, 1_000),
        ProviderKind::Sage => (15, 1_296_000),
        ProviderKind::Tryton => (5, u64::MAX),
    }
}

#[tokio::test]
async fn fifty_reps_at_work_stay_well_inside_the_smallest_quota() {
    let database = &test_stores().await[0];
    for kind in KINDS {
        let rig = Rig::start(kind, &database.store, Wishes::default()).await;
        rig.run(Depth::Due).await.expect("loaded");
        let before = rig.calls().await;
        let customer = rig.some_customer().await;
        let (interval, quota) = usual(kind);
        let mut views = 0;
        for poll in 0..24 * 60 / interval {
            rig.wait(interval);
            // In the working hours the books change between any two polls.
            if (8 * 60..17 * 60).contains(&(poll * interval)) {
                rig.bill(&customer, "10.00").await;
                views += REPS * VIEWS_AN_HOUR * u32::try_from(interval).expect("short") / 60;
                // Each view reads the mirror; only what is not fresh is asked of the ledger.
                assert_eq!(status(&rig, interval).await, FreshnessStatus::Fresh);
            }
            rig.run(Depth::Due).await.expect("polled");
        }
        let calls = rig.calls().await - before;
        report(&format!(
            "{kind}: {views} views and a day of polls: {calls} calls of {quota}"
        ));
        assert!(views >= 8_000);
        assert!(calls * 2 < quota, "{kind}: {calls} calls of {quota}");
        let usage = rig.ask(&format!("usage?format={kind}")).await;
        assert!(
            usage[REALM]["most_in_a_day"].as_u64() < Some(quota),
            "{usage}"
        );
    }
}

/// How fresh what a view shows is.
async fn status(rig: &Rig, interval: i64) -> FreshnessStatus {
    let state = rig.state().await;
    let connection = ConnectionFreshness {
        state: rig.connection_state().await,
        poll_interval: SignedDuration::from_mins(interval).unsigned_abs(),
        first_load_running: false,
        datasets: state.datasets,
    };
    let unknown_after = SignedDuration::from_hours(24).unsigned_abs();
    freshness(&[&connection], unknown_after, rig.now()).status
}

#[expect(clippy::print_stdout, reason = "figures for who runs it")]
fn report(line: &str) {
    println!("{line}");
}
