//! A small business whose documents leave what Sage itself says that its customers owe.

use std::sync::Arc;

use financial_pulse::domain::books::CustomerBooks;
use financial_pulse::domain::history::History;
use financial_pulse::domain::ids::ConnectionId;
use financial_pulse::domain::tie_out::{self, TieOutStatus};
use jiff::civil::date;
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::business::{Business, BusinessServer};
use super::{Mirror, connector, decimal, settings, to};
use crate::contracts;
use crate::support::personal::personal_texts;

fn artefact(list: &str, id: &str, amount: &str) -> Value {
    json!({
        "id": format!("{id}{amount}"), "amount": amount, "discount": "0.0",
        "artefact": {"id": id, "displayed_as": id, "$path": format!("/{list}/{id}")},
    })
}

pub(super) fn row(id: &str, contact: &str, day: &str, total: &str, more: Value) -> Value {
    let mut row = json!({
        "id": id, "displayed_as": id, "$path": "", "contact": to(contact), "date": day,
        "updated_at": format!("{day}T10:00:00Z"), "total_amount": total, "tax_amount": "0.0",
        "currency": to("GBP"), "exchange_rate": "1.0", "base_currency_total_amount": total,
        "status": to("UNPAID"),
    });
    let (Some(fields), Value::Object(more)) = (row.as_object_mut(), more) else {
        panic!("{id} is no object");
    };
    fields.extend(more);
    row
}

pub(super) fn contact(id: &str, balance: &str) -> Value {
    json!({
        "id": id, "displayed_as": id, "$path": format!("/contacts/{id}"), "name": id,
        "updated_at": "2026-01-01T08:00:00Z", "contact_types": [to("CUSTOMER")],
        "balance": balance, "credit_limit": null, "credit_days": null, "credit_terms": null,
        "currency": to("GBP"), "is_active": true, "email": "",
    })
}

/// Two customers with every kind of document.
///
/// `ada`: 40 brought forward; invoices of 100, 250 and 50 (a draft of 999 and a voided one of 70
/// beside); a credit note of 30 and one of 20, the latter stated as negative; a quick invoice of 60 and
/// a quick credit of 5. A receipt of 120 settles 95 of the first invoice with a discount of 5, and
/// leaves 25 on account, of which an allocation uses 10 together with the first credit note on the
/// second invoice. A refund of 20 uses up the second credit note.
/// 40 + 400 - 50 + 60 - 5 - 120 - 5 + 20 = 340.
/// `bob`: an invoice of 10, a receipt of 15 on account altogether: 10 - 15 = -5.
pub(super) fn small_business() -> Business {
    let mut business = Business::default();
    let ada = |id, day, total, more| row(id, "ada", day, total, more);
    *business.list("contacts") = vec![contact("ada", "340.0"), contact("bob", "-5.0")];
    *business.list("contact_opening_balances") = vec![ada(
        "ob1",
        "2026-01-01",
        "40.0",
        json!({"contact_opening_balance_type": to("INVOICE"), "status": null}),
    )];
    *business.list("sales_invoices") = vec![
        ada(
            "si1",
            "2026-02-01",
            "100.0",
            json!({"invoice_number": "SI-1", "status": to("PAID")}),
        ),
        ada(
            "si2",
            "2026-02-02",
            "250.0",
            json!({"status": to("PART_PAID")}),
        ),
        ada("si3", "2026-02-03", "50.0", json!({})),
        ada("si4", "2026-02-04", "999.0", json!({"status": to("DRAFT")})),
        ada("si5", "2026-02-05", "70.0", json!({"status": to("VOID")})),
        row("si6", "bob", "2026-02-06", "10.0", json!({})),
    ];
    *business.list("sales_credit_notes") = vec![
        ada("sc1", "2026-02-10", "30.0", json!({"status": to("PAID")})),
        ada("sc2", "2026-02-11", "-20.0", json!({"status": to("PAID")})),
    ];
    *business.list("sales_quick_entries") = vec![
        ada(
            "sq1",
            "2026-02-12",
            "60.0",
            json!({"quick_entry_type": to("INVOICE")}),
        ),
        ada(
            "sq2",
            "2026-02-13",
            "5.0",
            json!({"quick_entry_type": to("CREDIT_NOTE")}),
        ),
    ];
    add_payments(&mut business);
    add_settings(&mut business);
    business
}

