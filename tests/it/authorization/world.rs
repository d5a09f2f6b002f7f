//! The tenants of the table, and everybody's tokens.

use std::collections::{BTreeMap, BTreeSet};

use financial_pulse::auth::{Role, Trust};
use financial_pulse::domain::ids::TenantId;
use financial_pulse::domain::records::Records;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::books::Books;
use super::place::{Place, Reply, Who};
use super::schema::{Field, Schema};
use super::table::{Principal, Row, table};
use crate::support::databases::TestStore;

/// Reps of this tenant see no amounts.
pub(super) const HIDING: &str = "hiding";
/// Reps of this one do.
pub(super) const SHOWING: &str = "showing";
/// A tenant without books.
pub(super) const STRANGE: &str = "strange";
/// The contacts that have something different to hide each.
pub(super) const CONTACTS: [&str; 5] = ["anna", "cora", "late", "newbie", "tess"];

pub(super) fn contact(about: &str) -> String {
    format!("native:contact:{about}")
}

/// What a question is about: a tenant's contact.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) tenant: &'a str,
    pub(super) contact: &'a str,
}

impl About<'_> {
    /// The arguments of a field, as GraphQL writes them.
    pub(super) fn write(&self, field: &Field, argument: &str) -> Option<String> {
        let books = format!("{}-books", self.tenant);
        let contact = json!(contact(self.contact)).to_string();
        Some(match (field.key().as_str(), argument) {
            ("Query.contact", "id") | (_, "contactId") => contact,
            (_, "company") if self.contact == "cora" => "\"native:company:mill\"".to_owned(),
            ("Query.creditCheck", "amount") => "{amount: \"20.14\", currency: \"USD\"}".to_owned(),
            ("Query.customers", "search") => "\"bakery\"".to_owned(),
            ("Mutation.linkContact", "input") => {
                format!("{{contactId: {contact}, customerId: \"{books}:1\", reason: \"known\"}}")
            }
            ("Mutation.unlinkContact", "input") => {
                format!("{{contactId: \"native:contact:tess\", customerId: \"{books}:3\"}}")
            }
            ("Mutation.setCreditLimit", "input") => format!(
                "{{customerId: \"{books}:4\", limit: {{amount: \"9032.79\", currency: \"USD\"}}, \
                 validTo: \"2027-12-31\", reason: \"asked for\"}}"
            ),
            _ => return None,
        })
    }
}

/// The service with its tenants, and everybody's tokens.
pub(super) struct World {
    pub(super) place: Place,
    pub(super) schema: Schema,
    pub(super) rows: BTreeMap<String, Row>,
    pub(super) tokens: BTreeMap<Principal, Vec<Option<String>>>,
    admin_of_showing: String,
}

impl World {
    pub(super) async fn start(database: &TestStore) -> Self {
        let place = Place::start(database).await;
        for (tenant, reps_see_amounts) in [(HIDING, false), (SHOWING, true), (STRANGE, true)] {
            place.put_tenant(tenant, reps_see_amounts).await;
        }
        for tenant in [HIDING, SHOWING] {
            fill(&place, tenant).await;
        }
        let misdirected = json!({"aud": "another-service", "role": "admin"});
        let misdirected = place.native(HIDING, &misdirected);
        let mut tokens: BTreeMap<Principal, Vec<Option<String>>> = BTreeMap::new();
        for principal in Principal::ALL {
            let as_role = |role| Who::role(tenant_of(principal), role);
            let anna = contact("anna");
            let about_anna = |role| place.session(as_role(role).of(&anna, Trust::Requested));
            let ben = contact("ben");
            let ended = || place.session_of_seconds(as_role(Role::Admin), -1);
            let of = match principal {
                Principal::Nobody => vec![None],
                Principal::Ended => vec![Some(ended())],
                Principal::Elsewhere => vec![
                    Some(place.session_for_another_door(as_role(Role::Admin))),
                    Some(misdirected.clone()),
                ],
                Principal::Stranger | Principal::Admin => vec![Some(about_anna(Role::Admin))],
                Principal::Other => {
                    vec![Some(
                        place.session(as_role(Role::Finance).of(&ben, Trust::Signed)),
                    )]
                }
                Principal::RepHidden | Principal::RepShown => vec![Some(about_anna(Role::Rep))],
                Principal::Manager => vec![Some(about_anna(Role::AccountManager))],
                Principal::Finance => vec![Some(about_anna(Role::Finance))],
            };
            tokens.insert(principal, of);
        }
        let anna = contact("anna");
        let admin = Who::role(SHOWING, Role::Admin).of(&anna, Trust::Requested);
        let admin_of_showing = place.session(admin);
        place.has_seen(HIDING).await;
        place.has_seen(SHOWING).await;
        Self {
            place,
            schema: Schema::read(),
            rows: table(),
            tokens,
            admin_of_showing,
        }
    }

