//! What each kind of record becomes.

use financial_pulse::domain::books::PaymentTerms;
use financial_pulse::domain::document::{DocumentState, Side};
use financial_pulse::domain::freshness::Dataset;
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::business::{Business, BusinessServer};
use super::ties::{contact, load, row, small_business};
use super::{Mirror, connector, decimal, pages, settings, to};

/// A business with one list.
async fn read(list: &str, rows: Vec<Value>) -> Mirror {
    let mut business = Business::default();
    *business.list(list) = rows;
    business
        .single
        .insert("invoice_settings".to_owned(), json!({}));
    load(business).await
}

fn amounts(mirror: &Mirror, id: &str) -> (Side, DocumentState, Decimal, Decimal) {
    let document = mirror.document(id);
    (document.side, document.state, document.total, document.tax)
}

#[tokio::test]
async fn an_invoice_has_its_lines_dates_and_amounts() {
    let invoice = json!({
        "invoice_number": "SI-7", "due_date": "2026-02-28", "tax_amount": "20.0",
        "outstanding_amount": "120.0", "shipping_net_amount": "10.0",
        "invoice_lines": [
            {"description": "Bolts", "displayed_as": "Bolt", "product": to("p1"), "service": null,
             "quantity": "3.0", "unit_price": "25.0", "net_amount": "75.0"},
            {"description": "", "displayed_as": "Fitting", "product": null, "service": to("s1"),
             "quantity": 1, "unit_price": 15, "net_amount": 15},
        ],
    });
    let mirror = read(
        "sales_invoices",
        vec![row("si", "ada", "2026-02-01", "120.0", invoice)],
    )
    .await;
    let document = mirror.document("invoice:si");
    assert_eq!(
        amounts(&mirror, "invoice:si"),
        (
            Side::Receivable,
            DocumentState::Issued,
            decimal("120"),
            decimal("20")
        )
    );
    assert_eq!(document.number.as_deref(), Some("SI-7"));
    assert_eq!(document.due_on, Some("2026-02-28".parse().expect("a date")));
    assert_eq!(document.ledger_open, Some(decimal("120")));
    assert_eq!(document.exchange_rate, None);
    let lines: Vec<_> = document
        .lines
        .iter()
        .map(|line| {
            let item = line.item.as_ref().map(|item| item.as_str().to_owned());
            (item, line.description.to_string(), line.amount.to_string())
        })
        .collect();
    let line = |item: Option<&str>, text: &str, amount: &str| {
        (item.map(str::to_owned), text.to_owned(), amount.to_owned())
    };
    assert_eq!(
        lines,
        [
            line(Some("p1"), "Bolts", "75"),
            line(Some("s1"), "Fitting", "15"),
            line(None, "Shipping", "10"),
        ]
    );
}

#[tokio::test]
async fn a_status_says_whether_a_document_is_in_the_accounts() {
    let cases = [
        ("DRAFT", DocumentState::Draft),
        ("PRO_FORMA", DocumentState::Draft),
        ("VOID", DocumentState::Voided),
        ("UNPAID", DocumentState::Issued),
        ("PART_PAID", DocumentState::Issued),
        ("PAID", DocumentState::Issued),
        ("DISPUTED", DocumentState::Issued),
        ("SOMETHING_NEW", DocumentState::Issued),
    ];
    let rows = cases
        .iter()
        .map(|(status, _)| {
            row(
                status,
                "ada",
                "2026-02-01",
                "10",
                json!({"status": to(status)}),
            )
        })
        .collect();
    let mirror = read("sales_invoices", rows).await;
    for (status, state) in cases {
        let id = format!("invoice:{status}");
        assert_eq!(mirror.document(&id).state, state, "{status}");
    }
}

#[tokio::test]
async fn a_credit_note_counts_as_credit_whatever_its_sign() {
    let line = json!({"credit_note_number": "SC-1", "tax_amount": "-4.0", "outstanding_amount": "-24.0",
        "credit_note_lines": [{"description": "Bolts", "net_amount": "-20.0"}]});
    let mirror = read(
        "sales_credit_notes",
        vec![
            row("negative", "ada", "2026-02-01", "-24.0", line),
            row("positive", "ada", "2026-02-01", "24.0", json!({})),
        ],
    )
    .await;
    assert_eq!(
        amounts(&mirror, "credit_note:negative"),
        (
            Side::Credit,
            DocumentState::Issued,
            decimal("24"),
            decimal("4")
        )
    );
    let negative = mirror.document("credit_note:negative");
    assert_eq!(negative.lines[0].amount, decimal("20"));
    assert_eq!(negative.ledger_open, Some(decimal("24")));
    assert_eq!(mirror.outstanding("ada"), decimal("-48"));
}

