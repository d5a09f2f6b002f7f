//! A place where the real program runs: a folder with its key and settings, a database, and the
//! processes started there.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use financial_pulse::domain::contact::{Link, LinkOrigin};
use financial_pulse::domain::freshness::ConnectionState;
use financial_pulse::domain::ids::{ConnectionId, ContactId, CustomerKey, TenantId};
use financial_pulse::store::{Store, SyncState};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::books::{Books, REALM};
use crate::support::databases::{TestStore, key_text};
use crate::support::webhook::sign;

/// The tenant.
const TENANT: &str = "acme";
/// The connection to the sandbox's books.
pub(super) const CONNECTION: &str = "books";
/// A contact, linked by [`Place::link`].
const CONTACT: &str = "native:contact:anna";
/// What its webhooks are signed with.
pub(super) const WEBHOOK_KEY: &str = "a verifier token of the test";
/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(10);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What a test may set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wishes {
    /// How long a killed process keeps the connection.
    pub(super) lease: &'static str,
    /// How often `serve` polls, in seconds.
    pub(super) poll_seconds: u32,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            lease: "1s",
            poll_seconds: 1,
        }
    }
}

/// An installation with a tenant and an authorized connection that has read nothing yet.
pub(super) struct Place<'a> {
    /// Its database, as a person with a second process would look at it.
    pub(super) store: &'a Store,
    folder: TempDir,
    url: String,
    client: reqwest::Client,
    token: OnceCell<String>,
    runs: AtomicUsize,
}

/// What a process left behind.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Outcome {
    /// The exit status must be this one.
    pub(super) fn exits(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        self
    }
}

impl<'a> Place<'a> {
    /// Sets everything up by the commands that an operator would type.
    pub(super) async fn set_up(database: &'a TestStore, books: &Books, wishes: Wishes) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("written");
        };
        let port = free_port();
        let (sandbox, url) = (books.url(), format!("http://127.0.0.1:{port}"));
        write("pulse.key", &key_text());
        write("crm.secret", &"s".repeat(40));
        write(
            "financial-pulse.toml",
            &format!(
                r#"
[server]
listen = "127.0.0.1:{port}"
public_url = "{url}"
[database]
url = "{database}"
[encryption]
key_file = "pulse.key"
[quickbooks]
client_id = "sandbox-client"
client_secret = "sandbox-secret"
webhook_key = "{WEBHOOK_KEY}"
api_url = "{sandbox}"
authorize_url = "{sandbox}/connect/oauth2"
token_url = "{sandbox}/oauth2/v1/tokens/bearer"
revoke_url = "{sandbox}/v2/oauth2/tokens/revoke"
monthly_reads = 1000000000
requests_per_minute = 1000000
[limits]
# The tests ask as fast as they can.
person_operations_per_minute = 1000000
tenant_operations_per_minute = 1000000
address_requests_per_minute = 1000000
[sync]
lease = "{lease}"
# A few seconds, so that the watermark has to be right and the overlap does not make up for it.
overlap = "2s"
"#,
                database = database.url,
                lease = wishes.lease,
            ),
        );
        let (access, refresh) = books.tokens().await;
        write("access", &access);
        write("refresh", &refresh);
        let place = Self {
            store: &database.store,
            folder,
            url,
            client: reqwest::Client::new(),
            token: OnceCell::new(),
            runs: AtomicUsize::new(0),
        };
        let tenant = "tenant add acme --name Acme --crm native --secret-file crm.secret";
        place.run(tenant).await.exits(0);
        let connection = format!(
            "connection add --tenant {TENANT} --id {CONNECTION} --account {REALM} \
             --time-zone America/Los_Angeles --poll-seconds {} \
             --access-token-file access --refresh-token-file refresh",
            wishes.poll_seconds
        );
        place.run(&connection).await.exits(0);
        place
    }

    /// Starts the program with arguments, written as in a shell without quotes.
    pub(super) fn start(&self, arguments: &str) -> Process {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let file = |name: &str| self.folder.path().join(format!("{run}.{name}"));
        let (stdout, stderr) = (file("out"), file("err"));
        let create = |path: &PathBuf| File::create(path).expect("a file");
        let child = Command::new(env!("CARGO_BIN_EXE_financial-pulse"))
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(create(&stdout))
            .stderr(create(&stderr))
            .spawn()
            .expect("the program starts");
        Process {
            child,
            stdout,
            stderr,
        }
    }

    /// Runs the program to its end.
    pub(super) async fn run(&self, arguments: &str) -> Outcome {
        self.start(arguments).ended(PATIENCE).await
    }

    /// Starts a sync of the connection.
    pub(super) fn start_sync(&self) -> Process {
        self.start(&format!("connection sync {CONNECTION}"))
    }

    /// Syncs the connection; the exit status must be this one.
    pub(super) async fn sync(&self, code: i32) -> Outcome {
        self.start_sync().ended(PATIENCE).await.exits(code)
    }

    /// Starts the service and waits until it answers.
    pub(super) async fn serve(&self) -> Process {
        self.serve_as("serve").await
    }

    /// The same with other arguments.
    pub(super) async fn serve_as(&self, arguments: &str) -> Process {
        let process = self.start(arguments);
        let health = format!("{}/healthz", self.url);
        until("the service answers", async || {
            self.client.get(&health).send().await.is_ok()
        })
        .await;
        process
    }

    /// The connection's state.
    pub(super) async fn connection_state(&self) -> ConnectionState {
        let connection = self.store.connection(&connection()).await;
        connection.expect("read").expect("there").state
    }

    /// How far its sync has come.
    pub(super) async fn sync_state(&self) -> SyncState {
        self.store.sync_state(&connection()).await.expect("read")
    }

    /// Links the contact to a customer.
    pub(super) async fn link(&self, customer: &str) {
        let link = Link {
            contact: ContactId::parse(CONTACT).expect("a contact"),
            customer: CustomerKey::new(connection(), customer),
            origin: LinkOrigin::Import,
            actor: "test".into(),
            linked_at: "2026-05-05T12:00:00Z".parse().expect("a time"),
        };
        let tenant = TenantId::from(TENANT);
        let added = self.store.add_link(&tenant, &link, None).await;
        assert!(added.expect("written"));
    }

    /// What the running service says of the contact.
    pub(super) async fn pulse(&self) -> Value {
        let token = self.token.get_or_init(async || {
            let arguments = format!("token --tenant {TENANT} --role finance");
            let token = self.run(&arguments).await.exits(0).stdout;
            token.trim().to_owned()
        });
        let request = self
            .client
            .post(format!("{}/graphql", self.url))
            .bearer_auth(token.await)
            .header("accept", "application/graphql-response+json")
            .json(&json!({ "query": QUERY, "variables": { "contact": CONTACT } }));
        let answer = request.send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"]["contact"]["pulse"].clone()
    }

    /// Where the running service takes webhooks.
    pub(super) fn webhook_url(&self) -> String {
        format!("{}/webhooks/quickbooks", self.url)
    }

    /// Sends a signed webhook to the running service, as the ledger does; it must be taken.
    pub(super) async fn deliver(&self, events: &Value) {
        let body = events.to_string();
        let request = self.client.post(self.webhook_url());
        let request = request.header("intuit-signature", sign(&body, WEBHOOK_KEY));
        let answer = request.body(body).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
    }

    /// Whether events that were delivered still wait.
    pub(super) async fn has_waiting_events(&self) -> bool {
        let waiting = self.store.connections_with_webhook_events().await;
        !waiting.expect("read").is_empty()
    }

    /// Opens an address of the running service in a browser, so to speak; answers with the status.
    pub(super) async fn open(&self, address: &str) -> u16 {
        assert!(address.starts_with(&self.url), "{address}");
        let answer = self.client.get(address).send().await.expect("an answer");
        answer.status().as_u16()
    }
}

