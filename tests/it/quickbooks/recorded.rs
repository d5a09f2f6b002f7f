//! The company recorded in May 2026, read by the real connector over HTTP.

use financial_pulse::provider::AccountingProvider;
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use serde_json::{Number, Value, json};

use super::{Mirror, access, connector, decimal, settings};
use crate::contracts;
use crate::support::company::{Company, CompanyServer};
use crate::support::replay::recorded_company;

async fn load(company: Company) -> Mirror {
    let server = CompanyServer::start(company).await;
    Mirror::load(&connector(settings(&server.url)).provider).await
}

fn recorded() -> Option<Company> {
    contracts::folder("quickbooks").map(|folder| recorded_company(&folder))
}

/// The customers' ids with what the ledger says that they owe.
fn ledger_balances(company: &mut Company) -> Vec<(String, Decimal)> {
    let rows = company.rows("Customer").iter();
    rows.map(|row| {
        let id = row["Id"].as_str().expect("an id").to_owned();
        (id, decimal(&row["Balance"].to_string()))
    })
    .collect()
}

fn outstanding(mirror: &Mirror, customers: &[(String, Decimal)]) -> Vec<(String, Decimal)> {
    let customers = customers.iter();
    customers
        .map(|(id, _)| (id.clone(), mirror.outstanding(id)))
        .collect()
}

#[tokio::test]
async fn every_customer_owes_what_the_ledger_says() {
    let Some(mut company) = recorded() else {
        return;
    };
    let ledger = ledger_balances(&mut company);
    assert_eq!(ledger.len(), 33);
    let mirror = load(company).await;
    assert_eq!(outstanding(&mirror, &ledger), ledger);
    for (id, balance) in &ledger {
        let record = &mirror.customers[&id.as_str().into()];
        assert_eq!(record.customer.ledger_balance, Some(*balance));
    }
}

#[tokio::test]
async fn a_payment_changed_by_a_cent_moves_its_customer_by_a_cent_and_no_other() {
    let Some(mut company) = recorded() else {
        return;
    };
    let ledger = ledger_balances(&mut company);
    let payments = company.rows("Payment").len();
    assert_eq!(payments, 20);
    for index in 0..payments {
        let mut changed = company.clone();
        let payment = &mut changed.rows("Payment")[index];
        let customer = payment["CustomerRef"]["value"].clone();
        let total = decimal(&payment["TotalAmt"].to_string()) + decimal("0.01");
        payment["TotalAmt"] = number(total);
        let expected: Vec<_> = ledger
            .iter()
            .map(|(id, balance)| {
                let moved = if customer == json!(id) { "0.01" } else { "0" };
                (id.clone(), balance - decimal(moved))
            })
            .collect();
        let mirror = load(changed).await;
        assert_eq!(outstanding(&mirror, &ledger), expected, "payment {index}");
    }
}

#[tokio::test]
async fn the_ledgers_own_open_amounts_are_no_part_of_the_figure() {
    let Some(mut company) = recorded() else {
        return;
    };
    let ledger = ledger_balances(&mut company);
    for entity in ["Customer", "Invoice", "CreditMemo", "Payment"] {
        for row in company.rows(entity) {
            for field in [
                "Balance",
                "BalanceWithJobs",
                "RemainingCredit",
                "UnappliedAmt",
            ] {
                row.as_object_mut().expect("an object").remove(field);
            }
        }
    }
    let mirror = load(company).await;
    assert_eq!(outstanding(&mirror, &ledger), ledger);
    let mut customers = mirror.customers.values();
    assert!(customers.all(|record| record.customer.ledger_balance.is_none()));
}

#[tokio::test]
async fn small_pages_yield_the_same_as_large_ones() {
    let Some(company) = recorded() else { return };
    let server = CompanyServer::start(company).await;
    let whole = Mirror::load(&connector(settings(&server.url)).provider).await;
    for page_size in [1, 2, 7, 36, 37] {
        let mut small = settings(&server.url);
        small.page_size = page_size;
        let paged = Mirror::load(&connector(small).provider).await;
        assert_eq!(paged, whole, "pages of {page_size}");
    }
}

#[tokio::test]
async fn a_payment_of_nothing_only_joins_a_credit_memo_to_an_invoice() {
    let Some(company) = recorded() else { return };
    let mirror = load(company).await;
    let record = mirror
        .documents
        .values()
        .find(|record| {
            record.ledger_id == "74" && record.documents[0].id.kind.as_str() == "payment"
        })
        .expect("payment 74");
    assert_eq!(record.documents[0].total, Decimal::ZERO);
    let applications: Vec<_> = record
        .applications
        .iter()
        .map(|a| format!("{} {} -> {} {}", a.carrier, a.from, a.to, a.amount))
        .collect();
    assert_eq!(
        applications,
        ["payment:74 credit_note:73 -> invoice:71 100"]
    );
}

#[tokio::test]
async fn what_the_documents_leave_open_is_what_the_ledger_leaves_open() {
    let Some(company) = recorded() else { return };
    let mirror = load(company).await;
    let mut compared = 0;
    for document in mirror.issued() {
        if let Some(open) = document.ledger_open {
            assert_eq!(mirror.left(document), open, "{}", document.id);
            compared += 1;
        }
    }
    assert_eq!(compared, 37 + 20 + mirror_count(&mirror, "credit_note"));
}

fn mirror_count(mirror: &Mirror, kind: &str) -> usize {
    mirror
        .issued()
        .filter(|d| d.id.kind.as_str() == kind)
        .count()
}

#[tokio::test]
async fn lines_add_up_to_the_total_without_tax() {
    let Some(company) = recorded() else { return };
    let mirror = load(company).await;
    let (mut discounts, mut without_lines) = (0, Vec::new());
    for document in mirror.issued() {
        if document.id.kind.as_str() != "invoice" {
            continue;
        }
        if document.lines.is_empty() {
            without_lines.push(document.id.to_string());
            continue;
        }
        let lines: Decimal = document.lines.iter().map(|line| line.amount).sum();
        assert_eq!(lines, document.total - document.tax, "{}", document.id);
        discounts += document
            .lines
            .iter()
            .filter(|l| l.amount.is_sign_negative())
            .count();
    }
    assert_eq!(discounts, 2);
    // Recorded with its subtotal only.
    assert_eq!(without_lines, ["invoice:42"]);
}

#[tokio::test]
async fn the_organization_is_named_with_its_currency() {
    let Some(company) = recorded() else { return };
    let server = CompanyServer::start(company).await;
    let connector = connector(settings(&server.url));
    let organization = connector
        .provider
        .organization(&access())
        .await
        .expect("the organization");
    assert_eq!(&*organization.name, "Larry's Bakery");
    assert_eq!(organization.base_currency.code(), "USD");
    assert!(!organization.multicurrency);
}

fn number(amount: Decimal) -> Value {
    Value::Number(amount.to_string().parse::<Number>().expect("a number"))
}
