//! What a customer bought.

use async_graphql::SimpleObject;

use super::money::{Amounts, Money};
use super::scalars::{Date, Decimal};
use crate::domain::purchases as domain;

/// One item's purchases within the year.
#[derive(Clone, Debug, SimpleObject)]
pub struct ItemPurchases {
    /// The item's name, or the text of lines without an item.
    pub name: String,
    /// Bought less returned; null where a line states no quantity.
    pub quantity: Option<Decimal>,
    /// Spent less credited, without tax.
    pub net_spend: Option<Money>,
    /// On how many days it was ever bought.
    pub purchase_days: u32,
    /// The last day on which it was bought.
    pub last_bought: Date,
    /// The usual days between purchases; null below 3 purchases.
    pub usual_interval_days: Option<u32>,
    /// When the next purchase would be usual; null below 3 purchases.
    pub next_due: Option<Date>,
}

/// What was bought in a calendar year of the organization.
#[derive(Clone, Debug, SimpleObject)]
pub struct PurchaseSummary {
    /// The year.
    pub year: i16,
    /// Spent less credited per currency, without tax; empty where the viewer may not see amounts.
    pub net_spend: Vec<Money>,
    /// By item, largest spend first.
    pub items: Vec<ItemPurchases>,
}

impl PurchaseSummary {
    /// A year's purchases as the viewer may see them.
    pub fn new(summary: &domain::PurchaseSummary, amounts: Amounts) -> Self {
        Self {
            year: summary.year,
            net_spend: summary
                .net_spend
                .iter()
                .filter_map(|spend| amounts.money(*spend))
                .collect(),
            items: summary
                .items
                .iter()
                .map(|item| ItemPurchases {
                    name: item.name.to_string(),
                    quantity: item.quantity.map(|quantity| Decimal(quantity.normalize())),
                    net_spend: amounts.of(item.net_spend, item.currency),
                    purchase_days: item.purchase_days,
                    last_bought: Date(item.last_bought),
                    usual_interval_days: item.usual_interval_days,
                    next_due: item.next_due.map(Date),
                })
                .collect(),
        }
    }
}
