//! How Xero's records become ours, in the cases that the recordings do not show.

use financial_pulse::domain::books::{Customer, PaymentTerms};
use financial_pulse::domain::document::{Application, Document, DocumentState, Side};
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::ItemId;
use financial_pulse::domain::records::{DocumentRecord, Records};
use financial_pulse::provider::{AccountingProvider, ProviderResult};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{access, at, connector, decimal, reference, settings};
use crate::support::script::{Reply, ScriptedServer};

/// Reads a page that holds these rows, spelled as they stand.
async fn read_text(dataset: Dataset, resource: &str, rows: &str) -> ProviderResult<Records> {
    let body = format!(r#"{{"DateTimeUTC":"\/Date(1777032244663)\/","{resource}":[{rows}]}}"#);
    let server = ScriptedServer::start(vec![Reply::status(200, body)]).await;
    let mut settings = settings(&server.url);
    settings.http.retry.attempts = 1;
    let page = connector(settings)
        .provider
        .page(&access(), dataset, &reference(), None, None)
        .await;
    page.map(|page| page.records)
}

async fn read(dataset: Dataset, resource: &str, row: &Value) -> Records {
    let records = read_text(dataset, resource, &row.to_string()).await;
    records.expect("it converts")
}

/// The one record of the one row.
async fn record(dataset: Dataset, resource: &str, row: &Value) -> DocumentRecord {
    let mut records = read(dataset, resource, row).await;
    assert_eq!(records.documents.len(), 1);
    records.documents.remove(0)
}

async fn invoice(more: Value) -> Document {
    let mut row = json!({
        "InvoiceID": "i1", "Type": "ACCREC", "Status": "AUTHORISED", "CurrencyCode": "USD",
        "Contact": {"ContactID": "c1", "Name": "Acme"}, "DateString": "2026-04-16T00:00:00",
        "Total": 100, "UpdatedDateUTC": "/Date(1777032244663+0000)/"
    });
    for (name, value) in more.as_object().expect("fields") {
        row[name] = value.clone();
    }
    let mut record = record(Dataset::Invoices, "Invoices", &row).await;
    record.documents.remove(0)
}

async fn customer(more: Value) -> (Customer, Option<String>, Records) {
    let mut row = json!({"ContactID": "c1", "Name": "Acme", "ContactStatus": "ACTIVE",
        "UpdatedDateUTC": "/Date(1776682521490+0000)/"});
    for (name, value) in more.as_object().expect("fields") {
        row[name] = value.clone();
    }
    let records = read(Dataset::Customers, "Contacts", &row).await;
    let record = records.customers[0].clone();
    (record.customer, record.terms_id, records)
}

#[tokio::test]
async fn a_day_is_the_text_or_else_milliseconds_and_offset() {
    let both = invoice(json!({"Date": "/Date(0+0000)/", "DueDateString": "2026-05-16T00:00:00"}));
    let both = both.await;
    assert_eq!(both.issued_on.to_string(), "2026-04-16");
    assert_eq!(
        both.due_on.map(|day| day.to_string()).as_deref(),
        Some("2026-05-16")
    );
    // As recorded in 2014, escaped as it is on the wire.
    let rows = r#"{"InvoiceID":"i1","Type":"ACCREC","Status":"PAID","Contact":{"ContactID":"c1"},
        "Date":"\/Date(1397390400000+1200)\/","DueDate":"\/Date(1398686400000+1200)\/","Total":1.00}"#;
    let records = read_text(Dataset::Invoices, "Invoices", rows)
        .await
        .expect("it converts");
    let document = &records.documents[0].documents[0];
    assert_eq!(document.issued_on.to_string(), "2014-04-14");
    assert_eq!(
        document.due_on.map(|day| day.to_string()).as_deref(),
        Some("2014-04-29")
    );
    assert_eq!(
        document.changed_at,
        at("2026-04-24T12:04:04.663Z"),
        "the answer's own time"
    );
    assert_eq!(document.currency.code(), "USD", "the books' own");

    let silent = invoice(json!({"UpdatedDateUTC": "2015-03-29T23:43:01.097"})).await;
    assert_eq!(silent.due_on, None, "left to the contact's terms");
    assert_eq!(silent.changed_at, at("2015-03-29T23:43:01.097Z"));
}

