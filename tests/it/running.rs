//! The program as it runs: what a scanner or a careless client finds at its doors, and what the log
//! keeps of it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use financial_pulse::auth::Role;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// How long the program may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the parameters of a request are called that hold a secret.
const SECRETS: [&str; 8] = [
    "token",
    "jwt",
    "sessionToken",
    "signed_request",
    "context",
    "signature",
    "auth_secret",
    "code",
];

/// The program, serving from a folder of its own.
struct Program {
    folder: TempDir,
    url: String,
    client: reqwest::Client,
    process: Child,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_financial-pulse"));
    command
        .current_dir(folder)
        .args(["--config", "financial-pulse.toml"])
        .args(arguments.split(' '));
    command
}

fn run(folder: &Path, arguments: &str) -> String {
    let output = command(folder, arguments).output().expect("started");
    assert!(output.status.success(), "{arguments}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

impl Program {
    /// Starts it with a tenant and with these settings beside the needed ones.
    async fn start(settings: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder"), settings).await
    }

    async fn start_in(folder: TempDir, settings: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let file = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("written");
        };
        file("crm.secret", &"s".repeat(40));
        file(
            "financial-pulse.toml",
            &format!(
                "[database]\nurl = \"sqlite:pulse.sqlite\"\n[encryption]\nkey = \"{}\"\n\
                 [telemetry]\nlog = \"trace\"\n{settings}\n[server]\nlisten = \"{address}\"\n\
                 public_url = \"https://pulse.example\"\n",
                "07".repeat(32)
            ),
        );
        run(folder.path(), "migrate");
        run(
            folder.path(),
            "tenant add acme --name Acme --crm native --secret-file crm.secret \
             --frame-ancestor https://crm.example",
        );
        let log = File::create(folder.path().join("log")).expect("a log");
        let process = command(folder.path(), "serve")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a handle"))
            .stderr(log)
            .spawn()
            .expect("started");
        let program = Self {
            url: format!("http://{address}"),
            client: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .expect("a client"),
            folder,
            process,
        };
        let started = Instant::now();
        while program
            .client
            .get(program.at("/readyz"))
            .send()
            .await
            .is_err()
        {
            assert!(started.elapsed() < PATIENCE, "{}", program.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        program
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("a log")
    }

    fn token(&self, role: Role) -> String {
        let arguments = format!("token --tenant acme --role {}", role.as_str());
        run(self.folder.path(), &arguments).trim().to_owned()
    }

    async fn ask(&self, token: &str, body: &Value) -> (u16, Value) {
        let request = self
            .client
            .post(self.at("/graphql"))
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .body(body.to_string());
        let answer = request.send().await.expect("answered");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).expect("JSON"))
    }
}

#[tokio::test]
async fn no_secret_of_a_request_is_kept_or_said_again() {
    let program = Program::start("").await;
    // Short, unlike anything else, and in a right token's form as well.
    let secret = "s3cr3t-canary-zq";
    let token = program.token(Role::Rep);
    let (head, signature) = token.rsplit_once('.').expect("a token");
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let mut answers = String::new();
    for path in [
        "/",
        "/graphql",
        "/embed/acme/native",
        "/embed/nobody/native",
        "/embed/pipedrive",
        "/exchange/acme/native",
        "/exchange/pipedrive",
        "/exchange/session",
        "/oauth/quickbooks/callback",
        "/oauth/xero/callback",
        "/oauth/sage/callback",
        "/oauth/tryton/callback",
        "/oauth/nobody/callback",
        "/oauth/xero/organization",
        "/webhooks/quickbooks",
        "/webhooks/xero",
        "/webhooks/nobody",
        "/healthz",
        "/readyz",
        "/metrics",
        "/assets/x.js",
        "/nothing",
    ] {
        for name in SECRETS {
            for value in [secret, forged.as_str()] {
                let query = format!("{name}={value}&state={value}&{name}2={value}");
                let url = program.at(&format!("{path}?{query}"));
                let json = json!({name: value, "token": value}).to_string();
                let form = "application/x-www-form-urlencoded";
                let requests = [
                    program.client.get(&url),
                    program
                        .client
                        .post(&url)
                        .header(CONTENT_TYPE, form)
                        .body(query.clone()),
                    program
                        .client
                        .post(&url)
                        .header(CONTENT_TYPE, "application/json")
                        .body(json),
                    program
                        .client
                        .get(&url)
                        .bearer_auth(value)
                        .header("intuit-signature", value),
                ];
                for request in requests {
                    let answer = request.send().await.expect("answered");
                    writeln!(answers, "{:?}", answer.headers()).expect("written");
                    answers.push_str(&answer.text().await.expect("a body"));
                }
            }
        }
    }
    let metrics = program.client.get(program.at("/metrics")).send().await;
    answers.push_str(&metrics.expect("answered").text().await.expect("a body"));
    let (log, signature) = (program.log(), forged.rsplit('.').next().expect("one"));
    assert!(log.contains("token refused"), "the log is looked at: {log}");
    assert!(log.contains("\"DEBUG\""), "all of it is");
    for secret in [secret, signature, forged.as_str(), head] {
        assert!(!log.contains(secret), "the log holds {secret}");
        assert!(
            !answers.contains(secret),
            "an answer or a metric holds {secret}"
        );
    }
}

#[tokio::test]
async fn the_doors_without_a_token_are_counted_by_address() {
    let settings = "[limits]\naddress_failures_per_minute = 4\naddress_requests_per_minute = 30\n";
    let program = Program::start(settings).await;
    let get = |path: &str| program.client.get(program.at(path)).send();
    for guess in 0..5 {
        let answer = get(&format!("/embed/acme/native?token=guess{guess}")).await;
        assert_eq!(answer.expect("answered").status(), 401);
    }
    for path in [
        "/embed/acme/native?token=x",
        "/embed/pipedrive",
        "/oauth/xero/callback",
    ] {
        let answer = get(path).await.expect("answered");
        assert_eq!(answer.status(), 429, "{path}");
        assert!(answer.headers().contains_key("retry-after"));
        let problem: Value = answer.json().await.expect("JSON");
        assert_eq!(problem["code"], "RATE_LIMITED");
    }
    // What needs nobody's identity goes on.
    assert_eq!(get("/healthz").await.expect("answered").status(), 200);

    let program = Program::start(settings).await;
    for request in 0..40 {
        let sent = program
            .client
            .post(program.at("/webhooks/xero"))
            .body("x")
            .send();
        let status = sent.await.expect("answered").status().as_u16();
        assert_eq!(
            status == 429,
            request >= 30 || status == 429,
            "{request}: {status}"
        );
        if status == 429 {
            return;
        }
    }
    panic!("webhooks were not counted");
}

#[tokio::test]
async fn a_page_is_framed_by_its_tenant_and_by_nobody_else() {
    let program = Program::start("").await;
    let token = program.token(Role::Rep);
    let get = |path: String| program.client.get(program.at(&path)).send();
    let page = get(format!("/embed/acme/native?token={token}"))
        .await
        .expect("answered");
    let header = |name: &str| {
        let value = page.headers().get(name);
        value.map_or(String::new(), |value| {
            value.to_str().expect("text").to_owned()
        })
    };
    // Without a built widget the page says so, and is framed by nobody.
    if page.status() == 200 {
        assert!(header("content-security-policy").ends_with("frame-ancestors https://crm.example"));
        assert_eq!(header("cross-origin-resource-policy"), "cross-origin");
    }
    assert!(header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(header("x-frame-options"), "");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("strict-transport-security"), "max-age=31536000");
    assert!(header("permissions-policy").contains("camera=()"));
    assert_eq!(header("server"), "");
    // A host that the client makes up leads nowhere.
    let made_up = program
        .client
        .get(program.at("/embed/acme/native?token=x"))
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "http");
    let answer = made_up.send().await.expect("answered");
    let said = format!(
        "{:?} {}",
        answer.headers().clone(),
        answer.text().await.expect("a body")
    );
    assert!(!said.contains("evil.example"), "{said}");
}

