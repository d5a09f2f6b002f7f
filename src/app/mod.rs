//! Putting it together: settings become parts, parts become the running service.

#[cfg(feature = "sandbox")]
pub mod demo;
mod door;
mod parts;
mod serve;
pub mod terminal;

/// Where a running demo keeps its settings.
pub const DEMO_FILE: &str = ".demo/financial-pulse.toml";

pub use parts::{
    TestToken, connections, mint_test_token, open_store, plain_client, poll_interval, providers,
    sync,
};
pub use serve::{RunningService, ServeArgs, serve, start, stop_signal};
