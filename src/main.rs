//! The `financial-pulse` binary.

fn main() {}
