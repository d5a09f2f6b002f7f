//! When a customer pays: two members of the contact, or of the business where the contact has none.
//! They have no id in Sage, so one is made of what they say.

use serde::{Deserialize, Serialize};

use super::convert::count_unknown;
use super::wire::{Contact, InvoiceSettings};
use crate::domain::books::PaymentTerms;
use crate::domain::records::TermsRecord;

/// Terms as they stand in a contact or in the settings of the business.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terms {
    /// How the days are counted (`date_from_invoice`).
    #[serde(rename = "w")]
    word: Option<String>,
    #[serde(rename = "d")]
    days: Option<u16>,
}

impl Terms {
    /// Those of the business.
    pub(super) fn of_business(settings: InvoiceSettings) -> Self {
        Self {
            word: settings.customer_credit_terms,
            days: settings.customer_credit_days,
        }
    }

    /// Those of a contact, each member from the business where the contact has none.
    pub(super) fn of_contact(contact: &Contact, business: &Self) -> Option<TermsRecord> {
        let word = contact.credit_terms.as_ref().or(business.word.as_ref());
        let days = contact.credit_days.or(business.days);
        record(word.map(String::as_str), days)
    }
}

fn record(word: Option<&str>, days: Option<u16>) -> Option<TermsRecord> {
    let terms = match (word, days) {
        (Some("immediate_invoice"), _) => PaymentTerms::Days(0),
        (Some("month_end_invoice"), Some(days)) => PaymentTerms::AfterMonthEnd { days },
        (Some("date_from_invoice") | None, Some(days)) => PaymentTerms::Days(days),
        (Some("date_from_invoice" | "month_end_invoice") | None, None) => return None,
        (Some(other), _) => {
            count_unknown("credit_terms", other);
            return None;
        }
    };
    let ledger_id = match (terms, days) {
        (PaymentTerms::Days(0), _) => "immediate_invoice".to_owned(),
        (PaymentTerms::AfterMonthEnd { days }, _) => format!("month_end_invoice:{days}"),
        (_, Some(days)) => format!("date_from_invoice:{days}"),
        (_, None) => return None,
    };
    Some(TermsRecord { ledger_id, terms })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(word: Option<&str>, days: Option<u16>) -> Option<(String, PaymentTerms)> {
        record(word, days).map(|record| (record.ledger_id, record.terms))
    }

    #[test]
    fn days_and_the_way_of_counting_make_terms_with_an_id() {
        let text = str::to_owned;
        assert_eq!(
            made(Some("date_from_invoice"), Some(30)),
            Some((text("date_from_invoice:30"), PaymentTerms::Days(30)))
        );
        assert_eq!(
            made(None, Some(30)),
            made(Some("date_from_invoice"), Some(30))
        );
        assert_eq!(
            made(Some("month_end_invoice"), Some(15)),
            Some((
                text("month_end_invoice:15"),
                PaymentTerms::AfterMonthEnd { days: 15 }
            ))
        );
        assert_eq!(
            made(Some("immediate_invoice"), Some(30)),
            Some((text("immediate_invoice"), PaymentTerms::Days(0)))
        );
    }

    #[test]
    fn terms_that_say_nothing_are_none() {
        assert_eq!(made(None, None), None);
        assert_eq!(made(Some("month_end_invoice"), None), None);
        assert_eq!(made(Some("whenever"), Some(3)), None);
    }
}
