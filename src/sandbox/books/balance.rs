//! Balances: what a document contributes to them, and how they move.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Books, Detail, Document, Id, Kind, List};

/// Who is concerned by a change, so that their `LastUpdatedTime` moves.
pub(super) type Concerned = BTreeSet<Id>;

impl Books {
    /// Adds (or, with a negative `sign`, takes away) what a document contributes to balances.
    ///
    /// An invoice counts by what is still owed, a credit memo and a payment by what is left of them, a
    /// posting on a receivables account by what no payment has used.
    pub(super) fn weigh(&mut self, document: &Document, sign: Decimal, concerned: &mut Concerned) {
        let mut effects: Vec<(Id, Decimal)> = Vec::new();
        match (document.kind, document.customer) {
            (Kind::Invoice, Some(customer)) => effects.push((customer, document.open)),
            (Kind::CreditMemo | Kind::Payment, Some(customer)) => {
                effects.push((customer, -document.open));
            }
            _ => {}
        }
        for line in &document.lines {
            if let Detail::Posting {
                account,
                side,
                customer: Some(customer),
                open,
            } = line.detail
                && self.is_receivable(account)
            {
                effects.push((customer, side.signed(open)));
            }
        }
        for (customer, amount) in effects {
            if let Some(name) = self
                .names
                .get_mut(&List::Customer)
                .and_then(|customers| customers.get_mut(&customer))
            {
                name.balance += sign * amount;
                concerned.insert(customer);
            }
        }
    }

    /// Moves the `LastUpdatedTime` of customers, and leaves their `SyncToken` alone: so the API does.
    pub(super) fn touch(&mut self, concerned: &Concerned, now: Timestamp) {
        let Some(customers) = self.names.get_mut(&List::Customer) else {
            return;
        };
        for id in concerned {
            if let Some(customer) = customers.get_mut(id) {
                customer.stamp.touch(now);
            }
        }
    }

    /// Changes one document in place, moving the balances that follow.
    pub(super) fn change(
        &mut self,
        kind: Kind,
        id: Id,
        concerned: &mut Concerned,
        edit: impl FnOnce(&mut Document),
    ) {
        let Some(mut document) = self.documents[kind.index()].remove(&id) else {
            return;
        };
        self.weigh(&document, Decimal::NEGATIVE_ONE, concerned);
        edit(&mut document);
        self.weigh(&document, Decimal::ONE, concerned);
        self.documents[kind.index()].insert(id, document);
    }

    /// Every customer's balance, added up from documents: what [`super::Entry::balance`] must equal.
    pub(crate) fn computed_balances(&self) -> BTreeMap<Id, Decimal> {
        let mut balances = BTreeMap::new();
        let mut add = |customer: Id, amount: Decimal| {
            *balances.entry(customer).or_insert(Decimal::ZERO) += amount;
        };
        for document in Kind::ALL.into_iter().flat_map(|kind| self.documents(kind)) {
            match (document.kind, document.customer) {
                (Kind::Invoice, Some(customer)) => add(customer, document.open),
                (Kind::CreditMemo | Kind::Payment, Some(customer)) => add(customer, -document.open),
                _ => {}
            }
            for line in &document.lines {
                if let Detail::Posting {
                    account,
                    side,
                    customer: Some(customer),
                    open,
                } = line.detail
                    && self.is_receivable(account)
                {
                    add(customer, side.signed(open));
                }
            }
        }
        balances
    }
}
