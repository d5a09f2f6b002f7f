//! `tenant erase`: removes a tenant whole and shows that nothing is left.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::bail;
use clap::Args;

use super::context::{Context, OPERATOR, clock, table, tenant};
use crate::app;
use crate::app::terminal::print;
use crate::domain::ids::TenantId;
use crate::store::{Erased, Erasing, Store, Tenant};

#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    /// The tenant
    tenant: String,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
    /// Why, for the installation's audit
    #[arg(long)]
    reason: Option<String>,
    /// Erase even where a ledger cannot be told that consent is given up (its tokens are forgotten all
    /// the same; take the app's access away in the ledger)
    #[arg(long)]
    even_if_not_revoked: bool,
}

impl EraseArgs {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let store = context.store().await?;
        let found = tenant(&store, &TenantId::from(self.tenant.as_str())).await?;
        if !self.yes {
            confirm(&found)?;
        }
        let not_revoked = self.revoke(context, &store, &found).await?;
        let erasing = Erasing {
            actor: OPERATOR,
            reason: self.reason.as_deref(),
            not_revoked,
        };
        let erased = store
            .erase_tenant(&found.id, erasing, clock().now())
            .await?;
        print(&report(&found.id, &erased));
        if !store.scrub().await? {
            print(
                "The database's log could not be emptied while it is being read. Stop the service \
                 and run any command to have it emptied.\n",
            );
        }
        Ok(())
    }

    /// Gives consent up at the ledgers, and answers for how many connections that failed.
    async fn revoke(
        &self,
        context: &Context,
        store: &Store,
        tenant: &Tenant,
    ) -> anyhow::Result<u64> {
        let config = context.config()?;
        let providers = app::providers(&config, store, &clock())?;
        let connections = app::connections(&config, store, &clock(), providers);
        let mut failed = 0;
        for connection in store.connections_of(&tenant.id).await? {
            if connection.grant.is_none() {
                continue;
            }
            match connections.revoke(&connection.id, OPERATOR).await {
                Ok(()) => print(&format!("{}: consent given up.\n", connection.id)),
                Err(error) => {
                    failed += 1;
                    let error = anyhow::Error::new(error);
                    print(&format!(
                        "{}: consent could not be given up: {error:#}\n",
                        connection.id
                    ));
                }
            }
        }
        if failed > 0 && !self.even_if_not_revoked {
            bail!(
                "nothing is erased. Run it again when the ledger answers, or with --even-if-not-revoked"
            );
        }
        Ok(failed)
    }
}

/// Lets a person at a terminal type the tenant's id.
fn confirm(tenant: &Tenant) -> anyhow::Result<()> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        bail!("add --yes to erase the tenant without being asked");
    }
    print(&format!(
        "This removes {} ({}) with its keys, links, limits, mirror and audit. There is no way back.\n\
         Type its id to go on: ",
        tenant.id, tenant.name
    ));
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    if line.trim() == tenant.id.as_str() {
        Ok(())
    } else {
        bail!("nothing is erased")
    }
}

fn report(tenant: &TenantId, erased: &Erased) -> String {
    let rows: Vec<Vec<String>> = erased
        .rows
        .iter()
        .map(|(name, rows)| {
            let left = erased.left.get(name).copied().unwrap_or_default();
            vec![(*name).to_owned(), rows.to_string(), left.to_string()]
        })
        .collect();
    format!(
        "{}\n{tenant} is erased. The installation's audit says so.\n",
        table(&["table", "rows before", "rows left"], &rows)
    )
}
