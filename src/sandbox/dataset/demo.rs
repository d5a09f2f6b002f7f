//! The demo: about a dozen contacts, between them every situation that the widget can show.
//!
//! [`situations`] is the one list of them. The books below are invented so that each customer is in
//! the situation that the list says, relative to today; the demo CRM shows the contacts, and tests
//! compare what the API says with what is expected here.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::scribe::{NewCustomer, Scribe};
use super::story::{Habit, Stories};
use super::{NET_30, bulk};
use crate::sandbox::books::{Books, Currency, Id, Kind, Side};
use crate::sandbox::options::{CompanyOptions, Data};

/// The company (`realmId`) of nearly all customers; multicurrency, at home in US dollars.
pub const REALM: &str = "1000000000000001";
/// The company whose first load is slow.
pub const SLOW_REALM: &str = "1000000000000002";

/// How long each query of the slow company takes.
const SLOW_PAGE: Duration = Duration::from_secs(5);

/// What a contact is in the CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactKind {
    /// An organization.
    Company,
    /// Somebody, who may belong to an organization.
    Person,
}

/// The situation that a contact is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Pays early, owes little.
    FineAndPrompt,
    /// Has used most of the limit.
    NearLimit,
    /// Owes more than the limit.
    OverLimit,
    /// Always paid in time, and now does not.
    SuddenlyLate,
    /// Never pays in time.
    ChronicallyLate,
    /// Has more credit than debt.
    InCredit,
    /// Overdue, but the money has come and is not applied yet.
    UnappliedPayment,
    /// Two customers in the books, in two currencies.
    SeveralCurrencies,
    /// Buys on account without a limit.
    NoLimit,
    /// In the books, but without a document.
    NeverBought,
    /// Not in the books at all.
    NotLinked,
    /// In a company whose first load is under way.
    StillSyncing,
    /// A customer with sub-customers.
    Family,
    /// A person who has no link but whose company has.
    ThroughCompany,
}

/// A customer in the books, as a contact is to be linked to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The company (`realmId`).
    pub realm: &'static str,
    /// The customer's `DisplayName`.
    pub customer: &'static str,
    /// The credit limit wanted, as a decimal; nothing for none.
    pub limit: Option<&'static str>,
    /// The customer's currency, and the limit's.
    pub currency: &'static str,
}

/// One contact of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// The CRM's id of the contact (`native:company:alder-finch`).
    pub contact: &'static str,
    /// What it is.
    pub kind: ContactKind,
    /// Its name in the CRM.
    pub name: &'static str,
    /// Its e-mail address in the CRM.
    pub email: &'static str,
    /// The company's contact, of a person.
    pub company: Option<&'static str>,
    /// What it is in the books.
    pub accounts: &'static [Account],
    /// The situation.
    pub expected: Expected,
    /// The decision that follows by the default policy: `OK`, `CAUTION`, `HOLD` or `UNKNOWN`.
    pub decision: &'static str,
    /// The situation in a few words, for people.
    pub words: &'static str,
}

const fn usd(customer: &'static str, limit: Option<&'static str>) -> Account {
    Account {
        realm: REALM,
        customer,
        limit,
        currency: "USD",
    }
}

/// Every contact of the demo, in the order of the list page.
pub fn situations() -> &'static [Situation] {
    SITUATIONS
}

