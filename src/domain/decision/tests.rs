use std::sync::Arc;

use super::super::balance::balance;
use super::super::books::{Customer, CustomerBooks};
use super::super::credit::CreditLimit;
use super::super::exposure::{LimitStanding, credit};
use super::super::freshness::{ConnectionFreshness, ConnectionState, freshness};
use super::super::history::History;
use super::super::sample::{
    at, books, books_of, currency, customer, day, dec, eur, invoice, key, limit, payment, read_at,
    usd,
};
use super::*;

/// What is decided about customer 1 on 2026-02-01, read a minute before.
struct Case {
    books: CustomerBooks,
    limits: Vec<CreditLimit>,
    connection: ConnectionFreshness,
    requested: Option<Money>,
}

impl Case {
    fn new(documents: &[super::super::document::Document], limit_of: Option<&str>) -> Self {
        Self {
            books: books(documents, &[]),
            limits: limit_of
                .map(|amount| limit(Some(key("1")), usd(amount), "2026-01-01", None))
                .into_iter()
                .collect(),
            connection: read_at("2026-02-01T11:59:00Z"),
            requested: None,
        }
    }

    fn requesting(self, amount: Money) -> Self {
        Self {
            requested: Some(amount),
            ..self
        }
    }

    fn decide(&self) -> CreditDecision {
        self.decide_at("2026-02-01T12:00:00Z")
    }

    fn decide_at(&self, now: &str) -> CreditDecision {
        let policy = CreditPolicy::default();
        let members = [Arc::new(self.books.clone())];
        let as_of = day("2026-02-01");
        let rates = Rates::on(as_of, currency("USD"), &[], &members);
        let freshness = freshness(&[&self.connection], policy.unknown_after(), at(now));
        let balance = freshness
            .balance_known
            .then(|| balance(&History::of(&members), &rates, policy.grace_days, as_of));
        let credit = balance.as_ref().map(|balance| {
            let standing = LimitStanding::on(as_of, &self.limits, &key("1"));
            credit(standing, currency("USD"), balance, &rates)
        });
        decide(&Grounds {
            customer: Some(&key("1")),
            as_of,
            policy: &policy,
            freshness: &freshness,
            balance: balance.as_ref(),
            credit: credit.as_ref(),
            rates: Some(&rates),
            requested: self.requested,
        })
    }
}

fn codes(decision: &CreditDecision) -> Vec<ReasonCode> {
    decision.reasons.iter().map(|reason| reason.code).collect()
}

fn outcome(case: &Case) -> (Decision, Vec<ReasonCode>) {
    let decision = case.decide();
    (decision.decision, codes(&decision))
}

/// Not due before the end of February.
fn open(amount: &str) -> [super::super::document::Document; 1] {
    [invoice("1", "2026-01-15", "2026-02-28", amount)]
}

/// So many days past due on 2026-02-01.
fn late(days: i64) -> [super::super::document::Document; 1] {
    use jiff::ToSpan;
    let due_on = day("2026-02-01").saturating_sub(days.days());
    [invoice("1", "2025-06-01", &due_on.to_string(), "10")]
}

#[test]
fn limit_100_exposure_0_document_60_passes() {
    let case = Case::new(&[], Some("100")).requesting(usd("60"));
    assert_eq!(outcome(&case), (Decision::Ok, vec![ReasonCode::InOrder]));
}

#[test]
fn exactly_at_the_limit_passes_with_caution_and_a_cent_more_holds() {
    let at_limit = Case::new(&open("100"), Some("100"));
    assert_eq!(
        outcome(&at_limit),
        (Decision::Caution, vec![ReasonCode::NearLimit])
    );
    let over = Case::new(&open("100.01"), Some("100"));
    assert_eq!(
        outcome(&over),
        (Decision::Hold, vec![ReasonCode::OverLimit])
    );
    assert_eq!(over.decide().reasons[0].amount, Some(usd("0.01")));
}

#[test]
fn caution_begins_at_exactly_four_fifths_of_the_limit() {
    let below = Case::new(&open("79.9999"), Some("100"));
    assert_eq!(
        outcome(&below).0,
        Decision::Ok,
        "although it is stated as 0.8"
    );
    let reached = Case::new(&open("80"), Some("100"));
    assert_eq!(
        outcome(&reached),
        (Decision::Caution, vec![ReasonCode::NearLimit])
    );
    assert_eq!(reached.decide().reasons[0].share, Some(dec("0.8")));
}

