//! The read path: from a CRM contact to the pulse of its customers.
//!
//! A read answers from memory or from the mirror and never calls a provider. Where what it finds is
//! missing or too old, it says so in the answer and asks through [`RefreshRequests`] that the
//! customer be read next.
//!
//! Who may ask for what is decided here, once. A contact that does not exist for the viewer and one
//! that the viewer may not see answer alike: with nothing.
//!
//! Every read notes in a [`Stamp`] what it depends on, so that whoever keeps the answer can tell by
//! a few atomic loads whether it is still true.

mod answers;
mod loading;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

pub use self::answers::{ContactView, CustomerView, LinkedCustomer, PulseView};
pub use self::loading::Ledger;
use super::error::ServiceError;
use super::ledger_pages::LedgerPages;
use super::views::{View, Views};
use crate::auth::{Identity, Role, Standing, Viewer};
use crate::cache::version::Stamp;
use crate::cache::{ByVersion, Snapshots};
use crate::clock::Clock;
use crate::domain::books::today;
use crate::domain::contact::{Link, LinkPath};
use crate::domain::credit::{CreditDecision, CreditLimit};
use crate::domain::freshness::FreshnessStatus;
use crate::domain::ids::{ConnectionId, ContactId, CustomerId, CustomerKey, TenantId};
use crate::domain::money::Money;
use crate::domain::pulse::{self, Family, Pulse, PulseSettings};
use crate::store::{Store, Tenant};

/// Where a read asks for a customer to be brought up to date. Must return at once; asking twice does
/// no harm.
pub trait RefreshRequests: Send + Sync + fmt::Debug {
    /// Puts one customer at the head of the queue.
    fn request(&self, customer: &CustomerKey);
}

/// Answers reads.
#[derive(Debug)]
pub struct Reader {
    store: Store,
    clock: Arc<dyn Clock>,
    snapshots: Arc<Snapshots>,
    refresh: Arc<dyn RefreshRequests>,
    pages: LedgerPages,
    views: Arc<Views>,
    tenants: ByVersion<TenantId, Option<Arc<Tenant>>>,
    ledgers: ByVersion<ConnectionId, Option<Arc<Ledger>>>,
    links: ByVersion<(TenantId, ContactId), Arc<[Link]>>,
    limits: ByVersion<(TenantId, CustomerKey), Arc<[CreditLimit]>>,
    families: ByVersion<CustomerKey, Arc<[CustomerId]>>,
}

