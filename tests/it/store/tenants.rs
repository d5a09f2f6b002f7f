//! Tenants, keys, accounts and roles.

use std::path::Path;
use std::sync::Arc;

use financial_pulse::domain::credit::CreditPolicy;
use financial_pulse::domain::ids::{SigningKeyId, TenantId, UserId};
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use financial_pulse::store::{Store, StoreError, Tenant, TenantSettings, Versions};
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sqlx::migrate::{Migration, Migrator};
use sqlx::{Connection as _, SqliteConnection};

use super::records::{add_tenant, apply, at, books_id, customers, tenant_id, with_books};
use crate::support::databases::{empty_databases, for_each_database, key_ring, postgres};

fn signing_key(id: u128, tenant: Option<TenantId>, source: KeySource) -> SigningKey {
    SigningKey {
        id: format!("{id:02}").into(),
        tenant,
        preset: "native".to_owned(),
        kid: Some("k1".to_owned()),
        algorithm: Algorithm::Hs256,
        source,
        issuer: Some("crm".to_owned()),
        audience: None,
        valid_until: None,
        claims: std::collections::BTreeMap::default(),
    }
}

#[tokio::test]
async fn a_tenant_is_kept_as_written_and_counted_up() {
    for_each_database(async |database| {
        let store = &database.store;
        let mut tenant = Tenant {
            id: tenant_id(),
            name: "Acme".into(),
            frame_ancestors: vec!["https://acme.pipedrive.com".to_owned()],
            settings: TenantSettings {
                reps_see_amounts: false,
                automatic_links: false,
                single_use_tokens: true,
                record_views: true,
                policy: CreditPolicy {
                    version: "strict-2".into(),
                    hold_overdue_days: 30,
                    caution_utilization: Decimal::new(75, 2),
                    unknown_after_seconds: 3600,
                    grace_days: 3,
                },
            },
            version: 99,
        };
        for version in 1..=2 {
            store.put_tenant(&tenant, "operator", at(1)).await.unwrap();
            tenant.version = version;
            assert_eq!(
                store.tenant(&tenant.id).await.unwrap().as_ref(),
                Some(&tenant)
            );
        }
        assert_eq!(store.tenants().await.unwrap(), [tenant]);
        assert_eq!(store.tenant(&"nobody".into()).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn settings_that_an_older_version_did_not_know_take_their_default() {
    for_each_database(async |database| {
        let store = &database.store;
        add_tenant(store, "acme").await;
        database
            .execute("UPDATE tenant SET settings_json = '{\"automatic_links\": false}'")
            .await
            .unwrap();
        let expected = TenantSettings {
            automatic_links: false,
            ..TenantSettings::default()
        };
        let read = store.tenant(&tenant_id()).await.unwrap().unwrap();
        assert_eq!(read.settings, expected);
        database
            .execute("UPDATE tenant SET settings_json = 'no JSON'")
            .await
            .unwrap();
        let wrong = store.tenant(&tenant_id()).await;
        assert!(
            matches!(
                &wrong,
                Err(StoreError::Inconsistent { table: "tenant", column, id })
                    if column == "settings_json" && id == "acme"
            ),
            "{wrong:?}"
        );
    })
    .await;
}

fn secret_key(id: u128) -> SigningKey {
    let secret = KeySource::Secret(SecretString::from("shared"));
    signing_key(id, Some(tenant_id()), secret)
}

/// The number that [`signing_key`] made a key with.
fn number(id: &SigningKeyId) -> u128 {
    id.as_str().parse().unwrap()
}

/// The ends of a tenant's native keys, by the keys' ids.
async fn ends(store: &Store) -> Vec<(u128, Option<jiff::Timestamp>)> {
    let keys = store.listed_keys(Some(&tenant_id())).await;
    let keys = keys.unwrap().into_iter();
    keys.filter(|key| key.preset == "native")
        .map(|key| (number(&key.id), key.valid_until))
        .collect()
}

#[tokio::test]
async fn a_key_and_the_end_of_the_earlier_ones_are_one_write() {
    for_each_database(async |database| {
        let store = &database.store;
        let tenant = add_tenant(store, "acme").await;
        let other = add_tenant(store, "other").await;
        for key in [
            secret_key(1),
            SigningKey {
                valid_until: Some(at(20)),
                ..secret_key(2)
            },
            SigningKey {
                valid_until: Some(at(90)),
                ..secret_key(3)
            },
            SigningKey {
                preset: "front".to_owned(),
                ..secret_key(4)
            },
            signing_key(5, Some(other.clone()), secret_key(5).source),
            signing_key(6, None, secret_key(6).source),
        ] {
            store
                .add_signing_key(&key, "operator", at(2))
                .await
                .unwrap();
        }
        let replace = async |key: &SigningKey| {
            store
                .replace_signing_keys(key, at(50), "operator", at(3))
                .await
        };
        // Its id is taken: nothing is ended either.
        assert!(matches!(
            replace(&secret_key(5)).await,
            Err(StoreError::Conflict { .. })
        ));
        let before = [(1, None), (2, Some(at(20))), (3, Some(at(90)))];
        assert_eq!(ends(store).await, before);
        replace(&secret_key(7)).await.unwrap();
        let after = [
            (1, Some(at(50))),
            (2, Some(at(20))),
            (3, Some(at(50))),
            (7, None),
        ];
        assert_eq!(ends(store).await, after);
        let front = store
            .signing_keys(Some(&tenant), "front", at(9))
            .await
            .unwrap();
        let others = store
            .signing_keys(Some(&other), "native", at(9))
            .await
            .unwrap();
        let apps = store.signing_keys(None, "native", at(9)).await.unwrap();
        for untouched in [front, others, apps] {
            assert_eq!(untouched.len(), 1);
            assert_eq!(untouched[0].valid_until, None);
        }
        let noted = store.audit(&tenant, 0, 100).await.unwrap();
        let actions = noted.iter().map(|row| &*row.entry.action);
        let expected = ["key.add", "key.retire", "key.retire"];
        assert_eq!(actions.skip(noted.len() - 3).collect::<Vec<_>>(), expected);

        // The app's, and an end at once for all of a tenant's.
        let app = signing_key(8, None, secret_key(8).source);
        replace(&app).await.unwrap();
        let apps = store.signing_keys(None, "native", at(9)).await.unwrap();
        assert_eq!(apps[0].valid_until, Some(at(50)));
        store
            .end_signing_keys(&tenant, "native", at(10), "operator", at(10))
            .await
            .unwrap();
        let ended = ends(store).await;
        assert!(
            ended.iter().all(|(_, end)| *end == Some(at(10))),
            "{ended:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_code_and_the_key_of_whom_it_lets_in_are_one_write() {
    for_each_database(async |database| {
        let store = &database.store;
        let tenant = add_tenant(store, "acme").await;
        let other = add_tenant(store, "other").await;
        let codes = [[1_u8; 32], [2; 32], [3; 32]];
        for (code, whose) in codes.iter().zip([&tenant, &tenant, &other]) {
            let kept = store.put_code(code, whose, whose.as_str(), at(100));
            kept.await.unwrap();
        }
        let invited = async |code: &[u8; 32], key: &SigningKey, now| {
            store.add_invited_key(code, &tenant, key, "site", now).await
        };
        // Nobody's code, another tenant's, and one whose time is over.
        for (code, now) in [(&[9; 32], at(3)), (&codes[2], at(3)), (&codes[0], at(100))] {
            assert!(!invited(code, &secret_key(1), now).await.unwrap());
        }
        // A key that cannot be added spends no code.
        let theirs = signing_key(5, Some(other.clone()), secret_key(5).source);
        store
            .add_signing_key(&theirs, "operator", at(2))
            .await
            .unwrap();
        assert!(invited(&codes[0], &secret_key(5), at(3)).await.is_err());
        assert_eq!(ends(store).await, []);

        // Of many at once, by either code, one is let in; the other code is as good as before.
        let keys: Vec<_> = (10..18).map(secret_key).collect();
        let all = keys
            .iter()
            .zip(codes[..2].iter().cycle())
            .map(|(key, code)| invited(code, key, at(4)));
        let let_in = futures_util::future::join_all(all).await;
        let let_in: Vec<bool> = let_in.into_iter().map(Result::unwrap).collect();
        assert_eq!(let_in.iter().filter(|one| **one).count(), 1, "{let_in:?}");
        let index = let_in.iter().position(|one| *one).unwrap();
        assert_eq!(ends(store).await, [(number(&keys[index].id), None)]);
        let (spent, left) = (&codes[index % 2], &codes[(index + 1) % 2]);
        assert_eq!(store.code(spent, at(4)).await.unwrap(), None);
        assert!(store.code(left, at(4)).await.unwrap().is_some());

        // While a key has no end, nobody else is let in; with an end, however late, somebody is.
        assert!(!invited(left, &secret_key(20), at(5)).await.unwrap());
        store
            .retire_signing_key(&keys[index].id, at(90), "operator", at(5))
            .await
            .unwrap();
        assert!(invited(left, &secret_key(20), at(5)).await.unwrap());
        let both = [(number(&keys[index].id), Some(at(90))), (20, None)];
        assert_eq!(ends(store).await, both);
    })
    .await;
}

#[tokio::test]
async fn keys_of_a_tenant_and_of_the_app_are_kept_apart() {
    for_each_database(async |database| {
        let store = &database.store;
        let tenant = add_tenant(store, "acme").await;
        let sources = [
            KeySource::Secret(SecretString::from("shared")),
            KeySource::Pem("-----BEGIN PUBLIC KEY-----".to_owned()),
            KeySource::Jwks("{\"keys\":[]}".to_owned()),
            KeySource::JwksUrl("https://crm.example/jwks".to_owned()),
        ];
        for (id, source) in (1..).zip(sources) {
            let key = signing_key(id, Some(tenant.clone()), source);
            store
                .add_signing_key(&key, "operator", at(2))
                .await
                .unwrap();
        }
        let app = signing_key(9, None, KeySource::Secret(SecretString::from("app")));
        store
            .add_signing_key(&app, "operator", at(2))
            .await
            .unwrap();

        let keys = store
            .signing_keys(Some(&tenant), "native", at(9))
            .await
            .unwrap();
        assert_eq!(keys.len(), 4);
        assert!(matches!(&keys[0].source, KeySource::Secret(it) if it.expose_secret() == "shared"));
        assert!(matches!(&keys[1].source, KeySource::Pem(it) if it.starts_with("-----BEGIN")));
        assert!(matches!(&keys[2].source, KeySource::Jwks(it) if it == "{\"keys\":[]}"));
        assert!(matches!(&keys[3].source, KeySource::JwksUrl(it) if it.starts_with("https:")));
        assert_eq!(keys[0].kid.as_deref(), Some("k1"));
        let apps = store.signing_keys(None, "native", at(9)).await.unwrap();
        assert_eq!(apps.len(), 1);
        assert_eq!(apps[0].id, app.id);
        assert!(
            store
                .signing_keys(None, "pipedrive", at(9))
                .await
                .unwrap()
                .is_empty()
        );

        store
            .retire_signing_key(&app.id, at(70), "operator", at(3))
            .await
            .unwrap();
        let retired = store.signing_keys(None, "native", at(69)).await.unwrap();
        assert_eq!(retired[0].valid_until, Some(at(70)));
        let ended = store.signing_keys(None, "native", at(70)).await.unwrap();
        assert!(ended.is_empty());
        // An end is never put off.
        let later = store.retire_signing_key(&app.id, at(90), "operator", at(4));
        assert!(!later.await.unwrap());
        let listed = store.listed_keys(None).await.unwrap();
        assert_eq!(listed[0].valid_until, Some(at(70)));
        let ends = store.signing_key_ends(&app.id, "native", None);
        assert_eq!(ends.await.unwrap(), Some(at(70)));
        for (preset, owner) in [("native", Some(&tenant)), ("monday", None)] {
            let elsewhere = store.signing_key_ends(&app.id, preset, owner).await;
            assert_eq!(elsewhere.unwrap(), None);
        }
        let unknown = store
            .retire_signing_key(&"nobody's".into(), at(70), "operator", at(3))
            .await;
        assert!(matches!(unknown, Err(StoreError::Conflict { .. })));
        let noted = store.audit(None, 0, 10).await.unwrap();
        assert_eq!(noted.len(), 3, "the app's key is the installation's affair");
        assert!(
            !format!("{noted:?}").contains("\"app\""),
            "no secret in the audit"
        );
    })
    .await;
}

/// One that was sealed under a key of encryption which is gone, say.
#[tokio::test]
async fn a_key_that_does_not_open_is_listed_and_can_be_ended() {
    for_each_database(async |database| {
        let store = &database.store;
        let tenant = add_tenant(store, "acme").await;
        for key in [secret_key(1), secret_key(2)] {
            store
                .add_signing_key(&key, "operator", at(2))
                .await
                .unwrap();
        }
        database
            .execute(
                "UPDATE signing_key SET sealed = (SELECT sealed FROM signing_key WHERE id = '02')
                    WHERE id = '01'",
            )
            .await
            .unwrap();
        let opened = store.signing_keys(Some(&tenant), "native", at(3)).await;
        assert!(matches!(opened, Err(StoreError::Crypto(_))), "{opened:?}");
        // Who was let in under it, or under the other, is not asked for its secret.
        let broken = secret_key(1).id;
        let standing = store.signing_key_ends(&broken, "native", Some(&tenant));
        assert!(standing.await.unwrap() > Some(at(1_000_000)));
        assert_eq!(ends(store).await.len(), 2);
        store
            .retire_signing_key(&broken, at(4), "operator", at(4))
            .await
            .unwrap();
        let opened = store.signing_keys(Some(&tenant), "native", at(5)).await;
        assert_eq!(opened.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn accounts_and_roles_are_found_again() {
    for_each_database(async |database| {
        let store = &database.store;
        let tenant = add_tenant(store, "acme").await;
        let other = add_tenant(store, "other").await;
        let register = async |tenant: &TenantId| {
            store
                .register_account("pipedrive", "7", tenant, "operator", at(1))
                .await
                .unwrap();
            store.tenant_of_account("pipedrive", "7").await.unwrap()
        };
        assert_eq!(register(&tenant).await, Some(tenant.clone()));
        assert_eq!(register(&other).await, Some(other.clone()));
        assert_eq!(register(&other).await, Some(other.clone()));
        let actions = async |tenant: &TenantId| -> Vec<String> {
            let rows = store.audit(tenant, 0, 10).await.unwrap();
            rows.iter()
                .map(|row| row.entry.action.to_string())
                .collect()
        };
        assert_eq!(
            actions(&tenant).await,
            ["tenant.put", "account.register", "account.release"]
        );
        assert_eq!(actions(&other).await, ["tenant.put", "account.register"]);
        assert_eq!(store.tenant_of_account("monday", "7").await.unwrap(), None);

        let user = UserId::new("u1");
        let role = async |preset: &str| store.role_of(&tenant, preset, &user).await.unwrap();
        assert_eq!(role("native").await, None);
        for word in ["finance", "admin"] {
            store
                .set_role(&tenant, "native", &user, word, "operator", at(1))
                .await
                .unwrap();
        }
        assert_eq!(role("native").await.as_deref(), Some("admin"));
        // The same id in another scheme is somebody else.
        assert_eq!(role("followupboss").await, None);
        let rows = store.audit(&tenant, 0, 10).await.unwrap();
        let set = rows.last().unwrap();
        assert_eq!(
            set.entry.detail,
            json!({ "preset": "native", "role": "admin" })
        );
    })
    .await;
}

/// Brings a database to where it was before roles were given in a scheme, with one.
macro_rules! with_a_role_from_before {
    ($connection:expr, $engine:literal) => {{
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut migrator = Migrator::new(folder.join($engine)).await.unwrap();
        let before = |migration: &&Migration| migration.version < 12;
        migrator.migrations = migrator.migrations.iter().filter(before).cloned().collect();
        migrator.run(&mut $connection).await.unwrap();
        for statement in [
            "INSERT INTO tenant (id, name, frame_ancestors_json, settings_json, version)
                 VALUES ('acme', 'Acme', '[]', '{}', 1)",
            "INSERT INTO user_role (tenant, user_id, role) VALUES ('acme', '7', 'finance')",
        ] {
            sqlx::query(statement)
                .execute(&mut $connection)
                .await
                .unwrap();
        }
    }};
}

#[tokio::test]
async fn a_role_from_before_there_were_schemes_counts_in_each_until_one_is_given_there() {
    for database in empty_databases().await {
        if database.is_sqlite() {
            let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
            with_a_role_from_before!(connection, "sqlite");
        } else {
            let mut connection = postgres(&database.url).await;
            with_a_role_from_before!(connection, "postgres");
        }
        let store = &database.store;
        store.migrate().await.unwrap();
        let (tenant, user) = (TenantId::new("acme"), UserId::new("7"));
        let role = async |preset: &str| store.role_of(&tenant, preset, &user).await.unwrap();
        for preset in ["native", "followupboss"] {
            assert_eq!(role(preset).await.as_deref(), Some("finance"), "{preset}");
        }
        let set = store.set_role(&tenant, "followupboss", &user, "rep", "operator", at(1));
        set.await.unwrap();
        assert_eq!(role("followupboss").await.as_deref(), Some("rep"));
        assert_eq!(role("native").await.as_deref(), Some("finance"));
        let other = UserId::new("8");
        assert_eq!(
            store.role_of(&tenant, "native", &other).await.unwrap(),
            None
        );
    }
}

#[tokio::test]
async fn versions_tell_another_process_what_to_read_again() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let other_process = database.reopen().await;
        let before = other_process.versions().await.unwrap();
        apply(store, &customers(&["5"])).await;
        let Versions {
            connections,
            tenants,
        } = other_process.versions().await.unwrap();
        assert_eq!(tenants, before.tenants);
        assert_eq!(connections, [(books_id(), before.connections[0].1 + 1)]);
        let changed = other_process
            .customers_changed_after(&books_id(), before.connections[0].1)
            .await
            .unwrap();
        assert_eq!(changed, ["5".into()]);
    })
    .await;
}

/// An app's key lets in the people of each tenant that has an account in its scheme.
#[tokio::test]
async fn each_change_of_an_apps_keys_is_a_change_for_all_whom_it_lets_in() {
    for_each_database(async |database| {
        let store = &database.store;
        for (tenant, preset) in [
            ("acme", "monday"),
            ("globex", "monday"),
            ("other", "hubspot"),
        ] {
            let tenant = add_tenant(store, tenant).await;
            for account in ["1", "2"] {
                let account = format!("{tenant}-{account}");
                store
                    .register_account(preset, &account, &tenant, "operator", at(1))
                    .await
                    .unwrap();
            }
        }
        let key = |id| SigningKey {
            preset: "monday".to_owned(),
            ..signing_key(id, None, secret_key(id).source)
        };
        let versions = async || {
            let tenants = store.versions().await.unwrap().tenants.into_iter();
            tenants.map(|(_, version)| version).collect::<Vec<_>>()
        };
        let mut expected = versions().await;
        let mut has_risen = async || {
            expected[0] += 1;
            expected[1] += 1;
            assert_eq!(versions().await, expected);
        };
        let (first, second) = (key(1), key(2));
        store
            .add_signing_key(&first, "operator", at(2))
            .await
            .unwrap();
        has_risen().await;
        store
            .replace_signing_keys(&second, at(50), "operator", at(3))
            .await
            .unwrap();
        has_risen().await;
        store
            .retire_signing_key(&second.id, at(4), "operator", at(4))
            .await
            .unwrap();
        has_risen().await;
    })
    .await;
}

#[tokio::test]
async fn a_url_that_names_no_database_is_refused_without_repeating_it() {
    for url in [
        "mysql://root:hunter2@localhost/x",
        "sqlite::memory:",
        "sqlite://file?mode=memory",
        "postgres://user:hunter2@host:notaport/x",
        "",
    ] {
        let refused = Store::open(url, key_ring()).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Url { .. }),
            "{url}: {refused:?}"
        );
        assert!(
            !format!("{refused} {refused:?}").contains("hunter2"),
            "{url}"
        );
    }
    let unreachable = "postgres://user:hunter2@127.0.0.1:1/x";
    let refused = Store::open(unreachable, Arc::clone(&key_ring()))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::Unavailable { .. }),
        "{refused:?}"
    );
}
