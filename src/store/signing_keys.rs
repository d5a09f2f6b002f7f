//! The keys that verify CRMs' signatures: those of one tenant, and those of the app.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::Store;
use super::audit::AuditEntry;
use super::codec::{from_json, millis, optional_instant, to_json};
use super::database::{with_pool, with_tx};
use super::error::{StoreError, StoreResult};
use crate::crypto::Aad;
use crate::domain::ids::TenantId;

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        ADD = "INSERT INTO signing_key (id, tenant, preset, kid, algorithm, source, material,
                sealed, issuer, audience, valid_until, claims_json)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        OF_TENANT = "SELECT id, tenant, preset, kid, algorithm, source, material, sealed,
                issuer, audience, valid_until, claims_json
            FROM signing_key WHERE preset = $1 AND tenant = $2 ORDER BY id";
        ALL_OF_TENANT = "SELECT id, tenant, preset, kid, algorithm, source, material, sealed,
                issuer, audience, valid_until, claims_json
            FROM signing_key WHERE tenant = $1 ORDER BY preset, id";
        ALL_OF_APP = "SELECT id, tenant, preset, kid, algorithm, source, material, sealed,
                issuer, audience, valid_until, claims_json
            FROM signing_key WHERE tenant IS NULL ORDER BY preset, id";
        OF_APP = "SELECT id, tenant, preset, kid, algorithm, source, material, sealed,
                issuer, audience, valid_until, claims_json
            FROM signing_key WHERE preset = $1 AND tenant IS NULL ORDER BY id";
        RETIRE = "UPDATE signing_key SET valid_until = $2 WHERE id = $1
            RETURNING tenant, preset";
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
    /// Where claims stand, by their words, where that is elsewhere than the scheme's records say.
    pub claims: BTreeMap<String, String>,
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
        let claims = to_json(&key.claims, "claims_json")?;
        let mut tx = self.begin().await?;
        with_tx!(&mut tx, |connection| sqlx::query(sql::ADD)
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
            .bind(claims)
            .execute(connection)
            .await
            .map(drop))?;
        let detail = json!({
            "preset": key.preset, "kid": key.kid, "algorithm": key.algorithm, "source": source,
            "issuer": key.issuer, "audience": key.audience, "claims": key.claims,
        });
        self.note_change(
            &mut tx,
            &event(key.tenant.clone(), "key.add", &id, detail, actor, now),
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
            Some(tenant) => with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_TENANT)
                .bind(preset)
                .bind(tenant.as_str())
                .fetch_all(pool)
                .await)?,
            None => with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_APP)
                .bind(preset)
                .fetch_all(pool)
                .await)?,
        };
        rows.into_iter().map(|row| self.signing_key(row)).collect()
    }

    /// The keys of every scheme: those of a tenant, or (for `None`) those of the app. Expired ones
    /// included.
    ///
    /// # Errors
    /// As [`Self::signing_keys`].
    pub async fn all_signing_keys(
        &self,
        tenant: Option<&TenantId>,
    ) -> StoreResult<Vec<SigningKey>> {
        let rows: Vec<KeyRow> = match tenant {
            Some(tenant) => with_pool!(&self.reader, |pool| sqlx::query_as(sql::ALL_OF_TENANT)
                .bind(tenant.as_str())
                .fetch_all(pool)
                .await)?,
            None => with_pool!(&self.reader, |pool| sqlx::query_as(sql::ALL_OF_APP)
                .fetch_all(pool)
                .await)?,
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
            with_tx!(&mut tx, |connection| sqlx::query_as(sql::RETIRE)
                .bind(id.as_str())
                .bind(millis(until))
                .fetch_optional(connection)
                .await)?
            .ok_or_else(|| StoreError::missing("signing key"))?;
        let detail = json!({ "preset": preset, "until": until.to_string() });
        let tenant = tenant.map(TenantId::from);
        self.note_change(
            &mut tx,
            &event(tenant, "key.retire", &id, detail, actor, now),
        )
        .await?;
        tx.commit().await
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
            claims: from_json(&row.claims_json, "signing_key", "claims_json", &row.id)?,
        })
    }
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
