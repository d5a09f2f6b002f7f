//! Sets everything up: the sandbox's books, the service with its first load done, contacts linked,
//! the static handler with one contact's answer.

use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use financial_pulse::crypto::{Key, KeyRing};
use financial_pulse::domain::freshness::Dataset;
use financial_pulse::domain::ids::{ConnectionId, CustomerKey};
use financial_pulse::store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::answers::Answers;
use super::generator::Load;
use super::process::{self, Process, free_port, output, pinned, service, until_it_answers};
use super::{GENERATOR_CORE, SERVER_CORE};

/// The tenant and its connection.
pub(crate) const TENANT: &str = "bench";
pub(crate) const CONNECTION: &str = "bench-quickbooks";

const KEY: [u8; 32] = [9; 32];

/// Which server is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The reference.
    Static,
    /// The service.
    Service,
}

/// How the first load went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstLoad {
    /// Invoices, payments and all other documents.
    pub(crate) documents: u64,
    /// These, and customers, items and so on.
    pub(crate) records: u64,
    pub(crate) took: Duration,
}

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) load: FirstLoad,
    pub(crate) answers: Rc<Answers>,
    pub(crate) store: Store,
    pub(crate) customers: Vec<CustomerKey>,
    contacts: Vec<String>,
    token: String,
    reference: (String, Process),
    service: (String, Process),
    _sandbox: Process,
    _directory: TempDir,
}

impl Stage {
    /// Starts the sandbox with books of so many customers and invoices, loads them, and starts the
    /// servers.
    pub(crate) async fn set_up(customers: usize, invoices: usize) -> Self {
        println!("machine: {}", process::machine());
        let directory = tempfile::tempdir().expect("a directory");
        let place = |name: &str| directory.path().join(name);
        let sandbox_url = format!("http://127.0.0.1:{}", free_port());
        let mut command = pinned(GENERATOR_CORE, service());
        command.args(["sandbox", "--no-limits", "--listen"]);
        command.arg(sandbox_url.trim_start_matches("http://"));
        command.args(["--customers", &customers.to_string()]);
        command.args(["--invoices", &invoices.to_string()]);
        let sandbox = Process::start(&mut command, &place("sandbox.log"));
        until_it_answers(&format!("{sandbox_url}/sandbox")).await;

        let port = free_port();
        let settings = Settings {
            directory: directory.path().to_owned(),
            sandbox_url,
            port,
        };
        let load = settings.first_load().await;
        let keys = KeyRing::new(Key::from_bytes(KEY), Vec::new());
        let store = Store::open(&settings.database(), Arc::new(keys))
            .await
            .expect("opened");
        let customers = customers_of(&store).await;
        let contacts = settings.link(&customers);
        let token = settings.run(&["token", "--tenant", TENANT, "--role", "finance"]);

        let mut command = settings.command(SERVER_CORE);
        let server = Process::start(command.arg("serve"), &place("service.log"));
        until_it_answers(&format!("http://127.0.0.1:{port}/readyz")).await;
        let address = format!("127.0.0.1:{port}");
        let mut made = Vec::with_capacity(contacts.len());
        for contact in &contacts {
            made.push(ask_anew(&address, token.trim(), contact).await);
        }

        let reference_port = free_port();
        std::fs::write(place("answer"), &made[0]).expect("written");
        std::fs::write(place("port"), reference_port.to_string()).expect("written");
        let this = std::env::current_exe().expect("a path");
        let mut command = pinned(SERVER_CORE, &this.display().to_string());
        command.arg("static").arg(directory.path());
        let reference = Process::start(&mut command, &place("static.log"));
        let reference_address = format!("127.0.0.1:{reference_port}");
        until_it_answers(&format!("http://{reference_address}/graphql")).await;

        Self {
            load,
            answers: Rc::new(Answers::new(made)),
            store,
            customers,
            contacts,
            token: token.trim().to_owned(),
            reference: (reference_address, reference),
            service: (address, server),
            _sandbox: sandbox,
            _directory: directory,
        }
    }

    /// A server's address and process.
    pub(crate) fn server(&self, target: Target) -> (&str, &Process) {
        let (address, process) = match target {
            Target::Static => &self.reference,
            Target::Service => &self.service,
        };
        (address, process)
    }

