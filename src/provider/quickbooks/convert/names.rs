//! The lists that documents refer to: accounts, terms, items and customers. None of them is ever
//! deleted; what QuickBooks calls inactive stays, since old documents refer to it.

use super::{Context, Place, count_unknown};
use crate::domain::books::{Customer, PaymentTerms};
use crate::domain::ids::{CustomerId, ItemId};
use crate::domain::records::{AccountRecord, CustomerRecord, ItemRecord, TermsRecord};
use crate::provider::ProviderResult;
use crate::provider::matching::{first_filled, normalized_email, normalized_tax_number};
use crate::provider::quickbooks::scalar::same_word;
use crate::provider::quickbooks::wire;

pub(super) fn account(row: &wire::Account) -> AccountRecord {
    let kind = row.kind.as_deref().unwrap_or_default();
    AccountRecord {
        ledger_id: row.id.clone(),
        receivables: same_word(kind, "AccountsReceivable"),
    }
}

/// Terms that say neither days nor a day of the month yield nothing: their customers then have none.
pub(super) fn terms(row: &wire::Term) -> Option<TermsRecord> {
    let terms = match (row.due_days, row.day_of_month_due) {
        (_, Some(day @ 1..=31)) if !is_standard(row) => PaymentTerms::DayOfMonth {
            day,
            cutoff_days: row.due_next_month_days.unwrap_or(0),
        },
        (Some(days), _) => PaymentTerms::Days(days),
        _ => {
            count_unknown("Term.Type", row.kind.as_deref().unwrap_or_default());
            return None;
        }
    };
    Some(TermsRecord {
        ledger_id: row.id.clone(),
        terms,
    })
}

fn is_standard(row: &wire::Term) -> bool {
    row.kind
        .as_deref()
        .is_some_and(|kind| same_word(kind, "Standard"))
}

pub(super) fn item(row: &wire::Item) -> ItemRecord {
    let name = [&row.fully_qualified_name, &row.name];
    ItemRecord {
        id: ItemId::new(row.id.as_str()),
        name: first_filled(name).unwrap_or(&row.id).into(),
    }
}

pub(super) fn customer(
    context: &Context<'_>,
    row: &wire::Customer,
) -> ProviderResult<CustomerRecord> {
    let place = Place {
        entity: "Customer",
        id: &row.id,
    };
    let name = [
        &row.display_name,
        &row.fully_qualified_name,
        &row.company_name,
    ];
    let email = row
        .primary_email_addr
        .as_ref()
        .and_then(|email| email.address.as_deref());
    let tax_number = [
        &row.primary_tax_identifier,
        &row.business_number,
        &row.gstin,
    ];
    Ok(CustomerRecord {
        customer: Customer {
            id: CustomerId::new(row.id.as_str()),
            name: first_filled(name).unwrap_or(&row.id).into(),
            email: email.and_then(normalized_email),
            tax_number: tax_number
                .into_iter()
                .flatten()
                .find_map(|text| normalized_tax_number(text)),
            parent: wire::Reference::id(row.parent_ref.as_ref()).map(CustomerId::from),
            bill_with_parent: row.bill_with_parent.unwrap_or(false),
            active: row.active.unwrap_or(true),
            currency: context.currency(place, row.currency_ref.as_ref())?,
            terms: None,
            ledger_balance: row.balance,
            ledger_balance_with_children: row.balance_with_jobs,
            // QuickBooks Online has none.
            credit_limit: None,
            changed_at: context.changed_at(place, row)?,
        },
        terms_id: wire::Reference::id(row.sales_term_ref.as_ref()).map(str::to_owned),
    })
}
