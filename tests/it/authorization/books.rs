//! Books in which every text bears a mark and every amount is a multiple of one step, so that it
//! shows whose they are, wherever they turn up.

use std::time::Duration;

use financial_pulse::clock::Clock as _;
use financial_pulse::domain::books::{Customer, Organization, PaymentTerms};
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::contact::{Link, LinkOrigin};
use financial_pulse::domain::credit::{CreditLimit, LimitOrigin};
use financial_pulse::domain::document::{
    Application, Document, DocumentId, DocumentKind, DocumentLine, DocumentState, Side,
};
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::{ConnectionId, ContactId, CustomerKey};
use financial_pulse::domain::money::Money;
use financial_pulse::domain::records::{CustomerRecord, DocumentRecord, ItemRecord, Records};
use financial_pulse::store::{NewConnection, SyncMarks};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::place::{Place, noon};

/// A tenant's books.
#[derive(Clone, Debug)]
pub(super) struct Books {
    pub(super) tenant: String,
    pub(super) connection: String,
    /// Stands in every text of theirs, in small letters in addresses.
    pub(super) mark: String,
    /// Every amount is a multiple of it.
    pub(super) step: Decimal,
}

impl Books {
    /// Connects them.
    pub(super) async fn connect(&self, place: &Place) {
        let now = place.clock.now();
        let id = ConnectionId::from(self.connection.as_str());
        let connection = NewConnection {
            id: id.clone(),
            tenant: self.tenant.as_str().into(),
            provider: ProviderKind::QuickBooks,
            time_zone: TimeZone::get("America/Los_Angeles").expect("a zone"),
            poll_interval: Duration::from_mins(15),
            account: None,
        };
        let store = &place.store;
        let added = store.add_connection(&connection, "test", now).await;
        added.expect("added");
        let account = format!("account of {id}");
        let consent = store.set_connection_account(&id, &account, None, "test", now);
        consent.await.expect("consented");
        let organization = Organization {
            name: format!("{} Inc", self.mark).into(),
            base_currency: currency("USD"),
            multicurrency: true,
            page_code: None,
        };
        let set = store.set_organization(&id, &organization, now).await;
        set.expect("set");
    }

    /// Stores records as a poll does that read everything to its end.
    pub(super) async fn read(&self, place: &Place, records: &Records) {
        let now = place.clock.now();
        let datasets = ProviderKind::QuickBooks.datasets();
        let marks = SyncMarks {
            attempted: datasets.to_vec(),
            succeeded: datasets.iter().map(|dataset| (*dataset, now)).collect(),
            watermark: Some(now),
            first_load_started: Some(now),
            ..SyncMarks::default()
        };
        self.apply(place, records, &marks).await;
    }

    /// Stores records as the first page of a first load.
    pub(super) async fn begin(&self, place: &Place, records: &Records) {
        let marks = SyncMarks {
            attempted: vec![Dataset::Customers],
            loaded: ProviderKind::QuickBooks
                .datasets()
                .iter()
                .map(|dataset| (*dataset, 1, Some(9)))
                .collect(),
            first_load_started: Some(place.clock.now()),
            ..SyncMarks::default()
        };
        self.apply(place, records, &marks).await;
    }

    async fn apply(&self, place: &Place, records: &Records, marks: &SyncMarks) {
        let id = self.connection.as_str().into();
        let now = place.clock.now();
        let applied = place.store.apply(&id, records, marks, now).await;
        applied.expect("applied");
    }

    /// So many steps.
    pub(super) fn amount(&self, steps: i64) -> Decimal {
        self.step * Decimal::from(steps)
    }

    pub(super) fn key(&self, customer: &str) -> CustomerKey {
        CustomerKey::new(self.connection.as_str(), customer)
    }

    pub(super) async fn link(&self, place: &Place, contact: &str, customer: &str) {
        let link = Link {
            contact: ContactId::parse(contact).expect("an id"),
            customer: self.key(customer),
            origin: LinkOrigin::Import,
            actor: "test".into(),
            linked_at: place.clock.now(),
        };
        let tenant = self.tenant.as_str().into();
        let added = place.store.add_link(&tenant, &link, None).await;
        added.expect("linked");
    }

    /// Sets a customer's limit from the year's first day on.
    pub(super) async fn limit(&self, place: &Place, customer: &str, steps: i64, to: &str) {
        let limit = CreditLimit {
            customer: Some(self.key(customer)),
            limit: Money::new(self.amount(steps), currency("USD")),
            origin: LimitOrigin::Manual,
            valid_from: day("2026-01-01"),
            valid_to: Some(day(to)),
            reason: format!("{} said so", self.mark).into(),
            actor: "test".into(),
        };
        let tenant = self.tenant.as_str().into();
        let set = place.store.set_limit(&tenant, &limit, place.clock.now());
        set.await.expect("set");
    }

    pub(super) fn item(&self) -> ItemRecord {
        ItemRecord {
            id: "7".into(),
            name: format!("{} rye", self.mark).into(),
        }
    }

    pub(super) fn customer(&self, id: &str, parent: Option<&str>) -> CustomerRecord {
        CustomerRecord {
            customer: Customer {
                id: id.into(),
                name: format!("{} Bakery {id}", self.mark).into(),
                email: Some(format!("{}-{id}@mail.example", self.mark.to_lowercase()).into()),
                tax_number: Some(format!("{}{id}", self.mark.to_uppercase()).into()),
                parent: parent.map(Into::into),
                bill_with_parent: false,
                active: true,
                currency: currency(if parent.is_some() { "EUR" } else { "USD" }),
                terms: Some(PaymentTerms::Days(30)),
                ledger_balance: None,
                ledger_balance_with_children: None,
                credit_limit: None,
                changed_at: noon(),
            },
            terms_id: None,
        }
    }

