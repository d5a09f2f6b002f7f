//! Connections: their state, and the lease under which one process works on them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::audit::AuditEntry;
use super::codec::{instant, millis};
use super::database::{Tx, with_pool, with_tx};
use super::error::{StoreError, StoreResult};
use super::{Store, credentials};
use crate::domain::books::Organization;
use crate::domain::connection::{Connection, ProviderKind};
use crate::domain::freshness::ConnectionState;
use crate::domain::ids::{ConnectionId, GrantId, TenantId};

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        ADD = "INSERT INTO connection (id, tenant, provider, account, time_zone, poll_seconds,
                state, state_since, version)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)";
        ONE = "SELECT id, tenant, provider, account, grant_id, organization_name, base_currency,
                multicurrency, page_code, time_zone, poll_seconds, state, state_reason, state_since, version
            FROM connection WHERE id = $1";
        EVERY = "SELECT id, tenant, provider, account, grant_id, organization_name, base_currency,
                multicurrency, page_code, time_zone, poll_seconds, state, state_reason, state_since, version
            FROM connection ORDER BY id";
        OF_TENANT = "SELECT id, tenant, provider, account, grant_id, organization_name, base_currency,
                multicurrency, page_code, time_zone, poll_seconds, state, state_reason, state_since, version
            FROM connection WHERE tenant = $1 ORDER BY id";
        OF_GRANT = "SELECT id, tenant, provider, account, grant_id, organization_name, base_currency,
                multicurrency, page_code, time_zone, poll_seconds, state, state_reason, state_since, version
            FROM connection WHERE grant_id = $1 ORDER BY id";
        TENANT_OF = "SELECT tenant FROM connection WHERE id = $1";
        GRANT_OF = "SELECT grant_id FROM connection WHERE id = $1";
        SET_ACCOUNT = "UPDATE connection SET account = $2, state = $3, state_reason = NULL,
                state_since = CASE WHEN state = $3 THEN state_since ELSE $4 END,
                grant_id = COALESCE($5, grant_id), version = version + 1
            WHERE id = $1 AND (account IS NULL OR account = $2)
                AND (CAST($5 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM credential
                    WHERE credential.grant_id = $5 AND credential.tenant = connection.tenant))
            RETURNING tenant";
        REVOKE = "UPDATE connection SET state = $2, state_reason = $2,
                state_since = CASE WHEN state = $2 THEN state_since ELSE $3 END,
                grant_id = NULL, version = version + 1
            WHERE id = $1
            RETURNING tenant";
        SET_STATE_OF_GRANT = "UPDATE connection SET state = $2, state_reason = $3,
                state_since = CASE WHEN state = $2 THEN state_since ELSE $4 END,
                version = version + 1
            WHERE grant_id = $1 AND (state <> $2 OR state_reason IS DISTINCT FROM $3)";
        SET_STATE = "UPDATE connection SET state = $2, state_reason = $3,
                state_since = CASE WHEN state = $2 THEN state_since ELSE $4 END,
                version = version + 1
            WHERE id = $1 AND (state <> $2 OR state_reason IS DISTINCT FROM $3)";
        SET_ORGANIZATION = "UPDATE connection SET organization_name = $2, base_currency = $3,
                multicurrency = $4, page_code = $5, version = version + 1
            WHERE id = $1 AND (organization_name IS DISTINCT FROM $2
                OR base_currency IS DISTINCT FROM $3 OR multicurrency IS DISTINCT FROM $4
                OR page_code IS DISTINCT FROM $5)";
        ACQUIRE_LEASE = "INSERT INTO lease (connection, holder, held_until) VALUES ($1, $2, $3)
            ON CONFLICT (connection) DO UPDATE SET
                holder = excluded.holder, held_until = excluded.held_until
            WHERE lease.holder = excluded.holder OR lease.held_until <= $4";
        RELEASE_LEASE = "DELETE FROM lease WHERE connection = $1 AND holder = $2";
    }
}

/// A connection to be added. It is pending until a person consents, unless `account` is known.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// Its id, unique in the installation.
    pub id: ConnectionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The accounting system.
    pub provider: ProviderKind,
    /// The time zone in which the books' dates are meant; one that the IANA names.
    pub time_zone: TimeZone,
    /// How often it is polled; whole seconds.
    pub poll_interval: Duration,
    /// The organization's id at the provider, when it is known beforehand (QuickBooks: the realm id).
    pub account: Option<Arc<str>>,
}

