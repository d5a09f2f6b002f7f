//! What can be followed.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription as SubscriptionRoot};
use futures_util::{Stream, StreamExt};

use super::error::Extend;
use super::request::{self, amounts, contact_id, reader};
use super::types::pulse::Pulse;
use crate::service::updates;

/// The root of every subscription.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subscription;

/// What can be followed.
#[SubscriptionRoot]
impl Subscription {
    /// A contact's pulse: the present one at once, then anew each time that it changed. Ends with
    /// the session, when the viewer's role changes, and when the contact no longer reaches the same
    /// customers.
    async fn pulse_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The contact, written `preset:kind:id`.")] contact_id: ID,
        #[graphql(desc = "The contact's company in the CRM, as for `contact`.")] company: Option<
            ID,
        >,
    ) -> async_graphql::Result<impl Stream<Item = async_graphql::Result<Pulse>> + use<>> {
        let contact = self::contact_id("contactId", &contact_id).extend()?;
        let company = company.map(|company| self::contact_id("company", &company));
        let company = company.transpose().extend()?;
        let amounts = amounts(ctx);
        let caller = Arc::clone(request::caller(ctx)?);
        let pulses = updates::pulses(Arc::clone(reader(ctx)), caller, contact, company);
        Ok(pulses.map(move |pulse| {
            pulse
                .map(|view| Pulse::new(view, amounts))
                .map_err(Extend::extend)
        }))
    }
}
