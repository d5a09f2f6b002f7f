//! `connection`: add, status, sync, authorize, revoke.

mod add;
mod status;
mod sync;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use self::add::AddArgs;
use super::context::{Context, OPERATOR, clock};
use crate::app;
use crate::app::terminal::print;
use crate::domain::ids::{ConnectionId, TenantId};
use crate::provider::ConsentGiver;
use crate::service::connections::Connections;
use crate::service::refresh_queue::RefreshQueue;
use crate::service::sync::Depth;

#[derive(Debug, Subcommand)]
pub(super) enum ConnectionCommand {
    /// Add a connection and print the address at which a person consents
    ///
    /// One consent may reach several organizations (Xero, Sage). Each is a connection of its own:
    /// `--from CONNECTION` lists those that are left, `--from CONNECTION --organization ID` adds one
    /// without a new consent.
    Add(Box<AddArgs>),
    /// Show every connection: its state, its datasets, the calls left, and what needs a person
    Status {
        /// Only this tenant's
        #[arg(long)]
        tenant: Option<String>,
        /// For a program to read
        #[arg(long)]
        json: bool,
    },
    /// Bring a connection up to date now, with a progress bar
    ///
    /// Exit status: 0 up to date, 1 failed (what was read stays; run it again), 3 a person has to
    /// authorize the connection.
    Sync {
        /// The connection (see `connection status`)
        id: String,
        /// Read every record anew and compare, due or not: finds what was deleted unnoticed
        #[arg(long)]
        full: bool,
    },
    /// Print the address at which a person consents (again), or take a new application key
    Authorize {
        /// The connection
        id: String,
        /// Of a ledger that is read with an application key: a file that holds it
        #[arg(long, value_name = "FILE")]
        application_key_file: Option<PathBuf>,
    },
    /// Give consent up and forget the tokens; the mirror stays
    ///
    /// Where other connections are read under the same consent, only this organization is given up.
    Revoke {
        /// The connection
        id: String,
    },
}

impl ConnectionCommand {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let store = context.store().await?;
        let config = context.config()?;
        let clock = clock();
        let providers = app::providers(&config, &store, &clock)?;
        let connections = app::connections(&config, &store, &clock, providers.clone());
        match self {
            Self::Add(args) => args.run(&config, &connections).await?,
            Self::Status { tenant, json } => {
                let tenant = tenant.map(TenantId::from);
                let statuses = connections.status(tenant.as_ref()).await?;
                if json {
                    print(&format!("{:#}\n", status::as_json(&statuses)));
                } else {
                    print(&status::as_table(&statuses));
                }
            }
            Self::Sync { id, full } => {
                let stop = CancellationToken::new();
                let queue = RefreshQueue::default();
                let sync = app::sync(&config, &store, &clock, providers, queue, stop.clone());
                let depth = if full { Depth::Full } else { Depth::Due };
                let id = ConnectionId::from(id);
                let advice = advice(&connections, &id).await?;
                let synced = sync::in_foreground(&sync, &id, depth, &stop, &advice);
                let grace = config.server.shutdown_grace;
                return Box::pin(sync::stoppable(synced, &stop, grace)).await;
            }
            Self::Authorize {
                id,
                application_key_file,
            } => {
                let id = ConnectionId::from(id);
                authorize(&connections, &id, application_key_file.as_deref()).await?;
            }
            Self::Revoke { id } => {
                connections
                    .revoke(&ConnectionId::from(id.as_str()), OPERATOR)
                    .await?;
                print(&format!("{id}: consent given up. What was read stays.\n"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Gets consent for a connection that is there: an address for a browser, or by a key.
async fn authorize(
    connections: &Connections,
    id: &ConnectionId,
    key_file: Option<&Path>,
) -> anyhow::Result<()> {
    match (connections.giver_of(id).await?, key_file) {
        (ConsentGiver::Browser, None) => {
            let url = connections.consent_url(id).await?;
            print(&consent_text(&url));
        }
        (ConsentGiver::ApplicationKey, Some(file)) => {
            let key = read_secret(file)?;
            connections.use_key(id, key, None, OPERATOR).await?;
            print(&authorized_text(id));
        }
        (giver, _) => bail!("{}", mismatch(giver)),
    }
    Ok(())
}

/// The command that gets consent for a connection.
async fn advice(connections: &Connections, id: &ConnectionId) -> anyhow::Result<String> {
    let giver = connections.giver_of(id).await?;
    Ok(status::authorize_command(giver, id))
}

/// What is wrong where a key is missing or too much.
fn mismatch(giver: ConsentGiver) -> &'static str {
    match giver {
        ConsentGiver::Browser => {
            "this ledger is read by a person's consent: leave --application-key-file out"
        }
        ConsentGiver::ApplicationKey => {
            "this ledger is read with an application key: add --application-key-file FILE"
        }
    }
}

fn authorized_text(id: &ConnectionId) -> String {
    format!("{id}: authorized.\nLoad it now: financial-pulse connection sync {id}\n")
}

fn consent_text(url: &str) -> String {
    format!(
        "Open this address within half an hour, signed in as an administrator of the books:\n\n  {url}\n\n\
         The service has to be running: it takes the answer and loads the books.\n"
    )
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
