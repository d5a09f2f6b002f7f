//! What each kind of record becomes. The bodies here are small and written for the case; the shapes
//! are those of the reference.

use financial_pulse::domain::books::PaymentTerms;
use financial_pulse::domain::document::{DocumentState, Side};
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::records::{Deletion, Records};
use financial_pulse::provider::{AccountingProvider, Changes, ProviderError};
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Mirror, access, at, connector, decimal, reference, settings};
use crate::support::company::TIME;
use crate::support::script::{Reply, ScriptedServer};

/// Sends records of any entities through the connector, as an answer about changes.
async fn try_convert(lists: Value) -> Result<Records, ProviderError> {
    let body = json!({"CDCResponse": [{"QueryResponse": [lists]}], "time": TIME});
    let server = ScriptedServer::start(vec![Reply::json(&body), Reply::json(&body)]).await;
    let connector = connector(settings(&server.url));
    let since = at("2026-05-01T00:00:00Z");
    match connector
        .provider
        .changes(&access(), &reference(), since)
        .await?
    {
        Changes::All { records, .. } => Ok(records),
        Changes::TooMany => panic!("expected all changes"),
    }
}

async fn convert(lists: Value) -> Records {
    try_convert(lists).await.expect("it converts")
}

fn meta() -> Value {
    json!({"LastUpdatedTime": "2026-05-05T03:08:49-07:00"})
}

/// A JSON number spelled so.
fn number(text: &str) -> Value {
    serde_json::from_str(text).expect("a number")
}

fn payment(total: &str, unapplied: &str, lines: &[(&str, &str, &str)]) -> Value {
    let lines: Vec<_> = lines
        .iter()
        .map(|(kind, id, amount)| {
            json!({"Amount": number(amount), "LinkedTxn": [{"TxnId": id, "TxnType": kind}]})
        })
        .collect();
    json!({"Payment": [{
        "Id": "9", "MetaData": meta(), "TxnDate": "2026-05-05", "CustomerRef": {"value": "7"},
        "TotalAmt": number(total), "UnappliedAmt": number(unapplied), "Line": lines
    }]})
}

/// The applications of a payment, and what is left of it.
async fn applied(payment: Value) -> (Vec<String>, Decimal) {
    let mut mirror = Mirror::default();
    mirror.apply(convert(payment).await);
    let record = mirror.documents.values().next().expect("a record");
    let applications = record.applications.iter();
    let texts = applications
        .map(|a| format!("{} -> {} {}", a.from, a.to, a.amount))
        .collect();
    (texts, mirror.left(mirror.document("payment:9")))
}

#[tokio::test]
async fn credits_are_used_up_first_in_order_and_the_rest_is_the_payments() {
    let lines = [
        ("Invoice", "1", "100.0"),
        ("CreditMemo", "2", "30.0"),
        ("Invoice", "3", "50.0"),
        ("CreditMemo", "4", "90.0"),
    ];
    let (applications, left) = applied(payment("35.0", "5.0", &lines)).await;
    assert_eq!(
        applications,
        [
            "credit_note:2 -> invoice:1 30",
            "credit_note:4 -> invoice:1 70",
            "credit_note:4 -> invoice:3 20",
            "payment:9 -> invoice:3 30",
        ]
    );
    assert_eq!(left, decimal("5"));
}

#[tokio::test]
async fn credit_that_is_left_over_goes_to_the_payment() {
    let lines = [("CreditMemo", "2", "80.0"), ("Invoice", "1", "50.0")];
    let (applications, left) = applied(payment("10.0", "40.0", &lines)).await;
    assert_eq!(
        applications,
        [
            "credit_note:2 -> invoice:1 50",
            "credit_note:2 -> payment:9 30"
        ]
    );
    assert_eq!(left, decimal("40"));
}

#[tokio::test]
async fn what_remains_is_never_clamped() {
    let (applications, left) = applied(payment("99.99", "0.0", &[("Invoice", "1", "100.0")])).await;
    assert_eq!(applications, ["payment:9 -> invoice:1 100"]);
    assert_eq!(left, decimal("-0.01"));
}

