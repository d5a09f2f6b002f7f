use super::super::sample::{at, read_at};
use super::*;

const DAY: Duration = Duration::from_hours(24);

fn fresh_at(connections: &[&ConnectionFreshness], now: &str) -> Freshness {
    freshness(connections, DAY, at(now))
}

fn without(dataset: Dataset, connection: ConnectionFreshness) -> ConnectionFreshness {
    let mut connection = connection;
    for set in &mut connection.datasets {
        if set.dataset == dataset {
            set.succeeded_at = None;
        }
    }
    connection
}

#[test]
fn it_turns_stale_after_two_polling_intervals_and_tells_when() {
    let connection = read_at("2026-01-01T12:00:00Z");
    let fresh = fresh_at(&[&connection], "2026-01-01T12:29:59Z");
    assert_eq!(fresh.status, FreshnessStatus::Fresh);
    assert_eq!(fresh.changes_at, Some(at("2026-01-01T12:30:00Z")));
    let stale = fresh_at(&[&connection], "2026-01-01T12:30:00Z");
    assert_eq!(stale.status, FreshnessStatus::Stale);
    assert!(!stale.beyond_policy);
    assert_eq!(stale.changes_at, Some(at("2026-01-02T12:00:00Z")));
    let old = fresh_at(&[&connection], "2026-01-02T12:00:00Z");
    assert!(old.beyond_policy);
    assert_eq!(old.changes_at, None);
}

#[test]
fn the_oldest_dataset_that_bears_on_the_balance_counts() {
    let mut connection = read_at("2026-01-01T12:00:00Z");
    for set in &mut connection.datasets {
        match set.dataset {
            Dataset::Payments => set.succeeded_at = Some(at("2026-01-01T11:50:00Z")),
            Dataset::CashSales => set.succeeded_at = None,
            _ => {}
        }
    }
    let fresh = fresh_at(&[&connection], "2026-01-01T12:00:00Z");
    assert_eq!(fresh.status, FreshnessStatus::Fresh);
    assert_eq!(fresh.checked_at, Some(at("2026-01-01T11:50:00Z")));
    assert!(fresh.balance_known);
}

#[test]
fn a_missing_dataset_is_syncing_during_the_first_load_else_partial() {
    let mut connection = without(Dataset::Payments, read_at("2026-01-01T12:00:00Z"));
    let partial = fresh_at(&[&connection], "2026-01-01T12:00:00Z");
    assert_eq!(partial.status, FreshnessStatus::Partial);
    assert!(!partial.balance_known && partial.beyond_policy);
    assert_eq!((partial.checked_at, partial.progress), (None, None));

    connection.first_load_running = true;
    let syncing = fresh_at(&[&connection], "2026-01-01T12:00:00Z");
    assert_eq!(syncing.status, FreshnessStatus::Syncing);
    assert!(!syncing.balance_known);
}

#[test]
fn one_just_added_is_syncing_before_its_first_attempt() {
    let mut connection = read_at("2026-01-01T12:00:00Z");
    for set in &mut connection.datasets {
        (set.succeeded_at, set.attempted_at, set.loaded) = (None, None, 0);
    }
    let syncing = fresh_at(&[&connection], "2026-01-01T12:00:00Z");
    assert_eq!(syncing.status, FreshnessStatus::Syncing);
    let expected = Progress {
        done: 0,
        total: None,
    };
    assert_eq!(syncing.progress, Some(expected));
    connection.datasets.clear();
    let nothing = fresh_at(&[&connection], "2026-01-01T12:00:00Z");
    assert!(!nothing.balance_known);
}

#[test]
fn progress_has_a_total_once_every_dataset_is_counted() {
    let mut connection = without(Dataset::Invoices, read_at("2026-01-01T12:00:00Z"));
    connection.first_load_running = true;
    let progress =
        |connection: &ConnectionFreshness| fresh_at(&[connection], "2026-01-01T12:00:00Z").progress;
    let unknown = Progress {
        done: 170,
        total: None,
    };
    assert_eq!(progress(&connection), Some(unknown));
    for set in &mut connection.datasets {
        if set.dataset == Dataset::Invoices {
            set.expected = Some(40);
        }
    }
    let known = Progress {
        done: 170,
        total: Some(200),
    };
    assert_eq!(progress(&connection), Some(known));
}

#[test]
fn without_consent_it_is_disconnected_and_the_old_figures_stand() {
    for state in [
        ConnectionState::Pending,
        ConnectionState::Disconnected,
        ConnectionState::Revoked,
    ] {
        let connection = ConnectionFreshness {
            state,
            ..read_at("2026-01-01T12:00:00Z")
        };
        let lost = fresh_at(&[&connection], "2026-01-01T12:05:00Z");
        assert_eq!(lost.status, FreshnessStatus::Disconnected);
        assert!(lost.balance_known);
        assert_eq!(lost.changes_at, Some(at("2026-01-02T12:00:00Z")));
    }
}

#[test]
fn several_connections_are_as_fresh_as_the_worst() {
    let newer = read_at("2026-01-01T12:00:00Z");
    let older = read_at("2026-01-01T11:40:00Z");
    let both = fresh_at(&[&newer, &older], "2026-01-01T12:05:00Z");
    assert_eq!(both.status, FreshnessStatus::Fresh);
    assert_eq!(both.checked_at, Some(at("2026-01-01T11:40:00Z")));
    assert_eq!(both.changes_at, Some(at("2026-01-01T12:10:00Z")));
    assert_eq!(both.datasets.len(), Dataset::ALL.len());
    assert!(
        both.datasets
            .iter()
            .all(|set| set.succeeded_at == Some(at("2026-01-01T11:40:00Z")))
    );
    let partial = without(Dataset::Invoices, newer);
    let both = fresh_at(&[&partial, &older], "2026-01-01T12:05:00Z");
    assert_eq!(both.status, FreshnessStatus::Partial);
    assert!(!both.balance_known && both.checked_at.is_none());
}

#[test]
fn when_the_oldest_is_past_the_policy_the_others_moment_is_still_told() {
    let newer = read_at("2026-01-02T00:00:00Z");
    let older = read_at("2026-01-01T00:00:00Z");
    let both = fresh_at(&[&newer, &older], "2026-01-02T06:00:00Z");
    assert!(both.beyond_policy);
    assert_eq!(both.changes_at, Some(at("2026-01-03T00:00:00Z")));
}

#[test]
fn no_connection_is_never_fresh() {
    let none = fresh_at(&[], "2026-01-01T00:00:00Z");
    assert_eq!(none.status, FreshnessStatus::Partial);
    assert!(!none.balance_known && none.beyond_policy);
}
