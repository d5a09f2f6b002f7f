//! Attacks on the chains by somebody who can write to the database but has no key.

use std::collections::BTreeSet;

use financial_pulse::domain::ids::{TenantId, UserId};
use financial_pulse::store::{AuditEntry, Expected, Fault, Store, Verified};
use pretty_assertions::assert_eq;
use serde_json::json;

use crate::store::records::{add_tenant, at};
use crate::support::databases::{TestStore, empty_databases, for_each_database};

/// Entries that the tenant under attack has: its own and eight roles.
const ENTRIES: i64 = 9;

fn acme() -> TenantId {
    TenantId::from("acme")
}

async fn with_entries(store: &Store) {
    let tenant = add_tenant(store, "acme").await;
    add_tenant(store, "other").await;
    for user in 0..ENTRIES - 1 {
        let user = UserId::new(format!("u{user}"));
        store
            .set_role(
                &tenant,
                "native",
                &user,
                "finance",
                "operator",
                at(user_second(&user)),
            )
            .await
            .unwrap();
    }
}

fn user_second(user: &UserId) -> i64 {
    i64::try_from(user.as_str().len()).unwrap()
}

async fn verify(store: &Store, tenant: &str) -> Verified {
    let tenant = TenantId::from(tenant);
    store
        .verify_audit(&tenant, &Expected::default())
        .await
        .unwrap()
}

/// Takes the guards of the tables away, as somebody with access to the database could.
async fn without_guards(database: &TestStore) {
    let guards: &[&str] = if database.is_sqlite() {
        &[
            "DROP TRIGGER audit_refuses_update",
            "DROP TRIGGER audit_refuses_delete",
            "DROP TRIGGER audit_refuses_replace",
            "DROP TRIGGER audit_head_refuses_delete",
        ]
    } else {
        &[
            "ALTER TABLE audit DISABLE TRIGGER ALL",
            "ALTER TABLE audit_head DISABLE TRIGGER ALL",
        ]
    };
    for guard in guards {
        database.execute(guard).await.unwrap();
    }
}

#[tokio::test]
async fn what_nobody_touched_fits_and_an_earlier_end_is_found_again() {
    for_each_database(async |database| {
        let store = &database.store;
        with_entries(store).await;
        let first = verify(store, "acme").await;
        assert_eq!((first.count, &first.fault), (ENTRIES, &None));
        let installation = store
            .verify_audit(None, &Expected::default())
            .await
            .unwrap();
        assert_eq!((installation.count, installation.fault), (1, None));
        // The chain grows; what an operator kept of it stays true.
        let user = UserId::from("late");
        store
            .set_role(&acme(), "native", &user, "rep", "operator", at(99))
            .await
            .unwrap();
        let kept = |count, head: &[u8]| Expected {
            count: Some(count),
            head: Some(head.to_vec()),
        };
        let again = store
            .verify_audit(&acme(), &kept(ENTRIES, &first.head))
            .await;
        assert_eq!(again.unwrap().fault, None);
        for wrong in [
            kept(ENTRIES, &[7; 32]),
            kept(ENTRIES - 1, &first.head),
            kept(ENTRIES + 2, &first.head),
        ] {
            let refused = store.verify_audit(&acme(), &wrong).await.unwrap();
            assert_eq!(refused.fault, Some(Fault::NotAsExpected));
        }
        let never = verify(store, "nobody").await;
        assert_eq!(never.fault, Some(Fault::Empty));
    })
    .await;
}

#[tokio::test]
async fn every_changed_field_is_found_and_the_entry_named() {
    let changes: &[&'static str] = &[
        "UPDATE audit SET at = at + 1 WHERE tenant = 'acme' AND seq = 4",
        "UPDATE audit SET actor = 'somebody' WHERE tenant = 'acme' AND seq = 4",
        "UPDATE audit SET on_behalf_of = 'somebody' WHERE tenant = 'acme' AND seq = 4",
        "UPDATE audit SET action = 'role.get' WHERE tenant = 'acme' AND seq = 4",
        "UPDATE audit SET subject = 'u9' WHERE tenant = 'acme' AND seq = 4",
        "UPDATE audit SET detail_json = '{}' WHERE tenant = 'acme' AND seq = 4",
        "UPDATE audit SET reason = '' WHERE tenant = 'acme' AND seq = 4",
        "UPDATE audit SET previous = (SELECT hash FROM audit WHERE tenant = 'acme' AND seq = 2)
         WHERE tenant = 'acme' AND seq = 4",
        "UPDATE audit SET hash = previous WHERE tenant = 'acme' AND seq = 4",
    ];
    for change in changes {
        for_each_database(async |database| {
            with_entries(&database.store).await;
            without_guards(database).await;
            assert_eq!(database.execute(change).await.unwrap(), 1, "{change}");
            let found = verify(&database.store, "acme").await;
            assert_eq!(found.fault, Some(Fault::Changed(4)), "{change}");
            assert_eq!(found.count, 3, "{change}");
            assert_eq!(verify(&database.store, "other").await.fault, None);
        })
        .await;
    }
}

