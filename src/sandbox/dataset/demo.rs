//! The demo's books: each customer is in the situation that [`situations`] says, relative to today.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::ground::NET_30;
use super::scribe::{NewCustomer, Scribe};
pub use super::situations::{Account, ContactKind, Expected, Situation, situations};
use super::story::{Habit, Stories};
use super::{bulk, ground};
use crate::sandbox::books::{Books, Currency, Id, Kind, Side};
use crate::sandbox::options::{CompanyOptions, Data};

/// The company (`realmId`) of nearly all customers; multicurrency, at home in US dollars.
pub const REALM: &str = "1000000000000001";
/// The company whose first load is slow.
pub const SLOW_REALM: &str = "1000000000000002";

/// How long each query of the slow company takes.
const SLOW_PAGE: Duration = Duration::from_secs(5);

/// The two companies of the demo, as of a day.
pub fn companies(today: Date) -> Vec<CompanyOptions> {
    vec![
        CompanyOptions {
            realm: REALM.to_owned(),
            name: "Juniper Wholesale Supply".to_owned(),
            data: Data::Demo { today },
            page_delay: Duration::ZERO,
        },
        CompanyOptions {
            realm: SLOW_REALM.to_owned(),
            name: "Cobalt Coast Trading".to_owned(),
            data: Data::SlowDemo { today },
            page_delay: SLOW_PAGE,
        },
    ]
}

const GARDEN: &[Id] = &[2, 3, 4];
const BREWERY: &[Id] = &[10, 12, 13];
const KITCHEN: &[Id] = &[6, 10, 11];
const CLINIC: &[Id] = &[6, 9, 11];
const WORKSHOP: &[Id] = &[5, 7, 8, 13];

/// The books of the first company.
pub(super) fn books(today: Date, seed: u64, now: Timestamp) -> Books {
    let mut scribe = Scribe::new(ground::books(true, now), seed, now);
    let mut stories = Stories::new(today);
    prompt_customers(&mut scribe, &mut stories);
    late_customers(&mut scribe, &mut stories);
    special_customers(&mut scribe, &mut stories);
    stories.write(&mut scribe);
    scribe.books
}

/// The books of the slow company: many, and one customer with a name.
pub(super) fn slow_books(today: Date, seed: u64, now: Timestamp) -> Books {
    let mut scribe = Scribe::new(bulk::books(500, 12_000, today, seed, now), seed, now);
    let mut stories = Stories::new(today);
    let lakeside = enter(
        &mut scribe,
        &stories,
        "Lakeside Logistics",
        Currency::USD,
        None,
    );
    stories.habit(&mut scribe, lakeside, &habit(WORKSHOP, 30, 20, -3..=2));
    stories.open(lakeside, 11, 412_500, WORKSHOP);
    stories.write(&mut scribe);
    scribe.books
}

/// Enters a customer; its address is the one of the situation that names it.
fn enter(
    scribe: &mut Scribe,
    stories: &Stories,
    name: &str,
    currency: Currency,
    parent: Option<Id>,
) -> Id {
    let email = situations()
        .iter()
        // The two customers of one contact cannot share an address that is to be unique.
        .find(|situation| {
            situation.accounts.len() == 1
                && situation
                    .accounts
                    .iter()
                    .any(|account| account.customer == name)
        })
        .map(|situation| situation.email);
    scribe.customer(&NewCustomer {
        name,
        email,
        currency,
        parent,
        term: Some(NET_30),
        since: stories.ago(520),
    })
}

/// A habit of sixteen months.
fn habit(
    basket: &'static [Id],
    until: i64,
    every: i64,
    pays: std::ops::RangeInclusive<i64>,
) -> Habit {
    Habit {
        from: 485,
        until,
        every,
        basket,
        size: 9,
        pays,
        taxed: false,
    }
}

