//! Every field of the schema against every kind of caller, by `table.txt`: asked for alone and all
//! at once, first and after somebody who sees more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use financial_pulse::auth::{Role, Trust};
use financial_pulse::domain::records::Records;
use serde_json::{Value, json};

use super::place::{Reply, Who};
use super::schema::{Field, Schema, ends_at};
use super::socket::{Socket, payload};
use super::table::{Principal, Row, Verdict, table};
use super::world::{About, CONTACTS, HIDING, SHOWING, World, asks_about, books, contact};
use crate::support::databases::for_each_database;

/// Whether nothing of the tenant's amounts is for this principal.
fn sees_no_amount(principal: Principal) -> bool {
    !matches!(
        principal,
        Principal::RepShown | Principal::Manager | Principal::Finance | Principal::Admin
    )
}

/// What an answer made of the field at the end of a path.
fn verdict(reply: &Reply, path: &[Field]) -> Verdict {
    if let Some(code) = reply.code() {
        return Verdict::Code(code);
    }
    match ends_at(&reply.json()["data"], path) {
        None => Verdict::Shown,
        Some(position) => match path[position].key().as_str() {
            "Query.contact" => Verdict::NoContact,
            "Contact.pulse" => Verdict::Unlinked,
            _ => Verdict::Null,
        },
    }
}

#[test]
fn every_field_has_a_row_and_every_row_a_field() {
    let fields = Schema::read().keys();
    let rows: BTreeSet<String> = table().into_keys().collect();
    let missing: Vec<_> = fields.difference(&rows).collect();
    let left_over: Vec<_> = rows.difference(&fields).collect();
    assert!(
        missing.is_empty() && left_over.is_empty(),
        "say in table.txt who may see these: {missing:?}; these are gone: {left_over:?}"
    );
}

#[tokio::test]
async fn each_field_asked_for_alone_is_for_whom_the_table_says() {
    for_each_database(async |database| {
        let world = World::start(database).await;
        let amounts = world.amounts().await;
        assert!(amounts.len() > 30, "{amounts:?}");
        let mut wrong = Vec::new();
        let paths = world.schema.paths();
        for (turn, (key, row)) in world.rows.iter().enumerate() {
            let Some(path) = paths.get(key) else { continue };
            match path[0].owner.as_str() {
                "Query" => wrong.extend(read_row(&world, turn, path, row, &amounts).await),
                "Mutation" => wrong.extend(write_row(&world, path, row).await),
                _ => wrong.extend(follow_row(&world, path, row).await),
            }
        }
        assert!(
            wrong.is_empty(),
            "{}:\n{}",
            database.engine(),
            wrong.join("\n")
        );
        world.place.stop().await;
    })
    .await;
}

/// The callers, in an order that differs from turn to turn, so that each comes after each somewhere.
fn callers(turn: usize) -> [Principal; Principal::ALL.len()] {
    let mut order = Principal::ALL;
    order.rotate_left(turn % Principal::ALL.len());
    order
}

/// A field of a query: after the admin, and before.
async fn read_row(
    world: &World,
    turn: usize,
    path: &[Field],
    row: &Row,
    amounts: &BTreeSet<String>,
) -> Vec<String> {
    let key = path.last().expect("a field").key();
    let mut wrong = Vec::new();
    let question = |name: &str, tenant: &str| {
        let contact = if row.about == "-" { "anna" } else { &row.about };
        let about = About { tenant, contact };
        world
            .schema
            .question(name, path, &|field, argument| about.write(field, argument))
    };
    for name in ["AfterTheAdmin", "BeforeTheAdmin"] {
        let mut first = BTreeMap::new();
        let admins = [Principal::Admin, Principal::RepShown];
        if name == "AfterTheAdmin" {
            for principal in admins {
                let question = question(name, asks_about(principal));
                let reply = world
                    .post(Some(world.admin_for(principal)), &question)
                    .await;
                first.insert(principal, reply.text);
            }
        }
        for principal in callers(turn) {
            let question = question(name, asks_about(principal));
            for token in &world.tokens[&principal] {
                let reply = world.post(token.as_deref(), &question).await;
                let found = verdict(&reply, path);
                if found != *row.verdict(principal) {
                    wrong.push(format!(
                        "{key} for {principal:?} ({name}): {found}, not {}\n  {question}\n  {}",
                        row.verdict(principal),
                        reply.text
                    ));
                }
                wrong.extend(leaks(&reply.text, principal, amounts).map(|leak| {
                    format!("{key} for {principal:?} ({name}): {leak}\n  {}", reply.text)
                }));
            }
        }
        for principal in admins {
            let question = question(name, asks_about(principal));
            let reply = world
                .post(Some(world.admin_for(principal)), &question)
                .await;
            let same = first
                .get(&principal)
                .is_none_or(|first| *first == reply.text);
            if !same || verdict(&reply, path) != *row.verdict(Principal::Admin) {
                wrong.push(format!(
                    "{key}: the admin's own answer changed: {}",
                    reply.text
                ));
            }
        }
    }
    wrong
}

