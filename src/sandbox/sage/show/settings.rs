//! What belongs to the business itself: its settings, and the lists that never change.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::lines::SALES_TAX;
use super::{STATUSES, Teller, currency, decimal, entry, instant, members, payment, reference};
use crate::sandbox::books::{Books, List};
use crate::sandbox::sage::key::{Key, Tag};

/// The tax rates: none, and the one sales tax.
const RATES: [(&str, Decimal); 2] = [("No Tax", Decimal::ZERO), ("Sales Tax", SALES_TAX)];

/// A business that is asked about itself.
#[derive(Clone, Copy, Debug)]
pub(in crate::sandbox::sage) struct Settings<'a> {
    pub(in crate::sandbox::sage) books: &'a Books,
    pub(in crate::sandbox::sage) started: Timestamp,
}

impl Settings<'_> {
    /// What invoices start with, the default terms among it.
    pub(in crate::sandbox::sage) fn invoices(&self) -> Value {
        let days = self
            .books
            .default_term
            .and_then(|term| self.books.name(List::Term, term))
            .and_then(|term| term.properties.get("DueDays").cloned());
        json!({
            "$path": "/invoice_settings",
            "separate_invoice_credit_note_numbering": false,
            "sales_invoice_number_prefix": "",
            "sales_credit_note_number_prefix": "",
            "invoice_terms_and_conditions": "",
            "default_note_on_invoice": "",
            "default_note_on_credit_note": "",
            "quick_entry_prefix": "QE-",
            "customer_credit_days": days,
            "vendor_credit_days": days,
            "customer_credit_terms": "date_from_invoice",
            "vendor_credit_terms": "date_from_invoice",
            "updated_at": instant(self.started),
        })
    }

    /// The base currency, and whether there are others.
    pub(in crate::sandbox::sage) fn finances(&self) -> Value {
        json!({
            "$path": "/financial_settings",
            "year_end_date": "2021-12-31",
            "year_end_lockdown_date": null,
            "accounting_type": "accrual",
            "accounts_start_date": null,
            "base_currency": currency(self.books.home),
            "multi_currency_enabled": self.books.multicurrency,
            "use_live_exchange_rates": true,
            "mtd_activation_status": "mtd_unavailable",
            "mtd_connected": false,
            "mtd_authenticated_date": "",
            "tax_scheme": reference("tax_schemes", "NOT_REGISTERED", "Not Registered"),
            "tax_return_frequency": null,
            "tax_number": null,
            "general_tax_number": "",
            "tax_office": null,
            "default_irpf_rate": "0.0",
            "flat_rate_tax_percentage": null,
            "recoverable_percentage": null,
            "sales_tax_calculation": null,
            "purchase_tax_calculation": null,
            "updated_at": instant(self.started),
            "postponed_accounting": false,
            "destination_vat": false,
        })
    }
}

/// What a business has subscribed to.
pub(in crate::sandbox::sage) fn subscriptions(active: bool, started: Timestamp) -> Value {
    json!([{
        "id": "ACCOUNTING",
        "displayed_as": "Accounting",
        "active": active,
        "status": if active { "active" } else { "cancelled" },
        "created_at": instant(started),
        "updated_at": instant(started),
    }])
}

impl Teller<'_> {
    /// A reference to a tax rate.
    pub(super) fn tax_rate(&self, taxed: bool) -> Value {
        let which = usize::from(taxed);
        let (name, percentage) = RATES[which];
        let words = if taxed {
            format!("{name} {percentage:.2}%")
        } else {
            name.to_owned()
        };
        self.reference("tax_rates", Key::part(Tag::TaxRate, 0, which), &words)
    }

    /// The items of a list that never changes; `None` for a path that is no such list.
    pub(in crate::sandbox::sage) fn fixed(
        &self,
        path: &str,
        started: Timestamp,
    ) -> Option<Vec<Map<String, Value>>> {
        let named = |list: &str, names: &[(&str, &str)]| {
            let tell = |(id, words): &(&str, &str)| members(reference(list, id, words));
            Some(names.iter().map(tell).collect())
        };
        match path {
            // Recorded.
            "contact_types" => named(path, &[("CUSTOMER", "Customer"), ("VENDOR", "Supplier")]),
            "artefact_statuses" => named(path, &STATUSES),
            "quick_entry_types" | "contact_opening_balance_types" => {
                named(path, &entry::ENTRY_TYPES)
            }
            "transaction_types" => {
                let mut types = vec![
                    ("SALES_INVOICE", "Sales Invoice"),
                    ("SALES_CREDIT_NOTE", "Sales Credit Note"),
                    ("SALES_QUICK_ENTRY", "Sales Quick Entry"),
                    ("CUSTOMER_ALLOCATION", "Customer Allocation"),
                    ("CUSTOMER_OPENING_BALANCE", "Customer Opening Balance"),
                ];
                types.extend(payment::PAYMENT_TYPES);
                named(path, &types)
            }
            "tax_rates" => Some(
                RATES
                    .into_iter()
                    .enumerate()
                    .map(|(which, (name, percentage))| {
                        let mut told = members(self.tax_rate(which == 1));
                        told.extend(members(json!({
                            "created_at": instant(started),
                            "updated_at": instant(started),
                            "name": name,
                            "agency": null,
                            "percentage": decimal(percentage),
                            "percentages": [{
                                "percentage": decimal(percentage),
                                "from_date": "2000-01-01",
                                "to_date": null,
                            }],
                            "is_visible": true,
                            "retailer": false,
                            "editable": false,
                            "deletable": false,
                            "is_combined_rate": false,
                            "component_tax_rates": [],
                        })));
                        told
                    })
                    .collect(),
            ),
            _ => None,
        }
    }
}
