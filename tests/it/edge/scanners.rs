//! What scanners for GraphQL look for, each as a test over HTTP.

use std::time::{Duration, Instant};

use financial_pulse::auth::Role;
use financial_pulse::http::graphql::EndpointSettings;
use futures_util::{SinkExt, StreamExt};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::harness::{App, CONTACT, Options, Reply};
use super::live::Socket;

/// What an answer to the outside never holds.
const INNER_WORDS: [&str; 14] = [
    "panicked",
    "src/",
    ".rs:",
    "backtrace",
    "stack",
    "tracing\":",
    "\"debug",
    "sqlx",
    "sqlite",
    "pest",
    "async_graphql",
    "serde",
    "-->",
    "= expected",
];

async fn post(app: &App, token: &str, body: impl Into<reqwest::Body>) -> Reply {
    let request = app
        .client
        .post(format!("{}/graphql", app.url))
        .header(ACCEPT, "application/graphql-response+json")
        .header(CONTENT_TYPE, "application/json")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(body);
    Reply::of(request.send().await.expect("answered")).await
}

/// That a request is refused as the caller's fault, in words that tell nothing of what is inside.
fn is_refused(what: &str, reply: &Reply) {
    assert_eq!(reply.status, 400, "{what}: {}", reply.text);
    let answer = reply.json();
    assert_eq!(answer.get("data"), None, "{what}");
    for error in answer["errors"].as_array().expect("errors") {
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{what}");
        let extensions = error["extensions"].as_object().expect("extensions");
        for name in extensions.keys() {
            let known = ["code", "requestId", "field", "retryAfterSeconds"];
            assert!(known.contains(&name.as_str()), "{what}: {name}");
        }
    }
    assert_eq!(answer.get("extensions"), None, "{what}");
    for word in INNER_WORDS {
        let text = reply.text.to_lowercase();
        assert!(!text.contains(word), "{what}: {word} in {text}");
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn floods() -> Vec<(&'static str, String)> {
    let repeated =
        |count: usize, part: &dyn Fn(usize) -> String| -> String { (0..count).map(part).collect() };
    let nested = |levels: usize, open: &str, close: &str| {
        format!("{}{}", open.repeat(levels), close.repeat(levels))
    };
    let loops = |levels: usize| {
        let inner = nested(levels, "{ type { fields ", "} }");
        format!("{{ __schema {{ types {{ fields {inner} }} }} }}")
    };
    vec![
        (
            "alias overload",
            format!(
                "{{ {} }}",
                repeated(101, &|n| format!("a{n}: viewer {{ role }} "))
            ),
        ),
        (
            "directive overload",
            format!(
                "{{ viewer {{ role {} }} }}",
                "@include(if: true) ".repeat(60)
            ),
        ),
        (
            "unknown directives",
            format!("{{ viewer {{ role {} }} }}", "@aa ".repeat(60)),
        ),
        (
            "field duplication",
            format!("{{ viewer {{ {} }} }}", "role ".repeat(1_500)),
        ),
        (
            "field duplication beyond the words",
            format!("{{ viewer {{ {} }} }}", "role ".repeat(8_000)),
        ),
        ("circular introspection", loops(20)),
        (
            "circular fragments",
            "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".to_owned(),
        ),
        (
            "a fragment in itself",
            "{ viewer { ...a } } fragment a on Viewer { role ...a }".to_owned(),
        ),
        (
            "deep nesting",
            format!("{{ viewer {} }}", nested(900, "{ a ", "}")),
        ),
        (
            "deep lists in a value",
            format!("{{ contact(id: {}) {{ id }} }}", nested(900, "[", "]")),
        ),
        (
            "deep objects in a value",
            format!(
                "{{ contact(id: {}) {{ id }} }}",
                nested(300, "{a:", "}").replace(":}", ":1}")
            ),
        ),
        (
            "a deep type",
            format!(
                "query ($a: {}) {{ viewer {{ role }} }}",
                nested(300, "[", "]").replacen("[]", "[Int]", 1)
            ),
        ),
        (
            "doubling fragments",
            format!(
                "{{ ...f0 }} {} fragment f49 on Query {{ viewer {{ role }} }}",
                repeated(49, &|n| format!(
                    "fragment f{n} on Query {{ ...f{m} ...f{m} }} ",
                    m = n + 1
                ))
            ),
        ),
        (
            "many fragments",
            format!(
                "{{ viewer {{ role }} }} {}",
                repeated(60, &|n| format!("fragment f{n} on Viewer {{ role }} "))
            ),
        ),
        (
            "many operations",
            repeated(300, &|n| format!("query q{n} {{ viewer {{ role }} }} ")),
        ),
        (
            "many variables",
            format!(
                "query ({}) {{ viewer {{ role }} }}",
                repeated(600, &|n| format!("$v{n}: Int "))
            ),
        ),
        (
            "an unbounded list",
            format!(
                "{{ contact(id: \"{CONTACT}\") {{ pulse {{ transactions(first: 100000) {{ nodes {{ id }} }} }} }} }}"
            ),
        ),
        (
            "a list within lists",
            format!(
                "{{ {} }}",
                repeated(25, &|n| format!(
                    "a{n}: contact(id: \"{CONTACT}\") {{ pulse {{ transactions(first: 100) {{ nodes {{ lines {{ amount {{ amount }} }} }} }} }} }} "
                ))
            ),
        ),
        ("unclosed", "{ viewer { role ".to_owned()),
        ("a NUL", "{ viewer \u{0} { role } }".to_owned()),
        (
            "an odd string",
            "{ contact(id: \"\\uD800\") { id } }".to_owned(),
        ),
        (
            "a long number",
            format!(
                "{{ customers(search: \"a\", first: {}) {{ id }} }}",
                "9".repeat(4_000)
            ),
        ),
        ("a wrong name", "{ viewr { role } }".to_owned()),
        ("a wrong field", "{ viewer { roles } }".to_owned()),
        (
            "a wrong argument",
            "{ customers(serch: \"a\") { id } }".to_owned(),
        ),
        ("a wrong type", "{ ... on Vewer { role } }".to_owned()),
    ]
}

#[tokio::test]
async fn floods_and_nonsense_are_refused_at_once_and_in_plain_words() {
    let app = App::start().await;
    let token = app.token(Role::Admin).await;
    for (what, query) in floods() {
        let started = Instant::now();
        let reply = post(&app, &token, json!({"query": query}).to_string()).await;
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "{what} took its time"
        );
        if what == "circular introspection" {
            // Not told here in any case; what it costs is told by its depth before.
            assert!(
                reply.text.contains("BAD_USER_INPUT"),
                "{what}: {}",
                reply.text
            );
            continue;
        }
        is_refused(what, &reply);
        assert!(
            !reply.text.contains("Did you mean"),
            "{what}: {}",
            reply.text
        );
    }
    app.data(&token, "{ viewer { role } }", json!({})).await;
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused() {
    let app = App::start().await;
    let token = app.token(Role::Admin).await;
    let one = json!({"query": "{ viewer { role } }"}).to_string();
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("a batch of one", format!("[{one}]").into()),
        (
            "a batch of many",
            format!("[{}]", vec![one.as_str(); 100].join(",")).into(),
        ),
        ("an empty batch", "[]".into()),
        ("nothing", Vec::new()),
        ("null", "null".into()),
        ("a text", "\"{ viewer { role } }\"".into()),
        ("two documents", format!("{one}{one}").into()),
        (
            "a duplicate key",
            r#"{"query":"{ viewer { role } }","query":"{ viewer { name } }"}"#.into(),
        ),
        (
            "a duplicate key of variables",
            r#"{"query":"{ viewer { role } }","variables":{},"variables":{"a":1}}"#.into(),
        ),
        (
            "invalid UTF-8",
            b"{\"query\":\"{ viewer { role } } # \xff\"}".to_vec(),
        ),
        (
            "UTF-16",
            "{\"query\":\"{}\"}"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
        ),
        ("a byte order mark", format!("\u{feff}{one}").into()),
        (
            "deep variables",
            format!(
                r#"{{"query":"{{ viewer {{ role }} }}","variables":{{"a":{}}}}}"#,
                deep(10_000)
            )
            .into(),
        ),
        (
            "variables as a list",
            r#"{"query":"{ viewer { role } }","variables":[1]}"#.into(),
        ),
        (
            "a number that is none",
            r#"{"query":"{ viewer { role } }","variables":{"a":NaN}}"#.into(),
        ),
    ];
    for (what, body) in bodies {
        is_refused(what, &post(&app, &token, body).await);
    }
    let large = json!({"query": "{ viewer { role } }", "variables": {"a": "x".repeat(70_000)}});
    assert_eq!(post(&app, &token, large.to_string()).await.status, 413);
}

#[tokio::test]
async fn no_foreign_page_can_ask_in_a_visitors_name() {
    let app = App::start().await;
    let token = app.token(Role::Admin).await;
    let body = json!({"query": "{ viewer { role } }"}).to_string();
    // What a page of another origin may send without asking.
    for (content_type, body) in [
        ("text/plain", body.clone()),
        (
            "application/x-www-form-urlencoded",
            "query=%7Bviewer%7Brole%7D%7D".to_owned(),
        ),
        (
            "multipart/form-data; boundary=x",
            format!(
                "--x\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n{body}\r\n--x--\r\n"
            ),
        ),
        ("text/plain; application/json", body.clone()),
        ("application/jsonp", body.clone()),
        ("text/plain;charset=UTF-8, application/json", body.clone()),
        ("application/csp-report", body.clone()),
    ] {
        let request = app
            .client
            .post(format!("{}/graphql", app.url))
            .header(CONTENT_TYPE, content_type)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header("origin", "https://evil.example")
            .body(body);
        let reply = Reply::of(request.send().await.expect("answered")).await;
        assert_eq!(reply.status, 415, "{content_type}: {}", reply.text);
        assert_eq!(reply.header("access-control-allow-origin"), "");
    }
    // A question by GET needs the bearer's header as well, which no form and no link can send.
    let get = |query: &str| app.client.get(format!("{}/graphql?{query}", app.url));
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let bare = get("query={viewer{role}}")
            .header(CONTENT_TYPE, content_type)
            .send();
        assert_eq!(bare.await.expect("answered").status(), 401);
    }
    for parameter in [
        "token",
        "access_token",
        "authorization",
        "jwt",
        "sessionToken",
    ] {
        let named = get(&format!("query={{viewer{{role}}}}&{parameter}={token}")).send();
        assert_eq!(named.await.expect("answered").status(), 401, "{parameter}");
    }
    let cookie = get("query={viewer{role}}")
        .header("cookie", format!("token={token}"))
        .send();
    assert_eq!(cookie.await.expect("answered").status(), 401);
    // Of two questions in one address, a proxy may have looked at the other.
    for (question, status) in [
        ("query={viewer{role}}", 200),
        ("query={viewer{role}}&query={viewer{name}}", 400),
    ] {
        let sent = get(question)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .send();
        assert_eq!(sent.await.expect("answered").status(), status, "{question}");
    }
    // And nothing is changed by GET, whatever it says it is.
    for mutation in [
        "mutation{unlinkContact(input:{contactId:\"native:contact:anna\",customerId:\"books:1\"}){contact{id}}}",
        "query A{viewer{role}} mutation B{unlinkContact(input:{contactId:\"native:contact:anna\",customerId:\"books:1\"}){contact{id}}}&operationName=B",
    ] {
        let sent = get(&format!("query={mutation}"))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header("x-http-method-override", "POST")
            .send();
        assert_eq!(sent.await.expect("answered").status(), 405);
    }
    let query =
        format!("{{ contact(id: \"{CONTACT}\") {{ link {{ __typename }} pulse {{ asOf }} }} }}");
    assert_ne!(
        app.data(&token, &query, json!({})).await["contact"]["pulse"],
        Value::Null
    );
}

