//! How old the figures are.

use async_graphql::{Enum, SimpleObject};

use super::scalars::{Date, DateTime};
use crate::domain::freshness as domain;

/// How fresh a pulse is: as fresh as the oldest of what it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::FreshnessStatus")]
pub enum FreshnessStatus {
    /// As new as the polling makes it.
    Fresh,
    /// Older than two polling intervals.
    Stale,
    /// A dataset that the balance needs is missing, and no first load is under way.
    Partial,
    /// Consent is lost: the figures are the last known ones, and a person has to authorize again.
    Disconnected,
    /// The first load is under way.
    Syncing,
}

/// A kind of record that is mirrored by itself and can be missing by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Dataset")]
pub enum Dataset {
    /// The ledger's accounts.
    Accounts,
    /// Payment terms.
    Terms,
    /// Products and services.
    Items,
    /// Customers.
    Customers,
    /// Invoices.
    Invoices,
    /// Payments.
    Payments,
    /// Credit notes.
    CreditNotes,
    /// Sales paid at once.
    CashSales,
    /// Sales given back at once.
    CashRefunds,
    /// Journal entries.
    JournalEntries,
    /// Deposits.
    Deposits,
    /// Expenses and checks.
    Expenses,
    /// Money received above what was owed.
    Overpayments,
    /// Money received before the invoice.
    Prepayments,
    /// Invoices and credits that were entered as a total only.
    QuickEntries,
    /// Credit set against invoices without money moving.
    Allocations,
    /// Balances brought forward when the books were opened.
    OpeningBalances,
}

/// How far a first load has come.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct Progress {
    /// Records mirrored.
    pub done: u64,
    /// Records expected, when the ledger says; at least `done`.
    pub total: Option<u64>,
}

/// One dataset's freshness.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct DatasetFreshness {
    /// Which dataset.
    pub dataset: Dataset,
    /// When it was last known to be the same as the ledger; null before its first full load.
    pub succeeded_at: Option<DateTime>,
    /// When it was last tried.
    pub attempted_at: Option<DateTime>,
}

/// How old the figures are. All times are absolute, so that a kept answer stays true.
#[derive(Clone, Debug, SimpleObject)]
pub struct Freshness {
    /// The worst status of the connections read.
    pub status: FreshnessStatus,
    /// When the oldest dataset was last known to be the same as the ledger; null when one never was.
    pub checked_at: Option<DateTime>,
    /// From which day on the documents are complete; null when they are from the first one on.
    pub coverage_from: Option<Date>,
    /// How far the first load has come, while SYNCING.
    pub progress: Option<Progress>,
    /// Each dataset; with several connections the oldest of each.
    pub datasets: Vec<DatasetFreshness>,
}

impl From<&domain::Freshness> for Freshness {
    fn from(freshness: &domain::Freshness) -> Self {
        Self {
            status: freshness.status.into(),
            checked_at: freshness.checked_at.map(DateTime),
            // Every provider so far is mirrored from its first document on.
            coverage_from: None,
            progress: freshness.progress.map(|progress| Progress {
                done: progress.done,
                total: progress.total,
            }),
            datasets: freshness
                .datasets
                .iter()
                .map(|dataset| DatasetFreshness {
                    dataset: dataset.dataset.into(),
                    succeeded_at: dataset.succeeded_at.map(DateTime),
                    attempted_at: dataset.attempted_at.map(DateTime),
                })
                .collect(),
        }
    }
}
