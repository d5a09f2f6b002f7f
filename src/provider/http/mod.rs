//! What all providers share on the wire: one client with time-outs and a size cap, retries within a
//! budget, each account's rates and circuit breaker, the count of metered calls, and decoding that
//! names the place of a fault but never the value.
//!
//! Order of a call: breaker, rates, meter, request. A call is metered once: failed calls are free at
//! the providers that meter, so a retry spends again only when it is unknown whether the attempt
//! before it was answered.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;

use super::{CallMeter, ProviderError, ProviderResult};
use crate::clock::Clock;
use crate::domain::connection::ProviderKind;

pub mod breaker;
mod call;
mod carrier;
mod decode;
pub mod quota;
pub mod retry;

pub use breaker::BreakerSettings;
pub(crate) use call::{Answer, Call, CallClass};
pub use carrier::{Carrier, StandIn, WireAnswer};
pub(crate) use decode::decode;
pub use quota::Limits;
pub use retry::RetrySettings;

use breaker::Breaker;
use call::{Failure, Lost};
use quota::Quota;
use retry::Budget;

/// Counts calls to providers by outcome. Labels: `provider`, `operation`, `outcome` (`ok` or a
/// [`ProviderError::code`]).
pub const CALLS: &str = "provider_calls_total";
/// How long one attempt of a call took, in seconds. Labels: `provider`, `operation`.
pub const CALL_SECONDS: &str = "provider_call_duration_seconds";
/// Counts fields of answers that neither we nor the provider's reference know. Label: `provider`.
pub const UNKNOWN_FIELDS: &str = "provider_unknown_fields_total";
/// Counts values of known fields that we have no meaning for. Labels: `provider`, `field`.
pub const UNKNOWN_VALUES: &str = "provider_unknown_values_total";

/// How calls are made.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for a whole answer.
    pub request_timeout: Duration,
    /// The largest accepted answer, in bytes after decompression.
    pub max_body_bytes: usize,
    /// How calls are repeated.
    pub retry: RetrySettings,
    /// When calls are held back.
    pub breaker: BreakerSettings,
    /// The rates of one account.
    pub limits: Limits,
    /// Who carries the calls.
    pub carrier: Carrier,
}

struct Account {
    breaker: Breaker,
    quota: Quota,
}

/// Makes the calls of one provider.
pub(crate) struct ProviderClient {
    kind: ProviderKind,
    http: reqwest::Client,
    settings: HttpSettings,
    /// Names of the answer headers that the provider's support asks for.
    correlation_headers: &'static [&'static str],
    clock: Arc<dyn Clock>,
    meter: Arc<dyn CallMeter>,
    accounts: Mutex<HashMap<String, Arc<Account>>>,
}