#[test]
fn cash_only_holds_as_soon_as_anything_is_owed() {
    let nothing = Case::new(&[], Some("0"));
    assert_eq!(outcome(&nothing), (Decision::Ok, vec![ReasonCode::InOrder]));
    let owing = Case::new(&open("0.01"), Some("0"));
    assert_eq!(
        outcome(&owing),
        (Decision::Hold, vec![ReasonCode::CashOnly])
    );
    let asking = Case::new(&[], Some("0")).requesting(usd("1"));
    assert_eq!(
        outcome(&asking),
        (Decision::Hold, vec![ReasonCode::CashOnly])
    );
    let paid_ahead = [open("5"), [payment("2", "2026-01-20", "5")]].concat();
    assert_eq!(outcome(&Case::new(&paid_ahead, Some("0"))).0, Decision::Ok);
}

#[test]
fn no_limit_is_not_a_limit_of_zero() {
    let case = Case::new(&open("1000000"), None);
    assert_eq!(
        outcome(&case),
        (Decision::Caution, vec![ReasonCode::NoLimit])
    );
}

#[test]
fn an_expired_limit_holds() {
    let mut case = Case::new(&[], None);
    case.limits = vec![limit(
        Some(key("1")),
        usd("100"),
        "2026-01-01",
        Some("2026-01-31"),
    )];
    assert_eq!(
        outcome(&case),
        (Decision::Hold, vec![ReasonCode::LimitExpired])
    );
    assert_eq!(case.decide().reasons[0].date, Some(day("2026-01-31")));
}

#[test]
fn overdue_cautions_and_from_60_days_holds() {
    let case = |days| Case::new(&late(days), Some("1000"));
    assert_eq!(outcome(&case(0)).0, Decision::Ok, "due today is not late");
    assert_eq!(
        outcome(&case(1)),
        (Decision::Caution, vec![ReasonCode::Overdue])
    );
    assert_eq!(outcome(&case(59)).0, Decision::Caution);
    assert_eq!(
        outcome(&case(60)),
        (Decision::Hold, vec![ReasonCode::LongOverdue])
    );
    let reason = &case(60).decide().reasons[0];
    assert_eq!((reason.days, reason.amount), (Some(60), Some(usd("10"))));
}

#[test]
fn a_tie_out_difference_makes_it_caution_and_the_larger_figure_counts() {
    let stated = |balance: &str, limit: &str| {
        let customer = Customer {
            ledger_balance: Some(dec(balance)),
            ..customer("1")
        };
        Case {
            books: books_of(customer, &open("50"), &[]),
            ..Case::new(&[], Some(limit))
        }
    };
    assert_eq!(outcome(&stated("50", "100")).0, Decision::Ok);
    assert_eq!(
        outcome(&stated("49", "100")),
        (Decision::Caution, vec![ReasonCode::TieOutDifference])
    );
    assert_eq!(
        outcome(&stated("101", "100")),
        (
            Decision::Hold,
            vec![ReasonCode::OverLimit, ReasonCode::TieOutDifference]
        )
    );
}

#[test]
fn a_first_load_a_missing_dataset_and_old_data_are_unknown() {
    let mut syncing = Case::new(&open("500"), Some("100"));
    syncing.connection.first_load_running = true;
    syncing.connection.datasets[4].succeeded_at = None;
    assert_eq!(
        outcome(&syncing),
        (Decision::Unknown, vec![ReasonCode::Syncing])
    );

    let mut partial = Case::new(&open("500"), Some("100"));
    partial.connection.datasets[4].succeeded_at = None;
    assert_eq!(
        outcome(&partial),
        (Decision::Unknown, vec![ReasonCode::Partial])
    );

    let old = Case::new(&open("500"), Some("100")).decide_at("2026-02-02T11:59:00Z");
    assert_eq!(old.decision, Decision::Unknown);
    // What the old figures said follows, but decides nothing.
    assert_eq!(codes(&old), [ReasonCode::TooOld, ReasonCode::OverLimit]);
}

#[test]
fn stale_within_the_policy_still_answers() {
    let day_old = Case::new(&[], Some("100")).decide_at("2026-02-02T11:58:59Z");
    assert_eq!(day_old.decision, Decision::Ok);
}

#[test]
fn disconnected_is_at_most_caution_until_the_data_is_too_old() {
    let mut case = Case::new(&[], Some("100"));
    case.connection.state = ConnectionState::Disconnected;
    assert_eq!(
        outcome(&case),
        (Decision::Caution, vec![ReasonCode::Disconnected])
    );
    let later = case.decide_at("2026-02-02T11:59:00Z");
    assert_eq!(later.decision, Decision::Unknown);
    assert_eq!(
        codes(&later),
        [ReasonCode::TooOld, ReasonCode::Disconnected]
    );
}

