//! Credit limits: ours, since most ledgers have none. Set from a day on, with a reason, by a person
//! whose role allows it.

use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::error::ServiceError;
use super::import::{ImportProblem, Imported, import, read};
use super::linking::require_customer;
use crate::auth::Viewer;
use crate::clock::Clock;
use crate::domain::books::today;
use crate::domain::credit::{CreditLimit, LimitOrigin};
use crate::domain::ids::{CustomerKey, TenantId};
use crate::domain::money::{Currency, Money};
use crate::store::Store;

/// The longest accepted reason, in characters.
const MAX_REASON: usize = 500;

/// The largest accepted limit, in major units: beyond it an entry is a slip of the finger.
const MAX_LIMIT: Decimal = Decimal::from_parts(1_410_065_408, 2, 0, false, 0);

/// Sets and lists credit limits.
#[derive(Clone, Debug)]
pub struct Limits {
    store: Store,
    clock: Arc<dyn Clock>,
}

/// A limit as wished for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRequest {
    /// Whose limit; `None` for the tenant's default.
    pub customer: Option<CustomerKey>,
    /// How much; zero means cash only. `None` ends the limit in force on the day before `valid_from`.
    pub limit: Option<Money>,
    /// The first day; today where it is not given.
    pub valid_from: Option<Date>,
    /// The last day.
    pub valid_to: Option<Date>,
    /// Why.
    pub reason: String,
}

/// One line of a limits file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitRow {
    /// Empty for the tenant's default.
    #[serde(default)]
    customer: Option<String>,
    limit: String,
    currency: String,
    #[serde(default)]
    valid_from: Option<String>,
    #[serde(default)]
    valid_to: Option<String>,
    reason: String,
}

/// The columns of a limits file.
const COLUMNS: [&str; 6] = [
    "customer",
    "limit",
    "currency",
    "valid_from",
    "valid_to",
    "reason",
];

impl Limits {
    /// Limits over a store.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Sets or ends a limit for a viewer.
    ///
    /// # Errors
    /// `FORBIDDEN` unless the viewer's role is finance or admin, `NOT_FOUND` for a customer that is
    /// not in the tenant's books or a limit to end that is not there, `BAD_USER_INPUT` for an amount
    /// or dates that make no limit.
    pub async fn set(
        &self,
        viewer: &Viewer,
        request: LimitRequest,
    ) -> Result<Option<CreditLimit>, ServiceError> {
        if !viewer.can_set_limits() {
            return Err(ServiceError::Forbidden {
                action: "set credit limits",
            });
        }
        let actor = viewer.user.as_str();
        self.store_request(&viewer.tenant, request, LimitOrigin::Manual, actor)
            .await
    }

    async fn store_request(
        &self,
        tenant: &TenantId,
        request: LimitRequest,
        origin: LimitOrigin,
        actor: &str,
    ) -> Result<Option<CreditLimit>, ServiceError> {
        let now = self.clock.now();
        let from = self.check(tenant, &request).await?;
        let Some(limit) = request.limit else {
            let last_day = from.yesterday().map_err(|_| {
                ServiceError::bad_input("validFrom", "the day is too early".to_owned())
            })?;
            let (customer, reason) = (request.customer.as_ref(), request.reason.as_str());
            let ended = self
                .store
                .end_limit(tenant, customer, last_day, actor, reason, now)
                .await?;
            return if ended {
                Ok(None)
            } else {
                Err(ServiceError::NotFound { what: "limit" })
            };
        };
        let origin = match request.customer {
            Some(_) => origin,
            None => LimitOrigin::TenantDefault,
        };
        let limit = CreditLimit {
            customer: request.customer,
            limit,
            origin,
            valid_from: from,
            valid_to: request.valid_to,
            reason: request.reason.into(),
            actor: actor.into(),
        };
        self.store.set_limit(tenant, &limit, now).await?;
        Ok(Some(limit))
    }

    /// Checks a request and answers its first day.
    async fn check(&self, tenant: &TenantId, request: &LimitRequest) -> Result<Date, ServiceError> {
        if let Some(customer) = &request.customer {
            require_customer(&self.store, tenant, customer).await?;
        }
        if let Some(limit) = request.limit {
            check_amount(limit).map_err(|reason| ServiceError::bad_input("limit", reason))?;
        }
        let reason = request.reason.trim();
        if reason.is_empty() || reason.chars().count() > MAX_REASON {
            let what = format!("say why, in at most {MAX_REASON} characters");
            return Err(ServiceError::bad_input("reason", what));
        }
        let from = match request.valid_from {
            Some(day) => day,
            None => self.today(tenant, request.customer.as_ref()).await?,
        };
        match request.valid_to {
            Some(to) if to < from => Err(ServiceError::bad_input(
                "validTo",
                format!("the last day, {to}, lies before the first, {from}"),
            )),
            _ => Ok(from),
        }
    }

