//! Records and the organisation as they are shown.

mod contact;
mod payment;
mod sales;

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::ledger;
use super::rows::{Owes, Resource, Row, Shown};
use super::wire::{self, day, day_string, instant, instant_string, kind, money};
use crate::sandbox::books::{Books, Cash, Detail, Document, Id, Kind, List};
use crate::sandbox::guid::Guid;

/// The account that all sales go to.
const SALES: (u64, &str) = (1, "200");

/// How a record is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Extent {
    /// In a list without pages.
    #[default]
    Listed,
    /// In a page.
    Paged,
    /// In a page of short forms.
    Summary,
    /// By its id.
    Single,
}

/// How much of a record is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Form {
    pub(super) extent: Extent,
    /// Unit prices with four decimals.
    pub(super) precise: bool,
}

impl Form {
    fn is_single(self) -> bool {
        self.extent == Extent::Single
    }

    fn is_summary(self) -> bool {
        self.extent == Extent::Summary
    }

    /// With lines, and a contact with its payment terms.
    fn is_full(self) -> bool {
        matches!(self.extent, Extent::Paged | Extent::Single)
    }
}

/// Shows records of a company.
#[derive(Clone, Copy)]
pub(super) struct Show<'a> {
    pub(super) books: &'a Books,
    pub(super) realm: &'a str,
    /// The day in the organisation's zone.
    pub(super) today: Date,
}

impl<'a> Show<'a> {
    pub(super) fn id(&self, kind: u8, id: Id) -> String {
        wire::id(self.realm, kind, id)
    }

    /// A row of a list.
    pub(super) fn row(
        &self,
        resource: Resource,
        row: &Row,
        form: Form,
        owes: Option<&HashMap<Id, Owes>>,
    ) -> Value {
        if resource == Resource::Payments {
            return self.payment(row);
        }
        let found = match (resource, row.shown) {
            (Resource::Contacts, Shown::Live(id)) => self
                .books
                .name(List::Customer, id)
                .map(|contact| self.contact(contact, form, owes.and_then(|all| all.get(&id)))),
            (Resource::Contacts, Shown::Merged(id)) => self
                .books
                .merged()
                .get(&id)
                .map(|merged| self.merged_contact(merged, form)),
            (Resource::Items, Shown::Live(id)) => self.item(id),
            _ => self.document(resource, row).map(|(document, status)| {
                let updated = row.updated;
                match resource {
                    Resource::Invoices => self.invoice(document, status, updated, form),
                    Resource::CreditNotes => self.credit_note(document, status, updated, form),
                    _ => self.receipt(resource, document, status, updated, form),
                }
            }),
        };
        found.unwrap_or(Value::Null)
    }

    /// The document that a row shows, as it was before it was voided or deleted, and the status that it
    /// has for that.
    fn document(
        &self,
        resource: Resource,
        row: &Row,
    ) -> Option<(&'a Document, Option<&'static str>)> {
        let kind = match resource {
            Resource::Invoices => Kind::Invoice,
            Resource::CreditNotes => Kind::CreditMemo,
            _ => Kind::Payment,
        };
        match row.shown {
            Shown::Live(id) => match self.books.before_void(id) {
                Some(before) => Some((before, Some("VOIDED"))),
                None => Some((self.books.document(kind, id)?, None)),
            },
            Shown::Gone(at) => {
                let tombstone = self.books.tombstones().get(at)?;
                let before = self.books.before_void(tombstone.id);
                let status = match kind {
                    // Money on account is not deleted.
                    Kind::Payment => "VOIDED",
                    _ if before.is_some() => "VOIDED",
                    _ => "DELETED",
                };
                Some((before.unwrap_or(&tombstone.document), Some(status)))
            }
            Shown::Merged(_) | Shown::Cash(..) | Shown::Undone(..) => None,
        }
    }

    /// A property that a filter asks for, where it is known without showing the row: filters by contact
    /// would else show all of a list.
    pub(super) fn quick(&self, resource: Resource, row: &Row, path: &[String]) -> Option<Value> {
        let is =
            |at: usize, name: &str| path.get(at).is_some_and(|it| it.eq_ignore_ascii_case(name));
        if path.len() == 1 && is(0, "Type") {
            return match resource {
                Resource::Invoices => Some(json!("ACCREC")),
                Resource::CreditNotes => Some(json!("ACCRECCREDIT")),
                Resource::Overpayments => Some(json!("RECEIVE-OVERPAYMENT")),
                Resource::Prepayments => Some(json!("RECEIVE-PREPAYMENT")),
                Resource::Contacts | Resource::Payments | Resource::Items => None,
            };
        }
        if path.len() == 2 && is(0, "Contact") && is(1, "ContactID") {
            let (document, _) = self.document(resource, row)?;
            let customer = self.books.present_customer(document.customer?);
            return Some(json!(self.id(kind::CONTACT, customer)));
        }
        None
    }