    /// The requests of a load, as they go over the wire.
    pub(crate) fn requests(&self, target: Target, load: Load) -> Vec<Vec<u8>> {
        let (address, _) = self.server(target);
        let contacts = match load {
            Load::One => &self.contacts[..1],
            Load::Any | Load::AnyMade => &self.contacts[..],
        };
        let extra = match load {
            Load::AnyMade => "cache-control: no-cache\r\n",
            Load::One | Load::Any => "",
        };
        let request = |contact: &String| {
            let body = question(contact);
            let head = format!(
                "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
                 content-type: application/json\r\naccept: application/graphql-response+json\r\n\
                 {extra}content-length: {}\r\n\r\n{body}",
                self.token,
                body.len()
            );
            head.into_bytes()
        };
        contacts.iter().map(request).collect()
    }

    /// The size of a question.
    pub(crate) fn request_bytes(&self) -> usize {
        question(&self.contacts[0]).len()
    }

    /// The contacts, in the order of their answers.
    pub(crate) fn contacts(&self) -> &[String] {
        &self.contacts
    }
}

/// How the service is configured.
struct Settings {
    directory: PathBuf,
    sandbox_url: String,
    port: u16,
}

impl Settings {
    fn database(&self) -> String {
        format!("sqlite:{}", self.directory.join("pulse.sqlite").display())
    }

    fn command(&self, core: usize) -> Command {
        let mut command = pinned(core, service());
        let url = &self.sandbox_url;
        command
            .current_dir(&self.directory)
            .env("PULSE_SERVER__LISTEN", format!("127.0.0.1:{}", self.port))
            .env("PULSE_DATABASE__URL", self.database())
            .env("PULSE_ENCRYPTION__KEY", "09".repeat(32))
            .env("PULSE_NATIVE__MAX_AGE", "1h")
            // Counted as ever, and never too many.
            .env("PULSE_LIMITS__PERSON_OPERATIONS_PER_MINUTE", "1000000000")
            .env("PULSE_LIMITS__TENANT_OPERATIONS_PER_MINUTE", "1000000000")
            .env("PULSE_QUICKBOOKS__CLIENT_ID", "sandbox-client")
            .env("PULSE_QUICKBOOKS__CLIENT_SECRET", "sandbox-secret")
            .env("PULSE_QUICKBOOKS__API_URL", url)
            .env(
                "PULSE_QUICKBOOKS__AUTHORIZE_URL",
                format!("{url}/connect/oauth2"),
            )
            .env(
                "PULSE_QUICKBOOKS__TOKEN_URL",
                format!("{url}/oauth2/v1/tokens/bearer"),
            )
            .env(
                "PULSE_QUICKBOOKS__REVOKE_URL",
                format!("{url}/v2/oauth2/tokens/revoke"),
            )
            .env("PULSE_QUICKBOOKS__REQUESTS_PER_MINUTE", "100000")
            .env("PULSE_TELEMETRY__FORMAT", "json");
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        output(self.command(SERVER_CORE).args(arguments))
    }

    /// Adds the tenant and its connection, and reads the books for the first time.
    async fn first_load(&self) -> FirstLoad {
        let file = |name: &str, text: &str| {
            let path = self.directory.join(name);
            std::fs::write(&path, text).expect("written");
            path.display().to_string()
        };
        let secret = file("secret", "the secret of the benchmark's only tenant");
        self.run(&[
            "tenant",
            "add",
            TENANT,
            "--crm",
            "native",
            "--secret-file",
            &secret,
        ]);
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let text = |name: &'static str| format!("{}/sandbox{name}", self.sandbox_url);
        let companies: Value = json_of(client.get(text(""))).await;
        let realm = companies["companies"][0]["company"]
            .as_str()
            .expect("a company");
        let tokens: Value = json_of(
            client
                .post(text("/tokens"))
                .json(&json!({"company": realm})),
        )
        .await;
        let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        let access = file("access", &token("access_token"));
        let refresh = file("refresh", &token("refresh_token"));
        self.run(&[
            "connection",
            "add",
            "--tenant",
            TENANT,
            "--id",
            CONNECTION,
            "--time-zone",
            "America/Los_Angeles",
            "--poll-seconds",
            "1",
            "--account",
            realm,
            "--access-token-file",
            &access,
            "--refresh-token-file",
            &refresh,
        ]);
        let started = Instant::now();
        self.run(&["connection", "sync", CONNECTION]);
        let took = started.elapsed();
        let keys = KeyRing::new(Key::from_bytes(KEY), Vec::new());
        let store = Store::open(&self.database(), Arc::new(keys))
            .await
            .expect("opened");
        let state = store
            .sync_state(&ConnectionId::from(CONNECTION))
            .await
            .expect("read");
        let is_document = |dataset: Dataset| {
            !matches!(
                dataset,
                Dataset::Accounts | Dataset::Terms | Dataset::Items | Dataset::Customers
            )
        };
        let sum = |wanted: &dyn Fn(Dataset) -> bool| -> u64 {
            let sets = state.datasets.iter().filter(|set| wanted(set.dataset));
            sets.map(|set| set.loaded).sum()
        };
        FirstLoad {
            documents: sum(&is_document),
            records: sum(&|_| true),
            took,
        }
    }

