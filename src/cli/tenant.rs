//! `tenant`: add, list, keys, CRM accounts, roles.

use std::collections::BTreeSet;

use anyhow::bail;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::context::{Context, OPERATOR, clock, table, tenant};
use super::crm::{doors, weakness};
use super::erase::EraseArgs;
use super::keys::{self, KeyArgs, preset_names};
use crate::app::terminal::print;
use crate::auth::preset::{KeyScope, PIPEDRIVE};
use crate::auth::{Preset, Role};
use crate::config::{Config, FrameAncestor};
use crate::domain::ids::{SigningKeyId, TenantId, UserId};
use crate::domain::signing_key::SigningKey;
use crate::service::installing;
use crate::store::{Store, Tenant, TenantSettings};

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Add a tenant, or change what is given of one that is there
    ///
    /// Native tokens: --crm native --secret-file FILE (HS256, at least 32 characters), or
    /// --public-key-file FILE --algorithm RS256, or --jwks-url URL --algorithm ES256.
    /// Where the key is the app's: --crm pipedrive --account COMPANY_ID.
    /// `crm list` shows the schemes, docs/crm.md leads through each.
    Add(Box<AddArgs>),
    /// List the tenants
    List,
    /// Remove a tenant whole, with its keys, links, limits, mirror and audit, and show that nothing is left
    ///
    /// Consents are given up at the ledgers first. The installation's audit keeps one entry: the id, how
    /// many rows went, and the last hash of the tenant's own audit.
    Erase(EraseArgs),
    /// Set a user's role, for CRMs whose tokens name none
    ///
    /// The role counts in one scheme: the same id in another CRM is somebody else.
    Role {
        /// The tenant
        tenant: String,
        /// The user's id in the CRM
        #[arg(long)]
        user: String,
        /// rep, account_manager, finance or admin
        #[arg(long)]
        role: String,
        /// The scheme of the user's CRM (see `crm list`); not needed where the tenant has one only
        #[arg(long, value_name = "PRESET", value_parser = preset_names())]
        crm: Option<String>,
    },
    /// Print the address at which an Atlassian site installs the app (Connect) and so hands over its secret
    ///
    /// The address is good for the first site that installs by it, within a day. From then on this site
    /// alone may change its secret; for another one, retire its keys and print a new address.
    Install {
        /// The tenant
        tenant: String,
    },
    /// End a signing key, at once or when its successor is in use
    RetireKey {
        /// The tenant
        tenant: String,
        /// The key's id (see `tenant list`)
        #[arg(long)]
        key: SigningKeyId,
        /// Seconds for which it is still accepted; then the sessions end that it let in
        #[arg(long, default_value_t = 0)]
        after_seconds: u32,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// The tenant's id: lower-case letters, digits and hyphens
    id: String,
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// An origin that may frame the widget, such as `https://crm.acme.com`; may be given several times
    #[arg(long = "frame-ancestor", value_name = "ORIGIN")]
    frame_ancestors: Vec<String>,
    /// Whether reps see amounts (else the decision and rough sizes)
    #[arg(long, value_name = "BOOL")]
    reps_see_amounts: Option<bool>,
    /// Whether a contact is linked by a signed e-mail or tax number that exactly one customer has
    #[arg(long, value_name = "BOOL")]
    automatic_links: Option<bool>,
    /// Whether a CRM token opens the widget once only (a browser's reload then needs a new one)
    #[arg(long, value_name = "BOOL")]
    single_use_tokens: Option<bool>,
    /// Whether each view of a contact's pulse is noted in the audit, with who saw it and when
    #[arg(long, value_name = "BOOL")]
    record_views: Option<bool>,
    /// The CRM's scheme (see `crm list`)
    #[arg(long, value_parser = preset_names())]
    crm: Option<String>,
    /// The account's id in the CRM, where the key is the app's (Pipedrive: company id)
    #[arg(long)]
    account: Option<String>,
    /// Take the account from the tenant that has it
    #[arg(long, requires = "account")]
    move_account: bool,
    #[command(flatten)]
    key: KeyArgs,
}

