//! Payments, of invoices and out of credits.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Show, is_ahead};
use crate::sandbox::books::{Kind, Source};
use crate::sandbox::xero::rows::{Row, Shown};
use crate::sandbox::xero::wire::{self, day, instant, instant_string, kind, money};

/// The bank account that all money goes through.
const BANK: (u64, &str) = (35, "090");

impl Show<'_> {
    /// A payment, with what it is for under `Invoice`, whatever that is.
    pub(super) fn payment(&self, row: &Row) -> Value {
        let (payment, cash, amount, date, currency, rate, number, status) = match row.shown {
            Shown::Cash(id, cash) => {
                let Some(payment) = self.books.document(Kind::Payment, id) else {
                    return Value::Null;
                };
                let amount = self.books.cash(payment).get(&cash).copied();
                let date = self.cash_date(id, cash).unwrap_or(payment.date);
                (
                    id,
                    cash,
                    amount.unwrap_or_default(),
                    date,
                    payment.currency,
                    payment.rate,
                    payment.number.clone(),
                    "AUTHORISED",
                )
            }
            Shown::Undone(id, at) => {
                let Some(undone) = self.books.undone_of(id).get(at) else {
                    return Value::Null;
                };
                (
                    id,
                    undone.cash,
                    undone.amount,
                    undone.date,
                    undone.currency,
                    undone.rate,
                    undone.number.clone(),
                    "DELETED",
                )
            }
            Shown::Live(_) | Shown::Merged(_) | Shown::Gone(_) => return Value::Null,
        };
        let (payment_type, parent_type, parent_kind, parent) = match cash.source {
            Source::Money if cash.kind == Kind::Invoice => (
                "ACCRECPAYMENT",
                "ACCREC",
                kind::INVOICE,
                (Kind::Invoice, cash.to),
            ),
            Source::Credit(_, note) => (
                "ARCREDITPAYMENT",
                "ACCRECCREDIT",
                kind::CREDIT_NOTE,
                (Kind::CreditMemo, note),
            ),
            // Presumed to be as with credit notes.
            Source::Money => match self.past_document(Kind::Payment, payment) {
                Some(receipt) if is_ahead(receipt) => (
                    "ARPREPAYMENTPAYMENT",
                    "ARPREPAYMENT",
                    kind::PREPAYMENT,
                    (Kind::Payment, payment),
                ),
                _ => (
                    "AROVERPAYMENTPAYMENT",
                    "AROVERPAYMENT",
                    kind::OVERPAYMENT,
                    (Kind::Payment, payment),
                ),
            },
        };
        let settled = self.past_document(parent.0, parent.1);
        let mut invoice = json!({
            "Type": parent_type,
            "InvoiceID": self.id(parent_kind, parent.1),
            "InvoiceNumber": settled.and_then(|it| it.number.as_deref()).unwrap_or_default(),
            "Payments": [],
            "CreditNotes": [],
            "Prepayments": [],
            "Overpayments": [],
            "IsDiscounted": false,
            "InvoiceAddresses": [],
            "HasErrors": false,
            "InvoicePaymentServices": [],
            "LineItems": [],
            "CurrencyCode": currency.code(),
        });
        invoice["Contact"] = self.nested_contact(settled.and_then(|it| it.customer));
        let is_home = currency == self.books.home;
        json!({
            "PaymentID": row.guid.hyphenated(self.realm),
            "Date": day(date),
            "BankAmount": money(amount),
            "Amount": money(amount),
            "Reference": number.as_deref().unwrap_or_default(),
            "CurrencyRate": if is_home { money(Decimal::ZERO) } else { wire::rate(rate) },
            "PaymentType": payment_type,
            "Status": status,
            "UpdatedDateUTC": instant(row.updated),
            "UpdatedDateUTCString": instant_string(row.updated),
            "HasAccount": true,
            "IsReconciled": false,
            "Account": {"AccountID": self.id(kind::ACCOUNT, BANK.0), "Code": BANK.1},
            "Invoice": invoice,
            "HasValidationErrors": false,
        })
    }
}
