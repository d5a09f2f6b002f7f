//! The configuration: its layers, and what it says about mistakes.

use std::path::PathBuf;
use std::time::Duration;

use financial_pulse::config::{ByteSize, Config, DEFAULTS, IntrospectionPolicy, LogFormat};
use pretty_assertions::assert_eq;
use secrecy::ExposeSecret;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Loads a file's text and variables; an error comes as its lines, with the file named `pulse.toml`.
fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("pulse.toml");
    std::fs::write(&path, text).expect("a written file");
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(Some(&path), variables).map_err(|problems| {
        let place = format!("{}/", directory.path().display());
        problems
            .0
            .iter()
            .map(|problem| problem.to_string().replace(&place, ""))
            .collect()
    })
}

fn load_with_key(text: &str) -> Result<Config, Vec<String>> {
    load(text, &[("PULSE_ENCRYPTION__KEY", KEY)])
}

fn problems(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match load(text, variables) {
        Ok(_) => panic!("this passed: {text}"),
        Err(lines) => lines,
    }
}

#[test]
fn the_default_file_says_what_holds_without_a_file() {
    let environment = || [("PULSE_ENCRYPTION__KEY".to_owned(), KEY.to_owned())];
    let without = Config::load(None, environment()).expect("the defaults");
    let with = load_with_key(DEFAULTS).expect("the default file");
    assert_eq!(format!("{without:#?}"), format!("{with:#?}"));

    assert_eq!(without.server.listen, ([127, 0, 0, 1], 8080).into());
    assert_eq!(without.session.lifetime, Duration::from_mins(10));
    assert_eq!(without.cache.snapshot_bytes, ByteSize(256 << 20));
    assert_eq!(without.telemetry.format, LogFormat::Json);
    assert_eq!(without.quickbooks.monthly_reads, 500_000);
    assert_eq!(without.xero.daily_calls, 1000);
    assert_eq!(without.xero.poll_interval, Duration::from_mins(30));
    assert_eq!(without.sage.daily_calls, 1_296_000);
    assert_eq!(without.sage.poll_interval, Duration::from_mins(15));
}

/// Uncommenting what the default file offers gives a configuration that names both halves of each
/// secret, and nothing unknown.
#[test]
fn what_the_default_file_offers_exists() {
    let offered: String = DEFAULTS
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.split(" = ").count() == 2 => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_ne!(offered.trim(), DEFAULTS.trim());
    for line in problems(&offered, &[]) {
        assert!(line.contains("keep one of the two"), "{line}");
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let config = load(
        "[session]\nlifetime = \"5m\"\nhard_cap = \"1h\"\n[pipedrive]\nframe_ancestors = []\n",
        &[
            ("PULSE_ENCRYPTION__KEY", KEY),
            ("PULSE_SESSION__LIFETIME", "90s"),
            ("PULSE_GRAPHQL__INTROSPECTION", "on"),
            ("PULSE_SYNC__WORKERS", "9"),
            ("PULSE_GRAPHQL__MAX_BODY_BYTES", "1 MiB"),
            (
                "PULSE_PIPEDRIVE__FRAME_ANCESTORS",
                "https://acme.pipedrive.com, http://127.0.0.1:8090",
            ),
            ("PULSE_CONTRACTS", "not a setting"),
            ("PATH", "not ours"),
        ],
    )
    .expect("a right configuration");
    assert_eq!(config.session.lifetime, Duration::from_secs(90));
    assert_eq!(config.session.hard_cap, Duration::from_hours(1));
    assert_eq!(config.graphql.introspection, IntrospectionPolicy::On);
    assert_eq!(config.sync.workers.get(), 9);
    assert_eq!(config.graphql.max_body_bytes, ByteSize(1 << 20));
    let ancestors: Vec<_> = config
        .pipedrive
        .frame_ancestors
        .iter()
        .map(|ancestor| ancestor.as_str().to_owned())
        .collect();
    assert_eq!(
        ancestors,
        ["https://acme.pipedrive.com", "http://127.0.0.1:8090"]
    );
}

#[test]
fn keys_are_hex_or_base64_and_may_stand_in_a_file() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let hex = directory.path().join("hex.key");
    std::fs::write(&hex, format!("{KEY}\n")).expect("a written key");
    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    std::fs::write(directory.path().join("pulse.key"), base64).expect("a written key");
    let file = directory.path().join("pulse.toml");
    // A relative name counts from the directory of the configuration file.
    std::fs::write(&file, "[encryption]\nkey_file = \"pulse.key\"\n").expect("a written file");

    let from_file = Config::load(Some(&file), []).expect("base64 in a file");
    let from_variable = Config::load(
        Some(&file),
        [(
            "PULSE_ENCRYPTION__KEY_FILE".to_owned(),
            hex.display().to_string(),
        )],
    )
    .expect("the environment's file replaces the configured one");
    assert_eq!(from_file.encryption.key.expose()[31], 0x1f);
    assert_eq!(
        from_file.encryption.key.expose(),
        from_variable.encryption.key.expose()
    );

    let older = format!("{KEY}\n{base64}\n");
    let rotated = load(
        "",
        &[
            ("PULSE_ENCRYPTION__KEY", base64),
            ("PULSE_ENCRYPTION__OLDER_KEYS", &older),
        ],
    )
    .expect("two older keys");
    assert_eq!(
        rotated.encryption.older_keys.map(|keys| keys.len()),
        Some(2)
    );
}

