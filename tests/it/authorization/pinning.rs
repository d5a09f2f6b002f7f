//! A role, a key, a link, a session: what they give ends the moment they are taken away, for kept
//! tokens, kept answers and open subscriptions alike, whatever a token claims.

use std::time::Duration;

use financial_pulse::auth::{Role, Trust};
use financial_pulse::clock::Clock as _;
use financial_pulse::domain::ids::ContactId;
use financial_pulse::domain::records::Records;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::books::Books;
use super::place::{Place, Who, native_key};
use super::socket::{Socket, payload};
use crate::support::databases::{TestStore, for_each_database};

const TENANT: &str = "acme";
const ANNA: &str = "native:contact:anna";
const ROLE: &str = "{ viewer { role canSeeAmounts canLink canSetLimits } }";
const OWED: &str = "{ contact(id: \"native:contact:anna\") { pulse { balance { byCurrency { \
    outstanding { amount } } } } } }";
const FOLLOW: &str = "subscription { pulseChanged(contactId: \"native:contact:anna\") { balance { \
    byCurrency { outstanding { amount } outstandingBand } } } }";
/// Longer than it takes to push a pulse.
const MOMENT: Duration = Duration::from_millis(400);

fn books() -> Books {
    Books {
        tenant: TENANT.to_owned(),
        connection: "books".to_owned(),
        mark: "Quokka".to_owned(),
        step: "10.07".parse().expect("an amount"),
    }
}

/// A tenant whose reps see no amounts, with a key and books.
async fn start(database: &TestStore) -> Place {
    let place = Place::start(database).await;
    place.put_tenant(TENANT, false).await;
    let books = books();
    books.connect(&place).await;
    books.fill(&place).await;
    books.link(&place, ANNA, "1").await;
    place.has_seen(TENANT).await;
    place
}

/// A user whose role is for the tenant to say.
fn unranked(user: &str) -> Who<'_> {
    Who {
        tenant: TENANT,
        user,
        role: None,
        contact: None,
    }
}

async fn owed(place: &Place, token: &str) -> Vec<Value> {
    let reply = place.ask(token, OWED).await;
    let json = reply.json();
    let parts = json["data"]["contact"]["pulse"]["balance"]["byCurrency"].as_array();
    let parts = parts.unwrap_or_else(|| panic!("no balance: {reply:?}"));
    parts
        .iter()
        .map(|part| part["outstanding"].clone())
        .collect()
}

async fn sees_amounts(place: &Place, token: &str) -> bool {
    let amounts = owed(place, token).await;
    let shown = amounts.iter().any(|amount| !amount.is_null());
    assert_eq!(
        shown,
        amounts.iter().all(|amount| !amount.is_null()),
        "{amounts:?}"
    );
    shown
}

async fn following(place: &Place, token: &str) -> (Socket, String) {
    let mut socket = Socket::open(place, Some(token)).await.expect("taken");
    socket.subscribe("1", FOLLOW).await;
    let first = socket.next().await.expect("a pulse");
    (socket, first)
}

/// One more invoice, which every open subscription would be told of.
async fn bill(place: &Place, id: &str) {
    let books = books();
    let records = Records {
        documents: vec![books.invoice(id, "1", "2026-05-04", 777)],
        ..Records::default()
    };
    books.read(place, &records).await;
}

/// That nothing comes any more but the end.
async fn ends(place: &Place, mut socket: Socket, why: &str) {
    bill(place, "901").await;
    let messages = socket.come(MOMENT).await;
    let kinds: Vec<Value> = messages
        .iter()
        .map(|message| serde_json::from_str::<Value>(message).expect("JSON")["type"].clone())
        .collect();
    assert_eq!(kinds, ["complete"], "{why}: {messages:?}");
}

