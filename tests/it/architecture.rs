//! The structure's own rules: which layer may import which, where floating point may stand, and that
//! no stored file speaks of the machine it was made on.

use std::fs;
use std::path::{Path, PathBuf};

/// What each module of the crate may import from it. A module that is not listed may not exist.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &[]),
    ("crypto", &[]),
    ("config", &[]),
    ("telemetry", &[]),
    ("outbound", &[]),
    ("provider", &["domain", "clock", "telemetry"]),
    ("store", &["domain", "clock", "crypto", "telemetry"]),
    (
        "auth",
        &["domain", "clock", "config", "telemetry", "outbound"],
    ),
    ("cache", &["domain", "clock", "telemetry", "store"]),
    (
        "service",
        &[
            "domain",
            "clock",
            "telemetry",
            "provider",
            "store",
            "auth",
            "cache",
        ],
    ),
    ("graphql", &["domain", "clock", "auth", "service", "cache"]),
    (
        "worker",
        &[
            "domain",
            "clock",
            "telemetry",
            "provider",
            "store",
            "service",
        ],
    ),
    (
        "http",
        &[
            "domain",
            "clock",
            "telemetry",
            "auth",
            "cache",
            "store",
            "service",
            "graphql",
            "config",
        ],
    ),
    ("sandbox", &["clock"]),
    ("demo", &["clock", "sandbox"]),
    ("app", &["*"]),
    ("cli", &["*"]),
    ("main", &["*"]),
    ("lib", &["*"]),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("readable folder") {
        let path = entry.expect("readable entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The module of the crate that a source file belongs to.
fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).expect("below src");
    let first = relative.iter().next().expect("a name").to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules of the crate that a line of code names: `crate::store::Store` names `store`,
/// `use crate::{app, telemetry}` names both.
fn named(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    code.match_indices("crate::")
        .flat_map(|(at, path)| {
            let rest = &code[at + path.len()..];
            match rest.strip_prefix('{') {
                Some(list) => list
                    .split(',')
                    .map(|item| word(item.trim()))
                    .collect::<Vec<_>>(),
                None => vec![word(rest)],
            }
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn modules_import_downward_only() {
    let mut broken = Vec::new();
    for path in sources(&root().join("src")) {
        let module = module_of(&path);
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            broken.push(format!("{}: `{module}` is no known layer", path.display()));
            continue;
        };
        let text = fs::read_to_string(&path).expect("readable source");
        for (number, line) in text.lines().enumerate() {
            for import in named(line) {
                let known = MAY_IMPORT.iter().any(|(name, _)| *name == import);
                let fine = import == module
                    || allowed.contains(&"*")
                    || !known
                    || allowed.contains(&import.as_str());
                if !fine {
                    broken.push(format!(
                        "{}:{}: `{module}` may not import `{import}`",
                        path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn providers_do_not_know_each_other() {
    let providers: Vec<String> = fs::read_dir(root().join("src/provider"))
        .expect("the providers")
        .map(|entry| entry.expect("readable entry").path())
        .filter(|path| path.is_dir() && !path.ends_with("http"))
        .map(|path| {
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert!(providers.contains(&"quickbooks".to_owned()));
    for provider in &providers {
        for path in sources(&root().join("src/provider").join(provider)) {
            let text = fs::read_to_string(&path).expect("readable source");
            for other in providers.iter().filter(|other| *other != provider) {
                assert!(
                    !text.contains(&format!("provider::{other}")),
                    "{} names {other}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn money_never_passes_through_floating_point() {
    // Floats measure time and sizes where that is all there is; nothing there holds an amount.
    let may = ["telemetry", "http", "sandbox", "demo"];
    for path in sources(&root().join("src")) {
        if may.contains(&module_of(&path).as_str()) || path.ends_with("provider/http/retry.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("readable source");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let float = code
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == "f64" || word == "f32");
            assert!(!float, "{}:{}: {line}", path.display(), number + 1);
        }
    }
}

#[test]
fn the_real_clock_is_read_in_one_place() {
    for path in sources(&root().join("src")) {
        let text = fs::read_to_string(&path).expect("readable source");
        if path.ends_with("clock.rs") {
            continue;
        }
        for call in ["Timestamp::now()", "Zoned::now()", "SystemTime::now()"] {
            assert!(!text.contains(call), "{} calls {call}", path.display());
        }
    }
}
