//! Every fault at every ledger: what is served meanwhile is old but right, and in the end the mirror
//! equals the books.

use std::time::Duration;

use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::ConnectionState;
use financial_pulse::domain::tie_out::TieOutStatus;
use financial_pulse::service::ledger::LedgerError;
use financial_pulse::service::sync::Depth;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::rig::{KINDS, REALM, Rig, Wishes};
use crate::support::databases::for_each_database;

/// Each with how many calls pass before it.
fn faults() -> [(&'static str, Value); 12] {
    [
        ("401 on the first page", json!({ "kind": "unauthorized" })),
        ("401 mid-page", json!({ "kind": "unauthorized", "skip": 2 })),
        (
            "429 with Retry-After",
            json!({ "kind": "throttled", "retry_after": 1 }),
        ),
        ("429 without", json!({ "kind": "throttled" })),
        ("500", json!({ "kind": "server_error" })),
        (
            "500 again and again",
            json!({ "kind": "server_error", "times": 4 }),
        ),
        ("503 in HTML", json!({ "kind": "unavailable" })),
        (
            "time-out",
            json!({ "kind": "latency", "milliseconds": 2_600 }),
        ),
        (
            "cut before the answer",
            json!({ "kind": "disconnect", "times": 3 }),
        ),
        ("cut body", json!({ "kind": "truncate", "skip": 1 })),
        ("malformed JSON", json!({ "kind": "malformed", "times": 3 })),
        (
            "answered and lost",
            json!({ "kind": "disconnect", "stage": "after", "times": 2 }),
        ),
    ]
}

#[tokio::test]
async fn after_every_fault_the_mirror_equals_the_books() {
    for_each_database(async |database| {
        for kind in KINDS {
            let wishes = Wishes {
                page_size: 5,
                ..Wishes::default()
            };
            let rig = Rig::start(kind, &database.store, wishes).await;
            rig.run(Depth::Due).await.expect("loaded");
            let customer = rig.some_customer().await;
            for (name, mut fault) in faults() {
                let before = rig.ledger_balances().await;
                rig.bill(&customer, "10.00").await;
                let after = rig.ledger_balances().await;
                fault["company"] = json!(REALM);
                fault["format"] = json!(kind.as_str());
                if fault.get("times").is_none() {
                    fault["times"] = json!(1);
                }
                rig.order("faults", fault).await;
                rig.wait(16);
                // It may get over it by itself, or not.
                let _ = Box::pin(rig.run(Depth::Due)).await;
                for (one, outcome, ours) in rig.tied_out().await {
                    let differs = matches!(outcome.status, TieOutStatus::Differs { .. });
                    let right = ours == before[&*one.name] || ours == after[&*one.name];
                    assert!(differs || right, "{kind}, {name}: {} {ours}", one.name);
                }
                rig.take_back("faults").await;
                settle(&rig, name).await;
                rig.assert_mirrors_the_books().await;
            }
        }
    })
    .await;
}

/// Lets the sync try again until it gets through.
async fn settle(rig: &Rig, name: &str) {
    let mut last = None;
    for _ in 0..6 {
        rig.wait(16);
        last = Some(Box::pin(rig.run(Depth::Due)).await);
        if matches!(last, Some(Ok(_))) {
            return;
        }
        // A wait that the ledger asked for runs by the real clock.
        tokio::time::sleep(Duration::from_millis(350)).await;
    }
    panic!("{}, {name}: {last:?}", rig.kind);
}

#[tokio::test]
async fn a_token_lost_between_rotation_and_storing_is_got_over_only_where_the_protocol_can() {
    for_each_database(async |database| {
        for kind in KINDS {
            let rig = Rig::start(kind, &database.store, Wishes::default()).await;
            let wish = json!({ "format": kind.as_str(), "rotation": "always" });
            rig.put("rotation", wish).await;
            rig.run(Depth::Due).await.expect("loaded");
            let wish = json!({ "company": REALM, "format": kind.as_str(), "which": "access" });
            rig.order("tokens/expire", wish).await;
            // The provider rotates, and its answer is lost on the way.
            let path = match kind {
                ProviderKind::QuickBooks => "tokens/bearer",
                _ => "token",
            };
            let fault = json!({
                "kind": "disconnect", "stage": "after", "matching": path, "times": 1,
                "format": kind.as_str(),
            });
            rig.order("faults", fault).await;
            rig.wait(16);
            let first = rig.run(Depth::Due).await;
            rig.wait(1);
            let second = rig.run(Depth::Due).await;
            let state = rig.connection_state().await;
            if kind == ProviderKind::Xero {
                assert!(second.is_ok(), "{first:?}, {second:?}");
                assert_eq!(state, ConnectionState::Active);
                rig.assert_mirrors_the_books().await;
                continue;
            }
            assert_eq!(
                state,
                ConnectionState::Disconnected,
                "{kind}: {first:?}, {second:?}"
            );
            // Nobody asks again until a person has authorized it.
            let asked = rig.ask(&format!("counts?format={kind}")).await;
            rig.wait(60);
            let third = rig.run(Depth::Due).await;
            assert!(
                matches!(third, Err(LedgerError::NotAuthorized(_))),
                "{third:?}"
            );
            assert_eq!(rig.ask(&format!("counts?format={kind}")).await, asked);
            assert!(
                !rig.books().await.is_empty(),
                "old figures are still served"
            );
        }
    })
    .await;
}
