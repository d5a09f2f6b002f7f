//! What happens in the books, told in Xero's terms.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::harness::{dec, decimal};
use super::Xero;

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value:#}"))
}

/// Every invoice's due amount is what is neither paid nor credited, its payments are the listed ones, and
/// every contact's balance is what is due less what remains.
async fn assert_ties_out(xero: &Xero) {
    let invoices = xero.rows("Invoices?page=1&pageSize=1000").await;
    let payments = xero.rows("Payments?page=1&pageSize=1000").await;
    let mut expected: std::collections::BTreeMap<String, rust_decimal::Decimal> =
        std::collections::BTreeMap::new();
    for invoice in &invoices {
        if matches!(text(invoice, "Status"), "VOIDED" | "DELETED") {
            assert_eq!(decimal(&invoice["AmountDue"]), dec("0"));
            continue;
        }
        let amount = |name: &str| decimal(&invoice[name]);
        let due = amount("Total") - amount("AmountPaid") - amount("AmountCredited");
        assert_eq!(amount("AmountDue"), due, "{invoice:#}");
        let paid: rust_decimal::Decimal = payments
            .iter()
            .filter(|payment| {
                payment["Invoice"]["InvoiceID"] == invoice["InvoiceID"]
                    && payment["Status"] == "AUTHORISED"
            })
            .map(|payment| decimal(&payment["Amount"]))
            .sum();
        assert_eq!(paid, amount("AmountPaid"), "{invoice:#}");
        *expected
            .entry(text(&invoice["Contact"], "ContactID").to_owned())
            .or_default() += due;
    }
    for list in ["CreditNotes", "Overpayments", "Prepayments"] {
        for credit in xero.rows(&format!("{list}?page=1&pageSize=1000")).await {
            if credit["Status"] == "AUTHORISED" {
                *expected
                    .entry(text(&credit["Contact"], "ContactID").to_owned())
                    .or_default() -= decimal(&credit["RemainingCredit"]);
            }
        }
    }
    for contact in xero
        .rows("Contacts?page=1&pageSize=1000&includeArchived=true")
        .await
    {
        let owes = expected
            .get(text(&contact, "ContactID"))
            .copied()
            .unwrap_or_default();
        match contact.get("Balances") {
            Some(balances) => assert_eq!(
                decimal(&balances["AccountsReceivable"]["Outstanding"]),
                owes,
                "{contact:#}"
            ),
            None => assert_eq!(owes, dec("0"), "{contact:#}"),
        }
    }
}

#[tokio::test]
async fn a_payment_of_two_invoices_is_two_payments() {
    let xero = Xero::empty().await;
    xero.customer("One").await;
    xero.invoice("One", "INV-1", "100").await;
    xero.invoice("One", "INV-2", "50").await;
    let before = xero.one("Contacts").await;
    xero.api.clock.advance(SignedDuration::from_secs(90));
    xero.order(
        "/payments",
        json!({"customer": "One", "amount": "120", "number": "check 7"}),
    )
    .await;
    let payments = xero.rows("Payments?page=1&order=Date").await;
    assert_eq!(payments.len(), 2);
    assert!(xero.rows("Overpayments").await.is_empty());
    for (number, paid, status) in [("INV-1", "100", "PAID"), ("INV-2", "20", "AUTHORISED")] {
        let invoice = xero.one(&format!("Invoices/{number}")).await;
        assert_eq!(invoice["Status"], status);
        assert_eq!(decimal(&invoice["AmountPaid"]), dec(paid));
        let payment = payments
            .iter()
            .find(|payment| payment["Invoice"]["InvoiceNumber"] == number)
            .unwrap();
        assert_eq!(payment["PaymentType"], "ACCRECPAYMENT");
        assert_eq!(payment["Invoice"]["InvoiceID"], invoice["InvoiceID"]);
        assert_eq!(payment["Reference"], "check 7");
        assert_eq!(invoice["Payments"][0]["PaymentID"], payment["PaymentID"]);
        // A payment moves its invoice to its own time, to the millisecond.
        assert_eq!(payment["UpdatedDateUTC"], invoice["UpdatedDateUTC"]);
    }
    // The balance moves, the contact's time does not.
    let after = xero.one("Contacts").await;
    assert_eq!(before["UpdatedDateUTC"], after["UpdatedDateUTC"]);
    assert_ne!(before["Balances"], after["Balances"]);
    assert_ties_out(&xero).await;
}

