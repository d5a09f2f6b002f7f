//! The running service: doors, sync and change feed, started and stopped together.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use super::{door, parts};
use crate::auth::{InstallVerifier, Sessions, Verifier, pipedrive_keys};
use crate::cache::Snapshots;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, LogFormat};
use crate::graphql::schema;
use crate::http::bearer::Bearers;
use crate::http::graphql::Endpoint;
use crate::http::health::Health;
use crate::http::rates::Rates;
use crate::http::widget::WidgetPage;
use crate::http::{embed, exchange, install, oauth, router, server, webhooks};
use crate::service::Services;
use crate::service::changes::ChangeFeed;
use crate::service::inbox::Inbox;
use crate::service::installing::Installing;
use crate::service::keys::Keys;
use crate::service::ledger_pages::LedgerPages;
use crate::service::limits::Limits;
use crate::service::linking::Linking;
use crate::service::read::Reader;
use crate::service::refresh_queue::RefreshQueue;
use crate::service::sign_in::{SignIn, SignInSettings};
use crate::service::views::Views;
use crate::store::Store;
use crate::telemetry::{logging, metrics};
use crate::worker::Worker;

/// How `serve` runs.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct ServeArgs {
    /// Answer only; another instance reads the ledgers
    #[arg(long)]
    pub no_worker: bool,
}

/// The service while it runs.
#[derive(Debug)]
pub struct RunningService {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its store.
    pub store: Store,
    views: Arc<Views>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    grace: Duration,
}

impl RunningService {
    /// Stops it: no new request, those in flight end, the step in hand of each sync is stored.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.grace, ended).await.is_err() {
            warn!("shutdown took too long; what is left is cut off");
            self.tasks.shutdown().await;
        }
        let now = self.clock.now();
        if let Err(error) = self.views.write_all(&self.store, now).await {
            warn!(%error, "the last views could not be recorded");
        }
        self.store.close().await;
    }
}

/// Runs the service until SIGINT or SIGTERM.
///
/// # Errors
/// When it cannot start.
pub async fn serve(config: Config, args: ServeArgs) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(config.telemetry.log.as_str())?;
    let format = match config.telemetry.format {
        LogFormat::Json => logging::Format::Json,
        LogFormat::Pretty => logging::Format::Pretty,
    };
    logging::start(filter, format);
    let service = start(&config, args, Arc::new(SystemClock)).await?;
    info!(address = %service.address, "serving");
    stop_signal().await?;
    info!("stopping");
    service.shutdown().await;
    Ok(())
}

