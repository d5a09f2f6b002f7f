//! What a sandbox is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use crate::clock::{Clock, SystemClock};

/// What a sandbox is started with. The default has one empty company and the limits of the real
/// service.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// From which generated data grow. The same seed and day give the same books.
    pub seed: u64,
    /// The companies.
    pub companies: Vec<CompanyOptions>,
    /// How many requests are allowed.
    pub limits: Limits,
    /// How long tokens live and when they change.
    pub tokens: TokenPolicy,
    /// The app's id at the authorization server.
    pub client_id: String,
    /// The app's secret at the authorization server.
    pub client_secret: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 1,
            companies: vec![CompanyOptions::default()],
            limits: Limits::default(),
            tokens: TokenPolicy::default(),
            client_id: "sandbox-client".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// One company of a sandbox.
#[derive(Clone, Debug)]
pub struct CompanyOptions {
    /// Its id (`realmId`).
    pub realm: String,
    /// Its name.
    pub name: String,
    /// What its books hold.
    pub data: Data,
    /// How long each query takes: a slow first load.
    pub page_delay: Duration,
}

impl Default for CompanyOptions {
    fn default() -> Self {
        Self {
            realm: "1000000000000001".to_owned(),
            name: "Sandbox Company".to_owned(),
            data: Data::Empty,
            page_delay: Duration::ZERO,
        }
    }
}

/// What a company's books hold at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// A chart of accounts, terms and one item; no customers.
    Empty,
    /// The customers of the demo, in every situation, as of a day.
    Demo {
        /// The day that is today for the demo.
        today: Date,
    },
    /// The second company of the demo: large, so that its first load takes a while.
    SlowDemo {
        /// The day that is today for the demo.
        today: Date,
    },
    /// Invented customers and their documents, as many as asked for.
    Generated {
        /// How many customers, sub-customers among them.
        customers: usize,
        /// How many invoices; the other documents follow in proportion.
        invoices: usize,
        /// The day that nothing is later than.
        today: Date,
    },
}

/// How many requests are allowed; nothing means without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Per company and minute.
    pub per_minute: Option<u32>,
    /// Per company, app and second.
    pub per_second: Option<u32>,
    /// Batches per company and minute.
    pub batches_per_minute: Option<u32>,
}

impl Default for Limits {
    /// The documented limits.
    fn default() -> Self {
        Self {
            per_minute: Some(500),
            per_second: Some(10),
            batches_per_minute: Some(40),
        }
    }
}

impl Limits {
    /// None at all: for benchmarks and impatient tests.
    pub const NONE: Self = Self {
        per_minute: None,
        per_second: None,
        batches_per_minute: None,
    };
}

/// How long tokens live and when they change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPolicy {
    /// How long an access token is good.
    pub access_life: Duration,
    /// How long a refresh token is good after it was last given out.
    pub refresh_life: Duration,
    /// When a refresh answers with a new refresh token, after which the old one is dead.
    pub rotation: Rotation,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self {
            access_life: Duration::from_hours(1),
            refresh_life: Duration::from_hours(101 * 24),
            rotation: Rotation::Daily,
        }
    }
}

/// When a refresh answers with a new refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// Once its value is 24 hours old, as the real service does.
    Daily,
    /// At every refresh: the hardest case, for tests.
    Always,
}
