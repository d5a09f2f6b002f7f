//! What happens between two tenants, at random.

use proptest::prelude::*;
use rust_decimal::Decimal;

/// Users of each tenant.
pub(super) const USERS: [&str; 4] = ["u-0", "u-1", "u-2", "u-3"];
/// Contacts of each tenant. The last has no link of its own.
pub(super) const CONTACTS: [&str; 4] = [
    "native:contact:1",
    "native:contact:2",
    "native:contact:3",
    "native:contact:4",
];
pub(super) const COMPANY: &str = "native:company:1";
/// Customers of each tenant; the last there never was.
pub(super) const CUSTOMERS: [&str; 4] = ["1", "3", "4", "99"];
/// Words that the tenants' maps give users, right ones and others.
pub(super) const WORDS: [&str; 7] = [
    "rep",
    "account_manager",
    "finance",
    "admin",
    "Admin",
    "ADMIN",
    "owner",
];
pub(super) const SEARCHES: [&str; 5] = ["bakery", "quokka", "numbat", "@mail.example", "1"];

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Left,
    Right,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Left, Self::Right];

    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Left => "Quokka",
            Self::Right => "Numbat",
        }
    }

    pub(super) fn small_mark(self) -> String {
        self.mark().to_lowercase()
    }

    pub(super) fn step(self) -> Decimal {
        match self {
            Self::Left => Decimal::new(1_007, 2),
            Self::Right => Decimal::new(1_009, 2),
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// By which way a question goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Post,
    Anew,
    Get,
    Twice,
}

/// Something that happens. Numbers are places in the lists above.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Read {
        contact: usize,
        company: bool,
        fields: u64,
        way: Way,
    },
    Check {
        contact: usize,
        steps: i64,
    },
    Search {
        text: usize,
    },
    Link {
        contact: usize,
        customer: usize,
        foreign: bool,
        away: bool,
    },
    Limit {
        customer: usize,
        foreign: bool,
        steps: Option<i64>,
    },
    Follow {
        contact: usize,
    },
    Bill {
        customer: usize,
        id: usize,
        steps: i64,
    },
    Poll,
    Rank {
        word: usize,
    },
    Hide {
        hide: bool,
    },
    /// The page loads anew with a token of the CRM, which also signs an e-mail address.
    Enter {
        foreign_door: bool,
        foreign_facts: bool,
    },
    Renew,
    Batch,
    Scrape,
}

pub(super) type Step = (Side, usize, Act);

pub(super) fn acts() -> impl Strategy<Value = Vec<Step>> {
    let side = prop_oneof![Just(Side::Left), Just(Side::Right)];
    let way = prop_oneof![
        Just(Way::Post),
        Just(Way::Anew),
        Just(Way::Get),
        Just(Way::Twice)
    ];
    let (contact, customer) = (0..CONTACTS.len(), 0..CUSTOMERS.len());
    let act = prop_oneof![
        8 => (contact.clone(), any::<bool>(), any::<u64>(), way)
            .prop_map(|(contact, company, fields, way)| Act::Read { contact, company, fields, way }),
        2 => (contact.clone(), 1..5_000_i64).prop_map(|(contact, steps)| Act::Check { contact, steps }),
        2 => (0..SEARCHES.len()).prop_map(|text| Act::Search { text }),
        2 => (contact.clone(), customer.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(contact, customer, foreign, away)| Act::Link { contact, customer, foreign, away }),
        2 => (customer.clone(), any::<bool>(), proptest::option::of(0..5_000_i64))
            .prop_map(|(customer, foreign, steps)| Act::Limit { customer, foreign, steps }),
        2 => contact.prop_map(|contact| Act::Follow { contact }),
        3 => (0..3_usize, 0..4_usize, 1..5_000_i64)
            .prop_map(|(customer, id, steps)| Act::Bill { customer, id, steps }),
        1 => Just(Act::Poll),
        1 => (0..WORDS.len()).prop_map(|word| Act::Rank { word }),
        1 => any::<bool>().prop_map(|hide| Act::Hide { hide }),
        1 => (any::<bool>(), any::<bool>())
            .prop_map(|(foreign_door, foreign_facts)| Act::Enter { foreign_door, foreign_facts }),
        1 => Just(Act::Renew),
        1 => Just(Act::Batch),
        1 => Just(Act::Scrape),
    ];
    proptest::collection::vec((side, 0..USERS.len(), act), 30)
}
