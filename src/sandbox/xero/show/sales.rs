//! Invoices, credit notes, and money on account.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Form, Show, is_ahead, receipt_kind};
use crate::sandbox::books::{Cash, Document, Kind, Source};
use crate::sandbox::guid::Guid;
use crate::sandbox::xero::ledger::{self, Applied, Debt};
use crate::sandbox::xero::rows::{Resource, present_cash_guid};
use crate::sandbox::xero::wire::{self, day, day_string, kind, money};

/// The account of receivables.
const RECEIVABLES: (u64, &str) = (84, "610");

impl Show<'_> {
    /// An invoice.
    pub(super) fn invoice(
        &self,
        invoice: &Document,
        gone: Option<&'static str>,
        updated: Timestamp,
        form: Form,
    ) -> Value {
        let debt = match gone {
            Some(_) => Debt::default(),
            None => ledger::debt(self.books, invoice),
        };
        let status = gone.unwrap_or(if debt.due.is_zero() {
            "PAID"
        } else {
            "AUTHORISED"
        });
        let mut shown = self.common(invoice, status, updated, form);
        let mut put = |name: &str, value: Value| {
            shown.insert(name.to_owned(), value);
        };
        put("Type", json!("ACCREC"));
        put("InvoiceID", json!(self.id(kind::INVOICE, invoice.id)));
        put(
            "InvoiceNumber",
            json!(invoice.number.as_deref().unwrap_or_default()),
        );
        put("Reference", json!(""));
        put("AmountDue", money(debt.due));
        put("AmountPaid", money(debt.paid));
        put("IsDiscounted", json!(false));
        put("HasErrors", json!(false));
        put("InvoicePaymentServices", json!([]));
        if let Some(due) = invoice.due {
            put("DueDateString", json!(day_string(due)));
            put("DueDate", json!(day(due)));
        }
        if status == "PAID"
            && let Some(on) = debt.settled_on()
        {
            put("FullyPaidOnDate", json!(day(on)));
        }
        let is_sent = invoice
            .extra
            .as_ref()
            .and_then(|extra| extra.get("EmailStatus"))
            .is_some_and(|status| status == "EmailSent");
        if is_sent {
            put("SentToContact", json!(true));
        }
        // A list has empty lists where a single record has nothing.
        put(
            if form.is_single() {
                "Attachments"
            } else {
                "InvoiceAddresses"
            },
            json!([]),
        );
        if !form.is_single() || !debt.credited.is_zero() {
            put("AmountCredited", money(debt.credited));
        }
        self.settled_by(invoice, &debt, form, &mut put);
        if form.is_summary() {
            shown.remove("HasAttachments");
        }
        Value::Object(shown)
    }

    /// What settled an invoice.
    fn settled_by(
        &self,
        invoice: &Document,
        debt: &Debt<'_>,
        form: Form,
        put: &mut impl FnMut(&str, Value),
    ) {
        if !form.is_summary() && (!form.is_single() || !debt.payments.is_empty()) {
            let payments = debt.payments.iter().map(|applied| {
                let cash = Cash {
                    source: Source::Money,
                    kind: Kind::Invoice,
                    to: invoice.id,
                };
                let guid = present_cash_guid(self.books, applied.by.id, cash);
                json!({
                    "PaymentID": guid.hyphenated(self.realm),
                    "Date": day(applied.by.date),
                    "Amount": money(applied.amount),
                    "Reference": applied.by.number.as_deref().unwrap_or_default(),
                    "CurrencyRate": self.payment_rate(applied.by),
                    "HasAccount": false,
                    "HasValidationErrors": false,
                })
            });
            put("Payments", payments.collect());
        }
        if !form.is_single() || !debt.credit_notes.is_empty() {
            let notes = debt.credit_notes.iter().map(|applied| {
                let note = applied.other;
                json!({
                    "CreditNoteID": self.id(kind::CREDIT_NOTE, note.id),
                    "CreditNoteNumber": note.number.as_deref().unwrap_or_default(),
                    "ID": self.id(kind::CREDIT_NOTE, note.id),
                    "HasErrors": false,
                    "InvoiceAddresses": [],
                    "AppliedAmount": money(applied.amount),
                    "DateString": day_string(note.date),
                    "Date": day(note.date),
                    "LineItems": [],
                    "Total": money(note.total),
                })
            });
            put("CreditNotes", notes.collect());
        }
        for (name, id, ahead) in [
            ("Overpayments", "OverpaymentID", false),
            ("Prepayments", "PrepaymentID", true),
        ] {
            let receipts = debt
                .receipts
                .iter()
                .filter(|applied| is_ahead(applied.by) == ahead)
                .map(|applied| self.nested_receipt(id, applied));
            put(name, receipts.collect());
        }
    }

    fn nested_receipt(&self, id: &str, applied: &Applied<'_>) -> Value {
        let guid = self.id(receipt_kind(applied.by), applied.by.id);
        json!({
            id: guid,
            "ID": guid,
            "AppliedAmount": money(applied.amount),
            "DateString": day_string(applied.by.date),
            "Date": day(applied.by.date),
            "LineItems": [],
            "Total": money(ledger::receipt(self.books, applied.by).total),
        })
    }

    fn payment_rate(&self, payment: &Document) -> Value {
        // Recorded: 0 for most payments of the home currency.
        if payment.currency == self.books.home {
            money(Decimal::ZERO)
        } else {
            wire::rate(payment.rate)
        }
    }

    fn allocations(&self, allocations: &[Applied<'_>]) -> Value {
        let shown = allocations.iter().enumerate().map(|(at, applied)| {
            let guid = Guid {
                part: applied.other.id,
                turn: u8::try_from(at).unwrap_or(u8::MAX),
                ..Guid::of(kind::ALLOCATION, applied.by.id)
            };
            json!({
                "AllocationID": guid.hyphenated(self.realm),
                "Amount": money(applied.amount),
                "Date": day(applied.date()),
                "Invoice": self.nested_invoice(applied.other),
            })
        });
        shown.collect()
    }

    fn refunds(&self, source: Source, refunds: &[Applied<'_>]) -> Value {
        let shown = refunds.iter().map(|applied| {
            let cash = Cash {
                source,
                kind: Kind::Purchase,
                to: applied.other.id,
            };
            let guid = present_cash_guid(self.books, applied.by.id, cash);
            json!({
                "PaymentID": guid.hyphenated(self.realm),
                "Date": day(applied.other.date),
                "Amount": money(applied.amount),
                "Reference": applied.other.number.as_deref().unwrap_or_default(),
                "CurrencyRate": self.payment_rate(applied.by),
                "HasAccount": false,
                "HasValidationErrors": false,
            })
        });
        shown.collect()
    }

    /// A credit note.
    pub(super) fn credit_note(
        &self,
        note: &Document,
        gone: Option<&'static str>,
        updated: Timestamp,
        form: Form,
    ) -> Value {
        let credit = match gone {
            Some(_) => ledger::Credit::default(),
            None => ledger::credit(self.books, note),
        };
        let status = gone.unwrap_or(if credit.remaining.is_zero() {
            "PAID"
        } else {
            "AUTHORISED"
        });
        let mut shown = self.common(note, status, updated, form);
        let mut put = |name: &str, value: Value| {
            shown.insert(name.to_owned(), value);
        };
        let id = self.id(kind::CREDIT_NOTE, note.id);
        put("CreditNoteID", json!(id));
        put("ID", json!(id));
        put(
            "CreditNoteNumber",
            json!(note.number.as_deref().unwrap_or_default()),
        );
        put("Type", json!("ACCRECCREDIT"));
        put("Reference", json!(""));
        put("HasErrors", json!(false));
        put("InvoiceAddresses", json!([]));
        put("RemainingCredit", money(credit.remaining));
        put("Allocations", self.allocations(&credit.allocations));
        let source = Source::Credit(Kind::CreditMemo, note.id);
        put("Payments", self.refunds(source, &credit.refunds));
        if status == "PAID"
            && let Some(on) = credit.used_on()
        {
            put("FullyPaidOnDate", json!(day(on)));
        }
        Value::Object(shown)
    }

    /// An overpayment or a prepayment.
    pub(super) fn receipt(
        &self,
        resource: Resource,
        payment: &Document,
        gone: Option<&'static str>,
        updated: Timestamp,
        form: Form,
    ) -> Value {
        let (name, of) = match resource {
            Resource::Prepayments => ("PREPAYMENT", kind::PREPAYMENT),
            _ => ("OVERPAYMENT", kind::OVERPAYMENT),
        };
        let stands = ledger::receipt(self.books, payment);
        let (total, credit) = match gone {
            Some(_) => (payment.total, ledger::Credit::default()),
            None => (stands.total, stands),
        };
        let status = gone.unwrap_or(if credit.remaining.is_zero() {
            "PAID"
        } else {
            "AUTHORISED"
        });
        let mut shown = self.common(payment, status, updated, Form::default());
        let mut put = |name: &str, value: Value| {
            shown.insert(name.to_owned(), value);
        };
        let id = self.id(of, payment.id);
        put(resource.id_field(), json!(id));
        put("ID", json!(id));
        put("Type", json!(format!("RECEIVE-{name}")));
        put(
            "Reference",
            json!(payment.number.as_deref().unwrap_or_default()),
        );
        put("LineAmountTypes", json!("NoTax"));
        put("RemainingCredit", money(credit.remaining));
        put("Allocations", self.allocations(&credit.allocations));
        put("Payments", self.refunds(Source::Money, &credit.refunds));
        for (name, amount) in [
            ("SubTotal", total),
            ("TotalTax", Decimal::ZERO),
            ("Total", total),
        ] {
            put(name, money(amount));
        }
        if form.is_full() {
            let line = Guid::of(kind::LINE, payment.id).hyphenated(self.realm);
            let line = json!({
                "LineItemID": line,
                "Description": if of == kind::PREPAYMENT { "Prepayment" } else { "Overpayment" },
                "Quantity": wire::quantity(Decimal::ONE),
                "UnitAmount": wire::price(total, form.precise),
                "TaxType": "NONE",
                "TaxAmount": money(Decimal::ZERO),
                "LineAmount": money(total),
                "AccountCode": RECEIVABLES.1,
                "AccountID": self.id(kind::ACCOUNT, RECEIVABLES.0),
                "Tracking": [],
            });
            put("LineItems", json!([line]));
        }
        Value::Object(shown)
    }
}
