use std::sync::Arc;

use super::super::balance::balance;
use super::super::books::{Customer, CustomerBooks};
use super::super::history::History;
use super::super::sample::{
    books, books_of, currency, customer, day, dec, eur, in_currency, invoice, key, limit, payment,
    rate, usd,
};
use super::*;

fn standing<'a>(limits: &'a [CreditLimit], as_of: &str) -> LimitStanding<'a> {
    LimitStanding::on(day(as_of), limits, &key("1"))
}

#[test]
fn the_customers_own_limit_goes_before_the_tenants_default() {
    let limits = [
        limit(None, usd("50"), "2026-01-01", None),
        limit(Some(key("1")), usd("100"), "2026-02-01", None),
        limit(Some(key("2")), usd("999"), "2026-01-01", None),
    ];
    assert_eq!(standing(&limits, "2025-12-31"), LimitStanding::NotSet);
    // Its own has not begun yet.
    assert_eq!(
        standing(&limits, "2026-01-31"),
        LimitStanding::InForce(&limits[0])
    );
    assert_eq!(
        standing(&limits, "2026-02-01"),
        LimitStanding::InForce(&limits[1])
    );
}

#[test]
fn the_latest_in_force_wins_and_its_end_gives_the_floor_back() {
    let limits = [
        limit(Some(key("1")), usd("500"), "2026-03-01", Some("2026-03-31")),
        limit(Some(key("1")), usd("100"), "2026-01-01", None),
    ];
    assert_eq!(
        standing(&limits, "2026-02-28"),
        LimitStanding::InForce(&limits[1])
    );
    assert_eq!(
        standing(&limits, "2026-03-31"),
        LimitStanding::InForce(&limits[0])
    );
    assert_eq!(
        standing(&limits, "2026-04-01"),
        LimitStanding::InForce(&limits[1])
    );
}

#[test]
fn of_two_set_for_one_day_the_one_set_last_wins() {
    let limits = [
        limit(Some(key("1")), usd("100"), "2026-01-01", None),
        limit(Some(key("1")), usd("200"), "2026-01-01", None),
    ];
    assert_eq!(
        standing(&limits, "2026-01-01"),
        LimitStanding::InForce(&limits[1])
    );
}

#[test]
fn an_ended_limit_is_expired_and_the_default_does_not_take_its_place() {
    let limits = [
        limit(None, usd("50"), "2026-01-01", None),
        limit(Some(key("1")), usd("100"), "2026-01-01", Some("2026-01-31")),
        limit(Some(key("1")), usd("200"), "2026-01-15", Some("2026-02-28")),
        limit(Some(key("1")), usd("300"), "2026-09-01", None),
    ];
    assert_eq!(
        standing(&limits, "2026-03-01"),
        LimitStanding::Expired(&limits[2])
    );
}

#[test]
fn a_limit_ended_before_its_first_day_never_held() {
    let limits = [
        limit(None, usd("50"), "2026-01-01", None),
        limit(Some(key("1")), usd("100"), "2026-02-01", Some("2026-01-31")),
    ];
    assert_eq!(
        standing(&limits, "2026-03-01"),
        LimitStanding::InForce(&limits[0])
    );
}

fn credit_of(
    books: CustomerBooks,
    limits: &[CreditLimit],
    known: &[super::super::books::ExchangeRate],
) -> Credit {
    let members = [Arc::new(books)];
    let as_of = day("2026-01-15");
    let rates = Rates::on(as_of, currency("USD"), known, &members);
    let balance = balance(&History::of(&members), &rates, 0, as_of);
    credit(
        LimitStanding::on(as_of, limits, &key("1")),
        members[0].customer.currency,
        &balance,
        &rates,
    )
}

