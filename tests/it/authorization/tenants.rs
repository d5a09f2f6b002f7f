//! Two tenants side by side in one service, with the same ids, the same users and the same numbers on
//! their documents: whatever either does, neither sees a byte of the other.
//!
//! Every text of a tenant's bears its mark, and every amount is a multiple of its step, so that what
//! is summed up, subtracted and converted shows whose it is, too.

use std::collections::BTreeMap;
use std::time::Duration;

use financial_pulse::auth::Role;
use financial_pulse::domain::records::Records;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

use super::acts::{
    Act, COMPANY, CONTACTS, CUSTOMERS, SEARCHES, Side, Step, USERS, WORDS, Way, acts,
};
use super::books::{Books, day};
use super::place::{Header, Place, Reply, Who};
use super::schema::{Field, Schema};
use super::socket::{Socket, payload};
use super::told::{Checked, Log, check_log, collect_amounts};
use crate::support::databases::test_stores;

/// A tenant as the test knows it.
struct Tenant {
    side: Side,
    books: Books,
    hides: bool,
    roles: BTreeMap<&'static str, Role>,
    sessions: BTreeMap<&'static str, String>,
}

impl Tenant {
    fn id(&self) -> &str {
        &self.books.tenant
    }

    fn role(&self, user: usize) -> Role {
        self.roles[USERS[user]]
    }

    fn sees_amounts(&self, user: usize) -> bool {
        self.role(user) > Role::Rep || !self.hides
    }
}

/// An open subscription.
struct Followed {
    side: Side,
    amounts: bool,
    socket: Socket,
}

struct Case<'a> {
    place: &'a Place,
    schema: &'a Schema,
    tenants: BTreeMap<Side, Tenant>,
    followed: Vec<Followed>,
    requests: usize,
}

