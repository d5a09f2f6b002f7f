//! Writes invented documents into books, dated in the past.

use std::sync::Arc;

use jiff::civil::{Date, time};
use jiff::{Span, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value, json};

use super::ground::account;
use super::words;
use crate::sandbox::books::{Books, Currency, Detail, Document, Id, Kind, Line, List, Side, zone};
use crate::sandbox::quickbooks::wire::reference;

/// Writes documents into books.
#[derive(Debug)]
pub(super) struct Scribe {
    pub(super) books: Books,
    pub(super) random: StdRng,
    now: Timestamp,
}

/// A line of goods before it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goods {
    pub(super) item: Id,
    pub(super) quantity: u32,
    pub(super) price: Decimal,
}

/// The usual price of an item.
fn price_of(item: Id) -> Decimal {
    let cents = usize::try_from(item)
        .ok()
        .and_then(|item| words::ITEMS.get(item.checked_sub(1)?))
        .map_or(1_000, |(_, cents)| *cents);
    Decimal::new(cents, 2)
}

/// The sales tax on an amount: 8 %, or none.
pub(super) fn tax(net: Decimal, taxed: bool) -> Decimal {
    if !taxed {
        return Decimal::ZERO;
    }
    (net * Decimal::new(8, 2)).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// Goods that come to exactly this amount: some items, the last at whatever price is left.
pub(super) fn goods_worth(worth: Decimal, basket: &[Id]) -> Vec<Goods> {
    let mut left = worth;
    let mut goods = Vec::new();
    let Some((last, others)) = basket.split_last() else {
        return goods;
    };
    for item in others.iter().take(2) {
        let price = price_of(*item);
        let most = (left / price / Decimal::TWO).trunc();
        if let Ok(quantity @ 1..) = u32::try_from(most) {
            left -= price * Decimal::from(quantity);
            goods.push(Goods {
                item: *item,
                quantity,
                price,
            });
        }
    }
    goods.push(Goods {
        item: *last,
        quantity: 1,
        price: left,
    });
    goods
}

/// Who a new customer is.
#[derive(Clone, Debug)]
pub(super) struct NewCustomer<'a> {
    pub(super) name: &'a str,
    pub(super) email: Option<&'a str>,
    pub(super) currency: Currency,
    pub(super) parent: Option<Id>,
    pub(super) term: Option<Id>,
    pub(super) since: Date,
}

impl Scribe {
    pub(super) fn new(books: Books, seed: u64, now: Timestamp) -> Self {
        Self {
            books,
            random: StdRng::seed_from_u64(seed),
            now,
        }
    }

    /// A moment in the working hours of a day, never later than now.
    fn moment(&mut self, date: Date) -> Timestamp {
        let at =
            time(9, 0, 0, 0).saturating_add(Span::new().minutes(self.random.random_range(0..480)));
        date.to_datetime(at)
            .to_zoned(zone())
            .map_or(self.now, |zoned| zoned.timestamp())
            .min(self.now)
    }

