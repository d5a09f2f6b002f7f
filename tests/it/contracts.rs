//! The contracts lie beside the project where it is built; they are read in place, never copied.

use std::path::{Path, PathBuf};

/// Where the contracts are: `PULSE_CONTRACTS`, else beside the project.
fn directory() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "belongs to the tests, not to the settings"
    )]
    let named = std::env::var("PULSE_CONTRACTS").ok();
    named.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/contracts"),
        PathBuf::from,
    )
}

/// A folder of the contracts; `None`, said plainly, where they are absent.
///
/// # Panics
/// When they are absent and `PULSE_CONTRACTS_REQUIRED=1` says that they must not be.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let folder = directory().join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "belongs to the tests, not to the settings"
    )]
    let required = std::env::var("PULSE_CONTRACTS_REQUIRED").is_ok_and(|value| value == "1");
    assert!(!required, "{} is required and absent", folder.display());
    #[expect(
        clippy::print_stderr,
        reason = "a test that checks nothing must say so"
    )]
    {
        eprintln!("{} is absent: this test checked nothing", folder.display());
    }
    None
}

/// A file of the contracts as text; `None`, said plainly, where they are absent.
///
/// # Panics
/// As [`folder`]; and when the contracts are there but the file is not.
pub(crate) fn read(path: &str) -> Option<String> {
    let (folder_name, file) = path.split_once('/').expect("a path below a folder");
    let bytes = bytes(&folder(folder_name)?.join(file));
    Some(String::from_utf8(bytes).expect("text"))
}

/// A file as it lies there.
pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file as JSON, its numbers as spelled.
pub(crate) fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&bytes(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
