//! The Xero connector against loopback servers: the recorded organization, every recorded body,
//! scripted trouble, and books that change while they are read.

mod bodies;
mod books;
mod connections;
mod conversion;
mod customer;
mod hostile;
mod paging;
mod prism;
mod refusals;
mod tie_out;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use financial_pulse::clock::ManualClock;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::provider::http::RetrySettings;
use financial_pulse::provider::xero::{Xero, XeroSettings};
use financial_pulse::provider::{Access, CallMeter, ProviderResult, Purpose, Reference};
use jiff::Timestamp;
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::Value;

use crate::contracts;

/// The demo company of the recordings.
const ACCOUNT: &str = "59712f8f-45a3-4d45-a705-5d0c9748317e";
const TOKEN: &str = "access-token-of-the-test";
/// The company recorded on 2026-04-24, below the contracts' folder `xero`.
const RECORDED: &str = "samples/json-demo-global-2026-04";

/// Lets every call pass and counts them.
#[derive(Debug, Default)]
struct CountingMeter(AtomicU64);

impl CountingMeter {
    fn spent(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl CallMeter for CountingMeter {
    async fn spend(
        &self,
        kind: ProviderKind,
        account: &str,
        _purpose: Purpose,
    ) -> ProviderResult<()> {
        assert_eq!((kind, account), (ProviderKind::Xero, ACCOUNT));
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn access() -> Access {
    Access {
        account: ACCOUNT.into(),
        token: SecretString::from(TOKEN),
        purpose: Purpose::Increment,
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

/// Settings for a loopback server: no rates, and waits of milliseconds.
fn settings(url: &str) -> XeroSettings {
    let mut settings = XeroSettings {
        client_id: "client".to_owned(),
        client_secret: SecretString::from("secret"),
        api_url: format!("{url}/api.xro/2.0"),
        connections_url: format!("{url}/connections"),
        authorize_url: format!("{url}/identity/connect/authorize"),
        token_url: format!("{url}/connect/token"),
        revoke_url: format!("{url}/connect/revocation"),
        redirect_url: "https://pulse.example.com/oauth/xero/callback".to_owned(),
        throttle_wait: Duration::from_millis(20),
        ..XeroSettings::default()
    };
    settings.http.request_timeout = Duration::from_secs(2);
    settings.http.retry = RetrySettings {
        attempts: 3,
        total: Duration::from_secs(5),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
    };
    let plenty = std::num::NonZeroU32::new(1_000_000).expect("not zero");
    settings.http.limits.per_minute = plenty;
    settings.http.limits.per_second = plenty;
    settings
}

/// A connector with its clock and meter.
struct Connector {
    provider: Xero,
    clock: Arc<ManualClock>,
    meter: Arc<CountingMeter>,
}

fn connector(settings: XeroSettings) -> Connector {
    // Noon where the recorded company is, on the day of the recording.
    let clock = Arc::new(ManualClock::new(at("2026-04-24T16:00:00Z")));
    let meter = Arc::new(CountingMeter::default());
    let provider =
        Xero::new(settings, Arc::clone(&clock) as _, Arc::clone(&meter) as _).expect("a connector");
    Connector {
        provider,
        clock,
        meter,
    }
}

fn reference() -> Reference {
    Reference {
        base_currency: Some("USD".parse().expect("a currency")),
        ..Reference::default()
    }
}

/// A recording's body: most lie in a wrapper with their request and status.
fn body(path: &Path) -> Value {
    let mut whole = contracts::json(path);
    match whole.get_mut("body") {
        Some(body) => body.take(),
        None => whole,
    }
}
