//! `connection add`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::tz::TimeZone;

use super::{authorized_text, consent_text, mismatch, read_secret};
use crate::app;
use crate::app::terminal::print;
use crate::cli::context::{OPERATOR, table};
use crate::config::Config;
use crate::domain::connection::{Connection, ProviderKind};
use crate::domain::ids::{ConnectionId, TenantId};
use crate::provider::ConsentGiver;
use crate::service::connections::{ConnectionRequest, Connections};
use crate::service::consent::{ImportedTokens, Reached};

#[derive(Debug, Args)]
pub(in crate::cli) struct AddArgs {
    /// Whose connection it is
    #[arg(long, required_unless_present = "from")]
    tenant: Option<String>,
    /// The accounting system
    #[arg(long, value_parser = provider_parser(), default_value = "quickbooks")]
    provider: ProviderKind,
    /// A name for it [default: TENANT-PROVIDER]
    #[arg(long)]
    id: Option<String>,
    /// The time zone of the books, such as America/Los_Angeles. It decides which day it is, so it is
    /// never guessed
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// How often to ask for changes, in seconds [default: the provider's setting]
    #[arg(long, value_name = "SECONDS")]
    poll_seconds: Option<u64>,
    /// Add an organization that this connection's consent reaches too, without a new consent. Without
    /// --organization those there are are listed
    #[arg(long, value_name = "CONNECTION", conflicts_with_all = ["tenant", "provider"])]
    from: Option<String>,
    /// Which organization, by its id at the provider
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Of a ledger that is read with an application key (Tryton): a file that holds it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "access_token_file"])]
    application_key_file: Option<PathBuf>,
    /// With tokens obtained elsewhere: the organization's id at the provider (QuickBooks: realm id)
    #[arg(long, requires = "access_token_file", conflicts_with = "from")]
    account: Option<String>,
    /// With tokens obtained elsewhere: a file that holds the access token
    #[arg(long, value_name = "FILE", requires_all = ["refresh_token_file", "account"])]
    access_token_file: Option<PathBuf>,
    /// With tokens obtained elsewhere: a file that holds the refresh token
    #[arg(long, value_name = "FILE", requires = "access_token_file")]
    refresh_token_file: Option<PathBuf>,
}

/// The accounting systems, as arguments.
fn provider_parser() -> impl TypedValueParser<Value = ProviderKind> {
    PossibleValuesParser::new(ProviderKind::ALL.map(ProviderKind::as_str)).try_map(|word| {
        ProviderKind::parse(&word).ok_or_else(|| format!("`{word}` is no accounting system"))
    })
}

impl AddArgs {
    pub(super) async fn run(
        mut self,
        config: &Config,
        connections: &Connections,
    ) -> anyhow::Result<()> {
        if let Some(from) = self.from.take() {
            return self
                .run_from(&ConnectionId::from(from), config, connections)
                .await;
        }
        // Before anything is added.
        let giver = connections.giver(self.provider)?;
        if self.access_token_file.is_none()
            && (giver == ConsentGiver::ApplicationKey) != self.application_key_file.is_some()
        {
            bail!("{}", mismatch(giver));
        }
        let key = self.application_key_file.as_deref().map(read_secret);
        let key = key.transpose()?;
        let tokens = self.tokens()?;
        let organization = self.organization.take();
        let tenant = self.tenant.take().unwrap_or_default().into();
        let request = self.request(tenant, config)?;
        let id = connections.add(request, OPERATOR).await?;
        if let Some(key) = key {
            connections
                .use_key(&id, key, organization.as_deref(), OPERATOR)
                .await
                .with_context(|| {
                    format!(
                        "{id} is added, but not authorized; once that is put right: \
                         financial-pulse connection authorize {id} --application-key-file FILE"
                    )
                })?;
            print(&format!("{id}: added.\n{}", authorized_text(&id)));
        } else if let Some(tokens) = tokens {
            connections.import_tokens(&id, tokens, OPERATOR).await?;
            print(&format!("{id}: added.\n{}", authorized_text(&id)));
        } else {
            let url = connections.consent_url(&id).await.with_context(|| {
                format!(
                    "{id} is added, but nobody is asked to authorize it; once that is put right: \
                     financial-pulse connection authorize {id}"
                )
            })?;
            print(&format!("{id}: added.\n{}", consent_text(&url)));
        }
        Ok(())
    }

    /// Adds a further organization of a grant, or lists those there are.
    async fn run_from(
        mut self,
        from: &ConnectionId,
        config: &Config,
        connections: &Connections,
    ) -> anyhow::Result<()> {
        let Some(account) = self.organization.take() else {
            print(&reached_text(from, &connections.reached(from).await?));
            return Ok(());
        };
        let source: Connection = connections.one(from).await?;
        self.provider = source.provider;
        let request = self.request(source.tenant, config)?;
        let added = connections
            .add_from(from, &account, request, OPERATOR)
            .await?;
        let id = added.id;
        print(&format!("{id}: added.\n{}", authorized_text(&id)));
        Ok(())
    }

    fn request(self, tenant: TenantId, config: &Config) -> anyhow::Result<ConnectionRequest> {
        Ok(ConnectionRequest {
            tenant,
            provider: self.provider,
            id: self.id.map(ConnectionId::from),
            time_zone: time_zone(self.time_zone)?,
            poll_interval: match self.poll_seconds {
                Some(seconds) => Duration::from_secs(seconds.max(1)),
                None => app::poll_interval(config, self.provider),
            },
        })
    }

    fn tokens(&mut self) -> anyhow::Result<Option<ImportedTokens>> {
        let (Some(access), Some(refresh), Some(account)) = (
            &self.access_token_file,
            &self.refresh_token_file,
            self.account.take(),
        ) else {
            return Ok(None);
        };
        Ok(Some(ImportedTokens {
            account,
            access: read_secret(access)?,
            refresh: read_secret(refresh)?,
        }))
    }
}

fn reached_text(from: &ConnectionId, reached: &[Reached]) -> String {
    let rows: Vec<_> = reached
        .iter()
        .map(|one| {
            let organization = &one.organization;
            let name = organization.name.as_deref().unwrap_or_default();
            let connected = one.connected_as.as_ref();
            vec![
                organization.account.to_string(),
                name.to_owned(),
                connected.map_or_else(|| "no".to_owned(), |id| format!("as {id}")),
            ]
        })
        .collect();
    let text = table(&["organization", "name", "connected"], &rows);
    let advice = if reached.iter().any(|one| one.connected_as.is_none()) {
        format!(
            "Add one: financial-pulse connection add --from {from} --organization ID --time-zone ZONE"
        )
    } else {
        "This consent reaches nothing that is not connected.".to_owned()
    };
    format!("{text}\n{advice}\n")
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
