//! Trusted documents: only what is known beforehand is executed.

use financial_pulse::auth::Role;
use financial_pulse::graphql::trusted::TrustedDocuments;
use financial_pulse::http::graphql::EndpointSettings;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::harness::{App, CONTACT, Options, Reply};
use super::live::Socket;

const KNOWN: &str = "{viewer{role}}";
const FOLLOW: &str = "subscription($id:ID!){pulseChanged(contactId:$id){asOf}}";

fn hash(text: &str) -> String {
    let bytes: [u8; 32] = Sha256::digest(text).into();
    bytes.map(|byte| format!("{byte:02x}")).concat()
}

async fn app() -> App {
    let mut trusted = TrustedDocuments::new(true);
    trusted.add(KNOWN);
    trusted.add(FOLLOW);
    App::start_with(Options {
        endpoint: EndpointSettings {
            trusted,
            ..EndpointSettings::default()
        },
        ..Options::default()
    })
    .await
}

fn persisted(hash: &str) -> Value {
    json!({"persistedQuery": {"version": 1, "sha256Hash": hash}})
}

#[tokio::test]
async fn a_known_document_is_executed_by_its_text_and_by_its_hash() {
    let app = app().await;
    let token = app.token(Role::Rep).await;
    let id = hash(KNOWN);
    for body in [
        json!({"query": KNOWN}),
        json!({"documentId": id}),
        json!({"documentId": format!("sha256:{id}")}),
        json!({"extensions": persisted(&id)}),
        json!({"query": KNOWN, "extensions": persisted(&id)}),
    ] {
        // The second time from memory.
        for _ in 0..2 {
            let reply = app.send(&token, &body, &[]).await;
            assert_eq!(reply.status, 200, "{body} {}", reply.text);
            assert_eq!(reply.json()["data"]["viewer"]["role"], "REP");
        }
    }
    for query in [
        format!("documentId={id}"),
        format!("extensions={}", persisted(&id)),
        format!("query={KNOWN}"),
    ] {
        let reply = get(&app, &token, &query).await;
        assert_eq!(reply.status, 200, "{query} {}", reply.text);
    }
}

async fn get(app: &App, token: &str, query: &str) -> Reply {
    let request = app
        .client
        .get(format!("{}/graphql?{query}", app.url))
        .header(ACCEPT, "application/graphql-response+json")
        .header(AUTHORIZATION, format!("Bearer {token}"));
    Reply::of(request.send().await.expect("answered")).await
}

#[tokio::test]
async fn an_unknown_document_is_not_executed_and_not_learned() {
    let app = app().await;
    let token = app.token(Role::Admin).await;
    let (other, id) = ("{viewer{name}}", hash("{viewer{name}}"));
    for _ in 0..2 {
        for body in [
            json!({"query": other}),
            json!({"query": "{ viewer { role } }"}),
            json!({"query": other, "extensions": persisted(&id)}),
            json!({"documentId": id}),
            json!({"documentId": "nonsense"}),
            json!({"extensions": persisted("")}),
            json!({"query": "mutation { unlinkContact(input: {contactId: \"a:b:c\", customerId: \"books:1\"}) { contact { id } } }"}),
            json!({"query": "{ __schema { types { name } } }"}),
        ] {
            let reply = app.send(&token, &body, &[]).await;
            assert_eq!(reply.status, 400, "{body} {}", reply.text);
            let answer = reply.json();
            assert_eq!(answer.get("data"), None, "{body}");
            assert_eq!(
                answer["errors"][0]["extensions"]["code"], "NOT_FOUND",
                "{body}"
            );
        }
    }
    // A known hash lends its trust to no other text.
    let body = json!({"query": other, "documentId": hash(KNOWN)});
    let reply = app.send(&token, &body, &[]).await;
    let code = &reply.json()["errors"][0]["extensions"]["code"];
    assert_eq!(code, "BAD_USER_INPUT");
    assert_eq!(
        get(&app, &token, &format!("query={other}")).await.status,
        400
    );
    assert_eq!(
        get(&app, &token, &format!("documentId={id}")).await.status,
        400
    );
}

#[tokio::test]
async fn a_socket_follows_known_documents_only() {
    let app = app().await;
    let mut socket = Socket::open(&app, &app.session(Role::Finance)).await;
    assert_eq!(
        socket.next().await.expect("an answer")["type"],
        "connection_ack"
    );
    let variables = json!({"id": CONTACT});
    for (id, payload, expected) in [
        (
            "1",
            json!({"query": FOLLOW, "variables": variables}),
            "next",
        ),
        (
            "2",
            json!({"query": "", "variables": variables, "extensions": persisted(&hash(FOLLOW))}),
            "next",
        ),
        (
            "3",
            json!({"query": "subscription($id:ID!){pulseChanged(contactId:$id){decision{result}}}",
                "variables": variables}),
            "NOT_FOUND",
        ),
    ] {
        socket
            .send(&json!({"type": "subscribe", "id": id, "payload": payload}))
            .await;
        let message = socket.next().await.expect("a message").to_string();
        assert!(message.contains(expected), "{id}: {message}");
    }
}

#[tokio::test]
async fn without_the_option_a_hash_stands_for_a_known_document_all_the_same() {
    let mut trusted = TrustedDocuments::new(false);
    trusted.add(KNOWN);
    let app = App::start_with(Options {
        endpoint: EndpointSettings {
            trusted,
            ..EndpointSettings::default()
        },
        ..Options::default()
    })
    .await;
    let token = app.token(Role::Rep).await;
    let by_id = json!({"documentId": hash(KNOWN)});
    assert_eq!(app.send(&token, &by_id, &[]).await.status, 200);
    let other = json!({"query": "{viewer{name}}"});
    assert_eq!(app.send(&token, &other, &[]).await.status, 200);
}