    /// Today where the customer's books are kept; for a default, in the first connection's zone.
    async fn today(
        &self,
        tenant: &TenantId,
        customer: Option<&CustomerKey>,
    ) -> Result<Date, ServiceError> {
        let connections = self.store.connections_of(tenant).await?;
        let zone = connections
            .iter()
            .find(|connection| customer.is_none_or(|key| key.connection == connection.id))
            .map_or(TimeZone::UTC, |connection| connection.time_zone.clone());
        Ok(today(self.clock.now(), &zone))
    }

    /// Reads limits from CSV with the columns
    /// `customer,limit,currency,valid_from,valid_to,reason`; an empty customer means the tenant's
    /// default. Either every line is taken or none.
    ///
    /// # Errors
    /// Every line that is wrong, with what is wrong and what to write instead.
    pub async fn import(
        &self,
        tenant: &TenantId,
        csv: &[u8],
        actor: &str,
    ) -> Result<Imported, Vec<ImportProblem>> {
        let check = async |row: LimitRow| {
            let request = row.into_request()?;
            let checked = self.check(tenant, &request).await;
            checked.map_err(|error| error.to_string())?;
            Ok(request)
        };
        let keep = async |request| {
            let origin = LimitOrigin::Import;
            let stored = self.store_request(tenant, request, origin, actor).await;
            stored.map(|_| true)
        };
        import(csv, &COLUMNS, check, keep).await
    }

    /// Every limit of a tenant as CSV, in the form that [`Self::import`] reads.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn export(&self, tenant: &TenantId) -> Result<Vec<u8>, ServiceError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written = |error: csv::Error| ServiceError::Internal(Box::new(error));
        writer.write_record(COLUMNS).map_err(written)?;
        for limit in self.store.all_limits(tenant).await? {
            let text = |date: Option<Date>| date.map_or_else(String::new, |date| date.to_string());
            writer
                .write_record([
                    limit
                        .customer
                        .map_or_else(String::new, |key| key.to_string()),
                    limit.limit.to_wire().to_string(),
                    limit.limit.currency.to_string(),
                    limit.valid_from.to_string(),
                    text(limit.valid_to),
                    limit.reason.to_string(),
                ])
                .map_err(written)?;
        }
        writer
            .into_inner()
            .map_err(|error| ServiceError::Internal(Box::new(error.into_error())))
    }
}

/// Reads a limits file as [`Limits::import`] does: each request with its line, not yet compared with the
/// tenant's books.
///
/// # Errors
/// Every line that is wrong by itself.
pub fn read_limits(csv: &[u8]) -> Result<Vec<(u64, LimitRequest)>, Vec<ImportProblem>> {
    read(csv, &COLUMNS, LimitRow::into_request)
}

impl LimitRow {
    fn into_request(self) -> Result<LimitRequest, String> {
        let customer = match self.customer.as_deref().filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(CustomerKey::parse(text).ok_or_else(|| {
                format!(
                    "`{text}`: a customer is written connection:id, for example acme-quickbooks:42"
                )
            })?),
        };
        let amount = Decimal::from_str_exact(&self.limit).map_err(|_| {
            format!(
                "`{}` is no amount; write 5000 or 5000.00, without separators",
                self.limit
            )
        })?;
        let currency = Currency::from_str(&self.currency).map_err(|error| error.to_string())?;
        Ok(LimitRequest {
            customer,
            limit: Some(Money::new(amount, currency)),
            valid_from: date(self.valid_from.as_deref())?,
            valid_to: date(self.valid_to.as_deref())?,
            reason: self.reason,
        })
    }
}

fn date(text: Option<&str>) -> Result<Option<Date>, String> {
    text.filter(|text| !text.is_empty())
        .map(|text| {
            text.parse()
                .map_err(|_| format!("`{text}` is no date; write 2026-11-30"))
        })
        .transpose()
}

fn check_amount(limit: Money) -> Result<(), String> {
    let digits = limit.currency.minor_digits();
    if limit.amount.is_sign_negative() && !limit.amount.is_zero() {
        Err("a limit cannot be negative; 0 means cash only".to_owned())
    } else if limit.amount.normalize().scale() > digits {
        Err(format!(
            "{} has at most {digits} decimal places",
            limit.currency
        ))
    } else if limit.amount > MAX_LIMIT {
        Err(format!("a limit above {MAX_LIMIT} is not accepted"))
    } else {
        Ok(())
    }
}