/// The manifest that the widget's build wrote, where it was built.
fn widget_operations() -> Option<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("widget/dist/operations.json");
    serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
}

#[tokio::test]
async fn the_widget_and_the_operators_documents_are_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = "query Own { viewer { role } }\n";
    fs::create_dir(folder.path().join("documents")).expect("made");
    fs::write(folder.path().join("documents/own.graphql"), own).expect("written");
    let settings = "[graphql]\ntrusted_documents = \"only\"\n\
        trusted_documents_folder = \"documents\"\n";
    let program = Program::start_in(folder, settings).await;
    let token = program.token(Role::Admin);
    let (status, answer) = program.ask(&token, &json!({"query": own})).await;
    assert_eq!(
        (status, &answer["data"]["viewer"]["role"]),
        (200, &json!("ADMIN")),
        "{answer}"
    );
    let hash: [u8; 32] = Sha256::digest(own).into();
    let hash = hash.map(|byte| format!("{byte:02x}")).concat();
    let (status, _) = program.ask(&token, &json!({"documentId": hash})).await;
    assert_eq!(status, 200);
    let (_, answer) = program.ask(&token, &json!({"query": own.trim()})).await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "NOT_FOUND",
        "{answer}"
    );

    // `make` builds the widget before the tests.
    let Some(operations) = widget_operations() else {
        return;
    };
    let operations = operations.as_object().expect("an object");
    assert!(operations.len() > 4);
    for (hash, text) in operations {
        for body in [json!({"query": text}), json!({"documentId": hash})] {
            let (_, answer) = program.ask(&token, &body).await;
            let code = answer["errors"][0]["extensions"]["code"]
                .as_str()
                .unwrap_or_default();
            // Variables are missing, or it is for a socket; but it is known.
            assert_ne!(code, "NOT_FOUND", "{text}: {answer}");
        }
    }
}
