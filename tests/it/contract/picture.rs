//! What must be the same whatever the ledger: worked out once from the description of the company, and
//! once from the mirror.

use std::collections::BTreeMap;
use std::sync::Arc;

use financial_pulse::domain::aging::AgingBucket;
use financial_pulse::domain::balance::{Balance, balance};
use financial_pulse::domain::behavior::{PaymentBehavior, behavior};
use financial_pulse::domain::books::CustomerBooks;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::document::{DocumentKind, Side};
use financial_pulse::domain::exchange::Rates;
use financial_pulse::domain::history::History;
use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::mirror::rig::ties_out;

use super::company::{Company, Line, Paper};

/// One customer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Picture {
    pub(crate) email: Option<String>,
    pub(crate) currency: String,
    pub(crate) gross_receivable: Decimal,
    pub(crate) unapplied_credit: Decimal,
    pub(crate) overdue: Decimal,
    pub(crate) overdue_count: u32,
    pub(crate) oldest_overdue_days: Option<u32>,
    pub(crate) aging: [Decimal; 5],
    /// Invoices and credit notes: number, date, due date, total and what is open.
    pub(crate) papers: Vec<(String, Date, Option<Date>, Decimal, Decimal)>,
    /// Money received by day, whatever the ledger calls it.
    pub(crate) received: BTreeMap<Date, Decimal>,
    /// What was bought: quantity and net amount by item's name.
    pub(crate) bought: BTreeMap<String, (Decimal, Decimal)>,
}

/// By the customer's name.
pub(crate) type Pictures = BTreeMap<String, Picture>;

fn worth(lines: &[Line]) -> Decimal {
    lines.iter().map(|line| line.quantity * line.price).sum()
}

/// By the description alone, with arithmetic that is no part of the program.
pub(crate) fn expected(company: &Company, today: Date) -> Pictures {
    let on = |day: i64| today.saturating_add(day.days());
    let mut settled: BTreeMap<&str, Decimal> = BTreeMap::new();
    for paper in &company.documents {
        let (Paper::CreditNote { apply, .. } | Paper::Payment { apply, .. }) = paper else {
            continue;
        };
        for used in apply {
            *settled.entry(&used.to).or_default() += used.amount;
        }
    }
    let mut pictures = Pictures::new();
    for party in &company.customers {
        let mut picture = Picture {
            email: Some(party.email.clone()),
            currency: party.currency.clone(),
            ..Picture::default()
        };
        let mut buy = |lines: &[Line], sign: Decimal| {
            for line in lines {
                let mut items = company.items.iter();
                let item = items.find(|item| item.key == line.item).expect("an item");
                let bought = picture.bought.entry(item.name.clone()).or_default();
                bought.0 += sign * line.quantity;
                bought.1 += sign * line.quantity * line.price;
            }
        };
        for paper in &company.documents {
            match paper {
                Paper::Invoice {
                    key,
                    customer,
                    day,
                    due,
                    number,
                    lines,
                } if *customer == party.key => {
                    let total = worth(lines);
                    let open = total - settled.get(key.as_str()).copied().unwrap_or_default();
                    buy(lines, Decimal::ONE);
                    picture.gross_receivable += open;
                    let bucket = match -due {
                        ..=0 => 0,
                        1..=30 => 1,
                        31..=60 => 2,
                        61..=90 => 3,
                        _ => 4,
                    };
                    picture.aging[bucket] += open;
                    if *due < 0 && !open.is_zero() {
                        picture.overdue += open;
                        picture.overdue_count += 1;
                        let days = u32::try_from(-due).expect("few");
                        picture.oldest_overdue_days = picture.oldest_overdue_days.max(Some(days));
                    }
                    let paper = (number.clone(), on(*day), Some(on(*due)), total, open);
                    picture.papers.push(paper);
                }
                Paper::CreditNote {
                    customer,
                    day,
                    number,
                    lines,
                    apply,
                } if *customer == party.key => {
                    let total = worth(lines);
                    let used: Decimal = apply.iter().map(|used| used.amount).sum();
                    buy(lines, -Decimal::ONE);
                    picture.unapplied_credit += total - used;
                    let paper = (number.clone(), on(*day), None, total, total - used);
                    picture.papers.push(paper);
                }
                Paper::Payment {
                    customer,
                    day,
                    amount,
                    apply,
                } if *customer == party.key => {
                    let used: Decimal = apply.iter().map(|used| used.amount).sum();
                    picture.unapplied_credit += amount - used;
                    *picture.received.entry(on(*day)).or_default() += amount;
                }
                _ => {}
            }
        }
        picture.papers.sort();
        pictures.insert(party.name.clone(), picture);
    }
    pictures
}

/// What the mirror says of one customer. Its own figure must tie out with the ledger's, where that can
/// be checked.
pub(crate) fn observed(kind: ProviderKind, books: CustomerBooks, today: Date) -> (String, Picture) {
    let customer = books.customer.clone();
    let family = [Arc::new(books)];
    let history = History::of(&family);
    let rates = Rates::on(today, customer.currency, &[], &[]);
    let Balance {
        by_currency,
        tie_out,
        ..
    } = balance(&history, &rates, 0, today);
    let [sums] = by_currency.as_slice() else {
        panic!("{} has several currencies", customer.name);
    };
    assert!(
        ties_out(kind, sums.currency, &tie_out.status),
        "{}: {tie_out:?}",
        customer.name
    );
    let mut picture = Picture {
        email: customer.email.as_deref().map(str::to_owned),
        currency: sums.currency.to_string(),
        gross_receivable: sums.gross_receivable,
        unapplied_credit: sums.unapplied_credit,
        overdue: sums.overdue,
        overdue_count: sums.overdue_count,
        oldest_overdue_days: sums.oldest_overdue_days,
        aging: AgingBucket::ALL.map(|bucket| sums.aging.get(bucket)),
        ..Picture::default()
    };
    for entry in history.entries() {
        let document = entry.document;
        let position = entry.position(today);
        let (sign, due) = match (document.id.kind, document.side) {
            (DocumentKind::Invoice, _) => (Decimal::ONE, position.due_on),
            (DocumentKind::CreditNote, _) => (-Decimal::ONE, None),
            (kind, Side::Credit) if kind.is_cash() => {
                *picture.received.entry(document.issued_on).or_default() += document.total;
                continue;
            }
            (kind, side) => panic!("{}: {kind:?} {side:?}", customer.name),
        };
        let number = document.number.as_deref().unwrap_or_default().to_owned();
        let paper = (
            number,
            document.issued_on,
            due,
            document.total,
            position.open,
        );
        picture.papers.push(paper);
        for line in document.lines.iter().filter(|line| line.item.is_some()) {
            let name = line.description.to_string();
            let bought = picture.bought.entry(name).or_default();
            bought.0 += sign * line.quantity.unwrap_or_default();
            bought.1 += sign * line.amount;
        }
    }
    picture.papers.sort();
    // A payment that settles a credit alone moves no money.
    picture.received.retain(|_, amount| !amount.is_zero());
    (customer.name.to_string(), picture)
}

/// How the customer pays.
pub(crate) fn payment_behavior(books: CustomerBooks, today: Date) -> Vec<PaymentBehavior> {
    behavior(&[&History::of(&[Arc::new(books)])], today)
}
