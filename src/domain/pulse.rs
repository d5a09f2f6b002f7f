//! The pulse: everything that the contact page says about the customers behind a contact.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::balance::{self, Balance};
use super::behavior::{PaymentBehavior, behavior};
use super::books::{CustomerBooks, ExchangeRate, Organization, today};
use super::credit::{Credit, CreditDecision, CreditLimit, CreditPolicy};
use super::decision::{Grounds, decide, not_linked, prevailing};
use super::exchange::Rates;
use super::exposure::{self, LimitStanding};
use super::freshness::{ConnectionFreshness, Freshness, freshness};
use super::history::{History, Position};
use super::ids::{ConnectionId, CustomerId, CustomerKey, ItemId};
use super::insights::{Evidence, Insight, insights};
use super::money::Money;
use super::purchases::regular_purchases;

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
/// contact that is linked to no customer. A family without members is a linked customer that the
/// mirror does not hold (yet): it has no part, and leaves the balance unknown.
///
/// A customer that is linked by itself and also as another's sub-customer has a part of its own, but
/// enters every sum once.
pub fn pulse(
    families: &[Arc<Family>],
    settings: &PulseSettings,
    as_of: Option<Date>,
    now: Timestamp,
) -> Pulse {
    let policy = &settings.policy;
    let day = as_of.unwrap_or_else(|| day_of(families, now));
    let histories: Vec<_> = families
        .iter()
        .map(|family| History::of(&family.members))
        .collect();
    let mut parts = Vec::with_capacity(families.len());
    let mut decisions = Vec::with_capacity(families.len());
    for (family, history) in families.iter().zip(&histories) {
        let assessed = Assessed::of(family, history, policy, day, now);
        decisions.push(assessed.decision.clone());
        parts.extend(assessed.into_part(family));
    }

    let summed = covering_indexes(families);
    let histories: Vec<_> = summed.iter().map(|index| &histories[*index]).collect();
    let all_known =
        parts.len() == families.len() && parts.iter().all(|part| part.balance.is_some());
    let balance = (all_known && !parts.is_empty()).then(|| {
        let balances: Vec<_> = summed
            .iter()
            .filter_map(|index| parts.get(*index))
            .filter_map(|part| Some((part.balance.as_ref()?, &part.rates)))
            .collect();
        match balances.as_slice() {
            [(only, _)] => (*only).clone(),
            several => balance::merge(several),
        }
    });
    let behavior = if balance.is_some() {
        behavior(&histories, day)
    } else {
        Vec::new()
    };
    let insights = balance
        .as_ref()
        .map(|balance| {
            let credits: Vec<_> = parts
                .iter()
                .filter_map(|part| part.credit.as_ref())
                .collect();
            insights(&Evidence {
                as_of: day,
                histories: &histories,
                balance,
                behavior: &behavior,
                credits: &credits,
                caution_utilization: policy.caution_utilization,
                regular: &regular_purchases(&covering(families), day),
            })
        })
        .unwrap_or_default();

    let connections: Vec<_> = families.iter().map(|family| &*family.freshness).collect();
    let mut freshness = freshness(&connections, policy.unknown_after(), now);
    if as_of.is_none() {
        // Tomorrow everything is a day later past due.
        let tomorrow = next_day_begins(families, day);
        freshness.changes_at = freshness.changes_at.into_iter().chain(tomorrow).min();
    }
    Pulse {
        as_of: day,
        freshness,
        decision: prevailing(&decisions).unwrap_or_else(|| not_linked(policy, day)),
        balance,
        parts,
        behavior,
        insights,
        policy: policy.clone(),
    }
}

/// What is found of one family.
struct Assessed {
    balance: Option<Balance>,
    credit: Option<Credit>,
    freshness: Freshness,
    rates: Rates,
    decision: CreditDecision,
}

