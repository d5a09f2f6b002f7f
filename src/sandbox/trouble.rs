//! Trouble on demand: what is to go wrong, where, and how often.

use serde::{Deserialize, Serialize};

use super::format::Format;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mishap {
    /// The answer comes `milliseconds` late, and is else as it should be.
    Latency,
    /// 401, as for an expired token.
    Unauthorized,
    /// 429, with `Retry-After` when `retry_after` says so.
    Throttled,
    /// 500.
    ServerError,
    /// 503 with an HTML page.
    Unavailable,
    /// The connection is cut before a byte of an answer.
    Disconnect,
    /// The connection is cut in the middle of the answer.
    Truncate,
    /// 200 with what is no JSON.
    Malformed,
    /// 200 with what else comes with a 500.
    FaultInside,
}

/// When it goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Instead of the work.
    #[default]
    Before,
    /// After the work is done: it counts, but the caller does not learn of it.
    After,
}

/// An order for trouble.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trouble {
    pub(crate) kind: Mishap,
    /// Only in this wire format; in all of them when absent.
    #[serde(default)]
    pub(crate) format: Option<Format>,
    /// Only for this company (`realmId`); for all and for the token endpoint when absent.
    #[serde(default)]
    pub(crate) company: Option<String>,
    /// Only where this is part of the method, path, query and body, percent-decoded.
    #[serde(default)]
    pub(crate) matching: Option<String>,
    /// How many calls it spoils; every one when absent.
    #[serde(default)]
    pub(crate) times: Option<u32>,
    /// How many calls it lets pass first.
    #[serde(default)]
    pub(crate) skip: u32,
    #[serde(default)]
    pub(crate) stage: Stage,
    /// Of `latency`.
    #[serde(default)]
    pub(crate) milliseconds: u64,
    /// Of `throttled`, in seconds.
    #[serde(default)]
    pub(crate) retry_after: Option<u64>,
}

/// The standing orders.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Vec<Trouble>);

impl Troubles {
    /// Adds an order.
    pub(crate) fn add(&mut self, trouble: Trouble) {
        self.0.push(trouble);
    }

    /// What is left of the orders.
    pub(crate) fn list(&self) -> &[Trouble] {
        &self.0
    }

    /// Forgets all orders.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Every latency and the first other trouble that a call meets; each is used up by one.
    pub(crate) fn meet(
        &mut self,
        format: Format,
        company: Option<&str>,
        call: &str,
    ) -> Vec<Trouble> {
        let mut met: Vec<Trouble> = Vec::new();
        for trouble in &mut self.0 {
            let concerned = trouble.format.is_none_or(|only| only == format)
                && match &trouble.company {
                    Some(only) => company == Some(only),
                    None => true,
                }
                && trouble
                    .matching
                    .as_ref()
                    .is_none_or(|part| call.contains(part.as_str()));
            if !concerned || trouble.times == Some(0) {
                continue;
            }
            let is_latency = trouble.kind == Mishap::Latency;
            if !is_latency && met.iter().any(|other| other.kind != Mishap::Latency) {
                continue;
            }
            if trouble.skip > 0 {
                trouble.skip -= 1;
                continue;
            }
            if let Some(times) = &mut trouble.times {
                *times -= 1;
            }
            met.push(trouble.clone());
        }
        self.0.retain(|trouble| trouble.times != Some(0));
        met
    }
}
