//! Paging, filters, orders, and which members are told.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{Sage, json, text};

fn ids(page: &Value) -> Vec<String> {
    let items = page["$items"].as_array().unwrap();
    let id = |item: &Value| text(&item["id"]).to_owned();
    items.iter().map(id).collect()
}

#[tokio::test]
async fn a_page_past_the_end_is_the_last_one_again() {
    let sage = Sage::full().await;
    let first = sage.get("contacts").await;
    assert_eq!(first["$total"], 40);
    assert_eq!(first["$page"], 1);
    assert_eq!(first["$itemsPerPage"], 20);
    assert_eq!(first["$back"], Value::Null);
    assert_eq!(first["$next"], "/contacts?page=2&items_per_page=20");
    let last = sage.get("contacts?page=2").await;
    assert_eq!(last["$next"], Value::Null);
    assert_eq!(last["$back"], "/contacts?page=1&items_per_page=20");
    assert_ne!(ids(&first), ids(&last));
    assert_eq!(sage.get("contacts?page=3").await, last);
    assert_eq!(sage.get("contacts?page=999").await, last);
    // No more than two hundred come at once.
    let wide = sage.get("sales_invoices?items_per_page=500").await;
    assert_eq!(wide["$itemsPerPage"], 200);
    assert_eq!(ids(&wide).len(), 200);
    assert_eq!(wide["$next"], "/sales_invoices?page=2&items_per_page=200");
}

#[tokio::test]
async fn a_next_page_can_be_there_without_being_told() {
    let sage = Sage::full().await;
    let order = json!({"next_is_lost": true});
    sage.control(Method::PUT, "/sage/oddities", order).await;
    let first = sage.get("contacts").await;
    assert_eq!(first["$next"], Value::Null);
    assert_eq!(first["$total"], 40);
    let second = sage.get("contacts?page=2").await;
    assert_ne!(ids(&second), ids(&first));
    sage.control(Method::PUT, "/sage/oddities", json!({})).await;
    assert!(sage.get("contacts").await["$next"].is_string());
}

#[tokio::test]
async fn a_reader_of_pages_meets_every_record_once() {
    let sage = Sage::full().await;
    for (list, more) in [
        ("sales_invoices", "&sort=updated_at"),
        ("contact_payments", ""),
    ] {
        let all = sage.all(list, more).await;
        let mut ids: Vec<&str> = all.iter().map(|one| text(&one["id"])).collect();
        let read = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), read, "{list}");
        assert!(read > 200, "{list}");
    }
}

#[tokio::test]
async fn a_list_tells_three_members_and_those_asked_for() {
    let sage = Sage::full().await;
    let members =
        |item: &Value| -> Vec<String> { item.as_object().unwrap().keys().cloned().collect() };
    let bare = &sage.items("sales_invoices").await[0];
    assert_eq!(members(bare), ["$path", "displayed_as", "id"]);
    let some = "sales_invoices?attributes=date,due_date,nonsense";
    let some = &sage.items(some).await[0];
    assert_eq!(
        members(some),
        ["$path", "date", "displayed_as", "due_date", "id"]
    );
    let id = text(&bare["id"]);
    let one = format!("sales_invoices/{id}?mark_as_sent=false&attributes=date,total_amount");
    let one = sage.get(&one).await;
    assert_eq!(
        members(&one),
        ["$path", "date", "displayed_as", "id", "total_amount"]
    );
    let all = sage
        .get(&format!("sales_invoices/{id}?mark_as_sent=false"))
        .await;
    assert!(members(&all).len() > 50);
    // A balance is told when it is asked for in both ways.
    for (query, told) in [
        ("attributes=balance&show_balance=true", true),
        ("attributes=all&show_balance=true", true),
        ("attributes=balance", false),
        ("attributes=all", false),
        ("show_balance=true", false),
    ] {
        let contact = &sage.items(&format!("contacts?{query}")).await[0];
        assert_eq!(contact.get("balance").is_some(), told, "{query}");
    }
}

#[tokio::test]
async fn nested_attributes_open_what_is_told_by_reference() {
    let sage = Sage::full().await;
    let path = "contacts?attributes=main_address,main_contact_person";
    let address = sage.items(path).await[0]["main_address"].clone();
    assert_eq!(address.as_object().unwrap().len(), 3);
    let opened = sage.items(&format!("{path}&nested_attributes=all")).await;
    assert_eq!(opened[0]["main_address"]["id"], address["id"]);
    assert_eq!(opened[0]["main_address"]["country"]["id"], "US");
    assert!(opened[0]["main_contact_person"]["telephone"].is_string());
}

