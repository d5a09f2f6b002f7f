use std::sync::Arc;

use super::super::credit::CreditPolicy;
use super::super::document::{Application, Document};
use super::super::pulse::{Family, PulseSettings, pulse};
use super::super::sample::{
    apply, at, books, credit_note, day, dec, family, invoice, key, limit, line, payment, usd,
};
use super::*;

const TODAY: &str = "2026-06-30T12:00:00Z";

fn stand_out(family: Family) -> Vec<Insight> {
    let settings = PulseSettings {
        policy: CreditPolicy::default(),
    };
    pulse(&[Arc::new(family)], &settings, None, at(TODAY)).insights
}

fn of_books(documents: &[Document], applications: &[Application]) -> Vec<Insight> {
    stand_out(family(vec![books(documents, applications)], TODAY))
}

/// Three invoices settled so many days after they were due, on 2026-03-01 and the days after.
fn paid_after(days: i8) -> (Vec<Document>, Vec<Application>) {
    let mut documents = Vec::new();
    let mut applications = Vec::new();
    for nth in 0..3 {
        use jiff::ToSpan;
        let due_on = day("2026-03-01").saturating_add(nth.days());
        let paid_on = due_on.saturating_add(i32::from(days).days()).to_string();
        let bill = invoice(&format!("i{nth}"), "2026-02-01", &due_on.to_string(), "100");
        let receipt = payment(&format!("p{nth}"), &paid_on, "100");
        applications.push(apply(&receipt, &bill, "100", &paid_on));
        documents.extend([bill, receipt]);
    }
    (documents, applications)
}

#[test]
fn usually_prompt_and_now_late_stands_out() {
    let late = |days_beyond: i8, due_on: &str| {
        let (mut documents, applications) = paid_after(days_beyond);
        documents.push(invoice("now", "2026-05-01", due_on, "70"));
        of_books(&documents, &applications)
    };
    let expected = Insight::SuddenlyLate {
        usual_days: dec("3"),
        overdue_days: 14,
        overdue: usd("70"),
    };
    assert_eq!(late(3, "2026-06-16"), [expected]);
    assert_eq!(
        late(3, "2026-06-17"),
        [],
        "13 days are not yet out of the ordinary"
    );
    assert_eq!(late(4, "2026-06-16"), [], "never quite prompt");
}

#[test]
fn who_has_paid_what_is_overdue_is_not_late() {
    let with_receipt = |amount: &str| {
        let (mut documents, applications) = paid_after(0);
        documents.push(invoice("now", "2026-05-01", "2026-06-10", "70"));
        documents.push(payment("came", "2026-06-20", amount));
        let insights = of_books(&documents, &applications);
        let late = |insight: &Insight| matches!(insight, Insight::SuddenlyLate { .. });
        insights.iter().any(late)
    };
    assert!(with_receipt("69.99"), "a cent is still missing");
    assert!(
        !with_receipt("70"),
        "the money is there and waits to be applied"
    );
}

#[test]
fn late_as_a_rule_stands_out() {
    let chronic = |days| {
        let (documents, applications) = paid_after(days);
        of_books(&documents, &applications)
    };
    let expected = Insight::ChronicallyLate {
        days_beyond_terms: dec("10"),
        on_time_rate: dec("0"),
        settled_count: 3,
    };
    assert_eq!(chronic(10), [expected]);
    assert_eq!(chronic(9), []);
}

#[test]
fn money_that_came_in_unapplied_stands_out_where_something_is_open() {
    let bill = invoice("1", "2026-06-01", "2026-07-31", "100");
    let older = payment("2", "2026-06-10", "20");
    let newer = payment("3", "2026-06-20", "30");
    let note = credit_note("4", "2026-06-25", "5");
    let expected = Insight::UnappliedReceipt {
        amount: usd("50"),
        received_on: day("2026-06-20"),
    };
    let all = [bill, newer.clone(), older, note.clone()];
    assert_eq!(of_books(&all, &[]), [expected]);
    assert_eq!(of_books(&[newer], &[]), [], "merely in credit");
    assert_eq!(of_books(&[note], &[]), [], "no money");
}

#[test]
fn a_regular_purchase_stands_out_about_when_it_is_due() {
    let every_30_days = |last: &str| {
        use jiff::ToSpan;
        let documents: Vec<_> = (0..4)
            .map(|nth| {
                let date = day(last).saturating_sub((nth * 30).days()).to_string();
                let sale = invoice(&nth.to_string(), &date, &date, "0");
                Document {
                    lines: vec![line(None, "Toner", "1", "40")],
                    ..sale
                }
            })
            .collect();
        of_books(&documents, &[])
    };
    let due = |last: &str, next: &str| {
        vec![Insight::ReorderDue {
            item: "Toner".into(),
            last_bought: day(last),
            next_due: day(next),
        }]
    };
    assert_eq!(every_30_days("2026-06-08"), [], "8 days ahead");
    assert_eq!(every_30_days("2026-06-07"), due("2026-06-07", "2026-07-07"));
    assert_eq!(every_30_days("2026-05-01"), due("2026-05-01", "2026-05-31"));
    assert_eq!(every_30_days("2026-04-30"), [], "skipped a whole interval");
}

#[test]
fn a_limit_nearly_used_or_about_to_end_stands_out() {
    let standing = |open: &str, valid_to: Option<&str>| {
        let bill = invoice("1", "2026-06-01", "2026-07-31", open);
        stand_out(Family {
            limits: vec![limit(Some(key("1")), usd("100"), "2026-01-01", valid_to)],
            ..family(vec![books(&[bill], &[])], TODAY)
        })
    };
    let nearly_used = Insight::LimitNearlyUsed {
        utilization: dec("0.8"),
        headroom: usd("20"),
    };
    assert_eq!(standing("80", None), [nearly_used]);
    assert_eq!(standing("79.99", None), []);
    assert_eq!(
        standing("100.01", None),
        [],
        "over it: the decision says so"
    );
    let ends = Insight::LimitExpires {
        valid_to: day("2026-07-30"),
    };
    assert_eq!(standing("1", Some("2026-07-30")), [ends]);
    assert_eq!(standing("1", Some("2026-07-31")), []);
    assert_eq!(
        standing("1", Some("2026-06-29")),
        [],
        "has ended: the decision says so"
    );
}
