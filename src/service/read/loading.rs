//! What a read needs, from memory where it still holds, else from the store.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Reader;
use super::answers::CustomerView;
use crate::auth::{Trust, Viewer};
use crate::cache::version::Stamp;
use crate::domain::books::{Customer, CustomerBooks, ExchangeRate, Organization};
use crate::domain::connection::{Connection, ProviderKind};
use crate::domain::contact::{Link, LinkPath};
use crate::domain::credit::CreditLimit;
use crate::domain::freshness::{ConnectionFreshness, ConnectionState, Dataset, DatasetFreshness};
use crate::domain::ids::{ConnectionId, ContactId, CustomerId, CustomerKey, ItemId, TenantId};
use crate::domain::money::Currency;
use crate::domain::pulse::Family;
use crate::service::ServiceError;
use crate::store::{StoreError, Tenant};

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

impl Reader {
    pub(super) async fn tenant(
        &self,
        id: &TenantId,
        noted: u64,
    ) -> Result<Option<Arc<Tenant>>, ServiceError> {
        let load = || async { Ok::<_, StoreError>(self.store.tenant(id).await?.map(Arc::new)) };
        Ok(self.tenants.get(id, noted, load).await?)
    }

    /// The links of the contact itself; where it has none, those of its company.
    pub(super) async fn links_of(
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

    pub(super) async fn limits(
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
    pub(super) async fn ledger(
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
    pub(super) async fn family(
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

    pub(super) fn customer_view(&self, customer: Customer, ledger: Arc<Ledger>) -> CustomerView {
        CustomerView {
            ledger_url: self.pages.customer(&ledger.connection, &customer.id),
            customer,
            ledger,
        }
    }
}

/// The company through which a contact may be looked up, and whether the CRM signed that the contact
/// belongs to it. A page that may only ask for one signed contact cannot name another company.
fn company_of<'a>(
    viewer: &'a Viewer,
    contact: &ContactId,
    requested: Option<&'a ContactId>,
) -> Option<(&'a ContactId, bool)> {
    let own = viewer.contact.as_ref().filter(|(own, _)| own == contact);
    // A signed company is the signed contact's; of one that the page named, nobody signed it.
    let own = own.zip(viewer.company.as_ref());
    let own = own.map(|((_, contact), (company, of))| match (contact, of) {
        (Trust::Signed, Trust::Signed) => (company, Trust::Signed),
        _ => (company, Trust::Requested),
    });
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
