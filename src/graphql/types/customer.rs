//! The party in the books, and how a contact reaches it.

use async_graphql::{Enum, ID, Object, SimpleObject};

use super::scalars::{CurrencyCode, DateTime};
use crate::domain::contact as domain;
use crate::service::read::{CustomerView, LinkedCustomer as LinkedView};

/// An authorized organization at an accounting system.
#[derive(Clone, Debug, SimpleObject)]
pub struct Connection {
    /// Its id, unique in the installation.
    pub id: ID,
    /// The accounting system: `quickbooks`, `xero`, `sage` or `tryton`.
    pub provider: &'static str,
    /// The organization's name; its id until the first load has read the name.
    pub organization: String,
}

/// The party in the books.
#[derive(Clone, Debug)]
pub struct Customer(pub CustomerView);

/// The party in the books.
#[Object]
impl Customer {
    /// Its id across connections, written `connection:customer`.
    async fn id(&self) -> ID {
        ID(self.0.key().to_string())
    }

    /// Its name in the ledger.
    async fn name(&self) -> &str {
        &self.0.customer.name
    }

    /// Whether the ledger still offers it for new documents.
    async fn active(&self) -> bool {
        self.0.customer.active
    }

    /// Its own currency.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.customer.currency)
    }

    /// Whose books hold it.
    async fn connection(&self) -> Connection {
        let connection = &self.0.ledger.connection;
        Connection {
            id: ID(connection.id.to_string()),
            provider: connection.provider.as_str(),
            organization: connection.organization.as_ref().map_or_else(
                || connection.id.to_string(),
                |organization| organization.name.to_string(),
            ),
        }
    }

    /// Its page in the ledger's own web application, where the provider has one.
    async fn ledger_url(&self) -> Option<&str> {
        self.0.ledger_url.as_deref()
    }
}

/// How a link came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::LinkOrigin")]
pub enum LinkOrigin {
    /// Set by a person in the application.
    Manual,
    /// Read from a file by an operator.
    Import,
    /// By an e-mail address that came signed and that exactly one customer has.
    Email,
    /// By a tax number that came signed and that exactly one customer has.
    TaxNumber,
}

/// A customer that a contact reaches, and how it was linked.
#[derive(Clone, Debug, SimpleObject)]
pub struct LinkedCustomer {
    /// The customer.
    pub customer: Customer,
    /// How the link came about.
    pub origin: LinkOrigin,
    /// When it was made.
    pub linked_at: DateTime,
}

impl From<&LinkedView> for LinkedCustomer {
    fn from(linked: &LinkedView) -> Self {
        Self {
            customer: Customer(linked.customer.clone()),
            origin: linked.link.origin.into(),
            linked_at: DateTime(linked.link.linked_at),
        }
    }
}

/// Whether a contact reaches customers in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum LinkState {
    /// By a link of its own.
    Linked,
    /// By its company's link.
    Company,
    /// Not at all.
    Unlinked,
}

/// Which customers a contact is in the books, and why.
#[derive(Clone, Debug, SimpleObject)]
pub struct ContactLink {
    /// Whether it reaches any.
    pub state: LinkState,
    /// The company through which it reaches them, when it has no link of its own.
    pub company: Option<ID>,
    /// Whether the CRM signed that the contact belongs to the company; null without a company.
    pub company_signed: Option<bool>,
    /// The customers.
    pub customers: Vec<LinkedCustomer>,
}

impl ContactLink {
    /// A path with the customers at its end.
    pub fn new(path: &domain::LinkPath, customers: &[LinkedView]) -> Self {
        let (state, company, company_signed) = match path {
            domain::LinkPath::Own => (LinkState::Linked, None, None),
            domain::LinkPath::Company { company, signed } => {
                let company = ID(company.to_string());
                (LinkState::Company, Some(company), Some(*signed))
            }
            domain::LinkPath::Unlinked => (LinkState::Unlinked, None, None),
        };
        Self {
            state,
            company,
            company_signed,
            customers: customers.iter().map(LinkedCustomer::from).collect(),
        }
    }
}
