//! What the books become: receipts, refunds, allocations, entries, and that they add up.

use std::collections::HashMap;

use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::Value;

use super::super::harness::{dec, number};
use super::{Sage, amount, json, text};

/// A journal entry of customer 1 on receivables.
pub(super) async fn journal(sage: &Sage, side: &str, amount: &str, words: &str) -> Value {
    let other = if side == "Debit" { "Credit" } else { "Debit" };
    let amount = number(dec(amount));
    let body = json!({"Line": [
        {"Amount": amount, "Description": words, "DetailType": "JournalEntryLineDetail",
            "JournalEntryLineDetail": {
                "PostingType": side, "AccountRef": {"value": "84"},
                "Entity": {"Type": "Customer", "EntityRef": {"value": "1"}},
            }},
        {"Amount": amount, "DetailType": "JournalEntryLineDetail",
            "JournalEntryLineDetail": {"PostingType": other, "AccountRef": {"value": "31"}}},
    ]});
    sage.api.write("JournalEntry", body).await
}

/// An opening balance of customer 1.
pub(super) async fn opening_balance(sage: &Sage, side: &str, amount: &str) -> Value {
    journal(sage, side, amount, "Opening balance brought forward").await
}

/// A credit memo for customer 1.
pub(super) async fn credit(sage: &Sage, amount: &str) -> Value {
    let body = json!({
        "CustomerRef": {"value": "1"},
        "Line": [{
            "Amount": number(dec(amount)), "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": {"ItemRef": {"value": "1"}},
        }],
    });
    sage.api.write("CreditMemo", body).await
}

/// A line of a payment about a document of the books.
pub(super) fn link(kind: &str, document: &Value, amount: &str) -> Value {
    json!({
        "Amount": number(dec(amount)),
        "LinkedTxn": [{"TxnId": document["Id"], "TxnType": kind}],
    })
}

/// A payment of customer 1.
pub(super) async fn pay(sage: &Sage, total: &str, lines: Vec<Value>) -> Value {
    let body = json!({
        "CustomerRef": {"value": "1"}, "TotalAmt": number(dec(total)), "Line": lines,
    });
    sage.api.write("Payment", body).await
}

/// The artefacts and amounts of a payment or allocation.
fn allocated(record: &Value) -> Vec<(String, String)> {
    let lines = record["allocated_artefacts"].as_array().unwrap();
    let line = |line: &Value| {
        let id = text(&line["artefact"]["id"]).to_owned();
        (id, text(&line["amount"]).to_owned())
    };
    lines.iter().map(line).collect()
}

/// The id of the only record of a list.
pub(super) async fn only(sage: &Sage, list: &str) -> String {
    let items = sage.items(list).await;
    assert_eq!(items.len(), 1, "{list}");
    text(&items[0]["id"]).to_owned()
}

/// The only record of a list, with all members.
pub(super) async fn the(sage: &Sage, list: &str) -> Value {
    let mut all = sage.all(list, "").await;
    assert_eq!(all.len(), 1, "{list}: {all:?}");
    all.remove(0)
}

fn pairs<const N: usize>(expected: [(&str, &str); N]) -> Vec<(String, String)> {
    expected
        .map(|(id, amount)| (id.to_owned(), amount.to_owned()))
        .to_vec()
}

#[tokio::test]
async fn a_receipt_settles_an_invoice_and_the_rest_is_on_account() {
    let sage = Sage::empty().await;
    sage.customer("One").await;
    let bill = sage.bill("One", "100").await;
    let invoice = the(&sage, "sales_invoices").await;
    assert_eq!(invoice["invoice_number"], bill["DocNumber"]);
    assert_eq!(invoice["displayed_as"], bill["DocNumber"]);
    assert_eq!(invoice["status"]["id"], "UNPAID");
    assert_eq!(invoice["outstanding_amount"], "100.0");
    assert_eq!(invoice["last_paid"], "");
    pay(&sage, "120.5", vec![link("Invoice", &bill, "70")]).await;
    let receipt = the(&sage, "contact_payments").await;
    assert_eq!(receipt["transaction_type"]["id"], "CUSTOMER_RECEIPT");
    assert_eq!(receipt["total_amount"], "120.5");
    assert_eq!(allocated(&receipt), pairs([(text(&invoice["id"]), "70.0")]));
    assert_eq!(receipt["allocated_artefacts"][0]["discount"], "0.0");
    let rest = &receipt["payment_on_account"];
    assert_eq!(rest["outstanding_amount"], "50.5");
    assert_ne!(rest["id"], receipt["id"]);
    let invoice = the(&sage, "sales_invoices").await;
    assert_eq!(invoice["status"]["id"], "PART_PAID");
    assert_eq!(invoice["total_paid"], "70.0");
    assert_eq!(invoice["outstanding_amount"], "30.0");
    assert_eq!(invoice["last_paid"], "2026-05-05");
    // Only what was asked for is told.
    assert!(invoice.get("payments_allocations").is_none());
    let shown = sage
        .all("sales_invoices", "&show_payments_allocations=true")
        .await;
    let paid = &shown[0]["payments_allocations"][0];
    assert_eq!(paid["amount"], "70.0");
    assert_eq!(paid["contact_payment"]["id"], receipt["id"]);
    assert!(sage.items("contact_allocations").await.is_empty());
    assert_eq!(amount(&sage.contact("One").await["balance"]), dec("-20.5"));
}

