//! The `financial-pulse` binary.

use std::process::ExitCode;

/// Allocates with fewer cycles than the system's allocator, which is what a request served from
/// memory mostly spends.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    financial_pulse::cli::run()
}
