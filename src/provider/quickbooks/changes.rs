//! What changed since a time (change data capture): one call for all datasets, which also tells what
//! was deleted. It has no pages and no mark that it is cut, so an answer that is full is no answer.

use jiff::{SignedDuration, Timestamp};

use super::calls::{Calls, ChangesAnswered};
use super::wire::QueryResponse;
use super::{CHANGE_WINDOW, convert, query};
use crate::domain::connection::ProviderKind;
use crate::domain::records::Records;
use crate::provider::{Access, Changes, ProviderResult, Reference};

/// The most objects in one answer, over all datasets.
const CAP: usize = 1000;
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
    let records: Records = convert::records(&everything, reference, answered_at)?;
    Ok(Changes::All {
        records,
        answered_at,
    })
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