#[tokio::test]
async fn a_journal_entry_is_a_debt_or_a_credit_by_what_quickbooks_leaves_unapplied() {
    let journal = ("JournalEntry", "5", "40.0");
    let (paid, left) = applied(payment("100.0", "60.0", &[journal])).await;
    assert_eq!(
        (paid, left),
        (
            vec!["payment:9 -> journal_entry:5#7 40".to_owned()],
            decimal("60")
        )
    );

    let lines = [("Invoice", "1", "100.0"), journal];
    let (used, left) = applied(payment("60.0", "0.0", &lines)).await;
    let expected = vec![
        "journal_entry:5#7 -> invoice:1 40".to_owned(),
        "payment:9 -> invoice:1 60".to_owned(),
    ];
    assert_eq!((used, left), (expected, Decimal::ZERO));

    // Neither side agrees: it is taken as paid, and the difference shows.
    let (_, left) = applied(payment("60.0", "1.0", &[("JournalEntry", "5", "40.0")])).await;
    assert_eq!(left, decimal("20"));

    // Of two, the one that fits is the credit.
    let two = [
        ("JournalEntry", "5", "40.0"),
        ("JournalEntry", "6", "25.0"),
        ("Invoice", "1", "15.0"),
    ];
    let (used, _) = applied(payment("0.0", "-30.0", &two)).await;
    assert_eq!(
        used,
        [
            "journal_entry:6#7 -> journal_entry:5#7 25",
            "payment:9 -> journal_entry:5#7 15",
            "payment:9 -> invoice:1 15"
        ]
    );
}

#[tokio::test]
async fn too_many_journal_entries_to_tell_apart_are_all_taken_as_paid() {
    let ids: Vec<_> = (1..=40).map(|id| id.to_string()).collect();
    let lines: Vec<_> = ids
        .iter()
        .map(|id| ("JournalEntry", id.as_str(), "1"))
        .collect();
    let (applications, left) = applied(payment("40", "1", &lines)).await;
    assert_eq!((applications.len(), left), (40, Decimal::ZERO));
}

#[tokio::test]
async fn every_kind_of_link_has_its_side() {
    let kinds = [
        ("Expense", "payment:9 -> expense:5#7 10"),
        ("Check", "payment:9 -> expense:5#7 10"),
        ("CreditCardCredit", "expense:5#7 -> payment:9 10"),
        ("Deposit", "deposit:5#7 -> payment:9 10"),
        // These cannot be read, yet they take or give money.
        (
            "StatementCharge",
            "payment:9 -> invoice:StatementCharge#5 10",
        ),
        ("ChargeCredit", "credit_note:ChargeCredit#5 -> payment:9 10"),
        ("SomethingNew", "payment:9 -> invoice:SomethingNew#5 10"),
    ];
    for (kind, expected) in kinds {
        let (applications, _) = applied(payment("10.0", "0.0", &[(kind, "5", "10.0")])).await;
        assert_eq!(applications, [expected], "{kind}");
    }
}

#[tokio::test]
async fn two_lines_to_one_invoice_are_one_application() {
    let lines = [("Invoice", "1", "10.0"), ("Invoice", "1", "5.5")];
    let (applications, _) = applied(payment("15.5", "0.0", &lines)).await;
    assert_eq!(applications, ["payment:9 -> invoice:1 15.5"]);
}

fn journal_line(posting: &str, account: &str, party: &Value, amount: &str) -> Value {
    json!({"Amount": number(amount), "Description": posting, "DetailType": "JournalEntryLineDetail",
    "JournalEntryLineDetail": {
        "PostingType": posting, "AccountRef": {"value": account}, "Entity": party
    }})
}

fn party(kind: &str, id: &str) -> Value {
    json!({"Type": kind, "EntityRef": {"value": id}})
}

/// The documents as `id customer side total state`.
fn shown(records: &Records) -> Vec<String> {
    let documents = records
        .documents
        .iter()
        .flat_map(|record| &record.documents);
    documents
        .map(|d| {
            format!(
                "{} of {} {:?} {} {:?}",
                d.id, d.customer, d.side, d.total, d.state
            )
        })
        .collect()
}

