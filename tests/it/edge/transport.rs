//! What a client may do to a connection, by hand over a socket: slowness, size, contradictions.

use std::time::{Duration, Instant};

use financial_pulse::auth::Role;
use financial_pulse::http::graphql::EndpointSettings;
use financial_pulse::http::server::ServerLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::harness::{App, Options};

/// Longer than anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn connect(app: &App) -> TcpStream {
    let address = app.url.trim_start_matches("http://");
    TcpStream::connect(address).await.expect("connected")
}

/// All that the server says until it closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let reading = stream.read_to_end(&mut said);
    // It may reset the connection when we went on sending: what came until then counts.
    let _ended = tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("closed in time");
    String::from_utf8_lossy(&said).into_owned()
}

/// Sends bytes and gives all that is said until the server closes.
async fn say(app: &App, request: &str) -> String {
    let mut stream = connect(app).await;
    let _may_be_closed_already = stream.write_all(request.as_bytes()).await;
    rest(&mut stream).await
}

fn status(answer: &str) -> u16 {
    let word = answer.split(' ').nth(1).unwrap_or_default();
    word.parse().unwrap_or_default()
}

async fn hurried() -> App {
    App::start_with(Options {
        server: ServerLimits {
            header_timeout: Duration::from_millis(600),
            ..ServerLimits::default()
        },
        endpoint: EndpointSettings {
            timeout: Duration::from_millis(600),
            ..EndpointSettings::default()
        },
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn slow_heads_are_dropped() {
    let app = hurried().await;
    let mut stream = connect(&app).await;
    let started = Instant::now();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
        .await
        .expect("sent");
    // A line now and then does not keep it open.
    let mut line = 0;
    let closed = loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        line += 1;
        let sent = stream
            .write_all(format!("x-{line}: y\r\n").as_bytes())
            .await;
        if sent.is_err() || started.elapsed() > PATIENCE {
            break sent.is_err();
        }
    };
    assert!(closed, "a slow head was waited for");
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let app = hurried().await;
    let mut stream = connect(&app).await;
    assert_eq!(rest(&mut stream).await, "", "it said nothing, nor do we");
    let mut stream = connect(&app).await;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .expect("sent");
    let answer = rest(&mut stream).await;
    assert_eq!(status(&answer), 200, "answered, then closed: {answer}");
}

#[tokio::test]
async fn slow_bodies_are_dropped() {
    let app = hurried().await;
    let token = app.token(Role::Rep).await;
    let answer = say(
        &app,
        &format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             authorization: Bearer {token}\r\ncontent-length: 100\r\n\r\n{{\"query\":"
        ),
    )
    .await;
    assert_eq!(status(&answer), 408, "{answer}");
}

#[tokio::test]
async fn unread_answers_are_given_up() {
    let app = App::start_with(Options {
        server: ServerLimits {
            write_timeout: Duration::from_millis(500),
            ..ServerLimits::default()
        },
        ..Options::default()
    })
    .await;
    let mut stream = connect(&app).await;
    // Asks and asks and reads nothing, until the answers fit nowhere and no more is taken.
    let many = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000);
    let asking = async {
        loop {
            if stream.write_all(many.as_bytes()).await.is_err() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), asking)
        .await
        .expect("the server gave up");
}

#[tokio::test]
async fn large_heads_are_refused() {
    let app = App::start().await;
    let headers = |count: usize, size: usize| {
        let lines = (0..count).map(|n| format!("x-{n}: {}\r\n", "a".repeat(size)));
        let lines: String = lines.collect();
        format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}\r\n")
    };
    assert_eq!(status(&say(&app, &headers(50, 100)).await), 200);
    assert_eq!(status(&say(&app, &headers(200, 10)).await), 431, "many");
    assert_eq!(status(&say(&app, &headers(1, 40_000)).await), 431, "large");
    let path = "a".repeat(60_000);
    let long = format!("GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!((400..500).contains(&status(&say(&app, &long).await)));
}

#[tokio::test]
async fn more_connections_than_places_wait() {
    let app = App::start_with(Options {
        server: ServerLimits {
            max_connections: 2,
            ..ServerLimits::default()
        },
        ..Options::default()
    })
    .await;
    let ask = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut answer = [0_u8; 12];
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&app).await;
        stream.write_all(ask).await.expect("sent");
        stream.read_exact(&mut answer).await.expect("answered");
        held.push(stream);
    }
    let mut third = connect(&app).await;
    third.write_all(ask).await.expect("sent");
    let quiet = tokio::time::timeout(Duration::from_millis(400), third.read_exact(&mut answer));
    assert!(quiet.await.is_err(), "it waits");
    held.pop();
    tokio::time::timeout(PATIENCE, third.read_exact(&mut answer))
        .await
        .expect("in time")
        .expect("answered");
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn contradictions_about_length_smuggle_nothing() {
    let app = App::start().await;
    let smuggled = "GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n";
    let body = format!("0\r\n\r\n{smuggled}");
    for (what, headers) in [
        (
            "two lengths",
            "content-length: 5\r\ncontent-length: 40\r\n".to_owned(),
        ),
        ("a list of lengths", "content-length: 5, 40\r\n".to_owned()),
        ("a signed length", "content-length: +5\r\n".to_owned()),
        ("a negative length", "content-length: -1\r\n".to_owned()),
        ("a word", "content-length: five\r\n".to_owned()),
        (
            "an unknown coding",
            "transfer-encoding: xchunked\r\n".to_owned(),
        ),
        (
            "chunks not last",
            "transfer-encoding: chunked, identity\r\n".to_owned(),
        ),
        ("a folded header", "content-length: 5\r\n x\r\n".to_owned()),
        (
            "a space before the colon",
            "content-length : 5\r\n".to_owned(),
        ),
    ] {
        let request = format!("POST /graphql HTTP/1.1\r\nhost: x\r\n{headers}\r\n{body}");
        let answer = say(&app, &request).await;
        assert_eq!(status(&answer), 400, "{what}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{what}: {answer}");
    }
    // With both, the coding counts, as the standard says: one request is in there, and no second.
    for headers in [
        format!(
            "content-length: {}\r\ntransfer-encoding: chunked\r\n",
            body.len()
        ),
        format!(
            "transfer-encoding: chunked\r\ncontent-length: {}\r\n",
            body.len()
        ),
    ] {
        let request = format!(
            "POST /nothing HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n{body}"
        );
        let answer = say(&app, &request).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn other_methods_and_protocols_are_refused() {
    let app = App::start().await;
    for method in [
        "TRACE", "TRACK", "CONNECT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "X-Y",
    ] {
        for path in ["/graphql", "/healthz"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nx-secret: echo\r\nconnection: close\r\n\r\n"
            );
            let answer = say(&app, &request).await;
            let status = status(&answer);
            assert!([400, 405].contains(&status), "{method} {path}: {answer}");
            assert!(!answer.contains("echo"), "{method} {path}");
            assert!(
                !answer.to_lowercase().contains("access-control-"),
                "{answer}"
            );
        }
    }
    for line in [
        "GET /healthz HTTP/3.0",
        "GET /healthz",
        "\u{0}\u{1}\u{2}",
        "PRI * HTTP/2.0",
    ] {
        let answer = say(&app, &format!("{line}\r\nhost: x\r\n\r\n")).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{line}: {answer}");
    }
}

#[tokio::test]
async fn an_answer_says_nothing_of_who_made_it() {
    let app = App::start().await;
    for path in [
        "/healthz",
        "/nothing",
        "/graphql",
        "/graphql/",
        "/.env",
        "/.git/config",
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: evil.example\r\n\
             connection: close\r\n\r\n"
        );
        let answer = say(&app, &request).await.to_lowercase();
        for word in [
            "\r\nserver:",
            "x-powered-by",
            "evil.example",
            "hyper",
            "axum",
            "rust",
        ] {
            assert!(!answer.contains(word), "{path}: {word} in {answer}");
        }
    }
}
