//! Loopback servers and databases that several groups of tests share.

pub(crate) mod company;
pub(crate) mod databases;
pub(crate) mod hostile;
pub(crate) mod mirrored;
pub(crate) mod personal;
pub(crate) mod program;
pub(crate) mod replay;
pub(crate) mod script;
pub(crate) mod webhook;
