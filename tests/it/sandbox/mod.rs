//! The sandbox accounting server, over HTTP as the connector meets it.

#![expect(
    clippy::unwrap_used,
    reason = "outside of a test function, too, a test fails by panicking"
)]

mod books;
mod changes;
mod dataset;
mod harness;
mod limits;
mod query;
mod recorded;
mod shape;
mod tokens;
mod trouble;
