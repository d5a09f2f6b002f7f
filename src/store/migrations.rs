//! Bringing the schema up to date: the embedded files of `migrations/`, each applied once, in order,
//! by one process at a time. A file that was changed after it was applied is refused.

use std::collections::HashSet;

use sqlx::migrate::{Migrate, MigrateError, Migrator};

use super::Store;
use super::database::Pool;
use super::error::StoreResult;
use crate::clock::{Clock as _, SystemClock};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

impl Store {
    /// Applies every migration that is missing. Safe to run from many processes at once: on
    /// PostgreSQL under an advisory lock, on SQLite inside one transaction that holds the write lock.
    ///
    /// # Errors
    /// [`StoreError::Migration`](super::StoreError::Migration) when an applied migration is unknown
    /// or differs from the embedded one, or one fails; then none of this run's is left half-done.
    pub async fn migrate(&self) -> StoreResult<()> {
        match &self.writer {
            Pool::Sqlite(pool) => {
                let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
                SQLITE.run_direct(None, &mut *tx, false).await?;
                tx.commit().await?;
            }
            Pool::Postgres(pool) => POSTGRES.run(pool).await?,
        }
        self.begin_chains(SystemClock.now()).await
    }

    /// The names of the migrations that are not yet applied, oldest first. Changes nothing but that
    /// the table of applied migrations is made when it is missing.
    pub async fn pending_migrations(&self) -> StoreResult<Vec<String>> {
        match &self.writer {
            Pool::Sqlite(pool) => pending(&SQLITE, &mut *pool.acquire().await?).await,
            Pool::Postgres(pool) => pending(&POSTGRES, &mut *pool.acquire().await?).await,
        }
    }
}

async fn pending<C: Migrate>(migrator: &Migrator, connection: &mut C) -> StoreResult<Vec<String>> {
    let table = &migrator.table_name;
    connection.ensure_migrations_table(table).await?;
    if let Some(version) = connection.dirty_version(table).await? {
        return Err(MigrateError::Dirty(version).into());
    }
    let applied: HashSet<i64> = connection
        .list_applied_migrations(table)
        .await?
        .into_iter()
        .map(|migration| migration.version)
        .collect();
    Ok(migrator
        .iter()
        .filter(|migration| !applied.contains(&migration.version))
        .map(|migration| format!("{:04}_{}", migration.version, migration.description))
        .collect())
}
