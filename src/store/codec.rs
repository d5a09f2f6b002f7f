//! Values as both engines store them: amounts exact, instants as milliseconds, dates as dates.

use jiff::civil::{Date, date};
use jiff::{Span, Timestamp, Unit};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Postgres, Sqlite, Type};

use super::error::{StoreError, StoreResult};

/// PostgreSQL counts days from here.
const POSTGRES_EPOCH: Date = date(2000, 1, 1);

/// An exact amount: `NUMERIC` on PostgreSQL, `TEXT` on SQLite, which has no exact decimal. For that
/// reason it is never sorted or summed in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SqlDecimal(pub(super) Decimal);

impl Type<Sqlite> for SqlDecimal {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for SqlDecimal {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <String as Encode<'_, Sqlite>>::encode(self.0.to_string(), buffer)
    }
}

impl Decode<'_, Sqlite> for SqlDecimal {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<'_, Sqlite>>::decode(value)?;
        Ok(Self(Decimal::from_str_exact(text)?))
    }
}

impl Type<Postgres> for SqlDecimal {
    fn type_info() -> PgTypeInfo {
        <Decimal as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for SqlDecimal {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <Decimal as Encode<'_, Postgres>>::encode_by_ref(&self.0, buffer)
    }
}

impl Decode<'_, Postgres> for SqlDecimal {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        <Decimal as Decode<'_, Postgres>>::decode(value).map(Self)
    }
}

/// A civil date: `DATE` on PostgreSQL, ISO 8601 `TEXT` on SQLite. Both sort rightly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SqlDate(pub(super) Date);

impl Type<Sqlite> for SqlDate {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for SqlDate {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <String as Encode<'_, Sqlite>>::encode(self.0.to_string(), buffer)
    }
}

impl Decode<'_, Sqlite> for SqlDate {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<'_, Sqlite>>::decode(value)?;
        Ok(Self(text.parse()?))
    }
}

impl Type<Postgres> for SqlDate {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("date")
    }
}

impl Encode<'_, Postgres> for SqlDate {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let days = self.0.since((Unit::Day, POSTGRES_EPOCH))?.get_days();
        <i32 as Encode<'_, Postgres>>::encode(days, buffer)
    }
}

impl Decode<'_, Postgres> for SqlDate {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(match value.format() {
            PgValueFormat::Binary => {
                let days = <i32 as Decode<'_, Postgres>>::decode(value)?;
                POSTGRES_EPOCH.checked_add(Span::new().try_days(days)?)?
            }
            PgValueFormat::Text => value.as_str()?.parse()?,
        }))
    }
}

/// An instant as it is stored: milliseconds since 1970, so that order and equality are the same on
/// both engines. Finer parts are cut off, and of the last second there is, which milliseconds do not
/// read back as, all of them.
pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond().min(Timestamp::MAX.as_second() * 1000)
}

/// A stored instant.
pub(super) fn instant(
    millis: i64,
    table: &'static str,
    column: &str,
    id: &str,
) -> StoreResult<Timestamp> {
    Timestamp::from_millisecond(millis).map_err(|_| StoreError::inconsistent(table, column, id))
}

/// A stored instant that may be absent.
pub(super) fn optional_instant(
    millis: Option<i64>,
    table: &'static str,
    column: &str,
    id: &str,
) -> StoreResult<Option<Timestamp>> {
    millis
        .map(|millis| instant(millis, table, column, id))
        .transpose()
}

/// A value kept as JSON text.
pub(super) fn from_json<T: DeserializeOwned>(
    text: &str,
    table: &'static str,
    column: &str,
    id: &str,
) -> StoreResult<T> {
    serde_json::from_str(text).map_err(|_| StoreError::inconsistent(table, column, id))
}

/// A value as JSON text.
pub(super) fn to_json<T: serde::Serialize>(value: &T, column: &'static str) -> StoreResult<String> {
    // Fails only for maps with keys that are no text, of which the store writes none.
    serde_json::to_string(value).map_err(|_| StoreError::inconsistent("json", column, ""))
}
