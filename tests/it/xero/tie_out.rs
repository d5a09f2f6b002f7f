//! The demo company (Global) recorded on 2026-04-24, all the way: read by the real connector over
//! HTTP, kept in the store, folded by the domain, compared with what Xero itself said. And a contact
//! of 2021 that is in credit. On both databases.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use financial_pulse::domain::tie_out::TieOutStatus;
use financial_pulse::service::sync::Depth;
use jiff::Timestamp;
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use serde_json::Value;

use super::books::{Books, BooksServer, millis, ticks};
use super::{ACCOUNT, TOKEN, connector, decimal, settings};
use crate::contracts;
use crate::support::databases::test_stores;
use crate::support::mirrored::{self, Mirrored};
use crate::support::personal::{assert_not_stored, personal_texts};

/// The organization says `EASTERNSTANDARDTIME`.
const ZONE: &str = "America/New_York";

/// Outstanding and overdue of every contact by Xero's own figures; no balances mean nothing is open.
fn balances(books: &mut Books) -> BTreeMap<String, (Decimal, Decimal)> {
    let contacts = books.rows("Contacts").iter();
    contacts
        .map(|row| {
            let id = row["ContactID"].as_str().expect("an id").to_owned();
            let receivable = &row["Balances"]["AccountsReceivable"];
            let figure = |name: &str| match &receivable[name] {
                Value::Null => Decimal::ZERO,
                figure => decimal(&figure.to_string()),
            };
            (id, (figure("Outstanding"), figure("Overdue")))
        })
        .collect()
}

fn recorded() -> Option<Books> {
    contracts::folder("xero").map(|folder| Books::recorded(&folder))
}

async fn mirror(server: &BooksServer) -> Vec<Mirrored> {
    let mut all = Vec::new();
    for database in test_stores().await {
        let connector = connector(settings(&server.url));
        let books = mirrored::Books {
            provider: Arc::new(connector.provider),
            clock: connector.clock,
            account: ACCOUNT,
            token: TOKEN,
            zone: ZONE,
        };
        all.push(Mirrored::of(books, database).await);
    }
    all
}

#[tokio::test]
async fn every_contact_of_the_demo_company_ties_to_the_cent() {
    let Some(mut books) = recorded() else { return };
    let with_balances = books
        .rows("Contacts")
        .iter()
        .filter(|row| row.get("Balances").is_some())
        .count();
    let ledger = balances(&mut books);
    assert_eq!((ledger.len(), with_balances), (63, 17));
    let owing = ledger.values().filter(|(owed, _)| !owed.is_zero());
    assert_eq!(owing.count(), 7, "the others owe us nothing");
    for mirrored in mirror(&BooksServer::start(books).await).await {
        assert_eq!(mirrored.report.deleted, 0);
        for (id, (outstanding, overdue)) in &ledger {
            let owed = mirrored.owed(id).await;
            assert_eq!(owed, (*outstanding, *overdue), "contact {id}");
            assert_eq!(
                mirrored.tie_out(id).await,
                TieOutStatus::Ties,
                "contact {id}"
            );
            let customer = mirrored.customer(id).await;
            assert_eq!(customer.ledger_balance, Some(*outstanding));
        }
    }
}