#[tokio::test]
async fn money_with_a_rest_is_an_overpayment_for_good() {
    let xero = Xero::empty().await;
    xero.customer("One").await;
    xero.invoice("One", "INV-1", "100").await;
    let paid = xero
        .order("/payments", json!({"customer": "One", "amount": "130"}))
        .await;
    assert!(xero.rows("Payments").await.is_empty());
    let over = xero.one("Overpayments?page=1").await;
    assert_eq!(over["Type"], "RECEIVE-OVERPAYMENT");
    assert_eq!(over["Status"], "AUTHORISED");
    assert_eq!(decimal(&over["Total"]), dec("130"));
    assert_eq!(decimal(&over["RemainingCredit"]), dec("30"));
    let invoice = xero.one("Invoices/INV-1").await;
    assert_eq!(
        over["Allocations"][0]["Invoice"]["InvoiceID"],
        invoice["InvoiceID"]
    );
    assert_eq!(decimal(&invoice["AmountPaid"]), dec("0"));
    assert_eq!(decimal(&invoice["AmountCredited"]), dec("100"));
    assert_eq!(
        invoice["Overpayments"][0]["OverpaymentID"],
        over["OverpaymentID"]
    );
    let balance = xero.one("Contacts").await["Balances"]["AccountsReceivable"].clone();
    assert_eq!(
        balance.to_string(),
        json!({"Outstanding": -30.0, "Overdue": 0.0})
            .to_string()
            .replace("-30.0", "-30.00")
            .replace("0.0}", "0.00}")
    );
    // Used up, it stays what it is.
    xero.invoice("One", "INV-2", "30").await;
    xero.order(
        "/apply",
        json!({"from": "payment", "id": paid["Id"], "to": "INV-2", "amount": "30"}),
    )
    .await;
    let used = xero.one("Overpayments").await;
    assert_eq!(used["OverpaymentID"], over["OverpaymentID"]);
    assert_eq!(used["Status"], "PAID");
    assert_eq!(used["Allocations"].as_array().unwrap().len(), 2);
    assert!(xero.rows("Payments").await.is_empty());
    assert!(xero.one("Contacts").await.get("Balances").is_none());
    assert_ties_out(&xero).await;
}

#[tokio::test]
async fn a_voided_invoice_leaves_its_money_as_an_overpayment() {
    let xero = Xero::empty().await;
    xero.customer("One").await;
    let first = xero.invoice("One", "INV-1", "100").await;
    xero.order("/payments", json!({"customer": "One", "amount": "60"}))
        .await;
    let live = xero.one("Payments").await;
    xero.api.clock.advance(SignedDuration::from_secs(1));
    xero.order("/void", json!({"entity": "Invoice", "id": first}))
        .await;
    let invoice = xero.one("Invoices/INV-1").await;
    assert_eq!(invoice["Status"], "VOIDED");
    assert_eq!(decimal(&invoice["Total"]), dec("100"));
    assert_eq!(decimal(&invoice["AmountDue"]), dec("0"));
    let deleted = xero.one("Payments").await;
    assert_eq!(deleted["PaymentID"], live["PaymentID"]);
    assert_eq!(deleted["Status"], "DELETED");
    assert_eq!(decimal(&deleted["Amount"]), dec("60"));
    let over = xero.one("Overpayments").await;
    assert_eq!(decimal(&over["RemainingCredit"]), dec("60"));
    assert_ties_out(&xero).await;
}

