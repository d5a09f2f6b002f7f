//! Financial Pulse: a customer's balance, credit and payment history from the books, inside the CRM
//! contact page.
//!
//! Layers, each importing only from those above it in this list (a test holds the rule):
//!
//! 1. [`domain`]: the figures. Pure: no I/O, no clock, no provider's words. Beside it [`clock`],
//!    [`config`], [`crypto`] and [`telemetry`].
//! 2. [`provider`]: the port to the accounting systems, and each of them. [`store`]: the mirror, links,
//!    limits, audit and credentials, for SQLite and PostgreSQL. [`auth`]: who asks.
//! 3. [`cache`]: one immutable snapshot per customer, and the counters that say what still holds.
//! 4. [`service`]: what the application does, with its rules of access.
//! 5. [`graphql`]: how it is asked. [`worker`]: the polling loop.
//! 6. [`http`]: the doors.
//!
//! Apart from them stand `sandbox` and `demo`, which meet the rest over HTTP only.

pub mod app;
pub mod auth;
pub mod cache;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crypto;
#[cfg(feature = "sandbox")]
pub mod demo;
pub mod domain;
pub mod graphql;
pub mod http;
pub mod outbound;
pub mod provider;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod worker;
