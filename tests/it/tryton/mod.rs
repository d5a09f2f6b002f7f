//! The Tryton connector: against recorded bodies and scripted trouble, and all the way against a
//! running server with books of its own.

#[cfg(feature = "sandbox")]
mod contract;
mod live;
mod recorded;
mod rpc;

use std::sync::Arc;
use std::time::Duration;

use financial_pulse::clock::SystemClock;
use financial_pulse::provider::http::RetrySettings;
use financial_pulse::provider::tryton::{Tryton, TrytonSettings};
use financial_pulse::service::meter::Unmetered;

/// A connector for a loopback server: no rates, and waits of milliseconds.
fn connector(url: &str, database: &str) -> Tryton {
    let mut settings = TrytonSettings {
        url: url.to_owned(),
        database: database.to_owned(),
        // Small, so that every list has several pages.
        page_size: 7,
        ..TrytonSettings::default()
    };
    settings.http.request_timeout = Duration::from_mins(1);
    settings.http.retry = RetrySettings {
        attempts: 3,
        total: Duration::from_mins(1),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
    };
    let plenty = std::num::NonZeroU32::new(1_000_000).expect("not zero");
    settings.http.limits.per_minute = plenty;
    settings.http.limits.per_second = plenty;
    Tryton::new(settings, Arc::new(SystemClock), Arc::new(Unmetered)).expect("a connector")
}