#[tokio::test]
async fn there_is_no_workbench_and_no_other_door() {
    let app = App::start().await;
    for path in [
        "/graphiql",
        "/playground",
        "/altair",
        "/voyager",
        "/console",
        "/graphql/console",
        "/graphql/playground",
        "/v1/graphql",
        "/api/graphql",
        "/query",
        "/schema",
        "/sdl",
        "/schema.graphql",
        "/graphql/schema",
        "/debug/pprof",
        "/actuator",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/assets/..\\..\\Cargo.toml",
        "/assets/index.html",
        "/assets/operations.json",
        "/operations.json",
        "/index.html",
    ] {
        let reply = app
            .client
            .get(format!("{}{path}", app.url))
            .header(ACCEPT, "text/html")
            .send();
        let reply = Reply::of(reply.await.expect("answered")).await;
        assert!(
            [404, 503].contains(&reply.status),
            "{path}: {}",
            reply.status
        );
        assert_eq!(
            reply.header("content-type"),
            "application/problem+json",
            "{path}"
        );
    }
    let asked = app
        .client
        .get(format!("{}/graphql", app.url))
        .header(ACCEPT, "text/html")
        .send();
    let reply = Reply::of(asked.await.expect("answered")).await;
    assert_eq!(reply.status, 406, "no page for a browser: {}", reply.text);
}

