//! Loopback servers that several groups of tests share.

pub(crate) mod company;
pub(crate) mod replay;
pub(crate) mod script;