    /// A customer of whom the ledger states a balance.
    pub(super) fn customer_owing(&self, id: &str, steps: i64) -> CustomerRecord {
        let mut record = self.customer(id, None);
        record.customer.ledger_balance = Some(self.amount(steps));
        record
    }

    fn document(
        &self,
        kind: DocumentKind,
        id: &str,
        customer: &str,
        on: &str,
        steps: i64,
    ) -> Document {
        let line = DocumentLine {
            item: Some("7".into()),
            description: format!("{} flour", self.mark).into(),
            quantity: Some(Decimal::TWO),
            unit_price: Some(self.amount(steps)),
            amount: self.amount(2 * steps),
        };
        let sells = matches!(kind, DocumentKind::Invoice | DocumentKind::CreditNote);
        Document {
            id: DocumentId::new(kind, id),
            customer: customer.into(),
            number: Some(format!("{}-{id}", self.mark).into()),
            issued_on: day(on),
            due_on: None,
            currency: currency("USD"),
            exchange_rate: None,
            total: self.amount(2 * steps),
            tax: Decimal::ZERO,
            side: match kind {
                DocumentKind::Invoice => Side::Receivable,
                _ => Side::Credit,
            },
            state: DocumentState::Issued,
            lines: if sells { vec![line] } else { Vec::new() },
            ledger_open: None,
            changed_at: noon(),
        }
    }

    /// An invoice over twice so many steps, due after 30 days.
    pub(super) fn invoice(&self, id: &str, customer: &str, on: &str, steps: i64) -> DocumentRecord {
        let mut invoice = self.document(DocumentKind::Invoice, id, customer, on, steps);
        invoice.due_on = Some(later(on, 30));
        record(Dataset::Invoices, invoice, Vec::new())
    }

    /// The same in euros, at two dollars each.
    pub(super) fn euro_invoice(
        &self,
        id: &str,
        customer: &str,
        on: &str,
        steps: i64,
    ) -> DocumentRecord {
        let mut record = self.invoice(id, customer, on, steps);
        record.documents[0].currency = currency("EUR");
        record.documents[0].exchange_rate = Some(Decimal::TWO);
        record
    }

    /// A payment over twice so many steps, of which it settles so much of an invoice.
    pub(super) fn payment(
        &self,
        id: &str,
        customer: &str,
        on: Date,
        steps: i64,
        settles: Option<(&str, i64)>,
    ) -> DocumentRecord {
        let on = on.to_string();
        let payment = self.document(DocumentKind::Payment, id, customer, &on, steps);
        let applied = self.applied(&payment, settles);
        record(Dataset::Payments, payment, applied)
    }

    /// The same as a credit note.
    pub(super) fn credit_note(
        &self,
        id: &str,
        customer: &str,
        on: &str,
        steps: i64,
        settles: Option<(&str, i64)>,
    ) -> DocumentRecord {
        let note = self.document(DocumentKind::CreditNote, id, customer, on, steps);
        let applied = self.applied(&note, settles);
        record(Dataset::CreditNotes, note, applied)
    }

    fn applied(&self, from: &Document, settles: Option<(&str, i64)>) -> Vec<Application> {
        let application = |(invoice, steps): (&str, i64)| Application {
            carrier: from.id.clone(),
            from: from.id.clone(),
            to: DocumentId::new(DocumentKind::Invoice, invoice),
            amount: self.amount(steps),
            applied_on: from.issued_on,
        };
        settles.map(application).into_iter().collect()
    }

    /// A customer 1 of whom everything can be said that the schema has words for: paid late every
    /// month, something overdue, something open, credit left, a customer below it with euros, a
    /// figure of the ledger's that differs, most of a limit used that ends soon. And a customer 3
    /// whose limit has ended, and a customer 4 with nothing.
    pub(super) async fn fill(&self, place: &Place) {
        let mut documents = Vec::new();
        for (month, steps) in [
            "2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02",
        ]
        .into_iter()
        .zip([307, 311, 313, 317, 331, 337])
        {
            let (id, on) = (format!("1{month}"), format!("{month}-05"));
            let paid_on = later(&on, 70);
            documents.push(self.invoice(&id, "1", &on, steps));
            documents.push(self.payment(
                &format!("2{month}"),
                "1",
                paid_on,
                steps,
                Some((&id, 2 * steps)),
            ));
        }
        documents.extend([
            self.invoice("31", "1", "2026-03-05", 401),
            self.invoice("32", "1", "2026-04-05", 503),
            self.euro_invoice("33", "2", "2026-04-10", 211),
            self.credit_note("34", "1", "2026-04-01", 53, Some(("31", 29))),
            self.payment("35", "1", day("2026-04-20"), 37, None),
            self.invoice("36", "3", "2026-04-20", 71),
        ]);
        let records = Records {
            items: vec![self.item()],
            customers: vec![
                self.customer_owing("1", 1_543),
                self.customer("2", Some("1")),
                self.customer("3", None),
                self.customer("4", None),
            ],
            documents,
            ..Records::default()
        };
        self.read(place, &records).await;
        self.limit(place, "1", 2_731, "2026-05-20").await;
        self.limit(place, "3", 999, "2026-04-30").await;
    }
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

pub(super) fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

fn later(on: &str, days: i64) -> Date {
    day(on)
        .checked_add(jiff::Span::new().days(days))
        .expect("a day")
}

pub(super) fn currency(code: &str) -> financial_pulse::domain::money::Currency {
    code.parse().expect("a code")
}
