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

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::error::ServiceError;
use super::ledger_pages::LedgerPages;
use super::transactions::{self, TransactionCursor, TransactionFilter, TransactionPage};
use super::views::{View, Views};
use crate::auth::{Identity, Role, Standing, Trust, Viewer};
use crate::cache::version::Stamp;
use crate::cache::{ByVersion, Snapshots};
use crate::clock::Clock;
use crate::domain::books::{Customer, CustomerBooks, ExchangeRate, Organization, today};
use crate::domain::connection::{Connection, ProviderKind};
use crate::domain::contact::{Link, LinkPath};
use crate::domain::credit::{CreditDecision, CreditLimit, Decision};
use crate::domain::freshness::{
    ConnectionFreshness, ConnectionState, Dataset, DatasetFreshness, FreshnessStatus,
};
use crate::domain::ids::{ConnectionId, ContactId, CustomerId, CustomerKey, ItemId, TenantId};
use crate::domain::money::{Currency, Money};
use crate::domain::pulse::{self, Family, Pulse, PulseSettings};
use crate::domain::purchases::{PurchaseSummary, purchases};
use crate::store::{Store, StoreError, Tenant};

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

/// What a read needs to know of a connection.
#[derive(Debug)]
pub struct Ledger {
    /// The connection.
    pub connection: Connection,
    organization: Option<Arc<Organization>>,
    freshness: Arc<ConnectionFreshness>,
    items: Arc<HashMap<ItemId, Arc<str>>>,
    rates: Vec<ExchangeRate>,
}

impl Ledger {
    fn has(&self, dataset: Dataset) -> bool {
        self.freshness
            .datasets
            .iter()
            .any(|state| state.dataset == dataset && state.succeeded_at.is_some())
    }
}

/// A customer with the connection whose books hold it.
#[derive(Clone, Debug)]
pub struct CustomerView {
    /// The customer.
    pub customer: Customer,
    /// Its connection.
    pub ledger: Arc<Ledger>,
    /// Its page in the ledger.
    pub ledger_url: Option<String>,
}

impl CustomerView {
    /// The customer's key across connections.
    pub fn key(&self) -> CustomerKey {
        CustomerKey {
            connection: self.ledger.connection.id.clone(),
            customer: self.customer.id.clone(),
        }
    }
}

/// A customer that a contact reaches, and how.
#[derive(Clone, Debug)]
pub struct LinkedCustomer {
    /// The link.
    pub link: Link,
    /// The customer.
    pub customer: CustomerView,
}

/// A contact as its viewer may see it.
#[derive(Clone, Debug)]
pub struct ContactView {
    /// The CRM record.
    pub id: ContactId,
    /// Through which record it reaches its customers.
    pub path: LinkPath,
    /// The customers, in the order in which they were linked.
    pub customers: Vec<LinkedCustomer>,
    families: Vec<Arc<Family>>,
    settings: PulseSettings,
    record_views: bool,
}

impl ContactView {
    /// What is to be recorded when a decision on this contact is shown; nothing where the tenant
    /// records no views.
    pub fn viewed(&self, decision: Decision) -> Option<View> {
        self.record_views.then(|| View {
            contact: self.id.clone(),
            decision,
        })
    }
}

/// A pulse with what is behind it.
#[derive(Clone, Debug)]
pub struct PulseView {
    /// The figures.
    pub pulse: Pulse,
    /// The linked customers and their sub-customers.
    pub customers: Arc<HashMap<CustomerKey, CustomerView>>,
    families: Vec<Arc<Family>>,
    pages: LedgerPages,
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
        let word = self.store.role_of(&identity.tenant, &identity.user).await?;
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

    async fn tenant(&self, id: &TenantId, noted: u64) -> Result<Option<Arc<Tenant>>, ServiceError> {
        let load = || async { Ok::<_, StoreError>(self.store.tenant(id).await?.map(Arc::new)) };
        Ok(self.tenants.get(id, noted, load).await?)
    }

    /// The links of the contact itself; where it has none, those of its company.
    async fn links_of(
        &self,
        viewer: &Viewer,
        contact: &ContactId,
        company: Option<&ContactId>,
        noted: u64,
    ) -> Result<(LinkPath, Arc<[Link]>), ServiceError> {
        let own = self.links(&viewer.tenant, contact, noted).await?;
        if !own.is_empty() {
            return Ok((LinkPath::Own, own));
        }
        if let Some((company, signed)) = company_of(viewer, contact, company) {
            let links = self.links(&viewer.tenant, company, noted).await?;
            if !links.is_empty() {
                let company = company.clone();
                return Ok((LinkPath::Company { company, signed }, links));
            }
        }
        Ok((LinkPath::Unlinked, own))
    }