/// Everything that a wrong zero could stand in.
const QUERY: &str = "query ($contact: ID!) { contact(id: $contact) { pulse {
    freshness { status checkedAt }
    balance { byCurrency { outstanding { amount currency } overdue { amount } }
        total { outstanding { amount } } tieOut { status } }
    decision { result reasons { code } }
    credit { exposure { amount } headroom { amount } headroomBand }
    parts { balance { total { outstanding { amount } } } credit { exposure { amount } } }
    behavior { settledCount }
    purchases { netSpend { amount } }
    insights { kind }
} } }";

/// A process of the program; one that a test leaves running is killed.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// The most memory that it has held so far, in bytes, where the system tells (Linux).
    pub(super) fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// Kills it as `kill -9` does: it does nothing more.
    pub(super) fn kill(mut self) {
        self.child.kill().expect("killed");
        let status = self.child.wait().expect("a child");
        assert_eq!(status.code(), None, "it ended before it could be killed");
    }

    /// Asks it to end, as `kill` does.
    pub(super) fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        let told = Command::new("sh").arg("-c").arg(kill).status();
        assert!(told.expect("a shell").success());
    }

    /// Waits for its end.
    pub(super) async fn ended(mut self, within: Duration) -> Outcome {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                let read = |path| fs::read_to_string(path).expect("text");
                return Outcome {
                    status,
                    stdout: read(&self.stdout),
                    stderr: read(&self.stderr),
                };
            }
            assert!(begun.elapsed() < within, "it does not end");
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The connection's id.
pub(super) fn connection() -> ConnectionId {
    ConnectionId::from(CONNECTION)
}

/// Waits until something is so.
pub(super) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
