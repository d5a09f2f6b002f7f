//! Tenants with something in every table.

use financial_pulse::domain::books::PaymentTerms;
use financial_pulse::domain::contact::{Link, LinkOrigin};
use financial_pulse::domain::credit::{CreditLimit, LimitOrigin};
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::{
    ConnectionId, ContactId, CustomerKey, GrantId, ItemId, TenantId, UserId,
};
use financial_pulse::domain::money::Money;
use financial_pulse::domain::records::{AccountRecord, ItemRecord, Records, TermsRecord};
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use financial_pulse::store::{
    CallKey, Grant, NewWebhookEvent, Store, StoredTokens, SyncMarks, Tenant, TenantSettings,
};
use jiff::civil::date;
use secrecy::SecretString;
use uuid::Uuid;

use crate::store::records::{add_connection, at, customer, invoice, payment};

/// The contact of a tenant that is linked.
pub(crate) fn contact(tenant: &str) -> String {
    format!("native:contact:{tenant}-anna")
}

/// The secret that a tenant's CRM signs with.
pub(crate) fn secret(tenant: &str) -> String {
    format!("{tenant}-secret-that-is-long-enough-to-sign-with")
}

/// Writes a tenant with rows in every table that can hold some.
pub(crate) async fn whole_tenant(store: &Store, name: &str, settings: TenantSettings) {
    let tenant = TenantId::from(name);
    let put = Tenant {
        id: tenant.clone(),
        name: format!("{name} Incorporated").into(),
        frame_ancestors: vec![format!("https://{name}.example")],
        settings,
        version: 0,
    };
    store.put_tenant(&put, "operator", at(0)).await.unwrap();
    let key = SigningKey {
        id: Uuid::new_v4().to_string().into(),
        tenant: Some(tenant.clone()),
        preset: "native".to_owned(),
        kid: None,
        algorithm: Algorithm::Hs256,
        source: KeySource::Secret(SecretString::from(secret(name))),
        issuer: Some(name.to_owned()),
        audience: None,
        valid_until: None,
        claims: std::collections::BTreeMap::new(),
    };
    store
        .add_signing_key(&key, "operator", at(1))
        .await
        .unwrap();
    let user = UserId::new(format!("{name}-user"));
    store
        .set_role(&tenant, "native", &user, "finance", "operator", at(1))
        .await
        .unwrap();
    store
        .register_account(
            "pipedrive",
            &format!("{name}-account"),
            &tenant,
            "operator",
            at(1),
        )
        .await
        .unwrap();
    let connection = add_connection(store, &tenant, &format!("{name}-books")).await;
    let grant = Grant {
        id: GrantId::new(format!("{name}-grant")),
        tokens: StoredTokens {
            access: SecretString::from(format!("{name}-access")),
            access_expires_at: at(3600),
            refresh: SecretString::from(format!("{name}-refresh")),
            refresh_expires_at: None,
        },
    };
    store.add_grant(&tenant, &grant, at(1)).await.unwrap();
    let realm = format!("{name}-realm");
    store
        .set_connection_account(&connection, &realm, Some(&grant.id), "operator", at(1))
        .await
        .unwrap();
    books(store, name, &connection).await;
    let customer = CustomerKey::new(connection.clone(), format!("{name}-1"));
    let link = Link {
        contact: ContactId::parse(&contact(name)).unwrap(),
        customer: customer.clone(),
        origin: LinkOrigin::Manual,
        actor: format!("{name}-user").into(),
        linked_at: at(20),
    };
    assert!(store.add_link(&tenant, &link, None).await.unwrap());
    let limit = CreditLimit {
        customer: Some(customer),
        limit: Money::new(1000.into(), "USD".parse().unwrap()),
        origin: LimitOrigin::Manual,
        valid_from: date(2025, 1, 1),
        valid_to: None,
        reason: format!("{name} asked").into(),
        actor: format!("{name}-user").into(),
    };
    store.set_limit(&tenant, &limit, at(21)).await.unwrap();
    passing(store, name, &tenant, &connection, &realm).await;
}

/// What is there for a while only: codes, states, a lease, counts, events.
async fn passing(
    store: &Store,
    name: &str,
    tenant: &TenantId,
    connection: &ConnectionId,
    realm: &str,
) {
    let later = at(1_000_000_000);
    let hash = |what: u8| {
        let mut hash = [what; 32];
        hash[..name.len()].copy_from_slice(name.as_bytes());
        hash[31] = what;
        std::array::from_fn(|index| hash[index] ^ 0x55)
    };
    store
        .put_code(&hash(1), tenant, &format!("{name} payload"), later)
        .await
        .unwrap();
    store
        .put_oauth_state(&hash(2), connection, later)
        .await
        .unwrap();
    assert!(
        store
            .acquire_lease(connection, &format!("{name}-holder"), later, at(1))
            .await
            .unwrap()
    );
    let key = CallKey {
        provider: "quickbooks",
        account: realm,
        period: "2025-10",
        since: "2025-10",
    };
    store.count_call(key).await.unwrap();
    let event = NewWebhookEvent {
        connection,
        key: &format!("{name}-event"),
        dataset: Dataset::Invoices,
        ledger_id: &format!("{name}-1"),
        merged: false,
        happened_at: None,
    };
    store.add_webhook_events(&[event], at(1)).await.unwrap();
}

async fn books(store: &Store, name: &str, connection: &ConnectionId) {
    let mut customer = customer(&format!("{name}-1"));
    customer.customer.name = format!("{name} Customer").into();
    let id = |what: &str| format!("{name}-{what}");
    let records = Records {
        accounts: vec![AccountRecord {
            ledger_id: id("account"),
            receivables: true,
        }],
        terms: vec![TermsRecord {
            ledger_id: id("terms"),
            terms: PaymentTerms::Days(30),
        }],
        items: vec![ItemRecord {
            id: ItemId::new(id("item")),
            name: id("item").into(),
        }],
        customers: vec![customer],
        documents: vec![
            invoice(&format!("{name}-i1"), &format!("{name}-1"), 300),
            payment(
                &format!("{name}-p1"),
                &format!("{name}-1"),
                100,
                &format!("{name}-i1"),
            ),
        ],
        ..Records::default()
    };
    let marks = SyncMarks {
        attempted: vec![Dataset::Invoices],
        ..SyncMarks::default()
    };
    store
        .apply(connection, &records, &marks, at(2))
        .await
        .unwrap();
}