/// A field of a mutation's answer, and that nothing was written for whom it is not.
async fn write_row(world: &World, path: &[Field], row: &Row) -> Vec<String> {
    let key = path.last().expect("a field").key();
    let mut wrong = Vec::new();
    for principal in Principal::ALL {
        let tenant = asks_about(principal);
        let about = About {
            tenant,
            contact: "anna",
        };
        let question = world.schema.question("Write", path, &|field, argument| {
            about.write(field, argument)
        });
        for token in &world.tokens[&principal] {
            world.link_tess(tenant).await;
            let before = world.written(tenant).await;
            let reply = world.post(token.as_deref(), &question).await;
            let found = verdict(&reply, path);
            if found != *row.verdict(principal) {
                wrong.push(format!(
                    "{key} for {principal:?}: {found}, not {}\n  {question}\n  {}",
                    row.verdict(principal),
                    reply.text
                ));
            }
            if matches!(found, Verdict::Code(_)) && world.written(tenant).await != before {
                wrong.push(format!("{key} for {principal:?}: refused, and yet written"));
            }
        }
    }
    wrong
}

/// A field of a subscription.
async fn follow_row(world: &World, path: &[Field], row: &Row) -> Vec<String> {
    let mut wrong = Vec::new();
    for principal in Principal::ALL {
        let about = About {
            tenant: asks_about(principal),
            contact: "anna",
        };
        let question = world.schema.question("Follow", path, &|field, argument| {
            about.write(field, argument)
        });
        for token in &world.tokens[&principal] {
            let found = match Socket::open(&world.place, token.as_deref()).await {
                None => Verdict::Code("UNAUTHENTICATED".to_owned()),
                Some(mut socket) => {
                    socket.subscribe("1", &question).await;
                    let message = socket.next().await.expect("an answer");
                    let answer = payload(&message).to_string();
                    let reply = Reply {
                        status: 200,
                        text: answer,
                    };
                    verdict(&reply, path)
                }
            };
            if found != *row.verdict(principal) {
                let wanted = row.verdict(principal);
                wrong.push(format!(
                    "{}: {principal:?}: {found}, not {wanted}",
                    path[0].key()
                ));
            }
        }
    }
    wrong
}

/// What an answer tells that it must not.
fn leaks(
    text: &str,
    principal: Principal,
    amounts: &BTreeSet<String>,
) -> impl Iterator<Item = String> {
    let hidden = sees_no_amount(principal);
    let told: Vec<String> = amounts
        .iter()
        .filter(|amount| hidden && text.contains(amount.as_str()))
        .map(|amount| format!("tells {amount}"))
        .collect();
    let outside = matches!(
        principal,
        Principal::Nobody | Principal::Ended | Principal::Elsewhere | Principal::Stranger
    );
    let marked = (outside && text.to_lowercase().contains("quokka"))
        .then(|| "tells a text of the books".to_owned());
    told.into_iter().chain(marked)
}

#[tokio::test]
async fn all_fields_asked_for_at_once_tell_no_more() {
    for_each_database(async |database| {
        let world = World::start(database).await;
        let amounts = world.amounts().await;
        let mut wrong = Vec::new();
        for about in CONTACTS {
            for (turn, root) in ["contact", "creditCheck", "customers", "viewer"]
                .into_iter()
                .enumerate()
            {
                for name in ["AfterTheAdmin", "BeforeTheAdmin"] {
                    wrong.extend(all_of_a_root(&world, about, root, name, turn, &amounts).await);
                }
            }
        }
        wrong.extend(all_of_the_mutations(&world, &amounts).await);
        wrong.extend(all_of_the_subscription(&world, &amounts).await);
        assert!(
            wrong.is_empty(),
            "{}:\n{}",
            database.engine(),
            wrong.join("\n")
        );
        world.place.stop().await;
    })
    .await;
}