    /// The day that a row is sorted by.
    pub(super) fn date(&self, resource: Resource, row: &Row) -> Date {
        let found = match row.shown {
            Shown::Cash(payment, cash) => self.cash_date(payment, cash),
            Shown::Undone(payment, at) => self
                .books
                .undone_of(payment)
                .get(at)
                .map(|undone| undone.date),
            _ => self
                .document(resource, row)
                .map(|(document, _)| document.date),
        };
        found.unwrap_or_default()
    }

    /// When money moved: with the payment, or with the expense that paid it out.
    fn cash_date(&self, payment: Id, cash: Cash) -> Option<Date> {
        let document = match cash.kind {
            Kind::Purchase => self.books.document(Kind::Purchase, cash.to),
            _ => self.books.document(Kind::Payment, payment),
        };
        document.map(|document| document.date)
    }

    /// A contact inside another record: its id and name only.
    pub(super) fn nested_contact(&self, customer: Option<Id>) -> Value {
        let customer = customer.map(|id| self.books.present_customer(id));
        let name = customer
            .and_then(|id| self.books.name(List::Customer, id))
            .map(|name| name.name.as_ref())
            .unwrap_or_default();
        json!({
            "ContactID": self.id(kind::CONTACT, customer.unwrap_or_default()),
            "Name": name,
            "Addresses": [],
            "Phones": [],
            "ContactGroups": [],
            "ContactPersons": [],
            "HasValidationErrors": false,
        })
    }

    /// An invoice inside an allocation.
    fn nested_invoice(&self, invoice: &Document) -> Value {
        json!({
            "InvoiceID": self.id(kind::INVOICE, invoice.id),
            "InvoiceNumber": invoice.number.as_deref().unwrap_or_default(),
            "Payments": [],
            "CreditNotes": [],
            "Prepayments": [],
            "Overpayments": [],
            "IsDiscounted": false,
            "InvoiceAddresses": [],
            "HasErrors": false,
            "InvoicePaymentServices": [],
            "LineItems": [],
        })
    }

    /// What sales documents and money on account have in common.
    fn common(
        &self,
        document: &Document,
        status: &str,
        updated: Timestamp,
        form: Form,
    ) -> Map<String, Value> {
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| {
            shown.insert(name.to_owned(), value);
        };
        let contact = document
            .customer
            .map(|id| self.books.present_customer(id))
            .and_then(|id| self.books.name(List::Customer, id));
        put(
            "Contact",
            match contact {
                Some(contact) if form.is_single() => self.opened_contact(contact),
                _ => self.nested_contact(document.customer),
            },
        );
        put("HasAttachments", json!(false));
        put("DateString", json!(day_string(document.date)));
        put("Date", json!(day(document.date)));
        put("Status", json!(status));
        put("LineAmountTypes", json!("Exclusive"));
        if !form.is_summary() {
            put(
                "LineItems",
                if form.is_full() {
                    self.lines(document, form)
                } else {
                    json!([])
                },
            );
        }
        put("SubTotal", money(document.total - document.tax));
        put("TotalTax", money(document.tax));
        put("Total", money(document.total));
        put("UpdatedDateUTC", json!(instant(updated)));
        put("UpdatedDateUTCString", json!(instant_string(updated)));
        put("CurrencyCode", json!(document.currency.code()));
        // Seen with 1, and seen without, in documents of the home currency.
        if document.currency != self.books.home {
            put("CurrencyRate", wire::rate(document.rate));
        } else if document.id.is_multiple_of(2) {
            put("CurrencyRate", wire::rate(Decimal::ONE));
        }
        shown
    }

    fn lines(&self, document: &Document, form: Form) -> Value {
        let taxes = ledger::line_taxes(document);
        let lines = document.lines.iter().enumerate().map(|(at, line)| {
            let part = u64::try_from(at).unwrap_or_default();
            let guid = Guid {
                part,
                ..Guid::of(kind::LINE, document.id)
            };
            let mut shown = json!({
                "LineItemID": guid.hyphenated(self.realm),
                "Tracking": [],
                "Quantity": wire::quantity(Decimal::ONE),
                "TaxAmount": money(taxes.get(at).copied().unwrap_or_default()),
                "LineAmount": money(line.amount),
                "UnitAmount": wire::price(line.amount, form.precise),
            });
            if let Some(description) = &line.description {
                shown["Description"] = json!(description.as_ref());
            }
            let mut accounted = true;
            match line.detail {
                Detail::Sale {
                    item,
                    quantity,
                    price,
                    taxable,
                } => {
                    if let Some(quantity) = quantity {
                        shown["Quantity"] = wire::quantity(quantity);
                    }
                    if let Some(price) = price {
                        shown["UnitAmount"] = wire::price(price, form.precise);
                    }
                    shown["TaxType"] = json!(if taxable { "OUTPUT" } else { "NONE" });
                    if let Some(named) = self.books.name(List::Item, item) {
                        let code = self.item_code(item);
                        shown["ItemCode"] = json!(code);
                        shown["Item"] = json!({
                            "ItemID": self.id(kind::ITEM, item),
                            "Name": named.name.as_ref(),
                            "Code": code,
                        });
                        if line.description.is_none() {
                            shown["Description"] = json!(named.name.as_ref());
                        }
                    }
                }
                Detail::Discount { .. } => {
                    shown["Description"] = json!("Discount");
                    shown["LineAmount"] = money(-line.amount);
                    shown["UnitAmount"] = wire::price(-line.amount, form.precise);
                    shown["TaxType"] = json!("NONE");
                }
                _ => accounted = false,
            }
            if accounted {
                shown["AccountCode"] = json!(SALES.1);
                shown["AccountID"] = json!(self.id(kind::ACCOUNT, SALES.0));
            }
            if form.is_single() {
                shown["ValidationErrors"] = json!([]);
            }
            shown
        });
        Value::Array(lines.collect())
    }