#[tokio::test]
async fn a_payment_of_zero_is_an_allocation() {
    let sage = Sage::empty().await;
    sage.customer("One").await;
    let bill = sage.bill("One", "100").await;
    let memo = credit(&sage, "40").await;
    let lines = vec![
        link("Invoice", &bill, "25"),
        link("CreditMemo", &memo, "25"),
    ];
    pay(&sage, "0", lines).await;
    let (invoice, note) = (
        only(&sage, "sales_invoices").await,
        the(&sage, "sales_credit_notes").await,
    );
    assert_eq!(note["total_amount"], "40.0");
    assert_eq!(note["outstanding_amount"], "15.0");
    assert_eq!(note["status"]["id"], "PART_PAID");
    assert!(sage.items("contact_payments").await.is_empty());
    let allocation = the(&sage, "contact_allocations").await;
    assert_eq!(allocation["transaction_type"]["id"], "CUSTOMER_ALLOCATION");
    assert_eq!(
        allocated(&allocation),
        pairs([(&invoice, "25.0"), (text(&note["id"]), "-25.0")])
    );
}

#[tokio::test]
async fn money_and_credits_of_one_payment_are_told_apart() {
    let sage = Sage::empty().await;
    sage.customer("One").await;
    let bill = sage.bill("One", "100").await;
    let memo = credit(&sage, "40").await;
    let lines = vec![
        link("Invoice", &bill, "100"),
        link("CreditMemo", &memo, "40"),
    ];
    pay(&sage, "65", lines).await;
    let invoice = only(&sage, "sales_invoices").await;
    let note = only(&sage, "sales_credit_notes").await;
    let receipt = the(&sage, "contact_payments").await;
    assert_eq!(allocated(&receipt), pairs([(&invoice, "60.0")]));
    assert_eq!(receipt["payment_on_account"]["outstanding_amount"], "5.0");
    let allocation = the(&sage, "contact_allocations").await;
    assert_eq!(
        allocated(&allocation),
        pairs([(&invoice, "40.0"), (&note, "-40.0")])
    );
}

#[tokio::test]
async fn a_deposit_is_a_receipt_whose_account_can_be_allocated() {
    let sage = Sage::empty().await;
    sage.customer("One").await;
    let bill = sage.bill("One", "100").await;
    let deposit = json!({
        "DepositToAccountRef": {"value": "35"},
        "Line": [{"Amount": 30, "DetailType": "DepositLineDetail", "DepositLineDetail": {
            "AccountRef": {"value": "84"}, "Entity": {"value": "1", "type": "CUSTOMER"},
        }}],
    });
    let deposit = sage.api.write("Deposit", deposit).await;
    let receipt = the(&sage, "contact_payments").await;
    assert_eq!(receipt["payment_on_account"]["outstanding_amount"], "30.0");
    assert_eq!(allocated(&receipt), []);
    let lines = vec![
        link("Invoice", &bill, "30"),
        link("Deposit", &deposit, "30"),
    ];
    pay(&sage, "0", lines).await;
    let receipt = the(&sage, "contact_payments").await;
    let rest = &receipt["payment_on_account"];
    assert_eq!(rest["total_amount"], "30.0");
    assert_eq!(rest["outstanding_amount"], "0.0");
    let allocation = the(&sage, "contact_allocations").await;
    let invoice = only(&sage, "sales_invoices").await;
    // The payment on account is what is allocated, not the receipt.
    assert_eq!(
        allocated(&allocation),
        pairs([(&invoice, "30.0"), (text(&rest["id"]), "-30.0")])
    );
}

