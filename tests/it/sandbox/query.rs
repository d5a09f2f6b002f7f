//! The query endpoint: grammar, paging, order, and its quirks.

use std::collections::BTreeSet;

use financial_pulse::sandbox::Data;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Api, REALM, TODAY, options};

/// Five customers, one a sub-customer, one inactive.
async fn with_customers() -> Api {
    let api = Api::empty().await;
    for (name, more) in [
        (
            "Zebra Zoo",
            json!({"PrimaryEmailAddr": {"Address": "zoo@example.com"}}),
        ),
        ("Amy's Bird Sanctuary", json!({"CompanyName": "Amy's"})),
        ("Robertson & Associates", json!({"Notes": "an ampersand"})),
        ("Aviary", json!({"ParentRef": {"value": "2"}, "Job": true})),
        ("Gone", json!({})),
    ] {
        let mut body = more;
        body["DisplayName"] = json!(name);
        api.write("Customer", body).await;
        api.clock.advance(SignedDuration::from_secs(10));
    }
    api.write(
        "Customer",
        json!({"Id": "5", "SyncToken": "0", "sparse": true, "Active": false}),
    )
    .await;
    for (amount, customer) in [
        ("10.00", "Zebra Zoo"),
        ("250.50", "Aviary"),
        ("99.99", "Zebra Zoo"),
    ] {
        api.clock.advance(SignedDuration::from_secs(10));
        api.control(
            Method::POST,
            "/invoices",
            json!({"company": REALM, "customer": customer, "amount": amount}),
        )
        .await;
    }
    api
}

async fn names(api: &Api, statement: &str) -> Vec<String> {
    let found = api.found(statement).await;
    found
        .get("Customer")
        .and_then(Value::as_array)
        .map(|rows| {
            rows.iter()
                .map(|row| row["DisplayName"].as_str().unwrap().to_owned())
                .collect()
        })
        .unwrap_or_default()
}

#[tokio::test]
async fn statements_find_what_they_say() {
    let api = with_customers().await;
    let bird = "Amy's Bird Sanctuary";
    let rob = "Robertson & Associates";
    let cases: &[(&str, &[&str])] = &[
        // Names come by name, a sub-customer below its parent; inactive ones are hidden.
        (
            "SELECT * FROM Customer",
            &[bird, "Aviary", rob, "Zebra Zoo"],
        ),
        ("select * from Customer maxresults 2", &[bird, "Aviary"]),
        (
            "SELECT * FROM Customer STARTPOSITION 4 MAXRESULTS 2",
            &["Zebra Zoo"],
        ),
        (
            "SELECT * FROM Customer MAXRESULTS 2 STARTPOSITION 3",
            &[rob, "Zebra Zoo"],
        ),
        ("SELECT * FROM Customer STARTPOSITION 9", &[]),
        (
            "SELECT * FROM Customer WHERE Active = false",
            &["Gone (deleted)"],
        ),
        (
            "SELECT * FROM Customer WHERE Active IN (true, false) ORDERBY Id",
            &["Zebra Zoo", bird, rob, "Aviary", "Gone (deleted)"],
        ),
        (
            "SELECT * FROM Customer ORDER BY DisplayName DESC",
            &["Zebra Zoo", rob, "Aviary", bird],
        ),
        (
            "SELECT * FROM Customer ORDERBY DisplayName ASC MAXRESULTS 1",
            &[bird],
        ),
        (
            "SELECT * FROM Customer WHERE DisplayName = 'zebra zoo'",
            &["Zebra Zoo"],
        ),
        (
            r"SELECT * FROM Customer WHERE DisplayName = 'Amy\'s Bird Sanctuary'",
            &[bird],
        ),
        (
            "SELECT * FROM Customer WHERE DisplayName = 'Robertson & Associates'",
            &[rob],
        ),
        (
            "SELECT * FROM Customer WHERE DisplayName LIKE '%bird%'",
            &[bird],
        ),
        (
            "SELECT * FROM Customer WHERE DisplayName LIKE 'A%'",
            &[bird, "Aviary"],
        ),
        ("SELECT * FROM Customer WHERE Id = '3'", &[rob]),
        (
            "SELECT * FROM Customer WHERE Id IN ('1', '3')",
            &[rob, "Zebra Zoo"],
        ),
        (
            "SELECT * FROM Customer WHERE Balance > '109.99'",
            &["Aviary"],
        ),
        (
            "SELECT * FROM Customer WHERE Balance >= '109.99' AND Balance < '200.0'",
            &["Zebra Zoo"],
        ),
        (
            "SELECT * FROM Customer WHERE PrimaryEmailAddr = 'ZOO@example.com'",
            &["Zebra Zoo"],
        ),
        ("SELECT * FROM Customer WHERE Job = true", &["Aviary"]),
        (
            "SELECT * FROM Customer WHERE CompanyName = 'Amy\\'s'",
            &[bird],
        ),
        (
            "SELECT * FROM Customer WHERE MetaData.CreateTime <= '2026-05-05T12:00:10-07:00'",
            &[bird, "Zebra Zoo"],
        ),
        (
            "SELECT * FROM Customer WHERE FullyQualifiedName LIKE '%:Aviary'",
            &["Aviary"],
        ),
    ];
    for (statement, expected) in cases {
        assert_eq!(names(&api, statement).await, *expected, "{statement}");
    }
}