fn add_payments(business: &mut Business) {
    let ada = |id, day, total, more| row(id, "ada", day, total, more);
    let mut settled = artefact("sales_invoices", "si1", "95.0");
    settled["discount"] = json!("5.0");
    *business.list("contact_payments") = vec![
        ada(
            "cp1",
            "2026-03-01",
            "120.0",
            json!({
                "transaction_type": to("CUSTOMER_RECEIPT"), "allocated_artefacts": [settled],
                "payment_on_account": {"id": "poa1", "outstanding_amount": "15.0"},
            }),
        ),
        ada(
            "cp2",
            "2026-03-02",
            "20.0",
            json!({
                "transaction_type": to("CUSTOMER_REFUND"),
                "allocated_artefacts": [artefact("sales_credit_notes", "sc2", "20.0")],
                "payment_on_account": null,
            }),
        ),
        row(
            "cp3",
            "bob",
            "2026-03-03",
            "15.0",
            json!({
                "transaction_type": to("CUSTOMER_RECEIPT"), "allocated_artefacts": [],
                "payment_on_account": {"id": "poa3", "outstanding_amount": "15.0"},
            }),
        ),
        row(
            "cp4",
            "supplier",
            "2026-03-04",
            "77.0",
            json!({"transaction_type": to("VENDOR_PAYMENT"), "allocated_artefacts": []}),
        ),
    ];
    *business.list("contact_allocations") = vec![ada(
        "ca1",
        "2026-03-05",
        "0.0",
        json!({
            "transaction_type": to("CUSTOMER_ALLOCATION"),
            "allocated_artefacts": [
                artefact("sales_credit_notes", "sc1", "-30.0"),
                artefact("sales_invoices", "si2", "40.0"),
                artefact("payments_on_account", "poa1", "-10.0"),
            ],
        }),
    )];
}

fn add_settings(business: &mut Business) {
    *business.list("products") = vec![json!({
        "id": "p1", "displayed_as": "Bolt", "updated_at": "2026-01-01T08:00:00Z",
        "item_code": "B1", "description": "Bolt",
    })];
    *business.list("services") = vec![json!({
        "id": "s1", "displayed_as": "Fitting", "updated_at": "2026-01-01T08:00:00Z",
        "item_code": "F1", "description": "",
    })];
    business.single.insert(
        "invoice_settings".to_owned(),
        json!({"customer_credit_days": 30, "customer_credit_terms": "date_from_invoice"}),
    );
    business.single.insert(
        "financial_settings".to_owned(),
        json!({"base_currency": to("GBP"), "multi_currency_enabled": false}),
    );
    business.single.insert(
        format!("businesses/{}", super::ACCOUNT),
        json!({"id": super::ACCOUNT, "name": "Small Works", "displayed_as": "Small Works"}),
    );
}

pub(super) async fn load(business: Business) -> Mirror {
    let server = BusinessServer::start(business).await;
    Mirror::load(&connector(settings(&server.url)).provider).await
}

/// The tie-out of a customer, as the domain makes it.
fn tied(mirror: &Mirror, id: &str) -> (TieOutStatus, Decimal) {
    let books = CustomerBooks {
        connection: ConnectionId::from("sage"),
        customer: mirror.customers[&id.into()].customer.clone(),
        documents: mirror
            .all()
            .filter(|document| document.customer.as_str() == id)
            .cloned()
            .collect(),
        applications: mirror
            .documents
            .values()
            .flat_map(|record| record.applications.clone())
            .collect(),
    };
    let members = [Arc::new(books)];
    let history = History::of(&members);
    let outcome = tie_out::tie_out(&history, date(2026, 5, 5));
    (outcome.status, outcome.ours.expect("a figure").amount)
}

