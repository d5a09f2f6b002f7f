//! Links into the ledger's own web application, for people who may sign in there.

use std::sync::Arc;

use crate::domain::connection::{Connection, ProviderKind};
use crate::domain::document::{DocumentId, DocumentKind};
use crate::domain::ids::CustomerId;

/// Where people open the ledgers. No provider documents these addresses: they are what its own web
/// application uses, and may change.
#[derive(Clone, Debug)]
pub struct LedgerPages {
    quickbooks: Arc<str>,
}

impl LedgerPages {
    /// Pages below the address of QuickBooks' web application
    /// (`https://app.qbo.intuit.com/app`).
    pub fn new(quickbooks: &str) -> Self {
        Self {
            quickbooks: quickbooks.trim_end_matches('/').into(),
        }
    }

    /// A customer's page.
    pub fn customer(&self, connection: &Connection, customer: &CustomerId) -> Option<String> {
        match connection.provider {
            ProviderKind::QuickBooks => {
                self.quickbooks("customerdetail", "nameId", customer.as_str())
            }
            ProviderKind::Xero | ProviderKind::Sage | ProviderKind::Tryton => None,
        }
    }

    /// A document's page; `None` for kinds whose page is not known.
    pub fn document(&self, connection: &Connection, document: &DocumentId) -> Option<String> {
        match connection.provider {
            ProviderKind::QuickBooks => {
                let page = match document.kind {
                    DocumentKind::Invoice => "invoice",
                    DocumentKind::CreditNote => "creditmemo",
                    DocumentKind::Payment | DocumentKind::Overpayment => "recvpayment",
                    DocumentKind::CashSale => "salesreceipt",
                    DocumentKind::CashRefund => "refundreceipt",
                    DocumentKind::JournalEntry => "journal",
                    DocumentKind::Expense => "expense",
                    DocumentKind::Deposit => "deposit",
                    DocumentKind::Prepayment
                    | DocumentKind::Refund
                    | DocumentKind::OpeningBalance => return None,
                };
                // One entry may stand for several customers as `{entry}#{customer}`.
                let entry = document.ledger_id.split('#').next().unwrap_or_default();
                self.quickbooks(page, "txnId", entry)
            }
            ProviderKind::Xero | ProviderKind::Sage | ProviderKind::Tryton => None,
        }
    }

    fn quickbooks(&self, page: &str, parameter: &str, id: &str) -> Option<String> {
        let address = format!("{}/{page}", self.quickbooks);
        let url = url::Url::parse_with_params(&address, [(parameter, id)]).ok()?;
        Some(url.into())
    }
}
