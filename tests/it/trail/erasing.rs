//! `tenant erase`: the tenant is gone from every table, and nothing else is.

use std::fmt::Write as _;
use std::time::Duration;

use financial_pulse::domain::ids::TenantId;
use financial_pulse::store::{Expected, TenantSettings};
use pretty_assertions::assert_eq;

use super::tenants::whole_tenant;
use crate::support::databases::{TestStore, for_each_database};
use crate::support::personal::dump;

const QUERY: &str = "{ viewer { role } }";

/// Rows that hold a text, in any case, as itself or in hexadecimal.
fn holding<'a>(rows: &'a [(String, String)], text: &str) -> Vec<&'a (String, String)> {
    let hex = text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes all");
        hex
    });
    rows.iter()
        .filter(|(_, row)| {
            let row = row.to_lowercase();
            row.contains(text) || row.contains(&hex)
        })
        .collect()
}

async fn erase(database: &TestStore) -> String {
    let arguments = "tenant erase zebra --yes --reason contract-ended --even-if-not-revoked";
    database.run(arguments).await.exits(0).stdout
}

#[tokio::test]
async fn not_a_byte_of_an_erased_tenant_is_left_and_the_others_rows_are_as_they_were() {
    for_each_database(async |database| {
        let store = &database.store;
        for tenant in ["zebra", "acme"] {
            whole_tenant(store, tenant, TenantSettings::default()).await;
        }
        let before = dump(database).await;
        let tables = store.tables().await.unwrap();
        for table in &tables {
            // Every table that can hold a tenant's rows does; these two hold nobody's.
            let empty = ["audit_before_chain", "audit_erasure", "token_use"];
            let has = before.iter().any(|(found, _)| found == table);
            assert_eq!(has, !empty.contains(&table.as_str()), "{table}");
        }
        let others: Vec<_> = holding(&before, "acme").into_iter().cloned().collect();
        assert!(others.len() > 20, "{others:?}");

        let printed = erase(database).await;
        assert!(printed.contains("zebra is erased"), "{printed}");

        let after = dump(database).await;
        let left = holding(&after, "zebra");
        // Only that it was there, with the last hash of its audit.
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(left[0].0, "audit");
        assert!(left[0].1.contains("tenant.erase"), "{left:?}");
        let still: Vec<_> = holding(&after, "acme").into_iter().cloned().collect();
        assert_eq!(still, others);
        for chain in store.audit_chains().await.unwrap() {
            let verified = store
                .verify_audit(chain.as_ref(), &Expected::default())
                .await;
            assert_eq!(verified.unwrap().fault, None, "{chain:?}");
        }
        let entries = store.audit(None, 0, 10).await.unwrap();
        let entry = &entries.last().unwrap().entry;
        assert_eq!(entry.detail["rows"]["document"], 2);
        assert_eq!(entry.detail["rows"]["tenant"], 1);
        assert_eq!(entry.reason.as_deref(), Some("contract-ended"));

        if let Some(path) = database.url.strip_prefix("sqlite:") {
            // The file and its log, too: the id stands in the one entry, and nothing else of it.
            for file in [path.to_owned(), format!("{path}-wal")] {
                let bytes = std::fs::read(&file).unwrap_or_default();
                for trace in ["zebra-", "zebra Inc", "zebra.example"] {
                    let found = bytes.windows(trace.len()).any(|it| it == trace.as_bytes());
                    assert!(!found, "{trace} in {file}");
                }
            }
        }
        // The calls that were counted are still in the app's count.
        assert!(
            after
                .iter()
                .any(|(table, row)| table == "call_count" && row.contains("erased"))
        );
        database.run("tenant erase zebra --yes").await.exits(1);
    })
    .await;
}

#[tokio::test]
async fn sessions_and_tokens_of_an_erased_tenant_end_on_a_running_server() {
    for_each_database(async |database| {
        for tenant in ["zebra", "acme"] {
            whole_tenant(&database.store, tenant, TenantSettings::default()).await;
        }
        let server = database.serve().await;
        let mut bearers = Vec::new();
        for tenant in ["zebra", "acme"] {
            let token = format!("token --tenant {tenant} --role finance");
            let token = database.run(&token).await.exits(0).stdout.trim().to_owned();
            let session = server.session(tenant, &token).await;
            for bearer in [token, session] {
                assert_eq!(server.ask(&bearer, QUERY).await.0, 200);
                bearers.push((tenant, bearer));
            }
        }
        erase(database).await;
        // As long as it takes until the change is seen.
        let mut turns = 0;
        while server.ask(&bearers[0].1, QUERY).await.0 == 200 {
            turns += 1;
            assert!(turns < 200, "the session goes on");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for (tenant, bearer) in &bearers {
            let expected = if *tenant == "zebra" { 401 } else { 200 };
            let (status, body) = server.ask(bearer, QUERY).await;
            assert_eq!(status, expected, "{tenant}: {body}");
        }
        // Nothing of it comes back by what the server still had in memory.
        server.stop().await;
        let left = dump(database).await;
        assert_eq!(holding(&left, "zebra").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_erased_unasked_nor_with_a_table_that_nobody_thought_of() {
    for_each_database(async |database| {
        whole_tenant(&database.store, "zebra", TenantSettings::default()).await;
        let before = dump(database).await;
        let asked = database.run("tenant erase zebra").await;
        assert!(asked.exits(1).stdout.is_empty());
        // The ledger of the test is not there to be told.
        let unrevoked = database.run("tenant erase zebra --yes").await.exits(1);
        assert!(
            unrevoked.stdout.contains("could not be given up"),
            "{unrevoked:?}"
        );
        assert_eq!(dump(database).await, before);
        database
            .execute("CREATE TABLE note (tenant TEXT NOT NULL, words TEXT NOT NULL)")
            .await
            .unwrap();
        let refused = "tenant erase zebra --yes --even-if-not-revoked";
        database.run(refused).await.exits(1);
        let zebra = TenantId::from("zebra");
        assert!(database.store.tenant(&zebra).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_part_of_a_chain_cannot_be_removed_under_a_permit() {
    for_each_database(async |database| {
        whole_tenant(&database.store, "zebra", TenantSettings::default()).await;
        let execute = async |sql| database.execute(sql).await;
        execute("INSERT INTO audit_erasure (tenant) VALUES ('zebra')")
            .await
            .unwrap();
        let found = database.run("audit verify").await.exits(1);
        assert!(
            found.stdout.contains("a permit to erase stands"),
            "{found:?}"
        );
        execute("DELETE FROM audit WHERE tenant = 'zebra' AND seq = 2")
            .await
            .unwrap();
        let back = execute("DELETE FROM audit_erasure").await.unwrap_err();
        assert!(back.to_string().contains("whole or not at all"), "{back}");
        execute("INSERT INTO audit_erasure (tenant) VALUES ('')")
            .await
            .unwrap_err();
    })
    .await;
}
