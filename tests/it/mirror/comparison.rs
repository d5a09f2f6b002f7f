//! The full comparison: in slices, over kills, with what it finds counted.

use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::records::{Deletion, Records};
use financial_pulse::service::ledger::LedgerError;
use financial_pulse::service::sync::Depth;
use financial_pulse::store::{Drift, SyncMarks};
use pretty_assertions::assert_eq;

use super::rig::{Rig, Wishes};
use crate::support::databases::for_each_database;

/// Pages so small that a comparison takes several slices.
const SLICED: u32 = 3;

#[tokio::test]
async fn what_was_lost_or_kept_in_error_is_mended_and_counted() {
    for_each_database(async |database| {
        let rig = Rig::start(ProviderKind::QuickBooks, &database.store, Wishes::default()).await;
        rig.run(Depth::Due).await.expect("loaded");
        rig.assert_mirrors_the_books().await;
        assert_eq!(rig.state().await.drift, None);

        // An invoice that no poll will ever tell of again, and one that the ledger never had.
        let invoices = (rig.store)
            .stored_ids(&rig.connection, Dataset::Invoices, None, 2)
            .await
            .expect("readable");
        let lost = Records {
            deletions: vec![Deletion {
                dataset: Dataset::Invoices,
                ledger_id: invoices[0].0.clone(),
            }],
            ..Records::default()
        };
        let applied = (rig.store)
            .apply(&rig.connection, &lost, &SyncMarks::default(), rig.now())
            .await;
        assert_eq!(applied.expect("applied").written, 1);
        database
            .execute(
                "INSERT INTO item (connection, ledger_id, name, stored_at)
                VALUES ('acme-quickbooks', '999999', 'Nothing', 1)",
            )
            .await
            .expect("written");
        rig.wait(60);
        let poll = rig.run(Depth::Due).await.expect("polled");
        assert!(!poll.compared);

        rig.wait(24 * 60);
        let report = rig.run(Depth::Due).await.expect("compared");
        assert!(report.compared && !report.unfinished);
        let drift = Drift { mended: 1, gone: 1 };
        assert_eq!(rig.state().await.drift, Some(drift));
        rig.assert_mirrors_the_books().await;

        rig.wait(24 * 60);
        assert!(rig.run(Depth::Due).await.expect("compared").compared);
        assert_eq!(rig.state().await.drift, Some(Drift::default()));
    })
    .await;
}

#[tokio::test]
async fn it_goes_on_where_a_slice_or_a_stop_left_it() {
    for_each_database(async |database| {
        let wishes = Wishes {
            page_size: SLICED,
            ..Wishes::default()
        };
        let rig = Rig::start(ProviderKind::QuickBooks, &database.store, wishes).await;
        let mut slices = 0;
        while rig.run(Depth::Slice).await.expect("a slice").unfinished {
            slices += 1;
        }
        assert!(slices > 0, "the first load takes several slices");
        rig.assert_mirrors_the_books().await;

        rig.wait(25 * 60);
        let calls = rig.calls().await;
        let first = rig.run(Depth::Slice).await.expect("a slice");
        assert!(first.unfinished && !first.compared);
        let of_first = rig.calls().await - calls;
        // What changes between the slices is no drift, and nothing of it is lost.
        rig.bill(&rig.some_customer().await, "12.34").await;
        rig.wait(15);
        let mut compared = false;
        for _ in 0..20 {
            let slice = rig.run(Depth::Slice).await.expect("a slice");
            compared |= slice.compared;
            if !slice.unfinished {
                break;
            }
        }
        assert!(compared);
        assert!(of_first < 100, "{of_first} calls in one slice");
        assert_eq!(rig.state().await.drift, Some(Drift::default()));
        rig.assert_mirrors_the_books().await;

        rig.wait(25 * 60);
        rig.stop.cancel();
        let stopped = rig.run(Depth::Full).await;
        assert!(matches!(stopped, Err(LedgerError::Stopped)), "{stopped:?}");
    })
    .await;
}
