//! Customers that a reader waits for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

use super::read::RefreshRequests;
use crate::domain::ids::{ConnectionId, CustomerId, CustomerKey};

/// A customer is read for an open page at most this often, however often the page is drawn anew.
const LEAST_PAUSE: Duration = Duration::from_mins(1);

/// Customers whose page is open while their data is too old or missing; they are read first.
#[derive(Clone, Debug)]
pub struct RefreshQueue {
    waiting: Arc<Mutex<BTreeSet<CustomerKey>>>,
    just_read: Cache<CustomerKey, ()>,
}

impl Default for RefreshQueue {
    fn default() -> Self {
        Self {
            waiting: Arc::default(),
            just_read: Cache::builder()
                .max_capacity(100_000)
                .time_to_live(LEAST_PAUSE)
                .build(),
        }
    }
}

impl RefreshRequests for RefreshQueue {
    fn request(&self, customer: &CustomerKey) {
        if !self.just_read.contains_key(customer) {
            self.waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(customer.clone());
        }
    }
}

impl RefreshQueue {
    /// Whether somebody waits for a customer of a connection.
    pub fn waits_for(&self, connection: &ConnectionId) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.iter().any(|key| key.connection == *connection)
    }

    /// The next customer of a connection that somebody waits for.
    pub(super) fn take(&self, connection: &ConnectionId) -> Option<CustomerId> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let key = waiting
            .iter()
            .find(|key| key.connection == *connection)?
            .clone();
        self.just_read.insert(key.clone(), ());
        waiting.take(&key).map(|key| key.customer)
    }
}
