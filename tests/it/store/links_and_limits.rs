//! Links, limits and the audit of both.

use financial_pulse::domain::contact::{Link, LinkOrigin};
use financial_pulse::domain::credit::{CreditLimit, LimitOrigin};
use financial_pulse::domain::ids::{ContactId, CustomerKey};
use financial_pulse::domain::money::Money;
use financial_pulse::store::{AuditEntry, Store, StoreError};
use jiff::civil::{Date, date};
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use serde_json::json;

use super::records::{add_connection, add_tenant, at, key, tenant_id, with_books};
use crate::support::databases::for_each_database;

fn contact(id: &str) -> ContactId {
    ContactId::parse(id).unwrap()
}

fn link(contact_id: &str, customer: &str) -> Link {
    Link {
        contact: contact(contact_id),
        customer: key(customer),
        origin: LinkOrigin::Manual,
        actor: "user-3".into(),
        linked_at: at(20),
    }
}

fn limit(customer: Option<&str>, amount: i64, from: Date, to: Option<Date>) -> CreditLimit {
    CreditLimit {
        customer: customer.map(key),
        limit: Money::new(Decimal::new(amount, 2), "USD".parse().unwrap()),
        origin: if customer.is_some() {
            LimitOrigin::Manual
        } else {
            LimitOrigin::TenantDefault
        },
        valid_from: from,
        valid_to: to,
        reason: "agreed by phone".into(),
        actor: "user-3".into(),
    }
}

async fn version(store: &Store) -> i64 {
    store.tenant(&tenant_id()).await.unwrap().unwrap().version
}

/// The last audit entry, as `action subject`.
async fn last_audit(store: &Store) -> AuditEntry {
    let rows = store.audit(&tenant_id(), 0, 1000).await.unwrap();
    rows.last().unwrap().entry.clone()
}