    /// One of several.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.random_range(0..of.len())]
    }

    /// Adds a customer with people, addresses and all.
    pub(super) fn customer(&mut self, new: &NewCustomer<'_>) -> Id {
        let created = self.moment(new.since);
        let given = self.pick(words::GIVEN);
        let family = self.pick(words::FAMILY);
        let (city, state, postal_code) = self.pick(words::CITIES);
        let street = self.pick(words::STREETS);
        let number = self.random.random_range(1..9900);
        let phone = self.random.random_range(0..10_000);
        let mut record = Books::blank_name(new.name, new.currency, created);
        record.parent = new.parent;
        let address = json!({
            "Id": self.random.random_range(100..1_000_000).to_string(),
            "Line1": format!("{number} {street}"),
            "City": city,
            "CountrySubDivisionCode": state,
            "PostalCode": postal_code,
            "Lat": "INVALID",
            "Long": "INVALID",
        });
        let properties = json!({
            "Taxable": false,
            "BillWithParent": false,
            "PreferredDeliveryMethod": "Print",
            "IsProject": false,
            "ClientEntityId": "0",
            "GivenName": given,
            "FamilyName": family,
            "CompanyName": new.name,
            "PrintOnCheckName": new.name,
            "V4IDPseudonym": format!("00209{:033x}", self.random.random::<u128>() >> 8),
            "PrimaryPhone": {"FreeFormNumber": format!("(555) 555-{phone:04}")},
            "BillAddr": address,
            "ShipAddr": address,
            "DefaultTaxCodeRef": {"value": "2"},
        });
        record.properties = match properties {
            Value::Object(properties) => properties,
            _ => Map::new(),
        };
        if let Some(email) = new.email {
            record
                .properties
                .insert("PrimaryEmailAddr".to_owned(), json!({ "Address": email }));
        }
        if let Some(term) = new.term {
            let name = self
                .books
                .name(List::Term, term)
                .map(|term| term.name.clone());
            record
                .properties
                .insert("SalesTermRef".to_owned(), reference(&term, name.as_deref()));
        }
        self.books.add_name(List::Customer, record)
    }

    /// Makes a customer inactive, as the API does it.
    pub(super) fn deactivate(&mut self, customer: Id, on: Date) {
        let at = self.moment(on);
        if let Some(mut record) = self.books.name(List::Customer, customer).cloned() {
            record.active = false;
            record.name = format!("{} (deleted)", record.name).into();
            record.stamp.bump(at);
            self.books.put_name(List::Customer, record);
        }
    }

    fn document(&mut self, kind: Kind, customer: Id, date: Date) -> Document {
        let created = self.moment(date);
        let mut document = Document::new(kind, date, created);
        document.customer = Some(customer);
        document.currency = self
            .books
            .name(List::Customer, customer)
            .map_or(self.books.home, |name| name.currency);
        document.rate = self.rate(document.currency, date);
        document
    }

    /// A rate that wanders a little from month to month.
    fn rate(&self, currency: Currency, date: Date) -> Decimal {
        if currency == self.books.home {
            return Decimal::ONE;
        }
        let drift = i64::from(date.month()) * 7 % 12 - 6;
        self.books.rate(currency) + Decimal::new(drift * 11, 4)
    }

    fn post(&mut self, document: Document) -> Id {
        let at = document.stamp.created;
        // What is invented here is never more than there is, so nothing is refused.
        self.books.post(document, at).unwrap_or_default()
    }

    fn goods(&mut self, goods: &[Goods], taxable: bool) -> Vec<Line> {
        goods
            .iter()
            .map(|line| Line {
                amount: line.price * Decimal::from(line.quantity),
                description: self
                    .books
                    .name(List::Item, line.item)
                    .map(|item| Arc::clone(&item.name)),
                detail: Detail::Sale {
                    item: line.item,
                    quantity: Some(line.quantity.into()),
                    price: Some(line.price),
                    taxable,
                },
            })
            .collect()
    }

    /// A few items of a basket, in quantities that a business buys.
    pub(super) fn some_goods(&mut self, basket: &[Id], size: u32) -> Vec<Goods> {
        let lines = self.random.random_range(1..=basket.len().min(3));
        let offset = self.random.random_range(0..basket.len());
        (0..lines)
            .map(|line| {
                let item = basket[(offset + line) % basket.len()];
                Goods {
                    item,
                    quantity: self.random.random_range(1..=size),
                    price: price_of(item),
                }
            })
            .collect()
    }

    /// Bills goods. With `taxed`, 8 % is added.
    pub(super) fn invoice(
        &mut self,
        customer: Id,
        date: Date,
        goods: &[Goods],
        taxed: bool,
    ) -> (Id, Date, Decimal) {
        let mut document = self.sale(Kind::Invoice, customer, date, goods, taxed);
        let due = self
            .books
            .name(List::Customer, customer)
            .map_or(date, |name| self.books.due_date(name, None, date));
        document.due = Some(due);
        document.open = document.total;
        let total = document.total;
        (self.post(document), due, total)
    }

    fn sale(
        &mut self,
        kind: Kind,
        customer: Id,
        date: Date,
        goods: &[Goods],
        taxed: bool,
    ) -> Document {
        let mut document = self.document(kind, customer, date);
        document.number = Some(self.books.take_number());
        document.lines = self.goods(goods, taxed);
        document.tax = tax(document.subtotal(), taxed);
        document.total = document.subtotal() + document.tax;
        document
    }

    /// Credits goods; gives the memo and its amount.
    pub(super) fn credit_memo(
        &mut self,
        customer: Id,
        date: Date,
        goods: &[Goods],
    ) -> (Id, Decimal) {
        let mut document = self.sale(Kind::CreditMemo, customer, date, goods, false);
        document.open = document.total;
        let total = document.total;
        (self.post(document), total)
    }

    /// Sells or refunds for cash.
    pub(super) fn cash(&mut self, kind: Kind, customer: Id, date: Date, goods: &[Goods]) -> Id {
        let mut document = self.sale(kind, customer, date, goods, false);
        document.account = Some(account::CHECKING);
        self.post(document)
    }

    /// Takes money, and applies it where told.
    pub(super) fn payment(
        &mut self,
        customer: Id,
        date: Date,
        total: Decimal,
        applied: &[(Kind, Id, Decimal)],
    ) -> Id {
        let mut document = self.document(Kind::Payment, customer, date);
        document.total = total;
        document.lines = applied
            .iter()
            .map(|(kind, to, amount)| Line {
                amount: *amount,
                description: None,
                detail: Detail::Applied {
                    kind: *kind,
                    to: *to,
                    line: self.books.receivable_line(*kind, *to, Some(customer)),
                },
            })
            .collect();
        if total.is_zero() {
            document.note = Some("Created by QB Online to link credits to charges.".into());
        }
        self.post(document)
    }

    /// Brings payments to the bank.
    pub(super) fn bank(&mut self, payments: &[Id], date: Date) {
        let created = self.moment(date);
        let mut document = Document::new(Kind::Deposit, date, created);
        document.currency = self.books.home;
        document.account = Some(account::CHECKING);
        document.lines = payments
            .iter()
            .filter_map(|payment| self.books.document(Kind::Payment, *payment))
            .map(|payment| Line {
                amount: payment.total * payment.rate,
                description: None,
                detail: Detail::Banked {
                    payment: payment.id,
                },
            })
            .collect();
        document.total = document.lines.iter().map(|line| line.amount).sum();
        self.post(document);
    }

    /// Posts on receivables by hand: a journal entry, a deposit or a purchase with a line on A/R.
    pub(super) fn on_receivables(
        &mut self,
        kind: Kind,
        side: Side,
        customer: Id,
        date: Date,
        amount: Decimal,
    ) -> Id {
        let mut document = self.document(kind, customer, date);
        let receivables = self
            .books
            .receivables(document.currency)
            .unwrap_or(account::RECEIVABLES);
        let posting = |account, side, customer| Line {
            amount,
            description: Some("Correction".into()),
            detail: Detail::Posting {
                account,
                side,
                customer,
                open: amount,
            },
        };
        document.total = amount;
        document.lines = vec![posting(receivables, side, Some(customer))];
        if kind == Kind::JournalEntry {
            let other = match side {
                Side::Debit => Side::Credit,
                Side::Credit => Side::Debit,
            };
            document
                .lines
                .push(posting(account::BAD_DEBTS, other, None));
        } else {
            document.account = Some(account::CHECKING);
        }
        if kind == Kind::Purchase {
            let extra = Map::from_iter([("PaymentType".to_owned(), json!("Check"))]);
            document.extra = Some(Box::new(extra));
        } else {
            // Journal entries and deposits name the customer in the line only.
            document.customer = None;
        }
        self.post(document)
    }
}
