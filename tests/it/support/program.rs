//! The real program, run on a test's database.

use std::process::{Command, Output};

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
            .env("PULSE_ENCRYPTION__KEY", key);
        if !older.is_empty() {
            command.env("PULSE_ENCRYPTION__OLDER_KEYS", older.join(","));
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