impl TenantCommand {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let store = context.store().await?;
        let now = clock().now();
        match self {
            Self::Add(args) => args.run(context, &store, now).await,
            Self::List => list(&store).await,
            Self::Erase(args) => args.run(context).await,
            Self::Role {
                tenant: id,
                user,
                role,
                crm,
            } => {
                let tenant = tenant(&store, &TenantId::from(id)).await?;
                let Some(role) = Role::parse(&role) else {
                    bail!("`{role}` is no role; write rep, account_manager, finance or admin");
                };
                let user = UserId::from(user);
                let preset = match crm {
                    Some(preset) => preset,
                    None => only_scheme(&store, &tenant.id, now).await?,
                };
                store
                    .set_role(&tenant.id, &preset, &user, role.as_str(), OPERATOR, now)
                    .await?;
                let role = role.as_str();
                print(&format!("{preset} {user} of {} is {role}.\n", tenant.id));
                Ok(())
            }
            Self::Install { tenant: id } => {
                let tenant = tenant(&store, &TenantId::from(id)).await?;
                let code = installing::invite(&store, &tenant.id, now).await?;
                print(&format!(
                    "{}/install/{}/atlassian-connect/{code}/descriptor.json\n",
                    context.config()?.server.public_url.origin(),
                    tenant.id
                ));
                Ok(())
            }
            Self::RetireKey {
                tenant: id,
                key,
                after_seconds,
            } => {
                let tenant = tenant(&store, &TenantId::from(id)).await?;
                let known = store.listed_keys(Some(&tenant.id)).await?;
                let until = keys::retire(&store, &known, &key, after_seconds, now).await?;
                print(&format!("Key {key} ends {until}.\n"));
                Ok(())
            }
        }
    }
}

impl AddArgs {
    async fn run(self, context: &Context, store: &Store, now: Timestamp) -> anyhow::Result<()> {
        let id = tenant_id(&self.id)?;
        let preset = self.crm.as_deref().and_then(Preset::of);
        let key = self.signing_key(preset, &id)?;
        self.check_account(preset, store, &id).await?;
        let tenant = self.tenant(store, id.clone()).await?;
        store.put_tenant(&tenant, OPERATOR, now).await?;
        if let Some(key) = key {
            self.key.store(store, &key, now).await?;
        }
        if let (Some(preset), Some(account)) = (preset, &self.account) {
            store
                .register_account(preset.name, account, &id, OPERATOR, now)
                .await?;
        }
        print(&format!("{id}: stored.\n"));
        match preset {
            Some(preset) => guide(preset, &tenant, &context.config()?, store).await,
            None => Ok(()),
        }
    }

    /// An account is one tenant's: it goes to another only where that is said.
    async fn check_account(
        &self,
        preset: Option<&Preset>,
        store: &Store,
        id: &TenantId,
    ) -> anyhow::Result<()> {
        let (Some(preset), Some(account)) = (preset, &self.account) else {
            return Ok(());
        };
        match store.tenant_of_account(preset.name, account).await? {
            Some(other) if other != *id && !self.move_account => bail!(
                "account {account} of {} is tenant {other}'s; --move-account gives it to {id}",
                preset.name
            ),
            _ => Ok(()),
        }
    }

    /// The tenant as it is to be: what is given over what is there.
    async fn tenant(&self, store: &Store, id: TenantId) -> anyhow::Result<Tenant> {
        let known = store.tenant(&id).await?;
        let mut tenant = known.unwrap_or_else(|| Tenant {
            name: id.as_str().into(),
            id,
            frame_ancestors: Vec::new(),
            settings: TenantSettings::default(),
            version: 0,
        });
        if let Some(name) = &self.name {
            tenant.name = name.as_str().into();
        }
        if !self.frame_ancestors.is_empty() {
            for origin in &self.frame_ancestors {
                if FrameAncestor::parse(origin).is_none() {
                    bail!(
                        "--frame-ancestor {origin}: write an origin such as https://crm.acme.com, without a path"
                    );
                }
            }
            tenant.frame_ancestors.clone_from(&self.frame_ancestors);
        }
        let settings = &mut tenant.settings;
        settings.reps_see_amounts = self.reps_see_amounts.unwrap_or(settings.reps_see_amounts);
        settings.automatic_links = self.automatic_links.unwrap_or(settings.automatic_links);
        settings.single_use_tokens = self.single_use_tokens.unwrap_or(settings.single_use_tokens);
        settings.record_views = self.record_views.unwrap_or(settings.record_views);
        Ok(tenant)
    }

