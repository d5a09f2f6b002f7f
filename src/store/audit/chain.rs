//! Adding to a chain. Whoever adds holds the lock of the chain's head until its transaction ends, so
//! that two writers never follow the same entry, and numbers come out in the order of commits.

use jiff::Timestamp;
use serde_json::json;

use super::hash::{Hash, Hashed, Hasher, ORIGIN};
use super::{AuditEntry, INSTALLATION, sql};
use crate::domain::ids::TenantId;
use crate::store::codec::{millis, to_json};
use crate::store::database::{Tx, with_tx};
use crate::store::error::{StoreError, StoreResult};
use crate::store::{Store, versions};

/// How many entries from before the chains are read at a time.
const PAGE: i64 = 500;

/// An entry that is to be added.
pub(super) struct Line {
    at: i64,
    actor: String,
    on_behalf_of: Option<String>,
    action: String,
    subject: String,
    detail_json: String,
    reason: Option<String>,
}

impl Line {
    /// What the application notes by itself.
    fn automatic(at: i64, action: &str, detail: &serde_json::Value) -> Self {
        Self {
            at,
            actor: "automatic".to_owned(),
            on_behalf_of: None,
            action: action.to_owned(),
            subject: "audit".to_owned(),
            detail_json: detail.to_string(),
            reason: None,
        }
    }
}

/// Where a chain goes on.
struct End {
    seq: i64,
    hash: Hash,
    /// What the application has to say of the chain first.
    remark: Option<Line>,
}

impl Store {
    /// Adds an entry inside the transaction of the write that it speaks of. Chains are locked in this
    /// order: tenants' by their ids, then the installation's.
    pub(in crate::store) async fn note(&self, tx: &mut Tx, entry: &AuditEntry) -> StoreResult<()> {
        self.add_to_chain(tx, entry, Beginning::Never).await
    }

    /// The same for the entry that says that a tenant was added: its chain begins with it. Only for
    /// whom the row of the tenant was inserted in this transaction.
    pub(in crate::store) async fn note_first(
        &self,
        tx: &mut Tx,
        entry: &AuditEntry,
    ) -> StoreResult<()> {
        self.add_to_chain(tx, entry, Beginning::Here).await
    }

    async fn add_to_chain(
        &self,
        tx: &mut Tx,
        entry: &AuditEntry,
        beginning: Beginning,
    ) -> StoreResult<()> {
        let tenant = entry.tenant.as_ref().map_or(INSTALLATION, TenantId::as_str);
        let line = self.line(entry)?;
        let hasher = self.hasher(tx).await?;
        extend(tx, &hasher, tenant, vec![line], beginning).await
    }

    /// The same for what a tenant's readers have to hear of: its version counts up.
    pub(in crate::store) async fn note_change(
        &self,
        tx: &mut Tx,
        entry: &AuditEntry,
    ) -> StoreResult<()> {
        if let Some(tenant) = &entry.tenant {
            versions::bump_tenant(tx, tenant).await?;
        }
        self.note(tx, entry).await
    }

    /// Adds entries of one tenant at once. Nothing when there is no such tenant (any more).
    pub async fn append_audit_of(
        &self,
        tenant: &TenantId,
        entries: &[AuditEntry],
    ) -> StoreResult<()> {
        let lines: Vec<Line> = entries
            .iter()
            .map(|entry| self.line(entry))
            .collect::<StoreResult<_>>()?;
        let mut tx = self.begin().await?;
        if !is_there(&mut tx, tenant.as_str()).await? {
            return Ok(());
        }
        let hasher = self.hasher(&mut tx).await?;
        extend(&mut tx, &hasher, tenant.as_str(), lines, Beginning::Never).await?;
        tx.commit().await
    }