#[test]
fn showing_a_configuration_shows_no_secret() {
    let secret = "a-client-secret-of-forty-characters-here";
    let text = format!(
        "[database]\nurl = \"postgres://pulse:hunter2@db.example/pulse?password=hunter2\"\n\
         [pipedrive]\nclient_secret = \"{secret}\"\n\
         [quickbooks]\nclient_id = \"app\"\nclient_secret = \"{secret}\"\n"
    );
    let config = load_with_key(&text).expect("a right configuration");
    let shown = format!("{config:?} {config:#?}");
    for hidden in [secret, "hunter2", "0001020304", "00, 1, 2"] {
        assert!(!shown.contains(hidden), "{hidden} is shown");
    }
    assert!(shown.contains("postgres://db.example/pulse"));
    let kept = config.pipedrive.client_secret.expect("the secret");
    assert_eq!(kept.expose_secret(), secret);
}

/// Each wrong file, and the one line that must be said about it.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_mistake_is_named_at_its_line_with_what_to_write() {
    let cases = [
        (
            "[server]\nlisten = \"localhost\"\n",
            "pulse.toml:2: server.listen: \"localhost\" does not fit; write an address with a port, such as \"127.0.0.1:8080\"",
        ),
        (
            "[server]\n\nlistne = \"127.0.0.1:1\"\n",
            "pulse.toml:3: server.listne: there is no such setting; did you mean listen?",
        ),
        (
            "[sesion]\nlifetime = \"1m\"\n",
            "pulse.toml:1: sesion: there is no such section; did you mean [session]?",
        ),
        (
            "[weather]\n",
            "pulse.toml:1: weather: there is no such section",
        ),
        (
            "[server]\npoll_interval = \"1m\"\n",
            "pulse.toml:2: server.poll_interval: this setting belongs below [quickbooks]",
        ),
        (
            "[cache]\nflavor = 1\n",
            "pulse.toml:2: cache.flavor: there is no such setting; [cache] has snapshot_bytes, answer_bytes, watch_interval",
        ),
        (
            "lifetime = \"1m\"\n",
            "pulse.toml:1: lifetime: settings stand in sections; write it below [session]",
        ),
        (
            "telemetry = \"info\"\n",
            "pulse.toml:1: telemetry: this is a section; write [telemetry] and its settings on the lines below",
        ),
        (
            "[session]\nlifetime = 600\n",
            "pulse.toml:2: session.lifetime: 600 does not fit; write a duration with its unit, such as \"15m\"",
        ),
        (
            "[session]\nlifetime = \"soon\"\n",
            "pulse.toml:2: session.lifetime: \"soon\" does not fit; write a duration with its unit, such as \"15m\"",
        ),
        (
            "[session]\nlifetime = \"-5m\"\n",
            "pulse.toml:2: session.lifetime: \"-5m\" does not fit; write a duration with its unit, such as \"15m\"",
        ),
        (
            "[session]\nlifetime = \"0s\"\n",
            "pulse.toml:2: session.lifetime: this is too short; write at least \"1s\"",
        ),
        (
            "[session]\nlifetime = \"2h\"\n",
            "pulse.toml:2: session.lifetime: this is too long; write at most \"1h\"",
        ),
        (
            "[session]\nlifetime = \"10m\"\nhard_cap = \"5m\"\n",
            "pulse.toml:3: session.hard_cap: the cap is shorter than one session's lifetime; write at least that",
        ),
        (
            "[native]\nleeway = \"5m\"\n",
            "pulse.toml:2: native.leeway: this is too long; write at most \"60s\"",
        ),
        (
            "[native]\ntoken_uses = 0\n",
            "pulse.toml:2: native.token_uses: 0 does not fit; write a whole number of at least 1, such as 8",
        ),
        (
            "[graphql]\nmax_depth = \"12\"\n",
            "pulse.toml:2: graphql.max_depth: \"12\" does not fit; write a whole number of at least 1, such as 8",
        ),
        (
            "[graphql]\nintrospection = \"yes\"\n",
            "pulse.toml:2: graphql.introspection: \"yes\" does not fit; write \"off\", \"admin\" or \"on\"",
        ),
        (
            "[graphql]\nmax_body_bytes = \"64 KB\"\n",
            "pulse.toml:2: graphql.max_body_bytes: \"64 KB\" does not fit; write a size, such as \"64 KiB\" or 65536",
        ),
        (
            "[sync]\nworkers = -1\n",
            "pulse.toml:2: sync.workers: -1 does not fit; write a whole number of at least 1, such as 8",
        ),
        (
            "[sync]\nworkers = 2.5\n",
            "pulse.toml:2: sync.workers: 2.5 does not fit; write a whole number of at least 1, such as 8",
        ),
        (
            "[server]\npublic_url = \"http://pulse.example.com\"\n",
            "pulse.toml:2: server.public_url: \"http://pulse.example.com\" does not fit; write an https address (http only on this machine), such as \"https://api.example.com\"",
        ),
        (
            "[server]\npublic_url = \"https://example.com/pulse\"\n",
            "pulse.toml:2: server.public_url: the address stands for the whole server and has no path; write \"https://example.com\"",
        ),
        (
            "[quickbooks]\napi_url = \"quickbooks.api.intuit.com\"\n",
            "pulse.toml:2: quickbooks.api_url: \"quickbooks.api.intuit.com\" does not fit; write an https address (http only on this machine), such as \"https://api.example.com\"",
        ),
        (
            "[quickbooks]\nclient_id = \"app\"\n",
            "not set: quickbooks.client_secret: client_id and client_secret go together; give both or neither",
        ),
        (
            "[xero]\nclient_secret = \"s\"\n",
            "not set: xero.client_id: client_id and client_secret go together; give both or neither",
        ),
        (
            "[sage]\nclient_secret = \"s\"\n",
            "not set: sage.client_id: client_id and client_secret go together; give both or neither",
        ),
        (
            "[quickbooks]\nclient_id = \"app\"\nclient_secret = \"s\"\nclient_secret_file = \"f\"\n",
            "pulse.toml:4: quickbooks.client_secret_file: client_secret is given too; keep one of the two",
        ),
        (
            "[pipedrive]\nclient_secret_file = \"nowhere.secret\"\n",
            "pulse.toml:2: pipedrive.client_secret_file: nowhere.secret cannot be read: No such file or directory (os error 2)",
        ),
        (
            "[pipedrive]\nclient_secret = \"short\"\n",
            "pulse.toml:2: pipedrive.client_secret: the secret is too short to sign with; it must have at least 32 characters",
        ),
        (
            "[pipedrive]\nframe_ancestors = [\"https://*.com\"]\n",
            "pulse.toml:2: pipedrive.frame_ancestors: this list does not fit; write a list of https origins, such as [\"https://acme.pipedrive.com\"]",
        ),
        (
            "[pipedrive]\nframe_ancestors = [\"https://*.crm'.example\"]\n",
            "pulse.toml:2: pipedrive.frame_ancestors: this list does not fit; write a list of https origins, such as [\"https://acme.pipedrive.com\"]",
        ),
        (
            "[pipedrive]\nframe_ancestors = [\"http://[::1]:8080\"]\n",
            "pulse.toml:2: pipedrive.frame_ancestors: this list does not fit; write a list of https origins, such as [\"https://acme.pipedrive.com\"]",
        ),
        (
            "[pipedrive]\nframe_ancestors = \"https://a.example; script-src *\"\n",
            "pulse.toml:2: pipedrive.frame_ancestors: \"https://a.example; script-src *\" does not fit; write a list of https origins, such as [\"https://acme.pipedrive.com\"]",
        ),
        (
            "[database]\nurl = \"mysql://root:hunter2@db/pulse\"\n",
            "pulse.toml:2: database.url: this is not \"sqlite:FILE\" or \"postgres://USER:PASSWORD@HOST/DATABASE\"",
        ),
        (
            "[telemetry]\nformat = \"xml\"\n",
            "pulse.toml:2: telemetry.format: \"xml\" does not fit; write \"json\" or \"pretty\"",
        ),
        (
            "[telemetry]\nlog = \"loud\"\n",
            "pulse.toml:2: telemetry.log: \"loud\" does not fit; write a level (\"info\") or a filter such as \"info,financial_pulse::service=debug\"",
        ),
    ];
    for (text, expected) in cases {
        let lines = load_with_key(text).expect_err(text);
        assert_eq!(lines, [expected], "for {text}");
    }
}

