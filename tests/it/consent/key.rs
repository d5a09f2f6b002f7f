//! A key that an operator hands over, in place of a person's consent.

use financial_pulse::domain::freshness::ConnectionState;
use financial_pulse::provider::{ConsentGiver, ProviderError};
use financial_pulse::service::connections::ConnectionError;
use financial_pulse::service::ledger::LedgerError;
use pretty_assertions::assert_eq;
use secrecy::SecretString;

use super::{Place, TWO};
use crate::support::databases::for_each_database;

#[tokio::test]
async fn a_key_is_tried_before_it_is_kept_and_needs_no_browser() {
    for_each_database(async |database| {
        let place = Place::by_key(database, &TWO[..1]).await;
        let id = place.add("first").await;
        let given_by = place.connections.giver_of(&id).await.unwrap();
        assert_eq!(given_by, ConsentGiver::ApplicationKey);
        let page = place.connections.consent_url(&id).await;
        assert!(
            matches!(
                page,
                Err(ConnectionError::Provider(
                    ProviderError::Misconfigured { .. }
                ))
            ),
            "{page:?}"
        );
        let wrong = SecretString::from("access-9");
        let refused = place.connections.use_key(&id, wrong, None, "test").await;
        assert!(
            matches!(
                refused,
                Err(ConnectionError::Provider(
                    ProviderError::Unauthorized { .. }
                ))
            ),
            "{refused:?}"
        );
        assert_eq!(place.connection(&id).await.state, ConnectionState::Pending);

        let key = SecretString::from(place.authority.inner().issue_key());
        let connected = place.connections.use_key(&id, key, None, "test").await;
        let connection = connected.unwrap().connection;
        assert_eq!(connection.state, ConnectionState::Active);
        assert_eq!(connection.account.as_deref(), Some("org-a"));
        assert_eq!(place.read(&place.store, &id).await.unwrap(), "Acme Inc.");
        assert_eq!(place.authority.inner().asked.len(), 0, "no token calls");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_taken_back_needs_a_new_one() {
    for_each_database(async |database| {
        let place = Place::by_key(database, &TWO[..1]).await;
        let id = place.add("first").await;
        let use_new_key = async || {
            let key = SecretString::from(place.authority.inner().issue_key());
            let used = place.connections.use_key(&id, key, None, "test").await;
            used.unwrap();
        };
        use_new_key().await;
        place.authority.inner().end_access();
        let lost = place.read(&place.store, &id).await;
        assert!(
            matches!(
                lost,
                Err(LedgerError::Provider(ProviderError::ConsentLost { .. }))
            ),
            "{lost:?}"
        );
        let connection = place.connection(&id).await;
        assert_eq!(connection.state, ConnectionState::Disconnected);
        use_new_key().await;
        assert_eq!(place.read(&place.store, &id).await.unwrap(), "Acme Inc.");
    })
    .await;
}

#[tokio::test]
async fn a_key_to_several_organizations_wants_one_named() {
    for_each_database(async |database| {
        let place = Place::by_key(database, &TWO).await;
        let id = place.add("first").await;
        let key = SecretString::from(place.authority.inner().issue_key());
        let use_for = async |organization| {
            let key = key.clone();
            place
                .connections
                .use_key(&id, key, organization, "test")
                .await
        };
        let open = use_for(None).await;
        let Err(ConnectionError::Undecided(choices)) = open else {
            panic!("{open:?}");
        };
        assert_eq!(choices, ["org-a", "org-b"]);
        let unknown = use_for(Some("org-c")).await;
        assert!(
            matches!(unknown, Err(ConnectionError::NotReached(_))),
            "{unknown:?}"
        );
        let connected = use_for(Some("org-b")).await.unwrap();
        assert_eq!(connected.connection.account.as_deref(), Some("org-b"));
        assert_eq!(connected.further.len(), 1);
    })
    .await;
}
