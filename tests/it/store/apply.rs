//! Writing to the mirror: what differs is written, what does not disturbs nobody.

use financial_pulse::domain::books::PaymentTerms;
use financial_pulse::domain::document::{Application, DocumentId, DocumentKind, DocumentState};
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::CustomerId;
use financial_pulse::domain::records::{DocumentRecord, Records, TermsRecord};
use financial_pulse::store::{Store, StoreError, SyncMarks};
use jiff::civil::date;
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;

use super::records::{
    apply, at, books_id, changed, customer, customers, deletion, document, documents, invoice, key,
    names, payment, with_books,
};
use crate::support::databases::for_each_database;

async fn document_ids(store: &Store, customer: &str) -> Vec<String> {
    let books = store
        .books(&books_id(), &[CustomerId::new(customer)])
        .await
        .unwrap();
    books
        .iter()
        .flat_map(|books| &books.documents)
        .map(|document| document.id.to_string())
        .collect()
}

async fn version(store: &Store) -> i64 {
    store
        .connection(&books_id())
        .await
        .unwrap()
        .unwrap()
        .version
}

async fn changed_after(store: &Store, version: i64) -> Vec<CustomerId> {
    store
        .customers_changed_after(&books_id(), version)
        .await
        .unwrap()
}

#[tokio::test]
async fn applying_the_same_again_changes_no_customer() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let mut records = documents([invoice("1", "5", 10_000), payment("2", "5", 4_000, "1")]);
        records.customers = vec![customer("5"), customer("6")];

        let first = apply(store, &records).await;
        assert_eq!(names(&first), ["5", "6"]);
        assert_eq!((first.written, first.unchanged), (4, 0));
        let after_first = version(store).await;

        let second = apply(store, &records).await;
        assert_eq!(names(&second), [""; 0]);
        assert_eq!((second.written, second.unchanged), (0, 4));
        assert_eq!(version(store).await, after_first + 1);
        assert_eq!(changed_after(store, after_first).await, []);
    })
    .await;
}

#[tokio::test]
async fn nothing_to_note_is_not_even_a_new_version() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let before = version(store).await;
        apply(store, &Records::default()).await;
        assert_eq!(version(store).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_newer_time_alone_is_kept_but_disturbs_nobody() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        apply(store, &customers(&["5"])).await;
        apply(store, &documents([invoice("1", "5", 10_000)])).await;

        let mut renamed_nothing = customer("5");
        renamed_nothing.customer.changed_at = at(500);
        let mut records = documents([changed(invoice("1", "5", 10_000), at(500))]);
        records.customers = vec![renamed_nothing];
        let applied = apply(store, &records).await;

        assert_eq!(names(&applied), [""; 0]);
        assert_eq!((applied.written, applied.unchanged), (0, 2));
        let books = &store.books(&books_id(), &["5".into()]).await.unwrap()[0];
        assert_eq!(books.customer.changed_at, at(500));
        assert_eq!(books.documents[0].changed_at, at(500));
        // What is older than that is out of order from here on.
        let late = apply(
            store,
            &documents([changed(invoice("1", "5", 99_900), at(499))]),
        )
        .await;
        assert_eq!((late.written, late.unchanged), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn an_older_record_never_replaces_a_newer_one() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let mut renamed = customer("5");
        renamed.customer.name = "New name".into();
        renamed.customer.changed_at = at(100);
        let mut newer = documents([changed(invoice("1", "5", 20_000), at(100))]);
        newer.customers = vec![renamed];
        apply(store, &newer).await;

        let mut older = documents([changed(invoice("1", "5", 10_000), at(99))]);
        older.customers = vec![customer("5")];
        let applied = apply(store, &older).await;

        assert_eq!(names(&applied), [""; 0]);
        let books = &store.books(&books_id(), &["5".into()]).await.unwrap()[0];
        assert_eq!(&*books.customer.name, "New name");
        assert_eq!(books.documents[0].total, Decimal::new(20_000, 2));
    })
    .await;
}

#[tokio::test]
async fn of_one_age_the_content_decides() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        apply(store, &customers(&["5"])).await;
        // QuickBooks changes a customer's balance without touching its time of change.
        let mut owing = customer("5");
        owing.customer.ledger_balance = Some(Decimal::new(1_234, 2));
        let records = Records {
            customers: vec![owing.clone()],
            ..Records::default()
        };
        assert_eq!(names(&apply(store, &records).await), ["5"]);
        let stored = store.customer(&key("5")).await.unwrap().unwrap();
        assert_eq!(stored, owing.customer);
    })
    .await;
}

