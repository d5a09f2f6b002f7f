//! Secrets at rest.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use financial_pulse::crypto::{Aad, CryptoError, Key, KeyRing};
use financial_pulse::domain::freshness::ConnectionState;
use financial_pulse::domain::ids::{ConnectionId, GrantId};
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use financial_pulse::store::{Grant, Resealed, SEALED_COLUMNS, Store, StoreError, StoredTokens};
use futures_util::poll;
use pretty_assertions::assert_eq;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::migrate::{Migration, Migrator};
use sqlx::{Connection as _, SqliteConnection};
use uuid::Uuid;

use super::records::{add_connection, at, books_id, tenant_id, with_books};
use crate::support::databases::{
    TestStore, empty_databases, for_each_database, key_ring, postgres,
};

fn tokens(access: &str, refresh: &str) -> StoredTokens {
    StoredTokens {
        access: SecretString::from(access),
        access_expires_at: at(3600),
        refresh: SecretString::from(refresh),
        refresh_expires_at: Some(at(8_640_000)),
    }
}

/// A grant; its id tells nothing of the connections that use it.
fn grant(id: &str, tokens: StoredTokens) -> Grant {
    let id = GrantId::from(id);
    Grant { id, tokens }
}

/// Stores a grant and reads a connection under it, as a consent does.
async fn consented(store: &Store, connection: &ConnectionId, grant: &Grant) {
    store.add_grant(&tenant_id(), grant, at(1)).await.unwrap();
    let account = format!("realm of {connection}");
    store
        .set_connection_account(connection, &account, Some(&grant.id), "test", at(1))
        .await
        .unwrap();
}

async fn shown(store: &Store) -> Option<(String, String)> {
    let tokens = store.grant_of(&books_id()).await.unwrap()?.tokens;
    assert_eq!(tokens.access_expires_at, at(3600));
    assert_eq!(tokens.refresh_expires_at, Some(at(8_640_000)));
    Some((
        tokens.access.expose_secret().to_owned(),
        tokens.refresh.expose_secret().to_owned(),
    ))
}

async fn with_key(database: &TestStore, active: u8, older: &[u8]) -> Store {
    let key = |byte: u8| Key::from_bytes([byte; 32]);
    let ring = KeyRing::new(key(active), older.iter().copied().map(key).collect());
    Store::open(&database.url, Arc::new(ring)).await.unwrap()
}

#[tokio::test]
async fn a_newer_grant_takes_the_place_of_the_one_before() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        assert_eq!(shown(store).await, None);
        let [first, second] =
            [("g1", "a1", "r1"), ("g2", "a2", "r2")].map(|(id, a, r)| grant(id, tokens(a, r)));
        consented(store, &books_id(), &first).await;
        consented(store, &books_id(), &second).await;
        let expected = Some(("a2".to_owned(), "r2".to_owned()));
        assert_eq!(shown(store).await, expected);
        // Another process reads them at once.
        assert_eq!(shown(&database.reopen().await).await, expected);
        // The first one is forgotten with its tokens.
        assert_eq!(stored_grants(database).await, 1);

        store
            .revoke_connection(&books_id(), "test", at(2))
            .await
            .unwrap();
        assert_eq!(shown(store).await, None);
        assert_eq!(stored_grants(database).await, 0);
        let nobodys = store
            .add_grant(&"nobody".into(), &grant("g3", tokens("a", "r")), at(1))
            .await;
        assert!(matches!(nobodys, Err(StoreError::Conflict { .. })));
    })
    .await;
}

/// How many grants there are: every one is touched by a statement that changes nothing.
async fn stored_grants(database: &TestStore) -> u64 {
    database
        .execute("UPDATE credential SET stored_at = stored_at")
        .await
        .unwrap()
}