#[tokio::test]
async fn amounts_are_exact_as_numbers_and_as_texts() {
    for (spelled, expected) in [
        ("86.95", "86.95"),
        ("\"86.96\"", "86.96"),
        ("0.00", "0"),
        ("1e2", "100"),
    ] {
        let rows = format!(
            r#"{{"InvoiceID":"i1","Type":"ACCREC","Status":"PAID","Contact":{{"ContactID":"c1"}},
            "DateString":"2026-04-16T00:00:00","Total":{spelled},"AmountDue":{spelled}}}"#
        );
        let records = read_text(Dataset::Invoices, "Invoices", &rows).await;
        let document = &records.expect("it converts").documents[0].documents[0];
        assert_eq!(document.total, decimal(expected), "{spelled}");
        assert_eq!(document.ledger_open, Some(decimal(expected)), "{spelled}");
    }
    for refused in ["null", "\"\"", "\"much\"", "1e40", "true"] {
        let rows = format!(
            r#"{{"InvoiceID":"i1","Type":"ACCREC","Status":"PAID","Contact":{{"ContactID":"c1"}},
            "DateString":"2026-04-16T00:00:00","Total":{refused}}}"#
        );
        let read = read_text(Dataset::Invoices, "Invoices", &rows).await;
        let error = read.expect_err("no total is no zero");
        assert_eq!(error.code(), "malformed", "{refused}");
        assert!(error.to_string().contains("Total"), "{refused}: {error}");
    }
}

#[tokio::test]
async fn the_status_decides_whether_it_counts_is_kept_or_goes() {
    for (status, state) in [
        ("DRAFT", DocumentState::Draft),
        ("SUBMITTED", DocumentState::Draft),
        ("AUTHORISED", DocumentState::Issued),
        ("PAID", DocumentState::Issued),
        ("VOIDED", DocumentState::Voided),
        ("authorised", DocumentState::Issued),
        // Nobody knows it: what is owed counts until someone looks.
        ("ADMIRED", DocumentState::Issued),
    ] {
        assert_eq!(
            invoice(json!({"Status": status})).await.state,
            state,
            "{status}"
        );
    }
    let row = json!({"InvoiceID": "i1", "Type": "ACCREC", "Status": "DELETED"});
    let records = read(Dataset::Invoices, "Invoices", &row).await;
    assert!(records.documents.is_empty());
    assert_eq!(records.deletions[0].ledger_id, "i1");
    assert_eq!(records.deletions[0].dataset, Dataset::Invoices);
    let row = json!({"InvoiceID": "i1", "Type": "ACCPAY", "Status": "DELETED"});
    assert_eq!(
        read(Dataset::Invoices, "Invoices", &row).await,
        Records::default()
    );
}

#[tokio::test]
async fn lines_are_without_tax_and_name_their_item() {
    let line = json!({"Description": "", "ItemCode": "Support-M", "Quantity": 2, "UnitAmount": 44.5,
        "TaxAmount": 11.61, "LineAmount": 89.00, "Item": {"ItemID": "it1", "Name": "Support"}});
    for (types, amount, price) in [
        ("Inclusive", "77.39", None),
        ("Exclusive", "89", Some("44.5")),
        ("NoTax", "89", Some("44.5")),
    ] {
        let more = json!({"LineAmountTypes": types, "LineItems": [line], "TotalTax": 11.61});
        let invoice = invoice(more).await;
        let line = &invoice.lines[0];
        assert_eq!(line.amount, decimal(amount), "{types}");
        assert_eq!(line.unit_price, price.map(decimal), "{types}");
        assert_eq!(line.quantity, Some(decimal("2")));
        assert_eq!(line.item.as_ref().map(ItemId::as_str), Some("it1"));
        assert_eq!(&*line.description, "Support");
        assert_eq!(invoice.tax, decimal("11.61"));
    }
    let text = invoice(json!({"LineItems": [{"Description": "Thank you"}]})).await;
    assert_eq!(text.lines[0].amount, decimal("0"));
    assert_eq!(invoice(json!({"LineItems": null})).await.lines, []);
}

