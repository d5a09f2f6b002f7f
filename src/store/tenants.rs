//! Tenants, the keys that sign for them, the CRM accounts that are theirs, and their users' roles.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::audit::{self, AuditEntry};
use super::codec::{from_json, millis, optional_instant, to_json};
use super::database::{Tx, with_pool, with_tx};
use super::error::{StoreError, StoreResult};
use super::{Store, versions};
use crate::crypto::Aad;
use crate::domain::credit::CreditPolicy;
use crate::domain::ids::{TenantId, UserId};

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        PUT_TENANT = "INSERT INTO tenant (id, name, frame_ancestors_json, settings_json, version)
            VALUES ($1, $2, $3, $4, 1)
            ON CONFLICT (id) DO UPDATE SET
                name = excluded.name,
                frame_ancestors_json = excluded.frame_ancestors_json,
                settings_json = excluded.settings_json,
                version = tenant.version + 1";
        TENANT = "SELECT id, name, frame_ancestors_json, settings_json, version
            FROM tenant WHERE id = $1";
        TENANTS = "SELECT id, name, frame_ancestors_json, settings_json, version
            FROM tenant ORDER BY id";
        ADD_KEY = "INSERT INTO signing_key (id, tenant, preset, kid, algorithm, source, material,
                sealed, issuer, audience, valid_until)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        KEYS_OF_TENANT = "SELECT id, tenant, preset, kid, algorithm, source, material, sealed,
                issuer, audience, valid_until
            FROM signing_key WHERE preset = $1 AND tenant = $2 ORDER BY id";
        KEYS_OF_APP = "SELECT id, tenant, preset, kid, algorithm, source, material, sealed,
                issuer, audience, valid_until
            FROM signing_key WHERE preset = $1 AND tenant IS NULL ORDER BY id";
        RETIRE_KEY = "UPDATE signing_key SET valid_until = $2 WHERE id = $1
            RETURNING tenant, preset";
        SEALED_KEYS = "SELECT id, tenant, sealed FROM signing_key WHERE sealed IS NOT NULL";
        RESEAL_KEY = "UPDATE signing_key SET sealed = $3 WHERE id = $1 AND sealed = $2";
        REGISTER_ACCOUNT = "INSERT INTO crm_account (preset, account, tenant) VALUES ($1, $2, $3)
            ON CONFLICT (preset, account) DO UPDATE SET tenant = excluded.tenant
            WHERE crm_account.tenant <> excluded.tenant";
        TENANT_OF_ACCOUNT = "SELECT tenant FROM crm_account WHERE preset = $1 AND account = $2";
        SET_ROLE = "INSERT INTO user_role (tenant, user_id, role) VALUES ($1, $2, $3)
            ON CONFLICT (tenant, user_id) DO UPDATE SET role = excluded.role";
        ROLE_OF = "SELECT role FROM user_role WHERE tenant = $1 AND user_id = $2";
    }
}

/// A CRM account that uses Financial Pulse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name, for people.
    pub name: Arc<str>,
    /// The origins that may show the widget in a frame (`https://acme.pipedrive.com`).
    pub frame_ancestors: Vec<String>,
    /// What it decided for itself.
    pub settings: TenantSettings,
    /// Counts up with every change of the tenant, its keys, roles, links and limits. Ignored when
    /// written.
    pub version: i64,
}

/// What a tenant decides for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantSettings {
    /// Whether reps see amounts and not just the decision and bands. On unless turned off.
    pub reps_see_amounts: bool,
    /// Whether a signed e-mail or tax number that exactly one customer has makes a link. On unless
    /// turned off.
    pub automatic_links: bool,
    /// Whether a CRM token may be exchanged only once. Off unless turned on, since some CRMs hand
    /// out the same token again.
    pub single_use_tokens: bool,
    /// When to hold and when to warn.
    pub policy: CreditPolicy,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            reps_see_amounts: true,
            automatic_links: true,
            single_use_tokens: false,
            policy: CreditPolicy::default(),
        }
    }
}

