//! Customers that a reader waits for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::read::RefreshRequests;
use crate::domain::ids::{ConnectionId, CustomerId, CustomerKey};

/// Customers whose page is open while their data is too old or missing; they are read first.
#[derive(Clone, Debug, Default)]
pub struct RefreshQueue(Arc<Mutex<BTreeSet<CustomerKey>>>);

impl RefreshRequests for RefreshQueue {
    fn request(&self, customer: &CustomerKey) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(customer.clone());
    }
}

impl RefreshQueue {
    /// The next customer of a connection that somebody waits for.
    pub(super) fn take(&self, connection: &ConnectionId) -> Option<CustomerId> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = asked
            .iter()
            .find(|key| key.connection == *connection)?
            .clone();
        asked.take(&key).map(|key| key.customer)
    }
}