#[test]
fn a_mistake_in_the_environment_is_named_by_its_variable() {
    let cases = [
        (
            ("PULSE_SESSION__LIFETIME", "soon"),
            "environment variable PULSE_SESSION__LIFETIME: session.lifetime: \"soon\" does not fit; write a duration with its unit, such as \"15m\"",
        ),
        (
            ("PULSE_SESSION__LIFTIME", "5m"),
            "environment variable PULSE_SESSION__LIFTIME: there is no such setting; did you mean PULSE_SESSION__LIFETIME?",
        ),
        (
            ("PULSE_SESION__LIFTIME", "5m"),
            "environment variable PULSE_SESION__LIFTIME: there is no such setting; did you mean PULSE_SESSION__LIFETIME?",
        ),
        (
            ("PULSE_NOTHING__LIKE_IT", "5m"),
            "environment variable PULSE_NOTHING__LIKE_IT: there is no such setting",
        ),
        (
            ("PULSE_SESSION_LIFETIME", "5m"),
            "environment variable PULSE_SESSION_LIFETIME: section and setting are parted by two underscores, in capitals; write PULSE_SESSION__LIFETIME",
        ),
        (
            ("PULSE_session__lifetime", "5m"),
            "environment variable PULSE_session__lifetime: section and setting are parted by two underscores, in capitals; write PULSE_SESSION__LIFETIME",
        ),
        (
            ("PULSE_ENCRYPTION__OLDER_KEYS", "hunter2"),
            "environment variable PULSE_ENCRYPTION__OLDER_KEYS: encryption.older_keys: this is not keys separated by spaces or lines, each 64 hex digits or base64",
        ),
    ];
    for (variable, expected) in cases {
        let lines = problems("", &[("PULSE_ENCRYPTION__KEY", KEY), variable]);
        assert_eq!(lines, [expected]);
    }
}