#[tokio::test]
async fn a_grant_serves_several_connections_of_its_tenant_until_the_last_one_goes() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let second = add_connection(store, &tenant_id(), "second-books").await;
        let shared = grant("g1", tokens("a1", "r1"));
        consented(store, &books_id(), &shared).await;
        store
            .set_connection_account(&second, "realm-2", Some(&shared.id), "test", at(2))
            .await
            .unwrap();
        let users = async || {
            let connections = store.connections_of_grant(&shared.id).await.unwrap();
            let ids = connections.iter().map(|one| one.id.to_string());
            ids.collect::<Vec<_>>()
        };
        assert_eq!(users().await, ["acme-books", "second-books"]);
        // What one refreshes, the other uses.
        assert!(
            store
                .rotate_tokens(&shared, &tokens("a2", "r2"), at(3))
                .await
                .unwrap()
        );
        let of_second = store.grant_of(&second).await.unwrap().unwrap();
        assert_eq!(of_second.tokens.access.expose_secret(), "a2");

        // Consent lost is lost for both.
        store
            .set_state_of_grant(
                &shared.id,
                ConnectionState::Disconnected,
                Some("gone"),
                at(4),
            )
            .await
            .unwrap();
        for id in [&books_id(), &second] {
            let connection = store.connection(id).await.unwrap().unwrap();
            assert_eq!(connection.state, ConnectionState::Disconnected);
            assert_eq!(connection.state_reason.as_deref(), Some("gone"));
            assert_eq!(connection.state_since, at(4));
        }

        store
            .revoke_connection(&books_id(), "test", at(5))
            .await
            .unwrap();
        assert_eq!(users().await, ["second-books"]);
        assert!(store.grant_of(&second).await.unwrap().is_some());
        store
            .revoke_connection(&second, "test", at(6))
            .await
            .unwrap();
        assert_eq!(stored_grants(database).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_grant_of_another_tenant_is_no_grant() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let other = super::records::add_tenant(store, "other").await;
        let theirs = grant("g1", tokens("a1", "r1"));
        store.add_grant(&other, &theirs, at(1)).await.unwrap();
        let refused = store
            .set_connection_account(&books_id(), "realm", Some(&theirs.id), "test", at(1))
            .await;
        assert!(
            matches!(refused, Err(StoreError::Conflict { .. })),
            "{refused:?}"
        );
        // Put there past the store, it does not open.
        database
            .execute("UPDATE connection SET grant_id = 'g1' WHERE id = 'acme-books'")
            .await
            .unwrap();
        let opened = store.grant_of(&books_id()).await;
        assert!(
            matches!(opened, Err(StoreError::Crypto(CryptoError::Tampered))),
            "{opened:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_grant_that_serves_nothing_is_forgotten_after_a_while() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        consented(store, &books_id(), &grant("used", tokens("a", "r"))).await;
        let stray = grant("stray", tokens("a", "r"));
        store.add_grant(&tenant_id(), &stray, at(10)).await.unwrap();
        store.forget_stray_grants(at(9)).await.unwrap();
        assert_eq!(stored_grants(database).await, 2);
        store.forget_stray_grants(at(10)).await.unwrap();
        assert_eq!(stored_grants(database).await, 1);
        assert!(shown(store).await.is_some());
        store.forget_unused_grant(&"used".into()).await.unwrap();
        assert!(shown(store).await.is_some(), "it is used");
    })
    .await;
}

/// A caller may go away at any step. On PostgreSQL one that went away from a transaction's beginning
/// once left the connection inside it, and what the next caller stored over that connection was lost.
#[tokio::test]
async fn what_is_stored_after_callers_went_away_is_stored() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        // The beginning again and again: where it is left is for the machine to say.
        for (round, steps) in (1..).zip([1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 6, 8, 12]) {
            {
                let tenant = tenant_id();
                let user = "u-1".into();
                let roles = store.set_role(&tenant, "native", &user, "finance", "test", at(2));
                let mut leaving = pin!(roles);
                // By now a connection lies idle, and is taken without waiting.
                tokio::time::sleep(Duration::from_millis(20)).await;
                for _ in 0..steps {
                    if poll!(leaving.as_mut()).is_ready() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            // More than there are connections.
            for number in 0..20 {
                let grant = grant(&format!("g{round}-{number}"), tokens("a", "r"));
                store.add_grant(&tenant_id(), &grant, at(3)).await.unwrap();
            }
            assert_eq!(stored_grants(database).await, 20 * round, "{steps} steps");
        }
    })
    .await;
}

