//! Reasons and insights in English words. A viewer without amounts gets none in a sentence either.

use rust_decimal::Decimal;

use super::money::Amounts;
use crate::domain::credit::{Reason, ReasonCode};
use crate::domain::insights::Insight;
use crate::domain::money::Money;

/// A reason of a decision.
pub(super) fn reason(reason: &Reason, amounts: Amounts) -> String {
    let amount = Amount(amounts, reason.amount);
    match reason.code {
        ReasonCode::NotLinked => "This contact is linked to no customer in the books.".to_owned(),
        ReasonCode::Syncing => "The books are still being read for the first time.".to_owned(),
        ReasonCode::Partial => "Part of the books could not be read yet.".to_owned(),
        ReasonCode::TooOld => "The figures are too old to decide on.".to_owned(),
        ReasonCode::NoRate => {
            "There is no exchange rate to compare what is owed with the limit.".to_owned()
        }
        ReasonCode::OverLimit => format!("The credit limit is exceeded{}.", amount.by()),
        ReasonCode::CashOnly => {
            format!("Cash only, and something is owed{}.", amount.in_brackets())
        }
        ReasonCode::LimitExpired => match reason.date {
            Some(date) => format!("The credit limit ended on {date}."),
            None => "The credit limit has ended.".to_owned(),
        },
        ReasonCode::LongOverdue => format!(
            "The oldest overdue document is {} past due{}.",
            days(reason.days),
            amount.in_brackets()
        ),
        ReasonCode::Overdue => match reason.days {
            Some(_) => format!(
                "Something is overdue, by up to {}{}.",
                days(reason.days),
                amount.in_brackets()
            ),
            None => format!("Something is overdue{}.", amount.in_brackets()),
        },
        ReasonCode::NearLimit => match reason.share {
            Some(share) => format!("{} of the credit limit is used.", percent(share)),
            None => "Most of the credit limit is used.".to_owned(),
        },
        ReasonCode::NoLimit => "No credit limit is set.".to_owned(),
        ReasonCode::TieOutDifference => {
            format!("Our figure and the ledger's own differ{}.", amount.by())
        }
        ReasonCode::Disconnected => {
            "The connection to the ledger is lost; these are the last known figures.".to_owned()
        }
        ReasonCode::InOrder => "Everything is in order.".to_owned(),
    }
}

/// Something that a rep should know before the call.
pub(super) fn insight(insight: &Insight, amounts: Amounts) -> String {
    match insight {
        Insight::SuddenlyLate {
            overdue_days,
            overdue,
            ..
        } => format!(
            "Usually pays on time, now {} late{}: a payment plan may help.",
            days(Some(*overdue_days)),
            Amount(amounts, Some(*overdue)).in_brackets()
        ),
        Insight::ChronicallyLate {
            days_beyond_terms,
            settled_count,
            ..
        } => format!(
            "Pays {} days beyond terms as a rule, by {settled_count} invoices: no discount.",
            days_beyond_terms.round()
        ),
        Insight::UnappliedReceipt {
            amount,
            received_on,
        } => format!(
            "A payment{} came in on {received_on} and is not applied yet: do not chase.",
            Amount(amounts, Some(*amount)).of()
        ),
        Insight::ReorderDue {
            item,
            last_bought,
            next_due,
        } => format!("{item} was last bought on {last_bought} and is usually due on {next_due}."),
        Insight::LimitNearlyUsed {
            utilization,
            headroom,
        } => format!(
            "{} of the credit limit is used{}.",
            percent(*utilization),
            match Amount(amounts, Some(*headroom)).text() {
                Some(left) => format!(", {left} is left"),
                None => String::new(),
            }
        ),
        Insight::LimitExpires { valid_to } => format!("The credit limit ends on {valid_to}."),
    }
}

/// An amount that may have to stay unsaid.
struct Amount(Amounts, Option<Money>);

impl Amount {
    fn text(&self) -> Option<String> {
        self.1
            .filter(|_| self.0.shown())
            .map(|money| Money::new(money.amount.abs(), money.currency).to_string())
    }

    fn wrapped(&self, before: &str, after: &str) -> String {
        self.text()
            .map_or_else(String::new, |text| format!("{before}{text}{after}"))
    }

    fn by(&self) -> String {
        self.wrapped(" by ", "")
    }

    fn of(&self) -> String {
        self.wrapped(" of ", "")
    }

    fn in_brackets(&self) -> String {
        self.wrapped(" (", ")")
    }
}

fn days(days: Option<u32>) -> String {
    match days {
        Some(1) => "1 day".to_owned(),
        Some(days) => format!("{days} days"),
        None => "some days".to_owned(),
    }
}

fn percent(share: Decimal) -> String {
    format!("{} %", (share * Decimal::ONE_HUNDRED).round())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sentence_tells_an_amount_that_is_hidden() {
        let money = Money::new(Decimal::new(123_456, 2), "USD".parse().expect("a code"));
        let over = Reason {
            amount: Some(money),
            ..Reason::bare(ReasonCode::OverLimit)
        };
        assert_eq!(
            reason(&over, Amounts::Shown),
            "The credit limit is exceeded by 1234.56 USD."
        );
        assert_eq!(
            reason(&over, Amounts::Hidden),
            "The credit limit is exceeded."
        );
        let late = Insight::SuddenlyLate {
            usual_days: Decimal::ZERO,
            overdue_days: 12,
            overdue: money,
        };
        assert!(!insight(&late, Amounts::Hidden).contains("1234"));
    }
}