#[tokio::test]
async fn what_the_documents_leave_is_what_the_ledger_says() {
    let mirror = load(small_business()).await;
    assert_eq!(mirror.outstanding("ada"), decimal("340"));
    assert_eq!(tied(&mirror, "ada"), (TieOutStatus::Ties, decimal("340")));
    assert_eq!(tied(&mirror, "bob"), (TieOutStatus::Ties, decimal("-5")));
    let open = |id: &str| mirror.left(mirror.document(id));
    assert_eq!(open("invoice:si1"), Decimal::ZERO);
    assert_eq!(open("invoice:si2"), decimal("210"));
    assert_eq!(open("credit_note:sc1"), Decimal::ZERO);
    assert_eq!(open("credit_note:sc2"), Decimal::ZERO);
    assert_eq!(open("overpayment:poa1"), decimal("15"));
}

#[tokio::test]
async fn a_cent_in_any_document_is_told() {
    let documents = [
        ("contact_opening_balances", "ob1"),
        ("sales_invoices", "si1"),
        ("sales_invoices", "si3"),
        ("sales_credit_notes", "sc1"),
        ("sales_credit_notes", "sc2"),
        ("sales_quick_entries", "sq1"),
        ("sales_quick_entries", "sq2"),
        ("contact_payments", "cp1"),
        ("contact_payments", "cp2"),
    ];
    for (list, id) in documents {
        let mut business = small_business();
        let total = &mut business.row(list, id)["total_amount"];
        let changed = decimal(total.as_str().expect("an amount")) + decimal("0.01");
        *total = json!(changed.to_string());
        let mirror = load(business).await;
        let (status, ours) = tied(&mirror, "ada");
        assert_eq!((ours - decimal("340")).abs(), decimal("0.01"), "{id}");
        let TieOutStatus::Differs { difference, .. } = status else {
            panic!("{id}: {status:?}");
        };
        assert_eq!(difference.amount, ours - decimal("340"), "{id}");
        assert_eq!(tied(&mirror, "bob").0, TieOutStatus::Ties, "{id}");
    }
}

#[tokio::test]
async fn without_the_ledgers_figure_ours_is_the_same_and_says_that_it_is_unchecked() {
    let mut business = small_business();
    for contact in business.list("contacts") {
        contact
            .as_object_mut()
            .expect("an object")
            .remove("balance");
    }
    for list in ["sales_invoices", "sales_credit_notes", "contact_payments"] {
        for row in business.list(list) {
            let row = row.as_object_mut().expect("an object");
            row.remove("outstanding_amount");
            if let Some(Value::Object(on_account)) = row.get_mut("payment_on_account") {
                on_account.remove("outstanding_amount");
            }
        }
    }
    let mirror = load(business).await;
    for (id, outstanding) in [("ada", "340"), ("bob", "-5")] {
        let expected = (TieOutStatus::NotCheckable, decimal(outstanding));
        assert_eq!(tied(&mirror, id), expected);
    }
}

#[tokio::test]
async fn no_address_telephone_number_or_bank_detail_is_taken_from_a_contact() {
    let Some(folder) = contracts::folder("sage") else {
        return;
    };
    let file = folder.join("samples/recorded-contact-customer.json");
    let text = std::fs::read_to_string(file).expect("recorded");
    let contact: Value = serde_json::from_str(&text).expect("JSON");
    let texts = personal_texts([&contact].into_iter());
    assert!(texts.len() > 5, "{texts:?}");
    let id = contact["id"].as_str().expect("an id").to_owned();
    let mut business = small_business();
    business.list("contacts").push(contact);
    let mirror = load(business).await;
    assert!(mirror.customers.contains_key(&id.as_str().into()));
    let taken = format!("{mirror:?}").to_lowercase();
    for text in texts {
        assert!(!taken.contains(&text.to_lowercase()), "{text}");
    }
}
