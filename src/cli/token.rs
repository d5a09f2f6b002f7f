//! `token`: a native test token.

use clap::Args;

use super::context::{Context, clock, tenant};
use crate::app;
use crate::app::terminal::print;
use crate::domain::ids::TenantId;

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    /// The tenant, which needs a native HS256 key
    #[arg(long)]
    tenant: String,
    /// rep, account_manager, finance or admin
    #[arg(long, default_value = "rep")]
    role: String,
    /// The contact that the token is for; without it, any of the tenant
    #[arg(long)]
    contact: Option<String>,
    /// The user's id in the CRM
    #[arg(long, default_value = "test-user")]
    user: String,
}

impl TokenArgs {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let store = context.store().await?;
        let config = context.config()?;
        let tenant = tenant(&store, &TenantId::from(self.tenant)).await?;
        let wish = app::TestToken {
            role: &self.role,
            contact: self.contact.as_deref(),
            user: &self.user,
        };
        let token = app::mint_test_token(&config, &store, &tenant.id, wish, clock().now()).await?;
        print(&format!("{token}\n"));
        Ok(())
    }
}
