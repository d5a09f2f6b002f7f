//! The control endpoint: what it does to the books, and what it says to mistakes.

use financial_pulse::sandbox::{CompanyOptions, Data};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Api, REALM, TODAY, dec, decimal, options};

async fn status(api: &Api, path: &str, body: Value) -> (StatusCode, String) {
    let response = api
        .client
        .post(format!("{}/sandbox{path}", api.sandbox.url()))
        .json(&body)
        .send()
        .await
        .unwrap();
    (response.status(), response.text().await.unwrap())
}

#[tokio::test]
async fn money_settles_what_was_due_first() {
    let api = Api::empty().await;
    api.write("Customer", json!({"DisplayName": "One"})).await;
    let bill = async |amount: &str, due_days: i64| {
        api.control(
            Method::POST,
            "/invoices",
            json!({"customer": "one", "amount": amount, "due_days": due_days}),
        )
        .await
    };
    let later = bill("50", 30).await;
    let sooner = bill("80", 10).await;
    assert_eq!(sooner["DueDate"], "2026-05-15");
    let paid = api
        .control(
            Method::POST,
            "/payments",
            json!({"customer": "1", "amount": "100.5"}),
        )
        .await;
    assert_eq!(paid["Line"][0]["LinkedTxn"][0]["TxnId"], sooner["Id"]);
    assert_eq!(decimal(&paid["Line"][0]["Amount"]), dec("80"));
    assert_eq!(paid["Line"][1]["LinkedTxn"][0]["TxnId"], later["Id"]);
    assert_eq!(decimal(&paid["Line"][1]["Amount"]), dec("20.5"));
    let unapplied = api
        .control(
            Method::POST,
            "/payments",
            json!({"customer": "One", "amount": 7, "apply": "none", "date": "2026-05-01"}),
        )
        .await;
    assert_eq!(decimal(&unapplied["UnappliedAmt"]), dec("7"));
    assert_eq!(unapplied["TxnDate"], "2026-05-01");
    // What remains after all is settled stays unapplied.
    let rest = api
        .control(
            Method::POST,
            "/payments",
            json!({"customer": "One", "amount": "40"}),
        )
        .await;
    assert_eq!(decimal(&rest["UnappliedAmt"]), dec("10.5"));
    let customer = api.read("Customer", "1").await;
    assert_eq!(decimal(&customer["Balance"]), dec("-17.5"));
    api.assert_ties_out().await;
}

#[tokio::test]
async fn a_foreign_customer_is_billed_in_its_currency() {
    let api = Api::start(options(Data::Demo { today: TODAY })).await;
    let invoice = api
        .control(
            Method::POST,
            "/invoices",
            json!({"customer": "Hollis & Meyer GmbH", "amount": "100"}),
        )
        .await;
    assert_eq!(invoice["CurrencyRef"]["value"], "EUR");
    assert_eq!(invoice["ExchangeRate"].to_string(), "1.0842");
    assert_eq!(invoice["HomeTotalAmt"].to_string(), "108.42");
    assert_eq!(invoice["HomeBalance"].to_string(), "108.42");
}

#[tokio::test]
async fn mistakes_are_told_and_change_nothing() {
    let mut options = options(Data::Empty);
    options.companies.push(CompanyOptions {
        realm: "1000000000000009".to_owned(),
        ..CompanyOptions::default()
    });
    let api = Api::start(options).await;
    api.write("Customer", json!({"DisplayName": "One"})).await;
    let one = |more: Value| {
        let mut body = json!({"company": REALM, "customer": "One", "amount": "1"});
        for (property, value) in more.as_object().unwrap() {
            body[property.as_str()] = value.clone();
        }
        body
    };
    for (path, body, words) in [
        (
            "/invoices",
            one(json!({"customer": "Nobody"})),
            "no customer Nobody",
        ),
        ("/invoices", one(json!({"company": "7"})), "no company 7"),
        (
            "/invoices",
            json!({"customer": "One", "amount": "1"}),
            "which company",
        ),
        (
            "/invoices",
            one(json!({"amount": "0"})),
            "greater than zero",
        ),
        (
            "/invoices",
            one(json!({"amount": "-5"})),
            "greater than zero",
        ),
        (
            "/invoices",
            one(json!({"amount": "9999999999999999"})),
            "no more than",
        ),
        (
            "/invoices",
            one(json!({"due_days": 99_999_999_999_i64})),
            "due_days",
        ),
        (
            "/delete",
            json!({"company": REALM, "entity": "Customer", "id": "1"}),
            "only documents",
        ),
        (
            "/void",
            json!({"company": REALM, "entity": "Invoice", "id": "x"}),
            "no number",
        ),
        (
            "/void",
            json!({"company": REALM, "entity": "Invoice", "id": "5"}),
            "NotFound",
        ),
    ] {
        let (status, answer) = status(&api, path, body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}");
        assert!(answer.contains(words), "{path} {body}: {answer}");
    }
    // What is misspelled is refused, not passed over.
    for (path, body) in [
        ("/payments", one(json!({"aply": "none"}))),
        ("/faults", json!({"kind": "nonsense"})),
        ("/faults", json!({"kind": "latency", "milisecond": 5})),
        ("/tokens/expire", json!({"company": REALM, "which": "some"})),
    ] {
        let (status, answer) = status(&api, path, body.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {answer}");
    }
    assert_eq!(api.found("SELECT * FROM Invoice").await, json!({}));
}