#[tokio::test]
async fn what_is_deleted_is_still_listed() {
    let xero = Xero::empty().await;
    xero.customer("One").await;
    let invoice = xero.invoice("One", "INV-1", "100").await;
    let credit = xero
        .order(
            "/credits",
            json!({"customer": "One", "amount": "10", "number": "CN-1"}),
        )
        .await;
    let paid = xero
        .order("/payments", json!({"customer": "One", "amount": "100"}))
        .await;
    let over = xero
        .order(
            "/payments",
            json!({"customer": "One", "amount": "5", "apply": "none"}),
        )
        .await;
    let before = xero.rows("Invoices").await;
    xero.api.clock.advance(SignedDuration::from_secs(1));
    for (entity, id) in [
        ("Payment", &paid["Id"]),
        ("Payment", &over["Id"]),
        ("CreditMemo", &credit["Id"]),
    ] {
        xero.order("/delete", json!({"entity": entity, "id": id}))
            .await;
    }
    let open = xero.one("Invoices").await;
    assert_eq!(open["Status"], "AUTHORISED");
    assert_ne!(open["UpdatedDateUTC"], before[0]["UpdatedDateUTC"]);
    xero.order("/delete", json!({"entity": "Invoice", "id": invoice}))
        .await;
    assert_eq!(xero.one("Invoices").await["Status"], "DELETED");
    assert_eq!(xero.one("Payments").await["Status"], "DELETED");
    assert_eq!(xero.one("CreditNotes").await["Status"], "DELETED");
    assert_eq!(xero.one("Overpayments").await["Status"], "VOIDED");
    assert!(xero.one("Contacts").await.get("Balances").is_none());
    assert_ties_out(&xero).await;
}

#[tokio::test]
async fn a_payment_that_changes_is_another_one() {
    let xero = Xero::empty().await;
    xero.customer("One").await;
    xero.invoice("One", "INV-1", "100").await;
    let paid = xero
        .order("/payments", json!({"customer": "One", "amount": "40"}))
        .await;
    let first = xero.one("Payments").await;
    let mut body = json!({
        "Id": paid["Id"], "SyncToken": paid["SyncToken"], "CustomerRef": paid["CustomerRef"],
        "TotalAmt": 70, "Line": paid["Line"], "sparse": true,
    });
    body["Line"][0]["Amount"] = json!(70);
    xero.api.write("Payment", body).await;
    let payments = xero.rows("Payments?where=Status==\"AUTHORISED\"").await;
    assert_eq!(payments.len(), 1, "{payments:#?}");
    assert_eq!(decimal(&payments[0]["Amount"]), dec("70"));
    assert_ne!(payments[0]["PaymentID"], first["PaymentID"]);
    let deleted = xero.one("Payments?where=Status==\"DELETED\"").await;
    assert_eq!(deleted["PaymentID"], first["PaymentID"]);
    assert_ties_out(&xero).await;
}

#[tokio::test]
async fn a_credit_note_is_allocated_and_refunded() {
    let xero = Xero::empty().await;
    xero.customer("One").await;
    xero.invoice("One", "INV-1", "100").await;
    let credit = xero
        .order(
            "/credits",
            json!({"customer": "One", "amount": "50", "number": "CN-1", "date": "2026-05-01"}),
        )
        .await;
    let contact = xero.one("Contacts").await;
    assert_eq!(
        decimal(&contact["Balances"]["AccountsReceivable"]["Outstanding"]),
        dec("50")
    );
    xero.order(
        "/apply",
        json!({"from": "credit_memo", "id": "CN-1", "to": "INV-1", "amount": "30"}),
    )
    .await;
    xero.order(
        "/refunds",
        json!({"from": "credit_memo", "id": credit["Id"], "amount": "20", "date": "2026-05-03"}),
    )
    .await;
    let note = xero.one("CreditNotes?page=1").await;
    assert_eq!(note["Status"], "PAID");
    assert_eq!(decimal(&note["RemainingCredit"]), dec("0"));
    assert_eq!(decimal(&note["Allocations"][0]["Amount"]), dec("30"));
    let invoice = xero.one("Invoices/INV-1").await;
    assert_eq!(decimal(&invoice["AmountCredited"]), dec("30"));
    assert_eq!(
        invoice["CreditNotes"][0]["CreditNoteID"],
        note["CreditNoteID"]
    );
    // The parent of a refund stands under another name.
    let refund = xero.one("Payments").await;
    assert_eq!(refund["PaymentType"], "ARCREDITPAYMENT");
    assert_eq!(refund["Invoice"]["Type"], "ACCRECCREDIT");
    assert_eq!(refund["Invoice"]["InvoiceID"], note["CreditNoteID"]);
    assert_eq!(refund["Invoice"]["InvoiceNumber"], "CN-1");
    assert_eq!(note["Payments"][0]["PaymentID"], refund["PaymentID"]);
    assert_eq!(decimal(&refund["Amount"]), dec("20"));
    assert_ties_out(&xero).await;
}

