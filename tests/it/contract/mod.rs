//! One suite over every ledger that keeps the books of the same company: the same customers, documents,
//! balances, aging and behavior come out, to the cent.

pub(crate) mod company;
pub(crate) mod picture;

use std::collections::BTreeMap;

use financial_pulse::domain::behavior::PaymentBehavior;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::sandbox::Data;
use financial_pulse::service::sync::Depth;
use financial_pulse::store::Store;
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;

use self::company::Company;
use self::picture::{Pictures, expected, observed, payment_behavior};
use crate::mirror::rig::{KINDS, Rig, Wishes};
use crate::support::databases::for_each_database;

async fn company_at(kind: ProviderKind, store: &Store) -> Rig {
    let wishes = Wishes {
        data: Data::Empty,
        page_size: 4,
        slice_pages: 1,
        ..Wishes::default()
    };
    let rig = Rig::start(kind, store, wishes).await;
    Company::read().enter(&rig, rig.today()).await;
    rig
}

async fn observe(rig: &Rig) -> (Pictures, BTreeMap<String, Vec<PaymentBehavior>>) {
    let today = rig.today();
    let mut pictures = Pictures::new();
    let mut behaviors = BTreeMap::new();
    for books in rig.books().await {
        let name = books.customer.name.to_string();
        behaviors.insert(name, payment_behavior(books.clone(), today));
        let (name, picture) = observed(rig.kind, books, today);
        assert!(
            pictures.insert(name.clone(), picture).is_none(),
            "{name} twice"
        );
    }
    (pictures, behaviors)
}

#[tokio::test]
async fn every_ledger_yields_the_same_figures() {
    for_each_database(async |database| {
        let mut first: Option<BTreeMap<String, Vec<PaymentBehavior>>> = None;
        for kind in KINDS {
            let rig = company_at(kind, &database.store).await;
            rig.run(Depth::Due).await.expect("loaded");
            let (pictures, behaviors) = observe(&rig).await;
            let wanted = expected(&Company::read(), rig.today());
            for (name, picture) in &wanted {
                assert_eq!(pictures.get(name), Some(picture), "{name} by {kind}");
            }
            assert_eq!(pictures.len(), wanted.len(), "{kind}");
            let first = first.get_or_insert_with(|| behaviors.clone());
            assert_eq!(&behaviors, first, "{kind}");
        }
        // By hand, from the days and amounts of the description.
        let behavior = &first.expect("some ledger")["Brookline Press"][0];
        assert_eq!(behavior.settled_count, 3);
        assert_eq!(
            behavior.days_beyond_terms.round_dp(3),
            Decimal::new(29_667, 3)
        );
    })
    .await;
}

#[tokio::test]
async fn a_load_misses_and_repeats_nothing_that_changes_meanwhile() {
    for_each_database(async |database| {
        for kind in KINDS {
            let rig = company_at(kind, &database.store).await;
            // One page at a time, and between the pages a record moves to the end of its list.
            let mut names: Vec<String> = expected(&Company::read(), rig.today())
                .into_keys()
                .collect();
            let mut ended = false;
            for round in 0..200 {
                let report = rig.run(Depth::Slice).await.expect("a page");
                if !report.unfinished {
                    ended = true;
                    break;
                }
                names.rotate_left(1);
                let customer = &names[0];
                rig.touch(customer, 7 + round).await;
                if round % 3 == 0 {
                    rig.bill(customer, "10.01").await;
                }
                rig.wait(1);
            }
            assert!(ended, "{kind}");
            rig.wait(15);
            rig.run(Depth::Due).await.expect("polled");
            rig.assert_mirrors_the_books().await;
            let ids = (rig.store)
                .stored_ids(&rig.connection, Dataset::Customers, None, 1000)
                .await
                .expect("readable");
            assert_eq!(ids.len(), names.len(), "{kind}");
        }
    })
    .await;
}
