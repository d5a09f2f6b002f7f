//! Reading the mirror.

use std::collections::HashSet;

use financial_pulse::domain::books::Organization;
use financial_pulse::domain::document::DocumentState;
use financial_pulse::domain::freshness::{ConnectionState, Dataset};
use financial_pulse::domain::ids::{ConnectionId, CustomerId, ItemId};
use financial_pulse::domain::records::{AccountRecord, ItemRecord, Records};
use financial_pulse::store::SyncMarks;
use jiff::civil::date;
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;

use super::records::{
    add_connection, add_tenant, apply, at, books_id, changed, customer, customers, deletion,
    documents, invoice, key, payment, tenant_id, with_books,
};
use crate::support::databases::for_each_database;

fn ids(ids: &[&str]) -> Vec<CustomerId> {
    ids.iter().copied().map(CustomerId::from).collect()
}

#[tokio::test]
async fn applications_of_another_customers_payment_are_in_the_books() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        apply(store, &customers(&["5", "6"])).await;
        let records = [invoice("1", "5", 10_000), payment("2", "6", 4_000, "1")];
        apply(store, &documents(records.clone())).await;

        let books = store.books(&books_id(), &ids(&["6", "5"])).await.unwrap();
        assert_eq!(books.len(), 2);
        // In the order asked for; the application stands in both.
        assert_eq!(books[0].customer.id, "6".into());
        assert_eq!(books[0].documents, records[1].documents);
        assert_eq!(books[0].applications, records[1].applications);
        assert_eq!(books[1].documents, records[0].documents);
        assert_eq!(books[1].applications, records[1].applications);
    })
    .await;
}

#[tokio::test]
async fn an_application_within_one_customer_stands_once() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        apply(store, &customers(&["5"])).await;
        let mut twice = payment("2", "5", 4_000, "1");
        // The same invoice settled twice by one payment: both count.
        twice.applications.push(twice.applications[0].clone());
        apply(store, &documents([invoice("1", "5", 10_000), twice])).await;
        let books = &store.books(&books_id(), &ids(&["5"])).await.unwrap()[0];
        assert_eq!(books.applications.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn documents_come_newest_first() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        apply(store, &customers(&["5"])).await;
        let dated = |id: &str, day| {
            let mut record = invoice(id, "5", 100);
            record.documents[0].issued_on = day;
            record
        };
        apply(
            store,
            &documents([
                dated("1", date(2026, 1, 31)),
                dated("3", date(2026, 2, 1)),
                dated("2", date(2026, 2, 1)),
                payment("9", "5", 100, "1"),
            ]),
        )
        .await;
        let books = &store.books(&books_id(), &ids(&["5"])).await.unwrap()[0];
        let order: Vec<_> = books
            .documents
            .iter()
            .map(|document| document.id.to_string())
            .collect();
        assert_eq!(order, ["payment:9", "invoice:3", "invoice:2", "invoice:1"]);
    })
    .await;
}

#[tokio::test]
async fn unknown_customers_are_left_out() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        apply(store, &customers(&["5"])).await;
        // Its documents came before the customer did.
        apply(store, &documents([invoice("1", "8", 100)])).await;
        let books = store
            .books(&books_id(), &ids(&["8", "5", "9"]))
            .await
            .unwrap();
        assert_eq!(books.len(), 1);
        let elsewhere = ConnectionId::new("other");
        assert_eq!(store.books(&elsewhere, &ids(&["5"])).await.unwrap(), []);
        assert_eq!(store.family(&key("9")).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_family_is_the_customer_and_all_below_it() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let under = |id: &str, parent: &str| {
            let mut record = customer(id);
            record.customer.parent = Some(parent.into());
            record
        };
        let records = Records {
            customers: vec![
                customer("1"),
                under("12", "1"),
                under("11", "1"),
                under("111", "11"),
                customer("2"),
                // A circle, and one that is its own parent: no ledger should have them.
                under("31", "32"),
                under("32", "31"),
                under("41", "41"),
            ],
            ..Records::default()
        };
        apply(store, &records).await;
        let family = async |root: &str| store.family(&key(root)).await.unwrap();
        assert_eq!(family("1").await, ids(&["1", "11", "111", "12"]));
        assert_eq!(family("11").await, ids(&["11", "111"]));
        assert_eq!(family("2").await, ids(&["2"]));
        assert_eq!(family("32").await, ids(&["32", "31"]));
        assert_eq!(family("41").await, ids(&["41"]));
    })
    .await;
}