#[tokio::test]
async fn documents_are_found_by_customer_amount_and_date() {
    let api = with_customers().await;
    for (condition, found) in [
        ("CustomerRef = '1'", 2),
        // Sub-customers are ids of their own.
        ("CustomerRef = '2'", 0),
        ("TotalAmt > '99.99'", 1),
        ("TotalAmt >= '99.99'", 2),
        ("TxnDate = '2026-05-05'", 3),
        ("TxnDate < '2026-05-05'", 0),
        ("DueDate > '2026-05-05' AND Balance > '0'", 3),
        ("PrivateNote = ' '", 3),
        ("MetaData.LastUpdatedTime > '2026-05-05T12:00:50-07:00'", 3),
        ("MetaData.LastUpdatedTime > '2026-05-05T19:01:00Z'", 2),
        ("DocNumber IN ('1001', '1003')", 2),
    ] {
        let count = api
            .found(&format!("SELECT COUNT(*) FROM Invoice WHERE {condition}"))
            .await;
        assert_eq!(count, json!({"totalCount": found}), "{condition}");
    }
    // The latest change first, when nothing is said.
    let invoices = api.found("SELECT * FROM Invoice").await;
    let ids: Vec<&str> = invoices["Invoice"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invoice| invoice["Id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["3", "2", "1"]);
}

#[tokio::test]
async fn a_page_says_how_many_rows_it_has() {
    let api = with_customers().await;
    let customers = api
        .found("SELECT * FROM Customer STARTPOSITION 2 MAXRESULTS 2")
        .await;
    assert_eq!(customers["startPosition"], json!(2));
    assert_eq!(customers["maxResults"], json!(2));
    assert!(customers.get("totalCount").is_none());
    let invoices = api.found("SELECT * FROM Invoice MAXRESULTS 2").await;
    assert_eq!(invoices["maxResults"], json!(2));
    assert_eq!(invoices["totalCount"], json!(3));
    // Past the end, and for what the company has none of, the key is absent.
    for statement in [
        "SELECT * FROM Invoice STARTPOSITION 4",
        "SELECT * FROM Transfer",
        "SELECT * FROM Payment",
    ] {
        assert_eq!(api.found(statement).await, json!({}), "{statement}");
    }
}

#[tokio::test]
async fn a_statement_may_come_in_the_body() {
    let api = with_customers().await;
    let url = format!("{}/v3/company/{REALM}/query", api.sandbox.url());
    for kind in ["application/text", "text/plain"] {
        let answer: Value = api
            .client
            .post(&url)
            .bearer_auth(&api.token)
            .header("content-type", kind)
            .body("SELECT COUNT(*) FROM Customer")
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(answer["QueryResponse"]["totalCount"], json!(4), "{kind}");
    }
}

#[tokio::test]
async fn a_plus_sign_must_be_encoded() {
    let api = with_customers().await;
    let raw = "SELECT%20*%20FROM%20Invoice%20WHERE%20MetaData.LastUpdatedTime%20%3E%20\
               %272026-05-05T21:00:00+02:00%27";
    let (status, answer) = api
        .call(Method::GET, &format!("query?query={raw}"), None)
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    let (status, _) = api
        .call(
            Method::GET,
            &format!("query?query={}", raw.replace('+', "%2B")),
            None,
        )
        .await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn company_information_and_preferences_are_read_and_queried() {
    let api = Api::start(options(Data::Demo { today: TODAY })).await;
    let (_, info) = api
        .call(Method::GET, &format!("companyinfo/{REALM}"), None)
        .await;
    assert_eq!(info["CompanyInfo"]["Country"], "US");
    let (_, preferences) = api.call(Method::GET, "preferences", None).await;
    assert_eq!(
        preferences["Preferences"]["CurrencyPrefs"],
        json!({"MultiCurrencyEnabled": true, "HomeCurrency": {"value": "USD"}})
    );
    let queried = api.found("SELECT * FROM Preferences").await;
    assert_eq!(queried["Preferences"][0], preferences["Preferences"]);
    let queried = api.found("SELECT * FROM CompanyInfo").await;
    assert_eq!(queried["CompanyInfo"][0], info["CompanyInfo"]);
}

#[tokio::test]
async fn pages_put_together_are_the_whole() {
    let api = Api::start(options(Data::Generated {
        customers: 40,
        invoices: 700,
        today: TODAY,
    }))
    .await;
    for order in [
        "",
        "ORDERBY Id",
        "ORDERBY MetaData.LastUpdatedTime",
        "ORDERBY TotalAmt DESC",
    ] {
        let mut ids = BTreeSet::new();
        let mut rows = 0;
        loop {
            let page = api
                .found(&format!(
                    "SELECT * FROM Invoice {order} STARTPOSITION {} MAXRESULTS 123",
                    rows + 1
                ))
                .await;
            let Some(page) = page.get("Invoice").and_then(Value::as_array) else {
                break;
            };
            rows += page.len();
            ids.extend(
                page.iter()
                    .map(|row| row["Id"].as_str().unwrap().to_owned()),
            );
        }
        assert_eq!(rows, 700, "{order}");
        assert_eq!(ids.len(), 700, "{order}");
    }
}

#[tokio::test]
async fn paging_sees_writes_in_between() {
    let api = with_customers().await;
    let first = api.found("SELECT * FROM Invoice MAXRESULTS 1").await;
    assert_eq!(first["Invoice"][0]["Id"], "3");
    // A payment on the oldest moves it to the front: the next page shows again what was seen.
    api.clock.advance(SignedDuration::from_secs(10));
    api.control(
        Method::POST,
        "/payments",
        json!({"company": REALM, "customer": "Zebra Zoo", "amount": "1"}),
    )
    .await;
    let second = api
        .found("SELECT * FROM Invoice STARTPOSITION 2 MAXRESULTS 1")
        .await;
    assert_eq!(second["Invoice"][0]["Id"], "3");
}