/// Starts the service in this process.
///
/// # Errors
/// When the database, the keys or the address are not to be had.
pub async fn start(
    config: &Config,
    args: ServeArgs,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<RunningService> {
    let store = parts::open_store(config).await?;
    bring_up_to_date(config, &store).await?;
    let listener = TcpListener::bind(config.server.listen)
        .await
        .with_context(|| format!("{} is not free (server.listen)", config.server.listen))?;
    let address = listener.local_addr()?;

    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let metrics = recorder();
    if let Some(handle) = metrics.clone() {
        let stop = stop.clone();
        tasks.spawn(async move {
            stop.run_until_cancelled(metrics::upkeep(handle)).await;
        });
    }

    let snapshots = Arc::new(Snapshots::new(config.cache.snapshot_bytes.0));
    let refreshes = RefreshQueue::default();
    let changed = Arc::new(Notify::new());
    let feed = ChangeFeed::start(store.clone(), config.cache.watch_interval, changed.clone());
    tasks.spawn(feed.await?.run(Arc::clone(&snapshots), stop.clone()));
    let providers = parts::providers(config, &store, &clock)?;
    if !args.no_worker {
        let worker = Worker {
            store: store.clone(),
            sync: parts::sync(
                config,
                &store,
                &clock,
                providers.clone(),
                refreshes.clone(),
                stop.clone(),
            ),
            clock: Arc::clone(&clock),
            at_once: usize::try_from(config.sync.workers.get())?,
            refreshes: refreshes.clone(),
            changed,
        };
        tasks.spawn(worker.run(stop.clone()));
    }

    let (endpoint, sign_in) = doors(config, &store, &clock, &snapshots, refreshes)?;
    let views = Arc::clone(endpoint.views());
    tasks.spawn(Arc::clone(&views).run(store.clone(), Arc::clone(&clock), stop.clone()));
    let pages = embed::routes(Arc::clone(&sign_in), WidgetPage::embedded())
        .merge(exchange::routes(sign_in))
        .merge(install::routes(Arc::new(Installing::new(
            store.clone(),
            InstallVerifier::new(config, Arc::clone(&clock))?,
            Arc::clone(&clock),
            config.server.public_url.origin(),
        ))))
        .merge(oauth::routes(parts::connections(
            config,
            &store,
            &clock,
            providers.clone(),
        )));
    let health = Health {
        store: store.clone(),
        snapshots,
        metrics,
    };
    let webhooks = webhooks::routes(Inbox::new(store.clone(), providers, Arc::clone(&clock)));
    let app = router(endpoint, health, pages, webhooks);
    let limits = door::server_limits(config)?;
    tasks.spawn(server::serve(listener, app, limits, stop.clone()));
    Ok(RunningService {
        address,
        store,
        views,
        clock,
        stop,
        tasks,
        grace: config.server.shutdown_grace,
    })
}

async fn bring_up_to_date(config: &Config, store: &Store) -> anyhow::Result<()> {
    if config.database.migrate_on_start {
        store
            .migrate()
            .await
            .context("the database's tables cannot be brought up to date")?;
    } else if !store.pending_migrations().await?.is_empty() {
        bail!("the database is not up to date; run `financial-pulse migrate`");
    }
    Ok(())
}

/// What stands behind the doors: the schema with its endpoint, and signing in.
fn doors(
    config: &Config,
    store: &Store,
    clock: &Arc<dyn Clock>,
    snapshots: &Arc<Snapshots>,
    refreshes: RefreshQueue,
) -> anyhow::Result<(Arc<Endpoint>, Arc<SignIn>)> {
    let reader = Arc::new(Reader::new(
        store.clone(),
        Arc::clone(clock),
        Arc::clone(snapshots),
        Arc::new(refreshes),
        LedgerPages::new(
            config.quickbooks.app_url.as_str(),
            config.xero.app_url.as_str(),
        ),
    ));
    let services = Services {
        reader: Arc::clone(&reader),
        linking: Linking::new(store.clone(), Arc::clone(clock)),
        limits: Limits::new(store.clone(), Arc::clone(clock)),
    };
    let schema = schema(services.clone(), &door::schema_settings(config)?);
    let session_key = store.keys().derive("session");
    let sessions = Sessions::new(&session_key, &config.session, Arc::clone(clock))?;
    let sessions = Arc::new(sessions.also_verifying(&store.keys().derive_older("session"))?);
    let verifier = Arc::new(Verifier::new(config, Arc::clone(clock))?);
    let keys = Keys::new(store.clone(), pipedrive_keys(&config.pipedrive));
    let bearers = Bearers::new(
        Arc::clone(&sessions),
        Arc::clone(&verifier),
        keys.clone(),
        reader,
        Arc::clone(clock),
        config.session.verified_tokens,
        Arc::new(Rates::new(door::rates(config)?)),
    );
    let settings = door::endpoint_settings(config)?;
    let endpoint = Endpoint::new(schema, bearers, Arc::clone(clock), settings);
    let ancestors = &config.pipedrive.frame_ancestors;
    let settings = SignInSettings {
        pipedrive_ancestors: ancestors
            .iter()
            .map(|origin| origin.as_str().to_owned())
            .collect(),
        token_uses: config.native.token_uses.get(),
        code_lifetime: config.crm.code_lifetime.try_into()?,
        public_url: config.server.public_url.origin(),
    };
    let sign_in = SignIn::new(
        settings,
        store.clone(),
        keys,
        services,
        verifier,
        sessions,
        Arc::clone(clock),
    );
    Ok((Arc::new(endpoint), Arc::new(sign_in)))
}

/// The process's recorder of metrics: one, whoever starts first.
fn recorder() -> Option<PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            metrics::install()
                .inspect_err(|error| warn!(%error, "no metrics"))
                .ok()
        })
        .clone()
}

/// Waits for the signal to stop.
///
/// # Errors
/// When signals cannot be listened for.
pub async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
