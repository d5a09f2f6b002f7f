//! Reading the mirror: a customer's books, its family, and customers by what is known of them.

use std::collections::HashMap;

use super::rows::{LineRow, parse_side, parse_state};
use crate::domain::books::{Customer, CustomerBooks, PaymentTerms};
use crate::domain::document::{Application, Document, DocumentId, DocumentKind};
use crate::domain::ids::{ConnectionId, CustomerId, CustomerKey, TenantId};
use crate::domain::money::Currency;
use crate::store::codec::{SqlDate, SqlDecimal, from_json, instant};
use crate::store::database::{with_pool, with_tx};
use crate::store::error::{StoreError, StoreResult};
use crate::store::{Store, json};

pub(in crate::store) mod sql {
    use crate::store::sql::statements;

    statements! {
        /// UNION drops what was seen before, so that a circle of parents ends.
        FAMILY = "WITH RECURSIVE family (id) AS (
                SELECT ledger_id FROM customer WHERE connection = $1 AND ledger_id = $2
                UNION
                SELECT customer.ledger_id FROM customer JOIN family ON customer.parent = family.id
                WHERE customer.connection = $1)
            SELECT id FROM family";
        /// The parent is qualified, since `json_each` has a column of that name on SQLite.
        CUSTOMERS = "SELECT customer.connection, customer.ledger_id, name, email, tax_number,
                customer.parent, bill_with_parent, active, currency, ledger_balance,
                ledger_balance_with_children, credit_limit, changed_at, terms.days,
                terms.day_of_month, terms.cutoff_days, terms.months
            FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN customer
            LEFT JOIN terms ON terms.connection = customer.connection
                AND terms.ledger_id = customer.terms
            WHERE customer.connection = $1 AND customer.ledger_id = page.value ->> 'id'";
        SEARCH = "SELECT customer.connection, customer.ledger_id, name, email, tax_number, parent,
                bill_with_parent, active, currency, ledger_balance, ledger_balance_with_children,
                credit_limit, changed_at, terms.days, terms.day_of_month, terms.cutoff_days,
                terms.months
            FROM connection JOIN customer ON customer.connection = connection.id
            LEFT JOIN terms ON terms.connection = customer.connection
                AND terms.ledger_id = customer.terms
            WHERE connection.tenant = $1 AND connection.state <> 'revoked'
                AND (search_text LIKE $2 ESCAPE '!' OR customer.ledger_id = $4)
            ORDER BY CASE WHEN search_text LIKE $3 ESCAPE '!' THEN 0 ELSE 1 END, active DESC,
                search_text, customer.connection, customer.ledger_id
            LIMIT $5";
        BY_EMAIL = "SELECT customer.connection, customer.ledger_id
            FROM customer JOIN connection ON connection.id = customer.connection
            WHERE customer.email = $2 AND connection.tenant = $1
                AND connection.state <> 'revoked' AND customer.active
            ORDER BY customer.connection, customer.ledger_id";
        BY_TAX_NUMBER = "SELECT customer.connection, customer.ledger_id
            FROM customer JOIN connection ON connection.id = customer.connection
            WHERE customer.tax_number = $2 AND connection.tenant = $1
                AND connection.state <> 'revoked' AND customer.active
            ORDER BY customer.connection, customer.ledger_id";
        DOCUMENTS = "SELECT kind, ledger_id, customer, number, issued_on, due_on, currency,
                exchange_rate, total, tax, side, state, ledger_open, changed_at, lines_json
            FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN document
            WHERE document.connection = $1 AND document.customer = page.value ->> 'id'";
        /// Each application once for every customer of the page that it touches.
        APPLICATIONS = "SELECT document.customer, application.id, carrier_kind, carrier_id,
                from_kind, from_id, to_kind, to_id, amount, applied_on
            FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN document CROSS JOIN application
            WHERE document.connection = $1 AND document.customer = page.value ->> 'id'
                AND application.connection = $1
                AND application.from_kind = document.kind
                AND application.from_id = document.ledger_id
            UNION
            SELECT document.customer, application.id, carrier_kind, carrier_id,
                from_kind, from_id, to_kind, to_id, amount, applied_on
            FROM json_each(CAST($2 AS TEXT)) AS page CROSS JOIN document CROSS JOIN application
            WHERE document.connection = $1 AND document.customer = page.value ->> 'id'
                AND application.connection = $1
                AND application.to_kind = document.kind
                AND application.to_id = document.ledger_id
            ORDER BY 2";
    }
}