    /// The admin of the tenant that a principal asks about.
    pub(super) fn admin_for(&self, principal: Principal) -> &str {
        if principal == Principal::RepShown {
            return &self.admin_of_showing;
        }
        self.tokens[&Principal::Admin][0].as_deref().expect("one")
    }

    pub(super) async fn post(&self, token: Option<&str>, question: &str) -> Reply {
        let body = json!({ "query": question }).to_string();
        self.place.post(token, body, &[]).await
    }

    /// How often anything was written for a tenant.
    pub(super) async fn written(&self, tenant: &str) -> usize {
        let tenant = TenantId::from(tenant);
        let rows = self.place.store.audit(&tenant, 0, 100_000).await;
        rows.expect("read").len()
    }

    /// The link that the mutations take away.
    pub(super) async fn link_tess(&self, tenant: &str) {
        let books = books(tenant);
        books.link(&self.place, &contact("tess"), "3").await;
    }

    /// Every amount that the tenant's admin is shown, and those of the documents.
    pub(super) async fn amounts(&self) -> BTreeSet<String> {
        let mut amounts = BTreeSet::new();
        for about in CONTACTS {
            for root in ["contact", "creditCheck"] {
                let about = About {
                    tenant: HIDING,
                    contact: about,
                };
                let write = |field: &Field, argument: &str| about.write(field, argument);
                let question = self.schema.question_for_all("All", "Query", root, &write);
                let token = self.admin_for(Principal::Admin);
                let answer = self.post(Some(token), &question).await.json();
                assert!(answer.get("errors").is_none(), "{answer}");
                let mut show = |field: &Field, value: &Value| {
                    if matches!(
                        field.key().as_str(),
                        "Money.amount" | "TransactionLine.unitPrice"
                    ) {
                        amounts.extend(value.as_str().map(str::to_owned));
                    }
                };
                self.schema.walk("Query", &answer["data"], &mut show);
            }
        }
        amounts.retain(|amount| {
            let zero = amount
                .parse::<Decimal>()
                .is_ok_and(|amount| amount.is_zero());
            !zero && amount != "20.14"
        });
        amounts
    }
}

pub(super) fn books(tenant: &str) -> Books {
    Books {
        tenant: tenant.to_owned(),
        connection: format!("{tenant}-books"),
        mark: "Quokka".to_owned(),
        step: "10.07".parse().expect("an amount"),
    }
}

pub(super) async fn fill(place: &Place, tenant: &str) {
    let books = books(tenant);
    books.connect(place).await;
    books.fill(place).await;
    let unread = Books {
        connection: format!("{tenant}-unread"),
        ..books.clone()
    };
    unread.connect(place).await;
    let first = Records {
        customers: vec![unread.customer("1", None)],
        ..Records::default()
    };
    unread.begin(place, &first).await;
    for (about, customer) in [
        ("anna", "1"),
        ("late", "3"),
        ("ben", "3"),
        ("tess", "1"),
        ("tess", "3"),
    ] {
        books.link(place, &contact(about), customer).await;
    }
    books.link(place, "native:company:mill", "1").await;
    unread.link(place, &contact("newbie"), "1").await;
}

/// Whose session a principal has.
pub(super) fn tenant_of(principal: Principal) -> &'static str {
    match principal {
        Principal::Stranger => STRANGE,
        Principal::RepShown => SHOWING,
        _ => HIDING,
    }
}

/// Whose contact a principal asks for.
pub(super) fn asks_about(principal: Principal) -> &'static str {
    match principal {
        Principal::RepShown => SHOWING,
        _ => HIDING,
    }
}