/// Its direction is settled nowhere, so only the rate that says nothing is taken.
#[tokio::test]
async fn a_rate_is_used_only_where_its_direction_does_not_matter() {
    for (currency, rate, expected) in [
        ("USD", json!(1), None),
        ("EUR", json!(1.000_000), Some("1")),
        ("EUR", json!(0.89), None),
        ("EUR", json!(0), None),
        ("EUR", Value::Null, None),
    ] {
        let document = invoice(json!({"CurrencyCode": currency, "CurrencyRate": rate})).await;
        assert_eq!(
            document.exchange_rate,
            expected.map(decimal),
            "{currency} {rate}"
        );
        assert_eq!(document.currency.code(), currency);
    }
}

fn uses(record: &DocumentRecord) -> Vec<(String, String, String, String)> {
    let texts = |one: &Application| {
        assert_eq!(one.carrier, record.documents[0].id);
        (
            one.from.to_string(),
            one.to.to_string(),
            one.amount.to_string(),
            one.applied_on.to_string(),
        )
    };
    record.applications.iter().map(texts).collect()
}

fn used(from: &str, to: &str, amount: &str, day: &str) -> (String, String, String, String) {
    (
        from.to_owned(),
        to.to_owned(),
        amount.to_owned(),
        day.to_owned(),
    )
}

#[tokio::test]
async fn a_credit_carries_its_uses_once() {
    let forms = [
        (
            Dataset::CreditNotes,
            "CreditNotes",
            "CreditNoteID",
            "ACCRECCREDIT",
            "credit_note",
        ),
        (
            Dataset::Overpayments,
            "Overpayments",
            "OverpaymentID",
            "RECEIVE-OVERPAYMENT",
            "overpayment",
        ),
        (
            Dataset::Overpayments,
            "Overpayments",
            "OverpaymentID",
            "AROVERPAYMENT",
            "overpayment",
        ),
        (
            Dataset::Prepayments,
            "Prepayments",
            "PrepaymentID",
            "RECEIVE-PREPAYMENT",
            "prepayment",
        ),
        (
            Dataset::Prepayments,
            "Prepayments",
            "PrepaymentID",
            "ARPREPAYMENT",
            "prepayment",
        ),
    ];
    for (dataset, resource, id, kind, word) in forms {
        let row = json!({
            id: "x1", "Type": kind, "Status": "PAID", "CurrencyCode": "USD", "Total": 50.00,
            "Contact": {"ContactID": "c1"}, "DateString": "2026-03-08T00:00:00",
            "RemainingCredit": 10, "DueDateString": "2026-03-09T00:00:00",
            "Allocations": [
                {"AllocationID": "a1", "Amount": 30.00, "Date": "/Date(1774828800000+0000)/",
                 "Invoice": {"InvoiceID": "i1", "InvoiceNumber": "INV-0010"}},
                {"Amount": 10, "Invoice": {"InvoiceID": "i2"}},
                {"Amount": 7, "IsDeleted": true, "Invoice": {"InvoiceID": "i3"}}
            ]
        });
        let record = record(dataset, resource, &row).await;
        let from = format!("{word}:x1");
        assert_eq!(
            uses(&record),
            [
                used(&from, "invoice:i1", "30", "2026-03-30"),
                // Undated: it counts from the later of both documents' dates.
                used(&from, "invoice:i2", "10", "2026-03-08"),
            ]
        );
        let credit = &record.documents[0];
        assert_eq!((credit.side, credit.total), (Side::Credit, decimal("50")));
        assert_eq!(credit.ledger_open, Some(decimal("10")));
        assert_eq!(credit.due_on, None);
    }
    // What an invoice lists of its credits is the same told again.
    let row = json!({
        "InvoiceID": "i1", "Type": "ACCREC", "Status": "PAID", "CurrencyCode": "USD", "Total": 50,
        "Contact": {"ContactID": "c1"}, "DateString": "2026-03-08T00:00:00", "AmountCredited": 30,
        "CreditNotes": [{"CreditNoteID": "x1", "AppliedAmount": 30, "Total": 50}],
        "Payments": [{"PaymentID": "p1", "Amount": 20, "Date": "/Date(1774828800000+0000)/"}]
    });
    let record = record(Dataset::Invoices, "Invoices", &row).await;
    assert_eq!(record.applications, []);
}

