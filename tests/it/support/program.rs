//! The real program, run on a test's database.

use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::databases::{TestStore, key_text};

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The exit status must be this one.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

impl TestStore {
    /// Runs the program with arguments, written as in a shell without quotes.
    pub(crate) async fn run(&self, arguments: &str) -> Ran {
        self.run_under(&key_text(), &[], arguments).await
    }

    /// The same under another key of encryption, with older ones.
    pub(crate) async fn run_under(&self, key: &str, older: &[&str], arguments: &str) -> Ran {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_financial-pulse"));
        command
            .args(arguments.split_whitespace())
            .current_dir(folder.path())
            .env_clear()
            .env("PULSE_DATABASE__URL", &self.url)
            .env("PULSE_ENCRYPTION__KEY", key)
            .env("PULSE_SERVER__PUBLIC_URL", "http://127.0.0.1")
            // Nobody is there: no test speaks to a ledger that it does not serve itself.
            .env("PULSE_QUICKBOOKS__REVOKE_URL", "http://127.0.0.1:9");
        if !older.is_empty() {
            command.env("PULSE_ENCRYPTION__OLDER_KEYS", older.join(" "));
        }
        let ran = tokio::task::spawn_blocking(move || command.output());
        let Output {
            status,
            stdout,
            stderr,
        } = ran.await.expect("ran").expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Ran {
            code: status.code(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }
}

/// A service that runs as a process of its own; killed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) url: String,
    client: reqwest::Client,
    child: Child,
    _folder: TempDir,
}

impl TestStore {
    /// Starts the service and waits until it answers.
    pub(crate) async fn serve(&self) -> Serving {
        self.serve_under(&key_text(), &[]).await
    }

    /// The same under another key of encryption, with older ones.
    pub(crate) async fn serve_under(&self, key: &str, older: &[&str]) -> Serving {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let url = format!("http://{address}");
        let child = Command::new(env!("CARGO_BIN_EXE_financial-pulse"))
            .args(["serve", "--no-worker"])
            .current_dir(folder.path())
            .env_clear()
            .env("PULSE_DATABASE__URL", &self.url)
            .env("PULSE_ENCRYPTION__KEY", key)
            .env("PULSE_ENCRYPTION__OLDER_KEYS", older.join(" "))
            .env("PULSE_SERVER__LISTEN", address.to_string())
            .env("PULSE_SERVER__PUBLIC_URL", &url)
            // The tests ask as fast as they can.
            .env("PULSE_LIMITS__PERSON_OPERATIONS_PER_MINUTE", "1000000")
            .env("PULSE_LIMITS__TENANT_OPERATIONS_PER_MINUTE", "1000000")
            .env("PULSE_LIMITS__ADDRESS_REQUESTS_PER_MINUTE", "1000000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let serving = Serving {
            url,
            client: reqwest::Client::new(),
            child,
            _folder: folder,
        };
        let begun = Instant::now();
        while serving.get("/readyz").await != Some(200) {
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "it does not start"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        serving
    }
}

impl Serving {
    async fn get(&self, path: &str) -> Option<u16> {
        let answer = self.client.get(format!("{}{path}", self.url)).send();
        Some(answer.await.ok()?.status().as_u16())
    }

    /// A session for a CRM's token.
    pub(crate) async fn session(&self, tenant: &str, token: &str) -> String {
        let request = self
            .client
            .post(format!("{}/exchange/{tenant}/native", self.url))
            .json(&json!({ "token": token }));
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        let given: Value = answer.json().await.expect("JSON");
        given["session"].as_str().expect("a session").to_owned()
    }

    /// Asks for something; answers with the status and the body.
    pub(crate) async fn ask(&self, bearer: &str, query: &str) -> (u16, Value) {
        let request = self
            .client
            .post(format!("{}/graphql", self.url))
            .bearer_auth(bearer)
            .header("accept", "application/graphql-response+json")
            .json(&json!({ "query": query }));
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) {
        let kill = format!("kill -TERM {}", self.child.id());
        let told = Command::new("sh").arg("-c").arg(kill).status();
        assert!(told.expect("a shell").success());
        let begun = Instant::now();
        while self.child.try_wait().expect("a child").is_none() {
            assert!(begun.elapsed() < Duration::from_mins(1), "it does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