impl Assessed {
    fn of(
        family: &Family,
        history: &History<'_>,
        policy: &CreditPolicy,
        as_of: Date,
        now: Timestamp,
    ) -> Self {
        let freshness = freshness(&[&family.freshness], policy.unknown_after(), now);
        let base = family.organization.base_currency;
        let rates = Rates::on(as_of, base, &family.rates, &family.members);
        let root = family.members.first().filter(|_| freshness.balance_known);
        let balance = root.map(|_| balance::balance(history, &rates, policy.grace_days, as_of));
        let customer = family.root();
        let credit = root.zip(customer.as_ref()).zip(balance.as_ref());
        let credit = credit.map(|((root, customer), balance)| {
            let standing = LimitStanding::on(as_of, &family.limits, customer);
            exposure::credit(standing, root.customer.currency, balance, &rates)
        });
        let decision = decide(&Grounds {
            customer: customer.as_ref(),
            as_of,
            policy,
            freshness: &freshness,
            balance: balance.as_ref(),
            credit: credit.as_ref(),
            rates: Some(&rates),
            requested: None,
        });
        Self {
            balance,
            credit,
            freshness,
            rates,
            decision,
        }
    }

    fn into_part(self, family: &Family) -> Option<PulsePart> {
        let root = family.members.first()?;
        Some(PulsePart {
            customer: root.key(),
            name: root.customer.name.clone(),
            balance: self.balance,
            credit: self.credit,
            freshness: self.freshness,
            rates: self.rates,
            decision: self.decision,
        })
    }
}

/// Today for the first family's organization; by UTC where there is none.
pub fn day_of(families: &[Arc<Family>], now: Timestamp) -> Date {
    match families.first() {
        Some(family) => today(now, &family.time_zone),
        None => today(now, &TimeZone::UTC),
    }
}

/// When the day after `day` begins for the first family's organization.
fn next_day_begins(families: &[Arc<Family>], day: Date) -> Option<Timestamp> {
    let family = families.first()?;
    let midnight = day.tomorrow().ok()?.to_zoned(family.time_zone.clone());
    midnight.ok().map(|midnight| midnight.timestamp())
}

/// Every document of the customers behind a contact and their sub-customers as of a day, newest
/// first (date, then id), each once, with the customer whose it is.
pub fn transactions(families: &[Arc<Family>], as_of: Date) -> Vec<(CustomerKey, Position<'_>)> {
    let mut transactions = Vec::new();
    for family in covering(families) {
        let history = History::of(&family.members);
        let keys: Vec<_> = family.members.iter().map(|books| books.key()).collect();
        for entry in history.entries_until(as_of) {
            if let Some(key) = keys.get(entry.member) {
                transactions.push((key.clone(), entry.position(as_of)));
            }
        }
    }
    // Ids are unique within a connection only; the customer's key makes the order total.
    transactions.sort_by(|(one_key, one), (other_key, other)| {
        let one = (one.document.issued_on, &one.document.id, one_key);
        let other = (other.document.issued_on, &other.document.id, other_key);
        other.cmp(&one)
    });
    transactions
}

/// The decision if so much more were sold on account: asked of every linked customer, since the sale
/// may be invoiced to any of them, the answer that prevails among theirs.
pub fn credit_check(pulse: &Pulse, amount: Money) -> CreditDecision {
    let mut decisions: Vec<_> = pulse
        .parts
        .iter()
        .map(|part| {
            decide(&Grounds {
                customer: Some(&part.customer),
                as_of: pulse.as_of,
                policy: &pulse.policy,
                freshness: &part.freshness,
                balance: part.balance.as_ref(),
                credit: part.credit.as_ref(),
                rates: Some(&part.rates),
                requested: Some(amount),
            })
        })
        .collect();
    if pulse.balance.is_none() {
        // Some linked customer is not in the mirror, and has no part that could say so.
        decisions.push(pulse.decision.clone());
    }
    prevailing(&decisions).unwrap_or_else(|| pulse.decision.clone())
}

/// The families whose sum counts every customer once: without those whose root another family has
/// among its members, or that came before.
pub(super) fn covering(families: &[Arc<Family>]) -> Vec<&Family> {
    covering_indexes(families)
        .into_iter()
        .filter_map(|index| families.get(index))
        .map(|family| &**family)
        .collect()
}

fn covering_indexes(families: &[Arc<Family>]) -> Vec<usize> {
    let below: HashSet<(&ConnectionId, &CustomerId)> = families
        .iter()
        .flat_map(|family| family.members.iter().skip(1))
        .map(|books| (&books.connection, &books.customer.id))
        .collect();
    let mut roots = HashSet::new();
    families
        .iter()
        .enumerate()
        .filter(|(_, family)| {
            family.members.first().is_some_and(|root| {
                let root = (&root.connection, &root.customer.id);
                !below.contains(&root) && roots.insert(root)
            })
        })
        .map(|(index, _)| index)
        .collect()
}

#[cfg(test)]
mod tests;
