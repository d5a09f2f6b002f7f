//! Settings: TOML over the defaults, the environment over both. Every mistake has a place, and no
//! text that we write holds a secret.

use std::path::Path;

use financial_pulse::config::{Config, Place};

use super::{Entry, PARTING, fate};

pub(super) const SETTINGS: Entry = Entry {
    name: "settings",
    longest: 1024,
    sample: 3_000,
    run,
    seeds,
    words: &[
        "[server]\n",
        "[database]\n",
        "[encryption]\n",
        "[session]\n",
        "[native]\n",
        "[pipedrive]\n",
        "[quickbooks]\n",
        "[xero]\n",
        "[sage]\n",
        "[tryton]\n",
        "[sync]\n",
        "[cache]\n",
        "[graphql]\n",
        "[telemetry]\n",
        "public_url = ",
        "key = ",
        "client_secret = ",
        "url = \"sqlite:pulse\"",
        "url = \"postgres://u:p@h/d\"",
        "lifetime = \"10m\"",
        "frame_ancestors = [\"https://*.example.com\"]",
        "PULSE_",
        "__",
        "PULSE_SERVER__PUBLIC_URL=",
        "\"\"\"",
        "'''",
        "0x",
        "1979-05-27T07:32:00Z",
        "inf",
        "= {",
        "\\u0000",
        "64 KiB",
        "18446744073709551615",
        "1h 30m",
        "P1Y",
        "[[",
    ],
};

/// The settings whose value no text of ours may repeat.
const SECRETS: [&str; 8] = [
    "key =",
    "previous_keys =",
    "client_secret =",
    "previous_client_secret =",
    "webhook_key =",
    "previous_webhook_key =",
    "__KEY=",
    "SECRET=",
];

fn run(input: &[u8]) -> u64 {
    let mut parts = input.splitn(2, |byte| *byte == PARTING);
    let file = parts
        .next()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    let environment = parts
        .next()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    // The names of secret files lead out of here.
    if file.contains("_file") || environment.to_ascii_lowercase().contains("_file") {
        return 0;
    }
    let variables: Vec<(String, String)> = environment
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let load = || {
        Config::parse(
            Path::new("pulse.toml"),
            file.clone().into_owned(),
            variables.clone(),
        )
    };
    let secrets = secrets(&file, &environment);
    match load() {
        Err(problems) => {
            assert!(!problems.0.is_empty());
            let lines = file.matches('\n').count() + 1;
            for problem in &problems.0 {
                if let Place::File { line, .. } = &problem.place {
                    assert!(
                        line.is_some_and(|line| (1..=lines).contains(&line)),
                        "{problem}"
                    );
                }
            }
            assert!(problems.0.is_sorted(), "in order");
            let text = problems.to_string();
            for secret in &secrets {
                assert!(!text.contains(secret.as_str()), "{secret} in {text}");
            }
            let settings: Vec<_> = problems
                .0
                .iter()
                .map(|problem| problem.setting.clone())
                .collect();
            fate(settings)
        }
        Ok(config) => {
            let shown = format!("{config:?}");
            for secret in &secrets {
                assert!(!shown.contains(secret.as_str()), "{secret} in {shown}");
            }
            assert_eq!(
                load().map(|config| format!("{config:?}")).ok(),
                Some(shown.clone())
            );
            assert!(!config.server.public_url.as_str().ends_with('/'));
            fate(shown.len())
        }
    }
}

/// Texts in quotes behind the name of a secret, long enough to be told from other words, which stand
/// nowhere else: what is also the name of a setting may be named.
fn secrets(file: &str, environment: &str) -> Vec<String> {
    let once = |secret: &String| {
        let count = |text: &str| text.matches(secret.as_str()).count();
        count(file) + count(environment) == 1
    };
    let lines = file.lines().chain(environment.lines());
    lines
        .filter_map(|line| {
            let (_, value) = SECRETS.iter().find_map(|name| {
                // The whole name, not the end of another one nor a part of a value.
                line.trim_start()
                    .strip_prefix(name)
                    .map(|value| (name, value))
                    .or_else(|| {
                        let (variable, value) = line.split_once('=')?;
                        let is_whole = name.ends_with('=')
                            && variable.starts_with("PULSE_")
                            && variable.ends_with(name.trim_end_matches('='));
                        is_whole.then_some((name, value))
                    })
            })?;
            let value = value.trim();
            let inner = value
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .unwrap_or(value);
            let plain = inner
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_!".contains(&byte));
            // A variable's name is no secret, wherever it was mutated to.
            let secret = inner.len() >= 16 && plain && !inner.starts_with("PULSE_");
            secret.then(|| inner.to_owned())
        })
        .filter(once)
        .collect()
}

fn seeds() -> Vec<Vec<u8>> {
    let key = "07".repeat(32);
    let file = format!(
        "[server]\npublic_url = \"https://pulse.example.com\"\n\n[encryption]\nkey = \"{key}\"\n\n\
         [pipedrive]\nclient_secret = \"a-secret-of-forty-characters-for-pipedrive\"\n\
         frame_ancestors = [\"https://*.example.com\"]\n\n[session]\nlifetime = \"10m\"\n\n\
         [graphql]\nmax_body_bytes = \"64 KiB\"\nmax_depth = 12\n\n[telemetry]\nlog_format = \"json\"\n"
    );
    let environment = format!(
        "PULSE_ENCRYPTION__KEY={key}\nPULSE_QUICKBOOKS__CLIENT_ID=abc\n\
         PULSE_QUICKBOOKS__CLIENT_SECRET=another-secret-of-some-length\n\
         PULSE_DATABASE__URL=postgres://pulse:password-of-the-store@db/pulse\nPULSE_SYNC_POLL=1\n"
    );
    let both =
        |file: &str, environment: &str| [file.as_bytes(), environment.as_bytes()].join(&PARTING);
    vec![
        both(&file, ""),
        both("", &environment),
        both(&file, &environment),
        both(
            &format!("{file}\n[sevrer]\nx = 1\n"),
            "PULSE_SERVER_PUBLIC_URL=https://a.example",
        ),
        both("[encryption]\nkey = \"too-short-but-secret\"\nbroken", ""),
        both("[server\npublic_url = 1\n", &environment),
        // A text left open takes in the secret below it.
        both(
            &format!("[graphql]\nmax_body_bytes = '''64 KiB\n{file}'''\n"),
            "",
        ),
    ]
}