    async fn links(
        &self,
        tenant: &TenantId,
        contact: &ContactId,
        noted: u64,
    ) -> Result<Arc<[Link]>, ServiceError> {
        let load =
            || async { Ok::<_, StoreError>(self.store.links(tenant, contact).await?.into()) };
        let key = (tenant.clone(), contact.clone());
        Ok(self.links.get(&key, noted, load).await?)
    }

    async fn limits(
        &self,
        tenant: &TenantId,
        customer: &CustomerKey,
        noted: u64,
    ) -> Result<Arc<[CreditLimit]>, ServiceError> {
        let load = || async {
            Ok::<_, StoreError>(self.store.limits(tenant, Some(customer)).await?.into())
        };
        let key = (tenant.clone(), customer.clone());
        Ok(self.limits.get(&key, noted, load).await?)
    }

    /// A connection of the viewer's own tenant.
    async fn ledger(
        &self,
        viewer: &Viewer,
        id: &ConnectionId,
        stamp: &mut Stamp,
    ) -> Result<Option<Arc<Ledger>>, ServiceError> {
        let noted = stamp.note(self.snapshots.versions().connection(id));
        let ledger = self.ledgers.get(id, noted, || self.load_ledger(id)).await?;
        Ok(ledger.filter(|ledger| ledger.connection.tenant == viewer.tenant))
    }

    async fn load_ledger(&self, id: &ConnectionId) -> Result<Option<Arc<Ledger>>, StoreError> {
        let Some(connection) = self.store.connection(id).await? else {
            return Ok(None);
        };
        let (state, items, rates) = tokio::try_join!(
            self.store.sync_state(id),
            self.store.items(id),
            self.store.rates(id)
        )?;
        Ok(Some(Arc::new(Ledger {
            organization: connection.organization.clone().map(Arc::new),
            freshness: Arc::new(ConnectionFreshness {
                state: connection.state,
                poll_interval: connection.poll_interval,
                datasets: every_dataset(connection.provider, &state.datasets),
                // The first increment sets the watermark, and the first load comes before it.
                first_load_running: connection.state == ConnectionState::Active
                    && state.watermark.is_none(),
            }),
            items: Arc::new(items),
            rates,
            connection,
        })))
    }

    /// A linked customer with its sub-customers; `None` when the books no longer have it.
    async fn family(
        &self,
        viewer: &Viewer,
        root: &CustomerKey,
        tenant_noted: u64,
        stamp: &mut Stamp,
    ) -> Result<Option<(CustomerView, Family)>, ServiceError> {
        let Some(ledger) = self.ledger(viewer, &root.connection, stamp).await? else {
            return Ok(None);
        };
        let counter = self.snapshots.versions().connection(&root.connection);
        let noted = stamp.note(counter);
        let load = || async { Ok::<_, StoreError>(self.store.family(root).await?.into()) };
        let ids = self.families.get(root, noted, load).await?;
        let mut members = Vec::with_capacity(ids.len());
        for id in ids.iter() {
            members.extend(self.books(&root.connection, id).await?);
        }
        if members
            .first()
            .is_none_or(|first| first.customer.id != root.customer)
        {
            if ledger.has(Dataset::Customers) {
                return Ok(None);
            }
            members = vec![Arc::new(unread_customer(root, &ledger))];
        }
        let set = self.limits(&viewer.tenant, root, tenant_noted).await?;
        let stated = CreditLimit::of_ledger(root, &members[0].customer);
        let customer = self.customer_view(members[0].customer.clone(), Arc::clone(&ledger));
        let family = Family {
            organization: ledger.organization.clone().unwrap_or_else(|| {
                Arc::new(Organization {
                    name: ledger.connection.id.as_str().into(),
                    base_currency: members[0].customer.currency,
                    multicurrency: false,
                    page_code: None,
                })
            }),
            time_zone: ledger.connection.time_zone.clone(),
            members,
            limits: set.iter().cloned().chain(stated).collect(),
            items: Arc::clone(&ledger.items),
            rates: ledger.rates.clone(),
            freshness: Arc::clone(&ledger.freshness),
        };
        Ok(Some((customer, family)))
    }

    async fn books(
        &self,
        connection: &ConnectionId,
        customer: &CustomerId,
    ) -> Result<Option<Arc<CustomerBooks>>, ServiceError> {
        let key = CustomerKey {
            connection: connection.clone(),
            customer: customer.clone(),
        };
        let load = || async {
            let ids = std::slice::from_ref(customer);
            let books = self.store.books(connection, ids).await?;
            Ok::<_, StoreError>(books.into_iter().next().map(Arc::new))
        };
        Ok(self.snapshots.books(&key, load).await?)
    }

