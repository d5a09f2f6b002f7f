//! A stateful server on loopback that stands in for accounting systems: one set of books, served in
//! the wire formats of QuickBooks Online, Xero and Sage Accounting.
//!
//! The demo, the tests and the benchmarks use it over HTTP as they would use the real services: OAuth
//! with rotating refresh tokens, lists with paging, changes, writes that move balances, limits and
//! their refusals. It holds everything in memory and forgets it when it ends. What goes wrong, and what
//! happens in the books, is ordered through the control endpoint ([`control`] has its calls).
//!
//! Where the recorded bodies and the documentation say how a service behaves, it behaves so; where
//! they are silent, a comment says what was chosen. Every company answers in every wire format
//! ([`Format`]), each with its own tokens, limits, errors and oddities.
//!
//! | Path | Is |
//! |---|---|
//! | `/v3/company/{realmId}/…` | QuickBooks: the accounting API |
//! | `/connect/oauth2`, `/oauth2/v1/tokens/bearer`, `/v2/oauth2/tokens/revoke` | QuickBooks: consent page, tokens (HTTP Basic), revocation |
//! | `/xero/api.xro/2.0/…`, `/xero/connections` | Xero: the accounting API, and which organisations a grant reaches |
//! | `/xero/identity/connect/authorize`, `/xero/connect/token`, `/xero/connect/revocation` | Xero: consent page, tokens, revocation |
//! | `/sage/v3.1/…` | Sage: the accounting API |
//! | `/sage/oauth2/auth/central`, `/sage/token`, `/sage/revoke` | Sage: consent page, tokens, revocation |
//! | `/sandbox/…` | the control endpoint |
//!
//! The books are kept as QuickBooks sees them, since it sees the most; the other formats leave out what
//! they have no word for, and say so.

pub mod args;
mod books;
mod consent;
pub mod control;
pub mod dataset;
mod format;
mod found;
mod guid;
mod listener;
pub mod options;
mod quickbooks;
mod sage;
mod server;
mod state;
mod throttle;
mod tokens;
mod trouble;
mod webhooks;
mod xero;

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use self::args::{SandboxArgs, run};
pub use self::format::Format;
pub use self::options::{
    CompanyOptions, Data, FormatOptions, Limits, Rotation, SandboxOptions, TokenPolicy, Windows,
};

use self::listener::{CuttableListener, Cutter};
use self::state::Shared;

/// What a browser sees at `/`.
const FRONT_PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Sandbox accounting</title><h1>Sandbox accounting</h1>\
    <p>A stand-in for QuickBooks Online, Xero and Sage Accounting. <a href=\"/sandbox\">Its companies</a>.</p></html>";

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
