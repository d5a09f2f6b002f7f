//! Databases to test on: SQLite always, in a temporary file, and PostgreSQL too when
//! `PULSE_TEST_POSTGRES` names a running server (`scripts/with-postgres.sh` starts one). Every test
//! gets a database of its own: a new file, a new schema.

use std::sync::Arc;

use financial_pulse::crypto::{Key, KeyRing};
use financial_pulse::store::Store;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

/// The byte that the key of every test database is made of.
const KEY_BYTE: u8 = 42;

/// An empty, migrated database with a store on it.
pub(crate) struct TestStore {
    /// The store.
    pub(crate) store: Store,
    /// Where it is, to open it a second time.
    pub(crate) url: String,
    /// Holds the file as long as the test runs.
    _directory: Option<TempDir>,
}

impl TestStore {
    /// Whether it is the embedded database.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    /// Which one, in a word.
    pub(crate) fn engine(&self) -> &'static str {
        if self.is_sqlite() {
            "SQLite"
        } else {
            "PostgreSQL"
        }
    }

    /// Runs a statement past the store, as somebody with access to the database could.
    pub(crate) async fn execute(&self, sql: &'static str) -> Result<u64, sqlx::Error> {
        if self.is_sqlite() {
            let mut connection = SqliteConnection::connect(&self.url).await?;
            let done = connection.execute(sql).await?;
            Ok(done.rows_affected())
        } else {
            let mut connection = postgres(&self.url).await;
            let done = connection.execute(sql).await?;
            Ok(done.rows_affected())
        }
    }

    /// A second store on the same database, as another process would have it.
    pub(crate) async fn reopen(&self) -> Store {
        open(&self.url).await
    }
}

/// The key ring of every test database.
pub(crate) fn key_ring() -> Arc<KeyRing> {
    Arc::new(KeyRing::new(Key::from_bytes([KEY_BYTE; 32]), Vec::new()))
}

/// The same key as settings state it.
pub(crate) fn key_text() -> String {
    format!("{KEY_BYTE:02x}").repeat(32)
}

/// A database of every engine at hand, migrated.
pub(crate) async fn test_stores() -> Vec<TestStore> {
    let databases = empty_databases().await;
    for database in &databases {
        database.store.migrate().await.expect("migrations apply");
    }
    databases
}

/// A database of every engine at hand, without any table.
pub(crate) async fn empty_databases() -> Vec<TestStore> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let url = format!("sqlite:{}", directory.path().join("pulse.sqlite").display());
    let mut databases = vec![TestStore {
        store: open(&url).await,
        url,
        _directory: Some(directory),
    }];
    if let Some(server) = postgres_server() {
        let url = new_schema(&server).await;
        databases.push(TestStore {
            store: open(&url).await,
            url,
            _directory: None,
        });
    }
    databases
}

/// Runs a test on every engine at hand.
pub(crate) async fn for_each_database(test: impl AsyncFn(&TestStore)) {
    for database in test_stores().await {
        Box::pin(test(&database)).await;
        database.store.close().await;
    }
}

/// A connection beside the store's own, in the same schema.
pub(crate) async fn postgres(url: &str) -> PgConnection {
    let url = url.replace("search_path=", "options=-csearch_path%3D");
    PgConnection::connect(&url)
        .await
        .expect("the server answers")
}

async fn open(url: &str) -> Store {
    Store::open(url, key_ring())
        .await
        .expect("the database opens")
}

#[expect(
    clippy::disallowed_methods,
    reason = "belongs to the tests, not to the settings"
)]
fn postgres_server() -> Option<String> {
    std::env::var("PULSE_TEST_POSTGRES").ok()
}

async fn new_schema(server: &str) -> String {
    let schema = format!("test_{}", uuid::Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(server)
        .await
        .expect("the server named by PULSE_TEST_POSTGRES answers");
    let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    connection.execute(create).await.expect("a new schema");
    let separator = if server.contains('?') { '&' } else { '?' };
    format!("{server}{separator}search_path={schema}")
}
