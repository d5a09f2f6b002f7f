//! What holds for every books, whatever is in them: random families at random dates, through the
//! public functions of the domain.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use financial_pulse::domain::aging::AgingBucket;
use financial_pulse::domain::balance::{Balance, balance, merge};
use financial_pulse::domain::books::{Customer, CustomerBooks, ExchangeRate, Organization};
use financial_pulse::domain::credit::{CreditLimit, CreditPolicy, Decision, LimitOrigin};
use financial_pulse::domain::document::{
    Application, Document, DocumentId, DocumentKind, DocumentLine, DocumentState, Side,
};
use financial_pulse::domain::exchange::Rates;
use financial_pulse::domain::freshness::{
    ConnectionFreshness, ConnectionState, Dataset, DatasetFreshness, FreshnessStatus, freshness,
};
use financial_pulse::domain::history::History;
use financial_pulse::domain::ids::CustomerKey;
use financial_pulse::domain::money::{Currency, Money};
use financial_pulse::domain::pulse::{
    Family, Pulse, PulseSettings, credit_check, pulse, transactions,
};
use financial_pulse::domain::purchases::purchases;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;
use rust_decimal::Decimal;

/// Documents are dated within so many days from [`first_day`].
const DAYS: i32 = 500;

/// A date after every document and application.
const FAR_FUTURE: Date = date(2040, 1, 1);

fn first_day() -> Date {
    date(2025, 1, 1)
}

fn on(days: i32) -> Date {
    first_day().saturating_add(days.days())
}

fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}

fn usd(amount: Decimal) -> Money {
    Money::new(amount, currency("USD"))
}

/// A document before it has an identity.
#[derive(Clone, Debug)]
struct Sketch {
    kind: DocumentKind,
    member: usize,
    day: i32,
    due_after: Option<i32>,
    cents: i64,
    foreign: bool,
    state: DocumentState,
}

/// An application between documents by their places; a place past the end is a document that the
/// books do not have.
#[derive(Clone, Debug)]
struct Use {
    from: usize,
    to: usize,
    cents: i64,
    day: i32,
}

fn sketch(members: usize) -> impl Strategy<Value = Sketch> {
    let kind = prop_oneof![
        6 => Just(DocumentKind::Invoice),
        4 => Just(DocumentKind::Payment),
        2 => Just(DocumentKind::CreditNote),
        1 => Just(DocumentKind::CashSale),
        1 => Just(DocumentKind::JournalEntry),
    ];
    let state = prop_oneof![
        8 => Just(DocumentState::Issued),
        1 => Just(DocumentState::Draft),
        1 => Just(DocumentState::Voided),
    ];
    let due_after = proptest::option::of(0..120);
    (
        kind,
        0..members,
        0..DAYS,
        due_after,
        0..1_000_000_i64,
        proptest::bool::weighted(0.2),
        state,
    )
        .prop_map(
            |(kind, member, day, due_after, cents, foreign, state)| Sketch {
                kind,
                member,
                day,
                due_after,
                cents,
                foreign,
                state,
            },
        )
}

fn document(nth: usize, sketch: &Sketch) -> Document {
    let total = Decimal::new(sketch.cents, 2);
    let side = match sketch.kind {
        DocumentKind::Invoice => Side::Receivable,
        DocumentKind::CashSale => Side::Settled,
        // A journal entry may be either.
        DocumentKind::JournalEntry if nth.is_multiple_of(2) => Side::Receivable,
        _ => Side::Credit,
    };
    Document {
        id: DocumentId::new(sketch.kind, nth.to_string()),
        customer: sketch.member.to_string().into(),
        number: None,
        issued_on: on(sketch.day),
        due_on: sketch.due_after.map(|after| on(sketch.day + after)),
        currency: currency(if sketch.foreign { "EUR" } else { "USD" }),
        exchange_rate: None,
        total,
        tax: Decimal::ZERO,
        side,
        state: sketch.state,
        lines: vec![DocumentLine {
            item: None,
            description: format!("thing {}", nth % 3).into(),
            quantity: Some(Decimal::ONE),
            unit_price: None,
            amount: total,
        }],
        ledger_open: None,
        changed_at: Timestamp::UNIX_EPOCH,
    }
}

