//! Paging, order, filters, and what lists leave out.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::harness::{dec, decimal};
use super::Xero;

async fn with_customers(count: usize) -> Xero {
    let xero = Xero::empty().await;
    for number in 0..count {
        xero.customer(&format!("Customer {number:02}")).await;
        xero.api.clock.advance(SignedDuration::from_secs(1));
    }
    xero
}

fn ids(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter()
        .map(|row| row[name].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn pages_are_only_there_when_asked_for() {
    let xero = with_customers(7).await;
    let all = xero.get("Contacts").await;
    assert!(all.get("pagination").is_none());
    assert_eq!(all["Contacts"].as_array().unwrap().len(), 7);
    let page = xero.get("Contacts?page=2&pageSize=3").await;
    assert_eq!(
        page["pagination"],
        json!({"page": 2, "pageSize": 3, "pageCount": 3, "itemCount": 7})
    );
    assert_eq!(page["Contacts"].as_array().unwrap().len(), 3);
    // Past the end: nothing, and the true counts.
    let past = xero.get("Contacts?page=9&pageSize=3").await;
    assert_eq!(past["pagination"]["itemCount"], json!(7));
    assert_eq!(past["Contacts"], json!([]));
    // Out of range is not refused.
    let clamped = xero.get("Contacts?page=1&pageSize=5000").await;
    assert_eq!(clamped["pagination"]["pageSize"], json!(1000));
    // Forced by the short form.
    assert!(
        xero.get("Contacts?summaryOnly=true")
            .await
            .get("pagination")
            .is_some()
    );
    assert!(
        xero.get("Invoices?Statuses=PAID")
            .await
            .get("pagination")
            .is_some()
    );
}

#[tokio::test]
async fn an_item_that_changes_while_pages_are_read_is_missed_by_time_and_not_by_id() {
    let xero = with_customers(6).await;
    for (order, missed) in [("UpdatedDateUTC", true), ("ContactID", false)] {
        let first = xero
            .rows(&format!("Contacts?page=1&pageSize=3&order={order}"))
            .await;
        let name = first[0]["Name"].as_str().unwrap();
        xero.api.clock.advance(SignedDuration::from_secs(1));
        xero.order(
            "/customers",
            json!({"customer": name, "email": format!("{order}@example.com")}),
        )
        .await;
        let second = xero
            .rows(&format!("Contacts?page=2&pageSize=3&order={order}"))
            .await;
        let seen: BTreeSet<String> = ids(&first, "ContactID")
            .into_iter()
            .chain(ids(&second, "ContactID"))
            .collect();
        assert_eq!(seen.len() < 6, missed, "{order}");
    }
}

#[tokio::test]
async fn a_delta_tells_what_was_written_and_no_balances() {
    let xero = with_customers(3).await;
    xero.invoice("Customer 00", "INV-1", "10").await;
    let since = "2026-05-05T19:00:03";
    let delta = async |resource: &str| {
        let response = xero
            .request(resource)
            .header("if-modified-since", since)
            .send()
            .await
            .unwrap();
        let body: Value = response.json().await.unwrap();
        body[resource].as_array().unwrap().len()
    };
    assert_eq!(delta("Contacts").await, 0);
    assert_eq!(delta("Invoices").await, 0);
    xero.api.clock.advance(SignedDuration::from_secs(5));
    xero.order(
        "/payments",
        json!({"customer": "Customer 00", "amount": "10"}),
    )
    .await;
    assert_eq!(delta("Contacts").await, 0);
    assert_eq!(delta("Invoices").await, 1);
    assert_eq!(delta("Payments").await, 1);
    xero.order(
        "/customers",
        json!({"customer": "Customer 01", "name": "Renamed"}),
    )
    .await;
    assert_eq!(delta("Contacts").await, 1);
}

#[tokio::test]
async fn an_archived_contact_disappears_unless_it_is_asked_for() {
    let xero = with_customers(2).await;
    let id = xero.rows("Contacts?where=Name==\"Customer 01\"").await[0]["ContactID"].clone();
    xero.order(
        "/customers",
        json!({"customer": "Customer 01", "active": false}),
    )
    .await;
    assert_eq!(xero.rows("Contacts").await.len(), 1);
    assert_eq!(xero.rows("Contacts?includeArchived=true").await.len(), 2);
    let id = id.as_str().unwrap();
    let archived = xero.one(&format!("Contacts/{id}")).await;
    assert_eq!(archived["ContactStatus"], "ARCHIVED");
    assert!(xero.rows(&format!("Contacts?IDs={id}")).await.is_empty());
    assert_eq!(
        xero.rows(&format!("Contacts?IDs={id}&includeArchived=true"))
            .await
            .len(),
        1
    );
}

#[tokio::test]
async fn a_merged_contact_is_archived_and_says_by_whom_it_was_taken_in() {
    let xero = with_customers(2).await;
    xero.invoice("Customer 00", "INV-1", "10").await;
    xero.invoice("Customer 01", "INV-2", "20").await;
    let rows = xero.rows("Contacts?order=Name").await;
    let (gone, stays) = (&rows[0]["ContactID"], &rows[1]["ContactID"]);
    xero.api.clock.advance(SignedDuration::from_secs(1));
    xero.order(
        "/customers/merge",
        json!({"customer": "Customer 00", "into": "Customer 01"}),
    )
    .await;
    let left = xero.one("Contacts").await;
    assert_eq!(&left["ContactID"], stays);
    assert_eq!(
        decimal(&left["Balances"]["AccountsReceivable"]["Outstanding"]),
        dec("30")
    );
    let all = xero
        .rows("Contacts?includeArchived=true&page=1&order=Name")
        .await;
    assert_eq!(&all[0]["ContactID"], gone);
    assert_eq!(all[0]["ContactStatus"], "ARCHIVED");
    assert_eq!(&all[0]["MergedToContactID"], stays);
    let unpaged = xero.rows("Contacts?includeArchived=true&order=Name").await;
    assert!(unpaged[0].get("MergedToContactID").is_none());
    let single = xero
        .one(&format!("Contacts/{}", gone.as_str().unwrap()))
        .await;
    assert_eq!(&single["MergedToContactID"], stays);
    for invoice in xero.rows("Invoices").await {
        assert_eq!(&invoice["Contact"]["ContactID"], stays);
    }
    // QuickBooks has nothing of it but the other's balance.
    assert_eq!(xero.api.all("Customer", "").await.len(), 1);
    assert_eq!(
        decimal(&xero.api.read("Customer", "2").await["Balance"]),
        dec("30")
    );
    xero.api.assert_ties_out().await;
}

#[tokio::test]
async fn lines_come_with_pages_only() {
    let xero = with_customers(1).await;
    xero.order(
        "/items",
        json!({"name": "Widget", "code": "W-1", "price": "100"}),
    )
    .await;
    xero.order(
        "/invoices",
        json!({"customer": "Customer 00", "number": "INV-1", "lines": [
            {"item": "W-1", "quantity": "2", "price": "100.005"},
        ]}),
    )
    .await;
    assert_eq!(xero.one("Invoices").await["LineItems"], json!([]));
    let line = xero.one("Invoices?page=1").await["LineItems"][0].clone();
    assert_eq!(line["ItemCode"], "W-1");
    assert_eq!(line["Quantity"].to_string(), "2.0000");
    assert_eq!(line["UnitAmount"].to_string(), "100.01");
    assert_eq!(line["LineAmount"].to_string(), "200.01");
    let precise = xero.one("Invoices?page=1&unitdp=4").await["LineItems"][0].clone();
    assert_eq!(precise["UnitAmount"].to_string(), "100.0050");
    let short = xero.one("Invoices?page=1&summaryOnly=true").await;
    for gone in ["LineItems", "Payments", "HasAttachments"] {
        assert!(short.get(gone).is_none(), "{gone}");
    }
    let contact = xero.one("Contacts?summaryOnly=true").await;
    for gone in ["Balances", "Addresses", "IsCustomer", "ContactPersons"] {
        assert!(contact.get(gone).is_none(), "{gone}");
    }
}

#[tokio::test]
async fn invoices_are_found_by_what_is_documented() {
    let xero = with_customers(2).await;
    xero.invoice("Customer 00", "INV-1", "10").await;
    xero.invoice("Customer 01", "INV-2", "20").await;
    xero.order(
        "/payments",
        json!({"customer": "Customer 01", "amount": "20"}),
    )
    .await;
    let contact = xero.one("Invoices/INV-2").await["Contact"]["ContactID"].clone();
    let contact = contact.as_str().unwrap();
    for (query, expected) in [
        ("Statuses=PAID".to_owned(), vec!["INV-2"]),
        (
            "where=Type==\"ACCREC\" AND Status==\"AUTHORISED\"".to_owned(),
            vec!["INV-1"],
        ),
        ("where=Type==\"ACCPAY\"".to_owned(), vec![]),
        (
            format!("where=Contact.ContactID==guid(\"{contact}\")"),
            vec!["INV-2"],
        ),
        (format!("ContactIDs={contact}"), vec!["INV-2"]),
        ("InvoiceNumbers=INV-1,INV-9".to_owned(), vec!["INV-1"]),
        (
            "where=Date >= DateTime(2026, 05, 05) AND AmountDue > 0".to_owned(),
            vec!["INV-1"],
        ),
        (
            "order=InvoiceID DESC&where=Date > DateTime(2026,05,05)".to_owned(),
            vec![],
        ),
    ] {
        let rows = xero.rows(&format!("Invoices?{query}")).await;
        assert_eq!(ids(&rows, "InvoiceNumber"), expected, "{query}");
    }
    let refused = xero.send("Invoices?where=Status==\"PAID").await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(
        refused,
        json!({"ErrorNumber": 16, "Type": "QueryParseException", "Message": "Unterminated string literal"})
    );
}

#[tokio::test]
async fn what_is_not_there_is_an_empty_page_of_html() {
    let xero = with_customers(1).await;
    for path in [
        "Invoices/d4ad8fd6-5c72-4924-91b1-07f1472eb4c3",
        "Contacts/nobody",
        "Nonsense",
        "Invoices/1/2/3",
    ] {
        let response = xero.send(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "text/html; charset=utf-8"
        );
        assert_eq!(response.text().await.unwrap(), "");
    }
    let xml = xero
        .url("/api.xro/2.0/Contacts")
        .bearer_auth(&xero.token)
        .header("xero-tenant-id", &xero.tenant)
        .send()
        .await
        .unwrap();
    assert!(xml.text().await.unwrap().starts_with('<'));
    let write = xero
        .api
        .client
        .request(
            Method::PUT,
            format!("{}/xero/api.xro/2.0/Contacts", xero.api.sandbox.url()),
        )
        .bearer_auth(&xero.token)
        .header("xero-tenant-id", &xero.tenant)
        .send()
        .await
        .unwrap();
    assert_eq!(write.status(), StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn every_format_tells_the_same_books() {
    let xero = with_customers(1).await;
    xero.invoice("Customer 00", "INV-1", "10.5").await;
    let quickbooks = xero.api.read("Customer", "1").await;
    let contact = xero.one("Contacts").await;
    assert_eq!(quickbooks["DisplayName"], contact["Name"]);
    assert_eq!(
        decimal(&quickbooks["Balance"]),
        decimal(&contact["Balances"]["AccountsReceivable"]["Outstanding"])
    );
    assert_eq!(decimal(&quickbooks["Balance"]), dec("10.5"));
}
