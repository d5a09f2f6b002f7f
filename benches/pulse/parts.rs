//! Where the time of an answer goes that is made anew: each step by itself, in this process, on the
//! books that the service read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use financial_pulse::auth::{Identity, Role, Standing};
use financial_pulse::cache::Snapshots;
use financial_pulse::cache::version::Stamp;
use financial_pulse::clock::{Clock, SystemClock};
use financial_pulse::domain::ids::{ContactId, CustomerKey};
use financial_pulse::graphql::documents::Documents;
use financial_pulse::graphql::{SchemaSettings, limits, schema};
use financial_pulse::http::negotiation::Parameters;
use financial_pulse::service::ledger_pages::LedgerPages;
use financial_pulse::service::limits::Limits;
use financial_pulse::service::linking::Linking;
use financial_pulse::service::read::{Reader, RefreshRequests};
use financial_pulse::service::{Caller, Services};

use super::stage::{Stage, TENANT, question};

#[derive(Debug)]
struct Nobody;

impl RefreshRequests for Nobody {
    fn request(&self, _: &CustomerKey) {}
}

/// How deep documents may nest, as the settings have it.
const MAX_DEPTH: usize = 12;

/// Prints the steps.
pub(crate) async fn print(stage: &Stage) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let snapshots = Arc::new(Snapshots::new(1 << 30));
    let reader = Arc::new(Reader::new(
        stage.store.clone(),
        Arc::clone(&clock),
        Arc::clone(&snapshots),
        Arc::new(Nobody),
        LedgerPages::new("https://app.example/app", "https://go.example"),
    ));
    let services = Services {
        reader: Arc::clone(&reader),
        linking: Linking::new(stage.store.clone(), Arc::clone(&clock)),
        limits: Limits::new(stage.store.clone(), Arc::clone(&clock)),
    };
    let schema = schema(services, &SchemaSettings::default());
    let caller = Arc::new(caller(clock.as_ref()));
    let contacts: Vec<ContactId> = stage
        .contacts()
        .iter()
        .map(|contact| ContactId::parse(contact).expect("an id"))
        .collect();

    let documents = Documents::new(MAX_DEPTH);
    let mut steps = Steps::default();
    for contact in &contacts {
        let started = Instant::now();
        let mut stamp = Stamp::default();
        let found = reader.contact(&caller.viewer, contact, None, &mut stamp);
        found.await.expect("read");
        steps.add("first look: snapshot from the mirror", started);
    }
    for (contact, text) in contacts.iter().zip(stage.contacts()).cycle().take(4_000) {
        let body = question(text);
        let started = Instant::now();
        let mut parameters = Parameters::from_body(body.as_bytes()).expect("parameters");
        steps.add("read the body", started);
        let query = parameters.query.take().expect("a text");

        let started = Instant::now();
        limits::parse(&query, MAX_DEPTH).expect("a document");
        steps.add("(parse and measure a new document)", started);

        let started = Instant::now();
        let document = documents.read(&query).expect("a document");
        let document = document.executable.clone();
        steps.add("find the known document", started);

        let started = Instant::now();
        let mut stamp = Stamp::default();
        let found = reader.contact(&caller.viewer, contact, None, &mut stamp);
        let found = found.await.expect("read").expect("a contact");
        steps.add("contact to snapshots, all in memory", started);

        let started = Instant::now();
        let pulse = reader.pulse(&found, None, &mut stamp).expect("a day");
        steps.add("compute the pulse", started);
        drop(pulse);

        let mut request = parameters.into_request(query).data(Arc::clone(&caller));
        request.set_parsed_query(document);
        let started = Instant::now();
        let answer = schema.execute(request).await;
        steps.add("validate, resolve (with both above)", started);

        let started = Instant::now();
        let bytes = serde_json::to_vec(&answer).expect("JSON");
        steps.add("write the answer", started);
        assert!(answer.is_ok() && bytes.len() > 500, "{answer:?}");
    }
    steps.print();
}

fn caller(clock: &dyn Clock) -> Caller {
    let end = clock.now() + jiff::SignedDuration::from_hours(1);
    let identity = Identity {
        tenant: TENANT.into(),
        preset: "native".into(),
        account: None,
        user: "bench".into(),
        name: None,
        signed_role: Some(Role::Finance),
        contact: None,
        company: None,
        locale: None,
        key: "key".into(),
        expires_at: end,
        hard_cap: end,
    };
    let standing = Standing {
        mapped_role: None,
        reps_see_amounts: true,
    };
    Caller {
        viewer: Arc::new(identity.viewer(standing)),
        identity,
    }
}

#[derive(Debug, Default)]
struct Steps(Vec<(&'static str, Vec<Duration>)>);

impl Steps {
    fn add(&mut self, name: &'static str, started: Instant) {
        let took = started.elapsed();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.push(took),
            None => self.0.push((name, vec![took])),
        }
    }

    fn print(&mut self) {
        for (name, all) in &mut self.0 {
            all.sort_unstable();
            let median = all[all.len() / 2].as_secs_f64() * 1e6;
            println!("  {name:<40} {median:>8.1} us");
        }
    }
}
