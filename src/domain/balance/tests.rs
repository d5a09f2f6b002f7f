use std::sync::Arc;

use super::super::books::{CustomerBooks, PaymentTerms};
use super::super::document::Document;
use super::super::sample::{
    apply, books, cash_sale, credit_note, currency, day, dec, eur, in_currency, invoice, payment,
    rate, usd, with_terms,
};
use super::super::tie_out::TieOutStatus;
use super::*;

fn balance_of(books: CustomerBooks, grace_days: u32, as_of: &str) -> Balance {
    let members = [Arc::new(books)];
    let as_of = day(as_of);
    let rates = Rates::on(as_of, currency("USD"), &[], &members);
    balance(&History::of(&members), &rates, grace_days, as_of)
}

fn aged_books() -> CustomerBooks {
    let due = |id: &str, due_on: &str, total: &str| invoice(id, "2026-01-01", due_on, total);
    let receipt = payment("9", "2026-03-01", "7");
    let bill = due("5", "2026-01-10", "16");
    let applied = apply(&receipt, &bill, "4", "2026-03-02");
    books(
        &[
            due("1", "2026-04-30", "1"),
            due("2", "2026-04-29", "2"),
            due("3", "2026-03-15", "4"),
            due("4", "2026-02-15", "8"),
            bill,
            receipt,
            credit_note("8", "2026-03-01", "2"),
        ],
        &[applied],
    )
}

#[test]
fn open_amounts_fall_into_their_buckets_and_sum_up() {
    let balance = balance_of(aged_books(), 0, "2026-04-30");
    let [part] = balance.by_currency.as_slice() else {
        panic!("one currency")
    };
    let buckets = AgingBucket::ALL.map(|bucket| part.aging.get(bucket));
    assert_eq!(buckets, ["1", "2", "4", "8", "12"].map(dec));
    assert_eq!(part.gross_receivable, dec("27"));
    assert_eq!(part.unapplied_credit, dec("5"));
    assert_eq!(part.outstanding(), dec("22"));
    assert_eq!(part.overdue, dec("26"));
    assert_eq!(part.overdue_count, 4);
    assert_eq!(part.oldest_overdue_days, Some(110));
    assert_eq!(balance.total.unwrap().outstanding, usd("22"));
}

#[test]
fn due_today_is_not_late_and_grace_days_put_it_off() {
    let bill = || books(&[invoice("1", "2026-01-01", "2026-01-31", "10")], &[]);
    let overdue = |grace, as_of| {
        let balance = balance_of(bill(), grace, as_of);
        let part = &balance.by_currency[0];
        (part.overdue, part.overdue_count, part.oldest_overdue_days)
    };
    assert_eq!(overdue(0, "2026-01-31"), (dec("0"), 0, None));
    assert_eq!(overdue(0, "2026-02-01"), (dec("10"), 1, Some(1)));
    assert_eq!(overdue(5, "2026-02-05"), (dec("0"), 0, None));
    assert_eq!(overdue(5, "2026-02-06"), (dec("10"), 1, Some(6)));
    let in_grace = balance_of(bill(), 5, "2026-02-05");
    let bucket = in_grace.by_currency[0].aging.get(AgingBucket::Days1To30);
    assert_eq!(bucket, dec("10"), "its age is what it is");
}

#[test]
fn outstanding_is_negative_in_credit() {
    let balance = balance_of(
        books(&[payment("1", "2026-01-01", "10")], &[]),
        0,
        "2026-01-01",
    );
    assert_eq!(balance.by_currency[0].outstanding(), dec("-10"));
}

#[test]
fn a_customer_that_never_bought_owes_nothing_in_its_own_currency() {
    let empty = balance_of(books(&[], &[]), 0, "2026-01-01");
    let [part] = empty.by_currency.as_slice() else {
        panic!("one currency")
    };
    assert_eq!(
        (part.currency, part.outstanding()),
        (currency("USD"), dec("0"))
    );
    let only_cash = books(
        &[in_currency("EUR", cash_sale("1", "2026-01-01", "5"))],
        &[],
    );
    let only_cash = balance_of(only_cash, 0, "2026-01-01");
    assert_eq!(only_cash.by_currency[0].currency, currency("EUR"));
    assert_eq!(only_cash.by_currency[0].outstanding(), dec("0"));
}

