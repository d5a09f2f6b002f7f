//! The company of the contract suite, kept by a running Tryton: the same figures as from every other
//! ledger.

use pretty_assertions::assert_eq;
use rust_decimal::Decimal;

use super::live::{Mirror, mirrors, today};
use super::rpc::{Books, described};
use crate::contract::company::Company;
use crate::contract::picture::{Pictures, expected, observed, payment_behavior};
use financial_pulse::domain::connection::ProviderKind;
use std::sync::Arc;

#[tokio::test]
async fn a_running_ledger_yields_the_same_figures_as_all_others() {
    let Some(server) = described() else { return };
    let books = Arc::new(Books::open(&server, "contract").await);
    let company = Company::read();
    let wanted = without_numbers(expected(&company, today()));
    for mirror in mirrors(&books).await {
        let mut pictures = Pictures::new();
        for party in &company.customers {
            let (name, picture) = picture_of(&mirror, &party.key).await;
            pictures.insert(name, picture);
        }
        for (name, picture) in &without_numbers(pictures) {
            assert_eq!(Some(picture), wanted.get(name), "{name}");
        }
        let late = mirror.stored("late").await.remove(0);
        let behavior = payment_behavior(Arc::unwrap_or_clone(late), today()).remove(0);
        assert_eq!(behavior.settled_count, 3);
        assert_eq!(
            behavior.days_beyond_terms.round_dp(3),
            Decimal::new(29_667, 3)
        );
    }
}

async fn picture_of(
    mirror: &Mirror,
    customer: &str,
) -> (String, crate::contract::picture::Picture) {
    let books = mirror.stored(customer).await.remove(0);
    observed(ProviderKind::Tryton, Arc::unwrap_or_clone(books), today())
}

/// Tryton gives its own numbers out.
fn without_numbers(mut pictures: Pictures) -> Pictures {
    for picture in pictures.values_mut() {
        for paper in &mut picture.papers {
            paper.0.clear();
        }
        picture.papers.sort();
    }
    pictures
}
