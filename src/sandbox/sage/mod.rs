//! Sage Accounting's wire format (v3.1), below `/sage`: the reading side.
//!
//! The books are kept as QuickBooks sees them. What they become here:
//!
//! | In the books | Here |
//! |---|---|
//! | customer, vendor | contact of the type `CUSTOMER`, `VENDOR`; a sub-customer is a contact of its own, since there is no tree |
//! | invoice, credit memo | sales invoice, sales credit note; voided they stay as they were, with the status `VOID` and nothing outstanding |
//! | payment | contact payment (`CUSTOMER_RECEIPT`): what its money settles is allocated at once, the rest is the payment on account |
//! | credits that a payment sets against debts | contact allocation; a payment of zero is nothing else |
//! | line of a journal entry on receivables | sales quick entry; one described as an opening balance is a contact opening balance |
//! | line of a deposit on receivables | `CUSTOMER_RECEIPT`, all on account |
//! | line of an expense on receivables | `CUSTOMER_REFUND`, of the credits that it is applied to |
//! | item | product, service or stock item (which is among the products too) |
//! | term of a customer | its credit days and terms |
//! | deleted document, voided payment | in the list of its kind with `deleted_since`, and nowhere else |
//!
//! What there is no word for is not shown: sales receipts and refund receipts (sales at the counter,
//! which are no receivable), the deposits that bring payments to the bank, lines of words only, and the
//! tree of customers. A payment that was entered with a rest and applied to more later is shown as if it
//! had been so at first, unless the books know that it came ahead of everything; then its applications
//! are an allocation. Nested attributes are opened for contacts only. There are no webhooks.
//!
//! `transactions` is the feed of all that is posted or was, deleted records among it.
//!
//! Ids are made of the record's place in the books ([`key`]). A contact's balance moves without its
//! `updated_at`. Terms that the books cannot say are set by the control endpoint.
//!
//! Reading one invoice or credit note without `mark_as_sent=false` marks it as sent, as documented; the
//! counter `marked_as_sent` of the company says how often that happened.

mod api;
mod business;
mod consent;
mod fault;
mod find;
mod key;
mod query;
mod record;
mod show;
mod split;
mod transactions;

use std::collections::BTreeMap;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jiff::Timestamp;
use serde::Deserialize;

use self::fault::Fault;
use self::key::Key;
use super::books::Id;
use super::format::Faults;
use super::found::Found;
use super::state::Shared;

pub(crate) use consent::RULES;
pub(crate) use key::{business_id, contact_id};

/// The routes, below `/sage`.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v3.1/{*path}", any(api::call))
        .merge(consent::routes())
}

/// What this wire format keeps of a company beside its books.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    found: Found<Key>,
    /// Terms of customers.
    pub(crate) terms: Terms,
    /// Why every call about the company is refused.
    pub(crate) refusal: Option<Refusal>,
    /// Whether no page says that there is a next one, as seen in the field; the total tells all the same.
    pub(crate) next_is_lost: bool,
}

/// Terms of customers that the books cannot say, as set by the control endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms(BTreeMap<Id, Term>);

impl Terms {
    fn of(&self, customer: Id) -> Option<&Term> {
        self.0.get(&customer)
    }

    /// Sets a customer's terms.
    pub(crate) fn set(&mut self, customer: Id, term: Term) {
        self.0.insert(customer, term);
    }
}

/// A customer's terms.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) days: Option<u32>,
    pub(crate) from: Option<CreditTerms>,
    /// When they were set, which changes the contact.
    pub(crate) set: Timestamp,
}

/// From when the credit days of a customer count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the words of the interface")]
pub(crate) enum CreditTerms {
    MonthEndInvoice,
    DateFromInvoice,
    ImmediateInvoice,
}

impl CreditTerms {
    fn code(self) -> &'static str {
        match self {
            Self::MonthEndInvoice => "month_end_invoice",
            Self::DateFromInvoice => "date_from_invoice",
            Self::ImmediateInvoice => "immediate_invoice",
        }
    }
}

/// Why every call about a company is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refusal {
    /// Its subscription has ended: 401, which no refresh cures.
    NoSubscription,
    /// The user's role has no rights: 403.
    Denied,
}

/// How this wire format words what goes wrong.
pub(crate) struct Words;

impl Faults for Words {
    fn unauthorized(&self, _now: Timestamp) -> Response {
        Fault::unauthorized().into_response()
    }

    fn throttled(&self, retry_after: Option<u64>, _now: Timestamp) -> Response {
        Fault::throttled(retry_after).into_response()
    }

    fn system(&self, _now: Timestamp) -> Response {
        Fault::system().into_response()
    }

    fn malformed(&self) -> Response {
        (
            [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
            "{\"$total\":3,\"$page\":1,\"$items\":[{\"id\":",
        )
            .into_response()
    }
}
