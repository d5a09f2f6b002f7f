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
            Self::AfterMonthEnd { days } => issued_on
                .last_of_month()
                .saturating_add(i32::from(days).days()),
            Self::DayOfMonthAfter { day, months } => {
                let month = issued_on
                    .first_of_month()
                    .saturating_add(i32::from(months).months());
                on_day(month, day).max(issued_on)
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

#[cfg(test)]
mod tests {
    use super::super::sample::{day, invoice};
    use super::*;

    fn due(terms: PaymentTerms, issued_on: &str) -> Date {
        terms.due_on(day(issued_on))
    }

    #[test]
    fn days_after_the_month_end_are_counted_from_its_last_day() {
        let terms = PaymentTerms::AfterMonthEnd { days: 30 };
        assert_eq!(due(terms, "2026-01-03"), day("2026-03-02"));
        assert_eq!(due(terms, "2026-01-31"), day("2026-03-02"));
    }

    #[test]
    fn a_day_of_a_later_month_is_clipped_and_never_before_the_issue() {
        let terms = |day, months| PaymentTerms::DayOfMonthAfter { day, months };
        assert_eq!(due(terms(20, 1), "2026-01-31"), day("2026-02-20"));
        assert_eq!(due(terms(31, 1), "2026-01-05"), day("2026-02-28"));
        assert_eq!(due(terms(20, 0), "2026-01-05"), day("2026-01-20"));
        assert_eq!(due(terms(20, 0), "2026-01-25"), day("2026-01-25"));
    }

    #[test]
    fn days_are_counted_from_the_issue_date() {
        assert_eq!(due(PaymentTerms::Days(0), "2026-03-31"), day("2026-03-31"));
        assert_eq!(due(PaymentTerms::Days(30), "2026-01-31"), day("2026-03-02"));
    }

    #[test]
    fn a_day_of_the_month_is_the_next_such_day_clipped_to_the_month() {
        let on_the = |day| PaymentTerms::DayOfMonth {
            day,
            cutoff_days: 0,
        };
        assert_eq!(due(on_the(15), "2026-03-10"), day("2026-03-15"));
        assert_eq!(due(on_the(15), "2026-03-15"), day("2026-03-15"));
        assert_eq!(due(on_the(15), "2026-12-16"), day("2027-01-15"));
        assert_eq!(due(on_the(31), "2026-02-10"), day("2026-02-28"));
        assert_eq!(due(on_the(31), "2028-02-10"), day("2028-02-29"));
        // Clipping one month does not shorten the next.
        assert_eq!(due(on_the(30), "2026-02-28"), day("2026-02-28"));
        assert_eq!(due(on_the(10), "2026-01-31"), day("2026-02-10"));
    }

    #[test]
    fn issued_within_the_cutoff_moves_the_day_a_month_on() {
        let terms = PaymentTerms::DayOfMonth {
            day: 31,
            cutoff_days: 5,
        };
        assert_eq!(due(terms, "2026-01-25"), day("2026-01-31"), "6 days left");
        assert_eq!(due(terms, "2026-01-26"), day("2026-02-28"), "5 days left");
        assert_eq!(due(terms, "2026-02-28"), day("2026-03-31"), "on the day");
    }

    #[test]
    fn nonsense_terms_still_yield_a_date() {
        let terms = PaymentTerms::DayOfMonth {
            day: 0,
            cutoff_days: u16::MAX,
        };
        assert_eq!(due(terms, "2026-01-26"), day("2026-03-01"));
        assert_eq!(
            PaymentTerms::Days(u16::MAX).due_on(Date::MAX),
            Date::MAX,
            "the calendar ends"
        );
    }

    #[test]
    fn the_document_speaks_first_then_the_terms_then_its_date() {
        let stated = invoice("1", "2026-01-10", "2026-01-20", "5");
        let silent = Document {
            due_on: None,
            ..stated.clone()
        };
        let terms = Some(PaymentTerms::Days(30));
        let due = |document, terms| {
            let due = Due::of(document, terms);
            (due.on, due.assumed)
        };
        assert_eq!(due(&stated, terms), (day("2026-01-20"), false));
        assert_eq!(due(&silent, terms), (day("2026-02-09"), false));
        assert_eq!(due(&silent, None), (day("2026-01-10"), true));
    }
}
