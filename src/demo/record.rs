//! What else the CRM knows of a contact: invented, and the same at every start.

use super::Situation;

/// The parts of a record that have nothing to do with the books.
#[derive(Debug)]
pub(super) struct CrmRecord {
    /// The salesperson in charge.
    pub(super) owner: &'static str,
    /// A telephone number.
    pub(super) phone: String,
    /// A town.
    pub(super) city: &'static str,
    /// Where the relation stands.
    pub(super) stage: &'static str,
    /// A deal under way: name, worth, state.
    pub(super) deal: (&'static str, &'static str, &'static str),
    /// What happened lately: days ago, what, in whose words.
    pub(super) activities: [(u32, &'static str, &'static str); 3],
}

const OWNERS: [&str; 4] = [
    "Dana Whitfield",
    "Marcus Lee",
    "Sofia Brandt",
    "Theo Adeyemi",
];
const CITIES: [&str; 5] = [
    "Bayshore, CA",
    "Portland, OR",
    "Middlefield, CA",
    "Tucson, AZ",
    "Menlo Park, CA",
];
const STAGES: [&str; 3] = ["Customer", "Customer, expanding", "Renewal"];
const DEALS: [(&str, &str, &str); 5] = [
    ("Autumn restock", "USD 4,800", "Quote sent"),
    ("New branch fit-out", "USD 18,200", "Negotiation"),
    ("Annual frame order", "USD 31,000", "Discovery"),
    ("Replacement shelving", "USD 2,650", "Verbal yes"),
    ("Safety equipment", "USD 7,300", "Quote sent"),
];
const ACTIVITIES: [[(u32, &str, &str); 3]; 4] = [
    [
        (1, "Call", "Asked for a price on a second pallet"),
        (6, "E-mail", "Sent the autumn catalog"),
        (19, "Visit", "Walked the new storeroom with the manager"),
    ],
    [
        (2, "E-mail", "Wants delivery in the first week of the month"),
        (9, "Call", "Left a message"),
        (24, "Note", "Budget is decided by the end of the quarter"),
    ],
    [
        (1, "Meeting", "Went through open orders"),
        (8, "E-mail", "Quote sent, awaiting an answer"),
        (30, "Call", "Introduced the new account manager"),
    ],
    [
        (3, "Call", "Happy with the last delivery"),
        (12, "Note", "Prefers to be called before ten"),
        (27, "E-mail", "Asked for the data sheets"),
    ],
];

/// The record of a contact.
pub(super) fn of(situation: &Situation) -> CrmRecord {
    let sum: usize = situation.contact.bytes().map(usize::from).sum();
    let is_lead = situation.accounts.is_empty() && situation.company.is_none();
    CrmRecord {
        owner: OWNERS[sum % OWNERS.len()],
        phone: format!("(555) 555-{:04}", sum * 37 % 10_000),
        city: CITIES[sum % CITIES.len()],
        stage: if is_lead {
            "Lead"
        } else {
            STAGES[sum % STAGES.len()]
        },
        deal: DEALS[sum % DEALS.len()],
        activities: ACTIVITIES[sum % ACTIVITIES.len()],
    }
}

/// Two letters for a picture.
pub(super) fn initials(name: &str) -> String {
    name.split(|letter: char| !letter.is_alphanumeric())
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect()
}