impl Reader {
    /// A reader over a store and a cache.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        snapshots: Arc<Snapshots>,
        refresh: Arc<dyn RefreshRequests>,
        pages: LedgerPages,
    ) -> Self {
        Self {
            store,
            clock,
            snapshots,
            refresh,
            pages,
            views: Arc::default(),
            tenants: ByVersion::new("tenants", 10_000),
            ledgers: ByVersion::new("ledgers", 10_000),
            links: ByVersion::new("links", 200_000),
            limits: ByVersion::new("limits", 200_000),
            families: ByVersion::new("families", 200_000),
        }
    }

    /// The cache behind it.
    pub fn snapshots(&self) -> &Arc<Snapshots> {
        &self.snapshots
    }

    /// The record of who saw what.
    pub fn views(&self) -> &Arc<Views> {
        &self.views
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The viewer behind a proven identity as the tenant ranks them now; `None` when there is no such
    /// tenant (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn viewer(
        &self,
        identity: &Identity,
        stamp: &mut Stamp,
    ) -> Result<Option<Viewer>, ServiceError> {
        let noted = stamp.note(self.snapshots.versions().tenant(&identity.tenant));
        let Some(tenant) = self.tenant(&identity.tenant, noted).await? else {
            return Ok(None);
        };
        let word = self
            .store
            .role_of(&identity.tenant, &identity.preset, &identity.user)
            .await?;
        Ok(Some(identity.viewer(Standing {
            mapped_role: word.as_deref().and_then(Role::parse),
            reps_see_amounts: tenant.settings.reps_see_amounts,
        })))
    }

    /// A contact; `None` when it is not for this viewer. The CRM owns contacts: one that was never
    /// seen here is one without a link. `company` is the contact's company as the page knows it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn contact(
        &self,
        viewer: &Viewer,
        contact: &ContactId,
        company: Option<&ContactId>,
        stamp: &mut Stamp,
    ) -> Result<Option<ContactView>, ServiceError> {
        let noted = stamp.note(self.snapshots.versions().tenant(&viewer.tenant));
        if !viewer.may_ask_for(contact) {
            return Ok(None);
        }
        let Some(tenant) = self.tenant(&viewer.tenant, noted).await? else {
            return Ok(None);
        };
        let (path, links) = self.links_of(viewer, contact, company, noted).await?;
        let mut customers = Vec::with_capacity(links.len());
        let mut families = Vec::with_capacity(links.len());
        for link in links.iter() {
            let found = self.family(viewer, &link.customer, noted, stamp).await?;
            let Some((customer, family)) = found else {
                continue;
            };
            customers.push(LinkedCustomer {
                link: link.clone(),
                customer,
            });
            families.push(Arc::new(family));
        }
        Ok(Some(ContactView {
            id: contact.clone(),
            path: if customers.is_empty() {
                LinkPath::Unlinked
            } else {
                path
            },
            customers,
            families,
            settings: PulseSettings {
                policy: tenant.settings.policy.clone(),
            },
            record_views: tenant.settings.record_views,
        }))
    }

    /// The pulse of a contact as of a day, today where none is given; `None` for a contact that is
    /// not linked.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a day that is still to come.
    pub fn pulse(
        &self,
        contact: &ContactView,
        as_of: Option<Date>,
        stamp: &mut Stamp,
    ) -> Result<Option<PulseView>, ServiceError> {
        if contact.families.is_empty() {
            return Ok(None);
        }
        let now = self.clock.now();
        let today = pulse::day_of(&contact.families, now);
        if let Some(day) = as_of.filter(|day| *day > today) {
            let reason = format!("{day} is still to come; today is {today}");
            return Err(ServiceError::bad_input("asOf", reason));
        }
        let pulse = pulse::pulse(&contact.families, &contact.settings, as_of, now);
        if let Some(moment) = pulse.freshness.changes_at {
            stamp.expire_at(moment);
        }
        for family in &contact.families {
            if let Some(midnight) = next_midnight(now, family) {
                stamp.expire_at(midnight);
            }
        }
        self.request_refresh(contact, &pulse);
        Ok(Some(self.view(contact, pulse)))
    }

    /// The decision if so much more were sold on account to a contact, and what is to be recorded of
    /// its being shown.
    ///
    /// # Errors
    /// `NOT_FOUND` when the contact is not for this viewer, `BAD_USER_INPUT` for an amount that is
    /// not positive.
    pub async fn credit_check(
        &self,
        viewer: &Viewer,
        contact: &ContactId,
        company: Option<&ContactId>,
        amount: Money,
        stamp: &mut Stamp,
    ) -> Result<(CreditDecision, Option<View>), ServiceError> {
        if amount.amount.is_sign_negative() || amount.amount.is_zero() {
            let reason = "an amount to sell is more than nothing";
            return Err(ServiceError::bad_input("amount", reason));
        }
        let contact = self
            .contact(viewer, contact, company, stamp)
            .await?
            .ok_or(ServiceError::NotFound { what: "contact" })?;
        if let Some(view) = self.pulse(&contact, None, stamp)? {
            let decision = pulse::credit_check(&view.pulse, amount);
            let shown = contact.viewed(decision.decision);
            return Ok((decision, shown));
        }
        // Not linked is an answer, and the domain has the words for it.
        let pulse = pulse::pulse(&[], &contact.settings, None, self.clock.now());
        Ok((pulse.decision, None))
    }

    /// Customers of the tenant's books by name, e-mail or id.
    ///
    /// # Errors
    /// `FORBIDDEN` unless the viewer may link, `BAD_USER_INPUT` without a text to search for.
    pub async fn customers(
        &self,
        viewer: &Viewer,
        search: &str,
        first: usize,
    ) -> Result<Vec<CustomerView>, ServiceError> {
        if !viewer.can_link() {
            return Err(ServiceError::Forbidden {
                action: "search the books for customers",
            });
        }
        let search = search.trim();
        if search.is_empty() || search.chars().count() > 200 {
            let reason = "write part of a name, an e-mail address or an id";
            return Err(ServiceError::bad_input("search", reason));
        }
        let first = u32::try_from(first).unwrap_or(u32::MAX);
        let found = self
            .store
            .search_customers(&viewer.tenant, search, first)
            .await?;
        let mut customers = Vec::with_capacity(found.len());
        for (connection, customer) in found {
            if let Some(ledger) = self
                .ledger(viewer, &connection, &mut Stamp::default())
                .await?
            {
                customers.push(self.customer_view(customer, ledger));
            }
        }
        Ok(customers)
    }

    /// One customer of the tenant's books; `None` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn customer(
        &self,
        viewer: &Viewer,
        key: &CustomerKey,
    ) -> Result<Option<CustomerView>, ServiceError> {
        let ledger = self
            .ledger(viewer, &key.connection, &mut Stamp::default())
            .await?;
        let Some(ledger) = ledger else {
            return Ok(None);
        };
        let customer = self.store.customer(key).await?;
        Ok(customer.map(|customer| self.customer_view(customer, ledger)))
    }

    fn view(&self, contact: &ContactView, pulse: Pulse) -> PulseView {
        let mut customers = HashMap::new();
        for (linked, family) in contact.customers.iter().zip(&contact.families) {
            for member in &family.members {
                let view = self
                    .customer_view(member.customer.clone(), Arc::clone(&linked.customer.ledger));
                customers.insert(member.key(), view);
            }
        }
        PulseView {
            pulse,
            customers: Arc::new(customers),
            families: contact.families.clone(),
            pages: self.pages.clone(),
        }
    }

    /// Asks for customers whose figures are older than the polling should make them.
    fn request_refresh(&self, contact: &ContactView, pulse: &Pulse) {
        if pulse.freshness.status != FreshnessStatus::Fresh {
            for linked in &contact.customers {
                self.refresh.request(&linked.link.customer);
            }
        }
    }
}

/// The moment at which the day changes for an organization.
fn next_midnight(now: Timestamp, family: &Family) -> Option<Timestamp> {
    let tomorrow = today(now, &family.time_zone).checked_add(1.day()).ok()?;
    let midnight = tomorrow.to_zoned(family.time_zone.clone()).ok()?;
    Some(midnight.timestamp())
}