#[tokio::test]
async fn a_claimed_role_is_one_of_four_words_or_no_token() {
    for_each_database(async |database| {
        let place = start(database).await;
        let odd = [
            json!("Admin"),
            json!("ADMIN"),
            json!("admin "),
            json!(" admin"),
            json!("admin\n"),
            json!("admin\u{0}"),
            json!("\u{430}dmin"),
            json!("rep,admin"),
            json!("owner"),
            json!(""),
            json!(["admin"]),
            json!(["rep", "admin"]),
            json!({"admin": true}),
            json!(3),
            json!(true),
        ];
        for role in odd {
            let token = place.native(TENANT, &json!({ "role": role }));
            assert_eq!(place.ask(&token, ROLE).await.status, 401, "{role}");
            let door = format!("{TENANT}/native");
            assert_eq!(place.exchange(&door, &token).await.status, 401, "{role}");
            assert!(Socket::open(&place, Some(&token)).await.is_none(), "{role}");
        }
        // Other spellings of the claim say nothing, and who says nothing is a rep.
        for claim in ["Role", "ROLE", "roles", "isAdmin", "viewer", "scope"] {
            let token = place.native(TENANT, &json!({ claim: "admin" }));
            let viewer = place.ask(&token, ROLE).await.json()["data"]["viewer"].clone();
            let rep = json!({
                "role": "REP", "canSeeAmounts": false, "canLink": false, "canSetLimits": false
            });
            assert_eq!(viewer, rep, "{claim}");
        }
        place.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_mapped_role_is_one_of_four_words_or_rep_and_a_signed_one_counts_first() {
    for_each_database(async |database| {
        let place = start(database).await;
        let session = place.session(unranked("u-9"));
        let native = place.native(TENANT, &json!({"sub": "u-9"}));
        let signed_rep = place.session(Who {
            role: Some(Role::Rep),
            ..unranked("u-9")
        });
        for (word, role) in [
            ("admin", "ADMIN"),
            ("Admin", "REP"),
            ("finance", "FINANCE"),
            ("admin ", "REP"),
            ("account_manager", "ACCOUNT_MANAGER"),
            ("root", "REP"),
            ("rep", "REP"),
        ] {
            place.set_role(TENANT, "u-9", word).await;
            place.has_seen(TENANT).await;
            // The tokens and the answer were kept under the role before.
            for token in [&session, &native] {
                let viewer = place.ask(token, ROLE).await.json()["data"]["viewer"].clone();
                assert_eq!(viewer["role"], role, "{word}");
                assert_eq!(sees_amounts(&place, token).await, role != "REP", "{word}");
            }
            let viewer = place.ask(&signed_rep, ROLE).await.json()["data"]["viewer"].clone();
            assert_eq!(viewer["role"], "REP", "the CRM signed it");
            assert!(!sees_amounts(&place, &signed_rep).await);
        }
        place.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_changed_role_ends_what_is_open_under_the_one_before() {
    for_each_database(async |database| {
        let place = start(database).await;
        for (before, after) in [
            ("finance", "rep"),
            ("rep", "admin"),
            ("admin", "account_manager"),
        ] {
            place.set_role(TENANT, "u-9", before).await;
            place.has_seen(TENANT).await;
            let session = place.session(unranked("u-9"));
            let (mut socket, first) = following(&place, &session).await;
            assert_eq!(first.contains("\"amount\""), before != "rep", "{first}");
            place.set_role(TENANT, "u-9", after).await;
            place.has_seen(TENANT).await;
            let end = socket.next().await.expect("an end");
            assert!(end.contains("complete"), "{before} to {after}: {end}");
            // The same socket follows anew, under the role that counts now.
            socket.subscribe("2", FOLLOW).await;
            let anew = socket.next().await.expect("a pulse");
            assert_eq!(anew.contains("\"amount\""), after != "rep", "{anew}");
        }
        place.stop().await;
    })
    .await;
}

#[tokio::test]
async fn hiding_amounts_hides_them_at_once() {
    for_each_database(async |database| {
        let place = start(database).await;
        let rep = place.session(Who::role(TENANT, Role::Rep));
        for hidden in [false, true, false, true] {
            place.put_tenant(TENANT, !hidden).await;
            place.has_seen(TENANT).await;
            assert_eq!(sees_amounts(&place, &rep).await, !hidden, "kept or not");
            assert_eq!(sees_amounts(&place, &rep).await, !hidden, "kept");
        }
        place.put_tenant(TENANT, true).await;
        place.has_seen(TENANT).await;
        let (socket, first) = following(&place, &rep).await;
        assert!(first.contains("\"amount\""), "{first}");
        place.put_tenant(TENANT, false).await;
        place.has_seen(TENANT).await;
        ends(&place, socket, "amounts are hidden now").await;
        place.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_retired_key_ends_the_tokens_and_sessions_under_it() {
    for_each_database(async |database| {
        let place = Place::start(database).await;
        place.put_tenant(TENANT, false).await;
        let books = books();
        books.connect(&place).await;
        books.fill(&place).await;
        books.link(&place, ANNA, "1").await;
        place.has_seen(TENANT).await;
        let token = place.native(TENANT, &json!({"role": "admin"}));
        // Verified, and kept; the answer, too.
        for _ in 0..2 {
            assert!(sees_amounts(&place, &token).await);
        }
        let (mut idle, _) = following(&place, &token).await;
        let (told, _) = following(&place, &token).await;
        let session = place.session(Who::role(TENANT, Role::Admin));
        let (mut of_session, _) = following(&place, &session).await;
        let now = place.clock.now();
        let retired = place
            .store
            .retire_signing_key(&native_key(TENANT), now, "test", now)
            .await;
        retired.expect("retired");
        place.refuses(&token).await;
        let door = format!("{TENANT}/native");
        assert_eq!(place.exchange(&door, &token).await.status, 401);
        for ended in [&token, &session] {
            assert_eq!(place.ask(ended, OWED).await.status, 401);
            assert!(Socket::open(&place, Some(ended)).await.is_none());
        }
        for socket in [&mut idle, &mut of_session] {
            let end = socket.next().await.expect("an end");
            assert!(
                end.contains("complete"),
                "without a change of the books: {end}"
            );
        }
        idle.subscribe("2", FOLLOW).await;
        let refusal = idle.next().await.expect("a refusal");
        assert!(refusal.contains("UNAUTHENTICATED"), "{refusal}");
        ends(&place, told, "the key is retired").await;
        place.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_key_that_will_end_cuts_nobody_off_before() {
    for_each_database(async |database| {
        let place = start(database).await;
        let session = place.session(Who::role(TENANT, Role::Finance));
        let (mut socket, _) = following(&place, &session).await;
        let now = place.clock.now();
        let end = now + SignedDuration::from_secs(60);
        let retired = place
            .store
            .retire_signing_key(&native_key(TENANT), end, "test", now)
            .await;
        assert!(retired.expect("retired"));
        place.has_seen(TENANT).await;
        bill(&place, "900").await;
        let told = socket.next().await.expect("a pulse");
        assert!(told.contains("\"amount\""), "{told}");
        place.clock.advance(SignedDuration::from_secs(60));
        ends(&place, socket, "the key has ended").await;
        place.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_removed_link_ends_the_pulse() {
    for_each_database(async |database| {
        let place = start(database).await;
        let session = place.session(Who::role(TENANT, Role::Finance).of(ANNA, Trust::Signed));
        assert!(sees_amounts(&place, &session).await);
        let (socket, _) = following(&place, &session).await;
        let contact = ContactId::parse(ANNA).expect("an id");
        let (tenant, now) = (TENANT.into(), place.clock.now());
        let customer = books().key("1");
        let removed = place
            .store
            .remove_link(&tenant, &contact, &customer, "test", None, now);
        assert!(removed.await.expect("removed"));
        place.has_seen(TENANT).await;
        ends(&place, socket, "the link is gone").await;
        let after = place.ask(&session, OWED).await.json();
        assert_eq!(after["data"]["contact"], json!({"pulse": null}));
        place.stop().await;
    })
    .await;
}

#[tokio::test]
async fn another_link_ends_the_pulse_of_those_before() {
    for_each_database(async |database| {
        let place = start(database).await;
        let session = place.session(Who::role(TENANT, Role::Finance));
        let (socket, _) = following(&place, &session).await;
        books().link(&place, ANNA, "3").await;
        place.has_seen(TENANT).await;
        ends(&place, socket, "the page says whom it shows").await;
        place.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_subscription_ends_with_its_session_though_nothing_changes() {
    for_each_database(async |database| {
        let place = start(database).await;
        let session = place.session_of_seconds(Who::role(TENANT, Role::Finance), 1);
        let (mut socket, first) = following(&place, &session).await;
        assert!(first.contains("\"amount\""), "{first}");
        place.clock.advance(SignedDuration::from_secs(1));
        let end = socket.next().await.expect("an end");
        assert!(end.contains("complete"), "{end}");
        assert_eq!(payload(&end), json!(null));
        assert_eq!(
            place.ask(&session, OWED).await.status,
            401,
            "kept, and over"
        );
        place.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_check_of_an_amount_tells_no_share_to_who_sees_no_amounts() {
    for_each_database(async |database| {
        let place = start(database).await;
        let rep = place.session(Who::role(TENANT, Role::Rep));
        let finance = place.session(Who::role(TENANT, Role::Finance));
        // Of an amount that dwarfs the limit, the share of the limit is the limit.
        for amount in ["1000000000000", "20.14", "2000"] {
            let check = format!(
                "{{ creditCheck(contactId: \"{ANNA}\", amount: {{amount: \"{amount}\", currency: \
                 \"USD\"}}) {{ result inputsHash reasons {{ code message share amount {{ amount \
                 }} }} }} }}"
            );
            let known = place.ask(&finance, &check).await.json();
            let told = place.ask(&rep, &check).await.json();
            let (known, told) = (&known["data"]["creditCheck"], &told["data"]["creditCheck"]);
            assert_eq!(known["result"], told["result"]);
            let of_limit = known["reasons"]
                .as_array()
                .expect("reasons")
                .iter()
                .find(|reason| !reason["share"].is_null());
            let share = of_limit.expect("the limit is nearly used")["share"].clone();
            for reason in told["reasons"].as_array().expect("reasons") {
                assert_eq!(reason["share"], json!(null), "{reason}");
                let message = reason["message"].as_str().expect("words");
                assert!(!message.contains('%'), "{message}, of {share}");
            }
        }
        place.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_changes_meanwhile_makes_no_right_token_wrong() {
    for_each_database(async |database| {
        let place = start(database).await;
        let changes = async {
            for turn in 0..300 {
                let word = Role::ALL[turn % 4].as_str();
                place.set_role(TENANT, "u-8", word).await;
                tokio::task::yield_now().await;
            }
        };
        let questions = async {
            for turn in 0..300 {
                let user = format!("u-{turn}");
                let token = place.session(Who {
                    role: Some(Role::Finance),
                    ..unranked(&user)
                });
                let reply = place.ask(&token, ROLE).await;
                assert_eq!(reply.status, 200, "{reply:?}");
            }
        };
        tokio::join!(changes, questions);
        place.stop().await;
    })
    .await;
}
