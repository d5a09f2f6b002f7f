//! `demo`: sandbox books, the service and a CRM page, all in this process and on this machine.

mod folder;
mod ledgers;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use self::folder::fresh_folder;
use self::ledgers::{SetUp, prompt};
use super::serve::{RunningService, ServeArgs, start, stop_signal};
use super::terminal::{SyncBar, print};
use super::{DEMO_FILE, parts};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config};
use crate::demo::{DemoCrm, DemoCrmOptions, Format, Ledger};
use crate::domain::freshness::Progress;
use crate::domain::ids::ConnectionId;
use crate::sandbox::dataset::{self, demo as books};
use crate::sandbox::{FormatOptions, Limits, Sandbox, SandboxOptions};
use crate::telemetry::logging;

/// Who signs the CRM's tokens, and who set the demo up.
const ISSUER: &str = "demo";

/// How long each answer of the slow books takes, so that their first load outlasts a visit.
const SLOW_ANSWER: Duration = Duration::from_secs(20);

/// Start sandbox books, the service and a demo CRM page.
///
/// Everything is made anew at each start; nothing leaves this machine.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// The port of the service
    #[arg(long, env = "PULSE_DEMO_API_PORT", default_value_t = 8080)]
    api_port: u16,
    /// The port of the demo CRM
    #[arg(long, env = "PULSE_DEMO_CRM_PORT", default_value_t = 8090)]
    crm_port: u16,
    /// The port of the sandbox books
    #[arg(long, env = "PULSE_DEMO_SANDBOX_PORT", default_value_t = 8070)]
    sandbox_port: u16,
    /// The ledger through which the CRM shows the books first; its switch has the others
    #[arg(long, value_enum, env = "PULSE_DEMO_PROVIDER", default_value_t)]
    provider: Format,
    /// How often the books are asked for changes, in seconds
    #[arg(long, env = "PULSE_DEMO_POLL_SECONDS", default_value_t = 1)]
    poll_seconds: u64,
}

/// Runs the demo until Ctrl-C.
///
/// # Errors
/// When a port is taken or a part does not start.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    logging::start(EnvFilter::new("error"), logging::Format::Pretty);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let folder = Path::new(DEMO_FILE)
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf);
    let secrets = fresh_folder(&folder, &args)?;

    let today = dataset::today(clock.now());
    let mut companies = books::companies(today);
    for company in &mut companies {
        if company.realm == books::SLOW_REALM {
            company.page_delay = SLOW_ANSWER;
        }
    }
    let sandbox = Sandbox::start(SandboxOptions {
        listen: loopback(args.sandbox_port),
        companies,
        client_id: secrets.client_id.clone(),
        client_secret: secrets.client_secret.clone(),
        // A demo polls every second, which the limits of Xero would not let it do.
        xero: FormatOptions {
            limits: Limits::NONE,
            ..FormatOptions::XERO
        },
        clock: Arc::clone(&clock),
        ..SandboxOptions::default()
    })
    .await
    .with_context(|| taken("sandbox", args.sandbox_port, "PULSE_DEMO_SANDBOX_PORT"))?;

    let config = Config::load(Some(Path::new(DEMO_FILE)), config::environment())
        .map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let store = parts::open_store(&config).await?;
    store.migrate().await?;
    SetUp::new(&config, &store, &clock, &secrets, &args)?
        .run()
        .await?;
    store.close().await;

    let service = start(&config, ServeArgs::default(), Arc::clone(&clock))
        .await
        .with_context(|| taken("service", args.api_port, "PULSE_DEMO_API_PORT"))?;
    let crm = DemoCrm::start(DemoCrmOptions {
        listen: loopback(args.crm_port),
        api_url: config.server.public_url.origin(),
        secret: SecretString::from(secrets.crm_secret.clone()),
        issuer: ISSUER.to_owned(),
        audience: config.native.audience.clone(),
        sandbox_url: sandbox.url(),
        ledgers: prompt()
            .map(|connection| Ledger {
                format: connection.format,
                tenant: connection.tenant.to_owned(),
            })
            .collect(),
        first: args.provider,
        clock,
        ..DemoCrmOptions::default()
    })
    .await
    .with_context(|| taken("demo CRM", args.crm_port, "PULSE_DEMO_CRM_PORT"))?;

    print(&format!(
        "\n  Demo CRM      {}\n  Service       {}\n  GraphQL       {}/graphql\n  Sandbox books {}\n\n",
        crm.url(),
        config.server.public_url.origin(),
        config.server.public_url.origin(),
        sandbox.url(),
    ));
    tokio::select! {
        loaded = first_load(&service) => loaded?,
        stopped = stop_signal() => return stopped,
    }
    print(&format!(
        "  The books are loaded. Open {} and press Ctrl-C here when you are done.\n\n",
        crm.url()
    ));
    stop_signal().await?;
    print("\n  Stopping.\n");
    crm.shutdown().await;
    service.shutdown().await;
    sandbox.shutdown().await;
    Ok(())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn taken(what: &str, port: u16, variable: &str) -> String {
    format!("the {what} cannot listen on port {port}; choose another with {variable}")
}

/// Shows the first loads of the quick books until they are done.
async fn first_load(service: &RunningService) -> anyhow::Result<()> {
    let bar = SyncBar::new();
    for connection in prompt() {
        first_load_of(service, &ConnectionId::from(connection.id), &bar).await?;
    }
    bar.finish();
    Ok(())
}

async fn first_load_of(
    service: &RunningService,
    connection: &ConnectionId,
    bar: &SyncBar,
) -> anyhow::Result<()> {
    loop {
        let state = service.store.sync_state(connection).await?;
        let current = state
            .datasets
            .iter()
            .filter(|dataset| dataset.attempted_at.is_some())
            .find(|dataset| dataset.succeeded_at.is_none());
        if let Some(current) = current {
            let progress = Progress {
                done: current.loaded,
                total: current.expected,
            };
            bar.show(current.dataset, progress);
        }
        // The watermark moves when the load is done and the first increment has followed.
        if state.watermark.is_some() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