    /// Links a contact to each customer.
    fn link(&self, customers: &[CustomerKey]) -> Vec<String> {
        let contact = |key: &CustomerKey| format!("native:contact:{}", key.customer);
        let rows = customers
            .iter()
            .map(|key| format!("{},{key}\n", contact(key)));
        let csv = format!("contact,customer\n{}", rows.collect::<String>());
        let path = self.directory.join("links.csv");
        std::fs::write(&path, csv).expect("written");
        let path = path.display().to_string();
        self.run(&["links", "import", "--tenant", TENANT, &path]);
        customers.iter().map(contact).collect()
    }
}

/// The customers, one with about twenty documents first: that is the contact asked for repeatedly.
async fn customers_of(store: &Store) -> Vec<CustomerKey> {
    let connection = ConnectionId::from(CONNECTION);
    let ids = store.stored_ids(&connection, Dataset::Customers, None, 1_000_000);
    let ids = ids.await.expect("read");
    let mut sized = Vec::with_capacity(ids.len());
    for (id, _) in ids {
        let books = store
            .books(&connection, &[id.as_str().into()])
            .await
            .expect("read");
        let documents = books.first().map_or(0, |books| books.documents.len());
        sized.push((documents.abs_diff(20), CustomerKey::new(CONNECTION, id)));
    }
    sized.sort();
    sized.into_iter().map(|(_, key)| key).collect()
}

/// The widget's question about a contact.
pub(crate) fn question(contact: &str) -> String {
    let variables = json!({"contactId": contact, "company": null});
    json!({"query": document(), "operationName": "Pulse", "variables": variables}).to_string()
}

/// The widget's own document: the operation and every fragment that it spreads.
pub(crate) fn document() -> String {
    let files = [
        include_str!("../../widget/src/api/operations/pulse.graphql"),
        include_str!("../../widget/src/api/operations/contact-parts.graphql"),
        include_str!("../../widget/src/api/operations/pulse-parts.graphql"),
        include_str!("../../widget/src/api/operations/transactions.graphql"),
    ];
    let definitions: Vec<String> = files
        .iter()
        .flat_map(|file| file.split_inclusive("\n}\n"))
        .map(|definition| {
            let lines = definition
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'));
            lines.collect::<Vec<_>>().join("\n")
        })
        .collect();
    let mut wanted = vec!["query Pulse(".to_owned()];
    let mut taken: Vec<&String> = Vec::new();
    while let Some(head) = wanted.pop() {
        let found = definitions
            .iter()
            .find(|text| text.trim_start().starts_with(&head));
        let definition = found.unwrap_or_else(|| panic!("`{head}` is in no file"));
        if taken.contains(&definition) {
            continue;
        }
        taken.push(definition);
        let spreads = definition.split("...").skip(1);
        wanted.extend(spreads.map(|rest| {
            let name: String = rest
                .chars()
                .take_while(|letter| letter.is_alphanumeric())
                .collect();
            format!("fragment {name} on")
        }));
    }
    taken
        .into_iter()
        .map(|text| text.trim())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Asks the executor, which may use no kept answer.
async fn ask_anew(address: &str, token: &str, contact: &str) -> Bytes {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let request = client
        .post(format!("http://{address}/graphql"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("accept", "application/graphql-response+json")
        .header("cache-control", "no-cache")
        .body(question(contact));
    let body = request
        .send()
        .await
        .expect("answered")
        .bytes()
        .await
        .expect("a body");
    let answer: Value = serde_json::from_slice(&body).expect("JSON");
    assert!(
        answer.get("errors").is_none() && !answer["data"]["contact"]["pulse"].is_null(),
        "{contact}: {answer}"
    );
    body
}

async fn json_of(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.expect("answered");
    answer.json().await.expect("JSON")
}
