//! Who carries a call: the network, or something that answers in its place.
//!
//! All that a ledger sends passes here, so whoever stands in for the network reaches everything that
//! reads an answer, by the way that answers take, without a socket: that is how bytes that no ledger
//! should send are tried by the million.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// Who carries the calls to a ledger.
#[derive(Clone, Default)]
pub enum Carrier {
    /// The network.
    #[default]
    Network,
    /// Nothing leaves the process.
    StandIn(Arc<dyn StandIn>),
}

/// Answers in the ledger's place.
pub trait StandIn: Send + Sync {
    /// The answer to a call of this address.
    fn answer(&self, address: &Url) -> WireAnswer;
}

/// An answer before anything of it is read. Holds names and tokens, so it is not `Debug`.
pub struct WireAnswer {
    /// The HTTP status code.
    pub status: u16,
    /// The headers; one that HTTP does not allow is none.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl WireAnswer {
    pub(super) fn header_map(&self) -> HeaderMap {
        self.headers
            .iter()
            .filter_map(|(name, value)| {
                let name = HeaderName::try_from(name.as_str()).ok()?;
                Some((name, HeaderValue::try_from(value.as_str()).ok()?))
            })
            .collect()
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "Network",
            Self::StandIn(_) => "StandIn",
        })
    }
}