/// A key that verifies a CRM's signatures.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// Its id here.
    pub id: Uuid,
    /// For whom it signs; `None` for a key of the app, which signs for every tenant.
    pub tenant: Option<TenantId>,
    /// The scheme that it belongs to (`native`, `pipedrive`).
    pub preset: String,
    /// Its id in the header of a token, when the scheme names keys.
    pub kid: Option<String>,
    /// The one algorithm that it may be used with (`HS256`).
    pub algorithm: String,
    /// The key itself, or where it is found.
    pub source: KeySource,
    /// The issuer that a token must name, if any.
    pub issuer: Option<String>,
    /// The audience that a token must name, if any.
    pub audience: Option<String>,
    /// Until when it is accepted; `None` for no end.
    pub valid_until: Option<Timestamp>,
}

/// A key, or where it is found.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A shared secret; sealed at rest.
    Secret(SecretString),
    /// A public key in PEM.
    Pem(String),
    /// A JSON Web Key Set.
    Jwks(String),
    /// The address of a JSON Web Key Set.
    JwksUrl(String),
}

impl Store {
    /// Adds a tenant or changes it; its `version` is ignored and counted up.
    pub async fn put_tenant(
        &self,
        tenant: &Tenant,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let settings = SettingsJson::from(&tenant.settings);
        let frame_ancestors = to_json(&tenant.frame_ancestors, "frame_ancestors_json")?;
        let settings_json = to_json(&settings, "settings_json")?;
        let mut tx = self.begin().await?;
        with_tx!(&mut tx, connection => sqlx::query(sql::PUT_TENANT)
            .bind(tenant.id.as_str())
            .bind(&*tenant.name)
            .bind(frame_ancestors)
            .bind(settings_json)
            .execute(connection).await.map(drop))?;
        audit::append(
            &mut tx,
            &AuditEntry {
                tenant: Some(tenant.id.clone()),
                at: now,
                actor: actor.into(),
                action: "tenant.put".into(),
                subject: tenant.id.as_str().into(),
                detail: json!({
                    "name": &*tenant.name,
                    "frame_ancestors": tenant.frame_ancestors,
                    "settings": settings,
                }),
                reason: None,
            },
        )
        .await?;
        tx.commit().await
    }

    /// A tenant.
    pub async fn tenant(&self, id: &TenantId) -> StoreResult<Option<Tenant>> {
        let row: Option<TenantRow> = with_pool!(&self.reader, pool => sqlx::query_as(sql::TENANT)
                .bind(id.as_str()).fetch_optional(pool).await)?;
        row.map(Tenant::try_from).transpose()
    }

