//! What changed since a time (change data capture): one call for all datasets, which also tells what
//! was deleted. It has no pages and no mark that it is cut, so an answer that is full is no answer.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::calls::{Calls, ChangesAnswered};
use super::query::quoted;
use super::wire::QueryResponse;
use super::{CHANGE_WINDOW, convert, query};
use crate::domain::connection::ProviderKind;
use crate::domain::records::Records;
use crate::provider::{Access, Changes, ProviderResult, Reference};

/// The most objects in one answer, over all datasets.
const CAP: usize = 1000;
/// How deep customers nest, by the reference.
const LEVELS: usize = 5;
/// Close to the edge of the window the ledger's clock decides; stay clear of it.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);

pub(super) async fn since(
    calls: &Calls,
    access: &Access,
    reference: &Reference,
    since: Timestamp,
) -> ProviderResult<Changes> {
    if calls.now().duration_since(since) > CHANGE_WINDOW - MARGIN {
        return Ok(Changes::TooMany);
    }
    let entities = ProviderKind::QuickBooks
        .datasets()
        .iter()
        .map(|dataset| query::entity(*dataset))
        .collect::<ProviderResult<Vec<_>>>()?
        .join(",");
    let answered = calls
        .changes(access, &entities, &query::instant(since))
        .await?;
    let (parts, answered_at) = match answered {
        ChangesAnswered::Parts(parts, at) => (parts, at),
        ChangesAnswered::BeyondWindow => return Ok(Changes::TooMany),
    };
    if parts.iter().map(QueryResponse::len).sum::<usize>() >= CAP {
        return Ok(Changes::TooMany);
    }
    let everything = parts
        .into_iter()
        .fold(QueryResponse::default(), QueryResponse::and);
    let everything = with_parents(calls, access, everything).await?;
    let records: Records = convert::records(&everything, reference, answered_at)?;
    Ok(Changes::All {
        records,
        answered_at,
    })
}

/// Adds the customers above those that changed: what all below them owe moves with it, while their own
/// time of change stands still.
async fn with_parents(
    calls: &Calls,
    access: &Access,
    mut everything: QueryResponse,
) -> ProviderResult<QueryResponse> {
    for _ in 1..LEVELS {
        let known = |id: &str| everything.customer.iter().any(|customer| customer.id == id);
        let parents = everything.customer.iter().filter_map(|customer| {
            let parent = customer.parent_ref.as_ref()?.value.as_deref()?;
            (!known(parent)).then(|| quoted(parent))
        });
        let parents: BTreeSet<String> = parents.collect();
        if parents.is_empty() {
            break;
        }
        let ids: Vec<String> = parents.into_iter().collect();
        let statement = format!(
            "SELECT * FROM Customer WHERE Active IN (true, false) AND Id IN ({}) MAXRESULTS {CAP}",
            ids.join(", ")
        );
        let above = calls.query(access, &statement).await?.response.customer;
        if above.is_empty() {
            break;
        }
        everything.customer.extend(above);
    }
    Ok(everything)
}

impl QueryResponse {
    /// How many records it holds, deleted ones included.
    pub(super) fn len(&self) -> usize {
        self.account.len()
            + self.term.len()
            + self.item.len()
            + self.customer.len()
            + self.invoice.len()
            + self.credit_memo.len()
            + self.payment.len()
            + self.journal_entry.len()
            + self.deposit.len()
            + self.purchase.len()
            + self.sales_receipt.len()
            + self.refund_receipt.len()
    }

    /// Both in one.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.account.extend(other.account);
        self.term.extend(other.term);
        self.item.extend(other.item);
        self.customer.extend(other.customer);
        self.invoice.extend(other.invoice);
        self.credit_memo.extend(other.credit_memo);
        self.payment.extend(other.payment);
        self.journal_entry.extend(other.journal_entry);
        self.deposit.extend(other.deposit);
        self.purchase.extend(other.purchase);
        self.sales_receipt.extend(other.sales_receipt);
        self.refund_receipt.extend(other.refund_receipt);
        self
    }
}
