//! Contacts as they are shown.

use serde_json::{Map, Value, json};

use super::{Form, Show};
use crate::sandbox::books::{Books, Entry, Id, List, Merged};
use crate::sandbox::xero::rows::Owes;
use crate::sandbox::xero::wire::{instant, kind, money};

/// The types of address, both always there.
const ADDRESSES: [(&str, &str); 2] = [("POBOX", "BillAddr"), ("STREET", "ShipAddr")];
/// The types of telephone, all always there.
const PHONES: [(&str, &str); 4] = [
    ("DDI", "AlternatePhone"),
    ("DEFAULT", "PrimaryPhone"),
    ("FAX", "Fax"),
    ("MOBILE", "Mobile"),
];
/// How the parts of an address are called here and in the books.
const ADDRESS_PARTS: [(&str, &str); 8] = [
    ("AddressLine1", "Line1"),
    ("AddressLine2", "Line2"),
    ("AddressLine3", "Line3"),
    ("AddressLine4", "Line4"),
    ("City", "City"),
    ("Region", "CountrySubDivisionCode"),
    ("PostalCode", "PostalCode"),
    ("Country", "Country"),
];

/// Payment terms: so many days after the invoice.
pub(super) fn terms(books: &Books, term: Id) -> Option<Value> {
    let days = books
        .name(List::Term, term)?
        .properties
        .get("DueDays")?
        .as_i64()?;
    Some(json!({"Sales": {"Day": days, "Type": "DAYSAFTERBILLDATE"}}))
}

fn addresses(contact: &Entry) -> Value {
    let shown = ADDRESSES.iter().map(|(kind, property)| {
        let mut address = json!({"AddressType": kind});
        if let Some(kept) = contact.properties.get(*property) {
            for (part, name) in ADDRESS_PARTS {
                if let Some(text) = kept.get(name).and_then(Value::as_str) {
                    address[part] = json!(text);
                }
            }
        }
        address
    });
    shown.collect()
}

fn phones(contact: &Entry) -> Value {
    let shown = PHONES.iter().map(|(kind, property)| {
        let mut phone = json!({"PhoneType": kind});
        let number = contact
            .properties
            .get(*property)
            .and_then(|kept| kept.get("FreeFormNumber"))
            .and_then(Value::as_str);
        if let Some(number) = number {
            phone["PhoneNumber"] = json!(number);
            phone["PhoneAreaCode"] = json!("");
            phone["PhoneCountryCode"] = json!("");
        }
        phone
    });
    shown.collect()
}

impl Show<'_> {
    /// What every form of a contact has.
    fn core(&self, contact: &Entry) -> Map<String, Value> {
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| {
            shown.insert(name.to_owned(), value);
        };
        put("ContactID", json!(self.id(kind::CONTACT, contact.id)));
        put(
            "ContactStatus",
            json!(if contact.active { "ACTIVE" } else { "ARCHIVED" }),
        );
        put("Name", json!(contact.name.as_ref()));
        for (name, property) in [("FirstName", "GivenName"), ("LastName", "FamilyName")] {
            if let Some(text) = contact.text(property) {
                put(name, json!(text));
            }
        }
        let email = contact
            .properties
            .get("PrimaryEmailAddr")
            .and_then(|email| email.get("Address"))
            .and_then(Value::as_str);
        if let Some(email) = email {
            put("EmailAddress", json!(email));
        }
        put("Phones", phones(contact));
        put("UpdatedDateUTC", json!(instant(contact.stamp.written)));
        if contact.currency != self.books.home {
            put("DefaultCurrency", json!(contact.currency.code()));
        }
        put("HasValidationErrors", json!(false));
        shown
    }

    /// A contact inside a document that is read by its id.
    pub(super) fn opened_contact(&self, contact: &Entry) -> Value {
        let mut shown = self.core(contact);
        for (name, value) in [
            ("Addresses", addresses(contact)),
            ("ContactGroups", json!([])),
            ("IsSupplier", json!(false)),
            ("IsCustomer", json!(true)),
            ("SalesTrackingCategories", json!([])),
            ("PurchasesTrackingCategories", json!([])),
            ("ContactPersons", json!([])),
        ] {
            shown.insert(name.to_owned(), value);
        }
        Value::Object(shown)
    }

    /// A contact that another one took in: archived, and in pages and by its id it says by whom.
    pub(super) fn merged_contact(&self, merged: &Merged, form: Form) -> Value {
        let mut shown = self.contact(&merged.customer, form, None);
        shown["ContactStatus"] = json!("ARCHIVED");
        shown["UpdatedDateUTC"] = json!(instant(merged.at));
        if form.is_full() {
            shown["MergedToContactID"] = json!(self.id(kind::CONTACT, merged.into));
        }
        shown
    }

    /// A contact.
    pub(super) fn contact(&self, contact: &Entry, form: Form, owes: Option<&Owes>) -> Value {
        let mut shown = self.core(contact);
        let mut put = |name: &str, value: Value| {
            shown.insert(name.to_owned(), value);
        };
        put("HasAttachments", json!(false));
        if form.is_summary() {
            return Value::Object(shown);
        }
        put("Addresses", addresses(contact));
        put("ContactGroups", json!([]));
        put("ContactPersons", json!([]));
        put("IsSupplier", json!(false));
        put(
            "IsCustomer",
            json!(owes.is_some_and(|owes| owes.is_customer)),
        );
        if let Some(owes) = owes.filter(|owes| owes.open) {
            put(
                "Balances",
                json!({
                    "AccountsReceivable": {
                        "Outstanding": money(owes.outstanding), "Overdue": money(owes.overdue),
                    },
                    "AccountsPayable": {
                        "Outstanding": money(rust_decimal::Decimal::ZERO),
                        "Overdue": money(rust_decimal::Decimal::ZERO),
                    },
                }),
            );
        }
        if form.is_full()
            && let Some(terms) = contact
                .reference("SalesTermRef")
                .and_then(|term| terms(self.books, term))
        {
            put("PaymentTerms", terms);
        }
        if form.is_single() {
            put("Attachments", json!([]));
        }
        Value::Object(shown)
    }
}