#[tokio::test]
async fn customers_are_found_by_what_is_typed() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let named = |id: &str, name: &str| {
            let mut record = customer(id);
            record.customer.name = name.into();
            record
        };
        let mut mailed = named("1", "Öl & Gas 100%");
        mailed.customer.email = Some("info@oel.example".into());
        let mut asleep = named("2", "Acme");
        asleep.customer.active = false;
        let records = Records {
            customers: vec![
                mailed,
                asleep,
                named("3", "Acme South"),
                named("4", "The Acme"),
                named("5", "100_"),
            ],
            ..Records::default()
        };
        apply(store, &records).await;
        let other = add_tenant(store, "other").await;
        let found = async |text: &str| -> Vec<String> {
            let found = store
                .search_customers(&tenant_id(), text, 10)
                .await
                .unwrap();
            assert!(
                found
                    .iter()
                    .all(|(connection, _)| *connection == books_id())
            );
            found
                .into_iter()
                .map(|(_, customer)| customer.id.to_string())
                .collect()
        };
        // Those that begin with it, active ones first; then those that contain it.
        assert_eq!(found("acme").await, ["3", "2", "4"]);
        assert_eq!(found(" ÖL ").await, ["1"]);
        assert_eq!(found("OEL.example").await, ["1"]);
        // Signs that mean something to LIKE mean themselves.
        assert_eq!(found("100%").await, ["1"]);
        assert_eq!(found("100_").await, ["5"]);
        assert_eq!(found("!").await, [""; 0]);
        assert_eq!(found("4").await, ["4"]);
        assert_eq!(
            store.search_customers(&other, "acme", 10).await.unwrap(),
            []
        );
        assert_eq!(
            store
                .search_customers(&tenant_id(), "acme", 2)
                .await
                .unwrap()
                .len(),
            2
        );
    })
    .await;
}

