//! The exchange rates that the books themselves hold.

use super::read::currency;
use crate::domain::books::ExchangeRate;
use crate::domain::ids::ConnectionId;
use crate::store::Store;
use crate::store::codec::{SqlDate, SqlDecimal};
use crate::store::database::with_tx;
use crate::store::error::StoreResult;

pub(in crate::store) mod sql {
    use crate::store::sql::statements;

    statements! {
        BASE_CURRENCY = "SELECT base_currency FROM connection WHERE id = $1";
        /// Jumps from one currency to the next instead of reading every document.
        RATE_CURRENCIES = "WITH RECURSIVE found (currency) AS (
                SELECT MIN(currency) FROM document
                WHERE connection = $1 AND exchange_rate IS NOT NULL
                UNION ALL
                SELECT (SELECT MIN(document.currency) FROM document
                    WHERE document.connection = $1 AND document.exchange_rate IS NOT NULL
                        AND document.currency > found.currency)
                FROM found WHERE found.currency IS NOT NULL)
            SELECT currency FROM found WHERE currency IS NOT NULL";
        LATEST_RATE = "SELECT kind, ledger_id, number, issued_on, exchange_rate FROM document
            WHERE connection = $1 AND currency = $2 AND exchange_rate IS NOT NULL
                AND state = 'issued'
            ORDER BY issued_on DESC, ledger_id DESC LIMIT 1";
    }
}

impl Store {
    /// For each foreign currency of the books, the rate of the newest document that states one. Empty
    /// until the organization's base currency is known.
    pub async fn rates(&self, connection: &ConnectionId) -> StoreResult<Vec<ExchangeRate>> {
        let mut tx = self.reader.begin_read().await?;
        let base: Option<Option<String>> =
            with_tx!(&mut tx, |database| sqlx::query_scalar(sql::BASE_CURRENCY)
                .bind(connection.as_str())
                .fetch_optional(database)
                .await)?;
        let Some(base) = base.flatten() else {
            return Ok(Vec::new());
        };
        let currencies: Vec<String> =
            with_tx!(&mut tx, |database| sqlx::query_scalar(sql::RATE_CURRENCIES)
                .bind(connection.as_str())
                .fetch_all(database)
                .await)?;
        let mut rates = Vec::new();
        for currency in currencies.iter().filter(|currency| **currency != base) {
            let row: Option<RateRow> =
                with_tx!(&mut tx, |database| sqlx::query_as(sql::LATEST_RATE)
                    .bind(connection.as_str())
                    .bind(currency)
                    .fetch_optional(database)
                    .await)?;
            if let Some(row) = row {
                rates.push(row.read(currency, &base)?);
            }
        }
        tx.commit().await?;
        Ok(rates)
    }
}

#[derive(sqlx::FromRow)]
struct RateRow {
    kind: String,
    ledger_id: String,
    number: Option<String>,
    issued_on: SqlDate,
    exchange_rate: SqlDecimal,
}

impl RateRow {
    fn read(self, from: &str, to: &str) -> StoreResult<ExchangeRate> {
        let number = self.number.as_deref().unwrap_or(&self.ledger_id);
        let source = format!("{} {number}", self.kind.replace('_', " "));
        Ok(ExchangeRate {
            from: currency(from, "document", &self.ledger_id)?,
            to: currency(to, "connection", &self.ledger_id)?,
            rate: self.exchange_rate.0,
            dated: self.issued_on.0,
            source: source.into(),
        })
    }
}
