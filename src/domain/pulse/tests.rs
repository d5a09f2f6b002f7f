use super::super::credit::{Decision, ReasonCode};
use super::super::document::Document;
use super::super::freshness::FreshnessStatus;
use super::super::sample::{
    at, books, books_of, currency, customer, day, dec, eur, family, in_currency, invoice, key,
    limit, rate, usd,
};
use super::*;

const NOON: &str = "2026-02-01T12:00:00Z";

fn settings() -> PulseSettings {
    PulseSettings {
        policy: CreditPolicy::default(),
    }
}

fn pulse_of(families: &[Family]) -> Pulse {
    pulse(&shared(families), &settings(), None, at(NOON))
}

fn shared(families: &[Family]) -> Vec<Arc<Family>> {
    families.iter().cloned().map(Arc::new).collect()
}

fn of_customer(id: &str, document: &str, total: &str) -> CustomerBooks {
    let bill = Document {
        customer: id.into(),
        ..invoice(document, "2026-01-15", "2026-02-28", total)
    };
    books_of(customer(id), &[bill], &[])
}

fn limited(family: Family, customer: &str, amount: &str) -> Family {
    Family {
        limits: vec![limit(Some(key(customer)), usd(amount), "2026-01-01", None)],
        ..family
    }
}

#[test]
fn an_unlinked_contact_is_unknown_and_owes_no_figure() {
    let pulse = pulse_of(&[]);
    assert_eq!(pulse.decision.decision, Decision::Unknown);
    assert_eq!(pulse.decision.reasons[0].code, ReasonCode::NotLinked);
    assert_eq!((pulse.balance.as_ref(), pulse.parts.len()), (None, 0));
    assert_eq!(credit_check(&pulse, usd("1")), pulse.decision);
}

#[test]
fn the_day_is_the_organizations_and_ends_at_its_midnight() {
    let tokyo = Family {
        time_zone: TimeZone::get("Asia/Tokyo").unwrap(),
        ..family(vec![of_customer("1", "1", "10")], "2026-01-31T23:00:00Z")
    };
    let families = shared(&[tokyo]);
    let now = at("2026-01-31T23:10:00Z");
    let today = pulse(&families, &settings(), None, now);
    assert_eq!(today.as_of, day("2026-02-01"));
    assert_eq!(today.freshness.changes_at, Some(at("2026-01-31T23:30:00Z")));
    let quiet = pulse(&families, &settings(), None, at("2026-02-01T14:00:00Z"));
    assert_eq!(quiet.freshness.changes_at, Some(at("2026-02-01T15:00:00Z")));
    let fixed = pulse(
        &families,
        &settings(),
        Some(day("2026-01-20")),
        at("2026-02-01T14:00:00Z"),
    );
    assert_eq!(fixed.freshness.changes_at, Some(at("2026-02-01T23:00:00Z")));
}

#[test]
fn parts_are_summed_per_currency_and_the_worst_decides() {
    let good = limited(family(vec![of_customer("1", "1", "10")], NOON), "1", "100");
    let over = limited(family(vec![of_customer("2", "2", "30")], NOON), "2", "20");
    let both = pulse_of(&[good, over]);
    let balance = both.balance.unwrap();
    assert_eq!(balance.by_currency[0].outstanding(), dec("40"));
    assert_eq!(both.decision.decision, Decision::Hold);
    assert_eq!(both.parts[0].decision.decision, Decision::Ok);
    let codes: Vec<_> = both
        .decision
        .reasons
        .iter()
        .map(|reason| reason.code)
        .collect();
    assert_eq!(codes, [ReasonCode::OverLimit]);
}

#[test]
fn a_customer_linked_twice_over_enters_the_sum_once() {
    let root = of_customer("1", "1", "10");
    let child = of_customer("2", "2", "30");
    let whole = family(vec![root, child.clone()], NOON);
    let alone = family(vec![child], NOON);
    let families = [alone.clone(), whole.clone(), alone, whole];
    let pulse = pulse_of(&families);
    assert_eq!(pulse.parts.len(), 4);
    assert_eq!(
        pulse.balance.unwrap().by_currency[0].outstanding(),
        dec("40")
    );
    let families = shared(&families);
    let listed = transactions(&families, day("2026-02-01"));
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].0, key("2"));
}

