//! A stateful server that speaks QuickBooks Online's wire format on loopback.
//!
//! The demo, the tests and the benchmarks use it over HTTP as they would use the real service: OAuth
//! with rotating refresh tokens, queries with paging, change data capture, batches, writes that move
//! balances, limits and their 429. It holds everything in memory and forgets it when it ends. What
//! goes wrong, and what happens in the books, is ordered through the control endpoint
//! ([`control`] has its calls).
//!
//! Where the recorded bodies and the documentation say how the service behaves, it behaves so; where
//! they are silent, a comment says what was chosen.
//!
//! | Path | Is |
//! |---|---|
//! | `/v3/company/{realmId}/…` | the accounting API |
//! | `/connect/oauth2` | the consent page |
//! | `/oauth2/v1/tokens/bearer` | the token endpoint (HTTP Basic) |
//! | `/v2/oauth2/tokens/revoke` | revocation |
//! | `/sandbox/…` | the control endpoint |
//!
//! Answers are JSON whatever the caller accepts. Not there: reports, attachments, webhooks, XML answers
//! other than the throttle's, and entities that have nothing to do with receivables (they answer as empty lists).

mod api;
pub mod args;
mod batch;
mod books;
mod changes;
mod consent;
pub mod control;
pub mod dataset;
mod listener;
mod oauth;
pub mod options;
mod query;
mod server;
mod state;
mod throttle;
mod trouble;
mod wire;
mod write;

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use self::args::{SandboxArgs, run};
pub use self::options::{CompanyOptions, Data, Limits, Rotation, SandboxOptions, TokenPolicy};

use self::listener::{CuttableListener, Cutter};
use self::state::Shared;

/// What a browser sees at `/`.
const FRONT_PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Sandbox accounting</title><h1>Sandbox accounting</h1>\
    <p>A stand-in for QuickBooks Online. <a href=\"/sandbox\">Its companies</a>.</p></html>";

/// Starts sandboxes.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Makes the books and serves them until [`RunningSandbox::shutdown`], or until that is dropped.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub async fn start(options: SandboxOptions) -> io::Result<RunningSandbox> {
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        // A large company takes seconds to invent.
        let shared = tokio::task::spawn_blocking(move || Shared::new(options))
            .await
            .map_err(io::Error::other)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let service = server::router(shared).into_make_service_with_connect_info::<Cutter>();
        let all = Cutter::default();
        let listener = CuttableListener::new(listener, all.clone());
        let task = tokio::spawn(async move {
            axum::serve(listener, service)
                .with_graceful_shutdown(async {
                    // An error is a dropped handle: stop as well.
                    let _ = stopped.await;
                })
                .await
        });
        Ok(RunningSandbox {
            addr,
            all,
            stop,
            task,
        })
    }
}

/// A sandbox that serves.
#[derive(Debug)]
pub struct RunningSandbox {
    /// Where it listens.
    pub addr: SocketAddr,
    all: Cutter,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl RunningSandbox {
    /// Its base address, without a slash at the end (`http://127.0.0.1:40123`).
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops at once, open connections included: as if the service went down.
    pub async fn shutdown(self) {
        self.all.cut();
        drop(self.stop);
        self.task.abort();
        let _ = self.task.await;
    }

    /// Waits until it ends by itself, which it does only by failing.
    ///
    /// # Errors
    ///
    /// What it failed of.
    pub async fn ended(self) -> io::Result<()> {
        let Self { stop, task, .. } = self;
        let ended = task.await.map_err(io::Error::other)?;
        drop(stop);
        ended
    }
}
