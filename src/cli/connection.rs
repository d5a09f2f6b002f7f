//! `connection`: add, status, sync, revoke.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::context::{Context, OPERATOR, clock, table};
use crate::app;
use crate::app::terminal::{SyncBar, print};
use crate::domain::connection::ProviderKind;
use crate::domain::freshness::ConnectionState;
use crate::domain::ids::{ConnectionId, TenantId};
use crate::service::connections::{ConnectionRequest, ConnectionStatus};
use crate::service::consent::ImportedTokens;
use crate::service::ledger::LedgerError;
use crate::service::refresh_queue::RefreshQueue;
use crate::service::sync::Depth;

/// How often a foreground sync looks whether another process is done.
const WAIT_FOR_LEASE: Duration = Duration::from_secs(1);

#[derive(Debug, Subcommand)]
pub(super) enum ConnectionCommand {
    /// Add a connection and print the address at which a person consents
    Add(AddArgs),
    /// Show every connection: its state, its datasets, and what needs a person
    Status {
        /// Only this tenant's
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Bring a connection up to date now, with a progress bar
    ///
    /// Exit status: 0 up to date, 1 failed (what was read stays; run it again), 3 a person has to
    /// authorize the connection.
    Sync {
        /// The connection (see `connection status`)
        id: String,
        /// Compare every id with the ledger, due or not: finds what was deleted unnoticed
        #[arg(long)]
        full: bool,
    },
    /// Print the address at which a person consents (again)
    Authorize {
        /// The connection
        id: String,
    },
    /// Give consent up at the provider and forget the tokens; the mirror stays
    Revoke {
        /// The connection
        id: String,
    },
}

/// The accounting systems, as arguments.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProviderArgument {
    /// QuickBooks Online
    #[value(name = "quickbooks")]
    QuickBooks,
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Whose connection it is
    #[arg(long)]
    tenant: String,
    /// The accounting system
    #[arg(long, value_enum, default_value = "quickbooks")]
    provider: ProviderArgument,
    /// A name for it [default: TENANT-PROVIDER]
    #[arg(long)]
    id: Option<String>,
    /// The time zone of the books, such as America/Los_Angeles. The ledger does not tell it, and it
    /// decides which day it is, so it is never guessed
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// How often to ask for changes, in seconds [default: the provider's setting]
    #[arg(long, value_name = "SECONDS")]
    poll_seconds: Option<u64>,
    /// With tokens obtained elsewhere: the organization's id at the provider (QuickBooks: realm id)
    #[arg(long, requires = "access_token_file")]
    account: Option<String>,
    /// With tokens obtained elsewhere: a file that holds the access token
    #[arg(long, value_name = "FILE", requires_all = ["refresh_token_file", "account"])]
    access_token_file: Option<PathBuf>,
    /// With tokens obtained elsewhere: a file that holds the refresh token
    #[arg(long, value_name = "FILE", requires = "access_token_file")]
    refresh_token_file: Option<PathBuf>,
}