async fn all_of_a_root(
    world: &World,
    about: &str,
    root: &str,
    name: &str,
    turn: usize,
    amounts: &BTreeSet<String>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let question = |principal| {
        let about = About {
            tenant: asks_about(principal),
            contact: about,
        };
        let write = |field: &Field, argument: &str| about.write(field, argument);
        world.schema.question_for_all(name, "Query", root, &write)
    };
    if name == "AfterTheAdmin" {
        for principal in [Principal::Admin, Principal::RepShown] {
            let admin = world.admin_for(principal);
            world.post(Some(admin), &question(principal)).await;
        }
    }
    for principal in callers(turn) {
        for token in &world.tokens[&principal] {
            let reply = world.post(token.as_deref(), &question(principal)).await;
            let told = judge_all(world, "Query", root, &reply.text, principal, amounts);
            wrong.extend(
                told.into_iter()
                    .map(|what| format!("{about} {name} {root}: {what}")),
            );
        }
    }
    wrong
}

async fn all_of_the_mutations(world: &World, amounts: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for root in ["linkContact", "unlinkContact", "setCreditLimit"] {
        for principal in Principal::ALL {
            let tenant = asks_about(principal);
            let about = About {
                tenant,
                contact: "anna",
            };
            let write = |field: &Field, argument: &str| about.write(field, argument);
            let question = world
                .schema
                .question_for_all("Write", "Mutation", root, &write);
            for token in &world.tokens[&principal] {
                world.link_tess(tenant).await;
                let reply = world.post(token.as_deref(), &question).await;
                let told = judge_all(world, "Mutation", root, &reply.text, principal, amounts);
                wrong.extend(told.into_iter().map(|what| format!("{root}: {what}")));
            }
        }
    }
    wrong
}

/// The pulse at once, and the one after a change of the books.
async fn all_of_the_subscription(world: &World, amounts: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut sockets = Vec::new();
    for principal in Principal::ALL {
        let about = About {
            tenant: asks_about(principal),
            contact: "anna",
        };
        let write = |field: &Field, argument: &str| about.write(field, argument);
        let question =
            world
                .schema
                .question_for_all("Follow", "Subscription", "pulseChanged", &write);
        for token in &world.tokens[&principal] {
            if let Some(mut socket) = Socket::open(&world.place, token.as_deref()).await {
                socket.subscribe("1", &question).await;
                let message = socket.next().await.expect("an answer");
                sockets.push((principal, socket, vec![message]));
            }
        }
    }
    for tenant in [HIDING, SHOWING] {
        let books = books(tenant);
        let records = Records {
            documents: vec![books.invoice("41", "1", "2026-05-04", 9_973)],
            ..Records::default()
        };
        books.read(&world.place, &records).await;
    }
    let mut amounts = amounts.clone();
    amounts.insert(books(HIDING).amount(9_973).to_string());
    amounts.insert(books(HIDING).amount(2 * 9_973).to_string());
    for (principal, socket, messages) in &mut sockets {
        if row_of(world, "Subscription.pulseChanged").verdict(*principal) == &Verdict::Shown {
            messages.push(socket.next().await.expect("the new pulse"));
        } else {
            messages.extend(socket.come(Duration::from_millis(100)).await);
        }
        for message in messages
            .iter()
            .filter(|message| !payload(message).is_null())
        {
            let answer = payload(message).to_string();
            let told = judge_all(
                world,
                "Subscription",
                "pulseChanged",
                &answer,
                *principal,
                &amounts,
            );
            wrong.extend(told.into_iter().map(|what| format!("pulseChanged: {what}")));
        }
    }
    let admin = sockets
        .iter()
        .find(|(principal, ..)| *principal == Principal::Admin);
    let (_, _, messages) = admin.expect("one");
    let new = books(HIDING).amount(2 * 9_973).to_string();
    assert!(
        messages[1].contains(&new),
        "the change was pushed: {messages:?}"
    );
    wrong
}

fn row_of<'a>(world: &'a World, key: &str) -> &'a Row {
    &world.rows[key]
}

