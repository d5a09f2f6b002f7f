//! The CRM's side: contacts, and which customers they are in the books.

use std::sync::Arc;

use jiff::Timestamp;

use super::ids::{ContactId, CustomerKey};

/// How a link came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkOrigin {
    /// Set by a person in the application.
    Manual,
    /// Read from a file by an operator.
    Import,
    /// Found by an e-mail address that came signed and that exactly one customer has.
    Email,
    /// Found by a tax number that came signed and that exactly one customer has.
    TaxNumber,
}

impl LinkOrigin {
    /// A stable, lower-case word (`tax_number`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Import => "import",
            Self::Email => "email",
            Self::TaxNumber => "tax_number",
        }
    }

    /// The origin of a word made by [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Manual, Self::Import, Self::Email, Self::TaxNumber]
            .into_iter()
            .find(|origin| origin.as_str() == word)
    }
}

/// One contact, one customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The CRM record.
    pub contact: ContactId,
    /// The party in the books.
    pub customer: CustomerKey,
    /// How the link came about.
    pub origin: LinkOrigin,
    /// Who made it (a CRM user, `operator`, or `automatic`).
    pub actor: Arc<str>,
    /// When.
    pub linked_at: Timestamp,
}

/// Through which record a contact reaches its customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkPath {
    /// By a link of its own.
    Own,
    /// By its company's link.
    Company {
        /// The company.
        company: ContactId,
        /// Whether the CRM signed that the contact belongs to the company.
        signed: bool,
    },
    /// Not at all.
    Unlinked,
}