#[tokio::test]
async fn one_holder_at_a_time_renews_a_grant() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let held = grant("g1", tokens("a", "r"));
        consented(store, &books_id(), &held).await;
        let mut racers = Vec::new();
        for holder in 0..8 {
            let (store, id) = (database.reopen().await, held.id.clone());
            racers.push(tokio::spawn(async move {
                let holder = format!("process-{holder}");
                let taken = store.lease_grant(&id, &holder, at(60), at(1)).await;
                taken.unwrap().then_some(holder)
            }));
        }
        let mut holders = Vec::new();
        for racer in racers {
            holders.extend(racer.await.unwrap());
        }
        assert_eq!(holders.len(), 1, "{holders:?}");
        let lease = async |holder: &str, until, now| {
            let taken = store.lease_grant(&held.id, holder, at(until), at(now));
            taken.await.unwrap()
        };
        assert!(lease(&holders[0], 90, 30).await, "its holder renews it");
        assert!(!lease("late", 120, 89).await, "renewed, it still holds");
        assert!(lease("late", 150, 90).await, "at its end it is free");
        store.release_grant(&held.id, &holders[0]).await.unwrap();
        assert!(!lease("third", 150, 91).await, "only its holder frees it");
        store.release_grant(&held.id, "late").await.unwrap();
        assert!(lease("third", 150, 92).await, "given back, it is free");
        let gone = store.lease_grant(&"g0".into(), "third", at(9), at(1)).await;
        assert!(!gone.unwrap(), "there is no such grant");
    })
    .await;
}

#[tokio::test]
async fn a_refresh_never_replaces_the_tokens_of_a_newer_consent() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let first = grant("g1", tokens("a1", "r1"));
        let rotate = async |before: &Grant, fresh: &StoredTokens| {
            store.rotate_tokens(before, fresh, at(3)).await.unwrap()
        };
        let [second, third] = [tokens("a2", "r2"), tokens("a3", "r3")];
        assert!(!rotate(&first, &second).await, "nothing stands there");
        consented(store, &books_id(), &first).await;
        assert!(rotate(&first, &second).await);
        assert_eq!(shown(store).await, Some(("a2".to_owned(), "r2".to_owned())));
        assert!(!rotate(&first, &third).await, "others stand there");
        consented(store, &books_id(), &grant("g9", tokens("a9", "r9"))).await;
        assert!(!rotate(&grant("g1", second), &third).await, "it is gone");
        assert_eq!(shown(store).await, Some(("a9".to_owned(), "r9".to_owned())));
    })
    .await;
}

#[tokio::test]
async fn tokens_stand_in_no_file_as_they_are() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let marker = "a-token-that-nobody-may-read";
        consented(store, &books_id(), &grant("g1", tokens(marker, marker))).await;
        assert!(!format!("{:?}", tokens(marker, marker)).contains(marker));
        store.close().await;
        let Some(path) = database.url.strip_prefix("sqlite:") else {
            return;
        };
        for suffix in ["", "-wal"] {
            let bytes = std::fs::read(format!("{path}{suffix}")).unwrap_or_default();
            let found = bytes
                .windows(marker.len())
                .any(|window| window == marker.as_bytes());
            assert!(!found, "the token is readable in the file{suffix}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_ciphertext_that_was_changed_or_moved_does_not_open() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let other = add_connection(store, &tenant_id(), "other-books").await;
        consented(store, &books_id(), &grant("g1", tokens("a1", "r1"))).await;
        consented(store, &other, &grant("g2", tokens("a2", "r2"))).await;
        let refused = async || match store.grant_of(&books_id()).await {
            Err(StoreError::Crypto(error)) => error,
            other => panic!("{other:?}"),
        };
        // Of another row.
        let moved = database
            .execute(
                "UPDATE credential SET refresh_token = (SELECT other.refresh_token
                     FROM credential AS other WHERE other.grant_id = 'g2')
                 WHERE grant_id = 'g1'",
            )
            .await;
        assert_eq!(moved.unwrap(), 1);
        assert_eq!(refused().await, CryptoError::Tampered);
        // Of another column.
        consented(store, &books_id(), &grant("g3", tokens("a1", "r1"))).await;
        database
            .execute("UPDATE credential SET access_token = refresh_token WHERE grant_id = 'g3'")
            .await
            .unwrap();
        assert_eq!(refused().await, CryptoError::Tampered);
        // No sealed value at all.
        let zeros = if database.is_sqlite() {
            "UPDATE credential SET access_token = zeroblob(80) WHERE grant_id = 'g3'"
        } else {
            "UPDATE credential SET access_token = '\\x0000' WHERE grant_id = 'g3'"
        };
        database.execute(zeros).await.unwrap();
        assert_eq!(refused().await, CryptoError::Malformed);
        // The other row is untouched.
        assert!(store.grant_of(&other).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_secret_moved_to_another_tenant_does_not_open() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        consented(store, &books_id(), &grant("g1", tokens("a1", "r1"))).await;
        super::records::add_tenant(store, "thief").await;
        database
            .execute("UPDATE connection SET tenant = 'thief' WHERE id = 'acme-books'")
            .await
            .unwrap();
        let opened = store.grant_of(&books_id()).await;
        assert!(
            matches!(opened, Err(StoreError::Crypto(CryptoError::Tampered))),
            "{opened:?}"
        );
    })
    .await;
}

