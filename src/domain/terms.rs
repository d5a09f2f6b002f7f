//! When a document is due.

use jiff::ToSpan;
use jiff::civil::Date;

use super::books::PaymentTerms;
use super::document::Document;

/// A due date, and whether the issue date had to stand in for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The date.
    pub on: Date,
    /// Whether neither the document nor the customer's terms say when it is due.
    pub assumed: bool,
}

impl Due {
    /// The document's own due date; else its date and the customer's terms; else its date, assumed.
    pub fn of(document: &Document, terms: Option<PaymentTerms>) -> Self {
        let stated = document
            .due_on
            .or_else(|| terms.map(|terms| terms.due_on(document.issued_on)));
        Self {
            on: stated.unwrap_or(document.issued_on),
            assumed: stated.is_none(),
        }
    }
}

impl PaymentTerms {
    /// When a document of a date is due by these terms.
    pub fn due_on(self, issued_on: Date) -> Date {
        match self {
            Self::Days(days) => issued_on.saturating_add(i32::from(days).days()),
            Self::DayOfMonth { day, cutoff_days } => {
                let this_month = on_day(issued_on, day);
                let due = if this_month < issued_on {
                    on_day(a_month_later(issued_on), day)
                } else {
                    this_month
                };
                let left = days_between(issued_on, due);
                if cutoff_days > 0 && left <= i32::from(cutoff_days) {
                    on_day(a_month_later(due), day)
                } else {
                    due
                }
            }
        }
    }
}

/// Whole days from one date to another; negative when the second is the earlier.
pub fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// The day of a date's month, or the month's last where it has fewer days.
fn on_day(date: Date, day: u8) -> Date {
    let day = i8::try_from(day).unwrap_or(i8::MAX);
    let clipped = day.clamp(1, date.days_in_month());
    date.with().day(clipped).build().unwrap_or(date)
}

fn a_month_later(date: Date) -> Date {
    date.first_of_month().saturating_add(1.month())
}
