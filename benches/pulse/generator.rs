//! Load over keep-alive connections: each sends its next request when its last answer was compared.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::process;
use super::stage::{Stage, Target};

/// How many connections ask at once.
const CONNECTIONS: usize = 32;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// One contact, always.
    One,
    /// Another contact in every request.
    Any,
    /// Another contact in every request, and no kept answer may be used.
    AnyMade,
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// How many answers came.
    pub(crate) answers: u64,
    took: f64,
    server_cpu: f64,
    /// The share of the time in which the server was busy.
    pub(crate) server_busy: f64,
    /// The same of the generator.
    pub(crate) generator_busy: f64,
    /// Half of the answers took no longer.
    pub(crate) p50: Duration,
    /// 99 of 100 answers took no longer.
    pub(crate) p99: Duration,
}

impl Measured {
    /// Answers per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.answers as f64 / self.took
    }

    /// Microseconds of the server's processor time for each answer.
    pub(crate) fn cpu_per_answer(&self) -> f64 {
        self.server_cpu / self.answers as f64 * 1e6
    }
}

/// Loads a server for a while.
pub(crate) async fn run(stage: &Stage, target: Target, load: Load, duration: Duration) -> Measured {
    let requests: Rc<[Vec<u8>]> = stage.requests(target, load).into();
    let (address, server) = stage.server(target);
    // Warm up, untimed: connections, caches, branch predictors.
    drive(stage, address, &requests, duration / 8).await;
    let (server_before, own_before) = (server.cpu_seconds(), process::cpu_seconds("self"));
    let started = Instant::now();
    let mut latencies = drive(stage, address, &requests, duration).await;
    let took = started.elapsed().as_secs_f64();
    let server_cpu = server.cpu_seconds() - server_before;
    let own_cpu = process::cpu_seconds("self") - own_before;
    latencies.sort_unstable();
    let quantile = |share: usize| {
        let nanoseconds = latencies[(latencies.len() - 1) * share / 100];
        Duration::from_nanos(nanoseconds.into())
    };
    Measured {
        answers: latencies.len() as u64,
        took,
        server_cpu,
        server_busy: server_cpu / took,
        generator_busy: own_cpu / took,
        p50: quantile(50),
        p99: quantile(99),
    }
}

/// Asks until the time is over and gives each answer's latency in nanoseconds.
async fn drive(
    stage: &Stage,
    address: &str,
    requests: &Rc<[Vec<u8>]>,
    duration: Duration,
) -> Vec<u32> {
    let until = Instant::now() + duration;
    let next = Rc::new(Cell::new(0));
    let tasks = LocalSet::new();
    let answers = stage.answers.clone();
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (requests, next, answers) = (requests.clone(), next.clone(), answers.clone());
            let address = address.to_owned();
            tasks.spawn_local(async move {
                let mut connection = Connection::open(&address).await;
                let mut latencies = Vec::with_capacity(1 << 16);
                while Instant::now() < until {
                    let turn = next.get();
                    next.set(turn + 1);
                    let contact = turn % requests.len();
                    let asked = Instant::now();
                    let body = connection.ask(&requests[contact]).await;
                    let took = asked.elapsed().as_nanos();
                    latencies.push(u32::try_from(took).unwrap_or(u32::MAX));
                    answers.check(contact, body);
                }
                latencies
            })
        })
        .collect();
    tasks.await;
    let mut latencies = Vec::new();
    for connection in connections {
        latencies.extend(connection.await.expect("a connection's answers"));
    }
    latencies
}

/// One keep-alive connection.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("connected");
        stream.set_nodelay(true).expect("set");
        Self {
            stream,
            buffer: vec![0; 256 * 1024],
        }
    }

    /// Sends a request and gives the body of its answer.
    async fn ask(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).await.expect("sent");
        let mut filled = 0;
        let (head, length) = loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await;
            let read = read.expect("received");
            assert!(read > 0, "the server hung up");
            filled += read;
            if let Some(whole) = head(&self.buffer[..filled]) {
                break whole;
            }
        };
        while filled < head + length {
            let read = self.stream.read(&mut self.buffer[filled..]).await;
            filled += read.expect("received");
        }
        assert!(filled == head + length, "more than one answer");
        &self.buffer[head..filled]
    }
}

/// The lengths of an answer's head and body, once the head is whole.
fn head(received: &[u8]) -> Option<(usize, usize)> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&received[..end]).expect("text");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.parse().ok());
    Some((end, length.expect("a length")))
}