    /// Every tenant, by id.
    pub async fn tenants(&self) -> StoreResult<Vec<Tenant>> {
        let rows: Vec<TenantRow> =
            with_pool!(&self.reader, pool => sqlx::query_as(sql::TENANTS).fetch_all(pool).await)?;
        rows.into_iter().map(Tenant::try_from).collect()
    }

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
        let id = key.id.to_string();
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
                    &key_place(&id, key.tenant.as_ref().map(TenantId::as_str)),
                )
            })
            .transpose()?;
        let mut tx = self.begin().await?;
        with_tx!(&mut tx, connection => sqlx::query(sql::ADD_KEY)
            .bind(id.as_str())
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
            .execute(connection).await.map(drop))?;
        let detail = json!({
            "preset": key.preset, "kid": key.kid, "algorithm": key.algorithm, "source": source,
        });
        note_key(
            &mut tx,
            key.tenant.clone(),
            "key.add",
            &id,
            detail,
            actor,
            now,
        )
        .await?;
        tx.commit().await
    }

    /// The keys of a scheme: those of a tenant, or (for `None`) those of the app. Expired ones
    /// included.
    ///
    /// # Errors
    /// [`StoreError::Crypto`] when a secret does not open under the configured keys.
    pub async fn signing_keys(
        &self,
        tenant: Option<&TenantId>,
        preset: &str,
    ) -> StoreResult<Vec<SigningKey>> {
        let rows: Vec<KeyRow> = match tenant {
            Some(tenant) => with_pool!(&self.reader, pool => sqlx::query_as(sql::KEYS_OF_TENANT)
                    .bind(preset).bind(tenant.as_str()).fetch_all(pool).await)?,
            None => with_pool!(&self.reader, pool => sqlx::query_as(sql::KEYS_OF_APP)
                .bind(preset).fetch_all(pool).await)?,
        };
        rows.into_iter().map(|row| self.signing_key(row)).collect()
    }

    /// Ends a key's validity at a time.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such key.
    pub async fn retire_signing_key(
        &self,
        id: Uuid,
        until: Timestamp,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let id = id.to_string();
        let mut tx = self.begin().await?;
        let (tenant, preset): (Option<String>, String) =
            with_tx!(&mut tx, connection => sqlx::query_as(sql::RETIRE_KEY)
                .bind(id.as_str()).bind(millis(until)).fetch_optional(connection).await)?
            .ok_or_else(|| StoreError::missing("signing key"))?;
        let detail = json!({ "preset": preset, "until": until.to_string() });
        let tenant = tenant.map(TenantId::from);
        note_key(&mut tx, tenant, "key.retire", &id, detail, actor, now).await?;
        tx.commit().await
    }

    /// Says whose a CRM account is. An account that was another tenant's moves.
    pub async fn register_account(
        &self,
        preset: &str,
        account: &str,
        tenant: &TenantId,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut tx = self.begin().await?;
        let written = with_tx!(&mut tx, connection => sqlx::query(sql::REGISTER_ACCOUNT)
            .bind(preset).bind(account).bind(tenant.as_str())
            .execute(connection).await.map(|done| done.rows_affected()))?;
        if written == 0 {
            return Ok(());
        }
        versions::bump_tenant(&mut tx, tenant).await?;
        audit::append(
            &mut tx,
            &AuditEntry {
                tenant: Some(tenant.clone()),
                at: now,
                actor: actor.into(),
                action: "account.register".into(),
                subject: format!("{preset}:{account}").into(),
                detail: json!({}),
                reason: None,
            },
        )
        .await?;
        tx.commit().await
    }

    /// Whose a CRM account is.
    pub async fn tenant_of_account(
        &self,
        preset: &str,
        account: &str,
    ) -> StoreResult<Option<TenantId>> {
        let tenant: Option<String> = with_pool!(&self.reader, pool => sqlx::query_scalar(sql::TENANT_OF_ACCOUNT)
                .bind(preset).bind(account).fetch_optional(pool).await)?;
        Ok(tenant.map(TenantId::from))
    }

    /// Gives a user a role. The word is kept as it is; whoever reads it decides what it means.
    pub async fn set_role(
        &self,
        tenant: &TenantId,
        user: &UserId,
        role: &str,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut tx = self.begin().await?;
        with_tx!(&mut tx, connection => sqlx::query(sql::SET_ROLE)
            .bind(tenant.as_str()).bind(user.as_str()).bind(role)
            .execute(connection).await.map(drop))?;
        versions::bump_tenant(&mut tx, tenant).await?;
        audit::append(
            &mut tx,
            &AuditEntry {
                tenant: Some(tenant.clone()),
                at: now,
                actor: actor.into(),
                action: "role.set".into(),
                subject: user.as_str().into(),
                detail: json!({ "role": role }),
                reason: None,
            },
        )
        .await?;
        tx.commit().await
    }

    /// The role that a user was given, if any.
    pub async fn role_of(&self, tenant: &TenantId, user: &UserId) -> StoreResult<Option<String>> {
        Ok(
            with_pool!(&self.reader, pool => sqlx::query_scalar(sql::ROLE_OF)
            .bind(tenant.as_str()).bind(user.as_str()).fetch_optional(pool).await)?,
        )
    }

    /// Seals the shared secrets again that stand under an older key. Returns how many.
    pub(super) async fn reseal_signing_keys(&self, tx: &mut Tx) -> StoreResult<u64> {
        let rows: Vec<(String, Option<String>, Vec<u8>)> = with_tx!(&mut *tx, connection => sqlx::query_as(sql::SEALED_KEYS)
                .fetch_all(connection).await)?;
        let mut count = 0;
        for (id, tenant, sealed) in rows {
            if !self.keys.is_outdated(&sealed) {
                continue;
            }
            let place = key_place(&id, tenant.as_deref());
            let plain = self.keys.open(&sealed, &place)?;
            let resealed = self.keys.seal(plain.expose_secret(), &place)?;
            with_tx!(&mut *tx, connection => sqlx::query(sql::RESEAL_KEY)
                .bind(id.as_str()).bind(sealed).bind(resealed)
                .execute(connection).await.map(drop))?;
            count += 1;
        }
        Ok(count)
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
            id: row.id.parse().map_err(|_| wrong("id"))?,
            valid_until: optional_instant(row.valid_until, "signing_key", "valid_until", &row.id)?,
            tenant: row.tenant.map(TenantId::from),
            preset: row.preset,
            kid: row.kid,
            algorithm: row.algorithm,
            source,
            issuer: row.issuer,
            audience: row.audience,
        })
    }
}

