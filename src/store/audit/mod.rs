//! Who did what, and why: entries are only ever added, each to a chain. `docs/audit.md` says what that
//! proves; `hash` how the entries hold together, `chain` how one is added, `verify` how they are
//! checked. The database itself refuses to change or remove an entry.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::codec::{from_json, instant, millis};
use super::database::with_pool;
use super::error::StoreResult;
use super::{Store, StoreError};
use crate::domain::ids::TenantId;

mod chain;
pub(super) mod hash;
pub mod verify;

pub use hash::Hash;

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        /// Locks the head of a chain, and begins one where there is none.
        LOCK_HEAD = "INSERT INTO audit_head (tenant, seq, hash, seal) VALUES ($1, 0, $2, $2)
            ON CONFLICT (tenant) DO UPDATE SET seq = audit_head.seq
            RETURNING seq, hash, seal";
        MOVE_HEAD = "UPDATE audit_head SET seq = $2, hash = $3, seal = $4 WHERE tenant = $1";
        HEAD = "SELECT seq, hash, seal FROM audit_head WHERE tenant = $1";
        LAST = "SELECT seq, hash FROM audit WHERE tenant = $1 ORDER BY seq DESC LIMIT 1";
        APPEND = "INSERT INTO audit (tenant, seq, at, actor, on_behalf_of, action, subject,
                detail_json, reason, previous, hash)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        TENANT = "SELECT id FROM tenant WHERE id = $1";
        /// Whether there is anything of a chain; a head that was only locked is none yet.
        CHAIN_PARTS = "SELECT (SELECT COUNT(*) FROM (SELECT seq FROM audit LIMIT 1) AS entry)
            + (SELECT COUNT(*) FROM audit_head WHERE seq > 0)";
        PAGE = "SELECT tenant, seq, at, actor, on_behalf_of, action, subject, detail_json, reason,
                previous, hash
            FROM audit WHERE tenant = $1 AND seq > $2 AND at >= $3 AND at < $4
            ORDER BY seq LIMIT $5";
        COUNT = "SELECT COUNT(*) FROM audit WHERE tenant = $1";
        CHAINS = "SELECT id FROM tenant UNION SELECT tenant FROM audit_head
            UNION SELECT tenant FROM audit ORDER BY 1";
        PERMITS = "SELECT tenant FROM audit_erasure ORDER BY tenant";
        BEFORE_CHAIN = "SELECT id, tenant, at, actor, action, subject, detail_json, reason
            FROM audit_before_chain WHERE id > $1 ORDER BY id LIMIT $2";
        FORGET_BEFORE_CHAIN = "DELETE FROM audit_before_chain";
        TENANTS = "SELECT id FROM tenant ORDER BY id";
        SECRET = "SELECT sealed FROM installation_secret WHERE name = $1";
        ADD_SECRET = "INSERT INTO installation_secret (name, sealed) VALUES ($1, $2)
            ON CONFLICT (name) DO NOTHING";
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What the application notes where a chain does not fit.
const BROKEN: &str = "audit.broken";

/// The chain of the installation.
const INSTALLATION: &str = "";

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
    /// Its number in its chain, from 1 and without a gap.
    pub seq: i64,
    /// The entry.
    pub entry: AuditEntry,
    /// For whom the actor did it.
    pub on_behalf_of: Option<Arc<str>>,
    /// The hash of the entry before it.
    pub previous: Vec<u8>,
    /// Its own hash.
    pub hash: Vec<u8>,
}

impl Store {
    /// Adds an entry that goes with no write of the store's own. Writes that need one add it
    /// themselves, in their own transaction.
    pub async fn append_audit(&self, entry: &AuditEntry) -> StoreResult<()> {
        let mut tx = self.begin().await?;
        self.note(&mut tx, entry).await?;
        tx.commit().await
    }

    /// A tenant's entries (or, for `None`, the installation's own) after one that is known, oldest
    /// first. Start with 0. The numbers are given out under the chain's lock, so that whoever has
    /// read up to one has missed none before it.
    pub async fn audit(
        &self,
        tenant: impl Into<Option<&TenantId>>,
        after: i64,
        limit: u32,
    ) -> StoreResult<Vec<AuditRow>> {
        let always = Timestamp::MIN..Timestamp::MAX;
        self.audit_between(tenant, after, limit, &always).await
    }

    /// The same, of a span of time.
    pub async fn audit_between(
        &self,
        tenant: impl Into<Option<&TenantId>>,
        after: i64,
        limit: u32,
        span: &Range<Timestamp>,
    ) -> StoreResult<Vec<AuditRow>> {
        let until = if span.end == Timestamp::MAX {
            i64::MAX
        } else {
            millis(span.end)
        };
        let rows: Vec<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::PAGE)
            .bind(tenant.into().map_or(INSTALLATION, TenantId::as_str))
            .bind(after)
            .bind(millis(span.start))
            .bind(until)
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(AuditRow::try_from).collect()
    }

    /// Every chain there is or should be: the installation's (`None`), and one for each tenant.
    pub async fn audit_chains(&self) -> StoreResult<Vec<Option<TenantId>>> {
        let names: Vec<String> = with_pool!(&self.reader, |pool| sqlx::query_scalar(sql::CHAINS)
            .fetch_all(pool)
            .await)?;
        let tenants = names.into_iter().filter(|name| name != INSTALLATION);
        Ok(std::iter::once(None)
            .chain(tenants.map(|name| Some(TenantId::from(name))))
            .collect())
    }
}

/// An entry as it is stored.
#[derive(sqlx::FromRow)]
struct Row {
    tenant: String,
    seq: i64,
    at: i64,
    actor: String,
    on_behalf_of: Option<String>,
    action: String,
    subject: String,
    detail_json: String,
    reason: Option<String>,
    previous: Vec<u8>,
    hash: Vec<u8>,
}

impl Row {
    fn hashed(&self) -> hash::Hashed<'_> {
        hash::Hashed {
            tenant: &self.tenant,
            seq: self.seq,
            at: self.at,
            actor: &self.actor,
            on_behalf_of: self.on_behalf_of.as_deref(),
            action: &self.action,
            subject: &self.subject,
            detail_json: &self.detail_json,
            reason: self.reason.as_deref(),
            previous: &self.previous,
        }
    }
}

impl TryFrom<Row> for AuditRow {
    type Error = StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        let id = row.seq.to_string();
        Ok(Self {
            seq: row.seq,
            entry: AuditEntry {
                tenant: (row.tenant != INSTALLATION).then(|| TenantId::from(row.tenant)),
                at: instant(row.at, "audit", "at", &id)?,
                actor: row.actor.into(),
                action: row.action.into(),
                subject: row.subject.into(),
                detail: from_json(&row.detail_json, "audit", "detail_json", &id)?,
                reason: row.reason.map(Into::into),
            },
            on_behalf_of: row.on_behalf_of.map(Into::into),
            previous: row.previous,
            hash: row.hash,
        })
    }
}
