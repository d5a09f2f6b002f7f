//! Where calls to registered addresses may go: a resolver that lies, and real sockets.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use financial_pulse::outbound::Reach;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::TcpListener;

/// Says another address each time it is asked.
struct Rebinding {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Rebinding {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let read = |answer: &&[&str]| -> Vec<IpAddr> {
            answer
                .iter()
                .map(|text| text.parse().expect("an address"))
                .collect()
        };
        Arc::new(Self {
            answers: answers.iter().map(read).collect(),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Resolve for Rebinding {
    fn resolve(&self, _: Name) -> Resolving {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[turn.min(self.answers.len() - 1)].clone();
        Box::pin(async move {
            let addresses = answer.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// A server on this machine that counts who reaches it.
async fn server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let reached = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reached);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (port, reached)
}

fn client(reach: &Reach, names: Arc<Rebinding>) -> reqwest::Client {
    let builder = reach.client_with(names).timeout(Duration::from_secs(5));
    builder.build().expect("a client")
}

#[tokio::test]
async fn a_name_that_leads_here_is_not_followed() {
    let (port, reached) = server().await;
    let address = format!("http://keys.example:{port}/");
    for answer in [
        "127.0.0.1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "fd00:ec2::254",
        "100.64.0.1",
    ] {
        let client = client(&Reach::default(), Rebinding::new(&[&[answer]]));
        let error = client.get(&address).send().await.expect_err(answer);
        assert!(error.is_connect(), "{answer}: {error}");
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        let mut words = String::new();
        while let Some(error) = cause {
            words.push_str(&error.to_string());
            cause = error.source();
        }
        assert!(words.contains("no public address"), "{answer}: {words}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
    // The same name where the setting allows it: the guard is what stopped the others.
    let here = Reach {
        loopback: true,
        networks: Vec::new(),
    };
    let open = client(&here, Rebinding::new(&[&["127.0.0.1"]]));
    let _closed_without_an_answer = open.get(&address).send().await;
    assert!(reached.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn rebinding_and_mixing_in_help_nobody() {
    let (port, reached) = server().await;
    let address = format!("http://keys.example:{port}/");
    // What was answered before counts for nothing: each connection is judged by its own answer.
    let rebinding = Rebinding::new(&[&["10.0.0.1", "127.0.0.1"], &["127.0.0.1"]]);
    let client = client(&Reach::default(), Arc::clone(&rebinding));
    for _ in 0..3 {
        assert!(client.get(&address).send().await.is_err());
    }
    assert_eq!(
        rebinding.asked.load(Ordering::SeqCst),
        3,
        "asked for each connection"
    );
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (port, reached) = server().await;
    let to = format!("http://127.0.0.1:{port}/secret");
    let answer = move || async move { (StatusCode::FOUND, [(header::LOCATION, to)]) };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let from = listener.local_addr().expect("an address");
    let router = Router::new().route("/", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let here = Reach {
        loopback: true,
        networks: Vec::new(),
    };
    let url = here.check(&format!("http://{from}/")).expect("allowed");
    let client = here.client().build().expect("a client");
    let response = client.get(url).send().await.expect("answered");
    assert_eq!(response.status(), 302);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}
