//! Identifiers as distinct types, so that a customer's id cannot stand where a connection's is meant.

use std::fmt;
use std::sync::Arc;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps the text as it stands.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }
    };
}

text_id! {
    /// A CRM account: the party that installs Financial Pulse. Chosen by the operator (`acme`).
    TenantId
}
text_id! {
    /// An authorised organization at one provider, unique in the installation (`acme-quickbooks`).
    ConnectionId
}
text_id! {
    /// One consent with its tokens: it may reach several organizations of a provider, and so serve
    /// several connections of one tenant.
    GrantId
}
text_id! {
    /// A customer's id in the books of one connection, as the ledger spells it.
    CustomerId
}
text_id! {
    /// An item's (product's or service's) id in the books of one connection.
    ItemId
}
text_id! {
    /// A registered signing key's id.
    SigningKeyId
}
text_id! {
    /// A CRM user's id, unique within a tenant.
    UserId
}

/// A customer, named across connections: written `connection:customer` where one text is needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerKey {
    /// The connection whose books hold the customer.
    pub connection: ConnectionId,
    /// The customer's id in those books.
    pub customer: CustomerId,
}

impl CustomerKey {
    /// A key from its parts.
    pub fn new(connection: impl Into<ConnectionId>, customer: impl Into<CustomerId>) -> Self {
        Self {
            connection: connection.into(),
            customer: customer.into(),
        }
    }

    /// Reads `connection:customer`; `None` when a part is missing or empty.
    pub fn parse(text: &str) -> Option<Self> {
        let (connection, customer) = text.split_once(':')?;
        (!connection.is_empty() && !customer.is_empty()).then(|| Self::new(connection, customer))
    }
}

impl fmt::Display for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.connection, self.customer)
    }
}

/// A CRM record: `{preset}:{kind}:{id}`, since CRM ids are unique only per kind and CRM
/// (`pipedrive:person:5`, `native:company:acme-gmbh`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContactId(Arc<str>);

/// Why a text is not a [`ContactId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a contact id is written preset:kind:id, for example native:person:42, in at most 200 characters"
)]
pub struct InvalidContactId;

impl ContactId {
    /// The longest accepted text, in bytes.
    pub const MAX_BYTES: usize = 200;

    /// Reads `{preset}:{kind}:{id}`; the id may itself contain colons.
    ///
    /// # Errors
    /// [`InvalidContactId`] when a part is missing, the text is too long, or it holds control
    /// characters.
    pub fn parse(text: &str) -> Result<Self, InvalidContactId> {
        let mut parts = text.splitn(3, ':');
        let filled = |part: Option<&str>| part.is_some_and(|part| !part.trim().is_empty());
        let whole = filled(parts.next()) && filled(parts.next()) && filled(parts.next());
        if whole && text.len() <= Self::MAX_BYTES && !text.chars().any(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidContactId)
        }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The CRM scheme that the id belongs to (`pipedrive`).
    pub fn preset(&self) -> &str {
        self.part(0)
    }

    /// The record kind in the CRM (`person`, `company`, `deal`).
    pub fn kind(&self) -> &str {
        self.part(1)
    }

    fn part(&self, index: usize) -> &str {
        self.0.splitn(3, ':').nth(index).unwrap_or_default()
    }
}

impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
