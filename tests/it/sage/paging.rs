//! Lists that change while they are read, and Sage's own traps.

use std::collections::BTreeSet;

use financial_pulse::domain::freshness::Dataset;
use jiff::SignedDuration;
use pretty_assertions::assert_eq;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::business::{Asked, Business, BusinessServer};
use super::ties::{contact, row};
use super::{Mirror, at, connector, decimal, pages, settings};
use crate::support::script::{Reply, ScriptedServer};

fn invoice(n: usize, second: i64) -> Value {
    let time = at("2026-01-01T00:00:00Z") + SignedDuration::from_secs(second);
    let more = json!({"updated_at": time.to_string()});
    row(&format!("i{n:04}"), "ada", "2026-01-01", "1.0", more)
}

fn invoices(seconds: impl IntoIterator<Item = i64>) -> Business {
    let mut business = Business::default();
    let rows = seconds.into_iter().enumerate();
    *business.list("sales_invoices") = rows.map(|(n, second)| invoice(n, second)).collect();
    business
}

/// The ids of all invoices as read by pages of a size; with how many rows were counted.
async fn read(server: &BusinessServer, page_size: u32) -> (BTreeSet<String>, u64) {
    let mut settings = settings(&server.url);
    settings.page_size = page_size;
    let read = pages(&connector(settings).provider, Dataset::Invoices, None).await;
    let ids = read
        .iter()
        .flat_map(|page| &page.records.documents)
        .map(|record| record.ledger_id.clone())
        .collect();
    (ids, read.iter().map(|page| page.count).sum())
}

#[tokio::test]
async fn every_row_is_read_and_counted_once_whatever_the_size_of_the_pages() {
    // Some by themselves, thirty in one second, some more.
    let seconds = (0..25).chain([30; 30]).chain(40..60);
    let server = BusinessServer::start(invoices(seconds)).await;
    for page_size in [1, 2, 3, 7, 10, 30, 74, 75, 76, 200] {
        let (ids, count) = read(&server, page_size).await;
        assert_eq!((ids.len(), count), (75, 75), "pages of {page_size}");
    }
}

#[tokio::test]
async fn the_end_is_known_by_counting_and_not_by_an_empty_page() {
    let server = BusinessServer::start(invoices(0..40)).await;
    read(&server, 20).await;
    let asked = server.asked();
    // The second page overlaps the first by the row whose time it goes on from.
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|asked| asked.get("page") == Some("1")));
}

#[tokio::test]
async fn a_list_that_names_no_total_ends_with_a_page_that_is_not_full() {
    let rows = |range: std::ops::Range<usize>| -> Vec<_> {
        range
            .map(|n| invoice(n, i64::try_from(n).expect("small")))
            .collect()
    };
    let server = ScriptedServer::start(vec![
        Reply::json(&json!({"$items": rows(0..3)})),
        Reply::json(&json!({"$items": rows(2..4)})),
    ])
    .await;
    let mut settings = settings(&server.url);
    settings.page_size = 3;
    let read = pages(&connector(settings).provider, Dataset::Invoices, None).await;
    let count: u64 = read.iter().map(|page| page.count).sum();
    assert_eq!((read.len(), count), (2, 4));
}

#[tokio::test]
async fn rows_missing_from_a_page_are_no_end() {
    let body = json!({"$total": 9, "$items": []});
    let server = ScriptedServer::start(vec![Reply::json(&body), Reply::json(&body)]).await;
    let page = financial_pulse::provider::AccountingProvider::page(
        &connector(settings(&server.url)).provider,
        &super::access(),
        Dataset::Invoices,
        &super::reference(),
        None,
        None,
    )
    .await;
    assert_eq!(page.expect_err("a fault").code(), "malformed");
}

#[tokio::test]
async fn an_unreadable_cursor_reads_anew() {
    let server = BusinessServer::start(invoices(0..5)).await;
    let provider = connector(settings(&server.url)).provider;
    for text in ["", "{", r#"{"s":99}"#, r#"{"s":-1}"#] {
        let cursor = financial_pulse::provider::Cursor(text.to_owned());
        let page = financial_pulse::provider::AccountingProvider::page(
            &provider,
            &super::access(),
            Dataset::Invoices,
            &super::reference(),
            None,
            Some(&cursor),
        )
        .await;
        assert_eq!(page.expect("a page").count, 5, "{text}");
    }
}

