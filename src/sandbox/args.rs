//! `financial-pulse sandbox`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::options::{CompanyOptions, Data, Limits, Rotation, SandboxOptions, TokenPolicy};
use super::{Sandbox, dataset};
use crate::clock::{Clock, SystemClock};

/// Serve a stand-in for QuickBooks Online, with invented books
///
/// Everything is in memory and gone at the end. Without --customers and --invoices it holds the two
/// companies of the demo. Point the `quickbooks` addresses of the configuration at it.
///
/// The control endpoint lets money come in and things go wrong:
///
///   curl -X POST localhost:8070/sandbox/tokens -H 'Content-Type: application/json' -d '{"company": "1000000000000001"}'
///   curl -X POST localhost:8070/sandbox/payments -H 'Content-Type: application/json' -d '{"company": "1000000000000001", "customer": "Alder & Finch Garden Supply", "amount": 100}'
///   curl -X POST localhost:8070/sandbox/faults -H 'Content-Type: application/json' -d '{"kind": "throttled", "times": 3}'
///   curl localhost:8070/sandbox/counts
///
/// Other calls: GET /sandbox; POST /sandbox/invoices, /delete, /void, /tokens/expire, /reset;
/// GET /sandbox/balances; PUT /sandbox/limits, /delay, /rotation. The module documentation of
/// `sandbox::control` has them all.
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct SandboxArgs {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8070", env = "PULSE_SANDBOX_LISTEN")]
    pub listen: SocketAddr,
    /// Where the invented data grow from: the same seed and day give the same books
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Invent one company with so many customers, instead of the demo's
    #[arg(long, value_name = "N")]
    pub customers: Option<usize>,
    /// Invent one company with so many invoices, instead of the demo's
    #[arg(long, value_name = "N")]
    pub invoices: Option<usize>,
    /// How long an access token is good, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub token_life: u64,
    /// When a refresh gives a new refresh token, after which the old one is dead
    #[arg(long, value_enum, default_value_t = Rotation::Daily)]
    pub rotate: Rotation,
    /// How long each query takes, in milliseconds: a slow first load
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub page_delay: u64,
    /// Allow any number of requests, instead of 500 a minute and 10 a second
    #[arg(long)]
    pub no_limits: bool,
    /// The app's id at the authorization server
    #[arg(long, default_value = "sandbox-client")]
    pub client_id: String,
    /// The app's secret at the authorization server
    #[arg(long, default_value = "sandbox-secret")]
    pub client_secret: String,
}

impl SandboxArgs {
    /// The options that they mean, as of today.
    pub fn options(&self, clock: Arc<dyn Clock>) -> SandboxOptions {
        let today = dataset::today(clock.now());
        let page_delay = Duration::from_millis(self.page_delay);
        let companies = if self.customers.is_none() && self.invoices.is_none() {
            let mut companies = dataset::demo::companies(today);
            for company in &mut companies {
                company.page_delay = company.page_delay.max(page_delay);
            }
            companies
        } else {
            let invoices = self.invoices.unwrap_or(1000);
            vec![CompanyOptions {
                data: Data::Generated {
                    customers: self.customers.unwrap_or_else(|| (invoices / 25).max(1)),
                    invoices,
                    today,
                },
                page_delay,
                ..CompanyOptions::default()
            }]
        };
        SandboxOptions {
            listen: self.listen,
            seed: self.seed,
            companies,
            limits: if self.no_limits {
                Limits::NONE
            } else {
                Limits::default()
            },
            tokens: TokenPolicy {
                access_life: Duration::from_secs(self.token_life),
                rotation: self.rotate,
                ..TokenPolicy::default()
            },
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            clock,
        }
    }
}

/// Serves until Ctrl-C.
///
/// # Errors
///
/// When the address cannot be listened on, or serving fails.
pub async fn run(args: SandboxArgs) -> std::io::Result<()> {
    let sandbox = Sandbox::start(args.options(Arc::new(SystemClock))).await?;
    let url = sandbox.url();
    tracing::info!(%url, "sandbox accounting serves");
    tokio::select! {
        ended = sandbox.ended() => ended,
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}
