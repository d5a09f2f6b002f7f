//! `limits` and `links`: files in and out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::context::{Context, OPERATOR, clock, tenant};
use crate::app::terminal::print;
use crate::domain::ids::TenantId;
use crate::service::import::{ImportProblem, Imported};
use crate::service::limits::Limits;
use crate::service::linking::Linking;

#[derive(Debug, Subcommand)]
pub(super) enum LimitsCommand {
    /// Read limits: customer,limit,currency,valid_from,valid_to,reason
    ///
    /// An empty customer means the tenant's default; 0 means cash only. All lines are taken or none.
    Import(FileArgs),
    /// Write every limit as CSV, as `import` reads it
    Export {
        /// The tenant
        #[arg(long)]
        tenant: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum LinksCommand {
    /// Read links: contact,customer,reason (native:person:42,acme-quickbooks:17,as asked by finance)
    ///
    /// All lines are taken or none.
    Import(FileArgs),
    /// Write every link as CSV, as `import` reads it
    Export {
        /// The tenant
        #[arg(long)]
        tenant: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// The tenant
    #[arg(long)]
    tenant: String,
    /// The file; - for standard input
    file: PathBuf,
}

impl LimitsCommand {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let store = context.store().await?;
        let limits = Limits::new(store.clone(), clock());
        match self {
            Self::Import(args) => {
                let tenant = tenant(&store, &TenantId::from(args.tenant.as_str())).await?;
                let csv = read(&args.file)?;
                Ok(report(limits.import(&tenant.id, &csv, OPERATOR).await))
            }
            Self::Export { tenant: id } => {
                let tenant = tenant(&store, &TenantId::from(id)).await?;
                let csv = limits.export(&tenant.id).await?;
                print(&String::from_utf8_lossy(&csv));
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl LinksCommand {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let store = context.store().await?;
        let linking = Linking::new(store.clone(), clock());
        match self {
            Self::Import(args) => {
                let tenant = tenant(&store, &TenantId::from(args.tenant.as_str())).await?;
                let csv = read(&args.file)?;
                Ok(report(linking.import(&tenant.id, &csv, OPERATOR).await))
            }
            Self::Export { tenant: id } => {
                let tenant = tenant(&store, &TenantId::from(id)).await?;
                let csv = linking.export(&tenant.id).await?;
                print(&String::from_utf8_lossy(&csv));
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

#[expect(
    clippy::print_stderr,
    reason = "what is wrong is for the person at the terminal"
)]
fn report(outcome: Result<Imported, Vec<ImportProblem>>) -> ExitCode {
    match outcome {
        Ok(imported) => {
            print(&format!(
                "{} taken, {} were so already.\n",
                imported.added, imported.unchanged
            ));
            ExitCode::SUCCESS
        }
        Err(problems) => {
            for problem in &problems {
                eprintln!("{problem}");
            }
            eprintln!("Nothing was taken.");
            ExitCode::FAILURE
        }
    }
}
