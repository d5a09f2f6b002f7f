//! What a sandbox is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use serde::Deserialize;

use super::format::Format;
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
    /// How many requests are allowed in QuickBooks' format.
    pub limits: Limits,
    /// How long QuickBooks' tokens live and when they change.
    pub tokens: TokenPolicy,
    /// Limits and tokens of Xero's format.
    pub xero: FormatOptions,
    /// Limits and tokens of Sage's format.
    pub sage: FormatOptions,
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
            xero: FormatOptions::XERO,
            sage: FormatOptions::SAGE,
            client_id: "sandbox-client".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl SandboxOptions {
    /// The same without limits in any wire format.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        for format in Format::ALL {
            *self.limits_mut(format) = Limits {
                windows: self.limits_of(format).windows,
                ..Limits::NONE
            };
        }
        self
    }

    /// How many requests a wire format allows.
    pub(crate) fn limits_of(&self, format: Format) -> Limits {
        match format {
            Format::QuickBooks => self.limits,
            Format::Xero => self.xero.limits,
            Format::Sage => self.sage.limits,
        }
    }

    fn limits_mut(&mut self, format: Format) -> &mut Limits {
        match format {
            Format::QuickBooks => &mut self.limits,
            Format::Xero => &mut self.xero.limits,
            Format::Sage => &mut self.sage.limits,
        }
    }

    /// How a wire format's tokens live.
    pub(crate) fn tokens_of(&self, format: Format) -> TokenPolicy {
        match format {
            Format::QuickBooks => self.tokens,
            Format::Xero => self.xero.tokens,
            Format::Sage => self.sage.tokens,
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

/// How one of the other wire formats limits and authorizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatOptions {
    /// How many requests are allowed.
    pub limits: Limits,
    /// How long tokens live and when they change.
    pub tokens: TokenPolicy,
}

impl FormatOptions {
    /// Xero's: 60 a minute, 5000 a day, 5 at once; tokens of 30 minutes, each refresh gives a new
    /// refresh token, and the old one may be tried again for 30 minutes.
    pub const XERO: Self = Self {
        limits: Limits {
            per_minute: Some(60),
            per_day: Some(5000),
            at_once: Some(5),
            app_per_minute: Some(10_000),
            windows: Windows::Fixed,
            ..Limits::NONE
        },
        tokens: TokenPolicy {
            access_life: Duration::from_mins(30),
            refresh_life: Duration::from_hours(60 * 24),
            rotation: Rotation::Always,
            grace: Duration::from_mins(30),
        },
    };

    /// Sage's: 1,296,000 a day and 150 at once for the app as a whole; tokens of 5 minutes, and a
    /// refresh token is good once.
    pub const SAGE: Self = Self {
        limits: Limits {
            app_per_day: Some(1_296_000),
            app_at_once: Some(150),
            ..Limits::NONE
        },
        tokens: TokenPolicy {
            access_life: Duration::from_mins(5),
            refresh_life: Duration::from_hours(31 * 24),
            rotation: Rotation::Always,
            grace: Duration::ZERO,
        },
    };
}

/// How many requests are allowed; nothing means without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Per company and minute.
    pub per_minute: Option<u32>,
    /// Per company, app and second.
    pub per_second: Option<u32>,
    /// Batches per company and minute.
    pub batches_per_minute: Option<u32>,
    /// Per company and day.
    pub per_day: Option<u32>,
    /// Per company, under way at the same time.
    pub at_once: Option<u32>,
    /// Of all companies together, per minute.
    pub app_per_minute: Option<u32>,
    /// Of all companies together, per day.
    pub app_per_day: Option<u32>,
    /// Of all companies together, under way at the same time.
    pub app_at_once: Option<u32>,
    /// How a minute is meant. Days always start at fixed moments.
    #[serde(skip)]
    pub windows: Windows,
}

/// How the requests of a minute are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Windows {
    /// Those of the last sixty seconds.
    #[default]
    Sliding,
    /// Those since the last of a company's own fixed moments, one a minute.
    Fixed,
}

impl Default for Limits {
    /// QuickBooks' documented limits.
    fn default() -> Self {
        Self {
            per_minute: Some(500),
            per_second: Some(10),
            batches_per_minute: Some(40),
            ..Self::NONE
        }
    }
}

impl Limits {
    /// None at all: for benchmarks and impatient tests.
    pub const NONE: Self = Self {
        per_minute: None,
        per_second: None,
        batches_per_minute: None,
        per_day: None,
        at_once: None,
        app_per_minute: None,
        app_per_day: None,
        app_at_once: None,
        windows: Windows::Sliding,
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
    /// How long the old one may all the same be tried again, for an answer that was lost.
    pub grace: Duration,
}

impl Default for TokenPolicy {
    /// QuickBooks'.
    fn default() -> Self {
        Self {
            access_life: Duration::from_hours(1),
            refresh_life: Duration::from_hours(101 * 24),
            rotation: Rotation::Daily,
            grace: Duration::ZERO,
        }
    }
}

/// When a refresh answers with a new refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// Once its value is 24 hours old, as the real service does.
    Daily,
    /// At every refresh: the hardest case, for tests.
    Always,
}
