//! The command line. Every command teaches itself by `--help`.

#![expect(
    clippy::doc_markdown,
    reason = "the comments on arguments are what --help prints, where backticks are noise"
)]

mod audit;
mod connection;
mod context;
mod crm;
mod encryption;
mod erase;
mod files;
mod keys;
mod tenant;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::terminal::print;
use crate::{app, graphql};
use context::Context;

/// The answer to "may I sell more on account?", from the books, inside the CRM contact page.
#[derive(Debug, Parser)]
#[command(
    name = "financial-pulse",
    version,
    after_help = "Begin with `financial-pulse demo`: it needs no account, no key and no network.\n\
                  For your own books: `tenant add`, `connection add`, `serve`; README.md leads through it."
)]
pub struct Cli {
    /// The settings [default: ./financial-pulse.toml where there is one; else, for all commands but
    /// `serve`, the running demo's]. Every setting can also come from the environment as
    /// PULSE_SECTION__KEY.
    #[arg(long, global = true, value_name = "FILE", env = "PULSE_CONFIG")]
    config: Option<PathBuf>,

    /// The person for whom you run the command; the audit names them beside the operator
    #[arg(long, global = true, value_name = "PERSON")]
    on_behalf_of: Option<String>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the service: API, widget and the sync of every connection
    Serve(app::ServeArgs),
    /// Start sandbox books, the service and a demo CRM page, all on this machine
    #[cfg(feature = "sandbox")]
    Demo(app::demo::DemoArgs),
    /// Start an accounting server that speaks as QuickBooks, Xero and Sage do, for tests and demos
    #[cfg(feature = "sandbox")]
    Sandbox(crate::sandbox::SandboxArgs),
    /// Bring the database's tables up to date
    Migrate,
    /// Print the GraphQL schema
    Schema,
    /// Add, watch, sync and revoke connections to accounting systems
    Connection {
        #[command(subcommand)]
        command: connection::ConnectionCommand,
    },
    /// Add tenants (CRM accounts), their keys and their users' roles
    Tenant {
        #[command(subcommand)]
        command: tenant::TenantCommand,
    },
    /// List the CRMs' schemes, and keep the keys of apps
    Crm {
        #[command(subcommand)]
        command: crm::CrmCommand,
    },
    /// Read and write credit limits as CSV
    Limits {
        #[command(subcommand)]
        command: files::LimitsCommand,
    },
    /// Read and write links between contacts and customers as CSV
    Links {
        #[command(subcommand)]
        command: files::LinksCommand,
    },
    /// Print a native test token for a tenant, and nothing else
    Token(token::TokenArgs),
    /// Read, write out and verify the audit trail
    Audit {
        #[command(subcommand)]
        command: audit::AuditCommand,
    },
    /// Show the keys that secrets are sealed under, and seal all under the active one
    Keys {
        #[command(subcommand)]
        command: encryption::KeysCommand,
    },
    /// Check the settings and say what is wrong with them
    Config,
    /// Ask the running service whether it is well; for a container's health check
    Health,
}

/// Parses the arguments, runs the command and answers with its exit status.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error)),
    };
    match runtime.block_on(cli.run()) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a command's error is for the person at the terminal"
)]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

impl Cli {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let context = Context::new(self.config, self.on_behalf_of);
        match self.command {
            Command::Serve(args) => app::serve(context.config_for_serve()?, args).await?,
            #[cfg(feature = "sandbox")]
            Command::Demo(args) => app::demo::run(args).await?,
            #[cfg(feature = "sandbox")]
            Command::Sandbox(args) => crate::sandbox::run(args).await?,
            Command::Migrate => context.migrate().await?,
            Command::Schema => print(&graphql::sdl()),
            Command::Connection { command } => return Box::pin(command.run(&context)).await,
            Command::Tenant { command } => Box::pin(command.run(&context)).await?,
            Command::Crm { command } => command.run(&context).await?,
            Command::Limits { command } => return Box::pin(command.run(&context)).await,
            Command::Links { command } => return Box::pin(command.run(&context)).await,
            Command::Token(args) => args.run(&context).await?,
            Command::Audit { command } => return command.run(&context).await,
            Command::Keys { command } => return command.run(&context).await,
            Command::Config => context.check()?,
            Command::Health => context.health().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
