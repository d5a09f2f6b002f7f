//! What resolvers find in the request: the viewer, the read service, the page limit, and the record
//! of what the answer depends on.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, ID};

use super::error::Extend;
use super::types::money::Amounts;
use crate::auth::Viewer;
use crate::cache::version::Stamp;
use crate::domain::ids::{ContactId, CustomerKey};
use crate::service::read::Reader;
use crate::service::views::View;
use crate::service::{Caller, ServiceError, Services};

/// What one answer depends on, recorded while it is made.
#[derive(Clone, Debug, Default)]
pub struct Dependencies(Arc<Mutex<Recorded>>);

/// What was recorded.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// The counters and the clock.
    pub stamp: Stamp,
    /// Whether the answer speaks of the viewer's person or session, and not only of what the viewer
    /// may see.
    pub personal: bool,
    /// Whether the answer depends on something that no counter covers.
    pub fleeting: bool,
    /// The pulses that the answer shows and that are to be recorded.
    pub views: Vec<View>,
}

impl Dependencies {
    /// The record of the request at hand; a record that nobody reads where there is none
    /// (subscriptions keep no answers).
    pub fn of(ctx: &Context<'_>) -> Self {
        ctx.data_opt::<Self>().cloned().unwrap_or_default()
    }

    /// Runs a read that notes what it depends on.
    pub fn record<T>(&self, read: impl FnOnce(&mut Stamp) -> T) -> T {
        read(&mut self.lock().stamp)
    }

    /// Adds what a finished read depended on.
    pub fn merge(&self, stamp: &Stamp) {
        self.lock().stamp.merge(stamp);
    }

    /// The answer is for this viewer only.
    pub fn is_personal(&self) {
        self.lock().personal = true;
    }

    /// The answer must not be kept.
    pub fn is_fleeting(&self) {
        self.lock().fleeting = true;
    }

    /// The answer shows a pulse; nothing where that is not recorded.
    pub fn viewed(&self, view: Option<View>) {
        self.lock().views.extend(view);
    }

    /// What was recorded so far.
    pub fn recorded(&self) -> Recorded {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The longest page of a list.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit(pub usize);

impl PageLimit {
    /// The limit of this schema.
    pub fn of(ctx: &Context<'_>) -> Self {
        ctx.data_opt::<Self>().copied().unwrap_or(Self(100))
    }

    /// How many to list, when that is a number between 1 and the limit.
    pub fn check(self, first: i32) -> Result<usize, ServiceError> {
        usize::try_from(first)
            .ok()
            .filter(|first| (1..=self.0).contains(first))
            .ok_or_else(|| {
                let reason = format!("write a number between 1 and {}", self.0);
                ServiceError::bad_input("first", reason)
            })
    }
}

/// Who is asking. The HTTP layer lets no request through without a caller.
pub fn caller<'ctx>(ctx: &Context<'ctx>) -> async_graphql::Result<&'ctx Arc<Caller>> {
    let missing = || ServiceError::Unauthenticated {
        reason: "sign in first",
    };
    ctx.data_opt::<Arc<Caller>>()
        .ok_or_else(|| missing().extend())
}

/// The person who is asking.
pub fn viewer<'ctx>(ctx: &Context<'ctx>) -> async_graphql::Result<&'ctx Arc<Viewer>> {
    Ok(&caller(ctx)?.viewer)
}

/// The services.
pub fn services<'ctx>(ctx: &Context<'ctx>) -> &'ctx Services {
    ctx.data_unchecked::<Services>()
}

/// The read service.
pub fn reader<'ctx>(ctx: &Context<'ctx>) -> &'ctx Arc<Reader> {
    &services(ctx).reader
}

/// Whether the viewer may see amounts; without a viewer nobody may.
pub fn amounts(ctx: &Context<'_>) -> Amounts {
    match viewer(ctx) {
        Ok(viewer) if viewer.sees_amounts => Amounts::Shown,
        _ => Amounts::Hidden,
    }
}

/// Reads a contact's id.
pub fn contact_id(field: &'static str, id: &ID) -> Result<ContactId, ServiceError> {
    ContactId::parse(id).map_err(|error| ServiceError::bad_input(field, error.to_string()))
}

/// Reads a customer's id.
pub fn customer_key(field: &'static str, id: &ID) -> Result<CustomerKey, ServiceError> {
    CustomerKey::parse(id)
        .filter(|_| id.len() <= 200)
        .ok_or_else(|| {
            let reason = "a customer's id is written connection:customer, as `customers` gives it";
            ServiceError::bad_input(field, reason)
        })
}
