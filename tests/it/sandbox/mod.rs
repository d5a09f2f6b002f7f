//! The sandbox accounting server, over HTTP as the connector meets it.

mod books;
mod changes;
mod control;
mod dataset;
mod harness;
mod limits;
mod query;
mod recorded;
mod sage;
mod shape;
mod tokens;
mod trouble;
mod webhooks;
mod xero;
