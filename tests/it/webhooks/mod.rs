//! Webhooks at the door: the running service over HTTP, on every database at hand.

mod harness;
mod quickbooks;
mod refusals;
mod xero;
