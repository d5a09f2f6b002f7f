//! What the read path keeps in memory: one immutable snapshot per customer, and the small things
//! around it (a connection's state, a contact's links, a customer's limits).
//!
//! The cache knows neither the store nor a provider: a look-up is handed the load to run where
//! nothing is kept. However many readers ask at once, one load runs ([single flight][moka]).
//!
//! Two ways to stay true:
//! - A [`Snapshots::books`] entry lives until the change feed names its customer
//!   ([`Snapshots::customers_changed`]), so a poll that found nothing costs no reload.
//! - Small things ([`ByVersion`]) are kept under the value of a [`Counter`](version::Counter) and
//!   are looked for under its present value, so any change of the connection or tenant drops them.

use std::fmt;
use std::hash::Hash;
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use moka::future::Cache;
use moka::policy::EvictionPolicy;

use crate::domain::books::CustomerBooks;
use crate::domain::document::{Application, Document, DocumentLine};
use crate::domain::ids::{ConnectionId, CustomerId, CustomerKey, TenantId};

pub mod version;

use version::Versions;

/// How often a load is repeated when changes keep arriving while it runs. After that the reader gets
/// what was read, and nothing is kept: during a first load that is the normal case.
const LOAD_ATTEMPTS: usize = 3;

/// Small things unused for this long are dropped: those of past versions, that is.
const IDLE: Duration = Duration::from_mins(10);

/// The customers' snapshots and the counters that everything kept depends on.
#[derive(Debug)]
pub struct Snapshots {
    versions: Versions,
    books: Cache<CustomerKey, Arc<Snapshot>>,
}

/// A customer's books as loaded.
#[derive(Debug)]
struct Snapshot {
    /// `None`: the mirror has no such customer (yet).
    books: Option<Arc<CustomerBooks>>,
    /// The connection's count before the load.
    read_under: u64,
    /// Whether the count was still the same after the snapshot was in the cache. From then on the
    /// change feed, which counts first and invalidates second, cannot miss it.
    settled: AtomicBool,
}

impl Snapshots {
    /// An empty cache for so many bytes of customers' books.
    pub fn new(capacity_bytes: u64) -> Self {
        Self {
            versions: Versions::default(),
            books: Cache::builder()
                .name("customer books")
                .max_capacity(capacity_bytes)
                .weigher(|_, snapshot: &Arc<Snapshot>| {
                    let bytes = snapshot.books.as_deref().map_or(64, weight_bytes);
                    u32::try_from(bytes).unwrap_or(u32::MAX)
                })
                .build(),
        }
    }

