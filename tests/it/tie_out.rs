//! The company recorded in May 2026, all the way: read by the real connector over HTTP, kept in the
//! store, folded by the domain, compared with what the ledger itself said. On both databases.

use std::collections::BTreeMap;
use std::sync::Arc;

use financial_pulse::clock::ManualClock;
use financial_pulse::domain::ids::CustomerKey;
use financial_pulse::domain::tie_out::TieOutStatus;
use financial_pulse::provider::quickbooks::QuickBooks;
use jiff::Timestamp;
use jiff::civil::date;
use pretty_assertions::assert_eq;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::contracts;
use crate::quickbooks::{ACCOUNT, CountingMeter, TOKEN, settings};
use crate::support::company::{Company, CompanyServer};
use crate::support::databases::test_stores;
use crate::support::mirrored::{Books, Mirrored};
use crate::support::personal::{assert_not_stored, personal_texts};
use crate::support::replay::recorded_company;

/// The books' time zone, as every recorded time shows.
const ZONE: &str = "America/Los_Angeles";

fn noon() -> Timestamp {
    date(2026, 5, 5)
        .at(12, 0, 0, 0)
        .in_tz(ZONE)
        .expect("a known zone")
        .timestamp()
}

fn books(server: &CompanyServer) -> Books {
    let clock = Arc::new(ManualClock::new(noon()));
    let meter = Arc::new(CountingMeter::default());
    let provider = QuickBooks::new(settings(&server.url), Arc::clone(&clock) as _, meter);
    Books {
        provider: Arc::new(provider.expect("a connector")),
        clock,
        account: ACCOUNT,
        token: TOKEN,
        zone: ZONE,
    }
}

fn recorded() -> Option<Company> {
    contracts::folder("quickbooks").map(|folder| recorded_company(&folder))
}

/// What the ledger says that each customer owes.
fn balances(company: &mut Company) -> BTreeMap<String, Decimal> {
    let rows = company.rows("Customer").iter();
    rows.map(|row| {
        let id = row["Id"].as_str().expect("an id").to_owned();
        let balance = row["Balance"].to_string().parse().expect("an amount");
        (id, balance)
    })
    .collect()
}

/// The recorded company, changed, on every database.
async fn mirrored(change: impl FnOnce(&mut Company)) -> Vec<Mirrored> {
    let Some(mut company) = recorded() else {
        return Vec::new();
    };
    change(&mut company);
    let server = CompanyServer::start(company).await;
    let mut all = Vec::new();
    for database in test_stores().await {
        all.push(Mirrored::of(books(&server), database).await);
    }
    all
}

#[tokio::test]
async fn all_33_customers_tie_to_the_cent() {
    let Some(mut company) = recorded() else {
        return;
    };
    let ledger = balances(&mut company);
    assert_eq!(ledger.len(), 33);
    for mirrored in mirrored(|_| {}).await {
        assert_eq!(mirrored.report.deleted, 0);
        for (id, balance) in &ledger {
            assert_eq!(mirrored.outstanding(id).await, *balance, "customer {id}");
            assert_eq!(
                mirrored.tie_out(id).await,
                TieOutStatus::Ties,
                "customer {id}"
            );
            assert_eq!(mirrored.customer(id).await.ledger_balance, Some(*balance));
        }
    }
}

#[tokio::test]
async fn a_parent_ties_with_all_below_it() {
    for mirrored in mirrored(|_| {}).await {
        // The recorded company's one parent with money below it and none of its own.
        let key = CustomerKey::new(mirrored.connection.clone(), "7");
        let family = mirrored.store().family(&key).await.expect("readable");
        assert_eq!(family.len(), 3, "a customer and its two jobs");
        let balance = mirrored.pulse(&family).await.balance.expect("known");
        let below = Decimal::new(56_250, 2);
        assert_eq!(balance.by_currency[0].outstanding(), below);
        assert_eq!(balance.tie_out.status, TieOutStatus::Ties);
    }
}

#[tokio::test]
async fn a_payment_changed_by_a_cent_is_told_by_the_tie_out() {
    let mut payer = String::new();
    let mut before = BTreeMap::new();
    let changed = mirrored(|company| {
        before = balances(company);
        let payment = &mut company.rows("Payment")[0];
        payer = payment["CustomerRef"]["value"]
            .as_str()
            .expect("a payer")
            .to_owned();
        let total: Decimal = payment["TotalAmt"].to_string().parse().expect("an amount");
        let more: Value =
            serde_json::from_str(&(total + Decimal::new(1, 2)).to_string()).expect("a number");
        payment["TotalAmt"] = more;
    })
    .await;
    for mirrored in changed {
        for (id, balance) in &before {
            let moved = if *id == payer {
                Decimal::new(1, 2)
            } else {
                Decimal::ZERO
            };
            assert_eq!(
                mirrored.outstanding(id).await,
                balance - moved,
                "customer {id}"
            );
        }
        match mirrored.tie_out(&payer).await {
            TieOutStatus::Differs { difference, .. } => {
                assert_eq!(difference.amount, Decimal::new(-1, 2));
            }
            other => panic!("the difference of a cent is not told: {other:?}"),
        }
    }
}

#[tokio::test]
async fn without_the_ledgers_own_figure_ours_stands_and_is_not_checkable() {
    let mut before = BTreeMap::new();
    let changed = mirrored(|company| {
        before = balances(company);
        for row in company.rows("Customer") {
            let row = row.as_object_mut().expect("an object");
            row.remove("Balance");
            row.remove("BalanceWithJobs");
        }
    })
    .await;
    for mirrored in changed {
        for (id, balance) in &before {
            assert_eq!(mirrored.outstanding(id).await, *balance, "customer {id}");
            assert_eq!(mirrored.tie_out(id).await, TieOutStatus::NotCheckable);
        }
    }
}

#[tokio::test]
async fn no_address_telephone_number_or_bank_detail_is_stored() {
    let Some(company) = recorded() else {
        return;
    };
    let said = company.entities.values().flatten();
    let texts = personal_texts(said.chain([&company.info]));
    assert!(texts.len() > 80, "{texts:?}");
    for mirrored in mirrored(|_| {}).await {
        assert_not_stored(mirrored.database(), &texts).await;
    }
}
