//! Removing a tenant whole, and proving it.
//!
//! Every table is in one of two lists here: those that hold rows of tenants, each with how a tenant's
//! rows are found, and those that hold none. A table in neither stops the erasing, so that one that is
//! added later cannot be forgotten; a test compares the lists with the schema.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::audit::{AuditEntry, hex};
use super::codec::to_json;
use super::database::{Pool, Tx, with_tx};
use super::error::{StoreError, StoreResult};
use super::{Store, versions};
use crate::domain::ids::TenantId;

/// Whose rows a statement takes: those of a tenant by its id, or those of its connections by theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Tenant,
    Connections,
}

/// A table that holds rows of tenants.
#[derive(Clone, Copy, Debug)]
struct Owned {
    table: &'static str,
    by: By,
    count: &'static str,
    delete: &'static str,
}

macro_rules! owned {
    ($($by:ident $table:literal . $column:literal;)+) => {
        /// In the order in which they are emptied: what refers before what is referred to.
        const OWNED: &[Owned] = &[$(owned!(@one $by $table $column)),+];
        pub(super) mod sql {
            use super::super::sql::statements;

            statements! {
                BUMP_CONNECTIONS = "UPDATE connection SET version = version + 1 WHERE tenant = $1
                    RETURNING id";
                PERMIT = "INSERT INTO audit_erasure (tenant) VALUES ($1)";
                END_PERMIT = "DELETE FROM audit_erasure WHERE tenant = $1";
                HEAD = "SELECT seq, hash FROM audit_head WHERE tenant = $1";
                /// Codes of an earlier version, which do not say whose they are; good for minutes.
                FORGET_NAMELESS_CODES = "DELETE FROM one_time_code WHERE tenant IS NULL";
                /// The calls stay counted, for the app's budget; whose they were is forgotten. Where
                /// another tenant reads the same organization, they are that one's too and stay.
                GIVE_CALLS_AWAY = "INSERT INTO call_count (provider, period, account, calls)
                    SELECT provider, period, 'erased', CAST(SUM(calls) AS BIGINT)
                    FROM call_count
                    WHERE EXISTS (SELECT 1 FROM connection AS ours
                        WHERE ours.tenant = $1 AND ours.provider = call_count.provider
                            AND ours.account = call_count.account)
                        AND NOT EXISTS (SELECT 1 FROM connection AS others
                        WHERE others.tenant <> $1 AND others.provider = call_count.provider
                            AND others.account = call_count.account)
                    GROUP BY provider, period
                    ON CONFLICT (provider, period, account)
                        DO UPDATE SET calls = call_count.calls + excluded.calls";
                FORGET_CALLS = "DELETE FROM call_count
                    WHERE EXISTS (SELECT 1 FROM connection AS ours
                        WHERE ours.tenant = $1 AND ours.provider = call_count.provider
                            AND ours.account = call_count.account)
                        AND NOT EXISTS (SELECT 1 FROM connection AS others
                        WHERE others.tenant <> $1 AND others.provider = call_count.provider
                            AND others.account = call_count.account)";
            }
            /// The statements of the tables.
            pub(in crate::store) const OWNED: &[(&str, &str)] = &[$(
                ($table, owned!(@count $by $table $column)),
                ($table, owned!(@delete $by $table $column)),
            )+];
        }
    };
    (@one $by:ident $table:literal $column:literal) => {
        Owned {
            table: $table,
            by: By::$by,
            count: owned!(@count $by $table $column),
            delete: owned!(@delete $by $table $column),
        }
    };
    (@count Tenant $table:literal $column:literal) => {
        concat!("SELECT COUNT(*) FROM ", $table, " WHERE ", $column, " = $1")
    };
    (@delete Tenant $table:literal $column:literal) => {
        concat!("DELETE FROM ", $table, " WHERE ", $column, " = $1")
    };
    (@count Connections $table:literal $column:literal) => {
        concat!("SELECT COUNT(*) FROM ", $table, " WHERE ", $column,
            " IN (SELECT page.value ->> 'id' FROM json_each(CAST($1 AS TEXT)) AS page)")
    };
    (@delete Connections $table:literal $column:literal) => {
        concat!("DELETE FROM ", $table, " WHERE ", $column,
            " IN (SELECT page.value ->> 'id' FROM json_each(CAST($1 AS TEXT)) AS page)")
    };
}

