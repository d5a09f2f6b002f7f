//! Metrics for Prometheus.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// The upper bounds of durations, in seconds: from a kept answer to the slowest that is let run.
const DURATION_BOUNDS: [f64; 14] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05,
    0.25, 1.0, 10.0,
];

/// How often recorded values are folded into their buckets. Until then each takes memory by itself.
const UPKEEP: Duration = Duration::from_secs(1);

/// Installs the recorder of this process.
///
/// # Errors
/// When one is installed already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATION_BOUNDS)?
        .install_recorder()
}

/// Keeps the recorder tidy for as long as it is polled.
pub async fn upkeep(handle: PrometheusHandle) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        handle.run_upkeep();
    }
}
