//! The entry points of the fuzzing under a driver that needs no special compiler. In `make test` a
//! sample; `make fuzz` says how many by `PULSE_FUZZ_RUNS`, where there is no libFuzzer.

mod driver;
#[path = "../../../fuzz/entries/mod.rs"]
pub(crate) mod entries;
mod mutation;

use self::driver::drive;
use self::entries::ENTRIES;

/// One test an entry, so that they run side by side and a failure has its name.
macro_rules! entries {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            drive(stringify!($name));
        })*

        #[test]
        fn every_entry_has_its_test() {
            let tested = [$(stringify!($name)),*];
            let names: Vec<_> = ENTRIES.iter().map(|entry| entry.name).collect();
            assert_eq!(names, tested);
        }
    };
}

entries! {
    tokens sessions signed doors keys webhooks quickbooks xero sage tryton documents requests cursors imports
    settings words
}