#[tokio::test]
async fn a_record_replaces_all_that_it_yielded_before() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        apply(store, &customers(&["5", "6", "7"])).await;
        let entry = |customers: &[&str], at| DocumentRecord {
            dataset: Dataset::JournalEntries,
            ledger_id: "90".to_owned(),
            changed_at: at,
            documents: customers
                .iter()
                .map(|customer| {
                    let id = format!("90#{customer}");
                    document(DocumentKind::JournalEntry, &id, customer, Decimal::TEN)
                })
                .collect(),
            applications: Vec::new(),
        };
        let first = apply(store, &documents([entry(&["5", "6"], at(10))])).await;
        assert_eq!(names(&first), ["5", "6"]);

        // The line moves from customer 6 to customer 7: both pictures change, and that of 5 too,
        // since the record is written anew.
        let moved = apply(store, &documents([entry(&["5", "7"], at(20))])).await;
        assert_eq!(names(&moved), ["5", "6", "7"]);
        assert_eq!(document_ids(store, "5").await, ["journal_entry:90#5"]);
        assert_eq!(document_ids(store, "6").await, [""; 0]);
        assert_eq!(document_ids(store, "7").await, ["journal_entry:90#7"]);

        // An entry without a customer yields nothing, and is known all the same.
        let empty = apply(store, &documents([entry(&[], at(30))])).await;
        assert_eq!(names(&empty), ["5", "7"]);
        let again = apply(store, &documents([entry(&[], at(30))])).await;
        assert_eq!((again.written, again.unchanged), (0, 1));
        let stored = store
            .stored_ids(&books_id(), Dataset::JournalEntries, None, 10)
            .await
            .unwrap();
        assert_eq!(stored, [("90".to_owned(), at(30))]);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_record_takes_its_documents_and_applications_along() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        apply(store, &customers(&["5", "6"])).await;
        let records = [invoice("1", "5", 10_000), payment("2", "6", 4_000, "1")];
        apply(store, &documents(records)).await;

        let gone = apply(store, &deletion(Dataset::Payments, "2")).await;
        assert_eq!(names(&gone), ["5", "6"]);
        assert_eq!(gone.written, 1);
        assert_eq!(document_ids(store, "6").await, [""; 0]);
        let books = &store.books(&books_id(), &["5".into()]).await.unwrap()[0];
        assert_eq!(books.applications, []);

        let again = apply(store, &deletion(Dataset::Payments, "2")).await;
        assert_eq!(names(&again), [""; 0]);
        // An invoice of the same number is another record.
        assert_eq!(document_ids(store, "5").await, ["invoice:1"]);
    })
    .await;
}

#[tokio::test]
async fn a_change_reaches_the_customer_at_the_other_end_of_an_application() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        apply(store, &customers(&["5", "6", "7"])).await;
        // The payment comes before the invoice that it settles.
        let early = apply(store, &documents([payment("2", "6", 4_000, "1")])).await;
        assert_eq!(names(&early), ["6"]);
        let late = apply(store, &documents([invoice("1", "5", 10_000)])).await;
        assert_eq!(names(&late), ["5", "6"]);
        // The payment moves to another customer: three pictures change.
        let moved = changed(payment("2", "7", 4_000, "1"), at(50));
        assert_eq!(
            names(&apply(store, &documents([moved])).await),
            ["5", "6", "7"]
        );
        // The invoice is voided: the payer's picture changes with it.
        let mut voided = changed(invoice("1", "5", 10_000), at(60));
        voided.documents[0].state = DocumentState::Voided;
        assert_eq!(names(&apply(store, &documents([voided])).await), ["5", "7"]);
    })
    .await;
}

#[tokio::test]
async fn a_document_that_moves_to_another_customer_changes_both() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        apply(store, &customers(&["5", "6"])).await;
        apply(store, &documents([invoice("1", "5", 10_000)])).await;
        let moved = changed(invoice("1", "6", 10_000), at(50));
        assert_eq!(names(&apply(store, &documents([moved])).await), ["5", "6"]);
        assert_eq!(document_ids(store, "5").await, [""; 0]);
        assert_eq!(document_ids(store, "6").await, ["invoice:1"]);
    })
    .await;
}

