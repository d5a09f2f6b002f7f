//! The sandbox accounting server, over HTTP as the connector meets it.

mod books;
mod dataset;
mod harness;
