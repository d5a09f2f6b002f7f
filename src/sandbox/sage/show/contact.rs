//! Contacts, with their addresses and people.

use serde_json::{Map, Value, json};

use super::{Teller, alternate, currency, decimal, instant, members, reference};
use crate::sandbox::books::{Entry, List};
use crate::sandbox::sage::CreditTerms;
use crate::sandbox::sage::key::{Key, Tag};
use crate::sandbox::sage::record::{Made, Record};

/// A contact's unique reference, which the books have none of: made of its number.
pub(in crate::sandbox::sage) fn reference_of(contact: &Entry) -> String {
    format!("C-{:04}", contact.id)
}

/// A contact's name. QuickBooks marks an inactive customer in its name, which is not its name here.
pub(in crate::sandbox::sage) fn name_of(contact: &Entry) -> &str {
    let name = &*contact.name;
    match name.strip_suffix(" (deleted)") {
        Some(name) if !contact.active => name,
        _ => name,
    }
}

/// A contact's e-mail address; the first, where QuickBooks keeps several. Empty where there is none.
pub(in crate::sandbox::sage) fn email_of(contact: &Entry) -> &str {
    contact
        .properties
        .get("PrimaryEmailAddr")
        .and_then(|address| address.get("Address")?.as_str())
        .and_then(|addresses| addresses.split(',').next())
        .map_or("", str::trim)
}

/// The name with the reference, as recorded.
pub(in crate::sandbox::sage) fn displayed_as(contact: &Entry) -> String {
    format!("{} ({})", name_of(contact), reference_of(contact))
}

/// The lines of an address of the books.
pub(super) struct Postal {
    line_1: String,
    line_2: String,
    city: String,
    region: String,
    code: String,
    country: String,
}

impl Postal {
    /// From the object that QuickBooks tells.
    pub(super) fn of(address: &Value) -> Self {
        let text = |member: &str| address[member].as_str().unwrap_or_default().to_owned();
        Self {
            line_1: text("Line1"),
            line_2: text("Line2"),
            city: text("City"),
            region: text("CountrySubDivisionCode"),
            code: text("PostalCode"),
            country: text("Country"),
        }
    }

    /// As people write it.
    pub(super) fn words(&self) -> String {
        let parts = [
            &self.line_1,
            &self.line_2,
            &self.city,
            &self.region,
            &self.code,
        ];
        let parts: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        parts.join("\n")
    }

    /// The members that all addresses have beside their id. A country that is not said is the company's.
    pub(super) fn members(&self) -> Map<String, Value> {
        let (country, name) = match self.country.as_str() {
            "" | "USA" | "US" => ("US", "United States (US)"),
            other => (other, other),
        };
        members(json!({
            "displayed_as": self.words(),
            "address_line_1": self.line_1,
            "address_line_2": self.line_2,
            "city": self.city,
            "region": self.region,
            "postal_code": self.code,
            "country": reference("countries", country, name),
            "country_group": reference("country_groups", country, country),
        }))
    }
}