impl<'a> Case<'a> {
    async fn start(place: &'a Place, schema: &'a Schema, number: usize) -> Self {
        let mut tenants = BTreeMap::new();
        for side in Side::BOTH {
            let id = format!("{}-{number}", side.small_mark());
            place.put_tenant(&id, false).await;
            let books = Books {
                connection: format!("{id}-books"),
                tenant: id.clone(),
                mark: side.mark().to_owned(),
                step: side.step(),
            };
            books.connect(place).await;
            books.fill(place).await;
            for (contact, customer) in [(CONTACTS[0], "1"), (CONTACTS[1], "3"), (COMPANY, "1")] {
                books.link(place, contact, customer).await;
            }
            let mut roles = BTreeMap::new();
            let mut sessions = BTreeMap::new();
            for (user, role) in USERS.into_iter().zip(Role::ALL) {
                place.set_role(&id, user, role.as_str()).await;
                roles.insert(user, role);
                let who = Who {
                    tenant: &id,
                    user,
                    role: None,
                    contact: None,
                };
                sessions.insert(user, place.session(who));
            }
            place.has_seen(&id).await;
            let tenant = Tenant {
                side,
                books,
                hides: true,
                roles,
                sessions,
            };
            tenants.insert(side, tenant);
        }
        Self {
            place,
            schema,
            tenants,
            followed: Vec::new(),
            requests: 0,
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each act")]
    async fn step(&mut self, (side, user, act): &Step) -> Checked {
        let (side, user) = (*side, *user);
        match act {
            Act::Read {
                contact,
                company,
                fields,
                way,
            } => {
                self.read(side, user, *contact, *company, *fields, *way)
                    .await
            }
            Act::Check { contact, steps } => {
                let amount = self.tenants[&side].books.amount(*steps);
                let question = format!(
                    "{{ creditCheck(contactId: \"{}\", amount: {{amount: \"{amount}\", \
                     currency: \"USD\"}}) {{ result inputsHash reasons {{ code message share \
                     amount {{ amount }} }} }} }}",
                    CONTACTS[*contact]
                );
                let reply = self.ask(side, user, &question).await?;
                Self::answered(&reply)
            }
            Act::Search { text } => {
                let question = format!(
                    "{{ customers(search: \"{}\") {{ id name ledgerUrl connection {{ id \
                     organization }} }} }}",
                    SEARCHES[*text]
                );
                let reply = self.ask(side, user, &question).await?;
                self.allowed(&reply, side, user, false)
            }
            Act::Link {
                contact,
                customer,
                foreign,
                away,
            } => {
                let verb = if *away {
                    "unlinkContact"
                } else {
                    "linkContact"
                };
                let question = format!(
                    "mutation {{ {verb}(input: {{contactId: \"{}\", customerId: \"{}\", \
                     reason: \"{} asked\"}}) {{ contact {{ id link {{ customers {{ customer {{ \
                     id name }} }} }} pulse {{ balance {{ byCurrency {{ outstanding {{ amount \
                     }} }} }} }} }} }} }}",
                    CONTACTS[*contact],
                    self.key(side, *customer, *foreign),
                    side.mark(),
                );
                let reply = self.ask(side, user, &question).await?;
                self.allowed(&reply, side, user, *foreign)
            }
            Act::Limit {
                customer,
                foreign,
                steps,
            } => {
                let limit = steps.map_or_else(
                    || "null".to_owned(),
                    |steps| {
                        let amount = self.tenants[&side].books.amount(steps);
                        format!("{{amount: \"{amount}\", currency: \"USD\"}}")
                    },
                );
                let question = format!(
                    "mutation {{ setCreditLimit(input: {{customerId: \"{}\", limit: {limit}, \
                     reason: \"{} said so\"}}) {{ customer {{ name }} limit {{ reason actor \
                     limit {{ amount }} }} }} }}",
                    self.key(side, *customer, *foreign),
                    side.mark(),
                );
                let reply = self.ask(side, user, &question).await?;
                self.allowed(&reply, side, user, *foreign)
            }
            Act::Follow { contact } => self.follow(side, user, *contact).await,
            Act::Bill { .. } | Act::Poll | Act::Rank { .. } | Act::Hide { .. } => {
                self.change(side, user, act).await;
                Ok(())
            }
            Act::Enter {
                foreign_door,
                foreign_facts,
            } => self.enter(side, user, *foreign_door, *foreign_facts).await,
            Act::Renew => {
                // The CRM gives fresh tokens, so that a session alone gives none.
                let session = self.tenants[&side].sessions[USERS[user]].clone();
                let refused = self.place.exchange("session", &session).await;
                prop_assert_eq!(refused.status, 401, "{}", refused.text);
                let id = self.tenants[&side].id();
                let token = self.place.native(id, &json!({"sub": USERS[user]}));
                let reply = self.place.exchange(&format!("{id}/native"), &token).await;
                self.is_of(side, true, &reply.text)?;
                prop_assert_eq!(reply.status, 200, "{}", reply.text);
                self.take_session(side, user, &reply);
                Ok(())
            }
            Act::Batch => {
                let one = json!({"query": self.everything(side, 0)});
                let body = json!([one, {"query": "{ viewer { role } }"}]).to_string();
                let token = self.tenants[&side].sessions[USERS[user]].clone();
                let reply = self.place.post(Some(&token), body, &[]).await;
                self.judged(side, user, &reply)
            }
            Act::Scrape => {
                let url = format!("{}/metrics", self.place.url);
                let reply = self.place.client.get(url).send().await.expect("answered");
                let text = reply.text().await.expect("text").to_lowercase();
                for side in Side::BOTH {
                    prop_assert!(!text.contains(&side.small_mark()), "metrics tell {side:?}");
                }
                Ok(())
            }
        }
    }

    /// What changes by other hands: the ledger's, and the operator's.
    async fn change(&mut self, side: Side, user: usize, act: &Act) {
        match act {
            Act::Bill {
                customer,
                id,
                steps,
            } => {
                let books = &self.tenants[&side].books;
                let (id, customer) = (format!("9{id}"), CUSTOMERS[*customer]);
                let records = Records {
                    documents: vec![if steps % 3 == 0 {
                        books.payment(&id, customer, day("2026-05-04"), *steps, None)
                    } else {
                        books.invoice(&id, customer, "2026-05-01", *steps)
                    }],
                    ..Records::default()
                };
                books.read(self.place, &records).await;
            }
            Act::Poll => {
                let books = &self.tenants[&side].books;
                books.read(self.place, &Records::default()).await;
            }
            Act::Rank { word } => {
                let tenant = self.tenants.get_mut(&side).expect("there");
                let role = Role::parse(WORDS[*word]).unwrap_or(Role::Rep);
                tenant.roles.insert(USERS[user], role);
                let id = tenant.id().to_owned();
                self.place.set_role(&id, USERS[user], WORDS[*word]).await;
                self.place.has_seen(&id).await;
            }
            Act::Hide { hide } => {
                let tenant = self.tenants.get_mut(&side).expect("there");
                tenant.hides = *hide;
                let id = tenant.id().to_owned();
                self.place.put_tenant(&id, !hide).await;
                self.place.has_seen(&id).await;
            }
            _ => {}
        }
    }

    /// A customer's id: one's own, or the other's.
    fn key(&self, side: Side, customer: usize, foreign: bool) -> String {
        let side = if foreign { side.other() } else { side };
        let books = &self.tenants[&side].books;
        books.key(CUSTOMERS[customer]).to_string()
    }

    async fn ask(&mut self, side: Side, user: usize, question: &str) -> Checked<Reply> {
        self.ask_by(side, user, question, Way::Post).await
    }

    async fn ask_by(
        &mut self,
        side: Side,
        user: usize,
        question: &str,
        way: Way,
    ) -> Checked<Reply> {
        self.requests += 1;
        let id = format!("{side:?}-{}", self.requests);
        let token = &self.tenants[&side].sessions[USERS[user]];
        let reply = match way {
            Way::Get => {
                let url = format!("{}/graphql", self.place.url);
                let request = self.place.client.get(url).query(&[("query", question)]);
                let request = request.bearer_auth(token).header("x-request-id", id);
                Reply::of(request.send().await.expect("answered")).await
            }
            Way::Post | Way::Anew | Way::Twice => {
                let body = json!({ "query": question }).to_string();
                let mut headers = vec![Header::Id(id)];
                if matches!(way, Way::Anew) {
                    headers.push(Header::Anew);
                }
                self.place.post(Some(token), body, &headers).await
            }
        };
        self.judged(side, user, &reply)?;
        Ok(reply)
    }

    async fn read(
        &mut self,
        side: Side,
        user: usize,
        contact: usize,
        company: bool,
        fields: u64,
        way: Way,
    ) -> Checked {
        let mut random = SmallRng::seed_from_u64(fields);
        // A few questions come again and again, so that kept answers are met.
        let whole = fields.is_multiple_of(2);
        let question = {
            let write = |field: &Field, argument: &str| match (field.key().as_str(), argument) {
                ("Query.contact", "id") => Some(format!("\"{}\"", CONTACTS[contact])),
                ("Query.contact", "company") if company => Some(format!("\"{COMPANY}\"")),
                _ => None,
            };
            let root = self.schema.field("Query", "contact");
            let mut keep = || whole || random.random_bool(0.6);
            let selection = self.schema.some(root, &write, &mut keep);
            format!("{{ {selection} }}")
        };
        let reply = self.ask_by(side, user, &question, way).await?;
        Self::answered(&reply)?;
        if matches!(way, Way::Twice) {
            let again = self.ask(side.other(), user, &question).await?;
            Self::answered(&again)?;
            let own = self.ask(side, user, &question).await?;
            Self::answered(&own)?;
        }
        Ok(())
    }

    /// A question for everything about a contact.
    fn everything(&self, _: Side, contact: usize) -> String {
        let write = |field: &Field, argument: &str| {
            let id = field.key() == "Query.contact" && argument == "id";
            id.then(|| format!("\"{}\"", CONTACTS[contact]))
        };
        self.schema
            .question_for_all("All", "Query", "contact", &write)
    }

    async fn follow(&mut self, side: Side, user: usize, contact: usize) -> Checked {
        if self.followed.len() >= 6 {
            return Ok(());
        }
        let tenant = &self.tenants[&side];
        let token = tenant.sessions[USERS[user]].clone();
        let opened = Socket::open(self.place, Some(&token)).await;
        let mut socket = opened.ok_or_else(|| TestCaseError::fail("the socket was refused"))?;
        let write = |_: &Field, argument: &str| {
            (argument == "contactId").then(|| format!("\"{}\"", CONTACTS[contact]))
        };
        let question =
            self.schema
                .question_for_all("Follow", "Subscription", "pulseChanged", &write);
        socket.subscribe("1", &question).await;
        let first = socket.next().await.unwrap_or_default();
        let amounts = tenant.sees_amounts(user);
        self.is_of(side, amounts, &first)?;
        self.followed.push(Followed {
            side,
            amounts,
            socket,
        });
        Ok(())
    }

    async fn enter(
        &mut self,
        side: Side,
        user: usize,
        foreign_door: bool,
        foreign_facts: bool,
    ) -> Checked {
        let tenant = &self.tenants[&side];
        let facts = if foreign_facts { side.other() } else { side };
        let token = self.place.native(
            tenant.id(),
            &json!({
                "sub": USERS[user],
                "contact": "4",
                "email": format!("{}-4@mail.example", facts.small_mark()),
                "tax_number": format!("{}4", facts.mark().to_uppercase()),
            }),
        );
        let door = if foreign_door { side.other() } else { side };
        let path = format!("{}/native", self.tenants[&door].id());
        let reply = self.place.exchange(&path, &token).await;
        self.is_of(side, true, &reply.text)?;
        if foreign_door {
            prop_assert_eq!(reply.status, 401, "{}", reply.text);
            return Ok(());
        }
        prop_assert_eq!(reply.status, 200, "{}", reply.text);
        // A session with a signed contact: ask with it once, and go on with the one before.
        let before = self.tenants[&side].sessions[USERS[user]].clone();
        self.take_session(side, user, &reply);
        for contact in [0, 3] {
            let question = self.everything(side, contact);
            let reply = self.ask(side, user, &question).await?;
            let shown = !reply.json()["data"]["contact"].is_null();
            prop_assert_eq!(shown, contact == 3, "the signed contact and no other");
        }
        let tenant = self.tenants.get_mut(&side).expect("there");
        tenant.sessions.insert(USERS[user], before);
        Ok(())
    }

    fn take_session(&mut self, side: Side, user: usize, reply: &Reply) {
        let session = reply.json()["session"].as_str().expect("one").to_owned();
        let tenant = self.tenants.get_mut(&side).expect("there");
        tenant.sessions.insert(USERS[user], session);
    }

    fn judged(&self, side: Side, user: usize, reply: &Reply) -> Checked {
        let amounts = self.tenants[&side].sees_amounts(user);
        self.is_of(side, amounts, &reply.text)
    }

    /// That a text tells nothing of the other's, and amounts only where they are to be seen.
    fn is_of(&self, side: Side, amounts: bool, text: &str) -> Checked {
        let other = side.other().small_mark();
        prop_assert!(
            !text.to_lowercase().contains(&other),
            "{side:?} is told a text of the other's: {text}"
        );
        let answer: Value = serde_json::from_str(text).unwrap_or_default();
        let mut told = Vec::new();
        collect_amounts(&answer, &mut told);
        for amount in told {
            prop_assert!(amounts, "{amount} is told to one who sees none: {text}");
            prop_assert!(
                (amount % self.tenants[&side].side.step()).is_zero(),
                "{amount} is no amount of {side:?}: {text}"
            );
        }
        Ok(())
    }

    fn answered(reply: &Reply) -> Checked {
        prop_assert!(reply.code().is_none(), "{}", reply.text);
        Ok(())
    }

    /// That only finance and admin may, and nobody anything of the other's.
    fn allowed(&self, reply: &Reply, side: Side, user: usize, foreign: bool) -> Checked {
        let code = reply.code();
        if self.tenants[&side].role(user) < Role::Finance {
            prop_assert_eq!(code.as_deref(), Some("FORBIDDEN"), "{}", reply.text);
        } else if foreign {
            prop_assert_eq!(code.as_deref(), Some("NOT_FOUND"), "{}", reply.text);
        } else {
            let expected = code.is_none() || code.as_deref() == Some("NOT_FOUND");
            prop_assert!(expected, "{}", reply.text);
        }
        Ok(())
    }

    /// What the open subscriptions have been sent.
    async fn end(mut self) -> Checked {
        for mut followed in std::mem::take(&mut self.followed) {
            for message in followed.socket.come(Duration::from_millis(20)).await {
                self.is_of(
                    followed.side,
                    followed.amounts,
                    &payload(&message).to_string(),
                )?;
            }
        }
        Ok(())
    }
}

/// A sample, or with `PULSE_SCALE=full` a thousand cases for each database.
#[expect(
    clippy::disallowed_methods,
    reason = "belongs to the tests, not to the settings"
)]
fn cases() -> u32 {
    if std::env::var("PULSE_SCALE").is_ok_and(|scale| scale == "full") {
        1_000
    } else {
        20
    }
}

