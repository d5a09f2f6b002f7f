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

/// A file of the contracts; `None`, said plainly, where they are absent.
///
/// # Panics
/// When they are absent and `PULSE_CONTRACTS_REQUIRED=1` says that they must not be.
pub(crate) fn read(path: &str) -> Option<String> {
    let file = directory().join(path);
    if let Ok(text) = std::fs::read_to_string(&file) {
        return Some(text);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "belongs to the tests, not to the settings"
    )]
    let required = std::env::var("PULSE_CONTRACTS_REQUIRED").is_ok_and(|value| value == "1");
    assert!(!required, "{} is required and absent", file.display());
    #[expect(
        clippy::print_stderr,
        reason = "a test that checks nothing must say so"
    )]
    {
        eprintln!("{} is absent: this test checked nothing", file.display());
    }
    None
}