#[tokio::test]
async fn a_journal_entry_yields_one_document_a_customer() {
    let lines = json!([
        journal_line("Debit", "84", &party("Customer", "7"), "100.0"),
        journal_line("Credit", "84", &party("Customer", "8"), "70.0"),
        journal_line("Credit", "84", &party("Customer", "7"), "25.5"),
        journal_line("Debit", "84", &party("Vendor", "7"), "1.0"),
        journal_line("Debit", "1", &party("Customer", "7"), "2.0"),
        json!({"DetailType": "DescriptionOnly", "Description": "a text"}),
    ]);
    let records = convert(json!({"JournalEntry": [
        {"Id": "5", "MetaData": meta(), "TxnDate": "2026-05-05", "DocNumber": "JE-1", "Line": lines},
        {"Id": "6", "MetaData": meta(), "TxnDate": "2026-05-05", "Line": []},
    ]}))
    .await;
    assert_eq!(
        shown(&records),
        [
            "journal_entry:5#7 of 7 Receivable 74.5 Issued",
            "journal_entry:5#8 of 8 Credit 70 Issued",
        ]
    );
    assert_eq!(
        records.documents.len(),
        2,
        "one without documents, so that old ones go"
    );
    let lines = &records.documents[0].documents[0].lines;
    let amounts: Vec<_> = lines.iter().map(|line| line.amount.to_string()).collect();
    assert_eq!(amounts, ["100", "-25.5"]);
    assert_eq!(
        records.documents[0].documents[1].lines[0].amount,
        decimal("70")
    );
}

#[tokio::test]
async fn deposits_and_purchases_count_where_they_post_to_receivables() {
    let deposit_line = |account: &str, entity: Value, amount: &str| json!({"Amount": number(amount), "DepositLineDetail": {"AccountRef": {"value": account}, "Entity": entity}});
    let expense_line = |account: &str, customer: Value, amount: &str| {
        json!({"Amount": number(amount), "AccountBasedExpenseLineDetail":
            {"AccountRef": {"value": account}, "CustomerRef": customer}})
    };
    let records = convert(json!({
        "Deposit": [{"Id": "1", "MetaData": meta(), "TxnDate": "2026-05-05", "Line": [
            deposit_line("84", json!({"value": "7", "type": "CUSTOMER"}), "50.0"),
            deposit_line("84", json!({"value": "8", "type": "VENDOR"}), "1.0"),
            deposit_line("35", json!({"value": "7"}), "2.0"),
            json!({"Amount": 140, "LinkedTxn": [{"TxnId": "47", "TxnType": "SalesReceipt"}]}),
        ]}],
        "Purchase": [
            {"Id": "2", "MetaData": meta(), "TxnDate": "2026-05-05", "PaymentType": "Check",
             "EntityRef": {"value": "7", "type": "Customer"},
             "Line": [expense_line("84", Value::Null, "20.0"), expense_line("84", json!({"value": "8"}), "5.0")]},
            {"Id": "3", "MetaData": meta(), "TxnDate": "2026-05-05", "PaymentType": "CreditCard", "Credit": true,
             "EntityRef": {"value": "7", "type": "Customer"}, "Line": [expense_line("84", Value::Null, "30.0")]},
            {"Id": "4", "MetaData": meta(), "TxnDate": "2026-05-05", "PaymentType": "Cash",
             "EntityRef": {"value": "56", "type": "Vendor"}, "Line": [expense_line("84", Value::Null, "9.0")]},
        ],
    }))
    .await;
    assert_eq!(
        shown(&records),
        [
            "deposit:1#7 of 7 Credit 50 Issued",
            "expense:2#7 of 7 Receivable 20 Issued",
            "expense:2#8 of 8 Receivable 5 Issued",
            "expense:3#7 of 7 Credit 30 Issued",
        ]
    );
}

#[tokio::test]
async fn a_receivables_account_that_comes_with_the_changes_counts_at_once() {
    let lines = json!([journal_line("Debit", "90", &party("Customer", "7"), "10.0")]);
    let entry = json!([{"Id": "5", "MetaData": meta(), "TxnDate": "2026-05-05", "Line": lines}]);
    let account = json!([{"Id": "90", "AccountType": "Accounts Receivable", "MetaData": meta()}]);
    let records = convert(json!({"JournalEntry": entry, "Account": account})).await;
    assert_eq!(shown(&records).len(), 1);
    assert!(records.accounts[0].receivables);
}

fn invoice(fields: &Value) -> Value {
    let mut invoice = json!({
        "Id": "1", "MetaData": meta(), "TxnDate": "2026-05-01", "CustomerRef": {"value": "7"},
        "TotalAmt": 100, "Balance": 100
    });
    for (name, value) in fields.as_object().expect("an object") {
        invoice[name] = value.clone();
    }
    json!({ "Invoice": [invoice] })
}

