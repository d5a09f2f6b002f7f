//! What was found by recent requests: paging through a large list sorts it once, not once a page.

use std::sync::Arc;

/// How many found sets are remembered.
const REMEMBERED: usize = 8;

/// What was found by recent requests, good while the books have not changed since.
///
/// The services have no snapshots and neither has this: any write starts afresh.
#[derive(Debug)]
pub(crate) struct Found<K> {
    revision: u64,
    sets: Vec<(String, Arc<[K]>)>,
}

impl<K> Default for Found<K> {
    fn default() -> Self {
        Self {
            revision: 0,
            sets: Vec::new(),
        }
    }
}

impl<K> Found<K> {
    /// What a request found in this revision of the books.
    pub(crate) fn get(&mut self, revision: u64, request: &str) -> Option<Arc<[K]>> {
        if self.revision != revision {
            self.revision = revision;
            self.sets.clear();
        }
        self.sets
            .iter()
            .find(|(known, _)| known == request)
            .map(|(_, keys)| keys.clone())
    }

    /// Remembers what a request found, in the revision that [`Self::get`] was asked for.
    pub(crate) fn put(&mut self, request: String, keys: Arc<[K]>) {
        if self.sets.len() == REMEMBERED {
            self.sets.remove(0);
        }
        self.sets.push((request, keys));
    }
}
