//! The read side through real HTTP: the GraphQL schema, its limits, what is kept, what is pushed.

mod access;
mod bad_input;
mod harness;
mod kept;
mod ledger_limit;
mod limits;
mod live;
mod protocol;
mod pulse;
mod rates;
mod revoking;
mod scanners;
mod schema;
mod several_ledgers;
mod transport;
mod trusted;
