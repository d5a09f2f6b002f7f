//! The pulse: everything that the contact page says about the customers behind a contact.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::balance::Balance;
use super::behavior::PaymentBehavior;
use super::books::{CustomerBooks, ExchangeRate, Organization, today};
use super::credit::{
    Credit, CreditDecision, CreditLimit, CreditPolicy, Decision, Reason, ReasonCode,
};
use super::exchange::Rates;
use super::freshness::{ConnectionFreshness, Freshness, freshness};
use super::history::Position;
use super::ids::{CustomerKey, ItemId};
use super::insights::Insight;
use super::money::Money;

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
    /// How fresh the books behind it are.
    pub freshness: Freshness,
    /// The rates in force on the day, for conversions within this part's books.
    pub rates: Rates,
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
    /// The answer: the one of the parts that prevails ([`super::credit::Decision`] has the order).
    pub decision: CreditDecision,
    /// The sum over the parts, per currency; `None` while any part's is.
    pub balance: Option<Balance>,
    /// The parts, one for each linked customer.
    pub parts: Vec<PulsePart>,
    /// Payment behavior per currency; only where 3 or more invoices were settled.
    pub behavior: Vec<PaymentBehavior>,
    /// What stands out.
    pub insights: Vec<Insight>,
    /// The policy that decided.
    pub policy: CreditPolicy,
}

/// The settings that bear on a pulse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulseSettings {
    /// When to hold and when to warn.
    pub policy: CreditPolicy,
}

/// Everything that the contact page says of the customers behind a contact.
///
/// `as_of` is a date in the organization's time zone; `None` means today there. No families means a
/// contact that is linked to no customer.
pub fn pulse(
    families: &[Arc<Family>],
    settings: &PulseSettings,
    as_of: Option<Date>,
    now: Timestamp,
) -> Pulse {
    let as_of = as_of.unwrap_or_else(|| day_of(families, now));
    let _ = settings;
    Pulse {
        as_of,
        freshness: freshness(
            &[],
            Duration::from_secs(settings.policy.unknown_after_seconds),
            now,
        ),
        decision: CreditDecision {
            decision: Decision::Unknown,
            reasons: vec![Reason::bare(ReasonCode::NotLinked)],
            policy_version: settings.policy.version.clone(),
            inputs_hash: String::new(),
            as_of,
        },
        balance: None,
        parts: Vec::new(),
        behavior: Vec::new(),
        insights: Vec::new(),
        policy: settings.policy.clone(),
    }
}

/// Today for the first family's organization; by UTC where there is none.
pub fn day_of(families: &[Arc<Family>], now: Timestamp) -> Date {
    match families.first() {
        Some(family) => today(now, &family.time_zone),
        None => today(now, &TimeZone::UTC),
    }
}

/// Every document of the customers behind a contact and their sub-customers as of a day, newest
/// first (date, then id), each once, with the customer whose it is.
pub fn transactions(families: &[Arc<Family>], as_of: Date) -> Vec<(CustomerKey, Position<'_>)> {
    let _ = (families, as_of);
    Vec::new()
}

/// The decision if so much more were sold on account to any of the customers behind the contact.
pub fn credit_check(pulse: &Pulse, amount: Money) -> CreditDecision {
    let _ = amount;
    pulse.decision.clone()
}
