use std::sync::Arc;

use jiff::ToSpan;

use super::super::books::CustomerBooks;
use super::super::document::{Application, Document};
use super::super::sample::{
    apply, books, credit_note, currency, day, dec, in_currency, invoice, payment,
};
use super::*;

#[derive(Default)]
struct Ledger {
    documents: Vec<Document>,
    applications: Vec<Application>,
}

impl Ledger {
    /// An invoice due on a day and settled so many days later, by one payment.
    fn settled(self, amount: &str, due_on: &str, days: i64) -> Self {
        self.paid_in_parts(due_on, &[(amount, days)])
    }

    /// An invoice due on a day, with payments so many days after that.
    fn paid_in_parts(self, due_on: &str, parts: &[(&str, i64)]) -> Self {
        let total: Decimal = parts.iter().map(|(amount, _)| dec(amount)).sum();
        self.bill(&total.to_string(), due_on, parts)
    }

    fn bill(mut self, total: &str, due_on: &str, parts: &[(&str, i64)]) -> Self {
        let due = day(due_on);
        let issued_on = due.saturating_sub(30.days()).to_string();
        let bill = invoice(
            &format!("i{}", self.documents.len()),
            &issued_on,
            due_on,
            total,
        );
        for (amount, days) in parts {
            let paid_on = due.saturating_add(days.days()).to_string();
            let receipt = payment(&format!("p{}", self.documents.len()), &paid_on, amount);
            self.applications
                .push(apply(&receipt, &bill, amount, &paid_on));
            self.documents.push(receipt);
        }
        self.documents.push(bill);
        self
    }

    fn credited(mut self, total: &str, due_on: &str) -> Self {
        let bill = invoice(&format!("i{}", self.documents.len()), due_on, due_on, total);
        let note = credit_note(&format!("c{}", self.documents.len()), due_on, total);
        self.applications.push(apply(&note, &bill, total, due_on));
        self.documents.extend([bill, note]);
        self
    }

    fn books(self) -> CustomerBooks {
        books(&self.documents, &self.applications)
    }

    fn behavior(self, as_of: &str) -> Option<PaymentBehavior> {
        let members = [Arc::new(self.books())];
        let mut all = behavior(&[&History::of(&members)], day(as_of));
        assert!(all.len() <= 1, "one currency");
        all.pop()
    }
}

#[test]
fn days_beyond_terms_are_weighted_by_amount() {
    let ledger = [
        ("100", -10),
        ("200", -5),
        ("300", 0),
        ("400", 5),
        ("500", 10),
    ]
    .into_iter()
    .fold(Ledger::default(), |ledger, (amount, days)| {
        ledger.settled(amount, "2026-05-01", days)
    });
    let figures = ledger.behavior("2026-06-30").unwrap();
    assert_eq!(figures.days_beyond_terms, dec("3.333"));
    assert_eq!(figures.settled_count, 5);
    assert_eq!(figures.average_days_to_pay, dec("30"));
    assert_eq!(figures.on_time_rate, dec("0.6"));
    assert_eq!(figures.on_time_rate_by_amount, dec("0.4"));
    assert_eq!(figures.current_delay, dec("3.333"));
}

#[test]
fn part_payments_weigh_each_application() {
    let parts = [("4000", 0), ("6000", 6), ("2000", 8)];
    let figures = Ledger::default()
        .paid_in_parts("2026-05-01", &parts)
        .paid_in_parts("2026-05-02", &parts)
        .paid_in_parts("2026-05-03", &parts)
        .behavior("2026-06-30")
        .unwrap();
    assert_eq!(figures.days_beyond_terms, dec("4.333"));
    assert_eq!(figures.settled_count, 3);
    assert_eq!(figures.average_days_to_pay, dec("38"));
    assert_eq!(figures.on_time_rate, dec("0"));
}

#[test]
fn nothing_is_said_below_three() {
    let two = Ledger::default()
        .settled("10", "2026-05-01", 0)
        .settled("10", "2026-05-02", 0);
    assert_eq!(two.behavior("2026-06-30"), None);
}

#[test]
fn the_window_is_365_days_with_the_day_itself() {
    let ledger = |as_of| {
        Ledger::default()
            .settled("10", "2026-01-01", 0)
            .settled("10", "2026-05-01", 0)
            .settled("10", "2026-05-02", 0)
            .behavior(as_of)
    };
    let last = ledger("2026-12-31").unwrap();
    assert_eq!((last.since, last.settled_count), (day("2026-01-01"), 3));
    assert_eq!(ledger("2027-01-01"), None);
}