impl fmt::Debug for ProviderClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderClient")
            .field("kind", &self.kind)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl ProviderClient {
    /// A client.
    ///
    /// # Errors
    /// [`ProviderError::Misconfigured`] when the machine's TLS set-up cannot be used.
    pub(crate) fn new(
        kind: ProviderKind,
        settings: HttpSettings,
        correlation_headers: &'static [&'static str],
        clock: Arc<dyn Clock>,
        meter: Arc<dyn CallMeter>,
    ) -> ProviderResult<Self> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("financial-pulse/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.request_timeout)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map_err(|_| ProviderError::Misconfigured {
                what: "TLS certificates of this machine".to_owned(),
            })?;
        Ok(Self {
            kind,
            http,
            settings,
            correlation_headers,
            clock,
            meter,
            accounts: Mutex::default(),
        })
    }

    /// For building requests.
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The time.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Makes a call and reads its answer; `read` gives an answer its meaning, whatever its status.
    pub(crate) async fn call<T>(
        &self,
        call: Call<'_>,
        read: impl Fn(&Answer) -> ProviderResult<T> + Send + Sync,
    ) -> ProviderResult<T> {
        let result = self.attempts(&call, read).await;
        let outcome = result.as_ref().map_or_else(ProviderError::code, |_| "ok");
        metrics::counter!(CALLS, "provider" => self.kind.as_str(), "operation" => call.operation, "outcome" => outcome)
            .increment(1);
        result
    }

    async fn attempts<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&Answer) -> ProviderResult<T> + Send + Sync,
    ) -> ProviderResult<T> {
        let account = self.account(call.account);
        let mut budget = Budget::start(self.settings.retry);
        let mut booked = !call.class.is_metered();
        let mut garbled = false;
        loop {
            account
                .breaker
                .admit(self.clock.now())
                .map_err(|until| ProviderError::CircuitOpen { until })?;
            let batch = call.class == CallClass::Batch;
            let slot = account
                .quota
                .admit(batch, budget.remaining())
                .await
                .map_err(|retry_after| ProviderError::RateLimited { retry_after })?;
            if !booked {
                self.meter
                    .spend(self.kind, call.account, call.purpose)
                    .await?;
                booked = true;
            }
            budget.attempt();
            let attempt = self.attempt(call).await;
            // Others may use it while this one reads or pauses.
            drop(slot);

            let failure = match Failure::of(attempt, &read) {
                Ok(value) => {
                    account.breaker.succeeded();
                    return Ok(value);
                }
                Err(failure) => failure,
            };
            booked &= !failure.may_have_been_metered || !call.class.is_metered();
            let repeatable = match failure.error {
                ProviderError::RateLimited { .. } => true,
                ProviderError::Unavailable { .. } => call.class.is_idempotent() || !failure.sent,
                // Once: it may have been cut on the way. Twice is the ledger's doing.
                ProviderError::Malformed { .. } => {
                    call.class.is_idempotent() && !std::mem::replace(&mut garbled, true)
                }
                _ => false,
            };
            let pause = self
                .note(&account, &failure)
                .unwrap_or_else(|| budget.pause());
            if !repeatable || !budget.allows(pause) {
                return Err(failure.error);
            }
            tracing::debug!(
                provider = %self.kind,
                operation = call.operation,
                attempt = budget.made(),
                pause_ms = millis(pause),
                error = failure.error.code(),
                "trying again"
            );
            // Where the whole account is held back, the next admission waits.
            if !matches!(failure.error, ProviderError::RateLimited { .. }) {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Tells the account's breaker and rates of a failure; the pause that it asks for, if any.
    fn note(&self, account: &Account, failure: &Failure) -> Option<Duration> {
        match &failure.error {
            ProviderError::RateLimited { retry_after } => {
                account.breaker.succeeded();
                account.quota.hold(*retry_after);
                Some(*retry_after)
            }
            ProviderError::Unavailable { .. } => {
                account.breaker.failed(self.clock.now());
                failure.asked_wait
            }
            // It says nothing of whether the ledger is well.
            ProviderError::Malformed { .. } => None,
            _ => {
                account.breaker.succeeded();
                None
            }
        }
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Answer, Lost> {
        let started = tokio::time::Instant::now();
        let result = self.exchange(call).await;
        let took = started.elapsed();
        metrics::histogram!(CALL_SECONDS, "provider" => self.kind.as_str(), "operation" => call.operation)
            .record(took);
        match &result {
            Ok((answer, correlation)) => tracing::debug!(
                provider = %self.kind,
                operation = call.operation,
                account = call.account,
                status = answer.status,
                bytes = answer.body.len(),
                correlation,
                took_ms = millis(took),
                "provider answered"
            ),
            Err(lost) => tracing::debug!(
                provider = %self.kind,
                operation = call.operation,
                account = call.account,
                what = lost.what,
                took_ms = millis(took),
                "provider did not answer"
            ),
        }
        if let Ok((answer, correlation)) = &result
            && !answer.is_success()
        {
            tracing::warn!(
                provider = %self.kind,
                operation = call.operation,
                status = answer.status,
                correlation,
                "provider refused a call"
            );
        }
        result.map(|(answer, _)| answer)
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<(Answer, String), Lost> {
        // Bodies are bytes, which always can be cloned.
        let request = call.request.try_clone().ok_or(Lost {
            what: "the request cannot be repeated",
            sent: false,
        })?;
        if let Carrier::StandIn(stand_in) = &self.settings.carrier {
            let answer = stand_in.answer(request.url());
            return self.received(answer.status, answer.header_map(), answer.body);
        }
        let mut response = self.http.execute(request).await.map_err(|e| lost(&e))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| lost(&e))? {
            if body.len() + chunk.len() > self.settings.max_body_bytes {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        self.received(status, headers, body.freeze())
    }

    /// An answer, and what the provider calls it.
    fn received(
        &self,
        status: u16,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(Answer, String), Lost> {
        if body.len() > self.settings.max_body_bytes {
            return Err(too_large());
        }
        let retry_after = self.retry_after(&headers);
        let correlation = self.correlation(&headers);
        let answer = Answer {
            status,
            body,
            retry_after,
            headers,
        };
        Ok((answer, correlation))
    }

    fn retry_after(&self, headers: &HeaderMap) -> Option<Duration> {
        let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
        retry::parse_retry_after(value, self.clock.now())
    }

    fn correlation(&self, headers: &HeaderMap) -> String {
        self.correlation_headers
            .iter()
            .find_map(|name| headers.get(*name)?.to_str().ok())
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_graphic)
            .take(80)
            .collect()
    }

    fn account(&self, name: &str) -> Arc<Account> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get(name) {
            return Arc::clone(account);
        }
        let account = Arc::new(Account {
            breaker: Breaker::new(self.settings.breaker),
            quota: Quota::new(&self.settings.limits),
        });
        accounts.insert(name.to_owned(), Arc::clone(&account));
        account
    }
}

fn too_large() -> Lost {
    Lost {
        what: "the answer is larger than allowed",
        sent: true,
    }
}

/// Names a transport failure without its text, which holds the address.
fn lost(error: &reqwest::Error) -> Lost {
    let what = if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "no answer in time"
    } else {
        "the answer broke off"
    };
    Lost {
        what,
        sent: !error.is_connect() && !error.is_builder(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A count known to be positive when it is written; zero is taken as one.
pub(crate) const fn at_least_one(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}