#[tokio::test]
async fn changes_since_a_moment_hold_that_very_second() {
    let sage = Sage::empty().await;
    for name in ["One", "Two", "Three"] {
        sage.customer(name).await;
        sage.api.clock.advance(SignedDuration::from_millis(1500));
    }
    // Written at 19:00:00.0, :01.5 and :03.0.
    for (since, found) in [
        ("2026-05-05T19:00:00Z", 3),
        ("2026-05-05T19:00:01Z", 2),
        ("2026-05-05T19:00:02Z", 1),
        ("2026-05-05T19:00:03Z", 1),
        ("2026-05-05T19:00:04Z", 0),
        ("2026-05-05T12:00:02-07:00", 1),
        ("2026-05-05T19:00:02%2B00:00", 1),
        ("2026-05-05", 3),
        ("2026-05-06", 0),
    ] {
        let path = format!("contacts?updated_or_created_since={since}");
        assert_eq!(sage.items(&path).await.len(), found, "{since}");
    }
    for wrong in [
        "updated_or_created_since=soon",
        "deleted_since=soon",
        "page=0",
        "page=x",
    ] {
        let (status, body) = sage.read(&format!("contacts?{wrong}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert_eq!(body[0]["$source"], wrong.split('=').next().unwrap());
    }
}

#[tokio::test]
async fn contacts_are_found_by_type_name_reference_and_address() {
    let sage = Sage::empty().await;
    let customer = json!({
        "DisplayName": "Amy's Bird Sanctuary",
        "PrimaryEmailAddr": {"Address": "birds@example.com"},
    });
    sage.api.write("Customer", customer).await;
    sage.customer("Other").await;
    for (query, found) in [
        ("search=bird", 1),
        ("search=C-0002", 1),
        ("search=birds@example.com", 0),
        ("email=Birds@example.com", 1),
        ("email=birds", 0),
        ("contact_type_id=CUSTOMER", 2),
        ("contact_type_id=VENDOR", 0),
    ] {
        let items = sage.items(&format!("contacts?{query}")).await;
        assert_eq!(items.len(), found, "{query}");
    }
    let body = json!({"Id": "2", "SyncToken": "0", "sparse": true, "Active": false});
    sage.api.write("Customer", body).await;
    let other = sage.contact("Other").await;
    assert_eq!(other["is_active"], false);
    assert_eq!(other["name"], "Other");
    let active = sage.items("contacts?filter_inactive_contacts=true").await;
    assert_eq!(active.len(), 1);
    // It is inactive, not deleted.
    assert!(
        sage.items("contacts?deleted_since=2020-01-01")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn documents_are_found_by_contact_day_and_number() {
    let sage = Sage::full().await;
    let invoices = sage.all("sales_invoices", "").await;
    let one = &invoices[0];
    let (contact, date) = (text(&one["contact"]["id"]), text(&one["date"]));
    let count = |test: &dyn Fn(&Value) -> bool| invoices.iter().filter(|it| test(it)).count();
    for (query, found) in [
        (
            format!("contact_id={contact}"),
            count(&|it| text(&it["contact"]["id"]) == contact),
        ),
        (
            format!("from_date={date}"),
            count(&|it| text(&it["date"]) >= date),
        ),
        (
            "to_date=2025-06-30".to_owned(),
            count(&|it| text(&it["date"]) <= "2025-06-30"),
        ),
        (
            format!("search={}", text(&one["invoice_number"])),
            count(&|it| text(&it["invoice_number"]).contains(text(&one["invoice_number"]))),
        ),
        (
            "status_id=PART_PAID".to_owned(),
            count(&|it| it["status"]["id"] == "PART_PAID"),
        ),
    ] {
        assert!(found > 0, "{query}");
        let page = sage.get(&format!("sales_invoices?{query}")).await;
        assert_eq!(page["$total"], json!(found), "{query}");
    }
    // Who is nobody here has nothing here.
    let page = sage.get("sales_invoices?contact_id=nobody").await;
    assert_eq!(page["$total"], 0);
}

#[tokio::test]
async fn the_orders_offered_are_kept() {
    let sage = Sage::full().await;
    for sort in ["date", "due_date", "created_at", "updated_at"] {
        let path = format!("&sort={sort}");
        let upward = sage.all("sales_invoices", &path).await;
        let of = |it: &Value| text(&it[sort]).to_owned();
        assert!(upward.is_sorted_by_key(of), "{sort}");
        let mut downward = sage.all("sales_invoices", &format!("{path}:desc")).await;
        downward.reverse();
        assert_eq!(upward, downward, "{sort}");
    }
    // Due dates are not offered for payments, and nothing is for contacts.
    let (status, _) = sage.read("contact_payments?sort=due_date").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let plain = sage.get("contacts").await;
    let sorted = sage.get("contacts?sort=updated_at:desc").await;
    assert_eq!(ids(&plain), ids(&sorted));
}

#[tokio::test]
async fn pages_move_when_the_books_do() {
    let sage = Sage::full().await;
    let before = ids(&sage.get("sales_invoices").await);
    let customer = sage.control(Method::GET, "/balances", Value::Null).await;
    let customer = text(&customer["customers"][0]["id"]).to_owned();
    sage.bill(&customer, "5").await;
    let after = ids(&sage.get("sales_invoices").await);
    // What was the last of the first page is the first of the second.
    assert_eq!(after[1..], before[..19]);
    let second = ids(&sage.get("sales_invoices?page=2").await);
    assert_eq!(second[0], before[19]);
}

#[tokio::test]
async fn items_are_in_the_list_of_their_type() {
    let sage = Sage::empty().await;
    let services = sage.all("services", "").await;
    assert_eq!(services.len(), 1);
    assert_eq!(services[0]["sales_rates"][0]["rate"], "95.0");
    let products = sage.all("products", "").await;
    assert!(
        products
            .iter()
            .all(|it| it["catalog_item_type"]["id"] == "PRODUCT")
    );
    assert!(sage.items("stock_items").await.is_empty());
    let found = sage.items("products?search=planter").await;
    assert_eq!(found[0]["displayed_as"], "Cedar Planter, large");
    let (status, _) = sage
        .read(&format!("products/{}", text(&services[0]["id"])))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
