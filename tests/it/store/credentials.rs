//! Secrets at rest.

use std::sync::Arc;

use financial_pulse::crypto::{CryptoError, Key, KeyRing};
use financial_pulse::store::{KeySource, SigningKey, Store, StoreError, StoredTokens};
use pretty_assertions::assert_eq;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::records::{add_connection, at, books_id, tenant_id, with_books};
use crate::support::databases::{TestStore, for_each_database};

fn tokens(access: &str, refresh: &str) -> StoredTokens {
    StoredTokens {
        access: SecretString::from(access),
        access_expires_at: at(3600),
        refresh: SecretString::from(refresh),
        refresh_expires_at: Some(at(8_640_000)),
    }
}

async fn shown(store: &Store) -> Option<(String, String)> {
    let tokens = store.tokens(&books_id()).await.unwrap()?;
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
async fn tokens_are_replaced_and_forgotten() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        assert_eq!(shown(store).await, None);
        store
            .put_tokens(&books_id(), &tokens("a1", "r1"), at(1))
            .await
            .unwrap();
        store
            .put_tokens(&books_id(), &tokens("a2", "r2"), at(2))
            .await
            .unwrap();
        let expected = Some(("a2".to_owned(), "r2".to_owned()));
        assert_eq!(shown(store).await, expected);
        // Another process reads them at once.
        assert_eq!(shown(&database.reopen().await).await, expected);
        store.delete_tokens(&books_id()).await.unwrap();
        assert_eq!(shown(store).await, None);
        let nobody = store
            .put_tokens(&"nobody".into(), &tokens("a", "r"), at(1))
            .await;
        assert!(matches!(nobody, Err(StoreError::Conflict { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_refresh_never_replaces_the_tokens_of_a_newer_consent() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let [first, second, third] = [("a1", "r1"), ("a2", "r2"), ("a3", "r3")]
            .map(|(access, refresh)| tokens(access, refresh));
        let consented = tokens("a9", "r9");
        let rotate = async |before, fresh| {
            let rotated = store.rotate_tokens(&books_id(), before, fresh, at(3)).await;
            rotated.unwrap()
        };
        assert!(!rotate(&first, &second).await, "nothing stands there");
        store.put_tokens(&books_id(), &first, at(1)).await.unwrap();
        assert!(rotate(&first, &second).await);
        assert_eq!(shown(store).await, Some(("a2".to_owned(), "r2".to_owned())));
        store
            .put_tokens(&books_id(), &consented, at(2))
            .await
            .unwrap();
        assert!(!rotate(&second, &third).await);
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
        store
            .put_tokens(&books_id(), &tokens(marker, marker), at(1))
            .await
            .unwrap();
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
        store.put_tokens(&books_id(), &tokens("a1", "r1"), at(1)).await.unwrap();
        store.put_tokens(&other, &tokens("a2", "r2"), at(1)).await.unwrap();
        let refused = async || match store.tokens(&books_id()).await {
            Err(StoreError::Crypto(error)) => error,
            other => panic!("{other:?}"),
        };
        // Of another row.
        let moved = database
            .execute(
                "UPDATE credential SET refresh_token = (SELECT other.refresh_token
                     FROM credential AS other WHERE other.connection = 'other-books')
                 WHERE connection = 'acme-books'",
            )
            .await;
        assert_eq!(moved.unwrap(), 1);
        assert_eq!(refused().await, CryptoError::Tampered);
        // Of another column.
        store.put_tokens(&books_id(), &tokens("a1", "r1"), at(1)).await.unwrap();
        database
            .execute(
                "UPDATE credential SET access_token = refresh_token WHERE connection = 'acme-books'",
            )
            .await
            .unwrap();
        assert_eq!(refused().await, CryptoError::Tampered);
        // No sealed value at all.
        let zeros = if database.is_sqlite() {
            "UPDATE credential SET access_token = zeroblob(80) WHERE connection = 'acme-books'"
        } else {
            "UPDATE credential SET access_token = '\\x0000' WHERE connection = 'acme-books'"
        };
        database.execute(zeros).await.unwrap();
        assert_eq!(refused().await, CryptoError::Malformed);
        // The other row is untouched.
        assert!(store.tokens(&other).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_secret_moved_to_another_tenant_does_not_open() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        store
            .put_tokens(&books_id(), &tokens("a1", "r1"), at(1))
            .await
            .unwrap();
        super::records::add_tenant(store, "thief").await;
        database
            .execute("UPDATE connection SET tenant = 'thief' WHERE id = 'acme-books'")
            .await
            .unwrap();
        let opened = store.tokens(&books_id()).await;
        assert!(
            matches!(opened, Err(StoreError::Crypto(CryptoError::Tampered))),
            "{opened:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn another_key_opens_nothing_and_a_rotated_ring_seals_anew() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        store
            .put_tokens(&books_id(), &tokens("a1", "r1"), at(1))
            .await
            .unwrap();
        let key = SigningKey {
            id: Uuid::from_u128(7),
            tenant: Some(tenant_id()),
            preset: "native".to_owned(),
            kid: None,
            algorithm: "HS256".to_owned(),
            source: KeySource::Secret(SecretString::from("shared")),
            issuer: None,
            audience: None,
            valid_until: None,
        };
        store
            .add_signing_key(&key, "operator", at(1))
            .await
            .unwrap();

        let wrong = with_key(database, 9, &[]).await;
        for refused in [
            wrong.tokens(&books_id()).await.map(drop),
            wrong
                .signing_keys(Some(&tenant_id()), "native")
                .await
                .map(drop),
            wrong.reseal().await.map(drop),
        ] {
            assert!(
                matches!(refused, Err(StoreError::Crypto(CryptoError::UnknownKey))),
                "{refused:?}"
            );
        }

        let rotated = with_key(database, 9, &[42]).await;
        assert_eq!(shown(&rotated).await, shown(store).await);
        assert_eq!(rotated.reseal().await.unwrap(), 2);
        assert_eq!(rotated.reseal().await.unwrap(), 0);
        // Now the new key alone is enough, and the old one opens nothing any more.
        assert!(shown(&wrong).await.is_some());
        let keys = wrong
            .signing_keys(Some(&tenant_id()), "native")
            .await
            .unwrap();
        let KeySource::Secret(secret) = &keys[0].source else {
            panic!("the secret became {:?}", keys[0].source);
        };
        assert_eq!(secret.expose_secret(), "shared");
        assert!(store.tokens(&books_id()).await.is_err());
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
