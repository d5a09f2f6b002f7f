//! `audit`: list, export, verify.

mod format;

use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use self::format::{CsvLines, JsonLines, Lines, ListLines};
use super::context::{Context, tenant};
use crate::app::terminal::print;
use crate::domain::ids::TenantId;
use crate::store::{Expected, Store};

/// How many entries are read at a time.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Print the trail, oldest first
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Write the trail out whole, for a program or a spreadsheet
    ///
    /// In CSV, a text that a spreadsheet would take for a formula has an apostrophe put before it;
    /// JSON lines hold every text as it is. Times are UTC.
    Export {
        #[command(flatten)]
        whose: Whose,
        /// csv or jsonl (one JSON object a line)
        #[arg(long, value_enum)]
        format: Format,
        /// Only from this day or time on (2026-11-01 or 2026-11-01T12:00:00Z)
        #[arg(long, value_name = "TIME", value_parser = moment)]
        from: Option<Timestamp>,
        /// Only before this day or time
        #[arg(long, value_name = "TIME", value_parser = moment)]
        to: Option<Timestamp>,
    },
    /// Check that no entry was changed, removed, put in or moved
    ///
    /// Prints for each chain how many entries it has and the hash of the last. Keep both somewhere
    /// else, and give them to a later check of that chain: it then also fails when entries were cut off
    /// its end together with every record of them. Exit status: 0 all fits, 1 something does not.
    Verify {
        #[command(flatten)]
        whose: Whose,
        /// The entries that the chain had at an earlier check
        #[arg(long, value_name = "N")]
        expect_count: Option<i64>,
        /// The hash of the last entry at that check
        #[arg(long, value_name = "HASH")]
        expect_head: Option<String>,
    },
}

/// Which chains; all of them where nothing is said.
#[derive(Debug, Args)]
pub(super) struct Whose {
    /// Only this tenant's
    #[arg(long)]
    tenant: Option<String>,
    /// Only the installation's own, which no tenant has
    #[arg(long, conflicts_with = "tenant")]
    installation: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Comma-separated values
    Csv,
    /// One JSON object a line
    Jsonl,
}

impl AuditCommand {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let store = context.store().await?;
        let always = Timestamp::MIN..Timestamp::MAX;
        match self {
            Self::List { whose } => {
                write(&store, &whose.chains(&store).await?, &always, ListLines).await?;
            }
            Self::Export {
                whose,
                format,
                from,
                to,
            } => {
                let chains = whose.chains(&store).await?;
                let span = from.unwrap_or(always.start)..to.unwrap_or(always.end);
                match format {
                    Format::Csv => write(&store, &chains, &span, CsvLines).await?,
                    Format::Jsonl => write(&store, &chains, &span, JsonLines).await?,
                }
            }
            Self::Verify {
                whose,
                expect_count,
                expect_head,
            } => {
                let expected = Expected {
                    count: expect_count,
                    head: expect_head.as_deref().map(format::from_hex).transpose()?,
                };
                return verify(&store, &whose, &expected).await;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Whose {
    async fn chains(&self, store: &Store) -> anyhow::Result<Vec<Option<TenantId>>> {
        if self.installation {
            return Ok(vec![None]);
        }
        match &self.tenant {
            Some(id) => {
                let id = TenantId::from(id.as_str());
                let chains = store.audit_chains().await?;
                if !chains.contains(&Some(id.clone())) {
                    tenant(store, &id).await?;
                }
                Ok(vec![Some(id)])
            }
            None => Ok(store.audit_chains().await?),
        }
    }
}

/// Writes chains page by page to standard output.
async fn write(
    store: &Store,
    chains: &[Option<TenantId>],
    span: &Range<Timestamp>,
    lines: impl Lines,
) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout());
    let written = async {
        lines.head(&mut out)?;
        for chain in chains {
            let mut after = 0;
            loop {
                let page = store
                    .audit_between(chain.as_ref(), after, PAGE, span)
                    .await?;
                let Some(last) = page.last() else { break };
                after = last.seq;
                for row in &page {
                    lines.line(&mut out, row)?;
                }
            }
        }
        Ok(out.flush()?)
    };
    match written.await {
        // A reader that went away (`| head`) is no error; a full disk is one.
        Err(format::LineError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

async fn verify(store: &Store, whose: &Whose, expected: &Expected) -> anyhow::Result<ExitCode> {
    let chains = whose.chains(store).await?;
    let expects = expected.count.is_some() || expected.head.is_some();
    if expects && chains.len() != 1 {
        bail!("--expect-count and --expect-head are of one chain: add --tenant or --installation");
    }
    let mut fits = true;
    for chain in &chains {
        let name = chain.as_ref().map_or("(installation)", TenantId::as_str);
        let name = format::shown(name);
        let verified = store.verify_audit(chain.as_ref(), expected).await?;
        let (count, head) = (verified.count, format::hex(&verified.head));
        if let Some(fault) = verified.fault {
            fits = false;
            print(&format!(
                "{name}: {fault}. The {count} entries before fit.\n"
            ));
        } else {
            print(&format!("{name}: {count} entries fit, head {head}\n"));
        }
    }
    for tenant in store.standing_permits().await? {
        fits = false;
        let name = format::shown(tenant.as_str());
        print(&format!("{name}: {}.\n", crate::store::Fault::Permit));
    }
    Ok(if fits {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Reads a day (its first moment in UTC) or a time.
fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || -> Option<Timestamp> {
        let day: Date = text.parse().ok()?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    // A day first: a time also reads as one, with its hours left out.
    let found = if text.len() == 10 {
        day()
    } else {
        text.parse().ok()
    };
    found.ok_or_else(|| "write a day or a time, as 2026-11-01 or 2026-11-01T12:00:00Z".to_owned())
}
