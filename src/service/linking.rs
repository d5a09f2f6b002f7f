//! Which customers a contact is: linked by people, by files, and by signed facts that exactly one
//! customer shares.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::error::ServiceError;
use super::import::{ImportProblem, Imported, import, read};
use crate::auth::Viewer;
use crate::clock::Clock;
use crate::domain::contact::{Link, LinkOrigin};
use crate::domain::ids::{ContactId, CustomerKey, TenantId};
use crate::store::Store;

/// Links contacts to customers. Every change stands in the audit with who made it and why.
#[derive(Clone, Debug)]
pub struct Linking {
    store: Store,
    clock: Arc<dyn Clock>,
}

/// What a CRM signed about a contact that can identify a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedFacts {
    /// The e-mail address.
    pub email: Option<String>,
    /// The tax number.
    pub tax_number: Option<String>,
}

/// The columns of a links file.
const COLUMNS: [&str; 3] = ["contact", "customer", "reason"];

/// One line of a links file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkRow {
    contact: String,
    customer: String,
    #[serde(default)]
    reason: Option<String>,
}

/// A link as a line of a file wishes for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRequest {
    /// The CRM record.
    pub contact: ContactId,
    /// The party in the books.
    pub customer: CustomerKey,
    /// Why.
    pub reason: Option<String>,
}

impl LinkRow {
    fn into_request(self) -> Result<LinkRequest, String> {
        let contact = ContactId::parse(&self.contact).map_err(|error| error.to_string())?;
        let customer = CustomerKey::parse(&self.customer).ok_or_else(|| {
            "a customer is written connection:id, for example acme-quickbooks:42".to_owned()
        })?;
        Ok(LinkRequest {
            contact,
            customer,
            reason: self.reason,
        })
    }
}

/// Reads a links file as [`Linking::import`] does: each request with its line, not yet compared with the
/// tenant's books.
///
/// # Errors
/// Every line that is wrong by itself.
pub fn read_links(csv: &[u8]) -> Result<Vec<(u64, LinkRequest)>, Vec<ImportProblem>> {
    read(csv, &COLUMNS, LinkRow::into_request)
}

impl Linking {
    /// Linking over a store.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Links a contact to a customer, beside those it is linked to already. Linking twice changes
    /// nothing.
    ///
    /// # Errors
    /// `FORBIDDEN` unless the viewer's role is finance or admin, `NOT_FOUND` for a contact that is not
    /// for this viewer and for a customer that is not in the tenant's books.
    pub async fn link(
        &self,
        viewer: &Viewer,
        contact: &ContactId,
        customer: &CustomerKey,
        reason: Option<&str>,
    ) -> Result<(), ServiceError> {
        Self::allow(viewer, contact)?;
        self.require(&viewer.tenant, customer).await?;
        let link = self.new_link(contact, customer, LinkOrigin::Manual, viewer.user.as_str());
        self.store.add_link(&viewer.tenant, &link, reason).await?;
        Ok(())
    }

    /// Takes a link away.
    ///
    /// # Errors
    /// `FORBIDDEN` unless the viewer's role is finance or admin, `NOT_FOUND` for a contact that is not
    /// for this viewer and without such a link.
    pub async fn unlink(
        &self,
        viewer: &Viewer,
        contact: &ContactId,
        customer: &CustomerKey,
        reason: Option<&str>,
    ) -> Result<(), ServiceError> {
        Self::allow(viewer, contact)?;
        let (tenant, actor) = (&viewer.tenant, viewer.user.as_str());
        let now = self.clock.now();
        let removed = self
            .store
            .remove_link(tenant, contact, customer, actor, reason, now)
            .await?;
        if removed {
            Ok(())
        } else {
            Err(ServiceError::NotFound { what: "link" })
        }
    }