static SITUATIONS: &[Situation] = &[
    Situation {
        contact: "native:company:alder-finch",
        kind: ContactKind::Company,
        name: "Alder & Finch Garden Supply",
        email: "accounts@alder-finch.example.com",
        company: None,
        accounts: &[usd("Alder & Finch Garden Supply", Some("25000.00"))],
        expected: Expected::FineAndPrompt,
        decision: "OK",
        words: "Pays a few days early, plenty of headroom",
    },
    Situation {
        contact: "native:company:brightwater",
        kind: ContactKind::Company,
        name: "Brightwater Brewing Co.",
        email: "ap@brightwater.example.com",
        company: None,
        accounts: &[usd("Brightwater Brewing Co.", Some("20000.00"))],
        expected: Expected::NearLimit,
        decision: "CAUTION",
        words: "Has used nine tenths of the limit",
    },
    Situation {
        contact: "native:company:copperfield",
        kind: ContactKind::Company,
        name: "Copperfield Catering",
        email: "office@copperfield.example.com",
        company: None,
        accounts: &[usd("Copperfield Catering", Some("10000.00"))],
        expected: Expected::OverLimit,
        decision: "HOLD",
        words: "Owes more than the limit, none of it overdue",
    },
    Situation {
        contact: "native:company:dunmore",
        kind: ContactKind::Company,
        name: "Dunmore Dental Group",
        email: "billing@dunmore.example.com",
        company: None,
        accounts: &[usd("Dunmore Dental Group", Some("15000.00"))],
        expected: Expected::SuddenlyLate,
        decision: "CAUTION",
        words: "Always paid in time, and now two invoices are late",
    },
    Situation {
        contact: "native:company:eastgate",
        kind: ContactKind::Company,
        name: "Eastgate Auto Body",
        email: "eastgate@autobody.example.com",
        company: None,
        accounts: &[usd("Eastgate Auto Body", Some("15000.00"))],
        expected: Expected::ChronicallyLate,
        decision: "CAUTION",
        words: "Pays three to five weeks late, always has",
    },
    Situation {
        contact: "native:company:fairhaven",
        kind: ContactKind::Company,
        name: "Fairhaven Fabrics",
        email: "hello@fairhaven.example.com",
        company: None,
        accounts: &[usd("Fairhaven Fabrics", Some("5000.00"))],
        expected: Expected::InCredit,
        decision: "OK",
        words: "Returned goods: we owe them",
    },
    Situation {
        contact: "native:company:granite-peak",
        kind: ContactKind::Company,
        name: "Granite Peak Outfitters",
        email: "payables@granitepeak.example.com",
        company: None,
        accounts: &[usd("Granite Peak Outfitters", Some("8000.00"))],
        expected: Expected::UnappliedPayment,
        decision: "CAUTION",
        words: "Overdue on paper, but the money has arrived",
    },
    Situation {
        contact: "native:company:hollis-meyer",
        kind: ContactKind::Company,
        name: "Hollis & Meyer International",
        email: "finance@hollis-meyer.example.com",
        company: None,
        accounts: &[
            usd("Hollis & Meyer Inc.", Some("12000.00")),
            Account {
                realm: REALM,
                customer: "Hollis & Meyer GmbH",
                limit: Some("9000.00"),
                currency: "EUR",
            },
        ],
        expected: Expected::SeveralCurrencies,
        decision: "OK",
        words: "Two customers in the books, dollars and euros",
    },
    Situation {
        contact: "native:company:ironwood",
        kind: ContactKind::Company,
        name: "Ironwood Carpentry",
        email: "shop@ironwood.example.com",
        company: None,
        accounts: &[usd("Ironwood Carpentry", None)],
        expected: Expected::NoLimit,
        decision: "CAUTION",
        words: "Nobody has set a limit",
    },
    Situation {
        contact: "native:company:juniper-lane",
        kind: ContactKind::Company,
        name: "Juniper Lane Books",
        email: "orders@juniperlane.example.com",
        company: None,
        accounts: &[usd("Juniper Lane Books", Some("2500.00"))],
        expected: Expected::NeverBought,
        decision: "OK",
        words: "Has an account and has never used it",
    },
    Situation {
        contact: "native:company:northgate",
        kind: ContactKind::Company,
        name: "Northgate School District",
        email: "purchasing@northgate.example.com",
        company: None,
        accounts: &[usd("Northgate School District", Some("18000.00"))],
        expected: Expected::Family,
        decision: "OK",
        words: "One account with two schools below it",
    },
    Situation {
        contact: "native:company:kestrel",
        kind: ContactKind::Company,
        name: "Kestrel Consulting",
        email: "contact@kestrel.example.com",
        company: None,
        accounts: &[],
        expected: Expected::NotLinked,
        decision: "UNKNOWN",
        words: "A lead: not in the books",
    },
    Situation {
        contact: "native:company:lakeside",
        kind: ContactKind::Company,
        name: "Lakeside Logistics",
        email: "ap@lakeside.example.com",
        company: None,
        accounts: &[Account {
            realm: SLOW_REALM,
            customer: "Lakeside Logistics",
            limit: Some("30000.00"),
            currency: "USD",
        }],
        expected: Expected::StillSyncing,
        decision: "UNKNOWN",
        words: "Its books are still being loaded",
    },
    Situation {
        contact: "native:person:maya-ortiz",
        kind: ContactKind::Person,
        name: "Maya Ortiz",
        email: "maya@alder-finch.example.com",
        company: Some("native:company:alder-finch"),
        accounts: &[],
        expected: Expected::ThroughCompany,
        decision: "OK",
        words: "A buyer: shows her company's account",
    },
];

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
    let mut scribe = Scribe::new(super::ground(true, now), seed, now);
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
    stories.open(&mut scribe, lakeside, 11, 412_500, WORKSHOP);
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
    let email = SITUATIONS
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
    stories.open(scribe, alder, 16, 189_040, &[4]);
    stories.open(scribe, alder, 4, 245_500, &[3, 4]);

    let brightwater = enter(
        scribe,
        stories,
        "Brightwater Brewing Co.",
        Currency::USD,
        None,
    );
    stories.habit(scribe, brightwater, &habit(BREWERY, 62, 15, -2..=3));
    stories.open(scribe, brightwater, 26, 648_000, BREWERY);
    stories.open(scribe, brightwater, 15, 721_550, BREWERY);
    stories.open(scribe, brightwater, 5, 413_025, BREWERY);

    let copperfield = enter(scribe, stories, "Copperfield Catering", Currency::USD, None);
    stories.habit(scribe, copperfield, &habit(KITCHEN, 64, 19, -1..=5));
    stories.open(scribe, copperfield, 28, 485_000, KITCHEN);
    stories.open(scribe, copperfield, 17, 512_075, KITCHEN);
    stories.open(scribe, copperfield, 6, 248_000, KITCHEN);

    let ironwood = enter(scribe, stories, "Ironwood Carpentry", Currency::USD, None);
    stories.habit(scribe, ironwood, &habit(WORKSHOP, 45, 24, -2..=4));
    stories.partly_paid(scribe, ironwood, (18, 331_075), (3, 100_000), WORKSHOP);

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
    stories.open(scribe, elementary, 12, 264_020, CLINIC);
    let high = enter(
        scribe,
        stories,
        "Northgate High",
        Currency::USD,
        Some(parent),
    );
    stories.habit(scribe, high, &habit(WORKSHOP, 48, 38, -4..=1));
    stories.open(scribe, high, 20, 418_575, WORKSHOP);
}

