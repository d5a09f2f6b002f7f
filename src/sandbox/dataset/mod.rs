//! Invented books: a chart of accounts for all, the customers of the demo, or as many as wanted.
//!
//! The same seed and day give the same books. Nothing is dated on the day itself, so that what a test
//! or a visitor does today stands out.

mod bulk;
pub mod demo;
mod ground;
mod scribe;
mod situations;
mod story;
mod words;

pub(crate) use self::ground::{account, open_currency};

use jiff::Timestamp;
use jiff::civil::Date;

use super::books::{Books, zone};
use super::options::Data;

/// The day in the companies' zone (US Pacific).
pub fn today(now: Timestamp) -> Date {
    now.to_zoned(zone()).date()
}

/// The books of a company at the start.
pub(crate) fn books(data: Data, seed: u64, now: Timestamp) -> Books {
    match data {
        Data::Empty => ground::books(false, now),
        Data::Demo { today } => demo::books(today, seed, now),
        Data::SlowDemo { today } => demo::slow_books(today, seed, now),
        Data::Generated {
            customers,
            invoices,
            today,
        } => bulk::books(customers, invoices, today, seed, now),
    }
}
