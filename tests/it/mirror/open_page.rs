//! The customer whose page is open is read before all else.

use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::service::read::RefreshRequests;
use financial_pulse::service::sync::Depth;
use pretty_assertions::assert_eq;

use super::rig::{Rig, Wishes};
use crate::support::databases::for_each_database;

#[tokio::test]
async fn it_is_brought_up_to_date_without_a_poll_and_once_a_minute_at_most() {
    for_each_database(async |database| {
        let store = &database.store;
        let rig = Rig::start(ProviderKind::QuickBooks, store, Wishes::default()).await;
        rig.run(Depth::Due).await.expect("loaded");
        let customer = rig.some_customer().await;
        let key = rig.key_of(&customer).await;
        rig.bill(&customer, "50.00").await;
        rig.refreshes.request(&key);
        assert!(rig.refreshes.waits_for(&rig.connection));
        rig.run(Depth::Asked).await.expect("read");
        assert_eq!(rig.owed(&key).await, rig.ledger_balances().await[&customer]);
        assert!(!rig.refreshes.waits_for(&rig.connection));

        let calls = rig.calls().await;
        rig.refreshes.request(&key);
        rig.run(Depth::Asked).await.expect("nothing to read");
        assert_eq!(rig.calls().await, calls);
    })
    .await;
}