    /// The signing key given, where the scheme's keys are the tenants' own.
    fn signing_key(
        &self,
        preset: Option<&'static Preset>,
        id: &TenantId,
    ) -> anyhow::Result<Option<SigningKey>> {
        let Some(preset) = preset else {
            if self.account.is_some() {
                bail!("--account needs --crm: the account's CRM");
            }
            if let Some(option) = self.key.given() {
                bail!("{option} needs --crm: the scheme that the key is for");
            }
            return Ok(None);
        };
        let name = preset.name;
        match preset.key_scope {
            KeyScope::Installation if self.account.is_some() => {
                bail!(
                    "--crm {name} takes no --account: its keys are the tenant's own, so the key says whose a token is"
                )
            }
            KeyScope::Installation => self.key.key(preset, Some(id)).map(Some),
            KeyScope::App if self.account.is_none() => {
                bail!("--crm {name} needs --account: the account's id in the CRM")
            }
            KeyScope::App => match self.key.given() {
                Some(option) => bail!(
                    "--crm {name} takes no {option} here: its key is the app's (`crm key add {name}`, for Pipedrive the setting pipedrive.client_secret)"
                ),
                None => Ok(None),
            },
        }
    }
}

/// What comes next for the integrator: the addresses to enter, and what is still missing.
async fn guide(
    preset: &Preset,
    tenant: &Tenant,
    config: &Config,
    store: &Store,
) -> anyhow::Result<()> {
    let origin = config.server.public_url.origin();
    for (way, address) in doors(preset, tenant.id.as_str()) {
        let who = if way == "embed" {
            "The page's address"
        } else {
            "Its code calls"
        };
        print(&format!("{who}: {origin}{address}\n"));
    }
    let name = preset.name;
    let known = !preset.frame_ancestors.is_empty()
        || (name == PIPEDRIVE.name && !config.pipedrive.frame_ancestors.is_empty());
    if tenant.frame_ancestors.is_empty() && !known {
        print("Nobody may frame the page yet: --frame-ancestor names who may.\n");
    }
    if preset.key_scope == KeyScope::App {
        let in_settings = name == PIPEDRIVE.name && config.pipedrive.client_secret.is_some();
        let keys = store.listed_keys(None).await?;
        if !in_settings && keys.iter().all(|key| key.preset != name) {
            print(&format!(
                "The app has no key yet: `crm key add {name}` adds it.\n"
            ));
        }
    }
    print(&weakness(preset, config));
    Ok(())
}

/// The scheme by which all of a tenant's people come: of its accounts, and of its keys that stand.
async fn only_scheme(store: &Store, tenant: &TenantId, now: Timestamp) -> anyhow::Result<String> {
    let accounts = store.accounts(tenant).await?;
    let keys = store.listed_keys(Some(tenant)).await?;
    let standing = keys
        .into_iter()
        .filter(|key| key.valid_until.is_none_or(|end| now < end));
    let schemes: BTreeSet<String> = accounts
        .into_iter()
        .map(|(preset, _)| preset)
        .chain(standing.map(|key| key.preset))
        .collect();
    let schemes: Vec<String> = schemes.into_iter().collect();
    match schemes.as_slice() {
        [] => bail!(
            "{tenant} has no key and no account yet: --crm must say in which scheme the user has that id (`crm list` shows them)"
        ),
        [only] => Ok(only.clone()),
        several => bail!(
            "{tenant} has several schemes, in which one id means different people: --crm must say which of {}",
            several.join(", ")
        ),
    }
}

fn tenant_id(text: &str) -> anyhow::Result<TenantId> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || text.len() > 63 || !text.chars().all(plain) {
        bail!("`{text}`: a tenant's id has 1 to 63 lower-case letters, digits and hyphens");
    }
    Ok(TenantId::from(text))
}

async fn list(store: &Store) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for tenant in store.tenants().await? {
        let keys = store.listed_keys(Some(&tenant.id)).await?;
        let accounts = store.accounts(&tenant.id).await?;
        let accounts = accounts
            .into_iter()
            .map(|(preset, account)| format!("{preset} {account}"));
        rows.push(vec![
            tenant.id.to_string(),
            tenant.name.to_string(),
            tenant.frame_ancestors.join(" "),
            accounts.collect::<Vec<_>>().join(", "),
            keys.iter()
                .map(keys::described)
                .collect::<Vec<_>>()
                .join(", "),
        ]);
    }
    print(&table(
        &["tenant", "name", "framed by", "accounts", "keys"],
        &rows,
    ));
    Ok(())
}