/// What an answer to everything below a root tells beyond the table.
fn judge_all(
    world: &World,
    kind: &str,
    root: &str,
    text: &str,
    principal: Principal,
    amounts: &BTreeSet<String>,
) -> Vec<String> {
    let mut wrong: Vec<String> = leaks(text, principal, amounts)
        .map(|leak| format!("{principal:?}: {leak}\n  {text}"))
        .collect();
    let answer: Value = serde_json::from_str(text).expect("JSON");
    let of_root = row_of(world, &format!("{kind}.{root}")).verdict(principal);
    let reply = Reply {
        status: 200,
        text: text.to_owned(),
    };
    let field = world.schema.field(kind, root).clone();
    let of_answer = verdict(&reply, std::slice::from_ref(&field));
    if of_answer != *of_root {
        wrong.push(format!(
            "{principal:?}: {of_answer}, not {of_root}\n  {text}"
        ));
    }
    let mut show = |field: &Field, value: &Value| {
        let key = field.key();
        let is_shown = ends_at(
            &json!({ field.name.as_str(): value }),
            std::slice::from_ref(field),
        )
        .is_none();
        if is_shown && row_of(world, &key).verdict(principal) == &Verdict::Null {
            wrong.push(format!("{key} for {principal:?}: {value}"));
        }
    };
    world.schema.walk(kind, &answer["data"], &mut show);
    wrong
}

#[tokio::test]
async fn what_is_not_for_a_viewer_is_as_if_it_were_not() {
    for_each_database(async |database| {
        let world = World::start(database).await;
        let token = world.tokens[&Principal::Other][0].as_deref();
        let questions = [
            "{ contact(id: \"ID\") { id link { state } pulse { asOf } } }",
            "{ contact(id: \"native:contact:ben\", company: \"ID\") { link { state company } } }",
            "{ creditCheck(contactId: \"ID\", amount: {amount: \"1\", currency: \"USD\"}) { result } }",
            "mutation { linkContact(input: {contactId: \"ID\", customerId: \"hiding-books:1\"}) { contact { id } } }",
            "mutation { unlinkContact(input: {contactId: \"ID\", customerId: \"hiding-books:1\"}) { contact { id } } }",
        ];
        for question in questions {
            let mut answers = BTreeSet::new();
            for id in ["native:contact:anna", "native:contact:cora", "native:contact:nobody", "native:company:mill"] {
                for _ in 0..2 {
                    let reply = world.post(token, &question.replace("ID", id)).await;
                    answers.insert(reply.without_id().replace(id, "ID"));
                }
            }
            assert_eq!(answers.len(), 1, "{question}: {answers:?}");
        }
        // The company that a page names for a signed contact, which has no link of its own.
        let who = Who::role(HIDING, Role::Finance);
        let cora = world.place.session(who.of("native:contact:cora", Trust::Signed));
        for company in ["native:company:mill", "native:company:nobody"] {
            let question = format!(
                "{{ contact(id: \"native:contact:cora\", company: \"{company}\") {{ link {{ \
                 state company }} pulse {{ asOf }} }} }}"
            );
            let data = world.post(Some(&cora), &question).await.json()["data"].clone();
            let unlinked = json!({"link": {"state": "UNLINKED", "company": null}, "pulse": null});
            assert_eq!(data["contact"], unlinked, "{company}");
        }
        // A customer of another tenant's, one that there never was, and books that there never were.
        let admin = world.tokens[&Principal::Admin][0].as_deref();
        let questions = [
            "mutation { linkContact(input: {contactId: \"native:contact:cora\", customerId: \"ID\"}) { contact { id } } }",
            "mutation { unlinkContact(input: {contactId: \"native:contact:cora\", customerId: \"ID\"}) { contact { id } } }",
            "mutation { setCreditLimit(input: {customerId: \"ID\", reason: \"new\", limit: {amount: \"1\", currency: \"USD\"}}) { limit { actor } } }",
            "mutation { setCreditLimit(input: {customerId: \"ID\", reason: \"end\"}) { limit { actor } } }",
        ];
        for question in questions {
            let mut answers = BTreeSet::new();
            for id in ["showing-books:1", "hiding-books:99", "no-books:1"] {
                let reply = world.post(admin, &question.replace("ID", id)).await;
                assert_eq!(reply.code().as_deref(), Some("NOT_FOUND"), "{question} {id}");
                answers.insert(reply.without_id());
            }
            assert_eq!(answers.len(), 1, "{question}: {answers:?}");
        }
        // On a socket, too.
        let mut answers = BTreeSet::new();
        for id in ["anna", "cora", "nobody"] {
            let mut socket = Socket::open(&world.place, token).await.expect("open");
            let question = format!("subscription {{ pulseChanged(contactId: \"{}\") {{ asOf }} }}", contact(id));
            socket.subscribe("1", &question).await;
            let message = socket.next().await.expect("an answer");
            let reply = Reply { status: 200, text: payload(&message).to_string() };
            answers.insert(reply.without_id());
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
        world.place.stop().await;
    })
    .await;
}
