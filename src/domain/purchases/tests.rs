use std::collections::HashMap;

use super::super::sample::{
    books, cash_sale, credit_note, currency, day, dec, eur, family, in_currency, invoice, line,
    payment, usd,
};
use super::*;

fn with_lines(document: Document, lines: &[DocumentLine]) -> Document {
    Document {
        lines: lines.to_vec(),
        ..document
    }
}

fn sale(id: &str, issued_on: &str, lines: &[DocumentLine]) -> Document {
    with_lines(invoice(id, issued_on, issued_on, "0"), lines)
}

fn bought(documents: &[Document], year: i16, as_of: &str) -> PurchaseSummary {
    let mut family = family(vec![books(documents, &[])], "2026-01-01T00:00:00Z");
    family.items = Arc::new(HashMap::from([("7".into(), "Paper, A4".into())]));
    purchases(&[Arc::new(family)], year, day(as_of))
}

#[test]
fn sales_less_returns_by_item_without_tax() {
    let paper = |quantity, amount| line(Some("7"), "a box", quantity, amount);
    let documents = [
        sale(
            "1",
            "2026-01-10",
            &[paper("10", "50.00"), line(None, "Delivery", "", "5")],
        ),
        with_lines(cash_sale("2", "2026-02-10", "33"), &[paper("6", "30")]),
        with_lines(credit_note("3", "2026-03-10", "11"), &[paper("2", "10")]),
        with_lines(payment("4", "2026-03-10", "11"), &[paper("99", "990")]),
        sale("5", "2025-12-31", &[paper("1", "5")]),
    ];
    let summary = bought(&documents, 2026, "2026-12-31");
    assert_eq!(summary.net_spend, [usd("75")]);
    let [paper, delivery] = summary.items.as_slice() else {
        panic!("two items")
    };
    assert_eq!((&*paper.name, paper.net_spend), ("Paper, A4", dec("70")));
    assert_eq!(paper.quantity, Some(dec("14")));
    assert_eq!(paper.last_bought, day("2026-02-10"));
    assert_eq!(paper.purchase_days, 3, "over all years");
    assert_eq!(
        (&*delivery.name, delivery.net_spend),
        ("Delivery", dec("5"))
    );
    assert_eq!(delivery.quantity, None);
    assert_eq!(
        (delivery.usual_interval_days, delivery.next_due),
        (None, None)
    );
}

#[test]
fn the_usual_interval_is_the_median_of_distinct_days() {
    let on = |id: &str, date: &str| sale(id, date, &[line(Some("7"), "", "1", "5")]);
    let three = [
        on("1", "2025-12-01"),
        on("2", "2025-12-31"),
        on("3", "2025-12-31"),
        on("4", "2026-02-09"),
    ];
    let item = |documents: &[Document]| {
        let summary = bought(documents, 2026, "2026-12-31");
        let item = summary.items.into_iter().next().unwrap();
        (item.purchase_days, item.usual_interval_days, item.next_due)
    };
    // 30 and 40 days.
    assert_eq!(item(&three), (3, Some(35), Some(day("2026-03-16"))));
    assert_eq!(item(&three[1..]), (2, None, None));
    // 30, 40 and 400 days: one long break does not move it far.
    let four = [three.to_vec(), vec![on("5", "2024-10-27")]].concat();
    assert_eq!(item(&four).1, Some(40));
    // Halves go to the even neighbor: 31 and 40 days, then 29 and 40.
    let half =
        |first: &str| item(&[on("1", first), on("2", "2025-12-31"), on("4", "2026-02-09")]).1;
    assert_eq!(half("2025-11-30"), Some(36));
    assert_eq!(half("2025-12-02"), Some(34));
}

#[test]
fn returns_and_discounts_are_no_purchases() {
    let documents = [
        sale("1", "2026-01-10", &[line(Some("7"), "", "1", "5")]),
        sale("2", "2026-01-20", &[line(Some("7"), "discount", "", "-2")]),
        with_lines(
            credit_note("3", "2026-01-30", "5"),
            &[line(Some("7"), "", "1", "5")],
        ),
    ];
    let summary = bought(&documents, 2026, "2026-12-31");
    assert_eq!(summary.items[0].purchase_days, 1);
    assert_eq!(summary.items[0].last_bought, day("2026-01-10"));
    assert_eq!(summary.items[0].net_spend, dec("-2"));
}

#[test]
fn drafts_voided_and_later_documents_do_not_count() {
    let lines = [line(Some("7"), "", "1", "5")];
    let documents = [
        Document {
            state: DocumentState::Draft,
            ..sale("1", "2026-01-10", &lines)
        },
        Document {
            state: DocumentState::Voided,
            ..sale("2", "2026-01-10", &lines)
        },
        sale("3", "2026-06-01", &lines),
    ];
    assert!(bought(&documents, 2026, "2026-05-31").items.is_empty());
    assert_eq!(bought(&documents, 2026, "2026-06-01").items.len(), 1);
}

#[test]
fn currencies_are_told_apart() {
    let lines = [line(Some("7"), "", "1", "5")];
    let documents = [
        sale("1", "2026-01-10", &lines),
        in_currency("EUR", sale("2", "2026-01-10", &lines)),
    ];
    let summary = bought(&documents, 2026, "2026-12-31");
    assert_eq!(summary.net_spend, [eur("5"), usd("5")]);
    assert_eq!(summary.items.len(), 2);
    assert_eq!(summary.items[0].currency, currency("EUR"));
}
