//! Both engines behind one shape: an enum of pools and one of transactions, and the macros that run
//! one body against either. The SQL text is the same for both; see `migrations/` for what makes the
//! few differences disappear (`json_each` over a text, `decimal_text`, `date_text`).

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool, Transaction};
use url::Url;

use super::error::{StoreError, StoreResult};

/// How long a statement waits for another process that writes to the same SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a free connection before the database counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const SQLITE_READERS: u32 = 8;
const POSTGRES_CONNECTIONS: u32 = 16;

/// Connections to one of the engines.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    /// The embedded database.
    Sqlite(SqlitePool),
    /// A PostgreSQL server.
    Postgres(PgPool),
}

/// A transaction on one of the engines. Dropping it without a commit writes nothing.
pub(super) enum Tx {
    /// On the embedded database.
    Sqlite(Transaction<'static, Sqlite>),
    /// On a PostgreSQL server.
    Postgres(Transaction<'static, Postgres>),
}

/// Runs a body against the pool of either engine. It reads like a closure, and is none: the body
/// stands where the macro stands.
macro_rules! with_pool {
    ($pool:expr, |$name:ident| $body:expr) => {
        match $pool {
            $crate::store::database::Pool::Sqlite($name) => $body,
            $crate::store::database::Pool::Postgres($name) => $body,
        }
    };
}
pub(super) use with_pool;

/// Runs a body against the connection inside a transaction of either engine.
macro_rules! with_tx {
    ($tx:expr, |$name:ident| $body:expr) => {
        match $tx {
            $crate::store::database::Tx::Sqlite(tx) => {
                let $name = &mut **tx;
                $body
            }
            $crate::store::database::Tx::Postgres(tx) => {
                let $name = &mut **tx;
                $body
            }
        }
    };
}
pub(super) use with_tx;

impl Pool {
    /// A transaction that will write. On SQLite it takes the write lock at once, since a lock taken
    /// half-way cannot be waited for.
    pub(super) async fn begin_write(&self) -> StoreResult<Tx> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(begin(pool, "BEGIN").await?),
        })
    }

    /// A transaction whose reads all see the same moment.
    pub(super) async fn begin_read(&self) -> StoreResult<Tx> {
        const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(begin(pool, SNAPSHOT).await?),
        })
    }
}

/// Begins in a task of its own, which goes on when the caller goes away. With sqlx 0.9.0 a beginning
/// that is given up while the server answers leaves the connection inside a transaction that nobody
/// ends; the pool hands it on, and what the next caller writes is lost (sqlx's issue 4393, mended
/// there after that version). Whoever goes away while waiting for a connection leaves the queue.
async fn begin(pool: &PgPool, how: &'static str) -> StoreResult<Transaction<'static, Postgres>> {
    let connection = pool.acquire().await?;
    let beginning = Transaction::begin(connection, Some(how.into_sql_str()));
    let begun = tokio::spawn(beginning).await;
    Ok(begun.map_err(|_| sqlx::Error::WorkerCrashed)??)
}

impl Tx {
    /// Makes it durable.
    pub(super) async fn commit(self) -> StoreResult<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// The pools of a database: one to read, one to write. On PostgreSQL they are the same.
pub(super) struct Pools {
    pub(super) reader: Pool,
    pub(super) writer: Pool,
}

/// Opens the database that a URL names.
pub(super) async fn open(url: &str) -> StoreResult<Pools> {
    if url.starts_with("sqlite:") {
        open_sqlite(url).await
    } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        open_postgres(url).await
    } else {
        Err(unusable("it starts with neither `sqlite:` nor `postgres:`"))
    }
}

async fn open_sqlite(url: &str) -> StoreResult<Pools> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(unusable(
            "every connection to an in-memory SQLite database has a database of its own: name a file",
        ));
    }
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| unusable(&error.to_string()))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // With WAL every commit reaches the disk: a rotated token must never be lost.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    keep_to_owner(options.get_filename());
    // SQLite has one writer at a time. Queueing for one connection is fair and never ends in "busy".
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.clone())
        .await?;
    let reader = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.pragma("query_only", "1"))
        .await?;
    Ok(Pools {
        reader: Pool::Sqlite(reader),
        writer: Pool::Sqlite(writer),
    })
}

/// Makes a new database file one that only its owner may read: it holds customers' data. The files
/// that SQLite puts beside it take its permissions over.
fn keep_to_owner(path: &std::path::Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // One that is there keeps its permissions. Where it cannot be made, SQLite says why better.
    drop(options.open(path));
}

async fn open_postgres(url: &str) -> StoreResult<Pools> {
    // The driver knows `options=-csearch_path=...` but not the plain `search_path=...`.
    let mut url = Url::parse(url).map_err(|error| unusable(&error.to_string()))?;
    let (schema, others): (Vec<_>, Vec<_>) = url
        .query_pairs()
        .into_owned()
        .partition(|(key, _)| key == "search_path");
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    let mut options =
        PgConnectOptions::from_str(url.as_str()).map_err(|error| unusable(&error.to_string()))?;
    if let Some((key, schema)) = schema.last() {
        options = options.options([(key.as_str(), schema.as_str())]);
    }
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await?;
    Ok(Pools {
        reader: Pool::Postgres(pool.clone()),
        writer: Pool::Postgres(pool),
    })
}

fn unusable(reason: &str) -> StoreError {
    StoreError::Url {
        reason: reason.to_owned(),
    }
}
