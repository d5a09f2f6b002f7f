//! What a customer bought: by item, quantity and net spend, without tax.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::document::{Document, DocumentKind, DocumentLine, DocumentState};
use super::ids::{ConnectionId, ItemId};
use super::money::{Currency, Money};
use super::pulse::{Family, covering};
use super::terms::days_between;

/// One item's purchases within a year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemPurchases {
    /// The item, when the lines name one.
    pub item: Option<ItemId>,
    /// Its name.
    pub name: Arc<str>,
    /// The currency of `net_spend`.
    pub currency: Currency,
    /// Quantity bought less returned; `None` where a line states none.
    pub quantity: Option<Decimal>,
    /// Net spend less credits, without tax.
    pub net_spend: Decimal,
    /// Distinct days on which it was ever bought.
    pub purchase_days: u32,
    /// The last day on which it was ever bought; for what was only ever returned, the day of that.
    pub last_bought: Date,
    /// Median days between purchases; `None` below 3 purchases.
    pub usual_interval_days: Option<u32>,
    /// Last bought + usual interval.
    pub next_due: Option<Date>,
}

/// What was bought in a calendar year of the organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseSummary {
    /// The year.
    pub year: i16,
    /// Net spend per currency, ordered by code.
    pub net_spend: Vec<Money>,
    /// By item, largest spend first.
    pub items: Vec<ItemPurchases>,
}

/// Fewer days of purchase than this have no usual interval.
const FEWEST_PURCHASE_DAYS: usize = 3;

/// What the customers of the families bought in a year, by invoices and cash sales less credit notes
/// and cash refunds issued on or before the day.
pub fn purchases(families: &[Arc<Family>], year: i16, as_of: Date) -> PurchaseSummary {
    let families = covering(families);
    let mut net_spend: BTreeMap<Currency, Decimal> = BTreeMap::new();
    let mut items = Vec::new();
    for (key, record) in item_records(&families, as_of) {
        let Some(bought) = record.of_year(year) else {
            continue;
        };
        *net_spend.entry(key.currency).or_default() += bought.net_spend;
        items.push(record.summary(&key, bought));
    }
    items.sort_by(|one, other| {
        other
            .net_spend
            .cmp(&one.net_spend)
            .then_with(|| one.name.cmp(&other.name))
            .then_with(|| (one.currency, &one.item).cmp(&(other.currency, &other.item)))
    });
    PurchaseSummary {
        year,
        net_spend: net_spend
            .into_iter()
            .map(|(currency, amount)| Money::new(amount, currency))
            .collect(),
        items,
    }
}

/// Every item with a usual interval, as of a day, whatever the year; in a fixed order.
pub(super) fn regular_purchases(families: &[&Family], as_of: Date) -> Vec<RegularPurchase> {
    let mut regular: Vec<_> = item_records(families, as_of)
        .into_values()
        .filter_map(|record| {
            let usual_interval_days = record.usual_interval_days()?;
            let last_bought = record.last_bought();
            Some(RegularPurchase {
                name: record.name.clone(),
                last_bought,
                usual_interval_days,
                next_due: next_due(last_bought, usual_interval_days),
            })
        })
        .collect();
    regular.sort_by(|one, other| (one.next_due, &one.name).cmp(&(other.next_due, &other.name)));
    regular
}

/// An item that is bought again and again.
pub(super) struct RegularPurchase {
    pub(super) name: Arc<str>,
    pub(super) last_bought: Date,
    pub(super) usual_interval_days: u32,
    pub(super) next_due: Date,
}

/// What makes two lines one item's: the organization, the item (or, without one, the line's text)
/// and the currency.
#[derive(PartialEq, Eq, Hash)]
struct ItemKey<'a> {
    connection: &'a ConnectionId,
    item: Option<&'a ItemId>,
    text: &'a str,
    currency: Currency,
}

/// One item over all years.
struct ItemRecord {
    name: Arc<str>,
    /// Days on which it was bought: sorted and distinct once the fold is done.
    bought_on: Vec<Date>,
    /// The newest day on which any line names it.
    last_named: Date,
    years: BTreeMap<i16, Bought>,
}

/// One item's sums of a year.
struct Bought {
    /// `None` once a line states none.
    quantity: Option<Decimal>,
    net_spend: Decimal,
}

