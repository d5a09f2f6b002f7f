//! What changes: voided and deleted records, balances, terms, and documents marked as sent.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::super::harness::dec;
use super::ledger::{credit, journal, link, only, pay, the};
use super::{Sage, amount, json, text};

#[tokio::test]
async fn a_voided_invoice_stays_as_it_was_and_counts_for_nothing() {
    let sage = Sage::empty().await;
    sage.customer("One").await;
    let bill = sage.bill("One", "100").await;
    let void = json!({"entity": "Invoice", "id": bill["Id"]});
    sage.control(Method::POST, "/void", void).await;
    let invoice = the(&sage, "sales_invoices").await;
    assert_eq!(invoice["status"]["id"], "VOID");
    assert_eq!(invoice["total_amount"], "100.0");
    assert_eq!(invoice["outstanding_amount"], "0.0");
    assert!(invoice["void_reason"].is_string());
    assert_eq!(amount(&sage.contact("One").await["balance"]), dec("0"));
    let gone = sage.items("sales_invoices?deleted_since=2020-01-01").await;
    assert!(gone.is_empty());
    assert_eq!(sage.items("sales_invoices?status_id=VOID").await.len(), 1);
    assert!(sage.items("sales_invoices?status_id=PAID").await.is_empty());
}

#[tokio::test]
async fn what_is_deleted_is_told_by_deleted_since_only() {
    let sage = Sage::empty().await;
    sage.customer("One").await;
    let bill = sage.bill("One", "100").await;
    let memo = credit(&sage, "40").await;
    let lines = vec![
        link("Invoice", &bill, "40"),
        link("CreditMemo", &memo, "40"),
    ];
    pay(&sage, "0", lines).await;
    let paid = pay(&sage, "10", vec![link("Invoice", &bill, "10")]).await;
    let entry = journal(&sage, "Debit", "75", "Finance charge").await;
    let ids = [
        ("sales_invoices", only(&sage, "sales_invoices").await),
        ("contact_payments", only(&sage, "contact_payments").await),
        (
            "contact_allocations",
            only(&sage, "contact_allocations").await,
        ),
        (
            "sales_quick_entries",
            only(&sage, "sales_quick_entries").await,
        ),
    ];
    sage.api.clock.advance(SignedDuration::from_secs(60));
    // A voided payment is deleted here.
    let void = json!({"entity": "Payment", "id": paid["Id"]});
    sage.control(Method::POST, "/void", void).await;
    // With its invoice, the allocation has nothing left to join.
    for (entity, document) in [("Invoice", &bill), ("JournalEntry", &entry)] {
        let delete = json!({"entity": entity, "id": document["Id"]});
        sage.control(Method::POST, "/delete", delete).await;
    }
    for (list, id) in &ids {
        assert!(sage.items(list).await.is_empty(), "{list}");
        let (status, _) = sage.read(&format!("{list}/{id}?mark_as_sent=false")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{list}");
        // One deleted in the very second is not told.
        for (since, told) in [("2026-05-05T19:00:59Z", 1), ("2026-05-05T19:01:00Z", 0)] {
            let path = format!("{list}?attributes=deleted_at&deleted_since={since}");
            let gone = sage.items(&path).await;
            assert_eq!(gone.len(), told, "{path}");
            for one in gone {
                assert_eq!(text(&one["id"]), id);
                assert_eq!(one["deleted_at"], "2026-05-05T19:01:00Z");
            }
        }
    }
    let note = the(&sage, "sales_credit_notes").await;
    assert_eq!(note["outstanding_amount"], "40.0");
    // The feed of postings tells all of it.
    let feed = "transactions?attributes=all&updated_or_created_since=2026-05-05T19:01:00Z";
    let moved = sage.items(feed).await;
    for (list, id) in &ids {
        let path = format!("/{list}/{id}");
        let posted = moved
            .iter()
            .filter(|it| it["origin"]["$path"] == path.as_str());
        let deleted: Vec<&Value> = posted.map(|posting| &posting["deleted"]).collect();
        assert_eq!(deleted, [true], "{list}");
    }
    let live = moved.iter().filter(|posting| posting["deleted"] == false);
    let live: Vec<&Value> = live.map(|posting| &posting["origin"]["id"]).collect();
    assert_eq!(live, [&note["id"]]);
    let mut transactions: Vec<&str> = moved.iter().map(|it| text(&it["id"])).collect();
    transactions.sort_unstable();
    transactions.dedup();
    assert_eq!(transactions.len(), moved.len());
}

#[tokio::test]
async fn a_balance_moves_without_the_contacts_time() {
    let sage = Sage::empty().await;
    let before = sage.customer("One").await;
    assert_eq!(amount(&before["balance"]), dec("0"));
    sage.api.clock.advance(SignedDuration::from_secs(90));
    sage.bill("One", "100").await;
    let after = sage.contact("One").await;
    assert_eq!(amount(&after["balance"]), dec("100"));
    assert_eq!(after["updated_at"], before["updated_at"]);
    let since = "contacts?updated_or_created_since=2026-05-05T19:00:01Z";
    assert!(sage.items(since).await.is_empty());
    // Whoever asks for no balance gets none.
    let path = format!("contacts/{}", text(&after["id"]));
    assert!(sage.get(&path).await.get("balance").is_none());
    let terms = json!({"customer": "One", "credit_days": 15, "credit_terms": "month_end_invoice"});
    sage.control(Method::PUT, "/sage/terms", terms).await;
    let changed = sage.contact("One").await;
    assert_eq!(changed["updated_at"], "2026-05-05T19:01:30Z");
    assert_eq!(changed["credit_days"], 15);
    assert_eq!(changed["credit_terms"], "month_end_invoice");
    assert_eq!(sage.items(since).await.len(), 1);
}

#[tokio::test]
async fn terms_and_limits_are_those_of_the_books() {
    let sage = Sage::empty().await;
    for (name, days) in [("Soon", 0), ("Later", 60)] {
        let body = json!({"name": name, "terms_days": days, "credit_limit": "1234.50"});
        sage.control(Method::POST, "/customers", body).await;
    }
    sage.customer("Default").await;
    let settings = sage.get("invoice_settings").await;
    assert_eq!(settings["customer_credit_days"], 30);
    assert_eq!(settings["customer_credit_terms"], "date_from_invoice");
    for (name, days, terms, limit) in [
        (
            "Soon",
            json!(0),
            json!("immediate_invoice"),
            json!("1234.5"),
        ),
        (
            "Later",
            json!(60),
            json!("date_from_invoice"),
            json!("1234.5"),
        ),
        ("Default", Value::Null, Value::Null, Value::Null),
    ] {
        let contact = sage.contact(name).await;
        assert_eq!(contact["credit_days"], days, "{name}");
        assert_eq!(contact["credit_terms"], terms, "{name}");
        assert_eq!(contact["credit_limit"], limit, "{name}");
    }
}

#[tokio::test]
async fn reading_one_document_marks_it_as_sent_unless_told_not_to() {
    let sage = Sage::empty().await;
    sage.customer("One").await;
    sage.bill("One", "100").await;
    credit(&sage, "40").await;
    let mut marked = 0;
    for list in ["sales_invoices", "sales_credit_notes"] {
        let id = only(&sage, list).await;
        let unsent = sage.get(&format!("{list}/{id}?mark_as_sent=false")).await;
        assert_eq!(unsent["sent"], false);
        assert_eq!(
            the(&sage, list).await["sent"],
            false,
            "a list marks nothing"
        );
        sage.api.clock.advance(SignedDuration::from_secs(5));
        for path in [
            format!("{list}/{id}"),
            format!("{list}/{id}?mark_as_sent=true"),
        ] {
            let sent = sage.get(&path).await;
            assert_eq!(sent["sent"], true);
            assert_ne!(sent["updated_at"], unsent["updated_at"]);
            marked += 1;
            assert_eq!(sage.count("marked_as_sent").await, marked);
        }
    }
}
