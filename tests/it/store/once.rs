//! What is used once or counted.

use financial_pulse::store::StoreError;
use pretty_assertions::assert_eq;

use super::records::{at, books_id, tenant_id, with_books};
use crate::support::databases::for_each_database;

const HASH: [u8; 32] = [1; 32];

#[tokio::test]
async fn a_one_time_code_is_taken_once_whoever_comes_at_the_same_time() {
    for_each_database(async |database| {
        with_books(&database.store).await;
        database
            .store
            .put_code(&HASH, &tenant_id(), "session", at(60))
            .await
            .unwrap();
        let mut takers = Vec::new();
        for taker in 0..12 {
            // Half of them from another process.
            let store = if taker % 2 == 0 {
                database.store.clone()
            } else {
                database.reopen().await
            };
            takers.push(tokio::spawn(
                async move { store.take_code(&HASH, at(1)).await },
            ));
        }
        let mut taken = Vec::new();
        for taker in takers {
            taken.extend(taker.await.unwrap().unwrap());
        }
        assert_eq!(taken, ["session"]);
    })
    .await;
}

#[tokio::test]
async fn a_code_is_worth_nothing_once_it_expired() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        store
            .put_code(&HASH, &tenant_id(), "session", at(60))
            .await
            .unwrap();
        let twice = store
            .put_code(&HASH, &tenant_id(), "other", at(60))
            .await
            .unwrap_err();
        assert!(matches!(twice, StoreError::Conflict { .. }), "{twice:?}");
        assert_eq!(store.take_code(&HASH, at(60)).await.unwrap(), None);
        // It is not even kept.
        assert_eq!(store.take_code(&HASH, at(59)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn uses_of_a_token_are_counted_until_it_expires() {
    for_each_database(async |database| {
        let store = &database.store;
        let mut counting = Vec::new();
        for _ in 0..8 {
            let store = store.clone();
            counting.push(tokio::spawn(async move {
                store.count_use(&HASH, at(60), at(1)).await
            }));
        }
        let mut counts = Vec::new();
        for count in counting {
            counts.push(count.await.unwrap().unwrap());
        }
        counts.sort_unstable();
        assert_eq!(counts, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(store.count_use(&[2; 32], at(60), at(1)).await.unwrap(), 1);
        assert_eq!(store.count_use(&HASH, at(120), at(60)).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_authorization_state_is_taken_once_and_in_time() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let put = async || store.put_oauth_state(&HASH, &books_id(), at(60)).await;
        let take = async |now| store.take_oauth_state(&HASH, at(now)).await.unwrap();
        put().await.unwrap();
        assert_eq!(take(59).await, Some(books_id()));
        assert_eq!(take(59).await, None);
        put().await.unwrap();
        assert_eq!(take(60).await, None);
        let unknown = store.put_oauth_state(&HASH, &"nobody".into(), at(60)).await;
        assert!(matches!(unknown, Err(StoreError::Conflict { .. })));
    })
    .await;
}
