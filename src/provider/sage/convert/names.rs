//! The lists that documents refer to: items and customers.

use super::Context;
use crate::domain::books::Customer;
use crate::domain::ids::{CustomerId, ItemId};
use crate::domain::records::{CustomerRecord, ItemRecord, TermsRecord};
use crate::provider::ProviderResult;
use crate::provider::convert::Place;
use crate::provider::matching::{first_filled, normalized_email, normalized_tax_number};
use crate::provider::sage::terms::Terms;
use crate::provider::sage::wire;

pub(in crate::provider::sage) fn item(row: &wire::Item) -> ItemRecord {
    let name = [&row.description, &row.displayed_as, &row.code];
    ItemRecord {
        id: ItemId::new(row.id.as_str()),
        name: first_filled(name).unwrap_or(&row.id).into(),
    }
}

/// Whether a contact is a customer. One that does not say came from a list of customers.
pub(in crate::provider::sage) fn is_customer(row: &wire::Contact) -> bool {
    row.types.as_ref().is_none_or(|types| {
        types
            .iter()
            .any(|kind| kind.id.as_deref() == Some("CUSTOMER"))
    })
}

/// A customer with its terms; `business` are the terms of those that have none of their own.
pub(in crate::provider::sage) fn contact(
    context: &Context<'_>,
    row: &wire::Contact,
    business: &Terms,
) -> ProviderResult<(CustomerRecord, Option<TermsRecord>)> {
    let place = Place {
        entity: "contacts",
        id: &row.id,
    };
    let terms = Terms::of_contact(row, business);
    let record = CustomerRecord {
        customer: Customer {
            id: CustomerId::new(row.id.as_str()),
            name: first_filled([&row.name, &row.displayed_as])
                .unwrap_or(&row.id)
                .into(),
            email: row.email.as_deref().and_then(normalized_email),
            tax_number: row.tax_number.as_deref().and_then(normalized_tax_number),
            // Sage's contacts make no tree.
            parent: None,
            bill_with_parent: false,
            active: row.is_active.unwrap_or(true),
            currency: context.currency(place, row.currency.as_ref())?,
            terms: None,
            ledger_balance: row.balance,
            ledger_balance_with_children: None,
            credit_limit: row.credit_limit,
            changed_at: context.changed_at(place, row)?,
        },
        terms_id: terms.as_ref().map(|terms| terms.ledger_id.clone()),
    };
    Ok((record, terms))
}
