//! Random schedules: the books change, calls fail in every way, time passes, workers meet. Whatever the
//! order, each figure served meanwhile is one that the ledger once had, or is said to differ; in the
//! end the mirror equals the books, and the budget was never exceeded.
//!
//! `make schedules` runs them in full.

use std::collections::BTreeMap;

use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::tie_out::TieOutStatus;
use financial_pulse::sandbox::Data;
use financial_pulse::service::meter::{Budget, Period};
use financial_pulse::service::read::RefreshRequests;
use financial_pulse::service::sync::Depth;
use jiff::SignedDuration;
use jiff::civil::date;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::rig::{REALM, Rig, Wishes};
use crate::support::databases::{TestStore, test_stores};

/// Schedules of each ledger in `make test`.
const SAMPLE: u64 = 6;

/// Calls in a day, for each of which the sandbox counts too.
const BUDGET: u64 = 1_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mirror_follows_quickbooks_whatever_happens() {
    run_all(ProviderKind::QuickBooks).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mirror_follows_xero_whatever_happens() {
    run_all(ProviderKind::Xero).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mirror_follows_sage_whatever_happens() {
    run_all(ProviderKind::Sage).await;
}

async fn run_all(kind: ProviderKind) {
    for seed in 0..seeds() {
        let databases = test_stores().await;
        // In turns, so that both see every ledger.
        let database = &databases[usize::try_from(seed).expect("small") % databases.len()];
        let schedule = Schedule::new(kind, seed, database).await;
        Box::pin(schedule.run()).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "belongs to the tests, not to the settings"
)]
fn seeds() -> u64 {
    let wanted = std::env::var("PULSE_SCHEDULES").ok();
    wanted.and_then(|n| n.parse().ok()).unwrap_or(SAMPLE)
}

/// What may go wrong with a call.
const MISHAPS: [&str; 8] = [
    "unauthorized",
    "throttled",
    "server_error",
    "unavailable",
    "disconnect",
    "truncate",
    "malformed",
    "latency",
];

struct Schedule {
    name: String,
    rig: Rig,
    random: StdRng,
    /// Every figure that the ledger had of each customer, oldest first.
    history: BTreeMap<String, Vec<Decimal>>,
    /// What was written, as entity and id.
    written: Vec<(&'static str, String)>,
    /// Whether a call was refused for its token already.
    refused: bool,
}

impl Schedule {
    async fn new(kind: ProviderKind, seed: u64, database: &TestStore) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let wishes = Wishes {
            data: Data::Generated {
                customers: 6,
                invoices: 14,
                today: date(2026, 5, 5),
            },
            page_size: random.random_range(2..40),
            slice_pages: random.random_range(1..20),
            budget: Budget {
                calls: BUDGET,
                period: Period::Day,
                shared: false,
            },
            skew: SignedDuration::from_secs(random.random_range(-200..200)),
        };
        Self {
            name: format!("{kind}, seed {seed}, {}", database.engine()),
            rig: Rig::start(kind, &database.store, wishes).await,
            random,
            history: BTreeMap::new(),
            written: Vec::new(),
            // Sage's tokens live for minutes and end by themselves.
            refused: kind == ProviderKind::Sage,
        }
    }

    async fn run(mut self) {
        self.note_balances().await;
        for _ in 0..14 {
            match self.random.random_range(0..10) {
                0..4 => self.change_the_books().await,
                4 => {
                    let minutes = self.random.random_range(1..40);
                    self.rig.wait(minutes);
                }
                5 => self.order_trouble().await,
                // Beside an ordered refusal this would be one with a fresh token.
                6 if !std::mem::replace(&mut self.refused, true) => {
                    let wish = json!({
                        "company": REALM, "format": self.rig.kind.as_str(), "which": "access",
                    });
                    self.rig.order("tokens/expire", wish).await;
                }
                _ => self.sync().await,
            }
            self.assert_nothing_is_wrong().await;
        }
        self.settle().await;
    }

    /// Something happens in the books.
    async fn change_the_books(&mut self) {
        let customers: Vec<String> = self.rig.ledger_balances().await.into_keys().collect();
        let customer = customers.choose(&mut self.random).expect("some").clone();
        let amount = Decimal::new(self.random.random_range(100..90_000), 2).to_string();
        let wish = json!({ "company": REALM, "customer": customer, "amount": amount });
        match self.random.random_range(0..8) {
            0..3 => {
                let made = self.rig.order("invoices", wish).await;
                self.note_written("Invoice", &made);
            }
            3 | 4 => {
                let made = self.rig.order("payments", wish).await;
                self.note_written("Payment", &made);
            }
            5 => {
                let mut wish = wish;
                wish["apply"] = json!("none");
                let made = self.rig.order("payments", wish).await;
                self.note_written("Payment", &made);
            }
            way => {
                // The books refuse what may not be, such as a void of what is deleted.
                if let Some((entity, id)) = self.written.choose(&mut self.random) {
                    let wish = json!({ "company": REALM, "entity": entity, "id": id });
                    let order = if way == 6 { "void" } else { "delete" };
                    self.rig.order(order, wish).await;
                }
            }
        }
        self.note_balances().await;
    }

    fn note_written(&mut self, entity: &'static str, made: &Value) {
        if let Some(id) = made["Id"].as_str().or_else(|| made["id"].as_str()) {
            self.written.push((entity, id.to_owned()));
        }
    }

    async fn note_balances(&mut self) {
        for (name, amount) in self.rig.ledger_balances().await {
            self.history.entry(name).or_default().push(amount);
        }
    }

    /// The next calls fail.
    async fn order_trouble(&mut self) {
        let kind = *MISHAPS.choose(&mut self.random).expect("some");
        let mut trouble = json!({
            "kind": kind,
            "times": self.random.random_range(1..4),
            "skip": self.random.random_range(0..6),
            "format": self.rig.kind.as_str(),
            "company": REALM,
            "stage": if self.random.random() { "before" } else { "after" },
        });
        if kind == "latency" {
            // One in four is longer than anyone waits.
            let long = self.random.random_ratio(1, 4);
            trouble["milliseconds"] = json!(if long { 2_500 } else { 20 });
            trouble["times"] = json!(1);
        }
        if kind == "unauthorized" {
            // Refused again with a token fresh from the provider, a user has lost the right: that is
            // for a person to mend, and no part of this.
            if std::mem::replace(&mut self.refused, true) {
                return;
            }
            trouble["times"] = json!(1);
        }
        if kind == "throttled" && self.random.random() {
            trouble["retry_after"] = json!(1);
        }
        self.rig.order("faults", trouble).await;
    }

    async fn sync(&mut self) {
        if self.random.random_ratio(1, 4) && !self.written.is_empty() {
            let found = self.rig.some_key(&mut self.random).await;
            if let Some(key) = found {
                self.rig.refreshes.request(&key);
            }
        }
        let depths = [
            Depth::Slice,
            Depth::Slice,
            Depth::Due,
            Depth::Hinted,
            Depth::Asked,
            Depth::Full,
        ];
        let depth = *depths.choose(&mut self.random).expect("some");
        // A failure is one that was ordered; what counts is what is served after it.
        let _ = if self.random.random_ratio(1, 4) {
            let (one, _) = tokio::join!(self.rig.run(depth), self.rig.run_beside(Depth::Due));
            one
        } else {
            self.rig.run(depth).await
        };
    }

    /// Each figure is one that the ledger once had, or is said to differ from its own.
    async fn assert_nothing_is_wrong(&self) {
        if self.rig.is_loading().await {
            return;
        }
        for (customer, outcome, ours) in self.rig.tied_out().await {
            if matches!(outcome.status, TieOutStatus::Differs { .. }) {
                continue;
            }
            let once = &self.history[&*customer.name];
            let (name, schedule) = (&customer.name, &self.name);
            assert!(once.contains(&ours), "{schedule}: {name} {ours}, {once:?}");
        }
    }

    /// The trouble ends: the mirror must come to equal the books.
    async fn settle(self) {
        let Self { name, rig, .. } = self;
        rig.take_back("faults").await;
        let mut last = None;
        for _ in 0..8 {
            rig.wait(16);
            last = Some(rig.run(Depth::Full).await);
            if matches!(last, Some(Ok(_))) {
                break;
            }
            // The ledger asked to be left alone for a second, by the real clock.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
        assert!(matches!(last, Some(Ok(_))), "{name}: {last:?}");
        rig.assert_mirrors_the_books().await;
        let usage = rig.ask(&format!("usage?format={}", rig.kind)).await;
        let most = usage[REALM]["most_in_a_day"].as_u64().expect("a count");
        assert!(most <= BUDGET, "{name}: {usage}");
    }
}