    /// Links a contact that has no link yet to the one customer that has the signed tax number, else
    /// the signed e-mail address. Where none or several have it, nothing happens: a guess is worse
    /// than no link.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn link_by_signed_facts(
        &self,
        tenant: &TenantId,
        contact: &ContactId,
        facts: &SignedFacts,
    ) -> Result<Option<CustomerKey>, ServiceError> {
        let settings = self
            .store
            .tenant(tenant)
            .await?
            .map(|tenant| tenant.settings);
        let wanted = settings.is_some_and(|settings| settings.automatic_links);
        if !wanted || !self.store.links(tenant, contact).await?.is_empty() {
            return Ok(None);
        }
        let Some((customer, origin)) = self.only_customer(tenant, facts).await? else {
            return Ok(None);
        };
        let link = self.new_link(contact, &customer, origin, "automatic");
        self.store.add_link(tenant, &link, None).await?;
        Ok(Some(customer))
    }

    async fn only_customer(
        &self,
        tenant: &TenantId,
        facts: &SignedFacts,
    ) -> Result<Option<(CustomerKey, LinkOrigin)>, ServiceError> {
        if let Some(number) = facts.tax_number.as_deref().map(plain_tax_number)
            && !number.is_empty()
            && let [only] = self
                .store
                .customers_by_tax_number(tenant, &number)
                .await?
                .as_slice()
        {
            return Ok(Some((only.clone(), LinkOrigin::TaxNumber)));
        }
        if let Some(email) = facts
            .email
            .as_deref()
            .map(|email| email.trim().to_lowercase())
            && !email.is_empty()
            && let [only] = self
                .store
                .customers_by_email(tenant, &email)
                .await?
                .as_slice()
        {
            return Ok(Some((only.clone(), LinkOrigin::Email)));
        }
        Ok(None)
    }

    /// Reads links from CSV with the columns `contact,customer[,reason]`. Either every line is taken
    /// or none.
    ///
    /// # Errors
    /// Every line that is wrong, with what is wrong and what to write instead.
    pub async fn import(
        &self,
        tenant: &TenantId,
        csv: &[u8],
        actor: &str,
    ) -> Result<Imported, Vec<ImportProblem>> {
        let check = async |row: LinkRow| {
            let request = row.into_request()?;
            let link = self.checked(tenant, &request, actor).await?;
            Ok((link, request.reason))
        };
        let keep = async |(link, reason): (Link, Option<String>)| {
            self.store.add_link(tenant, &link, reason.as_deref()).await
        };
        import(csv, &COLUMNS, check, keep).await
    }

    /// Every link of a tenant as CSV, in the form that [`Self::import`] reads.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn export(&self, tenant: &TenantId) -> Result<Vec<u8>, ServiceError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written = |error: csv::Error| ServiceError::Internal(Box::new(error));
        writer.write_record(COLUMNS).map_err(written)?;
        for link in self.store.all_links(tenant).await? {
            let (contact, customer) = (link.contact.to_string(), link.customer.to_string());
            writer
                .write_record([contact, customer, String::new()])
                .map_err(written)?;
        }
        writer
            .into_inner()
            .map_err(|error| ServiceError::Internal(Box::new(error.into_error())))
    }

    async fn checked(
        &self,
        tenant: &TenantId,
        request: &LinkRequest,
        actor: &str,
    ) -> Result<Link, String> {
        let LinkRequest {
            contact, customer, ..
        } = request;
        match self.require(tenant, customer).await {
            Ok(()) => Ok(self.new_link(contact, customer, LinkOrigin::Import, actor)),
            Err(ServiceError::NotFound { .. }) => Err(format!(
                "there is no customer `{customer}` in this tenant's books"
            )),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn require(&self, tenant: &TenantId, customer: &CustomerKey) -> Result<(), ServiceError> {
        require_customer(&self.store, tenant, customer).await
    }

    fn new_link(
        &self,
        contact: &ContactId,
        customer: &CustomerKey,
        origin: LinkOrigin,
        actor: &str,
    ) -> Link {
        let linked_at: Timestamp = self.clock.now();
        Link {
            contact: contact.clone(),
            customer: customer.clone(),
            origin,
            actor: actor.into(),
            linked_at,
        }
    }

    /// Whether the viewer may link at all, and whether the contact is for this viewer.
    fn allow(viewer: &Viewer, contact: &ContactId) -> Result<(), ServiceError> {
        if !viewer.can_link() {
            Err(ServiceError::Forbidden {
                action: "link contacts",
            })
        } else if !viewer.may_ask_for(contact) {
            Err(ServiceError::NotFound { what: "contact" })
        } else {
            Ok(())
        }
    }
}

/// Whether a customer is in the books of one of the tenant's own connections.
pub(super) async fn require_customer(
    store: &Store,
    tenant: &TenantId,
    customer: &CustomerKey,
) -> Result<(), ServiceError> {
    let owned = store
        .connection(&customer.connection)
        .await?
        .is_some_and(|connection| connection.tenant == *tenant);
    if owned && store.customer(customer).await?.is_some() {
        Ok(())
    } else {
        Err(ServiceError::NotFound { what: "customer" })
    }
}

/// Letters and digits only, in capitals, as the mirror keeps it.
fn plain_tax_number(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_uppercase()
}
