//! Credit limits, effective-dated. Of one customer (or of the tenant's default) at most one limit
//! holds on any day. A limit is never removed: it ends, or another takes its place, and each write
//! adds its audit entry and counts the tenant's version up in the same transaction.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;

use super::audit::AuditEntry;
use super::codec::{SqlDate, SqlDecimal, millis};
use super::connections::tenant_of;
use super::database::{with_pool, with_tx};
use super::error::{StoreError, StoreResult};
use super::{Store, versions};
use crate::domain::credit::{CreditLimit, LimitOrigin};
use crate::domain::ids::{CustomerKey, TenantId};
use crate::domain::money::Money;

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        /// Those that began before the day and still hold on it end the day before.
        CUT = "UPDATE credit_limit SET valid_to = CAST($5 AS date_text)
            WHERE tenant = $1 AND connection = $2 AND customer = $3 AND replaced_at IS NULL
                AND valid_from < CAST($4 AS date_text)
                AND (valid_to IS NULL OR valid_to >= CAST($4 AS date_text))";
        /// Those that begin within the days make room.
        REPLACE = "UPDATE credit_limit SET replaced_at = $6
            WHERE tenant = $1 AND connection = $2 AND customer = $3 AND replaced_at IS NULL
                AND valid_from >= CAST($4 AS date_text)
                AND (CAST($5 AS date_text) IS NULL OR valid_from <= CAST($5 AS date_text))";
        ADD = "INSERT INTO credit_limit (tenant, connection, customer, amount, currency, origin,
                valid_from, valid_to, reason, actor, set_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        /// Twice by index; an OR would read all of the tenant's.
        OF_CUSTOMER = "SELECT id, connection, customer, amount, currency, origin, valid_from,
                valid_to, reason, actor
            FROM credit_limit WHERE tenant = $1 AND connection = $2 AND customer = $3
                AND replaced_at IS NULL
            UNION
            SELECT id, connection, customer, amount, currency, origin, valid_from, valid_to,
                reason, actor
            FROM credit_limit WHERE tenant = $1 AND connection = '' AND customer = ''
                AND replaced_at IS NULL
            ORDER BY connection, customer, valid_from";
        EVERY = "SELECT id, connection, customer, amount, currency, origin, valid_from, valid_to,
                reason, actor
            FROM credit_limit WHERE tenant = $1 AND replaced_at IS NULL
            ORDER BY connection, customer, valid_from";
    }
}

impl Store {
    /// Sets a limit from its first day on. The one that held until then ends the day before; those
    /// that were to begin within the new one's days are replaced; those that begin after its last day
    /// stay. A limit with a last day is not followed by the one before it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the customer's connection is not one of the tenant's, or the last
    /// day is before the first.
    pub async fn set_limit(
        &self,
        tenant: &TenantId,
        limit: &CreditLimit,
        now: Timestamp,
    ) -> StoreResult<()> {
        let (connection_id, customer) = columns(limit.customer.as_ref());
        let mut tx = self.begin().await?;
        // Counting the version up first lets one writer of the tenant's limits in at a time, so that
        // two simultaneous ones never leave two limits for one day.
        versions::bump_tenant(&mut tx, tenant).await?;
        if let Some(key) = &limit.customer
            && tenant_of(&mut tx, &key.connection).await?.as_ref() != Some(tenant)
        {
            return Err(StoreError::missing("connection of the tenant"));
        }
        if let Ok(day_before) = limit.valid_from.yesterday() {
            with_tx!(&mut tx, |connection| sqlx::query(sql::CUT)
                .bind(tenant.as_str())
                .bind(connection_id)
                .bind(customer)
                .bind(SqlDate(limit.valid_from))
                .bind(SqlDate(day_before))
                .execute(connection)
                .await
                .map(drop))?;
        }
        with_tx!(&mut tx, |connection| sqlx::query(sql::REPLACE)
            .bind(tenant.as_str())
            .bind(connection_id)
            .bind(customer)
            .bind(SqlDate(limit.valid_from))
            .bind(limit.valid_to.map(SqlDate))
            .bind(millis(now))
            .execute(connection)
            .await
            .map(drop))?;
        with_tx!(&mut tx, |connection| sqlx::query(sql::ADD)
            .bind(tenant.as_str())
            .bind(connection_id)
            .bind(customer)
            .bind(SqlDecimal(limit.limit.amount))
            .bind(limit.limit.currency.code())
            .bind(origin_word(limit.origin))
            .bind(SqlDate(limit.valid_from))
            .bind(limit.valid_to.map(SqlDate))
            .bind(&*limit.reason)
            .bind(&*limit.actor)
            .bind(millis(now))
            .execute(connection)
            .await
            .map(drop))?;
        self.note(
            &mut tx,
            &AuditEntry {
                tenant: Some(tenant.clone()),
                at: now,
                actor: limit.actor.clone(),
                action: "limit.set".into(),
                subject: subject(limit.customer.as_ref()).into(),
                detail: json!({
                    "amount": limit.limit.amount.to_string(),
                    "currency": limit.limit.currency.code(),
                    "origin": origin_word(limit.origin),
                    "valid_from": limit.valid_from.to_string(),
                    "valid_to": limit.valid_to.map(|day| day.to_string()),
                }),
                reason: Some(limit.reason.clone()),
            },
        )
        .await?;
        tx.commit().await
    }