impl ConnectionCommand {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let store = context.store().await?;
        let config = context.config()?;
        let clock = clock();
        let connections = app::connections(&config, &store, &clock)?;
        match self {
            Self::Add(args) => args.run(&config, &connections).await?,
            Self::Status { tenant } => {
                let tenant = tenant.map(TenantId::from);
                let statuses = connections.status(tenant.as_ref()).await?;
                print(&status_table(&statuses));
            }
            Self::Sync { id, full } => {
                let stop = CancellationToken::new();
                let queue = RefreshQueue::default();
                let sync = app::sync(&config, &store, &clock, queue, stop.clone())?;
                let depth = if full { Depth::Full } else { Depth::Due };
                let id = ConnectionId::from(id);
                let synced = sync_in_foreground(&sync, &id, depth, &stop);
                return stoppable(synced, &stop, config.server.shutdown_grace).await;
            }
            Self::Authorize { id } => {
                let url = connections.consent_url(&ConnectionId::from(id)).await?;
                print(&consent_text(&url));
            }
            Self::Revoke { id } => {
                connections
                    .revoke(&ConnectionId::from(id.as_str()), OPERATOR)
                    .await?;
                print(&format!("{id}: consent given up, tokens forgotten.\n"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl AddArgs {
    async fn run(
        self,
        config: &crate::config::Config,
        connections: &crate::service::connections::Connections,
    ) -> anyhow::Result<()> {
        let provider = match self.provider {
            ProviderArgument::QuickBooks => ProviderKind::QuickBooks,
        };
        let tokens = match (
            &self.access_token_file,
            &self.refresh_token_file,
            self.account,
        ) {
            (Some(access), Some(refresh), Some(account)) => Some(ImportedTokens {
                account,
                access: read_secret(access)?,
                refresh: read_secret(refresh)?,
            }),
            _ => None,
        };
        let request = ConnectionRequest {
            tenant: TenantId::from(self.tenant),
            provider,
            id: self.id.map(ConnectionId::from),
            time_zone: time_zone(self.time_zone)?,
            poll_interval: match self.poll_seconds {
                Some(seconds) => Duration::from_secs(seconds.max(1)),
                None => config.quickbooks.poll_interval,
            },
        };
        let id = connections.add(request, OPERATOR).await?;
        if let Some(tokens) = tokens {
            connections.import_tokens(&id, tokens, OPERATOR).await?;
            print(&format!(
                "{id}: added and authorized.\nLoad it now: financial-pulse connection sync {id}\n"
            ));
        } else {
            let url = connections.consent_url(&id).await?;
            print(&format!("{id}: added.\n{}", consent_text(&url)));
        }
        Ok(())
    }
}

fn consent_text(url: &str) -> String {
    format!(
        "Open this address within half an hour, signed in as an administrator of the books:\n\n  {url}\n\n\
         The service has to be running: it takes the answer and loads the books.\n"
    )
}

/// The zone given, or asked for at a terminal.
fn time_zone(given: Option<String>) -> anyhow::Result<TimeZone> {
    let name = match given {
        Some(name) => name,
        None if std::io::stdin().is_terminal() => {
            print("Time zone of the books (such as America/Los_Angeles): ");
            std::io::stdout().flush()?;
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            line.trim().to_owned()
        }
        None => bail!(
            "the time zone of the books is not known: add --time-zone, such as --time-zone America/Los_Angeles"
        ),
    };
    TimeZone::get(&name).with_context(|| {
        format!("`{name}` is no time zone; write a name of the IANA database such as Europe/Berlin")
    })
}

fn read_secret(path: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let text = text.trim();
    if text.is_empty() {
        bail!("{} is empty", path.display());
    }
    Ok(SecretString::from(text.to_owned()))
}

/// Lets a sync end after the step in hand when it is told to stop: a token refresh cut off between
/// the provider's answer and our storing would lose the connection.
async fn stoppable(
    synced: impl Future<Output = anyhow::Result<ExitCode>>,
    stop: &CancellationToken,
    grace: Duration,
) -> anyhow::Result<ExitCode> {
    let mut synced = std::pin::pin!(synced);
    tokio::select! {
        outcome = &mut synced => return outcome,
        stopped = app::stop_signal() => stopped?,
    }
    stop.cancel();
    match tokio::time::timeout(grace, synced).await {
        Ok(outcome) => outcome,
        Err(_) => bail!("cut off in the middle of a step; the next run goes on at the last mark"),
    }
}

/// Syncs with a progress bar, waiting for another process that is at it.
#[expect(
    clippy::print_stderr,
    reason = "what goes on is for the person at the terminal"
)]
async fn sync_in_foreground(
    sync: &crate::service::sync::Sync,
    id: &ConnectionId,
    depth: Depth,
    stop: &CancellationToken,
) -> anyhow::Result<ExitCode> {
    let bar = SyncBar::new();
    let mut told = false;
    loop {
        let outcome = sync
            .run(id, depth, &|dataset, progress| bar.show(dataset, progress))
            .await;
        match outcome {
            Ok(report) => {
                bar.finish();
                print(&format!(
                    "{id}: up to date. {} records written, {} unchanged, {} gone{}.\n",
                    report.written,
                    report.unchanged,
                    report.deleted,
                    if report.compared {
                        ", compared in full"
                    } else {
                        ""
                    },
                ));
                return Ok(ExitCode::SUCCESS);
            }
            Err(LedgerError::Busy) if !stop.is_cancelled() => {
                if !told {
                    eprintln!("{id}: another process is reading this connection, waiting for it");
                    told = true;
                }
                let wait = tokio::time::sleep(WAIT_FOR_LEASE);
                stop.run_until_cancelled(wait).await;
            }
            Err(error) => {
                bar.finish();
                let needs_person = matches!(error, LedgerError::NotAuthorized(_))
                    || matches!(
                        &error,
                        LedgerError::Provider(crate::provider::ProviderError::ConsentLost { .. })
                    );
                eprintln!("{id}: {error}");
                if needs_person {
                    eprintln!("Authorize it: financial-pulse connection authorize {id}");
                    return Ok(ExitCode::from(3));
                }
                return Ok(ExitCode::FAILURE);
            }
        }
    }
}

fn status_table(statuses: &[ConnectionStatus]) -> String {
    if statuses.is_empty() {
        return "There is no connection yet: financial-pulse connection add --help\n".to_owned();
    }
    let mut rows = Vec::new();
    for status in statuses {
        let connection = &status.connection;
        let organization = connection
            .organization
            .as_ref()
            .map_or("not read yet", |books| books.name.as_ref());
        rows.push(vec![
            connection.id.to_string(),
            connection.state.as_str().to_owned(),
            organization.to_owned(),
            needs(connection.state, &connection.id),
            String::new(),
        ]);
        for dataset in &status.datasets {
            let at = |time: Option<jiff::Timestamp>| {
                time.map_or_else(
                    || "never".to_owned(),
                    |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                )
            };
            rows.push(vec![
                format!("  {}", dataset.dataset.as_str()),
                format!("ok {}", at(dataset.succeeded_at)),
                format!("tried {}", at(dataset.attempted_at)),
                match dataset.expected {
                    Some(expected) => format!("{} of {expected} read", dataset.loaded),
                    None => format!("{} read", dataset.loaded),
                },
                String::new(),
            ]);
        }
    }
    table(&["connection", "state", "organization", "needs", ""], &rows)
}

fn needs(state: ConnectionState, id: &ConnectionId) -> String {
    match state {
        ConnectionState::Active => "nothing".to_owned(),
        ConnectionState::Pending | ConnectionState::Disconnected | ConnectionState::Revoked => {
            format!("a person: financial-pulse connection authorize {id}")
        }
    }
}
