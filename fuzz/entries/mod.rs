//! The entry points of the fuzzing: each takes bytes such as come from outside, hands them to one
//! parser by its public way, and panics where something does not hold. Both drivers run these and no
//! others: libFuzzer (`fuzz/targets`) and the stable one (`tests/it/fuzz`).
//!
//! An entry also says in a number what became of the input. The stable driver knows no coverage and
//! keeps inputs of a new fate instead.

mod configuration;
mod doors;
mod files;
mod graphql;
mod keys;
mod ledgers;
pub(crate) mod material;
mod services;
mod signed;
mod tokens;
mod webhooks;
mod words;

use std::hash::{DefaultHasher, Hash, Hasher};

/// One entry point.
pub(crate) struct Entry {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// The longest input, in bytes.
    pub(crate) longest: usize,
    /// How many inputs `make test` tries.
    pub(crate) sample: u64,
    /// Tries one input.
    pub(crate) run: fn(&[u8]) -> u64,
    /// Inputs to begin with, most of them good ones.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Words that the parser looks for.
    pub(crate) words: &'static [&'static str],
}

/// All of them.
pub(crate) const ENTRIES: &[Entry] = &[
    tokens::TOKENS,
    tokens::SESSIONS,
    signed::SIGNED,
    doors::DOORS,
    keys::KEYS,
    webhooks::WEBHOOKS,
    ledgers::QUICKBOOKS,
    ledgers::XERO,
    ledgers::SAGE,
    ledgers::TRYTON,
    graphql::DOCUMENTS,
    graphql::REQUESTS,
    graphql::CURSORS,
    files::IMPORTS,
    configuration::SETTINGS,
    words::WORDS,
];

/// Parts the pieces of an input: no text holds this byte.
const PARTING: u8 = 0xFF;

/// An input of a mode and pieces.
fn input(mode: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![mode];
    bytes.extend(pieces.join(&PARTING));
    bytes
}

/// The mode of an input, among so many, and its pieces.
fn taken_apart(input: &[u8], modes: u8) -> Option<(u8, Vec<&[u8]>)> {
    let (mode, rest) = input.split_first()?;
    Some((mode % modes, rest.split(|byte| *byte == PARTING).collect()))
}

/// A number for what became of an input.
fn fate(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
