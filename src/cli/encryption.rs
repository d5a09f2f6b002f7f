//! `keys`: which keys of encryption are in use, and sealing all secrets under the active one.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use serde_json::json;

use super::context::{Context, OPERATOR, clock, table};
use crate::app::terminal::print;
use crate::config::Config;
use crate::crypto::{KeyId, KeyRing};
use crate::store::{AuditEntry, SEALED_COLUMNS, SealedCount, Store};

/// How often the columns are gone through: an instance that still has the older key in use may seal
/// under it while we are at it.
const ROUNDS: usize = 3;

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Show which key seals how many secrets, and which older key may go
    Status,
    /// Seal every secret anew that stands under an older key, while the service runs
    ///
    /// To rotate the key: first give every instance the new key in encryption.older_keys, then in
    /// encryption.key with the old one in older_keys, then run this. docs/keys.md leads through it.
    Reseal,
}

impl KeysCommand {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let store = context.store().await?;
        let config = context.config()?;
        if let Self::Reseal = self {
            reseal(&store).await?;
        }
        let counts = store.sealed_counts().await?;
        print(&status(&config, store.keys(), &counts));
        let lost = counts
            .iter()
            .any(|count| !count.key.is_some_and(|key| store.keys().has(key)));
        Ok(if lost {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

async fn reseal(store: &Store) -> anyhow::Result<()> {
    let mut total = 0;
    for round in 0..ROUNDS {
        let mut values = 0;
        let mut unopened = Vec::new();
        for column in SEALED_COLUMNS {
            let name = format!("{}.{}", column.table, column.column);
            let mut seen = 0;
            let resealed = store
                .reseal_column(column, |more| {
                    seen += more;
                    print(&format!("{name}: {seen} looked at\n"));
                })
                .await?;
            values += resealed.values;
            unopened.extend(resealed.unopened);
        }
        total += values;
        if !unopened.is_empty() {
            for (place, error) in unopened {
                print(&format!("{place}: {error}\n"));
            }
            bail!("some secrets do not open and stay as they are; take no key out of the settings");
        }
        if values == 0 || round + 1 == ROUNDS {
            break;
        }
    }
    if total > 0 {
        let active = store.keys().active().to_string();
        let entry = AuditEntry {
            tenant: None,
            at: clock().now(),
            actor: OPERATOR.into(),
            action: "keys.reseal".into(),
            subject: active.as_str().into(),
            detail: json!({ "values": total }),
            reason: None,
        };
        store.append_audit(&entry).await?;
    }
    print(&format!("{total} secrets sealed anew.\n\n"));
    Ok(())
}

fn status(config: &Config, keys: &KeyRing, counts: &[SealedCount]) -> String {
    let role = |key: Option<KeyId>| match key {
        Some(key) if key == keys.active() => "active",
        Some(key) if keys.has(key) => "older",
        _ => "NOT CONFIGURED",
    };
    let name = |key: Option<KeyId>| key.map_or_else(|| "?".to_owned(), |key| key.to_string());
    let rows: Vec<Vec<String>> = counts
        .iter()
        .map(|count| {
            vec![
                name(count.key),
                role(count.key).to_owned(),
                format!("{}.{}", count.column.table, count.column.column),
                count.values.to_string(),
            ]
        })
        .collect();
    let mut text = table(&["key", "in the settings", "seals", "values"], &rows);
    text.push('\n');
    for key in keys.older() {
        let used = counts.iter().any(|count| count.key == Some(key));
        let cap = config.session.hard_cap.as_secs();
        let advice = if used {
            "still seals secrets: run `financial-pulse keys reseal`".to_owned()
        } else {
            format!(
                "seals nothing. If it is the next one (docs/keys.md, step 1), leave it. If it was \
                 the active one, take it out of encryption.older_keys {} minutes (session.hard_cap) \
                 after the last instance left it: until then it verifies open sessions",
                cap.div_ceil(60)
            )
        };
        // Writing to a text does not fail.
        let _ = writeln!(text, "Older key {key} {advice}.");
    }
    if counts
        .iter()
        .any(|count| role(count.key) == "NOT CONFIGURED")
    {
        text.push_str(
            "Secrets under a key that is not configured do not open: put that key back into \
             encryption.older_keys.\n",
        );
    }
    text
}
