//! Every sealed column: known to the rotation, and each value bound to its row and tenant.

use std::collections::BTreeSet;

use financial_pulse::crypto::CryptoError;
use financial_pulse::domain::ids::{ConnectionId, TenantId};
use financial_pulse::store::{Expected, SEALED_COLUMNS, StoreError, TenantSettings};
use pretty_assertions::assert_eq;
use sqlx::{Connection as _, SqliteConnection};

use super::tenants::whole_tenant;
use crate::support::databases::{for_each_database, postgres};

/// Bytes that are no secrets: hashes.
const HASHES: [(&str, &str); 7] = [
    ("audit", "hash"),
    ("audit", "previous"),
    ("audit_head", "hash"),
    ("audit_head", "seal"),
    ("oauth_state", "hash"),
    ("one_time_code", "hash"),
    ("token_use", "hash"),
];

#[tokio::test]
async fn every_column_of_bytes_is_a_hash_or_known_to_the_rotation() {
    for_each_database(async |database| {
        let columns: Vec<(String, String)> = if database.is_sqlite() {
            let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
            sqlx::query_as(
                "SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
                 WHERE m.type = 'table' AND c.type = 'BLOB'
                    AND m.name NOT LIKE '\\_%' ESCAPE '\\'",
            )
            .fetch_all(&mut connection)
            .await
            .unwrap()
        } else {
            let mut connection = postgres(&database.url).await;
            sqlx::query_as(
                "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT)
                 FROM information_schema.columns
                 WHERE table_schema = current_schema() AND data_type = 'bytea'
                    AND table_name NOT LIKE '\\_%'",
            )
            .fetch_all(&mut connection)
            .await
            .unwrap()
        };
        let known = SEALED_COLUMNS
            .iter()
            .map(|column| (column.table, column.column))
            .chain(HASHES)
            .map(|(table, column)| (table.to_owned(), column.to_owned()));
        let columns: BTreeSet<_> = columns.into_iter().collect();
        assert_eq!(columns, known.collect());
    })
    .await;
}

#[tokio::test]
async fn a_sealed_value_opens_in_no_other_row_column_or_tenant() {
    let moves = [
        // Another row and tenant, and another column of its own row.
        "UPDATE credential SET access_token = (SELECT access_token FROM credential
             WHERE tenant = 'other') WHERE tenant = 'acme'",
        "UPDATE credential SET refresh_token = (SELECT refresh_token FROM credential
             WHERE tenant = 'other') WHERE tenant = 'acme'",
        "UPDATE credential SET access_token = refresh_token WHERE tenant = 'acme'",
        // Another tenant's grant.
        "UPDATE connection SET grant_id = 'other-grant' WHERE tenant = 'acme'",
        "UPDATE signing_key SET sealed = (SELECT sealed FROM signing_key
             WHERE tenant = 'other') WHERE tenant = 'acme'",
        "UPDATE signing_key SET sealed = (SELECT access_token FROM credential
             WHERE tenant = 'acme') WHERE tenant = 'acme'",
        "UPDATE installation_secret SET sealed = (SELECT sealed FROM signing_key
             WHERE tenant = 'acme')",
        "UPDATE installation_secret SET name = 'other'",
    ];
    for (index, attack) in moves.into_iter().enumerate() {
        for_each_database(async |database| {
            for tenant in ["acme", "other"] {
                whole_tenant(&database.store, tenant, TenantSettings::default()).await;
            }
            assert!(database.execute(attack).await.unwrap() > 0);
            let store = database.reopen().await;
            let opened = if index < 4 {
                let books = ConnectionId::from("acme-books");
                let grant = store.grant_of(&books).await;
                // A grant of another tenant is none of the connection's.
                match grant {
                    Ok(Some(grant)) => panic!("{attack}: {grant:?}"),
                    Ok(None) => return,
                    Err(error) => Err(error),
                }
            } else if index < 6 {
                let acme = TenantId::from("acme");
                store
                    .signing_keys(Some(&acme), "native", jiff::Timestamp::UNIX_EPOCH)
                    .await
                    .map(drop)
            } else {
                let verified = store.verify_audit(None, &Expected::default()).await;
                match verified {
                    Ok(verified) => {
                        assert!(verified.fault.is_some(), "{attack}");
                        return;
                    }
                    Err(error) => Err(error),
                }
            };
            assert!(
                matches!(opened, Err(StoreError::Crypto(CryptoError::Tampered))),
                "{attack}: {opened:?}"
            );
        })
        .await;
    }
}
