//! What the door does not let in.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::harness::{Answer, KEY, Service};
use super::quickbooks::HEADER;
use crate::support::databases::{for_each_database, test_stores};
use crate::support::webhook::sign;
use financial_pulse::domain::connection::ProviderKind;

#[tokio::test]
async fn a_request_without_one_signature_is_refused() {
    for_each_database(async |database| {
        let service = Service::start(database).await;
        let url = format!("{}/webhooks/quickbooks", service.url);
        let signature = sign("[]", KEY);
        let post = || service.client.post(&url).body("[]");
        Answer::of(post()).await.assert_not_signed();
        Answer::of(post().header(HEADER, ""))
            .await
            .assert_not_signed();
        let other = post().header("x-xero-signature", &signature);
        Answer::of(other).await.assert_not_signed();
        let twice = post().header(HEADER, "AAAA").header(HEADER, &signature);
        Answer::of(twice).await.assert_not_signed();
        let long = post().header(HEADER, "A".repeat(4_000));
        Answer::of(long).await.assert_not_signed();
        let garbage = post().header(HEADER, [0xff, 0xfe].as_slice());
        Answer::of(garbage).await.assert_not_signed();
        Answer::of(post().header(HEADER, &signature))
            .await
            .assert_taken();
        service.shut_down().await;
    })
    .await;
}

#[tokio::test]
async fn without_a_key_nothing_is_accepted() {
    for_each_database(async |database| {
        let service = Service::start_with(database, &[]).await;
        for key in ["", KEY] {
            let signature = sign("[]", key);
            let answer = service.post("quickbooks", (HEADER, &signature), "[]");
            let answer = answer.await;
            assert_eq!((answer.status, answer.body.as_str()), (503, ""));
        }
        service.shut_down().await;
    })
    .await;
}

#[tokio::test]
async fn only_post_and_only_of_those_that_send() {
    for_each_database(async |database| {
        let service = Service::start(database).await;
        let signature = sign("[]", KEY);
        let signed = (HEADER, signature.as_str());
        for provider in ["sage", "tryton", "nobody", "QuickBooks", "quick%FFbooks"] {
            let answer = service.post(provider, signed, "[]").await;
            assert_eq!(answer.status, 404, "{provider}");
        }
        let url = format!("{}/webhooks/quickbooks", service.url);
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let request = service.client.request(method.clone(), &url);
            let answer = Answer::of(request.header(signed.0, signed.1)).await;
            assert_eq!(answer.status, 405, "{method}");
        }
        service.shut_down().await;
    })
    .await;
}

#[tokio::test]
async fn a_large_delivery_is_taken_and_one_too_large_is_not() {
    for_each_database(async |database| {
        let service = Service::start(database).await;
        service
            .connect("books", ProviderKind::QuickBooks, "1")
            .await;
        // What could not be delivered for a day, in one piece.
        let events: Vec<_> = (0..5_000)
            .map(|n| {
                json!({"specversion": "1.0", "id": format!("e-{n}"), "source": "intuit.x",
                    "type": "qbo.invoice.updated.v1", "time": "2026-05-05T12:00:00Z",
                    "intuitentityid": n.to_string(), "intuitaccountid": "1", "data": {}})
            })
            .collect();
        service.deliver(json!(events).to_string()).await;
        assert_eq!(service.waiting("books").await.len(), 5_000);
        let huge = format!("[{}]", " ".repeat(4 * 1024 * 1024));
        let signature = sign(&huge, KEY);
        // Its length is known from its head: it is refused before it is read.
        let mut stream = begin(&service, &signature, huge.len()).await;
        assert_eq!(status(&mut stream).await, 413);
        // A body without a stated length is cut off where it passes the limit.
        let mut stream = begin_chunked(&service, &signature).await;
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        for _ in 0..=64 {
            // The refusal may come, and the way be closed, before all is written.
            if stream.write_all(chunk.as_bytes()).await.is_err() {
                break;
            }
        }
        assert_eq!(status(&mut stream).await, 413);
        service.shut_down().await;
    })
    .await;
}

#[tokio::test]
async fn a_slow_sender_is_given_up_in_time_and_holds_up_nobody() {
    // The database has no part in it.
    let databases = test_stores().await;
    let service = Service::start(&databases[0]).await;
    let signature = sign("[]", KEY);
    let begun = Instant::now();
    let mut slow = Vec::new();
    // Fewer than are let in at once.
    for _ in 0..10 {
        let mut stream = begin(&service, &signature, 2).await;
        stream.write_all(b"[").await.expect("written");
        slow.push(stream);
    }
    service.deliver("[]").await;
    assert!(begun.elapsed() < Duration::from_secs(3));
    for stream in &mut slow {
        assert_eq!(status(stream).await, 408);
    }
    assert!(begun.elapsed() >= Duration::from_secs(3));
    service.deliver("[]").await;
    service.shut_down().await;
}

async fn begin(service: &Service, signature: &str, length: usize) -> TcpStream {
    open(service, signature, &format!("content-length: {length}")).await
}

async fn begin_chunked(service: &Service, signature: &str) -> TcpStream {
    open(service, signature, "transfer-encoding: chunked").await
}

/// Sends the head of a delivery.
async fn open(service: &Service, signature: &str, length: &str) -> TcpStream {
    let address = service.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let head = format!(
        "POST /webhooks/quickbooks HTTP/1.1\r\nhost: {address}\r\n{HEADER}: {signature}\r\n\
         {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    stream
}

/// The status of the answer.
async fn status(stream: &mut TcpStream) -> u16 {
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.expect("an answer");
    let head = std::str::from_utf8(&head).expect("text");
    head["HTTP/1.1 ".len()..].parse().expect("a status")
}
