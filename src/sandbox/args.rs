//! `financial-pulse sandbox`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::options::{CompanyOptions, Data, Rotation, SandboxOptions, TokenPolicy};
use super::{Sandbox, dataset};
use crate::clock::{Clock, SystemClock};

/// What `--help` says below the options.
const AFTER_HELP: &str = "\
Everything is in memory and gone at the end. Without --customers and --invoices it holds the two
companies of the demo. Each company answers in three wire formats; point the addresses of the
configuration's section for that ledger at these:

  QuickBooks  API /v3/company/{realm}/..., consent /connect/oauth2,
              tokens /oauth2/v1/tokens/bearer, revocation /v2/oauth2/tokens/revoke
  Xero        API /xero/api.xro/2.0/..., organisations /xero/connections,
              consent /xero/identity/connect/authorize, tokens /xero/connect/token,
              revocation /xero/connect/revocation
  Sage        API /sage/v3.1/..., consent /sage/oauth2/auth/central, tokens /sage/token,
              revocation /sage/revoke

Through the control endpoint money comes in and things go wrong (JSON in, JSON out; `company` may be
left out where there is only one; `format` is quickbooks, xero or sage, and quickbooks when left out):

  GET  /sandbox                  the companies
  POST /sandbox/tokens           {format?, company | companies, access_token?, refresh_token?}:
                                 tokens without a consent
  POST /sandbox/tokens/expire    {format?, company, which: access|refresh|all}
  POST /sandbox/customers        {company, customer?, name?, email?, currency?, terms_days?,
                                 credit_limit?, parent?, active?}: anew, or the one named `customer`
  POST /sandbox/customers/merge  {company, customer, into}
  POST /sandbox/items            {company, name, code?, price}
  POST /sandbox/invoices         {company, customer, amount | lines: [{item, quantity, price}],
                                 due_days?, due?, date?, number?, description?}
  POST /sandbox/credits          the same, without a due date
  POST /sandbox/payments         {company, customer, amount, apply?: oldest|none|[{to, amount}],
                                 prepayment?, date?, number?}
  POST /sandbox/apply            {company, from: credit_memo|payment, id, to, amount, date?}
  POST /sandbox/refunds          {company, from: credit_memo|payment, id, amount, date?}
  POST /sandbox/delete, /void    {company, entity, id}
  GET  /sandbox/balances         ?format=, ?company=: every balance, and the same added up from
                                 documents; ids as the format has them
  GET  /sandbox/counts           ?format=: requests by company and kind; DELETE starts anew
  GET  /sandbox/usage            ?format=: by company, the most calls in any minute, any day, at once
  POST /sandbox/faults           {kind, format?, company?, matching?, times?, skip?, stage?: before|after,
                                 milliseconds?, retry_after?}; kind is one of latency, unauthorized,
                                 throttled, server_error, unavailable, disconnect, truncate,
                                 malformed, fault_inside. GET lists the orders, DELETE forgets them
  PUT  /sandbox/limits           {format?, per_minute?, per_second?, per_day?, at_once?, ...}
  PUT  /sandbox/delay            {company, milliseconds}: how long each query or list takes
  PUT  /sandbox/rotation         {format?, rotation: daily|always}
  PUT  /sandbox/sage/terms       {company, customer, credit_days?, credit_terms?}
  PUT  /sandbox/sage/oddities    {company, refusal?: no_subscription|denied, next_is_lost?}
  PUT  /sandbox/webhooks         ?format=: {url, key, mode?: deliver|hold|drop,
                                 style?: cloud_events|legacy}; GET tells them
  POST /sandbox/webhooks/deliver {format?, repeat?, reorder?, forge?}: sends what waits
  POST /sandbox/webhooks/intent  {format?}: signed rightly and wrongly in turn
  POST /sandbox/reset            everything as it was at the start

  curl -X POST localhost:8070/sandbox/payments -H 'Content-Type: application/json' \\
    -d '{\"company\": \"1000000000000001\", \"customer\": \"Ironwood Carpentry\", \"amount\": 100}'";

/// Serve a stand-in for QuickBooks Online, Xero and Sage Accounting, with invented books
#[derive(Clone, Debug, Args)]
#[command(after_help = AFTER_HELP)]
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
    /// How long an access token of QuickBooks is good, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub token_life: u64,
    /// When a refresh of QuickBooks gives a new refresh token, after which the old one is dead
    #[arg(long, value_enum, default_value_t = Rotation::Daily)]
    pub rotate: Rotation,
    /// How long each query takes, in milliseconds: a slow first load
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub page_delay: u64,
    /// Allow any number of requests, instead of as many as the real services do
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
        let options = SandboxOptions {
            listen: self.listen,
            seed: self.seed,
            companies,
            tokens: TokenPolicy {
                access_life: Duration::from_secs(self.token_life),
                rotation: self.rotate,
                ..TokenPolicy::default()
            },
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            clock,
            ..SandboxOptions::default()
        };
        if self.no_limits {
            options.without_limits()
        } else {
            options
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
