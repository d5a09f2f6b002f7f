//! `tenant`: add, list, keys, CRM accounts, roles.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use uuid::Uuid;

use super::context::{Context, OPERATOR, clock, table, tenant};
use crate::app::terminal::print;
use crate::auth::Role;
use crate::config::FrameAncestor;
use crate::domain::ids::{TenantId, UserId};
use crate::service::keys::key_records;
use crate::store::{KeySource, SigningKey, Store, Tenant, TenantSettings};

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Add a tenant, or change what is given of one that is there
    ///
    /// Native tokens: --crm native --secret-file FILE (HS256, at least 32 characters), or
    /// --public-key-file FILE --algorithm RS256, or --jwks-url URL --algorithm ES256.
    /// Pipedrive: --crm pipedrive --account COMPANY_ID.
    Add(Box<AddArgs>),
    /// List the tenants
    List,
    /// Set a user's role, for CRMs whose tokens name none
    Role {
        /// The tenant
        tenant: String,
        /// The user's id in the CRM
        #[arg(long)]
        user: String,
        /// rep, account_manager, finance or admin
        #[arg(long)]
        role: String,
    },
    /// End a signing key, at once or when its successor is in use
    RetireKey {
        /// The tenant
        tenant: String,
        /// The key's id (see `tenant list`)
        #[arg(long)]
        key: Uuid,
        /// Seconds for which it is still accepted
        #[arg(long, default_value_t = 0)]
        after_seconds: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Crm {
    /// Tokens that your own CRM's server mints
    Native,
    /// Pipedrive
    Pipedrive,
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
    /// The CRM whose tokens are accepted
    #[arg(long, value_enum)]
    crm: Option<Crm>,
    /// The account's id in the CRM, where the key belongs to the app (Pipedrive: company id)
    #[arg(long)]
    account: Option<String>,
    /// The signing algorithm: HS256, RS256, ES256 or EdDSA
    #[arg(long, default_value = "HS256")]
    algorithm: String,
    /// A file with the shared secret (HS256)
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// A file with the public key as PEM
    #[arg(long, value_name = "FILE", conflicts_with = "secret_file")]
    public_key_file: Option<PathBuf>,
    /// A file with the public keys as a JWK set
    #[arg(long, value_name = "FILE", conflicts_with_all = ["secret_file", "public_key_file"])]
    jwks_file: Option<PathBuf>,
    /// Where the public keys are published as a JWK set
    #[arg(long, value_name = "URL", conflicts_with_all = ["secret_file", "public_key_file", "jwks_file"])]
    jwks_url: Option<String>,
    /// The key's id in token headers
    #[arg(long)]
    kid: Option<String>,
    /// What the tokens' `iss` must be [default: the tenant's id]
    #[arg(long)]
    issuer: Option<String>,
    /// What the tokens' `aud` must be [default: the setting native.audience]
    #[arg(long)]
    audience: Option<String>,
}

impl TenantCommand {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let store = context.store().await?;
        let now = clock().now();
        match self {
            Self::Add(args) => args.run(&store, now).await,
            Self::List => list(&store).await,
            Self::Role {
                tenant: id,
                user,
                role,
            } => {
                let tenant = tenant(&store, &TenantId::from(id)).await?;
                let Some(role) = Role::parse(&role) else {
                    bail!("`{role}` is no role; write rep, account_manager, finance or admin");
                };
                let user = UserId::from(user);
                store
                    .set_role(&tenant.id, &user, role.as_str(), OPERATOR, now)
                    .await?;
                print(&format!("{user} of {} is {}.\n", tenant.id, role.as_str()));
                Ok(())
            }
            Self::RetireKey {
                tenant: id,
                key,
                after_seconds,
            } => {
                let tenant = tenant(&store, &TenantId::from(id)).await?;
                let keys = store.signing_keys(Some(&tenant.id), "native").await?;
                if !keys.iter().any(|known| known.id == key) {
                    bail!(
                        "{} has no key {key}; `tenant list` shows its keys",
                        tenant.id
                    );
                }
                let until = now + SignedDuration::from_secs(after_seconds.into());
                store.retire_signing_key(key, until, OPERATOR, now).await?;
                print(&format!("Key {key} ends {until}.\n"));
                Ok(())
            }
        }
    }
}

