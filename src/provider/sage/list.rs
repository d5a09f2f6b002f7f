//! The lists that are read: where they are, what is asked of them, and which of them make a dataset.

use std::slice::from_ref;

use jiff::{SignedDuration, Timestamp};

use crate::domain::freshness::Dataset;
use crate::provider::{ProviderError, ProviderResult};

/// What the rows of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Item,
    Contact,
    OpeningBalance,
    Invoice,
    CreditNote,
    QuickEntry,
    Payment,
    Allocation,
}

/// One list of the API.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) path: &'static str,
    pub(super) shape: Shape,
    /// What is asked of each row: by itself it has an id only.
    pub(super) attributes: &'static str,
    /// What always limits the list.
    pub(super) filters: &'static [(&'static str, &'static str)],
    /// Whether it can be read in the order of change.
    pub(super) ordered: bool,
    /// Whether its deleted rows are asked for. Items that are gone stay: old documents name them.
    pub(super) deletions: bool,
}

static CONTACTS: Endpoint = Endpoint {
    path: "contacts",
    shape: Shape::Contact,
    attributes: CONTACT_ATTRIBUTES,
    filters: &[("contact_type_id", "CUSTOMER"), ("show_balance", "true")],
    ordered: false,
    deletions: true,
};

/// What is asked of a contact, in a list and alone.
pub(super) const CONTACT_ATTRIBUTES: &str = "updated_at,deleted_at,contact_types,name,email,\
tax_number,balance,credit_limit,credit_days,credit_terms,currency,is_active";

/// What is asked of a posting.
pub(super) const POSTING_ATTRIBUTES: &str = "updated_at,contact,transaction_type";

/// `/products` holds the stock items too, under the same ids.
static ITEMS: [Endpoint; 2] = [
    Endpoint {
        path: "products",
        shape: Shape::Item,
        attributes: "updated_at,item_code,description",
        filters: &[],
        ordered: false,
        deletions: false,
    },
    Endpoint {
        path: "services",
        shape: Shape::Item,
        attributes: "updated_at,item_code,description",
        filters: &[],
        ordered: false,
        deletions: false,
    },
];

static OPENING_BALANCES: Endpoint = Endpoint {
    path: "contact_opening_balances",
    shape: Shape::OpeningBalance,
    attributes: "updated_at,deleted_at,contact_opening_balance_type,contact,date,reference,tax_amount,\
total_amount,currency,exchange_rate,base_currency_total_amount",
    filters: &[("contact_type_id", "CUSTOMER")],
    ordered: false,
    deletions: true,
};

static INVOICES: Endpoint = Endpoint {
    path: "sales_invoices",
    shape: Shape::Invoice,
    attributes: "updated_at,deleted_at,contact,invoice_number,date,due_date,status,\
shipping_net_amount,tax_amount,total_amount,outstanding_amount,currency,exchange_rate,\
inverse_exchange_rate,base_currency_total_amount,invoice_lines",
    filters: &[],
    ordered: true,
    deletions: true,
};

static CREDIT_NOTES: Endpoint = Endpoint {
    path: "sales_credit_notes",
    shape: Shape::CreditNote,
    attributes: "updated_at,deleted_at,contact,credit_note_number,date,status,shipping_net_amount,\
tax_amount,total_amount,outstanding_amount,currency,exchange_rate,inverse_exchange_rate,\
base_currency_total_amount,credit_note_lines",
    filters: &[],
    ordered: true,
    deletions: true,
};

static QUICK_ENTRIES: Endpoint = Endpoint {
    path: "sales_quick_entries",
    shape: Shape::QuickEntry,
    attributes: "updated_at,deleted_at,quick_entry_type,contact,date,due_date,reference,details,\
status,net_amount,tax_amount,total_amount,outstanding_amount,currency,exchange_rate,\
inverse_exchange_rate,base_currency_total_amount",
    filters: &[],
    ordered: true,
    deletions: true,
};

const PAYMENT_ATTRIBUTES: &str = "updated_at,deleted_at,transaction_type,contact,date,reference,\
total_amount,currency,exchange_rate,base_currency_total_amount,allocated_artefacts,\
payment_on_account";

/// The list holds the payments to vendors too, so each type is asked for by itself. What is deleted is
/// asked for once: it has no type.
static PAYMENTS: [Endpoint; 2] = [
    Endpoint {
        path: "contact_payments",
        shape: Shape::Payment,
        attributes: PAYMENT_ATTRIBUTES,
        filters: &[("transaction_type_id", "CUSTOMER_RECEIPT")],
        ordered: true,
        deletions: true,
    },
    Endpoint {
        path: "contact_payments",
        shape: Shape::Payment,
        attributes: PAYMENT_ATTRIBUTES,
        filters: &[("transaction_type_id", "CUSTOMER_REFUND")],
        ordered: true,
        deletions: false,
    },
];

static ALLOCATIONS: Endpoint = Endpoint {
    path: "contact_allocations",
    shape: Shape::Allocation,
    attributes: "updated_at,deleted_at,transaction_type,date,allocated_artefacts",
    filters: &[("transaction_type_id", "CUSTOMER_ALLOCATION")],
    ordered: true,
    deletions: true,
};

