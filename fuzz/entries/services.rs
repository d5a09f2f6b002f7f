//! The services over an empty store, for entries that lead through them.

use std::sync::Arc;

use financial_pulse::cache::Snapshots;
use financial_pulse::clock::Clock;
use financial_pulse::crypto::{Key, KeyRing};
use financial_pulse::domain::ids::CustomerKey;
use financial_pulse::service::Services;
use financial_pulse::service::ledger_pages::LedgerPages;
use financial_pulse::service::limits::Limits;
use financial_pulse::service::linking::Linking;
use financial_pulse::service::read::{Reader, RefreshRequests};
use financial_pulse::store::Store;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Nobody refreshes.
#[derive(Debug)]
struct NoRefresh;

impl RefreshRequests for NoRefresh {
    fn request(&self, _: &CustomerKey) {}
}

/// A runtime of one thread.
pub(super) fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// A store with nothing in it, and the folder that goes with it.
pub(super) async fn empty_store() -> (Store, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite:{}", directory.path().join("pulse.sqlite").display());
    let keys = Arc::new(KeyRing::new(Key::from_bytes([7; 32]), Vec::new()));
    let store = Store::open(&url, keys).await.expect("a store");
    store.migrate().await.expect("migrations");
    (store, directory)
}

/// The services over a store.
pub(super) fn services(store: &Store, clock: &Arc<dyn Clock>) -> Services {
    let reader = Reader::new(
        store.clone(),
        Arc::clone(clock),
        Arc::new(Snapshots::new(1 << 20)),
        Arc::new(NoRefresh),
        LedgerPages::new("https://app.example/app", "https://go.example"),
    );
    Services {
        reader: Arc::new(reader),
        linking: Linking::new(store.clone(), Arc::clone(clock)),
        limits: Limits::new(store.clone(), Arc::clone(clock)),
    }
}
