//! The keys that verify CRMs' signatures: those of one tenant, and those of the app.

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;

use super::audit::AuditEntry;
use super::codec::{from_json, millis, optional_instant, to_json};
use super::database::{Tx, with_pool, with_tx};
use super::error::{StoreError, StoreResult};
use super::{Store, once, versions};
use crate::crypto::Aad;
use crate::domain::ids::{SigningKeyId, TenantId};
use crate::domain::signing_key::{KeySource, SigningKey};

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        ADD = "INSERT INTO signing_key (id, tenant, preset, kid, algorithm, source, material,
                sealed, issuer, audience, valid_until, claims_json)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        OF_TENANT = "SELECT id, tenant, preset, kid, algorithm, source, material, sealed,
                issuer, audience, valid_until, claims_json
            FROM signing_key WHERE preset = $1 AND tenant = $2
                AND (valid_until IS NULL OR valid_until > $3) ORDER BY id";
        OF_APP = "SELECT id, tenant, preset, kid, algorithm, source, material, sealed,
                issuer, audience, valid_until, claims_json
            FROM signing_key WHERE preset = $1 AND tenant IS NULL
                AND (valid_until IS NULL OR valid_until > $2) ORDER BY id";
        TENANTS_OF_APP = "SELECT DISTINCT tenant FROM crm_account WHERE preset = $1";
        WHOSE = "SELECT tenant, preset FROM signing_key WHERE id = $1";
        RETIRE = "UPDATE signing_key SET valid_until = $2
            WHERE id = $1 AND (valid_until IS NULL OR valid_until > $2)";
        /// Ends the keys of a scheme that would last longer.
        END = "UPDATE signing_key SET valid_until = $3
            WHERE preset = $1 AND COALESCE(tenant, '') = $2
                AND (valid_until IS NULL OR valid_until > $3)
            RETURNING id";
        WITHOUT_END = "SELECT COUNT(*) FROM signing_key
            WHERE preset = $1 AND tenant = $2 AND valid_until IS NULL";
    }
}

impl Store {
    /// Adds a key that verifies a CRM's signatures.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id is taken or its tenant is not there.
    pub async fn add_signing_key(
        &self,
        key: &SigningKey,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut tx = self.begin_keys(key.tenant.as_ref(), &key.preset).await?;
        self.insert_key(&mut tx, key, actor, now).await?;
        tx.commit().await
    }

    /// Adds a key, and ends the earlier ones of its scheme at a time where they would last longer.
    /// Both or nothing.
    ///
    /// # Errors
    /// As [`Self::add_signing_key`].
    pub async fn replace_signing_keys(
        &self,
        key: &SigningKey,
        earlier_end: Timestamp,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let tenant = key.tenant.as_ref();
        let mut tx = self.begin_keys(tenant, &key.preset).await?;
        // Those before it, and not itself.
        let ended = end_keys(&mut tx, tenant, &key.preset, earlier_end).await?;
        self.insert_key(&mut tx, key, actor, now).await?;
        for id in ended {
            let ended = retired(tenant.cloned(), &key.preset, &id, earlier_end, actor, now);
            self.note(&mut tx, &ended).await?;
        }
        tx.commit().await
    }

