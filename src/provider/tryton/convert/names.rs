//! The company, its parties and its products.

use crate::domain::books::{Customer, Organization};
use crate::domain::records::{CustomerRecord, ItemRecord};
use crate::provider::ProviderResult;
use crate::provider::convert::Place;
use crate::provider::matching::{first_filled, normalized_email, normalized_tax_number};
use crate::provider::tryton::wire::{Company, Party, Product};

pub(in crate::provider::tryton) fn company_name(row: &Company) -> Option<&str> {
    let name = row.party.as_ref().map_or(&None, |party| &party.name);
    first_filled([name, &row.rec_name])
}

pub(in crate::provider::tryton) fn organization(
    id: i64,
    row: &Company,
) -> ProviderResult<Organization> {
    let id = id.to_string();
    let place = Place {
        entity: "company.company",
        id: &id,
    };
    let name = place.required("party.name", company_name(row))?;
    Ok(Organization {
        name: name.into(),
        base_currency: super::currency(place, "currency.code", row.currency.as_ref())?,
        // A company of Tryton may invoice in any currency that has a rate.
        multicurrency: true,
        page_code: None,
    })
}

pub(in crate::provider::tryton) fn customer(row: &Party) -> ProviderResult<CustomerRecord> {
    let id = row.id.to_string();
    let place = Place {
        entity: "party.party",
        id: &id,
    };
    let tax_number = row
        .tax_identifier
        .as_ref()
        .and_then(|one| one.code.as_ref());
    let customer = Customer {
        name: first_filled([&row.name, &row.code]).unwrap_or(&id).into(),
        email: row.email.as_deref().and_then(normalized_email),
        tax_number: tax_number.and_then(|code| normalized_tax_number(code)),
        parent: None,
        bill_with_parent: false,
        active: row.active.unwrap_or(true),
        // A party has the company's currency, whatever its invoices are in.
        currency: super::currency(place, "currency.code", row.currency.as_ref())?,
        terms: None,
        ledger_balance: row.receivable,
        ledger_balance_with_children: None,
        credit_limit: row.credit_limit_amount,
        changed_at: super::changed_at(place, row.write_date, row.create_date)?,
        id: id.as_str().into(),
    };
    Ok(CustomerRecord {
        customer,
        terms_id: None,
    })
}

pub(in crate::provider::tryton) fn item(row: &Product) -> ItemRecord {
    let id = row.id.to_string();
    let name = first_filled([&row.name, &row.code]).unwrap_or(&id).into();
    ItemRecord {
        id: id.into(),
        name,
    }
}
