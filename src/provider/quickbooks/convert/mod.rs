//! From QuickBooks' records to the domain's. `docs/quickbooks.md` has the mapping field by field.
//!
//! A record that lacks what its figures need (a date, a total) is a fault with its place named. It is
//! never read as zero, and never skipped, since a skipped invoice is a wrong balance.

mod names;
mod payment;
mod posting;
mod sales;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::wire::{QueryResponse, Reference as WireReference, Row};
use crate::domain::document::{DocumentId, DocumentKind, DocumentState};
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::money::Currency;
use crate::domain::records::{AccountRecord, Deletion, DocumentRecord, Records};
use crate::provider::convert::{self, Place, refuse_absurd_amounts, sided};
use crate::provider::{ProviderResult, Reference};

/// What every conversion needs beside the record.
struct Context<'a> {
    reference: &'a Reference,
    answered_at: Timestamp,
}

/// Converts all records of an answer. Accounts that come with the answer count at once: an entry may
/// post to a receivables account that was opened since the last look.
pub(super) fn records(
    response: &QueryResponse,
    reference: &Reference,
    answered_at: Timestamp,
) -> ProviderResult<Records> {
    let mut records = Records::default();
    let deletions = &mut records.deletions;
    records.accounts = live(&response.account, Dataset::Accounts, deletions)
        .map(names::account)
        .collect();

    let reference = with_accounts(reference, &records.accounts);
    let context = Context {
        reference: &reference,
        answered_at,
    };
    records.terms = live(&response.term, Dataset::Terms, deletions)
        .filter_map(names::terms)
        .collect();
    records.items = live(&response.item, Dataset::Items, deletions)
        .map(names::item)
        .collect();
    records.customers = live(&response.customer, Dataset::Customers, deletions)
        .map(|row| names::customer(&context, row))
        .collect::<ProviderResult<_>>()?;

    let documents = &mut records.documents;
    let forms = [
        (&response.invoice, &sales::INVOICE),
        (&response.credit_memo, &sales::CREDIT_MEMO),
        (&response.sales_receipt, &sales::SALES_RECEIPT),
        (&response.refund_receipt, &sales::REFUND_RECEIPT),
    ];
    for (rows, form) in forms {
        for row in live(rows, form.dataset, deletions) {
            documents.push(sales::document(&context, form, row)?);
        }
    }
    for row in live(&response.payment, Dataset::Payments, deletions) {
        documents.push(payment::document(&context, row)?);
    }
    let postings = [
        (&response.journal_entry, &posting::JOURNAL_ENTRY),
        (&response.deposit, &posting::DEPOSIT),
        (&response.purchase, &posting::PURCHASE),
    ];
    for (rows, form) in postings {
        for row in live(rows, form.dataset, deletions) {
            documents.push(posting::documents(&context, form, row)?);
        }
    }
    refuse_absurd_amounts(&records)?;
    Ok(records)
}

/// The rows that still exist; the others are noted as gone.
fn live<'a, R: Row>(
    rows: &'a [R],
    dataset: Dataset,
    deletions: &mut Vec<Deletion>,
) -> impl Iterator<Item = &'a R> + use<'a, R> {
    deletions.extend(
        rows.iter()
            .filter(|row| row.is_deleted())
            .map(|row| Deletion {
                dataset,
                ledger_id: row.id().to_owned(),
            }),
    );
    rows.iter().filter(|row| !row.is_deleted())
}

fn with_accounts(reference: &Reference, accounts: &[AccountRecord]) -> Reference {
    let mut reference = reference.clone();
    for account in accounts {
        if account.receivables {
            reference
                .receivables_accounts
                .insert(account.ledger_id.clone());
        } else {
            reference.receivables_accounts.remove(&account.ledger_id);
        }
    }
    reference
}

impl Context<'_> {
    /// When the record last changed; the answer's own time where an (abridged) record does not say.
    fn changed_at(&self, place: Place<'_>, row: &impl Row) -> ProviderResult<Timestamp> {
        match row.last_updated() {
            None => Ok(self.answered_at),
            Some(text) => text
                .parse()
                .map_err(|_| place.fault("MetaData.LastUpdatedTime", "this is no instant")),
        }
    }

    /// The currency stated, else the books' own.
    fn currency(
        &self,
        place: Place<'_>,
        stated: Option<&WireReference>,
    ) -> ProviderResult<Currency> {
        match WireReference::id(stated) {
            Some(code) => code
                .parse()
                .map_err(|_| place.fault("CurrencyRef", "this is no ISO 4217 code")),
            None => self
                .reference
                .base_currency
                .ok_or_else(|| place.fault("CurrencyRef", "it is missing")),
        }
    }

    /// The rate of a foreign document. Documents in the books' own currency carry a 1 that says
    /// nothing, or none at all.
    fn exchange_rate(&self, currency: Currency, stated: Option<Decimal>) -> Option<Decimal> {
        let base = self.reference.base_currency?;
        stated.filter(|rate| currency != base && !rate.is_zero())
    }

    fn posts_to_receivables(&self, account: Option<&WireReference>) -> bool {
        WireReference::id(account)
            .is_some_and(|id| self.reference.receivables_accounts.contains(id))
    }
}

/// A void has no flag of its own: the amount is 0 and the note begins with the word.
fn state(total: Decimal, private_note: Option<&str>) -> DocumentState {
    let voided = total.is_zero()
        && private_note.is_some_and(|note| {
            note.trim_start()
                .get(..6)
                .is_some_and(|start| start.eq_ignore_ascii_case("voided"))
        });
    if voided {
        DocumentState::Voided
    } else {
        DocumentState::Issued
    }
}

/// The id of the document that a record with lines for several customers yields for one of them.
fn shared_id(kind: DocumentKind, record: &str, customer: &CustomerId) -> DocumentId {
    DocumentId::new(kind, format!("{record}#{customer}"))
}

/// Notes a value of a known field that has no meaning to us.
fn count_unknown(field: &'static str, value: &str) {
    convert::count_unknown("quickbooks", field, value);
}

fn empty_record(dataset: Dataset, row: &impl Row, changed_at: Timestamp) -> DocumentRecord {
    DocumentRecord {
        dataset,
        ledger_id: row.id().to_owned(),
        changed_at,
        documents: Vec::new(),
        applications: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line is one that books may hold; together they are not.
    #[test]
    fn refuses_an_amount_that_no_sum_could_hold() {
        let read = |amount: &str| {
            let line = format!(
                r#"{{"Amount":{amount},"JournalEntryLineDetail":{{"PostingType":"Debit",
                    "AccountRef":{{"value":"84"}},
                    "Entity":{{"Type":"Customer","EntityRef":{{"value":"1"}}}}}}}}"#
            );
            let json = format!(
                r#"{{"JournalEntry":[{{"Id":"7","TxnDate":"2026-01-01","Line":[{line},{line}],
                    "CurrencyRef":{{"value":"USD"}}}}]}}"#
            );
            let response = serde_json::from_str(&json).expect("it decodes");
            let reference = Reference {
                receivables_accounts: ["84".to_owned()].into(),
                base_currency: None,
            };
            records(&response, &reference, Timestamp::UNIX_EPOCH)
        };
        assert!(read("500000000000000").is_ok());
        let refused = read("500000000000000.01").expect_err("too much");
        assert!(
            refused.to_string().contains("journal_entries[Id=7]"),
            "{refused}"
        );
    }
}
