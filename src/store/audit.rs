//! Who did what, and why: rows are only ever added. The database itself refuses to change or remove
//! one.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::Store;
use super::codec::{from_json, instant, millis, to_json};
use super::database::{Tx, with_pool, with_tx};
use super::error::StoreResult;
use crate::domain::ids::TenantId;

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        APPEND = "INSERT INTO audit (tenant, at, actor, action, subject, detail_json, reason)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        OF_TENANT = "SELECT id, tenant, at, actor, action, subject, detail_json, reason
            FROM audit WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3";
        OF_INSTALLATION = "SELECT id, tenant, at, actor, action, subject, detail_json, reason
            FROM audit WHERE tenant IS NULL AND id > $1 ORDER BY id LIMIT $2";
    }
}

/// Something that a person, an operator or the application itself did.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Whose affair it is; `None` for the installation's own (an app-wide key).
    pub tenant: Option<TenantId>,
    /// When.
    pub at: Timestamp,
    /// Who: a CRM user's id, `operator`, or `automatic`.
    pub actor: Arc<str>,
    /// What, as a stable word (`limit.set`).
    pub action: Arc<str>,
    /// To what (`acme-quickbooks:58`).
    pub subject: Arc<str>,
    /// The particulars. Never a secret.
    pub detail: Value,
    /// Why, in the actor's own words.
    pub reason: Option<Arc<str>>,
}

/// An entry as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// Its place in the order of entries.
    pub id: i64,
    /// The entry.
    pub entry: AuditEntry,
}

impl Store {
    /// Adds an entry that goes with no write of the store's own. Writes that need one add it
    /// themselves, in their own transaction.
    pub async fn append_audit(&self, entry: &AuditEntry) -> StoreResult<()> {
        let mut tx = self.begin().await?;
        append(&mut tx, entry).await?;
        tx.commit().await
    }

    /// A tenant's entries (or, for `None`, the installation's own) after one that is known, oldest
    /// first. Start with 0.
    pub async fn audit(
        &self,
        tenant: impl Into<Option<&TenantId>>,
        after: i64,
        limit: u32,
    ) -> StoreResult<Vec<AuditRow>> {
        let limit = i64::from(limit);
        let rows: Vec<Row> = match tenant.into() {
            Some(tenant) => with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_TENANT)
                .bind(tenant.as_str())
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await)?,
            None => with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_INSTALLATION)
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await)?,
        };
        rows.into_iter().map(AuditRow::try_from).collect()
    }
}

/// Adds an entry inside the transaction of the write that it speaks of.
pub(super) async fn append(tx: &mut Tx, entry: &AuditEntry) -> StoreResult<()> {
    let detail = to_json(&entry.detail, "detail_json")?;
    with_tx!(tx, |connection| sqlx::query(sql::APPEND)
        .bind(entry.tenant.as_ref().map(TenantId::as_str))
        .bind(millis(entry.at))
        .bind(&*entry.actor)
        .bind(&*entry.action)
        .bind(&*entry.subject)
        .bind(detail)
        .bind(entry.reason.as_deref())
        .execute(connection)
        .await
        .map(drop))?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    tenant: Option<String>,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    detail_json: String,
    reason: Option<String>,
}

impl TryFrom<Row> for AuditRow {
    type Error = super::StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        let id = row.id.to_string();
        Ok(Self {
            id: row.id,
            entry: AuditEntry {
                tenant: row.tenant.map(TenantId::from),
                at: instant(row.at, "audit", "at", &id)?,
                actor: row.actor.into(),
                action: row.action.into(),
                subject: row.subject.into(),
                detail: from_json(&row.detail_json, "audit", "detail_json", &id)?,
                reason: row.reason.map(Into::into),
            },
        })
    }
}
