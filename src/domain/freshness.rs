//! How old the mirror is, per dataset and for a whole figure.

use std::time::Duration;

use jiff::Timestamp;

/// A kind of record that is mirrored by itself and can be missing by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dataset {
    /// The ledger's accounts: tells which are receivables accounts.
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

impl Dataset {
    /// Every dataset, in the order in which a first load reads them: what others refer to first.
    pub const ALL: [Self; 17] = [
        Self::Accounts,
        Self::Terms,
        Self::Items,
        Self::Customers,
        Self::OpeningBalances,
        Self::Invoices,
        Self::CreditNotes,
        Self::QuickEntries,
        Self::Overpayments,
        Self::Prepayments,
        Self::Payments,
        Self::Allocations,
        Self::JournalEntries,
        Self::Deposits,
        Self::Expenses,
        Self::CashSales,
        Self::CashRefunds,
    ];

    /// A stable, lower-case word (`credit_notes`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Terms => "terms",
            Self::Items => "items",
            Self::Customers => "customers",
            Self::Invoices => "invoices",
            Self::Payments => "payments",
            Self::CreditNotes => "credit_notes",
            Self::CashSales => "cash_sales",
            Self::CashRefunds => "cash_refunds",
            Self::JournalEntries => "journal_entries",
            Self::Deposits => "deposits",
            Self::Expenses => "expenses",
            Self::Overpayments => "overpayments",
            Self::Prepayments => "prepayments",
            Self::QuickEntries => "quick_entries",
            Self::Allocations => "allocations",
            Self::OpeningBalances => "opening_balances",
        }
    }

    /// The dataset of a word made by [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.as_str() == word)
    }

    /// Whether a balance cannot be stated without it. Cash sales, cash refunds and items only add
    /// to the history and the purchases.
    pub fn bears_on_balance(self) -> bool {
        !matches!(self, Self::CashSales | Self::CashRefunds | Self::Items)
    }
}

/// The state of one dataset of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetFreshness {
    /// Which dataset.
    pub dataset: Dataset,
    /// When it was last known to be the same as the ledger; `None` before its first full load.
    pub succeeded_at: Option<Timestamp>,
    /// When it was last tried.
    pub attempted_at: Option<Timestamp>,
    /// Records mirrored by the current or last load.
    pub loaded: u64,
    /// Records that the load expects, when the ledger says.
    pub expected: Option<u64>,
}

/// Whether a connection can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Added, but no person has consented yet.
    Pending,
    /// Authorized, nothing wrong.
    Active,
    /// Consent is lost; a person has to authorize again.
    Disconnected,
    /// Ended by an operator.
    Revoked,
}

impl ConnectionState {
    /// A stable, lower-case word (`disconnected`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Disconnected => "disconnected",
            Self::Revoked => "revoked",
        }
    }

    /// The state of a word made by [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Active,
            Self::Disconnected,
            Self::Revoked,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }
}

/// Data is never stale before this, however short the polling interval: a poll takes its time, and a
/// page that flickers between fresh and stale tells nothing.
const LEAST_STALE_AFTER: Duration = Duration::from_mins(1);

/// What one connection's mirror stands at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionFreshness {
    /// Whether the ledger can be read.
    pub state: ConnectionState,
    /// How often it is polled.
    pub poll_interval: Duration,
    /// Whether the first load is under way: begun or waiting for its turn, neither finished nor
    /// given up. Tells a dataset that is still to come from one that could not be read.
    pub first_load_running: bool,
    /// Every dataset that the provider has, each once.
    pub datasets: Vec<DatasetFreshness>,
}

/// The outcome for a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FreshnessStatus {
    /// As new as the polling makes it.
    Fresh,
    /// Older than two polling intervals.
    Stale,
    /// A dataset that the balance needs is missing, and no first load is under way.
    Partial,
    /// Consent is lost: the figures are the last known ones.
    Disconnected,
    /// The first load is under way.
    Syncing,
}

/// How far a first load has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records mirrored.
    pub done: u64,
    /// Records expected, when the ledger says; at least `done`.
    pub total: Option<u64>,
}

/// How fresh a pulse is: the oldest of all that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The worst status of the connections read.
    pub status: FreshnessStatus,
    /// When the oldest dataset was last known to be the same as the ledger; `None` when one never was.
    pub checked_at: Option<Timestamp>,
    /// The first load's progress, while [`FreshnessStatus::Syncing`].
    pub progress: Option<Progress>,
    /// The datasets behind it; with several connections, the oldest of each.
    pub datasets: Vec<DatasetFreshness>,
    /// Whether the balance can be stated: no dataset that bears on it is missing.
    pub balance_known: bool,
    /// Whether it is older than the policy lets a decision rest on.
    pub beyond_policy: bool,
    /// The moment from which the passing of time alone changes `status` or the decision;
    /// `None` when time changes nothing.
    pub changes_at: Option<Timestamp>,
}

