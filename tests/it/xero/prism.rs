//! Xero's own published description, served by Prism, takes every request that the connector makes,
//! and its examples convert. `make test-prism` starts Prism and runs this; what Prism calls invalid
//! fails here by its status, and in the script by Prism's log.

use std::sync::Arc;

use financial_pulse::clock::SystemClock;
use financial_pulse::domain::ids::CustomerId;
use financial_pulse::provider::AccountingProvider;
use financial_pulse::provider::xero::Xero;

use super::{CountingMeter, access, at, reference, settings};

#[tokio::test]
#[ignore = "needs Prism: make test-prism"]
async fn the_published_description_takes_every_request() {
    #[expect(
        clippy::disallowed_methods,
        reason = "belongs to the tests, not to the settings"
    )]
    let url = std::env::var("PULSE_PRISM_URL").expect("PULSE_PRISM_URL names a running Prism");
    let mut settings = settings(&url);
    settings.api_url = url;
    settings.http.request_timeout = std::time::Duration::from_secs(30);
    settings.http.retry.attempts = 1;
    let meter = Arc::new(CountingMeter::default());
    let provider = Xero::new(settings, Arc::new(SystemClock), Arc::clone(&meter) as _);
    let provider = provider.expect("a connector");
    let (access, reference) = (access(), reference());

    let organization = provider.organization(&access).await;
    organization.unwrap_or_else(|error| panic!("organization: {error}"));
    for &dataset in provider.capabilities().datasets {
        for since in [None, Some(at("2026-04-24T12:04:04.663Z"))] {
            let page = provider.page(&access, dataset, &reference, since, None);
            let page = page
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", dataset.as_str()));
            assert!(page.count > 0, "{} has an example", dataset.as_str());
        }
    }
    let customer = CustomerId::from("88192a99-cbc5-4a66-bf1a-2f9fea2d36d0");
    let records = provider.customer(&access, &reference, &customer).await;
    let records = records.unwrap_or_else(|error| panic!("customer: {error}"));
    assert!(!records.customers.is_empty() && !records.documents.is_empty());
    // The organization, two pages of each of seven lists, the contacts of changed documents, and
    // five calls for one customer.
    assert!(meter.spent() > 1 + 14 + 5, "{}", meter.spent());
}