#[test]
fn while_one_part_is_missing_there_is_no_sum_and_no_ok() {
    let known = limited(family(vec![of_customer("1", "1", "10")], NOON), "1", "100");
    let mut loading = family(Vec::new(), NOON);
    Arc::make_mut(&mut loading.freshness).datasets.clear();
    let pulse = pulse_of(&[known, loading]);
    assert_eq!(pulse.balance, None);
    assert_eq!(pulse.parts.len(), 1);
    assert_eq!(pulse.freshness.status, FreshnessStatus::Syncing);
    assert_eq!(pulse.decision.decision, Decision::Unknown);
    assert_eq!(pulse.decision.reasons[0].code, ReasonCode::Syncing);
    assert_eq!(credit_check(&pulse, usd("1")).decision, Decision::Unknown);
    assert_eq!(credit_check(&pulse, usd("1000")).decision, Decision::Hold);
}

#[test]
fn a_linked_customer_that_the_books_do_not_have_is_partial() {
    let pulse = pulse_of(&[family(Vec::new(), NOON)]);
    assert_eq!(pulse.decision.decision, Decision::Unknown);
    assert_eq!(pulse.decision.reasons[0].code, ReasonCode::Partial);
}

#[test]
fn credit_check_adds_the_amount_in_the_limits_currency() {
    let euro_limit = Family {
        limits: vec![limit(Some(key("1")), eur("100"), "2026-01-01", None)],
        rates: vec![rate("EUR", "2", "2026-01-01")],
        ..family(vec![of_customer("1", "1", "100")], NOON)
    };
    let pulse = pulse_of(&[euro_limit]);
    assert_eq!(pulse.decision.decision, Decision::Ok, "50 of 100 euros");
    let ask = |amount| credit_check(&pulse, amount).decision;
    assert_eq!(ask(usd("0")), Decision::Ok);
    assert_eq!(ask(usd("59.98")), Decision::Ok);
    assert_eq!(ask(usd("60")), Decision::Caution);
    assert_eq!(ask(eur("50")), Decision::Caution, "exactly at the limit");
    assert_eq!(ask(usd("100.02")), Decision::Hold);
    let pounds = Money::new(dec("1"), currency("GBP"));
    assert_eq!(ask(pounds), Decision::Unknown);
}

#[test]
fn families_of_different_base_currencies_have_no_total() {
    let dollars = family(vec![of_customer("1", "1", "10")], NOON);
    let euro_bill = in_currency("EUR", invoice("9", "2026-01-15", "2026-02-28", "5"));
    let mut euros = family(vec![books(&[euro_bill], &[])], NOON);
    euros.members = vec![Arc::new(CustomerBooks {
        connection: "elsewhere".into(),
        ..(*euros.members[0]).clone()
    })];
    euros.organization = Arc::new(Organization {
        base_currency: currency("EUR"),
        ..(*euros.organization).clone()
    });
    let pulse = pulse_of(&[dollars, euros]);
    let balance = pulse.balance.unwrap();
    assert_eq!(balance.by_currency.len(), 2);
    assert_eq!(balance.total, None);
}

#[test]
fn transactions_come_newest_first_with_their_customer() {
    let of = |id: &str, issued_on: &str| invoice(id, issued_on, "2026-02-28", "1");
    let documents = [
        of("1", "2026-01-10"),
        of("3", "2026-01-20"),
        of("2", "2026-01-20"),
        of("4", "2026-02-02"),
    ];
    let families = shared(&[family(vec![books(&documents, &[])], NOON)]);
    let listed = transactions(&families, day("2026-02-01"));
    let ids: Vec<_> = listed
        .iter()
        .map(|(_, position)| &*position.document.id.ledger_id)
        .collect();
    assert_eq!(ids, ["3", "2", "1"]);
}
