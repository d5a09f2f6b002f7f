//! What reads answer with: a contact, its customers, and their pulse.

use std::collections::HashMap;
use std::sync::Arc;

use super::loading::Ledger;
use crate::domain::books::Customer;
use crate::domain::contact::{Link, LinkPath};
use crate::domain::credit::Decision;
use crate::domain::document::DocumentId;
use crate::domain::ids::{ContactId, CustomerKey};
use crate::domain::pulse::{self, Family, Pulse, PulseSettings};
use crate::domain::purchases::{PurchaseSummary, purchases};
use crate::service::ledger_pages::LedgerPages;
use crate::service::transactions::{self, TransactionCursor, TransactionFilter, TransactionPage};
use crate::service::views::View;

/// A customer with the connection whose books hold it.
#[derive(Clone, Debug)]
pub struct CustomerView {
    /// The customer.
    pub customer: Customer,
    /// Its connection.
    pub ledger: Arc<Ledger>,
    /// Its page in the ledger.
    pub ledger_url: Option<String>,
}

impl CustomerView {
    /// The customer's key across connections.
    pub fn key(&self) -> CustomerKey {
        CustomerKey {
            connection: self.ledger.connection.id.clone(),
            customer: self.customer.id.clone(),
        }
    }
}

/// A customer that a contact reaches, and how.
#[derive(Clone, Debug)]
pub struct LinkedCustomer {
    /// The link.
    pub link: Link,
    /// The customer.
    pub customer: CustomerView,
}

/// A contact as its viewer may see it.
#[derive(Clone, Debug)]
pub struct ContactView {
    /// The CRM record.
    pub id: ContactId,
    /// Through which record it reaches its customers.
    pub path: LinkPath,
    /// The customers, in the order in which they were linked.
    pub customers: Vec<LinkedCustomer>,
    pub(super) families: Vec<Arc<Family>>,
    pub(super) settings: PulseSettings,
    pub(super) record_views: bool,
}

impl ContactView {
    /// What is to be recorded when a decision on this contact is shown; nothing where the tenant
    /// records no views.
    pub fn viewed(&self, decision: Decision) -> Option<View> {
        self.record_views.then(|| View {
            contact: self.id.clone(),
            decision,
        })
    }

    /// Whether another reading of the contact shows the same customers by the same path.
    pub fn reaches_the_same(&self, other: &Self) -> bool {
        self.path == other.path
            && self.customers.len() == other.customers.len()
            && self
                .customers
                .iter()
                .zip(&other.customers)
                .all(|(one, other)| one.link.customer == other.link.customer)
    }
}

/// A pulse with what is behind it.
#[derive(Clone, Debug)]
pub struct PulseView {
    /// The figures.
    pub pulse: Pulse,
    /// The linked customers and their sub-customers.
    pub customers: Arc<HashMap<CustomerKey, CustomerView>>,
    pub(super) families: Vec<Arc<Family>>,
    pub(super) pages: LedgerPages,
}

impl PulseView {
    /// A page of the history.
    pub fn transactions(
        &self,
        filter: &TransactionFilter,
        after: Option<&TransactionCursor>,
        first: usize,
    ) -> TransactionPage {
        let positions = pulse::transactions(&self.families, self.pulse.as_of);
        transactions::page(&positions, filter, after, first)
    }

    /// What was bought in a year, the day's own where none is given.
    pub fn purchases(&self, year: Option<i16>) -> PurchaseSummary {
        let year = year.unwrap_or(self.pulse.as_of.year());
        purchases(&self.families, year, self.pulse.as_of)
    }

    /// A document's page in the ledger.
    pub fn document_url(&self, customer: &CustomerKey, document: &DocumentId) -> Option<String> {
        let connection = &self.customers.get(customer)?.ledger.connection;
        self.pages.document(connection, document)
    }

    /// Whether another pulse rests on the same documents.
    pub fn same_books(&self, other: &Self) -> bool {
        self.families.len() == other.families.len()
            && self
                .families
                .iter()
                .zip(&other.families)
                .all(|(one, other)| {
                    one.members.len() == other.members.len()
                        && one
                            .members
                            .iter()
                            .zip(&other.members)
                            .all(|(one, other)| Arc::ptr_eq(one, other) || one == other)
                })
    }
}