/// Seals every column anew.
async fn reseal(store: &Store) -> Resealed {
    let mut all = Resealed::default();
    for column in SEALED_COLUMNS {
        let done = store.reseal_column(column, |_| {}).await.unwrap();
        all.values += done.values;
        all.unopened.extend(done.unopened);
    }
    all
}

#[tokio::test]
async fn tokens_that_rotate_while_all_is_sealed_anew_are_never_lost() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let first = tokens("a0", "r0");
        consented(store, &books_id(), &grant("g1", first)).await;
        // Two keys that take turns, so that there is always something to seal anew.
        let rings = [
            with_key(database, 9, &[42]).await,
            with_key(database, 42, &[9]).await,
        ];
        let done = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&done);
        let sealed = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&sealed);
        let resealing = tokio::spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                for ring in &rings {
                    count.fetch_add(reseal(ring).await.values, Ordering::Relaxed);
                }
            }
        });
        let renewing = with_key(database, 9, &[42]).await;
        for round in 1..5_000 {
            // Both have to be at it for a while, whichever is the quicker.
            if round > 60 && sealed.load(Ordering::Relaxed) > 10 {
                break;
            }
            let before = renewing.grant_of(&books_id()).await.unwrap().unwrap();
            let fresh = tokens(&format!("a{round}"), &format!("r{round}"));
            let kept = renewing.rotate_tokens(&before, &fresh, at(round)).await;
            assert!(
                kept.unwrap(),
                "round {round}: the fresh tokens were thrown away"
            );
            let standing = renewing.grant_of(&books_id()).await.unwrap().unwrap();
            assert!(standing.tokens.is(&fresh), "round {round}");
        }
        done.store(true, Ordering::Relaxed);
        resealing.await.unwrap();
        let sealed = sealed.load(Ordering::Relaxed);
        assert!(sealed > 10, "only {sealed} were sealed meanwhile");
    })
    .await;
}

