//! `audit`: a tenant's trail.

use clap::Args;

use super::context::{Context, table, tenant};
use crate::app::terminal::print;
use crate::domain::ids::TenantId;

/// How many rows are read at a time.
const PAGE: u32 = 500;

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// The tenant
    #[arg(long)]
    tenant: String,
}

impl AuditArgs {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let store = context.store().await?;
        let tenant = tenant(&store, &TenantId::from(self.tenant)).await?;
        let mut after = 0;
        let mut rows = Vec::new();
        loop {
            let page = store.audit(&tenant.id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            rows.extend(page.into_iter().map(|row| {
                vec![
                    row.entry.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                    row.entry.actor.to_string(),
                    row.entry.action.to_string(),
                    row.entry.subject.to_string(),
                    row.entry
                        .reason
                        .map_or_else(String::new, |reason| reason.to_string()),
                ]
            }));
        }
        print(&table(
            &["at", "actor", "action", "subject", "reason"],
            &rows,
        ));
        Ok(())
    }
}
