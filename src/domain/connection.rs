//! Connections: authorised organizations at accounting systems.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::books::Organization;
use super::freshness::{ConnectionState, Dataset};
use super::ids::{ConnectionId, GrantId, TenantId};

/// The accounting systems that can be connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProviderKind {
    /// QuickBooks Online.
    QuickBooks,
    /// Xero.
    Xero,
    /// Sage Accounting.
    Sage,
    /// Tryton.
    Tryton,
}

impl ProviderKind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 4] = [Self::QuickBooks, Self::Xero, Self::Sage, Self::Tryton];

    /// A stable, lower-case word (`quickbooks`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QuickBooks => "quickbooks",
            Self::Xero => "xero",
            Self::Sage => "sage",
            Self::Tryton => "tryton",
        }
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::QuickBooks => "QuickBooks Online",
            Self::Xero => "Xero",
            Self::Sage => "Sage Accounting",
            Self::Tryton => "Tryton",
        }
    }

    /// The datasets that such a ledger has, in the order in which a first load reads them: what
    /// others refer to first.
    pub fn datasets(self) -> &'static [Dataset] {
        match self {
            Self::QuickBooks => &[
                Dataset::Accounts,
                Dataset::Terms,
                Dataset::Items,
                Dataset::Customers,
                Dataset::Invoices,
                Dataset::CreditNotes,
                Dataset::Payments,
                Dataset::JournalEntries,
                Dataset::Deposits,
                Dataset::Expenses,
                Dataset::CashSales,
                Dataset::CashRefunds,
            ],
            Self::Xero => &[
                Dataset::Items,
                Dataset::Customers,
                Dataset::Invoices,
                Dataset::CreditNotes,
                Dataset::Overpayments,
                Dataset::Prepayments,
                Dataset::Payments,
            ],
            Self::Sage => &[
                Dataset::Items,
                Dataset::Customers,
                Dataset::OpeningBalances,
                Dataset::Invoices,
                Dataset::CreditNotes,
                Dataset::QuickEntries,
                Dataset::Payments,
                Dataset::Allocations,
            ],
            Self::Tryton => &[
                Dataset::Items,
                Dataset::Customers,
                Dataset::Invoices,
                Dataset::Payments,
            ],
        }
    }

    /// The kind of a word made by [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An authorised organization at one provider, owned by one tenant.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its id, unique in the installation.
    pub id: ConnectionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The accounting system.
    pub provider: ProviderKind,
    /// The organization's id at the provider (QuickBooks: the realm id, Xero: the tenant id, Sage: the
    /// business id); `None` until a person has consented.
    pub account: Option<Arc<str>>,
    /// The consent under which it is read; `None` before it was given and after it was given up.
    pub grant: Option<GrantId>,
    /// The bookkeeping entity; `None` until first read.
    pub organization: Option<Organization>,
    /// The time zone in which the books' dates are meant. Set by the operator, never guessed.
    pub time_zone: TimeZone,
    /// How often it is polled.
    pub poll_interval: Duration,
    /// Whether it can be read.
    pub state: ConnectionState,
    /// Why it cannot, as a stable word (`consent_lost`), when it cannot.
    pub state_reason: Option<Arc<str>>,
    /// Since when it is in that state.
    pub state_since: Timestamp,
    /// Counts up with every change of its data, freshness or state.
    pub version: i64,
}
