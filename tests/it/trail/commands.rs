//! `audit list`, `export` and `verify`, run as an operator would.

use financial_pulse::domain::ids::{TenantId, UserId};
use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::store::records::{add_tenant, at};
use crate::support::databases::for_each_database;

#[tokio::test]
async fn verify_prints_the_heads_and_fails_where_one_does_not_fit() {
    for_each_database(async |database| {
        let tenant = add_tenant(&database.store, "acme").await;
        let all = database.run("audit verify").await.exits(0);
        let lines: Vec<&str> = all.stdout.lines().collect();
        assert_eq!(lines.len(), 2, "{all:?}");
        assert!(lines[0].starts_with("(installation): 1 entries fit, head "));
        let head = lines[1].strip_prefix("acme: 1 entries fit, head ").unwrap();
        let user = UserId::from("jo");
        let set = database
            .store
            .set_role(&tenant, "native", &user, "finance", "operator", at(5));
        set.await.unwrap();
        let kept = format!("audit verify --tenant acme --expect-count 1 --expect-head {head}");
        database.run(&kept).await.exits(0);
        let beyond = "audit verify --tenant acme --expect-count 3";
        let beyond = database.run(beyond).await.exits(1);
        assert!(beyond.stdout.contains("expected"), "{beyond:?}");
        database.run("audit verify --expect-count 3").await.exits(1);
        database.run("audit verify --tenant nobody").await.exits(1);

        let (guard, edit) = if database.is_sqlite() {
            (
                "DROP TRIGGER audit_refuses_update",
                "UPDATE audit SET subject = 'mo' WHERE action = 'role.set'",
            )
        } else {
            (
                "DROP TRIGGER audit_refuses_update ON audit",
                "UPDATE audit SET subject = 'mo' WHERE action = 'role.set'",
            )
        };
        database.execute(guard).await.unwrap();
        database.execute(edit).await.unwrap();
        let found = database.run("audit verify").await.exits(1);
        assert!(
            found
                .stdout
                .contains("acme: entry 2 was changed or put in."),
            "{found:?}"
        );
        assert!(found.stdout.contains("(installation): 1 entries fit"));
    })
    .await;
}

#[tokio::test]
async fn the_export_holds_every_entry_and_no_formula() {
    for_each_database(async |database| {
        let tenant = add_tenant(&database.store, "acme").await;
        // More than are read at a time.
        for index in 0..520 {
            let user = if index == 7 {
                "=HYPERLINK(\"http://x\")".to_owned()
            } else {
                format!("u{index}")
            };
            let user = UserId::new(user);
            let set =
                database
                    .store
                    .set_role(&tenant, "native", &user, "rep", "operator", at(index));
            set.await.unwrap();
        }
        let csv = database
            .run("audit export --tenant acme --format csv")
            .await
            .exits(0);
        let mut reader = csv::Reader::from_reader(csv.stdout.as_bytes());
        let subjects: Vec<String> = reader
            .records()
            .map(|record| record.unwrap()[6].to_owned())
            .collect();
        assert_eq!(subjects.len(), 521);
        assert_eq!(subjects[8], "'=HYPERLINK(\"http://x\")");

        let jsonl = database.run("audit export --format jsonl").await.exits(0);
        let entries: Vec<Value> = jsonl
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(entries.len(), 522, "with the installation's");
        assert_eq!(entries[9]["subject"], "=HYPERLINK(\"http://x\")");
        assert_eq!(entries[9]["previous"], entries[8]["hash"]);

        let (from, to) = (at(100), at(110));
        let part = format!("audit export --tenant acme --format jsonl --from {from} --to {to}");
        let part = database.run(&part).await.exits(0);
        assert_eq!(part.stdout.lines().count(), 10);
        database
            .run("audit export --format csv --from yesterday")
            .await
            .exits(2);
    })
    .await;
}

#[tokio::test]
async fn who_acts_for_another_person_is_noted_with_them() {
    for_each_database(async |database| {
        add_tenant(&database.store, "acme").await;
        let role =
            "tenant role acme --crm native --user jo --role finance --on-behalf-of maria@acme.com";
        database.run(role).await.exits(0);
        let listed = database.run("audit list --tenant acme").await.exits(0);
        assert!(
            listed.stdout.contains("operator for maria@acme.com"),
            "{listed:?}"
        );
        let acme = TenantId::from("acme");
        let rows = database.store.audit(&acme, 0, 10).await.unwrap();
        assert_eq!(rows[1].on_behalf_of.as_deref(), Some("maria@acme.com"));
        assert_eq!(rows[0].on_behalf_of, None);
    })
    .await;
}
