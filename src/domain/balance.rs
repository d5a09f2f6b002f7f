//! What is owed: the fold of documents and their applications into a balance per currency.

use rust_decimal::Decimal;

use super::aging::Aging;
use super::books::ExchangeRate;
use super::money::{Currency, Money};
use super::tie_out::TieOut;

/// What is owed in one currency. All amounts are in `currency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencyBalance {
    /// The currency of every amount here.
    pub currency: Currency,
    /// Sum of the open amounts of issued receivable documents.
    pub gross_receivable: Decimal,
    /// Sum of what remains of credits; positive.
    pub unapplied_credit: Decimal,
    /// Sum of the open amounts that are 1 or more days past due (after grace days, if any).
    pub overdue: Decimal,
    /// How many documents are overdue.
    pub overdue_count: u32,
    /// Days past due of the oldest overdue document.
    pub oldest_overdue_days: Option<u32>,
    /// Open amounts by age; sums up to `gross_receivable`.
    pub aging: Aging,
}

impl CurrencyBalance {
    /// Gross receivable less unapplied credit; negative when the customer is in credit.
    pub fn outstanding(&self) -> Decimal {
        self.gross_receivable - self.unapplied_credit
    }
}

/// What is owed over all currencies, in one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalBalance {
    /// Gross receivable less unapplied credit.
    pub outstanding: Money,
    /// What is overdue.
    pub overdue: Money,
    /// The rates used, one for each foreign currency; empty where all is in one currency.
    pub rates: Vec<ExchangeRate>,
}

/// What is owed, per currency, with its tie-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// One entry for each currency with any document, ordered by code; for a customer that never
    /// bought, one zero entry in the customer's own currency.
    pub by_currency: Vec<CurrencyBalance>,
    /// The total in the organization's base currency, or in the one currency that there is;
    /// `None` with a missing rate, never a wrong total.
    pub total: Option<TotalBalance>,
    /// Ours against the ledger's own figure.
    pub tie_out: TieOut,
    /// How many receivable documents had no due date and no terms, so that their issue date stands in.
    pub assumed_due_dates: u32,
}
