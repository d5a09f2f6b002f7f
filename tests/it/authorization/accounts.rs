//! An account that moves to another tenant takes its people along: what was signed for it opens
//! nothing of the tenant before, at no door.

use std::collections::BTreeMap;

use financial_pulse::clock::Clock as _;
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use serde_json::{Value, json};

use super::place::{Place, Reply};
use super::socket::Socket;
use crate::fuzz::entries::material::Pair;
use crate::support::databases::for_each_database;

const FORGE: &str = "atlassian-forge";
const AUDIENCE: &str = "ari:cloud:ecosystem::app/one";
const ACCOUNT: &str = "the cloud of Acme";
const PERSON: &str = "the person 7";
const WHO: &str = "{ viewer { role } }";

/// The key of an app's, and the tenants `acme`, whose account it is for, and `globex`.
async fn start(place: &Place, pair: &Pair) -> SigningKey {
    for tenant in ["acme", "globex"] {
        place.put_tenant(tenant, false).await;
    }
    let key = SigningKey {
        id: uuid::Uuid::new_v4().to_string().into(),
        tenant: None,
        preset: FORGE.to_owned(),
        kid: None,
        algorithm: Algorithm::Rs256,
        source: KeySource::Pem(pair.pem.clone()),
        issuer: None,
        audience: Some(AUDIENCE.to_owned()),
        valid_until: None,
        claims: BTreeMap::default(),
    };
    let now = place.clock.now();
    let added = place.store.add_signing_key(&key, "test", now).await;
    added.expect("added");
    register(place, "acme").await;
    key
}

async fn register(place: &Place, tenant: &str) {
    let tenant = tenant.into();
    let now = place.clock.now();
    let registered = place
        .store
        .register_account(FORGE, ACCOUNT, &tenant, "test", now);
    registered.await.expect("registered");
}