/// Changes a list at random: edits move a row behind, some rows go, some come.
fn stir(rng: &mut StdRng, rows: &mut Vec<Value>, clock: &mut i64, next: &mut usize) {
    for _ in 0..rng.random_range(0..3) {
        *clock += rng.random_range(0..2);
        let time = at("2026-02-01T00:00:00Z") + SignedDuration::from_secs(*clock);
        match rng.random_range(0..4) {
            0 if !rows.is_empty() => {
                let at = rng.random_range(0..rows.len());
                rows.remove(at);
            }
            1 => {
                let mut row = invoice(*next, 0);
                row["updated_at"] = json!(time.to_string());
                *next += 1;
                rows.push(row);
            }
            _ if !rows.is_empty() => {
                let at = rng.random_range(0..rows.len());
                rows[at]["updated_at"] = json!(time.to_string());
                rows[at]["total_amount"] = json!(format!("{}.0", rng.random_range(1..900)));
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn no_row_is_lost_while_the_list_changes() {
    for seed in 0..25 {
        let mut rng = StdRng::seed_from_u64(seed);
        let start: Vec<i64> = (0..rng.random_range(1..80))
            .map(|_| rng.random_range(0..25))
            .collect();
        let business = invoices(start.iter().copied());
        let page_size = rng.random_range(1..40);
        let (mut clock, mut next) = (0, start.len());
        let stirred = move |business: &mut Business, _: &Asked| {
            stir(
                &mut rng,
                business.list("sales_invoices"),
                &mut clock,
                &mut next,
            );
        };
        let server = BusinessServer::start_changing(business, Some(Box::new(stirred))).await;
        let mut settings = settings(&server.url);
        settings.page_size = page_size;
        let provider = connector(settings).provider;
        let mut mirror = Mirror::default();
        for page in pages(&provider, Dataset::Invoices, None).await {
            mirror.apply(page.records);
        }
        // What changed since the read began comes with the next look; all else must be there.
        server.with(|business| {
            let begun = at("2026-02-01T00:00:00Z");
            for row in business.list("sales_invoices") {
                if at(row["updated_at"].as_str().expect("a time")) >= begun {
                    continue;
                }
                let id = format!("invoice:{}", row["id"].as_str().expect("an id"));
                assert_eq!(
                    mirror.document(&id).total,
                    decimal("1"),
                    "seed {seed}, {id}"
                );
            }
        });
    }
}

#[tokio::test]
async fn no_contact_is_lost_while_others_go_come_or_move() {
    for seed in 0..10 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut business = Business::default();
        *business.list("contacts") = (0..600)
            .map(|n| contact(&format!("c{n:03}"), "0.0"))
            .collect();
        business
            .single
            .insert("invoice_settings".to_owned(), json!({}));
        let mut gone = 0;
        let stirred = move |business: &mut Business, asked: &Asked| {
            if asked.path != "contacts" {
                return;
            }
            let rows = business.list("contacts");
            // At times more rows than the pages overlap by.
            for _ in 0..rng.random_range(0..if gone % 4 == 3 { 25 } else { 3 }) {
                let at = rng.random_range(0..rows.len());
                rows.remove(at);
            }
            gone += 1;
            // What comes or changes may stand anywhere, also before the place of the read.
            let changed = "2090-01-01T00:00:00Z";
            if rng.random_bool(0.3) {
                let at = rng.random_range(0..rows.len());
                rows.insert(at, contact(&format!("new{gone}"), "0.0"));
                rows[at]["updated_at"] = json!(changed);
            }
            let at = rng.random_range(0..rows.len());
            let mut moved = rows.remove(at);
            moved["updated_at"] = json!(changed);
            rows.insert(0, moved);
        };
        let server = BusinessServer::start_changing(business, Some(Box::new(stirred))).await;
        let mut settings = settings(&server.url);
        settings.page_size = 120;
        let provider = connector(settings).provider;
        let mut mirror = Mirror::default();
        for page in pages(&provider, Dataset::Customers, None).await {
            mirror.apply(page.records);
        }
        server.with(|business| {
            for row in business.list("contacts") {
                let id = row["id"].as_str().expect("an id");
                let known = mirror.customers.contains_key(&id.into());
                assert!(known, "seed {seed}: {id}");
            }
        });
    }
}

#[tokio::test]
async fn items_are_read_from_both_lists_as_one_dataset() {
    let mut business = Business::default();
    let item = |id: String| {
        json!({"id": id, "displayed_as": id, "description": id,
            "updated_at": "2026-01-01T08:00:00Z"})
    };
    *business.list("products") = (0..250).map(|n| item(format!("p{n}"))).collect();
    *business.list("services") = (0..3).map(|n| item(format!("s{n}"))).collect();
    let server = BusinessServer::start(business).await;
    let read = pages(
        &connector(settings(&server.url)).provider,
        Dataset::Items,
        None,
    )
    .await;
    let mut ids: Vec<_> = read
        .iter()
        .flat_map(|page| &page.records.items)
        .map(|item| item.id.as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 253);
    assert_eq!(read.iter().map(|page| page.count).sum::<u64>(), 253);
    assert_eq!(read[0].expected, Some(250));
    assert_eq!(read.last().and_then(|page| page.expected), Some(253));
}