#[tokio::test]
async fn removed_added_and_moved_entries_are_found() {
    let attacks: &[(&[&'static str], Fault)] = &[
        (
            &["DELETE FROM audit WHERE tenant = 'acme' AND seq = 4"],
            Fault::Missing(4),
        ),
        (
            &["DELETE FROM audit WHERE tenant = 'acme' AND seq = 1"],
            Fault::Missing(1),
        ),
        // Removed, and the gap closed.
        (
            &[
                "DELETE FROM audit WHERE tenant = 'acme' AND seq = 4",
                "UPDATE audit SET seq = 4 WHERE tenant = 'acme' AND seq = 5",
            ],
            Fault::Changed(4),
        ),
        // Two entries in each other's place.
        (
            &[
                "UPDATE audit SET seq = 100 WHERE tenant = 'acme' AND seq = 4",
                "UPDATE audit SET seq = 4 WHERE tenant = 'acme' AND seq = 5",
                "UPDATE audit SET seq = 5 WHERE tenant = 'acme' AND seq = 100",
            ],
            Fault::Changed(4),
        ),
        // A copy of an entry at the end, before the first, and in another chain.
        (
            &[
                "INSERT INTO audit SELECT tenant, 10, at, actor, on_behalf_of, action, subject,
               detail_json, reason, hash, hash FROM audit WHERE tenant = 'acme' AND seq = 9",
            ],
            Fault::Changed(10),
        ),
        (
            &[
                "INSERT INTO audit SELECT tenant, 0, at, actor, on_behalf_of, action, subject,
               detail_json, reason, previous, hash FROM audit WHERE tenant = 'acme' AND seq = 1",
            ],
            Fault::Changed(0),
        ),
        (
            &[
                "INSERT INTO audit SELECT 'acme', 10, at, actor, on_behalf_of, action, subject,
               detail_json, reason, previous, hash FROM audit WHERE tenant = 'other' AND seq = 1",
            ],
            Fault::Changed(10),
        ),
        // The end cut off: alone, and with the head moved back to what is left.
        (
            &["DELETE FROM audit WHERE tenant = 'acme' AND seq > 6"],
            Fault::CutOff { last: 6, head: 9 },
        ),
        (
            &[
                "DELETE FROM audit WHERE tenant = 'acme' AND seq > 6",
                "UPDATE audit_head SET seq = 6,
                    hash = (SELECT hash FROM audit WHERE tenant = 'acme' AND seq = 6)
                 WHERE tenant = 'acme'",
            ],
            Fault::Head,
        ),
        (
            &["DELETE FROM audit_head WHERE tenant = 'acme'"],
            Fault::Head,
        ),
        (
            &[
                "DELETE FROM audit WHERE tenant = 'acme'",
                "DELETE FROM audit_head WHERE tenant = 'acme'",
            ],
            Fault::Empty,
        ),
        // Another key, under which a forger could have hashed all anew.
        (&["DELETE FROM installation_secret"], Fault::NoKey),
    ];
    for (attack, fault) in attacks {
        for_each_database(async |database| {
            with_entries(&database.store).await;
            without_guards(database).await;
            for statement in *attack {
                assert!(
                    database.execute(statement).await.unwrap() > 0,
                    "{statement}"
                );
            }
            let found = verify(&database.store, "acme").await;
            assert_eq!(found.fault.as_ref(), Some(fault), "{attack:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn an_end_cut_off_stays_found_when_the_service_goes_on_writing() {
    let cut = "DELETE FROM audit WHERE tenant = 'acme' AND seq > 6";
    let back = "UPDATE audit_head SET seq = 6,
            hash = (SELECT hash FROM audit WHERE tenant = 'acme' AND seq = 6)
         WHERE tenant = 'acme'";
    let forged = "INSERT INTO audit SELECT tenant, 10, at, actor, on_behalf_of, action, subject,
            detail_json, reason, hash, hash FROM audit WHERE tenant = 'acme' AND seq = 9";
    let head = "DELETE FROM audit_head WHERE tenant = 'acme'";
    let all = "DELETE FROM audit WHERE tenant = 'acme'";
    for attack in [
        vec![cut, back],
        vec![cut],
        vec![forged],
        vec![head],
        vec![all, head],
    ] {
        for_each_database(async |database| {
            let store = &database.store;
            with_entries(store).await;
            without_guards(database).await;
            for statement in &attack {
                database.execute(statement).await.unwrap();
            }
            for user in ["x", "y"] {
                let user = UserId::from(user);
                store
                    .set_role(&acme(), "native", &user, "rep", "operator", at(99))
                    .await
                    .unwrap();
            }
            let entries = store.audit(&acme(), 0, 100).await.unwrap();
            let broken = entries
                .iter()
                .filter(|row| &*row.entry.action == "audit.broken");
            assert_eq!(broken.count(), 1, "said once: {attack:?}");
            assert!(verify(store, "acme").await.fault.is_some(), "{attack:?}");
        })
        .await;
    }
}

/// What an entry that the program adds by itself says of the installation.
fn of_the_installation() -> AuditEntry {
    AuditEntry {
        tenant: None,
        at: at(99),
        actor: "operator".into(),
        action: "test".into(),
        subject: "k".into(),
        detail: json!({}),
        reason: None,
    }
}

async fn broken_entries(store: &Store, tenant: Option<&TenantId>) -> usize {
    let entries = store.audit(tenant, 0, 100).await.unwrap();
    let broken = entries
        .iter()
        .filter(|row| &*row.entry.action == "audit.broken");
    broken.count()
}

/// The guards let a chain go whole under a permit, which whoever writes to the database can make, and
/// the tenant be made to look like one that was just added.
#[tokio::test]
async fn a_tenants_chain_that_was_removed_does_not_begin_anew() {
    let versions = [
        "UPDATE tenant SET version = 0 WHERE id = 'acme'",
        "UPDATE tenant SET version = 1 WHERE id = 'acme'",
    ];
    for version in versions {
        for by_settings in [false, true] {
            for_each_database(async |database| {
                let store = &database.store;
                with_entries(store).await;
                for statement in [
                    "INSERT INTO audit_erasure VALUES ('acme')",
                    "DELETE FROM audit WHERE tenant = 'acme'",
                    "DELETE FROM audit_head WHERE tenant = 'acme'",
                    "DELETE FROM audit_erasure WHERE tenant = 'acme'",
                    version,
                ] {
                    assert!(
                        database.execute(statement).await.unwrap() > 0,
                        "{statement}"
                    );
                }
                assert_eq!(verify(store, "acme").await.fault, Some(Fault::Empty));
                if by_settings {
                    add_tenant(store, "acme").await;
                }
                let user = UserId::from("x");
                store
                    .set_role(&acme(), "native", &user, "rep", "operator", at(99))
                    .await
                    .unwrap();
                assert_eq!(broken_entries(store, Some(&acme())).await, 1, "{version}");
                let found = verify(store, "acme").await;
                assert_eq!(found.fault, Some(Fault::Broken(1)), "{version}");
            })
            .await;
        }
    }
}

#[tokio::test]
async fn the_installations_chain_that_was_removed_neither_begins_anew_nor_takes_entries_in() {
    let forged = "INSERT INTO audit_before_chain (tenant, at, actor, action, subject, detail_json)
         VALUES ('acme', 1, 'operator', 'forged', 'acme', '{}'),
                (NULL, 1, 'operator', 'forged', 'k', '{}')";
    let chain = [
        "DELETE FROM audit WHERE tenant = ''",
        "DELETE FROM audit_head WHERE tenant = ''",
    ];
    let key = "DELETE FROM installation_secret";
    for (attack, fault) in [
        (vec![forged, chain[0], chain[1]], Fault::Empty),
        (vec![forged, chain[0], chain[1], key], Fault::NoKey),
        (vec![forged, key], Fault::NoKey),
    ] {
        for_each_database(async |database| {
            with_entries(&database.store).await;
            without_guards(database).await;
            for statement in &attack {
                assert!(
                    database.execute(statement).await.unwrap() > 0,
                    "{statement}"
                );
            }
            // The next start.
            let store = database.reopen().await;
            store.migrate().await.unwrap();
            let check = async || {
                store
                    .verify_audit(None, &Expected::default())
                    .await
                    .unwrap()
            };
            assert_eq!(check().await.fault.as_ref(), Some(&fault), "{attack:?}");
            store.append_audit(&of_the_installation()).await.unwrap();
            assert_eq!(broken_entries(&store, None).await, 1, "{attack:?}");
            assert!(check().await.fault.is_some(), "{attack:?}");
            let entries = store.audit(&acme(), 0, 100).await.unwrap();
            assert!(entries.iter().all(|row| &*row.entry.action != "forged"));
        })
        .await;
    }
}

#[tokio::test]
async fn many_writers_make_one_chain_and_a_reader_misses_none() {
    for_each_database(async |database| {
        let store = &database.store;
        add_tenant(store, "acme").await;
        let mut writers = Vec::new();
        for writer in 0..8 {
            let store = database.reopen().await;
            writers.push(tokio::spawn(async move {
                for index in 0..20 {
                    let entry = AuditEntry {
                        tenant: Some(acme()),
                        at: at(index),
                        actor: format!("w{writer}").into(),
                        action: "test".into(),
                        subject: format!("{index}").into(),
                        detail: json!({}),
                        reason: None,
                    };
                    store.append_audit(&entry).await.unwrap();
                }
            }));
        }
        // Reads on from what it has seen while they write.
        let (mut after, mut seen) = (0, BTreeSet::new());
        while seen.len() < 161 {
            for row in store.audit(&acme(), after, 7).await.unwrap() {
                after = row.seq;
                assert!(seen.insert(row.seq));
            }
            tokio::task::yield_now().await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(seen, (1..=161).collect());
        let verified = verify(store, "acme").await;
        assert_eq!((verified.count, verified.fault), (161, None));
    })
    .await;
}

#[tokio::test]
async fn entries_from_before_the_chains_are_taken_in_once() {
    for database in empty_databases().await {
        let store = &database.store;
        store.migrate().await.unwrap();
        add_tenant(store, "acme").await;
        // Back to before the chains, as an older version left it.
        without_guards(&database).await;
        for statement in [
            "DELETE FROM audit",
            "DELETE FROM audit_head",
            "DELETE FROM installation_secret",
            "INSERT INTO audit_before_chain (tenant, at, actor, action, subject, detail_json)
             VALUES ('acme', 1, 'operator', 'tenant.put', 'acme', '{}'),
                    (NULL, 2, 'operator', 'key.add', 'k', '{}'),
                    ('gone', 3, 'operator', 'tenant.put', 'gone', '{\"a\": 1.50}'),
                    ('acme', 4, 'jo', 'limit.set', 'default', '{}')",
        ] {
            database.execute(statement).await.unwrap();
        }
        let (one, two) = (database.reopen().await, database.reopen().await);
        let (first, second) = tokio::join!(one.migrate(), two.migrate());
        first.unwrap();
        second.unwrap();
        let counts = async || {
            let mut counts = Vec::new();
            for chain in one.audit_chains().await.unwrap() {
                let verified = one
                    .verify_audit(chain.as_ref(), &Expected::default())
                    .await
                    .unwrap();
                assert_eq!(verified.fault, None, "{chain:?}");
                counts.push((chain.map(|id| id.to_string()), verified.count));
            }
            counts
        };
        let expected = [
            (None, 2),
            (Some("acme".to_owned()), 3),
            (Some("gone".to_owned()), 1),
        ];
        assert_eq!(counts().await, expected);
        let acme = one.audit(&acme(), 0, 10).await.unwrap();
        let actions: Vec<&str> = acme.iter().map(|row| &*row.entry.action).collect();
        assert_eq!(actions, ["tenant.put", "limit.set", "audit.begin"]);
        assert_eq!(acme[2].entry.detail, json!({ "taken_over": 2 }));
        // Later nothing is taken in from there.
        let forged =
            "INSERT INTO audit_before_chain (tenant, at, actor, action, subject, detail_json)
             VALUES ('acme', 1, 'operator', 'forged', 'acme', '{}')";
        database.execute(forged).await.unwrap();
        one.migrate().await.unwrap();
        assert_eq!(counts().await, expected);
    }
}