fn late_customers(scribe: &mut Scribe, stories: &mut Stories) {
    let dunmore = enter(scribe, stories, "Dunmore Dental Group", Currency::USD, None);
    stories.habit(scribe, dunmore, &habit(CLINIC, 75, 18, -4..=-1));
    stories.open(scribe, dunmore, 50, 294_000, CLINIC);
    stories.open(scribe, dunmore, 42, 187_550, CLINIC);
    stories.open(scribe, dunmore, 12, 221_000, CLINIC);

    let eastgate = enter(scribe, stories, "Eastgate Auto Body", Currency::USD, None);
    let taxed = Habit {
        taxed: true,
        ..habit(WORKSHOP, 100, 21, 20..=35)
    };
    stories.habit(scribe, eastgate, &taxed);
    stories.open(scribe, eastgate, 68, 312_000, WORKSHOP);
    stories.open(scribe, eastgate, 55, 248_040, WORKSHOP);
    stories.open(scribe, eastgate, 33, 196_000, WORKSHOP);
    stories.open(scribe, eastgate, 14, 220_500, WORKSHOP);
    // A finance charge, posted by hand.
    stories.journal(eastgate, Side::Debit, 8, 7_500);

    let granite = enter(
        scribe,
        stories,
        "Granite Peak Outfitters",
        Currency::USD,
        None,
    );
    stories.habit(scribe, granite, &habit(WORKSHOP, 82, 22, -1..=4));
    stories.open(scribe, granite, 48, 327_500, WORKSHOP);
    stories.open(scribe, granite, 20, 142_000, WORKSHOP);
    stories.unapplied(granite, 2, 327_500);
}

fn special_customers(scribe: &mut Scribe, stories: &mut Stories) {
    let fairhaven = enter(scribe, stories, "Fairhaven Fabrics", Currency::USD, None);
    stories.habit(scribe, fairhaven, &habit(KITCHEN, 48, 26, -3..=2));
    stories.settled_by_credit(scribe, fairhaven, 160, 38_500, KITCHEN);
    stories.cash(scribe, Kind::RefundReceipt, fairhaven, 95, KITCHEN);
    stories.credit(scribe, fairhaven, 15, 185_000, KITCHEN);
    stories.open(scribe, fairhaven, 10, 64_025, KITCHEN);

    let inc = enter(scribe, stories, "Hollis & Meyer Inc.", Currency::USD, None);
    stories.habit(scribe, inc, &habit(BREWERY, 40, 28, -3..=3));
    stories.open(scribe, inc, 13, 382_000, BREWERY);
    let gmbh = enter(scribe, stories, "Hollis & Meyer GmbH", Currency::EUR, None);
    stories.habit(scribe, gmbh, &habit(BREWERY, 40, 31, -3..=3));
    stories.open(scribe, gmbh, 9, 276_550, BREWERY);

    enter(scribe, stories, "Juniper Lane Books", Currency::USD, None);
}