impl Store {
    /// A customer and all below it in the ledger's tree: the customer first, the others by id. Empty
    /// when it is not mirrored.
    pub async fn family(&self, root: &CustomerKey) -> StoreResult<Vec<CustomerId>> {
        let mut members: Vec<String> =
            with_pool!(&self.reader, |pool| sqlx::query_scalar(sql::FAMILY)
                .bind(root.connection.as_str())
                .bind(root.customer.as_str())
                .fetch_all(pool)
                .await)?;
        members.sort_unstable_by(|a, b| {
            let below_root = |id: &str| id != root.customer.as_str();
            (below_root(a), a).cmp(&(below_root(b), b))
        });
        Ok(members.into_iter().map(CustomerId::from).collect())
    }

    /// The books of customers, as of one moment, in the order asked for; without those that are not
    /// mirrored.
    pub async fn books(
        &self,
        connection: &ConnectionId,
        customers: &[CustomerId],
    ) -> StoreResult<Vec<CustomerBooks>> {
        let ids = json::ids(customers.iter().map(CustomerId::as_str))?;
        let mut tx = self.reader.begin_read().await?;
        let found: Vec<CustomerRow> = with_tx!(&mut tx, |database| sqlx::query_as(sql::CUSTOMERS)
            .bind(connection.as_str())
            .bind(&ids)
            .fetch_all(database)
            .await)?;
        let documents: Vec<DocumentRow> =
            with_tx!(&mut tx, |database| sqlx::query_as(sql::DOCUMENTS)
                .bind(connection.as_str())
                .bind(&ids)
                .fetch_all(database)
                .await)?;
        let applications: Vec<ApplicationRow> =
            with_tx!(&mut tx, |database| sqlx::query_as(sql::APPLICATIONS)
                .bind(connection.as_str())
                .bind(&ids)
                .fetch_all(database)
                .await)?;
        tx.commit().await?;

        let mut books = HashMap::with_capacity(found.len());
        for row in found {
            let customer = Customer::try_from(row)?;
            books.insert(
                customer.id.clone(),
                CustomerBooks {
                    connection: connection.clone(),
                    customer,
                    documents: Vec::new(),
                    applications: Vec::new(),
                },
            );
        }
        for row in documents {
            let document = Document::try_from(row)?;
            if let Some(books) = books.get_mut(&document.customer) {
                books.documents.push(document);
            }
        }
        for row in applications {
            let customer = CustomerId::new(row.customer.as_str());
            if let Some(books) = books.get_mut(&customer) {
                books.applications.push(row.try_into()?);
            }
        }
        Ok(customers
            .iter()
            .filter_map(|customer| books.remove(customer))
            .map(|mut books| {
                books
                    .documents
                    .sort_unstable_by(|a, b| (b.issued_on, &b.id).cmp(&(a.issued_on, &a.id)));
                books
            })
            .collect())
    }

    /// A customer, its terms resolved.
    pub async fn customer(&self, key: &CustomerKey) -> StoreResult<Option<Customer>> {
        let ids = json::ids([key.customer.as_str()])?;
        let row: Option<CustomerRow> =
            with_pool!(&self.reader, |pool| sqlx::query_as(sql::CUSTOMERS)
                .bind(key.connection.as_str())
                .bind(ids)
                .fetch_optional(pool)
                .await)?;
        row.map(Customer::try_from).transpose()
    }