#[tokio::test]
async fn a_credit_paid_out_is_a_refund() {
    let sage = Sage::empty().await;
    sage.customer("One").await;
    let memo = credit(&sage, "40").await;
    let check = json!({
        "AccountRef": {"value": "35"}, "PaymentType": "Check",
        "Line": [{"Amount": 40, "DetailType": "AccountBasedExpenseLineDetail",
            "AccountBasedExpenseLineDetail": {
                "AccountRef": {"value": "84"}, "CustomerRef": {"value": "1"},
            },
        }],
    });
    let check = sage.api.write("Purchase", check).await;
    let refund = the(&sage, "contact_payments").await;
    assert_eq!(refund["transaction_type"]["id"], "CUSTOMER_REFUND");
    assert_eq!(refund["payment_on_account"]["outstanding_amount"], "40.0");
    assert_eq!(amount(&sage.contact("One").await["balance"]), dec("0"));
    let lines = vec![link("Check", &check, "40"), link("CreditMemo", &memo, "40")];
    pay(&sage, "0", lines).await;
    let refund = the(&sage, "contact_payments").await;
    let note = the(&sage, "sales_credit_notes").await;
    assert_eq!(allocated(&refund), pairs([(text(&note["id"]), "40.0")]));
    assert_eq!(refund["payment_on_account"], Value::Null);
    assert_eq!(note["status"]["id"], "PAID");
    assert!(sage.items("contact_allocations").await.is_empty());
    let refunds = "contact_payments?transaction_type_id=CUSTOMER_REFUND";
    assert_eq!(sage.items(refunds).await.len(), 1);
    let receipts = "contact_payments?transaction_type_id=CUSTOMER_RECEIPT";
    assert!(sage.items(receipts).await.is_empty());
}