/// What the page gets for what the CRM signs.
async fn sign_in(place: &Place, pair: &Pair) -> Value {
    let now = place.clock.now().as_second();
    let claims = json!({
        "iss": "forge/invocation-token", "aud": AUDIENCE, "iat": now, "exp": now + 300,
        "jti": uuid::Uuid::new_v4().to_string(), "context": { "cloudId": ACCOUNT },
        "principal": PERSON,
    });
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    let token = jsonwebtoken::encode(&header, &claims, &pair.signing).expect("signed");
    let reply = place.exchange(FORGE, &token).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn session(given: &Value) -> &str {
    given["session"].as_str().expect("a session")
}

/// A refusal without what is the request's own.
fn look(reply: &Reply) -> (u16, Value) {
    let mut told = reply.json();
    let problem = told.as_object_mut().expect("a problem");
    problem.remove("requestId");
    for error in problem
        .get_mut("errors")
        .into_iter()
        .filter_map(Value::as_array_mut)
        .flatten()
    {
        error["extensions"]["requestId"] = Value::Null;
    }
    (reply.status, told)
}

/// A session is refused at every door, as what nobody signed is.
async fn opens_nothing(place: &Place, session: &str) {
    let asked = place.ask(session, WHO).await;
    assert_eq!(asked.status, 401, "{asked:?}");
    assert_eq!(look(&asked), look(&place.ask("a.b.c", WHO).await));
    let renewed = place.exchange("session", session).await;
    assert_eq!(renewed.status, 401, "{renewed:?}");
    assert_eq!(
        look(&renewed),
        look(&place.exchange("session", "a.b.c").await)
    );
    assert!(Socket::open(place, Some(session)).await.is_none());
}

#[tokio::test]
async fn an_account_that_moves_takes_its_people_along() {
    let pair = Pair::new(Algorithm::Rs256);
    for_each_database(async |database| {
        let place = Place::start(database).await;
        start(&place, &pair).await;
        let given = sign_in(&place, &pair).await;
        assert_eq!(given["tenant"], "acme");
        // Taken, and kept; and renewed.
        for _ in 0..2 {
            assert_eq!(place.ask(session(&given), WHO).await.status, 200);
        }
        let renewed = place.exchange("session", session(&given)).await;
        assert_eq!(renewed.status, 200, "{renewed:?}");
        let renewed = renewed.json();
        assert_eq!(place.ask(session(&renewed), WHO).await.status, 200);

        register(&place, "globex").await;
        place.has_seen("acme").await;
        for given in [&given, &renewed] {
            opens_nothing(&place, session(given)).await;
        }
        // Who signs in anew is the other tenant's, which goes on from itself.
        let anew = sign_in(&place, &pair).await;
        assert_eq!(anew["tenant"], "globex");
        assert_eq!(place.ask(session(&anew), WHO).await.status, 200);
        let renewed = place.exchange("session", session(&anew)).await;
        assert_eq!(renewed.json()["tenant"], "globex", "{renewed:?}");
        place.stop().await;
    })
    .await;
}

/// One key lets in the people of many tenants; when it ends, each of them hears of it.
#[tokio::test]
async fn an_apps_key_that_ends_takes_its_sessions_along() {
    let pair = Pair::new(Algorithm::Rs256);
    for_each_database(async |database| {
        let place = Place::start(database).await;
        let key = start(&place, &pair).await;
        let given = sign_in(&place, &pair).await;
        let native = place.native("acme", &json!({ "sub": PERSON }));
        // Taken, and kept.
        for token in [session(&given), session(&given), &native] {
            assert_eq!(place.ask(token, WHO).await.status, 200);
        }
        let now = place.clock.now();
        let retired = place.store.retire_signing_key(&key.id, now, "test", now);
        retired.await.expect("retired");
        place.refuses(session(&given)).await;
        opens_nothing(&place, session(&given)).await;
        assert_eq!(place.ask(&native, WHO).await.status, 200);
        place.stop().await;
    })
    .await;
}

/// Sessions of before accounts stood in them.
#[tokio::test]
async fn a_session_under_an_apps_key_that_names_no_account_opens_nothing() {
    let pair = Pair::new(Algorithm::Rs256);
    for_each_database(async |database| {
        let place = Place::start(database).await;
        let key = start(&place, &pair).await;
        let now = place.clock.now().as_second();
        let of = |account: Option<&str>| {
            let mut claims = json!({
                "aud": "graphql", "tenant": "acme", "preset": FORGE, "sub": PERSON,
                "key": key.id.as_str(), "iat": now, "exp": now + 300, "cap": now + 3600,
                "jti": "1",
            });
            if let Some(account) = account {
                claims["account"] = account.into();
            }
            place.signed_session(&claims)
        };
        let named = of(Some(ACCOUNT));
        assert_eq!(place.ask(&named, WHO).await.status, 200);
        assert_eq!(place.exchange("session", &named).await.status, 200);
        opens_nothing(&place, &of(None)).await;
        opens_nothing(&place, &of(Some("the cloud of nobody"))).await;
        place.stop().await;
    })
    .await;
}

/// One id in two schemes is two people: a role of the one is not the other's.
#[tokio::test]
async fn a_role_is_its_schemes() {
    let pair = Pair::new(Algorithm::Rs256);
    for_each_database(async |database| {
        let place = Place::start(database).await;
        start(&place, &pair).await;
        let native = place.native("acme", &json!({ "sub": PERSON }));
        let given = sign_in(&place, &pair).await;
        let forge = session(&given);
        let role = async |token: &str| {
            let reply = place.ask(token, WHO).await;
            reply.json()["data"]["viewer"]["role"].clone()
        };
        assert_eq!(
            (role(&native).await, role(forge).await),
            (json!("REP"), json!("REP"))
        );
        place.set_role("acme", PERSON, "finance").await;
        place.has_seen("acme").await;
        assert_eq!(role(&native).await, "FINANCE");
        assert_eq!(role(forge).await, "REP");
        place.stop().await;
    })
    .await;
}
