//! The mirror of the ledgers, the links and limits that are ours, the credentials and the audit:
//! everything that must outlive the process.
//!
//! One concrete [`Store`] serves SQLite and PostgreSQL by one SQL text (`database` says how). SQL
//! stands in constants at the top of each file; [`sql`] lists them all, and a test prepares each on
//! both engines. Row types are private to their file and turned into domain types there.
//!
//! Amounts are exact, instants are milliseconds, and every time is a parameter. The store calls no
//! provider, decides nothing about credit, and never logs what it holds.

use std::fmt;
use std::sync::Arc;

use crate::crypto::KeyRing;

pub mod audit;
mod call_counts;
mod codec;
pub mod connections;
pub mod credentials;
mod database;
pub mod erase;
pub mod error;
mod json;
pub mod key_list;
pub mod limits;
pub mod links;
mod migrations;
pub mod mirror;
pub mod once;
pub mod seals;
pub mod signing_keys;
pub mod sql;
pub mod tenants;
pub mod versions;
pub mod webhooks;

pub use audit::verify::{Expected, Fault, Verified};
pub use audit::{AuditEntry, AuditRow};
pub use call_counts::{CallCount, CallKey};
pub use connections::NewConnection;
pub use credentials::{Grant, StoredTokens};
pub use erase::{Erased, Erasing};
pub use error::{StoreError, StoreResult};
pub use key_list::ListedKey;
pub use mirror::{Applied, ComparisonStep, Drift, SyncMarks, SyncState};
pub use seals::{Resealed, SEALED_COLUMNS, SealedColumn, SealedCount};
pub use tenants::{Tenant, TenantSettings};
pub use versions::Versions;
pub use webhooks::{NewWebhookEvent, WebhookEvent};

use audit::hash::AuditKey;
use database::{Pool, Pools, Tx, with_pool};

mod statements {
    pub(super) const PING: &str = "SELECT 1";
}

/// The database, with the keys that its secrets are sealed under. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    reader: Pool,
    writer: Pool,
    keys: Arc<KeyRing>,
    audit_key: AuditKey,
    on_behalf_of: Option<Arc<str>>,
}

impl Store {
    /// Connects to `sqlite:path` (made if it is not there) or `postgres://…`; a PostgreSQL schema is
    /// chosen by `?search_path=…` or `?options=-csearch_path=…`. Runs no migration.
    ///
    /// # Errors
    /// [`StoreError::Url`] when the URL names neither, [`StoreError::Unavailable`] when the database
    /// cannot be reached.
    pub async fn open(url: &str, keys: Arc<KeyRing>) -> StoreResult<Self> {
        let Pools { reader, writer } = database::open(url).await?;
        Ok(Self {
            reader,
            writer,
            keys,
            audit_key: AuditKey::default(),
            on_behalf_of: None,
        })
    }

    /// The same store, for somebody who acts for another person: the audit names both.
    #[must_use]
    pub fn on_behalf_of(mut self, person: Option<&str>) -> Self {
        self.on_behalf_of = person.map(Into::into);
        self
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none.
    pub async fn ping(&self) -> StoreResult<()> {
        with_pool!(&self.reader, |pool| sqlx::query(statements::PING)
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// The keys that secrets are sealed under.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// Closes every connection; what is under way ends first.
    pub async fn close(&self) {
        with_pool!(&self.reader, |pool| pool.close().await);
        with_pool!(&self.writer, |pool| pool.close().await);
    }

    async fn begin(&self) -> StoreResult<Tx> {
        self.writer.begin_write().await
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = match self.writer {
            Pool::Sqlite(_) => "sqlite",
            Pool::Postgres(_) => "postgres",
        };
        f.debug_struct("Store")
            .field("engine", &engine)
            .finish_non_exhaustive()
    }
}