/// How fresh figures are that read several connections.
///
/// The status is the worst of the connections'; the age is that of the oldest dataset that bears on
/// the balance. `unknown_after` is the age from which no decision may rest on the figures.
pub fn freshness(
    connections: &[&ConnectionFreshness],
    unknown_after: Duration,
    now: Timestamp,
) -> Freshness {
    let standings: Vec<_> = connections
        .iter()
        .map(|connection| connection.standing(now))
        .collect();
    let checked_at = standings
        .iter()
        .map(|standing| standing.checked_at)
        .reduce(Ord::min)
        .flatten();
    // An age is reached at its very moment, so that the moment told in advance is the one at which
    // it happens. Each connection has decisions of its own that end with its own age.
    let end_of = |checked_at| later(checked_at, unknown_after);
    let ends = standings.iter().filter_map(|s| s.checked_at.map(end_of));
    let stale_at = standings.iter().filter_map(|standing| standing.stale_at);
    Freshness {
        status: standings
            .iter()
            .map(|standing| standing.status)
            .max()
            .unwrap_or(FreshnessStatus::Partial),
        checked_at,
        progress: progress(connections, &standings),
        datasets: oldest_of_each(connections),
        balance_known: !standings.is_empty() && checked_at.is_some(),
        beyond_policy: checked_at.is_none_or(|checked_at| end_of(checked_at) <= now),
        changes_at: stale_at.chain(ends).filter(|at| *at > now).min(),
    }
}

/// One connection at an instant.
struct Standing {
    status: FreshnessStatus,
    /// The oldest dataset that bears on the balance; `None` when one was never read.
    checked_at: Option<Timestamp>,
    /// When it turns stale, if time alone makes it so.
    stale_at: Option<Timestamp>,
}

impl ConnectionFreshness {
    fn standing(&self, now: Timestamp) -> Standing {
        let checked_at = self
            .datasets
            .iter()
            .filter(|set| set.dataset.bears_on_balance())
            .map(|set| set.succeeded_at)
            // Nothing is older than a time that never was: `None` is the least.
            .reduce(Ord::min)
            .flatten();
        let two_polls = self.poll_interval.saturating_mul(2);
        let stale_at = checked_at.map(|at| later(at, two_polls.max(LEAST_STALE_AFTER)));
        let untouched = self.datasets.iter().all(|set| set.attempted_at.is_none());
        let status = match (self.state, stale_at) {
            (
                ConnectionState::Pending | ConnectionState::Disconnected | ConnectionState::Revoked,
                _,
            ) => FreshnessStatus::Disconnected,
            // One just added has its first load before it.
            (ConnectionState::Active, None) if self.first_load_running || untouched => {
                FreshnessStatus::Syncing
            }
            (ConnectionState::Active, None) => FreshnessStatus::Partial,
            (ConnectionState::Active, Some(stale_at)) if stale_at <= now => FreshnessStatus::Stale,
            (ConnectionState::Active, Some(_)) => FreshnessStatus::Fresh,
        };
        Standing {
            status,
            checked_at,
            stale_at: stale_at.filter(|_| status == FreshnessStatus::Fresh),
        }
    }
}

/// The first loads' progress together; `None` where none is under way.
fn progress(connections: &[&ConnectionFreshness], standings: &[Standing]) -> Option<Progress> {
    let mut loading = connections
        .iter()
        .zip(standings)
        .filter(|(_, standing)| standing.status == FreshnessStatus::Syncing)
        .flat_map(|(connection, _)| &connection.datasets)
        .peekable();
    loading.peek()?;
    let mut done: u64 = 0;
    let mut total: Option<u64> = Some(0);
    for set in loading {
        done = done.saturating_add(set.loaded);
        // One that is read holds what it loaded, whatever was expected.
        let expected = match set.succeeded_at {
            Some(_) => Some(set.loaded),
            None => set.expected.map(|expected| expected.max(set.loaded)),
        };
        total = total
            .zip(expected)
            .map(|(sum, more)| sum.saturating_add(more));
    }
    Some(Progress { done, total })
}

/// Each dataset once, in the order of a first load: the oldest over the connections that have it.
fn oldest_of_each(connections: &[&ConnectionFreshness]) -> Vec<DatasetFreshness> {
    let of_kind = |dataset| {
        connections
            .iter()
            .flat_map(|connection| &connection.datasets)
            .filter(move |set| set.dataset == dataset)
            .cloned()
            .reduce(|one, other| DatasetFreshness {
                dataset,
                succeeded_at: one.succeeded_at.min(other.succeeded_at),
                attempted_at: one.attempted_at.min(other.attempted_at),
                loaded: one.loaded.saturating_add(other.loaded),
                expected: one
                    .expected
                    .zip(other.expected)
                    .map(|(one, other)| one.saturating_add(other)),
            })
    };
    Dataset::ALL.into_iter().filter_map(of_kind).collect()
}

/// A moment later than another; the end of time where it lies beyond.
fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
