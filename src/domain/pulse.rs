//! The pulse: everything that the contact page says about the customers behind a contact.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::balance::Balance;
use super::behavior::PaymentBehavior;
use super::books::{CustomerBooks, ExchangeRate, Organization};
use super::credit::{Credit, CreditDecision, CreditLimit, CreditPolicy};
use super::freshness::{ConnectionFreshness, Freshness};
use super::ids::{CustomerKey, ItemId};
use super::insights::Insight;

/// One linked customer with its sub-customers: all that its part of a pulse is computed from.
#[derive(Clone, Debug)]
pub struct Family {
    /// The bookkeeping entity.
    pub organization: Arc<Organization>,
    /// The organization's time zone, in which "today" is meant.
    pub time_zone: TimeZone,
    /// The linked customer first, then its sub-customers.
    pub members: Vec<Arc<CustomerBooks>>,
    /// Every limit set for the linked customer, and the tenant's defaults, whatever their dates.
    pub limits: Vec<CreditLimit>,
    /// Item names of the organization, for the purchases.
    pub items: Arc<HashMap<ItemId, Arc<str>>>,
    /// The latest dated rates that the books themselves hold.
    pub rates: Vec<ExchangeRate>,
    /// How fresh the connection is.
    pub freshness: Arc<ConnectionFreshness>,
}

impl Family {
    /// The linked customer's key; `None` for a family without members.
    pub fn root(&self) -> Option<CustomerKey> {
        self.members.first().map(|books| books.key())
    }
}

/// A linked customer's part of a pulse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulsePart {
    /// The linked customer.
    pub customer: CustomerKey,
    /// Its name.
    pub name: Arc<str>,
    /// What it and its sub-customers owe; `None` while a dataset that a balance needs is missing.
    pub balance: Option<Balance>,
    /// Its credit standing; `None` while the balance is.
    pub credit: Option<Credit>,
    /// This part's decision.
    pub decision: CreditDecision,
}

/// Everything that the contact page says, as of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// The day, in the organization's time zone (the first part's where there are several).
    pub as_of: Date,
    /// How fresh it is.
    pub freshness: Freshness,
    /// The answer: the worst of the parts'.
    pub decision: CreditDecision,
    /// The sum over the parts, per currency; `None` while any part's is.
    pub balance: Option<Balance>,
    /// The parts, one for each linked customer.
    pub parts: Vec<PulsePart>,
    /// Payment behavior per currency; only where 3 or more invoices were settled.
    pub behavior: Vec<PaymentBehavior>,
    /// What stands out.
    pub insights: Vec<Insight>,
}

/// The settings that bear on a pulse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulseSettings {
    /// When to hold and when to warn.
    pub policy: CreditPolicy,
}
