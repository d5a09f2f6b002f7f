//! What the mirror holds, against the ledger and against another mirror.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use financial_pulse::domain::books::CustomerBooks;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::history::History;
use financial_pulse::domain::ids::CustomerId;
use financial_pulse::domain::money::Money;
use financial_pulse::domain::tie_out::{TieOutStatus, tie_out};
use financial_pulse::store::Store;
use jiff::civil::date;

use super::books::Books;
use super::place::connection;

/// How many ids, and the books of how many customers, are read at a time.
const SLICE: u32 = 500;

/// The datasets of which the mirror keeps every record, by the ledger's name for them.
const WHOLE: [(Dataset, &str); 5] = [
    (Dataset::Invoices, "Invoice"),
    (Dataset::CreditNotes, "CreditMemo"),
    (Dataset::Payments, "Payment"),
    (Dataset::CashSales, "SalesReceipt"),
    (Dataset::CashRefunds, "RefundReceipt"),
];

/// Everything that is mirrored of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mirror {
    /// The stored ids of every dataset.
    ids: BTreeMap<&'static str, Vec<String>>,
    /// The books of every customer.
    books: Vec<Arc<CustomerBooks>>,
}

impl Mirror {
    /// Reads all of it.
    pub(super) async fn read(store: &Store) -> Self {
        let mut ids = BTreeMap::new();
        for &dataset in ProviderKind::QuickBooks.datasets() {
            ids.insert(dataset.as_str(), stored_ids(store, dataset).await);
        }
        let mut books = Vec::new();
        for slice in ids[Dataset::Customers.as_str()].chunks(SLICE as usize) {
            let slice: Vec<_> = slice
                .iter()
                .map(|id| CustomerId::new(id.as_str()))
                .collect();
            let read = store.books(&connection(), &slice).await.expect("read");
            assert_eq!(read.len(), slice.len());
            books.extend(read.into_iter().map(Arc::new));
        }
        Self { ids, books }
    }

    /// How many documents it holds.
    pub(super) fn documents(&self) -> usize {
        self.books.iter().map(|books| books.documents.len()).sum()
    }

    /// Whether it holds a record.
    pub(super) fn has(&self, dataset: Dataset, ledger_id: &str) -> bool {
        let ids = &self.ids[dataset.as_str()];
        ids.iter().any(|id| id == ledger_id)
    }

    /// Must hold what the ledger holds: as many records of each kind, and of every customer a figure
    /// that is the ledger's to the cent.
    pub(super) async fn assert_is(&self, ledger: &Books) {
        let (customers, documents) = ledger.sizes().await;
        assert_eq!(self.books.len(), customers, "customers");
        for (dataset, entity) in WHOLE {
            let held = self.ids[dataset.as_str()].len();
            assert_eq!(held, documents[entity], "{entity}");
        }
        let balances = ledger.balances().await;
        for books in &self.books {
            let customer = &books.customer;
            let family = [Arc::clone(books)];
            let outcome = tie_out(&History::of(&family), date(2026, 5, 5));
            let id = &customer.id;
            assert_eq!(outcome.status, TieOutStatus::Ties, "customer {id}");
            let owed = Money::new(balances[id.as_str()], customer.currency);
            assert_eq!(outcome.ours, Some(owed), "customer {id}");
        }
    }

    /// Must hold exactly the same as another one.
    pub(super) fn assert_same(&self, other: &Self) {
        for (dataset, ids) in &self.ids {
            assert_eq!(ids, &other.ids[dataset], "{dataset}");
        }
        for (ours, theirs) in self.books.iter().zip(&other.books) {
            assert_eq!(ours, theirs);
        }
        assert_eq!(self.books.len(), other.books.len());
    }
}

async fn stored_ids(store: &Store, dataset: Dataset) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    loop {
        let after = ids.last().map(String::as_str);
        let slice = store.stored_ids(&connection(), dataset, after, SLICE).await;
        let slice = slice.expect("read");
        if slice.is_empty() {
            let distinct: BTreeSet<_> = ids.iter().collect();
            assert_eq!(distinct.len(), ids.len(), "{} twice", dataset.as_str());
            return ids;
        }
        ids.extend(slice.into_iter().map(|(id, _)| id));
    }
}
