//! The organization, and the lists that documents refer to: contacts with their terms, and items.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{Context, count_unknown, is};
use crate::domain::books::{Customer, Organization, PaymentTerms};
use crate::domain::ids::{CustomerId, ItemId};
use crate::domain::records::{CustomerRecord, ItemRecord, TermsRecord};
use crate::provider::ProviderResult;
use crate::provider::convert::Place;
use crate::provider::matching::{first_filled, normalized_email, normalized_tax_number};
use crate::provider::xero::wire;

/// Xero tells nowhere whether an organization may keep other currencies, so every document's own
/// currency is taken at its word.
const MULTICURRENCY: bool = true;

pub(in crate::provider::xero) fn organization(
    row: &wire::Organisation,
) -> ProviderResult<Organization> {
    let place = Place {
        entity: "Organisation",
        id: "",
    };
    let base = place.required("BaseCurrency", row.base_currency.as_deref())?;
    Ok(Organization {
        name: place.required("Name", row.name.as_deref())?.into(),
        base_currency: base
            .parse()
            .map_err(|_| place.fault("BaseCurrency", "this is no ISO 4217 code"))?,
        multicurrency: MULTICURRENCY,
        page_code: first_filled([&row.short_code]).map(Into::into),
    })
}

pub(super) fn item(row: &wire::Item) -> ItemRecord {
    ItemRecord {
        id: ItemId::new(row.id.as_str()),
        name: first_filled([&row.name, &row.code])
            .unwrap_or(&row.id)
            .into(),
    }
}

pub(super) fn customer(
    context: &Context<'_>,
    row: &wire::Contact,
) -> ProviderResult<(CustomerRecord, Option<TermsRecord>)> {
    let place = Place {
        entity: "Contact",
        id: &row.id,
    };
    let terms = row
        .payment_terms
        .as_ref()
        .and_then(|terms| terms.sales.as_ref())
        .and_then(terms);
    let currency = context.currency(place, "DefaultCurrency", row.default_currency.as_deref())?;
    let record = CustomerRecord {
        customer: Customer {
            id: CustomerId::new(row.id.as_str()),
            name: first_filled([&row.name]).unwrap_or(&row.id).into(),
            email: row.email_address.as_deref().and_then(normalized_email),
            tax_number: row.tax_number.as_deref().and_then(normalized_tax_number),
            parent: None,
            bill_with_parent: false,
            active: is(row.status.as_deref(), "ACTIVE"),
            currency,
            terms: None,
            ledger_balance: outstanding(row)
                .filter(|owed| owed.is_zero() || context.reference.base_currency == Some(currency)),
            ledger_balance_with_children: None,
            // Xero's screens have one; its API has none.
            credit_limit: None,
            changed_at: context.changed_at(row.updated_at),
        },
        terms_id: terms.as_ref().map(|terms| terms.ledger_id.clone()),
    };
    Ok((record, terms))
}

/// What the ledger says is owed. Every read that we make shows balances, so that none means nothing
/// is open, which is a known zero; balances without the figure mean that it is not known.
///
/// Xero's own pages disagree on the currency of the figure, so that of a contact with a foreign
/// currency of its own says something only where it is zero. Open documents in other currencies than
/// the contact's make the tie-out not checkable wherever they occur.
fn outstanding(row: &wire::Contact) -> Option<Decimal> {
    match &row.balances {
        None => Some(Decimal::ZERO),
        Some(balances) => balances.accounts_receivable.as_ref()?.outstanding,
    }
}

/// The terms of a contact have no id, so one is made of what they say.
fn terms(row: &wire::SalesTerms) -> Option<TermsRecord> {
    let word = row.kind.as_deref()?.trim().to_ascii_uppercase();
    let day = row.day?;
    let terms = match (word.as_str(), day.to_u16(), day.to_u8()) {
        ("DAYSAFTERBILLDATE", Some(days), _) => PaymentTerms::Days(days),
        ("DAYSAFTERBILLMONTH", Some(days), _) => PaymentTerms::AfterMonthEnd { days },
        ("OFCURRENTMONTH", _, Some(day @ 1..=31)) => {
            PaymentTerms::DayOfMonthAfter { day, months: 0 }
        }
        ("OFFOLLOWINGMONTH", _, Some(day @ 1..=31)) => {
            PaymentTerms::DayOfMonthAfter { day, months: 1 }
        }
        _ => {
            count_unknown("PaymentTerms.Sales", &word);
            return None;
        }
    };
    Some(TermsRecord {
        ledger_id: format!("{word}:{day}"),
        terms,
    })
}
