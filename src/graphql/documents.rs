//! Documents seen before. Every open widget sends the same few, and reading one costs as much as
//! computing the pulse several times over.

use std::fmt;
use std::sync::Arc;

use async_graphql::ServerError;
use async_graphql::parser::types::ExecutableDocument;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::limits;

/// Room for the texts of kept documents, in bytes; what was read from them takes some ten times that.
const CAPACITY_BYTES: u64 = 1024 * 1024;

/// Documents that were read and are within the limits, by their text.
pub struct Documents(Cache<Arc<str>, Arc<ExecutableDocument>>);

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Documents")
            .field(&self.0.entry_count())
            .finish()
    }
}

impl Default for Documents {
    fn default() -> Self {
        let cache = Cache::builder()
            .name("documents")
            .max_capacity(CAPACITY_BYTES)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|text: &Arc<str>, _| u32::try_from(text.len()).unwrap_or(u32::MAX))
            .build();
        Self(cache)
    }
}

impl Documents {
    /// The document of a text, read now or before.
    ///
    /// # Errors
    /// As [`limits::parse`]; what is refused is not kept.
    pub fn read(&self, text: &str) -> Result<Arc<ExecutableDocument>, ServerError> {
        if let Some(known) = self.0.get(text) {
            return Ok(known);
        }
        let document = Arc::new(limits::parse(text)?);
        self.0.insert(text.into(), Arc::clone(&document));
        Ok(document)
    }
}
