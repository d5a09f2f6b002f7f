//! Sales invoices and credit notes, and what was set against them.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::contact::{Postal, displayed_as, name_of, reference_of};
use super::lines::{quantity, sold};
use super::{Teller, alternate, base, currency, decimal, members, number_of, reference, status};
use crate::sandbox::books::{Document, Entry, Kind, List};
use crate::sandbox::sage::key::{Key, Tag};
use crate::sandbox::sage::record::{Fate, Record};
use crate::sandbox::sage::split::{payments_on, split};

/// One application to a document.
struct Applied<'a> {
    payment: &'a Document,
    /// By an allocation, not by the money itself.
    allocation: bool,
    amount: Decimal,
}

/// Whether somebody has marked a document as sent.
pub(in crate::sandbox::sage) fn is_sent(document: &Document) -> bool {
    document
        .extra
        .as_deref()
        .and_then(|extra| extra.get("EmailStatus")?.as_str())
        == Some("EmailSent")
}

impl Teller<'_> {
    pub(super) fn artefact(&self, record: &Record<'_>) -> Map<String, Value> {
        let Some(document) = record.document() else {
            return Map::new();
        };
        let is_invoice = document.kind == Kind::Invoice;
        let number = number_of(document);
        let customer = document
            .customer
            .and_then(|customer| self.books().name(List::Customer, customer));
        let (list, kind, words) = if is_invoice {
            ("sales_invoices", "SALES_INVOICE", "Sales Invoice")
        } else {
            (
                "sales_credit_notes",
                "SALES_CREDIT_NOTE",
                "Sales Credit Note",
            )
        };
        let mut told = members(self.reference(list, record.key, &number));
        let present = self.books().document(document.kind, document.id);
        told.extend(members(json!({
            "links": [
                alternate(&format!("invoicing/{list}/{}", self.id(record.key))),
                // Public, with a secret in it: to be read by nobody.
                {
                    "href": format!(
                        "{}/advanced_uk/online_payment/secret{}", super::WEB, self.id(record.key)
                    ),
                    "rel": "bookmark", "type": "text/html",
                },
            ],
            "editable": record.fate == Fate::Live,
            "vat_reverse_charge": false,
            "tax_calculation_method": null,
            "destination_consignment": false,
            "destination_vat_rates_in_use": false,
            "transaction": self.transaction(record.key),
            "transaction_type": reference("transaction_types", kind, words),
            "is_cis": false,
            "cis_applicable_amount": null,
            "base_currency_cis_applicable_amount": null,
            "total_after_cis_deduction": null,
            "base_currency_total_after_cis_deduction": null,
            "has_cis_labour": false,
            "has_cis_materials": false,
            "contact": self.contact_reference(document.customer),
            "contact_name": customer.map(name_of),
            "contact_reference": customer.map(reference_of),
            "date": document.date.to_string(),
            "reference": "",
            "notes": document.note.as_deref().unwrap_or_default(),
            "terms_and_conditions": "",
            "sent": present.is_some_and(is_sent),
            "sent_by_email": false,
            "void_reason": (record.fate == Fate::Void).then_some("Voided in the sandbox"),
            "tax_address_region": null,
            "withholding_tax_rate": null,
            "withholding_tax_amount": null,
            "base_currency_withholding_tax_amount": null,
            "tax_reconciled": false,
            "migrated": false,
        })));
        // Numbers are told with their prefix; the sandbox's business has set none.
        let (prefix, name, lines) = if is_invoice {
            ("invoice_number_prefix", "invoice_number", "invoice_lines")
        } else {
            (
                "credit_note_number_prefix",
                "credit_note_number",
                "credit_note_lines",
            )
        };
        told.insert(prefix.to_owned(), json!(""));
        told.insert(name.to_owned(), json!(number));
        if is_invoice {
            told.insert(
                "due_date".to_owned(),
                json!(record.due().map(|due| due.to_string())),
            );
            told.insert("original_quote_estimate".to_owned(), Value::Null);
            told.insert("delivery_performance_date".to_owned(), Value::Null);
        } else {
            told.insert("original_invoice_date".to_owned(), Value::Null);
        }
        let sold = sold(document);
        told.insert(lines.to_owned(), self.lines(document, &sold));
        told.insert("tax_analysis".to_owned(), self.tax_analysis(&sold));
        told.insert("total_quantity".to_owned(), decimal(quantity(&sold)));
        told.extend(self.amounts(record, document));
        told.extend(self.addresses(record, document, customer));
        told
    }

    /// The amounts, in the document's currency and in the base currency. A void document keeps its own,
    /// and nothing is outstanding.
    fn amounts(&self, record: &Record<'_>, document: &Document) -> Map<String, Value> {
        let open = match record.fate {
            Fate::Void => Decimal::ZERO,
            _ => document.open,
        };
        let applied = match record.fate {
            Fate::Void => Vec::new(),
            _ => self.applied(record.key, document),
        };
        let paid: Decimal = applied.iter().map(|applied| applied.amount).sum();
        let last = applied.iter().map(|applied| applied.payment.date).max();
        let rate = document.rate;
        let (total, tax) = (document.total, document.tax);
        let net = total - tax;
        // Which of the two is the home currency's is not documented.
        let inverse = if rate.is_zero() {
            Decimal::ZERO
        } else {
            (Decimal::ONE / rate).round_dp(6)
        };
        let mut told = members(json!({
            "shipping_net_amount": "0.0",
            "shipping_tax_rate": self.tax_rate(false),
            "shipping_tax_amount": "0.0",
            "shipping_tax_breakdown": [],
            "shipping_total_amount": "0.0",
            "net_amount": decimal(net),
            "tax_amount": decimal(tax),
            "total_amount": decimal(total),
            "payments_allocations_total_amount": decimal(paid),
            "payments_allocations_total_discount": "0.0",
            "total_paid": decimal(paid),
            "outstanding_amount": decimal(open),
            "currency": currency(document.currency),
            "exchange_rate": decimal(rate),
            "inverse_exchange_rate": decimal(inverse),
            "base_currency_shipping_net_amount": "0.0",
            "base_currency_shipping_tax_amount": "0.0",
            "base_currency_shipping_tax_breakdown": [],
            "base_currency_shipping_total_amount": "0.0",
            "total_discount_amount": decimal(document.discount()),
            "base_currency_total_discount_amount": decimal(base(document.discount(), rate)),
            "base_currency_net_amount": decimal(base(net, rate)),
            "base_currency_tax_amount": decimal(base(tax, rate)),
            "base_currency_total_amount": decimal(base(total, rate)),
            "base_currency_outstanding_amount": decimal(base(open, rate)),
            "status": status(record.fate, total, open),
            // Recorded: empty where nothing was paid, not null.
            "last_paid": last.map_or(String::new(), |day| day.to_string()),
        }));
        if self.query.is("show_payments_allocations") {
            let told_of_all: Vec<Value> = applied.iter().map(|it| self.application(it)).collect();
            told.insert("payments_allocations".to_owned(), json!(told_of_all));
        }
        told
    }

    /// What was set against a document.
    fn applied<'b>(&'b self, key: Key, document: &Document) -> Vec<Applied<'b>> {
        let mut applied = Vec::new();
        for id in payments_on(document) {
            let Some(payment) = self.books().document(Kind::Payment, id) else {
                continue;
            };
            let split = split(self.books(), payment);
            let by_money = split.settled.iter().filter(|(debt, _)| *debt == key);
            let by_credit = split
                .pairs
                .iter()
                .filter(|pair| pair.debt == key || pair.credit == key);
            for (allocation, amount) in [
                (false, by_money.map(|(_, amount)| *amount).sum::<Decimal>()),
                (true, by_credit.map(|pair| pair.amount).sum::<Decimal>()),
            ] {
                if !amount.is_zero() {
                    applied.push(Applied {
                        payment,
                        allocation,
                        amount,
                    });
                }
            }
        }
        applied
    }

    fn application(&self, applied: &Applied<'_>) -> Value {
        let (member, list, tag, words) = if applied.allocation {
            let words = "Customer Allocation";
            (
                "contact_allocation",
                "contact_allocations",
                Tag::Allocation,
                words,
            )
        } else {
            let words = "Customer Receipt";
            ("contact_payment", "contact_payments", Tag::Payment, words)
        };
        let by = self.reference(list, Key::of(tag, applied.payment.id), words);
        json!({
            "date": applied.payment.date.to_string(),
            "type": words,
            "reference": applied.payment.number.as_deref().unwrap_or_default(),
            "amount": decimal(applied.amount),
            "discount": "0.0",
            "displayed_as": words,
            "negative_payment": false,
            (member): by,
        })
    }

    /// The addresses, copies of the contact's. Recorded: without a path.
    fn addresses(
        &self,
        record: &Record<'_>,
        document: &Document,
        customer: Option<&Entry>,
    ) -> Map<String, Value> {
        let own = document.extra.as_deref();
        let mut told = Map::new();
        for (which, (member, property, kind, words)) in [
            ("main_address", "BillAddr", "SALES", "Sales"),
            ("delivery_address", "ShipAddr", "DELIVERY", "Delivery"),
        ]
        .into_iter()
        .enumerate()
        {
            let address = own
                .and_then(|own| own.get(property))
                .or_else(|| customer?.properties.get(property));
            let free_form = format!("{member}_free_form");
            let Some(postal) = address.map(Postal::of) else {
                told.insert(member.to_owned(), Value::Null);
                told.insert(free_form, json!(""));
                continue;
            };
            let mut address = postal.members();
            let key = Key::part(Tag::Address, record.key.id, 2 + which);
            address.insert("id".to_owned(), json!(self.id(key)));
            address.insert("$path".to_owned(), json!(""));
            address.insert(
                "address_type".to_owned(),
                reference("address_types", kind, words),
            );
            told.insert(member.to_owned(), Value::Object(address));
            told.insert(free_form, json!(postal.words()));
        }
        told
    }
}

/// What a search for documents looks at: their number and the contact's name.
pub(in crate::sandbox::sage) fn document_words(
    document: &Document,
    contact: Option<&Entry>,
) -> String {
    let contact = contact.map(displayed_as).unwrap_or_default();
    format!("{} {contact}", number_of(document)).to_lowercase()
}