/// Notes a change of a key, inside its transaction.
async fn note_key(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    action: &str,
    id: &str,
    detail: serde_json::Value,
    actor: &str,
    now: Timestamp,
) -> StoreResult<()> {
    if let Some(tenant) = &tenant {
        versions::bump_tenant(tx, tenant).await?;
    }
    let entry = AuditEntry {
        tenant,
        at: now,
        actor: actor.into(),
        action: action.into(),
        subject: id.into(),
        detail,
        reason: None,
    };
    audit::append(tx, &entry).await
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
struct TenantRow {
    id: String,
    name: String,
    frame_ancestors_json: String,
    settings_json: String,
    version: i64,
}

impl TryFrom<TenantRow> for Tenant {
    type Error = StoreError;

    fn try_from(row: TenantRow) -> StoreResult<Self> {
        let settings: SettingsJson =
            from_json(&row.settings_json, "tenant", "settings_json", &row.id)?;
        Ok(Self {
            name: row.name.into(),
            frame_ancestors: from_json(
                &row.frame_ancestors_json,
                "tenant",
                "frame_ancestors_json",
                &row.id,
            )?,
            settings: settings.into(),
            version: row.version,
            id: row.id.into(),
        })
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
}

/// The settings as stored. What an older version did not know takes its default.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct SettingsJson {
    reps_see_amounts: bool,
    automatic_links: bool,
    single_use_tokens: bool,
    policy: PolicyJson,
}

#[derive(Serialize, Deserialize)]
#[serde(default)]
struct PolicyJson {
    version: Arc<str>,
    hold_overdue_days: u32,
    caution_utilization: Decimal,
    unknown_after_seconds: u64,
    grace_days: u32,
}

impl Default for SettingsJson {
    fn default() -> Self {
        Self::from(&TenantSettings::default())
    }
}

impl Default for PolicyJson {
    fn default() -> Self {
        Self::from(&CreditPolicy::default())
    }
}

impl From<&TenantSettings> for SettingsJson {
    fn from(settings: &TenantSettings) -> Self {
        Self {
            reps_see_amounts: settings.reps_see_amounts,
            automatic_links: settings.automatic_links,
            single_use_tokens: settings.single_use_tokens,
            policy: PolicyJson::from(&settings.policy),
        }
    }
}

impl From<SettingsJson> for TenantSettings {
    fn from(json: SettingsJson) -> Self {
        Self {
            reps_see_amounts: json.reps_see_amounts,
            automatic_links: json.automatic_links,
            single_use_tokens: json.single_use_tokens,
            policy: CreditPolicy {
                version: json.policy.version,
                hold_overdue_days: json.policy.hold_overdue_days,
                caution_utilization: json.policy.caution_utilization,
                unknown_after_seconds: json.policy.unknown_after_seconds,
                grace_days: json.policy.grace_days,
            },
        }
    }
}

impl From<&CreditPolicy> for PolicyJson {
    fn from(policy: &CreditPolicy) -> Self {
        Self {
            version: policy.version.clone(),
            hold_overdue_days: policy.hold_overdue_days,
            caution_utilization: policy.caution_utilization,
            unknown_after_seconds: policy.unknown_after_seconds,
            grace_days: policy.grace_days,
        }
    }
}