owned! {
    Connections "application"."connection";
    Connections "document"."connection";
    Connections "record"."connection";
    Connections "customer_version"."connection";
    Connections "customer"."connection";
    Connections "item"."connection";
    Connections "terms"."connection";
    Connections "account"."connection";
    Connections "dataset_state"."connection";
    Connections "lease"."connection";
    Connections "oauth_state"."connection";
    Connections "webhook_event"."connection";
    Tenant "link"."tenant";
    Tenant "credit_limit"."tenant";
    Tenant "one_time_code"."tenant";
    Tenant "connection"."tenant";
    Tenant "credential"."tenant";
    Tenant "signing_key"."tenant";
    Tenant "crm_account"."tenant";
    Tenant "user_role"."tenant";
    Tenant "audit_before_chain"."tenant";
    Tenant "audit"."tenant";
    Tenant "audit_head"."tenant";
    Tenant "tenant"."id";
}

/// Tables without rows of tenants, and why.
const OTHERS: &[(&str, &str)] = &[
    (
        "audit_erasure",
        "the permit, gone when the transaction ends",
    ),
    (
        "call_count",
        "counts for the app's budgets; whose they were is taken out",
    ),
    ("installation_secret", "the installation's own"),
    (
        "token_use",
        "hashes of tokens, until these end by themselves",
    ),
];

/// What erasing a tenant came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// How many rows went, by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// How many rows of the tenant are left, by table, counted after; every table is here.
    pub left: BTreeMap<&'static str, u64>,
    /// How many entries its audit had.
    pub audit_entries: i64,
    /// The hash of the last of them.
    pub audit_head: Vec<u8>,
}

/// Who erases, and what is to be said of it.
#[derive(Clone, Copy, Debug)]
pub struct Erasing<'a> {
    /// Who.
    pub actor: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
    /// Connections whose consent could not be given up at the ledger.
    pub not_revoked: u64,
}