#[tokio::test]
async fn every_answer_is_fit_for_a_browser() {
    let app = App::start_with(Options {
        endpoint: EndpointSettings {
            transport_security: Some(Duration::from_hours(1)),
            ..EndpointSettings::default()
        },
        ..Options::default()
    })
    .await;
    for path in ["/healthz", "/nothing", "/graphql"] {
        let reply = app.client.get(format!("{}{path}", app.url)).send();
        let reply = Reply::of(reply.await.expect("answered")).await;
        assert_eq!(
            reply.header("strict-transport-security"),
            "max-age=3600",
            "{path}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
        assert_eq!(reply.header("x-frame-options"), "", "{path}");
        assert_eq!(reply.header("set-cookie"), "", "{path}");
        if path != "/graphql" {
            assert!(
                reply
                    .header("content-security-policy")
                    .contains("frame-ancestors 'none'")
            );
            assert!(reply.header("permissions-policy").contains("camera=()"));
            assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin");
            assert_eq!(reply.header("cross-origin-resource-policy"), "same-origin");
        }
    }
    let plain = App::start().await;
    let reply = plain.client.get(format!("{}/healthz", plain.url)).send();
    let headers = reply.await.expect("answered").headers().clone();
    assert!(!headers.contains_key("strict-transport-security"));
}

/// A socket that has said nothing yet.
async fn silent(app: &App, address: &str) -> Socket {
    let mut request = format!("{}{address}", app.url.replace("http", "ws"))
        .into_client_request()
        .expect("a request");
    let headers = request.headers_mut();
    headers.insert(
        "sec-websocket-protocol",
        "graphql-transport-ws".parse().expect("a header"),
    );
    Socket(connect_async(request).await.expect("opened").0)
}

async fn hurried() -> App {
    App::start_with(Options {
        endpoint: EndpointSettings {
            socket_init: Duration::from_millis(400),
            socket_idle: Duration::from_millis(800),
            ..EndpointSettings::default()
        },
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn sockets_that_do_nothing_are_dropped() {
    let app = hurried().await;
    let mut never = silent(&app, "/graphql").await;
    assert_eq!(never.next().await, None, "no token came");
    let token = app.session(Role::Finance);
    let mut idle = Socket::open(&app, &token).await;
    assert_eq!(
        idle.next().await.expect("an answer")["type"],
        "connection_ack"
    );
    assert_eq!(idle.next().await, None, "nothing was followed");
    let mut busy = Socket::open(&app, &token).await;
    assert_eq!(
        busy.next().await.expect("an answer")["type"],
        "connection_ack"
    );
    busy.follow("1", CONTACT).await;
    assert_eq!(busy.next().await.expect("a pulse")["type"], "next");
    tokio::time::sleep(Duration::from_secs(2)).await;
    busy.follow("2", CONTACT).await;
    assert_eq!(
        busy.next().await.expect("a pulse")["type"],
        "next",
        "still open"
    );
}

#[tokio::test]
async fn a_token_counts_in_the_first_message_only() {
    let app = hurried().await;
    let token = app.session(Role::Finance);
    // In the address it is none.
    let mut named = silent(
        &app,
        &format!("/graphql?token={token}&authorization={token}"),
    )
    .await;
    named.send(&json!({"type": "connection_init"})).await;
    assert_eq!(named.next().await, None, "no token in the first message");
    // Nothing is followed before it.
    let mut early = silent(&app, "/graphql").await;
    early.follow("1", CONTACT).await;
    assert_eq!(
        early.next().await,
        None,
        "a subscription before the first message"
    );
    let mut twice = Socket::open(&app, &token).await;
    assert_eq!(
        twice.next().await.expect("an answer")["type"],
        "connection_ack"
    );
    twice
        .send(&json!({"type": "connection_init", "payload": {}}))
        .await;
    assert_eq!(twice.next().await, None, "a second first message");
}

#[tokio::test]
async fn one_socket_follows_so_much_and_says_so_much() {
    let app = App::start().await;
    let token = app.session(Role::Finance);
    let mut socket = Socket::open(&app, &token).await;
    assert_eq!(
        socket.next().await.expect("an answer")["type"],
        "connection_ack"
    );
    for id in 0..8 {
        socket.follow(&id.to_string(), CONTACT).await;
        assert_eq!(
            socket.next().await.expect("a pulse")["type"],
            "next",
            "{id}"
        );
    }
    socket.follow("9", CONTACT).await;
    let refused = socket.next().await.expect("a refusal").to_string();
    assert!(refused.contains("RATE_LIMITED"), "{refused}");
    for (what, message) in [
        ("no JSON", Message::Text("{".into())),
        (
            "an unknown type",
            Message::Text("{\"type\":\"start\",\"id\":\"1\"}".into()),
        ),
        ("a large message", Message::Text("x".repeat(100_000).into())),
    ] {
        let mut socket = Socket::open(&app, &token).await;
        assert_eq!(
            socket.next().await.expect("an answer")["type"],
            "connection_ack"
        );
        socket.0.send(message).await.expect("sent");
        let end = tokio::time::timeout(Duration::from_secs(10), async {
            while let Some(Ok(message)) = socket.0.next().await {
                if matches!(message, Message::Close(_)) {
                    break;
                }
            }
        });
        end.await
            .unwrap_or_else(|_| panic!("{what} was put up with"));
    }
}