impl AddArgs {
    async fn run(self, store: &Store, now: Timestamp) -> anyhow::Result<()> {
        let id = tenant_id(&self.id)?;
        let key = self.key(&id)?;
        check(key.as_ref())?;
        let tenant = self.tenant(store, id.clone()).await?;
        store.put_tenant(&tenant, OPERATOR, now).await?;
        if let Some(key) = key {
            store.add_signing_key(&key, OPERATOR, now).await?;
        }
        if let (Some(Crm::Pipedrive), Some(account)) = (self.crm, &self.account) {
            store
                .register_account("pipedrive", account, &id, OPERATOR, now)
                .await?;
        }
        print(&format!("{id}: stored.\n"));
        Ok(())
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
        Ok(tenant)
    }

    /// The signing key given.
    fn key(&self, id: &TenantId) -> anyhow::Result<Option<SigningKey>> {
        let source = if let Some(file) = &self.secret_file {
            Some(KeySource::Secret(SecretString::from(read(file)?)))
        } else if let Some(file) = &self.public_key_file {
            Some(KeySource::Pem(read(file)?))
        } else if let Some(file) = &self.jwks_file {
            Some(KeySource::Jwks(read(file)?))
        } else {
            self.jwks_url.clone().map(KeySource::JwksUrl)
        };
        match (self.crm, source) {
            (Some(Crm::Native), Some(source)) => Ok(Some(SigningKey {
                id: Uuid::new_v4(),
                tenant: Some(id.clone()),
                preset: "native".to_owned(),
                kid: self.kid.clone(),
                algorithm: self.algorithm.clone(),
                source,
                issuer: Some(self.issuer.clone().unwrap_or_else(|| id.to_string())),
                audience: self.audience.clone(),
                valid_until: None,
            })),
            (Some(Crm::Native), None) => bail!(
                "--crm native needs a key: --secret-file, --public-key-file, --jwks-file or --jwks-url"
            ),
            (Some(Crm::Pipedrive), None) if self.account.is_some() => Ok(None),
            (Some(Crm::Pipedrive), _) => bail!(
                "--crm pipedrive needs --account COMPANY_ID and no key: the key is the app's, in the setting pipedrive.client_secret"
            ),
            (None, Some(_)) => bail!("a key needs --crm native"),
            (None, None) => Ok(None),
        }
    }
}

/// Checks a key as it will be when a token comes, so that an unfit one is not found out then.
fn check(key: Option<&SigningKey>) -> anyhow::Result<()> {
    let Some(key) = key else {
        return Ok(());
    };
    let [record] = &key_records(vec![key.clone()])[..] else {
        bail!(
            "--algorithm {}: write HS256, RS256, ES256 or EdDSA",
            key.algorithm
        );
    };
    Ok(record.check()?)
}

fn tenant_id(text: &str) -> anyhow::Result<TenantId> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || text.len() > 63 || !text.chars().all(plain) {
        bail!("`{text}`: a tenant's id has 1 to 63 lower-case letters, digits and hyphens");
    }
    Ok(TenantId::from(text))
}

fn read(file: &PathBuf) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(text.trim().to_owned())
}

async fn list(store: &Store) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for tenant in store.tenants().await? {
        let keys = store.signing_keys(Some(&tenant.id), "native").await?;
        rows.push(vec![
            tenant.id.to_string(),
            tenant.name.to_string(),
            tenant.frame_ancestors.join(" "),
            keys.iter()
                .map(|key| format!("{} {}", key.algorithm, key.id))
                .collect::<Vec<_>>()
                .join(", "),
        ]);
    }
    print(&table(
        &["tenant", "name", "framed by", "native keys"],
        &rows,
    ));
    Ok(())
}
