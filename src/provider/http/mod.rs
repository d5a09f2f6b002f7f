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
mod decode;
pub mod quota;
pub mod retry;

pub use breaker::BreakerSettings;
pub(crate) use decode::decode;
pub use quota::Limits;
pub use retry::RetrySettings;

use breaker::Breaker;
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
}

/// What a call is to the provider's accounting and to a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallClass {
    /// A metered read: repeating it changes nothing.
    Read,
    /// A metered read of several questions at once.
    Batch,
    /// A token call: not metered, and repeated only when it certainly was not carried out.
    Authorization,
}

impl CallClass {
    fn is_metered(self) -> bool {
        self != Self::Authorization
    }

    fn is_idempotent(self) -> bool {
        self != Self::Authorization
    }
}

/// One call, ready to be sent as often as the budget allows. Holds secrets, so it is not `Debug`.
pub(crate) struct Call<'a> {
    /// What it does, for logs and metrics (`query`).
    pub(crate) operation: &'static str,
    /// What it is.
    pub(crate) class: CallClass,
    /// Whose rates and breaker it counts on: the account, or a fixed word for the app's own calls.
    pub(crate) account: &'a str,
    /// What is sent.
    pub(crate) request: reqwest::Request,
}

/// A whole answer, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The HTTP status code.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Bytes,
    /// The wait that the provider asked for.
    pub(crate) retry_after: Option<Duration>,
}

impl Answer {
    /// Whether the status says that it went well.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why an attempt brought no answer.
struct Lost {
    what: &'static str,
    /// Whether the request may have reached the provider.
    sent: bool,
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
        let mut garbled = 0;
        loop {
            account
                .breaker
                .admit(self.clock.now())
                .map_err(|until| ProviderError::CircuitOpen { until })?;
            let batch = call.class == CallClass::Batch;
            let _slot = account
                .quota
                .admit(batch, budget.remaining())
                .await
                .map_err(|retry_after| ProviderError::RateLimited { retry_after })?;
            if !booked {
                self.meter.spend(self.kind, call.account).await?;
                booked = true;
            }
            budget.attempt();
            let (error, asked_wait, repeatable) = match self.attempt(call).await {
                Ok(answer) => match read(&answer) {
                    Ok(value) => {
                        account.breaker.succeeded();
                        return Ok(value);
                    }
                    Err(error) => {
                        garbled += u32::from(matches!(error, ProviderError::Malformed { .. }));
                        let repeatable = match error {
                            ProviderError::RateLimited { .. } => true,
                            ProviderError::Unavailable { .. } => call.class.is_idempotent(),
                            // Once: it may have been cut on the way. Twice is the ledger's doing.
                            ProviderError::Malformed { .. } => {
                                call.class.is_idempotent() && garbled < 2
                            }
                            _ => false,
                        };
                        (error, answer.retry_after, repeatable)
                    }
                },
                Err(lost) => {
                    // It may have been answered, and then it was counted over there.
                    booked = !call.class.is_metered() || !lost.sent;
                    let error = ProviderError::Unavailable {
                        what: lost.what.to_owned(),
                    };
                    (error, None, call.class.is_idempotent() || !lost.sent)
                }
            };
            let pause = match &error {
                ProviderError::RateLimited { retry_after } => {
                    account.breaker.succeeded();
                    // Holding the account lets every other call of it wait as well.
                    account.quota.hold(*retry_after);
                    *retry_after
                }
                ProviderError::Unavailable { .. } => {
                    account.breaker.failed(self.clock.now());
                    asked_wait.unwrap_or_else(|| budget.pause())
                }
                ProviderError::Malformed { .. } => budget.pause(),
                _ => {
                    account.breaker.succeeded();
                    Duration::ZERO
                }
            };
            if !repeatable || !budget.allows(pause) {
                return Err(error);
            }
            tracing::debug!(
                provider = %self.kind,
                operation = call.operation,
                attempt = budget.made(),
                pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                error = error.code(),
                "trying again"
            );
            if !matches!(error, ProviderError::RateLimited { .. }) {
                tokio::time::sleep(pause).await;
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
                took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "provider answered"
            ),
            Err(lost) => tracing::debug!(
                provider = %self.kind,
                operation = call.operation,
                account = call.account,
                what = lost.what,
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
        let mut response = self.http.execute(request).await.map_err(|e| lost(&e))?;
        let status = response.status().as_u16();
        let retry_after = self.retry_after(response.headers());
        let correlation = self.correlation(response.headers());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| lost(&e))? {
            if body.len() + chunk.len() > self.settings.max_body_bytes {
                return Err(Lost {
                    what: "the answer is larger than allowed",
                    sent: true,
                });
            }
            body.extend_from_slice(&chunk);
        }
        let answer = Answer {
            status,
            body: body.freeze(),
            retry_after,
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

/// A count known to be positive when it is written; zero is taken as one.
pub(crate) const fn at_least_one(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}