#[test]
fn without_an_encryption_key_nothing_starts_and_the_refusal_says_how_to_make_one() {
    let [line] = problems("", &[]).try_into().expect("one mistake");
    assert!(line.starts_with("not set: encryption.key: this is required"));
    assert!(line.contains("openssl rand -hex 32"));
    assert!(line.contains("PULSE_ENCRYPTION__KEY"));

    let short = problems("[encryption]\nkey = \"c2hvcnQ=\"\n", &[]);
    assert_eq!(short.len(), 1);
    assert!(short[0].starts_with("pulse.toml:2: encryption.key: this is not 32 random bytes"));
}

#[test]
fn every_mistake_is_reported_at_once_in_the_order_of_the_lines() {
    let lines = problems(
        "[session]\nlifetime = 5\ncolor = \"red\"\n[sync]\nworkers = 0\n[telemetry]\nformat = 1\n",
        &[("PULSE_CACHE__ANSWER_BYTES", "much")],
    );
    let places: Vec<_> = lines
        .iter()
        .map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(": "))
        .collect();
    assert_eq!(
        places,
        [
            "pulse.toml:2: session.lifetime",
            "pulse.toml:3: session.color",
            "pulse.toml:5: sync.workers",
            "pulse.toml:7: telemetry.format",
            "environment variable PULSE_CACHE__ANSWER_BYTES: cache.answer_bytes",
            "not set: encryption.key",
        ]
    );
}

#[test]
fn several_breaks_of_the_syntax_are_each_named_and_hide_no_other_mistake() {
    let lines = load_with_key(
        "[server]\nlisten = \n[session]\nlifetime = \"5m\n[sync]\nworkers = 0\n[sync]\n",
    )
    .expect_err("three breaks");
    let at = |line: usize| {
        let start = format!("pulse.toml:{line}: ");
        lines.iter().filter(|text| text.starts_with(&start)).count()
    };
    assert_eq!((at(2), at(4), at(6), at(7)), (1, 1, 1, 1), "{lines:#?}");
}

/// Found by fuzzing: a quotation mark left open takes in the secrets of the lines below it.
#[test]
fn a_text_of_several_lines_is_not_repeated() {
    let lines = load_with_key(
        "[graphql]\nmax_body_bytes = '''64 KiB\n[pipedrive]\nclient_secret = \"hunter2-hunter2-hunter2\"\n'''\n",
    )
    .expect_err("not a size");
    assert_eq!(
        lines,
        [
            "pulse.toml:2: graphql.max_body_bytes: this text of 3 lines does not fit; write a size, such as \"64 KiB\" or 65536"
        ]
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let path = PathBuf::from("/nowhere/pulse.toml");
    let problems = Config::load(Some(&path), []).expect_err("no such file");
    let text = problems.to_string();
    assert!(text.contains("/nowhere/pulse.toml: the configuration file cannot be read"));
}
