//! Small books for the unit tests of the domain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::books::{Customer, CustomerBooks, ExchangeRate, Organization, PaymentTerms};
use super::credit::{CreditLimit, LimitOrigin};
use super::document::{
    Application, Document, DocumentId, DocumentKind, DocumentLine, DocumentState, Side,
};
use super::freshness::{ConnectionFreshness, ConnectionState, Dataset, DatasetFreshness};
use super::ids::{CustomerKey, ItemId};
use super::money::{Currency, Money};
use super::pulse::Family;

pub(super) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(super) fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

pub(super) fn usd(amount: &str) -> Money {
    Money::new(dec(amount), currency("USD"))
}

pub(super) fn eur(amount: &str) -> Money {
    Money::new(dec(amount), currency("EUR"))
}

fn document(kind: DocumentKind, id: &str, side: Side, issued_on: &str, total: &str) -> Document {
    Document {
        id: DocumentId::new(kind, id),
        customer: "1".into(),
        number: None,
        issued_on: day(issued_on),
        due_on: None,
        currency: currency("USD"),
        exchange_rate: None,
        total: dec(total),
        tax: Decimal::ZERO,
        side,
        state: DocumentState::Issued,
        lines: Vec::new(),
        ledger_open: None,
        changed_at: at("2026-01-01T00:00:00Z"),
    }
}

pub(super) fn invoice(id: &str, issued_on: &str, due_on: &str, total: &str) -> Document {
    Document {
        due_on: Some(day(due_on)),
        ..document(
            DocumentKind::Invoice,
            id,
            Side::Receivable,
            issued_on,
            total,
        )
    }
}

pub(super) fn payment(id: &str, received_on: &str, total: &str) -> Document {
    document(DocumentKind::Payment, id, Side::Credit, received_on, total)
}

pub(super) fn credit_note(id: &str, issued_on: &str, total: &str) -> Document {
    document(DocumentKind::CreditNote, id, Side::Credit, issued_on, total)
}

pub(super) fn cash_sale(id: &str, issued_on: &str, total: &str) -> Document {
    document(DocumentKind::CashSale, id, Side::Settled, issued_on, total)
}

pub(super) fn in_currency(code: &str, document: Document) -> Document {
    Document {
        currency: currency(code),
        ..document
    }
}

pub(super) fn line(item: Option<&str>, text: &str, quantity: &str, amount: &str) -> DocumentLine {
    DocumentLine {
        item: item.map(ItemId::from),
        description: text.into(),
        quantity: (!quantity.is_empty()).then(|| dec(quantity)),
        unit_price: None,
        amount: dec(amount),
    }
}

/// An application carried by its credit.
pub(super) fn apply(from: &Document, to: &Document, amount: &str, on: &str) -> Application {
    Application {
        carrier: from.id.clone(),
        from: from.id.clone(),
        to: to.id.clone(),
        amount: dec(amount),
        applied_on: day(on),
    }
}

pub(super) fn customer(id: &str) -> Customer {
    Customer {
        id: id.into(),
        name: format!("Customer {id}").into(),
        email: None,
        tax_number: None,
        parent: None,
        bill_with_parent: false,
        active: true,
        currency: currency("USD"),
        terms: None,
        ledger_balance: None,
        ledger_balance_with_children: None,
        credit_limit: None,
        changed_at: at("2026-01-01T00:00:00Z"),
    }
}

/// Customer 1 of the connection `books`.
pub(super) fn books(documents: &[Document], applications: &[Application]) -> CustomerBooks {
    books_of(customer("1"), documents, applications)
}

pub(super) fn books_of(
    customer: Customer,
    documents: &[Document],
    applications: &[Application],
) -> CustomerBooks {
    CustomerBooks {
        connection: "books".into(),
        customer,
        documents: documents.to_vec(),
        applications: applications.to_vec(),
    }
}

pub(super) fn with_terms(terms: PaymentTerms, books: CustomerBooks) -> CustomerBooks {
    CustomerBooks {
        customer: Customer {
            terms: Some(terms),
            ..books.customer
        },
        ..books
    }
}

pub(super) fn key(customer: &str) -> CustomerKey {
    CustomerKey::new("books", customer)
}

/// A family with fresh data and without limits, in UTC and US dollars.
pub(super) fn family(members: Vec<CustomerBooks>, checked_at: &str) -> Family {
    Family {
        organization: Arc::new(Organization {
            name: "Books Inc.".into(),
            base_currency: currency("USD"),
            multicurrency: true,
            page_code: None,
        }),
        time_zone: TimeZone::UTC,
        members: members.into_iter().map(Arc::new).collect(),
        limits: Vec::new(),
        items: Arc::new(HashMap::new()),
        rates: Vec::new(),
        freshness: Arc::new(read_at(checked_at)),
    }
}

/// A connection whose every dataset was read at one time, polled each 15 minutes.
pub(super) fn read_at(checked_at: &str) -> ConnectionFreshness {
    ConnectionFreshness {
        state: ConnectionState::Active,
        poll_interval: Duration::from_mins(15),
        first_load_running: false,
        datasets: Dataset::ALL
            .into_iter()
            .map(|dataset| DatasetFreshness {
                dataset,
                succeeded_at: Some(at(checked_at)),
                attempted_at: Some(at(checked_at)),
                loaded: 10,
                expected: None,
            })
            .collect(),
    }
}

/// A limit of customer 1, or the tenant's default.
pub(super) fn limit(
    customer: Option<CustomerKey>,
    limit: Money,
    valid_from: &str,
    valid_to: Option<&str>,
) -> CreditLimit {
    CreditLimit {
        origin: if customer.is_some() {
            LimitOrigin::Manual
        } else {
            LimitOrigin::TenantDefault
        },
        customer,
        limit,
        valid_from: day(valid_from),
        valid_to: valid_to.map(day),
        reason: "agreed".into(),
        actor: "finance".into(),
    }
}

pub(super) fn rate(from: &str, units: &str, dated: &str) -> ExchangeRate {
    ExchangeRate {
        from: currency(from),
        to: currency("USD"),
        rate: dec(units),
        dated: day(dated),
        source: "invoice 1".into(),
    }
}
