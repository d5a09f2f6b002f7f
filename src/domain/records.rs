//! Records as they come from a ledger, in the domain's words: what a provider yields and the mirror
//! keeps.

use std::sync::Arc;

use jiff::Timestamp;

use super::books::{Customer, PaymentTerms};
use super::document::{Application, Document};
use super::freshness::Dataset;
use super::ids::ItemId;
use super::money::within_bounds;

/// A customer as read, with what is resolved later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerRecord {
    /// The customer; its `terms` are still empty.
    pub customer: Customer,
    /// The id of its terms in the ledger.
    pub terms_id: Option<String>,
}

/// One record of the ledger that yields documents: an invoice yields one, a payment one and its
/// applications, a journal entry one for each customer that it touches, and an entry without a
/// customer none. It replaces all that the same record yielded before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRecord {
    /// The dataset that it belongs to.
    pub dataset: Dataset,
    /// Its id in the ledger.
    pub ledger_id: String,
    /// When the ledger last changed it.
    pub changed_at: Timestamp,
    /// The documents that it yields.
    pub documents: Vec<Document>,
    /// The applications that it carries.
    pub applications: Vec<Application>,
}

impl DocumentRecord {
    /// Whether every amount in it is one that the figures can be computed from
    /// ([`super::money::MAX_AMOUNT`]).
    pub fn within_bounds(&self) -> bool {
        let of_documents = self.documents.iter().all(|document| {
            let of_lines = document
                .lines
                .iter()
                .all(|line| within_bounds(line.amount) && line.quantity.is_none_or(within_bounds));
            within_bounds(document.total) && within_bounds(document.tax) && of_lines
        });
        let of_applications = self
            .applications
            .iter()
            .all(|one| within_bounds(one.amount));
        of_documents && of_applications
    }
}

impl CustomerRecord {
    /// Whether the ledger's own figures for it can be computed with
    /// ([`super::money::MAX_AMOUNT`]).
    pub fn within_bounds(&self) -> bool {
        let customer = &self.customer;
        [
            customer.ledger_balance,
            customer.ledger_balance_with_children,
            customer.credit_limit,
        ]
        .into_iter()
        .flatten()
        .all(within_bounds)
    }
}

/// A ledger account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its id in the ledger.
    pub ledger_id: String,
    /// Whether it is a receivables account.
    pub receivables: bool,
}

/// Payment terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsRecord {
    /// Their id in the ledger.
    pub ledger_id: String,
    /// What they say.
    pub terms: PaymentTerms,
}

/// A product or service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRecord {
    /// Its id in the ledger.
    pub id: ItemId,
    /// Its name.
    pub name: Arc<str>,
}

/// A record that the ledger no longer has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Deletion {
    /// The dataset that it belonged to.
    pub dataset: Dataset,
    /// Its id in the ledger.
    pub ledger_id: String,
}

/// Records as read from the ledger, of any mix of datasets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Accounts.
    pub accounts: Vec<AccountRecord>,
    /// Payment terms.
    pub terms: Vec<TermsRecord>,
    /// Items.
    pub items: Vec<ItemRecord>,
    /// Customers.
    pub customers: Vec<CustomerRecord>,
    /// Invoices, payments and all other records that yield documents.
    pub documents: Vec<DocumentRecord>,
    /// Records gone from the ledger.
    pub deletions: Vec<Deletion>,
}
