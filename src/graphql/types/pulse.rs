//! The pulse, and the contact that it belongs to.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use super::balance::Balance;
use super::behavior::PaymentBehavior;
use super::credit::{Credit, CreditDecision};
use super::customer::{ContactLink, Customer};
use super::freshness::Freshness;
use super::insight::Insight;
use super::money::Amounts;
use super::purchases::PurchaseSummary;
use super::scalars::Date;
use super::transaction::{TransactionConnection, TransactionFilter, parse_cursor};
use crate::graphql::error::Extend;
use crate::graphql::request::{Dependencies, PageLimit, amounts, reader};
use crate::service::ServiceError;
use crate::service::read::{ContactView, PulseView};

/// A CRM record, and what the books know of it.
#[derive(Clone, Debug)]
pub struct Contact(pub ContactView);

/// A CRM record, and what the books know of it.
#[Object]
impl Contact {
    /// Its id, written `preset:kind:id`.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Which customers it is in the books, and why.
    async fn link(&self) -> ContactLink {
        ContactLink::new(&self.0.path, &self.0.customers)
    }

    /// Everything that the contact page says; null for a contact that is not linked.
    async fn pulse(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A past day, in the organization's time zone; today where not given.")]
        as_of: Option<Date>,
    ) -> async_graphql::Result<Option<Pulse>> {
        let pulse = Dependencies::of(ctx)
            .record(|stamp| reader(ctx).pulse(&self.0, as_of.map(|day| day.0), stamp))
            .extend()?;
        Ok(pulse.map(|view| {
            Dependencies::of(ctx).viewed(self.0.viewed(view.pulse.decision.decision));
            Pulse::new(Arc::new(view), amounts(ctx))
        }))
    }
}

/// Everything that the contact page says of the customers behind a contact, as of a day.
#[derive(Clone, Debug)]
pub struct Pulse {
    view: Arc<PulseView>,
    amounts: Amounts,
}

impl Pulse {
    /// A pulse as the viewer may see it.
    pub fn new(view: Arc<PulseView>, amounts: Amounts) -> Self {
        Self { view, amounts }
    }
}

/// Everything that the contact page says of the customers behind a contact, as of a day.
#[Object]
impl Pulse {
    /// The day, in the organization's time zone.
    async fn as_of(&self) -> Date {
        Date(self.view.pulse.as_of)
    }

    /// How old the figures are.
    async fn freshness(&self) -> Freshness {
        Freshness::from(&self.view.pulse.freshness)
    }

    /// May more be sold on account? The answer of the part that prevails.
    async fn decision(&self) -> CreditDecision {
        CreditDecision::new(&self.view.pulse.decision, self.amounts)
    }

    /// What is owed over all parts; null while a dataset that it needs is missing, never zero.
    async fn balance(&self) -> Option<Balance> {
        let balance = self.view.pulse.balance.as_ref()?;
        Some(Balance::new(balance, self.amounts))
    }

    /// One part for each linked customer, with its sub-customers.
    async fn parts(&self) -> async_graphql::Result<Vec<PulsePart>> {
        let parts = self.view.pulse.parts.iter();
        parts
            .map(|part| {
                let customer = self.view.customers.get(&part.customer).ok_or_else(|| {
                    ServiceError::internal("a part without its customer").extend()
                })?;
                Ok(PulsePart {
                    customer: Customer(customer.clone()),
                    decision: CreditDecision::new(&part.decision, self.amounts),
                    balance: part
                        .balance
                        .as_ref()
                        .map(|balance| Balance::new(balance, self.amounts)),
                    credit: part
                        .credit
                        .as_ref()
                        .map(|credit| Credit::new(credit, self.amounts)),
                })
            })
            .collect()
    }

    /// The credit standing, where one customer is linked; with several it is in the parts. Null
    /// while the balance is.
    async fn credit(&self) -> Option<Credit> {
        match self.view.pulse.parts.as_slice() {
            [only] => Some(Credit::new(only.credit.as_ref()?, self.amounts)),
            _ => None,
        }
    }

    /// How the customer pays, in the currency with the most settled invoices; null below 3 of them.
    async fn behavior(&self) -> Option<PaymentBehavior> {
        let behavior = self.view.pulse.behavior.iter();
        behavior
            .max_by_key(|behavior| behavior.settled_count)
            .map(PaymentBehavior::from)
    }

    /// How the customer pays, in each currency with 3 or more settled invoices.
    async fn behaviors(&self) -> Vec<PaymentBehavior> {
        let behavior = self.view.pulse.behavior.iter();
        behavior.map(PaymentBehavior::from).collect()
    }

    /// The history, newest first.
    #[graphql(complexity = "page_complexity(first, child_complexity)")]
    async fn transactions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to list.", default = 20)] first: i32,
        #[graphql(desc = "The cursor to go on from.")] after: Option<String>,
        #[graphql(desc = "Which ones to list.")] filter: Option<TransactionFilter>,
    ) -> async_graphql::Result<TransactionConnection> {
        let first = PageLimit::of(ctx).check(first).extend()?;
        let after = after.as_deref().map(parse_cursor).transpose().extend()?;
        let filter = filter.unwrap_or_default().into();
        let page = self.view.transactions(&filter, after.as_ref(), first);
        Ok(TransactionConnection::new(
            page,
            Arc::clone(&self.view),
            self.amounts,
        ))
    }

    /// What was bought in a calendar year of the organization; null while invoices are missing.
    async fn purchases(
        &self,
        #[graphql(desc = "The year; that of the pulse's day where not given.")] year: Option<i32>,
    ) -> async_graphql::Result<Option<PurchaseSummary>> {
        let year = year
            .map(|year| {
                i16::try_from(year)
                    .ok()
                    .filter(|year| (1900..=2999).contains(year))
                    .ok_or_else(|| ServiceError::bad_input("year", "write a year such as 2026"))
            })
            .transpose()
            .extend()?;
        if self.view.pulse.balance.is_none() {
            return Ok(None);
        }
        let summary = self.view.purchases(year);
        Ok(Some(PurchaseSummary::new(&summary, self.amounts)))
    }

    /// What stands out, most telling first.
    async fn insights(&self) -> Vec<Insight> {
        let insights = self.view.pulse.insights.iter();
        insights
            .map(|insight| Insight::new(insight, self.amounts))
            .collect()
    }
}

/// A list costs what its longest page may cost.
fn page_complexity(first: i32, child_complexity: usize) -> usize {
    usize::try_from(first)
        .unwrap_or_default()
        .saturating_mul(child_complexity)
        .saturating_add(1)
}

/// A linked customer's part of a pulse, with its sub-customers.
#[derive(Clone, Debug, SimpleObject)]
pub struct PulsePart {
    /// The linked customer.
    pub customer: Customer,
    /// This part's answer.
    pub decision: CreditDecision,
    /// What it owes; null while a dataset that it needs is missing.
    pub balance: Option<Balance>,
    /// Its credit standing; null while the balance is.
    pub credit: Option<Credit>,
}