    /// Adds the key of somebody who was invited by a tenant's one-time code, and takes the code. Both
    /// or nothing: `false` when the code is not good (any more) or not the tenant's, or when a key of
    /// the scheme stands to which no end is set.
    ///
    /// # Errors
    /// As [`Self::add_signing_key`].
    pub async fn add_invited_key(
        &self,
        code: &[u8; 32],
        tenant: &TenantId,
        key: &SigningKey,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let mut tx = self.begin_keys(Some(tenant), &key.preset).await?;
        let standing: i64 = with_tx!(&mut tx, |connection| sqlx::query_scalar(sql::WITHOUT_END)
            .bind(key.preset.as_str())
            .bind(tenant.as_str())
            .fetch_one(connection)
            .await)?;
        if standing > 0 || key.tenant.as_ref() != Some(tenant) {
            return Ok(false);
        }
        let invited = once::take_code_in(&mut tx, code, now).await?;
        if invited.as_deref() != Some(tenant.as_str()) {
            return Ok(false);
        }
        self.insert_key(&mut tx, key, actor, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Ends the keys of a tenant's scheme at a time, where they would last longer. All or none.
    pub async fn end_signing_keys(
        &self,
        tenant: &TenantId,
        preset: &str,
        until: Timestamp,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut tx = self.begin_keys(Some(tenant), preset).await?;
        for id in end_keys(&mut tx, Some(tenant), preset, until).await? {
            let ended = retired(Some(tenant.clone()), preset, &id, until, actor, now);
            self.note(&mut tx, &ended).await?;
        }
        tx.commit().await
    }

    /// A transaction in which nobody else changes the tenant's keys, and of which those hear who were
    /// let in under one.
    async fn begin_keys(&self, tenant: Option<&TenantId>, preset: &str) -> StoreResult<Tx> {
        let mut tx = self.begin().await?;
        tell_of_keys(&mut tx, tenant, preset).await?;
        Ok(tx)
    }

    async fn insert_key(
        &self,
        tx: &mut Tx,
        key: &SigningKey,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let id = key.id.as_str();
        let (source, material, secret) = match &key.source {
            KeySource::Secret(secret) => ("secret", None, Some(secret)),
            KeySource::Pem(pem) => ("pem", Some(pem.as_str()), None),
            KeySource::Jwks(set) => ("jwks", Some(set.as_str()), None),
            KeySource::JwksUrl(url) => ("jwks_url", Some(url.as_str()), None),
        };
        let sealed = secret
            .map(|secret| {
                self.keys.seal(
                    secret.expose_secret().as_bytes(),
                    &key_place(id, key.tenant.as_ref().map(TenantId::as_str)),
                )
            })
            .transpose()?;
        let claims = to_json(&key.claims, "claims_json")?;
        with_tx!(&mut *tx, |connection| sqlx::query(sql::ADD)
            .bind(id)
            .bind(key.tenant.as_ref().map(TenantId::as_str))
            .bind(key.preset.as_str())
            .bind(key.kid.as_deref())
            .bind(key.algorithm.as_str())
            .bind(source)
            .bind(material)
            .bind(sealed)
            .bind(key.issuer.as_deref())
            .bind(key.audience.as_deref())
            .bind(key.valid_until.map(millis))
            .bind(claims)
            .execute(connection)
            .await
            .map(drop))?;
        let detail = json!({
            "preset": key.preset, "kid": key.kid, "algorithm": key.algorithm.as_str(), "source": source,
            "issuer": key.issuer, "audience": key.audience, "claims": key.claims,
        });
        let added = event(key.tenant.clone(), "key.add", id, detail, actor, now);
        self.note(tx, &added).await
    }

    /// The keys of a scheme that stand at a time: those of a tenant, or (for `None`) those of the app.
    ///
    /// # Errors
    /// [`StoreError::Crypto`] when a secret does not open under the configured keys.
    pub async fn signing_keys(
        &self,
        tenant: Option<&TenantId>,
        preset: &str,
        now: Timestamp,
    ) -> StoreResult<Vec<SigningKey>> {
        let rows: Vec<KeyRow> = match tenant {
            Some(tenant) => with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_TENANT)
                .bind(preset)
                .bind(tenant.as_str())
                .bind(millis(now))
                .fetch_all(pool)
                .await)?,
            None => with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_APP)
                .bind(preset)
                .bind(millis(now))
                .fetch_all(pool)
                .await)?,
        };
        rows.into_iter().map(|row| self.signing_key(row)).collect()
    }

    /// Ends a key at a time; `false`, and nothing changed, when it ends by then already.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such key.
    pub async fn retire_signing_key(
        &self,
        id: &SigningKeyId,
        until: Timestamp,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let id = id.as_str();
        let mut tx = self.begin().await?;
        let (tenant, preset): (Option<String>, String) =
            with_tx!(&mut tx, |connection| sqlx::query_as(sql::WHOSE)
                .bind(id)
                .fetch_optional(connection)
                .await)?
            .ok_or_else(|| StoreError::missing("signing key"))?;
        let tenant = tenant.map(TenantId::from);
        // In the order in which writers lock.
        tell_of_keys(&mut tx, tenant.as_ref(), &preset).await?;
        let shortened = with_tx!(&mut tx, |connection| sqlx::query(sql::RETIRE)
            .bind(id)
            .bind(millis(until))
            .execute(connection)
            .await
            .map(|done| done.rows_affected() > 0))?;
        if !shortened {
            return Ok(false);
        }
        let ended = retired(tenant, &preset, id, until, actor, now);
        self.note(&mut tx, &ended).await?;
        tx.commit().await?;
        Ok(true)
    }

    fn signing_key(&self, row: KeyRow) -> StoreResult<SigningKey> {
        let wrong = |column| StoreError::inconsistent("signing_key", column, row.id.as_str());
        let source = match (row.source.as_str(), row.material, &row.sealed) {
            ("secret", None, Some(sealed)) => KeySource::Secret(
                self.keys
                    .open_text(sealed, &key_place(&row.id, row.tenant.as_deref()))?,
            ),
            ("pem", Some(material), None) => KeySource::Pem(material),
            ("jwks", Some(material), None) => KeySource::Jwks(material),
            ("jwks_url", Some(material), None) => KeySource::JwksUrl(material),
            _ => return Err(wrong("source")),
        };
        Ok(SigningKey {
            valid_until: optional_instant(row.valid_until, "signing_key", "valid_until", &row.id)?,
            tenant: row.tenant.map(TenantId::from),
            preset: row.preset,
            kid: row.kid,
            algorithm: row.algorithm.parse().map_err(|_| wrong("algorithm"))?,
            source,
            issuer: row.issuer,
            audience: row.audience,
            claims: from_json(&row.claims_json, "signing_key", "claims_json", &row.id)?,
            id: row.id.into(),
        })
    }
}