impl Store {
    /// Removes every row of a tenant in one transaction, counts what is left, and leaves one entry in
    /// the installation's audit. Either all of it happens or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such tenant, when a table is there that this version
    /// does not know, or when somebody wrote for the tenant at the same moment (then try again).
    pub async fn erase_tenant(
        &self,
        tenant: &TenantId,
        erasing: Erasing<'_>,
        now: Timestamp,
    ) -> StoreResult<Erased> {
        self.refuse_unknown_tables().await?;
        let mut tx = self.begin().await?;
        // In the order in which writers lock. From here on no page is written to these connections.
        let ids: Vec<String> = with_tx!(&mut tx, |connection| sqlx::query_scalar(
            sql::BUMP_CONNECTIONS
        )
        .bind(tenant.as_str())
        .fetch_all(connection)
        .await)?;
        versions::bump_tenant(&mut tx, tenant).await?;
        let ids: Vec<_> = ids.into_iter().map(|id| json!({ "id": id })).collect();
        let connections = to_json(&ids, "connections")?;
        let head: Option<(i64, Vec<u8>)> =
            with_tx!(&mut tx, |connection| sqlx::query_as(sql::HEAD)
                .bind(tenant.as_str())
                .fetch_optional(connection)
                .await)?;
        let (audit_entries, audit_head) = head.unwrap_or_default();
        for statement in [sql::PERMIT, sql::GIVE_CALLS_AWAY, sql::FORGET_CALLS] {
            execute(&mut tx, statement, tenant.as_str()).await?;
        }
        with_tx!(&mut tx, |connection| sqlx::query(
            sql::FORGET_NAMELESS_CODES
        )
        .execute(connection)
        .await
        .map(drop))?;
        let mut rows = BTreeMap::new();
        for owned in OWNED {
            let key = owned.key(tenant, &connections);
            // Counted first: rows that go with those they hang on are not counted by a deletion.
            rows.insert(owned.table, count(&mut tx, owned.count, key).await?);
        }
        for owned in OWNED {
            execute(&mut tx, owned.delete, owned.key(tenant, &connections)).await?;
        }
        execute(&mut tx, sql::END_PERMIT, tenant.as_str()).await?;
        let mut left = BTreeMap::new();
        for owned in OWNED {
            let key = owned.key(tenant, &connections);
            left.insert(owned.table, count(&mut tx, owned.count, key).await?);
        }
        if left.values().any(|rows| *rows > 0) {
            return Err(StoreError::missing("a tenant that nobody writes for"));
        }
        let entry = AuditEntry {
            tenant: None,
            at: now,
            actor: erasing.actor.into(),
            action: "tenant.erase".into(),
            subject: tenant.as_str().into(),
            detail: json!({
                "rows": rows,
                "audit_entries": audit_entries,
                "audit_head": hex(&audit_head),
                "not_revoked": erasing.not_revoked,
            }),
            reason: erasing.reason.map(Into::into),
        };
        self.note(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(Erased {
            rows,
            left,
            audit_entries,
            audit_head,
        })
    }

    /// Writes an embedded database's file anew, so that nothing of what was removed is left in its free
    /// pages or its log; `false` when a reader kept the log from being emptied (then run it again). On
    /// PostgreSQL there is nothing to do from here: the server reuses the space when it vacuums.
    pub async fn scrub(&self) -> StoreResult<bool> {
        let Pool::Sqlite(pool) = &self.writer else {
            return Ok(true);
        };
        sqlx::query("VACUUM").execute(pool).await?;
        let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(pool)
            .await?;
        Ok(busy == 0)
    }

    /// Every table of the database but those of the engine and the migrations.
    pub async fn tables(&self) -> StoreResult<Vec<String>> {
        const SQLITE: &str = "SELECT name FROM sqlite_schema WHERE type = 'table'
            AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_%' ESCAPE '\\'
            ORDER BY name";
        const POSTGRES: &str = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
            WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_%' ORDER BY 1";
        Ok(match &self.reader {
            Pool::Sqlite(pool) => sqlx::query_scalar(SQLITE).fetch_all(pool).await?,
            Pool::Postgres(pool) => sqlx::query_scalar(POSTGRES).fetch_all(pool).await?,
        })
    }

    async fn refuse_unknown_tables(&self) -> StoreResult<()> {
        let unknown = self.tables().await?.into_iter().find(|table| {
            !OWNED.iter().any(|owned| owned.table == table)
                && !OTHERS.iter().any(|(other, _)| other == table)
        });
        match unknown {
            Some(table) => Err(StoreError::missing(&format!(
                "a way to erase a tenant's rows of the table {table}"
            ))),
            None => Ok(()),
        }
    }
}

impl Owned {
    fn key<'a>(&self, tenant: &'a TenantId, connections: &'a str) -> &'a str {
        match self.by {
            By::Tenant => tenant.as_str(),
            By::Connections => connections,
        }
    }
}

async fn count(tx: &mut Tx, statement: &'static str, key: &str) -> StoreResult<u64> {
    let count: i64 = with_tx!(tx, |connection| sqlx::query_scalar(statement)
        .bind(key)
        .fetch_one(connection)
        .await)?;
    Ok(count.unsigned_abs())
}

async fn execute(tx: &mut Tx, statement: &'static str, key: &str) -> StoreResult<()> {
    with_tx!(tx, |connection| sqlx::query(statement)
        .bind(key)
        .execute(connection)
        .await
        .map(drop))?;
    Ok(())
}
