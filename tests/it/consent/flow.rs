//! From the address that is printed to the page that says what happened.

use axum::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use financial_pulse::domain::freshness::ConnectionState;
use financial_pulse::service::connections::ConnectionError;
use jiff::SignedDuration;
use pretty_assertions::assert_eq;
use sha2::{Digest as _, Sha256};

use super::{Place, TWO};
use crate::support::databases::for_each_database;

#[tokio::test]
async fn the_only_organization_is_taken_and_the_page_says_so() {
    for_each_database(async |database| {
        let place = Place::new(database, &TWO[..1]).await;
        let id = place.add("first").await;
        let (state, challenge) = place.asked(&id).await;
        let path = format!("/oauth/xero/callback?code=the-code&state={state}");
        let answer = place.open(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(answer.body.contains("The books are connected"));
        assert!(
            answer.body.contains("the books of Acme Inc."),
            "{}",
            answer.body
        );
        assert!(!answer.body.contains("the-code"));
        let header = |name| answer.headers[name].to_str().expect("text").to_owned();
        assert_eq!(header(header::CACHE_CONTROL), "no-store");
        assert_eq!(header(header::REFERRER_POLICY), "no-referrer");
        let policy = header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");

        let connection = place.connection(&id).await;
        assert_eq!(connection.state, ConnectionState::Active);
        assert_eq!(connection.account.as_deref(), Some("org-a"));
        assert_eq!(place.read(&place.store, &id).await.unwrap(), "Acme Inc.");

        // The code is bound by the secret whose hash went with the question.
        let asked = place.authority.inner().asked[0].clone();
        assert_eq!(asked["code"], "the-code");
        let verifier = &asked["code_verifier"];
        assert!(verifier.len() >= 43, "{verifier}");
        assert_eq!(challenge, URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
        assert!(!state.contains(verifier.as_str()));
    })
    .await;
}

#[tokio::test]
async fn an_answer_to_no_question_of_ours_reaches_no_provider() {
    for_each_database(async |database| {
        let place = Place::new(database, &TWO[..1]).await;
        let id = place.add("first").await;
        let refused = async |path: String| {
            let answer = place.open(&path).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
            assert!(answer.body.contains("The books are not connected"));
            assert!(answer.body.contains("connection authorize"));
        };
        refused("/oauth/xero/callback".to_owned()).await;
        refused("/oauth/xero/callback?code=c&state=forged".to_owned()).await;
        // By the door of another provider, after which it is used up.
        let (state, _) = place.asked(&id).await;
        refused(format!("/oauth/sage/callback?code=c&state={state}")).await;
        refused(format!("/oauth/xero/callback?code=c&state={state}")).await;
        // Too late.
        let (state, _) = place.asked(&id).await;
        place.clock.advance(SignedDuration::from_mins(30));
        refused(format!("/oauth/xero/callback?code=c&state={state}")).await;
        // Not given.
        let (state, _) = place.asked(&id).await;
        refused(format!(
            "/oauth/xero/callback?error=access_denied&state={state}"
        ))
        .await;
        assert_eq!(place.authority.inner().exchanges(), 0);
        assert_eq!(
            place.open("/oauth/nobody/callback").await.status,
            StatusCode::NOT_FOUND
        );

        // Used once, it is used up.
        let (state, _) = place.asked(&id).await;
        let path = format!("/oauth/xero/callback?code=c&state={state}");
        assert_eq!(place.open(&path).await.status, StatusCode::OK);
        refused(path).await;
        assert_eq!(place.authority.inner().exchanges(), 1);
    })
    .await;
}

#[tokio::test]
async fn of_several_organizations_the_person_chooses_one() {
    for_each_database(async |database| {
        let place = Place::new(database, &TWO).await;
        let id = place.add("first").await;
        let question = place.consent(&id).await;
        assert_eq!(question.status, StatusCode::OK, "{}", question.body);
        let body = &question.body;
        assert_eq!(body.matches("type=\"radio\"").count(), 2, "{body}");
        assert!(
            body.contains("<legend>") && body.contains("<label>"),
            "{body}"
        );
        assert!(!body.contains(" checked"), "nothing is chosen beforehand");
        // A name is text, whatever it holds.
        assert!(
            body.contains("&lt;b&gt;Beta &amp; Sons&lt;/b&gt;"),
            "{body}"
        );
        let policy = question.headers[header::CONTENT_SECURITY_POLICY].to_str();
        assert!(policy.unwrap().contains("form-action 'self'"));
        assert_eq!(place.connection(&id).await.state, ConnectionState::Pending);

        let answer = place.choose(question.code(), "org-b").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(answer.body.contains("&lt;b&gt;Beta &amp; Sons&lt;/b&gt;"));
        // What else there is, and how to add it.
        assert!(answer.body.contains("Acme Inc."), "{}", answer.body);
        assert!(answer.body.contains("connection add --from first"));
        let connection = place.connection(&id).await;
        assert_eq!(connection.account.as_deref(), Some("org-b"));
        assert_eq!(
            place.read(&place.store, &id).await.unwrap(),
            "<b>Beta & Sons</b>"
        );
        // The answer is good once.
        let again = place.choose(question.code(), "org-a").await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST);
        assert_eq!(place.authority.inner().exchanges(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_choice_that_was_not_offered_or_comes_late_is_none() {
    for_each_database(async |database| {
        let place = Place::new(database, &TWO).await;
        let id = place.add("first").await;
        let forged = place.choose("forged", "org-a").await;
        assert_eq!(forged.status, StatusCode::BAD_REQUEST);

        let question = place.consent(&id).await;
        let elsewhere = place.choose(question.code(), "org-of-others").await;
        assert_eq!(elsewhere.status, StatusCode::BAD_REQUEST);
        let used = place.choose(question.code(), "org-a").await;
        assert_eq!(used.status, StatusCode::BAD_REQUEST, "it is used up");

        let question = place.consent(&id).await;
        place.clock.advance(SignedDuration::from_mins(15));
        let late = place.choose(question.code(), "org-a").await;
        assert_eq!(late.status, StatusCode::BAD_REQUEST);
        let connection = place.connection(&id).await;
        assert_eq!(connection.state, ConnectionState::Pending);
        assert_eq!(connection.account, None);
    })
    .await;
}

#[tokio::test]
async fn what_is_connected_meanwhile_is_not_connected_twice() {
    for_each_database(async |database| {
        let place = Place::new(database, &TWO).await;
        let [first, second] = [place.add("first").await, place.add("second").await];
        let [one, other] = [place.consent(&first).await, place.consent(&second).await];
        assert_eq!(
            place.choose(one.code(), "org-a").await.status,
            StatusCode::OK
        );
        let refused = place.choose(other.code(), "org-a").await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.body.contains("as first"), "{}", refused.body);

        // With one left, nobody is asked.
        let answer = place.consent(&second).await;
        assert!(answer.body.contains("The books are connected"));
        assert_eq!(
            place.connection(&second).await.account.as_deref(),
            Some("org-b")
        );
        // With none left, the page says where they are.
        let third = place.add("third").await;
        let refused = place.consent(&third).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(
            refused.body.contains("connected already"),
            "{}",
            refused.body
        );
        assert_eq!(place.connection(&third).await.grant, None);
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_mirrors_books_takes_those_or_none() {
    for_each_database(async |database| {
        let place = Place::new(database, &TWO[..1]).await;
        let id = place.connected("first").await;
        // Now several: no question, it is the one that is mirrored.
        place.authority.inner().organizations = TWO.to_vec();
        let answer = place.consent(&id).await;
        assert!(
            answer.body.contains("the books of Acme Inc."),
            "{}",
            answer.body
        );
        let good = place.connection(&id).await;

        place.authority.inner().organizations = TWO[1..].to_vec();
        let refused = place.consent(&id).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(
            refused.body.contains("another organization"),
            "{}",
            refused.body
        );
        // The grant that fits stands.
        let after = place.connection(&id).await;
        assert_eq!((after.account, after.grant), (good.account, good.grant));

        place.authority.inner().organizations = Vec::new();
        let second = place.add("second").await;
        let refused = place.consent(&second).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.body.contains("no organization"), "{}", refused.body);
    })
    .await;
}

#[tokio::test]
async fn a_further_organization_is_added_without_a_new_consent() {
    for_each_database(async |database| {
        let place = Place::new(database, &TWO).await;
        let first = place.add("first").await;
        let question = place.consent(&first).await;
        place.choose(question.code(), "org-a").await;

        let reached = place.connections.reached(&first).await.unwrap();
        let shown: Vec<_> = reached
            .iter()
            .map(|one| {
                let connected = one.connected_as.as_ref().map(ToString::to_string);
                (one.organization.account.to_string(), connected)
            })
            .collect();
        let expected = [
            ("org-a".to_owned(), Some("first".to_owned())),
            ("org-b".to_owned(), None),
        ];
        assert_eq!(shown, expected);

        let add = async |account: &str| {
            let request = Place::request("second");
            place
                .connections
                .add_from(&first, account, request, "test")
                .await
        };
        let unknown = add("org-c").await;
        assert!(
            matches!(unknown, Err(ConnectionError::NotReached(_))),
            "{unknown:?}"
        );
        let taken = add("org-a").await;
        assert!(
            matches!(taken, Err(ConnectionError::AlreadyConnected(_))),
            "{taken:?}"
        );
        let added = add("org-b").await.unwrap();
        assert_eq!(added.state, ConnectionState::Active);
        assert_eq!(added.grant, place.connection(&first).await.grant);
        assert_eq!(
            place.read(&place.store, &added.id).await.unwrap(),
            "<b>Beta & Sons</b>"
        );
        assert_eq!(place.authority.inner().exchanges(), 1);
        assert_eq!(place.authority.inner().refreshes(), 0);
    })
    .await;
}