    /// A document that is there, or was.
    fn past_document(&self, kind: Kind, id: Id) -> Option<&'a Document> {
        self.books.document(kind, id).or_else(|| {
            self.books
                .tombstones()
                .iter()
                .find(|tombstone| tombstone.kind == kind && tombstone.id == id)
                .map(|tombstone| tombstone.document.as_ref())
        })
    }

    /// The code of an item: what the books call its stock-keeping unit.
    fn item_code(&self, item: Id) -> String {
        self.books
            .name(List::Item, item)
            .and_then(|item| item.text("Sku"))
            .map_or_else(
                || format!("ITEM-{item}"),
                |code| code.chars().take(30).collect(),
            )
    }

    fn item(&self, id: Id) -> Option<Value> {
        let item = self.books.name(List::Item, id)?;
        let price = item
            .properties
            .get("UnitPrice")
            .and_then(|price| price.to_string().trim_matches('"').parse::<Decimal>().ok())
            .unwrap_or_default();
        let description = item.text("Description").unwrap_or(&item.name);
        Some(json!({
            "ItemID": self.id(kind::ITEM, id),
            "Code": self.item_code(id),
            "Description": description,
            "PurchaseDescription": description,
            "UpdatedDateUTC": instant(item.stamp.written),
            "PurchaseDetails": {},
            "SalesDetails": {
                "UnitPrice": money(price), "AccountCode": SALES.1, "TaxType": "OUTPUT",
            },
            "Name": item.name.as_ref(),
            "IsTrackedAsInventory": false,
            "IsSold": true,
            "IsPurchased": true,
        }))
    }

    /// The organisation.
    pub(super) fn organisation(&self, name: &str, started: Timestamp) -> Value {
        let terms = self
            .books
            .default_term
            .and_then(|term| contact::terms(self.books, term));
        json!({
            "Name": name,
            "LegalName": name,
            "PaysTax": true,
            "Version": "US",
            "OrganisationType": "COMPANY",
            "BaseCurrency": self.books.home.code(),
            "CountryCode": "US",
            "IsDemoCompany": false,
            "OrganisationStatus": "ACTIVE",
            "TaxNumber": "101-2-303",
            "FinancialYearEndDay": 31,
            "FinancialYearEndMonth": 12,
            "SalesTaxBasis": "ACCRUALS",
            "SalesTaxPeriod": "3MONTHLY",
            "DefaultSalesTax": "Remember previous",
            "DefaultPurchasesTax": "Remember previous",
            "CreatedDateUTC": wire::bare_instant(started),
            "OrganisationEntityType": "COMPANY",
            "Timezone": "PACIFICSTANDARDTIME",
            "ShortCode": wire::short_code(self.realm),
            "OrganisationID": wire::tenant_id(self.realm),
            "Edition": "BUSINESS",
            "Class": "PREMIUM",
            "Addresses": [{
                "AddressType": "POBOX", "AddressLine1": "123 Sierra Way", "AddressLine2": "",
                "City": "San Pablo", "Region": "CA", "PostalCode": "87999", "Country": "USA",
                "AttentionTo": "",
            }],
            "Phones": [{
                "PhoneType": "OFFICE", "PhoneNumber": "555-0100", "PhoneAreaCode": "650",
            }],
            "ExternalLinks": [],
            "PaymentTerms": terms.unwrap_or_else(|| json!({})),
            "TaxNumberName": "Tax reg",
        })
    }
}

/// Whether money on account is a prepayment.
fn is_ahead(payment: &Document) -> bool {
    payment.on_account == crate::sandbox::books::OnAccount::Ahead
}

fn receipt_kind(payment: &Document) -> u8 {
    if is_ahead(payment) {
        kind::PREPAYMENT
    } else {
        kind::OVERPAYMENT
    }
}