#[tokio::test]
async fn another_key_opens_nothing_and_a_rotated_ring_seals_anew() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        consented(store, &books_id(), &grant("g1", tokens("a1", "r1"))).await;
        let key = SigningKey {
            id: Uuid::from_u128(7).to_string().into(),
            tenant: Some(tenant_id()),
            preset: "native".to_owned(),
            kid: None,
            algorithm: Algorithm::Hs256,
            source: KeySource::Secret(SecretString::from("shared")),
            issuer: None,
            audience: None,
            valid_until: None,
            claims: std::collections::BTreeMap::default(),
        };
        store
            .add_signing_key(&key, "operator", at(1))
            .await
            .unwrap();

        let wrong = with_key(database, 9, &[]).await;
        for refused in [
            wrong.grant_of(&books_id()).await.map(drop),
            wrong
                .signing_keys(Some(&tenant_id()), "native", at(9))
                .await
                .map(drop),
        ] {
            assert!(
                matches!(refused, Err(StoreError::Crypto(CryptoError::UnknownKey))),
                "{refused:?}"
            );
        }

        let rotated = with_key(database, 9, &[42]).await;
        assert_eq!(shown(&rotated).await, shown(store).await);
        let all = Resealed {
            values: 4,
            unopened: Vec::new(),
        };
        assert_eq!(
            reseal(&rotated).await,
            all,
            "two tokens, a key, the audit's"
        );
        assert_eq!(reseal(&rotated).await, Resealed::default());
        // Now the new key alone is enough, and the old one opens nothing any more.
        assert!(shown(&wrong).await.is_some());
        let keys = wrong
            .signing_keys(Some(&tenant_id()), "native", at(9))
            .await
            .unwrap();
        let KeySource::Secret(secret) = &keys[0].source else {
            panic!("the secret became {:?}", keys[0].source);
        };
        assert_eq!(secret.expose_secret(), "shared");
        assert!(store.grant_of(&books_id()).await.is_err());
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_the_database_file() {
    use std::os::unix::fs::PermissionsExt as _;

    for_each_database(async |database| {
        with_books(&database.store).await;
        let Some(path) = database.url.strip_prefix("sqlite:") else {
            return;
        };
        for suffix in ["", "-wal", "-shm"] {
            let file = std::fs::metadata(format!("{path}{suffix}")).unwrap();
            let mode = file.permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "the file{suffix}");
        }
    })
    .await;
}

/// Brings a database to where it was before grants, with a connection that has tokens.
macro_rules! with_tokens_of_a_connection {
    ($connection:expr, $engine:literal, $sealed:expr) => {{
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut migrator = Migrator::new(folder.join($engine)).await.unwrap();
        let before = |migration: &&Migration| migration.version < 6;
        migrator.migrations = migrator.migrations.iter().filter(before).cloned().collect();
        migrator.run(&mut $connection).await.unwrap();
        for statement in [
            "INSERT INTO tenant (id, name, frame_ancestors_json, settings_json, version)
                 VALUES ('acme', 'Acme', '[]', '{}', 1)",
            "INSERT INTO connection (id, tenant, provider, account, time_zone, poll_seconds, state,
                 state_since, version)
                 VALUES ('acme-books', 'acme', 'quickbooks', 'realm', 'UTC', 60, 'active', 0, 1)",
        ] {
            sqlx::query(statement)
                .execute(&mut $connection)
                .await
                .unwrap();
        }
        let [access, refresh] = $sealed;
        sqlx::query(
            "INSERT INTO credential (connection, access_token, access_expires_at, refresh_token,
                 refresh_expires_at, stored_at)
             VALUES ('acme-books', $1, $2, $3, $4, 5)",
        )
        .bind(access)
        .bind(at(3600).as_millisecond())
        .bind(refresh)
        .bind(at(8_640_000).as_millisecond())
        .execute(&mut $connection)
        .await
        .unwrap();
    }};
}

#[tokio::test]
async fn tokens_from_before_there_were_grants_keep_opening() {
    for database in empty_databases().await {
        let sealed = [("access_token", "a1"), ("refresh_token", "r1")].map(|(column, token)| {
            let place = Aad {
                table: "credential",
                column,
                row: "acme-books",
                tenant: "acme",
            };
            key_ring().seal(token.as_bytes(), &place).unwrap()
        });
        if database.is_sqlite() {
            let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
            with_tokens_of_a_connection!(connection, "sqlite", sealed);
        } else {
            let mut connection = postgres(&database.url).await;
            with_tokens_of_a_connection!(connection, "postgres", sealed);
        }
        let store = &database.store;
        store.migrate().await.unwrap();
        assert_eq!(shown(store).await, Some(("a1".to_owned(), "r1".to_owned())));
        let before = store.grant_of(&books_id()).await.unwrap().unwrap();
        assert_eq!(before.id.as_str(), "acme-books");
        assert!(
            store
                .rotate_tokens(&before, &tokens("a2", "r2"), at(9))
                .await
                .unwrap()
        );
        assert_eq!(shown(store).await, Some(("a2".to_owned(), "r2".to_owned())));
    }
}