#[tokio::test]
async fn an_amount_changed_by_a_cent_is_told_by_the_tie_out() {
    let cent = Decimal::new(1, 2);
    for (resource, amount) in [("Invoices", "Total"), ("Payments", "Amount")] {
        let Some(mut books) = recorded() else { return };
        let before = balances(&mut books);
        let row = books
            .rows(resource)
            .iter_mut()
            .find(|row| {
                let sale = row["Type"] == "ACCREC" || row["PaymentType"] == "ACCRECPAYMENT";
                let counts = row["Status"] == "AUTHORISED" || row["Status"] == "PAID";
                sale && counts
            })
            .expect("one of the sales side");
        let contact = &row["Contact"]["ContactID"];
        let contact = if contact.is_null() {
            &row["Invoice"]["Contact"]["ContactID"]
        } else {
            contact
        };
        let contact = contact.as_str().expect("an id").to_owned();
        let changed = decimal(&row[amount].to_string()) + cent;
        row[amount] = serde_json::from_str(&changed.to_string()).expect("a number");
        // More paid is less owed.
        let moved = if resource == "Payments" { -cent } else { cent };
        for mirrored in mirror(&BooksServer::start(books).await).await {
            for (id, (outstanding, _)) in &before {
                let off = if *id == contact { moved } else { Decimal::ZERO };
                assert_eq!(mirrored.outstanding(id).await, outstanding + off, "{id}");
            }
            match mirrored.tie_out(&contact).await {
                TieOutStatus::Differs { difference, .. } => assert_eq!(difference.amount, moved),
                other => panic!("the difference of a cent is not told: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn without_the_ledgers_own_figure_ours_stands() {
    let Some(mut books) = recorded() else { return };
    let before = balances(&mut books);
    for row in books.rows("Contacts") {
        if let Some(balances) = row.get_mut("Balances") {
            *balances = serde_json::json!({ "AccountsPayable": balances["AccountsPayable"] });
        }
    }
    for mirrored in mirror(&BooksServer::start(books).await).await {
        for (id, (outstanding, overdue)) in &before {
            assert_eq!(mirrored.owed(id).await, (*outstanding, *overdue), "{id}");
            let customer = mirrored.customer(id).await;
            let status = mirrored.tie_out(id).await;
            match customer.ledger_balance {
                None => assert_eq!(status, TieOutStatus::NotCheckable, "{id}"),
                // No balances at all: nothing is open, which is said.
                Some(nothing) => {
                    assert_eq!(nothing, Decimal::ZERO);
                    assert_eq!(status, TieOutStatus::Ties, "{id}");
                }
            }
        }
    }
}

/// A payment changes no contact, so the balance that comes with the next poll has to be fetched for it.
#[tokio::test]
async fn a_payment_moves_our_figure_and_the_ledgers_together() {
    let Some(mut books) = recorded() else { return };
    let (invoice, contact, due) = {
        let mut open = books.rows("Invoices").iter().rev();
        let row = open
            .find(|row| row["Type"] == "ACCREC" && row["Status"] == "AUTHORISED")
            .expect("an open invoice");
        (
            row["InvoiceID"].clone(),
            row["Contact"]["ContactID"].clone(),
            decimal(&row["AmountDue"].to_string()),
        )
    };
    let server = BooksServer::start(books).await;
    let mirrors = mirror(&server).await;
    let id = contact.as_str().expect("an id");
    let before = mirrors[0].outstanding(id).await;
    server.with(|books| {
        books.now += 60_000;
        let now = ticks(books.now);
        let rows = books.rows("Invoices").iter_mut();
        let row = rows
            .into_iter()
            .find(|row| row["InvoiceID"] == invoice)
            .expect("the invoice");
        row["Status"] = "PAID".into();
        row["AmountDue"] = 0.into();
        row["UpdatedDateUTC"] = now.clone();
        let payment = serde_json::json!({
            "PaymentID": "0aad5b80-0000-4000-8000-000000000001", "PaymentType": "ACCRECPAYMENT",
            "Status": "AUTHORISED", "Amount": serde_json::from_str::<Value>(&due.to_string()).expect("a number"),
            "Date": "/Date(1776988800000+0000)/", "UpdatedDateUTC": now, "CurrencyRate": 0,
            "Invoice": {"InvoiceID": invoice, "Type": "ACCREC", "Contact": {"ContactID": contact}}
        });
        books.rows("Payments").push(payment);
        let contacts = books.rows("Contacts").iter_mut();
        let row = contacts
            .into_iter()
            .find(|row| row["ContactID"] == contact)
            .expect("the contact");
        let balance = &mut row["Balances"]["AccountsReceivable"]["Outstanding"];
        let left = decimal(&balance.to_string()) - due;
        *balance = serde_json::from_str(&left.to_string()).expect("a number");
    });
    for mirrored in &mirrors {
        mirrored.sync(Depth::Due).await;
        assert_eq!(mirrored.outstanding(id).await, before - due);
        assert_eq!(
            mirrored.customer(id).await.ledger_balance,
            Some(before - due)
        );
        assert_eq!(mirrored.tie_out(id).await, TieOutStatus::Ties);
    }
}

#[tokio::test]
async fn a_contact_in_credit_ties_below_zero() {
    let Some(folder) = contracts::folder("xero") else {
        return;
    };
    let books = of_2021(&folder);
    let server = BooksServer::start(books).await;
    for mirrored in mirror(&server).await {
        let id = "fac713dd-25b1-48c9-889e-b268590b6736";
        let owed = mirrored.owed(id).await;
        assert_eq!(
            owed,
            (decimal("-12.00"), Decimal::ZERO),
            "the draft is not owed"
        );
        assert_eq!(
            mirrored.customer(id).await.ledger_balance,
            Some(decimal("-12"))
        );
        assert_eq!(mirrored.tie_out(id).await, TieOutStatus::Ties);
    }
}

/// The records of 2021, whose times a third party rewrote, in the form of the wire.
fn of_2021(xero: &Path) -> Books {
    let folder = xero.join("samples/normalised-negative-balance-2021");
    let mut books = Books::recorded(xero);
    for rows in books.lists.values_mut() {
        rows.clear();
    }
    for (resource, file) in [
        ("Contacts", "contact.json"),
        ("CreditNotes", "credit-note-authorised.json"),
        ("Invoices", "invoice-draft.json"),
    ] {
        let mut row = contracts::json(&folder.join(file));
        for field in ["Date", "DueDate", "UpdatedDateUTC"] {
            if let Some(value) = row.get_mut(field) {
                let at: Timestamp = value
                    .as_str()
                    .and_then(|text| text.parse().ok())
                    .expect("a time");
                *value = ticks(at.as_millisecond());
            }
        }
        assert!(millis(&row["UpdatedDateUTC"]) > 0);
        books.rows(resource).push(row);
    }
    books
}

/// What was deleted goes, and what was voided stays for the history without counting.
#[tokio::test]
async fn a_deleted_payment_makes_its_invoice_owed_again() {
    let Some(books) = recorded() else { return };
    let server = BooksServer::start(books).await;
    let mirrors = mirror(&server).await;
    let (contact, amount) = server.with(|books| {
        books.now += 600_000;
        let now = ticks(books.now);
        let payments = books.rows("Payments").iter_mut();
        let row = payments
            .into_iter()
            .find(|row| row["PaymentType"] == "ACCRECPAYMENT" && row["Status"] == "AUTHORISED")
            .expect("a payment");
        row["Status"] = "DELETED".into();
        row["UpdatedDateUTC"] = now;
        let contact = row["Invoice"]["Contact"]["ContactID"]
            .as_str()
            .expect("an id");
        (contact.to_owned(), decimal(&row["Amount"].to_string()))
    });
    for mirrored in &mirrors {
        let before = mirrored.outstanding(&contact).await;
        mirrored.sync(Depth::Due).await;
        assert_eq!(mirrored.outstanding(&contact).await, before + amount);
    }
}

#[tokio::test]
async fn no_address_telephone_number_or_bank_detail_is_stored() {
    let Some(books) = recorded() else { return };
    let said = books.lists.values().flatten();
    let texts = personal_texts(said.chain([&books.organisation]));
    assert!(texts.len() > 40, "{texts:?}");
    for mirrored in mirror(&BooksServer::start(books).await).await {
        assert_not_stored(mirrored.database(), &texts).await;
    }
}
