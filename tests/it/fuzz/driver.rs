//! Mutates seeds and what came of them, and hands them to an entry point. An input that leads to
//! something new is kept and mutated further.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::entries::{ENTRIES, Entry};
use super::mutation::{Mutator, Random};

/// No input keeps an entry busy for so long, in any build on any machine.
const LONGEST: Duration = Duration::from_secs(20);
/// The most inputs kept.
const KEPT: usize = 4_096;

#[expect(clippy::print_stdout, reason = "figures for who runs it")]
/// Runs an entry: its sample, or as often as `PULSE_FUZZ_RUNS` says.
pub(super) fn drive(name: &str) {
    let entry = ENTRIES.iter().find(|entry| entry.name == name);
    let entry = entry.expect("an entry of this name");
    let asked = setting("PULSE_FUZZ_RUNS");
    let runs = asked.unwrap_or(entry.sample);
    let seed = setting("PULSE_FUZZ_SEED").unwrap_or(1);
    let begun = Instant::now();
    let kept = run(entry, runs, seed);
    if asked.is_some() {
        let seconds = begun.elapsed().as_secs();
        println!("{name}: {runs} inputs in {seconds} s, {kept} of a new fate, no finding");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a setting of the tests, not of the program"
)]
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// How many inputs led to something new.
fn run(entry: &Entry, runs: u64, seed: u64) -> usize {
    let watch = Watch::over(entry.name);
    let seeds = (entry.seeds)();
    let mut corpus = Vec::new();
    let mut fates = HashSet::new();
    for seed in seeds {
        assert!(
            seed.len() <= entry.longest,
            "a seed of {} is too long",
            entry.name
        );
        fates.insert(tried(entry, &seed, &watch));
        corpus.push(seed);
    }
    let mut mutator = Mutator::new(Random::new(seed), entry.words, entry.longest);
    let begun = corpus.len();
    for _ in 0..runs {
        let input = mutator.next(&corpus);
        if fates.insert(tried(entry, &input, &watch)) && corpus.len() < KEPT {
            corpus.push(input);
        }
    }
    corpus.len() - begun
}

#[expect(clippy::print_stderr, reason = "the input that fails")]
/// What became of an input. One that breaks the entry is shown, so that it can become a seed.
fn tried(entry: &Entry, input: &[u8], watch: &Watch) -> u64 {
    watch.begins(input);
    let outcome = catch_unwind(AssertUnwindSafe(|| (entry.run)(input)));
    watch.ended();
    outcome.unwrap_or_else(|panic| {
        eprintln!("{} breaks on b\"{}\"", entry.name, input.escape_ascii());
        resume_unwind(panic)
    })
}

/// The input that is being tried, and since when.
type Current = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

/// Ends the tests where an input takes too long, and says which.
struct Watch {
    current: Current,
    over: Arc<AtomicBool>,
}

impl Watch {
    #[expect(clippy::print_stderr, reason = "the input that hangs")]
    fn over(name: &'static str) -> Self {
        let watch = Self {
            current: Arc::default(),
            over: Arc::default(),
        };
        let (current, over) = (Arc::clone(&watch.current), Arc::clone(&watch.over));
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(500));
                let current = current.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((begun, input)) = &*current
                    && begun.elapsed() > LONGEST
                {
                    eprintln!("{name} hangs on b\"{}\"", input.escape_ascii());
                    std::process::abort();
                }
            }
        });
        watch
    }

    fn begins(&self, input: &[u8]) {
        *self.lock() = Some((Instant::now(), input.to_vec()));
    }

    fn ended(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Instant, Vec<u8>)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
