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

/// A document that was read and is within the limits.
#[derive(Debug)]
pub struct Document {
    /// For the engine.
    pub executable: ExecutableDocument,
    /// How many questions it asks at once, at most.
    pub roots: u32,
    /// Whether it asks for the schema.
    pub asks_for_schema: bool,
}

/// Such documents, by their text.
pub struct Documents {
    kept: Cache<Arc<str>, Arc<Document>>,
    max_depth: usize,
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Documents")
            .field(&self.kept.entry_count())
            .finish()
    }
}

impl Documents {
    /// None yet; they may nest so deep.
    pub fn new(max_depth: usize) -> Self {
        let kept = Cache::builder()
            .name("documents")
            .max_capacity(CAPACITY_BYTES)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|text: &Arc<str>, _| u32::try_from(text.len()).unwrap_or(u32::MAX))
            .build();
        Self { kept, max_depth }
    }

    /// The document of a text, read now or before.
    ///
    /// # Errors
    /// As [`limits::parse`]; what is refused is not kept.
    pub fn read(&self, text: &str) -> Result<Arc<Document>, ServerError> {
        if let Some(known) = self.kept.get(text) {
            return Ok(known);
        }
        let (executable, extent) = limits::parse(text, self.max_depth)?;
        let document = Arc::new(Document {
            executable,
            roots: extent.roots,
            asks_for_schema: extent.asks_for_schema,
        });
        self.kept.insert(text.into(), Arc::clone(&document));
        Ok(document)
    }
}
