//! GraphQL over HTTP: methods, media types, status codes, and what every answer carries.

use financial_pulse::auth::Role;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;

use super::harness::{App, Reply};

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

/// Sends a body as it is.
async fn post(app: &App, token: &str, content_type: &str, accept: &str, body: &str) -> Reply {
    let mut request = app
        .client
        .post(format!("{}/graphql", app.url))
        .header(ACCEPT, accept)
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(body.to_owned());
    if !content_type.is_empty() {
        request = request.header(CONTENT_TYPE, content_type);
    }
    Reply::of(request.send().await.expect("answered")).await
}

#[tokio::test]
async fn refused_requests_have_their_status_and_no_data() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    let good = r#"{"query":"{ viewer { role } }"}"#;
    let list = r#"[{"query":"{ viewer { role } }"}]"#;
    let cases = [
        ("text/plain", GRAPHQL, good, 415),
        ("", GRAPHQL, good, 415),
        (
            "application/x-www-form-urlencoded",
            GRAPHQL,
            "query={viewer{role}}",
            415,
        ),
        ("application/json; charset=utf-16", GRAPHQL, good, 415),
        (JSON, "text/html", good, 406),
        (JSON, GRAPHQL, "{", 400),
        (JSON, JSON, "{", 400),
        (JSON, GRAPHQL, list, 400),
        (JSON, GRAPHQL, r#"{"query":7}"#, 400),
        (JSON, GRAPHQL, r#"{"query":"{ viewer"}"#, 400),
        (JSON, JSON, r#"{"query":"{ viewer"}"#, 200),
        (JSON, GRAPHQL, r#"{"query":"{ nothing }"}"#, 400),
        (JSON, JSON, r#"{"query":"{ nothing }"}"#, 200),
        (
            JSON,
            GRAPHQL,
            r#"{"query":"query A { viewer { role } } query B { viewer { role } }"}"#,
            400,
        ),
        (
            JSON,
            GRAPHQL,
            r#"{"query":"{ viewer { role } }","operationName":"Other"}"#,
            400,
        ),
        (
            JSON,
            GRAPHQL,
            r#"{"query":"subscription { pulseChanged(contactId: \"a:b:c\") { asOf } }"}"#,
            400,
        ),
        (
            JSON,
            GRAPHQL,
            r#"{"query":"query ($id: ID!) { contact(id: $id) { id } }","variables":{"id":null}}"#,
            400,
        ),
    ];
    for (content_type, accept, body, status) in cases {
        let reply = post(&app, &token, content_type, accept, body).await;
        assert_eq!(
            reply.status, status,
            "{content_type} {accept} {body}: {}",
            reply.text
        );
        let answer = reply.json();
        assert_eq!(answer.get("data"), None, "{body}");
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!(extensions["code"], "BAD_USER_INPUT", "{body}");
        assert_eq!(extensions["requestId"], reply.header("x-request-id"));
    }
}

#[tokio::test]
async fn without_a_token_that_holds_nothing_is_told() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    let mut forged = token.clone();
    forged.pop();
    let ended = {
        app.clock
            .set(super::harness::noon() - jiff::SignedDuration::from_hours(1));
        let ended = app.token(Role::Rep).await;
        app.clock.set(super::harness::noon());
        ended
    };
    for bearer in ["", "nonsense", forged.as_str(), ended.as_str()] {
        let reply = post(
            &app,
            bearer,
            JSON,
            GRAPHQL,
            r#"{"query":"{ viewer { role } }"}"#,
        )
        .await;
        assert_eq!(reply.status, 401, "{bearer}");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        let answer = reply.json();
        assert_eq!(answer.get("data"), None);
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert_eq!(answer["errors"][0]["message"], "the token was not accepted");
    }
}

#[tokio::test]
async fn a_token_stops_counting_when_its_key_is_retired() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    let body = json!({"query": "{ viewer { role } }"});
    assert_eq!(app.send(&token, &body, &[]).await.status, 200);
    let keys = app.store.listed_keys(Some(&"acme".into())).await;
    let key = keys.expect("keys").remove(0);
    let now = super::harness::noon();
    app.store
        .retire_signing_key(&key.id, now, "test", now)
        .await
        .expect("retired");
    app.snapshots.tenant_changed(&"acme".into());
    assert_eq!(app.send(&token, &body, &[]).await.status, 401);
}

#[tokio::test]
async fn sessions_and_native_tokens_both_open_the_door() {
    let app = App::start().await;
    for token in [app.token(Role::Finance).await, app.session(Role::Finance)] {
        let data = app
            .data(&token, "{ viewer { role name canLink } }", json!({}))
            .await;
        assert_eq!(
            data["viewer"],
            json!({"role": "FINANCE", "name": "Uma", "canLink": true})
        );
    }
}

#[tokio::test]
async fn get_asks_and_never_changes() {
    let app = App::start().await;
    let token = app.token(Role::Admin).await;
    let get = |query: &'static str| {
        let mut url = url::Url::parse(&format!("{}/graphql", app.url)).expect("a URL");
        url.query_pairs_mut().append_pair("query", query);
        app.client
            .get(url)
            .header(ACCEPT, GRAPHQL)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .send()
    };
    let reply = Reply::of(get("{ viewer { role } }").await.expect("answered")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["data"]["viewer"]["role"], "ADMIN");
    let mutation = "mutation { linkContact(input: {contactId: \"a:b:c\", customerId: \"books:1\"}) \
        { contact { id } } }";
    let reply = Reply::of(get(mutation).await.expect("answered")).await;
    assert_eq!(reply.status, 405);
    assert_eq!(reply.header("allow"), "POST");
    let other = app.client.put(format!("{}/graphql", app.url)).send();
    let reply = Reply::of(other.await.expect("answered")).await;
    assert_eq!(reply.status, 405);
    assert_eq!(reply.header("allow"), "GET, POST");
}

#[tokio::test]
async fn every_answer_carries_its_headers() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    let body = json!({"query": "{ viewer { role } }"});
    let reply = app.send(&token, &body, &[("x-request-id", "page-7")]).await;
    assert_eq!(reply.header("x-request-id"), "page-7");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(
        reply.header("content-type"),
        "application/graphql-response+json; charset=utf-8"
    );
}

#[tokio::test]
async fn probes_answer_and_unknown_paths_are_problems() {
    let app = App::start().await;
    let get = |path: &str| app.client.get(format!("{}{path}", app.url)).send();
    assert_eq!(get("/healthz").await.expect("answered").status(), 200);
    assert_eq!(get("/readyz").await.expect("answered").status(), 200);
    let reply = Reply::of(get("/nothing").await.expect("answered")).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(reply.json()["code"], "NOT_FOUND");
}
