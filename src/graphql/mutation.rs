//! What can be changed: links and limits, each with who did it and why.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::error::Extend;
use super::request::{self, amounts, contact_id, customer_key, reader, services};
use super::types::credit::CreditLimit;
use super::types::customer::Customer;
use super::types::money::MoneyInput;
use super::types::pulse::Contact;
use super::types::scalars::Date;
use crate::cache::version::Stamp;
use crate::domain::ids::{ContactId, CustomerKey};
use crate::service::ServiceError;
use crate::service::limits::LimitRequest;

/// The root of every mutation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mutation;

/// A contact, and a customer that it is or is no longer.
#[derive(Clone, Debug, InputObject)]
pub struct LinkContactInput {
    /// The contact, written `preset:kind:id`.
    contact_id: ID,
    /// The customer, written `connection:customer`.
    customer_id: ID,
    /// Why, for the audit.
    reason: Option<String>,
}

impl LinkContactInput {
    fn ids(&self) -> async_graphql::Result<(ContactId, CustomerKey)> {
        let contact = contact_id("contactId", &self.contact_id).extend()?;
        let customer = customer_key("customerId", &self.customer_id).extend()?;
        Ok((contact, customer))
    }
}

/// The contact after its links were changed.
#[derive(Clone, Debug, SimpleObject)]
pub struct LinkContactPayload {
    /// The contact with its links as they are now.
    contact: Contact,
}

/// A credit limit to set or to end.
#[derive(Clone, Debug, InputObject)]
pub struct SetCreditLimitInput {
    /// The customer, written `connection:customer`; null for the tenant's default.
    customer_id: Option<ID>,
    /// How much may stand open; zero means cash only. Null ends the limit in force.
    limit: Option<MoneyInput>,
    /// The first day that it holds (of an end: the first day without it); today where not given.
    valid_from: Option<Date>,
    /// The last day that it holds; no end where not given.
    valid_to: Option<Date>,
    /// Why, for the audit.
    reason: String,
}

/// The limit that was set.
#[derive(Clone, Debug, SimpleObject)]
pub struct SetCreditLimitPayload {
    /// The limit; null when it was ended.
    limit: Option<CreditLimit>,
    /// Whose limit it is; null for the tenant's default.
    customer: Option<Customer>,
}

/// What can be changed.
#[Object]
impl Mutation {
    /// Links a contact to a customer, beside those it is linked to already. Linking twice changes
    /// nothing. For finance and admin.
    async fn link_contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to link.")] input: LinkContactInput,
    ) -> async_graphql::Result<LinkContactPayload> {
        let (contact, customer) = input.ids()?;
        let (viewer, reason) = (request::viewer(ctx)?, input.reason.as_deref());
        let done = services(ctx).link(viewer, &contact, &customer, reason);
        done.await.extend()?;
        linked(ctx, &contact).await
    }

    /// Takes a link away. For finance and admin.
    async fn unlink_contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to unlink.")] input: LinkContactInput,
    ) -> async_graphql::Result<LinkContactPayload> {
        let (contact, customer) = input.ids()?;
        let (viewer, reason) = (request::viewer(ctx)?, input.reason.as_deref());
        let done = services(ctx).unlink(viewer, &contact, &customer, reason);
        done.await.extend()?;
        linked(ctx, &contact).await
    }

    /// Sets a credit limit from a day on; a null limit ends the one in force. For finance and admin.
    async fn set_credit_limit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The limit.")] input: SetCreditLimitInput,
    ) -> async_graphql::Result<SetCreditLimitPayload> {
        let viewer = request::viewer(ctx)?;
        let key = input.customer_id.map(|id| customer_key("customerId", &id));
        let key = key.transpose().extend()?;
        let request = LimitRequest {
            customer: key.clone(),
            limit: input.limit.map(Into::into),
            valid_from: input.valid_from.map(|day| day.0),
            valid_to: input.valid_to.map(|day| day.0),
            reason: input.reason,
        };
        let limit = services(ctx).set_limit(viewer, request).await.extend()?;
        let customer = match &key {
            Some(key) => reader(ctx).customer(viewer, key).await.extend()?,
            None => None,
        };
        Ok(SetCreditLimitPayload {
            limit: limit.map(|limit| CreditLimit::new(&limit, amounts(ctx))),
            customer: customer.map(Customer),
        })
    }
}

async fn linked(
    ctx: &Context<'_>,
    contact: &ContactId,
) -> async_graphql::Result<LinkContactPayload> {
    let viewer = request::viewer(ctx)?;
    let contact = reader(ctx)
        .contact(viewer, contact, None, &mut Stamp::default())
        .await
        .extend()?
        .ok_or_else(|| ServiceError::NotFound { what: "contact" }.extend())?;
    Ok(LinkContactPayload {
        contact: Contact(contact),
    })
}