/// Folds the lines of all families until a day.
fn item_records<'a>(families: &[&'a Family], as_of: Date) -> HashMap<ItemKey<'a>, ItemRecord> {
    let mut records: HashMap<ItemKey<'_>, ItemRecord> = HashMap::new();
    for family in families {
        for books in &family.members {
            for document in &books.documents {
                let Some(sign) = direction(document).filter(|_| document.issued_on <= as_of) else {
                    continue;
                };
                for line in document.lines.iter().filter(|line| says_something(line)) {
                    let key = ItemKey {
                        connection: &books.connection,
                        item: line.item.as_ref(),
                        text: line.item.as_ref().map_or(&*line.description, |_| ""),
                        currency: document.currency,
                    };
                    records
                        .entry(key)
                        .or_insert_with(|| ItemRecord::new(name_of(line, family), document))
                        .add(document, line, sign);
                }
            }
        }
    }
    for record in records.values_mut() {
        record.bought_on.sort_unstable();
        record.bought_on.dedup();
    }
    records
}

/// 1 for a sale, -1 for what takes one back, nothing for all else.
fn direction(document: &Document) -> Option<Decimal> {
    if document.state != DocumentState::Issued {
        return None;
    }
    match document.id.kind {
        DocumentKind::Invoice | DocumentKind::CashSale => Some(Decimal::ONE),
        DocumentKind::CreditNote | DocumentKind::CashRefund => Some(Decimal::NEGATIVE_ONE),
        _ => None,
    }
}

/// A line of mere text neither names an item nor costs anything.
fn says_something(line: &DocumentLine) -> bool {
    line.item.is_some() || !line.amount.is_zero()
}

/// The item's name in the organization; else the line's own words.
fn name_of(line: &DocumentLine, family: &Family) -> Arc<str> {
    line.item
        .as_ref()
        .and_then(|item| family.items.get(item))
        .unwrap_or(&line.description)
        .clone()
}

impl ItemRecord {
    fn new(name: Arc<str>, document: &Document) -> Self {
        Self {
            name,
            bought_on: Vec::new(),
            last_named: document.issued_on,
            years: BTreeMap::new(),
        }
    }

    fn add(&mut self, document: &Document, line: &DocumentLine, sign: Decimal) {
        let day = document.issued_on;
        let bought = self.years.entry(day.year()).or_insert(Bought {
            quantity: Some(Decimal::ZERO),
            net_spend: Decimal::ZERO,
        });
        bought.net_spend += sign * line.amount;
        bought.quantity = bought
            .quantity
            .zip(line.quantity)
            .map(|(sum, quantity)| sum + sign * quantity);
        self.last_named = self.last_named.max(day);
        // A discount or a return is no purchase; something free of charge is one.
        let received = line.amount.is_sign_positive() && !line.amount.is_zero()
            || line
                .quantity
                .is_some_and(|quantity| quantity > Decimal::ZERO);
        if sign.is_sign_positive() && received {
            self.bought_on.push(day);
        }
    }

    fn of_year(&self, year: i16) -> Option<&Bought> {
        self.years.get(&year)
    }

    /// The last purchase; for what was only ever returned, the last day that names it.
    fn last_bought(&self) -> Date {
        self.bought_on.last().copied().unwrap_or(self.last_named)
    }

    /// The median of the days between purchases, rounded to whole days (halves to even).
    fn usual_interval_days(&self) -> Option<u32> {
        if self.bought_on.len() < FEWEST_PURCHASE_DAYS {
            return None;
        }
        let mut gaps: Vec<u32> = self
            .bought_on
            .windows(2)
            .filter_map(|pair| match pair {
                [earlier, later] => u32::try_from(days_between(*earlier, *later)).ok(),
                _ => None,
            })
            .collect();
        gaps.sort_unstable();
        let middle = gaps.len() / 2;
        let upper = *gaps.get(middle)?;
        if gaps.len() % 2 == 1 {
            return Some(upper);
        }
        let lower = *gaps.get(middle.checked_sub(1)?)?;
        let floor = u32::midpoint(lower, upper);
        let half = (lower + upper) % 2 == 1;
        Some(floor + u32::from(half && floor % 2 == 1))
    }

    fn summary(&self, key: &ItemKey<'_>, bought: &Bought) -> ItemPurchases {
        let last_bought = self.last_bought();
        let usual_interval_days = self.usual_interval_days();
        ItemPurchases {
            item: key.item.cloned(),
            name: self.name.clone(),
            currency: key.currency,
            quantity: bought.quantity,
            net_spend: bought.net_spend,
            purchase_days: u32::try_from(self.bought_on.len()).unwrap_or(u32::MAX),
            last_bought,
            usual_interval_days,
            next_due: usual_interval_days.map(|days| next_due(last_bought, days)),
        }
    }
}

fn next_due(last_bought: Date, usual_interval_days: u32) -> Date {
    last_bought.saturating_add(i64::from(usual_interval_days).days())
}

#[cfg(test)]
mod tests;
