//! Connections: state, lease, marks and metered reads.

use std::time::Duration;

use financial_pulse::domain::books::Organization;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::{ConnectionState, Dataset, DatasetFreshness};
use financial_pulse::domain::records::Records;
use financial_pulse::store::{CallCount, CallKey, NewConnection, StoreError, SyncMarks};
use jiff::tz::TimeZone;
use pretty_assertions::assert_eq;

use super::records::{add_connection, add_tenant, at, books_id, tenant_id, with_books};
use crate::support::databases::for_each_database;

#[tokio::test]
async fn a_connection_goes_from_pending_to_active_and_back() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let read = async || store.connection(&books_id()).await.unwrap().unwrap();
        let fresh = read().await;
        assert_eq!(fresh.state, ConnectionState::Pending);
        assert_eq!(fresh.tenant, tenant_id());
        assert_eq!(fresh.time_zone.iana_name(), Some("America/New_York"));
        assert_eq!(fresh.poll_interval.as_secs(), 900);
        assert_eq!((fresh.account, fresh.organization), (None, None));

        store
            .set_connection_account(&books_id(), "realm-1", None, "user-3", at(5))
            .await
            .unwrap();
        let active = read().await;
        assert_eq!(active.state, ConnectionState::Active);
        assert_eq!(active.account.as_deref(), Some("realm-1"));
        assert_eq!(active.state_since, at(5));

        let disconnect = async |second| {
            store
                .set_connection_state(
                    &books_id(),
                    ConnectionState::Disconnected,
                    Some("consent_lost"),
                    at(second),
                )
                .await
                .unwrap();
            read().await
        };
        let lost = disconnect(7).await;
        assert_eq!(lost.state_reason.as_deref(), Some("consent_lost"));
        assert!(lost.version > active.version);
        // The same again: nothing moves.
        let still_lost = disconnect(9).await;
        assert_eq!(still_lost.state_since, at(7));
        assert_eq!(still_lost.version, lost.version);

        store
            .set_connection_account(&books_id(), "realm-1", None, "user-3", at(11))
            .await
            .unwrap();
        let again = read().await;
        assert_eq!(
            (again.state, again.state_reason),
            (ConnectionState::Active, None)
        );

        let entries = store.audit(&tenant_id(), 0, 10).await.unwrap();
        let actions: Vec<_> = entries.iter().map(|row| &*row.entry.action).collect();
        assert_eq!(
            actions,
            [
                "tenant.put",
                "connection.add",
                "connection.authorize",
                "connection.authorize"
            ]
        );
        assert_eq!(&*entries[2].entry.actor, "user-3");
    })
    .await;
}

#[tokio::test]
async fn a_mirror_never_changes_to_another_organization() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        store
            .set_connection_account(&books_id(), "realm-1", None, "user", at(5))
            .await
            .unwrap();
        let other = store
            .set_connection_account(&books_id(), "realm-2", None, "user", at(6))
            .await;
        assert!(
            matches!(other, Err(StoreError::Conflict { .. })),
            "{other:?}"
        );
        let kept = store.connection(&books_id()).await.unwrap().unwrap();
        assert_eq!(kept.account.as_deref(), Some("realm-1"));
    })
    .await;
}

#[tokio::test]
async fn a_connection_needs_a_tenant_an_id_of_its_own_and_a_named_zone() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let new = |id: &str, tenant: &str, time_zone| NewConnection {
            id: id.into(),
            tenant: tenant.into(),
            provider: ProviderKind::QuickBooks,
            time_zone,
            poll_interval: Duration::from_mins(15),
            account: None,
        };
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let add = async |new: &NewConnection| {
            store
                .add_connection(new, "operator", at(1))
                .await
                .unwrap_err()
        };
        let taken = add(&new("acme-books", "acme", berlin.clone())).await;
        assert!(matches!(taken, StoreError::Conflict { .. }), "{taken:?}");
        let nobodys = add(&new("books", "nobody", berlin)).await;
        assert!(
            matches!(nobodys, StoreError::Conflict { .. }),
            "{nobodys:?}"
        );
        // An offset would be wrong for half of the year.
        let offset = TimeZone::fixed(jiff::tz::offset(2));
        let unnamed = add(&new("books", "acme", offset)).await;
        assert!(
            matches!(&unnamed, StoreError::Inconsistent { column, .. } if column == "time_zone"),
            "{unnamed:?}"
        );
        assert_eq!(store.connections().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn connections_are_listed_for_all_and_for_one_tenant() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let other = add_tenant(store, "other").await;
        add_connection(store, &other, "a-books").await;
        let ids = |connections: Vec<financial_pulse::domain::connection::Connection>| {
            connections
                .iter()
                .map(|connection| connection.id.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            ids(store.connections().await.unwrap()),
            ["a-books", "acme-books"]
        );
        assert_eq!(
            ids(store.connections_of(&other).await.unwrap()),
            ["a-books"]
        );
        assert!(store.connection(&"nobody".into()).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn the_organization_is_kept_and_the_same_again_is_no_news() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let organization = Organization {
            name: "Acme Inc.".into(),
            base_currency: "EUR".parse().unwrap(),
            multicurrency: true,
            page_code: None,
        };
        let set = async || {
            store
                .set_organization(&books_id(), &organization, at(3))
                .await
                .unwrap();
            store.connection(&books_id()).await.unwrap().unwrap()
        };
        let first = set().await;
        assert_eq!(first.organization.as_ref(), Some(&organization));
        assert_eq!(set().await.version, first.version);
    })
    .await;
}