    /// A tenant's customers whose name, e-mail or tax number contains a text, whatever its case, or
    /// whose id it is; those that begin with it first, active ones before others. Customers of revoked
    /// connections are not found.
    pub async fn search_customers(
        &self,
        tenant: &TenantId,
        text: &str,
        limit: u32,
    ) -> StoreResult<Vec<(ConnectionId, Customer)>> {
        let text = text.trim();
        let pattern = like_pattern(text);
        let rows: Vec<CustomerRow> = with_pool!(&self.reader, |pool| sqlx::query_as(sql::SEARCH)
            .bind(tenant.as_str())
            .bind(format!("%{pattern}%"))
            .bind(format!("{pattern}%"))
            .bind(text)
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await)?;
        rows.into_iter()
            .map(|row| {
                let connection = ConnectionId::new(row.connection.as_str());
                Ok((connection, Customer::try_from(row)?))
            })
            .collect()
    }

    /// The active customers of a tenant that have an e-mail address, given in lower case.
    pub async fn customers_by_email(
        &self,
        tenant: &TenantId,
        email: &str,
    ) -> StoreResult<Vec<CustomerKey>> {
        self.customers_by(sql::BY_EMAIL, tenant, email).await
    }

    /// The active customers of a tenant that have a tax number, given as letters and digits in upper
    /// case.
    pub async fn customers_by_tax_number(
        &self,
        tenant: &TenantId,
        tax_number: &str,
    ) -> StoreResult<Vec<CustomerKey>> {
        self.customers_by(sql::BY_TAX_NUMBER, tenant, tax_number)
            .await
    }

    async fn customers_by(
        &self,
        sql: &'static str,
        tenant: &TenantId,
        value: &str,
    ) -> StoreResult<Vec<CustomerKey>> {
        let rows: Vec<(String, String)> = with_pool!(&self.reader, |pool| sqlx::query_as(sql)
            .bind(tenant.as_str())
            .bind(value)
            .fetch_all(pool)
            .await)?;
        Ok(rows
            .into_iter()
            .map(|(connection, customer)| CustomerKey::new(connection, customer))
            .collect())
    }
}

/// A text in lower case with what LIKE gives a meaning escaped by `!`.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern
}

#[derive(sqlx::FromRow)]
struct CustomerRow {
    connection: String,
    ledger_id: String,
    name: String,
    email: Option<String>,
    tax_number: Option<String>,
    parent: Option<String>,
    bill_with_parent: bool,
    active: bool,
    currency: String,
    ledger_balance: Option<SqlDecimal>,
    ledger_balance_with_children: Option<SqlDecimal>,
    credit_limit: Option<SqlDecimal>,
    changed_at: i64,
    days: Option<i64>,
    day_of_month: Option<i64>,
    cutoff_days: Option<i64>,
    months: Option<i64>,
}

impl TryFrom<CustomerRow> for Customer {
    type Error = StoreError;

    fn try_from(row: CustomerRow) -> StoreResult<Self> {
        let terms = row.terms()?;
        Ok(Self {
            currency: currency(&row.currency, "customer", &row.ledger_id)?,
            changed_at: instant(row.changed_at, "customer", "changed_at", &row.ledger_id)?,
            id: row.ledger_id.into(),
            name: row.name.into(),
            email: row.email.map(Into::into),
            tax_number: row.tax_number.map(Into::into),
            parent: row.parent.map(CustomerId::from),
            bill_with_parent: row.bill_with_parent,
            active: row.active,
            terms,
            ledger_balance: row.ledger_balance.map(|amount| amount.0),
            ledger_balance_with_children: row.ledger_balance_with_children.map(|amount| amount.0),
            credit_limit: row.credit_limit.map(|amount| amount.0),
        })
    }
}

