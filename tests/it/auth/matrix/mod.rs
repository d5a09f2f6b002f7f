//! Every rule against every scheme that it applies to, over HTTP: right credentials pass, and what a
//! forger makes of them is refused for its own reason, which only the log tells.

mod attempt;
mod claims;
mod doors;
mod macs;
mod mutations;
mod place;
mod right;
mod spellings;
mod tokens;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use financial_pulse::auth::Preset;
use financial_pulse::auth::preset::records;
use financial_pulse::config::WeakPreset;
use financial_pulse::store::TenantSettings;
use jiff::SignedDuration;
use pretty_assertions::assert_eq;

use attempt::Sent;
use mutations::{List, Mutation};
use place::{Log, Look, Pairs, Place};
use right::right;

/// How often a credential may be shown, which no rule of signatures says.
const USES: u8 = 13;

/// The rules in the order of the table. The tenth, one answer for every cause and nothing of the
/// credential in the log, is held to in every case.
const COLUMNS: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, USES];

/// What was refused, and that it looked the same each time.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<(u8, &'static str), usize>,
    look: Option<Look>,
}

impl Tally {
    /// Shows what must be refused, and holds its outward look to that of all before it.
    async fn refused(
        &mut self,
        place: &Place,
        rule: u8,
        preset: &'static str,
        case: &str,
        reason: &str,
        sent: &Sent,
    ) {
        let case = format!("rule {rule}, {preset}, {case}");
        let look = place.refused(&case, reason, sent).await;
        if let Some(before) = &self.look {
            assert_eq!(*before, look, "{case}");
        } else {
            assert_eq!(look.status, StatusCode::UNAUTHORIZED, "{case}");
            self.look = Some(look);
        }
        *self.counts.entry((rule, preset)).or_default() += 1;
    }

    fn total(&self) -> usize {
        self.counts.values().sum()
    }

    /// Rules by schemes.
    #[expect(clippy::print_stdout, reason = "what was covered, with --nocapture")]
    fn print(&self) {
        print!("{:>18}", "rule");
        for rule in COLUMNS {
            match rule {
                USES => print!("{:>5}", "uses"),
                rule => print!("{rule:>5}"),
            }
        }
        println!("{:>6}", "all");
        for preset in records::ALL {
            let count = |rule| self.counts.get(&(rule, preset.name)).copied();
            print!("{:>18}", preset.name);
            for rule in COLUMNS {
                print!("{:>5}", count(rule).unwrap_or_default());
            }
            let all: usize = COLUMNS.into_iter().filter_map(count).sum();
            println!("{all:>6}");
        }
        println!("{:>18}{:>66}", "all", self.total());
    }
}

fn every_mutation() -> Vec<Mutation> {
    let mut list = List::new();
    tokens::form(&mut list);
    tokens::algorithm(&mut list);
    tokens::keys(&mut list);
    claims::time(&mut list);
    claims::origin(&mut list);
    tokens::kinds(&mut list);
    claims::ownership(&mut list);
    macs::canvas(&mut list);
    macs::context(&mut list);
    macs::hubspot(&mut list);
    macs::secret(&mut list);
    macs::places(&mut list);
    list.all
}

#[tokio::test]
async fn what_a_forger_makes_of_a_right_credential_is_refused_and_looks_alike() {
    let (pairs, log) = (Pairs::new(), Log::new());
    let place = Place::of_every_scheme(&pairs, &log).await;
    let mut tally = Tally::default();
    let mutations = every_mutation();
    for preset in records::ALL {
        let mut count = 0;
        for mutation in mutations
            .iter()
            .filter(|mutation| (mutation.applies)(preset))
        {
            let right = right(&place, preset);
            let mut changed = right.clone();
            (mutation.change)(&place, &mut changed);
            tally
                .refused(
                    &place,
                    mutation.rule,
                    preset.name,
                    &mutation.name,
                    mutation.reason,
                    &changed.send(),
                )
                .await;
            // It was the change: what it was made from passes, at the same place and afterwards.
            let case = format!("{} before {}", preset.name, mutation.name);
            place.let_in(&case, &right.send()).await;
            count += 1;
        }
        assert!(count >= 10, "{} has {count} cases", preset.name);
    }
    replay(&place, &mut tally).await;
    settings(&pairs, &log, &mut tally).await;
    doors::codes_and_sessions(&place, &mut tally).await;
    tally.print();
    let total = tally.total();
    assert!(total >= 400, "{total} cases");
}

/// A credential counts a few times, at all doors together; one that is the same for ever is not
/// counted.
async fn replay(place: &Place, tally: &mut Tally) {
    for preset in records::ALL {
        let sent = right(place, preset).send();
        let case = format!("{} again", preset.name);
        for _ in 0..5 {
            place.let_in(&case, &sent).await;
        }
        if preset.weak.is_some() {
            place.let_in(&case, &sent).await;
            continue;
        }
        tally
            .refused(
                place,
                USES,
                preset.name,
                "the sixth time",
                "replayed",
                &sent,
            )
            .await;
    }
}

/// What a tenant or the settings forbid.
async fn settings(pairs: &std::sync::Arc<Pairs>, log: &std::rc::Rc<Log>, tally: &mut Tally) {
    let once = TenantSettings {
        single_use_tokens: true,
        ..TenantSettings::default()
    };
    let all = "followupboss,front,salesforce-canvas";
    let strict = Place::new(pairs, log, all, once).await;
    let unset = Place::new(pairs, log, "", TenantSettings::default()).await;
    for preset in records::ALL {
        let sent = right(&strict, preset).send();
        if preset.weak.is_some() {
            let case = "good for ever where each counts once";
            tally
                .refused(&strict, USES, preset.name, case, "weak", &sent)
                .await;
            let sent = right(&unset, preset).send();
            let case = "weak and not allowed";
            tally
                .refused(&unset, 12, preset.name, case, "weak", &sent)
                .await;
            continue;
        }
        strict.let_in(preset.name, &sent).await;
        tally
            .refused(
                &strict,
                USES,
                preset.name,
                "the second time",
                "replayed",
                &sent,
            )
            .await;
        unset
            .let_in(preset.name, &right(&unset, preset).send())
            .await;
    }
    let canvas = Preset::of("salesforce-canvas").expect("a scheme");
    let mut undated = right(&strict, canvas);
    undated.set("issuedAt", serde_json::Value::Null);
    tally
        .refused(
            &strict,
            USES,
            canvas.name,
            "undated where each counts once",
            "weak",
            &undated.send(),
        )
        .await;
}

#[test]
fn the_weak_schemes_are_those_that_can_be_allowed_by_name() {
    let mut weak: Vec<&str> = records::ALL
        .into_iter()
        .filter(|preset| preset.weak.is_some())
        .map(|preset| preset.name)
        // Weak only where its envelope names no time.
        .chain(["salesforce-canvas"])
        .collect();
    weak.sort_unstable();
    let mut named = WeakPreset::NAMES;
    named.sort_unstable();
    assert_eq!(weak, named);
    for preset in records::ALL.into_iter().filter(|one| one.weak.is_some()) {
        assert_eq!(preset.hard_cap, Some(SignedDuration::from_mins(15)));
    }
}