#[tokio::test]
async fn an_invoice_below_zero_counts_as_credit() {
    let mirror = read(
        "sales_invoices",
        vec![row("si", "ada", "2026-02-01", "-24.0", json!({}))],
    )
    .await;
    assert_eq!(mirror.document("invoice:si").side, Side::Credit);
    assert_eq!(mirror.outstanding("ada"), decimal("-24"));
}

#[tokio::test]
async fn quick_entries_and_opening_balances_are_debits_or_credits_by_their_type() {
    let mut business = small_business();
    let credit = json!({"contact_opening_balance_type": to("CREDIT_NOTE")});
    business
        .list("contact_opening_balances")
        .push(row("ob2", "ada", "2026-01-01", "7.0", credit));
    let mirror = load(business).await;
    let side = |id: &str| mirror.document(id).side;
    assert_eq!(side("opening_balance:ob1"), Side::Receivable);
    assert_eq!(side("opening_balance:ob2"), Side::Credit);
    assert_eq!(side("invoice:sq1"), Side::Receivable);
    assert_eq!(side("credit_note:sq2"), Side::Credit);
}

#[tokio::test]
async fn a_receipt_settles_by_amount_and_discount_and_leaves_the_rest_on_account() {
    let mirror = load(small_business()).await;
    assert_eq!(
        mirror.applications(Dataset::Payments, "cp1"),
        [
            "credit_note:cp1#discount -> invoice:si1 5 on 2026-03-01",
            "payment:cp1 -> invoice:si1 95 on 2026-03-01",
        ]
    );
    let total = |id: &str| mirror.document(id).total;
    assert_eq!(total("payment:cp1"), decimal("95"));
    assert_eq!(total("overpayment:poa1"), decimal("25"));
    assert_eq!(total("credit_note:cp1#discount"), decimal("5"));
    // Nothing of it was used: it is the payment on account alone.
    let documents = &mirror.documents[&(Dataset::Payments, "cp3".to_owned())].documents;
    let ids: Vec<_> = documents.iter().map(|d| d.id.to_string()).collect();
    assert_eq!(ids, ["overpayment:poa3"]);
}

#[tokio::test]
async fn a_refund_uses_credit_up() {
    let mirror = load(small_business()).await;
    assert_eq!(
        mirror.applications(Dataset::Payments, "cp2"),
        ["credit_note:sc2 -> refund:cp2 20 on 2026-03-02"]
    );
    assert_eq!(mirror.document("refund:cp2").side, Side::Receivable);
}

#[tokio::test]
async fn a_refund_stated_as_negative_means_the_same() {
    let mut business = small_business();
    let refund = business.row("contact_payments", "cp2");
    refund["total_amount"] = json!("-20.0");
    refund["allocated_artefacts"][0]["amount"] = json!("-20.0");
    assert_eq!(load(business).await, load(small_business()).await);
}

#[tokio::test]
async fn a_payment_to_a_vendor_yields_nothing() {
    let server = BusinessServer::start(small_business()).await;
    let provider = connector(settings(&server.url)).provider;
    let read = pages(&provider, Dataset::Payments, None).await;
    let ids: Vec<_> = read
        .iter()
        .flat_map(|page| &page.records.documents)
        .map(|record| record.ledger_id.as_str())
        .collect();
    assert_eq!(ids, ["cp1", "cp3", "cp2"]);
}

#[tokio::test]
async fn an_allocation_pairs_credits_with_debits_in_their_order() {
    let mirror = load(small_business()).await;
    assert_eq!(
        mirror.applications(Dataset::Allocations, "ca1"),
        [
            "credit_note:sc1 -> invoice:si2 30 on 2026-03-05",
            "overpayment:poa1 -> invoice:si2 10 on 2026-03-05",
        ]
    );
}

#[tokio::test]
async fn a_receipt_may_use_credit_together_with_its_money() {
    let mut business = small_business();
    *business.list("contact_allocations") = Vec::new();
    let receipt = business.row("contact_payments", "cp1");
    receipt["total_amount"] = json!("65.0");
    receipt["payment_on_account"] = Value::Null;
    receipt["allocated_artefacts"] = json!([
        {"amount": "95.0", "artefact": {"id": "si1", "$path": "/sales_invoices/si1"}},
        {"amount": "-30.0", "artefact": {"id": "sc1", "$path": "/sales_credit_notes/sc1"}},
    ]);
    let mirror = load(business).await;
    assert_eq!(
        mirror.applications(Dataset::Payments, "cp1"),
        [
            "credit_note:sc1 -> invoice:si1 30 on 2026-03-01",
            "payment:cp1 -> invoice:si1 65 on 2026-03-01",
        ]
    );
    assert_eq!(mirror.left(mirror.document("payment:cp1")), Decimal::ZERO);
}