#[tokio::test]
async fn a_void_is_told_by_its_amount_and_note() {
    for (note, total, state) in [
        (json!("Voided - duplicate"), 0, DocumentState::Voided),
        (json!("VOIDED"), 0, DocumentState::Voided),
        (json!("Voided"), 5, DocumentState::Issued),
        (json!("To be voided"), 0, DocumentState::Issued),
        (Value::Null, 0, DocumentState::Issued),
        (json!("Void\u{e9}"), 0, DocumentState::Issued),
    ] {
        let records = convert(invoice(&json!({"TotalAmt": total, "PrivateNote": note}))).await;
        assert_eq!(
            records.documents[0].documents[0].state, state,
            "{note} {total}"
        );
    }
}

#[tokio::test]
async fn lines_are_flattened_without_subtotals_and_discounts_are_negative() {
    let sale = |item: &str, amount: &str| {
        json!({"Amount": number(amount), "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": {"ItemRef": {"value": item, "name": "Hose"}, "Qty": 2.5, "UnitPrice": 0.12345}})
    };
    let records = convert(invoice(&json!({
        "TotalAmt": 107.5, "TxnTaxDetail": {"TotalTax": 7.5},
        "Line": [
            sale("3", "60.0"),
            {"DetailType": "GroupLineDetail", "Amount": 0, "GroupLineDetail": {"Line": [sale("4", "50.0")]}},
            {"DetailType": "DescriptionOnly", "Description": "Thank you"},
            {"DetailType": "DISCOUNT_LINE_DETAIL", "Amount": 10, "DiscountLineDetail": {"PercentBased": true}},
            {"DetailType": "SubTotalLineDetail", "Amount": 100, "SubTotalLineDetail": {}},
            {"DetailType": "FutureLineDetail", "Amount": 0.25, "Description": "New"},
        ]
    })))
    .await;
    let document = &records.documents[0].documents[0];
    assert_eq!(document.tax, decimal("7.5"));
    let lines: Vec<_> = document
        .lines
        .iter()
        .map(|line| {
            let item = line
                .item
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            format!("{item}|{}|{}", line.description, line.amount)
        })
        .collect();
    assert_eq!(
        lines,
        [
            "3|Hose|60",
            "4|Hose|50",
            "|Thank you|0",
            "|Discount|-10",
            "|New|0.25"
        ]
    );
    assert_eq!(document.lines[0].quantity, Some(decimal("2.5")));
    assert_eq!(document.lines[0].unit_price, Some(decimal("0.12345")));
}

#[tokio::test]
async fn money_taken_with_the_invoice_is_a_prepayment_of_it() {
    let mut mirror = Mirror::default();
    mirror.apply(convert(invoice(&json!({"Deposit": 30, "Balance": 70}))).await);
    assert_eq!(mirror.outstanding("7"), decimal("70"));
    assert_eq!(mirror.left(mirror.document("invoice:1")), decimal("70"));
    assert_eq!(
        mirror.left(mirror.document("prepayment:1#deposit")),
        Decimal::ZERO
    );
}

#[tokio::test]
async fn currencies_and_rates_are_those_of_the_document() {
    let foreign = json!({"CurrencyRef": {"value": "EUR"}, "ExchangeRate": 1.31});
    let document = convert(invoice(&foreign))
        .await
        .documents
        .remove(0)
        .documents
        .remove(0);
    assert_eq!(document.currency.code(), "EUR");
    assert_eq!(document.exchange_rate, Some(decimal("1.31")));

    let home = json!({"CurrencyRef": {"value": "USD"}, "ExchangeRate": 1});
    let document = convert(invoice(&home))
        .await
        .documents
        .remove(0)
        .documents
        .remove(0);
    assert_eq!(
        (document.currency.code(), document.exchange_rate),
        ("USD", None)
    );

    let unstated = convert(invoice(&json!({})))
        .await
        .documents
        .remove(0)
        .documents
        .remove(0);
    assert_eq!(unstated.currency.code(), "USD");
}

#[tokio::test]
async fn sales_paid_at_once_never_stand_open_and_need_a_customer() {
    let form = json!({"Id": "1", "MetaData": meta(), "TxnDate": "2026-05-01", "TotalAmt": 87.5,
        "Balance": 0, "CustomerRef": {"value": "7"}});
    let counter = json!({"Id": "2", "MetaData": meta(), "TxnDate": "2026-05-01", "TotalAmt": 5});
    let records = convert(json!({"SalesReceipt": [form, counter], "RefundReceipt": [form]})).await;
    assert_eq!(
        shown(&records),
        [
            "cash_sale:1 of 7 Settled 87.5 Issued",
            "cash_refund:1 of 7 Settled 87.5 Issued"
        ]
    );
    assert_eq!(records.documents.len(), 3);
}

