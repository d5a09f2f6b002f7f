//! Putting it together: settings become parts, parts become the running service.

mod parts;

pub use parts::{
    TestToken, connections, mint_test_token, open_store, plain_client, providers, sync,
};
