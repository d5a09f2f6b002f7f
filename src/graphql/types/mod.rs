//! GraphQL types, made from domain types and never the reverse. Each file holds one part of the
//! schema; the doc comments here are the descriptions there.

pub mod balance;
pub mod behavior;
pub mod credit;
pub mod customer;
pub mod freshness;
pub mod insight;
pub mod money;
pub mod pulse;
pub mod purchases;
pub mod scalars;
pub mod transaction;
pub mod viewer;
mod words;
