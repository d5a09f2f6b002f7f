//! `crm`: the schemes by which CRMs say who asks, and the keys that an app has for all tenants.

use anyhow::bail;
use clap::Subcommand;
use uuid::Uuid;

use super::context::{Context, clock, table};
use super::keys::{self, KeyArgs, preset_names};
use crate::app::terminal::print;
use crate::auth::Preset;
use crate::auth::preset::{Exchange, KeyScope, records};

#[derive(Debug, Subcommand)]
pub(super) enum CrmCommand {
    /// List the schemes: whose their keys are, and where the CRM brings its tokens
    List,
    /// Keys of an app, which sign for all tenants
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Add a key of an app: monday, hubspot, salesforce-canvas, atlassian-forge, dynamics, ...
    ///
    /// monday: --secret-file FILE (the app's client secret).
    /// atlassian-forge: --audience ari:cloud:ecosystem::app/ID.
    /// dynamics: --audience CLIENT_ID.
    Add {
        /// The scheme (see `crm list`)
        #[arg(value_parser = preset_names())]
        preset: String,
        #[command(flatten)]
        key: Box<KeyArgs>,
    },
    /// List the keys of apps
    List,
    /// End a key, at once or when its successor is in use
    Retire {
        /// The key's id
        key: Uuid,
        /// Seconds for which it is still accepted
        #[arg(long, default_value_t = 0)]
        after_seconds: u32,
    },
}

impl CrmCommand {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::List => {
                list();
                Ok(())
            }
            Self::Key { command } => command.run(context).await,
        }
    }
}

impl KeyCommand {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let store = context.store().await?;
        let now = clock().now();
        match self {
            Self::Add { preset, key: args } => {
                let Some(preset) = Preset::of(&preset) else {
                    bail!("`{preset}` is no scheme; `crm list` shows them");
                };
                if preset.key_scope == KeyScope::Installation {
                    bail!(
                        "the keys of {0} are the tenants' own: `tenant add TENANT --crm {0} …`",
                        preset.name
                    );
                }
                let key = args.key(preset, None)?;
                args.store(&store, &key, now).await?;
                print(&format!("Key {} of {} is stored.\n", key.id, preset.title));
            }
            Self::List => {
                let keys = store.all_signing_keys(None).await?;
                let rows: Vec<_> = keys.iter().map(|key| vec![keys::described(key)]).collect();
                print(&table(&["scheme, algorithm, key"], &rows));
            }
            Self::Retire { key, after_seconds } => {
                let known = store.all_signing_keys(None).await?;
                let until = keys::retire(&store, &known, key, after_seconds, now).await?;
                print(&format!("Key {key} ends {until}.\n"));
            }
        }
        Ok(())
    }
}

fn list() {
    let rows: Vec<_> = records::ALL
        .into_iter()
        .map(|preset| {
            let place = match preset.key_scope {
                KeyScope::Installation => format!("{{tenant}}/{}", preset.name),
                KeyScope::App => preset.name.to_owned(),
            };
            let algorithms = preset.algorithms.iter().map(|one| one.as_str());
            let open = |is_open: bool, way: &str| {
                if is_open {
                    format!("/{way}/{place}")
                } else {
                    String::new()
                }
            };
            vec![
                preset.name.to_owned(),
                preset.title.to_owned(),
                match preset.key_scope {
                    KeyScope::Installation => "tenant".to_owned(),
                    KeyScope::App => "app".to_owned(),
                },
                algorithms.collect::<Vec<_>>().join(" "),
                open(preset.doors.embed, "embed"),
                open(preset.doors.exchange != Exchange::Closed, "exchange"),
                preset.weak.unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    let heads = [
        "scheme",
        "CRM",
        "key of",
        "algorithm",
        "loads",
        "calls",
        "weak",
    ];
    print(&table(&heads, &rows));
}
