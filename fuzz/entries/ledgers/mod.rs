//! Answers of accounting systems, through the whole of each provider: refusals, faults, pages and
//! where the next begins, changes, token answers. What is read then has to make figures.
//!
//! An input is a question and answers. An answer is a body of status 200, or begins with a line of
//! its own: `429;Retry-After: 12`. The last one is given again to whoever goes on asking.

mod figures;
mod seeds;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use financial_pulse::clock::ManualClock;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::CustomerId;
use financial_pulse::domain::records::Records;
use financial_pulse::provider::http::{
    BreakerSettings, Carrier, HttpSettings, RetrySettings, StandIn, WireAnswer,
};
use financial_pulse::provider::quickbooks::{QuickBooks, QuickBooksSettings};
use financial_pulse::provider::sage::{Sage, SageSettings};
use financial_pulse::provider::tryton::{Tryton, TrytonSettings};
use financial_pulse::provider::xero::{Xero, XeroSettings};
use financial_pulse::provider::{
    Access, AccountingProvider, CallMeter, Changes, Cursor, ProviderError, ProviderResult, Purpose,
    Reference,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use self::seeds::{quickbooks_seeds, sage_seeds, tryton_seeds, xero_seeds};
use super::{Entry, fate, taken_apart};

pub(super) const QUICKBOOKS: Entry = Entry {
    name: "quickbooks",
    longest: 4096,
    sample: 4_000,
    run: |input| RIGS.with(|rigs| rigs.quickbooks.run(input)),
    seeds: quickbooks_seeds,
    words: &[
        "\"Id\":",
        "\"TxnDate\":",
        "\"TotalAmt\":",
        "\"Line\":[",
        "\"CustomerRef\":",
        "\"LinkedTxn\":",
        "\"Fault\":",
        "\"CDCResponse\":",
        "\"status\":\"Deleted\"",
        "\"time\":",
        "errorCode=003200",
        "<Error code=\"",
        "<Fault type=\"",
        "\"ExchangeRate\":",
        "\"value\":",
        "1e15",
        "1e-28",
        "9999-12-31",
        "-0",
        "429;Retry-After: ",
        "401;",
        "500;",
        "\"CurrencyRef\":{\"value\":\"EUR\"}",
    ],
};

pub(super) const XERO: Entry = Entry {
    name: "xero",
    longest: 4096,
    sample: 4_000,
    run: |input| RIGS.with(|rigs| rigs.xero.run(input)),
    seeds: xero_seeds,
    words: &[
        "/Date(",
        "+0000)/",
        "-1200)/",
        "\"Invoices\":[",
        "\"Payments\":[",
        "\"Status\":\"VOIDED\"",
        "\"Type\":\"ACCREC\"",
        "\"Allocations\":[",
        "\"pagination\":",
        "\"itemCount\":",
        "\"Total\":",
        "9223372036854775807",
        "-62135596800000",
        "253402300799999",
        "304;",
        "429;Retry-After: ",
        "X-Rate-Limit-Problem: day",
        "\"Detail\":\"TokenExpired",
        "1e15",
        "2026-02-30T00:00:00",
    ],
};

pub(super) const SAGE: Entry = Entry {
    name: "sage",
    longest: 4096,
    sample: 4_000,
    run: |input| RIGS.with(|rigs| rigs.sage.run(input)),
    seeds: sage_seeds,
    words: &[
        "\"$items\":[",
        "\"$total\":",
        "\"$next\":",
        "\"id\":",
        "\"displayed_as\":",
        "\"contact\":",
        "\"total_amount\":",
        "\"deleted_at\":",
        "\"allocated_artefacts\":[",
        "\"updated_at\":",
        "\"$dataCode\":",
        "X-Business: ",
        "\"credit_days\":",
        "1e15",
        "0001-01-01",
        "525;",
    ],
};

pub(super) const TRYTON: Entry = Entry {
    name: "tryton",
    longest: 8192,
    sample: 4_000,
    run: |input| RIGS.with(|rigs| rigs.tryton.run(input)),
    seeds: tryton_seeds,
    words: &[
        "\"__class__\":\"Decimal\"",
        "\"__class__\":\"date\"",
        "\"__class__\":\"datetime\"",
        "\"decimal\":\"",
        "\"year\":",
        "\"month\":",
        "\"day\":",
        "\"lines_to_pay.\":[",
        "\"reconciliation.\":",
        "\"move_origin\":\"account.invoice,",
        "\"id\":",
        "9223372036854775807",
        "\"microsecond\":",
    ],
};

/// The most answers that a good question takes beside those that its own rows cause.
const CALLS: usize = 64;
/// How many pages are read of one dataset.
const PAGES: usize = 5;
const ACCOUNT: &str = "books/1";

thread_local! {
    static RIGS: Rigs = Rigs::new();
}

struct Rigs {
    quickbooks: Rig,
    xero: Rig,
    sage: Rig,
    tryton: Rig,
}

/// A provider whose calls a script answers.
struct Rig {
    kind: ProviderKind,
    provider: Box<dyn AccountingProvider>,
    script: Arc<Script>,
    runtime: tokio::runtime::Runtime,
}

#[derive(Default)]
struct Script(Mutex<Scripted>);

#[derive(Default)]
struct Scripted {
    answers: Vec<Scene>,
    given: usize,
}

#[derive(Clone, Default)]
struct Scene {
    status: u16,
    headers: Vec<(String, String)>,
    body: bytes::Bytes,
}

impl Script {
    fn lock(&self) -> std::sync::MutexGuard<'_, Scripted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StandIn for Script {
    fn answer(&self, _: &Url) -> WireAnswer {
        let mut scripted = self.lock();
        let place = scripted.given.min(scripted.answers.len().saturating_sub(1));
        scripted.given += 1;
        let Scene {
            status,
            headers,
            body,
        } = scripted.answers.get(place).cloned().unwrap_or_default();
        WireAnswer {
            status,
            headers,
            body,
        }
    }
}

impl Scene {
    fn read(piece: &[u8]) -> Self {
        let mut scene = Self {
            status: 200,
            ..Self::default()
        };
        let body = match piece.first() {
            Some(b'0'..=b'9') => {
                let end = piece.iter().position(|byte| *byte == b'\n');
                let (head, body) = piece.split_at(end.unwrap_or(piece.len()));
                let head = String::from_utf8_lossy(head);
                let mut parts = head.split(';');
                let status = parts.next().and_then(|text| text.parse().ok());
                scene.status = status.filter(|s| (100..600).contains(s)).unwrap_or(200);
                scene.headers = parts
                    .filter_map(|part| part.split_once(": "))
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect();
                body.get(1..).unwrap_or_default()
            }
            _ => piece,
        };
        scene.body = bytes::Bytes::copy_from_slice(body);
        scene
    }
}

#[derive(Debug)]
struct NoMeter;

#[async_trait]
impl CallMeter for NoMeter {
    async fn spend(&self, _: ProviderKind, _: &str, _: Purpose) -> ProviderResult<()> {
        Ok(())
    }
}

impl Rigs {
    fn new() -> Self {
        Self {
            quickbooks: Rig::new(ProviderKind::QuickBooks, |http| {
                let settings = QuickBooksSettings {
                    client_id: "client".to_owned(),
                    client_secret: "a secret".into(),
                    http: http(QuickBooksSettings::default().http),
                    page_size: 2,
                    ..QuickBooksSettings::default()
                };
                Box::new(QuickBooks::new(settings, clock(), Arc::new(NoMeter)).expect("settings"))
            }),
            xero: Rig::new(ProviderKind::Xero, |http| {
                let settings = XeroSettings {
                    client_id: "client".to_owned(),
                    client_secret: "a secret".into(),
                    http: http(XeroSettings::default().http),
                    page_size: 2,
                    ..XeroSettings::default()
                };
                Box::new(Xero::new(settings, clock(), Arc::new(NoMeter)).expect("settings"))
            }),
            sage: Rig::new(ProviderKind::Sage, |http| {
                let settings = SageSettings {
                    client_id: "client".to_owned(),
                    client_secret: "a secret".into(),
                    http: http(SageSettings::default().http),
                    page_size: 2,
                    ..SageSettings::default()
                };
                Box::new(Sage::new(settings, clock(), Arc::new(NoMeter)).expect("settings"))
            }),
            tryton: Rig::new(ProviderKind::Tryton, |http| {
                let settings = TrytonSettings {
                    database: "books".to_owned(),
                    http: http(TrytonSettings::default().http),
                    page_size: 2,
                    ..TrytonSettings::default()
                };
                Box::new(Tryton::new(settings, clock(), Arc::new(NoMeter)).expect("settings"))
            }),
        }
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(at("2026-04-24T16:00:00Z")))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// What a question came to.
enum Came {
    Records(Box<Records>),
    Nothing,
    Refused(ProviderError),
}

impl Rig {
    fn new(
        kind: ProviderKind,
        make: impl Fn(&dyn Fn(HttpSettings) -> HttpSettings) -> Box<dyn AccountingProvider>,
    ) -> Self {
        let script = Arc::new(Script::default());
        let plenty = std::num::NonZeroU32::MAX;
        let unbounded = |mut http: HttpSettings| {
            http.retry = RetrySettings {
                attempts: 2,
                ..RetrySettings::default()
            };
            // One input must not make the next one wait.
            http.breaker = BreakerSettings {
                failures: u32::MAX,
                ..http.breaker
            };
            http.limits.per_minute = plenty;
            http.limits.per_second = plenty;
            http.limits.batches_per_minute = plenty;
            http.carrier = Carrier::StandIn(Arc::clone(&script) as Arc<dyn StandIn>);
            http
        };
        Self {
            kind,
            provider: make(&unbounded),
            script,
            // Pauses between attempts pass at once.
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .expect("a runtime"),
        }
    }

    fn run(&self, input: &[u8]) -> u64 {
        let datasets = self.kind.datasets();
        let questions = u8::try_from(datasets.len() * 2 + 6).expect("few");
        let Some((question, pieces)) = taken_apart(input, questions) else {
            return 0;
        };
        *self.script.lock() = Scripted {
            answers: pieces.iter().map(|piece| Scene::read(piece)).collect(),
            given: 0,
        };
        let came = self
            .runtime
            .block_on(self.ask(usize::from(question), datasets));
        let given = self.script.lock().given;
        let bound = CALLS + input.len();
        assert!(given <= bound, "{given} calls for one question");
        match came {
            Came::Nothing => fate((question, "nothing")),
            Came::Records(records) => fate((question, figures::check(&records))),
            Came::Refused(error) => {
                if let ProviderError::RateLimited { retry_after } = &error {
                    // The account is held back: the next input finds it free.
                    let wait = retry_after.saturating_add(Duration::from_secs(1));
                    self.runtime.block_on(tokio::time::advance(wait));
                }
                let words = error.to_string();
                assert!(words.len() <= 4 * input.len() + 400, "{words}");
                fate((question, error.code(), words.len().min(60)))
            }
        }
    }

    async fn ask(&self, question: usize, datasets: &[Dataset]) -> Came {
        let access = Access {
            account: ACCOUNT.into(),
            token: SecretString::from("token"),
            purpose: Purpose::OpenPage,
        };
        let reference = Reference {
            receivables_accounts: ["84".to_owned()].into(),
            base_currency: Some("USD".parse().expect("a code")),
        };
        let since = at("2026-04-20T00:00:00Z");
        let many = datasets.len();
        let outcome = match question {
            n if n < many => self.pages(&access, &reference, datasets[n], None).await,
            n if n < 2 * many => {
                self.pages(&access, &reference, datasets[n - many], Some(since))
                    .await
            }
            n => match n - 2 * many {
                0 => self
                    .provider
                    .changes(&access, &reference, since)
                    .await
                    .map(|changes| match changes {
                        Changes::All { records, .. } => Came::Records(Box::new(records)),
                        Changes::TooMany => Came::Nothing,
                    }),
                1 => {
                    let customer = CustomerId::from("7");
                    let records = self.provider.customer(&access, &reference, &customer).await;
                    records.map(|records| Came::Records(Box::new(records)))
                }
                2 => self
                    .provider
                    .organization(&access)
                    .await
                    .map(|organization| {
                        assert_eq!(organization.base_currency.code().len(), 3);
                        Came::Nothing
                    }),
                3 => {
                    let choices = self.provider.organizations(&access.token, None).await;
                    choices.map(|_| Came::Nothing)
                }
                4 => self.grant(true).await,
                _ => self.grant(false).await,
            },
        };
        outcome.unwrap_or_else(Came::Refused)
    }

    /// Reads on as the sync does. The place where a page begins is never the one before's: that would
    /// be read for ever.
    async fn pages(
        &self,
        access: &Access,
        reference: &Reference,
        dataset: Dataset,
        since: Option<Timestamp>,
    ) -> ProviderResult<Came> {
        let mut all = Records::default();
        let mut cursor: Option<Cursor> = None;
        for _ in 0..PAGES {
            let page = self
                .provider
                .page(access, dataset, reference, since, cursor.as_ref())
                .await?;
            all.customers.extend(page.records.customers);
            all.documents.extend(page.records.documents);
            all.items.extend(page.records.items);
            all.terms.extend(page.records.terms);
            all.deletions.extend(page.records.deletions);
            let Some(next) = page.next else { break };
            assert_ne!(Some(&next), cursor.as_ref(), "the same page again");
            cursor = Some(next);
        }
        Ok(Came::Records(Box::new(all)))
    }

    async fn grant(&self, new: bool) -> ProviderResult<Came> {
        let authorization = self.provider.authorization();
        let grant = if new {
            authorization
                .exchange("a code", Some(&SecretString::from("a verifier")))
                .await?
        } else {
            authorization
                .refresh(&SecretString::from("a token"))
                .await?
        };
        assert!(
            !grant.access_token.expose_secret().is_empty(),
            "an empty token"
        );
        assert!(
            !grant.refresh_token.expose_secret().is_empty(),
            "an empty token"
        );
        Ok(Came::Nothing)
    }
}