#[test]
fn what_credit_alone_closed_is_counted_apart() {
    let figures = Ledger::default()
        .settled("10", "2026-05-01", 4)
        .settled("10", "2026-05-02", 4)
        .settled("10", "2026-05-03", 4)
        .credited("9000", "2026-05-04")
        .behavior("2026-06-30")
        .unwrap();
    assert_eq!(figures.settled_by_credit_count, 1);
    assert_eq!(figures.settled_count, 3);
    assert_eq!(figures.days_beyond_terms, dec("4"));
}

#[test]
fn credit_on_an_invoice_settled_by_cash_does_not_weigh() {
    let mut ledger = Ledger::default()
        .settled("10", "2026-05-01", 10)
        .settled("10", "2026-05-01", 10)
        .bill("100", "2026-05-01", &[("10", 10)]);
    let bill = ledger.documents.last().unwrap().clone();
    let note = credit_note("c", "2026-04-15", "90");
    ledger
        .applications
        .push(apply(&note, &bill, "90", "2026-04-15"));
    ledger.documents.push(note);
    let figures = ledger.behavior("2026-06-30").unwrap();
    assert_eq!(figures.settled_count, 3);
    assert_eq!(figures.days_beyond_terms, dec("10"));
}

#[test]
fn open_overdue_invoices_count_up_to_the_day() {
    let figures = Ledger::default()
        .settled("100", "2026-05-01", 0)
        .settled("100", "2026-05-02", 0)
        .settled("100", "2026-05-03", 0)
        // 30 days late with 200 of 300 open; due today; not due.
        .bill("300", "2026-05-31", &[("100", 0)])
        .bill("1000", "2026-06-30", &[])
        .bill("1000", "2026-07-15", &[])
        .behavior("2026-06-30")
        .unwrap();
    assert_eq!(figures.days_beyond_terms, dec("0"));
    // (100 * 0 + 200 * 30) / (300 + 300)
    assert_eq!(figures.current_delay, dec("10"));
    assert_eq!(figures.on_time_rate, dec("0.75"));
    assert_eq!(figures.on_time_rate_by_amount, dec("0.5"));
}

#[test]
fn the_trend_sets_90_days_against_the_275_before() {
    let ledger = || {
        Ledger::default()
            .settled("100", "2026-01-10", 2)
            .settled("300", "2026-02-10", 6)
    };
    assert_eq!(
        ledger()
            .settled("1", "2026-02-10", 0)
            .behavior("2026-06-30")
            .unwrap()
            .trend,
        None,
        "nothing was settled lately"
    );
    // The first of the last 90 days up to 2026-06-30 is 2026-04-02.
    let trend = ledger()
        .settled("50", "2026-03-31", 1)
        .settled("50", "2026-03-31", 2)
        .behavior("2026-06-30")
        .unwrap()
        .trend
        .unwrap();
    // (100 * 2 + 300 * 6 + 50 * 1) / 450
    assert_eq!((trend.earlier, trend.earlier_count), (dec("4.556"), 3));
    assert_eq!((trend.recent, trend.recent_count), (dec("2"), 1));
}

#[test]
fn settled_is_when_open_first_reaches_zero() {
    let mut ledger = Ledger::default()
        .settled("10", "2026-05-01", 0)
        .settled("10", "2026-05-02", 0)
        .bill("10", "2026-05-03", &[("10", 0)]);
    // Paid once more by mistake, a month later.
    let bill = ledger.documents.last().unwrap().clone();
    let again = payment("again", "2026-06-03", "10");
    ledger
        .applications
        .push(apply(&again, &bill, "10", "2026-06-03"));
    ledger.documents.push(again);
    let figures = ledger.behavior("2026-06-30").unwrap();
    assert_eq!(figures.on_time_rate, dec("1"));
    assert_eq!(figures.days_beyond_terms, dec("0"));
}

#[test]
fn currencies_are_told_apart() {
    let mut euros = Ledger::default()
        .settled("10", "2026-05-01", 3)
        .settled("10", "2026-05-02", 3)
        .settled("10", "2026-05-03", 3);
    for document in &mut euros.documents {
        *document = in_currency("EUR", document.clone());
    }
    let dollars = Ledger::default()
        .settled("10", "2026-05-01", 1)
        .settled("10", "2026-05-02", 1)
        .settled("10", "2026-05-03", 1);
    let (one, other) = ([Arc::new(euros.books())], [Arc::new(dollars.books())]);
    let both = behavior(
        &[&History::of(&one), &History::of(&other)],
        day("2026-06-30"),
    );
    let figures: Vec<_> = both
        .iter()
        .map(|figures| (figures.currency, figures.days_beyond_terms))
        .collect();
    assert_eq!(
        figures,
        [(currency("EUR"), dec("3")), (currency("USD"), dec("1"))]
    );
}
