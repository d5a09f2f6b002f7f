//! Small ledgers for the tests.

use financial_pulse::domain::books::Customer;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::document::{
    Application, Document, DocumentId, DocumentKind, DocumentLine, DocumentState, Side,
};
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::{ConnectionId, CustomerId, CustomerKey, TenantId};
use financial_pulse::domain::records::{CustomerRecord, Deletion, DocumentRecord, Records};
use financial_pulse::store::{Applied, NewConnection, Store, SyncMarks, Tenant, TenantSettings};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

/// The tenant of most tests.
pub(crate) fn tenant_id() -> TenantId {
    TenantId::new("acme")
}

/// Its connection.
pub(crate) fn books_id() -> ConnectionId {
    ConnectionId::new("acme-books")
}

/// A customer of that connection.
pub(crate) fn key(customer: &str) -> CustomerKey {
    CustomerKey::new(books_id(), customer)
}

/// So many seconds into the test.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_000 + second).expect("a valid instant")
}

/// Writes a tenant.
pub(crate) async fn add_tenant(store: &Store, id: &str) -> TenantId {
    let id = TenantId::new(id);
    let tenant = Tenant {
        id: id.clone(),
        name: "Acme".into(),
        frame_ancestors: Vec::new(),
        settings: TenantSettings::default(),
        version: 0,
    };
    store
        .put_tenant(&tenant, "operator", at(0))
        .await
        .expect("the tenant is written");
    id
}

/// Writes a connection of a tenant.
pub(crate) async fn add_connection(store: &Store, tenant: &TenantId, id: &str) -> ConnectionId {
    let id = ConnectionId::new(id);
    let new = NewConnection {
        id: id.clone(),
        tenant: tenant.clone(),
        provider: ProviderKind::QuickBooks,
        time_zone: TimeZone::get("America/New_York").expect("a known zone"),
        poll_interval: std::time::Duration::from_mins(15),
        account: None,
    };
    store
        .add_connection(&new, "operator", at(0))
        .await
        .expect("the connection is written");
    id
}

/// The tenant and connection of most tests.
pub(crate) async fn with_books(store: &Store) {
    let tenant = add_tenant(store, tenant_id().as_str()).await;
    add_connection(store, &tenant, books_id().as_str()).await;
}

/// Applies records without any mark.
pub(crate) async fn apply(store: &Store, records: &Records) -> Applied {
    store
        .apply(&books_id(), records, &SyncMarks::default(), at(1000))
        .await
        .expect("the records are applied")
}

/// The ids in what was applied.
pub(crate) fn names(applied: &Applied) -> Vec<&str> {
    applied.customers.iter().map(CustomerId::as_str).collect()
}

/// A customer.
pub(crate) fn customer(id: &str) -> CustomerRecord {
    CustomerRecord {
        customer: Customer {
            id: id.into(),
            name: format!("Customer {id}").into(),
            email: None,
            tax_number: None,
            parent: None,
            bill_with_parent: false,
            active: true,
            currency: "USD".parse().expect("a currency"),
            terms: None,
            ledger_balance: None,
            ledger_balance_with_children: None,
            credit_limit: None,
            changed_at: at(1),
        },
        terms_id: None,
    }
}

/// Customers only.
pub(crate) fn customers(ids: &[&str]) -> Records {
    Records {
        customers: ids.iter().map(|id| customer(id)).collect(),
        ..Records::default()
    }
}

/// A document that counts, of one line.
pub(crate) fn document(kind: DocumentKind, id: &str, customer: &str, total: Decimal) -> Document {
    let side = match kind {
        DocumentKind::Invoice => Side::Receivable,
        _ => Side::Credit,
    };
    Document {
        id: DocumentId::new(kind, id),
        customer: customer.into(),
        number: Some(format!("No. {id}").into()),
        issued_on: date(2026, 3, 1),
        due_on: Some(date(2026, 3, 31)),
        currency: "USD".parse().expect("a currency"),
        exchange_rate: None,
        total,
        tax: Decimal::new(19, 2),
        side,
        state: DocumentState::Issued,
        lines: vec![DocumentLine {
            item: Some("7".into()),
            description: "Fence \"tall\"".into(),
            quantity: Some(Decimal::new(15, 1)),
            unit_price: Some(Decimal::new(123_456_789, 7)),
            amount: total,
        }],
        ledger_open: None,
        changed_at: at(10),
    }
}

/// An invoice's record.
pub(crate) fn invoice(id: &str, customer: &str, total: i64) -> DocumentRecord {
    record(
        Dataset::Invoices,
        document(DocumentKind::Invoice, id, customer, Decimal::new(total, 2)),
        Vec::new(),
    )
}

/// A payment's record, applied in full to an invoice.
pub(crate) fn payment(id: &str, customer: &str, total: i64, invoice: &str) -> DocumentRecord {
    let total = Decimal::new(total, 2);
    let document = document(DocumentKind::Payment, id, customer, total);
    let application = Application {
        carrier: document.id.clone(),
        from: document.id.clone(),
        to: DocumentId::new(DocumentKind::Invoice, invoice),
        amount: total,
        applied_on: date(2026, 3, 15),
    };
    record(Dataset::Payments, document, vec![application])
}

fn record(dataset: Dataset, document: Document, applications: Vec<Application>) -> DocumentRecord {
    DocumentRecord {
        dataset,
        ledger_id: document.id.ledger_id.to_string(),
        changed_at: document.changed_at,
        documents: vec![document],
        applications,
    }
}

/// The same record as the ledger would give it after a change at a time.
pub(crate) fn changed(mut record: DocumentRecord, at: Timestamp) -> DocumentRecord {
    record.changed_at = at;
    for document in &mut record.documents {
        document.changed_at = at;
    }
    record
}

/// Records that yield documents only.
pub(crate) fn documents(records: impl IntoIterator<Item = DocumentRecord>) -> Records {
    Records {
        documents: records.into_iter().collect(),
        ..Records::default()
    }
}

/// One deletion only.
pub(crate) fn deletion(dataset: Dataset, id: &str) -> Records {
    Records {
        deletions: vec![Deletion {
            dataset,
            ledger_id: id.to_owned(),
        }],
        ..Records::default()
    }
}
