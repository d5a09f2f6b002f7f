//! Our outstanding against the ledger's own figure.

use super::document::DocumentId;
use super::money::Money;

/// The outcome of the comparison. Compared without any date cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TieOutStatus {
    /// Equal to the cent.
    Ties,
    /// Not equal.
    Differs {
        /// Ours less the ledger's.
        difference: Money,
        /// The documents most likely behind it, likeliest first.
        suspects: Vec<DocumentId>,
    },
    /// The ledger gives no figure to compare with.
    NotCheckable,
}

/// Ours against the ledger's, in the customer's own currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TieOut {
    /// The outcome; with several customers the worst.
    pub status: TieOutStatus,
    /// Our outstanding by all documents, whatever their date.
    pub ours: Option<Money>,
    /// The ledger's own figure.
    pub ledger: Option<Money>,
    /// Whether documents dated after the day exist: ours by date and the ledger's may then differ
    /// rightly.
    pub future_dated: bool,
    /// By how much the ledger's figure is above ours, per currency. The credit decision adds it to
    /// the exposure, so that it rests on the larger of the two.
    pub ledger_excess: Vec<Money>,
}