#[tokio::test]
async fn a_link_is_made_once_and_noted() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let before = version(store).await;
        let made = link("native:person:5", "58");
        assert!(
            store
                .add_link(&tenant_id(), &made, Some("same phone"))
                .await
                .unwrap()
        );
        assert_eq!(version(store).await, before + 1);
        let noted = last_audit(store).await;
        assert_eq!(&*noted.action, "link.add");
        assert_eq!(&*noted.subject, "native:person:5");
        assert_eq!(&*noted.actor, "user-3");
        assert_eq!(noted.at, at(20));
        assert_eq!(noted.reason.as_deref(), Some("same phone"));
        assert_eq!(
            noted.detail,
            json!({"customer": "acme-books:58", "origin": "manual"})
        );

        assert!(!store.add_link(&tenant_id(), &made, None).await.unwrap());
        assert_eq!(
            version(store).await,
            before + 1,
            "a repetition is no change"
        );

        let second = link("native:person:5", "59");
        store.add_link(&tenant_id(), &second, None).await.unwrap();
        store
            .add_link(&tenant_id(), &link("native:deal:5", "58"), None)
            .await
            .unwrap();
        let links = store.links(&tenant_id(), &made.contact).await.unwrap();
        assert_eq!(links, [made.clone(), second]);
        assert_eq!(store.all_links(&tenant_id()).await.unwrap().len(), 3);

        let remove = async || {
            let reason = Some("wrong one");
            store
                .remove_link(
                    &tenant_id(),
                    &made.contact,
                    &made.customer,
                    "user-4",
                    reason,
                    at(30),
                )
                .await
                .unwrap()
        };
        assert!(remove().await);
        let noted = last_audit(store).await;
        assert_eq!((&*noted.action, &*noted.actor), ("link.remove", "user-4"));
        let removed_at = version(store).await;
        assert!(!remove().await);
        assert_eq!(version(store).await, removed_at);
        assert_eq!(
            store
                .links(&tenant_id(), &made.contact)
                .await
                .unwrap()
                .len(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn links_and_limits_never_lead_to_another_tenants_books() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let other = add_tenant(store, "other").await;
        let theirs = add_connection(store, &other, "other-books").await;
        let mut stolen = link("native:person:5", "58");
        stolen.customer = CustomerKey::new(theirs, "58");
        let refused = store.add_link(&tenant_id(), &stolen, None).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict { .. })),
            "{refused:?}"
        );
        let mut foreign = limit(Some("58"), 10_000, date(2026, 1, 1), None);
        foreign.customer = Some(stolen.customer);
        let refused = store.set_limit(&tenant_id(), &foreign, at(1)).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict { .. })),
            "{refused:?}"
        );
        // And nobody sees another tenant's links.
        let own = link("native:person:5", "58");
        store.add_link(&tenant_id(), &own, None).await.unwrap();
        assert_eq!(store.links(&other, &own.contact).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_new_limit_takes_the_place_of_the_one_before_from_its_first_day() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let before = version(store).await;
        let set = async |limit: &CreditLimit| {
            store.set_limit(&tenant_id(), limit, at(40)).await.unwrap();
        };
        let periods = async || -> Vec<String> {
            let limits = store.limits(&tenant_id(), Some(&key("58"))).await.unwrap();
            limits
                .iter()
                .map(|limit| {
                    let end = limit
                        .valid_to
                        .map(|day| day.to_string())
                        .unwrap_or_default();
                    format!("{} {}..{end}", limit.limit, limit.valid_from)
                })
                .collect()
        };
        set(&limit(Some("58"), 10_000, date(2026, 1, 1), None)).await;
        set(&limit(Some("58"), 20_000, date(2026, 7, 1), None)).await;
        assert_eq!(
            periods().await,
            [
                "100.00 USD 2026-01-01..2026-06-30",
                "200.00 USD 2026-07-01.."
            ]
        );
        assert_eq!(version(store).await, before + 2);
        let noted = last_audit(store).await;
        assert_eq!(
            (&*noted.action, &*noted.subject),
            ("limit.set", "acme-books:58")
        );
        assert_eq!(noted.detail["amount"], "200.00");
        assert_eq!(noted.reason.as_deref(), Some("agreed by phone"));

        // Another one from the same day replaces it altogether.
        set(&limit(
            Some("58"),
            30_000,
            date(2026, 7, 1),
            Some(date(2026, 8, 31)),
        ))
        .await;
        // One for days before those that are set leaves them.
        set(&limit(
            Some("58"),
            5_000,
            date(2026, 3, 1),
            Some(date(2026, 3, 31)),
        ))
        .await;
        assert_eq!(
            periods().await,
            [
                "100.00 USD 2026-01-01..2026-02-28",
                "50.00 USD 2026-03-01..2026-03-31",
                "300.00 USD 2026-07-01..2026-08-31"
            ]
        );
        // One that begins before all of them and has no end replaces all.
        set(&limit(Some("58"), 0, date(2025, 1, 1), None)).await;
        assert_eq!(periods().await, ["0.00 USD 2025-01-01.."]);
        let backwards = limit(Some("58"), 1, date(2026, 7, 2), Some(date(2026, 7, 1)));
        let refused = store.set_limit(&tenant_id(), &backwards, at(41)).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict { .. })),
            "{refused:?}"
        );
        assert_eq!(
            periods().await,
            ["0.00 USD 2025-01-01.."],
            "a refused limit changes nothing"
        );
    })
    .await;
}

#[tokio::test]
async fn of_limits_set_at_the_same_time_one_remains() {
    for_each_database(async |database| {
        with_books(&database.store).await;
        let mut setting = Vec::new();
        for amount in 1..=8 {
            let store = database.reopen().await;
            let limit = limit(Some("58"), amount * 100, date(2026, 1, 1), None);
            setting.push(tokio::spawn(async move {
                store.set_limit(&tenant_id(), &limit, at(40)).await
            }));
        }
        for set in setting {
            set.await.unwrap().unwrap();
        }
        let left = database.store.limits(&tenant_id(), Some(&key("58"))).await;
        assert_eq!(left.unwrap().len(), 1);
        let noted = database.store.audit(&tenant_id(), 0, 100).await.unwrap();
        let sets = noted.iter().filter(|row| &*row.entry.action == "limit.set");
        assert_eq!(sets.count(), 8, "each is in the audit");
    })
    .await;
}