#[tokio::test]
async fn customers_keep_their_place_in_the_tree_and_what_matches_a_contact() {
    let records = convert(json!({"Customer": [
        {"Id": "9", "DisplayName": "55 Twin Lane", "ParentRef": {"value": "8"}, "BillWithParent": true,
         "Active": false, "CurrencyRef": {"value": "EUR"}, "SalesTermRef": {"value": "3"},
         "PrimaryEmailAddr": {"Address": "Rep@Example.com"}, "BusinessNumber": "123 456-789 rt0001",
         "Balance": -15.5, "BalanceWithJobs": 0, "MetaData": meta()},
        {"Id": "8", "MetaData": meta()},
    ]}))
    .await;
    let child = &records.customers[0].customer;
    assert_eq!(
        child.parent.as_ref().map(ToString::to_string),
        Some("8".to_owned())
    );
    assert!(child.bill_with_parent && !child.active);
    assert_eq!(child.email.as_deref(), Some("rep@example.com"));
    assert_eq!(child.tax_number.as_deref(), Some("123456789RT0001"));
    assert_eq!(child.ledger_balance, Some(decimal("-15.5")));
    assert_eq!(
        child.ledger_balance_with_children,
        Some(Decimal::ZERO),
        "a known zero"
    );
    assert_eq!(child.changed_at, at("2026-05-05T10:08:49Z"));
    assert_eq!(records.customers[0].terms_id.as_deref(), Some("3"));

    let bare = &records.customers[1].customer;
    assert_eq!(bare.ledger_balance, None, "unknown, not zero");
    assert!(bare.active);
}

#[tokio::test]
async fn terms_are_days_or_a_day_of_the_month() {
    let records = convert(json!({"Term": [
        {"Id": "1", "Type": "STANDARD", "DueDays": 0},
        {"Id": "2", "Type": "Standard", "DueDays": 30, "Active": false},
        {"Id": "3", "Type": "DATE_DRIVEN", "DayOfMonthDue": 15, "DueNextMonthDays": 5},
        {"Id": "4", "Type": "DATE_DRIVEN", "DayOfMonthDue": 1},
        {"Id": "5", "Type": "FULL_MOON"},
    ]}))
    .await;
    let terms: Vec<_> = records
        .terms
        .iter()
        .map(|r| (r.ledger_id.as_str(), r.terms))
        .collect();
    let day = |day, cutoff_days| PaymentTerms::DayOfMonth { day, cutoff_days };
    assert_eq!(
        terms,
        [
            ("1", PaymentTerms::Days(0)),
            ("2", PaymentTerms::Days(30)),
            ("3", day(15, 5)),
            ("4", day(1, 0)),
        ]
    );
}

#[tokio::test]
async fn deleted_records_say_so_and_nothing_else() {
    let gone = json!({"domain": "QBO", "status": "Deleted", "Id": "979", "MetaData": meta()});
    let records = convert(json!({"Invoice": [gone], "JournalEntry": [gone]})).await;
    let deletion = |dataset| Deletion {
        dataset,
        ledger_id: "979".to_owned(),
    };
    assert_eq!(
        records.deletions,
        [
            deletion(Dataset::Invoices),
            deletion(Dataset::JournalEntries)
        ]
    );
    assert!(records.documents.is_empty());
}

#[tokio::test]
async fn a_record_without_what_its_figures_need_is_a_fault_with_its_place() {
    for (field, place) in [
        ("TotalAmt", "Invoice[Id=1].TotalAmt"),
        ("TxnDate", "Invoice[Id=1].TxnDate"),
    ] {
        let mut lists = invoice(&json!({}));
        lists["Invoice"][0][field] = Value::Null;
        let fault = try_convert(lists).await.expect_err("a fault");
        let ProviderError::Malformed { path, .. } = fault else {
            panic!("expected a fault, got {fault}")
        };
        assert_eq!(path, place);
    }
}

#[tokio::test]
async fn a_negative_total_counts_the_other_way() {
    let records = convert(invoice(&json!({"TotalAmt": -12.5}))).await;
    let document = &records.documents[0].documents[0];
    assert_eq!(
        (document.total, document.side),
        (decimal("12.5"), Side::Credit)
    );
}
