//! What was proved once counts no longer than what it rests on: keys, roles and the tenant's wishes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use financial_pulse::auth::Role;
use financial_pulse::clock::Clock as _;
use financial_pulse::domain::ids::SigningKeyId;
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use financial_pulse::service::changes::ChangeFeed;
use financial_pulse::store::{Tenant, TenantSettings};
use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::harness::{App, TENANT};

const WHO: &str = "{ viewer { role canSeeAmounts } }";

/// The application with its feed of changes: nobody but the store tells it of them.
async fn watched() -> App {
    let app = App::start().await;
    let nudge = Arc::new(Notify::new());
    let feed = ChangeFeed::start(app.store.clone(), Duration::from_millis(10), nudge);
    let feed = feed.await.expect("a feed");
    tokio::spawn(feed.run(Arc::clone(&app.snapshots), CancellationToken::new()));
    app
}

async fn status(app: &App, token: &str) -> u16 {
    app.send(token, &json!({ "query": WHO }), &[]).await.status
}

/// Waits until a token is answered so.
async fn until(app: &App, token: &str, expected: u16) {
    for _ in 0..500 {
        if status(app, token).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never {expected}");
}

async fn key_of(app: &App) -> SigningKeyId {
    let keys = app.store.listed_keys(Some(&TENANT.into())).await;
    keys.expect("read").remove(0).id
}

async fn add_key(app: &App) {
    let key = SigningKey {
        id: Uuid::new_v4().to_string().into(),
        tenant: Some(TENANT.into()),
        preset: "native".to_owned(),
        kid: None,
        algorithm: Algorithm::Hs256,
        source: KeySource::Secret("the secret after the change, of 40 bytes".into()),
        issuer: None,
        audience: None,
        valid_until: None,
        claims: BTreeMap::default(),
    };
    let now = app.clock.now();
    let added = app.store.add_signing_key(&key, "test", now).await;
    added.expect("added");
}

#[tokio::test]
async fn a_retired_key_ends_what_it_has_proved() {
    let app = watched().await;
    let token = app.token(Role::Finance).await;
    let session = app.session(Role::Finance);
    for kept in [&token, &token, &session] {
        assert_eq!(status(&app, kept).await, 200);
    }
    let now = app.clock.now();
    let key = key_of(&app).await;
    let retired = app.store.retire_signing_key(&key, now, "test", now);
    retired.await.expect("retired");
    until(&app, &token, 401).await;
    assert_eq!(status(&app, &session).await, 401);
    // A key that comes in its place verifies its own tokens and not the old ones.
    add_key(&app).await;
    let fresh = app.token(Role::Finance).await;
    until(&app, &fresh, 200).await;
    for ended in [&token, &session] {
        assert_eq!(status(&app, ended).await, 401);
    }
}

/// The present key and the one before it: both count, and the one before only until its end, also
/// for what was proved before and is kept.
#[tokio::test]
async fn a_replaced_key_counts_to_its_end_and_no_longer() {
    let app = watched().await;
    let token = app.token(Role::Finance).await;
    let session = app.session(Role::Finance);
    let both_are = async |expected: u16| {
        for before in [&token, &session] {
            assert_eq!(status(&app, before).await, expected);
        }
    };
    both_are(200).await;
    let now = app.clock.now();
    let end = now + SignedDuration::from_secs(60);
    let old = key_of(&app).await;
    add_key(&app).await;
    let retired = app.store.retire_signing_key(&old, end, "test", now).await;
    retired.expect("retired");
    // Long enough for the feed: the verdict that is kept from now on knows the end.
    tokio::time::sleep(Duration::from_millis(200)).await;
    // The page is told in time to bring a new token.
    let told = app
        .data(&session, "{ viewer { sessionExpiresAt } }", json!({}))
        .await;
    assert_eq!(told["viewer"]["sessionExpiresAt"], end.to_string());
    app.clock.advance(SignedDuration::from_secs(59));
    both_are(200).await;
    app.clock.advance(SignedDuration::from_secs(1));
    both_are(401).await;
    let after = app.token(Role::Finance).await;
    assert_eq!(status(&app, &after).await, 200);
}

#[tokio::test]
async fn a_changed_role_and_a_changed_wish_count_for_open_sessions() {
    let app = watched().await;
    let session = app.session_of("u-1", None);
    let sees = async |expected: (&str, bool)| {
        let expected = json!({ "role": expected.0, "canSeeAmounts": expected.1 });
        for _ in 0..500 {
            let data = app.data(&session, WHO, json!({})).await;
            if data["viewer"] == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never {expected}");
    };
    sees(("REP", true)).await;
    let now = app.clock.now();
    let (tenant, user) = (TENANT.into(), "u-1".into());
    for (role, seen) in [("finance", "FINANCE"), ("rep", "REP")] {
        let set = app
            .store
            .set_role(&tenant, "native", &user, role, "test", now)
            .await;
        set.expect("a role");
        sees((seen, true)).await;
    }
    let discreet = Tenant {
        id: TENANT.into(),
        name: "Acme".into(),
        frame_ancestors: Vec::new(),
        settings: TenantSettings {
            reps_see_amounts: false,
            ..TenantSettings::default()
        },
        version: 0,
    };
    let put = app.store.put_tenant(&discreet, "test", now).await;
    put.expect("put");
    sees(("REP", false)).await;
}
