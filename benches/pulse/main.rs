//! `make bench`: how fast the pulse is served, beside a bare axum handler that returns the same bytes.
//!
//! Every part is a process of its own: the service (the release binary, as `serve` starts it, with
//! every production layer and its sync polling the sandbox each second), the static handler, the
//! sandbox and this generator. Server and generator are pinned to different cores. Every answer is
//! compared with what the executor gives when it may use no kept answer. Rounds alternate between the
//! servers, and ratios are taken within a round: absolute figures differ from machine to machine.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a program for the terminal that stops at the first thing out of order"
)]

mod answers;
mod generator;
mod memory;
mod parts;
mod process;
mod stage;
mod static_server;

use std::time::Duration;

use generator::{Load, Measured};
use stage::{Stage, Target};

/// The program that measures allocates as the service does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The core of whichever server is measured.
const SERVER_CORE: usize = 0;
/// The core of the generator and the sandbox.
const GENERATOR_CORE: usize = 1;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    if let [_, role, directory] = arguments.as_slice()
        && role == "static"
    {
        runtime.block_on(static_server::run(directory));
        return;
    }
    process::pin_this_process(GENERATOR_CORE);
    runtime.block_on(run(&Plan::from_environment()));
}

/// How long and how often to measure.
#[derive(Clone, Copy, Debug)]
struct Plan {
    rounds: usize,
    seconds: f64,
    customers: usize,
    invoices: usize,
}

impl Plan {
    /// `BENCH_ROUNDS`, `BENCH_SECONDS`, `BENCH_CUSTOMERS` and `BENCH_INVOICES`, or what gives steady
    /// figures in a few minutes.
    fn from_environment() -> Self {
        fn number<T: std::str::FromStr>(name: &str, default: T) -> T {
            std::env::vars()
                .find(|(known, _)| known == name)
                .and_then(|(_, value)| value.parse().ok())
                .unwrap_or(default)
        }
        Self {
            rounds: number("BENCH_ROUNDS", 5),
            seconds: number("BENCH_SECONDS", 4.0),
            customers: number("BENCH_CUSTOMERS", 400),
            invoices: number("BENCH_INVOICES", 10_000),
        }
    }
}

async fn run(plan: &Plan) {
    println!("{plan:?}");
    let stage = Stage::set_up(plan.customers, plan.invoices).await;
    println!(
        "first load: {} documents in {:.2} s, {:.0} documents per second ({} records in all)",
        stage.load.documents,
        stage.load.took.as_secs_f64(),
        stage.load.documents as f64 / stage.load.took.as_secs_f64(),
        stage.load.records,
    );
    println!(
        "answer: {} bytes to a query of {} bytes; {} contacts",
        stage.answers.body(0).len(),
        stage.request_bytes(),
        stage.answers.len(),
    );

    // Before anything else has grown and shrunk this process.
    println!("memory per cached customer:");
    memory::print(&stage).await;

    let duration = Duration::from_secs_f64(plan.seconds);
    let mut rounds = Rounds::default();
    for _ in 0..plan.rounds {
        for (name, target, load) in LINE_UP {
            let measured = generator::run(&stage, target, load, duration).await;
            rounds.add(name, measured);
        }
    }
    rounds.print();
    let ratio = rounds.ratio("cached_pulse", "static");
    println!("ratio cached_pulse/static {ratio:.2}");
    println!(
        "ratio kept_any_contact/static {:.2}",
        rounds.ratio("kept_any_contact", "static")
    );
    println!(
        "ratio made_any_contact/static {:.2}",
        rounds.ratio("made_any_contact", "static")
    );

    println!(
        "\nwhere an answer's time goes when it is made anew (one thread, in process, medians):"
    );
    parts::print(&stage).await;
}

/// The measurements by name, in the order in which they came.
#[derive(Debug, Default)]
struct Rounds(Vec<(&'static str, Vec<Measured>)>);

impl Rounds {
    fn add(&mut self, name: &'static str, measured: Measured) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rounds)) => rounds.push(measured),
            None => self.0.push((name, vec![measured])),
        }
    }

    fn of(&self, name: &str) -> &[Measured] {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map_or(&[], |(_, rounds)| rounds)
    }

    /// The median over the rounds of one's rate by the other's in the same round.
    fn ratio(&self, name: &str, reference: &str) -> f64 {
        let rounds = self.of(name).iter().zip(self.of(reference));
        median(rounds.map(|(one, other)| one.per_second() / other.per_second()))
    }

    fn print(&self) {
        println!(
            "\n{:<18} {:>9} {:>9} {:>8} {:>8} {:>6} {:>6} {:>10}",
            "", "req/s", "cpu us/rq", "p50 us", "p99 us", "srv %", "gen %", "answers"
        );
        for (name, rounds) in &self.0 {
            let of = |figure: fn(&Measured) -> f64| median(rounds.iter().map(figure));
            let answers: u64 = rounds.iter().map(|round| round.answers).sum();
            println!(
                "{name:<18} {:>9.0} {:>9.2} {:>8.0} {:>8.0} {:>6.1} {:>6.1} {answers:>10}",
                of(Measured::per_second),
                of(Measured::cpu_per_answer),
                of(|round| round.p50.as_secs_f64() * 1e6),
                of(|round| round.p99.as_secs_f64() * 1e6),
                of(|round| 100.0 * round.server_busy),
                of(|round| 100.0 * round.generator_busy),
            );
        }
        println!(
            "medians of {} rounds; every answer compared\n",
            self.0[0].1.len()
        );
    }
}

/// The middle one, by value.
fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What is measured in each round.
const LINE_UP: [(&str, Target, Load); 4] = [
    ("static", Target::Static, Load::One),
    ("cached_pulse", Target::Service, Load::One),
    ("kept_any_contact", Target::Service, Load::Any),
    ("made_any_contact", Target::Service, Load::AnyMade),
];
