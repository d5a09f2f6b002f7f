//! Links between CRM contacts and customers. Each write adds its audit entry and counts the tenant's
//! version up in the same transaction.

use jiff::Timestamp;
use serde_json::json;

use super::audit::AuditEntry;
use super::codec::{instant, millis};
use super::database::{with_pool, with_tx};
use super::error::{StoreError, StoreResult};
use super::{Store, versions};
use crate::domain::contact::{Link, LinkOrigin};
use crate::domain::ids::{ContactId, CustomerKey, TenantId};

pub(super) mod sql {
    use super::super::sql::statements;

    statements! {
        ADD = "INSERT INTO link (tenant, contact, connection, customer, origin, actor, linked_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (tenant, contact, connection, customer) DO NOTHING";
        REMOVE = "DELETE FROM link
            WHERE tenant = $1 AND contact = $2 AND connection = $3 AND customer = $4";
        OF_CONTACT = "SELECT contact, connection, customer, origin, actor, linked_at
            FROM link WHERE tenant = $1 AND contact = $2
            ORDER BY linked_at, connection, customer";
        EVERY = "SELECT contact, connection, customer, origin, actor, linked_at
            FROM link WHERE tenant = $1
            ORDER BY contact, linked_at, connection, customer";
    }
}

impl Store {
    /// Links a contact to a customer; `false` when it was linked to it already. The customer need
    /// not be mirrored yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the connection is not one of the tenant's.
    pub async fn add_link(
        &self,
        tenant: &TenantId,
        link: &Link,
        reason: Option<&str>,
    ) -> StoreResult<bool> {
        let mut tx = self.begin().await?;
        let added = with_tx!(&mut tx, |connection| sqlx::query(sql::ADD)
            .bind(tenant.as_str())
            .bind(link.contact.as_str())
            .bind(link.customer.connection.as_str())
            .bind(link.customer.customer.as_str())
            .bind(link.origin.as_str())
            .bind(&*link.actor)
            .bind(millis(link.linked_at))
            .execute(connection)
            .await
            .map(|done| done.rows_affected()))?;
        if added == 0 {
            return Ok(false);
        }
        versions::bump_tenant(&mut tx, tenant).await?;
        self.note(
            &mut tx,
            &AuditEntry {
                tenant: Some(tenant.clone()),
                at: link.linked_at,
                actor: link.actor.clone(),
                action: "link.add".into(),
                subject: link.contact.as_str().into(),
                detail: json!({
                    "customer": link.customer.to_string(),
                    "origin": link.origin.as_str(),
                }),
                reason: reason.map(Into::into),
            },
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Ends a link; `false` when there was none.
    pub async fn remove_link(
        &self,
        tenant: &TenantId,
        contact: &ContactId,
        customer: &CustomerKey,
        actor: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let mut tx = self.begin().await?;
        let removed = with_tx!(&mut tx, |connection| sqlx::query(sql::REMOVE)
            .bind(tenant.as_str())
            .bind(contact.as_str())
            .bind(customer.connection.as_str())
            .bind(customer.customer.as_str())
            .execute(connection)
            .await
            .map(|done| done.rows_affected()))?;
        if removed == 0 {
            return Ok(false);
        }
        versions::bump_tenant(&mut tx, tenant).await?;
        self.note(
            &mut tx,
            &AuditEntry {
                tenant: Some(tenant.clone()),
                at: now,
                actor: actor.into(),
                action: "link.remove".into(),
                subject: contact.as_str().into(),
                detail: json!({ "customer": customer.to_string() }),
                reason: reason.map(Into::into),
            },
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// A contact's links, oldest first.
    pub async fn links(&self, tenant: &TenantId, contact: &ContactId) -> StoreResult<Vec<Link>> {
        let rows: Vec<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::OF_CONTACT)
            .bind(tenant.as_str())
            .bind(contact.as_str())
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(Link::try_from).collect()
    }

    /// Every link of a tenant, by contact.
    pub async fn all_links(&self, tenant: &TenantId) -> StoreResult<Vec<Link>> {
        let rows: Vec<Row> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::EVERY)
            .bind(tenant.as_str())
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(Link::try_from).collect()
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    contact: String,
    connection: String,
    customer: String,
    origin: String,
    actor: String,
    linked_at: i64,
}

impl TryFrom<Row> for Link {
    type Error = StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        let wrong = |column| StoreError::inconsistent("link", column, row.contact.as_str());
        Ok(Self {
            contact: ContactId::parse(&row.contact).map_err(|_| wrong("contact"))?,
            origin: LinkOrigin::parse(&row.origin).ok_or_else(|| wrong("origin"))?,
            linked_at: instant(row.linked_at, "link", "linked_at", &row.contact)?,
            customer: CustomerKey::new(row.connection, row.customer),
            actor: row.actor.into(),
        })
    }
}
