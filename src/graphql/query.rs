//! What can be asked.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::error::Extend;
use super::request::{self, Dependencies, PageLimit, amounts, contact_id, reader};
use super::types::credit::CreditDecision;
use super::types::customer::Customer;
use super::types::money::MoneyInput;
use super::types::pulse::Contact;
use super::types::viewer::Viewer;
use crate::cache::version::Stamp;

/// The root of every query.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query;

/// What can be asked.
#[Object]
impl Query {
    /// Who is asking, and what they may do.
    async fn viewer(&self, ctx: &Context<'_>) -> async_graphql::Result<Viewer> {
        let viewer = request::viewer(ctx)?;
        let versions = reader(ctx).snapshots().versions();
        Dependencies::of(ctx).record(|stamp| stamp.note(versions.tenant(&viewer.tenant)));
        Ok(Viewer(Arc::clone(viewer)))
    }

    /// Any CRM contact that this session may ask for; one that is not linked has an UNLINKED link.
    /// Null when it is not for this viewer.
    async fn contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The contact, written `preset:kind:id`.")] id: ID,
        #[graphql(
            desc = "The contact's company in the CRM as the page knows it: requested, not signed. \
                    Used where the contact has no link of its own."
        )]
        company: Option<ID>,
    ) -> async_graphql::Result<Option<Contact>> {
        let id = contact_id("id", &id).extend()?;
        let company = company.map(|company| contact_id("company", &company));
        let company = company.transpose().extend()?;
        let mut stamp = Stamp::default();
        let contact = reader(ctx)
            .contact(request::viewer(ctx)?, &id, company.as_ref(), &mut stamp)
            .await
            .extend()?;
        Dependencies::of(ctx).merge(&stamp);
        Ok(contact.map(Contact))
    }

    /// May this contact buy for so much more on account?
    async fn credit_check(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The contact, written `preset:kind:id`.")] contact_id: ID,
        #[graphql(desc = "What is to be sold.")] amount: MoneyInput,
        #[graphql(desc = "The contact's company in the CRM, as for `contact`.")] company: Option<
            ID,
        >,
    ) -> async_graphql::Result<CreditDecision> {
        let contact = self::contact_id("contactId", &contact_id).extend()?;
        let company = company.map(|company| self::contact_id("company", &company));
        let company = company.transpose().extend()?;
        let mut stamp = Stamp::default();
        let (decision, viewed) = reader(ctx)
            .credit_check(
                request::viewer(ctx)?,
                &contact,
                company.as_ref(),
                amount.into(),
                &mut stamp,
            )
            .await
            .extend()?;
        let dependencies = Dependencies::of(ctx);
        dependencies.merge(&stamp);
        dependencies.viewed(viewed);
        Ok(CreditDecision::of_check(&decision, amounts(ctx)))
    }

    /// Customers of the tenant's books by name, e-mail or id, to link a contact to. For the roles
    /// that may link.
    #[graphql(complexity = "usize::try_from(first).unwrap_or_default() * child_complexity + 1")]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Part of a name, an e-mail address or an id.")] search: String,
        #[graphql(desc = "How many to list.", default = 10)] first: i32,
    ) -> async_graphql::Result<Vec<Customer>> {
        // Any record of any connection can change the outcome.
        Dependencies::of(ctx).is_fleeting();
        let first = PageLimit::of(ctx).check(first).extend()?;
        let found = reader(ctx)
            .customers(request::viewer(ctx)?, &search, first)
            .await
            .extend()?;
        Ok(found.into_iter().map(Customer).collect())
    }
}