/// The books of a family of one to three customers: documents with any applications between them,
/// sound or not.
fn family_books() -> impl Strategy<Value = Vec<Arc<CustomerBooks>>> {
    (1..=3_usize)
        .prop_flat_map(|members| {
            let sketches = proptest::collection::vec(sketch(members), 0..25);
            (Just(members), sketches)
        })
        .prop_flat_map(|(members, sketches)| {
            let ends = sketches.len() + 2;
            let one_use =
                (0..ends, 0..ends, 1..500_000_i64, 0..DAYS).prop_map(|(from, to, cents, day)| {
                    Use {
                        from,
                        to,
                        cents,
                        day,
                    }
                });
            let uses = proptest::collection::vec(one_use, 0..25);
            (Just(members), Just(sketches), uses)
        })
        .prop_map(|(members, sketches, uses)| books(members, &sketches, &uses))
}

fn books(members: usize, sketches: &[Sketch], uses: &[Use]) -> Vec<Arc<CustomerBooks>> {
    let documents: Vec<_> = sketches
        .iter()
        .enumerate()
        .map(|(nth, sketch)| document(nth, sketch))
        .collect();
    let id = |place: usize| {
        documents.get(place).map_or_else(
            || DocumentId::new(DocumentKind::Invoice, format!("elsewhere {place}")),
            |document| document.id.clone(),
        )
    };
    let applications: Vec<_> = uses
        .iter()
        .filter(|one| one.from != one.to)
        .filter(|one| {
            let currencies = [one.from, one.to].map(|at| documents.get(at).map(|d| d.currency));
            !matches!(currencies, [Some(from), Some(to)] if from != to)
        })
        .map(|one| Application {
            carrier: id(one.from),
            from: id(one.from),
            to: id(one.to),
            amount: Decimal::new(one.cents, 2),
            applied_on: on(one.day),
        })
        .collect();
    (0..members)
        .map(|member| {
            let own: Vec<_> = documents
                .iter()
                .filter(|document| document.customer.as_str() == member.to_string())
                .cloned()
                .collect();
            let touches = |application: &&Application| {
                own.iter().any(|document| {
                    document.id == application.from || document.id == application.to
                })
            };
            let applications = applications.iter().filter(touches).cloned().collect();
            Arc::new(CustomerBooks {
                connection: "books".into(),
                customer: customer(member),
                documents: own,
                applications,
            })
        })
        .collect()
}

fn customer(member: usize) -> Customer {
    Customer {
        id: member.to_string().into(),
        name: "Some Ltd".into(),
        email: None,
        tax_number: None,
        parent: None,
        bill_with_parent: false,
        active: true,
        currency: currency("USD"),
        terms: None,
        ledger_balance: None,
        ledger_balance_with_children: None,
        credit_limit: None,
        changed_at: Timestamp::UNIX_EPOCH,
    }
}

fn rates() -> Rates {
    let rate = ExchangeRate {
        from: currency("EUR"),
        to: currency("USD"),
        rate: Decimal::new(115, 2),
        dated: first_day(),
        source: "invoice 1".into(),
    };
    Rates::on(first_day(), currency("USD"), &[rate], &[])
}

fn balance_on(members: &[Arc<CustomerBooks>], as_of: Date) -> Balance {
    balance(&History::of(members), &rates(), 0, as_of)
}

fn outstanding(balance: &Balance) -> BTreeMap<Currency, Decimal> {
    balance
        .by_currency
        .iter()
        .map(|part| (part.currency, part.outstanding()))
        .filter(|(_, amount)| !amount.is_zero())
        .collect()
}

fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().expect("an instant")
}

fn read_at(checked_at: Timestamp) -> ConnectionFreshness {
    ConnectionFreshness {
        state: ConnectionState::Active,
        poll_interval: Duration::from_mins(15),
        first_load_running: false,
        datasets: Dataset::ALL
            .into_iter()
            .map(|dataset| DatasetFreshness {
                dataset,
                succeeded_at: Some(checked_at),
                attempted_at: Some(checked_at),
                loaded: 1,
                expected: None,
            })
            .collect(),
    }
}

fn family(members: Vec<Arc<CustomerBooks>>, limit: Option<Decimal>) -> Arc<Family> {
    let limits = limit.map(|limit| CreditLimit {
        customer: Some(CustomerKey::new("books", "0")),
        limit: usd(limit),
        origin: LimitOrigin::Manual,
        valid_from: first_day(),
        valid_to: None,
        reason: "agreed".into(),
        actor: "finance".into(),
    });
    Arc::new(Family {
        organization: Arc::new(Organization {
            name: "Books Inc.".into(),
            base_currency: currency("USD"),
            multicurrency: true,
            page_code: None,
        }),
        time_zone: TimeZone::UTC,
        members,
        limits: limits.into_iter().collect(),
        items: Arc::new(HashMap::new()),
        rates: vec![ExchangeRate {
            from: currency("EUR"),
            to: currency("USD"),
            rate: Decimal::new(115, 2),
            dated: first_day(),
            source: "invoice 1".into(),
        }],
        freshness: Arc::new(read_at(now())),
    })
}

