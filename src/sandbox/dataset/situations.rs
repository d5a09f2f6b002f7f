//! The demo's contacts: about a dozen, between them every situation that the widget can show.
//!
//! This is the one list of them. The books are invented to fit it, the demo CRM shows the contacts,
//! and tests compare what the API says with what is expected here.

use super::demo::{REALM, SLOW_REALM};
use crate::sandbox::format::Format;

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

impl Situation {
    /// The same as a wire format tells it. Xero and Sage know no customer below another, so that a
    /// family is several accounts there; the slow company is read from QuickBooks only.
    #[must_use]
    pub fn in_format(self, format: Format) -> Self {
        match (self.expected, format) {
            (Expected::Family, Format::Xero | Format::Sage) => Self {
                accounts: DISTRICT_AND_SCHOOLS,
                words: "Three accounts in the books: a district and its two schools",
                ..self
            },
            (Expected::StillSyncing, Format::Xero | Format::Sage) => Self {
                accounts: &[],
                expected: Expected::NotLinked,
                words: "Its books are in QuickBooks alone",
                ..self
            },
            _ => self,
        }
    }
}

/// A family where each of its members stands alone. Together they have the limit of the whole.
const DISTRICT_AND_SCHOOLS: &[Account] = &[
    usd("Northgate School District", Some("4000.00")),
    usd("Northgate Elementary", Some("6000.00")),
    usd("Northgate High", Some("8000.00")),
];

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
