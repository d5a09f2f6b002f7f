//! What a cached customer takes in memory, by the process's own size.

use std::sync::Arc;

use financial_pulse::cache::{Snapshots, weight_bytes};
use financial_pulse::domain::books::CustomerBooks;
use financial_pulse::domain::document::{Document, DocumentId};
use financial_pulse::domain::ids::{ConnectionId, CustomerKey};

use super::stage::{CONNECTION, Stage};

/// How many customers are put into the cache at each size.
const CUSTOMERS: usize = 2_000;

/// Prints the memory of customers with 20 and with 500 transactions.
pub(crate) async fn print(stage: &Stage) {
    for transactions in [20, 500] {
        let snapshots = Snapshots::new(1 << 34);
        let sample = sample(stage, transactions).await;
        let before = resident_bytes();
        for index in 0..CUSTOMERS {
            let key = CustomerKey::new(CONNECTION, format!("m{index}"));
            let copy = || async { Ok::<_, std::io::Error>(Some(Arc::new(deep_copy(&sample)))) };
            snapshots.books(&key, copy).await.expect("kept");
        }
        let (kept, weight) = snapshots.size().await;
        let grown = resident_bytes() - before;
        println!(
            "  {transactions:>3} transactions: {:>6} bytes resident, {:>6} by weight, {} lines and \
             {} applications ({kept} customers, {:.0} MB)",
            grown / CUSTOMERS,
            weight_bytes(&sample),
            sample
                .documents
                .iter()
                .map(|document| document.lines.len())
                .sum::<usize>(),
            sample.applications.len(),
            weight as f64 / 1e6,
        );
    }
}

/// Books of exactly so many transactions, put together from those that were read.
async fn sample(stage: &Stage, transactions: usize) -> CustomerBooks {
    let connection = ConnectionId::from(CONNECTION);
    let mut sample: Option<CustomerBooks> = None;
    for key in stage.customers.iter().cycle() {
        let ids = std::slice::from_ref(&key.customer);
        let books = stage
            .store
            .books(&connection, ids)
            .await
            .expect("read")
            .remove(0);
        match &mut sample {
            None => sample = Some(books),
            Some(sample) => {
                sample.documents.extend(books.documents);
                sample.applications.extend(books.applications);
            }
        }
        if sample
            .as_ref()
            .is_some_and(|books| books.documents.len() >= transactions)
        {
            break;
        }
    }
    let mut sample = sample.expect("a customer");
    sample.documents.truncate(transactions);
    let kept = |id: &DocumentId| {
        sample
            .documents
            .iter()
            .any(|document: &Document| document.id == *id)
    };
    let applications = sample
        .applications
        .iter()
        .filter(|one| kept(&one.from) || kept(&one.to));
    sample.applications = applications.cloned().collect();
    sample
}

/// A copy that shares no text with the original, as a load from the mirror would make it.
fn deep_copy(books: &CustomerBooks) -> CustomerBooks {
    let id = |id: &DocumentId| DocumentId::new(id.kind, &*id.ledger_id);
    let mut copy = books.clone();
    copy.customer.name = (&*books.customer.name).into();
    for document in &mut copy.documents {
        document.id = id(&document.id);
        document.number = document.number.as_deref().map(Into::into);
        for line in &mut document.lines {
            line.description = (&*line.description).into();
            line.item = line.item.as_ref().map(|item| item.as_str().into());
        }
    }
    for application in &mut copy.applications {
        application.carrier = id(&application.carrier);
        application.from = id(&application.from);
        application.to = id(&application.to);
    }
    copy
}

/// The memory of this process that is really there.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .expect("a number");
    pages * 4096
}
