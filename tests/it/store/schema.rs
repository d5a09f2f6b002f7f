//! The schema and the statements are the same on both engines.

use std::collections::BTreeSet;
use std::path::Path;

use financial_pulse::store::sql;
use pretty_assertions::assert_eq;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqlSafeStr as _, SqliteConnection};

use crate::support::databases::{empty_databases, for_each_database, postgres, test_stores};

#[tokio::test]
async fn every_statement_is_understood_by_every_engine() {
    for_each_database(async |database| {
        let mut names = BTreeSet::new();
        for (name, text) in sql::ALL.iter().copied().flatten() {
            names.insert(*text);
            let prepared = if database.is_sqlite() {
                let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
                connection
                    .prepare(AssertSqlSafe(*text).into_sql_str())
                    .await
                    .map(drop)
            } else {
                let mut connection = postgres(&database.url).await;
                connection
                    .prepare(AssertSqlSafe(*text).into_sql_str())
                    .await
                    .map(drop)
            };
            prepared.unwrap_or_else(|error| panic!("{name} on {}: {error}", database.url));
        }
        assert!(names.len() > 70, "only {} statements", names.len());
    })
    .await;
}

#[test]
fn both_engines_have_migrations_of_the_same_names() {
    assert_eq!(migration_names("sqlite"), migration_names("postgres"));
    assert!(!migration_names("sqlite").is_empty());
}

#[tokio::test]
async fn both_engines_end_in_the_same_tables_and_columns() {
    let mut schemas = Vec::new();
    for database in test_stores().await {
        let columns: Vec<(String, String)> = if database.is_sqlite() {
            let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
            sqlx::query_as(
                "SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '\\_%' ESCAPE '\\'",
            )
            .fetch_all(&mut connection)
            .await
            .unwrap()
        } else {
            let mut connection = postgres(&database.url).await;
            sqlx::query_as(
                "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT)
                 FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_%'",
            )
            .fetch_all(&mut connection)
            .await
            .unwrap()
        };
        let columns: BTreeSet<_> = columns.into_iter().collect();
        assert!(columns.contains(&("document".to_owned(), "issued_on".to_owned())));
        schemas.push(columns);
    }
    for schema in &schemas {
        assert_eq!(schema, &schemas[0]);
    }
}

#[tokio::test]
async fn what_is_not_yet_applied_is_named_and_migrating_twice_is_harmless() {
    for database in empty_databases().await {
        let store = &database.store;
        let pending = store.pending_migrations().await.unwrap();
        assert_eq!(pending.len(), migration_names("sqlite").len());
        assert_eq!(pending[0], "0001_create tenants");
        store.migrate().await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(
            store.pending_migrations().await.unwrap(),
            Vec::<String>::new()
        );
        store.ping().await.unwrap();
    }
}

#[tokio::test]
async fn many_processes_may_migrate_at_once() {
    for database in empty_databases().await {
        let mut processes = Vec::new();
        for _ in 0..4 {
            let store = database.reopen().await;
            processes.push(tokio::spawn(async move { store.migrate().await }));
        }
        for process in processes {
            process.await.unwrap().unwrap();
        }
        assert_eq!(
            database.store.pending_migrations().await.unwrap(),
            Vec::<String>::new()
        );
    }
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    for database in test_stores().await {
        database
            .execute("UPDATE _sqlx_migrations SET checksum = 'other' WHERE version = 1")
            .await
            .unwrap();
        let refused = database.store.migrate().await.unwrap_err();
        assert!(
            matches!(refused, financial_pulse::store::StoreError::Migration(_)),
            "{refused:?}"
        );
    }
}

fn migration_names(engine: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(engine);
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