/// Counts up the versions of those whose people are let in under a scheme's keys: of the tenant, or
/// for an app's keys of each that has an account in the scheme. One that gets its first account while
/// this runs may not hear of it; what its people were given meanwhile ends with their sessions.
async fn tell_of_keys(tx: &mut Tx, tenant: Option<&TenantId>, preset: &str) -> StoreResult<()> {
    if let Some(tenant) = tenant {
        return versions::bump_tenant(tx, tenant).await;
    }
    let tenants: Vec<String> = with_tx!(&mut *tx, |connection| sqlx::query_scalar(
        sql::TENANTS_OF_APP
    )
    .bind(preset)
    .fetch_all(connection)
    .await)?;
    let mut tenants: Vec<TenantId> = tenants.into_iter().map(TenantId::from).collect();
    // In the order in which writers lock, which is not every database's own.
    tenants.sort();
    for tenant in tenants {
        match versions::bump_tenant(tx, &tenant).await {
            // Erased meanwhile, with its people.
            Ok(()) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The ids of the keys that were ended.
async fn end_keys(
    tx: &mut Tx,
    tenant: Option<&TenantId>,
    preset: &str,
    until: Timestamp,
) -> StoreResult<Vec<String>> {
    Ok(with_tx!(&mut *tx, |connection| sqlx::query_scalar(
        sql::END
    )
    .bind(preset)
    .bind(tenant.map_or("", TenantId::as_str))
    .bind(millis(until))
    .fetch_all(connection)
    .await)?)
}

fn retired(
    tenant: Option<TenantId>,
    preset: &str,
    id: &str,
    until: Timestamp,
    actor: &str,
    now: Timestamp,
) -> AuditEntry {
    let detail = json!({ "preset": preset, "until": until.to_string() });
    event(tenant, "key.retire", id, detail, actor, now)
}

fn event(
    tenant: Option<TenantId>,
    action: &str,
    id: &str,
    detail: serde_json::Value,
    actor: &str,
    now: Timestamp,
) -> AuditEntry {
    AuditEntry {
        tenant,
        at: now,
        actor: actor.into(),
        action: action.into(),
        subject: id.into(),
        detail,
        reason: None,
    }
}

fn key_place<'a>(id: &'a str, tenant: Option<&'a str>) -> Aad<'a> {
    Aad {
        table: "signing_key",
        column: "sealed",
        row: id,
        tenant: tenant.unwrap_or_default(),
    }
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: String,
    tenant: Option<String>,
    preset: String,
    kid: Option<String>,
    algorithm: String,
    source: String,
    material: Option<String>,
    sealed: Option<Vec<u8>>,
    issuer: Option<String>,
    audience: Option<String>,
    valid_until: Option<i64>,
    claims_json: String,
}