#[tokio::test]
async fn a_limit_ends_with_a_day_and_nothing_follows() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let end = async |customer: Option<&CustomerKey>, day| {
            store
                .end_limit(&tenant_id(), customer, day, "user-4", "left us", at(50))
                .await
                .unwrap()
        };
        assert!(!end(Some(&key("58")), date(2026, 6, 30)).await);
        for (amount, from) in [(10_000, date(2026, 1, 1)), (20_000, date(2026, 7, 1))] {
            let limit = limit(Some("58"), amount, from, None);
            store.set_limit(&tenant_id(), &limit, at(40)).await.unwrap();
        }
        let before = version(store).await;
        assert!(end(Some(&key("58")), date(2026, 3, 15)).await);
        assert_eq!(version(store).await, before + 1);
        let left = store.limits(&tenant_id(), Some(&key("58"))).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].valid_to, Some(date(2026, 3, 15)));
        let noted = last_audit(store).await;
        assert_eq!((&*noted.action, &*noted.actor), ("limit.end", "user-4"));
        assert!(!end(Some(&key("58")), date(2026, 3, 15)).await);
        assert!(!end(None, date(2026, 3, 15)).await);
    })
    .await;
}

#[tokio::test]
async fn the_tenants_default_comes_along_and_stands_apart() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let default = limit(None, 50_000, date(2026, 1, 1), None);
        let own = limit(Some("58"), 10_000, date(2026, 1, 1), None);
        let others = limit(Some("59"), 10_000, date(2026, 1, 1), None);
        for limit in [&default, &own, &others] {
            store.set_limit(&tenant_id(), limit, at(40)).await.unwrap();
        }
        assert_eq!(&*last_audit(store).await.subject, "acme-books:59");
        let customer = key("58");
        let limits = async |customer| store.limits(&tenant_id(), customer).await.unwrap();
        assert_eq!(
            limits(Some(&customer)).await,
            [default.clone(), own.clone()]
        );
        assert_eq!(limits(None).await, std::slice::from_ref(&default));
        let all = store.all_limits(&tenant_id()).await.unwrap();
        assert_eq!(all, [default, own, others]);
    })
    .await;
}

#[tokio::test]
async fn the_audit_only_grows() {
    for_each_database(async |database| {
        let store = &database.store;
        with_books(store).await;
        let entry = AuditEntry {
            tenant: None,
            at: at(9),
            actor: "operator".into(),
            action: "key.rotate".into(),
            subject: "installation".into(),
            detail: json!({"rows": 2}),
            reason: Some("yearly".into()),
        };
        store.append_audit(&entry).await.unwrap();
        let installation = store.audit(None, 0, 10).await.unwrap();
        assert_eq!(
            installation.len(),
            2,
            "the first says that the chain begins"
        );
        assert_eq!(installation[1].entry, entry);
        let rows = store.audit(&tenant_id(), 0, 10).await.unwrap();
        assert_eq!(rows.len(), 2, "the tenant's own entries only");
        let rest = store.audit(&tenant_id(), rows[0].seq, 10).await.unwrap();
        assert_eq!(rest, rows[1..]);

        let replace = if database.is_sqlite() {
            "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 1"
        } else {
            "TRUNCATE audit"
        };
        for attack in [
            "UPDATE audit SET actor = 'somebody else'",
            "DELETE FROM audit",
            replace,
        ] {
            let refused = database.execute(attack).await.unwrap_err();
            assert!(refused.to_string().contains("append-only"), "{refused}");
        }
        assert_eq!(store.audit(&tenant_id(), 0, 10).await.unwrap(), rows);
    })
    .await;
}
