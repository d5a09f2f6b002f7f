use std::sync::Arc;

use super::super::document::DocumentKind;
use super::super::sample::{
    apply, books, books_of, cash_sale, credit_note, customer, day, dec, invoice, payment,
};
use super::*;

fn open_of(members: &[Arc<CustomerBooks>], id: &Document, as_of: &str) -> Decimal {
    position_of(members, id, as_of).open
}

fn position_of<'a>(
    members: &'a [Arc<CustomerBooks>],
    document: &Document,
    as_of: &str,
) -> Position<'a> {
    History::of(members)
        .entries()
        .iter()
        .find(|entry| entry.document.id == document.id)
        .map(|entry| entry.position(day(as_of)))
        .unwrap()
}

#[test]
fn a_payment_counts_from_the_latest_of_the_three_dates() {
    let bill = invoice("1", "2026-01-10", "2026-02-10", "100");
    let early = payment("2", "2026-01-05", "60");
    let late = payment("3", "2026-01-20", "40");
    let members = [Arc::new(books(
        &[late.clone(), bill.clone(), early.clone()],
        // The first is dated before the invoice, the second before its own payment.
        &[
            apply(&early, &bill, "60", "2026-01-05"),
            apply(&late, &bill, "40", "2026-01-12"),
        ],
    ))];
    assert_eq!(
        open_of(&members, &bill, "2026-01-09"),
        dec("0"),
        "not issued yet"
    );
    assert_eq!(
        open_of(&members, &early, "2026-01-09"),
        dec("60"),
        "unapplied"
    );
    assert_eq!(open_of(&members, &bill, "2026-01-10"), dec("40"));
    assert_eq!(open_of(&members, &early, "2026-01-10"), dec("0"));
    assert_eq!(open_of(&members, &bill, "2026-01-19"), dec("40"));
    assert_eq!(open_of(&members, &bill, "2026-01-20"), dec("0"));
}

#[test]
fn an_application_to_a_document_not_in_the_books_uses_the_dates_that_are_known() {
    let receipt = payment("2", "2026-01-05", "60");
    let elsewhere = invoice("9", "2026-03-01", "2026-03-31", "60");
    let members = [Arc::new(books(
        std::slice::from_ref(&receipt),
        &[apply(&receipt, &elsewhere, "25", "2026-01-07")],
    ))];
    assert_eq!(open_of(&members, &receipt, "2026-01-06"), dec("60"));
    assert_eq!(open_of(&members, &receipt, "2026-01-07"), dec("35"));
}

#[test]
fn credit_given_to_another_credit_moves_on() {
    let note = credit_note("1", "2026-01-01", "30");
    let receipt = payment("2", "2026-01-02", "70");
    let bill = invoice("3", "2026-01-01", "2026-01-31", "100");
    let members = [Arc::new(books(
        &[receipt.clone(), note.clone(), bill.clone()],
        &[
            apply(&note, &receipt, "30", "2026-01-02"),
            apply(&receipt, &bill, "100", "2026-01-03"),
        ],
    ))];
    assert_eq!(open_of(&members, &note, "2026-01-02"), dec("0"));
    assert_eq!(open_of(&members, &receipt, "2026-01-02"), dec("100"));
    assert_eq!(open_of(&members, &receipt, "2026-01-03"), dec("0"));
    assert_eq!(open_of(&members, &bill, "2026-01-03"), dec("0"));
}

#[test]
fn a_parents_payment_settles_a_childs_invoice_once() {
    let bill = Document {
        customer: "2".into(),
        ..invoice("1", "2026-01-01", "2026-01-31", "100")
    };
    let receipt = payment("2", "2026-01-10", "100");
    let applied = apply(&receipt, &bill, "100", "2026-01-10");
    // Both customers' books tell of it.
    let members = [
        Arc::new(books(
            std::slice::from_ref(&receipt),
            std::slice::from_ref(&applied),
        )),
        Arc::new(books_of(
            customer("2"),
            std::slice::from_ref(&bill),
            &[applied],
        )),
    ];
    assert_eq!(open_of(&members, &bill, "2026-01-10"), dec("0"));
    assert_eq!(open_of(&members, &receipt, "2026-01-10"), dec("0"));
}

#[test]
fn what_is_applied_twice_on_one_day_counts_twice() {
    let bill = invoice("1", "2026-01-01", "2026-01-31", "100");
    let receipt = payment("2", "2026-01-10", "100");
    let half = apply(&receipt, &bill, "50", "2026-01-10");
    let members = [Arc::new(books(
        &[bill.clone(), receipt.clone()],
        &[half.clone(), half],
    ))];
    assert_eq!(open_of(&members, &bill, "2026-01-10"), dec("0"));
}