#[tokio::test]
async fn a_customer_that_moves_in_the_tree_changes_its_old_and_new_parent() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let under = |parent: &str, second| {
            let mut child = customer("9");
            child.customer.parent = Some(parent.into());
            child.customer.changed_at = at(second);
            Records {
                customers: vec![child],
                ..Records::default()
            }
        };
        apply(store, &customers(&["5", "6"])).await;
        assert_eq!(names(&apply(store, &under("5", 10)).await), ["5", "9"]);
        assert_eq!(names(&apply(store, &under("6", 20)).await), ["5", "6", "9"]);
        let gone = apply(store, &deletion(Dataset::Customers, "9")).await;
        assert_eq!(names(&gone), ["6", "9"]);
        assert_eq!(store.customer(&key("9")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_customer_that_is_gone_is_still_news() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        apply(store, &customers(&["5", "6"])).await;
        let before = version(store).await;
        apply(store, &deletion(Dataset::Customers, "5")).await;
        assert_eq!(changed_after(store, before).await, ["5".into()]);
        assert_eq!(changed_after(store, 0).await, ["6".into(), "5".into()]);
    })
    .await;
}

#[tokio::test]
async fn new_terms_reach_the_customers_that_have_them() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let mut prompt = customer("5");
        prompt.terms_id = Some("3".to_owned());
        let net = |days| Records {
            terms: vec![TermsRecord {
                ledger_id: "3".to_owned(),
                terms: PaymentTerms::Days(days),
            }],
            ..Records::default()
        };
        let mut records = net(30);
        records.customers = vec![prompt, customer("6")];
        apply(store, &records).await;
        let terms = async || store.customer(&key("5")).await.unwrap().unwrap().terms;
        assert_eq!(terms().await, Some(PaymentTerms::Days(30)));

        assert_eq!(names(&apply(store, &net(30)).await), [""; 0]);
        assert_eq!(names(&apply(store, &net(15)).await), ["5"]);
        assert_eq!(terms().await, Some(PaymentTerms::Days(15)));

        for other in [
            PaymentTerms::DayOfMonth {
                day: 31,
                cutoff_days: 5,
            },
            PaymentTerms::AfterMonthEnd { days: 15 },
            PaymentTerms::DayOfMonthAfter { day: 20, months: 1 },
        ] {
            let mut changed = net(15);
            changed.terms[0].terms = other;
            assert_eq!(names(&apply(store, &changed).await), ["5"]);
            assert_eq!(terms().await, Some(other));
        }

        let gone = apply(store, &deletion(Dataset::Terms, "3")).await;
        assert_eq!(names(&gone), ["5"]);
        assert_eq!(terms().await, None);
    })
    .await;
}

#[tokio::test]
async fn the_ledgers_own_limit_is_kept_and_none_is_not_zero() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        for limit in [
            None,
            Some(Decimal::ZERO),
            Some(Decimal::new(500_050, 2)),
            None,
        ] {
            let mut record = customer("5");
            record.customer.credit_limit = limit;
            let records = Records {
                customers: vec![record],
                ..Records::default()
            };
            apply(store, &records).await;
            let stored = store.customer(&key("5")).await.unwrap().unwrap();
            assert_eq!(stored.credit_limit, limit);
        }
    })
    .await;
}

#[tokio::test]
async fn of_a_record_that_comes_twice_in_one_page_the_newest_counts() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let mut old_name = customer("5");
        old_name.customer.name = "Old".into();
        old_name.customer.changed_at = at(0);
        let mut records = documents([
            changed(invoice("1", "5", 20_000), at(20)),
            changed(invoice("1", "5", 10_000), at(10)),
        ]);
        records.customers = vec![customer("5"), old_name];
        apply(store, &records).await;
        let books = &store.books(&books_id(), &["5".into()]).await.unwrap()[0];
        assert_eq!(&*books.customer.name, "Customer 5");
        assert_eq!(books.documents.len(), 1);
        assert_eq!(books.documents[0].total, Decimal::new(20_000, 2));
    })
    .await;
}

#[tokio::test]
async fn a_page_that_cannot_be_written_whole_is_not_written_at_all() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let before = version(store).await;
        // Two records that claim the same document: no such page may come half-way in.
        let mut thief = invoice("2", "5", 5_000);
        thief.documents[0].id = DocumentId::new(DocumentKind::Invoice, "1");
        let mut records = documents([invoice("1", "5", 10_000), thief]);
        records.customers = vec![customer("5")];
        let marks = SyncMarks {
            succeeded: vec![(Dataset::Invoices, at(100))],
            ..SyncMarks::default()
        };
        let refused = store
            .apply(&books_id(), &records, &marks, at(100))
            .await
            .unwrap_err();
        assert!(
            matches!(refused, StoreError::Conflict { .. }),
            "{refused:?}"
        );
        assert_eq!(store.customer(&key("5")).await.unwrap(), None);
        assert_eq!(version(store).await, before);
        assert_eq!(store.sync_state(&books_id()).await.unwrap().datasets, []);
    })
    .await;
}

