//! One customer as it is now: a batch of one query for each kind of document that can be asked for
//! by customer. Journal entries, deposits and purchases cannot; they come with the changes.

use super::query::{Selection, Step, quoted};
use super::wire::QueryResponse;
use super::{QuickBooks, convert};
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::records::Records;
use crate::provider::{Access, ProviderError, ProviderResult, Reference};

/// What has a `CustomerRef` to be asked for by.
const BY_CUSTOMER: [Dataset; 5] = [
    Dataset::Invoices,
    Dataset::CreditNotes,
    Dataset::Payments,
    Dataset::CashSales,
    Dataset::CashRefunds,
];

/// Rows asked for in each part of the batch: all parts together must stay below the 1000 objects
/// that a whole batch may answer with.
const ROWS_IN_BATCH: u32 = 190;

pub(super) async fn read(
    quickbooks: &QuickBooks,
    access: &Access,
    reference: &Reference,
    customer: &CustomerId,
) -> ProviderResult<Records> {
    let by_id = format!(
        "SELECT * FROM Customer WHERE Active IN (true, false) AND Id = {}",
        quoted(customer.as_str())
    );
    let first_pages = BY_CUSTOMER
        .into_iter()
        .map(|dataset| {
            Ok(Selection {
                customer: Some(customer.as_str().to_owned()),
                page_size: ROWS_IN_BATCH.min(quickbooks.page_size),
                ..quickbooks.selection(dataset, None)?
            })
        })
        .collect::<ProviderResult<Vec<_>>>()?;
    let mut statements = vec![by_id];
    statements.extend(first_pages.iter().map(|pages| pages.statement(None)));
    let (responses, answered_at) = quickbooks.calls.batch(access, &statements).await?;

    let mut responses = responses.into_iter();
    let mut everything = responses.next().unwrap_or_default();
    if everything.customer.is_empty() {
        return Err(ProviderError::NotFound);
    }
    for (pages, response) in first_pages.into_iter().zip(responses) {
        let further = match pages.step(None, &response)? {
            Step::Read { next, .. } => next,
            Step::Again(place) => Some(place),
        };
        everything = everything.and(response);
        let pages = Selection {
            page_size: quickbooks.page_size,
            ..pages
        };
        let mut place = further;
        while place.is_some() {
            let page = quickbooks.read_page(access, &pages, place).await?;
            everything = everything.and(page.answered.response);
            place = page.next;
        }
    }
    convert::records(&newest(everything), reference, answered_at)
}

/// Pages overlap; of rows that came twice the last one read is the newest.
fn newest(mut everything: QueryResponse) -> QueryResponse {
    fn last_of_each<R: super::wire::Row>(rows: &mut Vec<R>) {
        let mut seen = std::collections::HashSet::new();
        rows.reverse();
        rows.retain(|row| seen.insert(row.id().to_owned()));
        rows.reverse();
    }
    last_of_each(&mut everything.invoice);
    last_of_each(&mut everything.credit_memo);
    last_of_each(&mut everything.payment);
    last_of_each(&mut everything.sales_receipt);
    last_of_each(&mut everything.refund_receipt);
    everything
}
