//! The audit trail: that nobody changes it unnoticed, and what the commands make of it.

mod chains;
mod commands;