#[tokio::test]
async fn an_overpayment_is_refunded_and_a_prepayment_is_one() {
    let xero = Xero::empty().await;
    xero.customer("One").await;
    let over = xero
        .order("/payments", json!({"customer": "One", "amount": "30"}))
        .await;
    xero.order(
        "/refunds",
        json!({"from": "payment", "id": over["Id"], "amount": "10"}),
    )
    .await;
    let refund = xero.one("Payments").await;
    assert_eq!(refund["PaymentType"], "AROVERPAYMENTPAYMENT");
    let over = xero.one("Overpayments").await;
    assert_eq!(refund["Invoice"]["InvoiceID"], over["OverpaymentID"]);
    assert_eq!(decimal(&over["RemainingCredit"]), dec("20"));
    xero.order(
        "/payments",
        json!({"customer": "One", "amount": "7", "apply": "none", "prepayment": true}),
    )
    .await;
    let ahead = xero.one("Prepayments").await;
    assert_eq!(ahead["Type"], "RECEIVE-PREPAYMENT");
    assert_eq!(decimal(&ahead["RemainingCredit"]), dec("7"));
    xero.one("Overpayments").await;
    assert_ties_out(&xero).await;
}

#[tokio::test]
async fn overdue_is_by_the_day_and_not_lowered_by_credits() {
    let mut xero = Xero::empty().await;
    xero.customer("One").await;
    for (number, due) in [("INV-1", "2026-05-04"), ("INV-2", "2026-05-05")] {
        xero.order(
            "/invoices",
            json!({"customer": "One", "number": number, "amount": "10", "date": "2026-04-01", "due": due}),
        )
        .await;
    }
    xero.order("/credits", json!({"customer": "One", "amount": "15"}))
        .await;
    let balances = xero.one("Contacts").await["Balances"]["AccountsReceivable"].clone();
    assert_eq!(decimal(&balances["Outstanding"]), dec("5"));
    assert_eq!(decimal(&balances["Overdue"]), dec("10"));
    xero.api.clock.advance(SignedDuration::from_hours(24));
    xero.take_tokens().await;
    let balances = xero.one("Contacts").await["Balances"]["AccountsReceivable"].clone();
    assert_eq!(decimal(&balances["Overdue"]), dec("20"));
}

#[tokio::test]
async fn a_foreign_document_is_in_its_own_currency() {
    let xero = Xero::empty().await;
    xero.order("/customers", json!({"name": "Euro", "currency": "EUR"}))
        .await;
    xero.invoice("Euro", "INV-1", "100").await;
    let invoice = xero.one("Invoices/INV-1").await;
    assert_eq!(invoice["CurrencyCode"], "EUR");
    assert_eq!(invoice["CurrencyRate"].to_string(), "0.922339");
    let contact = xero.one("Contacts").await;
    assert_eq!(contact["DefaultCurrency"], "EUR");
    assert_eq!(
        contact["Balances"]["AccountsReceivable"]["Outstanding"].to_string(),
        "100.00"
    );
}

#[tokio::test]
async fn the_demo_ties_out() {
    use financial_pulse::sandbox::Data;
    let xero = Xero::start(super::unlimited(Data::Demo {
        today: super::super::harness::TODAY,
    }))
    .await;
    assert_ties_out(&xero).await;
    let counts = xero
        .api
        .control(Method::GET, "/counts?format=xero", Value::Null)
        .await;
    assert_eq!(counts["1000000000000001"]["Invoices"], json!(1));
}
