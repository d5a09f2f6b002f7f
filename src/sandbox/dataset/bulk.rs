//! As many invented customers and documents as wanted, of every kind that touches receivables.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use rand::Rng;
use rust_decimal::Decimal;

use super::scribe::{NewCustomer, Scribe};
use super::{ground, words};
use crate::sandbox::books::{Books, Currency, Id, Kind, Side};

/// Over how many days the invoices are spread.
const DAYS: i64 = 720;

/// How a customer pays: the days between due date and payment, at least and at most.
#[derive(Clone, Copy, Debug)]
struct Manner {
    customer: Id,
    earliest: i64,
    latest: i64,
}

/// Money that will come on some day.
#[derive(Clone, Copy, Debug)]
struct Expected {
    customer: Id,
    invoice: Id,
    amount: Decimal,
}

/// Books of so many customers and invoices.
pub(super) fn books(
    customers: usize,
    invoices: usize,
    today: Date,
    seed: u64,
    now: Timestamp,
) -> Books {
    let mut scribe = Scribe::new(ground::books(true, now), seed, now);
    let start = today.saturating_sub(Span::new().days(DAYS));
    let manners = invent_customers(&mut scribe, customers, start);
    if manners.is_empty() {
        return scribe.books;
    }
    let mut expected: BTreeMap<Date, Vec<Expected>> = BTreeMap::new();
    let mut unbanked: Vec<Id> = Vec::new();
    let mut day = start;
    for index in 0..invoices {
        let offset =
            i64::try_from(index).unwrap_or(0) * (DAYS - 1) / i64::try_from(invoices).unwrap_or(1);
        day = start.saturating_add(Span::new().days(offset));
        receive(&mut scribe, &mut expected, &mut unbanked, day);
        let manner = scribe.pick(&manners);
        let basket = basket(manner.customer);
        let goods = scribe.some_goods(&basket, 12);
        let taxed = manner.customer.is_multiple_of(3);
        let (invoice, due, total) = scribe.invoice(manner.customer, day, &goods, taxed);
        let late = scribe.random.random_range(manner.earliest..=manner.latest);
        let paid_on = due.saturating_add(Span::new().days(late)).max(day);
        // One in twelve comes in two parts.
        let parts = if scribe.random.random_ratio(1, 12) {
            let half = (total / Decimal::TWO).round_dp(2);
            vec![(0, half), (20, total - half)]
        } else {
            vec![(0, total)]
        };
        for (later, amount) in parts {
            expected
                .entry(paid_on.saturating_add(Span::new().days(later)))
                .or_default()
                .push(Expected {
                    customer: manner.customer,
                    invoice,
                    amount,
                });
        }
        if index % 23 == 22 {
            oddity(&mut scribe, index / 23, manner.customer, invoice, day);
        }
    }
    let yesterday = today.saturating_sub(Span::new().days(1));
    receive(
        &mut scribe,
        &mut expected,
        &mut unbanked,
        yesterday.max(day),
    );
    // Some went out of business, with or without a debt.
    for manner in manners.iter().skip(24).step_by(25) {
        scribe.deactivate(manner.customer, yesterday);
    }
    scribe.books
}

fn invent_customers(scribe: &mut Scribe, customers: usize, since: Date) -> Vec<Manner> {
    let mut manners: Vec<Manner> = Vec::with_capacity(customers);
    let combinations = words::FIRST.len() * words::SECOND.len();
    for index in 0..customers {
        // A stride that shares no factor with the number of combinations visits each once.
        let mixed = index * 997 % combinations;
        let first = words::FIRST[mixed % words::FIRST.len()];
        let second = words::SECOND[mixed / words::FIRST.len()];
        let form = words::FORMS[index % words::FORMS.len()];
        let round = index / combinations;
        let name = if round == 0 {
            format!("{first} {second}{form}")
        } else {
            format!("{first} {second}{form} {}", round + 1)
        };
        let email = format!("accounts{index}@example.com");
        let currency = match index % 20 {
            7 => Currency::EUR,
            13 => Currency::GBP,
            _ => Currency::USD,
        };
        // Every tenth is a site of the one before, in its currency.
        let parent = (index % 10 == 9)
            .then(|| manners.last().map(|manner| manner.customer))
            .flatten();
        let customer = scribe.customer(&NewCustomer {
            name: &name,
            email: (index % 30 != 29).then_some(email.as_str()),
            currency,
            parent,
            term: [None, None, Some(1), Some(2), Some(4)][index % 5],
            since,
        });
        let (earliest, latest) = match index % 6 {
            0 | 1 => (-6, -1),
            2 | 3 => (-2, 6),
            4 => (5, 40),
            _ => (20, 95),
        };
        manners.push(Manner {
            customer,
            earliest,
            latest,
        });
    }
    manners
}

/// What a customer usually buys.
fn basket(customer: Id) -> [Id; 4] {
    let items = u64::try_from(words::ITEMS.len()).unwrap_or(1) - 1;
    [0, 3, 5, 8].map(|step| (customer + step) % items + 1)
}

/// Takes the money that was expected until a day, and brings it to the bank by the dozen.
fn receive(
    scribe: &mut Scribe,
    expected: &mut BTreeMap<Date, Vec<Expected>>,
    unbanked: &mut Vec<Id>,
    until: Date,
) {
    while let Some(entry) = expected.first_entry()
        && *entry.key() <= until
    {
        let (date, due) = entry.remove_entry();
        for expected in due {
            let open = scribe
                .books
                .document(Kind::Invoice, expected.invoice)
                .map_or(Decimal::ZERO, |invoice| invoice.open);
            let applied = expected.amount.min(open);
            if applied.is_zero() {
                continue;
            }
            let payment = scribe.payment(
                expected.customer,
                date,
                applied,
                &[(Kind::Invoice, expected.invoice, applied)],
            );
            unbanked.push(payment);
            if unbanked.len() == 12 {
                scribe.bank(unbanked, date);
                unbanked.clear();
            }
        }
    }
}

/// What happens now and then besides invoices and their payments.
fn oddity(scribe: &mut Scribe, index: usize, customer: Id, invoice: Id, day: Date) {
    let basket = basket(customer);
    let goods = scribe.some_goods(&basket, 3);
    let sum = Decimal::new(scribe.random.random_range(1_000..40_000), 2);
    match index % 9 {
        0 => {
            scribe.credit_memo(customer, day, &goods);
        }
        1 | 2 => {
            let (memo, amount) = scribe.credit_memo(customer, day, &goods[..1]);
            let open = scribe
                .books
                .document(Kind::Invoice, invoice)
                .map_or(Decimal::ZERO, |invoice| invoice.open);
            let applied = amount.min(open);
            scribe.payment(
                customer,
                day,
                Decimal::ZERO,
                &[
                    (Kind::Invoice, invoice, applied),
                    (Kind::CreditMemo, memo, applied),
                ],
            );
        }
        3 => {
            scribe.payment(customer, day, sum, &[]);
        }
        4 => {
            scribe.on_receivables(Kind::JournalEntry, Side::Debit, customer, day, sum);
        }
        5 => {
            scribe.on_receivables(Kind::JournalEntry, Side::Credit, customer, day, sum);
        }
        6 => {
            scribe.on_receivables(Kind::Deposit, Side::Credit, customer, day, sum);
        }
        7 => {
            scribe.on_receivables(Kind::Purchase, Side::Debit, customer, day, sum);
        }
        _ => {
            scribe.cash(Kind::SalesReceipt, customer, day, &goods);
            scribe.cash(Kind::RefundReceipt, customer, day, &goods[..1]);
        }
    }
}
