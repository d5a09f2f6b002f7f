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
}

impl Dataset {
    /// Every dataset, in the order in which a first load reads them: what others refer to first.
    pub const ALL: [Self; 12] = [
        Self::Accounts,
        Self::Terms,
        Self::Items,
        Self::Customers,
        Self::Invoices,
        Self::CreditNotes,
        Self::Payments,
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
pub fn freshness(
    connections: &[&ConnectionFreshness],
    unknown_after: Duration,
    now: Timestamp,
) -> Freshness {
    let _ = (connections, unknown_after, now);
    Freshness {
        status: FreshnessStatus::Partial,
        checked_at: None,
        progress: None,
        datasets: Vec::new(),
        balance_known: false,
        beyond_policy: true,
        changes_at: None,
    }
}
