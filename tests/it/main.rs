//! Integration tests.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "outside of a test function, too, a test fails by panicking"
)]

mod architecture;
mod auth;
mod authorization;
mod config;
mod consent;
#[cfg(feature = "sandbox")]
mod contract;
mod contracts;
#[cfg(feature = "sandbox")]
mod crash;
mod crm;
#[cfg(feature = "sandbox")]
mod demo;
mod edge;
mod errors_catalogue;
mod fuzz;
#[cfg(feature = "sandbox")]
mod mirror;
mod outbound;
mod properties;
mod quickbooks;
mod running;
mod sage;
#[cfg(feature = "sandbox")]
mod sandbox;
mod sign_in;
mod store;
mod support;
mod tie_out;
mod trail;
mod tryton;
mod webhooks;
mod xero;
