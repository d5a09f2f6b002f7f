//! The vocabulary of receivables and the pure functions over it.
//!
//! Nothing in here does I/O, reads a clock (the date is a parameter) or knows a provider's words.
//! The data runs one way: [`books`] (what the mirror holds of one customer) is folded into
//! [`balance`], [`credit`], [`behavior`], [`purchases`] and [`insights`], which together make the
//! [`pulse`] that the API serves.

pub mod aging;
pub mod balance;
pub mod behavior;
pub mod books;
pub mod connection;
pub mod contact;
pub mod credit;
pub mod decision;
pub mod document;
pub mod exchange;
pub mod exposure;
pub mod freshness;
pub mod history;
pub mod ids;
pub mod insights;
pub mod money;
pub mod pulse;
pub mod purchases;
pub mod records;
pub mod rounding;
#[cfg(test)]
mod sample;
pub mod signing_key;
pub mod terms;
pub mod tie_out;
