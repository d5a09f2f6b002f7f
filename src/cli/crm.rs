//! `crm`: the schemes by which CRMs say who asks, and the keys that an app has for all tenants.

use anyhow::bail;
use clap::Subcommand;

use super::context::{Context, clock, table};
use super::keys::{self, KeyArgs, preset_names};
use crate::app::terminal::print;
use crate::auth::Preset;
use crate::auth::preset::{Exchange, KeyScope, records};
use crate::config::Config;
use crate::domain::ids::SigningKeyId;

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
    /// monday, hubspot, salesforce-canvas, followupboss: --secret-file FILE, the app's secret.
    ///
    /// atlassian-forge: --audience ari:cloud:ecosystem::app/ID. dynamics: --audience CLIENT_ID.
    /// Their public keys are fetched from where they are published.
    ///
    /// Then each tenant's account: `tenant add TENANT --crm PRESET --account ID`.
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
        key: SigningKeyId,
        /// Seconds for which it is still accepted; then the sessions end that it let in
        #[arg(long, default_value_t = 0)]
        after_seconds: u32,
    },
}

impl CrmCommand {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::List => {
                list();
                print("docs/crm.md leads through each.\n");
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
                print(&weakness(preset, &context.config()?));
            }
            Self::List => {
                let keys = store.listed_keys(None).await?;
                let rows: Vec<_> = keys.iter().map(keys::row).collect();
                print(&table(&keys::KEY_HEADS, &rows));
            }
            Self::Retire { key, after_seconds } => {
                let known = store.listed_keys(None).await?;
                let until = keys::retire(&store, &known, &key, after_seconds, now).await?;
                print(&format!("Key {key} ends {until}.\n"));
            }
        }
        Ok(())
    }
}

/// What to say of a weak scheme that the settings do not allow.
pub(super) fn weakness(preset: &Preset, config: &Config) -> String {
    let allowed = &config.crm.weak_presets;
    match preset.weak {
        Some(reason) if !allowed.iter().any(|one| one.as_str() == preset.name) => format!(
            "{0} is refused until the setting crm.weak_presets names it: {reason}\n",
            preset.name
        ),
        _ => String::new(),
    }
}

/// Where a scheme's credentials are shown: the way, and the address below our own.
pub(super) fn doors(preset: &Preset, tenant: &str) -> Vec<(&'static str, String)> {
    let place = match preset.key_scope {
        KeyScope::Installation => format!("{tenant}/{}", preset.name),
        KeyScope::App => preset.name.to_owned(),
    };
    let ways = [
        ("embed", preset.doors.embed),
        ("exchange", preset.doors.exchange != Exchange::Closed),
    ];
    let open = ways.into_iter().filter(|(_, is_open)| *is_open);
    open.map(|(way, _)| (way, format!("/{way}/{place}")))
        .collect()
}

fn list() {
    let rows: Vec<_> = records::ALL
        .into_iter()
        .map(|preset| {
            let doors = doors(preset, "{tenant}");
            let algorithms = preset.algorithms.iter().map(|one| one.as_str());
            let address = |way: &str| {
                let door = doors.iter().find(|(of, _)| *of == way);
                door.map(|(_, address)| address.clone()).unwrap_or_default()
            };
            vec![
                preset.name.to_owned(),
                preset.title.to_owned(),
                match preset.key_scope {
                    KeyScope::Installation => "tenant".to_owned(),
                    KeyScope::App => "app".to_owned(),
                },
                algorithms.collect::<Vec<_>>().join(" "),
                address("embed"),
                address("exchange"),
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