#[test]
fn a_missing_rate_is_unknown_unless_a_hold_needs_none() {
    let mut case = Case::new(&open("10"), None);
    case.limits = vec![limit(Some(key("1")), eur("100"), "2026-01-01", None)];
    assert_eq!(
        outcome(&case),
        (Decision::Unknown, vec![ReasonCode::NoRate])
    );
    case.books = books(&late(90), &[]);
    assert_eq!(
        outcome(&case),
        (
            Decision::Hold,
            vec![ReasonCode::LongOverdue, ReasonCode::NoRate]
        )
    );
}

#[test]
fn a_request_in_a_currency_without_a_rate_is_unknown() {
    let case = Case::new(&[], Some("100")).requesting(eur("1"));
    assert_eq!(
        outcome(&case),
        (Decision::Unknown, vec![ReasonCode::NoRate])
    );
}

#[test]
fn absurd_requests_neither_overflow_nor_widen_the_limit() {
    let huge =
        Case::new(&open("10"), Some("100")).requesting(Money::new(Decimal::MAX, currency("USD")));
    assert_eq!(outcome(&huge).0, Decision::Hold);
    let negative = Case::new(&open("101"), Some("100")).requesting(usd("-50"));
    assert_eq!(outcome(&negative).0, Decision::Hold);
}

#[test]
fn reasons_come_weightiest_first() {
    let case = Case::new(&[late(70), open("500")].concat(), Some("100"));
    assert_eq!(
        outcome(&case),
        (
            Decision::Hold,
            vec![ReasonCode::OverLimit, ReasonCode::LongOverdue]
        )
    );
}

#[test]
fn the_hash_changes_with_the_inputs_and_only_with_them() {
    let hash = |case: &Case| case.decide().inputs_hash;
    let base = hash(&Case::new(&open("50"), Some("100")));
    assert_eq!(base.len(), 64);
    assert_eq!(base, hash(&Case::new(&open("50.00"), Some("100.0"))));
    assert_ne!(base, hash(&Case::new(&open("50.01"), Some("100"))));
    assert_ne!(base, hash(&Case::new(&open("50"), Some("101"))));
    assert_ne!(base, hash(&Case::new(&open("50"), None)));
    assert_ne!(
        base,
        hash(&Case::new(&open("50"), Some("100")).requesting(usd("1")))
    );
    let mut polled = Case::new(&open("50"), Some("100"));
    polled.connection = read_at("2026-02-01T11:59:59Z");
    assert_eq!(
        base,
        hash(&polled),
        "a poll that found nothing new changes no input"
    );
}

fn part(decision: Decision, codes: &[ReasonCode]) -> CreditDecision {
    CreditDecision {
        decision,
        reasons: codes.iter().copied().map(Reason::bare).collect(),
        ..not_linked(&CreditPolicy::default(), day("2026-02-01"))
    }
}

#[test]
fn of_several_customers_hold_prevails_then_unknown_then_caution() {
    let ok = part(Decision::Ok, &[ReasonCode::InOrder]);
    let caution = part(Decision::Caution, &[ReasonCode::Overdue]);
    let unknown = part(Decision::Unknown, &[ReasonCode::Syncing]);
    let hold = part(
        Decision::Hold,
        &[ReasonCode::OverLimit, ReasonCode::Overdue],
    );
    let of = |parts: &[&CreditDecision]| {
        let parts: Vec<_> = parts.iter().map(|part| (*part).clone()).collect();
        let decision = prevailing(&parts).unwrap();
        (decision.decision, codes(&decision))
    };
    assert_eq!(of(&[&ok, &ok]), (Decision::Ok, vec![ReasonCode::InOrder]));
    assert_eq!(
        of(&[&ok, &caution]),
        (Decision::Caution, vec![ReasonCode::Overdue])
    );
    assert_eq!(
        of(&[&caution, &unknown]),
        (
            Decision::Unknown,
            vec![ReasonCode::Syncing, ReasonCode::Overdue]
        )
    );
    assert_eq!(
        of(&[&unknown, &hold]),
        (
            Decision::Hold,
            vec![
                ReasonCode::OverLimit,
                ReasonCode::Syncing,
                ReasonCode::Overdue
            ]
        )
    );
    assert_eq!(prevailing(&[]), None);
}
