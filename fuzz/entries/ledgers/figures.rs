//! What was read is within its bounds, and every figure can be computed from it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use financial_pulse::domain::books::{Customer, CustomerBooks, ExchangeRate, Organization};
use financial_pulse::domain::credit::{CreditLimit, CreditPolicy, Decision, LimitOrigin};
use financial_pulse::domain::freshness::{
    ConnectionFreshness, ConnectionState, Dataset, DatasetFreshness,
};
use financial_pulse::domain::ids::{CustomerId, CustomerKey};
use financial_pulse::domain::money::{Currency, Money};
use financial_pulse::domain::pulse::{Family, PulseSettings, credit_check, pulse, transactions};
use financial_pulse::domain::records::Records;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

/// More customers than these are like the first ones.
const CUSTOMERS: usize = 3;

/// Checks the records; what they are, as a number's stuff.
pub(super) fn check(records: &Records) -> Vec<String> {
    for record in &records.customers {
        assert!(record.within_bounds(), "{record:?}");
    }
    for record in &records.documents {
        assert!(record.within_bounds(), "{record:?}");
        for document in &record.documents {
            assert!(!document.total.is_sign_negative() || document.total.is_zero());
        }
    }
    let mut documents: BTreeMap<&CustomerId, Vec<_>> = BTreeMap::new();
    let all = records.documents.iter();
    for document in all.flat_map(|record| &record.documents) {
        documents
            .entry(&document.customer)
            .or_default()
            .push(document.clone());
    }
    let mut members: Vec<Arc<CustomerBooks>> = Vec::new();
    for (id, documents) in documents.into_iter().take(CUSTOMERS) {
        let known = records
            .customers
            .iter()
            .find(|record| record.customer.id == *id);
        let customer = known.map_or_else(|| customer(id), |record| record.customer.clone());
        let own = |id| documents.iter().any(|document| document.id == id);
        let applications = records
            .documents
            .iter()
            .flat_map(|record| &record.applications);
        let applications = applications
            .filter(|one| own(one.from.clone()) || own(one.to.clone()))
            .cloned()
            .collect();
        members.push(Arc::new(CustomerBooks {
            connection: "books".into(),
            customer,
            applications,
            documents,
        }));
    }
    figures(members);
    let kinds = records
        .documents
        .iter()
        .flat_map(|record| &record.documents);
    let mut told: Vec<String> = kinds
        .map(|document| {
            let id = document.id.kind.as_str();
            format!(
                "{id} {:?} {:?} {}",
                document.side,
                document.state,
                document.lines.len().min(3)
            )
        })
        .collect();
    told.sort();
    told.dedup();
    told.push(format!(
        "{} {} {} {}",
        records.customers.len().min(3),
        records.deletions.len().min(3),
        records.terms.len().min(3),
        records.items.len().min(3),
    ));
    told
}

fn figures(members: Vec<Arc<CustomerBooks>>) {
    if members.is_empty() {
        return;
    }
    let now: Timestamp = "2026-04-24T16:00:00Z".parse().expect("an instant");
    let usd: Currency = "USD".parse().expect("a code");
    let documents = members.iter().flat_map(|books| &books.documents);
    let rates = documents
        .filter_map(|document| {
            Some(ExchangeRate {
                from: document.currency,
                to: usd,
                rate: document.exchange_rate?,
                dated: document.issued_on,
                source: "a document".into(),
            })
        })
        .collect();
    let families = [Arc::new(Family {
        organization: Arc::new(Organization {
            name: "Books".into(),
            base_currency: usd,
            multicurrency: true,
            page_code: None,
        }),
        time_zone: TimeZone::UTC,
        limits: vec![limit(&members, usd)],
        members,
        items: Arc::new(HashMap::new()),
        rates,
        freshness: Arc::new(fresh(now)),
    })];
    let settings = PulseSettings {
        policy: CreditPolicy::default(),
    };
    let day: Date = "2026-04-24".parse().expect("a day");
    for as_of in [None, Some(day), Some(Date::MIN), Some(Date::MAX)] {
        let pulse = pulse(&families, &settings, as_of, now);
        for balance in pulse.parts.iter().filter_map(|part| part.balance.as_ref()) {
            for part in &balance.by_currency {
                assert_eq!(part.aging.sum(), part.gross_receivable);
                assert_eq!(part.aging.sum() - part.unapplied_credit, part.outstanding());
            }
        }
        let check = credit_check(&pulse, Money::new(Decimal::ONE, usd));
        // Whoever is over the limit with nothing more is not under it with something more.
        if pulse.decision.decision == Decision::Hold {
            assert_ne!(check.decision, Decision::Ok);
        }
        for (_, position) in transactions(&families, as_of.unwrap_or(day)) {
            assert!(position.applications.len() < 10_000);
        }
    }
}

fn limit(members: &[Arc<CustomerBooks>], currency: Currency) -> CreditLimit {
    CreditLimit {
        customer: members
            .first()
            .map(|books| CustomerKey::new("books", books.customer.id.clone())),
        limit: Money::new(Decimal::from(5_000), currency),
        origin: LimitOrigin::Manual,
        valid_from: Date::MIN,
        valid_to: None,
        reason: "agreed".into(),
        actor: "finance".into(),
    }
}

fn fresh(now: Timestamp) -> ConnectionFreshness {
    let datasets = Dataset::ALL.into_iter().map(|dataset| DatasetFreshness {
        dataset,
        succeeded_at: Some(now),
        attempted_at: Some(now),
        loaded: 1,
        expected: None,
    });
    ConnectionFreshness {
        state: ConnectionState::Active,
        poll_interval: Duration::from_mins(15),
        first_load_running: false,
        datasets: datasets.collect(),
    }
}

fn customer(id: &CustomerId) -> Customer {
    Customer {
        id: id.clone(),
        name: "Some Ltd".into(),
        email: None,
        tax_number: None,
        parent: None,
        bill_with_parent: false,
        active: true,
        currency: "USD".parse().expect("a code"),
        terms: None,
        ledger_balance: None,
        ledger_balance_with_children: None,
        credit_limit: None,
        changed_at: Timestamp::UNIX_EPOCH,
    }
}
