//! What the application does.

pub mod changes;
pub mod connections;
pub mod error;
pub mod import;
pub mod keys;
pub mod ledger;
pub mod limits;
pub mod linking;
pub mod meter;
pub mod sync;
