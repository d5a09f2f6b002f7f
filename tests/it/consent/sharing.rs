//! One grant behind two connections: renewed once, lost for both, given up in parts.

use std::time::Duration;

use financial_pulse::domain::freshness::ConnectionState;
use financial_pulse::domain::ids::ConnectionId;
use financial_pulse::provider::ProviderError;
use financial_pulse::service::ledger::LedgerError;
use pretty_assertions::assert_eq;

use super::{GRACE, Place, TWO};
use crate::support::databases::{TestStore, for_each_database};

/// Two connections under one grant.
async fn shared(database: &TestStore) -> (Place, [ConnectionId; 2]) {
    let place = Place::new(database, &TWO).await;
    let first = place.add("first").await;
    let question = place.consent(&first).await;
    place.choose(question.code(), "org-a").await;
    let second = place
        .connections
        .add_from(&first, "org-b", Place::request("second"), "test")
        .await
        .expect("added")
        .id;
    (place, [first, second])
}

#[tokio::test]
async fn two_processes_renew_a_shared_grant_once() {
    for_each_database(async |database| {
        let (place, [first, second]) = shared(database).await;
        place.authority.inner().end_access();
        place.authority.hold(true);
        let other_process = database.reopen().await;
        let calls = place.authority.inner().asked.len();
        let reads = async {
            tokio::join!(
                place.read(&place.store, &first),
                place.read(&other_process, &second)
            )
        };
        let watched = async {
            place.authority.arrived(calls + 1).await;
            // Its answer is held back: time enough for the other one to ask too, if it did.
            let another = place.authority.arrived(calls + 2);
            let asked = tokio::time::timeout(Duration::from_millis(700), another).await;
            assert!(asked.is_err(), "a second refresh reached the provider");
            place.authority.hold(false);
        };
        let ((of_first, of_second), ()) = tokio::join!(reads, watched);
        assert_eq!(of_first.unwrap(), "Acme Inc.");
        assert_eq!(of_second.unwrap(), "<b>Beta & Sons</b>");
        assert_eq!(place.authority.inner().refreshes(), 1);
    })
    .await;
}

#[tokio::test]
async fn consent_that_is_lost_is_lost_for_both_and_a_new_one_brings_both_back() {
    for_each_database(async |database| {
        let (place, ids) = shared(database).await;
        let [first, second] = &ids;
        place.authority.inner().take_consent_back();
        let lost = place.read(&place.store, first).await;
        assert!(
            matches!(
                lost,
                Err(LedgerError::Provider(ProviderError::ConsentLost { .. }))
            ),
            "{lost:?}"
        );
        for id in &ids {
            let connection = place.connection(id).await;
            assert_eq!(connection.state, ConnectionState::Disconnected);
            assert_eq!(connection.state_reason.as_deref(), Some("consent_lost"));
            let refused = place.read(&place.store, id).await;
            assert!(
                matches!(
                    refused,
                    Err(LedgerError::NotAuthorized(ConnectionState::Disconnected))
                ),
                "{refused:?}"
            );
        }
        assert_eq!(place.authority.inner().refreshes(), 1, "no loop");

        let answer = place.consent(second).await;
        assert!(answer.body.contains("also serves first"), "{}", answer.body);
        for (id, name) in ids.iter().zip(["Acme Inc.", "<b>Beta & Sons</b>"]) {
            assert_eq!(place.connection(id).await.state, ConnectionState::Active);
            assert_eq!(place.read(&place.store, id).await.unwrap(), name);
        }
        let [one, other] = [
            place.connection(first).await,
            place.connection(second).await,
        ];
        assert_eq!(one.grant, other.grant);
    })
    .await;
}

#[tokio::test]
async fn a_shared_grant_is_given_up_in_parts_and_at_last_whole() {
    for_each_database(async |database| {
        let (place, [first, second]) = shared(database).await;
        place.connections.revoke(&first, "test").await.unwrap();
        assert_eq!(place.authority.inner().given_up, ["org-a"]);
        let revoked = place.connection(&first).await;
        assert_eq!(revoked.state, ConnectionState::Revoked);
        assert_eq!(revoked.grant, None);
        // The other one is read on.
        let name = place.read(&place.store, &second).await.unwrap();
        assert_eq!(name, "<b>Beta & Sons</b>");

        place.connections.revoke(&second, "test").await.unwrap();
        let given_up = place.authority.inner().given_up.clone();
        assert_eq!(given_up, ["org-a", "refresh-1"]);
        let grant = place.store.grant_of(&second).await.unwrap();
        assert!(grant.is_none(), "the tokens are forgotten");
    })
    .await;
}

/// A process that was killed between rotation and storing leaves what a lost answer leaves: the
/// provider has moved on, the store has not.
#[tokio::test]
async fn tokens_lost_without_a_grace_disconnect_once_and_for_all() {
    for_each_database(async |database| {
        let place = Place::new(database, &TWO[..1]).await;
        let id = place.connected("first").await;
        place.authority.inner().end_access();
        place.authority.inner().lose_next = true;
        let unanswered = place.read(&place.store, &id).await;
        assert!(
            matches!(
                unanswered,
                Err(LedgerError::Provider(ProviderError::Unavailable { .. }))
            ),
            "{unanswered:?}"
        );
        assert_eq!(place.connection(&id).await.state, ConnectionState::Active);

        let lost = place.read(&place.store, &id).await;
        assert!(
            matches!(
                lost,
                Err(LedgerError::Provider(ProviderError::ConsentLost { .. }))
            ),
            "{lost:?}"
        );
        assert_eq!(
            place.connection(&id).await.state,
            ConnectionState::Disconnected
        );
        for _ in 0..3 {
            place.read(&place.store, &id).await.unwrap_err();
        }
        assert_eq!(place.authority.inner().refreshes(), 2, "no loop");
    })
    .await;
}

#[tokio::test]
async fn tokens_lost_within_a_grace_are_got_again_with_the_old_one() {
    for_each_database(async |database| {
        let place = Place::with_grace(database, &TWO[..1], Some(GRACE)).await;
        let id = place.connected("first").await;
        place.authority.inner().end_access();
        place.authority.inner().lose_next = true;
        place.read(&place.store, &id).await.unwrap_err();
        assert_eq!(place.read(&place.store, &id).await.unwrap(), "Acme Inc.");
        assert_eq!(place.connection(&id).await.state, ConnectionState::Active);
        assert_eq!(place.authority.inner().refreshes(), 2);
        // What was got again is what stands from now on.
        place.authority.inner().end_access();
        assert_eq!(place.read(&place.store, &id).await.unwrap(), "Acme Inc.");
    })
    .await;
}

#[tokio::test]
async fn a_process_killed_while_it_renews_frees_the_grant_by_time() {
    for_each_database(async |database| {
        let (place, [first, second]) = shared(database).await;
        place.authority.inner().end_access();
        place.authority.hold(true);
        let calls = place.authority.inner().asked.len();
        {
            let killed = place.read(&place.store, &first);
            let mut killed = std::pin::pin!(killed);
            tokio::select! {
                ended = &mut killed => panic!("{ended:?}"),
                () = place.authority.arrived(calls + 1) => {}
            }
        }
        place.authority.hold(false);
        // When the lease has ended, the other one goes on. Whether the killed one's question was
        // answered is as it may be: the ledger has a grace here.
        place.authority.inner().grace = true;
        place.clock.advance(jiff::SignedDuration::from_secs(61));
        let name = place.read(&place.store, &second).await.unwrap();
        assert_eq!(name, "<b>Beta & Sons</b>");
    })
    .await;
}