#[test]
fn what_is_dated_later_does_not_count_yet() {
    let bill = invoice("1", "2026-02-01", "2026-03-01", "10");
    let balance = balance_of(books(&[bill], &[]), 0, "2026-01-31");
    assert_eq!(balance.by_currency[0].outstanding(), dec("0"));
    assert!(balance.tie_out.future_dated);
    assert_eq!(balance.tie_out.ours, Some(usd("10")));
}

#[test]
fn assumed_due_dates_of_open_documents_are_counted() {
    let silent = |id: &str| Document {
        due_on: None,
        ..invoice(id, "2026-01-01", "2026-01-01", "10")
    };
    let receipt = payment("3", "2026-01-02", "10");
    let paid = silent("2");
    let applied = apply(&receipt, &paid, "10", "2026-01-02");
    let all = books(&[silent("1"), paid, receipt], &[applied]);
    assert_eq!(
        balance_of(all.clone(), 0, "2026-01-05").assumed_due_dates,
        1
    );
    let on_terms = with_terms(PaymentTerms::Days(30), all);
    let balance = balance_of(on_terms, 0, "2026-02-01");
    assert_eq!(balance.assumed_due_dates, 0);
    assert_eq!(balance.by_currency[0].oldest_overdue_days, Some(1));
}

#[test]
fn several_currencies_have_a_total_only_with_every_rate() {
    let mixed = books(
        &[
            invoice("1", "2026-01-01", "2026-01-31", "100"),
            in_currency("EUR", invoice("2", "2026-01-01", "2026-01-31", "50")),
        ],
        &[],
    );
    let members = [Arc::new(mixed)];
    let total = |known: &[ExchangeRate]| {
        let as_of = day("2026-02-10");
        let rates = Rates::on(as_of, currency("USD"), known, &members);
        balance(&History::of(&members), &rates, 0, as_of).total
    };
    assert_eq!(total(&[]), None);
    let known = [
        rate("EUR", "1.5", "2026-01-15"),
        rate("GBP", "2", "2026-01-15"),
    ];
    let total = total(&known).unwrap();
    assert_eq!(total.outstanding, usd("175.00"));
    assert_eq!(total.overdue, usd("175.00"));
    assert_eq!(total.rates, vec![rate("EUR", "1.5", "2026-01-15")]);
}

#[test]
fn one_currency_is_its_own_total_even_when_foreign() {
    let euros = books(
        &[in_currency(
            "EUR",
            invoice("2", "2026-01-01", "2026-01-31", "50"),
        )],
        &[],
    );
    let total = balance_of(euros, 0, "2026-01-02").total.unwrap();
    assert_eq!(total.outstanding, eur("50"));
    assert!(total.rates.is_empty());
}

#[test]
fn merging_adds_per_currency_and_never_across() {
    let rates = Rates::on(day("2026-04-30"), currency("USD"), &[], &[]);
    let dollars = balance_of(aged_books(), 0, "2026-04-30");
    let euros = balance_of(
        books(
            &[in_currency(
                "EUR",
                invoice("2", "2026-01-01", "2026-04-01", "50"),
            )],
            &[],
        ),
        0,
        "2026-04-30",
    );
    let both = merge(&[(&dollars, &rates), (&euros, &rates), (&dollars, &rates)]);
    let owed: Vec<_> = both
        .by_currency
        .iter()
        .map(|part| (part.currency.code(), part.outstanding(), part.overdue_count))
        .collect();
    assert_eq!(owed, [("EUR", dec("50"), 1), ("USD", dec("44"), 8)]);
    assert_eq!(both.by_currency[1].oldest_overdue_days, Some(110));
    assert_eq!(both.total, None, "there is no rate");
    assert_eq!(both.tie_out.status, TieOutStatus::NotCheckable);
}
