//! Writes: how they move balances, and what is refused.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::harness::{Api, REALM, dec, decimal, number};

fn link(kind: &str, id: &Value, amount: Decimal) -> Value {
    json!({
        "Amount": number(amount),
        "LinkedTxn": [{"TxnId": id, "TxnType": kind}],
    })
}

fn sale(amount: Decimal) -> Value {
    json!([{
        "Amount": number(amount), "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": "1"}},
    }])
}

/// A company with customers "One" (1) and "Two" (2).
async fn two_customers() -> Api {
    let api = Api::empty().await;
    for name in ["One", "Two"] {
        api.write("Customer", json!({ "DisplayName": name })).await;
    }
    api
}

async fn invoice(api: &Api, amount: Decimal) -> Value {
    api.write(
        "Invoice",
        json!({"CustomerRef": {"value": "1"}, "Line": sale(amount)}),
    )
    .await
}

async fn payment(api: &Api, total: Decimal, lines: Vec<Value>) -> Value {
    api.write(
        "Payment",
        json!({"CustomerRef": {"value": "1"}, "TotalAmt": number(total), "Line": lines}),
    )
    .await
}

async fn balance(api: &Api) -> Decimal {
    api.assert_ties_out().await;
    decimal(&api.read("Customer", "1").await["Balance"])
}

async fn reread(api: &Api, entity: &str, document: &Value) -> Value {
    api.read(entity, document["Id"].as_str().unwrap()).await
}

#[tokio::test]
async fn a_payment_settles_in_part_and_the_rest_stays_unapplied() {
    let api = two_customers().await;
    let first = invoice(&api, dec("100")).await;
    let second = invoice(&api, dec("50.25")).await;
    assert_eq!(balance(&api).await, dec("150.25"));
    api.clock.advance(SignedDuration::from_secs(60));
    let paid = payment(
        &api,
        dec("140"),
        vec![
            link("Invoice", &first["Id"], dec("100")),
            link("Invoice", &second["Id"], dec("30.25")),
        ],
    )
    .await;
    assert_eq!(decimal(&paid["UnappliedAmt"]), dec("9.75"));
    assert_eq!(balance(&api).await, dec("10.25"));
    let second = reread(&api, "Invoice", &second).await;
    assert_eq!(decimal(&second["Balance"]), dec("20"));
    assert_eq!(decimal(&second["TotalAmt"]), dec("50.25"));
    // Applying bumps the invoice and adds the link; the customer's SyncToken stays.
    assert_eq!(second["SyncToken"], "1");
    assert_eq!(
        second["LinkedTxn"],
        json!([{"TxnId": paid["Id"], "TxnType": "Payment"}])
    );
    assert_eq!(
        second["MetaData"]["LastUpdatedTime"],
        "2026-05-05T12:01:00-07:00"
    );
    let customer = api.read("Customer", "1").await;
    assert_eq!(customer["SyncToken"], "0");
    assert_eq!(
        customer["MetaData"]["LastUpdatedTime"],
        "2026-05-05T12:01:00-07:00"
    );
}

#[tokio::test]
async fn a_credit_memo_is_applied_by_a_payment_of_nothing() {
    let api = two_customers().await;
    let bill = invoice(&api, dec("100")).await;
    let memo = api
        .write(
            "CreditMemo",
            json!({"CustomerRef": {"value": "1"}, "Line": sale(dec("40"))}),
        )
        .await;
    assert_eq!(balance(&api).await, dec("60"));
    let lines = vec![
        link("Invoice", &bill["Id"], dec("40")),
        link("CreditMemo", &memo["Id"], dec("40")),
    ];
    let applied = payment(&api, dec("0"), lines).await;
    assert_eq!(decimal(&applied["UnappliedAmt"]), dec("0"));
    assert_eq!(balance(&api).await, dec("60"));
    let memo = reread(&api, "CreditMemo", &memo).await;
    assert_eq!(decimal(&memo["RemainingCredit"]), dec("0"));
    // A memo does not tell where it went.
    assert!(memo.get("LinkedTxn").is_none());
    let bill = reread(&api, "Invoice", &bill).await;
    assert_eq!(decimal(&bill["Balance"]), dec("60"));
    assert_eq!(bill["LinkedTxn"][0]["TxnType"], "Payment");

    // Without the memo the application has no meaning, and the debt is back.
    let body = json!({"Id": memo["Id"], "SyncToken": memo["SyncToken"]}).to_string();
    api.call(Method::POST, "creditmemo?operation=delete", Some(&body))
        .await;
    assert_eq!(balance(&api).await, dec("100"));
    let bill = reread(&api, "Invoice", &bill).await;
    assert_eq!(decimal(&bill["Balance"]), dec("100"));
    let applied = reread(&api, "Payment", &applied).await;
    assert_eq!(applied["Line"], json!([]));
}