    /// Lets a customer's limit (or, for `None`, the tenant's default) end with a day, and nothing
    /// follow it; `false` when none holds on that day or begins after it.
    pub async fn end_limit(
        &self,
        tenant: &TenantId,
        customer: Option<&CustomerKey>,
        last_day: Date,
        actor: &str,
        reason: &str,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let (connection_id, customer_id) = columns(customer);
        let mut tx = self.begin().await?;
        versions::bump_tenant(&mut tx, tenant).await?;
        let mut ended = 0;
        if let Ok(day_after) = last_day.tomorrow() {
            ended += with_tx!(&mut tx, |connection| sqlx::query(sql::CUT)
                .bind(tenant.as_str())
                .bind(connection_id)
                .bind(customer_id)
                .bind(SqlDate(day_after))
                .bind(SqlDate(last_day))
                .execute(connection)
                .await
                .map(|done| done.rows_affected()))?;
            ended += with_tx!(&mut tx, |connection| sqlx::query(sql::REPLACE)
                .bind(tenant.as_str())
                .bind(connection_id)
                .bind(customer_id)
                .bind(SqlDate(day_after))
                .bind(None::<SqlDate>)
                .bind(millis(now))
                .execute(connection)
                .await
                .map(|done| done.rows_affected()))?;
        }
        if ended == 0 {
            // Nothing is committed, the version included.
            return Ok(false);
        }
        self.note(
            &mut tx,
            &AuditEntry {
                tenant: Some(tenant.clone()),
                at: now,
                actor: actor.into(),
                action: "limit.end".into(),
                subject: subject(customer).into(),
                detail: json!({ "last_day": last_day.to_string() }),
                reason: Some(reason.into()),
            },
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The limits of a customer and the tenant's defaults, whatever their dates; for `None` only the
    /// defaults.
    pub async fn limits(
        &self,
        tenant: &TenantId,
        customer: Option<&CustomerKey>,
    ) -> StoreResult<Vec<CreditLimit>> {
        let (connection_id, customer) = columns(customer);
        let rows: Vec<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_CUSTOMER)
            .bind(tenant.as_str())
            .bind(connection_id)
            .bind(customer)
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(CreditLimit::try_from).collect()
    }

    /// Every limit of a tenant, the defaults first, then by customer and first day.
    pub async fn all_limits(&self, tenant: &TenantId) -> StoreResult<Vec<CreditLimit>> {
        let rows: Vec<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::EVERY)
            .bind(tenant.as_str())
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(CreditLimit::try_from).collect()
    }
}

/// The columns that name a limit's holder: both empty for the tenant's default.
fn columns(customer: Option<&CustomerKey>) -> (&str, &str) {
    customer.map_or(("", ""), |key| {
        (key.connection.as_str(), key.customer.as_str())
    })
}

fn subject(customer: Option<&CustomerKey>) -> String {
    customer.map_or_else(|| "default".to_owned(), CustomerKey::to_string)
}

fn origin_word(origin: LimitOrigin) -> &'static str {
    match origin {
        LimitOrigin::Manual => "manual",
        LimitOrigin::Import => "import",
        LimitOrigin::Ledger => "ledger",
        LimitOrigin::TenantDefault => "tenant_default",
    }
}

fn parse_origin(word: &str) -> Option<LimitOrigin> {
    [
        LimitOrigin::Manual,
        LimitOrigin::Import,
        LimitOrigin::Ledger,
        LimitOrigin::TenantDefault,
    ]
    .into_iter()
    .find(|origin| origin_word(*origin) == word)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    connection: String,
    customer: String,
    amount: SqlDecimal,
    currency: String,
    origin: String,
    valid_from: SqlDate,
    valid_to: Option<SqlDate>,
    reason: String,
    actor: String,
}

impl TryFrom<Row> for CreditLimit {
    type Error = StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        let wrong = |column| StoreError::inconsistent("credit_limit", column, row.id.to_string());
        let currency = row.currency.parse().map_err(|_| wrong("currency"))?;
        let origin = parse_origin(&row.origin).ok_or_else(|| wrong("origin"))?;
        Ok(Self {
            customer: (!row.connection.is_empty())
                .then(|| CustomerKey::new(row.connection, row.customer)),
            limit: Money::new(row.amount.0, currency),
            origin,
            valid_from: row.valid_from.0,
            valid_to: row.valid_to.map(|day| day.0),
            reason: row.reason.into(),
            actor: row.actor.into(),
        })
    }
}
