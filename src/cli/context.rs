//! What every command starts from: the settings and the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::app::{DEMO_FILE, terminal::print};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config};
use crate::domain::ids::TenantId;
use crate::store::{Store, Tenant};
use crate::{app, telemetry};

/// Where the settings lie when none are named.
const USUAL_FILE: &str = "financial-pulse.toml";

/// The settings' place, and what can be opened with them.
#[derive(Debug)]
pub(super) struct Context {
    named: Option<PathBuf>,
    on_behalf_of: Option<String>,
}

impl Context {
    pub(super) fn new(named: Option<PathBuf>, on_behalf_of: Option<String>) -> Self {
        Self {
            named,
            on_behalf_of,
        }
    }

    /// The settings for `serve`, which never runs on a demo's state by accident.
    pub(super) fn config_for_serve(&self) -> anyhow::Result<Config> {
        let usual = Path::new(USUAL_FILE);
        let file = self.named.as_deref().or(usual.exists().then_some(usual));
        load(file)
    }

    /// The settings: the named file, the usual one, or the running demo's.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        let candidates = [Path::new(USUAL_FILE), Path::new(DEMO_FILE)];
        let file = self
            .named
            .as_deref()
            .or_else(|| candidates.into_iter().find(|path| path.exists()));
        load(file)
    }

    /// The store, its tables brought up to date.
    pub(super) async fn store(&self) -> anyhow::Result<Store> {
        let config = self.config()?;
        telemetry::logging::start_quiet();
        let store = app::open_store(&config).await?;
        store
            .migrate()
            .await
            .context("the database's tables cannot be brought up to date")?;
        Ok(store.on_behalf_of(self.on_behalf_of.as_deref()))
    }

    pub(super) async fn migrate(&self) -> anyhow::Result<()> {
        self.store().await?;
        print("The database's tables are up to date.\n");
        Ok(())
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.config()?;
        print("The settings are in order.\n");
        Ok(())
    }

    pub(super) async fn health(&self) -> anyhow::Result<()> {
        let mut address = self.config()?.server.listen;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let client = app::plain_client()?;
        let url = format!("http://{address}/healthz");
        let request = client.get(&url).build()?;
        match client.execute(request).await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => bail!("status {} at {url}", answer.status().as_u16()),
            Err(_) => bail!("no answer at {url}"),
        }
    }
}

fn load(file: Option<&Path>) -> anyhow::Result<Config> {
    Config::load(file, config::environment()).map_err(|problems| anyhow::anyhow!("{problems}"))
}

/// The machine's clock, for every command.
pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// The tenant of an id.
pub(super) async fn tenant(store: &Store, id: &TenantId) -> anyhow::Result<Tenant> {
    match store.tenant(id).await? {
        Some(tenant) => Ok(tenant),
        None => {
            bail!("there is no tenant `{id}`; `financial-pulse tenant list` shows those there are")
        }
    }
}

/// Who acts when an operator runs a command.
pub(super) const OPERATOR: &str = "operator";

/// Aligns rows of cells in columns.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .chain(header.get(column).map(|cell| cell.chars().count()))
            .max()
            .unwrap_or(0)
    };
    let line = |cells: Vec<&str>| {
        let last = cells.len().saturating_sub(1);
        let mut text = String::new();
        for (column, cell) in cells.into_iter().enumerate() {
            text.push_str(cell);
            if column < last {
                let gap = width(column).saturating_sub(cell.chars().count()) + 2;
                text.extend(std::iter::repeat_n(' ', gap));
            }
        }
        text.push('\n');
        text
    };
    let mut text = line(header.to_vec());
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_line_up() {
        let rows = vec![
            vec!["a".into(), "long".into()],
            vec!["bcd".into(), "x".into()],
        ];
        assert_eq!(
            table(&["id", "name"], &rows),
            "id   name\na    long\nbcd  x\n"
        );
    }
}