#[test]
fn exposure_is_what_is_open_less_unapplied_credit() {
    let all = books(
        &[
            invoice("1", "2026-01-01", "2026-01-31", "70"),
            payment("2", "2026-01-10", "7.5"),
        ],
        &[],
    );
    let credit = credit_of(
        all,
        &[limit(Some(key("1")), usd("150"), "2026-01-01", None)],
        &[],
    );
    assert_eq!(credit.exposure, Some(usd("62.5")));
    assert_eq!(credit.headroom, Some(usd("87.5")));
    assert_eq!(credit.utilization, Some(dec("0.4167")));
    let parts: Vec<_> = credit
        .parts
        .iter()
        .map(|part| (part.kind, part.amount))
        .collect();
    assert_eq!(
        parts,
        [
            (ExposurePartKind::GrossReceivable, usd("70")),
            (ExposurePartKind::UnappliedCredit, usd("-7.5")),
        ]
    );
}

#[test]
fn the_exposure_rests_on_the_larger_of_ours_and_the_ledgers_figure() {
    let bill = [invoice("1", "2026-01-01", "2026-01-31", "70")];
    let stated = |balance: &str| {
        let customer = Customer {
            ledger_balance: Some(dec(balance)),
            ..customer("1")
        };
        credit_of(books_of(customer, &bill, &[]), &[], &[]).exposure
    };
    assert_eq!(stated("90"), Some(usd("90")));
    assert_eq!(stated("50"), Some(usd("70")));
}

#[test]
fn without_a_limit_there_is_an_exposure_and_no_headroom() {
    let bill = invoice("1", "2026-01-01", "2026-01-31", "70");
    let credit = credit_of(books(&[bill], &[]), &[], &[]);
    assert_eq!(credit.exposure, Some(usd("70")));
    assert_eq!(
        (credit.limit, credit.headroom, credit.utilization),
        (None, None, None)
    );
}

#[test]
fn a_limit_of_zero_has_headroom_and_no_utilization() {
    let bill = invoice("1", "2026-01-01", "2026-01-31", "70");
    let cash_only = [limit(Some(key("1")), usd("0"), "2026-01-01", None)];
    let credit = credit_of(books(&[bill], &[]), &cash_only, &[]);
    assert_eq!(credit.headroom, Some(usd("-70")));
    assert_eq!(credit.utilization, None);
}

#[test]
fn absurd_limits_and_rates_do_not_overflow() {
    let paid_ahead = payment("1", "2026-01-01", "70");
    let endless = Money::new(Decimal::MAX, currency("USD"));
    let endless = [limit(Some(key("1")), endless, "2026-01-01", None)];
    let credit = credit_of(books(&[paid_ahead], &[]), &endless, &[]);
    assert_eq!(
        credit.headroom.map(|headroom| headroom.amount),
        Some(Decimal::MAX)
    );
    let billion = "1000000000";
    let bills =
        ["1", "2"].map(|id| in_currency("EUR", invoice(id, "2026-01-01", "2026-01-31", billion)));
    let absurd = [rate("EUR", "60000000000000000000", "2026-01-01")];
    let dollars = [limit(Some(key("1")), usd("1"), "2026-01-01", None)];
    assert_eq!(
        credit_of(books(&bills, &[]), &dollars, &absurd).exposure,
        None
    );
}

#[test]
fn an_expired_limit_leaves_no_headroom() {
    let ended = [limit(
        Some(key("1")),
        usd("100"),
        "2026-01-01",
        Some("2026-01-14"),
    )];
    let credit = credit_of(books(&[], &[]), &ended, &[]);
    assert!(credit.limit_expired);
    assert_eq!((credit.headroom, credit.utilization), (None, None));
}

#[test]
fn the_exposure_is_in_the_limits_currency_or_unknown() {
    let all = || {
        books(
            &[
                in_currency("EUR", invoice("1", "2026-01-01", "2026-01-31", "100")),
                invoice("2", "2026-01-01", "2026-01-31", "30"),
            ],
            &[],
        )
    };
    let in_euros = [limit(Some(key("1")), eur("500"), "2026-01-01", None)];
    let with_rate = credit_of(all(), &in_euros, &[rate("EUR", "1.5", "2026-01-01")]);
    assert_eq!(with_rate.exposure, Some(eur("120.00")));
    assert_eq!(with_rate.headroom, Some(eur("380.00")));
    let without = credit_of(all(), &in_euros, &[]);
    assert_eq!((without.exposure, without.headroom), (None, None));
    assert!(without.parts.is_empty());
}