#[tokio::test]
async fn one_holder_at_a_time_has_a_lease() {
    for_each_database(async |database| {
        with_books(&database.store).await;
        let mut racers = Vec::new();
        for holder in 0..10 {
            let store = database.reopen().await;
            racers.push(tokio::spawn(async move {
                let holder = format!("process-{holder}");
                let taken = store
                    .acquire_lease(&books_id(), &holder, at(60), at(1))
                    .await
                    .unwrap();
                taken.then_some(holder)
            }));
        }
        let mut holders = Vec::new();
        for racer in racers {
            holders.extend(racer.await.unwrap());
        }
        assert_eq!(holders.len(), 1, "{holders:?}");

        let store = &database.store;
        let holder = holders[0].as_str();
        let acquire = async |holder: &str, until, now| {
            store
                .acquire_lease(&books_id(), holder, at(until), at(now))
                .await
                .unwrap()
        };
        assert!(acquire(holder, 90, 30).await, "its holder renews it");
        assert!(!acquire("late", 120, 89).await, "renewed, it still holds");
        store.release_lease(&books_id(), "late").await.unwrap();
        assert!(
            !acquire("late", 120, 89).await,
            "only its holder gives it back"
        );
        assert!(acquire("late", 150, 90).await, "at its end it is free");
        store.release_lease(&books_id(), "late").await.unwrap();
        assert!(acquire(holder, 150, 91).await, "given back, it is free");
    })
    .await;
}

#[tokio::test]
async fn marks_are_kept_and_success_never_goes_back() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let mark = async |marks: SyncMarks| {
            store
                .apply(&books_id(), &Records::default(), &marks, at(100))
                .await
                .unwrap();
            store.sync_state(&books_id()).await.unwrap()
        };
        let state = mark(SyncMarks {
            cursors: vec![
                (Dataset::Payments, Some("page 2".to_owned())),
                (Dataset::Invoices, Some("page 9".to_owned())),
            ],
            attempted: vec![Dataset::Payments],
            loaded: vec![(Dataset::Payments, 1000, Some(2500))],
            watermark: Some(at(90)),
            first_load_started: Some(at(80)),
            ..SyncMarks::default()
        })
        .await;
        assert_eq!(state.cursors[&Dataset::Payments], "page 2");
        assert_eq!(state.watermark, Some(at(90)));
        assert_eq!(state.first_load_started, Some(at(80)));
        assert_eq!(state.compared_at, None);
        // In the order of a first load: invoices before payments.
        let order: Vec<_> = state.datasets.iter().map(|set| set.dataset).collect();
        assert_eq!(order, [Dataset::Invoices, Dataset::Payments]);

        let state = mark(SyncMarks {
            cursors: vec![(Dataset::Payments, None)],
            succeeded: vec![(Dataset::Payments, at(95))],
            first_load_started: Some(at(93)),
            ..SyncMarks::default()
        })
        .await;
        assert_eq!(state.first_load_started, Some(at(80)), "it began once");
        assert!(!state.cursors.contains_key(&Dataset::Payments));
        assert_eq!(state.watermark, Some(at(90)), "what is not marked stays");
        store.set_compared_at(&books_id(), at(99)).await.unwrap();
        let state = mark(SyncMarks {
            succeeded: vec![(Dataset::Payments, at(94))],
            ..SyncMarks::default()
        })
        .await;
        assert_eq!(state.compared_at, Some(at(99)));
        assert_eq!(
            state.datasets[1],
            DatasetFreshness {
                dataset: Dataset::Payments,
                succeeded_at: Some(at(95)),
                attempted_at: Some(at(100)),
                loaded: 1000,
                expected: Some(2500),
            }
        );
    })
    .await;
}

#[tokio::test]
async fn calls_are_counted_by_account_app_and_period() {
    for_each_database(async |database| {
        let store = &database.store;
        let key = |account, period, since| CallKey {
            provider: "xero",
            account,
            period,
            since,
        };
        let count = async |key| {
            let CallCount { account, app } = store.count_call(key).await.unwrap();
            (account, app)
        };
        assert_eq!(
            count(key("a", "2026-11-23T07", "2026-11-22T07")).await,
            (1, 1)
        );
        assert_eq!(
            count(key("a", "2026-11-23T07", "2026-11-22T07")).await,
            (2, 2)
        );
        assert_eq!(
            count(key("b", "2026-11-23T08", "2026-11-22T08")).await,
            (1, 3)
        );
        let a_day_later = key("a", "2026-11-24T08", "2026-11-23T08");
        assert_eq!(count(a_day_later).await, (1, 2));
        store.take_back_call(a_day_later).await.unwrap();
        let made = store.calls_made(a_day_later).await.unwrap();
        assert_eq!((made.account, made.app), (0, 1));
        let other = CallKey {
            provider: "sage",
            ..a_day_later
        };
        assert_eq!(count(other).await, (1, 1));
    })
    .await;
}
