//! Rotating the key of encryption while requests run: two instances, as a rolling restart has them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use financial_pulse::store::TenantSettings;
use pretty_assertions::assert_eq;
use tokio::sync::RwLock;

use super::tenants::whole_tenant;
use crate::support::databases::{TestStore, for_each_database, key_text};
use crate::support::program::Serving;

const QUERY: &str = "{ viewer { role } }";

/// The key that takes the place of the tests' own.
fn new_key() -> String {
    "a7".repeat(32)
}

/// Asks every running instance with every bearer until told to end; counts what was answered.
struct Traffic {
    servers: Arc<RwLock<Vec<Serving>>>,
    bearers: Arc<RwLock<Vec<String>>>,
    answered: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    asking: tokio::task::JoinHandle<()>,
}

impl Traffic {
    fn start() -> Self {
        let servers: Arc<RwLock<Vec<Serving>>> = Arc::default();
        let bearers: Arc<RwLock<Vec<String>>> = Arc::default();
        let (answered, over) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let asking = tokio::spawn({
            let (servers, bearers) = (Arc::clone(&servers), Arc::clone(&bearers));
            let (answered, over) = (Arc::clone(&answered), Arc::clone(&over));
            async move {
                while !over.load(Ordering::Relaxed) {
                    let bearers = bearers.read().await.clone();
                    let servers = servers.read().await;
                    for server in &*servers {
                        for bearer in &bearers {
                            let (status, body) = server.ask(bearer, QUERY).await;
                            assert_eq!(status, 200, "{body}");
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    drop(servers);
                    tokio::task::yield_now().await;
                }
            }
        });
        Self {
            servers,
            bearers,
            answered,
            over,
            asking,
        }
    }

    /// Starts an instance and signs somebody in there.
    async fn join(&self, database: &TestStore, key: &str, older: &[&str]) {
        let server = database.serve_under(key, older).await;
        let minted = database
            .run_under(key, older, "token --tenant acme --role finance")
            .await;
        let token = minted.exits(0).stdout.trim().to_owned();
        let session = server.session("acme", &token).await;
        self.servers.write().await.push(server);
        self.bearers.write().await.extend([token, session]);
        self.some().await;
    }

    /// Stops the oldest instance.
    async fn leave(&self) {
        let oldest = self.servers.write().await.remove(0);
        oldest.stop().await;
        self.some().await;
    }

    /// Waits for some more answers.
    async fn some(&self) {
        let until = self.answered.load(Ordering::Relaxed) + 30;
        while self.answered.load(Ordering::Relaxed) < until {
            assert!(!self.asking.is_finished(), "a request failed");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    async fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        self.asking.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_is_rotated_while_requests_run_and_none_fails() {
    for_each_database(async |database| {
        whole_tenant(&database.store, "acme", TenantSettings::default()).await;
        let (old, new) = (key_text(), new_key());
        let (old, new) = (old.as_str(), new.as_str());
        let traffic = Traffic::start();
        // The first instance knows the new key before anybody seals or signs under it.
        traffic.join(database, old, &[new]).await;
        traffic.join(database, new, &[old]).await;
        let before = database
            .run_under(new, &[old], "keys status")
            .await
            .exits(0);
        assert!(before.stdout.contains("still seals secrets"), "{before:?}");
        let resealed = database
            .run_under(new, &[old], "keys reseal")
            .await
            .exits(0);
        assert!(
            resealed.stdout.contains("4 secrets sealed anew"),
            "{resealed:?}"
        );
        assert!(resealed.stdout.contains("seals nothing"), "{resealed:?}");
        traffic.some().await;
        traffic.leave().await;
        // What the old instance signed still counts, and the trail still fits.
        database
            .run_under(new, &[old], "audit verify")
            .await
            .exits(0);
        let again = database
            .run_under(new, &[old], "keys reseal")
            .await
            .exits(0);
        assert!(again.stdout.contains("0 secrets sealed anew"), "{again:?}");
        traffic.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_key_taken_out_too_early_is_told() {
    for_each_database(async |database| {
        whole_tenant(&database.store, "acme", TenantSettings::default()).await;
        let new = new_key();
        let lost = database.run_under(&new, &[], "keys status").await.exits(1);
        assert!(lost.stdout.contains("NOT CONFIGURED"), "{lost:?}");
        let lost = database.run_under(&new, &[], "keys reseal").await.exits(1);
        assert!(
            lost.stdout.contains("a key that is not configured"),
            "{lost:?}"
        );
        // Without the key of the chains there is no adding to them.
        let role = "tenant role acme --crm native --user jo --role rep";
        database.run_under(&new, &[], role).await.exits(1);
        database.run(role).await.exits(0);
        database.run("audit verify").await.exits(0);
    })
    .await;
}
