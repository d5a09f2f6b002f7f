//! What the server holds, behind one lock.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::books::Books;
use super::dataset;
use super::oauth::Tokens;
use super::options::SandboxOptions;
use super::query::{Found, Singletons};
use super::throttle::Throttle;
use super::trouble::Troubles;
use super::wire::show;

/// How many answers are kept for repeated request ids, per company.
const REMEMBERED_REQUESTS: usize = 10_000;

/// One company: its books and what belongs to them.
#[derive(Debug)]
pub(crate) struct Company {
    pub(crate) name: String,
    pub(crate) books: Books,
    pub(crate) found: Found,
    pub(crate) started: Timestamp,
    pub(crate) page_delay: Duration,
    /// First answers to writes with a `requestid`.
    answers: HashMap<String, (StatusCode, Bytes)>,
    answered: VecDeque<String>,
}

impl Company {
    pub(crate) fn singletons(&self) -> Singletons {
        Singletons {
            company_info: show::company_info(&self.name, self.started),
            preferences: show::preferences(&self.books, self.started),
        }
    }

    /// The first answer to a request id.
    pub(crate) fn answer_to(&self, request_id: &str) -> Option<(StatusCode, Bytes)> {
        self.answers.get(request_id).cloned()
    }

    /// Keeps the first answer to a request id.
    pub(crate) fn remember(&mut self, request_id: String, status: StatusCode, body: Bytes) {
        if self.answered.len() == REMEMBERED_REQUESTS
            && let Some(oldest) = self.answered.pop_front()
        {
            self.answers.remove(&oldest);
        }
        self.answered.push_back(request_id.clone());
        self.answers.insert(request_id, (status, body));
    }
}

/// Everything that changes.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) companies: BTreeMap<String, Company>,
    pub(crate) tokens: Tokens,
    pub(crate) throttle: Throttle,
    pub(crate) troubles: Troubles,
}

impl World {
    fn new(options: &SandboxOptions) -> Self {
        let now = options.clock.now();
        let companies = options
            .companies
            .iter()
            .map(|company| {
                let books = dataset::books(company.data, options.seed, now);
                let started = now - SignedDuration::from_hours(24 * 700);
                (
                    company.realm.clone(),
                    Company {
                        name: company.name.clone(),
                        books,
                        found: Found::default(),
                        started,
                        page_delay: company.page_delay,
                        answers: HashMap::new(),
                        answered: VecDeque::new(),
                    },
                )
            })
            .collect();
        Self {
            companies,
            tokens: Tokens::new(options.tokens),
            throttle: Throttle::new(options.limits),
            troubles: Troubles::default(),
        }
    }
}

/// The server's state, shared by its handlers.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) options: Arc<SandboxOptions>,
    world: Arc<Mutex<World>>,
}

impl Shared {
    pub(crate) fn new(options: SandboxOptions) -> Self {
        let world = World::new(&options);
        Self {
            options: Arc::new(options),
            world: Arc::new(Mutex::new(world)),
        }
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// The world, for as long as the guard lives. Never held across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything as it was at the start.
    pub(crate) fn reset(&self) {
        let fresh = World::new(&self.options);
        *self.world() = fresh;
    }
}
