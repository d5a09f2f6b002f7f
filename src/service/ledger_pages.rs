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
    xero: Arc<str>,
}

impl LedgerPages {
    /// Pages below the addresses of QuickBooks' (`https://app.qbo.intuit.com/app`) and Xero's
    /// (`https://go.xero.com`) web applications.
    pub fn new(quickbooks: &str, xero: &str) -> Self {
        Self {
            quickbooks: quickbooks.trim_end_matches('/').into(),
            xero: xero.trim_end_matches('/').into(),
        }
    }

    /// A customer's page.
    pub fn customer(&self, connection: &Connection, customer: &CustomerId) -> Option<String> {
        match connection.provider {
            ProviderKind::QuickBooks => {
                self.quickbooks("customerdetail", "nameId", customer.as_str())
            }
            ProviderKind::Xero => {
                self.xero(connection, &["contacts", "contact", customer.as_str()])
            }
            ProviderKind::Sage | ProviderKind::Tryton => None,
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
            ProviderKind::Xero => {
                let id = &*document.ledger_id;
                match document.kind {
                    DocumentKind::Invoice => self.xero(connection, &["invoicing", "view", id]),
                    // Xero names the suppliers' folder for sales notes too.
                    DocumentKind::CreditNote => self.xero_redirect(
                        connection,
                        &format!("/AccountsPayable/ViewCreditNote.aspx?creditNoteID={id}"),
                    ),
                    DocumentKind::Payment | DocumentKind::Refund => self.xero_redirect(
                        connection,
                        &format!("/Bank/ViewTransaction.aspx?bankTransactionID={id}"),
                    ),
                    _ => None,
                }
            }
            ProviderKind::Sage | ProviderKind::Tryton => None,
        }
    }

    /// A page of the newer kind, whose address holds the organization's short code.
    fn xero(&self, connection: &Connection, path: &[&str]) -> Option<String> {
        let mut url = url::Url::parse(&self.xero).ok()?;
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(["app", short_code(connection)?])
            .extend(path);
        Some(url.into())
    }

    /// A page of the older kind, reached through the sign-in of the organization.
    fn xero_redirect(&self, connection: &Connection, path: &str) -> Option<String> {
        let address = format!("{}/organisationlogin/default.aspx", self.xero);
        let parameters = [
            ("shortcode", short_code(connection)?),
            ("redirecturl", path),
        ];
        let url = url::Url::parse_with_params(&address, parameters).ok()?;
        Some(url.into())
    }

    fn quickbooks(&self, page: &str, parameter: &str, id: &str) -> Option<String> {
        let address = format!("{}/{page}", self.quickbooks);
        let url = url::Url::parse_with_params(&address, [(parameter, id)]).ok()?;
        Some(url.into())
    }
}

/// What Xero's addresses call the organization; `None` until it was read.
fn short_code(connection: &Connection) -> Option<&str> {
    connection.organization.as_ref()?.page_code.as_deref()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::books::Organization;
    use crate::domain::freshness::ConnectionState;
    use crate::domain::ids::{ConnectionId, TenantId};

    fn connection(page_code: Option<&str>) -> Connection {
        Connection {
            id: ConnectionId::from("acme-xero"),
            tenant: TenantId::from("acme"),
            provider: ProviderKind::Xero,
            account: None,
            grant: None,
            organization: Some(Organization {
                name: "Demo Company".into(),
                base_currency: "USD".parse().expect("a currency"),
                multicurrency: true,
                page_code: page_code.map(Into::into),
            }),
            time_zone: TimeZone::UTC,
            poll_interval: Duration::from_mins(30),
            state: ConnectionState::Active,
            state_reason: None,
            state_since: Timestamp::UNIX_EPOCH,
            version: 1,
        }
    }

    #[test]
    fn xeros_pages_hold_the_short_code() {
        let pages = LedgerPages::new("https://qbo.example", "https://go.example/");
        let known = connection(Some("!3T6Q-"));
        let page = |kind| pages.document(&known, &DocumentId::new(kind, "i1"));
        assert_eq!(
            pages.customer(&known, &CustomerId::from("c1")).as_deref(),
            Some("https://go.example/app/!3T6Q-/contacts/contact/c1")
        );
        assert_eq!(
            page(DocumentKind::Invoice).as_deref(),
            Some("https://go.example/app/!3T6Q-/invoicing/view/i1")
        );
        let note = page(DocumentKind::CreditNote).expect("a page");
        let note = url::Url::parse(&note).expect("an address");
        let parameters: Vec<_> = note.query_pairs().into_owned().collect();
        let expected = [
            ("shortcode", "!3T6Q-"),
            (
                "redirecturl",
                "/AccountsPayable/ViewCreditNote.aspx?creditNoteID=i1",
            ),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parameters, expected);
        assert!(page(DocumentKind::Refund).is_some_and(|page| page.contains("bankTransactionID")));
        assert_eq!(page(DocumentKind::Overpayment), None);
        let unread = connection(None);
        assert_eq!(pages.customer(&unread, &CustomerId::from("c1")), None);
    }
}