/// The lists of a dataset.
///
/// # Errors
/// [`ProviderError::Unsupported`] for a dataset of other ledgers.
fn endpoints(dataset: Dataset) -> ProviderResult<&'static [Endpoint]> {
    Ok(match dataset {
        Dataset::Items => &ITEMS,
        Dataset::Customers => from_ref(&CONTACTS),
        Dataset::OpeningBalances => from_ref(&OPENING_BALANCES),
        Dataset::Invoices => from_ref(&INVOICES),
        Dataset::CreditNotes => from_ref(&CREDIT_NOTES),
        Dataset::QuickEntries => from_ref(&QUICK_ENTRIES),
        Dataset::Payments => &PAYMENTS,
        Dataset::Allocations => from_ref(&ALLOCATIONS),
        _ => return Err(ProviderError::Unsupported { dataset }),
    })
}

/// What a part of a read asks of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// The rows, those changed at or after a time or all of them.
    Rows(Option<Timestamp>),
    /// The rows that changed since the part before this one began: in a list without an order they may
    /// have moved from its unread pages to those already read. Left out where it had one page.
    Meanwhile,
    /// The rows of one contact.
    OfContact(String),
    /// The rows deleted at or after a time.
    Deleted(Timestamp),
    /// The contacts whose balance moved at or after a time, by the postings. The last part but one of
    /// its read: where there are too many, the next part reads all contacts.
    Moved(Timestamp),
}

/// One part of a read: the parts of a dataset are read one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) endpoint: &'static Endpoint,
    pub(super) ask: Ask,
}

/// The parts of a dataset's read, from its start or from a time of change on.
///
/// # Errors
/// [`ProviderError::Unsupported`] for a dataset of other ledgers.
pub(super) fn parts(dataset: Dataset, since: Option<Timestamp>) -> ProviderResult<Vec<Part>> {
    let endpoints = endpoints(dataset)?;
    let part = |endpoint, ask| Part { endpoint, ask };
    let mut parts = Vec::new();
    for endpoint in endpoints {
        parts.push(part(endpoint, Ask::Rows(since)));
        if since.is_none() && !endpoint.ordered {
            parts.push(part(endpoint, Ask::Meanwhile));
        }
    }
    if let Some(since) = since {
        let deletions = endpoints.iter().filter(|endpoint| endpoint.deletions);
        parts.extend(deletions.map(|endpoint| part(endpoint, Ask::Deleted(since))));
        if dataset == Dataset::Customers {
            parts.push(part(&CONTACTS, Ask::Moved(since)));
            parts.push(part(&CONTACTS, Ask::Rows(None)));
        }
    }
    Ok(parts)
}

/// The parts that read one contact's documents.
pub(super) fn documents_of(contact: &str) -> Vec<(Dataset, Part)> {
    [
        (Dataset::OpeningBalances, &OPENING_BALANCES),
        (Dataset::Invoices, &INVOICES),
        (Dataset::CreditNotes, &CREDIT_NOTES),
        (Dataset::QuickEntries, &QUICK_ENTRIES),
        (Dataset::Payments, &PAYMENTS[0]),
        (Dataset::Payments, &PAYMENTS[1]),
        (Dataset::Allocations, &ALLOCATIONS),
    ]
    .into_iter()
    .map(|(dataset, endpoint)| {
        let ask = Ask::OfContact(contact.to_owned());
        (dataset, Part { endpoint, ask })
    })
    .collect()
}

impl Part {
    /// Whether it is read in the order of change.
    pub(super) fn is_ordered(&self) -> bool {
        self.endpoint.ordered && !matches!(self.ask, Ask::Deleted(_))
    }

    /// From when on it is limited to changes, before any page moves that time on.
    pub(super) fn since(&self) -> Option<String> {
        match self.ask {
            Ask::Rows(since) => since.map(instant),
            _ => None,
        }
    }

    /// What is asked, without the page: `time` is the time of change from which on.
    pub(super) fn query(&self, time: Option<&str>) -> Vec<(&'static str, String)> {
        let own = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        let mut query = Vec::new();
        match &self.ask {
            // A deleted row may have lost what it could be selected by.
            Ask::Deleted(since) => {
                // The bound itself is left out.
                let before = since.saturating_sub(SignedDuration::from_secs(1));
                query.push(("attributes", "deleted_at".to_owned()));
                query.push(("deleted_since", instant(before.unwrap_or(*since))));
            }
            Ask::Rows(_) | Ask::Meanwhile | Ask::OfContact(_) | Ask::Moved(_) => {
                query.extend(self.endpoint.filters.iter().map(own));
                query.push(("attributes", self.endpoint.attributes.to_owned()));
            }
        }
        if let Ask::OfContact(contact) = &self.ask {
            query.push(("contact_id", contact.clone()));
        }
        if let Some(time) = time {
            query.push(("updated_or_created_since", time.to_owned()));
        }
        if self.is_ordered() {
            query.push(("sort", "updated_at:asc".to_owned()));
        }
        query
    }
}

/// An instant as Sage takes it: UTC, whole seconds, rounded down.
pub(super) fn instant(at: Timestamp) -> String {
    let whole = Timestamp::from_second(at.as_millisecond().div_euclid(1000)).unwrap_or(at);
    whole.to_string()
}
