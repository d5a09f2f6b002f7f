//! The mirror: customers, documents and applications as last read from the ledger, with how fresh
//! each dataset is.
//!
//! `apply` is the only way in. It compares what was read with what is stored by a hash of the
//! content, writes only what differs, and names the customers whose picture changed, so that a poll
//! that found nothing new disturbs no cache.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::freshness::{Dataset, DatasetFreshness};
use crate::domain::ids::CustomerId;

pub(super) mod apply;
pub(super) mod comparison;
pub(super) mod customers;
pub(super) mod marks;
pub(super) mod rates;
pub(super) mod read;
pub(super) mod reference;
mod rows;

/// What a page of records changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The customers whose picture changed, by id.
    pub customers: Vec<CustomerId>,
    /// Records written or removed.
    pub written: u64,
    /// Records that were there already, or that an older read brought late.
    pub unchanged: u64,
}

/// How far the sync has come, to be noted together with the records that it read. The default notes
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncMarks {
    /// Where the next page of a dataset begins; `None` forgets the place.
    pub cursors: Vec<(Dataset, Option<String>)>,
    /// Datasets that were tried just now.
    pub attempted: Vec<Dataset>,
    /// Datasets that are the same as the ledger as of a time. A time before the noted one is ignored.
    pub succeeded: Vec<(Dataset, Timestamp)>,
    /// Records that the current load has mirrored of a dataset so far, and how many it expects.
    pub loaded: Vec<(Dataset, u64, Option<u64>)>,
    /// From when on the next question for changes has to ask.
    pub watermark: Option<Timestamp>,
    /// When the first load began; ignored where it is noted already.
    pub first_load_started: Option<Timestamp>,
    /// The step of a comparison that the records are.
    pub comparison: Option<ComparisonStep>,
}

/// A step of a full comparison. A comparison is named by the moment at which it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComparisonStep {
    /// A page of a dataset was read anew; what had to be written had drifted.
    Seen {
        /// Which comparison.
        comparison: Timestamp,
        /// The dataset.
        dataset: Dataset,
        /// The ids of the page's records.
        ledger_ids: Vec<String>,
        /// The ledger's own time when it answered the dataset's first page.
        begun: Timestamp,
        /// Where the next page begins; `None` on the last one.
        next: Option<String>,
    },
    /// Records that no page held are removed.
    Gone {
        /// Which comparison.
        comparison: Timestamp,
        /// The dataset.
        dataset: Dataset,
        /// Whether the comparison is through with the dataset.
        last: bool,
    },
}

/// What a comparison had to mend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Records that were missing or differed.
    pub mended: u64,
    /// Records that the ledger no longer had.
    pub gone: u64,
}

/// How far a comparison has come in a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComparisonPlace {
    /// Where its next page begins.
    pub cursor: Option<String>,
    /// The ledger's own time when it answered the first page.
    pub begun: Option<Timestamp>,
    /// The last comparison that went through it.
    pub compared_at: Option<Timestamp>,
}

/// How far the sync of a connection has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncState {
    /// Every dataset that was ever noted, in the order of [`Dataset::ALL`].
    pub datasets: Vec<DatasetFreshness>,
    /// Where the next page of a dataset begins, for those in the middle of a load.
    pub cursors: HashMap<Dataset, String>,
    /// From when on the next question for changes has to ask.
    pub watermark: Option<Timestamp>,
    /// When the first load began.
    pub first_load_started: Option<Timestamp>,
    /// When the last full comparison began that came to its end.
    pub compared_at: Option<Timestamp>,
    /// When the full comparison under way began.
    pub comparing_since: Option<Timestamp>,
    /// How far comparisons have come, by dataset.
    pub comparisons: HashMap<Dataset, ComparisonPlace>,
    /// What the last comparison had to mend, or the one under way so far; `None` before the first.
    pub drift: Option<Drift>,
}
