//! Logs. What is never logged: tokens, keys, bodies, query strings, names, addresses, amounts.

pub mod logging;
pub mod metrics;