#[test]
fn no_tenant_sees_a_byte_of_another_at_scale() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    // The service runs on this thread, and so does what is set for this thread.
    let log = Log::default();
    let writer = log.clone();
    let filter = "debug,financial_pulse=trace,sqlx=info,hyper_util=off,reqwest=off,tungstenite=off";
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .json()
        .flatten_event(true)
        .with_writer(move || writer.clone())
        .finish();
    // With one subscriber alone, a log line that another test's thread reaches first is switched off
    // for all threads.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _capture = tracing::subscriber::set_default(subscriber);
    let schema = Schema::read();
    for database in runtime.block_on(test_stores()) {
        let place = runtime.block_on(Place::start(&database));
        let number = std::cell::Cell::new(0);
        let mut runner = TestRunner::new(Config {
            cases: cases(),
            failure_persistence: None,
            max_shrink_iters: 60,
            ..Config::default()
        });
        let ran = runner.run(&acts(), |steps| {
            number.set(number.get() + 1);
            runtime.block_on(async {
                let mut case = Case::start(&place, &schema, number.get()).await;
                for step in &steps {
                    case.step(step).await?;
                }
                case.end().await
            })?;
            check_log(&log.take())
        });
        if let Err(error) = ran {
            panic!("{}: {error}", database.engine());
        }
        runtime.block_on(place.stop());
    }
}