    fn customer_view(&self, customer: Customer, ledger: Arc<Ledger>) -> CustomerView {
        CustomerView {
            ledger_url: self.pages.customer(&ledger.connection, &customer.id),
            customer,
            ledger,
        }
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

impl ContactView {
    /// Whether another reading of the contact shows the same customers by the same path.
    pub fn reaches_the_same(&self, other: &Self) -> bool {
        self.path == other.path
            && self.customers.len() == other.customers.len()
            && self
                .customers
                .iter()
                .zip(&other.customers)
                .all(|(one, other)| one.link.customer == other.link.customer)
    }
}

impl PulseView {
    /// A page of the history.
    pub fn transactions(
        &self,
        filter: &TransactionFilter,
        after: Option<&TransactionCursor>,
        first: usize,
    ) -> TransactionPage {
        let positions = pulse::transactions(&self.families, self.pulse.as_of);
        transactions::page(&positions, filter, after, first)
    }

    /// What was bought in a year, the day's own where none is given.
    pub fn purchases(&self, year: Option<i16>) -> PurchaseSummary {
        let year = year.unwrap_or(self.pulse.as_of.year());
        purchases(&self.families, year, self.pulse.as_of)
    }

    /// A document's page in the ledger.
    pub fn document_url(
        &self,
        customer: &CustomerKey,
        document: &crate::domain::document::DocumentId,
    ) -> Option<String> {
        let connection = &self.customers.get(customer)?.ledger.connection;
        self.pages.document(connection, document)
    }

    /// Whether another pulse rests on the same documents.
    pub fn same_books(&self, other: &Self) -> bool {
        self.families.len() == other.families.len()
            && self
                .families
                .iter()
                .zip(&other.families)
                .all(|(one, other)| {
                    one.members.len() == other.members.len()
                        && one
                            .members
                            .iter()
                            .zip(&other.members)
                            .all(|(one, other)| Arc::ptr_eq(one, other) || one == other)
                })
    }
}

/// The company through which a contact may be looked up, and whether the CRM signed that the contact
/// belongs to it. A page that may only ask for one signed contact cannot name another company.
fn company_of<'a>(
    viewer: &'a Viewer,
    contact: &ContactId,
    requested: Option<&'a ContactId>,
) -> Option<(&'a ContactId, bool)> {
    let own = viewer
        .contact
        .as_ref()
        .filter(|(own, _)| own == contact)
        .and(viewer.company.as_ref());
    match (own, requested) {
        (Some((company, Trust::Signed)), _) => Some((company, true)),
        (_, Some(company)) | (Some((company, Trust::Requested)), None) => {
            viewer.may_ask_for(company).then_some((company, false))
        }
        (None, None) => None,
    }
}

/// A customer that is linked but not read yet, while the first load is under way: nothing is known
/// of it but its id.
fn unread_customer(key: &CustomerKey, ledger: &Ledger) -> CustomerBooks {
    let currency = ledger
        .organization
        .as_ref()
        .map_or(Currency::NONE, |organization| organization.base_currency);
    CustomerBooks {
        connection: key.connection.clone(),
        customer: Customer {
            id: key.customer.clone(),
            name: format!("Customer {}", key.customer).into(),
            email: None,
            tax_number: None,
            parent: None,
            bill_with_parent: false,
            active: true,
            currency,
            terms: None,
            ledger_balance: None,
            ledger_balance_with_children: None,
            credit_limit: None,
            changed_at: Timestamp::UNIX_EPOCH,
        },
        documents: Vec::new(),
        applications: Vec::new(),
    }
}

/// Each dataset of a ledger once: those that the mirror knows nothing of are there as never read.
fn every_dataset(provider: ProviderKind, known: &[DatasetFreshness]) -> Vec<DatasetFreshness> {
    let of = |dataset| {
        let found = known.iter().find(|known| known.dataset == dataset).cloned();
        found.unwrap_or(DatasetFreshness {
            dataset,
            succeeded_at: None,
            attempted_at: None,
            loaded: 0,
            expected: None,
        })
    };
    provider.datasets().iter().copied().map(of).collect()
}

/// The moment at which the day changes for an organization.
fn next_midnight(now: Timestamp, family: &Family) -> Option<Timestamp> {
    let tomorrow = today(now, &family.time_zone).checked_add(1.day()).ok()?;
    let midnight = tomorrow.to_zoned(family.time_zone.clone()).ok()?;
    Some(midnight.timestamp())
}