#[test]
fn more_applied_than_there_was_is_kept_below_zero() {
    let bill = invoice("1", "2026-01-01", "2026-01-31", "100");
    let receipt = payment("2", "2026-01-10", "90");
    let members = [Arc::new(books(
        &[bill.clone(), receipt.clone()],
        &[apply(&receipt, &bill, "110.01", "2026-01-10")],
    ))];
    assert_eq!(open_of(&members, &bill, "2026-01-10"), dec("-10.01"));
    assert_eq!(open_of(&members, &receipt, "2026-01-10"), dec("-20.01"));
    let status = position_of(&members, &bill, "2026-03-01").status;
    assert_eq!(status, TransactionStatus::Paid);
}

#[test]
fn drafts_and_voided_documents_are_never_open_and_free_what_was_applied() {
    let draft = Document {
        state: DocumentState::Draft,
        ..invoice("1", "2026-01-01", "2026-01-31", "100")
    };
    let voided = Document {
        state: DocumentState::Voided,
        ..invoice("2", "2026-01-01", "2026-01-31", "100")
    };
    let receipt = payment("3", "2026-01-10", "100");
    let members = [Arc::new(books(
        &[draft.clone(), voided.clone(), receipt.clone()],
        &[apply(&receipt, &voided, "100", "2026-01-10")],
    ))];
    for (document, status) in [
        (&draft, TransactionStatus::Draft),
        (&voided, TransactionStatus::Voided),
    ] {
        let position = position_of(&members, document, "2026-06-01");
        assert_eq!((position.open, position.status), (dec("0"), status));
        assert_eq!(position.days_past_due, None);
    }
    assert_eq!(open_of(&members, &receipt, "2026-06-01"), dec("100"));
}

#[test]
fn a_status_follows_the_day() {
    let bill = invoice("1", "2026-01-01", "2026-01-31", "100");
    let receipt = payment("2", "2026-01-10", "40");
    let rest = payment("3", "2026-03-01", "60");
    let members = [Arc::new(books(
        &[bill.clone(), receipt.clone(), rest.clone()],
        &[
            apply(&receipt, &bill, "40", "2026-01-15"),
            apply(&rest, &bill, "60", "2026-03-01"),
        ],
    ))];
    let status = |document, as_of| position_of(&members, document, as_of).status;
    assert_eq!(status(&bill, "2026-01-14"), TransactionStatus::Open);
    assert_eq!(status(&receipt, "2026-01-14"), TransactionStatus::Unapplied);
    assert_eq!(
        status(&bill, "2026-01-31"),
        TransactionStatus::PartiallyPaid
    );
    assert_eq!(status(&receipt, "2026-01-31"), TransactionStatus::Paid);
    assert_eq!(status(&bill, "2026-02-01"), TransactionStatus::Overdue);
    assert_eq!(status(&bill, "2026-03-01"), TransactionStatus::Paid);
    let late = position_of(&members, &bill, "2026-02-10");
    assert_eq!(late.days_past_due, Some(10));
    assert_eq!(late.due_on, Some(day("2026-01-31")));
    assert_eq!(late.applications.len(), 1);
    assert_eq!(late.applications[0].other, receipt.id);
    assert_eq!(late.applications[0].counted_on, day("2026-01-15"));
    assert_eq!(
        position_of(&members, &bill, "2026-03-01").days_past_due,
        None
    );
}

#[test]
fn a_sale_paid_at_once_is_paid_and_never_due() {
    let sale = cash_sale("1", "2026-01-01", "100");
    let members = [Arc::new(books(std::slice::from_ref(&sale), &[]))];
    let position = position_of(&members, &sale, "2026-06-01");
    assert_eq!(position.status, TransactionStatus::Paid);
    assert_eq!((position.open, position.due_on), (dec("0"), None));
}

#[test]
fn a_debit_used_on_a_credit_shrinks_both() {
    // A check to a customer, entered as the giving side.
    let check = Document {
        id: DocumentId::new(DocumentKind::Expense, "1"),
        ..invoice("1", "2026-01-01", "2026-01-01", "25")
    };
    let note = credit_note("2", "2026-01-01", "40");
    let members = [Arc::new(books(
        &[check.clone(), note.clone()],
        &[apply(&check, &note, "25", "2026-01-02")],
    ))];
    assert_eq!(open_of(&members, &check, "2026-01-02"), dec("0"));
    assert_eq!(open_of(&members, &note, "2026-01-02"), dec("15"));
}