    fn line(&self, entry: &AuditEntry) -> StoreResult<Line> {
        Ok(Line {
            at: millis(entry.at),
            actor: entry.actor.to_string(),
            on_behalf_of: self.on_behalf_of.as_deref().map(str::to_owned),
            action: entry.action.to_string(),
            subject: entry.subject.to_string(),
            detail_json: to_json(&entry.detail, "detail_json")?,
            reason: entry.reason.as_deref().map(str::to_owned),
        })
    }

    /// Makes the chains of an installation that has none yet, of the entries that are there already.
    /// That is so once: the key of the chains is made here, and where it stands, or anything of a
    /// chain without it, chains were begun before. Nothing is then taken in or begun, so that nobody
    /// can later have entries taken in by putting them where the old ones stood, or a chain that was
    /// removed begin anew.
    pub(in crate::store) async fn begin_chains(&self, now: Timestamp) -> StoreResult<()> {
        let mut tx = self.begin().await?;
        // Of several processes that start at once, one begins the chains and the others wait for it.
        lock_head(&mut tx, INSTALLATION).await?;
        let parts: i64 = with_tx!(&mut tx, |connection| sqlx::query_scalar(sql::CHAIN_PARTS)
            .fetch_one(connection)
            .await)?;
        if parts > 0 {
            return Ok(());
        }
        let Some(hasher) = self.first_hasher(&mut tx).await? else {
            return Ok(());
        };
        let mut counts = std::collections::BTreeMap::<String, u64>::new();
        let mut after = 0;
        loop {
            let rows: Vec<OldRow> =
                with_tx!(&mut tx, |connection| sqlx::query_as(sql::BEFORE_CHAIN)
                    .bind(after)
                    .bind(PAGE)
                    .fetch_all(connection)
                    .await)?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            for row in rows {
                let (tenant, line) = row.into_line();
                *counts.entry(tenant.clone()).or_default() += 1;
                extend(&mut tx, &hasher, &tenant, vec![line], Beginning::Here).await?;
            }
        }
        with_tx!(&mut tx, |connection| sqlx::query(sql::FORGET_BEFORE_CHAIN)
            .execute(connection)
            .await
            .map(drop))?;
        let tenants: Vec<String> =
            with_tx!(&mut tx, |connection| sqlx::query_scalar(sql::TENANTS)
                .fetch_all(connection)
                .await)?;
        for tenant in tenants.into_iter().chain([INSTALLATION.to_owned()]) {
            let detail = json!({ "taken_over": counts.get(&tenant).copied().unwrap_or(0) });
            let line = Line::automatic(millis(now), "audit.begin", &detail);
            extend(&mut tx, &hasher, &tenant, vec![line], Beginning::Here).await?;
        }
        tx.commit().await
    }
}

/// Whether a chain may begin. What the database holds does not tell: it looks the same where a chain
/// was removed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// Here, where there is nothing of it: its tenant was just added, or the chains are being made.
    Here,
    /// Before this entry. Where there is nothing of it, it was removed.
    Never,
}

/// Adds entries to a chain and moves its head.
async fn extend(
    tx: &mut Tx,
    hasher: &Hasher,
    tenant: &str,
    lines: Vec<Line>,
    beginning: Beginning,
) -> StoreResult<()> {
    let Some(at) = lines.first().map(|line| line.at) else {
        return Ok(());
    };
    let End {
        mut seq,
        mut hash,
        remark,
    } = end(tx, hasher, tenant, beginning, at).await?;
    for line in remark.into_iter().chain(lines) {
        seq += 1;
        hash = add(tx, hasher, tenant, seq, &hash, &line).await?;
    }
    let seal = hasher.head(tenant, seq, &hash);
    with_tx!(&mut *tx, |connection| sqlx::query(sql::MOVE_HEAD)
        .bind(tenant)
        .bind(seq)
        .bind(hash.as_slice())
        .bind(seal.as_slice())
        .execute(connection)
        .await
        .map(drop))?;
    Ok(())
}