#[tokio::test]
async fn a_process_that_dies_half_way_leaves_nothing_behind() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let mut records =
            documents((0..2000).map(|number| invoice(&number.to_string(), "5", 10_000)));
        records.customers = vec![customer("5")];
        let before = version(store).await;
        let (books_id, marks) = (books_id(), SyncMarks::default());
        let mut cut_off = 0;
        for millis in [0, 1, 3, 9, 27] {
            // The future is dropped in the middle of its work, as it is when a process ends.
            let applying = store.apply(&books_id, &records, &marks, at(100));
            let time = std::time::Duration::from_millis(millis);
            if tokio::time::timeout(time, applying).await.is_ok() {
                break;
            }
            cut_off += 1;
            assert_eq!(version(store).await, before);
            assert_eq!(store.customer(&key("5")).await.unwrap(), None);
            assert_eq!(document_ids(store, "5").await, [""; 0]);
        }
        assert!(
            cut_off >= 2,
            "the page was written before it could be cut off"
        );
        // And the next one finds the way free.
        apply(store, &records).await;
        assert_eq!(apply(store, &records).await.unchanged, 2001);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_connection_takes_nothing() {
    for_each_database(async |database| {
        let store = &database.store;
        let refused = store
            .apply(
                &books_id(),
                &customers(&["5"]),
                &SyncMarks::default(),
                at(1),
            )
            .await
            .unwrap_err();
        assert!(
            matches!(refused, StoreError::Conflict { .. }),
            "{refused:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_read_back_is_what_was_written() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let mut party = customer("5");
        party.customer.name = "Zoë \"Z\" O'Brien \\ 100 % 株式会社".into();
        party.customer.email = Some("zoe@example.com".into());
        party.customer.tax_number = Some("DE123".into());
        party.customer.parent = Some("4".into());
        party.customer.bill_with_parent = true;
        party.customer.active = false;
        party.customer.ledger_balance = Some(Decimal::from_str_exact("-0.1").unwrap());
        party.customer.ledger_balance_with_children =
            Some(Decimal::from_str_exact("123456789012345678.123456789").unwrap());
        let mut sale = invoice("1", "5", 10_000);
        let document = &mut sale.documents[0];
        document.number = None;
        document.due_on = None;
        document.exchange_rate = Some(Decimal::from_str_exact("1.0000001").unwrap());
        document.total = Decimal::from_str_exact("79228162514264337593543950335").unwrap();
        document.ledger_open = Some(Decimal::ZERO);
        document.issued_on = date(1999, 12, 31);
        document.lines[0].item = None;
        document.lines[0].quantity = None;
        document.lines[0].unit_price = None;
        document.lines[0].description = "null".into();
        sale.applications = vec![Application {
            carrier: DocumentId::new(DocumentKind::Payment, "8"),
            from: DocumentId::new(DocumentKind::CreditNote, "9"),
            to: sale.documents[0].id.clone(),
            amount: Decimal::from_str_exact("0.01").unwrap(),
            applied_on: date(2400, 2, 29),
        }];
        let mut records = documents([sale.clone()]);
        records.customers = vec![party.clone()];
        apply(store, &records).await;

        let books = &store.books(&books_id(), &["5".into()]).await.unwrap()[0];
        assert_eq!(books.customer, party.customer);
        assert_eq!(books.documents, sale.documents);
        assert_eq!(books.applications, sale.applications);
    })
    .await;
}

#[tokio::test]
async fn a_character_that_no_database_keeps_does_not_stop_a_page() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let mut party = customer("5");
        party.customer.name = "Nul\0l".into();
        let mut sale = invoice("1", "5", 10_000);
        sale.documents[0].lines[0].description = "a\0b".into();
        let mut records = documents([sale]);
        records.customers = vec![party];
        apply(store, &records).await;
        let books = &store.books(&books_id(), &["5".into()]).await.unwrap()[0];
        assert_eq!(&*books.customer.name, "Null");
        assert_eq!(&*books.documents[0].lines[0].description, "ab");
    })
    .await;
}