    /// The counters.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// One customer's books, from memory or by `load`; `None` when the mirror has no such customer.
    /// The caller has noted the connection's counter before.
    ///
    /// # Errors
    /// What `load` says, for every reader that waited for it.
    pub async fn books<Load, E>(
        &self,
        customer: &CustomerKey,
        load: impl Fn() -> Load + Send,
    ) -> Result<Option<Arc<CustomerBooks>>, Arc<E>>
    where
        Load: Future<Output = Result<Option<Arc<CustomerBooks>>, E>> + Send,
        E: Send + Sync + 'static,
    {
        let counter = self.versions.connection(&customer.connection);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let snapshot = self
                .books
                .try_get_with_by_ref(customer, async {
                    let read_under = counter.value();
                    Ok::<_, E>(Arc::new(Snapshot {
                        // Boxed: large, and rarely run.
                        books: Box::pin(load()).await?,
                        read_under,
                        settled: AtomicBool::new(false),
                    }))
                })
                .await?;
            if snapshot.settled.load(Ordering::Acquire) {
                return Ok(snapshot.books.clone());
            }
            if counter.value() == snapshot.read_under {
                snapshot.settled.store(true, Ordering::Release);
                return Ok(snapshot.books.clone());
            }
            // A change arrived during the load, and its invalidation may have come before the
            // snapshot was in the cache.
            self.books.invalidate(customer).await;
            if attempts == LOAD_ATTEMPTS {
                return Ok(snapshot.books.clone());
            }
        }
    }

    /// Records of a connection changed: counts, then drops the snapshots of the customers concerned.
    /// To be called after the change is visible in the store; with no customer when only the
    /// connection's freshness or state changed.
    pub async fn customers_changed(&self, connection: &ConnectionId, customers: &[CustomerId]) {
        self.versions.connection(connection).advance();
        for customer in customers {
            let key = CustomerKey {
                connection: connection.clone(),
                customer: customer.clone(),
            };
            self.books.invalidate(&key).await;
        }
    }

    /// A connection is there no more: counts, then drops every snapshot of it.
    pub async fn connection_gone(&self, connection: &ConnectionId) {
        self.versions.connection(connection).advance();
        let theirs: Vec<Arc<CustomerKey>> = self
            .books
            .iter()
            .map(|(key, _)| key)
            .filter(|key| key.connection == *connection)
            .collect();
        for key in theirs {
            self.books.invalidate(&*key).await;
        }
    }

    /// A tenant's settings, keys, roles, links or limits changed. To be called after the change is
    /// visible in the store.
    pub fn tenant_changed(&self, tenant: &TenantId) {
        self.versions.tenant(tenant).advance();
    }

    /// Drops every snapshot of every connection: for an operator, and for measuring.
    pub fn clear(&self) {
        self.books.invalidate_all();
    }

    /// How many customers are kept, and their weight in bytes; settles pending bookkeeping first.
    pub async fn size(&self) -> (u64, u64) {
        self.books.run_pending_tasks().await;
        (self.books.entry_count(), self.books.weighted_size())
    }
}

/// Small things kept under the value of a counter.
pub struct ByVersion<K, V>(Cache<(K, u64), V>);

impl<K, V> fmt::Debug for ByVersion<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByVersion").field(&self.0.name()).finish()
    }
}

impl<K, V> ByVersion<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Room for so many entries, of all versions together; the least recently used goes first.
    pub fn new(name: &str, entries: u64) -> Self {
        Self(
            Cache::builder()
                .name(name)
                .max_capacity(entries)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(IDLE)
                .build(),
        )
    }

    /// What is kept for the key under the counter's noted value, or what `load` gives. A load that
    /// reads more than the noted value promised does no harm: the counter will move, and the next
    /// look-up loads anew.
    ///
    /// # Errors
    /// What `load` says, for every reader that waited for it.
    pub async fn get<Load, E>(
        &self,
        key: &K,
        noted: u64,
        load: impl FnOnce() -> Load,
    ) -> Result<V, Arc<E>>
    where
        Load: Future<Output = Result<V, E>>,
        E: Send + Sync + 'static,
    {
        // Boxed: large, and rarely run.
        let load = async { Box::pin(load()).await };
        self.0.try_get_with((key.clone(), noted), load).await
    }
}

/// How many bytes a customer's books take in memory, by the sizes of what they hold and of the texts
/// behind it. Allocator overhead is not counted.
pub fn weight_bytes(books: &CustomerBooks) -> usize {
    let documents: usize = books.documents.iter().map(document_bytes).sum();
    let applications: usize = books.applications.iter().map(application_bytes).sum();
    size_of::<CustomerBooks>()
        + books.customer.name.len()
        + books.connection.as_str().len()
        + documents
        + applications
}

fn document_bytes(document: &Document) -> usize {
    let texts = document.id.ledger_id.len()
        + document.customer.as_str().len()
        + document.number.as_deref().map_or(0, str::len);
    let lines: usize = document
        .lines
        .iter()
        .map(|line| {
            size_of::<DocumentLine>()
                + line.description.len()
                + line.item.as_ref().map_or(0, |item| item.as_str().len())
        })
        .sum();
    size_of::<Document>() + texts + lines
}

fn application_bytes(application: &Application) -> usize {
    size_of::<Application>()
        + application.carrier.ledger_id.len()
        + application.from.ledger_id.len()
        + application.to.ledger_id.len()
}
