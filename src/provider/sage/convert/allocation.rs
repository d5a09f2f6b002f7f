//! Allocations: credit set against debit, without money moving. Debits are positive, credits negative,
//! and together they are zero; which credit paid which debit is not said, so they are paired in the
//! order in which they stand.

use super::artefact::{Applied, shares};
use super::{Context, empty_record};
use crate::domain::document::{DocumentId, DocumentKind, Side};
use crate::domain::freshness::Dataset;
use crate::domain::records::DocumentRecord;
use crate::provider::ProviderResult;
use crate::provider::convert::Place;
use crate::provider::sage::wire::{self, Reference};

/// The applications of an allocation. It yields no document; one of a vendor yields nothing.
pub(in crate::provider::sage) fn allocation(
    context: &Context<'_>,
    row: &wire::Allocation,
) -> ProviderResult<DocumentRecord> {
    let place = Place {
        entity: "contact_allocations",
        id: &row.id,
    };
    let changed_at = context.changed_at(place, row)?;
    let mut record = empty_record(Dataset::Allocations, row, changed_at);
    if Reference::id(row.transaction_type.as_ref()) == Some("VENDOR_ALLOCATION") {
        return Ok(record);
    }
    // No document answers to it: it moves no money of its own.
    let own = DocumentId::new(DocumentKind::JournalEntry, row.id.as_str());
    let mut applied = Applied {
        carrier: &own,
        on: place.required("date", row.date)?,
        applications: Vec::new(),
    };
    let artefacts = row.allocated_artefacts.as_deref().unwrap_or_default();
    let shares = shares(place, artefacts, Side::Receivable)?;
    let (credits, debits) = shares
        .into_iter()
        .partition(|share| share.side == Side::Credit);
    // Were the sum not zero, what is over would still count as settled or used.
    for left in applied.pair(credits, debits) {
        if left.side == Side::Credit {
            applied.add(&left.document, &own, left.amount);
        } else {
            applied.add(&own, &left.document, left.amount);
        }
    }
    record.applications = applied.applications;
    Ok(record)
}