impl Store {
    /// Adds a connection, pending consent.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id is taken or the tenant is not there;
    /// [`StoreError::Inconsistent`] when the time zone has no IANA name.
    pub async fn add_connection(
        &self,
        new: &NewConnection,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let time_zone = new
            .time_zone
            .iana_name()
            .ok_or_else(|| StoreError::inconsistent("connection", "time_zone", new.id.as_str()))?;
        let poll_seconds = i64::try_from(new.poll_interval.as_secs()).unwrap_or(i64::MAX);
        let mut tx = self.begin().await?;
        with_tx!(&mut tx, |connection| sqlx::query(sql::ADD)
            .bind(new.id.as_str())
            .bind(new.tenant.as_str())
            .bind(new.provider.as_str())
            .bind(new.account.as_deref())
            .bind(time_zone)
            .bind(poll_seconds)
            .bind(ConnectionState::Pending.as_str())
            .bind(millis(now))
            .execute(connection)
            .await
            .map(drop))?;
        let detail = json!({
            "provider": new.provider.as_str(),
            "account": new.account.as_deref(),
            "time_zone": time_zone,
            "poll_seconds": poll_seconds,
        });
        self.note_change(
            &mut tx,
            &event(&new.tenant, &new.id, "connection.add", detail, actor, now),
        )
        .await?;
        tx.commit().await
    }

