//! What a document may cost.

use financial_pulse::auth::Role;
use financial_pulse::graphql::{Introspection, SchemaSettings};
use financial_pulse::http::graphql::EndpointSettings;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::harness::{App, CONTACT, Options};

/// The text of a refusal before execution, in lower case.
fn refused_text(answer: &serde_json::Value) -> String {
    assert_eq!(answer.get("data"), None, "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    answer["errors"][0]["message"]
        .as_str()
        .unwrap_or_default()
        .to_lowercase()
}

#[tokio::test]
async fn deep_costly_and_flooding_documents_are_refused() {
    let app = App::start_with(Options {
        schema: SchemaSettings {
            max_complexity: 150,
            ..SchemaSettings::default()
        },
        endpoint: EndpointSettings {
            max_depth: 6,
            ..EndpointSettings::default()
        },
        ..Options::default()
    })
    .await;
    let token = app.token(Role::Rep).await;
    let deep = format!(
        "{{ contact(id: \"{CONTACT}\") {{ pulse {{ transactions {{ nodes {{ customer {{ \
         connection {{ organization }} }} }} }} }} }} }}"
    );
    let text = refused_text(&app.ask(&token, &deep, json!({})).await);
    assert!(text.contains("nested too deep"), "{text}");

    let page = |first: u32| {
        format!(
            "{{ contact(id: \"{CONTACT}\") {{ pulse {{ transactions(first: {first}) {{ nodes {{ \
             id date status }} }} }} }} }}"
        )
    };
    app.data(&token, &page(20), json!({})).await;
    let text = refused_text(&app.ask(&token, &page(60), json!({})).await);
    assert!(text.contains("too complex"), "{text}");

    let aliases: Vec<String> = (0..31)
        .map(|n| format!("a{n}: viewer {{ role }}"))
        .collect();
    let flood = format!("{{ {} }}", aliases.join(" "));
    let text = refused_text(&app.ask(&token, &flood, json!({})).await);
    assert!(text.contains("aliases"), "{text}");

    let directives = "@skip(if: false) ".repeat(5);
    let query = format!("{{ viewer {directives} {{ role }} }}");
    refused_text(&app.ask(&token, &query, json!({})).await);

    let doubling: Vec<String> = (0..40)
        .map(|n| format!("fragment f{n} on Query {{ ...f{m} ...f{m} }}", m = n + 1))
        .collect();
    let bomb = format!(
        "{{ ...f0 }} {} fragment f40 on Query {{ viewer {{ role }} }}",
        doubling.join(" ")
    );
    let text = refused_text(&app.ask(&token, &bomb, json!({})).await);
    assert!(text.contains("fields"), "{text}");
    let circle = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
    refused_text(&app.ask(&token, circle, json!({})).await);
}

#[tokio::test]
async fn pages_have_a_length() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    let query = "query ($first: Int!) { contact(id: \"native:contact:anna\") { pulse { \
        transactions(first: $first) { totalCount } } } }";
    for first in [0, -1, 101, 2_000_000] {
        let answer = app.ask(&token, query, json!({"first": first})).await;
        let error = &answer["errors"][0];
        assert_eq!(
            error["extensions"]["code"], "BAD_USER_INPUT",
            "{first}: {answer}"
        );
    }
    app.data(&token, query, json!({"first": 100})).await;
}

#[tokio::test]
async fn the_limit_on_the_body_is_kept() {
    let app = App::start_with(Options {
        endpoint: EndpointSettings {
            max_body_bytes: 2_000,
            ..EndpointSettings::default()
        },
        ..Options::default()
    })
    .await;
    let token = app.token(Role::Rep).await;
    let body = json!({"query": "{ viewer { role } }", "extensions": {"pad": "x".repeat(2_000)}});
    let reply = app.send(&token, &body, &[]).await;
    assert_eq!(reply.status, 413);
    assert_eq!(
        reply.json()["errors"][0]["extensions"]["code"],
        "BAD_USER_INPUT"
    );
    // Also where no length was announced.
    let chunk = "x".repeat(1_500);
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         authorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\r\n\
         5dc\r\n{chunk}\r\n5dc\r\n{chunk}\r\n0\r\n\r\n"
    );
    let address = app.url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.expect("answered");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");
}

#[tokio::test]
async fn production_tells_no_names() {
    let by_policy = |introspection| {
        App::start_with(Options {
            schema: SchemaSettings {
                suggestions: introspection == Introspection::On,
                ..SchemaSettings::default()
            },
            endpoint: EndpointSettings {
                introspection,
                ..EndpointSettings::default()
            },
            ..Options::default()
        })
    };
    let introspection = "{ __schema { types { name } } }";
    let hidden = by_policy(Introspection::Admin).await;
    let token = hidden.token(Role::Rep).await;
    let answer = hidden.ask(&token, introspection, json!({})).await;
    assert_eq!(answer.get("data"), None, "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let admin = hidden.token(Role::Admin).await;
    let data = hidden.data(&admin, introspection, json!({})).await;
    assert!(data.to_string().contains("TransactionConnection"));
    let answer = hidden.ask(&token, "{ viewr { role } }", json!({})).await;
    assert!(!answer.to_string().contains("viewer"), "{answer}");

    let off = by_policy(Introspection::Off).await;
    let admin = off.token(Role::Admin).await;
    let answer = off.ask(&admin, introspection, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");

    let open = by_policy(Introspection::On).await;
    let token = open.token(Role::Rep).await;
    let data = open.data(&token, introspection, json!({})).await;
    assert!(data.to_string().contains("TransactionConnection"));
}
