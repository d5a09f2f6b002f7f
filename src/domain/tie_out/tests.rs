use std::sync::Arc;

use super::super::books::{Customer, CustomerBooks};
use super::super::document::Document;
use super::super::sample::{
    at, books_of, customer, day, dec, eur, in_currency, invoice, payment, usd,
};
use super::*;

fn with_balance(id: &str, balance: Option<&str>) -> Customer {
    Customer {
        ledger_balance: balance.map(dec),
        ..customer(id)
    }
}

fn outcome(members: Vec<CustomerBooks>) -> TieOut {
    let members: Vec<_> = members.into_iter().map(Arc::new).collect();
    tie_out(&History::of(&members), day("2026-06-30"))
}

fn bill(id: &str, total: &str) -> Document {
    invoice(id, "2026-01-01", "2026-01-31", total)
}

#[test]
fn equal_to_the_cent_ties() {
    let documents = [bill("1", "100.10"), payment("2", "2026-01-05", "0.1")];
    let ties = outcome(vec![books_of(
        with_balance("1", Some("100")),
        &documents,
        &[],
    )]);
    assert_eq!(ties.status, TieOutStatus::Ties);
    assert_eq!(
        (ties.ours, ties.ledger),
        (Some(usd("100")), Some(usd("100")))
    );
    assert!(ties.ledger_excess.is_empty());
}

#[test]
fn a_cent_is_a_difference_with_the_likeliest_documents_first() {
    let stated = |id: &str, open: &str, changed: &str| Document {
        ledger_open: Some(dec(open)),
        changed_at: at(changed),
        ..bill(id, "50")
    };
    let documents = [
        stated("1", "50", "2026-01-02T00:00:00Z"),
        stated("2", "50.01", "2026-01-01T00:00:00Z"),
        stated("3", "50", "2026-01-03T00:00:00Z"),
    ];
    let differs = outcome(vec![books_of(
        with_balance("1", Some("150.01")),
        &documents,
        &[],
    )]);
    let [first, second, third] = &documents;
    let expected = TieOutStatus::Differs {
        difference: usd("-0.01"),
        suspects: vec![second.id.clone(), third.id.clone(), first.id.clone()],
    };
    assert_eq!(differs.status, expected);
    assert_eq!(differs.ledger_excess, vec![usd("0.01")]);
}

#[test]
fn no_figure_or_another_currency_is_not_checkable() {
    let silent = outcome(vec![books_of(
        with_balance("1", None),
        &[bill("1", "5")],
        &[],
    )]);
    assert_eq!(silent.status, TieOutStatus::NotCheckable);
    assert_eq!((silent.ours, silent.ledger), (Some(usd("5")), None));
    let foreign = in_currency("EUR", bill("2", "5"));
    let mixed = outcome(vec![books_of(
        with_balance("1", Some("5")),
        &[bill("1", "5"), foreign],
        &[],
    )]);
    assert_eq!(mixed.status, TieOutStatus::NotCheckable);
}

#[test]
fn documents_of_the_future_count_and_are_told() {
    let documents = [invoice("1", "2026-07-01", "2026-07-31", "5")];
    let ties = outcome(vec![books_of(
        with_balance("1", Some("5")),
        &documents,
        &[],
    )]);
    assert_eq!(ties.status, TieOutStatus::Ties);
    assert!(ties.future_dated);
}

#[test]
fn one_member_that_differs_or_cannot_be_checked_spoils_the_family() {
    let good = || books_of(with_balance("1", Some("5")), &[bill("1", "5")], &[]);
    let unknown = || books_of(with_balance("2", None), &[bill("2", "7")], &[]);
    let off = || books_of(with_balance("3", Some("9")), &[bill("3", "8")], &[]);
    assert_eq!(
        outcome(vec![good(), unknown()]).status,
        TieOutStatus::NotCheckable
    );
    let differs = outcome(vec![good(), unknown(), off()]);
    assert_eq!(differs.difference(), Some(usd("-1")));
    // The sums are those of the members that have a figure.
    assert_eq!(
        (differs.ours, differs.ledger),
        (Some(usd("13")), Some(usd("14")))
    );
}

#[test]
fn differences_that_cancel_out_are_still_told() {
    let differs = outcome(vec![
        books_of(with_balance("1", Some("6")), &[bill("1", "5")], &[]),
        books_of(with_balance("2", Some("4")), &[bill("2", "5")], &[]),
    ]);
    let difference = differs.difference().unwrap();
    assert_eq!(difference.amount.abs(), dec("1"));
    let ours_less_ledger = differs.ours.unwrap().amount - differs.ledger.unwrap().amount;
    assert_eq!(ours_less_ledger, difference.amount);
    assert!(
        differs.ledger_excess.is_empty(),
        "the family owes what it owes"
    );
}

#[test]
fn a_root_also_ties_to_the_figure_with_its_children() {
    let root = |with_children: &str| Customer {
        ledger_balance_with_children: Some(dec(with_children)),
        ..with_balance("1", Some("5"))
    };
    let child = || books_of(with_balance("2", Some("7")), &[bill("2", "7")], &[]);
    let ties = outcome(vec![books_of(root("12"), &[bill("1", "5")], &[]), child()]);
    assert_eq!(ties.status, TieOutStatus::Ties);
    // A third member that the mirror does not hold.
    let differs = outcome(vec![books_of(root("20"), &[bill("1", "5")], &[]), child()]);
    assert_eq!(differs.difference(), Some(usd("-8")));
    assert_eq!(
        (differs.ours, differs.ledger),
        (Some(usd("12")), Some(usd("20")))
    );
    assert_eq!(differs.ledger_excess, vec![usd("8")]);
    // A member that differs says more, and the ledger's excess is told once.
    let off = books_of(with_balance("2", Some("9")), &[bill("2", "7")], &[]);
    let differs = outcome(vec![books_of(root("14"), &[bill("1", "5")], &[]), off]);
    assert_eq!(differs.difference(), Some(usd("-2")));
    assert_eq!(differs.ledger_excess, vec![usd("2")]);
    // Alone it has no children to tie with.
    let alone = outcome(vec![books_of(root("20"), &[bill("1", "5")], &[])]);
    assert_eq!(alone.status, TieOutStatus::Ties);
}

#[test]
fn customers_in_different_currencies_merge_to_the_worst_without_a_sum() {
    let part = |status, ours, ledger| TieOut {
        status,
        ours: Some(ours),
        ledger: Some(ledger),
        future_dated: false,
        ledger_excess: Vec::new(),
    };
    let dollars = part(TieOutStatus::Ties, usd("5"), usd("5"));
    let euros = part(TieOutStatus::Ties, eur("6"), eur("6"));
    let ties = TieOut::merge([&dollars, &euros]);
    assert_eq!(ties.status, TieOutStatus::Ties);
    assert_eq!((ties.ours, ties.ledger), (None, None));
    let off = TieOutStatus::Differs {
        difference: eur("2"),
        suspects: Vec::new(),
    };
    let off = part(off, eur("6"), eur("4"));
    let differs = TieOut::merge([&dollars, &off]);
    assert_eq!(differs.difference(), Some(eur("2")));
    assert_eq!(
        (differs.ours, differs.ledger),
        (Some(eur("6")), Some(eur("4")))
    );
}