impl Teller<'_> {
    pub(super) fn contact(&self, record: &Record<'_>) -> Map<String, Value> {
        let Made::Entry(list, contact) = record.made else {
            return Map::new();
        };
        let is_customer = list == List::Customer;
        let (kind, kind_words) = if is_customer {
            ("CUSTOMER", "Customer")
        } else {
            ("VENDOR", "Supplier")
        };
        let page = if is_customer {
            "customers"
        } else {
            "suppliers"
        };
        let mut told = members(self.reference("contacts", record.key, &displayed_as(contact)));
        let property = |name: &str| contact.properties.get(name).cloned();
        let (days, terms) = self.terms(contact, is_customer);
        told.extend(members(json!({
            "links": [alternate(&format!("contacts/{page}/{}", contact.id))],
            "contact_types": [reference("contact_types", kind, kind_words)],
            "name": name_of(contact),
            "reference": reference_of(contact),
            "tax_number": property("PrimaryTaxIdentifier"),
            "notes": property("Notes").unwrap_or(json!("")),
            "locale": "en",
            "main_address": self.address(contact, 0),
            "main_contact_person": self.person(contact),
            "bank_account_details": {
                "account_name": null, "account_number": null, "sort_code": null,
                "bic": null, "iban": null,
            },
            "credit_limit": null,
            "credit_days": days,
            "credit_terms": terms,
            "source_guid": null,
            "currency": currency(contact.currency),
            "registered_number": null,
            "deletable": false,
            "tax_treatment": {
                "home_tax": true, "eu_tax_registered": false, "eu_not_tax_registered": false,
                "rest_of_world_tax": false, "is_importer": null,
            },
            "email": email_of(contact),
            // Recorded: empty, not null.
            "tax_calculation": "",
            "gdpr_obfuscated": false,
            "system": false,
            "has_unfinished_recurring_invoices": false,
            "cis_registered": false,
            "ni_based": false,
            "is_active": contact.active,
            "gb_based": false,
            "cis_settings": null,
            "destination_vat_blocking": false,
        })));
        if is_customer {
            told.extend(members(json!({
                "credit_limit": contact.credit_limit.map(decimal),
                "default_sales_ledger_account": self.sales_account(),
                "default_sales_tax_rate": self.tax_rate(false),
                "delivery_address": self.address(contact, 1),
                // Recorded: the text.
                "credit_terms_and_conditions": "null",
                "product_sales_price_type": self.price_type(),
            })));
        }
        // In the contact's currency, and positive when it is owed: neither is documented.
        if self.query.is("show_balance") {
            told.insert("balance".to_owned(), decimal(contact.balance));
        }
        told
    }

    /// Credit days and terms: what was set for this interface, else what the books' term comes to. Both
    /// are null for a contact without, for which the invoice settings count.
    fn terms(&self, contact: &Entry, is_customer: bool) -> (Value, Value) {
        let set = self.records.terms.of(contact.id).filter(|_| is_customer);
        if let Some(set) = set {
            let terms = set.from.map(CreditTerms::code);
            return (json!(set.days), json!(terms));
        }
        let days = contact
            .reference("SalesTermRef")
            .and_then(|term| self.books().name(List::Term, term))
            .and_then(|term| term.properties.get("DueDays")?.as_u64());
        match days {
            None => (Value::Null, Value::Null),
            Some(0) => (json!(0), json!("immediate_invoice")),
            Some(days) => (json!(days), json!("date_from_invoice")),
        }
    }

    /// An address, opened only where nested attributes are asked for.
    fn address(&self, contact: &Entry, which: usize) -> Value {
        let property = if which == 0 { "BillAddr" } else { "ShipAddr" };
        let Some(address) = contact.properties.get(property) else {
            return Value::Null;
        };
        let postal = Postal::of(address);
        let key = Key::part(Tag::Address, contact.id, which);
        let mut told = members(self.reference("addresses", key, &postal.words()));
        if self.query.get("nested_attributes").is_some() {
            let kind = if which == 0 {
                reference("address_types", "ACCOUNTS", "Accounts")
            } else {
                reference("address_types", "DELIVERY", "Delivery")
            };
            told.extend(postal.members());
            told.extend(members(json!({
                "contact": self.contact_reference(Some(contact.id)),
                "address_type": kind,
                "name": property,
                "is_main_address": which == 0,
                "created_at": instant(contact.stamp.created),
                "updated_at": instant(contact.stamp.written),
            })));
        }
        Value::Object(told)
    }

    /// The main contact person, opened only where nested attributes are asked for.
    fn person(&self, contact: &Entry) -> Value {
        let parts = [contact.text("GivenName"), contact.text("FamilyName")];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        let name = parts.join(" ");
        let email = email_of(contact);
        if name.is_empty() && email.is_empty() {
            return Value::Null;
        }
        let key = Key::of(Tag::Person, contact.id);
        let mut told = members(self.reference("contact_persons", key, &name));
        if self.query.get("nested_attributes").is_some() {
            let number = |property: &str| {
                contact
                    .properties
                    .get(property)
                    .and_then(|number| number.get("FreeFormNumber").cloned())
                    .unwrap_or(json!(""))
            };
            told.extend(members(json!({
                "contact_person_types": [
                    reference("contact_person_types", "ACCOUNTS", "Accounts"),
                ],
                "name": name,
                "job_title": "",
                "telephone": number("PrimaryPhone"),
                "mobile": number("Mobile"),
                "email": email,
                "fax": number("Fax"),
                "is_main_contact": true,
                "address": contact.properties.get("BillAddr").map(|address| {
                    let key = Key::part(Tag::Address, contact.id, 0);
                    self.reference("addresses", key, &Postal::of(address).words())
                }),
                "created_at": instant(contact.stamp.created),
                "updated_at": instant(contact.stamp.written),
            })));
        }
        Value::Object(told)
    }
}