impl CustomerRow {
    fn terms(&self) -> StoreResult<Option<PaymentTerms>> {
        let wrong = || StoreError::inconsistent("terms", "days", self.ledger_id.as_str());
        let days = |days: i64| u16::try_from(days).map_err(|_| wrong());
        let small = |number: i64| u8::try_from(number).map_err(|_| wrong());
        let terms = match (self.days, self.day_of_month, self.cutoff_days, self.months) {
            (None, None, None, None) => return Ok(None),
            (Some(after), None, None, None) => PaymentTerms::Days(days(after)?),
            (Some(after), None, None, Some(0)) => {
                PaymentTerms::AfterMonthEnd { days: days(after)? }
            }
            (None, Some(day), Some(cutoff), None) => PaymentTerms::DayOfMonth {
                day: small(day)?,
                cutoff_days: days(cutoff)?,
            },
            (None, Some(day), None, Some(months)) => PaymentTerms::DayOfMonthAfter {
                day: small(day)?,
                months: small(months)?,
            },
            _ => return Err(wrong()),
        };
        Ok(Some(terms))
    }
}

#[derive(sqlx::FromRow)]
struct DocumentRow {
    kind: String,
    ledger_id: String,
    customer: String,
    number: Option<String>,
    issued_on: SqlDate,
    due_on: Option<SqlDate>,
    currency: String,
    exchange_rate: Option<SqlDecimal>,
    total: SqlDecimal,
    tax: SqlDecimal,
    side: String,
    state: String,
    ledger_open: Option<SqlDecimal>,
    changed_at: i64,
    lines_json: String,
}

impl TryFrom<DocumentRow> for Document {
    type Error = StoreError;

    fn try_from(row: DocumentRow) -> StoreResult<Self> {
        let id = document_id(&row.kind, row.ledger_id, "document", "kind")?;
        let name = &id.ledger_id;
        let wrong = |column| StoreError::inconsistent("document", column, &**name);
        let lines: Vec<LineRow<'_>> = from_json(&row.lines_json, "document", "lines_json", name)?;
        Ok(Self {
            customer: row.customer.into(),
            number: row.number.map(Into::into),
            issued_on: row.issued_on.0,
            due_on: row.due_on.map(|day| day.0),
            currency: currency(&row.currency, "document", name)?,
            exchange_rate: row.exchange_rate.map(|rate| rate.0),
            total: row.total.0,
            tax: row.tax.0,
            side: parse_side(&row.side).ok_or_else(|| wrong("side"))?,
            state: parse_state(&row.state).ok_or_else(|| wrong("state"))?,
            lines: lines.into_iter().map(Into::into).collect(),
            ledger_open: row.ledger_open.map(|amount| amount.0),
            changed_at: instant(row.changed_at, "document", "changed_at", name)?,
            id,
        })
    }
}

#[derive(sqlx::FromRow)]
struct ApplicationRow {
    customer: String,
    carrier_kind: String,
    carrier_id: String,
    from_kind: String,
    from_id: String,
    to_kind: String,
    to_id: String,
    amount: SqlDecimal,
    applied_on: SqlDate,
}

impl TryFrom<ApplicationRow> for Application {
    type Error = StoreError;

    fn try_from(row: ApplicationRow) -> StoreResult<Self> {
        Ok(Self {
            carrier: document_id(
                &row.carrier_kind,
                row.carrier_id,
                "application",
                "carrier_kind",
            )?,
            from: document_id(&row.from_kind, row.from_id, "application", "from_kind")?,
            to: document_id(&row.to_kind, row.to_id, "application", "to_kind")?,
            amount: row.amount.0,
            applied_on: row.applied_on.0,
        })
    }
}

/// A stored currency code.
pub(super) fn currency(code: &str, table: &'static str, id: &str) -> StoreResult<Currency> {
    code.parse()
        .map_err(|_| StoreError::inconsistent(table, "currency", id))
}

fn document_id(
    kind: &str,
    ledger_id: String,
    table: &'static str,
    column: &str,
) -> StoreResult<DocumentId> {
    match DocumentKind::parse(kind) {
        Some(kind) => Ok(DocumentId::new(kind, ledger_id)),
        None => Err(StoreError::inconsistent(table, column, ledger_id)),
    }
}
