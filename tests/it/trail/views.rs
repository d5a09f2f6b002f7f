//! Views of a pulse, recorded where a tenant wants it: over HTTP, of kept answers as of new ones.

use std::collections::BTreeMap;
use std::time::Duration;

use financial_pulse::auth::{Role, Viewer};
use financial_pulse::domain::credit::Decision;
use financial_pulse::domain::ids::{ContactId, TenantId};
use financial_pulse::service::views::{View, Views};
use financial_pulse::store::{Expected, Store, TenantSettings};
use pretty_assertions::assert_eq;

use super::tenants::{contact, whole_tenant};
use crate::store::records::{add_tenant, at};
use crate::support::databases::{TestStore, for_each_database};

async fn token(database: &TestStore, user: &str) -> String {
    let arguments = format!("token --tenant acme --role finance --user {user}");
    database
        .run(&arguments)
        .await
        .exits(0)
        .stdout
        .trim()
        .to_owned()
}

fn query() -> String {
    format!(
        "{{ contact(id: \"{}\") {{ pulse {{ decision {{ result }} }} }} }}",
        contact("acme")
    )
}

/// How many views are recorded, by who saw what.
async fn recorded(store: &Store) -> BTreeMap<(String, String), u64> {
    let acme = TenantId::from("acme");
    let mut views = BTreeMap::new();
    for row in store.audit(&acme, 0, 1000).await.unwrap() {
        if &*row.entry.action == "pulse.view" {
            let entry = row.entry;
            assert_eq!(entry.detail["role"], "finance");
            assert_eq!(
                entry.detail["decision"], "UNKNOWN",
                "the books are not loaded"
            );
            let times = entry.detail["times"].as_u64().unwrap_or(1);
            let key = (entry.actor.to_string(), entry.subject.to_string());
            *views.entry(key).or_default() += times;
        }
    }
    views
}

async fn until_recorded(store: &Store, people: usize) {
    for _ in 0..300 {
        if recorded(store).await.len() == people {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("recorded {:?}", recorded(store).await);
}

#[tokio::test]
async fn every_view_is_recorded_of_kept_answers_too() {
    for_each_database(async |database| {
        let store = &database.store;
        let settings = TenantSettings {
            record_views: true,
            ..TenantSettings::default()
        };
        whole_tenant(store, "acme", settings).await;
        let server = database.serve().await;
        let (jo, mo) = (token(database, "jo").await, token(database, "mo").await);
        for _ in 0..5 {
            assert_eq!(server.ask(&jo, &query()).await.0, 200);
        }
        // An answer that was made for somebody else.
        assert_eq!(server.ask(&mo, &query()).await.0, 200);
        let check = format!(
            "{{ creditCheck(contactId: \"{}\", amount: {{ amount: \"5\", currency: \"USD\" }}) {{ result }} }}",
            contact("acme")
        );
        let kay = token(database, "kay").await;
        let (status, body) = server.ask(&kay, &check).await;
        assert_eq!((status, body.get("errors")), (200, None), "{body}");
        // Not a view: nothing of a contact is shown.
        let lee = token(database, "lee").await;
        assert_eq!(server.ask(&lee, "{ viewer { role } }").await.0, 200);
        // The first of each within seconds; repeats when the server ends, or after a minute.
        until_recorded(store, 3).await;
        server.stop().await;
        let expected = [("jo", 5), ("kay", 1), ("mo", 1)]
            .map(|(who, times)| ((who.to_owned(), contact("acme")), times));
        assert_eq!(recorded(store).await, expected.into());
        let acme = TenantId::from("acme");
        let verified = store.verify_audit(&acme, &Expected::default()).await;
        assert_eq!(verified.unwrap().fault, None);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_does_not_want_it_has_none_and_turning_it_on_counts_at_once() {
    for_each_database(async |database| {
        let store = &database.store;
        whole_tenant(store, "acme", TenantSettings::default()).await;
        let server = database.serve().await;
        let jo = token(database, "jo").await;
        for _ in 0..3 {
            assert_eq!(server.ask(&jo, &query()).await.0, 200);
        }
        database
            .run("tenant add acme --record-views true")
            .await
            .exits(0);
        let mut turns = 0;
        while recorded(store).await.is_empty() {
            assert_eq!(server.ask(&jo, &query()).await.0, 200);
            tokio::time::sleep(Duration::from_millis(50)).await;
            turns += 1;
            assert!(turns < 200, "never recorded");
        }
        // Those from before are not in it.
        assert!(recorded(store).await.values().sum::<u64>() <= turns);
        server.stop().await;
    })
    .await;
}

/// Somebody of the tenant.
fn viewer(user: &str) -> Viewer {
    Viewer {
        tenant: TenantId::from("acme"),
        preset: "native".into(),
        user: user.into(),
        name: None,
        role: Role::Rep,
        contact: None,
        company: None,
        locale: None,
        session_expires_at: at(1000),
        session_hard_cap: at(1000),
        sees_amounts: true,
    }
}

fn view(contact: &str) -> View {
    View {
        contact: ContactId::parse(contact).unwrap(),
        decision: Decision::Hold,
    }
}

/// What is recorded: action, actor and how often.
async fn noted(store: &Store) -> Vec<(String, String, u64)> {
    let rows = store.audit(&TenantId::from("acme"), 1, 100).await.unwrap();
    rows.into_iter()
        .map(|row| {
            let detail = &row.entry.detail;
            let times = detail["times"].as_u64().or(detail["count"].as_u64());
            let entry = &row.entry;
            (
                entry.action.to_string(),
                entry.actor.to_string(),
                times.unwrap_or(1),
            )
        })
        .collect()
}

#[tokio::test]
async fn what_finds_no_room_is_counted_and_what_cannot_be_written_stays() {
    for_each_database(async |database| {
        add_tenant(&database.store, "acme").await;
        let views = Views::with_room(2);
        let away = database.reopen().await;
        away.close().await;
        let (one, two) = (view("native:contact:1"), view("native:contact:2"));
        views.note(&viewer("jo"), &[one.clone(), two.clone()], at(1));
        views.note(&viewer("jo"), std::slice::from_ref(&one), at(2));
        views.write_all(&away, at(3)).await.unwrap_err();
        views.note(&viewer("jo"), std::slice::from_ref(&one), at(4));
        // No room for another person.
        views.note(&viewer("mo"), &[one, two], at(5));
        views.write_all(&away, at(6)).await.unwrap_err();
        assert_eq!(noted(&database.store).await, []);
        views.write_all(&database.store, at(7)).await.unwrap();
        let row = |action: &str, actor: &str, times| (action.to_owned(), actor.to_owned(), times);
        let mut found = noted(&database.store).await;
        found.sort();
        assert_eq!(
            found,
            [
                row("pulse.view", "jo", 1),
                row("pulse.view", "jo", 3),
                row("pulse.views_lost", "automatic", 2),
            ]
        );
        // Once, and not again.
        views.write_all(&database.store, at(8)).await.unwrap();
        assert_eq!(noted(&database.store).await.len(), 3);
        // Of a tenant that is gone nothing is written.
        views.note(
            &Viewer {
                tenant: TenantId::from("gone"),
                ..viewer("jo")
            },
            &[view("native:contact:1")],
            at(9),
        );
        views.write_all(&database.store, at(10)).await.unwrap();
        assert_eq!(database.store.audit_chains().await.unwrap().len(), 2);
    })
    .await;
}
