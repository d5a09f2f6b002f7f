//! What the application does, apart from how it is asked: reading the pulse, linking contacts,
//! setting limits, keeping the mirror up to date.
//!
//! Rules of access live here and nowhere above. Every error that a caller gets from this layer is a
//! [`ServiceError`].

use std::sync::Arc;

use crate::auth::{Identity, Viewer};
use crate::domain::credit::CreditLimit;
use crate::domain::ids::{ContactId, CustomerKey};

pub mod changes;
pub mod connections;
pub mod consent;
pub mod error;
pub mod import;
pub mod inbox;
pub mod installing;
pub mod keys;
mod lease;
pub mod ledger;
pub mod ledger_pages;
pub mod limits;
pub mod linking;
pub mod meter;
mod one_time;
pub mod read;
pub mod refresh_queue;
pub mod sign_in;
pub mod sync;
mod tokens;
pub mod transactions;
pub mod updates;
pub mod views;

pub use error::{ErrorCode, ServiceError};

use limits::{LimitRequest, Limits};
use linking::Linking;
use read::Reader;

/// Who is asking: what a token proved, and what the tenant makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What the token proved.
    pub identity: Identity,
    /// The person as the tenant ranks them.
    pub viewer: Arc<Viewer>,
}

/// The services that a signed-in person reaches. What a person changes is seen by that person's next
/// read: the tenant's counter moves before the answer goes out.
#[derive(Clone, Debug)]
pub struct Services {
    /// Reads.
    pub reader: Arc<Reader>,
    /// Which customers a contact is.
    pub linking: Linking,
    /// Credit limits.
    pub limits: Limits,
}

impl Services {
    /// Links a contact to a customer; see [`Linking::link`].
    pub async fn link(
        &self,
        viewer: &Viewer,
        contact: &ContactId,
        customer: &CustomerKey,
        reason: Option<&str>,
    ) -> Result<(), ServiceError> {
        self.linking.link(viewer, contact, customer, reason).await?;
        self.changed(viewer);
        Ok(())
    }

    /// Takes a link away; see [`Linking::unlink`].
    pub async fn unlink(
        &self,
        viewer: &Viewer,
        contact: &ContactId,
        customer: &CustomerKey,
        reason: Option<&str>,
    ) -> Result<(), ServiceError> {
        self.linking
            .unlink(viewer, contact, customer, reason)
            .await?;
        self.changed(viewer);
        Ok(())
    }

    /// Sets or ends a credit limit; see [`Limits::set`].
    pub async fn set_limit(
        &self,
        viewer: &Viewer,
        request: LimitRequest,
    ) -> Result<Option<CreditLimit>, ServiceError> {
        let limit = self.limits.set(viewer, request).await?;
        self.changed(viewer);
        Ok(limit)
    }

    fn changed(&self, viewer: &Viewer) {
        self.reader.snapshots().tenant_changed(&viewer.tenant);
    }
}
