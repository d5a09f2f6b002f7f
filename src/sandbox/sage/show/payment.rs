//! Receipts, refunds and allocations.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::contact::{name_of, reference_of};
use super::{Teller, base, currency, decimal, instant, members, reference, status};
use crate::sandbox::books::{Detail, Document, Id, Kind, List, Side};
use crate::sandbox::sage::key::{Key, Tag};
use crate::sandbox::sage::record::{Fate, Record, side};
use crate::sandbox::sage::split::{payments_on, split};

/// The account that money lands in when the books do not say.
const UNDEPOSITED_FUNDS: Id = 4;

/// Receipts and refunds.
pub(in crate::sandbox::sage) const PAYMENT_TYPES: [(&str, &str); 2] = [
    ("CUSTOMER_RECEIPT", "Customer Receipt"),
    ("CUSTOMER_REFUND", "Customer Refund"),
];

/// Which of [`PAYMENT_TYPES`] a record is.
pub(in crate::sandbox::sage) fn payment_type(record: &Record<'_>) -> (&'static str, &'static str) {
    let side = record
        .document()
        .zip(record.key.at())
        .and_then(|(document, line)| side(document, line));
    match side {
        Some(Side::Debit) => PAYMENT_TYPES[1],
        _ => PAYMENT_TYPES[0],
    }
}

/// Money: how much, what it was for, and what of it is on account.
struct Money {
    total: Decimal,
    allocated: Vec<(Key, Decimal)>,
    /// What went on account in all.
    on_account: Decimal,
    /// What of that is left.
    open: Decimal,
}

impl Teller<'_> {
    fn money(&self, record: &Record<'_>, document: &Document) -> Money {
        let Some(line) = record.key.at() else {
            let split = split(self.books(), document);
            return Money {
                total: document.total,
                allocated: split.settled,
                on_account: split.on_account,
                open: document.open,
            };
        };
        // Money that came in or went out without a payment: all on account, unless it paid back what
        // was there.
        let line = document.lines.get(line);
        let total = line.map_or(Decimal::ZERO, |line| line.amount);
        let open = match line.map(|line| &line.detail) {
            Some(Detail::Posting { open, .. }) => *open,
            _ => Decimal::ZERO,
        };
        let mut allocated: Vec<(Key, Decimal)> = Vec::new();
        for id in payments_on(document) {
            let payment = self.books().document(Kind::Payment, id);
            let pairs = payment.map(|payment| split(self.books(), payment).pairs);
            for pair in pairs.into_iter().flatten() {
                if pair.debt == record.key {
                    allocated.push((pair.credit, pair.amount));
                }
            }
        }
        let paid_back: Decimal = allocated.iter().map(|(_, amount)| *amount).sum();
        Money {
            total,
            allocated,
            on_account: total - paid_back,
            open,
        }
    }

    pub(super) fn payment(&self, record: &Record<'_>) -> Map<String, Value> {
        let Some(document) = record.document() else {
            return Map::new();
        };
        let (kind, words) = payment_type(record);
        let money = self.money(record, document);
        let rate = document.rate;
        let number = document.number.as_deref().unwrap_or_default();
        let mut told = members(self.reference("contact_payments", record.key, words));
        let allocated: Vec<Value> = money
            .allocated
            .iter()
            .enumerate()
            .map(|(index, (artefact, amount))| {
                json!({
                    "id": self.id(Key::part(Tag::Allocated, document.id, index)),
                    "artefact": self.artefact_reference(*artefact),
                    "amount": decimal(*amount),
                    "discount": "0.0",
                })
            })
            .collect();
        let account = document.account.or(Some(UNDEPOSITED_FUNDS));
        told.extend(members(json!({
            "links": [],
            "transaction": self.transaction(record.key),
            "transaction_type": reference("transaction_types", kind, words),
            "payment_method": reference("payment_methods", "CREDIT_DEBIT", "Credit/Debit"),
            "contact": self.contact_reference(record.contact()),
            "bank_account": self.account_reference("bank_accounts", Tag::BankAccount, account),
            "date": document.date.to_string(),
            "net_amount": decimal(money.total),
            "tax_amount": "0.0",
            "total_amount": decimal(money.total),
            "currency": currency(document.currency),
            "exchange_rate": decimal(rate),
            "base_currency_net_amount": decimal(base(money.total, rate)),
            "base_currency_tax_amount": "0.0",
            "base_currency_total_amount": decimal(base(money.total, rate)),
            "base_currency_currency_charge": "0.0",
            "reference": number,
            "allocated_artefacts": allocated,
            "tax_rate": null,
            "payment_on_account": self.on_account(record, document, &money),
            "editable": record.fate == Fate::Live,
        })));
        told
    }

    /// What a receipt or refund has, or had, on account.
    fn on_account(&self, record: &Record<'_>, document: &Document, money: &Money) -> Value {
        if money.on_account.is_zero() && money.open.is_zero() {
            return Value::Null;
        }
        let total = money.on_account.max(money.open);
        let rate = document.rate;
        let customer = record
            .contact()
            .and_then(|contact| self.books().name(List::Customer, contact));
        let mut told = members(self.artefact_reference(record.key.tagged(Tag::OnAccount)));
        told.extend(members(json!({
            "created_at": instant(record.created),
            "updated_at": instant(record.updated),
            "contact_name": customer.map(name_of),
            "contact_reference": customer.map(reference_of),
            "contact": self.contact_reference(record.contact()),
            "date": document.date.to_string(),
            "reference": document.number.as_deref().unwrap_or_default(),
            "net_amount": decimal(total),
            "tax_amount": "0.0",
            "total_amount": decimal(total),
            "outstanding_amount": decimal(money.open),
            "currency": currency(document.currency),
            "exchange_rate": decimal(rate),
            "base_currency_net_amount": decimal(base(total, rate)),
            "base_currency_tax_amount": "0.0",
            "base_currency_total_amount": decimal(base(total, rate)),
            "base_currency_outstanding_amount": decimal(base(money.open, rate)),
            "status": status(Fate::Live, total, money.open),
        })));
        Value::Object(told)
    }

    /// Credits set against debts: the amounts of debts are positive, those of credits negative.
    pub(super) fn allocation(&self, record: &Record<'_>) -> Map<String, Value> {
        let Some(document) = record.document() else {
            return Map::new();
        };
        let words = "Customer Allocation";
        let mut told = members(self.reference("contact_allocations", record.key, words));
        let allocated: Vec<Value> = split(self.books(), document)
            .allocated()
            .into_iter()
            .enumerate()
            .map(|(index, (artefact, amount))| {
                // Money that came by deposit and a payment's own never share a document.
                let key = Key::part(Tag::Allocated, document.id, 1000 + index);
                json!({
                    "id": self.id(key),
                    "artefact": self.artefact_reference(artefact),
                    "amount": decimal(amount),
                })
            })
            .collect();
        told.extend(members(json!({
            "links": [],
            "transaction": self.transaction(record.key),
            "transaction_type": reference("transaction_types", "CUSTOMER_ALLOCATION", words),
            "date": document.date.to_string(),
            "contact": self.contact_reference(document.customer),
            "allocated_artefacts": allocated,
        })));
        told
    }
}