#[tokio::test]
async fn entries_by_hand_are_quick_entries_and_opening_balances() {
    let sage = Sage::empty().await;
    sage.customer("One").await;
    let debit = journal(&sage, "Debit", "75", "Finance charge").await;
    journal(&sage, "Credit", "5", "Goodwill").await;
    opening_balance(&sage, "Debit", "300").await;
    pay(&sage, "25", vec![link("JournalEntry", &debit, "25")]).await;
    let entries = sage.all("sales_quick_entries", "&sort=created_at").await;
    let told: Vec<(&str, &str, &str, &str)> = entries
        .iter()
        .map(|entry| {
            (
                text(&entry["quick_entry_type"]["id"]),
                text(&entry["total_amount"]),
                text(&entry["outstanding_amount"]),
                text(&entry["details"]),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("INVOICE", "75.0", "50.0", "Finance charge"),
            ("CREDIT_NOTE", "5.0", "5.0", "Goodwill"),
        ]
    );
    let receipt = the(&sage, "contact_payments").await;
    assert_eq!(
        allocated(&receipt),
        pairs([(text(&entries[0]["id"]), "25.0")])
    );
    let opening = the(&sage, "contact_opening_balances").await;
    assert_eq!(opening["contact_opening_balance_type"]["id"], "INVOICE");
    assert_eq!(opening["total_amount"], "300.0");
    assert!(opening.get("outstanding_amount").is_none());
    assert_eq!(amount(&sage.contact("One").await["balance"]), dec("345"));
}

#[tokio::test]
async fn what_came_ahead_is_allocated_from_the_account() {
    let sage = Sage::empty().await;
    sage.customer("One").await;
    let ahead = json!({
        "customer": "One", "amount": "80", "apply": "none", "prepayment": true,
    });
    let paid = sage.control(Method::POST, "/payments", ahead).await;
    let bill = sage.bill("One", "100").await;
    let apply = json!({"from": "payment", "id": paid["Id"], "to": bill["Id"], "amount": "60"});
    sage.control(Method::POST, "/apply", apply).await;
    let receipt = the(&sage, "contact_payments").await;
    assert_eq!(allocated(&receipt), []);
    let rest = &receipt["payment_on_account"];
    assert_eq!(rest["total_amount"], "80.0");
    assert_eq!(rest["outstanding_amount"], "20.0");
    let invoice = only(&sage, "sales_invoices").await;
    assert_eq!(
        allocated(&the(&sage, "contact_allocations").await),
        pairs([(&invoice, "60.0"), (text(&rest["id"]), "-60.0")])
    );
}

/// Everything of generated books adds up: what is outstanding of a document is its total without what was
/// set against it, and what is outstanding in all is the balance.
#[tokio::test]
async fn everything_adds_up() {
    let sage = Sage::full().await;
    opening_balance(&sage, "Credit", "12.34").await;
    let mut balances: HashMap<String, Decimal> = HashMap::new();
    let mut owe = |record: &Value, amount: Decimal| {
        let contact = text(&record["contact"]["id"]).to_owned();
        *balances.entry(contact).or_default() += amount;
    };
    let mut used: HashMap<String, Decimal> = HashMap::new();
    let payments = sage.all("contact_payments", "").await;
    let allocations = sage.all("contact_allocations", "").await;
    for record in payments.iter().chain(&allocations) {
        for (artefact, amount) in allocated(record) {
            *used.entry(artefact).or_default() += dec(&amount).abs();
        }
    }
    for allocation in &allocations {
        let sum: Decimal = allocated(allocation).iter().map(|(_, it)| dec(it)).sum();
        assert_eq!(sum, Decimal::ZERO, "{allocation}");
    }
    let settled = |record: &Value| {
        let open = amount(&record["outstanding_amount"]);
        let total = amount(&record["total_amount"]);
        let used = used.get(text(&record["id"])).copied().unwrap_or_default();
        assert_eq!(total - open, used, "{record}");
        open
    };
    let mut refunds = 0;
    for payment in &payments {
        let is_refund = payment["transaction_type"]["id"] == "CUSTOMER_REFUND";
        refunds += u32::from(is_refund);
        let rest = &payment["payment_on_account"];
        if rest.is_null() {
            let sum: Decimal = allocated(payment).iter().map(|(_, it)| dec(it)).sum();
            assert_eq!(sum, amount(&payment["total_amount"]), "{payment}");
        } else if is_refund {
            owe(payment, amount(&rest["outstanding_amount"]));
        } else {
            owe(payment, -settled(rest));
        }
    }
    let mut documents = 0;
    for (list, sign) in [
        ("sales_invoices", Decimal::ONE),
        ("sales_credit_notes", Decimal::NEGATIVE_ONE),
        ("sales_quick_entries", Decimal::ONE),
    ] {
        for record in sage.all(list, "").await {
            let is_credit = record["quick_entry_type"]["id"] == "CREDIT_NOTE";
            let open = settled(&record);
            owe(&record, if is_credit { -open } else { sign * open });
            documents += 1;
            let Some(lines) = record.get("invoice_lines") else {
                continue;
            };
            for total in ["net_amount", "tax_amount", "total_amount"] {
                let lines = lines.as_array().unwrap();
                let sum: Decimal = lines.iter().map(|line| amount(&line[total])).sum();
                assert_eq!(sum, amount(&record[total]), "{total} of {record}");
            }
        }
    }
    let opening = the(&sage, "contact_opening_balances").await;
    owe(&opening, -amount(&opening["total_amount"]));
    assert!(documents > 500 && refunds > 0 && !allocations.is_empty());
    for contact in sage.all("contacts", "&show_balance=true").await {
        let expected = balances.remove(text(&contact["id"])).unwrap_or_default();
        assert_eq!(amount(&contact["balance"]), expected, "{contact}");
    }
    assert!(balances.is_empty(), "{balances:?}");
}

#[tokio::test]
async fn amounts_are_in_the_contacts_currency_and_in_the_base_currency() {
    let sage = Sage::full().await;
    let invoices = sage.all("sales_invoices", "").await;
    let foreign: Vec<&Value> = invoices
        .iter()
        .filter(|invoice| invoice["currency"]["id"] == "EUR")
        .collect();
    assert!(!foreign.is_empty());
    for invoice in foreign {
        let rate = amount(&invoice["exchange_rate"]);
        let base = (amount(&invoice["total_amount"]) * rate).round_dp(2);
        let told = amount(&invoice["base_currency_total_amount"]);
        assert!((base - told).abs() <= dec("0.01"), "{invoice}");
        assert_ne!(rate, Decimal::ONE);
        assert_eq!(invoice["currency"]["displayed_as"], "Euro (EUR)");
    }
}
