//! Tenants, keys, accounts and roles.

use std::sync::Arc;

use financial_pulse::domain::credit::CreditPolicy;
use financial_pulse::domain::ids::{TenantId, UserId};
use financial_pulse::store::{
    KeySource, SigningKey, Store, StoreError, Tenant, TenantSettings, Versions,
};
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::records::{add_tenant, apply, at, books_id, customers, tenant_id, with_books};
use crate::support::databases::{for_each_database, key_ring};

fn signing_key(id: u128, tenant: Option<TenantId>, source: KeySource) -> SigningKey {
    SigningKey {
        id: Uuid::from_u128(id),
        tenant,
        preset: "native".to_owned(),
        kid: Some("k1".to_owned()),
        algorithm: "HS256".to_owned(),
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

        let keys = store.signing_keys(Some(&tenant), "native").await.unwrap();
        assert_eq!(keys.len(), 4);
        assert!(matches!(&keys[0].source, KeySource::Secret(it) if it.expose_secret() == "shared"));
        assert!(matches!(&keys[1].source, KeySource::Pem(it) if it.starts_with("-----BEGIN")));
        assert!(matches!(&keys[2].source, KeySource::Jwks(it) if it == "{\"keys\":[]}"));
        assert!(matches!(&keys[3].source, KeySource::JwksUrl(it) if it.starts_with("https:")));
        assert_eq!(keys[0].kid.as_deref(), Some("k1"));
        let apps = store.signing_keys(None, "native").await.unwrap();
        assert_eq!(apps.len(), 1);
        assert_eq!(apps[0].id, app.id);
        assert!(
            store
                .signing_keys(None, "pipedrive")
                .await
                .unwrap()
                .is_empty()
        );

        store
            .retire_signing_key(app.id, at(70), "operator", at(3))
            .await
            .unwrap();
        let retired = store.signing_keys(None, "native").await.unwrap();
        assert_eq!(retired[0].valid_until, Some(at(70)));
        let unknown = store
            .retire_signing_key(Uuid::nil(), at(70), "operator", at(3))
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
        let role = async || store.role_of(&tenant, &user).await.unwrap();
        assert_eq!(role().await, None);
        store
            .set_role(&tenant, &user, "finance", "operator", at(1))
            .await
            .unwrap();
        store
            .set_role(&tenant, &user, "admin", "operator", at(1))
            .await
            .unwrap();
        assert_eq!(role().await.as_deref(), Some("admin"));
    })
    .await;
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
