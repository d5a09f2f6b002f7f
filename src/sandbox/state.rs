//! What the server holds, behind one lock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Client;

use super::books::Books;
use super::format::{Format, PerFormat};
use super::options::SandboxOptions;
use super::throttle::Throttle;
use super::tokens::{GrantRules, Tokens};
use super::trouble::Troubles;
use super::webhooks::Hook;
use super::{dataset, quickbooks, sage, xero};

/// One company: its books and what belongs to them.
#[derive(Debug)]
pub(crate) struct Company {
    pub(crate) name: String,
    pub(crate) books: Books,
    pub(crate) started: Timestamp,
    pub(crate) page_delay: Duration,
    pub(crate) quickbooks: quickbooks::Kept,
    pub(crate) xero: xero::Kept,
    pub(crate) sage: sage::Kept,
}

/// Everything that changes.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) companies: BTreeMap<String, Company>,
    pub(crate) tokens: PerFormat<Tokens>,
    pub(crate) throttle: PerFormat<Throttle>,
    pub(crate) troubles: Troubles,
    pub(crate) hooks: PerFormat<Hook>,
}

impl World {
    fn new(options: &SandboxOptions) -> Self {
        let now = options.clock.now();
        let companies = options
            .companies
            .iter()
            .map(|company| {
                let mut books = dataset::books(company.data, options.seed, now);
                books.watch();
                let started = now - SignedDuration::from_hours(24 * 700);
                (
                    company.realm.clone(),
                    Company {
                        name: company.name.clone(),
                        books,
                        started,
                        page_delay: company.page_delay,
                        quickbooks: quickbooks::Kept::default(),
                        xero: xero::Kept::default(),
                        sage: sage::Kept::default(),
                    },
                )
            })
            .collect();
        Self {
            companies,
            tokens: PerFormat::new(|format| Tokens::new(options.tokens_of(format), rules(format))),
            throttle: PerFormat::new(|format| Throttle::new(options.limits_of(format))),
            troubles: Troubles::default(),
            hooks: PerFormat::new(|_| Hook::default()),
        }
    }
}

fn rules(format: Format) -> GrantRules {
    match format {
        Format::QuickBooks => quickbooks::consent::RULES,
        Format::Xero => xero::RULES,
        Format::Sage => sage::RULES,
    }
}

/// The server's state, shared by its handlers.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) options: Arc<SandboxOptions>,
    world: Arc<Mutex<World>>,
    client: Arc<OnceLock<Option<Client>>>,
}

impl Shared {
    pub(crate) fn new(options: SandboxOptions) -> Self {
        let world = World::new(&options);
        Self {
            options: Arc::new(options),
            world: Arc::new(Mutex::new(world)),
            client: Arc::default(),
        }
    }

    /// What webhooks are sent by; made when the first is.
    pub(crate) fn client(&self) -> Option<&Client> {
        self.client
            .get_or_init(|| Client::builder().no_proxy().build().ok())
            .as_ref()
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// The world, for as long as the guard lives. Never held across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits as long as a page of a company takes ([`super::CompanyOptions::page_delay`]).
    pub(crate) async fn page_delay(&self, realm: &str) {
        let delay = self
            .world()
            .companies
            .get(realm)
            .map_or(Duration::ZERO, |company| company.page_delay);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }

    /// Everything as it was at the start.
    pub(crate) fn reset(&self) {
        let fresh = World::new(&self.options);
        *self.world() = fresh;
    }
}