#[tokio::test]
async fn suppliers_documents_yield_nothing() {
    for (dataset, resource, id, kind) in [
        (Dataset::Invoices, "Invoices", "InvoiceID", "ACCPAY"),
        (
            Dataset::CreditNotes,
            "CreditNotes",
            "CreditNoteID",
            "ACCPAYCREDIT",
        ),
        (
            Dataset::Overpayments,
            "Overpayments",
            "OverpaymentID",
            "SPEND-OVERPAYMENT",
        ),
        (
            Dataset::Prepayments,
            "Prepayments",
            "PrepaymentID",
            "SPEND-PREPAYMENT",
        ),
        (
            Dataset::Prepayments,
            "Prepayments",
            "PrepaymentID",
            "APPREPAYMENT",
        ),
    ] {
        let row = json!({id: "x1", "Type": kind, "Status": "AUTHORISED"});
        assert_eq!(
            read(dataset, resource, &row).await,
            Records::default(),
            "{kind}"
        );
    }
    for kind in [
        "ACCPAYPAYMENT",
        "APCREDITPAYMENT",
        "APOVERPAYMENTPAYMENT",
        "APPREPAYMENTPAYMENT",
    ] {
        let row = json!({"PaymentID": "p1", "PaymentType": kind, "Status": "DELETED"});
        let records = read(Dataset::Payments, "Payments", &row).await;
        assert_eq!(records, Records::default(), "{kind}");
    }
}

fn payment(kind: &str, parent: &str, id: &str) -> Value {
    json!({
        "PaymentID": "p1", "PaymentType": kind, "Status": "AUTHORISED", "Amount": 2.00,
        "Date": "/Date(1552521600000+0000)/", "Reference": "Too much", "CurrencyRate": 0,
        parent: {id: "x1", "Type": "whatever", "Contact": {"ContactID": "c1"}, "CurrencyCode": "NZD"}
    })
}

#[tokio::test]
async fn a_payment_settles_its_invoice_and_a_refund_uses_its_credit() {
    let row = payment("ACCRECPAYMENT", "Invoice", "InvoiceID");
    let money_in = record(Dataset::Payments, "Payments", &row).await;
    assert_eq!(
        uses(&money_in),
        [used("payment:p1", "invoice:x1", "2", "2019-03-14")]
    );
    let document = &money_in.documents[0];
    assert_eq!(
        (document.side, document.currency.code()),
        (Side::Credit, "NZD")
    );
    assert_eq!(document.number.as_deref(), Some("Too much"));

    for (kind, credit, parent, id) in [
        ("ARCREDITPAYMENT", "credit_note:x1", "Invoice", "InvoiceID"),
        (
            "ARCREDITPAYMENT",
            "credit_note:x1",
            "CreditNote",
            "CreditNoteID",
        ),
        (
            "AROVERPAYMENTPAYMENT",
            "overpayment:x1",
            "Invoice",
            "InvoiceID",
        ),
        (
            "AROVERPAYMENTPAYMENT",
            "overpayment:x1",
            "Overpayment",
            "OverpaymentID",
        ),
        (
            "ARPREPAYMENTPAYMENT",
            "prepayment:x1",
            "Invoice",
            "InvoiceID",
        ),
        (
            "ARPREPAYMENTPAYMENT",
            "prepayment:x1",
            "Prepayment",
            "PrepaymentID",
        ),
    ] {
        let refund = record(Dataset::Payments, "Payments", &payment(kind, parent, id)).await;
        let expected = [used(credit, "refund:p1", "2", "2019-03-14")];
        assert_eq!(uses(&refund), expected, "{kind} {parent}");
        let document = &refund.documents[0];
        assert_eq!(
            (document.side, document.total),
            (Side::Receivable, decimal("2"))
        );
    }
    let mut gone = payment("ARCREDITPAYMENT", "Invoice", "InvoiceID");
    gone["Status"] = json!("DELETED");
    let records = read(Dataset::Payments, "Payments", &gone).await;
    assert!(records.documents.is_empty());
    assert_eq!(records.deletions[0].ledger_id, "p1");
}

