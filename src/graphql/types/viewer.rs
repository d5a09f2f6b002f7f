//! Who is asking.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};

use super::scalars::DateTime;
use crate::auth;
use crate::graphql::request::Dependencies;

/// What a person does in the company, by the CRM's word or the tenant's map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "auth::Role")]
pub enum Role {
    /// Sells.
    Rep,
    /// Looks after customers.
    AccountManager,
    /// Owns limits and links.
    Finance,
    /// Runs the installation.
    Admin,
}

/// Who is asking, and what they may do.
#[derive(Clone, Debug)]
pub struct Viewer(pub Arc<auth::Viewer>);

/// Who is asking, and what they may do.
#[Object]
impl Viewer {
    /// Their role.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// Their name, when the CRM gave one.
    async fn name(&self, ctx: &Context<'_>) -> Option<&str> {
        Dependencies::of(ctx).is_personal();
        self.0.name.as_deref()
    }

    /// Whether amounts are part of their answers.
    async fn can_see_amounts(&self) -> bool {
        self.0.sees_amounts
    }

    /// Whether they may link contacts to customers.
    async fn can_link(&self) -> bool {
        self.0.can_link()
    }

    /// Whether they may set credit limits.
    async fn can_set_limits(&self) -> bool {
        self.0.can_set_limits()
    }

    /// When their session ends.
    async fn session_expires_at(&self, ctx: &Context<'_>) -> DateTime {
        Dependencies::of(ctx).is_personal();
        DateTime(self.0.session_expires_at)
    }

    /// The contact that the session was opened for, when the CRM named one.
    async fn contact_id(&self, ctx: &Context<'_>) -> Option<ID> {
        Dependencies::of(ctx).is_personal();
        let (contact, _) = self.0.contact.as_ref()?;
        Some(ID(contact.to_string()))
    }

    /// Their language by BCP 47 (`de-AT`), when the CRM gave one.
    async fn locale(&self, ctx: &Context<'_>) -> Option<&str> {
        Dependencies::of(ctx).is_personal();
        self.0.locale.as_deref()
    }
}
