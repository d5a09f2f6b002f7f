//! `connection sync`: in the foreground, with a progress bar.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use tokio_util::sync::CancellationToken;

use crate::app;
use crate::app::terminal::{SyncBar, print};
use crate::domain::ids::ConnectionId;
use crate::provider::ProviderError;
use crate::service::ledger::LedgerError;
use crate::service::sync::{Depth, Sync};

/// How often a foreground sync looks whether another process is done.
const WAIT_FOR_LEASE: Duration = Duration::from_secs(1);

/// Lets a sync end after the step in hand when it is told to stop: a token refresh cut off between
/// the provider's answer and our storing would lose the connection.
pub(super) async fn stoppable(
    synced: impl Future<Output = anyhow::Result<ExitCode>>,
    stop: &CancellationToken,
    grace: Duration,
) -> anyhow::Result<ExitCode> {
    let mut synced = std::pin::pin!(synced);
    tokio::select! {
        outcome = &mut synced => return outcome,
        stopped = app::stop_signal() => stopped?,
    }
    stop.cancel();
    match tokio::time::timeout(grace, synced).await {
        Ok(outcome) => outcome,
        Err(_) => bail!("cut off in the middle of a step; the next run goes on at the last mark"),
    }
}

/// Syncs with a progress bar, waiting for another process that is at it.
#[expect(
    clippy::print_stderr,
    reason = "what goes on is for the person at the terminal"
)]
pub(super) async fn in_foreground(
    sync: &Sync,
    id: &ConnectionId,
    depth: Depth,
    stop: &CancellationToken,
    advice: &str,
) -> anyhow::Result<ExitCode> {
    let bar = SyncBar::new();
    let mut told = false;
    loop {
        let outcome = sync
            .run(id, depth, &|dataset, progress| bar.show(dataset, progress))
            .await;
        match outcome {
            Ok(report) => {
                bar.finish();
                print(&format!(
                    "{id}: up to date. {} records written, {} unchanged, {} gone{}.\n",
                    report.written,
                    report.unchanged,
                    report.deleted,
                    if report.compared {
                        ", compared in full"
                    } else {
                        ""
                    },
                ));
                return Ok(ExitCode::SUCCESS);
            }
            Err(LedgerError::Busy) if !stop.is_cancelled() => {
                if !told {
                    eprintln!("{id}: another process is reading this connection, waiting for it");
                    told = true;
                }
                let wait = tokio::time::sleep(WAIT_FOR_LEASE);
                stop.run_until_cancelled(wait).await;
            }
            Err(error) => {
                bar.finish();
                let needs_person = matches!(error, LedgerError::NotAuthorized(_))
                    || matches!(
                        &error,
                        LedgerError::Provider(ProviderError::ConsentLost { .. })
                    );
                eprintln!("{id}: {error}");
                if needs_person {
                    eprintln!("Authorize it: {advice}");
                    return Ok(ExitCode::from(3));
                }
                return Ok(ExitCode::FAILURE);
            }
        }
    }
}
