//! The listener: HTTP/1.1 connections with a bound on how many there are, how large a head may be,
//! and how long a client may take to send it or to read its answer.
//!
//! `axum::serve` has none of these. TLS and HTTP/2 are the proxy's in front.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// Counts the connections that had to wait for a place.
const WAITED: &str = "connections_waited_total";

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// How many connections may be open at once, sockets among them.
    pub max_connections: usize,
    /// How long a client may take to send a request's head, and how long it may send nothing.
    pub header_timeout: Duration,
    /// The largest head of a request, in bytes.
    pub max_header_bytes: usize,
    /// How long a client may leave an answer unread.
    pub write_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            max_connections: 900,
            header_timeout: Duration::from_secs(30),
            max_header_bytes: 32 * 1024,
            write_timeout: Duration::from_secs(30),
        }
    }
}

/// Who is at the other end of a connection, with the connection's place: whoever keeps a socket open
/// keeps this too.
#[derive(Clone, Debug)]
pub struct Peer {
    address: IpAddr,
    _place: Arc<OwnedSemaphorePermit>,
}

impl Peer {
    /// The address that the connection came from.
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

/// Serves connections until `stop`; then those at hand finish the request that they are in.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: ServerLimits,
    stop: CancellationToken,
) {
    metrics::describe_counter!(WAITED, "Connections that waited for another to end");
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.max_header_bytes);
    let service = TowerToHyperService::new(app);
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let connections = TaskTracker::new();
    while let Some((stream, peer)) = stop.run_until_cancelled(accept(&listener, &places)).await {
        let connection = connection(
            http.clone(),
            service.clone(),
            (stream, peer),
            limits.write_timeout,
            stop.clone(),
        );
        connections.spawn(connection);
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection, once there is a place for it: until then it waits with the system.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, Peer) {
    let place = if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        place
    } else {
        metrics::counter!(WAITED).increment(1);
        warn!("as many connections are open as may be; the next waits");
        match Arc::clone(places).acquire_owned().await {
            Ok(place) => place,
            // Nobody closes it.
            Err(_) => std::future::pending().await,
        }
    };
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let peer = Peer {
                    address: from.ip(),
                    _place: Arc::new(place),
                };
                return (stream, peer);
            }
            Err(error) if gave_up(&error) => {}
            Err(error) => {
                // Most likely too many files are open; connections that end make room.
                warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Whether it was the client that went away.
fn gave_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

async fn connection(
    http: http1::Builder,
    service: TowerToHyperService<Router>,
    (stream, peer): (TcpStream, Peer),
    write_timeout: Duration,
    stop: CancellationToken,
) {
    // Answers are written whole; waiting for more would only delay them.
    let _best_effort = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(write_timeout));
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let answering = service.call(request);
        async move { Ok::<Response, Infallible>(answering.await.unwrap_or_else(|never| match never {})) }
    });
    let serving = http
        .serve_connection(TokioIo::new(Box::pin(stream)), answer)
        .with_upgrades();
    tokio::pin!(serving);
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        debug!(%error, "a connection broke off");
    }
}
