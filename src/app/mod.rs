//! Putting it together: settings become parts, parts become the running service.

mod parts;
mod serve;

pub use parts::{
    TestToken, connections, mint_test_token, open_store, plain_client, providers, sync,
};
pub use serve::{RunningService, ServeArgs, serve, start, stop_signal};