#[tokio::test]
async fn what_a_figure_needs_is_named_where_it_is_missing() {
    for field in ["Amount", "Date", "Invoice"] {
        let mut row = payment("ACCRECPAYMENT", "Invoice", "InvoiceID");
        row.as_object_mut().expect("an object").remove(field);
        let read = read_text(Dataset::Payments, "Payments", &row.to_string()).await;
        let error = read.expect_err("it cannot do without").to_string();
        assert!(
            error.contains("Payment[Id=p1]") && error.contains(field),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_balance_is_nothing_unknown_or_a_figure() {
    let receivable = |figure: Value| json!({"Balances": {"AccountsReceivable": figure}});
    let eur = |mut fields: Value| {
        fields["DefaultCurrency"] = json!("EUR");
        fields
    };
    let cases = [
        (json!({}), Some("0")),
        (json!({"Balances": null}), Some("0")),
        (json!({"Balances": {}}), None),
        (receivable(json!({})), None),
        (receivable(json!({"Outstanding": null})), None),
        (receivable(json!({"Outstanding": 0.00})), Some("0")),
        (
            receivable(json!({"Outstanding": -12.00, "Overdue": 0})),
            Some("-12"),
        ),
        // In which currency Xero does not say, but nothing is nothing.
        (eur(receivable(json!({"Outstanding": 5}))), None),
        (eur(receivable(json!({"Outstanding": 0}))), Some("0")),
        (eur(json!({})), Some("0")),
    ];
    for (fields, expected) in cases {
        let balance = customer(fields.clone()).await.0.ledger_balance;
        assert_eq!(balance, expected.map(decimal), "{fields}");
    }
}

#[tokio::test]
async fn a_contact_is_found_by_what_it_says_of_itself() {
    let fields = json!({"EmailAddress": " Info@Acme.example ", "TaxNumber": "gb 123-456",
        "ContactStatus": "ARCHIVED", "MergedToContactID": "c2", "DefaultCurrency": "EUR"});
    let (customer, terms, _) = customer(fields).await;
    assert_eq!(customer.email.as_deref(), Some("info@acme.example"));
    assert_eq!(customer.tax_number.as_deref(), Some("GB123456"));
    assert_eq!(customer.currency.code(), "EUR");
    assert!(!customer.active);
    assert_eq!(customer.credit_limit, None, "Xero's API has none");
    assert_eq!(customer.changed_at, at("2026-04-20T10:55:21.490Z"));
    assert_eq!(terms, None);
}

#[tokio::test]
async fn terms_get_an_id_of_what_they_say() {
    let cases = [
        (
            "DAYSAFTERBILLDATE",
            30,
            Some(("DAYSAFTERBILLDATE:30", PaymentTerms::Days(30))),
        ),
        (
            "DAYSAFTERBILLDATE",
            0,
            Some(("DAYSAFTERBILLDATE:0", PaymentTerms::Days(0))),
        ),
        (
            "DAYSAFTERBILLMONTH",
            14,
            Some((
                "DAYSAFTERBILLMONTH:14",
                PaymentTerms::AfterMonthEnd { days: 14 },
            )),
        ),
        (
            "OFCURRENTMONTH",
            20,
            Some((
                "OFCURRENTMONTH:20",
                PaymentTerms::DayOfMonthAfter { day: 20, months: 0 },
            )),
        ),
        (
            "OFFOLLOWINGMONTH",
            31,
            Some((
                "OFFOLLOWINGMONTH:31",
                PaymentTerms::DayOfMonthAfter { day: 31, months: 1 },
            )),
        ),
        ("OFFOLLOWINGMONTH", 0, None),
        ("WHENEVER", 5, None),
    ];
    for (kind, day, expected) in cases {
        let fields = json!({"PaymentTerms": {"Bills": {"Day": 1, "Type": "OFCURRENTMONTH"},
            "Sales": {"Day": day, "Type": kind}}});
        let (_, id, records) = customer(fields).await;
        let read: Vec<_> = records
            .terms
            .iter()
            .map(|t| (t.ledger_id.as_str(), t.terms))
            .collect();
        assert_eq!(
            read,
            expected.into_iter().collect::<Vec<_>>(),
            "{kind} {day}"
        );
        assert_eq!(id.as_deref(), expected.map(|(id, _)| id), "{kind} {day}");
    }
    let (_, id, records) = customer(json!({"PaymentTerms": {}})).await;
    assert_eq!((id, records.terms.len()), (None, 0));
}
