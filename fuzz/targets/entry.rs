//! libFuzzer over one entry point: the one that `PULSE_FUZZ_ENTRY` names. Its seeds are written to the
//! folder that `PULSE_FUZZ_SEEDS` names, and its words to the file of `PULSE_FUZZ_WORDS`, before the
//! fuzzer reads them.

#![no_main]

#[path = "../entries/mod.rs"]
#[expect(dead_code, reason = "how many inputs are a sample is for the stable driver alone")]
mod entries;

use std::path::PathBuf;
use std::sync::LazyLock;

use entries::{ENTRIES, Entry};
use libfuzzer_sys::fuzz_target;

static ENTRY: LazyLock<&Entry> = LazyLock::new(|| {
    let name = std::env::var("PULSE_FUZZ_ENTRY").unwrap_or_default();
    ENTRIES
        .iter()
        .find(|entry| entry.name == name)
        .unwrap_or_else(|| {
            let names: Vec<_> = ENTRIES.iter().map(|entry| entry.name).collect();
            panic!("PULSE_FUZZ_ENTRY must be one of {}", names.join(", "))
        })
});

fn prepare() {
    if std::env::var("PULSE_FUZZ_ENTRY").is_ok_and(|name| name == "list") {
        for entry in ENTRIES {
            println!("{} {}", entry.name, entry.longest);
        }
        std::process::exit(0);
    }
    let entry = *ENTRY;
    if let Some(folder) = std::env::var_os("PULSE_FUZZ_SEEDS").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).expect("a folder for the seeds");
        for (nth, seed) in (entry.seeds)().iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{nth:03}")), seed).expect("a seed");
        }
    }
    if let Some(file) = std::env::var_os("PULSE_FUZZ_WORDS") {
        let words = entry.words.iter().map(|word| {
            let quoted = word.bytes().map(|byte| match byte {
                b'"' | b'\\' | 0..=31 | 127.. => format!("\\x{byte:02X}"),
                byte => char::from(byte).to_string(),
            });
            format!("\"{}\"\n", quoted.collect::<String>())
        });
        std::fs::write(file, words.collect::<String>()).expect("the words");
    }
}

fuzz_target!(init: prepare(), |input: &[u8]| {
    if input.len() <= ENTRY.longest {
        (ENTRY.run)(input);
    }
});