/// The end of a chain, from here on locked. Where head and last entry do not fit, or nothing of the
/// chain is left, somebody was at the database: the chain goes on after what is there, and says so.
async fn end(
    tx: &mut Tx,
    hasher: &Hasher,
    tenant: &str,
    beginning: Beginning,
    at: i64,
) -> StoreResult<End> {
    let (seq, hash, seal) = lock_head(tx, tenant).await?;
    let last: Option<(i64, Vec<u8>)> = with_tx!(&mut *tx, |connection| sqlx::query_as(sql::LAST)
        .bind(tenant)
        .fetch_optional(connection)
        .await)?;
    if last.is_none() && seq == 0 && seal == ORIGIN {
        if beginning == Beginning::Here {
            return Ok(End {
                seq: 0,
                hash: ORIGIN,
                remark: None,
            });
        }
        if tenant != INSTALLATION && !is_there(tx, tenant).await? {
            return Err(StoreError::missing("tenant"));
        }
    }
    let (last_seq, last_hash) = last.unwrap_or((0, ORIGIN.to_vec()));
    let fits = (last_seq, &last_hash) == (seq, &hash) && seal == hasher.head(tenant, seq, &hash);
    let detail = json!({ "head": seq, "last": last_seq });
    let known = Hash::try_from(last_hash.as_slice());
    Ok(End {
        seq: last_seq,
        hash: known.unwrap_or(ORIGIN),
        remark: (!fits || known.is_err()).then(|| Line::automatic(at, super::BROKEN, &detail)),
    })
}

/// Locks the head of a chain until the transaction ends.
async fn lock_head(tx: &mut Tx, tenant: &str) -> StoreResult<(i64, Vec<u8>, Vec<u8>)> {
    Ok(with_tx!(&mut *tx, |connection| sqlx::query_as(
        sql::LOCK_HEAD
    )
    .bind(tenant)
    .bind(ORIGIN.as_slice())
    .fetch_one(connection)
    .await)?)
}

async fn is_there(tx: &mut Tx, tenant: &str) -> StoreResult<bool> {
    let found: Option<String> = with_tx!(&mut *tx, |connection| sqlx::query_scalar(sql::TENANT)
        .bind(tenant)
        .fetch_optional(connection)
        .await)?;
    Ok(found.is_some())
}

async fn add(
    tx: &mut Tx,
    hasher: &Hasher,
    tenant: &str,
    seq: i64,
    previous: &Hash,
    line: &Line,
) -> StoreResult<Hash> {
    let hash = hasher.entry(&Hashed {
        tenant,
        seq,
        at: line.at,
        actor: &line.actor,
        on_behalf_of: line.on_behalf_of.as_deref(),
        action: &line.action,
        subject: &line.subject,
        detail_json: &line.detail_json,
        reason: line.reason.as_deref(),
        previous,
    });
    with_tx!(&mut *tx, |connection| sqlx::query(sql::APPEND)
        .bind(tenant)
        .bind(seq)
        .bind(line.at)
        .bind(&*line.actor)
        .bind(line.on_behalf_of.as_deref())
        .bind(&*line.action)
        .bind(&*line.subject)
        .bind(&*line.detail_json)
        .bind(line.reason.as_deref())
        .bind(previous.as_slice())
        .bind(hash.as_slice())
        .execute(connection)
        .await
        .map(drop))?;
    Ok(hash)
}

/// An entry from before the chains.
#[derive(sqlx::FromRow)]
struct OldRow {
    id: i64,
    tenant: Option<String>,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    detail_json: String,
    reason: Option<String>,
}

impl OldRow {
    fn into_line(self) -> (String, Line) {
        let line = Line {
            at: self.at,
            actor: self.actor,
            on_behalf_of: None,
            action: self.action,
            subject: self.subject,
            detail_json: self.detail_json,
            reason: self.reason,
        };
        (self.tenant.unwrap_or_default(), line)
    }
}
