//! The store, each test on SQLite and, where one is at hand, on PostgreSQL.

mod apply;
mod connections;
mod credentials;
mod links_and_limits;
mod once;
mod reading;
pub(crate) mod records;
mod schema;
mod tenants;
