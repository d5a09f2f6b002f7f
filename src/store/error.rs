//! What can go wrong in the store, by what the caller can do about it.

use crate::crypto::CryptoError;

/// The result of a store operation.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why a store operation failed. Nothing was written when one of these comes back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database URL names no database that this store can use.
    #[error("the database URL cannot be used: {reason}")]
    Url {
        /// What is wrong with it; never the URL itself, which may hold a password.
        reason: String,
    },
    /// The database cannot be reached or refused to work; trying again later may help.
    #[error("the database is not available")]
    Unavailable {
        /// What the driver said.
        source: sqlx::Error,
    },
    /// A rule of the schema forbids the write: the row is there already, or what it refers to is not.
    #[error("the write violates `{constraint}`")]
    Conflict {
        /// The violated rule, by its name or columns.
        constraint: String,
    },
    /// A stored value cannot be read as what it should be.
    #[error("stored data is inconsistent: {table}.{column} of row {id}")]
    Inconsistent {
        /// The table, as far as it is known.
        table: &'static str,
        /// The column.
        column: String,
        /// The row's key; empty where it is not known.
        id: String,
    },
    /// A secret could not be sealed or opened.
    #[error("a stored secret cannot be used")]
    Crypto(#[from] CryptoError),
    /// The schema could not be brought up to date.
    #[error("the database schema cannot be migrated")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

impl StoreError {
    /// A stored value that does not read as what it should be.
    pub(super) fn inconsistent(table: &'static str, column: &str, id: impl Into<String>) -> Self {
        Self::Inconsistent {
            table,
            column: column.to_owned(),
            id: id.into(),
        }
    }

    /// A write to something that is not there.
    pub(super) fn missing(what: &str) -> Self {
        Self::Conflict {
            constraint: format!("{what} exists"),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database)
                if database.is_unique_violation()
                    || database.is_foreign_key_violation()
                    || database.is_check_violation() =>
            {
                // SQLite names the columns in its message, PostgreSQL the constraint in a field of
                // its own; neither holds a value.
                let constraint = database.constraint().map_or_else(
                    || database.message().to_owned(),
                    std::borrow::ToOwned::to_owned,
                );
                Self::Conflict { constraint }
            }
            sqlx::Error::ColumnDecode { index, .. } => Self::inconsistent("query", &index, ""),
            source => Self::Unavailable { source },
        }
    }
}
