//! Histories of single customers, told as habits and written in the order of their dates.

use std::ops::RangeInclusive;

use jiff::Span;
use jiff::civil::Date;
use rand::Rng;
use rust_decimal::Decimal;

use super::scribe::{Goods, Scribe, goods_worth};
use crate::sandbox::books::{Id, Kind, Side};

/// How a customer bought and paid for a while. Ages are days before today.
#[derive(Clone, Debug)]
pub(super) struct Habit {
    /// The age of the first invoice.
    pub(super) from: i64,
    /// The age of the last one.
    pub(super) until: i64,
    /// Days from one to the next.
    pub(super) every: i64,
    /// The items.
    pub(super) basket: &'static [Id],
    /// The largest quantity of a line.
    pub(super) size: u32,
    /// Days from the due date to the payment; negative is early.
    pub(super) pays: RangeInclusive<i64>,
    /// Whether sales tax is charged.
    pub(super) taxed: bool,
}

/// A document of the story, before its books know it.
type Key = usize;

#[derive(Clone, Debug)]
enum Event {
    Invoice {
        key: Key,
        goods: Vec<Goods>,
        taxed: bool,
    },
    Memo {
        key: Key,
        goods: Vec<Goods>,
    },
    Payment {
        total: Decimal,
        applied: Vec<(Kind, Key, Decimal)>,
    },
    Cash {
        kind: Kind,
        goods: Vec<Goods>,
    },
    Journal {
        side: Side,
        amount: Decimal,
    },
}

/// Stories of several customers.
#[derive(Debug)]
pub(super) struct Stories {
    today: Date,
    events: Vec<(Date, Id, Event)>,
    documents: Key,
}

impl Stories {
    pub(super) fn new(today: Date) -> Self {
        Self {
            today,
            events: Vec::new(),
            documents: 0,
        }
    }

    /// So many days ago.
    pub(super) fn ago(&self, days: i64) -> Date {
        self.today.saturating_sub(Span::new().days(days))
    }

    fn tell(&mut self, age: i64, customer: Id, event: Event) {
        self.events.push((self.ago(age), customer, event));
    }

    fn key(&mut self) -> Key {
        self.documents += 1;
        self.documents
    }

    /// Invoices and their payments by habit. What would be paid today or later stays open.
    pub(super) fn habit(&mut self, scribe: &mut Scribe, customer: Id, habit: &Habit) {
        let mut age = habit.from;
        while age >= habit.until {
            let goods = scribe.some_goods(habit.basket, habit.size);
            let total = total(&goods, habit.taxed);
            let key = self.key();
            self.tell(
                age,
                customer,
                Event::Invoice {
                    key,
                    goods,
                    taxed: habit.taxed,
                },
            );
            let late = scribe.random.random_range(habit.pays.clone());
            let paid = age - TERM_DAYS - late;
            if paid >= 1 {
                self.tell(
                    paid,
                    customer,
                    Event::Payment {
                        total,
                        applied: vec![(Kind::Invoice, key, total)],
                    },
                );
            }
            age -= habit.every + scribe.random.random_range(-2..=2);
        }
    }

    /// One invoice of exactly this amount, of which some may be paid.
    pub(super) fn open(&mut self, customer: Id, age: i64, cents: i64, basket: &[Id]) {
        let goods = goods_worth(Decimal::new(cents, 2), basket);
        let key = self.key();
        self.tell(
            age,
            customer,
            Event::Invoice {
                key,
                goods,
                taxed: false,
            },
        );
    }

    /// An invoice that is paid in part.
    pub(super) fn partly_paid(
        &mut self,
        customer: Id,
        (age, cents): (i64, i64),
        (paid_age, paid_cents): (i64, i64),
        basket: &[Id],
    ) {
        self.open(customer, age, cents, basket);
        let paid = Decimal::new(paid_cents, 2);
        self.tell(
            paid_age,
            customer,
            Event::Payment {
                total: paid,
                applied: vec![(Kind::Invoice, self.documents, paid)],
            },
        );
    }

    /// Money that is not applied to anything.
    pub(super) fn unapplied(&mut self, customer: Id, age: i64, cents: i64) {
        self.tell(
            age,
            customer,
            Event::Payment {
                total: Decimal::new(cents, 2),
                applied: Vec::new(),
            },
        );
    }

    /// A credit memo that stays unused.
    pub(super) fn credit(&mut self, customer: Id, age: i64, cents: i64, basket: &[Id]) {
        let goods = goods_worth(Decimal::new(cents, 2), basket);
        let key = self.key();
        self.tell(age, customer, Event::Memo { key, goods });
    }

    /// A credit memo that settles an invoice of the same amount.
    pub(super) fn settled_by_credit(&mut self, customer: Id, age: i64, cents: i64, basket: &[Id]) {
        self.open(customer, age, cents, basket);
        let invoice = self.documents;
        self.credit(customer, age - 9, cents, basket);
        let amount = Decimal::new(cents, 2);
        self.tell(
            age - 9,
            customer,
            Event::Payment {
                total: Decimal::ZERO,
                applied: vec![
                    (Kind::Invoice, invoice, amount),
                    (Kind::CreditMemo, self.documents, amount),
                ],
            },
        );
    }

    /// A sale or refund for cash.
    pub(super) fn cash(
        &mut self,
        scribe: &mut Scribe,
        kind: Kind,
        customer: Id,
        age: i64,
        basket: &[Id],
    ) {
        let goods = scribe.some_goods(basket, 3);
        self.tell(age, customer, Event::Cash { kind, goods });
    }

    /// A posting on receivables by hand.
    pub(super) fn journal(&mut self, customer: Id, side: Side, age: i64, cents: i64) {
        self.tell(
            age,
            customer,
            Event::Journal {
                side,
                amount: Decimal::new(cents, 2),
            },
        );
    }

    /// Writes everything, the oldest first.
    pub(super) fn write(mut self, scribe: &mut Scribe) {
        self.events.sort_by_key(|(date, _, _)| *date);
        let mut ids = vec![0; self.documents + 1];
        for (date, customer, event) in self.events {
            match event {
                Event::Invoice { key, goods, taxed } => {
                    ids[key] = scribe.invoice(customer, date, &goods, taxed).0;
                }
                Event::Memo { key, goods } => {
                    ids[key] = scribe.credit_memo(customer, date, &goods).0;
                }
                Event::Payment { total, applied } => {
                    let applied: Vec<(Kind, Id, Decimal)> = applied
                        .into_iter()
                        .map(|(kind, key, amount)| (kind, ids[key], amount))
                        .collect();
                    scribe.payment(customer, date, total, &applied);
                }
                Event::Cash { kind, goods } => {
                    scribe.cash(kind, customer, date, &goods);
                }
                Event::Journal { side, amount } => {
                    scribe.on_receivables(Kind::JournalEntry, side, customer, date, amount);
                }
            }
        }
    }
}

/// The days of the term that customers of stories have.
const TERM_DAYS: i64 = 30;

fn total(goods: &[Goods], taxed: bool) -> Decimal {
    let net: Decimal = goods
        .iter()
        .map(|line| line.price * Decimal::from(line.quantity))
        .sum();
    super::scribe::tax(net, taxed) + net
}
