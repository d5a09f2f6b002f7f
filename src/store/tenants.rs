//! Tenants, the CRM accounts that are theirs, and their users' roles.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::audit::AuditEntry;
use super::codec::{from_json, to_json};
use super::database::{with_pool, with_tx};
use super::error::{StoreError, StoreResult};
use super::{Store, versions};
use crate::domain::credit::CreditPolicy;
use crate::domain::ids::{TenantId, UserId};

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        ADD_TENANT = "INSERT INTO tenant (id, name, frame_ancestors_json, settings_json, version)
            VALUES ($1, $2, $3, $4, 1)
            ON CONFLICT (id) DO NOTHING";
        CHANGE_TENANT = "UPDATE tenant SET name = $2, frame_ancestors_json = $3,
                settings_json = $4, version = version + 1
            WHERE id = $1";
        TENANT = "SELECT id, name, frame_ancestors_json, settings_json, version
            FROM tenant WHERE id = $1";
        TENANTS = "SELECT id, name, frame_ancestors_json, settings_json, version
            FROM tenant ORDER BY id";
        REGISTER_ACCOUNT = "INSERT INTO crm_account (preset, account, tenant) VALUES ($1, $2, $3)
            ON CONFLICT (preset, account) DO UPDATE SET tenant = excluded.tenant";
        ACCOUNTS_OF_TENANT = "SELECT preset, account FROM crm_account WHERE tenant = $1
            ORDER BY preset, account";
        TENANT_OF_ACCOUNT = "SELECT tenant FROM crm_account WHERE preset = $1 AND account = $2";
        SET_ROLE = "INSERT INTO user_role (tenant, preset, user_id, role) VALUES ($1, $2, $3, $4)
            ON CONFLICT (tenant, preset, user_id) DO UPDATE SET role = excluded.role";
        ROLE_OF = "SELECT role FROM user_role
            WHERE tenant = $1 AND preset IN ($2, '') AND user_id = $3
            ORDER BY CASE preset WHEN '' THEN 1 ELSE 0 END LIMIT 1";
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
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct TenantSettings {
    /// Whether reps see amounts and not just the decision and bands. On unless turned off.
    pub reps_see_amounts: bool,
    /// Whether a signed e-mail or tax number that exactly one customer has makes a link. On unless
    /// turned off.
    pub automatic_links: bool,
    /// Whether a CRM token may be exchanged only once. Off unless turned on, since some CRMs hand
    /// out the same token again.
    pub single_use_tokens: bool,
    /// Whether each view of a pulse is noted in the audit. Off unless turned on.
    pub record_views: bool,
    /// When to hold and when to warn.
    pub policy: CreditPolicy,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            reps_see_amounts: true,
            automatic_links: true,
            single_use_tokens: false,
            record_views: false,
            policy: CreditPolicy::default(),
        }
    }
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
        let mut write = async |statement| {
            with_tx!(&mut tx, |connection| sqlx::query(statement)
                .bind(tenant.id.as_str())
                .bind(&*tenant.name)
                .bind(frame_ancestors.as_str())
                .bind(settings_json.as_str())
                .execute(connection)
                .await
                .map(|done| done.rows_affected() > 0))
        };
        let is_new = write(sql::ADD_TENANT).await?;
        if !is_new && !write(sql::CHANGE_TENANT).await? {
            // Erased between the two.
            return Err(StoreError::missing("tenant"));
        }
        let entry = AuditEntry {
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
        };
        if is_new {
            self.note_first(&mut tx, &entry).await?;
        } else {
            self.note(&mut tx, &entry).await?;
        }
        tx.commit().await
    }

    /// A tenant.
    pub async fn tenant(&self, id: &TenantId) -> StoreResult<Option<Tenant>> {
        let row: Option<TenantRow> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::TENANT)
            .bind(id.as_str())
            .fetch_optional(pool)
            .await)?;
        row.map(Tenant::try_from).transpose()
    }

    /// Every tenant, by id.
    pub async fn tenants(&self) -> StoreResult<Vec<Tenant>> {
        let rows: Vec<TenantRow> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::TENANTS)
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(Tenant::try_from).collect()
    }

    /// Says whose a CRM account is. An account that was another tenant's moves, which both tenants'
    /// audit tells.
    pub async fn register_account(
        &self,
        preset: &str,
        account: &str,
        tenant: &TenantId,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut tx = self.begin().await?;
        let before: Option<String> = with_tx!(&mut tx, |connection| sqlx::query_scalar(
            sql::TENANT_OF_ACCOUNT
        )
        .bind(preset)
        .bind(account)
        .fetch_optional(connection)
        .await)?;
        let before = before.map(TenantId::from);
        if before.as_ref() == Some(tenant) {
            return Ok(());
        }
        with_tx!(&mut tx, |connection| sqlx::query(sql::REGISTER_ACCOUNT)
            .bind(preset)
            .bind(account)
            .bind(tenant.as_str())
            .execute(connection)
            .await
            .map(drop))?;
        let mut changes = [
            (Some(tenant.clone()), "account.register"),
            (before, "account.release"),
        ];
        // In the order in which chains are locked.
        changes.sort();
        for (tenant, action) in changes {
            let Some(tenant) = tenant else { continue };
            versions::bump_tenant(&mut tx, &tenant).await?;
            let entry = AuditEntry {
                tenant: Some(tenant),
                at: now,
                actor: actor.into(),
                action: action.into(),
                subject: format!("{preset}:{account}").into(),
                detail: json!({}),
                reason: None,
            };
            self.note(&mut tx, &entry).await?;
        }
        tx.commit().await
    }

    /// Whose a CRM account is.
    pub async fn tenant_of_account(
        &self,
        preset: &str,
        account: &str,
    ) -> StoreResult<Option<TenantId>> {
        let tenant: Option<String> = with_pool!(&self.reader, |pool| sqlx::query_scalar(
            sql::TENANT_OF_ACCOUNT
        )
        .bind(preset)
        .bind(account)
        .fetch_optional(pool)
        .await)?;
        Ok(tenant.map(TenantId::from))
    }

    /// The CRM accounts of a tenant, each with its scheme.
    pub async fn accounts(&self, tenant: &TenantId) -> StoreResult<Vec<(String, String)>> {
        let rows = with_pool!(&self.reader, |pool| sqlx::query_as(sql::ACCOUNTS_OF_TENANT)
            .bind(tenant.as_str())
            .fetch_all(pool)
            .await)?;
        Ok(rows)
    }

    /// Gives a user of a scheme a role: the same id in another scheme is somebody else. The word is
    /// kept as it is; whoever reads it decides what it means.
    pub async fn set_role(
        &self,
        tenant: &TenantId,
        preset: &str,
        user: &UserId,
        role: &str,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut tx = self.begin().await?;
        with_tx!(&mut tx, |connection| sqlx::query(sql::SET_ROLE)
            .bind(tenant.as_str())
            .bind(preset)
            .bind(user.as_str())
            .bind(role)
            .execute(connection)
            .await
            .map(drop))?;
        versions::bump_tenant(&mut tx, tenant).await?;
        self.note(
            &mut tx,
            &AuditEntry {
                tenant: Some(tenant.clone()),
                at: now,
                actor: actor.into(),
                action: "role.set".into(),
                subject: user.as_str().into(),
                detail: json!({ "preset": preset, "role": role }),
                reason: None,
            },
        )
        .await?;
        tx.commit().await
    }

    /// The role that a user of a scheme was given, if any: there, or before roles were given in a
    /// scheme.
    pub async fn role_of(
        &self,
        tenant: &TenantId,
        preset: &str,
        user: &UserId,
    ) -> StoreResult<Option<String>> {
        Ok(with_pool!(&self.reader, |pool| sqlx::query_scalar(
            sql::ROLE_OF
        )
        .bind(tenant.as_str())
        .bind(preset)
        .bind(user.as_str())
        .fetch_optional(pool)
        .await)?)
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

/// The settings as stored. What an older version did not know takes its default.
#[derive(Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
struct SettingsJson {
    reps_see_amounts: bool,
    automatic_links: bool,
    single_use_tokens: bool,
    record_views: bool,
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
            record_views: settings.record_views,
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
            record_views: json.record_views,
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
