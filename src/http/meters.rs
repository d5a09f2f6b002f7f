//! What is counted of the GraphQL door. The handles are made once: looking a metric up by name on
//! every request would cost more than counting.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, describe_counter, describe_histogram, histogram};

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was kept.
    Kept,
    /// It was made now.
    Executed,
    /// The request was refused.
    Refused,
    /// It failed by our fault.
    Failed,
}

impl Source {
    const ALL: [Self; 4] = [Self::Kept, Self::Executed, Self::Refused, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Executed => "executed",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Counts and durations by source.
pub struct Meters([(Counter, Histogram); 4]);

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meters")
    }
}

impl Meters {
    /// Meters at the recorder that is installed at this moment.
    pub fn new() -> Self {
        describe_counter!(
            "graphql_requests_total",
            "GraphQL requests by source of the answer"
        );
        describe_histogram!(
            "graphql_request_duration_seconds",
            metrics::Unit::Seconds,
            "Time from the request's head to its answer, by source of the answer"
        );
        Self(Source::ALL.map(|source| {
            let source = source.as_str();
            (
                counter!("graphql_requests_total", "source" => source),
                histogram!("graphql_request_duration_seconds", "source" => source),
            )
        }))
    }

    /// Counts an answer.
    pub fn answered(&self, source: Source, took: Duration) {
        let (count, duration) = match source {
            Source::Kept => &self.0[0],
            Source::Executed => &self.0[1],
            Source::Refused => &self.0[2],
            Source::Failed => &self.0[3],
        };
        count.increment(1);
        duration.record(took);
    }
}

impl Default for Meters {
    fn default() -> Self {
        Self::new()
    }
}