#[tokio::test]
async fn a_match_by_email_or_tax_number_stays_within_the_tenant() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let reachable = |id: &str| {
            let mut record = customer(id);
            record.customer.email = Some("a@example.com".into());
            record.customer.tax_number = Some("DE1".into());
            record
        };
        let mut asleep = reachable("7");
        asleep.customer.active = false;
        let records = Records {
            customers: vec![reachable("5"), asleep, customer("6")],
            ..Records::default()
        };
        apply(store, &records).await;
        let other = add_tenant(store, "other").await;
        let theirs = add_connection(store, &other, "other-books").await;
        store
            .apply(&theirs, &records, &SyncMarks::default(), at(1))
            .await
            .unwrap();

        let acme = tenant_id();
        let by_email = store.customers_by_email(&acme, "a@example.com");
        assert_eq!(by_email.await.unwrap(), [key("5")]);
        let by_number = store.customers_by_tax_number(&acme, "DE1");
        assert_eq!(by_number.await.unwrap(), [key("5")]);
        assert_eq!(
            store
                .customers_by_email(&other, "a@example.com")
                .await
                .unwrap()
                .len(),
            1
        );
        // What is revoked is not offered any more.
        store
            .set_connection_state(&theirs, ConnectionState::Revoked, None, at(2))
            .await
            .unwrap();
        assert_eq!(
            store
                .customers_by_email(&other, "a@example.com")
                .await
                .unwrap(),
            []
        );
        assert_eq!(store.search_customers(&other, "", 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn reference_data_is_kept_renamed_and_removed() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let account = |id: &str, receivables| AccountRecord {
            ledger_id: id.to_owned(),
            receivables,
        };
        let item = |name: &str| ItemRecord {
            id: "7".into(),
            name: name.into(),
        };
        let records = Records {
            accounts: vec![
                account("84", true),
                account("85", false),
                account("86", true),
            ],
            items: vec![item("Fence")],
            ..Records::default()
        };
        assert_eq!(apply(store, &records).await.written, 4);
        assert_eq!(apply(store, &records).await.unchanged, 4);
        let receivables = store.reference(&books_id()).await.unwrap();
        assert_eq!(
            receivables,
            HashSet::from(["84".to_owned(), "86".to_owned()])
        );

        let records = Records {
            accounts: vec![account("86", false)],
            items: vec![item("Tall fence")],
            ..deletion(Dataset::Accounts, "84")
        };
        assert_eq!(apply(store, &records).await.written, 3);
        assert!(store.reference(&books_id()).await.unwrap().is_empty());
        let items = store.items(&books_id()).await.unwrap();
        assert_eq!(&*items[&ItemId::new("7")], "Tall fence");
        apply(store, &deletion(Dataset::Items, "7")).await;
        assert!(store.items(&books_id()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_newest_issued_document_of_a_currency_gives_its_rate() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let foreign = |id: &str, currency: &str, rate: Option<i64>, day| {
            let mut record = invoice(id, "5", 100);
            record.documents[0].currency = currency.parse().unwrap();
            record.documents[0].exchange_rate = rate.map(|rate| Decimal::new(rate, 2));
            record.documents[0].issued_on = day;
            record
        };
        let mut draft = foreign("5", "EUR", Some(150), date(2026, 6, 1));
        draft.documents[0].state = DocumentState::Draft;
        apply(
            store,
            &documents([
                foreign("1", "EUR", Some(110), date(2026, 1, 1)),
                foreign("2", "EUR", Some(120), date(2026, 2, 1)),
                foreign("3", "CAD", Some(75), date(2025, 1, 1)),
                foreign("4", "USD", Some(100), date(2026, 1, 1)),
                foreign("6", "GBP", None, date(2026, 1, 1)),
                draft,
            ]),
        )
        .await;
        assert_eq!(store.rates(&books_id()).await.unwrap(), []);
        let organization = Organization {
            name: "Acme".into(),
            base_currency: "USD".parse().unwrap(),
            multicurrency: true,
            page_code: None,
        };
        store
            .set_organization(&books_id(), &organization, at(1))
            .await
            .unwrap();
        let rates = async || -> Vec<String> {
            let rates = store.rates(&books_id()).await.unwrap();
            rates
                .iter()
                .map(|rate| {
                    format!(
                        "{}/{} {} {} {}",
                        rate.from, rate.to, rate.rate, rate.dated, rate.source
                    )
                })
                .collect()
        };
        assert_eq!(
            rates().await,
            [
                "CAD/USD 0.75 2025-01-01 invoice No. 3",
                "EUR/USD 1.20 2026-02-01 invoice No. 2"
            ]
        );
        // A corrected or removed document takes its rate along.
        let corrected = changed(foreign("2", "EUR", None, date(2026, 2, 1)), at(50));
        apply(store, &documents([corrected])).await;
        apply(store, &deletion(Dataset::Invoices, "3")).await;
        assert_eq!(rates().await, ["EUR/USD 1.10 2026-01-01 invoice No. 1"]);
    })
    .await;
}

#[tokio::test]
async fn stored_ids_come_in_pages() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let mut records = documents((1..=5).map(|id| invoice(&id.to_string(), "c", 100)));
        records.customers = vec![customer("c")];
        records.accounts = vec![AccountRecord {
            ledger_id: "84".to_owned(),
            receivables: true,
        }];
        apply(store, &records).await;
        let page = async |dataset, after: Option<&str>| {
            store
                .stored_ids(&books_id(), dataset, after, 3)
                .await
                .unwrap()
        };
        let first = page(Dataset::Invoices, None).await;
        let names: Vec<_> = first.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(names, ["1", "2", "3"]);
        assert!(first.iter().all(|(_, changed_at)| *changed_at == at(10)));
        let second = page(Dataset::Invoices, Some("3")).await;
        let names: Vec<_> = second.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(names, ["4", "5"]);
        assert_eq!(page(Dataset::Payments, None).await, []);
        assert_eq!(
            page(Dataset::Customers, None).await,
            [("c".to_owned(), at(1))]
        );
        // What bears no time of its own has that of its writing.
        assert_eq!(
            page(Dataset::Accounts, None).await,
            [("84".to_owned(), at(1000))]
        );
    })
    .await;
}