#[tokio::test]
async fn an_artefact_of_unknown_path_is_told_by_its_sign() {
    let mut business = small_business();
    let allocation = business.row("contact_allocations", "ca1");
    for artefact in allocation["allocated_artefacts"]
        .as_array_mut()
        .expect("artefacts")
    {
        artefact["artefact"]["$path"] = json!("");
    }
    let mirror = load(business).await;
    assert_eq!(
        mirror.applications(Dataset::Allocations, "ca1"),
        [
            "credit_note:sc1 -> invoice:si2 30 on 2026-03-05",
            "credit_note:poa1 -> invoice:si2 10 on 2026-03-05",
        ]
    );
}

#[tokio::test]
async fn a_customer_brings_its_limit_and_terms_and_those_of_the_business_where_it_has_none() {
    let mut business = small_business();
    *business.list("contacts") = [
        ("own", json!({"credit_days": 14, "credit_terms": "date_from_invoice", "credit_limit": "6000.0"})),
        ("month", json!({"credit_days": 7, "credit_terms": "month_end_invoice", "credit_limit": 0})),
        ("days", json!({"credit_days": "45"})),
        ("none", json!({"email": "Ada@Example.com", "tax_number": "GB 938 4843 82", "is_active": false})),
    ]
    .into_iter()
    .map(|(id, more)| {
        let mut row = contact(id, "0.0");
        let fields = row.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        row
    })
    .collect();
    let server = BusinessServer::start(business).await;
    let provider = connector(settings(&server.url)).provider;
    let read = pages(&provider, Dataset::Customers, None).await;
    let records = &read[0].records;
    let found: Vec<_> = records
        .customers
        .iter()
        .map(|record| {
            let customer = &record.customer;
            let terms = record.terms_id.as_deref().expect("terms");
            (customer.id.as_str(), terms, customer.credit_limit)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("own", "date_from_invoice:14", Some(decimal("6000"))),
            ("month", "month_end_invoice:7", Some(Decimal::ZERO)),
            ("days", "date_from_invoice:45", None),
            ("none", "date_from_invoice:30", None),
        ]
    );
    let terms: Vec<_> = records.terms.iter().map(|record| record.terms).collect();
    assert_eq!(
        terms,
        [
            PaymentTerms::Days(14),
            PaymentTerms::AfterMonthEnd { days: 7 },
            PaymentTerms::Days(45),
            PaymentTerms::Days(30),
        ]
    );
    let last = &records.customers[3].customer;
    assert_eq!(last.email.as_deref(), Some("ada@example.com"));
    assert_eq!(last.tax_number.as_deref(), Some("GB938484382"));
    assert!(!last.active);
    assert_eq!(last.ledger_balance, Some(Decimal::ZERO));
}

#[tokio::test]
async fn the_rate_is_taken_the_way_round_that_the_totals_say() {
    let foreign = |rate: &str, inverse: Option<&str>| {
        json!({"currency": to("USD"), "exchange_rate": rate, "inverse_exchange_rate": inverse,
            "base_currency_total_amount": "80.0"})
    };
    let mirror = read(
        "sales_invoices",
        vec![
            row(
                "a",
                "ada",
                "2026-02-01",
                "100.0",
                foreign("0.8", Some("1.25")),
            ),
            row(
                "b",
                "ada",
                "2026-02-01",
                "100.0",
                foreign("1.25", Some("0.8")),
            ),
            row("c", "ada", "2026-02-01", "100.0", foreign("1.25", None)),
            row("d", "ada", "2026-02-01", "100.0", foreign("7.0", None)),
        ],
    )
    .await;
    let rate = |id: &str| mirror.document(id).exchange_rate;
    for id in ["invoice:a", "invoice:b", "invoice:c"] {
        assert_eq!(rate(id), Some(decimal("0.8")), "{id}");
    }
    assert_eq!(rate("invoice:d"), None, "neither way");
}

#[tokio::test]
async fn a_link_that_anyone_could_pay_by_is_nowhere_in_a_record() {
    let mut business = small_business();
    let secret = "https://accounts-extra.sageone.com/online_payment/secret";
    for rows in business.lists.values_mut() {
        for row in rows {
            row["links"] = json!([{"href": secret, "rel": "bookmark", "type": "text/html"}]);
        }
    }
    let mirror = load(business).await;
    assert!(!format!("{mirror:?}").contains("online_payment"));
    assert!(!mirror.documents.is_empty());
}