fn pulse_of(families: &[Arc<Family>], as_of: Option<Date>) -> Pulse {
    let settings = PulseSettings {
        policy: CreditPolicy::default(),
    };
    pulse(families, &settings, as_of, now())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn buckets_less_unapplied_credit_are_the_outstanding(
        members in family_books(),
        day in -10..DAYS + 200,
    ) {
        for part in balance_on(&members, on(day)).by_currency {
            prop_assert_eq!(part.aging.sum(), part.gross_receivable);
            prop_assert_eq!(part.aging.sum() - part.unapplied_credit, part.outstanding());
            let late = part.aging.sum() - part.aging.get(AgingBucket::Current);
            prop_assert_eq!(part.overdue, late);
            prop_assert_eq!(part.overdue_count == 0, part.oldest_overdue_days.is_none());
        }
    }

    /// The balance is the sum of what the list of transactions shows, so that a reader can add up.
    #[test]
    fn the_transactions_sum_up_to_the_balance(
        members in family_books(),
        day in 0..DAYS + 200,
    ) {
        let families = [family(members.clone(), None)];
        let mut listed: BTreeMap<Currency, Decimal> = BTreeMap::new();
        for (_, position) in transactions(&families, on(day)) {
            let sum = listed.entry(position.document.currency).or_default();
            match position.document.side {
                Side::Receivable => *sum += position.open,
                Side::Credit => *sum -= position.open,
                Side::Settled => prop_assert!(position.open.is_zero()),
            }
        }
        listed.retain(|_, sum| !sum.is_zero());
        prop_assert_eq!(listed, outstanding(&balance_on(&members, on(day))));
    }

    #[test]
    fn order_does_not_matter(
        members in family_books(),
        day in 0..DAYS + 200,
        seed in any::<u64>(),
    ) {
        let shuffled = members
            .iter()
            .map(|books| {
                let mut books = (**books).clone();
                shuffle(&mut books.documents, seed);
                shuffle(&mut books.applications, seed.rotate_left(17));
                Arc::new(books)
            })
            .collect();
        let [straight, shuffled] = [members, shuffled]
            .map(|members| pulse_of(&[family(members, Some(Decimal::from(5000)))], Some(on(day))));
        prop_assert_eq!(straight, shuffled);
    }

    /// Using credit moves it: what is owed in total stays, on every day on which both documents
    /// count.
    #[test]
    fn applying_credit_never_changes_the_outstanding(
        members in family_books(),
        pick in any::<(proptest::sample::Index, proptest::sample::Index)>(),
        cents in 1..100_000_i64,
        later in 0..100_i32,
    ) {
        let can_stand_open = |document: &&Document| {
            document.state == DocumentState::Issued && document.side != Side::Settled
        };
        let all: Vec<_> = members.iter().flat_map(|books| &books.documents).collect();
        let credits: Vec<_> = all
            .iter()
            .copied()
            .filter(can_stand_open)
            .filter(|document| document.side == Side::Credit)
            .collect();
        prop_assume!(!credits.is_empty());
        let from = *pick.0.get(&credits);
        let targets: Vec<_> = all
            .iter()
            .copied()
            .filter(can_stand_open)
            .filter(|document| document.currency == from.currency && document.id != from.id)
            .collect();
        prop_assume!(!targets.is_empty());
        let to = *pick.1.get(&targets);
        let both_count = from.issued_on.max(to.issued_on);
        let applied_on = both_count.saturating_add(later.days());
        let application = Application {
            carrier: from.id.clone(),
            from: from.id.clone(),
            to: to.id.clone(),
            amount: Decimal::new(cents, 2),
            applied_on,
        };
        let owners = [from.customer.clone(), to.customer.clone()];
        let with_it: Vec<_> = members
            .iter()
            .map(|books| {
                let mut books = (**books).clone();
                if owners.contains(&books.customer.id) {
                    books.applications.push(application.clone());
                }
                Arc::new(books)
            })
            .collect();
        for day in [first_day(), both_count, applied_on, FAR_FUTURE] {
            prop_assert_eq!(
                outstanding(&balance_on(&members, day)),
                outstanding(&balance_on(&with_it, day))
            );
        }
        let open = |members: &[Arc<CustomerBooks>]| {
            let history = History::of(members);
            let entry = history.entries().iter().find(|entry| entry.document.id == from.id);
            entry.map(|entry| entry.open_on(applied_on)).unwrap_or_default()
        };
        prop_assert_eq!(open(&members) - open(&with_it), application.amount);
    }

    #[test]
    fn in_the_far_future_the_dated_and_the_undated_sums_agree(members in family_books()) {
        let history = History::of(&members);
        for entry in history.entries() {
            prop_assert_eq!(entry.open_on(FAR_FUTURE), entry.open_undated());
        }
        let balance = balance_on(&members, FAR_FUTURE);
        prop_assert!(!balance.tie_out.future_dated);
        let owed = outstanding(&balance);
        let only_dollars = members
            .iter()
            .flat_map(|books| &books.documents)
            .all(|document| document.currency == currency("USD"));
        if only_dollars {
            let ours = balance.tie_out.ours.map(|ours| ours.amount);
            prop_assert_eq!(ours, Some(owed.values().copied().sum()));
        }
    }

    #[test]
    fn a_ledger_that_agrees_ties_and_a_cent_more_is_told(
        members in family_books(),
        cent_off in any::<proptest::sample::Index>(),
    ) {
        let mut members: Vec<_> = members
            .into_iter()
            .map(|books| {
                let mut books = (*books).clone();
                books.documents.retain(|document| document.currency == currency("USD"));
                books
            })
            .collect();
        let own = members.iter().cloned().map(Arc::new).collect::<Vec<_>>();
        let history = History::of(&own);
        for (member, books) in members.iter_mut().enumerate() {
            let ours = history
                .entries()
                .iter()
                .filter(|entry| entry.member == member)
                .map(|entry| match entry.document.side {
                    Side::Receivable => entry.open_undated(),
                    Side::Credit => -entry.open_undated(),
                    Side::Settled => Decimal::ZERO,
                })
                .sum();
            books.customer.ledger_balance = Some(ours);
        }
        let tie_out = |members: &[CustomerBooks]| {
            let members: Vec<_> = members.iter().cloned().map(Arc::new).collect();
            balance_on(&members, FAR_FUTURE).tie_out
        };
        prop_assert_eq!(tie_out(&members).difference(), None);
        let off = cent_off.index(members.len());
        let cent = Decimal::new(1, 2);
        let told = members[off].customer.ledger_balance.unwrap_or_default() + cent;
        members[off].customer.ledger_balance = Some(told);
        prop_assert_eq!(tie_out(&members).difference(), Some(usd(-cent)));
        prop_assert_eq!(tie_out(&members).ledger_excess, vec![usd(cent)]);
    }

    #[test]
    fn merging_is_adding_up(
        one in family_books(),
        other in family_books(),
        day in 0..DAYS + 200,
    ) {
        let [one, other] = [one, other].map(|members| balance_on(&members, on(day)));
        let rates = rates();
        let both = merge(&[(&one, &rates), (&other, &rates)]);
        let mut sum = outstanding(&one);
        for (currency, amount) in outstanding(&other) {
            *sum.entry(currency).or_default() += amount;
        }
        sum.retain(|_, amount| !amount.is_zero());
        prop_assert_eq!(outstanding(&both), sum);
        for part in &both.by_currency {
            prop_assert_eq!(part.aging.sum() - part.unapplied_credit, part.outstanding());
        }
        let back = merge(&[(&other, &rates), (&one, &rates)]);
        prop_assert_eq!(both.by_currency, back.by_currency);
    }

    /// To ask for more never gives a milder answer.
    #[test]
    fn the_decision_is_monotone_in_the_amount(
        members in family_books(),
        limit in proptest::option::of(0..2_000_000_i64),
        amounts in proptest::collection::vec(0..3_000_000_i64, 2..6),
        in_euros in any::<bool>(),
    ) {
        let limit = limit.map(|cents| Decimal::new(cents, 2));
        let pulse = pulse_of(&[family(members, limit)], None);
        let mut amounts = amounts;
        amounts.sort_unstable();
        let code = if in_euros { "EUR" } else { "USD" };
        let mut before = pulse.decision.decision;
        for cents in amounts {
            let amount = Money::new(Decimal::new(cents, 2), currency(code));
            let answer = credit_check(&pulse, amount).decision;
            prop_assert!(answer >= before, "{answer:?} for {amount} after {before:?}");
            before = answer;
        }
    }

    /// Whatever the documents say: with a dataset missing, no consent or old data there is no OK,
    /// and with a dataset missing no balance.
    #[test]
    fn doubtful_data_is_never_ok(
        members in family_books(),
        missing in proptest::option::of(0..Dataset::ALL.len()),
        first_load_running in any::<bool>(),
        age_hours in 0..60_i64,
        state in prop_oneof![
            Just(ConnectionState::Active),
            Just(ConnectionState::Disconnected),
            Just(ConnectionState::Pending),
            Just(ConnectionState::Revoked),
        ],
    ) {
        let mut family = (*family(members, Some(Decimal::from(100_000_000)))).clone();
        let mut connection = read_at(now() - SignedDuration::from_hours(age_hours));
        connection.state = state;
        connection.first_load_running = first_load_running;
        let mut known = true;
        if let Some(set) = missing.and_then(|at| connection.datasets.get_mut(at)) {
            set.succeeded_at = None;
            known = !set.dataset.bears_on_balance();
        }
        family.freshness = Arc::new(connection);
        let pulse = pulse_of(&[Arc::new(family)], None);
        prop_assert_eq!(pulse.balance.is_some(), known);
        if !known || age_hours >= 24 {
            prop_assert_eq!(pulse.decision.decision, Decision::Unknown);
        }
        if state != ConnectionState::Active {
            prop_assert_ne!(pulse.decision.decision, Decision::Ok);
            prop_assert_eq!(pulse.freshness.status, FreshnessStatus::Disconnected);
        }
        if age_hours > 0 {
            prop_assert_ne!(pulse.freshness.status, FreshnessStatus::Fresh);
        }
    }

    /// Between two moments without a told change in between, time alone changes neither status nor
    /// decision.
    #[test]
    fn time_alone_changes_nothing_before_it_was_told(
        age_minutes in 0..3_000_i64,
        later_seconds in 0..200_000_i64,
        state in prop_oneof![Just(ConnectionState::Active), Just(ConnectionState::Disconnected)],
    ) {
        let mut family = (*family(books(1, &[], &[]), Some(Decimal::ONE))).clone();
        let mut connection = read_at(now() - SignedDuration::from_mins(age_minutes));
        connection.state = state;
        family.freshness = Arc::new(connection);
        let families = [Arc::new(family)];
        let settings = PulseSettings { policy: CreditPolicy::default() };
        let then = now() + SignedDuration::from_secs(later_seconds);
        let before = pulse(&families, &settings, None, now());
        let after = pulse(&families, &settings, None, then);
        let same = before.freshness.status == after.freshness.status
            && before.decision == after.decision
            && before.as_of == after.as_of;
        let told = before.freshness.changes_at.is_some_and(|at| at <= then);
        prop_assert!(same || told);
        prop_assert!(before.freshness.changes_at.is_none_or(|at| at > now()));
    }

    #[test]
    fn years_of_purchases_add_up_to_all_that_was_invoiced(members in family_books()) {
        let mut invoiced: BTreeMap<Currency, Decimal> = BTreeMap::new();
        for document in members.iter().flat_map(|books| &books.documents) {
            let sign = match document.id.kind {
                DocumentKind::Invoice | DocumentKind::CashSale => Decimal::ONE,
                DocumentKind::CreditNote => Decimal::NEGATIVE_ONE,
                _ => continue,
            };
            if document.state == DocumentState::Issued {
                let sum = invoiced.entry(document.currency).or_default();
                *sum += sign * document.total;
            }
        }
        let families = [family(members, None)];
        let mut bought: BTreeMap<Currency, Decimal> = BTreeMap::new();
        for year in [2025, 2026] {
            let summary = purchases(&families, year, FAR_FUTURE);
            for money in &summary.net_spend {
                *bought.entry(money.currency).or_default() += money.amount;
            }
            let by_item: Decimal = summary.items.iter().map(|item| item.net_spend).sum();
            prop_assert_eq!(by_item, summary.net_spend.iter().map(|money| money.amount).sum());
        }
        invoiced.retain(|_, sum| !sum.is_zero());
        bought.retain(|_, sum| !sum.is_zero());
        prop_assert_eq!(bought, invoiced);
    }

    #[test]
    fn freshness_does_not_hang_on_the_order_of_connections(
        ages in proptest::collection::vec((0..3_000_i64, any::<bool>(), any::<bool>()), 1..4),
    ) {
        let connections: Vec<_> = ages
            .iter()
            .map(|(minutes, missing, running)| {
                let mut connection = read_at(now() - SignedDuration::from_mins(*minutes));
                connection.first_load_running = *running;
                if *missing {
                    connection.datasets[0].succeeded_at = None;
                }
                connection
            })
            .collect();
        let day = Duration::from_hours(24);
        let straight: Vec<_> = connections.iter().collect();
        let reversed: Vec<_> = connections.iter().rev().collect();
        let one = freshness(&straight, day, now());
        prop_assert_eq!(&one, &freshness(&reversed, day, now()));
        prop_assert_eq!(one.balance_known, ages.iter().all(|(_, missing, _)| !missing));
    }
}

/// A shuffle by a seed, so that a failure repeats.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed | 1;
    for last in (1..items.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap_or_default() % (last + 1);
        items.swap(last, other);
    }
}