fn prompt_customers(scribe: &mut Scribe, stories: &mut Stories) {
    let alder = enter(
        scribe,
        stories,
        "Alder & Finch Garden Supply",
        Currency::USD,
        None,
    );
    stories.habit(scribe, alder, &habit(GARDEN, 33, 17, -5..=-2));
    stories.cash(scribe, Kind::SalesReceipt, alder, 140, GARDEN);
    stories.open(alder, 16, 189_040, &[4]);
    stories.open(alder, 4, 245_500, &[3, 4]);

    let brightwater = enter(
        scribe,
        stories,
        "Brightwater Brewing Co.",
        Currency::USD,
        None,
    );
    stories.habit(scribe, brightwater, &habit(BREWERY, 62, 15, -2..=3));
    stories.open(brightwater, 26, 648_000, BREWERY);
    stories.open(brightwater, 15, 721_550, BREWERY);
    stories.open(brightwater, 5, 413_025, BREWERY);

    let copperfield = enter(scribe, stories, "Copperfield Catering", Currency::USD, None);
    stories.habit(scribe, copperfield, &habit(KITCHEN, 64, 19, -1..=5));
    stories.open(copperfield, 28, 485_000, KITCHEN);
    stories.open(copperfield, 17, 512_075, KITCHEN);
    stories.open(copperfield, 6, 248_000, KITCHEN);

    let ironwood = enter(scribe, stories, "Ironwood Carpentry", Currency::USD, None);
    stories.habit(scribe, ironwood, &habit(WORKSHOP, 45, 24, -2..=4));
    stories.partly_paid(ironwood, (18, 331_075), (3, 100_000), WORKSHOP);

    let parent = enter(
        scribe,
        stories,
        "Northgate School District",
        Currency::USD,
        None,
    );
    stories.habit(scribe, parent, &habit(CLINIC, 70, 45, -4..=0));
    let elementary = enter(
        scribe,
        stories,
        "Northgate Elementary",
        Currency::USD,
        Some(parent),
    );
    stories.habit(scribe, elementary, &habit(CLINIC, 50, 40, -4..=0));
    stories.open(elementary, 12, 264_020, CLINIC);
    let high = enter(
        scribe,
        stories,
        "Northgate High",
        Currency::USD,
        Some(parent),
    );
    stories.habit(scribe, high, &habit(WORKSHOP, 48, 38, -4..=1));
    stories.open(high, 20, 418_575, WORKSHOP);
}

fn late_customers(scribe: &mut Scribe, stories: &mut Stories) {
    let dunmore = enter(scribe, stories, "Dunmore Dental Group", Currency::USD, None);
    stories.habit(scribe, dunmore, &habit(CLINIC, 75, 18, -4..=-1));
    stories.open(dunmore, 50, 294_000, CLINIC);
    stories.open(dunmore, 42, 187_550, CLINIC);
    stories.open(dunmore, 12, 221_000, CLINIC);

    let eastgate = enter(scribe, stories, "Eastgate Auto Body", Currency::USD, None);
    let taxed = Habit {
        taxed: true,
        ..habit(WORKSHOP, 100, 21, 20..=35)
    };
    stories.habit(scribe, eastgate, &taxed);
    stories.open(eastgate, 68, 312_000, WORKSHOP);
    stories.open(eastgate, 55, 248_040, WORKSHOP);
    stories.open(eastgate, 33, 196_000, WORKSHOP);
    stories.open(eastgate, 14, 220_500, WORKSHOP);
    // A finance charge, posted by hand.
    stories.journal(eastgate, Side::Debit, 8, 7_500);

    let granite = enter(
        scribe,
        stories,
        "Granite Peak Outfitters",
        Currency::USD,
        None,
    );
    stories.habit(scribe, granite, &habit(WORKSHOP, 88, 22, 5..=11));
    stories.open(granite, 48, 327_500, WORKSHOP);
    stories.open(granite, 20, 142_000, WORKSHOP);
    stories.unapplied(granite, 2, 327_500);
}

fn special_customers(scribe: &mut Scribe, stories: &mut Stories) {
    let fairhaven = enter(scribe, stories, "Fairhaven Fabrics", Currency::USD, None);
    stories.habit(scribe, fairhaven, &habit(KITCHEN, 48, 26, -3..=2));
    stories.settled_by_credit(fairhaven, 160, 38_500, KITCHEN);
    stories.cash(scribe, Kind::RefundReceipt, fairhaven, 95, KITCHEN);
    stories.credit(fairhaven, 15, 185_000, KITCHEN);
    stories.open(fairhaven, 10, 64_025, KITCHEN);

    let inc = enter(scribe, stories, "Hollis & Meyer Inc.", Currency::USD, None);
    stories.habit(scribe, inc, &habit(BREWERY, 40, 28, -3..=3));
    stories.open(inc, 13, 382_000, BREWERY);
    let gmbh = enter(scribe, stories, "Hollis & Meyer GmbH", Currency::EUR, None);
    stories.habit(scribe, gmbh, &habit(BREWERY, 40, 31, -3..=3));
    stories.open(gmbh, 9, 276_550, BREWERY);

    enter(scribe, stories, "Juniper Lane Books", Currency::USD, None);
}
