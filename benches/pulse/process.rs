//! Processes: pinned to a core, measured by the kernel, ended with this program.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Clock ticks per second in `/proc`, a constant of Linux' interface to programs.
const TICKS: f64 = 100.0;

/// A child process that ends when this program does.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts a program on a core, its errors and log in a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let log = std::fs::File::create(log).expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("started");
        Self(child)
    }

    /// The processor time that it has used, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.0.id().to_string())
    }
}

/// The processor time of a process, in seconds; `self` for this one.
pub(crate) fn cpu_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it lives");
    // The second field is the name in brackets, which may hold spaces.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let ticks = |index: usize| -> f64 {
        let field = fields.split_whitespace().nth(index);
        field.and_then(|field| field.parse().ok()).unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / TICKS
}

/// A command that runs on one core.
pub(crate) fn pinned(core: usize, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

/// Moves this process to a core.
pub(crate) fn pin_this_process(core: usize) {
    let moved = Command::new("taskset")
        .args(["-cp", &core.to_string(), &std::process::id().to_string()])
        .stdout(Stdio::null())
        .status();
    assert!(
        moved.is_ok_and(|status| status.success()),
        "pinning to core {core} failed: the benchmark needs taskset and two cores"
    );
}

/// The binary under test, of the same build.
pub(crate) fn service() -> &'static str {
    env!("CARGO_BIN_EXE_financial-pulse")
}

/// A port that is free at this moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Runs a command of the service to its end and gives what it printed.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().expect("run");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// Waits until a server answers.
pub(crate) async fn until_it_answers(url: &str) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    for _ in 0..400 {
        if client.get(url).send().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{url} does not answer");
}

/// The machine's processor, for the report.
pub(crate) fn machine() -> String {
    let file = std::fs::File::open("/proc/cpuinfo").expect("Linux");
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    let names: Vec<String> = lines
        .filter(|line| line.starts_with("model name"))
        .collect();
    let name = names.first().and_then(|line| line.split(": ").nth(1));
    format!("{} x {}", names.len(), name.unwrap_or("unknown"))
}