    /// A connection.
    pub async fn connection(&self, id: &ConnectionId) -> StoreResult<Option<Connection>> {
        let row: Option<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::ONE)
            .bind(id.as_str())
            .fetch_optional(pool)
            .await)?;
        row.map(Connection::try_from).transpose()
    }

    /// Every connection, by id.
    pub async fn connections(&self) -> StoreResult<Vec<Connection>> {
        let rows: Vec<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::EVERY)
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(Connection::try_from).collect()
    }

    /// A tenant's connections, by id.
    pub async fn connections_of(&self, tenant: &TenantId) -> StoreResult<Vec<Connection>> {
        let rows: Vec<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_TENANT)
            .bind(tenant.as_str())
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(Connection::try_from).collect()
    }

    /// The connections that are read under a grant, by id.
    pub async fn connections_of_grant(&self, grant: &GrantId) -> StoreResult<Vec<Connection>> {
        let rows: Vec<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_GRANT)
            .bind(grant.as_str())
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(Connection::try_from).collect()
    }

    /// Notes that consent was given for an organization: the connection is active from here on, and
    /// read under the grant where one is named. The grant before it goes with its tokens, unless
    /// other connections are read under it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such connection, it is another organization's (books
    /// of two organizations must not mix in one mirror), or the grant is none of its tenant's.
    pub async fn set_connection_account(
        &self,
        id: &ConnectionId,
        account: &str,
        grant: Option<&GrantId>,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut tx = self.begin().await?;
        let before = grant_of(&mut tx, id).await?;
        let tenant: String = with_tx!(&mut tx, |connection| sqlx::query_scalar(sql::SET_ACCOUNT)
            .bind(id.as_str())
            .bind(account)
            .bind(ConnectionState::Active.as_str())
            .bind(millis(now))
            .bind(grant.map(GrantId::as_str))
            .fetch_optional(connection)
            .await)?
        .ok_or_else(|| StoreError::missing("connection without another account"))?;
        if let (Some(before), true) = (before, grant.is_some()) {
            credentials::forget_unused(&mut tx, &before).await?;
        }
        let detail = json!({ "account": account });
        self.note_change(
            &mut tx,
            &event(
                &tenant.into(),
                id,
                "connection.authorize",
                detail,
                actor,
                now,
            ),
        )
        .await?;
        tx.commit().await
    }

    /// Notes that consent was given up for a connection's organization. Its grant goes with its tokens,
    /// unless other connections are read under it. The mirror stays.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such connection.
    pub async fn revoke_connection(
        &self,
        id: &ConnectionId,
        actor: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut tx = self.begin().await?;
        let before = grant_of(&mut tx, id).await?;
        let tenant: String = with_tx!(&mut tx, |connection| sqlx::query_scalar(sql::REVOKE)
            .bind(id.as_str())
            .bind(ConnectionState::Revoked.as_str())
            .bind(millis(now))
            .fetch_optional(connection)
            .await)?
        .ok_or_else(|| StoreError::missing("connection"))?;
        if let Some(before) = before {
            credentials::forget_unused(&mut tx, &before).await?;
        }
        self.note_change(
            &mut tx,
            &event(
                &tenant.into(),
                id,
                "connection.revoke",
                json!({}),
                actor,
                now,
            ),
        )
        .await?;
        tx.commit().await
    }

    /// Moves every connection that is read under a grant to a state, as [`Store::set_connection_state`]
    /// does with one.
    pub async fn set_state_of_grant(
        &self,
        grant: &GrantId,
        state: ConnectionState,
        reason: Option<&str>,
        now: Timestamp,
    ) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::SET_STATE_OF_GRANT)
            .bind(grant.as_str())
            .bind(state.as_str())
            .bind(reason)
            .bind(millis(now))
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Moves a connection to a state, with a stable word for why (`consent_lost`). Moving to where it
    /// is already changes nothing.
    pub async fn set_connection_state(
        &self,
        id: &ConnectionId,
        state: ConnectionState,
        reason: Option<&str>,
        now: Timestamp,
    ) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::SET_STATE)
            .bind(id.as_str())
            .bind(state.as_str())
            .bind(reason)
            .bind(millis(now))
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Notes the bookkeeping entity as read. The same as before changes nothing.
    pub async fn set_organization(
        &self,
        id: &ConnectionId,
        organization: &Organization,
        _now: Timestamp,
    ) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::SET_ORGANIZATION)
            .bind(id.as_str())
            .bind(&*organization.name)
            .bind(organization.base_currency.code())
            .bind(organization.multicurrency)
            .bind(organization.page_code.as_deref())
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Takes a connection for `holder` until a time, unless another holder has it at `now`. The same
    /// holder may take it again, which renews it.
    pub async fn acquire_lease(
        &self,
        id: &ConnectionId,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let taken = with_pool!(&self.writer, |pool| sqlx::query(sql::ACQUIRE_LEASE)
            .bind(id.as_str())
            .bind(holder)
            .bind(millis(until))
            .bind(millis(now))
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(taken == 1)
    }

    /// Gives a connection back, if `holder` has it.
    pub async fn release_lease(&self, id: &ConnectionId, holder: &str) -> StoreResult<()> {
        with_pool!(&self.writer, |pool| sqlx::query(sql::RELEASE_LEASE)
            .bind(id.as_str())
            .bind(holder)
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }
}

/// Under which grant a connection is read, inside a transaction.
async fn grant_of(tx: &mut Tx, id: &ConnectionId) -> StoreResult<Option<GrantId>> {
    let grant: Option<Option<String>> =
        with_tx!(tx, |connection| sqlx::query_scalar(sql::GRANT_OF)
            .bind(id.as_str())
            .fetch_optional(connection)
            .await)?;
    Ok(grant.flatten().map(GrantId::from))
}

/// Whose a connection is, inside a transaction.
pub(super) async fn tenant_of(tx: &mut Tx, id: &ConnectionId) -> StoreResult<Option<TenantId>> {
    let tenant: Option<String> = with_tx!(tx, |connection| sqlx::query_scalar(sql::TENANT_OF)
        .bind(id.as_str())
        .fetch_optional(connection)
        .await)?;
    Ok(tenant.map(TenantId::from))
}

fn event(
    tenant: &TenantId,
    id: &ConnectionId,
    action: &str,
    detail: serde_json::Value,
    actor: &str,
    now: Timestamp,
) -> AuditEntry {
    AuditEntry {
        tenant: Some(tenant.clone()),
        at: now,
        actor: actor.into(),
        action: action.into(),
        subject: id.as_str().into(),
        detail,
        reason: None,
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant: String,
    provider: String,
    account: Option<String>,
    grant_id: Option<String>,
    organization_name: Option<String>,
    base_currency: Option<String>,
    multicurrency: Option<bool>,
    page_code: Option<String>,
    time_zone: String,
    poll_seconds: i64,
    state: String,
    state_reason: Option<String>,
    state_since: i64,
    version: i64,
}

impl TryFrom<Row> for Connection {
    type Error = StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        let wrong = |column| StoreError::inconsistent("connection", column, row.id.as_str());
        let organization = match (row.organization_name, row.base_currency, row.multicurrency) {
            (Some(name), Some(currency), Some(multicurrency)) => Some(Organization {
                name: name.into(),
                base_currency: currency.parse().map_err(|_| wrong("base_currency"))?,
                multicurrency,
                page_code: row.page_code.map(Into::into),
            }),
            _ => None,
        };
        Ok(Self {
            tenant: row.tenant.into(),
            provider: ProviderKind::parse(&row.provider).ok_or_else(|| wrong("provider"))?,
            account: row.account.map(Into::into),
            grant: row.grant_id.map(GrantId::from),
            organization,
            time_zone: TimeZone::get(&row.time_zone).map_err(|_| wrong("time_zone"))?,
            poll_interval: Duration::from_secs(
                u64::try_from(row.poll_seconds).map_err(|_| wrong("poll_seconds"))?,
            ),
            state: ConnectionState::parse(&row.state).ok_or_else(|| wrong("state"))?,
            state_reason: row.state_reason.map(Into::into),
            state_since: instant(row.state_since, "connection", "state_since", &row.id)?,
            version: row.version,
            id: row.id.into(),
        })
    }
}