#[tokio::test]
async fn a_payment_is_updated_deleted_and_voided() {
    let api = two_customers().await;
    let first = invoice(&api, dec("100")).await;
    let second = invoice(&api, dec("70")).await;
    let paid = payment(
        &api,
        dec("80"),
        vec![link("Invoice", &first["Id"], dec("80"))],
    )
    .await;
    assert_eq!(balance(&api).await, dec("90"));
    // Lines are replaced all or none, sparsely too.
    let paid = api
        .write(
            "Payment",
            json!({
                "Id": paid["Id"], "SyncToken": "0", "sparse": true,
                "CustomerRef": {"value": "1"},
                "Line": [link("Invoice", &second["Id"], dec("70"))],
            }),
        )
        .await;
    assert_eq!(decimal(&paid["UnappliedAmt"]), dec("10"));
    assert_eq!(balance(&api).await, dec("90"));
    let first = reread(&api, "Invoice", &first).await;
    assert_eq!(decimal(&first["Balance"]), dec("100"));
    assert_eq!(first["LinkedTxn"], json!([]));

    let body = json!({"Id": paid["Id"], "SyncToken": "1", "sparse": true}).to_string();
    let (status, voided) = api
        .call(
            Method::POST,
            "payment?operation=update&include=void",
            Some(&body),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{voided}");
    assert_eq!(voided["Payment"]["PrivateNote"], "Voided");
    assert_eq!(voided["Payment"]["Line"], json!([]));
    assert_eq!(decimal(&voided["Payment"]["TotalAmt"]), dec("0"));
    assert_eq!(balance(&api).await, dec("170"));

    let body = json!({"Id": paid["Id"], "SyncToken": "2"}).to_string();
    api.call(Method::POST, "payment?operation=delete", Some(&body))
        .await;
    assert_eq!(balance(&api).await, dec("170"));
    assert_eq!(api.found("SELECT * FROM Payment").await, json!({}));
}

#[tokio::test]
async fn a_voided_invoice_leaves_its_payment_unapplied() {
    let api = two_customers().await;
    let bill = invoice(&api, dec("100")).await;
    let paid = payment(
        &api,
        dec("100"),
        vec![link("Invoice", &bill["Id"], dec("100"))],
    )
    .await;
    assert_eq!(balance(&api).await, dec("0"));
    let body = json!({"Id": bill["Id"], "SyncToken": "1"}).to_string();
    let (status, voided) = api
        .call(Method::POST, "invoice?operation=void", Some(&body))
        .await;
    assert_eq!(status, StatusCode::OK, "{voided}");
    assert_eq!(voided["Invoice"]["LinkedTxn"], json!([]));
    assert_eq!(balance(&api).await, dec("-100"));
    let paid = reread(&api, "Payment", &paid).await;
    assert_eq!(decimal(&paid["UnappliedAmt"]), dec("100"));
    assert_eq!(paid["Line"], json!([]));
    let listed = api.found("SELECT * FROM Invoice").await;
    assert_eq!(listed["Invoice"][0]["PrivateNote"], "Voided");
}

#[tokio::test]
async fn journal_entries_deposits_and_purchases_touch_receivables() {
    let api = two_customers().await;
    let entry = |side: &str, other: &str, amount: Decimal| {
        json!({"Line": [
            {"Amount": number(amount), "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": {
                "PostingType": side, "AccountRef": {"value": "84"},
                "Entity": {"Type": "Customer", "EntityRef": {"value": "1"}},
            }},
            {"Amount": number(amount), "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": {
                "PostingType": other, "AccountRef": {"value": "31"},
            }},
        ]})
    };
    let debit = api
        .write("JournalEntry", entry("Debit", "Credit", dec("75")))
        .await;
    assert_eq!(balance(&api).await, dec("75"));
    api.write("JournalEntry", entry("Credit", "Debit", dec("5")))
        .await;
    assert_eq!(balance(&api).await, dec("70"));
    api.write(
        "Deposit",
        json!({
            "DepositToAccountRef": {"value": "35"},
            "Line": [{"Amount": 20, "DetailType": "DepositLineDetail", "DepositLineDetail": {
                "AccountRef": {"value": "84"}, "Entity": {"value": "1", "type": "CUSTOMER"},
            }}],
        }),
    )
    .await;
    assert_eq!(balance(&api).await, dec("50"));
    api.write(
        "Purchase",
        json!({
            "AccountRef": {"value": "35"}, "PaymentType": "Check",
            "Line": [{"Amount": 12, "DetailType": "AccountBasedExpenseLineDetail",
                "AccountBasedExpenseLineDetail": {
                    "AccountRef": {"value": "84"}, "CustomerRef": {"value": "1"},
                },
            }],
        }),
    )
    .await;
    assert_eq!(balance(&api).await, dec("62"));
    // A payment settles the journal entry's debt.
    let paid = payment(
        &api,
        dec("75"),
        vec![link("JournalEntry", &debit["Id"], dec("75"))],
    )
    .await;
    assert_eq!(decimal(&paid["UnappliedAmt"]), dec("0"));
    assert_eq!(balance(&api).await, dec("-13"));
    assert_eq!(
        api.refused(
            "payment",
            json!({
                "CustomerRef": {"value": "1"}, "TotalAmt": 1,
                "Line": [link("JournalEntry", &debit["Id"], dec("1"))],
            }),
        )
        .await,
        "6000"
    );
    // A note may still be written on it.
    api.write(
        "JournalEntry",
        json!({"Id": debit["Id"], "SyncToken": "1", "sparse": true, "PrivateNote": "settled"}),
    )
    .await;
    assert_eq!(balance(&api).await, dec("-13"));
}

#[tokio::test]
async fn a_deposited_payment_is_fixed() {
    let api = two_customers().await;
    let paid = payment(&api, dec("10"), vec![]).await;
    api.write(
        "Deposit",
        json!({
            "DepositToAccountRef": {"value": "35"},
            "Line": [{"Amount": 10, "LinkedTxn": [{
                "TxnId": paid["Id"], "TxnType": "Payment", "TxnLineId": "0",
            }]}],
        }),
    )
    .await;
    let paid = reread(&api, "Payment", &paid).await;
    assert_eq!(paid["LinkedTxn"][0]["TxnType"], "Deposit");
    let body = json!({"Id": paid["Id"], "SyncToken": paid["SyncToken"], "sparse": true});
    for path in [
        "payment?operation=update&include=void",
        "payment?operation=delete",
    ] {
        assert_eq!(api.refused(path, body.clone()).await, "6540", "{path}");
    }
    assert_eq!(balance(&api).await, dec("-10"));
}

#[tokio::test]
async fn sub_customers_add_up() {
    let api = two_customers().await;
    api.write(
        "Customer",
        json!({"DisplayName": "Site", "ParentRef": {"value": "1"}, "Job": true}),
    )
    .await;
    invoice(&api, dec("10")).await;
    api.write(
        "Invoice",
        json!({"CustomerRef": {"value": "3"}, "Line": sale(dec("5"))}),
    )
    .await;
    let parent = api.read("Customer", "1").await;
    assert_eq!(decimal(&parent["Balance"]), dec("10"));
    assert_eq!(decimal(&parent["BalanceWithJobs"]), dec("15"));
    let site = api.read("Customer", "3").await;
    assert_eq!(site["FullyQualifiedName"], "One:Site");
    assert_eq!(site["Level"], json!(1));
    assert_eq!(site["ParentRef"], json!({"value": "1"}));
    assert_eq!(decimal(&site["BalanceWithJobs"]), dec("5"));
}

#[tokio::test]
async fn a_full_update_clears_what_it_leaves_out() {
    let api = two_customers().await;
    let customer = api
        .write(
            "Customer",
            json!({"DisplayName": "Full", "Notes": "keep?", "CompanyName": "Full Inc."}),
        )
        .await;
    let id = &customer["Id"];
    let sparse = api
        .write(
            "Customer",
            json!({"Id": id, "SyncToken": "0", "sparse": true, "CompanyName": "Fuller Inc."}),
        )
        .await;
    assert_eq!(sparse["Notes"], "keep?");
    let full = api
        .write(
            "Customer",
            json!({"Id": id, "SyncToken": "1", "DisplayName": "Full"}),
        )
        .await;
    assert!(full.get("Notes").is_none());
    assert!(full.get("CompanyName").is_none());
    let bill = invoice(&api, dec("10")).await;
    let noted = api
        .write(
            "Invoice",
            json!({
                "Id": bill["Id"], "SyncToken": "0", "sparse": true, "PrivateNote": "note",
                "CustomerMemo": {"value": "memo"},
            }),
        )
        .await;
    assert_eq!(noted["CustomerMemo"]["value"], "memo");
    let full = api
        .write(
            "Invoice",
            json!({
                "Id": bill["Id"], "SyncToken": "1", "CustomerRef": {"value": "2"},
                "Line": sale(dec("7")),
            }),
        )
        .await;
    assert!(full.get("PrivateNote").is_none());
    assert!(full.get("CustomerMemo").is_none());
    // The debt moved with the customer.
    assert_eq!(balance(&api).await, dec("0"));
    let two = api.read("Customer", "2").await;
    assert_eq!(decimal(&two["Balance"]), dec("7"));
}

#[tokio::test]
async fn an_inactive_name_is_free_again_and_hidden() {
    let api = two_customers().await;
    api.write(
        "Customer",
        json!({"Id": "1", "SyncToken": "0", "sparse": true, "Active": false}),
    )
    .await;
    assert_eq!(
        api.read("Customer", "1").await["DisplayName"],
        "One (deleted)"
    );
    assert_eq!(
        api.refused(
            "invoice",
            json!({"CustomerRef": {"value": "1"}, "Line": sale(dec("1"))})
        )
        .await,
        "610"
    );
    let other = api.write("Customer", json!({"DisplayName": "One"})).await;
    assert_eq!(other["Id"], "3");
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_the_first_time() {
    let api = two_customers().await;
    let body = json!({"CustomerRef": {"value": "1"}, "Line": sale(dec("10"))}).to_string();
    let path = "invoice?requestid=3f2504e0";
    let (_, first) = api.call(Method::POST, path, Some(&body)).await;
    api.clock.advance(SignedDuration::from_secs(60));
    let (_, again) = api.call(Method::POST, path, Some(&body)).await;
    assert_eq!(first, again);
    assert_eq!(balance(&api).await, dec("10"));
    let (_, other) = api
        .call(Method::POST, "invoice?requestid=other", Some(&body))
        .await;
    assert_ne!(first["Invoice"]["Id"], other["Invoice"]["Id"]);
    assert_eq!(balance(&api).await, dec("20"));
}

#[expect(
    clippy::too_many_lines,
    reason = "a table, one refusal after the other"
)]
#[tokio::test]
async fn refusals_have_their_code_and_change_nothing() {
    let api = two_customers().await;
    let bill = invoice(&api, dec("100")).await;
    let paid = payment(
        &api,
        dec("60"),
        vec![link("Invoice", &bill["Id"], dec("60"))],
    )
    .await;
    let one = json!({"value": "1"});
    let before = api
        .control(
            Method::GET,
            &format!("/balances?company={REALM}"),
            Value::Null,
        )
        .await;
    for (path, body, code) in [
        ("customer", json!({"DisplayName": "two"}), "6240"),
        ("vendor", json!({"DisplayName": "Two"}), "6240"),
        ("customer", json!({"Notes": "no name"}), "2020"),
        ("customer", json!({"DisplayName": "a:b"}), "6000"),
        ("customer", json!({"DisplayName": "x".repeat(501)}), "2050"),
        ("customer", json!({"DisplayName": "C", "Job": true}), "2020"),
        (
            "customer",
            json!({"DisplayName": "C", "ParentRef": {"value": "9"}}),
            "2500",
        ),
        (
            "customer",
            json!({"Id": "1", "SyncToken": "9", "sparse": true}),
            "5010",
        ),
        ("customer", json!({"Id": "1", "sparse": true}), "2020"),
        (
            "customer",
            json!({"Id": "99", "SyncToken": "0", "sparse": true}),
            "610",
        ),
        (
            "customer",
            json!({"Id": "x", "SyncToken": "0", "sparse": true}),
            "2030",
        ),
        (
            "customer?operation=delete",
            json!({"Id": "1", "SyncToken": "0"}),
            "500",
        ),
        ("customer", json!(["no", "object"]), "2010"),
        ("invoice", json!({"CustomerRef": one}), "2020"),
        ("invoice", json!({"Line": sale(dec("1"))}), "2020"),
        (
            "invoice",
            json!({"CustomerRef": {"value": "77"}, "Line": sale(dec("1"))}),
            "2500",
        ),
        // More than books can hold, and more than a decimal can.
        (
            "payment",
            json!({"CustomerRef": one, "TotalAmt": 1e20}),
            "2080",
        ),
        (
            "payment",
            json!({"CustomerRef": one, "TotalAmt": 1e300}),
            "2080",
        ),
        (
            "payment",
            json!({"CustomerRef": one, "TotalAmt": -1}),
            "6000",
        ),
        (
            "invoice",
            json!({"CustomerRef": one, "Line": sale(dec("1")), "TxnDate": "soon"}),
            "2080",
        ),
        (
            "invoice",
            json!({"CustomerRef": one, "Line": sale(dec("1")), "DocNumber": "x".repeat(22)}),
            "2050",
        ),
        (
            "invoice",
            json!({"CustomerRef": one, "Line": sale(dec("1")), "CurrencyRef": {"value": "EUR"}}),
            "6000",
        ),
        (
            "invoice",
            json!({"CustomerRef": one, "Line": [{
                "Amount": 10, "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": {"value": "1"}, "Qty": 3, "UnitPrice": 4},
            }]}),
            "6070",
        ),
        (
            "invoice",
            json!({"CustomerRef": one, "Line": [{
                "Amount": 10, "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": {"value": "555"}},
            }]}),
            "2500",
        ),
        (
            "invoice",
            json!({"CustomerRef": one, "Line": [{"Amount": 1, "DetailType": "Nonsense"}]}),
            "2170",
        ),
        (
            "invoice",
            json!({"Id": bill["Id"], "SyncToken": "1", "sparse": true, "Line": sale(dec("59.99"))}),
            "6000",
        ),
        (
            "invoice?operation=delete",
            json!({"Id": bill["Id"], "SyncToken": "0"}),
            "5010",
        ),
        (
            "invoice?operation=void",
            json!({"Id": "99", "SyncToken": "0"}),
            "610",
        ),
        ("payment", json!({"CustomerRef": one}), "2020"),
        (
            "payment",
            json!({"CustomerRef": one, "TotalAmt": 50, "Line": [link("Invoice", &bill["Id"], dec("50"))]}),
            "6000",
        ),
        (
            "payment",
            json!({"CustomerRef": one, "TotalAmt": 10, "Line": [link("Invoice", &bill["Id"], dec("20"))]}),
            "6000",
        ),
        (
            "payment",
            json!({"CustomerRef": one, "TotalAmt": 10, "Line": [link("Invoice", &json!("99"), dec("1"))]}),
            "610",
        ),
        (
            "payment",
            json!({"CustomerRef": one, "TotalAmt": 10, "Line": [link("Nonsense", &json!("1"), dec("1"))]}),
            "2170",
        ),
        (
            "payment",
            json!({"Id": paid["Id"], "SyncToken": "0", "sparse": true, "TotalAmt": 5}),
            "6000",
        ),
        (
            "journalentry",
            json!({"Line": [{"Amount": 1, "JournalEntryLineDetail": {
                "PostingType": "Debit", "AccountRef": {"value": "31"},
            }}]}),
            "6000",
        ),
        (
            "journalentry",
            json!({"Line": [{"Amount": 1, "JournalEntryLineDetail": {
                "PostingType": "Debit", "AccountRef": {"value": "84"},
            }}]}),
            "6000",
        ),
        ("refundreceipt", json!({"Line": sale(dec("1"))}), "2020"),
        (
            "deposit",
            json!({"DepositToAccountRef": {"value": "35"}}),
            "2020",
        ),
        ("estimate", json!({"CustomerRef": one}), "500"),
    ] {
        assert_eq!(api.refused(path, body.clone()).await, code, "{path} {body}");
    }
    let after = api
        .control(
            Method::GET,
            &format!("/balances?company={REALM}"),
            Value::Null,
        )
        .await;
    assert_eq!(before, after);
    api.assert_ties_out().await;
}

#[tokio::test]
async fn a_large_batch_is_refused_whole() {
    let api = two_customers().await;
    let items: Vec<Value> = (0..31)
        .map(|index| {
            json!({
                "bId": index.to_string(), "operation": "create",
                "Customer": {"DisplayName": format!("C{index}")},
            })
        })
        .collect();
    api.refused("batch", json!({ "BatchItemRequest": items }))
        .await;
    let count = api.found("SELECT COUNT(*) FROM Customer").await;
    assert_eq!(count["totalCount"], json!(2));
}
